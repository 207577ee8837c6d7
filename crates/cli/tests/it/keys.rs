//! The key-encryption key from the command line: turned, shown, put under a passphrase, and what still opens after it.

use std::fs;

use crate::place::Place;

#[test]
fn keys_are_turned_shown_and_put_under_a_passphrase() {
    let place = Place::new();
    place.run(&["init"]).code(0);
    place
        .run_with(&["key", "set", "anthropic", "--stdin"], b"canary")
        .code(0);
    let file = place.data().join("keys/local.key");
    let before = fs::read(&file).unwrap();
    let turned = place.run(&["key", "rotate", "--json"]).code(0).json();
    assert_eq!(
        (&turned["before"], &turned["after"]),
        (&1.into(), &2.into())
    );
    let now = fs::read(&file).unwrap();
    let old = &before[before.len() - 32..];
    assert!(!now.windows(32).any(|w| w == old));
    let status = place.run(&["key", "status", "--json"]).code(0).json();
    assert_eq!(status["healthy"], true);
    assert_eq!(status["epoch"], 2);
    assert_eq!(status["keys"].as_array().unwrap().len(), 1);
    assert_eq!(status["keys"][0]["epoch"], 2);
    assert!(status["rotated_at"].is_string());

    let phrase = place.file("phrase", "correct horse battery staple\n");
    place
        .run(&[
            "key",
            "passphrase",
            "--from-file",
            &place.file("short", "short"),
        ])
        .code(1);
    place
        .run(&["key", "passphrase", "--from-file", &phrase])
        .code(0);
    place
        .run(&["key", "status"])
        .refused(1, "under a passphrase", "passphrase_file");
    place.edit_config(|text| {
        format!("{text}\n[keys]\nprovider = \"file\"\npassphrase_file = \"{phrase}\"\n")
    });
    place.run(&["key", "rotate"]).code(0).shows("epoch 3");
    place.run(&["doctor"]).code(0).shows("wraps and opens keys");
    place.mode(phrase.as_ref(), 0o644);
    place
        .run(&["key", "status"])
        .refused(1, "read by others than its owner", "chmod 600");
    place.mode(phrase.as_ref(), 0o600);
    place.run(&["key", "passphrase", "--remove"]).code(0);
    // The secret outlived every turn; no file shows it.
    place.run(&["key", "list"]).code(0).shows("anthropic");
    for path in place.files() {
        if path.is_file() {
            let bytes = fs::read(path).unwrap();
            assert!(!bytes.windows(6).any(|w| w == b"canary"));
        }
    }
}
