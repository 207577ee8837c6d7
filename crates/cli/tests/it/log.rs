//! The log at the terminal: each command leaves it published, its key can be printed, and what the guard refuses is
//! said with its way out.

use std::fs;

use crate::model::{clean, speaking};
use crate::place::{Place, example};

/// An installation in which one run was started from the example.
fn with_a_run() -> Place {
    let place = Place::installed(speaking(vec![clean(), clean()]));
    place
        .run(&[
            "run",
            example("incident-summary").to_str().unwrap(),
            "--input",
            INPUT,
        ])
        .code(3);
    place
}

const INPUT: &str = r#"{"case_id": "CASE-1042"}"#;

#[test]
fn what_a_command_appends_is_published_when_it_ends() {
    let place = with_a_run();
    let shown = place.json(&["audit", "guard", "show"], 0);
    assert!(shown["published"].as_u64().unwrap() > 5);
    assert_eq!(shown["published"], shown["sequenced"]);
    assert_eq!(shown["guard"]["size"], shown["published"]);
    place
        .run(&["doctor"])
        .shows("entries published, guard and key fit");
    // A command that is no run appends too.
    place.run(&["world", "halt", "--reason", "drill"]).code(0);
    let after = place.json(&["audit", "guard", "show"], 0);
    assert_eq!(after["published"], after["sequenced"]);
    assert!(after["published"].as_u64() > shown["published"].as_u64());
}

#[test]
fn the_key_is_printed_for_verifiers_and_handed_over() {
    let place = Place::new();
    place.run(&["init"]).code(0);
    place
        .run(&["audit", "key"])
        .refused(2, "nothing was published yet", "interlock run");
    let place = with_a_run();
    let key = place.run(&["audit", "key", "--format", "vkey"]).code(0).out;
    let origin = place.json(&["audit", "key"], 0)["origin"].clone();
    assert!(key.starts_with(&format!("{}+", origin.as_str().unwrap())));
    assert!(
        origin
            .as_str()
            .unwrap()
            .starts_with("interlock.invalid/default/")
    );
    place
        .run(&["audit", "key", "--rotate", "--reason", "yearly"])
        .code(0)
        .shows("both have signed the checkpoint");
    let keys = place.json(&["audit", "key"], 0);
    assert_eq!(keys["keys"][0]["key"], key.trim());
    assert_eq!(keys["keys"][1]["key"], keys["key"]);
    assert_ne!(keys["key"], key.trim());
}

#[test]
fn a_guard_that_is_gone_stops_runs_and_is_adopted_with_a_reason() {
    let place = with_a_run();
    let guard = place.data().join("guard/default.guard");
    fs::remove_file(&guard).unwrap();
    place
        .run(&[
            "run",
            example("incident-summary").to_str().unwrap(),
            "--input",
            INPUT,
        ])
        .refused(1, "find the guard: it is gone", "audit guard adopt");
    place
        .run(&["doctor"])
        .code(1)
        .shows("the log is not signed: failed to find the guard");
    place.run(&["runs", "list"]).code(0);
    assert!(!guard.exists());
    place.run(&["audit", "guard", "adopt"]).code(2);
    place
        .run(&["audit", "guard", "adopt", "--reason", "disk replaced"])
        .code(0)
        .shows("the guard holds what is published");
    place
        .run(&["audit", "guard", "adopt", "--reason", "again"])
        .code(0)
        .shows("nothing was done");
    place
        .run(&[
            "run",
            example("incident-summary").to_str().unwrap(),
            "--input",
            INPUT,
        ])
        .code(3);
    place.run(&["doctor"]).shows("guard and key fit");
}
