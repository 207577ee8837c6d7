//! What comes after an erasure or an expiry was begun, and after it broke off: holds, retries, and what the log then
//! says of it.

use std::sync::Arc;

use interlock_core::id::SubjectId;
use interlock_runtime::administration::{Administration, HoldScope};
use interlock_runtime::erasure::{EraseRequest, ErasureFault, Whom};
use interlock_runtime::retention::Standing;
use interlock_runtime::seal::KeyName;
use interlock_sim::installation::Failure;
use interlock_sim::road::Road;
use interlock_sim::store::{Flavour, Interposed};
use serde_json::json;

use super::breaks::{Death, copied, reopened};
use super::periods::{Archive, THREE_MONTHS, day};
use super::{ADA, ORDER, Office, check_erased, erase_ada, officer, opens};
use crate::Outcome;

async fn is_requested(road: &Road) -> Result<Option<SubjectId>, Failure> {
    let ledger = road.engine().ledger().await?;
    Ok(ledger.erasures().next().map(|erasure| erasure.subject))
}

#[tokio::test]
async fn a_hold_that_came_after_the_beginning_holds_while_there_is_content() -> Outcome {
    let office = Office::new()?;
    let (road, runs) = office.peopled().await?;
    drop(road);
    let mut held = 0;
    // Dies at each write from the request on, until the person's key is gone.
    for at in 1..40 {
        let copied = copied(&office)?;
        let installation = copied.installation()?;
        let death = Death::new(at, Flavour::StoredWithError);
        let store = Arc::new(Interposed::new(installation.sqlite()?, death));
        let road = copied.road_over(&installation, store)?;
        let _ = erase_ada(&road).await;
        drop((road, installation));
        let road = reopened(&copied).await?;
        let engine = road.engine();
        let Some(ada) = is_requested(&road).await? else {
            continue;
        };
        if engine.key_is_gone(&KeyName::subject(ada)).await? {
            break;
        }
        let by = officer(&road).await?;
        let over = *runs.get("over").ok_or("no such run")?;
        let hold = engine
            .place_hold(HoldScope::Run(over), "case 12/26", &by)
            .await?;
        let request = || EraseRequest {
            whom: Whom::Known(ada),
            order: ORDER,
            reason: "the person asked for it",
            by: &by,
        };
        let refused = engine.erase(request(), &mut |_| ()).await;
        assert!(
            matches!(&refused, Err(ErasureFault::Held(holds)) if *holds == [hold]),
            "write {at}: {refused:?}"
        );
        assert_eq!(opens(engine, over).await?, (true, false), "write {at}");
        engine.release_hold(hold, "settled", &by).await?;
        let certificate = engine.erase(request(), &mut |_| ()).await?;
        check_erased(&road, &runs, &certificate).await?;
        held += 1;
    }
    assert!(held > 2, "{held}");
    Ok(())
}

#[tokio::test]
async fn a_mistyped_pseudonym_is_nobodys() -> Outcome {
    let office = Office::new()?;
    let (road, _) = office.peopled().await?;
    let by = officer(&road).await?;
    let engine = road.engine();
    let nobody = SubjectId::from_bytes([7; 16]);
    let whom = Whom::Known(nobody);
    let preview = engine.preview_erasure(&whom, &by, &mut |_| ()).await;
    assert!(matches!(preview, Err(ErasureFault::Unknown)));
    let request = EraseRequest {
        whom,
        order: ORDER,
        reason: "why not",
        by: &by,
    };
    let refused = engine.erase(request, &mut |_| ()).await;
    assert!(matches!(refused, Err(ErasureFault::Unknown)));
    let run = interlock_core::id::RunId::from_bytes([7; 16]);
    for scope in [HoldScope::Subject(nobody), HoldScope::Run(run)] {
        assert!(engine.place_hold(scope, "case 12/26", &by).await.is_err());
    }
    let acts = engine.administration_history(0, 200).await?;
    assert!(!acts.iter().any(|entry| matches!(
        entry.act,
        Administration::ErasureRequested { .. } | Administration::HoldPlaced { .. }
    )));
    Ok(())
}

#[tokio::test]
async fn the_record_of_an_erasure_under_way_dies_with_the_persons_key() -> Outcome {
    let office = Office::new()?;
    let (road, _) = office.peopled().await?;
    drop(road);
    let mut seen = 0;
    for at in 1..60 {
        let copied = copied(&office)?;
        let installation = copied.installation()?;
        let death = Death::new(at, Flavour::StoredWithError);
        let store = Arc::new(Interposed::new(installation.sqlite()?, death));
        let road = copied.road_over(&installation, store)?;
        let ended = erase_ada(&road).await.is_ok();
        drop((road, installation));
        let road = reopened(&copied).await?;
        let engine = road.engine();
        let records = engine.store().records(engine.tenant(), "erasure").await?;
        for record in &records {
            let clear = serde_json::from_slice::<serde_json::Value>(&record.bytes);
            assert!(clear.is_err(), "write {at}: it is in clear");
            seen += 1;
        }
        let ledger = engine.ledger().await?;
        let Some(erasure) = ledger.erasures().next() else {
            continue;
        };
        if erasure.done.is_some() {
            assert!(records.is_empty(), "write {at}: it is left");
        }
        let key = KeyName::subject(erasure.subject);
        if ended {
            break;
        }
        if engine.key_is_gone(&key).await? && erasure.done.is_none() {
            // By the pseudonym alone from here on.
            let by = officer(&road).await?;
            let named = Whom::Named(ADA.to_owned());
            let found = engine.subject_of(&named, &by).await;
            let own = KeyName::records(&format!("erasure.{}", erasure.id));
            let gone = engine.key_is_gone(&own).await?;
            assert!(
                !gone || matches!(found, Err(ErasureFault::Unknown)),
                "write {at}"
            );
        }
    }
    assert!(seen > 2, "{seen}");
    Ok(())
}

#[tokio::test]
async fn a_finished_erasure_says_what_the_first_try_did() -> Outcome {
    let office = Office::new()?;
    let (road, _) = office.peopled().await?;
    drop(road);
    let whole = copied(&office)?;
    let expected = erase_ada(&whole.road()?).await?.0;
    let mut resumed = 0;
    for at in 1..60 {
        let copied = copied(&office)?;
        let installation = copied.installation()?;
        let death = Death::new(at, Flavour::StoredWithError);
        let store = Arc::new(Interposed::new(installation.sqlite()?, death));
        let road = copied.road_over(&installation, store)?;
        let ended = erase_ada(&road).await.is_ok();
        drop((road, installation));
        let road = reopened(&copied).await?;
        let engine = road.engine();
        let Some(subject) = is_requested(&road).await? else {
            continue;
        };
        let between = engine.clock().now();
        let turned = !engine.key_status().await?.unfinished
            && engine.key_is_gone(&KeyName::subject(subject)).await?;
        let by = officer(&road).await?;
        let request = EraseRequest {
            whom: Whom::Known(subject),
            order: ORDER,
            reason: "the person asked for it",
            by: &by,
        };
        let certificate = engine.erase(request, &mut |_| ()).await?;
        let facts = |it: &interlock_runtime::erasure::Certificate| {
            (it.epoch_before, it.epoch_after, it.payloads)
        };
        assert_eq!(facts(&certificate), facts(&expected), "write {at}");
        if turned {
            assert_eq!(certificate.keys, expected.keys, "write {at}");
            assert!(
                certificate.destroyed_at <= between.to_string(),
                "write {at}"
            );
            resumed += 1;
        }
        if ended {
            break;
        }
    }
    assert!(resumed > 2, "{resumed}");
    Ok(())
}

#[tokio::test]
async fn an_expiry_that_broke_off_is_recorded_though_a_hold_came() -> Outcome {
    let archive = Archive::new(THREE_MONTHS)?;
    let road = archive.road()?;
    road.deploy(&archive.office.world.files).await?;
    let input = json!({"case_id": "CASE-1042", "reporter": ADA});
    let run = road.start(&input, "one").await?;
    assert!(road.go_on(run).await?.is_ended());
    let by = officer(&road).await?;
    let engine = road.engine();
    archive.clock.set(day(106));
    // As far as an expiry comes that dies before its record.
    let month = KeyName::month("default", "2026-01").ok_or("no month")?;
    engine.destroy_keys(&[month]).await?;
    let scope = HoldScope::Period {
        class: "default".to_owned(),
        month: "2026-01".to_owned(),
    };
    engine.place_hold(scope, "case 12/26", &by).await?;
    let expired = engine.expire(&by, &mut |_| ()).await?;
    let found = expired.iter().find(|period| period.class == "default");
    assert_eq!(found.map(|period| period.standing), Some(Standing::Expired));
    assert_eq!(opens(engine, run).await?, (false, true));
    Ok(())
}

#[tokio::test]
async fn content_within_its_minimum_is_erased_only_despite_it() -> Outcome {
    let archive = Archive::new(THREE_MONTHS)?;
    let road = archive.road()?;
    road.deploy(&archive.office.world.files).await?;
    let input = json!({"case_id": "CASE-1042", "reporter": ADA});
    let run = road.start(&input, "one").await?;
    assert!(road.go_on(run).await?.is_ended());
    let by = officer(&road).await?;
    let engine = road.engine();
    let named = Whom::Named(ADA.to_owned());
    let preview = engine.preview_erasure(&named, &by, &mut |_| ()).await?;
    let [required] = preview.must_be_kept.as_slice() else {
        return Err(format!("{preview:?}").into());
    };
    assert_eq!(
        (required.class.as_str(), required.basis.as_deref()),
        ("default", Some("contract"))
    );
    assert_eq!(required.payloads, preview.payloads);
    let refused = erase_ada(&road).await;
    let Err(ErasureFault::Policy(why)) = refused else {
        return Err("it was not refused".into());
    };
    assert!(why.contains("contract"), "{why}");
    assert!(is_requested(&road).await?.is_none());
    assert_eq!(opens(engine, run).await?, (true, false));
    let request = EraseRequest {
        whom: named,
        order: ORDER,
        reason: "the order comes first",
        by: &by,
    };
    let certificate = engine.erase_despite_minimum(request, &mut |_| ()).await?;
    assert_eq!(certificate.payloads, preview.payloads);
    assert_eq!(certificate.within_minimum, preview.payloads);
    assert!(opens(engine, run).await?.1);
    Ok(())
}

#[tokio::test]
async fn content_past_its_minimum_is_erased_without_a_word() -> Outcome {
    let archive = Archive::new(THREE_MONTHS)?;
    let road = archive.road()?;
    road.deploy(&archive.office.world.files).await?;
    let input = json!({"case_id": "CASE-1042", "reporter": ADA});
    let run = road.start(&input, "one").await?;
    assert!(road.go_on(run).await?.is_ended());
    archive.clock.set(day(50));
    let (certificate, _) = erase_ada(&road).await?;
    assert_eq!(certificate.within_minimum, 0);
    assert!(opens(road.engine(), run).await?.1);
    Ok(())
}
