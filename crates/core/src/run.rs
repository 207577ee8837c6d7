//! A run is a fold over its events. `decide` turns what came from outside into events, `evolve` folds them,
//! `pending` derives what is to be done next. Nothing is performed before the event that allows it is durable;
//! nothing that steers a run is inside a payload, so a fold never opens one.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::digest::{ActKey, Digest};
use crate::id::{
    ActId, CallId, EnvironmentName, GrantId, InboxId, PayloadId, PromptName, ReviewId, RunId,
    SubjectId, TenantName,
};
use crate::label::Label;
use crate::pipeline::identity::Principal;
use crate::pipeline::model::{CallFault, ModelReply, PromptText};
use crate::pipeline::policy::{Decision, World};
pub use crate::pipeline::prompt::Span;
use crate::pipeline::tool::EffectKnown;
use crate::registry::Registry;
use crate::seams::{Guards, Scope, Shapes, Templates, Violation};
use crate::time::Timestamp;
use crate::workflow::{Prompt, Workflow};

mod decide;
mod event;
mod evolve;
mod fresh;
mod labels;
mod needs;
mod parts;
mod pending;
mod shown;
mod state;
#[cfg(test)]
mod tests;

pub use decide::{decide, executable, readable, showable};
pub use event::{
    Cause, DoubtVerdict, Event, InboxKind, InboxVerdict, Outcome, RejectReason, ReviewOutcome,
    Tried,
};
pub use evolve::{IllegalEvent, evolve};
pub use needs::{Need, NeedRoot, needs};
pub use parts::Parts;
pub use pending::{Effect, pending};
pub use shown::{FieldName, ShownFields};
pub use state::{Act, Held, Phase, Review, ReviewSubject, State};

/// Everything pinned or current that a decision reads: the workflow, the registry, the three seams, the place.
#[derive(Clone, Copy)]
pub struct Program<'a> {
    /// Pinned to the run.
    pub workflow: &'a Workflow,
    /// Pinned to the run.
    pub prompts: &'a BTreeMap<PromptName, Prompt>,
    /// Pinned to the run.
    pub degraded: &'a [Value],
    /// What may be reached now.
    pub registry: &'a Registry,
    /// Always the current policies.
    pub guards: &'a dyn Guards,
    /// Pinned to the run.
    pub shapes: &'a dyn Shapes,
    /// Pinned to the run.
    pub templates: &'a dyn Templates,
    /// The tenant.
    pub tenant: &'a TenantName,
    /// The environment.
    pub environment: &'a EnvironmentName,
    /// The state of the world now.
    pub world: World,
}

/// What came from outside, with the time, randomness and opened payloads that the decision may use.
pub struct Arrival {
    /// When.
    pub now: Timestamp,
    /// 32 random bytes for new ids, keys and delimiters.
    pub entropy: [u8; 32],
    /// The payloads that [`needs`] named, opened.
    pub opened: Opened,
    /// What.
    pub input: Input,
}

/// Opened payloads. No `Debug`: it holds content.
#[derive(Default)]
pub struct Opened {
    /// Inputs and outputs that the current node reads.
    pub scope: Scope,
    /// The content under review or about to be acted on.
    pub content: Option<Content>,
    /// The prompt about to be shown.
    pub prompt: Option<PromptText>,
    /// The query about to be asked.
    pub query: Option<Value>,
    /// What was wrong with the last reply.
    pub problems: Vec<Violation>,
}

/// What people or policy say yes to, with the key that its digest is made under.
#[derive(Clone)]
pub struct Content {
    /// The act's own key.
    pub key: ActKey,
    /// Arguments, output or release.
    pub value: Value,
    /// What a reviewer is shown beside it.
    pub shown: Value,
}

/// A request to start a run.
pub struct Start {
    /// The new run's id.
    pub run: RunId,
    /// Who asks.
    pub requester: Principal,
    /// The input, parsed; none where it is no JSON, which no schema can accept.
    pub input: Option<Value>,
    /// Its size as it came, bytes.
    pub input_bytes: usize,
    /// Whom it is about.
    pub subjects: Vec<SubjectId>,
}

/// What came from outside.
pub enum Input {
    /// A caller asks for a run.
    Start(Box<Start>),
    /// The payloads that a ready step reads are open.
    Opened,
    /// A source answered.
    Read {
        /// Which call.
        call: CallId,
        /// The answer, or why there is none.
        result: Result<Value, CallFault>,
    },
    /// A model answered.
    Replied {
        /// Which call.
        call: CallId,
        /// The reply, or why there is none.
        result: Result<ModelReply, CallFault>,
    },
    /// A tool's call ended.
    Acted {
        /// Which act.
        act: ActId,
        /// Under which grant.
        grant: GrantId,
        /// The result, or why there is none and whether it may have acted.
        result: Result<Value, (CallFault, EffectKnown)>,
    },
    /// A person votes on a review.
    Vote {
        /// Which review.
        review: ReviewId,
        /// Who.
        voter: Principal,
        /// The digest of what the voter was shown.
        digest: Digest,
        /// Yes or no.
        approve: bool,
        /// Why; required for a no.
        reason: Option<String>,
    },
    /// A person settles an inbox item.
    Settle {
        /// Which item.
        item: InboxId,
        /// Who.
        by: Principal,
        /// How.
        verdict: Settlement,
    },
    /// Time passed.
    Tick,
    /// Another process, or this one again, took the run over.
    Recovered {
        /// The new epoch, higher than any before.
        epoch: u64,
    },
    /// A payload that the current step needs was erased.
    PayloadGone {
        /// Which.
        payload: PayloadId,
    },
    /// A person cancels the run.
    Cancel {
        /// Who.
        by: Principal,
    },
}

/// A person's settlement of an inbox item.
pub enum Settlement {
    /// The step's output, written by hand; checked like a model's.
    Complete(Value),
    /// Try the step again.
    Retry,
    /// End the run.
    Cancel,
    /// The act in doubt happened, and this is what the tool's own record says of it: its result.
    Happened(Value),
    /// The act in doubt did not happen: it may be tried again.
    DidNotHappen,
}

/// Where a payload is used, for its key's context and for people who read a chain of custody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// The run's input.
    Input,
    /// A query to a source.
    Query,
    /// A source's answer.
    SourceResult,
    /// A rendered prompt.
    Prompt,
    /// A model's reply as it came.
    Reply,
    /// A step's accepted output.
    Output,
    /// What a review or an act is about, with its key.
    Content,
    /// A tool's result.
    ToolResult,
    /// A person's reason.
    Reason,
    /// What was wrong with a reply or an input.
    Problems,
    /// The run's released output.
    Release,
}

impl Slot {
    /// The name in entries.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Query => "query",
            Self::SourceResult => "source_result",
            Self::Prompt => "prompt",
            Self::Reply => "reply",
            Self::Output => "output",
            Self::Content => "content",
            Self::ToolResult => "tool_result",
            Self::Reason => "reason",
            Self::Problems => "problems",
            Self::Release => "release",
        }
    }
}

/// A payload to be sealed and stored with the events. No `Debug`: it holds content.
#[derive(Clone)]
pub struct Draft {
    /// Its id, which exactly one of the events introduces.
    pub id: PayloadId,
    /// Where it is used.
    pub slot: Slot,
    /// Its label: which keys seal it.
    pub label: Label,
    /// Its content.
    pub content: Value,
    /// The labels of its parts.
    pub parts: Parts,
}

/// What a decision came to: stored in one transaction.
#[derive(Default)]
pub struct Decided {
    /// Events, in order. None where nothing is to be said (a tick before its time).
    pub events: Vec<Event>,
    /// The payloads that they introduce.
    pub drafts: Vec<Draft>,
    /// What to tell the caller of a vote, settlement or start that policy denied.
    pub denied: Option<Decision>,
}

/// An input that this state cannot take. Nothing is stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The run is elsewhere by now.
    #[error("take {input} while the run is {phase}")]
    NotNow {
        /// What came.
        input: &'static str,
        /// Where the run is.
        phase: &'static str,
    },
    /// About another call, act, review or item than the current one.
    #[error("take {0}: it is not the current one")]
    NotCurrent(&'static str),
    /// The voter saw something else than what is now under review.
    #[error("take the vote: what was shown is not what is under review now")]
    OtherDigest,
    /// A no needs a reason.
    #[error("take the rejection: a reason is needed")]
    ReasonMissing,
    /// The reason is too long.
    #[error("take the vote: the reason is longer than {0} characters")]
    ReasonTooLong(usize),
    /// One person, one vote.
    #[error("take the vote: this person has voted already")]
    VotedAlready,
    /// The voter holds none of the roles that are asked for.
    #[error("take the vote: the voter holds none of the roles asked for")]
    RoleMissing,
    /// The requester may not approve their own request.
    #[error("take the vote: the requester may not review their own request")]
    OwnRequest,
    /// The settlement does not fit the item.
    #[error("settle the item: {0}")]
    Settlement(&'static str),
    /// The value written by hand does not fit the step's schema.
    #[error("settle the item: the value does not fit the schema of the step")]
    ValueInvalid(Vec<Violation>),
    /// A payload that [`needs`] named was not opened.
    #[error("decide: a payload that is needed is not open")]
    NotOpened,
    /// More events than a run may have.
    #[error("decide: the run has reached its bound of {0} events")]
    TooLong(u64),
    /// The program and the state do not fit: a fault of ours.
    #[error("decide: {0}")]
    Bug(&'static str),
}
