//! The fold: one total match over phase and event. An event that the phase cannot take is an error naming both;
//! a journal that holds one was not written by this machine, or was edited.

use super::event::{DoubtVerdict, Event, InboxVerdict, Outcome, ReviewOutcome, Tried};
use super::state::{Act, Held, Phase, Pinned, ReviewSubject, State};
use crate::pipeline::tool::EffectKnown;
use crate::workflow::Next;

/// An event that does not fit the phase.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("fold event {event} at place {place}: the run is {phase}")]
pub struct IllegalEvent {
    /// The event's name.
    pub event: &'static str,
    /// The phase's name.
    pub phase: &'static str,
    /// How many events came before.
    pub place: u64,
}

const fn onward(next: Next) -> Phase {
    match next {
        Next::Node(node) => Phase::Ready { node },
        Next::End => Phase::Releasing,
    }
}

/// Folds one event.
///
/// # Errors
/// The phase cannot take this event.
pub fn evolve(mut state: State, event: &Event) -> Result<State, IllegalEvent> {
    let illegal = IllegalEvent {
        event: event.kind(),
        phase: state.phase.name(),
        place: state.events,
    };
    state.events += 1;
    let phase = std::mem::replace(&mut state.phase, Phase::New);
    state.phase = step(&mut state, phase, event).ok_or(illegal)?;
    Ok(state)
}

#[expect(
    clippy::too_many_lines,
    reason = "one total match over phase and event: splitting it would hide a pair"
)]
fn step(state: &mut State, phase: Phase, event: &Event) -> Option<Phase> {
    Some(match (phase, event) {
        (
            Phase::New,
            Event::RunRequested {
                workflow,
                bundle,
                version,
                risk,
                requester,
                method,
                at,
            },
        ) => {
            state.pinned = Some(Pinned {
                workflow: workflow.clone(),
                bundle: bundle.clone(),
                version: *version,
                risk: *risk,
                requester: requester.clone(),
                method: *method,
                requested_at: *at,
            });
            Phase::Requested
        }
        (Phase::Requested, Event::IntakeRejected { step: None, .. }) => Phase::Requested,
        (Phase::Requested, Event::RunStarted { input, label, next }) => {
            state.input = Some(Held {
                payload: *input,
                label: label.clone(),
                schema: None,
                endorsed: false,
            });
            onward(*next)
        }
        // A decision is a fact beside the road; what it allows is its own event.
        (phase, Event::Decided { .. })
            if !matches!(phase, Phase::New | Phase::Released | Phase::Ended { .. }) =>
        {
            phase
        }
        (
            Phase::Ready { node: at },
            Event::ReadRequested {
                node,
                step,
                call,
                source,
                query,
                label,
            },
        ) if at == *node => Phase::Reading {
            node: at,
            step: step.clone(),
            call: *call,
            source: source.clone(),
            query: *query,
            label: label.clone(),
            endorsed: false,
        },
        (
            Phase::Reading {
                node,
                step: at,
                call: current,
                ..
            },
            Event::CallFailed { step, call, .. },
        ) if at == *step && Some(current) == *call => Phase::Stuck { node: Some(node) },
        (
            Phase::Reading { node, step: at, .. },
            Event::IntakeRejected {
                step: Some(step), ..
            },
        ) if at == *step => Phase::Stuck { node: Some(node) },
        // A query, arguments or values under way that do not fit their schema: found before anything is sent.
        (Phase::Ready { node }, Event::IntakeRejected { step: Some(_), .. }) => {
            Phase::Stuck { node: Some(node) }
        }
        (Phase::Releasing, Event::IntakeRejected { step: None, .. }) => Phase::Stuck { node: None },
        (
            Phase::Reading {
                node,
                step: at,
                call,
                source,
                query,
                label,
                endorsed: false,
            },
            Event::Endorsed { step, register, .. },
        ) if at == *step && source == *register => Phase::Reading {
            node,
            step: at,
            call,
            source,
            query,
            label,
            endorsed: true,
        },
        (
            Phase::Reading {
                step: at,
                call: current,
                endorsed,
                ..
            },
            Event::ReadAccepted {
                step,
                call,
                output,
                label,
                schema,
                next,
            },
        ) if at == *step && current == *call => {
            settle(
                state,
                step,
                Held {
                    payload: *output,
                    label: label.clone(),
                    schema: Some(schema.clone()),
                    endorsed,
                },
            );
            onward(*next)
        }
        (
            Phase::Ready { node: at },
            Event::ModelRequested {
                node,
                step,
                call,
                model,
                endpoint,
                prompt,
                label,
                downgrades,
                attempt,
                ..
            },
        ) if at == *node => {
            state.attempts.insert(step.clone(), *attempt);
            Phase::Asking {
                node: at,
                step: step.clone(),
                call: *call,
                model: model.clone(),
                endpoint: endpoint.clone(),
                prompt: *prompt,
                label: label.clone(),
                downgrades: downgrades.clone(),
            }
        }
        (
            Phase::Asking {
                node,
                step: at,
                call: current,
                ..
            },
            Event::CallFailed { step, call, .. },
        ) if at == *step && Some(current) == *call => Phase::Stuck { node: Some(node) },
        (
            Phase::Asking {
                node,
                step: at,
                call: current,
                ..
            },
            Event::ModelReplied { step, call, .. },
        ) if at == *step && current == *call => Phase::Judging { node, step: at },
        (Phase::Judging { node, step: at }, Event::OutputRejected { step, problems, .. })
            if at == *step =>
        {
            state.problems = Some(*problems);
            Phase::Stuck { node: Some(node) }
        }
        (
            Phase::Judging { step: at, .. },
            Event::OutputAccepted {
                step,
                output,
                label,
                schema,
                next,
            },
        ) if at == *step => {
            settle(
                state,
                step,
                Held {
                    payload: *output,
                    label: label.clone(),
                    schema: Some(schema.clone()),
                    endorsed: false,
                },
            );
            onward(*next)
        }
        (
            Phase::Ready { .. } | Phase::Stuck { node: Some(_) },
            Event::StepDegraded {
                step,
                output,
                label,
                next,
            },
        ) => {
            state.degraded = true;
            settle(
                state,
                step,
                Held {
                    payload: *output,
                    label: label.clone(),
                    schema: None,
                    endorsed: false,
                },
            );
            onward(*next)
        }
        (
            Phase::Ready { .. },
            Event::BranchTaken {
                arm: Some(_), next, ..
            },
        ) => onward(*next),
        (Phase::Ready { node }, Event::BranchTaken { arm: None, .. }) => {
            Phase::Stuck { node: Some(node) }
        }
        (
            Phase::Ready { node: at },
            Event::ActProposed {
                node,
                step,
                act,
                tool,
                content,
                digest,
                label,
                standing,
            },
        ) if at == *node => Phase::Proposed {
            act: Act {
                id: *act,
                node: at,
                step: step.clone(),
                tool: tool.clone(),
                content: *content,
                digest: *digest,
                label: label.clone(),
                standing: *standing,
                review: None,
                attempts: 0,
                may_have_acted: false,
            },
        },
        (Phase::Proposed { act }, Event::ReviewRequested { review, .. })
            if review.subject == ReviewSubject::Act(act.id) && review.digest == act.digest =>
        {
            Phase::Reviewing {
                review: review.clone(),
                act: Some(act),
            }
        }
        (Phase::Ready { .. } | Phase::Releasing, Event::ReviewRequested { review, .. })
            if !matches!(review.subject, ReviewSubject::Act(_)) =>
        {
            Phase::Reviewing {
                review: review.clone(),
                act: None,
            }
        }
        (
            Phase::Proposed { act },
            Event::InboxOpened {
                item,
                kind,
                act: Some(id),
                ..
            },
        ) if act.id == *id => Phase::Waiting {
            node: Some(act.node),
            step: Some(act.step.clone()),
            item: *item,
            kind: *kind,
            act: Some(act),
        },
        (
            Phase::Proposed { act },
            Event::FallbackTaken { .. }
            | Event::InboxOpened { .. }
            | Event::RunEnded { .. }
            | Event::StepDegraded { .. },
        ) => {
            return step_from_stuck(state, Some(act.node), event);
        }
        (
            Phase::Reviewing { mut review, act },
            Event::ReviewVoted {
                review: id,
                voter,
                roles,
                approve,
                ..
            },
        ) if review.id == *id => {
            if *approve {
                review
                    .approvals
                    .push((*voter, roles.iter().cloned().collect()));
            }
            Phase::Reviewing { review, act }
        }
        (
            Phase::Reviewing { review, act },
            Event::ReviewSettled {
                review: id,
                outcome,
            },
        ) if review.id == *id => match outcome {
            // The thresholds are held against the votes themselves, not against what the event says of them.
            ReviewOutcome::Approved if is_met(&review) => Phase::Approved { review, act },
            ReviewOutcome::Approved => return None,
            ReviewOutcome::Rejected | ReviewOutcome::Expired => Phase::Stuck { node: review.node },
            ReviewOutcome::Voided => again(review.node),
        },
        (
            Phase::Approved { review, .. },
            Event::ReviewSettled {
                review: id,
                outcome: ReviewOutcome::Voided,
            },
        ) if review.id == *id => again(review.node),
        (Phase::Approved { review, .. }, Event::ReviewPassed { step, next })
            if review.step.as_ref() == Some(step)
                && matches!(review.subject, ReviewSubject::Output | ReviewSubject::Shown) =>
        {
            onward(*next)
        }
        (
            Phase::Approved { review, .. },
            Event::FallbackTaken { .. }
            | Event::InboxOpened { .. }
            | Event::RunEnded { .. }
            | Event::StepDegraded { .. },
        ) => {
            return step_from_stuck(state, review.node, event);
        }
        (Phase::Proposed { act }, Event::ActStarted { grant, epoch, .. })
            if grant.act == act.id && grant.digest == act.digest =>
        {
            start(act, *grant, *epoch)
        }
        (
            Phase::Approved {
                review,
                act: Some(mut act),
            },
            Event::ActStarted { grant, epoch, .. },
        ) if grant.act == act.id && grant.digest == act.digest => {
            act.review = Some(review);
            start(act, *grant, *epoch)
        }
        (
            Phase::Acting {
                act, grant: before, ..
            },
            Event::ActStarted { grant, epoch, .. },
        ) if grant.act == act.id && grant.digest == act.digest && grant.id != before.id => {
            start(act, *grant, *epoch)
        }
        (
            Phase::Acting { act, grant, .. },
            Event::ActFinished {
                act: id,
                grant: used,
                step,
                output,
                label,
                schema,
                next,
            },
        ) if act.id == *id && grant.id == *used => {
            state.acts_done += 1;
            settle(
                state,
                step,
                Held {
                    payload: *output,
                    label: label.clone(),
                    schema: Some(schema.clone()),
                    endorsed: false,
                },
            );
            onward(*next)
        }
        // The act stays current: what follows decides between a new grant, a fallback and a person.
        (
            Phase::Acting {
                mut act,
                grant,
                epoch,
            },
            Event::ActFailed {
                act: id,
                grant: used,
                known,
                ..
            },
        ) if act.id == *id && grant.id == *used => {
            act.may_have_acted |= *known == EffectKnown::Unknown;
            Phase::Acting { act, grant, epoch }
        }
        (Phase::Acting { act, grant, epoch }, Event::ActRetried { act: id, cause, .. })
            if act.id == *id =>
        {
            *state.taken.entry((act.step.clone(), *cause)).or_insert(0) += 1;
            Phase::Acting { act, grant, epoch }
        }
        (
            Phase::Acting {
                mut act,
                grant,
                epoch,
            },
            Event::IntakeRejected {
                step: Some(step), ..
            },
        ) if act.step == *step => {
            act.may_have_acted = true;
            Phase::Acting { act, grant, epoch }
        }
        (
            Phase::Acting { act, .. },
            Event::InboxOpened {
                item,
                kind,
                act: Some(id),
                ..
            },
        ) if act.id == *id => Phase::Waiting {
            node: Some(act.node),
            step: Some(act.step.clone()),
            item: *item,
            kind: *kind,
            act: Some(act),
        },
        (
            Phase::Acting { act, .. },
            Event::FallbackTaken { .. }
            | Event::InboxOpened { .. }
            | Event::RunEnded { .. }
            | Event::StepDegraded { .. },
        ) => {
            return step_from_stuck(state, Some(act.node), event);
        }
        (
            Phase::Waiting {
                node,
                step,
                item,
                act,
                ..
            },
            Event::InboxSettled {
                item: id, verdict, ..
            },
        ) if item == *id => match verdict {
            InboxVerdict::Retry => again(node),
            // The act is proposed still: what follows is a new attempt of it, or another proposal.
            InboxVerdict::Doubt(DoubtVerdict::DidNotHappen) => {
                let act = act?;
                state.doubted.insert(act.step.clone());
                Phase::Proposed { act }
            }
            InboxVerdict::Cancelled => Phase::Stuck { node },
            InboxVerdict::Completed => Phase::Judging {
                node: node?,
                step: step?,
            },
            InboxVerdict::Doubt(DoubtVerdict::Happened) => {
                state.acts_done += 1;
                let act = act?;
                Phase::Judging {
                    node: act.node,
                    step: act.step,
                }
            }
        },
        (Phase::Releasing, Event::Released { output, .. }) => {
            state.released = Some(*output);
            Phase::Released
        }
        (Phase::Approved { review, act: None }, Event::Released { output, .. })
            if review.subject == ReviewSubject::Release =>
        {
            state.released = Some(*output);
            Phase::Released
        }
        (Phase::Released, Event::RunEnded { outcome, .. }) => Phase::Ended { outcome: *outcome },
        (Phase::Stuck { node }, event) => return step_from_stuck(state, node, event),
        (Phase::Ready { node }, Event::FallbackTaken { .. } | Event::InboxOpened { .. }) => {
            return step_from_stuck(state, Some(node), event);
        }
        (Phase::Releasing, Event::InboxOpened { .. }) => {
            return step_from_stuck(state, None, event);
        }
        // Whoever started the act did not live to see its end.
        (
            Phase::Acting {
                mut act,
                grant,
                epoch: started,
            },
            Event::Recovered { epoch },
        ) if *epoch > state.epoch => {
            state.epoch = *epoch;
            act.may_have_acted = true;
            Phase::Acting {
                act,
                grant,
                epoch: started,
            }
        }
        (phase, Event::Recovered { epoch })
            if *epoch > state.epoch && !matches!(phase, Phase::Ended { .. }) =>
        {
            state.epoch = *epoch;
            phase
        }
        // A person may end a run wherever it is, and a denied or rejected request ends where it stands. Only what was
        // released is complete.
        (phase, Event::RunEnded { outcome, .. })
            if !matches!(phase, Phase::New | Phase::Ended { .. }) && !is_complete(*outcome) =>
        {
            Phase::Ended { outcome: *outcome }
        }
        _ => return None,
    })
}

/// What may follow a step that cannot go on as declared.
fn step_from_stuck(state: &mut State, at: Option<usize>, event: &Event) -> Option<Phase> {
    match event {
        Event::FallbackTaken {
            node,
            step,
            cause,
            tried,
        } if at == Some(*node) => {
            *state.taken.entry((step.clone(), *cause)).or_insert(0) += 1;
            match tried {
                Tried::Repair => {}
                Tried::Retry => state.problems = None,
                Tried::Model(alias) => {
                    state.model = Some(alias.clone());
                    state.problems = None;
                }
            }
            Some(Phase::Ready { node: *node })
        }
        Event::InboxOpened {
            node,
            step,
            item,
            kind,
            act: None,
        } if at == *node => {
            state.problems = None;
            Some(Phase::Waiting {
                node: *node,
                step: step.clone(),
                item: *item,
                kind: *kind,
                act: None,
            })
        }
        Event::StepDegraded {
            step,
            output,
            label,
            next,
        } => {
            state.degraded = true;
            settle(
                state,
                step,
                Held {
                    payload: *output,
                    label: label.clone(),
                    schema: None,
                    endorsed: false,
                },
            );
            Some(onward(*next))
        }
        Event::RunEnded { outcome, .. } if !is_complete(*outcome) => {
            Some(Phase::Ended { outcome: *outcome })
        }
        Event::Recovered { epoch } if *epoch > state.epoch => {
            state.epoch = *epoch;
            Some(Phase::Stuck { node: at })
        }
        Event::Decided { .. } => Some(Phase::Stuck { node: at }),
        _ => None,
    }
}

const fn is_complete(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Completed | Outcome::Degraded)
}

/// Whether so many approvers hold each role as the review asks for.
fn is_met(review: &super::state::Review) -> bool {
    review.thresholds.iter().all(|(role, count)| {
        let holders = review
            .approvals
            .iter()
            .filter(|(_, roles)| roles.contains(role));
        holders.count() >= usize::from(*count)
    })
}

fn start(mut act: Act, grant: crate::pipeline::tool::Grant, epoch: u64) -> Phase {
    act.attempts = grant.attempt;
    Phase::Acting { act, grant, epoch }
}

const fn again(node: Option<usize>) -> Phase {
    match node {
        Some(node) => Phase::Ready { node },
        None => Phase::Releasing,
    }
}

/// Takes a step's output; what was tried for the step is over.
fn settle(state: &mut State, step: &crate::id::StepName, held: Held) {
    state.outputs.insert(step.clone(), held);
    state.model = None;
    state.problems = None;
}
