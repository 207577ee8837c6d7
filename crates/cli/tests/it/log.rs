//! The log at the terminal: each command leaves it published, its key can be printed, and what the guard refuses is
//! said with its way out.

use std::fs;

use interlock_core::time::Timestamp;
use interlock_journal::tree::empty_root;
use interlock_runtime::log::{FileGuard, Guard as _, Guarded};

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

/// What somebody does who writes the data directory and wants the same name and key to sign another history.
#[derive(Debug, Clone, Copy)]
enum Left {
    NoGuard,
    GuardOfNothing,
    NeitherGuardNorKey,
    KeyUnderItsNextName,
}

/// The whole list of attacks 6 and 17 that deletes: an entry is changed, and everything that told of a log is gone.
#[test]
fn attack_06_a_log_whose_name_guard_and_checkpoints_were_deleted_is_signed_by_nobody() {
    for left in [
        Left::NoGuard,
        Left::GuardOfNothing,
        Left::NeitherGuardNorKey,
        Left::KeyUnderItsNextName,
    ] {
        check_deleted(left, false);
    }
}

#[test]
fn attack_17_under_the_configured_name_of_the_deleted_log_nothing_is_signed_either() {
    for left in [Left::NoGuard, Left::GuardOfNothing] {
        check_deleted(left, true);
    }
}

fn check_deleted(left: Left, named: bool) {
    let place = with_a_run();
    let origin = place.json(&["audit", "key"], 0)["origin"].clone();
    let origin = origin.as_str().unwrap();
    let database = place.data().join("interlock.db");
    let store = rusqlite::Connection::open(&database).unwrap();
    store
        .execute_batch(
            "DROP TRIGGER entry_is_not_changed; DROP TRIGGER entry_is_not_deleted;
             DROP TRIGGER log_only_grows;
             DELETE FROM checkpoint; DELETE FROM tile; DELETE FROM record WHERE kind = 'log';",
        )
        .unwrap();
    let guard = place.data().join("guard/default.guard");
    let key = place.data().join("keys/log.key");
    fs::remove_file(&guard).unwrap();
    match left {
        Left::NoGuard => {}
        Left::GuardOfNothing => forge_guard(&place, origin),
        Left::NeitherGuardNorKey => fs::remove_file(&key).unwrap(),
        Left::KeyUnderItsNextName => fs::rename(&key, key.with_extension("key.next")).unwrap(),
    }
    if named {
        place.edit_config(|text| format!("{text}\n[log]\norigin = \"{origin}\"\n"));
    }
    let bundle = example("incident-summary");
    let asked = ["run", bundle.to_str().unwrap(), "--input", INPUT];
    let named = "this log was opened before";
    // Said as the command's failure, and once more where the end of the command would have published.
    let refused = |arguments: &[&str]| {
        let said = place.run(arguments).code(1);
        assert_eq!(said.out, "", "{left:?}");
        assert!(
            said.err.contains(named) && said.err.contains("good copy"),
            "{}",
            said.err
        );
    };
    refused(&asked);
    let out = place.home().join("log.tar");
    let export = ["audit", "export", "--out", out.to_str().unwrap()];
    let export = [&export[..], &["--reason", "evidence"]].concat();
    refused(&export);
    assert!(!out.exists(), "{left:?}");
    let forged = matches!(left, Left::GuardOfNothing);
    assert_eq!(guard.exists(), forged, "{left:?}");
    for table in ["checkpoint", "tile", "record WHERE kind = 'log'"] {
        let rows = format!("SELECT count(*) FROM {table}");
        let rows: i64 = store.query_row(&rows, [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 0, "{left:?}: {table}");
    }
}

fn forge_guard(place: &Place, origin: &str) {
    let tenant = interlock_core::id::TenantName::parse("default").unwrap();
    let guard = FileGuard::open(&place.data().join("guard"), &tenant).unwrap();
    let nothing = Guarded {
        origin: origin.to_owned(),
        size: 0,
        root: empty_root().to_bytes(),
        at: Timestamp::from_micros(1),
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(guard.adopt(&nothing)).unwrap();
}
