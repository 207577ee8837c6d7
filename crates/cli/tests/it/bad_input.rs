//! What a person can get wrong: one error, one hint, the right code, nothing half-done and nothing told.

use std::fs;

use interlock_core::id::EnvironmentName;
use interlock_store::SqliteStore;

use crate::model::silent;
use crate::place::{Place, example};

const SECRET: &str = "sk-ant-do-not-show-7f3a";

/// Arguments, code, and what error and hint hold.
type Row<'a> = (&'a [&'a str], i32, &'a str, &'a str);

#[test]
fn wrong_words_change_nothing() {
    let place = Place::installed(silent());
    let bundle = example("incident-summary");
    let bundle = bundle.to_str().unwrap();
    let run = "run_01M7Y89J1A5993RHY5VCPCRKGT";
    let rows: &[Row<'_>] = &[
        (&["demoo"], 2, "demoo", "demo"),
        (&["run", bundle], 2, "--input", "interlock run"),
        (
            &["runs", "list", "--status", "done"],
            2,
            "done",
            "interlock",
        ),
        (&["check", "nowhere"], 2, "nowhere", ""),
        (
            &["test", bundle, "--case", "none"],
            2,
            "find a case",
            "tests",
        ),
        (
            &["run", "no/bundle", "--input", "{}"],
            2,
            "no/bundle",
            "bundle list",
        ),
        (
            &["run", "no-bundle", "--input", "{}"],
            2,
            "find the bundle",
            "list",
        ),
        (
            &["run", bundle, "--input", "{case"],
            2,
            "line 1, column 2",
            "quote it",
        ),
        (
            &["run", bundle, "--input", "@missing.json"],
            2,
            "missing.json",
            "after @",
        ),
        (
            &["run", bundle, "--input", "{}", "--workflow", "A B"],
            2,
            "A B",
            "check",
        ),
        (
            &["run", bundle, "--input", "{}", "--api-key", "none"],
            2,
            "none",
            "create",
        ),
        (&["review", "show", run], 2, run, "rev_"),
        (&["inbox", "show", "rev_1"], 2, "rev_1", "inb_"),
        (&["runs", "show", run], 2, "failed to", "runs list"),
        (&["audit", "verify", "1"], 2, "`1`", "run_"),
        (&["audit", "show", "\u{1b}[2J"], 2, "\\u{1b}[2J", "run_"),
        (&["key", "set", "No Name"], 2, "No Name", "anthropic"),
        (&["key", "set", "anthropic"], 2, "no terminal", "--stdin"),
        (
            &["key", "api", "create", "x", "--days", "0"],
            2,
            "0 days",
            "366",
        ),
        (
            &["key", "api", "create", "x", "--roles", "A B"],
            2,
            "A B",
            "--roles",
        ),
        (&["init"], 2, "there is one already", "--data-dir"),
        (
            &["serve", "--listen", "0.0.0.0:0"],
            2,
            "beyond loopback",
            "--behind-tls",
        ),
        (&["demo", "--live"], 2, "terminal", "--yes"),
    ];
    let before = place.files();
    for (arguments, code, error, hint) in rows {
        place.run(arguments).refused(*code, error, hint);
    }
    let after = place.files();
    assert_eq!(seen(&before), seen(&after));
    let runs = place.json(&["runs", "list"], 0);
    assert_eq!(runs.as_array().unwrap().len(), 0);
}

#[test]
fn without_an_installation_nothing_is_made() {
    let place = Place::new();
    let before = place.files();
    for arguments in [
        &["runs", "list"][..],
        &["audit", "verify"],
        &["doctor"],
        &["serve"],
        &["key", "list"],
        &["run", "incident-summary", "--input", "{}"],
    ] {
        place
            .run(arguments)
            .refused(2, "there is no installation", "interlock init");
    }
    place
        .run(&["demo", "--live", "--yes"])
        .refused(2, "credential", "key set anthropic");
    place.run(&["key", "set", "a b", "--stdin"]).code(2);
    place.run(&["key", "set", "anthropic"]).code(2);
    place.run(&["init", "--environment", "Not One"]).code(2);
    assert_eq!(place.files(), before);
}

#[test]
fn a_broken_bundle_is_shown_with_its_place() {
    let place = Place::new();
    let folder = place.home().join("broken");
    copy(&example("incident-summary"), &folder);
    let workflow = folder.join("workflows/summarise.yaml");
    let text = fs::read_to_string(&workflow).unwrap();
    let broken = text.replacen("model: writer", "modle: writer", 1);
    fs::write(&workflow, broken).unwrap();
    let said =
        place
            .run(&["check", folder.to_str().unwrap()])
            .refused(2, "1 problem", "docs/bundle.md");
    for part in ["workflows/summarise.yaml:", "modle", "─"] {
        assert!(said.err.contains(part), "{part}: {}", said.err);
    }
}

#[test]
fn configuration_is_refused_by_its_line_and_no_secret_is_repeated() {
    let plain = [
        format!("[settings]\napi_token = \"{SECRET}\"\n"),
        format!("[settings]\nharmless = \"{SECRET}\"\n"),
        format!("[settings]\nharmless = {SECRET}\n"),
        format!("[settings]\nharmless = \"{SECRET}\n"),
    ];
    let other = [
        "colour = \"red\"\n",
        "[egress]\nca = \"x\"\n",
        "[aliases]\nreader = \"nobody\"\n",
    ];
    for text in plain.iter().map(String::as_str).chain(other) {
        let place = Place::new();
        place.run(&["init"]).code(0);
        // Before the rest, so that the line is known, and the file holds no table twice.
        place.edit_config(|_| format!("environment = \"dev\"\n{text}"));
        let line = 1 + text.lines().count();
        let said = place.run(&["runs", "list"]);
        let said = said.refused(2, &format!("interlock.toml:{line}: "), "");
        assert!(!said.err.contains(SECRET), "{}", said.err);
    }
    let place = Place::new();
    place.run(&["init"]).code(0);
    place.edit_config(|text| text.replace("secret://anthropic", SECRET));
    let said = place
        .run(&["doctor"])
        .refused(2, "secret://NAME", "interlock key set");
    assert!(!said.err.contains(SECRET), "{}", said.err);
}

#[test]
fn a_secret_from_a_pipe_is_sealed_and_never_told() {
    let place = Place::installed(silent());
    let set = ["key", "set", "anthropic", "--stdin"];
    let said = place.run_with(&set, SECRET.as_bytes()).code(0);
    assert!(!said.out.contains(SECRET) && !said.err.contains(SECRET));
    place.run(&["key", "list"]).code(0).shows("anthropic");
    for path in place.files().iter().filter(|path| path.is_file()) {
        let bytes = fs::read(path).unwrap();
        let found = bytes
            .windows(SECRET.len())
            .any(|part| part == SECRET.as_bytes());
        assert!(!found, "{} holds the secret", path.display());
    }
    place.run_with(&set, b"").refused(2, "failed to", "");
    place.run(&["key", "remove", "anthropic"]).code(0);
    place.run(&["key", "list"]).code(0).shows("no secrets");
}

#[test]
fn what_others_may_read_is_not_used() {
    let place = Place::installed(silent());
    let key = place.service();
    let bundle = example("incident-summary");
    let bundle = bundle.to_str().unwrap();
    place.mode(key.as_ref(), 0o644);
    place
        .run(&["run", bundle, "--input", "{}", "--api-key", &key])
        .refused(2, "others than its owner", "chmod 600");
    let local = place.data().join("keys/local.key");
    place.mode(&local, 0o644);
    place
        .run(&["runs", "list"])
        .refused(1, "others than its owner", "chmod 600");
    place.mode(&local, 0o600);
    place.mode(&place.data(), 0o755);
    place
        .run(&["bundle", "deploy", bundle])
        .refused(1, "other users may enter", "chmod 700");
    let doctor = place.run(&["doctor"]).code(1);
    assert!(doctor.out.contains("chmod 700"), "{}", doctor.out);
}

#[test]
fn a_store_of_another_environment_is_left_alone() {
    let place = Place::installed(silent());
    place.edit_config(|text| text.replace("\"dev\"", "\"staging\""));
    place
        .run(&[
            "bundle",
            "deploy",
            example("incident-summary").to_str().unwrap(),
        ])
        .refused(1, "environment `dev`, not `staging`", "another --data-dir");
    place
        .run(&[
            "demo",
            "--yes",
            "--data-dir",
            place.data().to_str().unwrap(),
        ])
        .refused(2, "environment staging", "environment dev");
}

#[test]
fn a_store_in_use_is_named_with_its_holder() {
    let place = Place::installed(silent());
    // This process is not the binary's.
    let held = SqliteStore::open(&place.data(), &EnvironmentName::parse("dev").unwrap()).unwrap();
    let holder = format!("process {}", std::process::id());
    place
        .run(&[
            "bundle",
            "deploy",
            example("incident-summary").to_str().unwrap(),
        ])
        .refused(1, &holder, "stop the other process");
    // What a server that holds it would do is named by its route.
    for (command, route) in [
        (
            &["world", "halt", "--reason", "x"][..],
            "POST /api/v1/world",
        ),
        (&["key", "rotate"], "POST /api/v1/keys/rotate"),
        (&["audit", "hold", "list"], "GET /api/v1/holds"),
        (
            &["audit", "retention", "expire"],
            "POST /api/v1/retention/expire",
        ),
        (
            &[
                "audit",
                "erase",
                "--subject",
                "Ada",
                "--order",
                "o",
                "--reason",
                "x",
                "--yes",
            ],
            "POST /api/v1/erasures",
        ),
    ] {
        place.run(command).refused(1, &holder, route);
    }
    place
        .run(&["audit", "export", "--out", "a.tar", "--reason", "x"])
        .refused(1, "another process", "POST /api/v1/exports");
    // Reading goes on beside it.
    place.run(&["runs", "list"]).code(0).shows("no runs");
    drop(held);
    place
        .run(&[
            "bundle",
            "deploy",
            example("incident-summary").to_str().unwrap(),
        ])
        .code(0);
}

#[test]
fn an_input_that_does_not_fit_is_refused_and_on_record() {
    let place = Place::installed(silent());
    let key = place.service();
    let bundle = example("incident-summary");
    let bundle = bundle.to_str().unwrap();
    let input = r#"{"case_id": 7, "extra": "x"}"#;
    let asked = ["run", bundle, "--input", input, "--api-key", &key];
    place.run(&asked).code(1).shows("rejected");
    place
        .run(&["audit", "verify"])
        .code(0)
        .shows("verified: 1 runs");
    place
        .run(&["audit", "rejections"])
        .code(0)
        .shows("terminal");
}

/// Files but those that an opened store touches.
fn seen(files: &[std::path::PathBuf]) -> Vec<&std::path::PathBuf> {
    let touched = ["interlock.db-wal", "interlock.db-shm", "lock"];
    files
        .iter()
        .filter(|path| !touched.iter().any(|name| path.ends_with(name)))
        .collect()
}

pub(crate) fn copy(from: &std::path::Path, to: &std::path::Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
