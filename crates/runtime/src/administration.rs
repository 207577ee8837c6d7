//! What happens beside the runs and belongs on record: policies adopted, keys rotated, people erased, holds, exports,
//! payloads read. These are entries in a chain of their own with a reserved run id, in the same log and form; the
//! chain never ends, is listed nowhere among the runs and is driven by nobody. The bodies are made by the codec.

use std::collections::BTreeSet;

use interlock_core::digest::Digest;
use interlock_core::id::{
    ApiKeyId, BundleName, ErasureId, HoldId, PayloadId, PrincipalId, RunId, SubjectId,
};
use interlock_core::time::Timestamp;

mod adopt;
mod append;
mod history;
mod kept;
mod office;
mod words;

pub(crate) use adopt::Adoptions;
pub(crate) use append::sealing_run;
pub use history::Administered;
pub use office::{Office, OfficeMissing};
pub use words::{ExportKind, HoldScope, LogOrigin, RotationCause, ShownAs};

/// The reserved run id of the administration chain: 128 zero bits, which no run can have drawn.
pub const ADMINISTRATION_RUN: RunId = RunId::from_bytes([0; 16]);

/// The workflow that the chain's row names.
pub const ADMINISTRATION_WORKFLOW: &str = "administration";

/// Payloads that one entry names as read: with as many, it is within its bound.
pub const READ_MAX: usize = 64;

/// One administrative act. Ids, enums, integers, digests and names of declared things only: a reason in words is a
/// sealed payload beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Administration {
    /// The tenant's log was opened under this name.
    LogOpened {
        /// What its checkpoints name.
        origin: LogOrigin,
        /// Digest of the first verifier key in its printed form.
        key: Digest,
    },
    /// Checkpoints are signed with another key from here on.
    LogKeyRotated {
        /// Digest of the verifier key until now.
        before: Digest,
        /// Digest of the next one.
        after: Digest,
    },
    /// The signer's guard was gone, damaged or old, and was set to what the store says to be published.
    GuardAdopted {
        /// Size of the log's tree.
        size: u64,
        /// Its root.
        root: Digest,
    },
    /// A version of a bundle became the current one.
    BundleDeployed {
        /// The bundle.
        name: BundleName,
        /// Digest of its files.
        version: Digest,
    },
    /// Policies came into force: decisions may cite this version from here on.
    PolicyAdopted {
        /// The bundle that they belong to.
        name: BundleName,
        /// Digest of its files.
        bundle: Digest,
        /// Digest of the policies, the operator's and the bundle's.
        version: Digest,
    },
    /// Kill switch and incident mode were set.
    WorldSet {
        /// Nothing may act.
        halted: bool,
        /// Policies narrow.
        incident: bool,
    },
    /// An API key was made.
    ApiKeyCreated {
        /// The key's public part.
        key: ApiKeyId,
        /// Whose it is.
        principal: PrincipalId,
        /// When it ends.
        expires_at: Option<Timestamp>,
    },
    /// An API key was ended.
    ApiKeyRevoked {
        /// The key's public part.
        key: ApiKeyId,
    },
    /// Data keys are wrapped anew, and the epoch before is destroyed.
    KeyEpochRotated {
        /// The epoch destroyed.
        before: u32,
        /// The epoch from now on.
        after: u32,
        /// How many data keys were wrapped anew.
        keys: u64,
        /// Why.
        cause: RotationCause,
    },
    /// Sealed content is about to be shown to a person.
    PayloadRead {
        /// The run that it is of.
        run: RunId,
        /// Which payloads, at most [`READ_MAX`] of them.
        read: BTreeSet<PayloadId>,
        /// As what.
        shown: ShownAs,
    },
    /// Entries left the store as an export.
    ExportCreated {
        /// Of what.
        kind: ExportKind,
        /// Digest of its manifest.
        manifest: Digest,
        /// First entry's place in the log.
        from: Option<u64>,
        /// Place after the last.
        to: Option<u64>,
        /// The run, of an export of one.
        run: Option<RunId>,
        /// The person, of an export about one.
        subject: Option<SubjectId>,
    },
    /// A person is to be erased: from here on it happens or is taken up again.
    ErasureRequested {
        /// The erasure.
        erasure: ErasureId,
        /// Whom.
        subject: SubjectId,
        /// Keyed digest of the order's reference.
        order: Digest,
        /// Payloads that depend on the person's key.
        affected: u64,
        /// Runs that they belong to.
        runs: u64,
        /// How many of the payloads must be kept for longer, and are erased despite it; none: none of them.
        minimum: Option<u64>,
    },
    /// A person is erased: nothing that depended on their key opens any more.
    ErasureDone {
        /// The erasure.
        erasure: ErasureId,
        /// Whom.
        subject: SubjectId,
        /// Keyed digest of the order's reference.
        order: Digest,
        /// Data keys destroyed.
        keys: u64,
        /// Payloads that were tried and no longer open.
        affected: u64,
        /// How many of them were about other people too, and are gone for these as well.
        shared: u64,
        /// Runs that they belong to.
        runs: u64,
        /// Key epoch destroyed.
        epoch_before: u32,
        /// Key epoch from now on.
        epoch_after: u32,
        /// When the keys were gone.
        destroyed_at: Timestamp,
        /// From when on no backup of the store holds a way to them.
        backups_dead_at: Timestamp,
    },
    /// A legal hold: what it covers is neither erased nor expires.
    HoldPlaced {
        /// The hold.
        hold: HoldId,
        /// What it covers.
        scope: HoldScope,
    },
    /// A legal hold ended.
    HoldReleased {
        /// The hold.
        hold: HoldId,
    },
    /// The payloads of a retention class and month are past its maximum, and their key is destroyed.
    RetentionExpired {
        /// The class.
        class: String,
        /// The month, as `2026-11`.
        month: String,
        /// Data keys destroyed.
        keys: u64,
        /// Key epoch destroyed.
        epoch_before: u32,
        /// Key epoch from now on.
        epoch_after: u32,
        /// When the key was gone.
        destroyed_at: Timestamp,
    },
    /// Entries below this place were removed from the store.
    LogPruned {
        /// The lowest place that is kept.
        minimum: u64,
    },
    /// An anchor of the log is older than it may be.
    AnchorOverdue {
        /// The anchor, as configured.
        anchor: String,
        /// Size of the log when it was anchored last.
        size: u64,
        /// How long ago.
        age_seconds: u64,
    },
    /// An overdue anchor holds again.
    AnchorRecovered {
        /// The anchor, as configured.
        anchor: String,
        /// Size of the log that it holds.
        size: u64,
    },
}
