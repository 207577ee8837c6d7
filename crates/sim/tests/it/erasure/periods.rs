//! Retention: a class and month expire when they are due and not before, and the log is pruned no further than policy
//! allows.

use std::sync::Arc;

use interlock_core::time::Timestamp;
use interlock_runtime::administration::{ADMINISTRATION_RUN, Administration, HoldScope};
use interlock_runtime::clock::FixedClock;
use interlock_runtime::config::Config;
use interlock_runtime::erasure::ErasureFault;
use interlock_runtime::retention::{Retention, Standing};
use interlock_sim::installation::{Failure, Installation};
use interlock_sim::road::Road;
use interlock_store::{Publication, Published};
use serde_json::json;

use super::{ADA, Office, officer, opens};
use crate::Outcome;

/// 2026-01-15, and as many days later.
pub(super) fn day(days: u64) -> Timestamp {
    Timestamp::from_micros((20_468 + days) * 86_400_000_000)
}

fn retention(text: &str) -> Result<Retention, Failure> {
    let text = format!("environment = \"test\"\n{text}");
    Ok(Config::parse(&text, "interlock.toml")?.retention)
}

pub(super) const THREE_MONTHS: &str = "[[retention]]\nname = \"default\"\nbasis = \"contract\"\nmin_months = 1\nmax_months = 3\n[[retention]]\nname = \"administration\"\nbasis = \"ours\"\nmax_months = 3\n";

pub(super) struct Archive {
    pub(super) office: Office,
    installation: Installation,
    pub(super) clock: Arc<FixedClock>,
}

impl Archive {
    pub(super) fn new(classes: &str) -> Result<Self, Failure> {
        let office = Office::new()?;
        let clock = Arc::new(FixedClock::at(day(0)));
        let mut installation = office.installation()?;
        installation.clock = clock.clone();
        installation.retention = retention(classes)?;
        Ok(Self {
            office,
            installation,
            clock,
        })
    }

    pub(super) fn road(&self) -> Result<Road, Failure> {
        let store = self.installation.sqlite()?;
        self.office.road_over(&self.installation, store)
    }
}

#[tokio::test]
async fn a_month_expires_after_its_maximum_and_not_before_and_not_under_a_hold() -> Outcome {
    let archive = Archive::new(THREE_MONTHS)?;
    let road = archive.road()?;
    road.deploy(&archive.office.world.files).await?;
    let input = json!({"case_id": "CASE-1042", "reporter": ADA});
    let run = road.start(&input, "one").await?;
    assert!(road.go_on(run).await?.is_ended());
    let by = officer(&road).await?;
    let engine = road.engine();
    let standing = async || {
        let periods = engine.retention_periods(&by, &mut |_| ()).await?;
        let period = periods.into_iter().find(|period| period.class == "default");
        Ok::<_, Failure>(period.ok_or("no period")?.standing)
    };
    // January is kept in February, March and April, and due in May.
    for (days, expected) in [
        (0, Standing::Required),
        (40, Standing::Required),
        (50, Standing::Kept),
        (105, Standing::Kept),
        (106, Standing::Due),
    ] {
        archive.clock.set(day(days));
        assert_eq!(standing().await?, expected, "day {days}");
        if expected != Standing::Due {
            assert_eq!(engine.expire(&by, &mut |_| ()).await?, []);
            assert_eq!(opens(engine, run).await?, (true, false));
        }
    }
    let hold = engine
        .place_hold(HoldScope::Run(run), "case 12/26", &by)
        .await?;
    assert_eq!(standing().await?, Standing::Held);
    assert_eq!(engine.expire(&by, &mut |_| ()).await?, []);
    assert_eq!(opens(engine, run).await?, (true, false));
    engine.release_hold(hold, "settled", &by).await?;
    let expired = engine.expire(&by, &mut |_| ()).await?;
    assert_eq!(expired.len(), 1, "{expired:?}");
    assert_eq!(opens(engine, run).await?, (false, true));
    assert_eq!(standing().await?, Standing::Expired);
    assert_eq!(engine.expire(&by, &mut |_| ()).await?, []);
    // The clock jumps back: nothing is sealed for a month that has expired.
    archive.clock.set(day(1));
    let refused = road.start(&input, "two").await;
    assert!(refused.is_err());
    Ok(())
}

/// Publishes the whole log, as far as the store cares.
pub(super) async fn publish(road: &Road) -> Result<u64, Failure> {
    let engine = road.engine();
    let size = engine.store().log_size(engine.tenant()).await?;
    let before = engine.store().published(engine.tenant()).await?;
    let publication = Publication {
        expected: before.map(|published| published.size),
        tiles: Vec::new(),
        published: Published {
            size,
            root: [7; 32],
            checkpoint: b"a note".to_vec(),
            at: engine.clock().now(),
        },
    };
    engine.store().publish(engine.tenant(), publication).await?;
    Ok(size)
}

#[tokio::test]
async fn attack_57_pruning_below_policy_is_refused_and_names_the_first_entry_that_stays() -> Outcome
{
    let archive = Archive::new(THREE_MONTHS)?;
    let road = archive.road()?;
    road.deploy(&archive.office.world.files).await?;
    let input = json!({"case_id": "CASE-1042", "reporter": ADA});
    let by = officer(&road).await?;
    let engine = road.engine();
    let mut runs = Vec::new();
    while engine.store().log_size(engine.tenant()).await? < 300 {
        let run = road.start(&input, &format!("run {}", runs.len())).await?;
        assert!(road.go_on(run).await?.is_ended());
        runs.push(run);
    }
    archive.clock.set(day(106));
    // What is not published is not pruned.
    assert_eq!(engine.prune_log(day(10), "schedule", &by).await?, None);
    publish(&road).await?;
    let auditor = road.person("eve", "auditor").await?;
    let refused = engine.prune_log(day(10), "schedule", &auditor).await;
    assert!(matches!(refused, Err(ErasureFault::Role("dpo"))));
    // A day too early: the first entry of the log must stay.
    archive.clock.set(day(105));
    let refused = engine.prune_log(day(10), "schedule", &by).await;
    let Err(ErasureFault::Policy(why)) = refused else {
        return Err(format!("it was not refused: {refused:?}").into());
    };
    assert!(why.contains("entry ") && why.contains("`default`"), "{why}");
    archive.clock.set(day(106));
    // Up to today: what was written in May must stay, and nothing at all is pruned.
    let run = road.start(&input, "in May").await?;
    assert!(road.go_on(run).await?.is_ended());
    publish(&road).await?;
    let refused = engine.prune_log(day(107), "schedule", &by).await;
    assert!(
        matches!(refused, Err(ErasureFault::Policy(_))),
        "{refused:?}"
    );
    let last = *runs.get(3).ok_or("few runs")?;
    let hold = engine
        .place_hold(HoldScope::Run(last), "case 12/26", &by)
        .await?;
    let refused = engine.prune_log(day(10), "schedule", &by).await;
    assert!(matches!(refused, Err(ErasureFault::Held(ref holds)) if *holds == [hold]));
    assert_eq!(engine.store().log_minimum(engine.tenant()).await?, 0);
    engine.release_hold(hold, "settled", &by).await?;

    assert_eq!(engine.preview_pruning(day(10), &by).await?, Some(256));
    assert_eq!(engine.prune_log(day(10), "schedule", &by).await?, Some(256));
    assert_eq!(engine.store().log_minimum(engine.tenant()).await?, 256);
    assert!(
        engine
            .store()
            .log_entries(engine.tenant(), 0, 1)
            .await?
            .is_empty()
    );
    let above = engine.store().log_entries(engine.tenant(), 256, 1).await?;
    assert_eq!(above.first().map(|entry| entry.index), Some(256));
    // The administration chain lost its beginning with it, and what it says since is still read.
    let acts = engine.administration_history(0, 200).await?;
    let pruned = |act: &Administration| matches!(act, Administration::LogPruned { minimum: 256 });
    assert!(acts.iter().any(|entry| pruned(&entry.act)));
    // Every version of policies that a decision above the line may cite is on record above it, before the pruning is.
    let mut named = std::collections::BTreeMap::new();
    for done in &acts {
        if let Administration::PolicyAdopted { version, .. } = done.act {
            let (store, tenant) = (engine.store(), engine.tenant());
            let index = store.log_index(tenant, ADMINISTRATION_RUN, done.seq);
            let stays = index.await?.is_some_and(|index| index >= 256);
            *named.entry(version).or_insert(false) |= stays;
        }
    }
    assert!(!named.is_empty() && named.values().all(|stays| *stays));
    let last = acts.last().map(|entry| &entry.act);
    assert!(last.is_some_and(pruned), "{last:?}");
    assert_eq!(engine.prune_log(day(10), "schedule", &by).await?, None);
    Ok(())
}
