//! What anchors gave, kept in the store by anchor and size: cosigned notes, timestamp replies, copies of objects; and
//! the evidence of every alarm. An export takes it from here. Nothing here is secret: sizes, hashes, signatures.

use interlock_core::time::Timestamp;
use interlock_journal::checkpoint::{Cosigned, Opened};
use interlock_journal::note::{SignedNote, VerifierKey};
use interlock_journal::witness::{Quorum, Window, WitnessPolicy};
use interlock_journal::{Checkpoint, NodeHash};
use interlock_store::RecordFault;
use serde::{Deserialize, Serialize};

use super::{Alarm, Given, Target, in_base64};
use crate::config::{AnchorKind, AnchorsConfig};
use crate::deploy::record_fault;
use crate::engine::{Engine, Fault};

/// The kind of the records of alarms.
const ALARM: &str = "anchor_alarm";
/// Alarms whose evidence is kept: the first ones, which show the most.
const ALARMS_MAX: usize = 256;
/// Receipts of one anchor before they are thinned.
pub(super) const RECEIPTS_MAX: u64 = 2000;

/// What an anchor gave for a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// The anchor's name.
    pub anchor: String,
    /// `witness`, `s3` or `timestamp`.
    pub kind: String,
    /// Size of the log.
    pub size: u64,
    /// Its root, 64 hex digits.
    pub root: String,
    /// When it was taken, microseconds since 1970 on our clock.
    pub at: u64,
    /// When the anchor says that it saw it, microseconds since 1970.
    pub said: Option<u64>,
    /// Until when the anchor keeps it locked.
    pub until: Option<String>,
    /// A witness's cosigned note, an authority's reply (`.tsr`), or the object's bytes.
    #[serde(with = "in_base64")]
    pub bytes: Vec<u8>,
}

/// An alarm with what shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlarmKept {
    /// The anchor's name.
    pub anchor: String,
    /// What it said.
    pub alarm: Alarm,
    /// Size of our log.
    pub size: u64,
    /// When, microseconds since 1970 on our clock.
    pub at: u64,
    /// Our checkpoint.
    #[serde(with = "in_base64")]
    pub note: Vec<u8>,
    /// The request and answer, or the object found.
    #[serde(with = "in_base64")]
    pub shown: Vec<u8>,
}

/// What all anchors that there ever were gave for the checkpoint of this size.
///
/// # Errors
/// The store cannot be read, or a record of it is damaged.
pub async fn kept(engine: &Engine, size: u64) -> Result<Vec<Kept>, Fault> {
    let mut found = Vec::new();
    for (name, ..) in super::state::all(engine).await? {
        found.extend(receipt(engine, &name, size).await?);
    }
    Ok(found)
}

/// The checkpoint of this size with the cosignatures of all witnesses; `None` where none has cosigned it.
///
/// # Errors
/// As of [`kept`].
pub async fn cosigned(engine: &Engine, size: u64) -> Result<Option<Vec<u8>>, Fault> {
    let mut note: Option<SignedNote> = None;
    for kept in kept(engine, size).await? {
        if kept.kind != "witness" {
            continue;
        }
        let Ok(next) = SignedNote::parse(&kept.bytes) else {
            return Err(damaged());
        };
        note = Some(match note {
            None => next,
            // Never mixed: the signatures of one text say nothing under another.
            Some(so_far) if so_far.text() != next.text() => return Err(damaged()),
            Some(so_far) => so_far.with(next.signatures()).map_err(|_| damaged())?,
        });
    }
    Ok(note.map(|note| note.to_bytes()))
}

/// The largest checkpoint that enough of the configured witnesses have cosigned, with who did.
///
/// # Errors
/// As of [`kept`].
pub async fn witnessed(
    engine: &Engine,
    config: &AnchorsConfig,
) -> Result<Option<(u64, Quorum)>, Fault> {
    let keys: Vec<VerifierKey> = config
        .anchors
        .iter()
        .filter_map(|anchor| match &anchor.kind {
            AnchorKind::Witness { key } => Some(key.clone()),
            AnchorKind::S3 { .. } | AnchorKind::Timestamp => None,
        })
        .collect();
    let Ok(policy) = WitnessPolicy::new(config.witnesses_needed, keys) else {
        return Ok(None);
    };
    let mut sizes: Vec<u64> = super::state::all(engine)
        .await?
        .into_iter()
        .filter(|(.., state)| state.kind == "witness" && !state.retired)
        .filter_map(|(.., state)| state.last.map(|last| last.size))
        .collect();
    sizes.sort_unstable();
    sizes.dedup();
    for size in sizes.into_iter().rev() {
        let Some(note) = cosigned(engine, size).await? else {
            continue;
        };
        if let Some(quorum) = quorum(&note, &policy) {
            return Ok(Some((size, quorum)));
        }
    }
    Ok(None)
}

/// Whether enough witnesses cosigned a note of ours.
fn quorum(note: &[u8], policy: &WitnessPolicy) -> Option<Quorum> {
    let note = SignedNote::parse(note).ok()?;
    let verified = note.verify(policy.keys()).ok()?;
    let opened = Opened {
        checkpoint: Checkpoint::parse_text(note.text()).ok()?,
        signed_by: Vec::new(),
        cosignatures: verified
            .into_iter()
            .filter_map(|one| {
                Some(Cosigned {
                    time: one.time?,
                    key: one.key,
                })
            })
            .collect(),
    };
    policy.check(&opened, Window::ANY).ok()
}

/// The alarms whose evidence is kept, by anchor and size.
///
/// # Errors
/// As of [`kept`].
pub async fn alarms(engine: &Engine) -> Result<Vec<AlarmKept>, Fault> {
    let records = engine.store().records(engine.tenant(), ALARM).await?;
    records
        .iter()
        .map(|record| serde_json::from_slice(&record.bytes).map_err(|_| damaged()))
        .collect()
}

/// Keeps the evidence of an alarm, once for each anchor, alarm and size.
pub(super) async fn keep_alarm(engine: &Engine, kept: &AlarmKept) -> Result<(), Fault> {
    let (store, tenant) = (engine.store(), engine.tenant());
    let key = format!("{}.{}.{:020}", kept.anchor, kept.alarm.as_str(), kept.size);
    if store.record(tenant, ALARM, &key).await?.is_some()
        || store.records(tenant, ALARM).await?.len() >= ALARMS_MAX
    {
        return Ok(());
    }
    let bytes = serde_json::to_vec(kept).map_err(|fault| Fault::Bug(fault.to_string()))?;
    match store.put_record(tenant, ALARM, &key, None, bytes).await {
        Ok(_) | Err(RecordFault::Conflict { .. }) => Ok(()),
        Err(fault) => Err(record_fault(fault)),
    }
}

/// What an anchor gave for the checkpoint of this size.
pub(super) async fn receipt(
    engine: &Engine,
    anchor: &str,
    size: u64,
) -> Result<Option<Kept>, Fault> {
    let (store, tenant) = (engine.store(), engine.tenant());
    let record = store
        .record(tenant, &kind_of(anchor), &key_of(size))
        .await?;
    record
        .map(|record| serde_json::from_slice(&record.bytes).map_err(|_| damaged()))
        .transpose()
}

/// Keeps what an anchor gave. Of a timestamp the first for a size stays, as it proves the earliest time; of all others
/// the last. Returns whether there was none before.
pub(super) async fn keep(
    engine: &Engine,
    (anchor, kind): (&str, &str),
    target: &Target,
    given: Given,
    now: Timestamp,
) -> Result<bool, Fault> {
    let kept = Kept {
        anchor: anchor.to_owned(),
        kind: kind.to_owned(),
        size: target.size,
        root: NodeHash::to_string(&target.root),
        at: now.as_micros(),
        said: given.time.map(Timestamp::as_micros),
        until: given.until,
        bytes: given.bytes,
    };
    let bytes = serde_json::to_vec(&kept).map_err(|fault| Fault::Bug(fault.to_string()))?;
    let (store, tenant) = (engine.store(), engine.tenant());
    let (kind_name, key) = (kind_of(anchor), key_of(target.size));
    let before = store.record(tenant, &kind_name, &key).await?;
    if before.is_some() && kind == "timestamp" {
        return Ok(false);
    }
    let version = before.map(|record| record.version);
    store
        .put_record(tenant, &kind_name, &key, version, bytes)
        .await
        .map_err(record_fault)?;
    Ok(version.is_none())
}

/// Lets go of every second receipt of the older half, so that those left reach as far back, only less densely.
/// Returns how many went.
pub(super) async fn thin(engine: &Engine, anchor: &str) -> Result<u64, Fault> {
    let (store, tenant) = (engine.store(), engine.tenant());
    let kind = kind_of(anchor);
    let records = store.records(tenant, &kind).await?;
    let mut gone = 0;
    for record in records.iter().take(records.len() / 2).skip(1).step_by(2) {
        let deleted = store.delete_record(tenant, &kind, &record.key, record.version);
        match deleted.await {
            Ok(()) => gone += 1,
            Err(RecordFault::Conflict { .. }) => {}
            Err(fault) => return Err(record_fault(fault)),
        }
    }
    Ok(gone)
}

fn kind_of(anchor: &str) -> String {
    format!("anchor.{anchor}")
}

/// Keys sort by size.
fn key_of(size: u64) -> String {
    format!("{size:020}")
}

fn damaged() -> Fault {
    Fault::Store(interlock_store::StoreFault::Damaged {
        operation: "read an anchor's receipt",
        what: "record",
    })
}
