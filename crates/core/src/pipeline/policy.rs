//! Request → Decision → Permit. Policy answers allow or deny; the ladder here makes four answers of it (allow,
//! downgrade, review, deny) by asking again with hypothetical facts. Only this room makes a [`Permit`].
//! Evaluating a policy is the seam [`crate::seams::Guards`]; any error of it is a denial.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::id::{
    BundleName, EnvironmentName, PolicyId, RoleName, StepName, TenantName, WorkflowName,
};
use crate::label::{Label, Path};
use crate::pipeline::identity::PrincipalFacts;
use crate::registry::{Endpoint, Source, Tool};

use crate::time::Timestamp;
use crate::workflow::{Audience, FinalDecision, RiskTier, TaskClass};

mod ladder;
#[cfg(test)]
mod tests;

pub use ladder::{Decision, DenyReason, Permit, Reshape, Reshaped, Verdict, decide};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// To start a run.
    StartRun,
    /// To read a source.
    ReadSource,
    /// To show a prompt to a model endpoint.
    CallModel,
    /// To call a tool.
    CallTool,
    /// Whether policy says yes in advance to an irreversible act (standing authorisation).
    AuthoriseStanding,
    /// To give a value out of the run.
    Release,
    /// To vote on a review.
    Review,
    /// To raise a value's integrity.
    Endorse,
    /// To lower a value's confidentiality.
    Declassify,
    /// To administer the product itself.
    Administer,
}

impl Action {
    /// All actions.
    pub const ALL: [Self; 10] = [
        Self::StartRun,
        Self::ReadSource,
        Self::CallModel,
        Self::CallTool,
        Self::AuthoriseStanding,
        Self::Release,
        Self::Review,
        Self::Endorse,
        Self::Declassify,
        Self::Administer,
    ];

    /// The name in policies and entries.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StartRun => "start_run",
            Self::ReadSource => "read_source",
            Self::CallModel => "call_model",
            Self::CallTool => "call_tool",
            Self::AuthoriseStanding => "authorise_standing",
            Self::Release => "release",
            Self::Review => "review",
            Self::Endorse => "endorse",
            Self::Declassify => "declassify",
            Self::Administer => "administer",
        }
    }

    /// The action of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|a| a.as_str() == text)
    }
}

/// The four files of a policy set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// Who asks.
    Identity,
    /// What is in it.
    Data,
    /// What it does.
    Action,
    /// Where and when.
    Environment,
}

impl Layer {
    /// All layers.
    pub const ALL: [Self; 4] = [Self::Identity, Self::Data, Self::Action, Self::Environment];

    /// The layer's name, which is its file's name too.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Data => "data",
            Self::Action => "action",
            Self::Environment => "environment",
        }
    }
}

/// A change of the request that makes it acceptable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Downgrade {
    /// Values over the clearance are replaced by their categories.
    Redact,
    /// Values over the clearance are left out.
    Strip,
}

impl Downgrade {
    /// The name in policies and entries.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Redact => "redact",
            Self::Strip => "strip",
        }
    }
}

/// What may lift a forbid, from its `@remedy`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Remedy {
    /// `approval:ROLE:COUNT`: so many people of that role approve.
    Approval {
        /// The role.
        role: RoleName,
        /// How many, at least 1.
        count: u8,
    },
    /// `step_up:mfa`: the principal signs in again with a second factor.
    StepUp,
    /// `downgrade:redact` or `downgrade:strip`.
    Downgrade(Downgrade),
}

/// What the action is on.
#[derive(Debug, Clone, Copy)]
pub enum Resource<'a> {
    /// The workflow itself: start, review, endorse, declassify.
    Workflow,
    /// A source.
    Source(&'a Source),
    /// A model endpoint.
    Endpoint(&'a Endpoint),
    /// A tool.
    Tool(&'a Tool),
    /// The run's output, or a step's.
    Output {
        /// Who it is for.
        audience: Audience,
        /// Whether it is itself a final decision.
        decision: Option<FinalDecision>,
    },
    /// A part of the product, by name: `bundles`, `keys`, `principals`.
    Product(&'a str),
}

/// People's approval as policies see it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ApprovalFacts {
    /// Distinct approvers.
    pub count: u8,
    /// Thresholds reached, as `ROLE:COUNT`, in the spelling of `@remedy` without `approval:`.
    pub reached: BTreeSet<(RoleName, u8)>,
    /// Whether the requester is among the approvers.
    pub by_requester: bool,
    /// Whether the approved digest is that of this very request.
    pub fits: bool,
    /// Whether it has expired.
    pub expired: bool,
}

impl ApprovalFacts {
    /// Whether this approval counts for the request at all: fresh, of this very digest, and not by the
    /// requester alone or among others.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        self.fits && !self.expired && !self.by_requester && self.count > 0
    }

    /// Whether it meets all these thresholds.
    #[must_use]
    pub fn meets(&self, thresholds: &BTreeSet<(RoleName, u8)>) -> bool {
        self.is_good() && thresholds.is_subset(&self.reached)
    }
}

/// Facts about a tool call's arguments.
#[derive(Debug, Clone, Copy)]
pub struct ArgumentFacts<'a> {
    /// The arguments, checked against the tool's schema.
    pub value: &'a Value,
    /// Sensitive arguments that are neither trusted nor endorsed.
    pub untrusted_sensitive: &'a [Path],
    /// Whether every reader of the destination may read every argument.
    pub audience_may_read: bool,
    /// Whether some argument was endorsed by reconciliation with a register.
    pub reconciled: bool,
}

/// What policies see beside principal, action and resource.
#[derive(Debug, Clone)]
pub struct Context<'a> {
    /// The tenant.
    pub tenant: &'a TenantName,
    /// The environment.
    pub environment: &'a EnvironmentName,
    /// The bundle.
    pub bundle: &'a BundleName,
    /// The workflow.
    pub workflow: &'a WorkflowName,
    /// The step, where there is one.
    pub step: Option<&'a StepName>,
    /// The workflow's risk tier.
    pub risk: RiskTier,
    /// The task class of the prompt or of the model step behind the request.
    pub class: Option<TaskClass>,
    /// Join of the labels of all that the request would send or act on.
    pub label: &'a Label,
    /// Whether that label exceeds the clearance of the destination (endpoint or tool).
    pub exceeds_clearance: bool,
    /// The arguments, for tool calls.
    pub arguments: Option<ArgumentFacts<'a>>,
    /// The approval, real or hypothetical.
    pub approval: Option<ApprovalFacts>,
    /// Whether the principal signed in freshly with a second factor.
    pub step_up: bool,
    /// Whether the principal could still do so; where not, nobody is sent to try.
    pub step_up_possible: bool,
    /// Downgrades applied to this request.
    pub downgrades: BTreeSet<Downgrade>,
    /// Whether policy said yes in advance to this act.
    pub standing: bool,
    /// Approvals that the workflow itself declares for this very act, as role and count; the ladder requires
    /// them whatever the policies say.
    pub declared_approvals: BTreeSet<(RoleName, u8)>,
    /// State of the world.
    pub world: World,
    /// Acts that this run has done so far.
    pub acts_done: u32,
    /// The attempt number of this call.
    pub attempt: u16,
    /// Now.
    pub now: Timestamp,
}

/// The state of the world that policies may depend on; set by the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct World {
    /// Incident mode: policies narrow.
    pub incident: bool,
    /// Kill switch: nothing may act.
    pub halted: bool,
}

/// One request to policy.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// Who asks.
    pub principal: &'a PrincipalFacts,
    /// What for.
    pub action: Action,
    /// On what.
    pub resource: Resource<'a>,
    /// Under which circumstances.
    pub context: Context<'a>,
}

/// A policy that determined an answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Determining {
    /// Its `@id`.
    pub id: PolicyId,
    /// Its layer.
    pub layer: Layer,
    /// Whether it forbids (otherwise it permits).
    pub forbids: bool,
    /// What may lift it.
    pub remedy: Option<Remedy>,
}

/// One two-valued answer of the policy engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluation {
    /// Whether the engine allows; ignored when there are errors.
    pub allowed: bool,
    /// The policies that made it so. None on a denial: no permit matched.
    pub determining: Vec<Determining>,
    /// Policies whose evaluation failed, and whether the request itself could not be expressed (then the
    /// list holds the single id `request`).
    pub errors: Vec<PolicyId>,
}
