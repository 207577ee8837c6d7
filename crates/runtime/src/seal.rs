//! Content is sealed before it is stored and opened only for a decision, an effect or a person who may see it. The seam
//! is [`Sealer`]; the keys that it uses are made and wrapped in `keys`. Each payload has a key of its own, bound to its
//! place, destroyed with any of the keys that it is derived from.

use std::collections::BTreeSet;

use async_trait::async_trait;
use interlock_core::id::{EnvironmentName, PayloadId, RunId, SubjectId, TenantName};
use interlock_core::time::Timestamp;
use zeroize::Zeroizing;

use crate::keys::KeyFault;

mod book;
mod header;
mod padding;
mod payload;
mod shelf;
#[cfg(test)]
mod tests;

pub use book::{KeyBook, KeyBookFault, KeyName, KeyPage};
pub use payload::{PayloadSealer, ciphertext_digest, committed_bytes, key_names};
pub use shelf::{MemoryKeyBook, StoreKeyBook};

/// Where a payload belongs. A ciphertext moved elsewhere does not open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The tenant.
    pub tenant: TenantName,
    /// The environment.
    pub environment: EnvironmentName,
    /// The run.
    pub run: RunId,
    /// The payload.
    pub payload: PayloadId,
    /// What it is used as.
    pub slot: String,
}

/// Which keys a payload depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Its retention class.
    pub class: String,
    /// When it is made: the period's key follows from the month.
    pub at: Timestamp,
    /// The people that it is about; where there are none, the run's key stands in.
    pub subjects: BTreeSet<SubjectId>,
}

/// A sealed payload.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Key names, key commitment, nonce: what is needed to open it besides the keys.
    pub header: Vec<u8>,
    /// AES-256-GCM over the padded content, tag last.
    pub ciphertext: Vec<u8>,
    /// SHA-256 over nonce and ciphertext: checked without any key.
    pub ciphertext_digest: [u8; 32],
    /// HMAC-SHA256 over slot and content under a key that dies with the payload's.
    pub commitment: [u8; 32],
    /// Bytes after padding: the content's length is not told.
    pub padded_bytes: u64,
}

/// What is opened, with what its entry committed to.
#[derive(Clone, Copy)]
pub struct SealedRef<'a> {
    /// See [`Sealed::header`].
    pub header: &'a [u8],
    /// See [`Sealed::ciphertext`].
    pub ciphertext: &'a [u8],
    /// From the entry, not from the store's row.
    pub commitment: &'a [u8; 32],
}

/// By what the keys of a payload's marks are found.
#[derive(Clone, Copy)]
pub enum MarkedBy<'a> {
    /// Before it is sealed: keys that are not there yet are made.
    Terms(&'a Terms),
    /// Afterwards, by its header: a key that is not there is gone.
    Header(&'a [u8]),
}

/// The keys of a payload's marks (`docs/keep.md`). No `Debug`: these are keys.
pub struct MarkKeys {
    /// Seals the marks: derived from all that the payload depends on, so that it dies with any of them.
    pub seal: Zeroizing<[u8; 32]>,
    /// Make tokens: one for each person that the payload is about, or where there is none, of its run and its period.
    pub links: Vec<Zeroizing<[u8; 32]>>,
}

/// Why nothing was sealed or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealFault {
    /// A key that it depends on was destroyed.
    #[error("open {0}: a key that it depends on is gone")]
    Gone(PayloadId),
    /// It is not what its entry committed to, not in its place, or was changed.
    #[error("open {0}: it is not what was sealed in this place")]
    Mismatch(PayloadId),
    /// A data key cannot be had now.
    #[error("reach the data keys of {0}: {1}")]
    Keys(PayloadId, KeyFault),
    /// The key of small records cannot be had.
    #[error("reach the key of {0} records: {1}")]
    Record(&'static str, KeyFault),
    /// No randomness.
    #[error("seal: the system gives no randomness")]
    Entropy,
    /// The content is too large, or a header has another form.
    #[error("seal {0}: over its bound")]
    Bound(PayloadId),
    /// A small record does not open under its key.
    #[error("open a {0} record: it was not sealed by this key, or was changed")]
    Small(&'static str),
}

/// Seals and opens payloads.
///
/// Concurrent calls are allowed. A destroyed key is [`SealFault::Gone`] from the moment when its page is deleted, in
/// every process; content sealed elsewhere in the same minute may be sealed under it, and is then gone too. `Keys`
/// and `Record` may be tried again; nothing else may.
#[async_trait]
pub trait Sealer: Send + Sync {
    /// Seals content for its place.
    ///
    /// # Errors
    /// See [`SealFault`].
    async fn seal(
        &self,
        place: &Place,
        terms: &Terms,
        plaintext: &[u8],
    ) -> Result<Sealed, SealFault>;

    /// Opens it again, and proves that it is what the entry committed to.
    ///
    /// # Errors
    /// See [`SealFault`].
    async fn open(
        &self,
        place: &Place,
        sealed: &SealedRef<'_>,
    ) -> Result<Zeroizing<Vec<u8>>, SealFault>;

    /// The key of a payload's commitment: with it and the content anybody can make the commitment again. It opens
    /// nothing.
    ///
    /// # Errors
    /// See [`SealFault`].
    async fn commitment_key(
        &self,
        place: &Place,
        header: &[u8],
    ) -> Result<Zeroizing<[u8; 32]>, SealFault>;

    /// The keys of a payload's marks.
    ///
    /// # Errors
    /// See [`SealFault`]; [`SealFault::Gone`] where any key that the payload depends on was destroyed.
    async fn mark_keys(&self, place: &Place, of: MarkedBy<'_>) -> Result<MarkKeys, SealFault>;
}
