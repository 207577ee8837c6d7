//! Nothing is asked for, started or given out without a decision that allows exactly it: of the same action, step
//! and target, newer than any other such, and used up by it.

use std::collections::{BTreeMap, BTreeSet};

use super::Fault;
use crate::audit::ids::id;
use crate::audit::scan::Raw;

const UNDECIDED: Fault = "follows no decision that allows it";

#[derive(Debug)]
struct Allowance {
    id: Option<u128>,
    step: Option<Box<str>>,
    target: Box<str>,
}

/// Decisions of a run that were not used yet.
#[derive(Debug, Default)]
pub(super) struct Decisions {
    made: BTreeSet<u128>,
    open: BTreeMap<Box<str>, Allowance>,
    asks: BTreeMap<Box<str>, Vec<(Box<str>, u64)>>,
}

impl Decisions {
    /// Keeps a decision; whether it asks people about a tool call.
    pub(super) fn decided(&mut self, body: Raw<'_>) -> Result<bool, Fault> {
        let (Some(decision), Some(target)) = (body.get("decision"), body.text_of("target")) else {
            return Err("has no decision");
        };
        let (Some(action), Some(verdict)) = (decision.text_of("action"), decision.get("verdict"))
        else {
            return Err("has no decision");
        };
        let this = id(decision.get("id"), "dec").ok_or("has no decision")?;
        if !self.made.insert(this) {
            return Err("repeats the id of a decision");
        }
        self.open.remove(action);
        self.asks.remove(action);
        match verdict.text_of("answer") {
            Some("allow" | "downgrade") => {
                let allowance = Allowance {
                    id: Some(this),
                    step: body.text_of("step").map(Box::from),
                    target: target.into(),
                };
                self.open.insert(action.into(), allowance);
            }
            Some("review") => {
                let wanted = verdict.get("approvals").map(thresholds);
                self.asks.insert(action.into(), wanted.unwrap_or_default());
                return Ok(action == "call_tool");
            }
            _ => {}
        }
        Ok(false)
    }

    /// Uses up what allows an action.
    pub(super) fn take(&mut self, action: &str) -> Result<(), Fault> {
        self.open.remove(action).map(drop).ok_or(UNDECIDED)
    }

    /// The same, for this step and, where the event names one, this target.
    pub(super) fn take_for(
        &mut self,
        action: &str,
        body: Raw<'_>,
        target: &str,
    ) -> Result<(), Fault> {
        let allowance = self.open.remove(action).ok_or(UNDECIDED)?;
        let fits = allowance.step.as_deref() == body.text_of("step")
            && (target.is_empty() || body.text_of(target) == Some(&*allowance.target));
        fits.then_some(()).ok_or(UNDECIDED)
    }

    /// People are asked where policy asks for them, and then by its thresholds, or where it would allow.
    pub(super) fn people(&mut self, action: &str) -> Result<Vec<(Box<str>, u64)>, Fault> {
        if let Some(wanted) = self.asks.remove(action) {
            return Ok(wanted);
        }
        self.take(action)?;
        Ok(Vec::new())
    }

    /// An endorsement names the decision that it follows.
    pub(super) fn endorsed(&mut self, body: Raw<'_>) -> Result<(), Fault> {
        let allowance = self.open.remove("endorse").ok_or(UNDECIDED)?;
        let named = id(body.get("decision"), "dec");
        (named.is_some() && named == allowance.id)
            .then_some(())
            .ok_or(UNDECIDED)
    }

    /// Another process drives from here: what the one before was allowed counts no more.
    pub(super) fn clear(&mut self) {
        self.open.clear();
        self.asks.clear();
    }
}

/// Roles and how many of each.
pub(super) fn thresholds(set: Raw<'_>) -> Vec<(Box<str>, u64)> {
    set.items()
        .filter_map(|item| Some((item.text_of("role")?.into(), item.get("count")?.count()?)))
        .collect()
}
