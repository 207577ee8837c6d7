//! `tests/*.yaml`: one case each, of a workflow with scripted models, people and stand-ins, and what is expected
//! of it. Read and checked here; run by the shell.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use interlock_core::id::{
    EnvironmentName, ModelAlias, PolicyId, RoleName, SourceName, StepName, ToolName, WorkflowName,
};
use interlock_core::pipeline::identity::PrincipalKind;
use interlock_core::pipeline::policy::{Action, World};

mod read;

pub(crate) use read::{Known, read};

/// One case.
#[derive(Debug, Clone, PartialEq)]
pub struct TestCase {
    /// Its name, which is its file's.
    pub name: String,
    /// Its file.
    pub file: String,
    /// What it shows.
    pub purpose: Option<String>,
    /// The workflow that is run.
    pub workflow: WorkflowName,
    /// Whether the demo shows it.
    pub demo: bool,
    /// Where it runs; the first of the bundle's environments where it does not say.
    pub environment: Option<EnvironmentName>,
    /// Who asks.
    pub principal: CasePrincipal,
    /// The run's input; need not fit its schema.
    pub input: Value,
    /// What stands in for sources.
    pub sources: BTreeMap<SourceName, StandIn>,
    /// What stands in for tools; others are really called, in a scratch directory.
    pub tools: BTreeMap<ToolName, StandIn>,
    /// What models say, in order, for each alias.
    pub replies: BTreeMap<ModelAlias, Vec<Reply>>,
    /// What people say, in order.
    pub people: Vec<CaseVerdict>,
    /// The state of the world.
    pub world: World,
    /// What is expected.
    pub expect: Expectation,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CasePrincipal {
    /// Person or service.
    pub kind: PrincipalKind,
    /// Roles.
    pub roles: BTreeSet<RoleName>,
}

/// What stands in for a source or tool. An answer is still validated at the door.
#[derive(Debug, Clone, PartialEq)]
pub enum StandIn {
    /// It answers.
    Answer(Value),
    /// It fails.
    Fault(Fault),
}

/// A scripted failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It does not answer.
    Unavailable,
    /// It takes too long.
    Timeout,
    /// A model refuses.
    Refusal,
    /// A model is overloaded.
    Overloaded,
}

/// One scripted reply.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// What is said.
    pub says: Says,
    /// Whether every further call gets it too.
    pub for_each_call: bool,
}

/// What a scripted model says.
#[derive(Debug, Clone, PartialEq)]
pub enum Says {
    /// An answer: the step's output, without the envelope that models are asked for.
    Json(Value),
    /// Bytes that may be no JSON at all.
    Text(String),
    /// Nothing.
    Fault(Fault),
}

/// What a scripted person says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseVerdict {
    /// On what: a step's name, or `output`.
    pub review: String,
    /// Yes or no.
    pub approve: bool,
    /// The role that the person holds.
    pub role: RoleName,
    /// Why.
    pub reason: Option<String>,
}

/// What is expected of a case.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    /// How it ends.
    pub outcome: CaseOutcome,
    /// What it waits for, when it waits.
    pub waiting_for: Option<WaitingFor>,
    /// Decisions that must appear, in this order.
    pub decisions: Vec<ExpectedDecision>,
    /// How often tools acted.
    pub acts: Vec<ExpectedActs>,
    /// The released output, exactly.
    pub output: Option<Value>,
}

/// How a case ends, or where it stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaseOutcome {
    /// As declared.
    Completed,
    /// With a degraded value.
    Degraded,
    /// Policy or people said no.
    Denied,
    /// The input did not fit.
    Rejected,
    /// A step stopped it.
    Failed,
    /// For people.
    Waiting,
    /// An effect was started and its end is not known.
    InDoubt,
    /// A person ended it.
    Cancelled,
}

impl CaseOutcome {
    /// All outcomes, with their names in test files.
    pub const ALL: [(&'static str, Self); 8] = [
        ("completed", Self::Completed),
        ("degraded", Self::Degraded),
        ("denied", Self::Denied),
        ("rejected", Self::Rejected),
        ("failed", Self::Failed),
        ("waiting", Self::Waiting),
        ("in_doubt", Self::InDoubt),
        ("cancelled", Self::Cancelled),
    ];

    /// The name in test files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, outcome)| *outcome == self)
            .map_or("", |(name, _)| name)
    }
}

/// What a run waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitingFor {
    /// The manual queue.
    Inbox,
    /// A verdict.
    Review,
}

/// A decision that must appear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedDecision {
    /// What was asked for.
    pub action: Action,
    /// By which step; any where it does not say.
    pub step: Option<StepName>,
    /// What was said.
    pub verdict: ExpectedVerdict,
    /// Policies that must be among those that determined it.
    pub policies: Vec<PolicyId>,
}

/// A verdict by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpectedVerdict {
    /// As asked.
    Allow,
    /// With changes.
    Downgrade,
    /// After people.
    Review,
    /// No.
    Deny,
}

impl ExpectedVerdict {
    /// All verdicts, with their names in test files.
    pub const ALL: [(&'static str, Self); 4] = [
        ("allow", Self::Allow),
        ("downgrade", Self::Downgrade),
        ("review", Self::Review),
        ("deny", Self::Deny),
    ];
}

/// How often a tool acted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedActs {
    /// Which tool.
    pub tool: ToolName,
    /// How often.
    pub times: u32,
}
