//! What leaves as an export verifies elsewhere, under a key that came by another way, and nothing changed in it does.
//! What is looked for is found.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::model::{clean, speaking};
use crate::place::{Place, example};

/// An installation with one finished run, the log's key, and the run.
struct Finished {
    place: Place,
    key: String,
    run: String,
}

fn finish() -> Finished {
    let place = Place::installed(speaking(vec![clean()]));
    place.edit_config(|text| text.replace("roles = [", "roles = [\"investigator\", "));
    let service = place.service();
    let run = place.started(&example("incident-summary"), &service);
    let run = run["run"].as_str().unwrap().to_owned();
    let open = place.json(&["review", "list"], 0);
    let (review, digest) = (
        open[0]["review"].as_str().unwrap(),
        open[0]["digest"].as_str().unwrap(),
    );
    place
        .run(&["review", "approve", review, "--digest", digest])
        .code(0);
    let key = place.run(&["audit", "key", "--format", "vkey"]).code(0).out;
    Finished {
        place,
        key: key.trim().to_owned(),
        run,
    }
}

impl Finished {
    /// An export; returns its path and what was said.
    fn export(&self, name: &str, arguments: &[&str]) -> (PathBuf, Value) {
        let out = self.place.home().join(name);
        let mut all = vec!["audit", "export", "--out", out.to_str().unwrap()];
        all.extend(["--reason", "evidence for the auditor"]);
        all.extend(arguments);
        let said = self.place.json(&all, 0);
        (out, said)
    }

    fn verify(&self, path: &Path, code: i32) -> Value {
        let path = path.to_str().unwrap();
        self.place
            .json(&["audit", "verify", path, "--key", &self.key], code)
    }
}

#[test]
fn every_kind_of_export_verifies_under_the_logs_key() {
    let finished = finish();
    for (name, arguments, folder) in [
        ("log.tar", &[][..], false),
        ("log/", &[], true),
        ("run.tar", &["--run", &finished.run], false),
        ("range.tar", &["--from", "1", "--to", "7"], false),
        ("days.tar", &["--since", "2020-01-01"], false),
        ("tiles", &["--format", "tiles"], true),
    ] {
        let (path, said) = finished.export(name, arguments);
        assert_eq!(path.is_dir(), folder, "{name}");
        assert!(said["entries"].as_u64().unwrap() > 5, "{name}: {said}");
        let report = finished.verify(&path, 0);
        assert_eq!(report["verdict"], "verified", "{name}: {report}");
    }
    // What left is on record, and the log still verifies.
    let found = finished
        .place
        .json(&["audit", "search", "--event", "export.created"], 0);
    assert_eq!(found["found"].as_array().unwrap().len(), 6);
    let report = finished.place.json(&["audit", "verify"], 0);
    assert_eq!(report["log"]["verdict"], "verified", "{report}");
}

#[test]
fn the_same_export_of_the_same_log_has_the_same_bytes() {
    let finished = finish();
    let range = ["--from", "0", "--to", "9"];
    let (one, _) = finished.export("one.tar", &range);
    let (other, _) = finished.export("other.tar", &range);
    // The first export is an entry itself, so the second is of a larger log; its entries are the same bytes.
    let report = |path: &Path| finished.verify(path, 0);
    assert!(report(&one)["size"].as_u64() < report(&other)["size"].as_u64());
    let entries = |path: &Path| {
        let listed = Command::new("tar").arg("tf").arg(path).output().unwrap();
        let text = String::from_utf8(listed.stdout).unwrap();
        assert!(
            listed.status.success() && text.contains("VERIFY.md"),
            "{text}"
        );
        text.lines()
            .filter(|path| path.starts_with("events/") && path.ends_with(".json"))
            .map(|inside| {
                let read = Command::new("tar")
                    .args(["xOf", path.to_str().unwrap(), inside])
                    .output();
                (inside.to_owned(), read.unwrap().stdout)
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(entries(&one), entries(&other));
    assert_eq!(entries(&one).len(), 9);
}

#[test]
fn a_changed_byte_anywhere_in_an_export_is_found() {
    let finished = finish();
    let (folder, _) = finished.export("log/", &[]);
    let mut files = Vec::new();
    list(&folder, &mut files);
    assert!(files.len() > 10, "{files:?}");
    for file in &files {
        let whole = fs::read(file).unwrap();
        for at in [0, whole.len() / 2, whole.len() - 1] {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            fs::write(file, changed).unwrap();
            let report = finished.place.json(
                &[
                    "audit",
                    "verify",
                    folder.to_str().unwrap(),
                    "--key",
                    &finished.key,
                ],
                1,
            );
            assert_eq!(
                report["verdict"],
                "tampered",
                "{} byte {at}: {report}",
                file.display()
            );
        }
        fs::write(file, &whole).unwrap();
    }
    finished.verify(&folder, 0);
}

#[test]
fn who_trusts_the_key_before_verifies_what_the_keys_after_it_signed() {
    let finished = finish();
    for turn in ["first", "second"] {
        let rotate = ["audit", "key", "--rotate", "--reason", "yearly"];
        finished.place.run(&rotate).code(0);
        // Something is written, and signed by the new key alone.
        let (_, said) = finished.export(&format!("{turn}.tar"), &[]);
        assert!(said["entries"].as_u64().unwrap() > 5, "{said}");
    }
    let (whole, _) = finished.export("whole/", &[]);
    let report = finished.verify(&whole, 0);
    assert_eq!(report["verdict"], "verified", "{report}");
    let said = report.to_string();
    assert_eq!(said.matches("handed over to").count(), 2, "{said}");
    // A part of the log does not show it.
    let (part, _) = finished.export("part.tar", &["--from", "1", "--to", "7"]);
    let report = finished.verify(&part, 2);
    assert_eq!(report["verdict"], "cannot tell", "{report}");
}

#[test]
fn without_a_key_or_under_another_nothing_verifies() {
    let finished = finish();
    let (path, _) = finished.export("log.tar", &[]);
    finished
        .place
        .run(&["audit", "verify", path.to_str().unwrap()])
        .refused(2, "no key was given", "--key");
    let other = finish();
    other.verify(&path, 1);
}

#[test]
fn a_disclosed_payload_is_what_its_entry_committed_to() {
    let finished = finish();
    let shown = finished.place.json(&["audit", "show", &finished.run], 0);
    let payload = shown
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|entry| entry["payloads"][0].as_str())
        .find_map(|payload| payload.strip_prefix("reply "))
        .unwrap()
        .to_owned();
    let (folder, _) = finished.export("run/", &["--run", &finished.run, "--disclose", &payload]);
    finished.verify(&folder, 0);
    let text = fs::read(folder.join(format!("disclosed/{payload}.json"))).unwrap();
    let disclosed: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(disclosed["slot"], "reply");
    // Made again with another implementation: HMAC-SHA256(key, "payload/v1" 0 slot 0 content).
    let program = "
import base64, hashlib, hmac, json, sys
d = json.load(open(sys.argv[1]))
content = b'payload/v1\\0' + d['slot'].encode() + b'\\0' + base64.b64decode(d['plaintext'])
print(hmac.new(bytes.fromhex(d['commitment_key']), content, hashlib.sha256).hexdigest())
";
    let made = Command::new("python3")
        .args(["-c", program])
        .arg(folder.join(format!("disclosed/{payload}.json")))
        .output()
        .unwrap();
    let commitment = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    assert_eq!(commitment.len(), 64);
    let mut files = Vec::new();
    list(&folder.join("events"), &mut files);
    let named = files
        .iter()
        .filter(|file| file.extension().is_some_and(|kind| kind == "json"))
        .any(|file| {
            fs::read_to_string(file)
                .unwrap()
                .contains(&format!("\"commit\":\"{commitment}\""))
        });
    assert!(named, "no entry has {commitment}");
    // The reading is on record with the export.
    let read = finished.place.json(
        &[
            "audit",
            "search",
            "--event",
            "payload.read",
            "--run",
            "run_00000000000000000000000000",
        ],
        0,
    );
    assert!(
        read["found"]
            .as_array()
            .unwrap()
            .iter()
            .any(|found| found["entry"].to_string().contains(&payload))
    );
}

#[test]
fn who_holds_no_role_for_it_exports_nothing() {
    let finished = finish();
    finished.place.edit_config(|text| {
        ["admin", "auditor", "dpo", "investigator"]
            .iter()
            .fold(text, |text, role| {
                text.replace(&format!("\"{role}\""), "\"approver\"")
            })
    });
    let out = finished.place.home().join("out.tar");
    finished
        .place
        .run(&[
            "audit",
            "export",
            "--out",
            out.to_str().unwrap(),
            "--reason",
            "x",
        ])
        .refused(4, "none of the roles", "role");
    assert!(!out.exists());
    assert!(!finished.place.home().join("out.tar.partial").exists());
}

#[test]
fn entries_are_found_by_what_they_say() {
    let finished = finish();
    let found = |arguments: &[&str]| {
        let mut all = vec!["audit", "search"];
        all.extend(arguments);
        let page = finished.place.json(&all, 0);
        page["found"].as_array().unwrap().len()
    };
    let all = found(&["--limit", "200"]);
    assert!(all > 10);
    let run = found(&["--run", &finished.run]);
    assert!(run > 5 && run < all);
    assert_eq!(
        found(&["--workflow", "summarise", "--run", &finished.run]),
        run
    );
    assert!(found(&["--decision", "allow"]) > 1);
    assert_eq!(
        found(&["--decision", "allow", "--event", "review.voted"]),
        0
    );
    assert_eq!(
        found(&["--event", "review.voted", "--decision", "approve"]),
        1
    );
    assert_eq!(found(&["--person", "nobody-of-this-name"]), 0);
    assert_eq!(found(&["--from", "2999-01-01"]), 0);
    assert_eq!(found(&["--to", "2999-01-01", "--limit", "200"]), all);
    assert_eq!(found(&["--rebuild", "--limit", "200"]), all);
    // Page by page, each once, newest first.
    let mut below = None;
    let mut indices = Vec::new();
    loop {
        let mut arguments = vec![
            "audit".to_owned(),
            "search".into(),
            "--limit".into(),
            "7".into(),
        ];
        if let Some(below) = below {
            arguments.extend(["--below".to_owned(), format!("{below}")]);
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let page = finished.place.json(&arguments, 0);
        let here = page["found"].as_array().unwrap().clone();
        indices.extend(here.iter().map(|found| found["index"].as_u64().unwrap()));
        match page["next"].as_u64() {
            Some(next) => below = Some(next),
            None => break,
        }
    }
    assert_eq!(indices.len(), all);
    assert!(indices.is_sorted_by(|a, b| a > b));
}

#[test]
#[ignore = "needs the verifiers of scripts/strangers"]
fn stranger_go_accepts_exported_tiles_and_refuses_changed_ones() {
    let strangers = PathBuf::from(std::env::var_os("INTERLOCK_STRANGERS").unwrap());
    let missing = fs::read_to_string(strangers.join("missing")).unwrap_or_default();
    if missing.lines().any(|name| name == "go-verify") {
        println!("passed over: no go-verify here");
        return;
    }
    let finished = finish();
    let (folder, _) = finished.export("tiles", &["--format", "tiles"]);
    let go = || {
        Command::new(strangers.join("bin/go-verify"))
            .arg(&folder)
            .arg(&finished.key)
            .output()
            .unwrap()
    };
    assert!(go().status.success(), "{go:?}", go = go());
    let mut files = Vec::new();
    list(&folder.join("tile/entries"), &mut files);
    let mut bytes = fs::read(&files[0]).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    fs::write(&files[0], bytes).unwrap();
    assert!(!go().status.success());
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            list(&path, files);
        } else {
            files.push(path);
        }
    }
}
