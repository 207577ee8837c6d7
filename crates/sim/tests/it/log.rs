//! The log of an installation as outsiders get it: opened, published and handed to a new key over stores that fail at
//! any write; stores that were put back; guards and keys that are gone. What comes out is held by the audit of
//! `journal`, and by strangers' verifiers.

mod attacks;
mod faults;
mod strangers;

use std::path::Path;
use std::sync::Arc;

use interlock_journal::audit::{Expectations, Finding, Report, audit};
use interlock_runtime::Engine;
use interlock_runtime::administration::Administration;
use interlock_runtime::config::LogConfig;
use interlock_runtime::log::{BlockingLogFiles, LogPlace, PublishFault, Publisher, StoreLogFiles};
use interlock_sim::installation::Failure;
use interlock_sim::road::Road;
use interlock_store::Store;
use serde_json::json;

use crate::World;

/// Where a log lies whose data directory this is.
fn place(dir: &Path) -> LogPlace {
    LogPlace {
        data_dir: dir.to_owned(),
        config: LogConfig::default(),
    }
}

pub(crate) async fn open(road: &Road, dir: &Path) -> Result<Arc<Publisher>, PublishFault> {
    Publisher::open(Arc::clone(road.engine()), place(dir)).await
}

/// One run, from its request to its end.
async fn one_run(world: &World, road: &Road, key: &str) -> Result<(), Failure> {
    road.deploy(&world.files).await?;
    let run = road.start(&json!({"case_id": "CASE-1042"}), key).await?;
    road.go_on(run).await?;
    Ok(())
}

/// The audit of a live store's files.
async fn audited(store: Arc<dyn Store>, expect: Expectations) -> Result<Report, Failure> {
    let files = StoreLogFiles::newest(store, &"default".parse()?).await?;
    let files = files.ok_or("nothing is published")?;
    let files = BlockingLogFiles::new(files, tokio::runtime::Handle::current());
    let reading = tokio::task::spawn_blocking(move || audit(&files, &expect, &mut |_| {}));
    Ok(reading.await?)
}

/// Publishes what there is, and holds the audit with the log's own key to say that all of it is verified.
pub(crate) async fn verified(
    road: &Road,
    dir: &Path,
    store: Arc<dyn Store>,
) -> Result<(), Failure> {
    let publisher = open(road, dir).await?;
    publisher.publish_now().await?;
    let size = store.log_size(road.engine().tenant()).await?;
    let expect = Expectations {
        origin: Some(publisher.origin().to_owned()),
        keys: publisher.key().await.into_iter().collect(),
        payloads: Some(true),
        ..Expectations::default()
    };
    let report = audited(store, expect).await?;
    if report.exit() != 0 || report.size != size {
        return Err(format!("the audit of {size} entries says {:?}", report.findings()).into());
    }
    Ok(())
}

/// Everything holds that was asked for.
fn holds(report: &Report) {
    for (name, finding) in report.findings() {
        assert!(
            matches!(finding, Finding::Holds { .. } | Finding::Unasked { .. }),
            "{name}: {finding:?}"
        );
    }
    assert!(matches!(report.signature, Finding::Holds { .. }));
    assert!(matches!(report.inclusion, Finding::Holds { .. }));
}

/// The acts of one kind that are on record.
pub(crate) async fn acts(engine: &Engine, kind: &str) -> Result<Vec<Administration>, Failure> {
    let acts = engine.administration_history(0, 200).await?;
    let acts = acts.into_iter().map(|done| done.act);
    Ok(acts.filter(|act| act.kind() == kind).collect())
}
