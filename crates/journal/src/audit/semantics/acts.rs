//! An act is proposed once, started under one grant at a time for the digest that was proposed, and ends under that
//! grant. Where people were asked, they approved it, for that digest; where they said no, it does not start.

use std::collections::{BTreeMap, BTreeSet};

use super::Fault;
use super::reviews::Outcome;
use crate::audit::ids::{digest, id};
use crate::audit::scan::Body;

#[derive(Debug)]
struct Act {
    digest: [u8; 32],
    step: Option<Box<str>>,
    asked: bool,
    approved: bool,
    refused: bool,
}

/// The acts of a run.
#[derive(Debug, Default)]
pub(super) struct Acts {
    known: BTreeMap<u128, Box<Act>>,
    /// Bytes of the steps held.
    steps: usize,
    newest: Option<u128>,
    live: Option<(u128, u128)>,
    grants: BTreeSet<u128>,
}

impl Acts {
    pub(super) fn proposed(&mut self, body: &Body<'_>) -> Result<(), Fault> {
        let (Some(act), Some(digest)) = (id(body.get("act"), "act"), digest(body.get("digest")))
        else {
            return Err("proposes nothing");
        };
        let proposal = Act {
            digest,
            step: body.text_of("step").map(Box::from),
            asked: false,
            approved: false,
            refused: false,
        };
        self.steps += proposal.step.as_deref().map_or(0, str::len);
        if self.known.insert(act, Box::new(proposal)).is_some() {
            return Err("proposes an act for the second time");
        }
        self.newest = Some(act);
        Ok(())
    }

    /// Policy asks people about the tool call of a step: that is its newest act.
    pub(super) fn asked(&mut self, step: Option<&str>) {
        if let Some(act) = self.newest.and_then(|act| self.known.get_mut(&act))
            && act.step.as_deref() == step
        {
            act.asked = true;
        }
    }

    /// A review of an act is of what was proposed.
    pub(super) fn review_asked(
        &mut self,
        act: Option<u128>,
        digest: Option<[u8; 32]>,
    ) -> Result<(), Fault> {
        let Some(act) = act.and_then(|act| self.known.get_mut(&act)) else {
            return Err("is about an act that was not proposed");
        };
        act.asked = true;
        if Some(act.digest) == digest {
            Ok(())
        } else {
            Err("is about another digest than was proposed")
        }
    }

    /// A review of an act ended.
    pub(super) fn reviewed(&mut self, act: u128, digest: [u8; 32], outcome: Outcome) {
        if let Some(act) = self.known.get_mut(&act) {
            act.approved = outcome == Outcome::Approved && digest == act.digest;
            act.refused |= outcome == Outcome::Rejected;
        }
    }

    pub(super) fn started(&mut self, body: &Body<'_>) -> Result<(), Fault> {
        let grant = body.get("grant").ok_or("has no grant")?;
        let (Some(act), Some(this)) = (id(grant.get("act"), "act"), id(grant.get("id"), "grant"))
        else {
            return Err("has no grant");
        };
        let Some(proposal) = self.known.get(&act) else {
            return Err("starts an act that was not proposed");
        };
        if digest(grant.get("digest")) != Some(proposal.digest) {
            return Err("starts an act under another digest than was proposed");
        }
        if proposal.step.as_deref() != body.text_of("step") {
            return Err("starts an act of another step");
        }
        if proposal.refused {
            return Err("starts an act that people refused");
        }
        if proposal.asked && !proposal.approved {
            return Err("starts an act whose approval was asked for and not given");
        }
        if self.live.is_some() {
            return Err("gives a second grant while one is in force");
        }
        if !self.grants.insert(this) {
            return Err("uses a grant again");
        }
        self.live = Some((act, this));
        Ok(())
    }

    pub(super) fn ended(&mut self, body: &Body<'_>) -> Result<(), Fault> {
        let named = id(body.get("act"), "act").zip(id(body.get("grant"), "grant"));
        let live = self.live.take();
        if named.is_some() && named == live {
            Ok(())
        } else {
            Err("is the result of an act that was not started under that grant")
        }
    }

    /// Bytes held, about.
    pub(super) fn weight(&self) -> usize {
        160 * self.known.len() + self.steps + 32 * self.grants.len()
    }

    /// The grant in force is over, and nobody knows what came of it.
    pub(super) fn unsettled(&mut self) {
        self.live = None;
    }
}
