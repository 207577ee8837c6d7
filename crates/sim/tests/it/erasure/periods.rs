//! Retention: a class and month expire when they are due and not before, and the log is pruned no further than policy
//! allows.

use std::sync::Arc;

use interlock_core::time::Timestamp;
use interlock_runtime::administration::HoldScope;
use interlock_runtime::clock::FixedClock;
use interlock_runtime::config::Config;
use interlock_runtime::erasure::ErasureFault;
use interlock_runtime::retention::{Retention, Standing};
use interlock_sim::installation::{Failure, Installation};
use interlock_sim::road::Road;
use serde_json::json;

use super::{ADA, Office, officer, opens};
use crate::Outcome;

/// 2026-01-15, and as many days later.
fn day(days: u64) -> Timestamp {
    Timestamp::from_micros((20_468 + days) * 86_400_000_000)
}

fn retention(text: &str) -> Result<Retention, Failure> {
    let text = format!("environment = \"test\"\n{text}");
    Ok(Config::parse(&text, "interlock.toml")?.retention)
}

const THREE_MONTHS: &str = "[[retention]]\nname = \"default\"\nbasis = \"contract\"\nmin_months = 1\nmax_months = 3\n[[retention]]\nname = \"administration\"\nbasis = \"ours\"\nmax_months = 3\n";

struct Archive {
    office: Office,
    installation: Installation,
    clock: Arc<FixedClock>,
}

impl Archive {
    fn new(classes: &str) -> Result<Self, Failure> {
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

    fn road(&self) -> Result<Road, Failure> {
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

#[tokio::test]
async fn attack_57_pruning_below_policy_is_refused_and_names_the_first_entry_that_stays() -> Outcome {
    let archive = Archive::new(THREE_MONTHS)?;
    let road = archive.road()?;
    road.deploy(&archive.office.world.files).await?;
    let input = json!({"case_id": "CASE-1042", "reporter": ADA});
    for n in 0..3 {
        let run = road.start(&input, &format!("run {n}")).await?;
        assert!(road.go_on(run).await?.is_ended());
    }
    let by = officer(&road).await?;
    let engine = road.engine();
    let refused = engine.prune_log(day(10), "tidy", &by).await;
    // Nothing is published, so there is nothing to prune, and a log that is not published is never pruned.
    assert!(matches!(refused, Ok(None)), "{refused:?}");
    let nobody = road.person("eve", "auditor").await?;
    let refused = engine.prune_log(day(10), "tidy", &nobody).await;
    assert!(matches!(refused, Err(ErasureFault::Role("dpo"))));
    Ok(())
}
