//! How a store fails, as values. The text names the operation and the kind of fault, never what was to be
//! stored. What could not be decided is said to be unknown; nothing here guesses.

use interlock_core::digest::Digest;
use interlock_core::id::RunId;

use crate::rows::Head;

/// The store could not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreFault {
    /// Nothing was stored; the same call may be tried again later.
    #[error("{operation}: store is unavailable: {cause}")]
    Unavailable {
        /// What was asked.
        operation: &'static str,
        /// The kind of fault, without content.
        cause: String,
    },
    /// A commit failed in a way that does not tell whether it happened. Read again before anything else.
    #[error("{operation}: it is unknown whether the commit happened")]
    Unknown {
        /// What was asked.
        operation: &'static str,
    },
    /// Something stored is not of the form that was stored: the file was damaged or edited.
    #[error("{operation}: stored {what} is damaged")]
    Damaged {
        /// What was asked.
        operation: &'static str,
        /// What cannot be read back.
        what: &'static str,
    },
    /// The store was opened for reading alone.
    #[error("{operation}: store is open for reading only")]
    ReadOnly {
        /// What was asked.
        operation: &'static str,
    },
    /// The retention period of these entries is over and they were taken away. Nothing is damaged.
    #[error("{operation}: {entries} entries of this run were pruned")]
    Pruned {
        /// What was asked.
        operation: &'static str,
        /// How many, from the run's first on.
        entries: u64,
    },
    /// A bug of the caller or a value over its bound.
    #[error("{operation}: {what} is over its bound or out of form")]
    Refused {
        /// What was asked.
        operation: &'static str,
        /// Which value.
        what: &'static str,
    },
}

/// Why an append was not made, or not known to be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendFault {
    /// The chain ends elsewhere than the caller believed. Nothing was stored.
    #[error("append: run ends elsewhere than expected")]
    Conflict {
        /// Where it ends; `None`: the run does not exist.
        found: Option<Head>,
    },
    /// Another driver has claimed the run since. Nothing was stored; the caller must stop driving it.
    #[error("append: run was claimed by another driver, epoch {epoch}")]
    Fenced {
        /// The run's epoch.
        epoch: u64,
    },
    /// The idempotency key was used before. Nothing was stored.
    #[error("append: idempotency key belongs to run {run}")]
    DuplicateRequest {
        /// The run that it started.
        run: RunId,
        /// Digest of the request that it came with.
        digest: Digest,
    },
    /// The append would break the chain, or contradicts itself. A bug of the caller; nothing was stored.
    #[error("append: entry {seq} would break the chain: {what}")]
    Broken {
        /// Place of the entry.
        seq: u64,
        /// What does not fit.
        what: &'static str,
    },
    /// A value is over its bound. Nothing was stored.
    #[error("append: {what} over the bound of {max}")]
    TooLarge {
        /// Which value.
        what: &'static str,
        /// The bound.
        max: u64,
    },
    /// It is unknown whether the commit happened: read the head before anything else.
    #[error("append: it is unknown whether the commit happened")]
    Unknown,
    /// Nothing was stored.
    #[error(transparent)]
    Unavailable(StoreFault),
}

impl From<StoreFault> for AppendFault {
    fn from(fault: StoreFault) -> Self {
        match fault {
            StoreFault::Unknown { .. } => Self::Unknown,
            other => Self::Unavailable(other),
        }
    }
}

/// Why a record was not written or deleted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordFault {
    /// The record has another version than expected. Nothing was changed.
    #[error("record has another version than expected")]
    Conflict {
        /// Its version; `None`: there is no such record.
        found: Option<u64>,
    },
    /// The kind has as many records as it may. Nothing was changed.
    #[error("there are {max} records of this kind, as many as there may be")]
    Full {
        /// The bound.
        max: u64,
    },
    /// Anything else.
    #[error(transparent)]
    Store(#[from] StoreFault),
}

/// Why a tree was not published, or not known to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishFault {
    /// Another size is published than expected. Nothing was stored.
    #[error("publish: another size is published than expected")]
    Conflict {
        /// The size; `None`: nothing was published.
        found: Option<u64>,
    },
    /// The publication contradicts itself or what is published: the size does not grow, the root of the same size
    /// differs, a tile is no continuation of the one that is there. Nothing was stored.
    #[error("publish: {what}")]
    Broken {
        /// What does not fit.
        what: &'static str,
    },
    /// Anything else.
    #[error(transparent)]
    Store(#[from] StoreFault),
}
