//! Stores that were put back, keys and guards that were taken or swapped: what is refused, that reading goes on, and
//! that the way out is on record.

use std::path::Path;

use interlock_core::id::RunId;
use interlock_core::time::Timestamp;
use interlock_journal::audit::{Expectations, Finding};
use interlock_journal::checkpoint::Checkpoint;
use interlock_journal::note::SignedNote;
use interlock_runtime::Fault;
use interlock_runtime::case::{CaseDoors, scripted_model};
use interlock_runtime::clock::FixedClock;
use interlock_runtime::log::{
    FileGuard, Guard as _, Guarded, PublishFault, Publisher, Refusal, adopt_guard, renew_log,
};
use interlock_sim::installation::{Failure, Installation, scripted_endpoints};
use interlock_sim::road::Road;
use serde_json::json;

use super::{acts, audited, holds, one_run, open, place, verified};
use crate::{Outcome, World};

const DATABASE: &str = "interlock.db";

/// A data directory on disk with one published run.
async fn published(world: &World, dir: &Path) -> Outcome {
    let road = disk(world, dir)?;
    let publisher = open(&road, dir).await?;
    one_run(world, &road, "one").await?;
    publisher.publish_now().await?;
    Ok(())
}

fn disk(world: &World, dir: &Path) -> Result<Road, Failure> {
    world.road(dir, Installation::open(dir)?.sqlite()?)
}

/// Opening is refused, no run starts, and everything can be read.
async fn refused(world: &World, dir: &Path) -> Result<Refusal, Failure> {
    let road = disk(world, dir)?;
    let fault = open(&road, dir).await.err().ok_or("it was opened")?;
    let refusal = fault.refusal().cloned().ok_or_else(|| fault.to_string())?;
    assert!(fault.to_string().contains("\nhint: "));
    assert_eq!(road.engine().log_refusal(), Some(refusal.clone()));
    let started = road.start(&json!({"case_id": "CASE-1042"}), "more").await;
    let started = started.err().ok_or("a run was started")?;
    let started = started.downcast_ref::<Fault>().ok_or("another fault")?;
    assert!(matches!(started, Fault::LogRefused(found) if *found == refusal));
    let runs = road
        .engine()
        .store()
        .runs(road.engine().tenant(), Default::default(), 10)
        .await?;
    let run: RunId = runs.first().ok_or("no run")?.run;
    assert!(!road.engine().history(run).await?.is_empty());
    Ok(refusal)
}

#[tokio::test]
async fn attack_17_a_backup_put_back_over_a_newer_store_is_refused_and_left_on_record() -> Outcome {
    let (world, dir) = (World::load("clean")?, tempfile::tempdir()?);
    let dir = dir.path().join("data");
    published(&world, &dir).await?;
    let backup = std::fs::read(dir.join(DATABASE))?;
    let road = disk(&world, &dir)?;
    let publisher = open(&road, &dir).await?;
    one_run(&world, &road, "two").await?;
    let newest = publisher.publish_now().await?.ok_or("nothing new")?;
    let old = publisher.key().await.ok_or("no key")?;
    drop((publisher, road));
    std::fs::write(dir.join(DATABASE), backup)?;
    assert!(!dir.join("interlock.db-wal").exists());

    let refusal = refused(&world, &dir).await?;
    assert!(matches!(refusal, Refusal::StoreBehind { signed, .. } if signed == newest.size));

    // The guard is not made to fit: what it knows is lost.
    let road = disk(&world, &dir)?;
    let adopted = adopt_guard(road.engine(), &place(&dir), "try", None).await;
    assert!(matches!(
        adopted,
        Err(PublishFault::Refused(Refusal::StoreBehind { .. }))
    ));
    let new = renew_log(road.engine(), &place(&dir), "the disk is lost", None).await?;
    let new = new.ok_or("nothing was done")?;
    assert_ne!(new.name(), old.name());
    let publisher = open(&road, &dir).await;
    // This engine has found nothing; the one that was refused is gone.
    let publisher = publisher?;
    one_run(&world, &road, "three").await?;
    publisher.publish_now().await?;
    assert_eq!(acts(road.engine(), "log.opened").await?.len(), 2);
    drop((publisher, road));

    // Whoever kept a checkpoint of before is not deceived: the log of that name does not go on.
    let store = Installation::open(&dir)?.sqlite()?;
    let kept = SignedNote::parse(&newest.checkpoint)?;
    let kept = Checkpoint::parse_text(kept.text())?;
    let expect = Expectations {
        keys: vec![new, old],
        kept: Some(kept),
        ..Expectations::default()
    };
    let report = audited(store, expect).await?;
    assert!(
        matches!(report.append_only, Finding::Broken { .. }),
        "{:?}",
        report.append_only
    );
    Ok(())
}

#[tokio::test]
async fn attack_06_a_store_put_back_with_its_older_genuine_checkpoint_is_found_by_the_guard()
-> Outcome {
    let (world, dir) = (World::load("clean")?, tempfile::tempdir()?);
    let dir = dir.path().join("data");
    published(&world, &dir).await?;
    let backup = std::fs::read(dir.join(DATABASE))?;
    let road = disk(&world, &dir)?;
    let publisher = open(&road, &dir).await?;
    one_run(&world, &road, "two").await?;
    publisher.publish_now().await?;
    drop((publisher, road));
    std::fs::write(dir.join(DATABASE), backup)?;
    // It even grows beyond the size that the guard knows, before anybody publishes.
    let road = disk(&world, &dir)?;
    for key in ["three", "four", "five"] {
        one_run(&world, &road, key).await?;
    }
    drop(road);
    let refusal = refused(&world, &dir).await?;
    assert!(matches!(refusal, Refusal::Diverged { .. }), "{refusal:?}");
    Ok(())
}

#[tokio::test]
async fn a_guard_that_is_gone_is_not_made_anew_but_adopted_on_record() -> Outcome {
    let (world, dir) = (World::load("clean")?, tempfile::tempdir()?);
    let dir = dir.path().join("data");
    published(&world, &dir).await?;
    let guard = dir.join("guard/default.guard");
    for damage in [false, true] {
        if damage {
            std::fs::write(&guard, b"interlock-guard/1\n")?;
            assert_eq!(refused(&world, &dir).await?, Refusal::GuardDamaged);
        } else {
            std::fs::remove_file(&guard)?;
            assert_eq!(refused(&world, &dir).await?, Refusal::GuardMissing);
            assert!(!guard.exists());
        }
        let road = disk(&world, &dir)?;
        let adopted = adopt_guard(road.engine(), &place(&dir), "new disk", None).await?;
        assert!(adopted.is_some());
        let again = adopt_guard(road.engine(), &place(&dir), "new disk", None).await?;
        assert!(again.is_none(), "it fits now");
        let publisher = open(&road, &dir).await?;
        publisher.publish_now().await?;
        let key = publisher.key().await.ok_or("no key")?;
        drop((publisher, road));
        let expect = Expectations {
            keys: vec![key],
            ..Expectations::default()
        };
        holds(&audited(Installation::open(&dir)?.sqlite()?, expect).await?);
    }
    let road = disk(&world, &dir)?;
    assert_eq!(acts(road.engine(), "guard.adopted").await?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn attack_20_a_key_that_was_swapped_or_taken_signs_nothing() -> Outcome {
    let (world, dir) = (World::load("clean")?, tempfile::tempdir()?);
    let dir = dir.path().join("data");
    published(&world, &dir).await?;
    let file = dir.join("keys/log.key");
    let seed = std::fs::read(&file)?;
    let mut other = seed.clone();
    other.iter_mut().for_each(|byte| *byte ^= 0x55);
    std::fs::write(&file, other)?;
    assert_eq!(refused(&world, &dir).await?, Refusal::OtherKey);
    std::fs::remove_file(&file)?;
    assert_eq!(refused(&world, &dir).await?, Refusal::KeyMissing);
    assert!(!file.exists(), "no key is made anew");
    std::fs::write(&file, seed)?;
    // As `write` made it, others may read it: that is no key either.
    let road = disk(&world, &dir)?;
    assert!(matches!(
        open(&road, &dir).await.err(),
        Some(PublishFault::Signer(_))
    ));
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    open(&road, &dir).await?;
    Ok(())
}

/// A new store beside the key and the guard of an old one, whose name is in every checkpoint and so is no secret.
#[tokio::test]
async fn attack_17_a_key_signs_no_second_log_under_a_new_store() -> Outcome {
    let (world, dir) = (World::load("clean")?, tempfile::tempdir()?);
    let origin = "log.example.org/acme";
    for (at, (guarded, moved)) in [(true, false), (false, false), (false, true)]
        .into_iter()
        .enumerate()
    {
        let dir = dir.path().join(at.to_string());
        let mut named = place(&dir);
        named.config.origin = Some(origin.to_owned());
        let road = disk(&world, &dir)?;
        let engine = std::sync::Arc::clone(road.engine());
        let publisher = Publisher::open(engine, named.clone()).await?;
        one_run(&world, &road, "one").await?;
        publisher.publish_now().await?;
        drop((publisher, road));

        std::fs::remove_file(dir.join(DATABASE))?;
        std::fs::remove_file(dir.join("guard/default.guard"))?;
        if moved {
            std::fs::rename(dir.join("keys/log.key"), dir.join("keys/log.key.next"))?;
        }
        let road = disk(&world, &dir)?;
        if guarded {
            forged(&named.guard_dir(), origin).await?;
        }
        one_run(&world, &road, "another").await?;
        let engine = std::sync::Arc::clone(road.engine());
        let opened = Publisher::open(engine, named).await.err();
        let refusal = opened.as_ref().and_then(PublishFault::refusal);
        assert_eq!(refusal, Some(&Refusal::NameMissing), "{at}");
        let published = road.engine().store().published(road.engine().tenant());
        assert!(published.await?.is_none(), "{at}");
        assert_eq!(dir.join("guard/default.guard").exists(), guarded, "{at}");
    }
    Ok(())
}

/// A guard that says that nothing was ever signed.
async fn forged(dir: &Path, origin: &str) -> Outcome {
    let guard = FileGuard::open(dir, &"default".parse()?)?;
    let new = Guarded {
        origin: origin.to_owned(),
        size: 0,
        root: interlock_journal::tree::empty_root().to_bytes(),
        at: Timestamp::from_micros(1),
    };
    Ok(guard.adopt(&new).await?)
}

#[tokio::test]
async fn an_installation_that_is_older_than_its_log_opens_one() -> Outcome {
    let (world, dir) = (World::load("clean")?, tempfile::tempdir()?);
    let dir = dir.path().join("data");
    let road = disk(&world, &dir)?;
    one_run(&world, &road, "before").await?;
    drop(road);
    assert!(!dir.join("keys/log.key").exists());
    let store = Installation::open(&dir)?.sqlite()?;
    let road = world.road(&dir, std::sync::Arc::clone(&store))?;
    verified(&road, &dir, store).await
}

/// The clock is set back between two runs and within one: order is told by places, and times stay what the clock said.
#[tokio::test]
async fn attack_53_a_clock_that_jumps_back_changes_no_order_of_a_run() -> Outcome {
    let (world, dir) = (World::load("clean")?, tempfile::tempdir()?);
    let dir = dir.path().join("data");
    let clock = std::sync::Arc::new(FixedClock::at(Timestamp::from_micros(
        1_790_000_000_000_000,
    )));
    let mut installation = Installation::open(&dir)?;
    installation.clock = clock.clone();
    let store = installation.sqlite()?;
    let engine = installation.engine(
        std::sync::Arc::clone(&store),
        std::sync::Arc::new(scripted_model(&world.case)),
        std::sync::Arc::new(CaseDoors::new(&world.case, &dir)),
        scripted_endpoints(&world.bundle),
    )?;
    let road = Road::new(engine);
    let publisher = open(&road, &dir).await?;
    one_run(&world, &road, "before").await?;
    publisher.publish_now().await?;
    clock.set(Timestamp::from_micros(1_780_000_000_000_000));
    let run = road
        .start(&json!({"case_id": "CASE-1042"}), "after")
        .await?;
    clock.set(Timestamp::from_micros(1_770_000_000_000_000));
    assert!(road.go_on(run).await?.is_ended());
    clock.set(Timestamp::from_micros(1_760_000_000_000_000));
    drop(publisher);
    verified(&road, &dir, store).await
}

#[tokio::test]
async fn a_log_keeps_its_name_and_its_guard() -> Outcome {
    let (world, dir) = (World::load("clean")?, tempfile::tempdir()?);
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    published(&world, &one).await?;
    published(&world, &two).await?;
    let road = disk(&world, &one)?;
    let mut renamed = place(&one);
    renamed.config.origin = Some("log.example.org/other".to_owned());
    let engine = std::sync::Arc::clone(road.engine());
    let opened = interlock_runtime::log::Publisher::open(engine, renamed).await;
    assert!(matches!(
        opened.err().as_ref().and_then(PublishFault::refusal),
        Some(Refusal::Renamed { .. })
    ));
    drop(road);
    std::fs::copy(
        two.join("guard/default.guard"),
        one.join("guard/default.guard"),
    )?;
    assert!(matches!(
        refused(&world, &one).await?,
        Refusal::OtherLog { .. }
    ));
    // A store made anew beside an old guard is a store that lost everything.
    for name in [DATABASE, "keys/log.key"] {
        std::fs::remove_file(two.join(name))?;
    }
    let road = disk(&world, &two)?;
    let opened = open(&road, &two).await;
    assert!(matches!(
        opened.err().as_ref().and_then(PublishFault::refusal),
        Some(Refusal::StoreBehind { .. })
    ));
    Ok(())
}
