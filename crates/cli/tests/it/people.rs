//! Reviews and the inbox across processes: each command is a process of its own over one data directory.

use serde_json::Value;

use crate::model::{clean, silent, speaking};
use crate::place::{Place, example};

#[test]
fn a_review_is_approved_once_by_somebody_else_and_for_what_was_shown() {
    let place = Place::installed(speaking(vec![clean()]));
    let key = place.service();
    let run = place.started(&example("incident-summary"), &key);
    let open = place.json(&["review", "list"], 0);
    let review = text(&open[0]["review"]);
    assert_eq!(open[0]["run"], run["run"]);
    place.run(&["review", "list"]).code(0).shows(&review);
    let digest = text(&place.json(&["review", "show", &review], 3)["digest"]);
    place
        .run(&["review", "show", &review])
        .code(3)
        .shows(&digest)
        .shows("submit_summary_register  (irreversible, visible outside)")
        .shows("act.irreversible")
        .shows("eleven failed logins");

    let approve = ["review", "approve", &review];
    place
        .run(&approve)
        .refused(2, "nobody was shown", "--digest");
    let nothing = "0".repeat(64);
    let other = [&approve[..], &["--digest", &nothing]].concat();
    place
        .run(&other)
        .refused(2, "not what is under review", "review show");
    let short = [&approve[..], &["--digest", "abc"]].concat();
    place.run(&short).refused(2, "digest", "64 hex digits");

    let shown = [&approve[..], &["--digest", &digest]].concat();
    place
        .run(&shown)
        .code(0)
        .shows("completed")
        .shows("\"receipt\"");
    place.run(&shown).refused(2, "failed to", "interlock ");
    place
        .run(&["review", "list"])
        .code(0)
        .shows("no open reviews");

    let id = text(&run["run"]);
    let runs = place.json(&["runs", "list", "--status", "ended"], 0);
    assert_eq!(runs[0]["outcome"], "completed");
    let shown = place.json(&["runs", "show", &id], 0);
    assert_eq!(shown["run"]["output"]["case_id"], "CASE-1042");
    let entries = place.json(&["audit", "show", &id], 0);
    let entries = entries.as_array().unwrap();
    assert_eq!(entries[0]["event"], "run.requested");
    assert_eq!(entries[entries.len() - 1]["event"], "run.ended");
    place
        .run(&["audit", "show", &id])
        .code(0)
        .shows("chain whole");
}

#[test]
fn nobody_approves_what_they_asked_for() {
    let place = Place::installed(speaking(vec![clean()]));
    let bundle = example("incident-summary");
    let asked = place.run(&[
        "run",
        bundle.to_str().unwrap(),
        "--input",
        r#"{"case_id": "CASE-1042"}"#,
    ]);
    asked.code(3).shows("waits for a review");
    let open = place.json(&["review", "list"], 0);
    let (review, digest) = (text(&open[0]["review"]), text(&open[0]["digest"]));
    place
        .run(&["review", "approve", &review, "--digest", &digest])
        .refused(2, "own request", "name a second person under [[people]]");
    assert_eq!(place.json(&["review", "list"], 0), open);
}

#[test]
fn a_no_needs_a_reason() {
    let place = Place::installed(speaking(vec![clean()]));
    let key = place.service();
    place.started(&example("incident-summary"), &key);
    let review = text(&place.json(&["review", "list"], 0)[0]["review"]);
    let reject = ["review", "reject", &review];
    place
        .run(&reject)
        .refused(2, "a reason is needed", "--reason");
    let reasoned = [&reject[..], &["--reason", "the quotes do not carry it"]].concat();
    place.run(&reasoned).code(0).shows("denied");
    place.run(&reasoned).refused(2, "failed to", "interlock ");
}

#[test]
fn what_a_person_writes_is_checked_like_a_models_answer() {
    let place = Place::installed(silent());
    let key = place.service();
    place.started(&example("incident-summary"), &key);
    let item = text(&place.json(&["inbox", "list"], 0)[0]["item"]);
    place
        .run(&["inbox", "show", &item])
        .code(3)
        .shows("a value written by hand must fit")
        .shows("login of user kessler");
    let complete = ["inbox", "complete", &item, "--value"];
    let wrong = r#"{"summary": "short", "severity": "dreadful", "quotes": []}"#;
    let said =
        place
            .run(&[&complete[..], &[wrong]].concat())
            .refused(2, "does not fit", "inbox show");
    for place_of_fault in ["/summary", "/severity", "/quotes", "rationale"] {
        assert!(said.err.contains(place_of_fault), "{}", said.err);
    }
    assert!(!said.err.contains("dreadful"), "{}", said.err);
    let value = place.file("value.json", &clean().to_string());
    place
        .run(&[&complete[..], &[&format!("@{value}")]].concat())
        .code(3)
        .shows("waits for a review");
    place
        .run(&[&complete[..], &[&format!("@{value}")]].concat())
        .refused(2, "failed to", "interlock ");
}

#[test]
fn what_failed_is_tried_again_or_given_up() {
    let place = Place::installed(silent());
    let key = place.service();
    let bundle = example("incident-summary");
    place.started(&bundle, &key);
    let second = text(&place.started(&bundle, &key)["run"]);
    let items = place.json(&["inbox", "list"], 0);
    let item = |run: &str, same: bool| {
        let found = items.as_array().unwrap().iter();
        text(
            &found
                .clone()
                .find(|item| (item["run"] == run) == same)
                .unwrap()["item"],
        )
    };
    place.model_at(speaking(vec![clean()]));
    place
        .run(&["inbox", "retry", &item(&second, false)])
        .code(3)
        .shows("waits for a review");
    place
        .run(&["inbox", "cancel", &item(&second, true)])
        .code(0)
        .shows("cancelled");
    place.run(&["inbox", "list"]).code(0).shows("nothing waits");
    let runs = place.json(&["runs", "list"], 0);
    let runs = runs.as_array().unwrap();
    assert_eq!(runs.len(), 2);
    let reviewed = runs.iter().find(|run| run["run"] != *second).unwrap();
    let reviewed = text(&reviewed["run"]);
    place
        .run(&["runs", "cancel", &reviewed])
        .code(0)
        .shows("cancelled");
    place
        .run(&["audit", "verify"])
        .code(0)
        .shows("verified: 2 runs");
}

#[test]
fn the_same_request_starts_one_run() {
    let place = Place::installed(speaking(vec![clean()]));
    let key = place.service();
    let bundle = example("incident-summary");
    let asked = |case: &str| {
        let input = format!(r#"{{"case_id": "{case}"}}"#);
        place.run(&[
            "run",
            bundle.to_str().unwrap(),
            "--input",
            &input,
            "--api-key",
            &key,
            "--key",
            "request-7",
            "--json",
        ])
    };
    let first = asked("CASE-1042").code(3).json();
    let again = asked("CASE-1042").code(3).json();
    assert_eq!(first["run"]["run"], again["run"]["run"]);
    asked("CASE-1043").code(2);
    let runs = place.json(&["runs", "list"], 0);
    assert_eq!(runs.as_array().unwrap().len(), 1);
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
