//! Each thing that an operator, an officer or a task beside the engine writes, with each of its writes failing both
//! ways: not stored, and stored with an error. Asked for again by another process it is done, and the audit over the
//! store finds nothing. Runs, openings, handovers and erasures have tests of their own, each in its room.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use interlock_core::id::RunId;
use interlock_core::pipeline::identity::Principal;
use interlock_core::pipeline::policy::World as State;
use interlock_core::time::Timestamp;
use interlock_runtime::administration::HoldScope;
use interlock_runtime::anchor::{Anchors, statuses};
use interlock_runtime::clock::FixedClock;
use interlock_runtime::config::{Config, LogConfig};
use interlock_runtime::log::{LogPlace, adopt_guard, renew_log};
use interlock_runtime::retention::Standing;
use interlock_runtime::seal::KeyName;
use interlock_runtime::stream::{FileSink, Follower, Format, check as check_stream};
use interlock_sim::installation::{Failure, Installation};
use interlock_sim::road::Road;
use interlock_sim::store::{FaultPlan, FaultyStore, Flavour};
use interlock_store::Store;
use serde_json::json;

use crate::Outcome;
use crate::erasure::{ADA, Office};
use crate::log::{acts, open, verified};

/// 2026-01-15, and as many days later.
fn day(days: u64) -> Timestamp {
    Timestamp::from_micros((20_468 + days) * 86_400_000_000)
}

/// Everything is due after three months; and an authority for time stamps that nobody answers for.
const CONFIG: &str = r#"environment = "test"
[[retention]]
name = "default"
basis = "contract"
min_months = 1
max_months = 3
[[retention]]
name = "administration"
basis = "ours"
max_months = 3
[[anchor]]
name = "stamp"
kind = "timestamp"
url = "https://127.0.0.1:9/tsr"
"#;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Hold,
    Halt,
    Index,
    IndexAgain,
    TurnKeys,
    DestroyKey,
    AdoptGuard,
    RenewLog,
    Stream,
    Anchor,
    Expire,
    Prune,
    Account,
}

/// A published log of January, seen in May.
struct Scene {
    office: Office,
    run: RunId,
}

impl Scene {
    async fn new() -> Result<Self, Failure> {
        let office = Office::new()?;
        let installation = installed(&office, day(0))?;
        let road = office.road_over(&installation, installation.sqlite()?)?;
        let publisher = open(&road, &office.data).await?;
        road.deploy(&office.world.files).await?;
        let (input, mut run) = (json!({"case_id": "CASE-1042", "reporter": ADA}), None);
        let (store, tenant) = (road.engine().store(), road.engine().tenant());
        while store.log_size(tenant).await? < 300 {
            let one = road.start(&input, &format!("run {run:?}")).await?;
            assert!(road.go_on(one).await?.is_ended());
            run = Some(one);
        }
        publisher.publish_now().await?;
        Ok(Self {
            office,
            run: run.ok_or("no run")?,
        })
    }

    fn copied(&self) -> Result<Office, Failure> {
        let copied = Office::of(Arc::clone(&self.office.world))?;
        crate::erasure::attacks::copy(&self.office.data, &copied.data)?;
        Ok(copied)
    }

    /// The act over a store with a plan. Returns what it said and how many writes were asked for.
    async fn attempt(
        &self,
        office: &Office,
        act: Act,
        plan: FaultPlan,
    ) -> Result<(Outcome, u64), Failure> {
        let installation = installed(office, day(106))?;
        let store = Arc::new(FaultyStore::new(opened(&installation).await?, plan));
        let road = office.road_over(&installation, store.clone())?;
        let said = self.perform(&installation, &road, act).await;
        Ok((said, store.plan().asked()))
    }

    async fn perform(&self, installation: &Installation, road: &Road, act: Act) -> Outcome {
        let (engine, dir) = (road.engine(), installation.dir());
        let by = road.person("dora", "dpo").await?;
        match act {
            Act::Hold => {
                engine
                    .place_hold(HoldScope::Run(self.run), "case 12/26", &by)
                    .await?;
            }
            Act::Halt => {
                let halted = State {
                    halted: true,
                    incident: false,
                };
                let lead = road.person("lena", "incident_lead").await?;
                engine
                    .set_world(halted, "a strange run", Some(&lead))
                    .await?;
            }
            Act::Index => {
                engine.index().await?;
            }
            Act::IndexAgain => {
                engine.index_again(&mut |_, _| ()).await?;
            }
            Act::TurnKeys => {
                engine.rotate_keys().await?;
            }
            Act::DestroyKey => {
                engine.destroy_keys(&[KeyName::run(self.run)]).await?;
            }
            Act::AdoptGuard => {
                adopt_guard(engine, &place(dir), "a new disk", Some(by.id())).await?;
            }
            Act::RenewLog => {
                renew_log(engine, &place(dir), "the key is lost", Some(by.id())).await?;
            }
            Act::Stream => {
                follower(road, dir).once(engine.shared_store()).await?;
            }
            Act::Anchor => {
                let anchors = anchors(installation, road).await?;
                anchors.round(|_| true).await?;
            }
            Act::Expire => {
                engine.expire(&by, &mut |_| ()).await?;
            }
            Act::Prune => {
                engine.prune_log(day(10), "schedule", &by).await?;
            }
            Act::Account => {
                road.person("frank", "analyst").await?;
            }
        }
        Ok(())
    }

    /// What must be true once the act was done.
    async fn check(&self, office: &Office, act: Act) -> Outcome {
        let installation = installed(office, day(107))?;
        let store = opened(&installation).await?;
        let road = office.road_over(&installation, Arc::clone(&store))?;
        let (engine, tenant) = (road.engine(), road.engine().tenant());
        let by = road.person("dora", "dpo").await?;
        match act {
            Act::Hold => assert!(!engine.list_holds(&by).await?.is_empty()),
            Act::Halt => {
                assert!(
                    engine
                        .world_record()
                        .await?
                        .is_some_and(|world| world.halted)
                );
                assert!(!acts(engine, "world.set").await?.is_empty());
            }
            Act::Index | Act::IndexAgain => {
                let (covered, size) = (
                    store.index_cursor(tenant).await?,
                    store.log_size(tenant).await?,
                );
                assert_eq!(covered, size);
            }
            Act::TurnKeys => keys_stand(&road).await?,
            Act::DestroyKey => {
                keys_stand(&road).await?;
                assert!(engine.key_is_gone(&KeyName::run(self.run)).await?);
            }
            Act::AdoptGuard => assert!(!acts(engine, "guard.adopted").await?.is_empty()),
            Act::RenewLog => assert!(acts(engine, "log.opened").await?.len() > 1),
            Act::Stream => streamed(&road, office).await?,
            Act::Anchor => anchored(&road).await?,
            Act::Expire => expired(&road, &by).await?,
            Act::Prune => assert_eq!(store.log_minimum(tenant).await?, 256),
            Act::Account => {
                let (one, two) = (
                    road.person("frank", "analyst").await?,
                    road.person("frank", "analyst").await?,
                );
                assert_eq!(one.id(), two.id());
            }
        }
        verified(&road, &office.data, store).await
    }
}

fn installed(office: &Office, now: Timestamp) -> Result<Installation, Failure> {
    let mut installation = office.installation()?;
    installation.clock = Arc::new(FixedClock::at(now));
    installation.retention = Config::parse(CONFIG, "interlock.toml")?.retention;
    Ok(installation)
}

/// The store, once the tasks of whoever had it before have ended.
async fn opened(installation: &Installation) -> Result<Arc<dyn Store>, Failure> {
    for _ in 0..100 {
        if let Ok(store) = installation.sqlite() {
            return Ok(store);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    installation.sqlite()
}

fn place(dir: &Path) -> LogPlace {
    LogPlace {
        data_dir: dir.to_owned(),
        config: LogConfig::default(),
    }
}

fn follower(road: &Road, dir: &Path) -> Follower {
    Follower {
        name: "file".to_owned(),
        tenant: road.engine().tenant().clone(),
        format: Format::CloudEvents,
        sink: Arc::new(FileSink(dir.join("stream.jsonl"))),
    }
}

async fn anchors(installation: &Installation, road: &Road) -> Result<Arc<Anchors>, Failure> {
    let config = Config::parse(CONFIG, "interlock.toml")?.anchors;
    let (egress, secrets) = (installation.egress()?, installation.secrets());
    Ok(Anchors::open(Arc::clone(road.engine()), egress, secrets, config).await?)
}

async fn keys_stand(road: &Road) -> Outcome {
    let status = road.engine().key_status().await?;
    assert!(!status.unfinished && status.fault.is_none(), "{status:?}");
    assert_eq!(status.pages.len(), 1, "{status:?}");
    assert_eq!(status.pages.first().map(|pages| pages.epoch), status.epoch);
    assert!(!acts(road.engine(), "key.epoch_rotated").await?.is_empty());
    Ok(())
}

/// Every published entry is there; some may be twice.
async fn streamed(road: &Road, office: &Office) -> Outcome {
    let engine = road.engine();
    let published = engine.store().published(engine.tenant()).await?;
    let size = published.ok_or("nothing is published")?.size;
    let lines = std::fs::read_to_string(office.data.join("stream.jsonl"))?;
    let held = check_stream(lines.lines())?;
    assert_eq!((held.first, held.entries), (0, size));
    Ok(())
}

async fn anchored(road: &Road) -> Outcome {
    let statuses = statuses(road.engine()).await?;
    assert_eq!(statuses.len(), 1, "{statuses:?}");
    Ok(())
}

async fn expired(road: &Road, by: &Principal) -> Outcome {
    let periods = road.engine().retention_periods(by, &mut |_| ()).await?;
    assert!(!periods.is_empty());
    for period in periods {
        assert_ne!(period.standing, Standing::Due, "{}", period.class);
    }
    assert!(!acts(road.engine(), "retention.expired").await?.is_empty());
    Ok(())
}

/// What has to have happened before the act makes sense.
fn spoil(office: &Office, act: Act) -> Outcome {
    match act {
        Act::AdoptGuard => std::fs::remove_file(office.data.join("guard/default.guard"))?,
        Act::RenewLog => std::fs::remove_file(office.data.join("keys/log.key"))?,
        _ => {}
    }
    Ok(())
}

async fn check(scene: &Scene, act: Act) -> Outcome {
    let office = scene.copied()?;
    spoil(&office, act)?;
    let (said, writes) = scene.attempt(&office, act, FaultPlan::none()).await?;
    said.map_err(|fault| format!("{act:?}: {fault}"))?;
    scene
        .check(&office, act)
        .await
        .map_err(|fault| format!("{act:?}: {fault}"))?;
    assert!(writes > 0, "{act:?} writes nothing");
    for n in 1..=writes {
        for flavour in Flavour::ALL {
            let what = format!("{act:?}, write {n} of {writes}, {flavour:?}");
            let office = scene.copied()?;
            spoil(&office, act)?;
            // What it says is its own: it may have found out that the write was made, or go on without it.
            let _ = scene
                .attempt(&office, act, FaultPlan::nth(n, flavour))
                .await?;
            let (said, _) = scene.attempt(&office, act, FaultPlan::none()).await?;
            said.map_err(|fault| format!("{what}, again: {fault}"))?;
            scene
                .check(&office, act)
                .await
                .map_err(|fault| format!("{what}: {fault}"))?;
        }
    }
    Ok(())
}

async fn check_all(acts: &[Act]) -> Outcome {
    let scene = Scene::new().await?;
    for act in acts {
        check(&scene, *act).await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_an_operator_writes_fails_both_ways() -> Outcome {
    check_all(&[Act::Halt, Act::AdoptGuard, Act::RenewLog, Act::Account]).await
}

#[tokio::test]
async fn what_an_officer_writes_fails_both_ways() -> Outcome {
    check_all(&[Act::Hold, Act::Expire, Act::Prune]).await
}

#[tokio::test]
async fn what_tasks_beside_the_engine_write_fails_both_ways() -> Outcome {
    check_all(&[Act::Index, Act::IndexAgain, Act::Stream, Act::Anchor]).await
}

#[tokio::test]
async fn what_turns_keys_fails_both_ways() -> Outcome {
    check_all(&[Act::TurnKeys, Act::DestroyKey]).await
}
