//! Opening a log: the first time in an order in which a death at any point is taken up again (guard, key as `next`,
//! record, key under its own name, entry), and every time after by holding store, guard and key against each other. No
//! missing part is made anew once any of them says that the log had a name: whoever removed it would like that.

use std::sync::Arc;

use interlock_core::id::TenantName;
use interlock_journal::tree::empty_root;
use interlock_store::{LogStore, Store};

use super::publisher::{LogPlace, Work};
use super::record::{LogRecord, key_digest, verifier_key};
use super::{
    FileGuard, Guard, GuardFault, Guarded, PublishFault, Refusal, SigningKey, press::Press,
    press::STEP_ENTRIES_MAX, rotation,
};
use crate::administration::{Administration, LogOrigin};
use crate::clock::random;
use crate::engine::Engine;

/// The name of a log whose operator gave none lies under a domain that nobody can own (RFC 6761).
const UNNAMED: &str = "interlock.invalid";

pub(super) async fn open(engine: &Engine, place: &LogPlace) -> Result<Work, PublishFault> {
    let tenant = engine.tenant();
    let (dir, name) = (place.guard_dir(), tenant.clone());
    let guard = tokio::task::spawn_blocking(move || FileGuard::open(&dir, &name)).await;
    let guard = guard.map_err(|ended| PublishFault::Bug(ended.to_string()))??;
    open_with(engine, place, Arc::new(guard)).await
}

/// With a guard of any kind.
pub(super) async fn open_with(
    engine: &Engine,
    place: &LogPlace,
    guard: Arc<dyn Guard>,
) -> Result<Work, PublishFault> {
    let store = Arc::clone(&engine.parts.store);
    let (mut record, key) = match LogRecord::read(store.as_ref(), engine.tenant()).await? {
        Some(record) => known(place, record)?,
        None => first(engine, place, store.as_ref(), guard.as_ref()).await?,
    };
    if !record.recorded {
        opened(engine, &mut record).await?;
    }
    let press = Press {
        tenant: engine.tenant().clone(),
        origin: record.origin.clone(),
        store: store as Arc<dyn LogStore>,
        guard,
        keys: vec![key],
        clock: Arc::clone(&engine.parts.clock),
        step_entries: STEP_ENTRIES_MAX,
    };
    press.check().await?;
    let mut work = Work { press, record };
    rotation::resume(engine, place, &mut work).await?;
    Ok(work)
}

/// A log that has a name: the configuration must agree with it, and the key must be its last one.
fn known(place: &LogPlace, record: LogRecord) -> Result<(LogRecord, SigningKey), PublishFault> {
    if let Some(configured) = &place.config.origin
        && *configured != record.origin
    {
        return Err(Refusal::Renamed {
            log: record.origin,
            configured: configured.clone(),
        }
        .into());
    }
    let wanted = record.key().map(interlock_journal::VerifierKey::public);
    let fits = |key: &SigningKey| Some(*key.public()) == wanted;
    let key = SigningKey::open(&place.data_dir)?;
    if let Some(key) = key
        && fits(&key)
    {
        return Ok((record, key));
    }
    // A rotation that died between the record and the rename.
    if let Some(next) = SigningKey::open_next(&place.data_dir)?
        && fits(&next)
    {
        SigningKey::promote_next(&place.data_dir)?;
        return Ok((record, next));
    }
    Err(match SigningKey::open(&place.data_dir)? {
        None => Refusal::KeyMissing.into(),
        Some(_) => Refusal::OtherKey.into(),
    })
}

/// A log that has no name yet, or whose naming was broken off.
async fn first(
    engine: &Engine,
    place: &LogPlace,
    store: &dyn Store,
    guard: &dyn Guard,
) -> Result<(LogRecord, SigningKey), PublishFault> {
    let tenant = engine.tenant();
    let next = SigningKey::open_next(&place.data_dir)?;
    // A key has its own name only after the record has named it.
    if store.published(tenant).await?.is_some()
        || SigningKey::open(&place.data_dir)?.is_some()
        || was_opened(engine).await?
    {
        return Err(Refusal::NameMissing.into());
    }
    let kept = match guard.last().await {
        Err(GuardFault::Damaged) => return Err(Refusal::GuardDamaged.into()),
        kept => kept?,
    };
    // The guard came before the key.
    if kept.is_none() && next.is_some() {
        return Err(Refusal::NameMissing.into());
    }
    let entropy = engine.parts.entropy.as_ref();
    let origin = match (kept, &place.config.origin) {
        (Some(kept), _) if kept.size > 0 => {
            let found = store.log_size(tenant).await?;
            return Err(if found < kept.size {
                Refusal::StoreBehind {
                    found,
                    signed: kept.size,
                }
            } else {
                Refusal::NameMissing
            }
            .into());
        }
        (Some(kept), Some(configured)) if kept.origin != *configured => {
            return Err(Refusal::OtherLog {
                guard: kept.origin,
                log: configured.clone(),
            }
            .into());
        }
        (Some(kept), _) => kept.origin,
        (None, configured) => {
            let origin = match configured {
                Some(configured) => configured.clone(),
                None => unnamed(tenant, entropy)?,
            };
            let new = Guarded {
                origin: origin.clone(),
                size: 0,
                root: empty_root().to_bytes(),
                at: engine.clock().now(),
            };
            guard.advance(None, &new).await?;
            origin
        }
    };
    // A next key without a record signed nothing: it is left from an opening that was broken off.
    let key = match next {
        Some(next) => next,
        None => SigningKey::create_next(&place.data_dir, entropy)?,
    };
    let public = verifier_key(&origin, key.public())?;
    let mut record = LogRecord::new(origin, public);
    record.write(store, tenant).await?;
    // Dying before this leaves a record whose key is the next one, as a rotation does.
    SigningKey::promote_next(&place.data_dir)?;
    Ok((record, key))
}

/// Whether the administration chain has opened this tenant's log before. A chain that does not verify tells nothing, and
/// so opens nothing.
async fn was_opened(engine: &Engine) -> Result<bool, PublishFault> {
    let acts = engine.administered().await;
    let acts = acts.map_err(|fault| PublishFault::Record(fault.to_string()))?;
    Ok(acts
        .iter()
        .any(|done| matches!(done.act, Administration::LogOpened { .. })))
}

pub(super) fn unnamed(
    tenant: &TenantName,
    entropy: &dyn crate::clock::Entropy,
) -> Result<String, PublishFault> {
    let id: [u8; 16] = random(entropy).map_err(|_| super::SignerFault::Entropy)?;
    let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{UNNAMED}/{tenant}/{id}"))
}

/// Puts the opening on record, once: an opening that died after the entry finds it.
async fn opened(engine: &Engine, record: &mut LogRecord) -> Result<(), PublishFault> {
    let bug = || PublishFault::Bug("a log without name or key".to_owned());
    let origin = LogOrigin::parse(&record.origin).ok_or_else(bug)?;
    let key = key_digest(record.key().ok_or_else(bug)?);
    let act = Administration::LogOpened { origin, key };
    let failed = |fault: crate::engine::Fault| PublishFault::Record(fault.to_string());
    let acts = engine.administered().await.map_err(failed)?;
    if !acts.iter().any(|done| done.act == act) {
        engine.administer(act, None, None).await.map_err(failed)?;
    }
    record.recorded = true;
    record.write(engine.store(), engine.tenant()).await
}
