//! Erasing people: destroying the key that all content about a person depends on, proving that none of it opens any
//! more, and saying so in the log. Legal holds, which beat erasure and expiry, are here too. Entries are never changed:
//! what is erased is content, and the pseudonym's name.

use interlock_core::id::{ErasureId, HoldId, PayloadId, RoleName, RunId, SubjectId};
use interlock_core::pipeline::identity::{Principal, PrincipalKind};

use crate::engine::{Engine, Fault};

mod certificate;
mod conduct;
mod fate;
mod gone;
mod hold;
mod ledger;
mod person;
mod plan;
mod survey;

pub use certificate::{Certificate, Placed};
pub use conduct::{EraseRequest, Preview, Stage};
pub use fate::Fate;
pub(crate) use gone::GoneKeys;
pub use hold::Hold;
pub use ledger::{Erasure, Ledger};
pub use survey::Required;
pub(crate) use survey::{Concern, covers};

/// Who may erase, hold, expire and prune.
pub const OFFICER: &str = "dpo";
/// Who may read what was erased, held and expired.
pub const AUDITOR: &str = "auditor";
/// Bytes of the reference of an order.
pub const ORDER_BYTES_MAX: usize = 256;

/// Whom to erase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// By name, as inputs name them.
    Named(String),
    /// By pseudonym.
    Known(SubjectId),
}

/// Why nobody was erased, nothing held, expired or pruned.
#[derive(Debug, thiserror::Error)]
pub enum ErasureFault {
    /// The caller may not.
    #[error("act on people's data: it takes the role `{0}`")]
    Role(&'static str),
    /// Nothing is known of such a person.
    #[error("find the person: nobody is known by that name or pseudonym")]
    Unknown,
    /// A legal hold covers it.
    #[error("erase: {} under legal hold {}", if .0.len() == 1 { "it is" } else { "parts of it are" }, holds(.0))]
    Held(Vec<HoldId>),
    /// There is no such hold, or it was released.
    #[error("release the hold: there is none of that id")]
    NoHold,
    /// The person is being erased already, on another order.
    #[error("erase: it was begun on another order, as {0}")]
    OtherOrder(ErasureId),
    /// The proof failed: the erasure is not done.
    #[error("prove the erasure: {payload} of {run} still opens")]
    StillOpens {
        /// The run.
        run: RunId,
        /// The payload.
        payload: PayloadId,
    },
    /// The proof failed: the key is there.
    #[error("prove the erasure: the key is still there")]
    KeyThere,
    /// What the caller asks for is against the policy of retention.
    #[error("keep to the retention policy: {0}")]
    Policy(String),
    /// A value of the caller is out of bounds.
    #[error("read the request: {0}")]
    Request(&'static str),
    /// Everything else.
    #[error(transparent)]
    Engine(#[from] Fault),
}

impl From<interlock_store::StoreFault> for ErasureFault {
    fn from(fault: interlock_store::StoreFault) -> Self {
        Self::Engine(fault.into())
    }
}

fn holds(holds: &[HoldId]) -> String {
    let names: Vec<String> = holds.iter().take(8).map(ToString::to_string).collect();
    names.join(", ")
}

/// A person with the role; services hold no office.
pub(crate) fn officer(by: &Principal) -> Result<(), ErasureFault> {
    let office = by.kind() == PrincipalKind::Person && has(by, OFFICER);
    office.then_some(()).ok_or(ErasureFault::Role(OFFICER))
}

/// Whoever may read the records of erasure and retention.
pub(crate) fn reader(by: &Principal) -> Result<(), ErasureFault> {
    let may = has(by, AUDITOR) || has(by, OFFICER);
    may.then_some(()).ok_or(ErasureFault::Role(AUDITOR))
}

fn has(by: &Principal, role: &str) -> bool {
    by.roles()
        .iter()
        .any(|held: &RoleName| held.as_str() == role)
}

impl Engine {
    /// What the log says of erasures, holds and expiry.
    ///
    /// # Errors
    /// The administration chain does not verify, or the store cannot be read.
    pub async fn ledger(&self) -> Result<Ledger, Fault> {
        Ok(Ledger::of(&self.administered().await?))
    }
}
