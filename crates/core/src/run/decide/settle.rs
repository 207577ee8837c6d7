//! A person settles what waits in the inbox: writes the output by hand (checked like a model's), tries again, says
//! what became of an act in doubt, or ends the run.

use serde_json::Value;

use super::Turn;
use super::model::{Shown, evidence};
use super::requests::{Asked, tool_step};
use crate::id::InboxId;
use crate::label::{Integrity, Label, Path};
use crate::limits;
use crate::pipeline::identity::{Principal, PrincipalKind};
use crate::pipeline::intake;
use crate::pipeline::policy::{Action, Resource};
use crate::pipeline::validation::{Rejection, check};
use crate::registry::Recovery;
use crate::run::event::{Cause, DoubtVerdict, InboxKind, InboxVerdict, Outcome, Tried};
use crate::run::{Act, Event, Phase, Refusal, Settlement, Slot};
use crate::workflow::{ModelStep, Node, NodeKind};

impl Turn<'_> {
    pub(super) fn settle(
        &mut self,
        id: InboxId,
        by: &Principal,
        verdict: Settlement,
    ) -> Result<(), Refusal> {
        let Phase::Waiting {
            node,
            item,
            kind,
            act,
            ..
        } = self.state.phase.clone()
        else {
            return Err(self.not_now("a settlement"));
        };
        if item != id {
            return Err(Refusal::NotCurrent("the inbox item"));
        }
        if by.kind() != PrincipalKind::Person {
            return Err(Refusal::Settlement("only people settle"));
        }
        // What became of an act is not for those to say who asked for it.
        if kind == InboxKind::InDoubt && self.asked_for_it(by) {
            return Err(Refusal::OwnRequest);
        }
        if !self.permitted_to_settle(by)? {
            return Ok(());
        }
        let settled = |verdict| Event::InboxSettled {
            item: id,
            by: by.id(),
            verdict,
        };
        match (kind, verdict) {
            (InboxKind::InDoubt, Settlement::Cancel) => {
                Err(Refusal::Settlement("say first whether the act happened"))
            }
            (_, Settlement::Cancel) => {
                self.say(settled(InboxVerdict::Cancelled))?;
                self.say(Event::RunEnded {
                    outcome: Outcome::Cancelled,
                    by: Some(by.id()),
                })
            }
            (InboxKind::InDoubt, Settlement::Happened(value)) => {
                let act = act.ok_or(Refusal::Bug("nothing is in doubt"))?;
                self.happened(
                    &act,
                    settled(InboxVerdict::Doubt(DoubtVerdict::Happened)),
                    value,
                )
            }
            (InboxKind::InDoubt, Settlement::DidNotHappen) => {
                let act = act.ok_or(Refusal::Bug("nothing is in doubt"))?;
                self.say(settled(InboxVerdict::Doubt(DoubtVerdict::DidNotHappen)))?;
                self.did_not_happen(&act)
            }
            (InboxKind::InDoubt, Settlement::Retry | Settlement::Complete(_)) => {
                Err(Refusal::Settlement("say first whether the act happened"))
            }
            (
                InboxKind::Manual(_) | InboxKind::Release | InboxKind::PayloadGone,
                Settlement::Happened(_) | Settlement::DidNotHappen,
            ) => Err(Refusal::Settlement("nothing is in doubt here")),
            (
                InboxKind::Manual(_) | InboxKind::Release | InboxKind::PayloadGone,
                Settlement::Retry,
            ) => self.say(settled(InboxVerdict::Retry)),
            (InboxKind::Manual(_) | InboxKind::PayloadGone, Settlement::Complete(value)) => {
                let index =
                    node.ok_or(Refusal::Settlement("the release is not written by hand"))?;
                let node = self.node(index)?;
                let NodeKind::Model(step) = &node.kind else {
                    return Err(Refusal::Settlement(
                        "only the output of an AI step is written by hand",
                    ));
                };
                self.complete(index, node, step, settled(InboxVerdict::Completed), value)
            }
            (InboxKind::Release, Settlement::Complete(_)) => {
                Err(Refusal::Settlement("the release is not written by hand"))
            }
        }
    }

    fn asked_for_it(&self, by: &Principal) -> bool {
        self.state.pinned.as_ref().is_none_or(|pinned| {
            let requester = &pinned.requester;
            requester.id == by.id()
                || requester.act_for == Some(by.id())
                || by.act_for() == Some(requester.id)
        })
    }

    /// The act did not happen. Where its target takes a key, the same act is tried again under the same key, so that
    /// a person who is mistaken does no harm; otherwise it is proposed anew, and people decide on it.
    fn did_not_happen(&mut self, act: &Act) -> Result<(), Refusal> {
        let (_, tool) = tool_step(self.program, act)?;
        match tool.recovery {
            Recovery::Rerun | Recovery::Keyed => self.attempt_again(act),
            Recovery::Query | Recovery::Never => self.say(Event::FallbackTaken {
                node: act.node,
                step: act.step.clone(),
                cause: Cause::Unavailable,
                tried: Tried::Retry,
            }),
        }
    }

    /// Asks policy whether this person may settle; a no is journalled and told to the caller.
    fn permitted_to_settle(&mut self, by: &Principal) -> Result<bool, Refusal> {
        let state = self.state.clone();
        let asked = Asked::new(self.program, &state, self.now)?;
        let facts = by.facts();
        let label = state
            .input
            .as_ref()
            .map_or_else(Label::unlabelled, |held| self.whole(held));
        let request = asked.request_by(&facts, Action::Review, Resource::Workflow, &label, None);
        let target = self.program.workflow.name.as_str().to_owned();
        let (decision, permit) = self.ask(&request, None, &target, Some(by.id()))?;
        if permit.is_none() {
            self.out.denied = Some(decision);
        }
        Ok(permit.is_some())
    }

    /// An output written by hand carries what the model's would have: the person has seen the same, and what they
    /// pass on from it is no more trusted than it was.
    fn complete(
        &mut self,
        index: usize,
        node: &Node,
        step: &ModelStep,
        settled: Event,
        value: Value,
    ) -> Result<(), Refusal> {
        let scope = std::mem::take(&mut self.opened.scope);
        let judged = check(
            self.program.shapes,
            &step.output,
            value,
            &evidence(step, &scope),
        );
        self.opened.scope = scope;
        let value = match judged {
            Ok(validated) => validated.into_value(),
            Err(Rejection::Invalid(_, violations) | Rejection::Uncertain(_, violations)) => {
                return Err(Refusal::ValueInvalid(violations));
            }
        };
        let prompt = self
            .program
            .prompts
            .get(&step.prompt)
            .ok_or(Refusal::Bug("the prompt is not in the bundle"))?;
        let shown = Shown::of(self.program, &self.state, node, prompt);
        let label = Label::join_all(&shown.slots).join(&shown.control);
        self.say(settled)?;
        self.accept_output(index, node, step, value, &label)
    }

    fn happened(&mut self, act: &Act, settled: Event, value: Value) -> Result<(), Refusal> {
        let node = self.node(act.node)?;
        let (_, tool) = tool_step(self.program, act)?;
        // The person vouches that it acted, not for what a stranger's system would have answered.
        let label = Label {
            integrity: Integrity::Untrusted,
            ..act.label.clone()
        };
        let value = intake::accept(
            self.program.shapes,
            &tool.result,
            value,
            0,
            limits::TOOL_RESULT_BYTES_MAX,
        )
        .map_err(Refusal::ValueInvalid)?
        .into_value();
        self.say(settled)?;
        let whole = label.join(&self.program.shapes.labels(&tool.result).at(&Path::root()));
        let output = self.draft(Slot::ToolResult, &whole, value);
        self.say(Event::OutputAccepted {
            step: act.step.clone(),
            output,
            label,
            schema: tool.result.clone(),
            next: node.next,
        })
    }

    /// A person ends the run. An act under way is not stopped by that: it is settled first.
    pub(super) fn cancel(&mut self, by: &Principal) -> Result<(), Refusal> {
        if matches!(
            self.state.phase,
            Phase::New
                | Phase::Requested
                | Phase::Acting { .. }
                | Phase::Released
                | Phase::Ended { .. }
        ) {
            return Err(self.not_now("a cancellation"));
        }
        if let Phase::Waiting {
            kind: InboxKind::InDoubt,
            ..
        } = &self.state.phase
        {
            return Err(Refusal::Settlement("say first whether the act happened"));
        }
        let requester = self.state.pinned.as_ref().map(|pinned| pinned.requester.id);
        if requester != Some(by.id()) && !self.permitted_to_settle(by)? {
            return Ok(());
        }
        self.say(Event::RunEnded {
            outcome: Outcome::Cancelled,
            by: Some(by.id()),
        })
    }

    /// A payload that the current node needs was erased: a person decides what becomes of the run.
    pub(super) fn payload_gone(&mut self, payload: crate::id::PayloadId) -> Result<(), Refusal> {
        if !crate::run::needs(self.program, &self.state)
            .iter()
            .any(|need| need.payload == payload)
        {
            return Err(Refusal::NotCurrent("the payload"));
        }
        match self.state.phase.clone() {
            Phase::Ready { node } => self.open_inbox(Some(node), InboxKind::PayloadGone),
            Phase::Releasing => self.open_inbox(None, InboxKind::PayloadGone),
            Phase::Reading {
                node, step, call, ..
            }
            | Phase::Asking {
                node, step, call, ..
            } => {
                let fault = crate::pipeline::model::CallFault::Withdrawn;
                self.say(Event::CallFailed {
                    step,
                    call: Some(call),
                    fault,
                })?;
                self.open_inbox(Some(node), InboxKind::PayloadGone)
            }
            Phase::Approved { review, .. } => self.open_inbox(review.node, InboxKind::PayloadGone),
            Phase::Reviewing { review, .. } => {
                // Nobody said no: what was to be voted on is gone.
                let outcome = crate::run::event::ReviewOutcome::Voided;
                self.say(Event::ReviewSettled {
                    review: review.id,
                    outcome,
                })?;
                self.open_inbox(review.node, InboxKind::PayloadGone)
            }
            Phase::Acting { act, .. } => self.in_doubt(&act),
            Phase::New
            | Phase::Requested
            | Phase::Judging { .. }
            | Phase::Stuck { .. }
            | Phase::Proposed { .. }
            | Phase::Waiting { .. }
            | Phase::Released
            | Phase::Ended { .. } => Err(self.not_now("an erased payload")),
        }
    }
}
