//! Nothing is asked for, started or given out without a decision in the journal that allows exactly it: of the same
//! action, step and target, newer than any other such, and used up by it.

use std::collections::{BTreeMap, BTreeSet};

use interlock_core::id::StepName;

use super::{Action, DecisionId, Event, Law, ReviewSubject, Verdict};

struct Allowance {
    id: DecisionId,
    step: Option<StepName>,
    target: String,
}

/// Decisions that allow something and were not used yet.
#[derive(Default)]
pub(super) struct Decisions {
    made: BTreeSet<DecisionId>,
    open: BTreeMap<Action, Allowance>,
    asks: BTreeSet<Action>,
}

impl Decisions {
    pub(super) fn judge(&mut self, event: &Event) -> Result<(), Law> {
        match event {
            Event::Decided {
                decision,
                step,
                target,
                ..
            } => {
                if !self.made.insert(decision.id) {
                    return Err(Law::DecisionOnce);
                }
                self.open.remove(&decision.action);
                self.asks.remove(&decision.action);
                if matches!(decision.verdict, Verdict::Review { .. }) {
                    self.asks.insert(decision.action);
                }
                if matches!(decision.verdict, Verdict::Allow | Verdict::Downgrade(_)) {
                    let allowance = Allowance {
                        id: decision.id,
                        step: step.clone(),
                        target: target.clone(),
                    };
                    self.open.insert(decision.action, allowance);
                }
                Ok(())
            }
            Event::RunStarted { .. } => self.take(Action::StartRun).map(drop),
            Event::ReadRequested { step, source, .. } => {
                self.take_for(Action::ReadSource, step, Some(source.as_str()))
            }
            Event::ModelRequested { step, endpoint, .. } => {
                self.take_for(Action::CallModel, step, Some(endpoint.as_str()))
            }
            Event::ActStarted { step, .. } => self.take_for(Action::CallTool, step, None),
            Event::Endorsed { decision, .. } => {
                let allowance = self.take(Action::Endorse)?;
                if allowance.id == *decision {
                    Ok(())
                } else {
                    Err(Law::Decided)
                }
            }
            Event::ReviewVoted { .. } | Event::InboxSettled { .. } => {
                self.take(Action::Review).map(drop)
            }
            // People are asked where policy asks for them, or where it would allow and the workflow asks.
            Event::ReviewRequested { review, .. } => {
                let action = match review.subject {
                    ReviewSubject::Act(_) => Action::CallTool,
                    ReviewSubject::Release => Action::Release,
                    ReviewSubject::Output | ReviewSubject::Shown => return Ok(()),
                };
                if self.asks.remove(&action) {
                    return Ok(());
                }
                self.take(action).map(drop)
            }
            Event::Released { .. } => self.take(Action::Release).map(drop),
            // Another process drives from here: what this one was allowed counts no more.
            Event::Recovered { .. } => {
                self.open.clear();
                self.asks.clear();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn take(&mut self, action: Action) -> Result<Allowance, Law> {
        self.open.remove(&action).ok_or(Law::Decided)
    }

    fn take_for(
        &mut self,
        action: Action,
        step: &StepName,
        target: Option<&str>,
    ) -> Result<(), Law> {
        let allowance = self.take(action)?;
        let fits = allowance.step.as_ref() == Some(step)
            && target.is_none_or(|target| target == allowance.target);
        if fits { Ok(()) } else { Err(Law::Decided) }
    }
}
