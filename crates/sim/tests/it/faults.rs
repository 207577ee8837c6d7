//! The example's clean run while writes of its store fail: each write in turn, not stored or stored with an error, and
//! many at once by a seed. It ends the same, and nothing is done twice.

use std::sync::Arc;

use interlock_core::run::{Outcome as Ended, Phase};
use interlock_sim::road::settled;
use interlock_sim::store::{FaultPlan, FaultyStore, Flavour};
use serde_json::json;

use crate::{Outcome, World, ledger};

/// More faults than any plan here makes of one request in a row.
const PATIENCE: u32 = 40;

struct Walked {
    kinds: Vec<&'static str>,
    deployed: u64,
    asked: u64,
    failed: u64,
}

/// Walks the clean run's whole road over a store with this plan.
async fn check(plan: FaultPlan, world: &World, what: &str) -> Result<Walked, crate::Failure> {
    let dir = tempfile::tempdir()?;
    let data = dir.path().join("data");
    let store = Arc::new(FaultyStore::new(World::memory()?, plan));
    let mut road = world.road(&data, store.clone())?;
    road.patience = PATIENCE;
    let walk = async {
        road.deploy(&world.files).await?;
        let deployed = store.plan().asked();
        let run = road.start(&json!({"case_id": "CASE-1042"}), "one").await?;
        let state = road.go_on(run).await?;
        let (folded, history) = road.check(run, world.bundle.tools()).await?;
        assert_eq!(folded, state, "{what}: the journal tells another end");
        let runs = road
            .engine()
            .store()
            .totals(road.engine().tenant())
            .await?
            .runs;
        assert_eq!(runs, 1, "{what}: the request started another run");
        Ok::<_, crate::Failure>((state, history, deployed))
    };
    let (state, history, deployed) = walk.await.map_err(|fault| format!("{what}: {fault}"))?;
    let ended = matches!(
        state.phase,
        Phase::Ended {
            outcome: Ended::Completed
        }
    );
    assert!(ended, "{what}: {}", state.phase.name());
    assert_eq!(ledger(&data, "submissions.jsonl").len(), 1, "{what}");
    assert_eq!(ledger(&data, "outbox.jsonl").len(), 0, "{what}");
    Ok(Walked {
        kinds: history.iter().map(|entry| entry.event.kind()).collect(),
        deployed,
        asked: store.plan().asked(),
        failed: store.plan().failed(),
    })
}

#[tokio::test]
async fn each_write_fails_in_both_ways_and_the_run_ends_the_same() -> Outcome {
    let world = World::load("clean")?;
    let good = check(FaultPlan::none(), &world, "no fault").await?;
    for n in 1..=good.asked {
        for flavour in Flavour::ALL {
            let what = format!("write {n} of {}, {flavour:?}", good.asked);
            let walked = check(FaultPlan::nth(n, flavour), &world, &what).await?;
            assert_eq!(walked.failed, 1, "{what}: was not made");
            assert_eq!(settled(&walked.kinds), good.kinds, "{what}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn many_writes_fail_and_the_run_ends_the_same() -> Outcome {
    let world = World::load("clean")?;
    let good = check(FaultPlan::none(), &world, "no fault").await?;
    for seed in 0..16 {
        let what = format!("seed {seed}");
        let walked = check(FaultPlan::seeded(seed, 3, good.deployed), &world, &what).await?;
        assert!(walked.failed > 0, "{what}: nothing failed");
        assert_eq!(settled(&walked.kinds), good.kinds, "{what}");
    }
    Ok(())
}

/// From some write on nothing can be stored, in one process; the next has room again.
#[tokio::test]
async fn attack_52_a_journal_that_cannot_be_written_dispatches_nothing() -> Outcome {
    let world = World::load("clean")?;
    let good = check(FaultPlan::none(), &world, "no fault").await?;
    for n in good.deployed + 1..=good.asked {
        let what = format!("full from write {n} of {}", good.asked);
        let dir = tempfile::tempdir()?;
        let (data, memory) = (dir.path().join("data"), World::memory()?);
        let store = Arc::new(FaultyStore::new(memory.clone(), FaultPlan::from(n)));
        let input = json!({"case_id": "CASE-1042"});
        let road = world.road(&data, store)?;
        road.deploy(&world.files).await?;
        let walk = async {
            let run = road.start(&input, "one").await?;
            road.go_on(run).await
        };
        assert!(walk.await.is_err(), "{what}");
        drop(road);
        let road = world.road(&data, memory)?;
        let runs = road.engine().store();
        let runs = runs
            .runs(road.engine().tenant(), Default::default(), 10)
            .await?;
        let mut started = 0;
        for row in runs {
            let history = road.engine().history(row.run).await?;
            let acts = history.iter().map(|entry| entry.event.kind());
            started += acts.filter(|kind| *kind == "act.started").count();
        }
        let done = ledger(&data, "submissions.jsonl").len();
        assert!(done <= started, "{what}: {done} done, {started} allowed");
        let run = road.start(&input, "one").await?;
        let state = road.go_on(run).await?;
        assert!(state.is_ended(), "{what}: {}", state.phase.name());
        assert_eq!(ledger(&data, "submissions.jsonl").len(), 1, "{what}");
    }
    Ok(())
}
