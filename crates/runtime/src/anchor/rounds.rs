//! Rounds: the newest checkpoint is taken to every anchor that is due, each apart, and what came of it is kept, said
//! and, past the anchor's limit, put on record in the log. All witnesses are asked about the same checkpoint, or k of
//! them would never agree on one.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::kept::{self, AlarmKept, RECEIPTS_MAX};
use super::state::{self, Last};
use super::{Alarm, Target, Unanchored};
use crate::clock::Entropy;
use crate::config::{AnchorConfig, AnchorKind, AnchorsConfig};
use crate::egress::Egress;
use crate::engine::{Engine, Fault};
use crate::secret::SecretStore;

/// Between two looks at which anchor is due or overdue.
const LOOK: Duration = Duration::from_secs(1);
/// After a first failure; doubled with each further one, up to the anchor's own interval.
const AGAIN_SECONDS: u64 = 5;

/// What came of one anchor's round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// It took the checkpoint of this size.
    Anchored {
        /// Entries that it vouches for.
        size: u64,
    },
    /// It did not, and says nothing against the log.
    Failed(&'static str),
    /// It says something against the log.
    Alarm(Alarm),
}

/// All anchors of a tenant's log, and what it takes to reach them.
pub struct Anchors {
    pub(super) engine: Arc<Engine>,
    pub(super) egress: Arc<Egress>,
    pub(super) secrets: Arc<SecretStore>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) config: AnchorsConfig,
}

impl Anchors {
    /// The anchors of a configuration; their records are made to be those, and the world is held to them.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub async fn open(
        engine: Arc<Engine>,
        egress: Arc<Egress>,
        secrets: Arc<SecretStore>,
        config: AnchorsConfig,
    ) -> Result<Arc<Self>, Fault> {
        state::configure(&engine, &config.anchors).await?;
        let entropy = Arc::clone(&engine.parts.entropy);
        let anchors = Self {
            engine,
            egress,
            secrets,
            entropy,
            config,
        };
        // Before the first round has an answer, something may want to act.
        anchors.look().await?;
        Ok(Arc::new(anchors))
    }

    /// Takes the newest checkpoint to these anchors, and tells what came of it; nothing where no checkpoint was
    /// published yet.
    ///
    /// # Errors
    /// The store cannot be read or written. An anchor's own failure is told, not an error.
    pub async fn round(
        self: &Arc<Self>,
        due: impl Fn(&AnchorConfig) -> bool,
    ) -> Result<Vec<(String, Told)>, Fault> {
        let published = self.engine.store().published(self.engine.tenant()).await?;
        let mut told = Vec::new();
        let mut broken = None;
        let target = published.as_ref().map(Target::of);
        if let Some(None) = target {
            broken = Some(Fault::Store(interlock_store::StoreFault::Damaged {
                operation: "anchor the log",
                what: "checkpoint",
            }));
        }
        if let Some(Some(target)) = target {
            let mut asked = JoinSet::new();
            for anchor in self.config.anchors.iter().filter(|anchor| due(anchor)) {
                let (all, anchor, target) = (Arc::clone(self), anchor.clone(), target.clone());
                asked.spawn(async move {
                    let told = all.attempt(&anchor, &target).await;
                    (anchor.name, told)
                });
            }
            while let Some(ended) = asked.join_next().await {
                let (name, outcome) =
                    ended.map_err(|_| Fault::Bug("an anchor's task ended early".to_owned()))?;
                match outcome {
                    Ok(outcome) => told.push((name, outcome)),
                    Err(fault) => broken = Some(fault),
                }
            }
        }
        // Whatever one anchor's record did: silence is looked at in each round.
        self.look().await?;
        if let Some(fault) = broken {
            return Err(fault);
        }
        told.sort_by(|one, two| one.0.cmp(&two.0));
        Ok(told)
    }

    /// Goes round for ever; ended by dropping it. Nothing that an anchor does ends it.
    pub async fn run(self: Arc<Self>) {
        let start = Instant::now();
        let mut due: Vec<Instant> = self.config.anchors.iter().map(|_| start).collect();
        loop {
            let now = Instant::now();
            let witness = |anchor: &AnchorConfig| matches!(anchor.kind, AnchorKind::Witness { .. });
            let mut now_due: Vec<&str> = Vec::new();
            let pairs = || self.config.anchors.iter().zip(&due);
            let witnesses = pairs().any(|(anchor, at)| witness(anchor) && *at <= now);
            for (anchor, at) in pairs() {
                if *at <= now || (witnesses && witness(anchor)) {
                    now_due.push(&anchor.name);
                }
            }
            match self
                .round(|anchor| now_due.contains(&anchor.name.as_str()))
                .await
            {
                Ok(told) => {
                    for (anchor, at) in self.config.anchors.iter().zip(&mut due) {
                        if let Some((_, told)) = told.iter().find(|(name, _)| *name == anchor.name)
                        {
                            *at = now + self.pause(anchor, told).await;
                        }
                    }
                }
                Err(fault) => {
                    tracing::error!(%fault, "the anchors' round could not be made");
                    tokio::time::sleep(Duration::from_secs(AGAIN_SECONDS)).await;
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// How long an anchor is left alone.
    async fn pause(&self, anchor: &AnchorConfig, told: &Told) -> Duration {
        let interval = u64::from(anchor.interval_seconds);
        let seconds = match told {
            Told::Anchored { .. } => interval,
            Told::Failed(_) | Told::Alarm(_) => {
                let failures = match state::one(&self.engine, &anchor.name).await {
                    Ok(Some((_, state))) => state.failures,
                    Ok(None) | Err(_) => 1,
                };
                let doubled = AGAIN_SECONDS << failures.saturating_sub(1).min(10);
                doubled.min(interval)
            }
        };
        Duration::from_secs(seconds)
    }

    /// One anchor, one checkpoint.
    async fn attempt(&self, anchor: &AnchorConfig, target: &Target) -> Result<Told, Fault> {
        let engine = &self.engine;
        let Some((version, mut state)) = state::one(engine, &anchor.name).await? else {
            return Ok(Told::Failed("it is no longer configured"));
        };
        let outcome = self.ask(anchor, target, &state).await;
        let now = engine.clock().now();
        let told = match outcome {
            Ok(given) => {
                let until = given.until.clone();
                let named = (anchor.name.as_str(), anchor.kind.as_str());
                let fresh = kept::keep(engine, named, target, given, now).await?;
                state.receipts += u64::from(fresh);
                if state.receipts > RECEIPTS_MAX {
                    let gone = kept::thin(engine, &anchor.name).await?;
                    state.receipts = state.receipts.saturating_sub(gone);
                }
                state.last = Some(Last {
                    size: target.size,
                    at: now.as_micros(),
                    until,
                });
                state.failures = 0;
                state.fault = None;
                state.alarm = None;
                Told::Anchored { size: target.size }
            }
            Err(Unanchored::Failed(why)) => {
                tracing::warn!(
                    anchor = anchor.name,
                    why,
                    "an anchor did not take the checkpoint"
                );
                state.failures = state.failures.saturating_add(1);
                state.fault = Some(why.to_owned());
                Told::Failed(why)
            }
            Err(Unanchored::Alarm(alarm, shown)) => {
                tracing::error!(
                    anchor = anchor.name,
                    alarm = alarm.as_str(),
                    size = target.size,
                    "ANCHOR ALARM: {}",
                    alarm.says()
                );
                let kept = AlarmKept {
                    anchor: anchor.name.clone(),
                    alarm,
                    size: target.size,
                    at: now.as_micros(),
                    note: target.note.clone(),
                    shown,
                };
                kept::keep_alarm(engine, &kept).await?;
                state.failures = state.failures.saturating_add(1);
                state.fault = Some(alarm.says().to_owned());
                state.alarm = Some(alarm);
                Told::Alarm(alarm)
            }
        };
        state::put(engine, &anchor.name, Some(version), &state).await?;
        Ok(told)
    }
}
