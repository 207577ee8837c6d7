//! Records of names that come back out of a copy of the store from before an erasure: their keys are gone, they lead
//! nowhere, and they stop no later erasure.

use interlock_runtime::erasure::{EraseRequest, Whom};

use super::{BEN, Office, erase_ada, officer};
use crate::Outcome;

#[tokio::test]
async fn a_name_laid_back_from_before_an_erasure_stops_nobody_elses() -> Outcome {
    let office = Office::new()?;
    let (road, _) = office.peopled().await?;
    let engine = road.engine();
    let (store, tenant) = (engine.store(), engine.tenant());
    let mut before = Vec::new();
    for shelf in 0..=u8::MAX {
        let kind = format!("subject.{shelf:02x}");
        for record in store.records(tenant, &kind).await? {
            before.push((kind.clone(), record));
        }
    }
    assert_eq!(before.len(), 2, "Ada and Ben");
    erase_ada(&road).await?;
    for (kind, record) in &before {
        let bytes = record.bytes.clone();
        store
            .put_record(tenant, kind, &record.key, None, bytes)
            .await?;
    }
    let by = officer(&road).await?;
    let request = EraseRequest {
        whom: Whom::Named(BEN.to_owned()),
        order: "DSAR-2026-0043",
        reason: "he asked too",
        by: &by,
    };
    engine.erase(request, &mut |_| ()).await?;
    // Hers is told again too, and nothing of either name is left.
    super::breaks::again(&road).await?;
    for (kind, record) in &before {
        let left = store.record(tenant, kind, &record.key).await?;
        assert!(left.is_none(), "{kind}");
    }
    Ok(())
}
