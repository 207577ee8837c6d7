//! Handing the log over to a new signing key. The entry `log.key_rotated` comes first, then a checkpoint that covers
//! it and is signed by both keys, then the record, then the key file. A death anywhere is taken up at the next opening.

use interlock_core::id::PrincipalId;
use interlock_journal::note::VerifierKey;

use super::publisher::{LogPlace, Work};
use super::record::{SignedFrom, key_digest, verifier_key};
use super::{PublishFault, SigningKey};
use crate::administration::Administration;
use crate::engine::{Engine, Fault};

/// What a rotation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The key until now.
    pub before: VerifierKey,
    /// The key from here on.
    pub after: VerifierKey,
    /// Size of the tree whose checkpoint both have signed.
    pub size: u64,
}

pub(super) async fn rotate(
    engine: &Engine,
    place: &LogPlace,
    work: &mut Work,
    reason: Option<&str>,
    by: Option<PrincipalId>,
) -> Result<Rotated, PublishFault> {
    let next = match SigningKey::open_next(&place.data_dir)? {
        Some(next) => next,
        None => SigningKey::create_next(&place.data_dir, engine.parts.entropy.as_ref())?,
    };
    let act = handover(work, &next)?;
    if !is_recorded(engine, &act).await? {
        engine.administer(act, reason, by).await.map_err(failed)?;
    }
    hand_over(engine, place, work, next).await
}

/// Takes up a rotation whose entry is on record. A key that no entry names was made and not used: it waits for the
/// next rotation.
pub(super) async fn resume(
    engine: &Engine,
    place: &LogPlace,
    work: &mut Work,
) -> Result<(), PublishFault> {
    let Some(next) = SigningKey::open_next(&place.data_dir)? else {
        return Ok(());
    };
    let act = handover(work, &next)?;
    if is_recorded(engine, &act).await? {
        hand_over(engine, place, work, next).await?;
    }
    Ok(())
}

async fn hand_over(
    engine: &Engine,
    place: &LogPlace,
    work: &mut Work,
    next: SigningKey,
) -> Result<Rotated, PublishFault> {
    let before = current(work)?;
    let after = verifier_key(&work.record.origin, next.public())?;
    work.press.keys.push(next);
    let published = match work.press.publish().await {
        // The entry was published before the handover was broken off, maybe by one key alone.
        Ok(None) => work.press.sign_again().await,
        Ok(Some(published)) => Ok(published),
        Err(fault) => Err(fault),
    };
    let handed = match published {
        Ok(published) => {
            work.record.keys.push(SignedFrom {
                key: after.clone(),
                size: published.size,
            });
            let written = work.record.write(engine.store(), engine.tenant()).await;
            if written.is_err() {
                work.record.keys.pop();
            }
            written.map(|()| published.size)
        }
        Err(fault) => Err(fault),
    };
    match handed {
        Ok(size) => {
            work.press.keys.remove(0);
            SigningKey::promote_next(&place.data_dir)?;
            Ok(Rotated {
                before,
                after,
                size,
            })
        }
        Err(fault) => {
            // The key before goes on alone until the handover is taken up again.
            work.press.keys.truncate(1);
            Err(fault)
        }
    }
}

fn current(work: &Work) -> Result<VerifierKey, PublishFault> {
    let key = work.record.key().cloned();
    key.ok_or_else(|| PublishFault::Bug("a log without key".to_owned()))
}

fn handover(work: &Work, next: &SigningKey) -> Result<Administration, PublishFault> {
    Ok(Administration::LogKeyRotated {
        before: key_digest(&current(work)?),
        after: key_digest(&verifier_key(&work.record.origin, next.public())?),
    })
}

async fn is_recorded(engine: &Engine, act: &Administration) -> Result<bool, PublishFault> {
    let acts = engine.administered().await.map_err(failed)?;
    Ok(acts.iter().any(|done| done.act == *act))
}

fn failed(fault: Fault) -> PublishFault {
    PublishFault::Record(fault.to_string())
}
