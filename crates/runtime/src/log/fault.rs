//! Why nothing was published. A refusal stands until people have acted; everything else is tried again.

use interlock_journal::note::NoteFault;
use interlock_store::StoreFault;

use super::{GuardFault, Refusal, SignerFault};

/// See the module's text.
#[derive(Debug, thiserror::Error)]
pub enum PublishFault {
    /// What was found forbids another signature.
    #[error("{0}\nhint: {hint}", hint = .0.hint())]
    Refused(#[from] Refusal),
    /// The guard's.
    #[error(transparent)]
    Guard(#[from] GuardFault),
    /// The key's.
    #[error(transparent)]
    Signer(#[from] SignerFault),
    /// The store's.
    #[error("reach the store: {0}")]
    Store(#[from] StoreFault),
    /// Somebody else publishes this log.
    #[error("publish the log: somebody else publishes it too")]
    Elsewhere,
    /// The administration chain could not be written or read.
    #[error("record what was done to the log: {0}")]
    Record(String),
    /// Ours.
    #[error("{0}: this is a bug")]
    Bug(String),
}

impl From<NoteFault> for PublishFault {
    fn from(fault: NoteFault) -> Self {
        Self::Bug(fault.to_string())
    }
}

impl PublishFault {
    /// The refusal, where it is one.
    #[must_use]
    pub const fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::Guard(_)
            | Self::Signer(_)
            | Self::Store(_)
            | Self::Elsewhere
            | Self::Record(_)
            | Self::Bug(_) => None,
        }
    }
}
