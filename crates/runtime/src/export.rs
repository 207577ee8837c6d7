//! What an auditor takes away: the whole log, a range, a run, or what is about one person, as files that verify without
//! us (docs/journal-format.md, section 12). It leaves only after an entry says so. Keys never leave: content stays
//! sealed unless its disclosure is asked for payload by payload.

use interlock_core::digest::Digest;
use interlock_core::id::{PayloadId, PrincipalId, RunId, SubjectId};
use interlock_core::pipeline::identity::Principal;

use crate::engine::Fault;

mod attach;
mod disclose;
mod leave;
mod pack;
mod page;
pub(crate) mod receipts;
mod select;

pub use pack::{FolderPack, Pack, TarPack};

/// Entries of one export that is not the whole log: each carries its own receipt.
pub const SELECTED_ENTRIES_MAX: usize = 200_000;
/// Roles whose holders may take entries out of the store.
const EXPORTERS: [&str; 4] = ["admin", "auditor", "dpo", "investigator"];

/// What is exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportOf {
    /// Everything that was published.
    Log,
    /// Entries of these indices, the second not among them.
    Range(u64, u64),
    /// A run, and what administration says around it.
    Run(RunId),
    /// Every run that holds something about a person, and what administration says of that person.
    Subject(SubjectId),
}

/// What goes with it.
#[derive(Debug, Clone, Default)]
pub struct ExportWith {
    /// Ciphertexts of the payloads that its entries name.
    pub payloads: bool,
    /// Payloads to be opened for the receiver, each with the key of its commitment.
    pub disclose: Vec<PayloadId>,
    /// C2SP files alone: no manifest, nothing beside the log.
    pub bare: bool,
}

/// What left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The log's name.
    pub origin: String,
    /// Entries of the log as of the export's checkpoint.
    pub size: u64,
    /// Entries in the export.
    pub entries: u64,
    /// Its files.
    pub files: u64,
    /// SHA-256 of its manifest; of the checkpoint, where it has none.
    pub manifest: Digest,
}

/// Why nothing left.
#[derive(Debug, thiserror::Error)]
pub enum ExportFault {
    /// None of the person's roles lets them.
    #[error("export from the log: none of the roles held may export")]
    Role,
    /// Nothing is published yet.
    #[error("export from the log: nothing was published yet")]
    Unpublished,
    /// There is nothing of that kind, or it was pruned.
    #[error("export from the log: {0}")]
    Nothing(&'static str),
    /// More entries than one export holds.
    #[error(
        "export from the log: more than {SELECTED_ENTRIES_MAX} entries: export a range or the whole log"
    )]
    TooMany,
    /// The place that it is written to.
    #[error("write the export: {0}")]
    Io(#[from] std::io::Error),
    /// The store's or the keys'.
    #[error(transparent)]
    Engine(#[from] Fault),
}

impl From<interlock_store::StoreFault> for ExportFault {
    fn from(fault: interlock_store::StoreFault) -> Self {
        Self::Engine(fault.into())
    }
}

/// Whether a person may take entries out of the store. Closed to whoever is not named.
#[must_use]
pub fn may_export(principal: &Principal) -> bool {
    principal
        .roles()
        .iter()
        .any(|role| EXPORTERS.contains(&role.as_str()))
}

/// Who exports, and why; both go on record.
#[derive(Debug, Clone, Copy)]
pub struct ExportedBy<'a> {
    /// The person.
    pub principal: &'a Principal,
    /// Why.
    pub reason: &'a str,
}

impl ExportedBy<'_> {
    fn id(&self) -> PrincipalId {
        self.principal.id()
    }
}
