//! Opening, publishing and handing over, with each write of the store failing both ways and the process ending there.

use std::sync::Arc;
use std::time::{Duration, Instant};

use interlock_journal::audit::Expectations;
use interlock_journal::note::SignedNote;
use interlock_sim::store::{FaultPlan, FaultyStore, Flavour};
use interlock_store::{LogStore, MemoryStore, Store};

use super::{acts, audited, holds, one_run, open};
use crate::{Outcome, World};

#[tokio::test]
async fn a_run_is_published_and_every_question_of_the_audit_is_answered() -> Outcome {
    let (world, dir) = (World::load("clean")?, tempfile::tempdir()?);
    let store = World::memory()?;
    let road = world.road(&dir.path().join("data"), store.clone())?;
    let publisher = open(&road, &dir.path().join("data")).await?;
    one_run(&world, &road, "one").await?;
    publisher.publish_now().await?;
    one_run(&world, &road, "two").await?;
    let published = publisher.publish_now().await?.ok_or("nothing new")?;
    let tenant = road.engine().tenant();
    assert_eq!(published.size, store.log_size(tenant).await?);
    let expect = Expectations {
        origin: Some(publisher.origin().to_owned()),
        keys: publisher.key().await.into_iter().collect(),
        payloads: Some(true),
        ..Expectations::default()
    };
    let report = audited(store, expect).await?;
    holds(&report);
    assert_eq!(report.size, published.size);
    assert_eq!(acts(road.engine(), "log.opened").await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn an_opening_that_dies_anywhere_is_taken_up_again() -> Outcome {
    let world = World::load("clean")?;
    for flavour in Flavour::ALL {
        for n in 1.. {
            let dir = tempfile::tempdir()?;
            let memory: Arc<MemoryStore> = World::memory()?;
            let faulty = Arc::new(FaultyStore::new(memory.clone(), FaultPlan::nth(n, flavour)));
            let road = world.road(&dir.path().join("data"), faulty.clone())?;
            let first = open(&road, &dir.path().join("data")).await;
            let name = first.as_ref().ok().map(|one| one.origin().to_owned());
            let over = faulty.plan().failed() == 0;
            drop((first, road));
            let road = world.road(&dir.path().join("data"), memory.clone())?;
            let again = open(&road, &dir.path().join("data")).await?;
            again.publish_now().await?;
            assert!(name.is_none_or(|name| name == again.origin()), "{n}");
            assert_eq!(acts(road.engine(), "log.opened").await?.len(), 1, "{n}");
            assert_eq!(road.engine().log_refusal(), None);
            if over {
                assert!(n > 2, "an opening writes a record and an entry");
                break;
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_rotation_that_dies_anywhere_is_taken_up_again() -> Outcome {
    let world = World::load("clean")?;
    for flavour in Flavour::ALL {
        for n in 1.. {
            let dir = tempfile::tempdir()?;
            let memory: Arc<MemoryStore> = World::memory()?;
            let road = world.road(&dir.path().join("data"), memory.clone())?;
            let publisher = open(&road, &dir.path().join("data")).await?;
            publisher.publish_now().await?;
            let before = publisher.key().await.ok_or("no key")?;
            drop((publisher, road));

            let plan = FaultPlan::nth(n, flavour);
            let faulty = Arc::new(FaultyStore::new(memory.clone(), plan));
            let road = world.road(&dir.path().join("data"), faulty.clone())?;
            let publisher = open(&road, &dir.path().join("data")).await?;
            let rotated = publisher.rotate_key(None, None).await;
            let over = faulty.plan().failed() == 0;
            drop((publisher, road));

            let road = world.road(&dir.path().join("data"), memory.clone())?;
            let publisher = open(&road, &dir.path().join("data")).await?;
            if publisher.key().await.as_ref() == Some(&before) {
                // Nothing of it was on record: it is asked for again.
                assert!(rotated.is_err(), "{n}");
                publisher.rotate_key(None, None).await?;
            }
            let after = publisher.key().await.ok_or("no key")?;
            assert_ne!(before, after);
            assert_eq!(
                acts(road.engine(), "log.key_rotated").await?.len(),
                1,
                "{n}"
            );
            one_run(&world, &road, "after").await?;
            publisher.publish_now().await?;
            handed_over(&memory, &before, &after).await?;
            for key in [&before, &after] {
                // Who knows only the key of before finds the way to the new one in the log.
                let expect = Expectations {
                    keys: vec![key.clone(), after.clone()],
                    ..Expectations::default()
                };
                holds(&audited(memory.clone() as Arc<dyn Store>, expect).await?);
            }
            if over {
                assert!(
                    n > 2,
                    "a rotation writes an entry, a checkpoint and a record"
                );
                break;
            }
        }
    }
    Ok(())
}

/// One kept checkpoint is signed by both keys, those before it by the old one, those after it by the new one.
async fn handed_over(
    store: &MemoryStore,
    before: &interlock_journal::VerifierKey,
    after: &interlock_journal::VerifierKey,
) -> Outcome {
    let mut notes = store.checkpoints(&"default".parse()?, None, 200).await?;
    notes.reverse();
    let mut both = 0;
    for note in &notes {
        let note = SignedNote::parse(&note.checkpoint)?;
        let old = note.verify(std::slice::from_ref(before)).is_ok();
        let new = note.verify(std::slice::from_ref(after)).is_ok();
        assert!(old || new);
        both += usize::from(old && new);
        assert!(
            both > 0 || old,
            "the new key signs nothing alone before the handover"
        );
    }
    assert_eq!(both, 1);
    Ok(())
}

#[tokio::test]
async fn what_is_appended_is_published_within_a_second_beside_the_engine() -> Outcome {
    let (world, dir) = (World::load("clean")?, tempfile::tempdir()?);
    let store = World::memory()?;
    let road = world.road(&dir.path().join("data"), store.clone())?;
    let publishing = open(&road, &dir.path().join("data")).await?.spawn();
    let tenant = road.engine().tenant().clone();
    for key in ["one", "two"] {
        one_run(&world, &road, key).await?;
        let (size, since) = (store.log_size(&tenant).await?, Instant::now());
        loop {
            let published = store.published(&tenant).await?;
            if published.is_some_and(|published| published.size >= size) {
                break;
            }
            assert!(since.elapsed() < Duration::from_secs(1), "{key}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    one_run(&world, &road, "last").await?;
    publishing.end().await?;
    let lag = interlock_runtime::log::publication_lag(
        store.as_ref(),
        &tenant,
        road.engine().clock().now(),
    );
    assert_eq!(
        lag.await?.waiting(),
        0,
        "the last publication is made on leaving"
    );
    Ok(())
}
