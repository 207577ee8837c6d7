//! Nothing is asked for, started or given out without a decision that allows exactly it: of the same action, step
//! and target, newer than any other such, and used up by it.

use std::collections::{BTreeMap, BTreeSet};

use super::Fault;
use crate::audit::ids::id;
use crate::audit::scan::{Body, Raw};

const UNDECIDED: Fault = "follows no decision that allows it";
const NOTHING: Fault = "has no decision";

/// Roles, and how many people of each.
pub(super) type Thresholds = BTreeMap<Box<str>, u64>;

/// What is decided about, where a later entry uses the decision up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    StartRun,
    ReadSource,
    CallModel,
    CallTool,
    AuthoriseStanding,
    Release,
    Review,
    Endorse,
}

impl Action {
    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "start_run" => Self::StartRun,
            "read_source" => Self::ReadSource,
            "call_model" => Self::CallModel,
            "call_tool" => Self::CallTool,
            "authorise_standing" => Self::AuthoriseStanding,
            "release" => Self::Release,
            "review" => Self::Review,
            "endorse" => Self::Endorse,
            _ => return None,
        })
    }
}

/// The members of a decision that are asked for, found in one walk.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Decision<'a> {
    action: Option<&'a str>,
    id: Option<Raw<'a>>,
    verdict: Option<Raw<'a>>,
    /// The policies that it cites.
    pub(super) version: Option<Raw<'a>>,
}

impl<'a> Decision<'a> {
    pub(super) fn of(body: &Body<'a>) -> Option<Self> {
        let mut found = Self::default();
        for (key, value) in body.get("decision")?.members() {
            match key {
                "action" => found.action = value.text(),
                "id" => found.id = Some(value),
                "verdict" => found.verdict = Some(value),
                "version" => found.version = Some(value),
                _ => {}
            }
        }
        Some(found)
    }
}

#[derive(Debug)]
struct Allowance {
    action: Action,
    id: u128,
    /// Whose request it was, where it was not the run's.
    asker: Option<u128>,
    /// Bytes of `text` that are the step, where there is one; the rest is the target.
    step: Option<usize>,
    text: Box<str>,
}

/// Decisions of a run that were not used yet.
#[derive(Debug, Default)]
pub(super) struct Decisions {
    made: BTreeSet<u128>,
    open: Vec<Allowance>,
    asks: Vec<(Action, Thresholds)>,
    /// Bytes held for what people were asked, about.
    asked: usize,
}

impl Decisions {
    /// Keeps a decision; whether it asks people about a tool call.
    pub(super) fn decided(
        &mut self,
        body: &Body<'_>,
        decision: Option<Decision<'_>>,
    ) -> Result<bool, Fault> {
        let (Some(decision), Some(target)) = (decision, body.text_of("target")) else {
            return Err(NOTHING);
        };
        let (Some(action), Some(verdict)) = (decision.action, decision.verdict) else {
            return Err(NOTHING);
        };
        let this = id(decision.id, "dec").ok_or(NOTHING)?;
        if !self.made.insert(this) {
            return Err("repeats the id of a decision");
        }
        // What no later entry needs leave for is not kept.
        let Some(action) = Action::of(action) else {
            return Ok(false);
        };
        self.remove(action);
        self.unask(action);
        match verdict.text_of("answer") {
            Some("allow" | "downgrade") => {
                let step = body.text_of("step");
                let mut text = String::with_capacity(step.map_or(0, str::len) + target.len());
                text.push_str(step.unwrap_or_default());
                text.push_str(target);
                self.open.push(Allowance {
                    action,
                    id: this,
                    asker: id(body.get("asker"), "prn"),
                    step: step.map(str::len),
                    text: text.into_boxed_str(),
                });
            }
            Some("review") => {
                let wanted = verdict.get("approvals").map(thresholds);
                let wanted = wanted.unwrap_or_default();
                self.asked += weight_of(&wanted);
                self.asks.push((action, wanted));
                return Ok(action == Action::CallTool);
            }
            _ => {}
        }
        Ok(false)
    }

    /// Uses up what allows an action on the run's workflow.
    pub(super) fn take_on(&mut self, action: Action, workflow: Option<&str>) -> Result<(), Fault> {
        let allowance = self.remove(action).ok_or(UNDECIDED)?;
        let fits = workflow.is_some_and(|workflow| allowance.parts() == (None, workflow));
        fits.then_some(()).ok_or(UNDECIDED)
    }

    /// Uses up what allows this person to say something on a review or on what waits.
    pub(super) fn take_by(&mut self, person: Option<u128>) -> Result<(), Fault> {
        let allowance = self.remove(Action::Review).ok_or(UNDECIDED)?;
        let fits = person.is_some() && allowance.asker == person;
        fits.then_some(())
            .ok_or("follows a decision about somebody else")
    }

    /// Uses up what allows an action for the event's step and this target.
    pub(super) fn take_for(
        &mut self,
        action: Action,
        body: &Body<'_>,
        target: Option<&str>,
    ) -> Result<(), Fault> {
        let allowance = self.remove(action).ok_or(UNDECIDED)?;
        let (step, held) = allowance.parts();
        let fits = step == body.text_of("step") && target == Some(held);
        fits.then_some(()).ok_or(UNDECIDED)
    }

    /// People are asked where policy asks for them, and then by its thresholds, or where it would allow.
    pub(super) fn people(&mut self, action: Action) -> Result<Thresholds, Fault> {
        if let Some(wanted) = self.unask(action) {
            return Ok(wanted);
        }
        self.remove(action).ok_or(UNDECIDED)?;
        Ok(Thresholds::new())
    }

    /// An endorsement names the decision that it follows.
    pub(super) fn endorsed(&mut self, body: &Body<'_>) -> Result<(), Fault> {
        let allowance = self.remove(Action::Endorse).ok_or(UNDECIDED)?;
        (id(body.get("decision"), "dec") == Some(allowance.id))
            .then_some(())
            .ok_or(UNDECIDED)
    }

    /// Another process drives from here: what the one before was allowed counts no more.
    pub(super) fn clear(&mut self) {
        self.open.clear();
        self.asks.clear();
        self.asked = 0;
    }

    /// Bytes held, about.
    pub(super) fn weight(&self) -> usize {
        let open: usize = self.open.iter().map(|held| 128 + held.text.len()).sum();
        32 * self.made.len() + open + self.asked
    }

    fn remove(&mut self, action: Action) -> Option<Allowance> {
        let at = self.open.iter().position(|held| held.action == action)?;
        Some(self.open.swap_remove(at))
    }

    fn unask(&mut self, action: Action) -> Option<Thresholds> {
        let at = self.asks.iter().position(|(held, _)| *held == action)?;
        let (_, wanted) = self.asks.swap_remove(at);
        self.asked -= weight_of(&wanted);
        Some(wanted)
    }
}

impl Allowance {
    fn parts(&self) -> (Option<&str>, &str) {
        match self.step.and_then(|len| self.text.split_at_checked(len)) {
            Some((step, target)) => (Some(step), target),
            None => (None, &self.text),
        }
    }
}

/// Roles and how many of each: the most, where a role stands there more than once.
pub(super) fn thresholds(set: Raw<'_>) -> Thresholds {
    let mut wanted = Thresholds::new();
    for item in set.items() {
        let Some((role, count)) = item
            .text_of("role")
            .zip(item.get("count").and_then(Raw::count))
        else {
            continue;
        };
        match wanted.get_mut(role) {
            Some(most) => *most = count.max(*most),
            None => {
                wanted.insert(role.into(), count);
            }
        }
    }
    wanted
}

/// Bytes held, about.
pub(super) fn weight_of(counts: &Thresholds) -> usize {
    counts.keys().map(|role| 80 + role.len()).sum()
}
