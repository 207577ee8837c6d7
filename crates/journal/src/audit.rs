//! The verdict on a whole log, from its files alone: signature, append-only, inclusion, runs, payloads, anchors,
//! schema and semantics, each apart, each naming the first index that is wrong.
//! It reads through `LogFiles` and does no IO of its own; keys are the caller's and never come from what is read.

mod anchors;
mod climb;
mod disclosures;
mod handover;
mod ids;
pub mod kinds;
mod ledger;
mod manifest;
mod older;
mod partial;
mod payloads;
mod report;
mod runs;
pub mod scan;
mod semantics;
mod timestamp;
mod verdict;
mod whole;

pub use manifest::{Part, is_path};
pub use report::{Finding, Report};
pub use verdict::audit;

use crate::checkpoint::Checkpoint;
use crate::note::VerifierKey;
use crate::witness::WitnessPolicy;

/// The administration's run: entries that belong to no run of a workflow are chained under it.
pub const ADMINISTRATION_RUN: &str = "run_00000000000000000000000000";

/// Most bytes of one file of a log that is read.
pub const FILE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The files of a log, by the paths of C2SP tlog-tiles and of the export layout.
///
/// An implementation reads what is there, and decides nothing. It returns at most [`FILE_BYTES_MAX`] bytes for a
/// file and refuses longer ones. It is asked for paths of letters, digits, `.`, `_`, `-` and `/` only, without
/// empty parts, `.` and `..`.
pub trait LogFiles {
    /// The file's bytes; `None` where there is no such file.
    ///
    /// # Errors
    /// Where it cannot be told whether there is one, or it cannot be read whole.
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, ReadFault>;

    /// Paths of all files, in any order; `None` where that cannot be told.
    ///
    /// # Errors
    /// Where listing fails.
    fn list(&self) -> Result<Option<Vec<String>>, ReadFault> {
        Ok(None)
    }
}

/// A file could not be read: the reason as a lower-case fragment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ReadFault(pub String);

/// What the caller trusts and holds the log to.
#[derive(Debug, Clone, Default)]
pub struct Expectations {
    /// Which log it has to be. Without it, the log has to be the one that a trusted key is named for.
    pub origin: Option<String>,
    /// The keys that the caller trusts to sign the log.
    pub keys: Vec<VerifierKey>,
    /// The newest checkpoint that the caller kept from an earlier look.
    pub kept: Option<Checkpoint>,
    /// How many of which witnesses have to have cosigned.
    pub witnesses: Option<WitnessPolicy>,
    /// What kind of export it has to be. Without it, an export is what its manifest says, which nobody signed.
    pub part: Option<Part>,
    /// Whether sealed payloads have to be there; without it, they have to be in an export alone.
    pub payloads: Option<bool>,
    /// Ask only who signed, and whether tree and entries are what was signed: entries are hashed and not read.
    pub tree_only: bool,
}

/// How far the audit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Entries read.
    pub done: u64,
    /// Entries to read.
    pub of: u64,
}
