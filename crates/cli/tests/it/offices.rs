//! What changes an installation takes an office: whoever may only ask for runs is refused, with what it takes, and
//! nothing has changed; whoever holds it is named on record.

use crate::model::silent;
use crate::place::{Place, example};

/// The person at the terminal with these roles alone.
fn only(place: &Place, roles: &str) {
    place.edit_config(|text| {
        let (before, rest) = text.split_once("roles = [").unwrap();
        let (_, after) = rest.split_once(']').unwrap();
        format!("{before}roles = [{roles}]{after}")
    });
}

#[test]
fn whoever_may_only_ask_for_runs_administers_nothing() {
    let place = Place::installed(silent());
    let bundle = example("incident-summary");
    let bundle = bundle.to_str().unwrap();
    let made = place.json(&["key", "api", "create", "intake"], 0);
    let key = made["id"].as_str().unwrap();
    only(&place, "\"requester\"");
    let input = r#"{"case_id": "CASE-1042"}"#;
    for (arguments, takes) in [
        (vec!["world", "halt", "--reason", "x"], "`incident_lead`"),
        (vec!["world", "resume", "--reason", "x"], "`incident_lead`"),
        (vec!["key", "rotate"], "`admin`"),
        (vec!["key", "passphrase", "--remove"], "`admin`"),
        (vec!["key", "remove", "anthropic"], "`admin`"),
        (
            vec!["key", "api", "create", "svc", "--roles", "dpo,operator"],
            "`admin`",
        ),
        (vec!["key", "api", "revoke", key], "`admin`"),
        (vec!["bundle", "deploy", bundle], "`author`"),
        (vec!["run", bundle, "--input", input], "`author`"),
    ] {
        place.run(&arguments).refused(4, takes, "[[people]]");
    }
    place
        .run_with(&["key", "set", "anthropic", "--stdin"], b"x")
        .refused(4, "`admin`", "[[people]]");
    assert_eq!(place.json(&["bundle", "list"], 0), serde_json::json!([]));
    place
        .run(&["world", "show"])
        .code(0)
        .shows("nothing was ever set");
    place
        .run(&["key", "status"])
        .code(0)
        .shows("rotated:    never");

    // A folder that is deployed may be asked for without the office.
    only(&place, "\"author\"");
    place.run(&["bundle", "deploy", bundle]).code(0);
    only(&place, "\"requester\"");
    place.run(&["run", bundle, "--input", input]).code(3);
    only(&place, "\"admin\"");
    place.run(&["key", "api", "revoke", key]).code(0);
    place
        .run(&["key", "api", "revoke", key])
        .refused(2, "the API key", "list");
}
