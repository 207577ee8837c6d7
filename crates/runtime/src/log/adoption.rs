//! The two explicit acts of an operator whose log is refused a signature: to take the store's word where the guard is
//! gone, damaged or old; and to begin a new name and key over the same entries where signed entries are lost for good.
//! Both are on record, with their reason, before the guard is touched. Neither makes what is lost look as if it were
//! there: who kept a checkpoint of before sees it.

use std::sync::Arc;

use interlock_core::digest::Digest;
use interlock_core::id::PrincipalId;
use interlock_journal::note::VerifierKey;
use interlock_journal::tree::empty_root;

use super::opening::unnamed;
use super::press::{Press, STEP_ENTRIES_MAX};
use super::publisher::LogPlace;
use super::record::{LogRecord, SignedFrom, key_digest, verifier_key};
use super::{FileGuard, Guarded, PublishFault, Refusal, SigningKey};
use crate::administration::{Administration, LogOrigin};
use crate::engine::{Engine, Fault};

/// Sets the guard to what the store says to be published. `None`: the guard fits, and nothing was done.
///
/// # Errors
/// What was found is mended by no guard (see [`Refusal`]), or a part cannot be reached.
pub async fn adopt_guard(
    engine: &Engine,
    place: &LogPlace,
    reason: &str,
    by: Option<PrincipalId>,
) -> Result<Option<Guarded>, PublishFault> {
    let (press, _) = held(engine, place).await?;
    match press.check().await {
        Ok(()) => return Ok(None),
        Err(PublishFault::Refused(
            Refusal::GuardMissing | Refusal::GuardDamaged | Refusal::GuardBehind { .. },
        )) => {}
        // A renewal that died halfway left the guard with the log's name of before.
        Err(PublishFault::Refused(Refusal::OtherLog { guard, log }))
            if was_ours(engine, &guard).await? && guard != log => {}
        Err(fault) => return Err(fault),
    }
    let new = press.as_published().await?;
    let act = Administration::GuardAdopted {
        size: new.size,
        root: Digest::from_bytes(new.root),
    };
    engine
        .administer(act, Some(reason), by)
        .await
        .map_err(failed)?;
    press.guard.adopt(&new).await?;
    Ok(Some(new))
}

/// Begins a new name and key over the entries that are left, after signed ones or the key were lost for good. Returns
/// the new key; `None`: nothing was lost, and nothing was done.
///
/// # Errors
/// The configuration names the log (then it has to name another one first), or a part cannot be
/// reached.
pub async fn renew_log(
    engine: &Engine,
    place: &LogPlace,
    reason: &str,
    by: Option<PrincipalId>,
) -> Result<Option<VerifierKey>, PublishFault> {
    let (press, mut record) = held(engine, place).await?;
    let wanted = record.key().map(VerifierKey::public);
    let key = SigningKey::open(&place.data_dir)?;
    let signs = key.is_some_and(|key| Some(*key.public()) == wanted);
    match press.check().await {
        Ok(()) if signs => return Ok(None),
        // Without the key of before nobody can hand the log over.
        Ok(()) => {}
        Err(PublishFault::Refused(Refusal::StoreBehind { .. } | Refusal::Diverged { .. })) => {}
        Err(fault) => return Err(fault),
    }
    let entropy = engine.parts.entropy.as_ref();
    let origin = match &place.config.origin {
        // One name for two histories is what the guard is there to prevent.
        Some(configured) if *configured == record.origin => {
            return Err(Refusal::Renamed {
                log: "a new one".to_owned(),
                configured: configured.clone(),
            }
            .into());
        }
        Some(configured) => configured.clone(),
        None => unnamed(engine.tenant(), entropy)?,
    };
    let kept = press.as_published().await?;
    let next = match SigningKey::open_next(&place.data_dir)? {
        Some(next) => next,
        None => SigningKey::create_next(&place.data_dir, entropy)?,
    };
    let key = verifier_key(&origin, next.public())?;
    let bug = || PublishFault::Bug("a log's name of another form".to_owned());
    let act = Administration::LogOpened {
        origin: LogOrigin::parse(&origin).ok_or_else(bug)?,
        key: key_digest(&key),
    };
    engine
        .administer(act, Some(reason), by)
        .await
        .map_err(failed)?;
    let guarded = Guarded {
        origin: origin.clone(),
        at: engine.clock().now(),
        ..kept
    };
    record.origin = origin;
    record.keys = vec![SignedFrom {
        key: key.clone(),
        size: guarded.size,
    }];
    record.write(engine.store(), engine.tenant()).await?;
    press.guard.adopt(&guarded).await?;
    SigningKey::promote_next(&place.data_dir)?;
    Ok(Some(key))
}

/// The guard, locked, and a press that can look and not sign.
async fn held(engine: &Engine, place: &LogPlace) -> Result<(Press, LogRecord), PublishFault> {
    let record = LogRecord::read(engine.store(), engine.tenant()).await?;
    let record = record.ok_or(Refusal::NameMissing)?;
    let guard = FileGuard::open(&place.guard_dir(), engine.tenant())?;
    let press = Press {
        tenant: engine.tenant().clone(),
        origin: record.origin.clone(),
        store: Arc::clone(&engine.parts.store) as Arc<dyn interlock_store::LogStore>,
        guard: Arc::new(guard),
        keys: Vec::new(),
        clock: Arc::clone(&engine.parts.clock),
        step_entries: STEP_ENTRIES_MAX,
    };
    Ok((press, record))
}

impl Press {
    /// What the store says to be published, where its tree gives that root.
    async fn as_published(&self) -> Result<Guarded, PublishFault> {
        let published = self.store.published(&self.tenant).await?;
        let size = published.as_ref().map_or(0, |published| published.size);
        let found = self.store.log_size(&self.tenant).await?;
        if found < size {
            return Err(Refusal::StoreBehind {
                found,
                signed: size,
            }
            .into());
        }
        self.edge(size, published.as_ref()).await?;
        let root = published.map_or(empty_root().to_bytes(), |published| published.root);
        Ok(Guarded {
            origin: self.origin.clone(),
            size,
            root,
            at: self.clock.now(),
        })
    }
}

/// Whether this store's administration chain opened a log of this name.
async fn was_ours(engine: &Engine, name: &str) -> Result<bool, PublishFault> {
    let acts = engine.administered().await.map_err(failed)?;
    Ok(acts.iter().any(|done| {
        matches!(&done.act, Administration::LogOpened { origin, .. } if origin.as_str() == name)
    }))
}

fn failed(fault: Fault) -> PublishFault {
    PublishFault::Record(fault.to_string())
}
