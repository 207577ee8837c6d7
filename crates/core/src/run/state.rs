//! Where a run is: a fold over its events, made of facts only. Proofs (permits, grants in force) are never
//! kept here; each effect makes its own just before it is performed.

use std::collections::{BTreeMap, BTreeSet};

use crate::digest::Digest;
use crate::id::{
    ActId, BundleName, CallId, EndpointName, InboxId, ModelAlias, PayloadId, PrincipalId, ReviewId,
    RoleName, RunId, SchemaName, SourceName, StepName, ToolName, WorkflowName,
};
use crate::label::Label;
use crate::pipeline::identity::{Method, PrincipalFacts};
use crate::pipeline::policy::Downgrade;
use crate::pipeline::tool::Grant;
use crate::run::event::{Cause, InboxKind, Outcome};
use crate::time::Timestamp;
use crate::workflow::{Next, RiskTier};

/// A value that the run holds, by reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Where its content is.
    pub payload: PayloadId,
    /// What the labels of its parts are joined with.
    pub label: Label,
    /// The schema that declares its parts' labels; none for what the author wrote.
    pub schema: Option<SchemaName>,
    /// Whether it is a register's record that stands for reconciled values.
    pub endorsed: bool,
}

/// What a run is pinned to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pinned {
    /// The workflow.
    pub workflow: WorkflowName,
    /// The bundle.
    pub bundle: BundleName,
    /// Digest of the bundle's files.
    pub version: Digest,
    /// The tier.
    pub risk: RiskTier,
    /// Who asked.
    pub requester: PrincipalFacts,
    /// How they were verified.
    pub method: Method,
    /// When.
    pub requested_at: Timestamp,
}

/// One effect to be performed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// Its id.
    pub id: ActId,
    /// The node that proposed it.
    pub node: usize,
    /// The step.
    pub step: StepName,
    /// The tool.
    pub tool: ToolName,
    /// Arguments and key, sealed.
    pub content: PayloadId,
    /// What every approval and grant is bound to.
    pub digest: Digest,
    /// Join of the arguments' labels.
    pub label: Label,
    /// Whether policy said yes in advance.
    pub standing: bool,
    /// The approved review, once there is one.
    pub review: Option<Review>,
    /// Grants given so far.
    pub attempts: u16,
    /// Whether some attempt may have acted: its end is not known. A later attempt that certainly did not act
    /// says nothing about it.
    pub may_have_acted: bool,
}

/// What a review is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReviewSubject {
    /// A tool call.
    Act(ActId),
    /// A step's output.
    Output,
    /// What a review step shows.
    Shown,
    /// The run's output.
    Release,
}

impl ReviewSubject {
    /// The name in entries.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Act(_) => "act",
            Self::Output => "output",
            Self::Shown => "shown",
            Self::Release => "release",
        }
    }
}

/// People's verdict in the making.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// Its id.
    pub id: ReviewId,
    /// What it is about.
    pub subject: ReviewSubject,
    /// The node; none for a release.
    pub node: Option<usize>,
    /// The step; none for a release.
    pub step: Option<StepName>,
    /// What follows an approval of an output or of what was shown.
    pub next: Next,
    /// What is under review, sealed.
    pub content: PayloadId,
    /// Digest of what is under review, with labels and policy version.
    pub digest: Digest,
    /// Join of its labels.
    pub label: Label,
    /// So many people of each role.
    pub thresholds: BTreeSet<(RoleName, u8)>,
    /// Downgrades that apply to what is approved.
    pub downgrades: BTreeSet<Downgrade>,
    /// When it ends without a verdict.
    pub expires_at: Timestamp,
    /// Approvals so far: who, and which of the roles asked for they hold.
    pub approvals: Vec<(PrincipalId, BTreeSet<RoleName>)>,
}

/// Where the run is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// If the process dies here: nothing was asked.
    New,
    /// Asked for, not begun. Never the last durable phase: request and start share a transaction.
    Requested,
    /// The node is to be prepared. Dies here: prepared again, from the same values.
    Ready {
        /// Which node.
        node: usize,
    },
    /// A source is being read. Dies here: read again.
    Reading {
        /// Which node.
        node: usize,
        /// Which step.
        step: StepName,
        /// The call.
        call: CallId,
        /// The source.
        source: SourceName,
        /// The query.
        query: PayloadId,
        /// Its label.
        label: Label,
        /// Whether the answer is a register's record that stands for reconciled values.
        endorsed: bool,
    },
    /// A model is being asked. Dies here: asked again; the first answer may have cost money.
    Asking {
        /// Which node.
        node: usize,
        /// Which step.
        step: StepName,
        /// The call.
        call: CallId,
        /// The alias.
        model: ModelAlias,
        /// The endpoint that it stood for when policy decided.
        endpoint: EndpointName,
        /// The prompt.
        prompt: PayloadId,
        /// Its label.
        label: Label,
        /// Downgrades that it was made with.
        downgrades: BTreeSet<Downgrade>,
    },
    /// The reply, or a value written by hand, is judged. Shares a transaction with what follows.
    Judging {
        /// Which node.
        node: usize,
        /// Which step.
        step: StepName,
    },
    /// The step cannot go on as declared: a fallback follows in the same transaction.
    Stuck {
        /// Which node; none at the release.
        node: Option<usize>,
    },
    /// An act is proposed; its review or start follows in the same transaction.
    Proposed {
        /// The act.
        act: Act,
    },
    /// People are asked. Dies here: they still are.
    Reviewing {
        /// The review.
        review: Review,
        /// The act, where it is about one.
        act: Option<Act>,
    },
    /// People said yes. Dies here: the request is decided again with their approval.
    Approved {
        /// The review.
        review: Review,
        /// The act, where it is about one.
        act: Option<Act>,
    },
    /// A tool is being called. Dies here: in doubt, unless the tool's recovery class says it may be repeated.
    Acting {
        /// The act.
        act: Act,
        /// The grant in force.
        grant: Grant,
        /// The epoch that started it.
        epoch: u64,
    },
    /// Waits for a person. Dies here: it still does.
    Waiting {
        /// The node; none at the release.
        node: Option<usize>,
        /// The step; none at the release.
        step: Option<StepName>,
        /// The item.
        item: InboxId,
        /// What.
        kind: InboxKind,
        /// The act in doubt.
        act: Option<Act>,
    },
    /// The output is to be composed and released. Dies here: composed again.
    Releasing,
    /// Given out; the end follows in the same transaction.
    Released,
    /// Over.
    Ended {
        /// How.
        outcome: Outcome,
    },
}

impl Phase {
    /// The phase's name, for errors and listings.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Requested => "requested",
            Self::Ready { .. } => "ready",
            Self::Reading { .. } => "reading",
            Self::Asking { .. } => "asking",
            Self::Judging { .. } => "judging",
            Self::Stuck { .. } => "stuck",
            Self::Proposed { .. } => "proposed",
            Self::Reviewing { .. } => "reviewing",
            Self::Approved { .. } => "approved",
            Self::Acting { .. } => "acting",
            Self::Waiting { .. } => "waiting",
            Self::Releasing => "releasing",
            Self::Released => "released",
            Self::Ended { .. } => "ended",
        }
    }
}

/// A run, as its events tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Which run.
    pub run: RunId,
    /// Events folded so far.
    pub events: u64,
    /// The epoch of the last takeover.
    pub epoch: u64,
    /// What it is pinned to; none before the first event.
    pub pinned: Option<Pinned>,
    /// Its input.
    pub input: Option<Held>,
    /// Outputs of the steps so far.
    pub outputs: BTreeMap<StepName, Held>,
    /// Whether some value is a declared stand-in.
    pub degraded: bool,
    /// Fallbacks taken so far, by step and cause.
    pub taken: BTreeMap<(StepName, Cause), u8>,
    /// Model calls so far, by step.
    pub attempts: BTreeMap<StepName, u16>,
    /// Another model that the current step falls back on.
    pub model: Option<ModelAlias>,
    /// What was wrong with the last reply, where it is to be repaired.
    pub problems: Option<PayloadId>,
    /// Steps of which an act was in doubt and did not happen.
    pub doubted: BTreeSet<StepName>,
    /// Acts finished so far.
    pub acts_done: u32,
    /// The output, once released.
    pub released: Option<PayloadId>,
    /// Where it is.
    pub phase: Phase,
}

impl State {
    /// A run of which nothing has happened.
    #[must_use]
    pub const fn new(run: RunId) -> Self {
        Self {
            run,
            events: 0,
            epoch: 0,
            pinned: None,
            input: None,
            outputs: BTreeMap::new(),
            degraded: false,
            taken: BTreeMap::new(),
            attempts: BTreeMap::new(),
            model: None,
            problems: None,
            doubted: BTreeSet::new(),
            acts_done: 0,
            released: None,
            phase: Phase::New,
        }
    }

    /// Whether it is over.
    #[must_use]
    pub const fn is_ended(&self) -> bool {
        matches!(self.phase, Phase::Ended { .. })
    }
}
