//! An erasure whose store fails at each of its writes, both ways, and one that dies before or after each: asked for
//! again, it ends as one that nothing happened to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use interlock_runtime::erasure::{ErasureFault, Whom};
use interlock_runtime::seal::KeyName;
use interlock_sim::installation::Failure;
use interlock_sim::store::{FaultPlan, FaultyStore, Flavour, Interposed, Plan, Write};
use interlock_store::Head;

use super::attacks::copy;
use super::{Office, check_erased, erase_ada};
use crate::Outcome;

/// A store that dies at a write: that one and all after it are not made, as far as the process ever learns.
pub(super) struct Death {
    at: u64,
    flavour: Flavour,
    asked: AtomicU64,
}

impl Death {
    pub(super) const fn new(at: u64, flavour: Flavour) -> Self {
        Self {
            at,
            flavour,
            asked: AtomicU64::new(0),
        }
    }
}

impl Plan for Death {
    fn fate(&self, _: Write) -> interlock_sim::store::Fate {
        use interlock_sim::store::Fate;
        let n = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        match (n.cmp(&self.at), self.flavour) {
            (std::cmp::Ordering::Less, _) => Fate::Made,
            (std::cmp::Ordering::Equal, Flavour::StoredWithError) => Fate::MadeButUnknown,
            (std::cmp::Ordering::Equal | std::cmp::Ordering::Greater, _) => Fate::NotMade,
        }
    }

    fn made(&self, _: Write, _: Option<Head>) {}
}

/// How many writes an erasure makes where nothing goes wrong.
async fn writes(office: &Office) -> Result<u64, Failure> {
    let copied = copied(office)?;
    let installation = copied.installation()?;
    let store = Arc::new(FaultyStore::new(installation.sqlite()?, FaultPlan::none()));
    let road = copied.road_over(&installation, store.clone())?;
    erase_ada(&road).await?;
    Ok(store.plan().asked())
}

pub(super) fn copied(office: &Office) -> Result<Office, Failure> {
    let copied = Office::of(Arc::clone(&office.world))?;
    copy(&office.data, &copied.data)?;
    Ok(copied)
}

#[tokio::test]
async fn an_erasure_that_dies_before_any_write_is_finished_by_asking_again() -> Outcome {
    check(Flavour::NotStored).await
}

#[tokio::test]
async fn an_erasure_that_dies_after_any_write_is_finished_by_asking_again() -> Outcome {
    check(Flavour::StoredWithError).await
}

async fn check(flavour: Flavour) -> Outcome {
    let office = Office::new()?;
    let (road, runs) = office.peopled().await?;
    drop(road);
    let writes = writes(&office).await?;
    assert!(writes > 10, "{writes}");
    for at in 1..=writes {
        let what = format!("write {at} of {writes}, {flavour:?}");
        let copied = copied(&office)?;
        let installation = copied.installation()?;
        let death = Death::new(at, flavour);
        let store = Arc::new(Interposed::new(installation.sqlite()?, death));
        let road = copied.road_over(&installation, store)?;
        // The very last write may fail after all that matters is on record.
        let _ = erase_ada(&road).await;
        drop((road, installation));
        let road = reopened(&copied).await?;
        let finished = erase_ada(&road).await;
        let certificate = match finished {
            Ok((certificate, _)) => certificate,
            // Its keys are gone, and with them every way from the name: the log has the pseudonym.
            Err(interlock_runtime::erasure::ErasureFault::Unknown) => again(&road).await?,
            Err(fault) => return Err(format!("{what}: {fault}").into()),
        };
        check_erased(&road, &runs, &certificate)
            .await
            .map_err(|fault| format!("{what}: {fault}"))?;
        names_have_new_keys(&road)
            .await
            .map_err(|fault| format!("{what}: {fault}"))?;
    }
    Ok(())
}

/// The keys by which a backup could be searched for names are gone; whoever is not erased is found as before.
async fn names_have_new_keys(road: &interlock_sim::road::Road) -> Outcome {
    let engine = road.engine();
    let record = engine
        .store()
        .record(engine.tenant(), "subject_keys", "generation");
    let record = record.await?.ok_or("names never moved")?;
    let state: serde_json::Value = serde_json::from_slice(&record.bytes)?;
    let current = state.get("current").and_then(serde_json::Value::as_u64);
    let current = current.ok_or("no generation")?;
    let settled = state.get("before").is_some_and(serde_json::Value::is_null);
    assert!(current > 1 && settled, "{state}");
    for generation in 1..current {
        let name = format!("subject.{generation}");
        for key in [KeyName::index(&name), KeyName::records(&name)] {
            assert!(engine.key_is_gone(&key).await?, "{} is there", key.as_str());
        }
    }
    let by = super::officer(road).await?;
    let ben = Whom::Named(super::BEN.to_owned());
    engine.subject_of(&ben, &by).await?;
    let ada = Whom::Named(super::ADA.to_owned());
    let found = engine.subject_of(&ada, &by).await;
    assert!(matches!(found, Err(ErasureFault::Unknown)));
    Ok(())
}

/// The store again, once the threads of the one that died have let go of it.
pub(crate) async fn reopened(office: &Office) -> Result<interlock_sim::road::Road, Failure> {
    for _ in 0..200 {
        if let Ok(road) = office.road() {
            return Ok(road);
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    office.road()
}

/// The certificate of the one erasure on record.
pub(crate) async fn again(
    road: &interlock_sim::road::Road,
) -> Result<interlock_runtime::erasure::Certificate, Failure> {
    use interlock_runtime::erasure::{EraseRequest, Whom};
    let by = super::officer(road).await?;
    let ledger = road.engine().ledger().await?;
    let begun = ledger.erasures().next().ok_or("no erasure")?;
    let key = KeyName::subject(begun.subject);
    let gone = road.engine().key_is_gone(&key).await?;
    assert!(gone, "it is found by name until the key is gone");
    let request = EraseRequest {
        whom: Whom::Known(begun.subject),
        order: super::ORDER,
        reason: "the person asked for it",
        by: &by,
    };
    Ok(road.engine().erase(request, &mut |_| ()).await?)
}
