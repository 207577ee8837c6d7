//! The bytes of one body of every kind, in `testdata/entries/`. A change of these bytes is a change of the
//! format: entries written before it could no longer be read.

use std::collections::BTreeSet;
use std::path::PathBuf;

use interlock_journal::canonical;

use super::{act_body_of, body_of, plain, plain_act};
use crate::codec::{ACT_KINDS, KINDS, decode, decode_act};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/entries")
}

#[test]
fn every_kind_has_its_golden_bytes() {
    for kind in KINDS {
        let event = plain(kind);
        let written = canonical::encode(&body_of(&event));
        let file = folder().join(format!("{kind}.json"));
        let golden = std::fs::read(&file).unwrap_or_else(|e| {
            panic!("{kind}.json: {e}\nhint: `--run-ignored only write_golden` writes new ones")
        });
        assert_eq!(
            String::from_utf8_lossy(&written),
            String::from_utf8_lossy(&golden),
            "{kind}"
        );
        assert_eq!(
            decode(kind, &canonical::parse(&golden).unwrap()),
            Ok(event),
            "{kind}"
        );
    }
}

#[test]
fn every_administrative_kind_has_its_golden_bytes() {
    for kind in ACT_KINDS {
        let act = plain_act(kind);
        let written = canonical::encode(&act_body_of(&act));
        let file = folder().join(format!("{kind}.json"));
        let golden = std::fs::read(&file).unwrap_or_else(|e| {
            panic!("{kind}.json: {e}\nhint: `--run-ignored only write_golden` writes new ones")
        });
        assert_eq!(
            String::from_utf8_lossy(&written),
            String::from_utf8_lossy(&golden),
            "{kind}"
        );
        assert_eq!(
            decode_act(kind, &canonical::parse(&golden).unwrap()),
            Ok(act),
            "{kind}"
        );
    }
}

#[test]
fn no_golden_bytes_are_of_a_kind_that_is_gone() {
    let there: BTreeSet<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    let known: BTreeSet<String> = KINDS
        .iter()
        .chain(ACT_KINDS)
        .map(|kind| format!("{kind}.json"))
        .collect();
    assert_eq!(there, known);
}

/// For a new kind. Bytes that are there stay: changing them is done by hand, and by deleting them first.
#[test]
#[ignore = "writes testdata/entries"]
fn write_golden() {
    std::fs::create_dir_all(folder()).unwrap();
    for kind in KINDS {
        let file = folder().join(format!("{kind}.json"));
        if !file.exists() {
            std::fs::write(file, canonical::encode(&body_of(&plain(kind)))).unwrap();
        }
    }
    for kind in ACT_KINDS {
        let file = folder().join(format!("{kind}.json"));
        if !file.exists() {
            std::fs::write(file, canonical::encode(&act_body_of(&plain_act(kind)))).unwrap();
        }
    }
}
