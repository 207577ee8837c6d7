//! What a store keeps, as values. A store is trusted to give them back, not to have left them alone:
//! entries are verified by hash, payloads by their seal; rows and waits are projections of entries.

use interlock_core::digest::Digest;
use interlock_core::id::{PayloadId, PrincipalId, RunId};
use interlock_core::time::Timestamp;
use interlock_journal::{ChainHead, LeafHash};

/// Where a run's chain ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Place of the last entry, from 0.
    pub seq: u64,
    /// Leaf hash of the last entry.
    pub hash: LeafHash,
}

impl From<Head> for ChainHead {
    fn from(head: Head) -> Self {
        Self {
            count: head.seq.saturating_add(1),
            hash: head.hash,
        }
    }
}

/// An entry to be appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// Its place in the run; its bytes must say the same.
    pub seq: u64,
    /// The canonical bytes of `interlock_journal::Entry`.
    pub bytes: Vec<u8>,
    /// Their leaf hash.
    pub hash: LeafHash,
}

/// An entry as it was stored; a claim until verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    /// Its place in the run.
    pub seq: u64,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The leaf hash stored beside them.
    pub hash: LeafHash,
}

impl StoredEntry {
    /// As the journal's verifier takes it.
    #[must_use]
    pub fn to_verify(&self) -> interlock_journal::StoredEntry<'_> {
        interlock_journal::StoredEntry {
            seq: self.seq,
            bytes: &self.bytes,
            hash: self.hash,
        }
    }
}

/// A run's head and entries, read in one snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chain {
    /// Where the chain ends; `None` if the run does not exist.
    pub head: Option<Head>,
    /// The entries, in the order of their places.
    pub entries: Vec<StoredEntry>,
}

/// Sealed content that entries refer to by id.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedPayload {
    /// Its id, new.
    pub id: PayloadId,
    /// The run that it belongs to.
    pub run: RunId,
    /// Name of its retention class.
    pub class: String,
    /// The sealer's own header: algorithm, key ids, nonce.
    pub header: Vec<u8>,
    /// The ciphertext with its tag.
    pub ciphertext: Vec<u8>,
    /// What the entry's note calls `marks`: where in the content something was found, without the content. May be
    /// empty.
    pub marks: Vec<u8>,
}

/// Sizes only: not even ciphertext belongs in a log.
impl std::fmt::Debug for SealedPayload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealedPayload")
            .field("id", &self.id)
            .field("run", &self.run)
            .field("class", &self.class)
            .field("ciphertext_bytes", &self.ciphertext.len())
            .finish_non_exhaustive()
    }
}

/// Whether a run needs a driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RunStatus {
    /// A driver has something to do.
    Active,
    /// Waits for people, or for `wake_at`.
    Waiting,
    /// Takes no more entries.
    Ended,
}

/// The projection of a run's entries that listings need; rebuildable from them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRow {
    /// The run.
    pub run: RunId,
    /// Name of its workflow.
    pub workflow: String,
    /// Version of its bundle.
    pub bundle: Digest,
    /// Whether it needs a driver.
    pub state: RunStatus,
    /// Small word for how it ended.
    pub outcome: Option<String>,
    /// When a waiting run is to be looked at again.
    pub wake_at: Option<Timestamp>,
    /// When it started.
    pub started: Timestamp,
    /// When its last entry was written.
    pub updated: Timestamp,
    /// Who asked for it.
    pub requester: PrincipalId,
    /// The run that started it.
    pub parent: Option<RunId>,
}

/// What a run waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WaitKind {
    /// People's verdict on one proposal.
    Review,
    /// Something a person must finish or decide.
    Inbox,
}

/// One thing that waits for people; rebuildable from the run's entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitRow {
    /// Its id: `rev_…` or `inb_…`.
    pub id: String,
    /// The run that waits.
    pub run: RunId,
    /// For what.
    pub kind: WaitKind,
    /// Small ASCII word, as `validation_failed`.
    pub detail: String,
    /// Since when.
    pub since: Timestamp,
    /// Until when.
    pub due: Option<Timestamp>,
}

/// One transaction on one run.
#[derive(Debug, Clone)]
pub struct Append {
    /// The run.
    pub run: RunId,
    /// Where the caller believes that the chain ends; `None`: the run must not exist.
    pub expected: Option<Head>,
    /// The caller's fencing epoch, from `claim`; of a new run, the epoch that it starts with. Every entry's
    /// bytes carry the same.
    pub epoch: u64,
    /// At least one entry, following `expected` without a gap.
    pub entries: Vec<NewEntry>,
    /// Payloads that the entries refer to.
    pub payloads: Vec<SealedPayload>,
    /// The run as these entries leave it.
    pub row: RunRow,
    /// All that the run then waits for; replaces what was there.
    pub waits: Vec<WaitRow>,
    /// Idempotency key of the request that starts the run, unique in the tenant, with the request's digest.
    /// Only with `expected: None`.
    pub request_key: Option<(String, Digest)>,
}

/// Which runs to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Only those in this state.
    pub status: Option<RunStatus>,
    /// Only those of this workflow.
    pub workflow: Option<String>,
    /// Only those with a smaller id: the last one of the page before.
    pub before: Option<RunId>,
}

/// A small administrative record, opaque to the store.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// Its key within its kind.
    pub key: String,
    /// Its version: grows with every write; never repeats, not even after deletion.
    pub version: u64,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// Without content: records may hold hashes of secrets.
impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Record")
            .field("key", &self.key)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// How often input was refused at the door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The source or entrance.
    pub source: String,
    /// Where it came from.
    pub address: String,
    /// Small word for why.
    pub fault: String,
    /// How often.
    pub count: u64,
    /// When last.
    pub last: Timestamp,
}

/// What a tenant has in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Runs.
    pub runs: u64,
    /// Entries of all runs.
    pub entries: u64,
    /// Payloads of all runs.
    pub payloads: u64,
}
