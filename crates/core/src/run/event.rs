//! Everything that can have happened in a run. Ids, enums, integers, digests, labels and names of declared
//! things only: no content, no free text. The runtime's codec turns each into the body of a journal entry.

use std::collections::BTreeSet;

use crate::digest::Digest;
use crate::id::{
    ActId, BundleName, CallId, EndpointName, GrantId, InboxId, ModelAlias, PayloadId, PolicyId,
    PrincipalId, PromptName, ReviewId, RoleName, SchemaName, SourceName, StepName, ToolName,
    WorkflowName,
};
use crate::label::Label;
use crate::pipeline::identity::{Method, PrincipalFacts};
use crate::pipeline::model::{CallFault, Stop, Usage};
use crate::pipeline::policy::{Decision, Downgrade};
use crate::pipeline::tool::{EffectKnown, Grant};
use crate::run::shown::ShownFields;
use crate::run::state::Review;
use crate::time::Timestamp;
use crate::workflow::{Next, RiskTier};

mod words;

pub use words::{
    Cause, DoubtVerdict, InboxKind, InboxVerdict, Outcome, RejectReason, ReviewOutcome, Tried,
};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A caller asked for a run: the first event of every run, whatever follows.
    RunRequested {
        /// Which workflow.
        workflow: WorkflowName,
        /// Of which bundle.
        bundle: BundleName,
        /// Digest of the bundle's files: the run is pinned to it.
        version: Digest,
        /// Its tier.
        risk: RiskTier,
        /// Who asked.
        requester: PrincipalFacts,
        /// How they were verified.
        method: Method,
        /// When.
        at: Timestamp,
    },
    /// Something that entered does not fit. `problems` says where, sealed.
    IntakeRejected {
        /// The step that it came for; none for the run's input.
        step: Option<StepName>,
        /// How many violations, at least 1.
        violations: u32,
        /// What was wrong.
        problems: PayloadId,
    },
    /// Policy decided. Durable before anything follows from it.
    Decided {
        /// The decision.
        decision: Decision,
        /// The step, where there is one.
        step: Option<StepName>,
        /// Name of the tool, source, endpoint or workflow that it is on.
        target: String,
        /// Join of the labels of what it is about.
        label: Label,
        /// Who asked, where that is not the requester: a voter.
        asker: Option<PrincipalId>,
    },
    /// The input is accepted and the run begins.
    RunStarted {
        /// The input.
        input: PayloadId,
        /// Join of its labels.
        label: Label,
        /// Where it begins.
        next: Next,
    },
    /// A source is to be read.
    ReadRequested {
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
        /// Label of the query.
        label: Label,
    },
    /// A source, model or tool gave no answer.
    CallFailed {
        /// Which step.
        step: StepName,
        /// The call; none for acts.
        call: Option<CallId>,
        /// Why.
        fault: CallFault,
    },
    /// A source's answer is accepted.
    ReadAccepted {
        /// Which step.
        step: StepName,
        /// The call.
        call: CallId,
        /// The answer.
        output: PayloadId,
        /// What its fields' labels are joined with.
        label: Label,
        /// Its shape and fields' labels.
        schema: SchemaName,
        /// What follows.
        next: Next,
    },
    /// Values equal a record of a trusted register: the record stands for them from here on.
    Endorsed {
        /// The step whose answer is the record.
        step: StepName,
        /// The register.
        register: SourceName,
        /// The record, sealed.
        record: PayloadId,
        /// How many values equal it.
        fields: u32,
        /// The decision that permits it.
        decision: crate::id::DecisionId,
    },
    /// A model is to be asked.
    ModelRequested {
        /// Which node.
        node: usize,
        /// Which step.
        step: StepName,
        /// The call.
        call: CallId,
        /// The alias.
        model: ModelAlias,
        /// The endpoint that it stands for now.
        endpoint: EndpointName,
        /// The prompt's name.
        prompt_name: PromptName,
        /// Digest of the prompt's file.
        prompt_version: Digest,
        /// The rendered prompt.
        prompt: PayloadId,
        /// Join of the labels of all that it shows.
        label: Label,
        /// Downgrades that the permit depends on.
        downgrades: BTreeSet<Downgrade>,
        /// How many values it shows, and how many policy had left out or redacted.
        shown: (u32, u32),
        /// Which fields these values are, by label; as many as the entry takes.
        fields: Vec<ShownFields>,
        /// How many names of fields it could not take.
        fields_left_out: u32,
        /// Which attempt of the step, from 1.
        attempt: u16,
    },
    /// A model answered. Nothing is believed yet.
    ModelReplied {
        /// The step.
        step: StepName,
        /// The call.
        call: CallId,
        /// The reply.
        reply: PayloadId,
        /// Why it stopped.
        stop: Stop,
        /// What it used.
        usage: Usage,
    },
    /// The reply is not accepted.
    OutputRejected {
        /// The step.
        step: StepName,
        /// The call.
        call: CallId,
        /// Why.
        reason: RejectReason,
        /// How many faults.
        violations: u32,
        /// The faults.
        problems: PayloadId,
    },
    /// The step has an output.
    OutputAccepted {
        /// The step.
        step: StepName,
        /// The output.
        output: PayloadId,
        /// What its fields' labels are joined with.
        label: Label,
        /// Its shape.
        schema: SchemaName,
        /// What follows, unless a review comes first.
        next: Next,
    },
    /// The step's output is a declared value; the run is degraded from here on.
    StepDegraded {
        /// The step.
        step: StepName,
        /// The value.
        output: PayloadId,
        /// Its label: whoever made the step fail has chosen that it stands in.
        label: Label,
        /// What follows.
        next: Next,
    },
    /// A way on was chosen.
    BranchTaken {
        /// The step.
        step: StepName,
        /// Which arm, from 0; none where no arm holds.
        arm: Option<u32>,
        /// Where it leads.
        next: Next,
    },
    /// A tool call is proposed with exactly these arguments.
    ActProposed {
        /// Which node.
        node: usize,
        /// The step.
        step: StepName,
        /// The act.
        act: ActId,
        /// The tool.
        tool: ToolName,
        /// Arguments, key and what a reviewer is shown.
        content: PayloadId,
        /// Digest over tool, arguments, labels and policy version.
        digest: Digest,
        /// Join of the arguments' labels.
        label: Label,
        /// Whether policy said yes in advance.
        standing: bool,
    },
    /// People are asked.
    ReviewRequested {
        /// The review.
        review: Review,
        /// The policies that ask for it; none where only the workflow does.
        asked_by: Vec<PolicyId>,
        /// What is reviewed, where this event introduces it (acts have introduced theirs).
        content: Option<PayloadId>,
    },
    /// A person voted.
    ReviewVoted {
        /// Which review.
        review: ReviewId,
        /// Who.
        voter: PrincipalId,
        /// Roles held, of those asked for.
        roles: Vec<RoleName>,
        /// Yes or no.
        approve: bool,
        /// The digest that was shown.
        digest: Digest,
        /// Why.
        reason: Option<PayloadId>,
    },
    /// The review ended.
    ReviewSettled {
        /// Which.
        review: ReviewId,
        /// How.
        outcome: ReviewOutcome,
    },
    /// People approved a step's output or what they were shown: the run goes on.
    ReviewPassed {
        /// The step.
        step: StepName,
        /// What follows.
        next: Next,
    },
    /// The act may be performed once; it is started when this is durable.
    ActStarted {
        /// Which node.
        node: usize,
        /// The step.
        step: StepName,
        /// The grant, which names the act and its digest.
        grant: Grant,
        /// The epoch that starts it.
        epoch: u64,
    },
    /// The tool's result is accepted.
    ActFinished {
        /// The step.
        step: StepName,
        /// The act.
        act: ActId,
        /// The grant.
        grant: GrantId,
        /// The result.
        output: PayloadId,
        /// What its fields' labels are joined with.
        label: Label,
        /// Its shape.
        schema: SchemaName,
        /// What follows.
        next: Next,
    },
    /// The act ended without a result.
    ActFailed {
        /// The step.
        step: StepName,
        /// The act.
        act: ActId,
        /// The grant.
        grant: GrantId,
        /// Why.
        fault: CallFault,
        /// Whether it may have acted.
        known: EffectKnown,
    },
    /// The act is tried again under a new grant: a declared retry.
    ActRetried {
        /// The step.
        step: StepName,
        /// The act.
        act: ActId,
        /// Why.
        cause: Cause,
    },
    /// A fallback is taken: the step is tried again.
    FallbackTaken {
        /// Which node.
        node: usize,
        /// The step.
        step: StepName,
        /// Why.
        cause: Cause,
        /// What is tried.
        tried: Tried,
    },
    /// Something waits for a person.
    InboxOpened {
        /// Which node; none for the release.
        node: Option<usize>,
        /// The step.
        step: Option<StepName>,
        /// The item.
        item: InboxId,
        /// What.
        kind: InboxKind,
        /// The act in doubt.
        act: Option<ActId>,
    },
    /// A person settled it.
    InboxSettled {
        /// Which.
        item: InboxId,
        /// Who.
        by: PrincipalId,
        /// How.
        verdict: InboxVerdict,
    },
    /// The run was taken over after a crash or by another node.
    Recovered {
        /// The new epoch.
        epoch: u64,
    },
    /// The output is given out.
    Released {
        /// The output.
        output: PayloadId,
        /// Its label.
        label: Label,
    },
    /// The run is over. Nothing follows.
    RunEnded {
        /// How.
        outcome: Outcome,
        /// Who ended it, where a person did.
        by: Option<PrincipalId>,
    },
}

impl Event {
    /// The event's name in entries.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::RunRequested { .. } => "run.requested",
            Self::IntakeRejected { .. } => "intake.rejected",
            Self::Decided { .. } => "policy.decided",
            Self::RunStarted { .. } => "run.started",
            Self::ReadRequested { .. } => "source.requested",
            Self::CallFailed { .. } => "call.failed",
            Self::ReadAccepted { .. } => "source.accepted",
            Self::Endorsed { .. } => "value.endorsed",
            Self::ModelRequested { .. } => "model.requested",
            Self::ModelReplied { .. } => "model.replied",
            Self::OutputRejected { .. } => "output.rejected",
            Self::OutputAccepted { .. } => "output.accepted",
            Self::StepDegraded { .. } => "step.degraded",
            Self::BranchTaken { .. } => "branch.taken",
            Self::ActProposed { .. } => "act.proposed",
            Self::ReviewRequested { .. } => "review.requested",
            Self::ReviewVoted { .. } => "review.voted",
            Self::ReviewSettled { .. } => "review.settled",
            Self::ReviewPassed { .. } => "review.passed",
            Self::ActStarted { .. } => "act.started",
            Self::ActFinished { .. } => "act.finished",
            Self::ActFailed { .. } => "act.failed",
            Self::ActRetried { .. } => "act.retried",
            Self::FallbackTaken { .. } => "fallback.taken",
            Self::InboxOpened { .. } => "inbox.opened",
            Self::InboxSettled { .. } => "inbox.settled",
            Self::Recovered { .. } => "run.recovered",
            Self::Released { .. } => "output.released",
            Self::RunEnded { .. } => "run.ended",
        }
    }

    /// The payloads that this event introduces, with the slot's order.
    #[must_use]
    pub fn introduces(&self) -> Vec<PayloadId> {
        match self {
            Self::IntakeRejected { problems, .. } => vec![*problems],
            Self::RunStarted { input, .. } => vec![*input],
            Self::ReadRequested { query, .. } => vec![*query],
            Self::ReadAccepted { output, .. }
            | Self::OutputAccepted { output, .. }
            | Self::StepDegraded { output, .. }
            | Self::ActFinished { output, .. }
            | Self::Released { output, .. } => vec![*output],
            Self::ModelRequested { prompt, .. } => vec![*prompt],
            Self::ModelReplied { reply, .. } => vec![*reply],
            Self::OutputRejected { problems, .. } => vec![*problems],
            Self::ActProposed { content, .. } => vec![*content],
            Self::ReviewRequested { content, .. } => content.iter().copied().collect(),
            Self::ReviewVoted { reason, .. } => reason.iter().copied().collect(),
            Self::RunRequested { .. }
            | Self::Decided { .. }
            | Self::CallFailed { .. }
            | Self::Endorsed { .. }
            | Self::BranchTaken { .. }
            | Self::ReviewSettled { .. }
            | Self::ReviewPassed { .. }
            | Self::ActStarted { .. }
            | Self::ActFailed { .. }
            | Self::ActRetried { .. }
            | Self::FallbackTaken { .. }
            | Self::InboxOpened { .. }
            | Self::InboxSettled { .. }
            | Self::Recovered { .. }
            | Self::RunEnded { .. } => Vec::new(),
        }
    }
}
