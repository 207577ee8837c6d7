//! Just before an effect is performed: digest, expiry and the policies of now are checked again, and only then is
//! the proof made that the executing side takes. The state holds facts, never these proofs.

use super::model::{Shown, call_model};
use super::requests::{Asked, CallFacts, call_tool, is_backed, tool_step};
use crate::id::DecisionId;
use crate::pipeline::model::Showing;
use crate::pipeline::policy::{Action, Resource, decide};
use crate::pipeline::prompt::reply_schema;
use crate::pipeline::review::approval_facts;
use crate::pipeline::source::Reading;
use crate::pipeline::tool::{ActFacts, ExecutableCall};
use crate::run::{Opened, Phase, Program, State};
use crate::time::Timestamp;
use crate::workflow::NodeKind;

/// The check just before an effect said no. What is journalled is that the call was withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("perform the effect: {0}")]
pub struct Withdrawn(&'static str);

/// Nothing is recorded by these checks, so their decision needs no id of its own.
const UNRECORDED: DecisionId = DecisionId::from_bytes([0; 16]);

/// The right to read, where the state awaits a source's answer and policy still allows it.
///
/// # Errors
/// It does not, or a payload is not open.
pub fn readable(
    program: &Program<'_>,
    state: &State,
    opened: &mut Opened,
    now: Timestamp,
) -> Result<Reading, Withdrawn> {
    let Phase::Reading {
        step,
        call,
        source,
        label,
        ..
    } = &state.phase
    else {
        return Err(Withdrawn("no source is to be read"));
    };
    let source = program
        .registry
        .sources
        .get(source)
        .ok_or(Withdrawn("the source is not in the registry"))?;
    let query = opened
        .query
        .take()
        .ok_or(Withdrawn("the query is not open"))?;
    let asked =
        Asked::new(program, state, now).map_err(|_| Withdrawn("the run was never requested"))?;
    let request = asked.request(
        Action::ReadSource,
        Resource::Source(source),
        label,
        Some(step),
    );
    let (_, permit) = decide(program.guards, UNRECORDED, &request, None);
    let permit = permit.ok_or(Withdrawn("policy no longer allows it"))?;
    Reading::new(permit, state.run, *call, source, query)
        .ok_or(Withdrawn("the permit is for another action"))
}

/// The right to show the prompt, where the state awaits a model's reply and policy still allows exactly what was
/// assembled.
///
/// # Errors
/// It does not, or a payload is not open.
pub fn showable(
    program: &Program<'_>,
    state: &State,
    opened: &mut Opened,
    now: Timestamp,
) -> Result<Showing, Withdrawn> {
    let Phase::Asking {
        node,
        call,
        model,
        endpoint: decided,
        label,
        downgrades,
        step,
        ..
    } = &state.phase
    else {
        return Err(Withdrawn("no model is to be asked"));
    };
    let node = program
        .workflow
        .node(*node)
        .ok_or(Withdrawn("the workflow has no such node"))?;
    let NodeKind::Model(ask) = &node.kind else {
        return Err(Withdrawn("the node asks no model"));
    };
    let prompt = program
        .prompts
        .get(&ask.prompt)
        .ok_or(Withdrawn("the prompt is not in the bundle"))?;
    let endpoint = program
        .registry
        .endpoint(model)
        .filter(|endpoint| endpoint.name == *decided)
        .ok_or(Withdrawn("the model stands for another endpoint now"))?;
    let text = opened
        .prompt
        .take()
        .ok_or(Withdrawn("the prompt is not open"))?;
    let schema = program
        .shapes
        .text(&ask.output)
        .ok_or(Withdrawn("the output's schema is not in the bundle"))?;
    let asked =
        Asked::new(program, state, now).map_err(|_| Withdrawn("the run was never requested"))?;
    // What the prompt shows now must carry no more than what was decided on.
    let shown = Shown::of(program, state, node, prompt).label(endpoint, downgrades);
    if shown != *label {
        return Err(Withdrawn("the labels of what is shown have changed"));
    }
    let attempt = state.attempts.get(step).copied().unwrap_or(1);
    let request = call_model(
        &asked,
        node,
        prompt,
        endpoint,
        label,
        downgrades.clone(),
        attempt,
    );
    let (_, permit) = decide(program.guards, UNRECORDED, &request, None);
    let permit = permit.ok_or(Withdrawn("policy no longer allows it"))?;
    if permit.downgrades() != downgrades {
        return Err(Withdrawn("policy now allows it with other downgrades only"));
    }
    Showing::new(
        permit,
        *call,
        endpoint.name.clone(),
        text,
        reply_schema(schema),
        ask.output_tokens_max,
    )
    .ok_or(Withdrawn("the permit is for another action"))
}

/// The right to call the tool, where the state has started an act in this epoch, its grant still fits the very
/// arguments, and policy still allows it.
///
/// # Errors
/// It does not, or a payload is not open.
pub fn executable(
    program: &Program<'_>,
    state: &State,
    opened: &mut Opened,
    now: Timestamp,
) -> Result<ExecutableCall, Withdrawn> {
    let Phase::Acting { act, grant, epoch } = &state.phase else {
        return Err(Withdrawn("no act has started"));
    };
    if *epoch != state.epoch {
        return Err(Withdrawn(
            "the act was started before the run was taken over",
        ));
    }
    let (step, tool) =
        tool_step(program, act).map_err(|_| Withdrawn("the act's tool is not there"))?;
    let node = program
        .workflow
        .node(act.node)
        .ok_or(Withdrawn("the workflow has no such node"))?;
    // Kept open besides: a declared retry of the same act is decided on the same arguments.
    let content = opened
        .content
        .clone()
        .ok_or(Withdrawn("the arguments are not open"))?;
    let facts = CallFacts::of(program, state, act.node, step, tool);
    let bound = ActFacts {
        run: state.run,
        step: &node.step,
        act: act.id,
        tool: &tool.name,
        arguments: &content.value,
        label: &facts.label,
        policy: program.guards.version(),
    };
    let current = crate::pipeline::tool::act_digest(&content.key, &bound);
    let asked =
        Asked::new(program, state, now).map_err(|_| Withdrawn("the run was never requested"))?;
    let approval = act.review.as_ref().map(|review| {
        let requester = (asked.pinned.requester.id, asked.pinned.requester.act_for);
        approval_facts(
            &review.approvals,
            &review.thresholds,
            requester,
            review.digest,
            current,
            review.expires_at,
            now,
        )
    });
    // What policy said in advance is asked again too: it may depend on the time, or on the state of the world.
    let standing = act.standing && {
        let mut request = call_tool(
            &asked,
            &node.step,
            step,
            tool,
            &facts,
            &content.value,
            false,
            None,
        );
        request.action = Action::AuthoriseStanding;
        decide(program.guards, UNRECORDED, &request, None)
            .1
            .is_some()
    };
    if !is_backed(tool, standing, approval.as_ref()) {
        return Err(Withdrawn("nobody stands behind it any more"));
    }
    let request = call_tool(
        &asked,
        &node.step,
        step,
        tool,
        &facts,
        &content.value,
        standing,
        approval,
    );
    let (_, permit) = decide(program.guards, UNRECORDED, &request, None);
    let permit = permit.ok_or(Withdrawn("policy no longer allows it"))?;
    ExecutableCall::new(permit, *grant, &content.key, &bound, tool, now)
        .map_err(|_| Withdrawn("the grant does not fit the call"))
}
