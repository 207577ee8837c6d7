//! Pruning and holds: nothing is on record as pruned that the store does not prune, and no way to prune goes round a
//! hold, whenever it came and whether or not what it covers has any content.

use interlock_core::digest::Digest;
use interlock_core::id::{PayloadId, RunId, SubjectId};
use interlock_journal::{Canon, Draft, Entry, LeafHash};
use interlock_runtime::Fault;
use interlock_runtime::administration::{Administration, HoldScope};
use interlock_runtime::erasure::{ErasureFault, Whom};
use interlock_sim::installation::Failure;
use interlock_sim::road::Road;
use interlock_store::{Append, NewEntry, RunRow, RunStatus, SealedPayload};
use serde_json::json;

use super::periods::{Archive, THREE_MONTHS, day, publish};
use super::{ADA, officer};
use crate::Outcome;

/// Runs about Ada until the log has more than a tile.
async fn filled(road: &Road) -> Result<Vec<RunId>, Failure> {
    let engine = road.engine();
    let input = json!({"case_id": "CASE-1042", "reporter": ADA});
    let mut runs = Vec::new();
    while engine.store().log_size(engine.tenant()).await? < 300 {
        let run = road.start(&input, &format!("run {}", runs.len())).await?;
        assert!(road.go_on(run).await?.is_ended());
        runs.push(run);
    }
    Ok(runs)
}

async fn says_pruned(road: &Road) -> Result<bool, Failure> {
    let acts = road.engine().administration_history(0, 200).await?;
    let pruned = |act: &Administration| matches!(act, Administration::LogPruned { .. });
    Ok(acts.iter().any(|entry| pruned(&entry.act)))
}

#[tokio::test]
async fn a_run_that_waits_is_refused_before_anything_is_on_record() -> Outcome {
    let archive = Archive::new(THREE_MONTHS)?;
    let road = archive.road()?;
    road.deploy(&archive.office.world.files).await?;
    let input = json!({"case_id": "CASE-1042", "reporter": ADA});
    let waiting = road.start(&input, "waiting").await?;
    assert!(!road.engine().drive(waiting).await?.is_ended());
    let runs = filled(&road).await?;
    archive.clock.set(day(106));
    publish(&road).await?;
    let by = officer(&road).await?;
    let engine = road.engine();
    let refused = engine.prune_log(day(10), "schedule", &by).await;
    let Err(ErasureFault::Policy(why)) = refused else {
        return Err(format!("it was not refused: {refused:?}").into());
    };
    assert!(
        why.contains(&waiting.to_string()) && why.contains("not over"),
        "{why}"
    );
    assert!(!says_pruned(&road).await?);

    // Then a hold, then the run is over: the hold is in the way, whatever was asked for before.
    let held = *runs.get(2).ok_or("few runs")?;
    let hold = engine
        .place_hold(HoldScope::Run(held), "case 12/26", &by)
        .await?;
    archive.clock.set(day(0));
    assert!(road.go_on(waiting).await?.is_ended());
    archive.clock.set(day(106));
    for before in [day(10), day(0)] {
        let refused = engine.prune_log(before, "schedule", &by).await;
        let in_the_way = matches!(&refused, Err(ErasureFault::Held(holds)) if *holds == [hold]);
        assert!(in_the_way || before == day(0), "{refused:?}");
        assert_eq!(engine.store().log_minimum(engine.tenant()).await?, 0);
    }
    assert!(!says_pruned(&road).await?);
    Ok(())
}

#[tokio::test]
async fn a_pruning_that_broke_off_before_the_store_began_is_looked_at_again() -> Outcome {
    let archive = Archive::new(THREE_MONTHS)?;
    let road = archive.road()?;
    road.deploy(&archive.office.world.files).await?;
    let runs = filled(&road).await?;
    archive.clock.set(day(106));
    publish(&road).await?;
    let by = officer(&road).await?;
    let engine = road.engine();
    let act = Administration::LogPruned { minimum: 256 };
    engine.administer(act, None, Some(by.id())).await?;
    let held = *runs.get(2).ok_or("few runs")?;
    let hold = engine
        .place_hold(HoldScope::Run(held), "case 12/26", &by)
        .await?;
    for before in [day(0), day(10)] {
        let refused = engine.prune_log(before, "schedule", &by).await;
        assert!(
            matches!(&refused, Err(ErasureFault::Held(holds)) if *holds == [hold]),
            "{refused:?}"
        );
        assert_eq!(engine.store().log_minimum(engine.tenant()).await?, 0);
    }
    engine.release_hold(hold, "settled", &by).await?;
    assert_eq!(engine.preview_pruning(day(0), &by).await?, Some(256));
    assert_eq!(engine.prune_log(day(0), "schedule", &by).await?, Some(256));
    assert_eq!(engine.store().log_minimum(engine.tenant()).await?, 256);
    assert_eq!(engine.prune_log(day(0), "schedule", &by).await?, None);
    Ok(())
}

#[tokio::test]
async fn a_hold_covers_entries_that_have_no_content() -> Outcome {
    let archive = Archive::new(THREE_MONTHS)?;
    let road = archive.road()?;
    road.deploy(&archive.office.world.files).await?;
    let by = officer(&road).await?;
    let engine = road.engine();
    let (bare, person) = (RunId::from_bytes([3; 16]), SubjectId::from_bytes([5; 16]));
    let input = json!({"case_id": "CASE-1042", "reporter": ADA});
    let run = road.start(&input, "first").await?;
    assert!(road.go_on(run).await?.is_ended());
    let ada = engine.subject_of(&Whom::Named(ADA.to_owned()), &by).await?;
    assert_ne!(ada, person);
    append_bare(&road, bare, ada).await?;
    filled(&road).await?;
    archive.clock.set(day(106));
    publish(&road).await?;
    for scope in [
        HoldScope::Run(bare),
        HoldScope::Subject(ada),
        HoldScope::Period {
            class: "default".to_owned(),
            month: "2026-01".to_owned(),
        },
    ] {
        let hold = engine.place_hold(scope.clone(), "case 12/26", &by).await?;
        let refused = engine.prune_log(day(10), "schedule", &by).await;
        assert!(
            matches!(&refused, Err(ErasureFault::Held(holds)) if *holds == [hold]),
            "{scope:?}: {refused:?}"
        );
        engine.release_hold(hold, "settled", &by).await?;
    }
    assert_eq!(engine.prune_log(day(10), "schedule", &by).await?, Some(256));
    Ok(())
}

/// A header that was made unreadable does not tell which class and whom a payload is of: nothing is pruned over it.
#[tokio::test]
async fn a_payload_whose_header_cannot_be_read_is_not_pruned() -> Outcome {
    let archive = Archive::new(THREE_MONTHS)?;
    let road = archive.road()?;
    road.deploy(&archive.office.world.files).await?;
    let by = officer(&road).await?;
    let (run, id) = (RunId::from_bytes([3; 16]), PayloadId::from_bytes([4; 16]));
    let zeros = "0".repeat(64);
    let body = format!(
        "{{\"payloads\":[{{\"commit\":\"{zeros}\",\"ct\":\"{zeros}\",\"id\":\"{id}\",\"padded\":256,\"slot\":\"reply\"}}]}}"
    );
    let payload = SealedPayload {
        id,
        run,
        class: "default".to_owned(),
        header: b"none".to_vec(),
        ciphertext: vec![0; 16],
        marks: Vec::new(),
    };
    append(&road, run, &body, vec![payload]).await?;
    filled(&road).await?;
    archive.clock.set(day(106));
    publish(&road).await?;
    let engine = road.engine();
    let refused = engine.prune_log(day(10), "schedule", &by).await;
    assert!(
        matches!(&refused, Err(ErasureFault::Engine(Fault::Damaged { run: named, .. })) if *named == run),
        "{refused:?}"
    );
    assert!(!says_pruned(&road).await?);
    assert_eq!(engine.store().log_minimum(engine.tenant()).await?, 0);
    Ok(())
}

/// A run of one entry, without content, whose label names a person.
async fn append_bare(road: &Road, run: RunId, about: SubjectId) -> Outcome {
    let body = format!("{{\"label\":{{\"about\":[\"{about}\"]}}}}");
    append(road, run, &body, Vec::new()).await
}

/// A run of one entry.
async fn append(road: &Road, run: RunId, body: &str, payloads: Vec<SealedPayload>) -> Outcome {
    let engine = road.engine();
    let Canon::Object(body) = interlock_journal::canonical::parse(body.as_bytes())? else {
        return Err("no object".into());
    };
    let now = engine.clock().now();
    let entry = Entry::new(Draft {
        tenant: engine.tenant().to_string(),
        environment: engine.environment().to_string(),
        run: run.to_string(),
        seq: 0,
        prev: LeafHash::ZERO,
        epoch: 1,
        time: now.to_string(),
        event: "run.cancelled".to_owned(),
        body,
    })?;
    let hash = entry.leaf_hash();
    let append = Append {
        run,
        expected: None,
        epoch: 1,
        entries: vec![NewEntry {
            seq: 0,
            bytes: entry.into_bytes(),
            hash,
        }],
        payloads,
        row: RunRow {
            run,
            workflow: "answer".to_owned(),
            bundle: Digest::from_bytes([0; 32]),
            state: RunStatus::Ended,
            outcome: None,
            wake_at: None,
            started: now,
            updated: now,
            requester: interlock_core::id::PrincipalId::from_bytes([1; 16]),
            parent: None,
        },
        waits: Vec::new(),
        request_key: None,
    };
    engine.store().append(engine.tenant(), append).await?;
    Ok(())
}
