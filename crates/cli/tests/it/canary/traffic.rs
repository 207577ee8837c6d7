//! Everything that is typed: runs that end in every way, people's reasons, refused inputs and requests, administration.

use std::time::Duration;

use serde_json::{Value, json};

use super::http::Served;
use super::town::{Town, files};
use crate::model::clean;

/// All of it. What a server served to overseers comes back.
pub(crate) fn all(town: &mut Town) -> Vec<(String, Vec<u8>)> {
    people(town);
    by_hand(town);
    refused(town);
    administration(town);
    let served = server(town);
    keys(town);
    exports(town);
    served
}

/// A run that completes, with everybody who may see its content.
pub(crate) fn people(town: &mut Town) {
    let input = town.input("subject", "note");
    let key = town.mark("idempotency key");
    let run = town.start(&input, &key);
    let (review, digest) = town.review(&run);
    let seen = ["reply summary", "reply rationale", "evidence"];
    town.shows(&["review", "show", &review], 3, &seen);
    let reason = town.mark("reason of an approval");
    let approve = [
        "review", "approve", &review, "--digest", &digest, "--reason", &reason,
    ];
    let answers = town.answers;
    town.shows(&approve, 0, answers);
    town.shows(&["runs", "show", &run], 0, answers);
    town.quiet(&["audit", "show", &run], 0);
    town.quiet(&["audit", "show", &run, "--marks"], 0);
    town.quiet_json(&["audit", "show", &run, "--marks"], 0);
    // Somebody else's, for comparison: it waits.
    let input = town.input("other subject", "other note");
    let key = town.mark("other idempotency key");
    let run = town.start(&input, &key);
    let (review, _) = town.review(&run);
    town.shows(&["review", "show", &review], 3, &["reply about ben"]);
}

/// A run whose model answers nonsense, finished by hand and then turned down.
pub(crate) fn by_hand(town: &mut Town) {
    let input = town.input("subject", "note of the second run");
    let key = town.mark("second idempotency key");
    let run = town.start(&input, &key);
    let items = town.quiet_json(&["inbox", "list"], 0);
    let item = items[0]["item"].as_str().unwrap().to_owned();
    town.shows(&["inbox", "show", &item], 3, &["evidence"]);
    let (name, text) = (
        town.mark("unknown field by hand"),
        town.mark("refused by hand"),
    );
    let mut wrong = json!({"summary": text, "severity": text, "quotes": [text]});
    wrong[name] = json!(text);
    town.quiet(
        &["inbox", "complete", &item, "--value", &wrong.to_string()],
        2,
    );
    let broken = format!("{{\"{}", town.mark("broken JSON by hand"));
    town.quiet(&["inbox", "complete", &item, "--value", &broken], 2);
    let mut value = clean();
    value["quotes"][0]["text"] = json!(format!("login of user {} accepted", town.mark("evidence")));
    value["summary"] = json!(format!(
        "Written by hand: {}",
        town.mark("completed by hand")
    ));
    town.quiet(
        &["inbox", "complete", &item, "--value", &value.to_string()],
        3,
    );
    let (review, _) = town.review(&run);
    town.shows(&["review", "show", &review], 3, &["completed by hand"]);
    let reason = town.mark("reason of a rejection");
    town.quiet(&["review", "reject", &review, "--reason", &reason], 0);
}

/// Inputs that are refused, at the terminal.
fn refused(town: &mut Town) {
    let (name, text) = (town.mark("unknown input field"), town.mark("refused input"));
    let mut input: Value =
        serde_json::from_str(&town.input("refused subject", "refused note")).unwrap();
    input[name] = json!(text);
    let (bundle, api_key) = (town.bundle.clone(), town.key.clone());
    let run = |town: &mut Town, input: &str, code| {
        let asked = ["run", &bundle, "--input", input, "--api-key", &api_key];
        town.quiet(&asked, code);
    };
    run(town, &input.to_string(), 1);
    let broken = format!("{{\"case_id\": {}", town.mark("broken JSON"));
    run(town, &broken, 2);
    let mut repeated: Value = serde_json::from_str(&town.input("subject", "note")).unwrap();
    repeated["note"] = json!(town.mark("changed repetition"));
    let key = town.mark("idempotency key");
    let asked = [
        "run",
        &bundle,
        "--input",
        &repeated.to_string(),
        "--api-key",
        &api_key,
        "--key",
        &key,
    ];
    town.quiet(&asked, 2);
    town.quiet(&["audit", "rejections"], 0);
}

/// Reasons and names that offices give.
fn administration(town: &mut Town) {
    let name = town.name_of("subject");
    for (command, place) in [
        (&["world", "halt"][..], "reason of a halt"),
        (&["world", "incident"], "reason of an incident"),
        (&["world", "resume"], "reason of resuming"),
        (&["audit", "key", "--rotate"], "reason of a new log key"),
        (&["audit", "guard", "adopt"], "reason of adopting"),
        (
            &["audit", "prune", "--before", "2020-01-01", "--dry-run"],
            "reason of pruning",
        ),
    ] {
        let reason = town.mark(place);
        town.quiet(&[command, &["--reason", &reason]].concat(), 0);
    }
    let reason = town.mark("reason of a hold");
    let held = [
        "audit",
        "hold",
        "place",
        "--subject",
        &name,
        "--reason",
        &reason,
    ];
    let hold = town.quiet_json(&held, 0);
    let hold = hold["hold"].as_str().unwrap().to_owned();
    town.quiet(&["audit", "hold", "list"], 0);
    let (order, reason) = (
        town.mark("order in vain"),
        town.mark("reason of an erasure in vain"),
    );
    let erase = [
        "audit",
        "erase",
        "--subject",
        &name,
        "--order",
        &order,
        "--reason",
        &reason,
        "--yes",
    ];
    town.quiet(&erase, 4);
    let reason = town.mark("reason of a release");
    town.quiet(&["audit", "hold", "release", &hold, "--reason", &reason], 0);
    town.quiet(&["audit", "search", "--rebuild"], 0);
    for (option, text) in [
        ("--subject", name),
        ("--subject", town.mark("searched subject")),
        ("--person", town.mark("searched person")),
        ("--person", town.mark("user name")),
    ] {
        town.quiet(&["audit", "search", option, &text], 0);
    }
    town.quiet(&["audit", "retention", "expire"], 0);
    town.quiet(&["audit", "stream"], 0);
}

/// Requests over HTTP, good and bad, and the files that overseers may read.
fn server(town: &mut Town) -> Vec<(String, Vec<u8>)> {
    let auditor = town.place.json(
        &["key", "api", "create", "auditor", "--roles", "auditor"],
        0,
    );
    let auditor = format!("authorization: Bearer {}", auditor["key"].as_str().unwrap());
    let key = std::fs::read_to_string(&town.key).unwrap();
    let service = format!("authorization: Bearer {key}\r\ncontent-type: application/json");
    let input: Value =
        serde_json::from_str(&town.input("subject over HTTP", "note over HTTP")).unwrap();
    let start = |input: &Value| json!({"bundle": "incident-summary", "input": input}).to_string();
    let served = Served::start(town);
    let mut parts = Vec::new();
    let mut ask = |what: &str, head: String, body: &str| {
        let answer = served.ask(&head, body);
        parts.push((format!("answer to {what}"), answer.clone()));
        String::from_utf8_lossy(&answer).into_owned()
    };
    let mut mark = |place| town.markers.mark(place);
    let post = format!(
        "POST /api/v1/runs HTTP/1.1\r\n{service}\r\nidempotency-key: {}",
        mark("HTTP idempotency key")
    );
    let said = ask("a start", post.clone(), &start(&input));
    assert!(said.starts_with("HTTP/1.1 202"), "{said}");
    let mut other = input;
    other["note"] = json!(mark("changed repetition over HTTP"));
    assert!(ask("a changed repetition", post, &start(&other)).starts_with("HTTP/1.1 409"));
    let post = format!("POST /api/v1/runs HTTP/1.1\r\n{service}");
    other[mark("unknown input field over HTTP")] = json!(mark("refused input over HTTP"));
    assert!(
        ask("an input that does not fit", post.clone(), &start(&other)).starts_with("HTTP/1.1 422")
    );
    let unknown = json!({mark("unknown member"): mark("unknown value")}).to_string();
    ask("an unknown member", post.clone(), &unknown);
    ask(
        "a body that is no JSON",
        post.clone(),
        &format!("{{\"{}", mark("broken body")),
    );
    ask(
        "a bundle that is not there",
        post,
        &json!({"bundle": mark("bundle asked for"), "input": {}}).to_string(),
    );
    for (what, path) in [
        ("a path", format!("/api/v1/{}", mark("path"))),
        ("an id", format!("/api/v1/runs/{}", mark("id"))),
        (
            "a parameter",
            format!(
                "/api/v1/runs?{}={}",
                mark("parameter"),
                mark("parameter's value")
            ),
        ),
        (
            "a cursor",
            format!("/api/v1/runs?before={}", mark("cursor")),
        ),
        ("a log file", format!("/api/v1/log/{}", mark("log file"))),
        (
            "a search",
            format!(
                "/api/v1/search?subject={}&person={}",
                mark("subject searched over HTTP"),
                mark("person searched over HTTP")
            ),
        ),
    ] {
        for who in [&service, &auditor] {
            ask(what, format!("GET {path} HTTP/1.1\r\n{who}"), "");
        }
    }
    for header in [
        format!("authorization: Bearer {}", mark("credential")),
        format!(
            "{service}\r\n{}: {}",
            mark("header"),
            mark("header's value")
        ),
        format!(
            "{service}\r\ncookie: {}\r\nuser-agent: {}",
            mark("cookie"),
            mark("user agent")
        ),
        format!(
            "authorization: Bearer {key}\r\ncontent-type: {}",
            mark("content type")
        ),
        format!(
            "authorization: Basic {}\r\nx-forwarded-for: {}",
            mark("basic credential"),
            mark("forwarded address")
        ),
    ] {
        ask(
            "a header",
            format!("POST /api/v1/runs HTTP/1.1\r\n{header}"),
            "{}",
        );
    }
    ask(
        "a method",
        format!("{} /api/v1/runs HTTP/1.1\r\n{service}", mark("method")),
        "",
    );
    let review = mark("vote's reason");
    let vote = json!({"digest": "0".repeat(64), "approve": false, "reason": review}).to_string();
    ask(
        "a vote",
        format!("POST /api/v1/reviews/rev_01J00000000000000000000000/votes HTTP/1.1\r\n{service}"),
        &vote,
    );
    // The run that was started here ends in the inbox, since its model talks nonsense.
    let waiting = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        ask(
            "the inbox",
            format!("GET /api/v1/inbox HTTP/1.1\r\n{auditor}"),
            "",
        )
        .contains("inb_")
    });
    assert!(waiting);
    for path in [
        "/metrics",
        "/readyz",
        "/api/v1/runs",
        "/api/v1/rejections",
        "/api/v1/log/checkpoint",
    ] {
        let said = ask(path, format!("GET {path} HTTP/1.1\r\n{auditor}"), "");
        assert!(said.starts_with("HTTP/1.1 200"), "{path}: {said}");
    }
    tiles(&mut ask, &auditor);
    parts.extend(served.stop(town));
    parts
}

/// Every tile and entry bundle of the published log.
fn tiles(ask: &mut impl FnMut(&str, String, &str) -> String, auditor: &str) {
    let mut get = |path: &str| {
        ask(
            path,
            format!("GET /api/v1/log/{path} HTTP/1.1\r\n{auditor}"),
            "",
        )
    };
    let checkpoint = get("checkpoint");
    let body = checkpoint.split("\r\n\r\n").nth(1).unwrap();
    let size: u64 = body.lines().nth(1).unwrap().parse().unwrap();
    assert!(size > 60, "{size}");
    for kind in ["0", "entries"] {
        for full in 0..size / 256 {
            assert!(get(&format!("tile/{kind}/{full:03}")).starts_with("HTTP/1.1 200"));
        }
        let last = format!("tile/{kind}/{:03}.p/{}", size / 256, size % 256);
        let said = get(&last);
        assert!(
            size.is_multiple_of(256) || said.starts_with("HTTP/1.1 200"),
            "{last}: {said}"
        );
    }
}

/// The key file's passphrase, and an epoch's turn.
fn keys(town: &mut Town) {
    let passphrase = town.mark("passphrase");
    let file = town.place.file("passphrase", &passphrase);
    town.quiet(&["key", "passphrase", "--from-file", &file], 0);
    town.place.edit_config(|text| {
        format!("{text}\n[keys]\nprovider = \"file\"\npassphrase_file = \"{file}\"\n")
    });
    town.quiet(&["key", "rotate"], 0);
    town.quiet(&["key", "status"], 0);
    town.quiet(&["key", "list"], 0);
}

/// Exports in every form, with all ciphertexts.
fn exports(town: &mut Town) {
    let out = town.place.home().join("out");
    std::fs::create_dir(&out).unwrap();
    let name = town.name_of("subject");
    let reason = town.mark("reason of an export");
    for (file, more) in [
        ("log.tar", &[][..]),
        ("log/", &[]),
        ("tiles", &["--format", "tiles"]),
        ("subject.tar", &["--subject", &name]),
        ("range/", &["--from", "3", "--to", "60"]),
    ] {
        let to = format!("{}/{file}", out.display());
        let export = ["audit", "export", "--out", &to, "--reason", &reason];
        town.quiet(&[&export[..], more].concat(), 0);
    }
    assert!(files(&out).len() > 100);
    town.quiet(&["audit", "stream"], 0);
    town.quiet(&["audit", "verify"], 0);
    town.quiet(&["doctor"], 0);
}

/// What was typed was really there: it is revealed, and was sent where it was to go.
pub(crate) fn positive(town: &mut Town) {
    let sent = town.register.lock().unwrap().clone();
    let needles = town.markers.needles();
    for place in ["reply summary (raw)", "secret value (raw)"] {
        assert!(
            needles.found(&sent).contains(place),
            "{place} did not reach the register"
        );
    }
    let run = town.quiet_json(&["runs", "list"], 0);
    let run = run
        .as_array()
        .unwrap()
        .iter()
        .find(|run| run["outcome"] == "completed")
        .unwrap();
    let run = run["run"].as_str().unwrap().to_owned();
    let shown = town.quiet_json(&["audit", "show", &run], 0);
    let reason = town.mark("reason of revealing");
    let mut seen = Vec::new();
    for entry in shown.as_array().unwrap() {
        for payload in entry["payloads"].as_array().into_iter().flatten() {
            let (_, id) = payload.as_str().unwrap().split_once(' ').unwrap();
            let said = town.shows(&["audit", "reveal", id, "--reason", &reason], 0, &[]);
            seen.extend(said.out.into_bytes());
        }
    }
    let found = needles.found(&seen);
    for place in [
        "subject",
        "note",
        "evidence",
        "reply summary",
        "reply rationale",
        "reason of an approval",
        "tool result",
    ] {
        assert!(
            found.contains(&format!("{place} (raw)")),
            "{place} was not sealed"
        );
    }
}
