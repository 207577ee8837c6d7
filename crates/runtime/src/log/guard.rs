//! The signer's guard: the last tree for which a signature was allowed, kept apart from the store, so that a store
//! that was restored, cut or forked cannot get another one signed. A seam; here is its contract, below it the file.

mod file;

use async_trait::async_trait;
use interlock_core::time::Timestamp;

pub use file::FileGuard;

/// A tree that was signed, or is about to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guarded {
    /// The log's name.
    pub origin: String,
    /// Entries in the tree.
    pub size: u64,
    /// Its root.
    pub root: [u8; 32],
    /// When it was allowed, by the signer's clock.
    pub at: Timestamp,
}

/// Why a guard did not do what was asked. Nothing is signed then.
#[derive(Debug, thiserror::Error)]
pub enum GuardFault {
    /// The guard's place cannot be read or written. Whether an advance was stored is told by reading alone.
    #[error("use the guard: {0}")]
    Io(#[from] std::io::Error),
    /// Another process has it.
    #[error("use the guard: another process has it")]
    Locked,
    /// What is kept is not of the form that was written.
    #[error("read the guard: it is damaged")]
    Damaged,
    /// The guard holds something else than the caller believed. Nothing was changed.
    #[error("advance the guard: it stands elsewhere")]
    Moved,
    /// The new tree is smaller, or has another root at the same size, or is another log's. Nothing was changed.
    #[error("advance the guard: the new tree does not continue the one that was signed")]
    Backwards,
}

/// Where the last signed tree is kept.
///
/// - **Durable when?** When `advance` returns `Ok`. After `Io` it may be stored or not: read it.
/// - **Concurrent?** `advance` is compare-and-swap; two signers cannot both advance from the same tree.
/// - **Who retries?** The caller, after reading.
/// - **What is not-found?** `None`: it was never made, or somebody removed it. The guard does not guess which.
#[async_trait]
pub trait Guard: Send + Sync {
    /// What was last allowed.
    ///
    /// # Errors
    /// It cannot be read, or is damaged.
    async fn last(&self) -> Result<Option<Guarded>, GuardFault>;

    /// Allows one more tree. `expected` is what the caller has read.
    ///
    /// # Errors
    /// See [`GuardFault`]; on any, nothing may be signed.
    async fn advance(&self, expected: Option<&Guarded>, new: &Guarded) -> Result<(), GuardFault>;

    /// Puts the guard where an operator says, whatever it held. For the explicit act that is recorded, and never for
    /// the road of a signature.
    ///
    /// # Errors
    /// It cannot be written.
    async fn adopt(&self, new: &Guarded) -> Result<(), GuardFault>;
}

/// What every guard holds an advance to.
///
/// # Errors
/// `Moved` or `Backwards`.
pub fn continues(
    found: Option<&Guarded>,
    expected: Option<&Guarded>,
    new: &Guarded,
) -> Result<(), GuardFault> {
    if found != expected {
        return Err(GuardFault::Moved);
    }
    let Some(found) = found else {
        return Ok(());
    };
    let same = found.size == new.size && found.root == new.root;
    if found.origin != new.origin || !(same || found.size < new.size) {
        return Err(GuardFault::Backwards);
    }
    Ok(())
}
