//! Every way that we know to tamper with one run, each found at the right entry.

use proptest::prelude::*;

use super::*;
use crate::canonical::{Canon, Text};
use crate::entry::Draft;

#[derive(Clone, Debug)]
struct Row {
    seq: u64,
    bytes: Vec<u8>,
    hash: LeafHash,
}

const RUN: &str = "run_01JD0000000000000000000000";
const OTHER: &str = "run_01JD0000000000000000000001";

#[test]
fn an_untouched_chain_is_whole() {
    for (count, ended) in [(1, false), (2, true), (40, true)] {
        let rows = chain(RUN, count, ended);
        check(
            &rows,
            head(&rows),
            Verdict::Whole {
                entries: count,
                ended,
            },
        );
    }
    check(
        &[],
        None,
        Verdict::Whole {
            entries: 0,
            ended: false,
        },
    );
}

#[test]
fn every_bit_of_every_byte_is_held() {
    let rows = chain(RUN, 4, true);
    let head = head(&rows);
    for (i, row) in rows.iter().enumerate() {
        for at in 0..row.bytes.len() {
            for bit in 0..8 {
                let mut edited = rows.clone();
                edited[i].bytes[at] ^= 1 << bit;
                check(&edited, head, broken(row.seq, Fault::Edited));
            }
        }
        for at in 0..32 {
            let mut edited = rows.clone();
            let mut hash = row.hash.to_bytes();
            hash[at] ^= 1;
            edited[i].hash = LeafHash::from_bytes(hash);
            check(&edited, head, broken(row.seq, Fault::Edited));
        }
    }
}

proptest! {
    #[test]
    fn any_changed_byte_is_found_and_named(
        count in 1u64..20, which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), change in 1u8..
    ) {
        let mut rows = chain(RUN, count, true);
        let head = head(&rows);
        let i = which.index(rows.len());
        let at = at.index(rows[i].bytes.len());
        rows[i].bytes[at] ^= change;
        prop_assert_eq!(verdict(&rows, head), broken(i as u64, Fault::Edited));
    }

    #[test]
    fn a_changed_byte_with_a_new_hash_is_found_at_it_or_the_next(
        count in 1u64..20, which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), change in 1u8..
    ) {
        let mut rows = chain(RUN, count, true);
        let head = head(&rows);
        let i = which.index(rows.len());
        let at = at.index(rows[i].bytes.len());
        rows[i].bytes[at] ^= change;
        rows[i].hash = leaf_hash(&rows[i].bytes);
        let Verdict::Broken { seq, .. } = verdict(&rows, head) else { panic!("not found") };
        prop_assert!(seq == i as u64 || seq == i as u64 + 1, "{seq} for {i}");
    }

    #[test]
    fn any_deletion_is_found(count in 2u64..20, which in any::<prop::sample::Index>(), renumber in any::<bool>()) {
        let mut rows = chain(RUN, count, true);
        let head = head(&rows);
        let i = which.index(rows.len());
        rows.remove(i);
        if renumber {
            for row in rows.iter_mut().skip(i) { row.seq -= 1; }
        }
        let Verdict::Broken { seq, .. } = verdict(&rows, head) else { panic!("not found") };
        prop_assert_eq!(seq, i as u64);
    }
}

#[test]
fn deletion_says_what_is_missing() {
    let rows = chain(RUN, 5, true);
    let mut cut = rows.clone();
    cut.remove(2);
    check(&cut, head(&rows), broken(2, Fault::Gap { next: 3 }));
    check(&rows[1..], head(&rows), broken(0, Fault::Gap { next: 1 }));
    check(
        &rows[..3],
        head(&rows),
        broken(3, Fault::MissingTail { count: 5 }),
    );
    check(&[], head(&rows), broken(0, Fault::MissingTail { count: 5 }));
}

#[test]
fn swapped_duplicated_and_surplus_entries_are_found() {
    let rows = chain(RUN, 5, false);
    let mut swapped = rows.clone();
    (swapped[2].bytes, swapped[3].bytes) = (rows[3].bytes.clone(), rows[2].bytes.clone());
    check(&swapped, head(&rows), broken(2, Fault::Edited));
    (swapped[2].hash, swapped[3].hash) = (rows[3].hash, rows[2].hash);
    check(&swapped, head(&rows), broken(2, Fault::Moved { says: 3 }));

    let mut twice = rows.clone();
    twice.insert(3, rows[2].clone());
    check(&twice, head(&rows), broken(2, Fault::Duplicate));

    let short = ChainHead {
        count: 4,
        hash: rows[3].hash,
    };
    check(&rows, Some(short), broken(4, Fault::ExtraTail { count: 4 }));
    check(&rows, None, broken(0, Fault::ExtraTail { count: 0 }));
}

#[test]
fn the_last_entry_is_held_by_the_head() {
    let rows = chain(RUN, 3, false);
    let mut replaced = rows.clone();
    let mut d = draft(RUN, 2, rows[1].hash);
    d.epoch = 9;
    replaced[2] = row(d);
    check(&replaced, head(&rows), broken(2, Fault::Head));
    check(
        &replaced,
        head(&replaced),
        Verdict::Whole {
            entries: 3,
            ended: false,
        },
    );
}

#[test]
fn entries_of_others_are_found() {
    let rows = chain(RUN, 3, false);
    let mut moved = rows.clone();
    moved[1] = chain(OTHER, 3, false)[1].clone();
    check(&moved, head(&rows), broken(1, Fault::OtherRun));
    for (change, fault) in [
        (
            (|d: &mut Draft| d.tenant = "other".to_owned()) as fn(&mut Draft),
            Fault::OtherTenant,
        ),
        (
            |d| d.environment = "production".to_owned(),
            Fault::OtherEnvironment,
        ),
        (|d| d.prev = leaf_hash(b"x"), Fault::Prev),
        (|d| d.epoch = 0, Fault::Epoch { epoch: 0 }),
    ] {
        let mut d = draft(RUN, 1, rows[0].hash);
        change(&mut d);
        let mut changed = rows.clone();
        changed[1] = row(d);
        check(&changed, head(&rows), broken(1, fault));
    }
}

#[test]
fn nothing_follows_the_end() {
    let mut rows = chain(RUN, 3, true);
    rows.push(row(draft(RUN, 3, rows[2].hash)));
    check(&rows, head(&rows), broken(3, Fault::AfterEnd));
}

#[test]
fn bytes_that_hash_well_and_are_no_entry_are_found() {
    let mut rows = chain(RUN, 2, false);
    rows[1].bytes.push(b' ');
    rows[1].hash = leaf_hash(&rows[1].bytes);
    assert!(matches!(
        verdict(&rows, head(&rows)),
        Verdict::Broken {
            seq: 1,
            fault: Fault::Malformed(_)
        }
    ));
}

fn check(rows: &[Row], head: Option<ChainHead>, expected: Verdict) {
    assert_eq!(verdict(rows, head), expected);
}

fn verdict(rows: &[Row], head: Option<ChainHead>) -> Verdict {
    let name = ChainName {
        tenant: "default".to_owned(),
        environment: "dev".to_owned(),
        run: RUN.to_owned(),
    };
    verify_chain(
        &name,
        rows.iter().map(|r| StoredEntry {
            seq: r.seq,
            bytes: &r.bytes,
            hash: r.hash,
        }),
        head,
    )
}

const fn broken(seq: u64, fault: Fault) -> Verdict {
    Verdict::Broken { seq, fault }
}

fn head(rows: &[Row]) -> Option<ChainHead> {
    rows.last().map(|last| ChainHead {
        count: last.seq + 1,
        hash: last.hash,
    })
}

fn chain(run: &str, count: u64, ended: bool) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for seq in 0..count {
        let mut d = draft(run, seq, rows.last().map_or(LeafHash::ZERO, |r| r.hash));
        if ended && seq + 1 == count {
            d.event = RUN_ENDED.to_owned();
        }
        rows.push(row(d));
    }
    rows
}

fn row(draft: Draft) -> Row {
    let entry = Entry::new(draft).unwrap();
    Row {
        seq: entry.seq(),
        hash: entry.leaf_hash(),
        bytes: entry.into_bytes(),
    }
}

fn draft(run: &str, seq: u64, prev: LeafHash) -> Draft {
    Draft {
        tenant: "default".to_owned(),
        environment: "dev".to_owned(),
        run: run.to_owned(),
        seq,
        prev,
        epoch: 1,
        time: "2026-11-20T23:59:59.999999Z".to_owned(),
        event: "model.requested".to_owned(),
        body: [(Text::parse("tokens").unwrap(), Canon::integer(12).unwrap())].into(),
    }
}
