//! Verification of one run's chain: it names the first entry that is wrong, and how. It needs the stored
//! bytes, the stored hashes and the head; it asks no store and trusts none.
//! What it cannot see: someone who rewrites bytes, hashes and head together. Signed checkpoints are for that.

#[cfg(test)]
mod tests;

use std::fmt;

use crate::chain::{ChainHead, ChainName, StoredEntry};
use crate::entry::{Entry, EntryError, RUN_ENDED};
use crate::hash::{LeafHash, leaf_hash};

/// What is wrong with an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Bytes and stored hash do not belong together: one of them was changed.
    #[error("was edited: its bytes do not have the stored hash")]
    Edited,
    /// The bytes were never a valid entry.
    #[error("is malformed: {0}")]
    Malformed(#[from] EntryError),
    /// It belongs to another tenant.
    #[error("belongs to another tenant")]
    OtherTenant,
    /// It belongs to another environment.
    #[error("belongs to another environment")]
    OtherEnvironment,
    /// It belongs to another run.
    #[error("belongs to another run")]
    OtherRun,
    /// Entries are missing from here up to the one named.
    #[error("is missing: the next entry stored is {next}")]
    Gap {
        /// The next entry that is there.
        next: u64,
    },
    /// The place is taken twice.
    #[error("is stored twice")]
    Duplicate,
    /// Another entry of the run stands in this place.
    #[error("was moved: it says that it is entry {says}")]
    Moved {
        /// The place that the bytes name.
        says: u64,
    },
    /// The entry does not follow the one before it: either of the two was replaced, hash and all.
    #[error("does not follow the entry before it: `prev` is another hash")]
    Prev,
    /// The writer's epoch is lower than one before it: a fenced writer wrote.
    #[error("has epoch {epoch}, lower than an entry before it")]
    Epoch {
        /// The entry's epoch.
        epoch: u64,
    },
    /// The run had ended.
    #[error("stands after the end of the run")]
    AfterEnd,
    /// The head says that the run goes on.
    #[error("is missing: the head says that the run has {count} entries")]
    MissingTail {
        /// Entries by the head.
        count: u64,
    },
    /// The head says that the run stops before.
    #[error("is one too many: the head says that the run has {count} entries")]
    ExtraTail {
        /// Entries by the head; 0 where there is no head.
        count: u64,
    },
    /// The last entry is not the one that the head names.
    #[error("is not the entry that the head names")]
    Head,
}

/// What verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every entry is as it was written, none is missing.
    Whole {
        /// How many there are.
        entries: u64,
        /// Whether the last is the run's end.
        ended: bool,
    },
    /// The first entry that is wrong.
    Broken {
        /// Its place in the run.
        seq: u64,
        /// How it is wrong.
        fault: Fault,
    },
}

impl Verdict {
    /// Whether nothing is wrong.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        matches!(self, Self::Whole { .. })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole {
                entries,
                ended: true,
            } => write!(f, "{entries} entries verified, ended"),
            Self::Whole {
                entries,
                ended: false,
            } => write!(f, "{entries} entries verified, not ended"),
            Self::Broken { seq, fault } => write!(f, "entry {seq} {fault}"),
        }
    }
}

/// Verifies a chain whose entries come in the order of their stored places.
pub fn verify_chain<'a>(
    name: &ChainName,
    entries: impl IntoIterator<Item = StoredEntry<'a>>,
    head: Option<ChainHead>,
) -> Verdict {
    let mut verifier = ChainVerifier::new(name.clone(), head);
    for entry in entries {
        if let Err((seq, fault)) = verifier.push(entry) {
            return Verdict::Broken { seq, fault };
        }
    }
    verifier.finish()
}

/// The same, an entry at a time, for chains that are streamed.
#[derive(Debug, Clone)]
pub struct ChainVerifier {
    name: ChainName,
    head: Option<ChainHead>,
    next: u64,
    prev: LeafHash,
    epoch: u64,
    ended: bool,
}

impl ChainVerifier {
    /// A verifier at the start of a chain; `head` is `None` where the store has none for the run.
    #[must_use]
    pub const fn new(name: ChainName, head: Option<ChainHead>) -> Self {
        Self {
            name,
            head,
            next: 0,
            prev: LeafHash::ZERO,
            epoch: 0,
            ended: false,
        }
    }

    /// Checks the next stored entry.
    ///
    /// # Errors
    /// The place and fault of the first wrong entry; the verifier is of no further use then.
    pub fn push(&mut self, stored: StoredEntry<'_>) -> Result<(), (u64, Fault)> {
        let here = self.next;
        if stored.seq > here {
            return Err((here, Fault::Gap { next: stored.seq }));
        }
        if stored.seq < here {
            return Err((stored.seq, Fault::Duplicate));
        }
        self.check(&stored).map_err(|fault| (here, fault))
    }

    fn check(&mut self, stored: &StoredEntry<'_>) -> Result<(), Fault> {
        if leaf_hash(stored.bytes) != stored.hash {
            return Err(Fault::Edited);
        }
        let entry = Entry::parse(stored.bytes)?;
        for (holds, fault) in [
            (entry.tenant() == self.name.tenant, Fault::OtherTenant),
            (
                entry.environment() == self.name.environment,
                Fault::OtherEnvironment,
            ),
            (entry.run() == self.name.run, Fault::OtherRun),
            (
                entry.seq() == stored.seq,
                Fault::Moved { says: entry.seq() },
            ),
            (entry.prev() == self.prev, Fault::Prev),
            (
                entry.epoch() >= self.epoch,
                Fault::Epoch {
                    epoch: entry.epoch(),
                },
            ),
            (!self.ended, Fault::AfterEnd),
        ] {
            if !holds {
                return Err(fault);
            }
        }
        let count = self.head.map_or(0, |head| head.count);
        if self.next >= count {
            return Err(Fault::ExtraTail { count });
        }
        self.next += 1;
        self.prev = stored.hash;
        self.epoch = entry.epoch();
        self.ended = entry.event() == RUN_ENDED;
        Ok(())
    }

    /// Checks what was seen against the head.
    #[must_use]
    pub fn finish(self) -> Verdict {
        let Some(head) = self.head else {
            return Verdict::Whole {
                entries: 0,
                ended: false,
            };
        };
        if self.next < head.count {
            return Verdict::Broken {
                seq: self.next,
                fault: Fault::MissingTail { count: head.count },
            };
        }
        if self.prev != head.hash || self.next == 0 {
            return Verdict::Broken {
                seq: self.next.saturating_sub(1),
                fault: Fault::Head,
            };
        }
        Verdict::Whole {
            entries: self.next,
            ended: self.ended,
        }
    }
}
