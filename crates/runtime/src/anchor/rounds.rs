//! Rounds: the newest checkpoint is taken to every anchor that is due, each apart, and what came of it is kept, said
//! and, past the anchor's limit, put on record in the log. All witnesses are asked about the same checkpoint, or k of
//! them would never agree on one.

use std::sync::Arc;
use std::time::Duration;

use interlock_core::pipeline::policy::World;
use interlock_core::time::Timestamp;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::kept::{self, AlarmKept, RECEIPTS_MAX};
use super::s3::{Before, Bucket};
use super::state::{self, Last, State};
use super::timestamp::{Query, REPLY_BYTES_MAX};
use super::witness::Witness;
use super::{Alarm, Given, Reached, Target, Unanchored};
use crate::administration::Administration;
use crate::aws::Credentials;
use crate::clock::{Entropy, random};
use crate::config::{AnchorConfig, AnchorKind, AnchorsConfig};
use crate::egress::{Egress, Outbound};
use crate::engine::{Engine, Fault};
use crate::secret::SecretStore;

/// Between two looks at which anchor is due or overdue.
const LOOK: Duration = Duration::from_secs(1);
/// After a first failure; doubled with each further one, up to the anchor's own interval.
const AGAIN_SECONDS: u64 = 5;
/// How far an authority's time and our clock may lie apart.
const SKEW_MICROS_MAX: u64 = 600_000_000;
/// Who set the world to halted, so that nobody else's halt is lifted.
const HALTED_BY: &str = "a required anchor of the log is overdue or raises an alarm";

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
    engine: Arc<Engine>,
    egress: Arc<Egress>,
    secrets: Arc<SecretStore>,
    entropy: Arc<dyn Entropy>,
    config: AnchorsConfig,
}

impl Anchors {
    /// The anchors of a configuration; their records are made to be those.
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
        Ok(Arc::new(Self {
            engine,
            egress,
            secrets,
            entropy,
            config,
        }))
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
        if let Some(published) = published {
            let target = Target::of(&published).ok_or_else(|| {
                Fault::Store(interlock_store::StoreFault::Damaged {
                    operation: "anchor the log",
                    what: "checkpoint",
                })
            })?;
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
                told.push((name, outcome?));
            }
        }
        self.look().await?;
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

    async fn ask(
        &self,
        anchor: &AnchorConfig,
        target: &Target,
        state: &State,
    ) -> Result<Given, Unanchored> {
        let unusable = Unanchored::Failed("its address cannot be used");
        let reached =
            Reached::new(&self.egress, &anchor.url, anchor.allow_private).ok_or(unusable)?;
        let now = self.engine.clock().now();
        match &anchor.kind {
            AnchorKind::Witness { key } => {
                let witness = Witness {
                    reached,
                    key,
                    store: self.engine.store(),
                    tenant: self.engine.tenant(),
                };
                let last = state.last.as_ref().map_or(0, |last| last.size);
                witness.cosign(target, last, now).await
            }
            AnchorKind::S3 {
                bucket,
                prefix,
                region,
                access_key_id,
                secret,
                retain_days,
            } => {
                let secret_access_key = self.secrets.get(secret).await.map_err(|fault| {
                    tracing::warn!(%fault, "an anchor's secret cannot be had");
                    Unanchored::Failed("its secret cannot be had")
                })?;
                let place = Bucket {
                    reached,
                    bucket: bucket.as_deref(),
                    prefix,
                    region,
                    credentials: Credentials {
                        access_key_id: access_key_id.clone(),
                        secret_access_key,
                        session_token: None,
                    },
                    retain_days: *retain_days,
                };
                let before = match &state.last {
                    None => None,
                    Some(last) => kept::receipt(&self.engine, &anchor.name, last.size)
                        .await
                        .map_err(|_| Unanchored::Failed("what it gave before cannot be read"))?,
                };
                let before = before.as_ref().and_then(|kept| {
                    Some(Before {
                        size: kept.size,
                        note: &kept.bytes,
                        until: kept.until.as_deref()?,
                    })
                });
                place.put(target, before, now).await
            }
            AnchorKind::Timestamp => self.stamp(&reached, target).await,
        }
    }

    async fn stamp(&self, reached: &Reached<'_>, target: &Target) -> Result<Given, Unanchored> {
        let random = random::<8>(self.entropy.as_ref())
            .map_err(|_| Unanchored::Failed("the system gives no randomness"))?;
        let query = Query::new(&target.note, random)
            .ok_or(Unanchored::Failed("the query cannot be written"))?;
        let call = Outbound {
            method: reqwest::Method::POST,
            url: reached.url,
            headers: Vec::new(),
            body: Some(("application/timestamp-query", query.bytes.clone())),
            allow: &reached.allow,
            timeout: Duration::from_secs(20),
            body_bytes_max: REPLY_BYTES_MAX,
        };
        let answer = self.egress.send(call).await;
        let answer = answer.map_err(|failure| Unanchored::Failed(failure.why))?;
        if answer.status != 200 {
            return Err(Unanchored::Failed(
                "the authority did not answer with a reply",
            ));
        }
        let token = query.check(&answer.body).map_err(|fault| {
            tracing::warn!(%fault, "a timestamp reply is not kept");
            Unanchored::Failed("the authority's reply is refused")
        })?;
        let now = self.engine.clock().now();
        if token.time.as_micros().abs_diff(now.as_micros()) > SKEW_MICROS_MAX {
            return Err(Unanchored::Failed(
                "the authority's clock and ours lie far apart",
            ));
        }
        Ok(Given {
            bytes: answer.body,
            time: Some(token.time),
            until: None,
        })
    }

    /// Says what is overdue, once for each time that it becomes so, and halts or releases the world where a required
    /// anchor asks for it.
    async fn look(&self) -> Result<(), Fault> {
        let engine = &self.engine;
        let now = engine.clock().now();
        let mut halt = false;
        for (name, version, mut state) in state::all(engine).await? {
            if state.retired {
                continue;
            }
            halt |= state.demands_a_halt(now);
            let overdue = state.is_overdue(now);
            if overdue == state.overdue_said {
                continue;
            }
            let (size, age_seconds) = (
                state.last.as_ref().map_or(0, |last| last.size),
                state.age_seconds(now),
            );
            let act = if overdue {
                tracing::error!(
                    anchor = name,
                    age_seconds,
                    size,
                    "ANCHOR OVERDUE: the log is not anchored as often as it should be"
                );
                Administration::AnchorOverdue {
                    anchor: name.clone(),
                    size,
                    age_seconds,
                }
            } else {
                tracing::info!(anchor = name, size, "an overdue anchor holds again");
                Administration::AnchorRecovered {
                    anchor: name.clone(),
                    size,
                }
            };
            engine.administer(act, None, None).await?;
            // Dying here says it once more after the restart, which is better than never.
            state.overdue_said = overdue;
            state::put(engine, &name, Some(version), &state).await?;
        }
        self.enforce(halt, now).await
    }

    /// Sets the kill switch for a required anchor, and lifts what it set itself, nobody else's.
    async fn enforce(&self, halt: bool, now: Timestamp) -> Result<(), Fault> {
        let record = self.engine.world_record().await?;
        let (halted, incident, ours) = match &record {
            None => (false, false, false),
            Some(record) => (
                record.halted,
                record.incident,
                record.by.is_none() && record.reason == HALTED_BY,
            ),
        };
        let (set, reason) = match (halt, halted) {
            (true, false) => (true, HALTED_BY),
            (false, true) if ours => (false, "all required anchors of the log hold again"),
            _ => return Ok(()),
        };
        tracing::error!(halted = set, at = %now, "{reason}");
        let world = World {
            halted: set,
            incident,
        };
        self.engine.set_world(world, reason, None).await
    }
}
