//! The reader that knows the kinds against the one that does not, and what is said where memory is bounded.

use std::fs;
use std::path::PathBuf;

use super::*;
use crate::audit::scan::Raw;
use crate::audit::{LogFiles, ReadFault};
use crate::hash::leaf_hash;

/// The golden body of every kind, as an entry.
#[expect(clippy::disallowed_methods, reason = "the golden bytes lie in files")]
fn golden() -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/entries");
    let mut found = Vec::new();
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "json") {
            let kind = path.file_stem().unwrap().to_str().unwrap();
            let body = fs::read_to_string(&path).unwrap();
            found.push(entry(1, 0, LeafHash::ZERO, kind, body.trim_end()));
        }
    }
    assert!(found.len() >= 29);
    found
}

fn entry(run: u64, seq: u64, prev: LeafHash, event: &str, body: &str) -> Vec<u8> {
    format!(
        "{{\"body\":{body},\"env\":\"dev\",\"epoch\":0,\"event\":\"{event}\",\"prev\":\"{prev}\",\
         \"run\":\"run_{run:026}\",\"seq\":{seq},\"tenant\":\"default\",\
         \"time\":\"2026-11-20T12:00:00.000000Z\",\"v\":1}}"
    )
    .into_bytes()
}

/// The faster reader takes exactly what the other takes and the table says fits, and reads the same.
fn check(bytes: &[u8]) {
    let fitting = scan_fitting(bytes);
    let said = String::from_utf8_lossy(bytes);
    let Some(read) = scan(bytes) else {
        assert!(fitting.is_none(), "{said}");
        return;
    };
    let fits = kinds::judge(read.event, read.body.raw()) == Schema::Fits;
    assert_eq!(fitting.is_some(), fits, "{said}");
    let Some(fitting) = fitting else { return };
    let parts = |entry: &Scanned<'_>| {
        (
            [
                entry.tenant,
                entry.environment,
                entry.run,
                entry.time,
                entry.event,
            ]
            .map(str::to_owned),
            [entry.seq, entry.epoch],
            entry.run_number,
            entry.prev,
            entry.body.raw().spelled().to_owned(),
        )
    };
    assert_eq!(parts(&fitting), parts(&read));
    for (key, value) in read.body.members() {
        assert_eq!(fitting.body.get(key), Some(value), "{key} {said}");
        assert_eq!(read.body.get(key), Some(value), "{key} {said}");
        assert_eq!(read.body.raw().get(key), Some(value), "{key} {said}");
    }
    assert_eq!(fitting.body.get("zz"), None);
}

#[test]
fn both_readers_agree_on_every_kind_and_on_every_byte_changed() {
    for bytes in golden() {
        assert!(scan_fitting(&bytes).is_some());
        check(&bytes);
        for at in 0..bytes.len() {
            for with in *b"\"{}[]:,0z\\ \xff" {
                let mut changed = bytes.clone();
                changed[at] = with;
                check(&changed);
            }
            let mut changed = bytes.clone();
            changed.remove(at);
            check(&changed);
            let doubled = bytes[at];
            changed = bytes.clone();
            changed.insert(at, doubled);
            check(&changed);
        }
    }
}

#[test]
fn both_readers_agree_where_a_body_looks_like_what_follows_it() {
    let tail = ",\"env\":\"dev\",\"epoch\":0,\"event\":\"run.recovered\"";
    for body in [
        "{}",
        "{\"epoch\":1}",
        "{\"epoch\":{\"epoch\":1}}",
        "{\"epoch\":1}}",
        "{\"a\":{\"b\":1},\"env\":\"dev\"}",
        &format!("{{\"epoch\":1}}{tail}"),
        &format!("{{\"a\":{{}}{tail}}}"),
    ] {
        check(&entry(1, 0, LeafHash::ZERO, "run.recovered", body));
    }
    // More members than places are noted.
    let many: Vec<String> = (10..40).map(|n| format!("\"k{n}\":{n}")).collect();
    let many = entry(
        1,
        0,
        LeafHash::ZERO,
        "a.b",
        &format!("{{{}}}", many.join(",")),
    );
    check(&many);
    let read = scan(&many).unwrap();
    for n in 10..40 {
        let value = read.body.get(&format!("k{n}")).and_then(Raw::count);
        assert_eq!(value, Some(n));
    }
}

/// No file is there.
struct Nothing;

impl LogFiles for Nothing {
    fn read(&self, _: &str) -> Result<Option<Vec<u8>>, ReadFault> {
        Ok(None)
    }
}

fn ledger(open_max: usize, ended_max: usize) -> Ledger<'static> {
    let payloads = Payloads::unasked("");
    let mut ledger = Ledger::new(Cover::Whole, Adoptions::Here, payloads);
    ledger.runs = Runs::new(Cover::Whole).bounded(open_max, ended_max);
    ledger
}

const REQUESTED: &str = "{\"at\":\"2026-11-20T00:00:00.000000Z\",\"bundle\":\"b\",\"method\":\"m\",\"requester\":\
                         {\"id\":\"prn_00000000000000000000000001\",\"kind\":\"person\",\"roles\":[]},\"risk\":\"low\",\
                         \"version\":\"0000000000000000000000000000000000000000000000000000000000000000\",\
                         \"workflow\":\"w\"}";

fn push(ledger: &mut Ledger<'_>, index: u64, bytes: &[u8]) -> LeafHash {
    let hash = leaf_hash(bytes);
    ledger.push(index, hash, bytes);
    hash
}

/// Begins runs from 1 to `count`, then ends each, as far as the index after the last.
fn begin_and_end(ledger: &mut Ledger<'_>, count: u64) -> u64 {
    let begun: Vec<_> = (1..=count)
        .map(|run| {
            let bytes = entry(run, 0, LeafHash::ZERO, "run.requested", REQUESTED);
            (run, push(ledger, run - 1, &bytes))
        })
        .collect();
    for (run, prev) in begun {
        let bytes = entry(run, 1, prev, "run.ended", "{\"outcome\":\"denied\"}");
        push(ledger, count + run - 1, &bytes);
    }
    2 * count
}

#[test]
fn more_open_runs_than_are_followed_cannot_be_told_and_are_not_called_broken() {
    let mut whole = ledger(3, 10);
    begin_and_end(&mut whole, 3);
    let found = whole.finish();
    assert!(
        matches!(found.runs, Finding::Holds { .. }),
        "{}",
        found.runs
    );

    let mut crowded = ledger(3, 10);
    begin_and_end(&mut crowded, 4);
    let found = crowded.finish();
    let said = found.runs.to_string();
    assert!(
        said.contains("cannot tell: more runs go on at index 3"),
        "{said}"
    );
    assert!(!found.semantics.is_broken(), "{}", found.semantics);

    // What is broken among those that are followed is broken all the same.
    let mut broken = ledger(3, 10);
    let index = begin_and_end(&mut broken, 4);
    let again = entry(
        1,
        2,
        leaf_hash(b""),
        "run.ended",
        "{\"outcome\":\"denied\"}",
    );
    push(&mut broken, index, &again);
    assert_eq!(broken.finish().runs.index(), Some(index));
}

#[test]
fn more_ended_runs_than_are_remembered_cannot_be_told() {
    let mut full = ledger(10, 2);
    begin_and_end(&mut full, 3);
    let found = full.finish();
    let said = found.runs.to_string();
    assert!(said.contains("cannot tell: more runs ended"), "{said}");
}

#[test]
fn more_missing_payloads_than_are_remembered_cannot_be_told() {
    let note = |n: u64| {
        format!(
            "[{{\"commit\":\"{0:064}\",\"ct\":\"{0:064}\",\"id\":\"pay_{0:026}\",\"padded\":1,\"slot\":\"s\"}}]",
            n
        )
    };
    let label = "{\"about\":[\"sub_00000000000000000000000001\",\"sub_00000000000000000000000002\"],\"cats\":[],\
                 \"conf\":\"public\",\"from\":[],\"int\":\"trusted\",\"readers\":\"any\",\"regions\":\"any\"}";
    let found = |missing_max: usize, ids_max: usize| {
        let payloads = Payloads::among(&Nothing).bounded(missing_max, ids_max);
        let mut ledger = Ledger::new(Cover::Some, Adoptions::Elsewhere, payloads);
        for n in 1..=3 {
            let body = format!(
                "{{\"input\":\"pay_{n:026}\",\"label\":{label},\"next\":0,\"payloads\":{}}}",
                note(n)
            );
            let bytes = entry(n, 1, leaf_hash(b""), "run.started", &body);
            push(&mut ledger, n, &bytes);
        }
        ledger.finish().payloads
    };
    assert_eq!(found(3, 12).index(), Some(1));
    for (missing, ids) in [(2, 12), (3, 11), (3, 0)] {
        let said = found(missing, ids).to_string();
        assert!(said.starts_with("cannot tell"), "{missing} {ids} {said}");
    }
}
