//! Requests to policy as the machine makes them: one builder for each action, used when the action is decided and
//! again just before it is performed, so that both ask the same thing.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::labels;
use super::super::state::{Act, Pinned, State};
use super::super::{Program, Refusal};
use crate::id::{RoleName, StepName};
use crate::label::{Label, Path};
use crate::pipeline::identity::PrincipalFacts;
use crate::pipeline::policy::{Action, ApprovalFacts, ArgumentFacts, Context, Request, Resource};
use crate::registry::{Effect, Tool};
use crate::time::Timestamp;
use crate::workflow::{NodeKind, ReviewSpec, TaskClass, ToolStep};

/// What every request of a run has in common.
pub(super) struct Asked<'a> {
    pub(super) program: &'a Program<'a>,
    pub(super) state: &'a State,
    pub(super) pinned: &'a Pinned,
    pub(super) now: Timestamp,
}

impl<'a> Asked<'a> {
    pub(super) fn new(
        program: &'a Program<'a>,
        state: &'a State,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let pinned = state
            .pinned
            .as_ref()
            .ok_or(Refusal::Bug("the run was never requested"))?;
        Ok(Self {
            program,
            state,
            pinned,
            now,
        })
    }

    /// A request by the run's requester.
    pub(super) fn request(
        &self,
        action: Action,
        resource: Resource<'a>,
        label: &'a Label,
        step: Option<&'a StepName>,
    ) -> Request<'a> {
        self.request_by(&self.pinned.requester, action, resource, label, step)
    }

    /// A request by anyone.
    pub(super) fn request_by(
        &self,
        principal: &'a PrincipalFacts,
        action: Action,
        resource: Resource<'a>,
        label: &'a Label,
        step: Option<&'a StepName>,
    ) -> Request<'a> {
        Request {
            principal,
            action,
            resource,
            context: Context {
                tenant: self.program.tenant,
                environment: self.program.environment,
                bundle: &self.program.workflow.bundle,
                workflow: &self.program.workflow.name,
                step,
                risk: self.pinned.risk,
                class: None,
                label,
                exceeds_clearance: false,
                arguments: None,
                approval: None,
                step_up: false,
                step_up_possible: false,
                declared_approvals: BTreeSet::new(),
                downgrades: BTreeSet::new(),
                standing: false,
                world: self.program.world,
                acts_done: self.state.acts_done,
                attempt: 1,
                now: self.now,
            },
        }
    }
}

/// What a workflow declares as review, as thresholds.
pub(super) fn thresholds(spec: Option<&ReviewSpec>) -> BTreeSet<(RoleName, u8)> {
    spec.map(|spec| (spec.role.clone(), spec.quorum))
        .into_iter()
        .collect()
}

/// What policy is told of a tool call beside the arguments themselves.
pub(super) struct CallFacts {
    pub(super) label: Label,
    pub(super) untrusted_sensitive: Vec<Path>,
    pub(super) audience_may_read: bool,
    pub(super) reconciled: bool,
}

impl CallFacts {
    /// From the structure of the step's arguments.
    pub(super) fn of(
        program: &Program<'_>,
        state: &State,
        node: usize,
        step: &ToolStep,
        tool: &Tool,
    ) -> Self {
        let control = program
            .workflow
            .node(node)
            .map_or(&[][..], |node| &node.control);
        let label = labels::of_compose(program, state, &step.arguments, control);
        let untrusted_sensitive: Vec<Path> = tool
            .sensitive
            .iter()
            .filter(|path| {
                !labels::of_leaves_at(program, state, &step.arguments, control, path).is_trusted()
            })
            .cloned()
            .collect();
        let endorsed = step.arguments.leaves.iter().flat_map(|leaf| &leaf.references).any(|reference| {
            matches!(&reference.root, crate::workflow::Root::Step(step) if state.outputs.get(step).is_some_and(|held| held.endorsed))
        });
        Self {
            audience_may_read: label.readers.covers(&tool.audience),
            // Endorsed for as much as matters: a record beside an untrusted destination reconciles nothing.
            reconciled: endorsed && untrusted_sensitive.is_empty(),
            untrusted_sensitive,
            label,
        }
    }

    pub(super) fn facts<'a>(&'a self, value: &'a Value) -> ArgumentFacts<'a> {
        ArgumentFacts {
            value,
            untrusted_sensitive: &self.untrusted_sensitive,
            audience_may_read: self.audience_may_read,
            reconciled: self.reconciled,
        }
    }
}

/// Whether an act needs a review or a standing authorisation at all.
pub(super) const fn is_consequential(tool: &Tool) -> bool {
    matches!(tool.effect, Effect::Irreversible) || tool.external
}

/// Whether people or policy in advance stand behind an act that needs it. The operator's policies ask for the same;
/// this is the second lock, which holds whatever policies are in force.
pub(super) fn is_backed(tool: &Tool, standing: bool, approval: Option<&ApprovalFacts>) -> bool {
    !is_consequential(tool) || standing || approval.is_some_and(ApprovalFacts::is_good)
}

/// The request to call a tool, the same before and after a review and just before it is performed.
#[expect(
    clippy::too_many_arguments,
    reason = "each is one fact of the request; a struct would name them twice"
)]
pub(super) fn call_tool<'a>(
    asked: &Asked<'a>,
    step_name: &'a StepName,
    step: &ToolStep,
    tool: &'a Tool,
    facts: &'a CallFacts,
    arguments: &'a Value,
    standing: bool,
    approval: Option<ApprovalFacts>,
) -> Request<'a> {
    let mut request = asked.request(
        Action::CallTool,
        Resource::Tool(tool),
        &facts.label,
        Some(step_name),
    );
    request.context.class = Some(TaskClass::Execute);
    request.context.exceeds_clearance = facts.label.confidentiality > tool.clearance;
    request.context.arguments = Some(facts.facts(arguments));
    request.context.standing = standing;
    request.context.approval = approval;
    request.context.declared_approvals = thresholds(step.review.as_ref());
    request
}

/// The tool step of an act.
pub(super) fn tool_step<'p>(
    program: &'p Program<'_>,
    act: &Act,
) -> Result<(&'p ToolStep, &'p Tool), Refusal> {
    let node = program
        .workflow
        .node(act.node)
        .ok_or(Refusal::Bug("the workflow has no such node"))?;
    let NodeKind::Tool(step) = &node.kind else {
        return Err(Refusal::Bug("an act of a node that is no tool step"));
    };
    let tool = program
        .registry
        .tools
        .get(&act.tool)
        .ok_or(Refusal::Bug("the tool is not in the registry"))?;
    Ok((step, tool))
}
