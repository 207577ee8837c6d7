//! A look at a log from beside the process that has it: whether another signature would be refused, and how far
//! publication is behind. Locks nothing, writes nothing, and signs nothing.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use interlock_core::id::TenantName;
use interlock_journal::note::VerifierKey;
use interlock_store::{LogStore, Store};

use super::press::{Press, STEP_ENTRIES_MAX};
use super::publisher::LogPlace;
use super::record::LogRecord;
use super::{
    FileGuard, Guard, GuardFault, Guarded, PublicationLag, PublishFault, Refusal, SigningKey,
    publication_lag,
};
use crate::clock::Clock;

/// How often a finding is looked at again: between two reads, the process that has the log may have moved on.
const LOOKS_MAX: u32 = 3;
const BETWEEN_LOOKS: Duration = Duration::from_millis(150);

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// The log's name; none: it was never opened.
    pub origin: Option<String>,
    /// Why another signature would be refused.
    pub refusal: Option<Refusal>,
    /// How far publication is behind.
    pub lag: PublicationLag,
}

/// Looks at a tenant's log.
///
/// # Errors
/// Store, guard or key cannot be read at all.
pub async fn look(
    store: Arc<dyn Store>,
    tenant: &TenantName,
    place: &LogPlace,
    clock: Arc<dyn Clock>,
) -> Result<Looked, PublishFault> {
    let record = LogRecord::read(store.as_ref(), tenant).await?;
    let lag = publication_lag(store.as_ref(), tenant, clock.now()).await?;
    let Some(record) = record else {
        return Ok(Looked {
            origin: None,
            refusal: nameless(place, tenant, lag.published_at.is_some())?,
            lag,
        });
    };
    let mut refusal = key_refusal(place, &record)?;
    let mut looks = 0;
    while refusal.is_none() && looks < LOOKS_MAX {
        let press = Press {
            tenant: tenant.clone(),
            origin: record.origin.clone(),
            store: Arc::clone(&store) as Arc<dyn LogStore>,
            guard: Arc::new(seen(place, tenant)?),
            keys: Vec::new(),
            clock: Arc::clone(&clock),
            step_entries: STEP_ENTRIES_MAX,
        };
        match press.check().await {
            Ok(()) => break,
            Err(PublishFault::Refused(found)) if looks + 1 == LOOKS_MAX => refusal = Some(found),
            Err(PublishFault::Refused(_)) => tokio::time::sleep(BETWEEN_LOOKS).await,
            Err(fault) => return Err(fault),
        }
        looks += 1;
    }
    Ok(Looked {
        origin: Some(record.origin),
        refusal,
        lag,
    })
}

/// Why a store without a log's name opens none: something says that there was one.
fn nameless(
    place: &LogPlace,
    tenant: &TenantName,
    published: bool,
) -> Result<Option<Refusal>, PublishFault> {
    let signed = match seen(place, tenant)? {
        Seen::Held(held) => held.is_some_and(|held| held.size > 0),
        Seen::Damaged => true,
    };
    let was_there = published || signed || SigningKey::open(&place.data_dir)?.is_some();
    Ok(was_there.then_some(Refusal::NameMissing))
}

fn key_refusal(place: &LogPlace, record: &LogRecord) -> Result<Option<Refusal>, PublishFault> {
    if let Some(configured) = &place.config.origin
        && *configured != record.origin
    {
        return Ok(Some(Refusal::Renamed {
            log: record.origin.clone(),
            configured: configured.clone(),
        }));
    }
    let wanted = record.key().map(VerifierKey::public);
    let keys = [
        SigningKey::open(&place.data_dir)?,
        SigningKey::open_next(&place.data_dir)?,
    ];
    let fits = |key: &SigningKey| Some(*key.public()) == wanted;
    Ok(match &keys {
        [Some(key), _] | [_, Some(key)] if fits(key) => None,
        [None, _] => Some(Refusal::KeyMissing),
        [Some(_), _] => Some(Refusal::OtherKey),
    })
}

/// What a guard held when it was looked at.
enum Seen {
    Held(Option<Guarded>),
    Damaged,
}

fn seen(place: &LogPlace, tenant: &TenantName) -> Result<Seen, PublishFault> {
    match FileGuard::look(&place.guard_dir(), tenant) {
        Ok(held) => Ok(Seen::Held(held)),
        Err(GuardFault::Damaged) => Ok(Seen::Damaged),
        Err(fault) => Err(fault.into()),
    }
}

#[async_trait]
impl Guard for Seen {
    async fn last(&self) -> Result<Option<Guarded>, GuardFault> {
        match self {
            Self::Held(held) => Ok(held.clone()),
            Self::Damaged => Err(GuardFault::Damaged),
        }
    }

    async fn advance(&self, _: Option<&Guarded>, _: &Guarded) -> Result<(), GuardFault> {
        Err(GuardFault::Locked)
    }

    async fn adopt(&self, _: &Guarded) -> Result<(), GuardFault> {
        Err(GuardFault::Locked)
    }
}
