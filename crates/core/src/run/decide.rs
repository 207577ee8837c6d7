//! What came from outside → events and payloads to be stored in one transaction. One file for each thing that can
//! happen. A denial is an event; an input that the state cannot take is a [`Refusal`] and stores nothing.

use super::evolve::evolve;
use super::fresh::Fresh;
use super::state::{Phase, ReviewSubject, State};
use super::{
    Arrival, Content, Decided, Draft, Event, Input, Opened, Parts, Program, Refusal, Slot, parts,
};
use crate::id::{CallId, DecisionId, PayloadId, PrincipalId};
use crate::label::Label;
use crate::pipeline::policy::{Decision, Permit, Request, Reshape};
use crate::time::Timestamp;
use crate::workflow::Node;

mod act;
mod branch;
mod fallback;
mod model;
mod perform;
mod prepare;
mod recover;
mod release;
mod requests;
mod retrieve;
mod review;
mod settle;
mod start;

pub use perform::{executable, readable, showable};

/// Decides what an arrival means for a run.
///
/// # Errors
/// The state cannot take this input; nothing is to be stored.
pub fn decide(program: &Program<'_>, state: &State, arrival: Arrival) -> Result<Decided, Refusal> {
    let Arrival {
        now,
        entropy,
        opened,
        input,
    } = arrival;
    let mut turn = Turn {
        program,
        state: state.clone(),
        now,
        fresh: Fresh::new(entropy, now),
        opened,
        out: Decided::default(),
    };
    match input {
        Input::Start(start) => turn.start(*start)?,
        // The bound ends new work; what has begun is still finished, settled or cancelled.
        Input::Opened if state.events >= crate::limits::RUN_EVENTS_MAX => {
            turn.end(crate::run::event::Outcome::Failed)?;
        }
        Input::Opened => turn.go_on()?,
        Input::Read { call, result } => turn.read(call, result)?,
        Input::Replied { call, result } => turn.replied(call, result)?,
        Input::Acted { act, grant, result } => turn.acted(act, grant, result)?,
        Input::Vote {
            review,
            voter,
            digest,
            approve,
            reason,
        } => turn.vote(review, &voter, digest, approve, reason)?,
        Input::Settle { item, by, verdict } => turn.settle(item, &by, verdict)?,
        Input::Tick => turn.tick()?,
        Input::Recovered { epoch } => turn.recovered(epoch)?,
        Input::PayloadGone { payload } => turn.payload_gone(payload)?,
        Input::Cancel { by } => turn.cancel(&by)?,
    }
    Ok(turn.finish())
}

/// One decision in the making: the state as it will be, and what is to be stored for it.
struct Turn<'p> {
    program: &'p Program<'p>,
    state: State,
    now: Timestamp,
    fresh: Fresh,
    opened: Opened,
    out: Decided,
}

impl<'p> Turn<'p> {
    /// Records an event and folds it: what follows is decided on the state that it leads to.
    fn say(&mut self, event: Event) -> Result<(), Refusal> {
        self.state = evolve(self.state.clone(), &event)
            .map_err(|_| Refusal::Bug("an event does not fit its own state"))?;
        self.out.events.push(event);
        Ok(())
    }

    /// A payload to be sealed with these events.
    fn draft(&mut self, slot: Slot, label: &Label, content: serde_json::Value) -> PayloadId {
        let id = PayloadId::from_bytes(self.fresh.id());
        self.out.drafts.push(Draft {
            id,
            slot,
            label: label.clone(),
            content,
            parts: Parts::default(),
        });
        id
    }

    /// What was decided, with the labels of the drafts' parts.
    fn finish(mut self) -> Decided {
        let mut out = std::mem::take(&mut self.out);
        for draft in &mut out.drafts {
            let introduced = |event: &&Event| event.introduces().contains(&draft.id);
            if let Some(event) = out.events.iter().find(introduced) {
                draft.parts.fields = parts::fields(self.program, &self.state, event, draft);
            }
        }
        out
    }

    /// Asks policy and records its decision.
    fn ask(
        &mut self,
        request: &Request<'_>,
        reshape: Reshape<'_>,
        target: &str,
        asker: Option<PrincipalId>,
    ) -> Result<(Decision, Option<Permit>), Refusal> {
        let id = DecisionId::from_bytes(self.fresh.id());
        let (decision, permit) =
            crate::pipeline::policy::decide(self.program.guards, id, request, reshape);
        self.say(Event::Decided {
            decision: decision.clone(),
            step: request.context.step.cloned(),
            target: target.to_owned(),
            label: request.context.label.clone(),
            asker,
        })?;
        Ok((decision, permit))
    }

    fn node(&self, index: usize) -> Result<&'p Node, Refusal> {
        self.program
            .workflow
            .node(index)
            .ok_or(Refusal::Bug("the workflow has no such node"))
    }

    fn call(&mut self) -> CallId {
        CallId::from_bytes(self.fresh.id())
    }

    const fn not_now(&self, input: &'static str) -> Refusal {
        Refusal::NotNow {
            input,
            phase: self.state.phase.name(),
        }
    }

    fn content(&self) -> Result<Content, Refusal> {
        self.opened.content.clone().ok_or(Refusal::NotOpened)
    }

    /// Opened payloads: the next thing that needs no call to the outside.
    fn go_on(&mut self) -> Result<(), Refusal> {
        match self.state.phase.clone() {
            Phase::Ready { node } => self.prepare(node),
            Phase::Releasing => self.release(),
            Phase::Approved {
                review,
                act: Some(act),
            } => self.start_approved(review, act),
            Phase::Approved { review, act: None } if review.subject == ReviewSubject::Release => {
                self.release_approved(&review)
            }
            // Any other phase that `pending` maps to a decision shares a transaction with what follows it; a log
            // that ends there was cut. A person looks at it.
            Phase::Approved { .. }
            | Phase::Stuck { .. }
            | Phase::Proposed { .. }
            | Phase::Judging { .. } => Err(Refusal::Bug("the log ends within a transaction")),
            Phase::New
            | Phase::Requested
            | Phase::Reading { .. }
            | Phase::Asking { .. }
            | Phase::Reviewing { .. }
            | Phase::Acting { .. }
            | Phase::Waiting { .. }
            | Phase::Released
            | Phase::Ended { .. } => Err(self.not_now("opened payloads")),
        }
    }
}
