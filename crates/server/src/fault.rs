//! What the engine, the store and identity say no with → the problem that a caller is told. Each match is total: a new
//! fault needs a code before it compiles. Details that are not the caller's go to the trace.

use interlock_core::run::Refusal;
use interlock_runtime::erasure::ErasureFault;
use interlock_runtime::export::ExportFault;
use interlock_runtime::reveal::RevealFault;
use interlock_runtime::seal::SealFault;
use interlock_runtime::{Fault, Unidentified};
use interlock_store::StoreFault;

use crate::problem::{Code, Problem};

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        let code = match &fault {
            Fault::Refused(refusal) => return refusal.clone().into(),
            Fault::NotFound(_) => Code::NotFound,
            // A duplicate is answered by the engine itself; one that comes here was of another request.
            Fault::KeyReused | Fault::Duplicate { .. } => Code::KeyReused,
            Fault::Unstartable(_) => Code::Unstartable,
            Fault::Elsewhere => Code::Moved,
            Fault::Store(store) => of_store(store),
            Fault::Unknown => Code::OutcomeUnknown,
            Fault::Damaged { .. } => Code::LogDamaged,
            Fault::Seal(seal) => of_seal(seal),
            Fault::Turn(_) => Code::KeysUnavailable,
            Fault::Pinned(_) => Code::BundleUnavailable,
            Fault::LogRefused(_) => Code::LogRefused,
            Fault::Erased(_) => Code::Erased,
            Fault::Office(_) => Code::OfficeMissing,
            Fault::Entropy | Fault::Bug(_) => Code::Internal,
        };
        told(code, &fault)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let code = match &refusal {
            Refusal::NotNow { .. } => Code::NotNow,
            Refusal::NotCurrent(_) => Code::NotCurrent,
            Refusal::OtherDigest => Code::OtherDigest,
            Refusal::ReasonMissing => Code::ReasonMissing,
            Refusal::ReasonTooLong(_) => Code::ReasonTooLong,
            Refusal::VotedAlready => Code::VotedAlready,
            Refusal::RoleMissing => Code::RoleMissing,
            Refusal::OwnRequest => Code::OwnRequest,
            Refusal::Settlement(why) => {
                return Self::new(Code::SettlementRefused).with("detail", *why);
            }
            Refusal::ValueInvalid(violations) => {
                return Self::new(Code::ValueInvalid).violations(violations);
            }
            Refusal::TooLong(_) => Code::RunFull,
            Refusal::NotOpened | Refusal::Bug(_) => Code::Internal,
        };
        told(code, &refusal)
    }
}

impl From<Unidentified> for Problem {
    fn from(fault: Unidentified) -> Self {
        match fault {
            // One answer for all of them: who guesses is not told how close they are.
            Unidentified::Unknown | Unidentified::Denied(_) => Self::new(Code::Unauthenticated),
            Unidentified::Fault(fault) => fault.into(),
        }
    }
}

impl From<ErasureFault> for Problem {
    fn from(fault: ErasureFault) -> Self {
        let code = match &fault {
            ErasureFault::Engine(_) => Code::Internal,
            ErasureFault::Role(_) => Code::OfficeMissing,
            ErasureFault::Unknown | ErasureFault::NoHold => Code::NotFound,
            ErasureFault::Held(_) => Code::Held,
            ErasureFault::OtherOrder(_) => Code::OtherOrder,
            ErasureFault::StillOpens { .. } | ErasureFault::KeyThere => Code::ErasureUnproven,
            ErasureFault::Policy(_) => Code::MustBeKept,
            ErasureFault::Request(_) => Code::InvalidRequest,
        };
        match fault {
            ErasureFault::Engine(fault) => fault.into(),
            ErasureFault::Held(holds) => {
                let holds: Vec<String> = holds.iter().map(ToString::to_string).collect();
                Self::new(code).with("holds", holds)
            }
            ErasureFault::OtherOrder(erasure) => {
                Self::new(code).with("erasure", erasure.to_string())
            }
            fault => told(code, &fault),
        }
    }
}

impl From<RevealFault> for Problem {
    fn from(fault: RevealFault) -> Self {
        let code = match fault {
            RevealFault::Fault(fault) => return fault.into(),
            RevealFault::Denied => Code::OfficeMissing,
            RevealFault::Reason => Code::ReasonMissing,
            RevealFault::Erased => Code::Erased,
            RevealFault::NotKept => Code::NotKept,
        };
        Self::new(code)
    }
}

impl From<ExportFault> for Problem {
    fn from(fault: ExportFault) -> Self {
        let code = match &fault {
            ExportFault::Engine(_) => Code::Internal,
            ExportFault::Role => Code::OfficeMissing,
            ExportFault::Unpublished => Code::Unpublished,
            ExportFault::Nothing(_) => Code::ExportRefused,
            ExportFault::TooMany => Code::ExportTooLarge,
            ExportFault::Io(fault) if fault.kind() == std::io::ErrorKind::FileTooLarge => {
                Code::ExportTooLarge
            }
            ExportFault::Io(_) => Code::Internal,
        };
        match fault {
            ExportFault::Engine(fault) => fault.into(),
            ExportFault::Nothing(what) => Self::new(code).with("detail", what),
            fault => told(code, &fault),
        }
    }
}

impl From<StoreFault> for Problem {
    fn from(fault: StoreFault) -> Self {
        told(of_store(&fault), &fault)
    }
}

const fn of_store(fault: &StoreFault) -> Code {
    match fault {
        StoreFault::Unavailable { .. } | StoreFault::ReadOnly { .. } => Code::StoreUnavailable,
        StoreFault::Unknown { .. } => Code::OutcomeUnknown,
        StoreFault::Damaged { .. } => Code::LogDamaged,
        StoreFault::Pruned { .. } => Code::Erased,
        StoreFault::Refused { .. } => Code::Internal,
    }
}

const fn of_seal(fault: &SealFault) -> Code {
    match fault {
        SealFault::Gone(_) => Code::Erased,
        SealFault::Keys(..) | SealFault::Record(..) | SealFault::Small(_) => Code::KeysUnavailable,
        SealFault::Mismatch(_) => Code::LogDamaged,
        SealFault::Entropy | SealFault::Bound(_) => Code::Internal,
    }
}

fn told(code: Code, fault: &dyn std::fmt::Display) -> Problem {
    if code.entry().0 >= 500 {
        tracing::error!(code = code.code(), %fault, "a request could not be served");
    } else {
        tracing::debug!(code = code.code(), %fault, "a request was refused");
    }
    Problem::new(code)
}
