//! A step cannot go on as declared: the next of its fallbacks for this cause. An exhausted or missing list goes to
//! the inbox, never to silence.

use super::super::labels;
use super::Turn;
use crate::id::{InboxId, ModelAlias};
use crate::label::{Integrity, Label};
use crate::limits::ATTEMPTS_MAX;
use crate::run::event::{Cause, InboxKind, Outcome, Tried};
use crate::run::{Event, Refusal, Slot};
use crate::workflow::{Fallback, Fallbacks};

/// What a list of fallbacks comes to after so many were taken.
enum Step {
    Try(Tried),
    Degraded(usize),
    Inbox,
    Stop,
}

fn list(fallbacks: &Fallbacks, cause: Cause) -> &[Fallback] {
    match cause {
        Cause::Invalid => &fallbacks.on_invalid,
        Cause::Unavailable => &fallbacks.on_unavailable,
        Cause::Denied => &fallbacks.on_denied,
        Cause::Timeout => &fallbacks.on_timeout,
        Cause::Uncertain => &fallbacks.on_uncertain,
    }
}

fn next(fallbacks: &[Fallback], taken: u8) -> Step {
    let mut left = usize::from(taken);
    for fallback in fallbacks {
        let (times, step) = match fallback {
            Fallback::Repair(times) => (usize::from(*times), Step::Try(Tried::Repair)),
            Fallback::Retry(times) => (usize::from(*times), Step::Try(Tried::Retry)),
            Fallback::Model(alias) => (1, Step::Try(Tried::Model(ModelAlias::clone(alias)))),
            Fallback::Inbox => return Step::Inbox,
            Fallback::Degraded(value) => return Step::Degraded(*value),
            Fallback::Stop => return Step::Stop,
        };
        if left < times {
            return step;
        }
        left -= times;
    }
    Step::Inbox
}

impl Turn<'_> {
    /// Whether the next fallback for this cause is to try the same thing again.
    pub(super) fn may_retry(&self, index: usize, cause: Cause) -> Result<bool, Refusal> {
        let node = self.node(index)?;
        let taken = self
            .state
            .taken
            .get(&(node.step.clone(), cause))
            .copied()
            .unwrap_or(0);
        Ok(matches!(
            next(list(&node.fallbacks, cause), taken),
            Step::Try(Tried::Retry)
        ))
    }

    pub(super) fn fall(&mut self, index: usize, cause: Cause) -> Result<(), Refusal> {
        let node = self.node(index)?;
        let taken = self
            .state
            .taken
            .get(&(node.step.clone(), cause))
            .copied()
            .unwrap_or(0);
        let attempts = self.state.attempts.get(&node.step).copied().unwrap_or(0);
        let step = match next(list(&node.fallbacks, cause), taken) {
            Step::Try(_) if attempts >= ATTEMPTS_MAX || taken == u8::MAX => Step::Inbox,
            step => step,
        };
        match step {
            Step::Try(tried) => self.say(Event::FallbackTaken {
                node: index,
                step: node.step.clone(),
                cause,
                tried,
            }),
            Step::Degraded(value) => {
                let value = self
                    .program
                    .degraded
                    .get(value)
                    .cloned()
                    .ok_or(Refusal::Bug("the degraded value is not there"))?;
                // The author wrote it, but whoever made the step fail has chosen that it stands in; and the conditions
                // around the step show in it.
                let label = Label {
                    integrity: Integrity::Untrusted,
                    ..labels::of_references(self.program, &self.state, &node.control)
                };
                let output = self.draft(Slot::Output, &label, value);
                self.say(Event::StepDegraded {
                    step: node.step.clone(),
                    output,
                    label,
                    next: node.next,
                })
            }
            Step::Inbox => self.open_inbox(Some(index), InboxKind::Manual(cause)),
            Step::Stop => self.end(match cause {
                Cause::Denied => Outcome::Denied,
                Cause::Invalid | Cause::Unavailable | Cause::Timeout | Cause::Uncertain => {
                    Outcome::Failed
                }
            }),
        }
    }

    /// Something waits for a person from here on.
    pub(super) fn open_inbox(
        &mut self,
        node: Option<usize>,
        kind: InboxKind,
    ) -> Result<(), Refusal> {
        let step = match node {
            Some(index) => Some(self.node(index)?.step.clone()),
            None => None,
        };
        let item = InboxId::from_bytes(self.fresh.id());
        self.say(Event::InboxOpened {
            node,
            step,
            item,
            kind,
            act: None,
        })
    }
}
