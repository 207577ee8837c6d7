//! Anchors on the command line and beside a server: one that does not answer, and a real witness.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::place::{Place, example};
use crate::watch::{Serving, vkey_of};

fn with_anchor(place: &Place, lines: &str) {
    place.edit_config(|text| format!("{text}\n[[anchor]]\n{lines}\n"));
}

/// Asks until it is so, for up to ten seconds.
fn until(said: impl Fn() -> bool) {
    let came = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        said()
    });
    assert!(came);
}

#[test]
fn a_silent_anchor_is_overdue_on_record_and_stops_nothing() {
    let place = Place::installed(crate::model::silent());
    place
        .run(&["audit", "anchors"])
        .code(0)
        .shows("no anchor yet");
    place
        .run(&["audit", "anchor"])
        .refused(2, "there is none", "docs/anchors.md");
    let silent = "name = \"tsa\"\nkind = \"timestamp\"\nurl = \"http://127.0.0.1:1/\"\nallow_private = true\ninterval_seconds = 1\noverdue_seconds = 1";
    with_anchor(&place, silent);
    place
        .run(&["audit", "anchor", "other"])
        .refused(2, "there is none", "docs/anchors.md");
    place
        .run(&["audit", "anchor"])
        .code(1)
        .shows("failed: no connection could be made");
    {
        let _serving = Serving::start(&place);
        until(|| place.run(&["audit", "anchors"]).out.contains("OVERDUE"));
        let listed = place.json(&["audit", "anchors"], 1);
        assert_eq!(listed["anchors"][0]["name"], "tsa");
        assert_eq!(listed["anchors"][0]["size"], Value::Null);
        assert_eq!(listed["alarms"], Value::Array(Vec::new()));
    }
    // What has to be done can be done.
    let bundle = example("incident-summary");
    place.run(&["test", bundle.to_str().unwrap()]).code(0);
    place.run(&["world", "show"]).code(0);
}

#[test]
fn a_required_anchor_that_does_not_hold_lets_no_command_act() {
    let place = Place::installed(crate::model::speaking(vec![crate::model::clean()]));
    let service = place.service();
    let bundle = example("incident-summary");
    place.started(&bundle, &service);
    let open = place.json(&["review", "list"], 0);
    let (review, digest) = (
        open[0]["review"].as_str().unwrap(),
        open[0]["digest"].as_str().unwrap(),
    );
    let silent = "name = \"tsa\"\nkind = \"timestamp\"\nurl = \"http://127.0.0.1:1/\"\nallow_private = true\nrequired = true";
    with_anchor(&place, silent);
    // It never held: no server has looked at it, and none is needed for it to count.
    let input = r#"{"case_id": "CASE-1042"}"#;
    let asked = ["run", bundle.to_str().unwrap(), "--input", input];
    place
        .run(&[&asked[..], &["--api-key", &service]].concat())
        .code(4);
    let halted = |place: &Place| place.json(&["world", "show"], 0)["halted"].clone();
    assert_eq!(halted(&place), true);
    // Whoever resumes by hand does not get past it with the next command either.
    place.run(&["world", "resume", "--reason", "hurry"]).code(0);
    let said = place.run(&["review", "approve", review, "--digest", digest]);
    assert_ne!(said.code, 0, "{}", said.out);
    assert_eq!(halted(&place), true);
    place.run(&["world", "resume", "--reason", "hurry"]).code(0);
    place.run(&["runs", "drive"]);
    assert_eq!(halted(&place), true);
}

#[test]
#[ignore = "needs a witness: scripts/strangers"]
fn stranger_witness_is_asked_beside_a_server() {
    let dir = std::env::var_os("INTERLOCK_STRANGERS").map(PathBuf::from);
    let dir = dir.expect("INTERLOCK_STRANGERS names what scripts/strangers made");
    let missing = std::fs::read_to_string(dir.join("missing")).unwrap_or_default();
    if missing.lines().any(|line| line == "aics-witness") {
        println!("passed over: `aics-witness` could not be installed here");
        return;
    }
    let place = Place::installed(crate::model::silent());
    let (origin, vkey) = {
        let _serving = Serving::start(&place);
        vkey_of(&place)
    };
    let config = place.home().join("witness.json");
    let witness = |words: &[&str]| {
        let mut command = Command::new(dir.join("bin/aics-witness"));
        command
            .arg(words[0])
            .arg("--config")
            .arg(&config)
            .args(&words[1..]);
        command
    };
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let listen = format!("127.0.0.1:{port}");
    let made = witness(&["init", "--name", "w.example.org", "--listen", &listen])
        .output()
        .unwrap();
    let key = String::from_utf8(made.stdout).unwrap();
    assert!(
        witness(&["add-log", "--origin", &origin, "--vkey", &vkey])
            .output()
            .unwrap()
            .status
            .success()
    );
    let serving = witness(&["serve"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _witness = Ended(serving);
    with_anchor(
        &place,
        &format!(
            "name = \"w1\"\nkind = \"witness\"\nurl = \"http://{listen}\"\nallow_private = true\ninterval_seconds = 1\nkey = \"{}\"",
            key.trim()
        ),
    );
    until(|| place.run(&["audit", "anchor"]).code == 0);
    let before = place.json(&["audit", "anchors"], 0)["witnessed"]["size"]
        .as_u64()
        .unwrap();
    place
        .run(&["world", "incident", "--reason", "drill"])
        .code(0);
    {
        let _serving = Serving::start(&place);
        until(|| {
            place.json(&["audit", "anchors"], 0)["witnessed"]["size"]
                .as_u64()
                .unwrap()
                > before
        });
    }
    place
        .run(&["audit", "anchors"])
        .code(0)
        .shows("witnessed: ")
        .shows("by w.example.org");
}

struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
