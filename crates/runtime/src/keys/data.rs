//! Data keys by name: made where there is none, opened through the provider, kept open for a short while. Opening
//! content always looks at the book first, so that a destroyed key opens nothing from that moment on, in any process.

use std::sync::Arc;

use async_trait::async_trait;
use aws_lc_rs::hkdf;
use interlock_core::id::{EnvironmentName, TenantName};
use interlock_core::time::Timestamp;
use zeroize::Zeroizing;

use super::cache::Cache;
use super::place::{DataKey, KeyPlace, Wrapped};
use super::provider::{KeyProvider, ProviderFault, ProviderKind};
use crate::clock::{Clock, Entropy};
use crate::seal::{KeyBook, KeyBookFault, KeyName};

/// Purposes whose keys were derived from the key file before they had data keys of their own, and what they are now.
const HEIRLOOMS: [(&str, &str); 5] = [
    ("small/principal", "records.principal"),
    ("small/api_key", "records.api_key"),
    ("small/pseudonym", "records.pseudonym"),
    ("index/principal_name", "index.principal_name"),
    ("index/subject_name", "index.subject_name"),
];

/// Why there is no data key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// The book's.
    #[error("{0}")]
    Book(#[from] KeyBookFault),
    /// The provider's.
    #[error("{0}")]
    Provider(#[from] ProviderFault),
    /// A page of the book has another form.
    #[error("read a data key: its page has another form")]
    Form,
    /// No randomness.
    #[error("make a data key: the system gives no randomness")]
    Entropy,
}

/// Keeps wrapped keys apart from the book, and follows each turn of epochs.
#[async_trait]
pub trait KeyHolder: Send + Sync {
    /// Before the first turn: takes over what was derived from the provider's own key.
    ///
    /// # Errors
    /// Why it could not.
    async fn settle(&self) -> Result<(), KeyFault>;

    /// Who wrapped what it holds, and under which epoch: one of each key.
    ///
    /// # Errors
    /// It cannot be read.
    fn pages(&self) -> Result<Vec<(ProviderKind, u32)>, KeyFault>;

    /// Wraps what it holds anew, under the provider's newest epoch. Returns how many keys.
    ///
    /// # Errors
    /// Why it could not; nothing that it holds is lost.
    async fn rewrap(&self, epoch: u32) -> Result<u64, KeyFault>;
}

/// What [`Keys`] are made of.
pub struct KeysParts {
    /// Wraps.
    pub provider: Arc<dyn KeyProvider>,
    /// Keeps the wrapped keys.
    pub book: Arc<dyn KeyBook>,
    /// The environment that the book belongs to.
    pub environment: EnvironmentName,
    /// Gives new keys.
    pub entropy: Arc<dyn Entropy>,
    /// Tells when an epoch was made.
    pub clock: Arc<dyn Clock>,
    /// Whoever else keeps keys that this provider wrapped. One that is left out loses them at the next turn.
    pub holders: Vec<Arc<dyn KeyHolder>>,
}

/// The data keys of an installation.
///
/// May be used from many tasks at once.
pub struct Keys {
    pub(super) parts: KeysParts,
    pub(super) cache: Cache,
    /// Held for reading while a key is wrapped and written, for writing while the epoch turns: nothing wrapped under
    /// the old epoch reaches the book after its survivors were counted.
    pub(super) wrapping: tokio::sync::RwLock<()>,
    pub(super) turning: tokio::sync::Mutex<()>,
}

impl Keys {
    /// From their parts.
    #[must_use]
    pub fn new(parts: KeysParts) -> Self {
        Self {
            parts,
            cache: Cache::default(),
            wrapping: tokio::sync::RwLock::default(),
            turning: tokio::sync::Mutex::default(),
        }
    }

    /// Where a key of this name belongs.
    pub(super) fn place(&self, tenant: &TenantName, name: &KeyName) -> KeyPlace {
        KeyPlace {
            tenant: Some(tenant.clone()),
            environment: self.parts.environment.clone(),
            name: name.as_str().to_owned(),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    /// A data key, made where there is none. It may have been open for up to a minute.
    ///
    /// # Errors
    /// See [`KeyFault`].
    pub async fn made(&self, tenant: &TenantName, name: &KeyName) -> Result<DataKey, KeyFault> {
        if let Some(key) = self.cache.key(&self.place(tenant, name)) {
            return Ok(key);
        }
        if let Some(key) = self.found(tenant, name).await? {
            return Ok(key);
        }
        self.create(tenant, name, &self.fresh()?).await?;
        // Of two that race both get the one that was kept.
        self.found(tenant, name)
            .await?
            .ok_or_else(|| KeyBookFault("the data key is gone".to_owned()).into())
    }

    /// A data key, if the book has it now.
    ///
    /// # Errors
    /// See [`KeyFault`].
    pub async fn found(
        &self,
        tenant: &TenantName,
        name: &KeyName,
    ) -> Result<Option<DataKey>, KeyFault> {
        let place = self.place(tenant, name);
        let mut last = None;
        loop {
            let Some(page) = self.parts.book.get(tenant, name).await? else {
                self.cache.forget(&place);
                // An installation of the first form has no page for its own keys until its first turn.
                return Ok(self.heirloom(name));
            };
            if let Some(key) = self.cache.key_of(&place, &page.wrapped) {
                return Ok(Some(key));
            }
            let wrapped = Wrapped::decode(&page.wrapped).ok_or(KeyFault::Form)?;
            match self.parts.provider.unwrap(&place, &wrapped).await {
                Ok(key) => {
                    self.cache.keep(&place, &page.wrapped, &key);
                    return Ok(Some(key));
                }
                // A turn may have wrapped it anew between reading the page and opening it.
                Err(ProviderFault::Gone(_)) if last.as_ref() != Some(&page.wrapped) => {
                    last = Some(page.wrapped);
                }
                Err(fault) => return Err(fault.into()),
            }
        }
    }

    /// Takes over the keys that were derived from the provider's own key, so that they outlive its first epoch.
    pub(super) async fn settle(&self) -> Result<(), KeyFault> {
        for tenant in self.parts.book.tenants().await? {
            for (purpose, name) in HEIRLOOMS {
                let name = KeyName::own(name);
                if let Some(key) = self.parts.provider.heirloom(purpose)
                    && self.parts.book.get(&tenant, &name).await?.is_none()
                {
                    self.create(&tenant, &name, &key).await?;
                }
            }
        }
        for holder in &self.parts.holders {
            holder.settle().await?;
        }
        Ok(())
    }

    async fn create(
        &self,
        tenant: &TenantName,
        name: &KeyName,
        key: &DataKey,
    ) -> Result<(), KeyFault> {
        let _epoch_stays = self.wrapping.read().await;
        let place = self.place(tenant, name);
        let wrapped = self.parts.provider.wrap(&place, key).await?;
        self.parts
            .book
            .create(tenant, name, &wrapped.encode())
            .await?;
        Ok(())
    }

    pub(super) fn fresh(&self) -> Result<DataKey, KeyFault> {
        let mut key = Zeroizing::new([0u8; 32]);
        self.parts
            .entropy
            .fill(key.as_mut_slice())
            .map_err(|_| KeyFault::Entropy)?;
        Ok(key)
    }

    fn heirloom(&self, name: &KeyName) -> Option<DataKey> {
        let (purpose, _) = HEIRLOOMS.iter().find(|(_, own)| *own == name.as_str())?;
        self.parts.provider.heirloom(purpose)
    }
}

/// HKDF-SHA256 (RFC 5869) to exactly 32 bytes.
pub(crate) fn expand(secret: &[u8], salt: &[u8], info: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut out = Zeroizing::new([0u8; 32]);
    let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(secret);
    let filled = prk
        .expand(&[info], hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(out.as_mut_slice()));
    // 32 bytes are one block of HKDF-SHA256, which never fails; were it to, a random key opens and seals nothing
    // that anything else would accept.
    if filled.is_err() {
        let _ = aws_lc_rs::rand::fill(out.as_mut_slice());
    }
    out
}
