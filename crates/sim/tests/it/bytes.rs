//! A finished run in SQLite: changing any single byte of any stored entry, its hash or the head is found, and the
//! entry is named. Every byte is changed once; the property draws from all changes of one.

use interlock_core::run::Phase;
use interlock_journal::{ChainHead, ChainName, LeafHash, Verdict, verify_chain};
use interlock_sim::installation::{Failure, Installation};
use interlock_store::{Chain, StoredEntry};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

use crate::{Outcome, World};

/// The chain of a finished run, as it was read back from the disk by a store opened anew.
async fn finished() -> Result<(ChainName, Chain), Failure> {
    let dir = tempfile::tempdir()?;
    let world = World::load("clean")?;
    let data = dir.path().join("data");
    let installation = Installation::open(&data)?;
    let road = world.road(&data, installation.sqlite()?)?;
    road.deploy(&world.files).await?;
    let run = road.start(&json!({"case_id": "CASE-1042"}), "one").await?;
    assert!(matches!(road.go_on(run).await?.phase, Phase::Ended { .. }));
    road.check(run, world.bundle.tools()).await?;
    let name = ChainName {
        tenant: road.engine().tenant().to_string(),
        environment: road.engine().environment().to_string(),
        run: run.to_string(),
    };
    let tenant = road.engine().tenant().clone();
    drop(road);
    let chain = installation.sqlite()?.chain(&tenant, run).await?;
    Ok((name, chain))
}

fn verify(name: &ChainName, chain: &Chain) -> Verdict {
    let entries = chain.entries.iter().map(StoredEntry::to_verify);
    verify_chain(name, entries, chain.head.map(ChainHead::from))
}

/// Changes one byte of one entry, verifies, and changes it back.
fn check(name: &ChainName, chain: &mut Chain, place: usize, at: usize, mask: u8) {
    let change = |chain: &mut Chain| {
        if let Some(byte) = chain
            .entries
            .get_mut(place)
            .and_then(|entry| entry.bytes.get_mut(at))
        {
            *byte ^= mask;
        }
    };
    change(chain);
    let verdict = verify(name, chain);
    change(chain);
    let named = matches!(verdict, Verdict::Broken { seq, .. } if seq == place as u64);
    assert!(
        named,
        "byte {at} of entry {place}, by {mask:#04x}: {verdict}"
    );
}

#[tokio::test]
async fn any_changed_byte_of_any_entry_is_found_and_named() -> Outcome {
    let (name, mut chain) = finished().await?;
    assert!(matches!(verify(&name, &chain), Verdict::Whole { .. }));
    let sizes: Vec<usize> = chain
        .entries
        .iter()
        .map(|entry| entry.bytes.len())
        .collect();
    for (place, size) in sizes.iter().enumerate() {
        for at in 0..*size {
            // Another bit at each byte; the property below draws whole masks.
            check(&name, &mut chain, place, at, 1 << ((place + at) % 8));
        }
    }
    let cases = TestRunner::new(Config::with_cases(2000)).run(
        &(
            any::<prop::sample::Index>(),
            any::<prop::sample::Index>(),
            1..=u8::MAX,
        ),
        |(place, at, mask)| {
            let place = place.index(sizes.len());
            check(
                &name,
                &mut chain.clone(),
                place,
                at.index(sizes[place]),
                mask,
            );
            Ok(())
        },
    );
    Ok(cases?)
}

#[tokio::test]
async fn a_changed_hash_or_head_and_a_missing_or_moved_entry_are_found() -> Outcome {
    let (name, chain) = finished().await?;
    let broken = |changed: &Chain, what: &str| {
        let verdict = verify(&name, changed);
        assert!(
            matches!(verdict, Verdict::Broken { .. }),
            "{what}: {verdict}"
        );
    };
    for place in 0..chain.entries.len() {
        let mut hashed = chain.clone();
        let mut bytes = hashed.entries[place].hash.to_bytes();
        bytes[place % 32] ^= 1;
        hashed.entries[place].hash = LeafHash::from_bytes(bytes);
        broken(&hashed, &format!("hash of entry {place}"));
        let mut fewer = chain.clone();
        fewer.entries.remove(place);
        broken(&fewer, &format!("without entry {place}"));
        let mut twice = chain.clone();
        twice.entries.insert(place, chain.entries[place].clone());
        broken(&twice, &format!("entry {place} twice"));
        for other in 0..place {
            let mut moved = chain.clone();
            moved.entries.swap(place, other);
            broken(
                &moved,
                &format!("entries {other} and {place} in each other's place"),
            );
        }
    }
    let mut headless = chain.clone();
    headless.head = None;
    broken(&headless, "without head");
    let mut shorter = chain;
    shorter.entries.pop();
    broken(&shorter, "without its end");
    Ok(())
}
