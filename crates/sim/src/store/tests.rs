//! A store with a plan before it keeps the contract where the plan does nothing; where a write of the log fails, it is
//! wholly made or not at all, and trying it again as the contract says leads to the same.

use std::sync::Arc;

use async_trait::async_trait;
use interlock_core::id::EnvironmentName;
use interlock_core::time::Timestamp;
use interlock_store::conformance::{Factory, Failure, Outcome, Pen, fill, publication};
use interlock_store::{
    Append, IndexRow, LogStore, MemoryStore, PublishFault, RunStatus, SearchQuery, Store,
    StoreFault, conformance,
};

use super::{FaultPlan, FaultyStore, Flavour};

struct Through(MemoryStore);

impl Through {
    fn new() -> Self {
        Self(MemoryStore::new(dev()))
    }
}

#[async_trait]
impl Factory for Through {
    async fn open(&self) -> Result<Arc<dyn Store>, Failure> {
        Ok(Arc::new(FaultyStore::new(
            Arc::new(self.0.clone()),
            FaultPlan::none(),
        )))
    }
}

fn dev() -> EnvironmentName {
    EnvironmentName::parse("dev").unwrap()
}

conformance!(through, crate::store::tests::Through::new());

/// A store with one ended run of 300 entries, 290 of them published and in the search index.
async fn prepared() -> Result<(MemoryStore, Pen), Failure> {
    let store = MemoryStore::new(dev());
    let mut pen = Pen::new(1)?;
    fill(&store, &mut pen, 299).await?;
    let ended = Append {
        row: pen.row(RunStatus::Ended),
        ..pen.write(1, "run.ended")?
    };
    store.append(&pen.tenant, ended).await?;
    store.publish(&pen.tenant, publication(None, 290)).await?;
    store
        .index_put(&pen.tenant, 290, rows(&pen, 0..290))
        .await?;
    Ok((store, pen))
}

fn rows(pen: &Pen, range: std::ops::Range<u64>) -> Vec<IndexRow> {
    range
        .map(|index| IndexRow {
            index,
            run: pen.run,
            seq: index,
            time: Timestamp::from_micros(index),
            event: "step.started".to_owned(),
            terms: Vec::new(),
        })
        .collect()
}

/// What a write of the log can change.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    published: Option<u64>,
    minimum: u64,
    cursor: u64,
    found: usize,
}

async fn seen(store: &dyn Store, pen: &Pen) -> Result<Seen, Failure> {
    let t = &pen.tenant;
    let all = SearchQuery {
        limit: 200,
        ..SearchQuery::default()
    };
    Ok(Seen {
        published: store.published(t).await?.map(|newest| newest.size),
        minimum: store.log_minimum(t).await?,
        cursor: store.index_cursor(t).await?,
        found: store.search(t, &all).await?.len(),
    })
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Publish,
    Prune,
    Index,
    Clear,
    Scrub,
}

async fn act(store: &dyn Store, pen: &Pen, act: Act) -> Result<(), PublishFault> {
    let t = &pen.tenant;
    match act {
        Act::Publish => store.publish(t, publication(Some(290), 300)).await,
        Act::Prune => Ok(store.prune(t, 256).await?),
        Act::Index => Ok(store.index_put(t, 300, rows(pen, 290..300)).await?),
        Act::Clear => Ok(store.index_clear(t).await?),
        Act::Scrub => Ok(store.scrub().await?),
    }
}

#[tokio::test]
async fn each_write_of_the_log_fails_wholly_or_not_at_all() -> Outcome {
    for which in [Act::Publish, Act::Prune, Act::Index, Act::Clear, Act::Scrub] {
        let (good, pen) = prepared().await?;
        let before = seen(&good, &pen).await?;
        act(&good, &pen, which).await?;
        let after = seen(&good, &pen).await?;
        for flavour in Flavour::ALL {
            let (inner, pen) = prepared().await?;
            let store = FaultyStore::new(Arc::new(inner), FaultPlan::nth(1, flavour));
            let fault = act(&store, &pen, which).await;
            let (said, expected) = match flavour {
                Flavour::NotStored => (
                    matches!(
                        fault,
                        Err(PublishFault::Store(StoreFault::Unavailable { .. }))
                    ),
                    &before,
                ),
                Flavour::StoredWithError => (
                    matches!(fault, Err(PublishFault::Store(StoreFault::Unknown { .. }))),
                    &after,
                ),
            };
            assert!(said, "{which:?}, {flavour:?}: {fault:?}");
            assert_eq!(
                &seen(&store, &pen).await?,
                expected,
                "{which:?}, {flavour:?}"
            );
            // A publication that was made is a conflict for the one that does not know; the others are repeatable.
            let again = act(&store, &pen, which).await;
            let known = match (which, flavour) {
                (Act::Publish, Flavour::StoredWithError) => {
                    again == Err(PublishFault::Conflict { found: Some(300) })
                }
                _ => again.is_ok(),
            };
            assert!(known, "{which:?}, {flavour:?}: {again:?}");
            assert_eq!(
                seen(&store, &pen).await?,
                after,
                "{which:?}, {flavour:?}, again"
            );
        }
    }
    Ok(())
}
