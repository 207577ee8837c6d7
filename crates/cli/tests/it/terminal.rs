//! What evidence, models and bundles say cannot speak to the terminal: no control, no direction, nothing invisible.

use std::fs;

use serde_json::{Value, json};

use crate::bad_input::copy;
use crate::model::{silent, speaking};
use crate::place::{Place, Said, example};

/// Clears the screen, sets the title, starts a link; C1; turns the writing; hides; and text only a model sees.
const HOSTILE: &str = "a\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m b\u{202e}c\u{2066}d\u{200b}e\u{feff}f\u{61c}g\u{2028}h\u{ad}i\u{e0041}j";

#[test]
fn evidence_and_replies_reach_no_terminal_raw() {
    let answer = json!({
        "summary": format!("A summary that holds {HOSTILE} and more."),
        "severity": "high",
        "quotes": [{"text": HOSTILE}],
        "rationale": HOSTILE,
    });
    let (place, bundle) = prepared(speaking(vec![answer]));
    let key = place.service();
    let input = r#"{"case_id": "CASE-1042"}"#;
    let asked = ["run", &bundle, "--input", input, "--api-key", &key];
    harmless(place.run(&asked).code(3));
    let open = place.json(&["review", "list"], 0);
    let (review, digest) = (text(&open[0]["review"]), text(&open[0]["digest"]));
    // The JSON says the same as ever: escapes, not losses.
    assert!(open[0]["shown"].is_null(), "a list opens nothing");
    let shown = place.json(&["review", "show", &review], 3);
    assert!(shown["shown"]["rationale"] == HOSTILE, "{shown}");
    let run = text(&open[0]["run"]);
    harmless(place.run(&["review", "show", &review]).code(3)).shows("a\\u001b[2J");
    for arguments in [
        &["review", "show", &review, "--json"][..],
        &["review", "list", "--json"],
        &["audit", "show", &run],
        &["audit", "show", &run, "--json"],
        &["runs", "show", &run, "--json"],
    ] {
        harmless(place.run(arguments));
    }
    let approve = ["review", "approve", &review, "--digest", &digest];
    harmless(place.run(&approve).code(0));
}

#[test]
fn an_inbox_item_reaches_no_terminal_raw() {
    let (place, bundle) = prepared(silent());
    let key = place.service();
    place.started(bundle.as_ref(), &key);
    let item = text(&place.json(&["inbox", "list"], 0)[0]["item"]);
    harmless(place.run(&["inbox", "show", &item]).code(3)).shows("\\u{1b}[2J");
    harmless(place.run(&["inbox", "show", &item, "--json"]).code(3));
}

#[test]
fn a_bundle_that_is_refused_reaches_no_terminal_raw() {
    let (place, bundle) = prepared(silent());
    let manifest = format!("{bundle}/interlock.yaml");
    let text = fs::read_to_string(&manifest).unwrap();
    let turned = "a\u{202e}b\u{200b}c";
    fs::write(
        &manifest,
        format!("{text}\n# {turned}\n\"no{turned}\": 1\n"),
    )
    .unwrap();
    harmless(place.run(&["check", &bundle]).code(2));
    harmless(place.run(&["check", &bundle, "--json"]).code(2));
    harmless(place.run(&[HOSTILE]).code(2));
}

/// An installation, and a copy of the incident example whose evidence is hostile.
fn prepared(port: u16) -> (Place, String) {
    let place = Place::installed(port);
    let folder = place.home().join("bundle");
    copy(&example("incident-summary"), &folder);
    let lines = json!({"lines": [
        {"at": "2026-03-02T08:14:07Z", "host": "vpn-2", "text": HOSTILE},
    ]});
    let case = folder.join("data/cases/CASE-1042.json");
    fs::write(case, lines.to_string()).unwrap();
    (place, folder.to_str().unwrap().to_owned())
}

#[track_caller]
fn harmless(said: Said) -> Said {
    for (name, text) in [("out", &said.out), ("err", &said.err)] {
        for hostile in HOSTILE
            .chars()
            .filter(|c| !c.is_ascii_graphic() && *c != ' ')
        {
            assert!(
                !text.contains(hostile),
                "{hostile:?} in {name}: {}",
                text.escape_debug()
            );
        }
    }
    said
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
