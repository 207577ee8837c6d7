//! The words that events are made of: causes, outcomes and kinds, each an enum with one name per member.

use crate::id::ModelAlias;

/// Why a step could not go on as declared; each has its list of fallbacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The answer does not fit.
    Invalid,
    /// No answer.
    Unavailable,
    /// Policy or people said no.
    Denied,
    /// Too late.
    Timeout,
    /// The model abstained, or its evidence does not hold.
    Uncertain,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Invalid,
        Self::Unavailable,
        Self::Denied,
        Self::Timeout,
        Self::Uncertain,
    ];

    /// The name in entries.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Unavailable => "unavailable",
            Self::Denied => "denied",
            Self::Timeout => "timeout",
            Self::Uncertain => "uncertain",
        }
    }

    /// The cause of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|x| x.as_str() == text)
    }
}

/// The fallback that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tried {
    /// The same model is asked to repair its reply.
    Repair,
    /// The same thing again.
    Retry,
    /// Another model.
    Model(ModelAlias),
}

impl Tried {
    /// The name in entries; another model's alias stands beside it.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Repair => "repair",
            Self::Retry => "retry",
            Self::Model(_) => "model",
        }
    }
}

/// Why a reply was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectReason {
    /// No JSON, or no object with `outcome`.
    NotJson,
    /// Cut off: out of tokens.
    Cut,
    /// Over a bound of `limits`.
    Bounds,
    /// Does not fit the schema.
    Schema,
    /// A quote does not stand in the evidence.
    Quotes,
    /// The model abstained by the error format.
    Abstained,
    /// The model refused.
    Refused,
}

impl RejectReason {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::NotJson,
        Self::Cut,
        Self::Bounds,
        Self::Schema,
        Self::Quotes,
        Self::Abstained,
        Self::Refused,
    ];

    /// The name in entries.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotJson => "not_json",
            Self::Cut => "cut",
            Self::Bounds => "bounds",
            Self::Schema => "schema",
            Self::Quotes => "quotes",
            Self::Abstained => "abstained",
            Self::Refused => "refused",
        }
    }

    /// The reason of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|x| x.as_str() == text)
    }
}

/// How a review ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReviewOutcome {
    /// Every threshold is met.
    Approved,
    /// Somebody said no.
    Rejected,
    /// Nobody said yes in time.
    Expired,
    /// What it was about has changed (policies, arguments): it counts for nothing.
    Voided,
}

impl ReviewOutcome {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Approved, Self::Rejected, Self::Expired, Self::Voided];

    /// The name in entries.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Voided => "voided",
        }
    }

    /// The outcome of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|x| x.as_str() == text)
    }
}

/// What waits for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InboxKind {
    /// A step's output is to be written by hand, retried, or the run cancelled.
    Manual(Cause),
    /// The release's output does not fit its schema.
    Release,
    /// A payload that the step needs was erased.
    PayloadGone,
    /// An act was started and its end is not known.
    InDoubt,
}

impl InboxKind {
    /// The name in entries and listings; a manual step's cause stands beside it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Manual(_) => "manual",
            Self::Release => "release",
            Self::PayloadGone => "payload_gone",
            Self::InDoubt => "in_doubt",
        }
    }
}

/// A person's settlement, as a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InboxVerdict {
    /// Completed by hand; the output follows as its own event.
    Completed,
    /// The step is tried again.
    Retry,
    /// The run ends.
    Cancelled,
    /// See [`DoubtVerdict`].
    Doubt(DoubtVerdict),
}

impl InboxVerdict {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Completed,
        Self::Retry,
        Self::Cancelled,
        Self::Doubt(DoubtVerdict::Happened),
        Self::Doubt(DoubtVerdict::DidNotHappen),
    ];

    /// The name in entries.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Retry => "retry",
            Self::Cancelled => "cancelled",
            Self::Doubt(DoubtVerdict::Happened) => "happened",
            Self::Doubt(DoubtVerdict::DidNotHappen) => "did_not_happen",
        }
    }

    /// The verdict of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|x| x.as_str() == text)
    }
}

/// What a person found out about an act in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DoubtVerdict {
    /// It happened.
    Happened,
    /// It did not.
    DidNotHappen,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// As declared.
    Completed,
    /// With at least one degraded value.
    Degraded,
    /// Policy or people said no.
    Denied,
    /// The input did not fit.
    Rejected,
    /// A step could not go on and its fallback is to stop.
    Failed,
    /// A person ended it.
    Cancelled,
}

impl Outcome {
    /// All outcomes.
    pub const ALL: [Self; 6] = [
        Self::Completed,
        Self::Degraded,
        Self::Denied,
        Self::Rejected,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The name in entries and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Degraded => "degraded",
            Self::Denied => "denied",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The outcome of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|x| x.as_str() == text)
    }
}
