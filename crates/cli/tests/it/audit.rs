//! `interlock audit verify` against a store whose file somebody wrote to behind its back.

use std::fs;
use std::path::PathBuf;

use interlock_core::id::{PayloadId, RunId, TenantName};
use interlock_store::{SqliteStore, Store};

use crate::model::{clean, speaking};
use crate::place::{Place, example};

/// A finished run, its entries' bytes, and the ciphertext of its first payload.
struct Finished {
    place: Place,
    run: String,
    entries: Vec<Vec<u8>>,
    payload: (String, Vec<u8>),
}

#[test]
fn a_finished_run_verifies() {
    let finished = finish();
    let count = finished.entries.len();
    for arguments in [
        &["audit", "verify"][..],
        &["audit", "verify", &finished.run],
    ] {
        let said = finished.place.run(arguments).code(0);
        let last = format!("verified: 1 runs, {count} entries\n");
        assert!(said.out.ends_with(&last), "{}", said.out);
    }
}

#[test]
fn a_changed_byte_of_an_entry_is_found_and_named() {
    let finished = finish();
    let last = finished.entries.len() - 1;
    for seq in [0, 1, last / 2, last] {
        let entry = &finished.entries[seq];
        for at in [1, entry.len() / 2, entry.len() - 2] {
            let whole = flip(&finished.place, entry, at);
            let said = finished.place.run(&["audit", "verify"]).code(1);
            let named = format!("tampered: {} entry {seq}", finished.run);
            assert!(
                said.out.contains(&named),
                "byte {at} of entry {seq}: {}",
                said.out
            );
            let json = finished.place.json(&["audit", "verify"], 1);
            assert_eq!(json["broken"][0]["entry"], seq, "byte {at}");
            fs::write(database(&finished.place), whole).unwrap();
        }
    }
    finished.place.run(&["audit", "verify"]).code(0);
}

#[test]
fn a_changed_byte_of_sealed_content_is_found_and_named() {
    let finished = finish();
    let (id, ciphertext) = &finished.payload;
    for at in [0, ciphertext.len() / 2, ciphertext.len() - 1] {
        let whole = flip(&finished.place, ciphertext, at);
        let said = finished.place.run(&["audit", "verify"]).code(1);
        assert!(said.out.contains("tampered:"), "{}", said.out);
        assert!(said.out.contains(id), "{}", said.out);
        fs::write(database(&finished.place), whole).unwrap();
    }
}

#[test]
fn what_is_not_there_cannot_be_told() {
    let place = Place::new();
    let nowhere = place.home().join("nowhere");
    place
        .run(&["audit", "verify", "--data-dir", nowhere.to_str().unwrap()])
        .refused(2, "there is no installation", "interlock init");
    let finished = finish();
    fs::remove_file(database(&finished.place)).unwrap();
    finished
        .place
        .run(&["audit", "verify"])
        .refused(2, "there is no store", "--data-dir");
    fs::write(database(&finished.place), "no database".repeat(1000)).unwrap();
    finished.place.run(&["audit", "verify"]).code(2);
}

fn finish() -> Finished {
    let place = Place::installed(speaking(vec![clean()]));
    let key = place.service();
    let run = place.started(&example("incident-summary"), &key);
    let run = run["run"].as_str().unwrap().to_owned();
    let open = place.json(&["review", "list"], 0);
    let (review, digest) = (&open[0]["review"], &open[0]["digest"]);
    place
        .run(&[
            "review",
            "approve",
            review.as_str().unwrap(),
            "--digest",
            digest.as_str().unwrap(),
        ])
        .code(0);
    let shown = place.json(&["audit", "show", &run], 0);
    let payload = shown
        .as_array()
        .unwrap()
        .iter()
        .find_map(|entry| entry["payloads"][0].as_str())
        .and_then(|shown| shown.split_once(' '))
        .map(|(_, id)| id.to_owned())
        .unwrap();
    let tenant = TenantName::parse("default").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let (entries, ciphertext) = runtime.block_on(async {
        let store = SqliteStore::open_read_only(&place.data()).unwrap();
        let id: RunId = run.parse().unwrap();
        let chain = store.chain(&tenant, id).await.unwrap();
        let id: PayloadId = payload.parse().unwrap();
        let sealed = store.payload(&tenant, id).await.unwrap().unwrap();
        let entries = chain.entries.into_iter().map(|entry| entry.bytes.to_vec());
        (entries.collect(), sealed.ciphertext.to_vec())
    });
    // Closed by its last writer, the store is one file; a reader leaves an empty log beside it.
    let log = fs::metadata(place.data().join("interlock.db-wal"));
    assert_eq!(log.map_or(0, |log| log.len()), 0);
    Finished {
        place,
        run,
        entries,
        payload: (payload, ciphertext),
    }
}

fn database(place: &Place) -> PathBuf {
    place.data().join("interlock.db")
}

/// Flips one byte of a stored value in the database's file; gives the file as it was. Freed pages may hold old copies,
/// so the value is changed everywhere; one that lies across pages is known by the piece around the byte.
fn flip(place: &Place, value: &[u8], at: usize) -> Vec<u8> {
    let whole = fs::read(database(place)).unwrap();
    for around in [value.len(), 200] {
        let start = at.saturating_sub(around);
        let piece = &value[start..(at + around).min(value.len())];
        let found: Vec<usize> = (0..=whole.len() - piece.len())
            .filter(|at| whole[*at..].starts_with(piece))
            .collect();
        if found.is_empty() {
            continue;
        }
        let mut changed = whole.clone();
        for piece_at in found {
            changed[piece_at + at - start] ^= 1;
        }
        fs::write(database(place), changed).unwrap();
        return whole;
    }
    panic!("byte {at} of the value is not in the file");
}
