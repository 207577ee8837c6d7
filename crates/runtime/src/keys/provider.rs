//! The seam to whoever keeps the key-encryption key: a local file, OpenBao or Vault, AWS KMS. A provider wraps data
//! keys under numbered epochs and can destroy an epoch, so that what was wrapped under it is dead wherever a copy lies.

use async_trait::async_trait;
use interlock_core::time::Timestamp;

use super::place::{DataKey, KeyPlace, Wrapped};

/// Which kind of provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderKind {
    /// A file on this machine.
    File,
    /// The transit engine of OpenBao or Vault.
    Transit,
    /// AWS KMS.
    Kms,
}

impl ProviderKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::File, Self::Transit, Self::Kms];

    /// As it is written in configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Transit => "transit",
            Self::Kms => "kms",
        }
    }

    pub(super) const fn tag(self) -> u8 {
        match self {
            Self::File => 1,
            Self::Transit => 2,
            Self::Kms => 3,
        }
    }

    pub(super) fn of(tag: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.tag() == tag)
    }
}

/// How an epoch stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EpochState {
    /// It opens what was wrapped under it.
    Alive,
    /// It opens nothing any more, and could be brought back until this time by whoever administers the provider.
    Ending {
        /// From then on nobody can bring it back.
        dead_at: Timestamp,
    },
}

/// One epoch of the key-encryption key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Epoch {
    /// Its number, from 1.
    pub number: u32,
    /// When it was made, as far as that is known.
    pub made_at: Option<Timestamp>,
    /// How it stands.
    pub state: EpochState,
}

/// Why a provider did not do what was asked. The texts hold no key, token or address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderFault {
    /// It cannot be reached now. Whether it did what was asked is not known.
    #[error("reach the key provider: {0}")]
    Unavailable(String),
    /// It was reached and may not or cannot serve as configured.
    #[error("use the key provider: {0}")]
    Configuration(String),
    /// What was wrapped does not open: it belongs elsewhere, was changed, or another key wrapped it.
    #[error("open a data key: it was not wrapped by this key for this place, or was changed")]
    Refused,
    /// The epoch that it was wrapped under was destroyed.
    #[error(
        "open a data key: its epoch {0} was destroyed\nhint: this is how erased content and old backups look; a store that was restored from a backup older than the last rotation cannot be used"
    )]
    Gone(u32),
    /// No randomness.
    #[error("wrap a data key: the system gives no randomness")]
    Entropy,
}

/// Keeps the key-encryption key.
///
/// - **Durable when?** `new_epoch` and `destroy_before` are durable when they return. After an error they may have
///   happened; both are asked again with the same arguments, and then do only what is left.
/// - **Concurrent?** Every method may be called from many tasks at once, but one turn of epochs is made at a time.
/// - **Who retries?** The caller, after `Unavailable` alone.
/// - **What is not-found?** An epoch that was destroyed is [`ProviderFault::Gone`].
#[async_trait]
pub trait KeyProvider: Send + Sync {
    /// Which kind.
    fn kind(&self) -> ProviderKind;

    /// Where the key lies, for people; no secret is in it.
    fn address(&self) -> String;

    /// Wraps a data key under the newest epoch, bound to its place.
    ///
    /// # Errors
    /// See [`ProviderFault`].
    async fn wrap(&self, place: &KeyPlace, key: &DataKey) -> Result<Wrapped, ProviderFault>;

    /// Opens it again.
    ///
    /// # Errors
    /// See [`ProviderFault`].
    async fn unwrap(&self, place: &KeyPlace, wrapped: &Wrapped) -> Result<DataKey, ProviderFault>;

    /// Wraps keys anew under the newest epoch, in their order; at most [`REWRAP_KEYS_MAX`].
    ///
    /// # Errors
    /// See [`ProviderFault`]; of the first that fails.
    async fn rewrap(&self, keys: &[(KeyPlace, Wrapped)]) -> Result<Vec<Wrapped>, ProviderFault> {
        let mut anew = Vec::with_capacity(keys.len());
        for (place, wrapped) in keys {
            let key = self.unwrap(place, wrapped).await?;
            anew.push(self.wrap(place, &key).await?);
        }
        Ok(anew)
    }

    /// Every epoch that is alive or ending, rising; the last one alive is the newest.
    ///
    /// # Errors
    /// See [`ProviderFault`].
    async fn epochs(&self) -> Result<Vec<Epoch>, ProviderFault>;

    /// Makes the epoch after `before`, unless there is a newer one already; returns the newest.
    ///
    /// # Errors
    /// See [`ProviderFault`].
    async fn new_epoch(&self, before: u32, now: Timestamp) -> Result<u32, ProviderFault>;

    /// Destroys every epoch below this one. Returns from when on nobody can bring them back, where that is not at once.
    ///
    /// # Errors
    /// See [`ProviderFault`]; the newest epoch is never destroyed.
    async fn destroy_before(&self, epoch: u32) -> Result<Option<Timestamp>, ProviderFault>;

    /// Destroys the key altogether, after everything was wrapped by another provider.
    ///
    /// # Errors
    /// See [`ProviderFault`].
    async fn retire(&self) -> Result<Option<Timestamp>, ProviderFault>;

    /// Whether keys are moving over from a former provider.
    fn succeeds(&self) -> bool {
        false
    }

    /// The key that was derived for a purpose in an installation made before that purpose had a data key of its own.
    fn heirloom(&self, _purpose: &str) -> Option<DataKey> {
        None
    }
}

/// Keys of one call of [`KeyProvider::rewrap`].
pub const REWRAP_KEYS_MAX: usize = 128;

/// The newest epoch that is alive.
#[must_use]
pub(super) fn newest(epochs: &[Epoch]) -> Option<u32> {
    epochs
        .iter()
        .rev()
        .find(|epoch| epoch.state == EpochState::Alive)
        .map(|epoch| epoch.number)
}
