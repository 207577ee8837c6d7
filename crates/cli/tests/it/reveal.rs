//! Who is shown content at the terminal: on record first, by role and reason; and where values flowed, without either.

use interlock_core::id::EnvironmentName;
use interlock_store::SqliteStore;
use serde_json::Value;

use crate::model::{clean, speaking};
use crate::place::{Place, example};

#[test]
fn a_payload_is_revealed_to_who_may_for_a_reason_and_its_marks_to_anybody() {
    let place = Place::installed(speaking(vec![clean()]));
    let key = place.service();
    let run = place.started(&example("incident-summary"), &key);
    let run = text(&run["run"]);
    let marks = place.json(&["audit", "show", &run, "--marks"], 0);
    let marked = |slot: &str| {
        let all = marks.as_array().unwrap();
        let found = all.iter().find(|view| view["slot"] == slot).unwrap();
        found.clone()
    };
    let (evidence, prompt) = (marked("source_result"), marked("prompt"));
    assert!(!evidence["marks"].as_array().unwrap().is_empty());
    assert!(!prompt["marks"].as_array().unwrap().is_empty());
    let said = marks.to_string();
    assert!(!said.contains("failed logins"), "{said}");
    place
        .run(&["audit", "show", &run, "--marks"])
        .code(0)
        .shows("/lines/0/text  [customer]")
        .shows("also in");

    let payload = text(&evidence["payload"]);
    let reveal = ["audit", "reveal", &payload, "--reason", "complaint 4711"];
    place
        .run(&reveal)
        .refused(4, "none of the roles held", "investigator");
    place.edit_config(|config| config.replace("roles = [", "roles = [\"investigator\", "));
    let silent = ["audit", "reveal", &payload, "--reason", " "];
    place
        .run(&silent)
        .refused(2, "a reason of 1 to", "--reason");
    let revealed = place.json(&reveal, 0);
    assert_eq!(revealed["slot"], "source_result");
    assert!(revealed["content"]["lines"][0]["text"].is_string());
}

#[test]
fn what_cannot_be_put_on_record_is_refused_while_another_process_has_the_store() {
    let place = Place::installed(speaking(vec![clean()]));
    let key = place.service();
    let run = place.started(&example("incident-summary"), &key);
    let run = text(&run["run"]);
    let review = text(&place.json(&["review", "list"], 0)[0]["review"]);
    let environment = EnvironmentName::parse("dev").unwrap();
    let held = SqliteStore::open(&place.data(), &environment).unwrap();
    place.run(&["review", "show", &review]).refused(
        1,
        "another process holds the store",
        "GET /api/v1/reviews",
    );
    let payload = "pay_01J00000000000000000000000";
    place
        .run(&["audit", "reveal", payload, "--reason", "why"])
        .refused(
            1,
            "another process holds the store",
            "POST /api/v1/payloads/{payload}/reveal",
        );
    place.run(&["review", "list"]).code(0).shows(&review);
    place.run(&["runs", "show", &run]).code(3).shows(&review);
    drop(held);
    place.run(&["review", "show", &review]).code(3);
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
