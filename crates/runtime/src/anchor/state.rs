//! Where each anchor stands, as a small record beside the log: what it took last, since when it is silent, and what it
//! says against the log. From these, without the configuration, come listing, metrics and the answer to "overdue?".

use interlock_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::Alarm;
use crate::config::AnchorConfig;
use crate::deploy::record_fault;
use crate::engine::{Engine, Fault};

/// The kind of the records.
const KIND: &str = "anchor";
/// How far a clock may stand before what it said last: a correction, no more.
const CLOCK_BACK_MICROS_MAX: u64 = 60_000_000;

/// What an anchor took last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Last {
    pub(super) size: u64,
    /// Microseconds since 1970 on our clock.
    pub(super) at: u64,
    pub(super) until: Option<String>,
}

/// The record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    pub(super) kind: String,
    /// No longer configured: what it gave stays, nothing is asked of it.
    pub(super) retired: bool,
    pub(super) required: bool,
    pub(super) overdue_seconds: u32,
    /// Microseconds since 1970: when it was configured.
    pub(super) since: u64,
    pub(super) last: Option<Last>,
    /// Receipts kept of it.
    pub(super) receipts: u64,
    pub(super) failures: u32,
    pub(super) fault: Option<String>,
    /// That it is overdue is on record in the log.
    pub(super) overdue_said: bool,
    /// What it said against the log when asked last.
    pub(super) alarm: Option<Alarm>,
}

impl State {
    fn new(config: &AnchorConfig, now: Timestamp) -> Self {
        Self {
            kind: config.kind.as_str().to_owned(),
            retired: false,
            required: config.required,
            overdue_seconds: config.overdue_seconds,
            since: now.as_micros(),
            last: None,
            receipts: 0,
            failures: 0,
            fault: None,
            overdue_said: false,
            alarm: None,
        }
    }

    /// Seconds since it took a checkpoint last; where it never did, since it was configured. A clock that went back
    /// makes it no younger than zero.
    pub(super) fn age_seconds(&self, now: Timestamp) -> u64 {
        let from = self.last.as_ref().map_or(self.since, |last| last.at);
        now.as_micros().saturating_sub(from) / 1_000_000
    }

    /// A clock that stands well before what it said itself tells no age, which is no reason to be calm.
    pub(super) fn is_overdue(&self, now: Timestamp) -> bool {
        let from = self.last.as_ref().map_or(self.since, |last| last.at);
        let went_back = from.saturating_sub(now.as_micros()) > CLOCK_BACK_MICROS_MAX;
        went_back || self.age_seconds(now) > u64::from(self.overdue_seconds)
    }

    /// Whether nothing may act until it holds again, or for the first time.
    pub(super) fn demands_a_halt(&self, now: Timestamp) -> bool {
        self.required && (self.last.is_none() || self.alarm.is_some() || self.is_overdue(now))
    }
}

/// Where an anchor stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AnchorStatus {
    /// Its name.
    pub name: String,
    /// `witness`, `s3` or `timestamp`.
    pub kind: String,
    /// Whether nothing may act without it.
    pub required: bool,
    /// Entries that it vouches for; none where it never took a checkpoint.
    pub size: Option<u64>,
    /// Seconds since it took one, or since it was configured.
    pub age_seconds: u64,
    /// Seconds that it may be old.
    pub overdue_seconds: u32,
    /// Whether it is older.
    pub overdue: bool,
    /// Rounds that failed in a row.
    pub failures: u32,
    /// Why the last one failed.
    pub fault: Option<String>,
    /// What it said against the log when asked last.
    pub alarm: Option<Alarm>,
}

/// Where every configured anchor stands, by name.
///
/// # Errors
/// The store cannot be read, or a record of it is damaged.
pub async fn statuses(engine: &Engine) -> Result<Vec<AnchorStatus>, Fault> {
    let now = engine.clock().now();
    let states = all(engine).await?;
    Ok(states
        .into_iter()
        .filter(|(.., state)| !state.retired)
        .map(|(name, _, state)| AnchorStatus {
            name,
            size: state.last.as_ref().map(|last| last.size),
            age_seconds: state.age_seconds(now),
            overdue: state.is_overdue(now),
            kind: state.kind,
            required: state.required,
            overdue_seconds: state.overdue_seconds,
            failures: state.failures,
            fault: state.fault,
            alarm: state.alarm,
        })
        .collect())
}

/// All states with their versions.
pub(super) async fn all(engine: &Engine) -> Result<Vec<(String, u64, State)>, Fault> {
    let records = engine.store().records(engine.tenant(), KIND).await?;
    records
        .into_iter()
        .map(|record| Ok((record.key, record.version, parse(&record.bytes)?)))
        .collect()
}

/// The state of one anchor with its version.
pub(super) async fn one(engine: &Engine, name: &str) -> Result<Option<(u64, State)>, Fault> {
    let record = engine.store().record(engine.tenant(), KIND, name).await?;
    record
        .map(|record| Ok((record.version, parse(&record.bytes)?)))
        .transpose()
}

/// Writes a state over the version that it was made from; returns the new version.
pub(super) async fn put(
    engine: &Engine,
    name: &str,
    version: Option<u64>,
    state: &State,
) -> Result<u64, Fault> {
    let bytes = serde_json::to_vec(state).map_err(|fault| Fault::Bug(fault.to_string()))?;
    engine
        .store()
        .put_record(engine.tenant(), KIND, name, version, bytes)
        .await
        .map_err(record_fault)
}

/// Makes the records those of the configuration: new ones for new anchors; those no longer there are retired, and what
/// they gave stays.
pub(super) async fn configure(engine: &Engine, anchors: &[AnchorConfig]) -> Result<(), Fault> {
    let now = engine.clock().now();
    let there = all(engine).await?;
    for (name, version, state) in &there {
        if !state.retired && !anchors.iter().any(|anchor| anchor.name == *name) {
            let retired = State {
                retired: true,
                ..state.clone()
            };
            put(engine, name, Some(*version), &retired).await?;
        }
    }
    for anchor in anchors {
        let known = there.iter().find(|(name, ..)| *name == anchor.name);
        let fresh = State::new(anchor, now);
        let (version, state) = match known {
            // Under another kind a name is another anchor.
            Some((_, version, state)) if state.kind == fresh.kind => (
                Some(*version),
                State {
                    // Configured again, it is young again: nobody asked it meanwhile.
                    since: if state.retired {
                        fresh.since
                    } else {
                        state.since
                    },
                    retired: false,
                    required: fresh.required,
                    overdue_seconds: fresh.overdue_seconds,
                    ..state.clone()
                },
            ),
            Some((_, version, _)) => (Some(*version), fresh),
            None => (None, fresh),
        };
        if known.is_none_or(|(.., before)| *before != state) {
            put(engine, &anchor.name, version, &state).await?;
        }
    }
    Ok(())
}

fn parse(bytes: &[u8]) -> Result<State, Fault> {
    serde_json::from_slice(bytes).map_err(|_| {
        Fault::Store(interlock_store::StoreFault::Damaged {
            operation: "read an anchor's state",
            what: "record",
        })
    })
}
