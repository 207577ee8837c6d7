//! The simple values: booleans, integers, ids, names, digests, enums by name, sets and lists of such.
//! What has members of its own is in `record`, `tagged` and `label`.

use std::collections::BTreeSet;

use interlock_core::digest::Digest;
use interlock_core::id::{
    ActId, ApiKeyId, BundleName, CallId, Category, DecisionId, EndpointName, ErasureId, GrantId,
    HoldId, InboxId, ModelAlias, PayloadId, PolicyId, PrincipalId, PromptName, Provenance, Reader,
    Region, ReviewId, RoleName, RunId, SchemaName, SourceName, StepName, SubjectId, ToolName,
    WorkflowName,
};
use interlock_core::label::{Confidentiality, Integrity};
use interlock_core::pipeline::identity::{Method, PrincipalKind};
use interlock_core::pipeline::model::{CallFault, Stop};
use interlock_core::pipeline::policy::{Action, DenyReason, Downgrade};
use interlock_core::pipeline::tool::EffectKnown;
use interlock_core::run::{Cause, InboxVerdict, Outcome, RejectReason, ReviewOutcome, Slot};
use interlock_core::workflow::RiskTier;
use interlock_journal::Canon;

use super::fault::Flaw;

/// A value with one spelling in entries: `read` accepts what `write` writes and nothing else.
pub(super) trait Value: Sized {
    fn write(&self) -> Result<Canon, Flaw>;
    fn read(value: &Canon) -> Result<Self, Flaw>;
}

pub(super) fn text(value: &Canon) -> Result<&str, Flaw> {
    value.as_str().ok_or_else(Flaw::form)
}

macro_rules! printed {
    ($($type:ty),* $(,)?) => {$(
        impl Value for $type {
            fn write(&self) -> Result<Canon, Flaw> {
                Canon::text(self.to_string()).map_err(|_| Flaw::form())
            }

            fn read(value: &Canon) -> Result<Self, Flaw> {
                text(value)?.parse().map_err(|_| Flaw::form())
            }
        }
    )*};
}

printed!(
    ActId,
    ApiKeyId,
    CallId,
    DecisionId,
    ErasureId,
    GrantId,
    HoldId,
    InboxId,
    PayloadId,
    PrincipalId,
    ReviewId,
    RunId,
    SubjectId,
    BundleName,
    Category,
    EndpointName,
    ModelAlias,
    PolicyId,
    PromptName,
    Provenance,
    Reader,
    Region,
    RoleName,
    SchemaName,
    SourceName,
    StepName,
    ToolName,
    WorkflowName,
);

macro_rules! named {
    ($($type:ty),* $(,)?) => {$(
        impl Value for $type {
            fn write(&self) -> Result<Canon, Flaw> {
                Canon::text(self.as_str()).map_err(|_| Flaw::form())
            }

            fn read(value: &Canon) -> Result<Self, Flaw> {
                Self::parse(text(value)?).ok_or_else(Flaw::form)
            }
        }
    )*};
}

named!(
    Action,
    CallFault,
    Cause,
    Confidentiality,
    DenyReason,
    EffectKnown,
    InboxVerdict,
    Integrity,
    Method,
    Outcome,
    PrincipalKind,
    RejectReason,
    ReviewOutcome,
    RiskTier,
    Stop,
);

macro_rules! listed {
    ($($type:ty = [$($variant:ident),* $(,)?];)*) => {$(
        impl Value for $type {
            fn write(&self) -> Result<Canon, Flaw> {
                // One arm for each variant, so that a new one does not compile until it can be read too.
                let name = match self {
                    $(Self::$variant => Self::$variant.as_str(),)*
                };
                Canon::text(name).map_err(|_| Flaw::form())
            }

            fn read(value: &Canon) -> Result<Self, Flaw> {
                let name = text(value)?;
                [$(Self::$variant),*].into_iter().find(|x| x.as_str() == name).ok_or_else(Flaw::form)
            }
        }
    )*};
}

listed! {
    Downgrade = [Redact, Strip];
    Slot = [
        Input, Query, SourceResult, Prompt, Reply, Output, Content, ToolResult, Reason, Problems, Release,
    ];
}

macro_rules! counted {
    ($($type:ty),* $(,)?) => {$(
        impl Value for $type {
            fn write(&self) -> Result<Canon, Flaw> {
                u64::try_from(*self)
                    .ok()
                    .and_then(|n| Canon::count(n).ok())
                    .ok_or_else(Flaw::number)
            }

            fn read(value: &Canon) -> Result<Self, Flaw> {
                value.as_u64().and_then(|n| Self::try_from(n).ok()).ok_or_else(Flaw::form)
            }
        }
    )*};
}

counted!(u8, u16, u32, u64, usize);

impl Value for bool {
    fn write(&self) -> Result<Canon, Flaw> {
        Ok(Canon::Bool(*self))
    }

    fn read(value: &Canon) -> Result<Self, Flaw> {
        value.as_bool().ok_or_else(Flaw::form)
    }
}

impl Value for Digest {
    fn write(&self) -> Result<Canon, Flaw> {
        Canon::text(self.to_string()).map_err(|_| Flaw::form())
    }

    fn read(value: &Canon) -> Result<Self, Flaw> {
        Self::parse_hex(text(value)?).ok_or_else(Flaw::form)
    }
}

/// A bare text in an event is the name of a declared thing. Held to the form of all names here, so that an
/// event with anything else never becomes an entry.
impl Value for String {
    fn write(&self) -> Result<Canon, Flaw> {
        let name = ToolName::parse(self).map_err(|_| Flaw::name())?;
        Canon::text(name.as_str()).map_err(|_| Flaw::name())
    }

    fn read(value: &Canon) -> Result<Self, Flaw> {
        let name = ToolName::parse(text(value)?).map_err(|_| Flaw::name())?;
        Ok(name.as_str().to_owned())
    }
}

/// A list keeps its order.
impl<T: Value> Value for Vec<T> {
    fn write(&self) -> Result<Canon, Flaw> {
        let items = self.iter().map(Value::write).collect::<Result<_, _>>()?;
        Ok(Canon::Array(items))
    }

    fn read(value: &Canon) -> Result<Self, Flaw> {
        let items = value.as_array().ok_or_else(Flaw::form)?;
        items.iter().map(T::read).collect()
    }
}

/// A set is written in rising order, and read in no other.
impl<T: Value + Ord> Value for BTreeSet<T> {
    fn write(&self) -> Result<Canon, Flaw> {
        let items = self.iter().map(Value::write).collect::<Result<_, _>>()?;
        Ok(Canon::Array(items))
    }

    fn read(value: &Canon) -> Result<Self, Flaw> {
        let items = Vec::<T>::read(value)?;
        if items.is_sorted_by(|a, b| a < b) {
            Ok(items.into_iter().collect())
        } else {
            Err(Flaw::order())
        }
    }
}
