//! What the store remembers of the log itself: its name, the keys that sign it and from which size on, and whether its
//! opening is on record. No secret is in it. The guard and the administration chain say the same apart from it.

use aws_lc_rs::digest;
use interlock_core::digest::Digest;
use interlock_core::id::TenantName;
use interlock_journal::note::{KeyKind, VerifierKey};
use interlock_store::{RecordFault, Store, StoreFault};
use serde::{Deserialize, Serialize};

use super::PublishFault;

const KIND: &str = "log";
const KEY: &str = "name";
const FORM: u8 = 1;

/// See the module's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRecord {
    /// The log's name.
    pub origin: String,
    /// The keys that have signed it, oldest first; the last one signs now.
    pub keys: Vec<SignedFrom>,
    /// Whether the administration chain has `log.opened`.
    pub(super) recorded: bool,
    version: Option<u64>,
}

/// A key and where it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedFrom {
    /// The key.
    pub key: VerifierKey,
    /// The smallest tree that it signs.
    pub size: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    v: u8,
    origin: String,
    keys: Vec<RawKey>,
    recorded: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKey {
    key: String,
    size: u64,
}

impl LogRecord {
    /// Of a new log.
    pub(super) fn new(origin: String, key: VerifierKey) -> Self {
        Self {
            origin,
            keys: vec![SignedFrom { key, size: 0 }],
            recorded: false,
            version: None,
        }
    }

    /// The key that signs now.
    #[must_use]
    pub fn key(&self) -> Option<&VerifierKey> {
        self.keys.last().map(|last| &last.key)
    }

    /// Reads the record of a tenant's log; `None`: the log was never opened.
    ///
    /// # Errors
    /// The store cannot be read, or the record is damaged.
    pub async fn read(store: &dyn Store, tenant: &TenantName) -> Result<Option<Self>, StoreFault> {
        let Some(record) = store.record(tenant, KIND, KEY).await? else {
            return Ok(None);
        };
        let damaged = || StoreFault::Damaged {
            operation: "read the log's record",
            what: "record",
        };
        let raw: Raw = serde_json::from_slice(&record.bytes).map_err(|_| damaged())?;
        let key = |raw: RawKey| {
            let key = VerifierKey::parse(&raw.key).ok()?;
            Some(SignedFrom {
                key,
                size: raw.size,
            })
        };
        let keys: Option<Vec<SignedFrom>> = raw.keys.into_iter().map(key).collect();
        let keys = keys.filter(|keys| !keys.is_empty()).ok_or_else(damaged)?;
        if raw.v != FORM || keys.iter().any(|key| key.key.name() != raw.origin) {
            return Err(damaged());
        }
        Ok(Some(Self {
            origin: raw.origin,
            keys,
            recorded: raw.recorded,
            version: Some(record.version),
        }))
    }

    /// Writes it, if nobody has written it since it was read. An unknown outcome is learnt by reading.
    pub(super) async fn write(
        &mut self,
        store: &dyn Store,
        tenant: &TenantName,
    ) -> Result<(), PublishFault> {
        let keys = self.keys.iter().map(|from| RawKey {
            key: from.key.to_string(),
            size: from.size,
        });
        let raw = Raw {
            v: FORM,
            origin: self.origin.clone(),
            keys: keys.collect(),
            recorded: self.recorded,
        };
        let bytes =
            serde_json::to_vec(&raw).map_err(|fault| PublishFault::Bug(fault.to_string()))?;
        let put = store
            .put_record(tenant, KIND, KEY, self.version, bytes.clone())
            .await;
        self.version = match put {
            Ok(version) => Some(version),
            Err(RecordFault::Conflict { .. }) => return Err(PublishFault::Elsewhere),
            Err(RecordFault::Store(fault @ StoreFault::Unknown { .. })) => {
                match store.record(tenant, KIND, KEY).await? {
                    Some(found) if found.bytes == bytes => Some(found.version),
                    _ => return Err(fault.into()),
                }
            }
            Err(RecordFault::Store(fault)) => return Err(fault.into()),
            Err(fault @ RecordFault::Full { .. }) => {
                return Err(PublishFault::Bug(fault.to_string()));
            }
        };
        Ok(())
    }
}

/// The verifier's form of a public key under a log's name.
pub(super) fn verifier_key(origin: &str, public: &[u8; 32]) -> Result<VerifierKey, PublishFault> {
    VerifierKey::new(origin, KeyKind::Ed25519, *public)
        .map_err(|fault| PublishFault::Bug(fault.to_string()))
}

/// SHA-256 of a verifier key in its printed form: how the administration chain names it.
#[must_use]
pub fn key_digest(key: &VerifierKey) -> Digest {
    let hash = digest::digest(&digest::SHA256, key.to_string().as_bytes());
    let mut bytes = [0; 32];
    for (to, from) in bytes.iter_mut().zip(hash.as_ref()) {
        *to = *from;
    }
    Digest::from_bytes(bytes)
}
