//! An act is proposed once, started under one grant at a time for the digest that was proposed, and ends under that
//! grant. Where people were asked, they approved it, for that digest and for a time; where they said no, it does not
//! start. What was done is done: only an attempt of which the log says that it may be made again is.

use std::collections::{BTreeMap, BTreeSet};

use super::Fault;
use super::decisions::{Action, Decisions};
use super::reviews::Outcome;
use super::{Instant, instant};
use crate::audit::ids::{digest, id};
use crate::audit::scan::Body;

#[derive(Debug)]
struct Act {
    digest: [u8; 32],
    step: Option<Box<str>>,
    tool: Box<str>,
    asked: bool,
    /// When what people approved runs out.
    approved: Option<Instant>,
    refused: bool,
    /// Whether it may start: it was just proposed, or the log says that it is tried again.
    open: bool,
    done: bool,
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
    /// The inbox item that asks what became of an act.
    doubt: Option<(u128, u128)>,
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
            tool: body.text_of("tool").unwrap_or_default().into(),
            asked: false,
            approved: None,
            refused: false,
            open: true,
            done: false,
        };
        self.steps += proposal.step.as_deref().map_or(0, str::len) + proposal.tool.len();
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

    /// A review of an act ended; what it approved holds until it runs out.
    pub(super) fn reviewed(
        &mut self,
        act: u128,
        digest: [u8; 32],
        outcome: Outcome,
        until: Option<Instant>,
    ) {
        if let Some(act) = self.known.get_mut(&act) {
            let approved = outcome == Outcome::Approved && digest == act.digest;
            act.approved = until.filter(|_| approved);
            act.refused |= outcome == Outcome::Rejected;
        }
    }

    pub(super) fn started(
        &mut self,
        body: &Body<'_>,
        now: Option<Instant>,
        decisions: &mut Decisions,
    ) -> Result<(), Fault> {
        let grant = body.get("grant").ok_or("has no grant")?;
        let (Some(act), Some(this)) = (id(grant.get("act"), "act"), id(grant.get("id"), "grant"))
        else {
            return Err("has no grant");
        };
        let Some(proposal) = self.known.get_mut(&act) else {
            return Err("starts an act that was not proposed");
        };
        let standing = decisions
            .take_for(Action::AuthoriseStanding, body, Some(&proposal.tool))
            .is_ok();
        decisions.take_for(Action::CallTool, body, Some(&proposal.tool))?;
        if proposal.done {
            return Err("starts an act that was done before");
        }
        if digest(grant.get("digest")) != Some(proposal.digest) {
            return Err("starts an act under another digest than was proposed");
        }
        if proposal.step.as_deref() != body.text_of("step") {
            return Err("starts an act of another step");
        }
        if proposal.refused {
            return Err("starts an act that people refused");
        }
        if proposal.asked && proposal.approved.is_none() {
            return Err("starts an act whose approval was asked for and not given");
        }
        // Policy's yes in advance, asked anew, stands in for an approval that ran out.
        let lasts = |until: Option<Instant>| until.is_some_and(|until| is_before(now, until));
        if proposal.asked && !standing && !lasts(proposal.approved) {
            return Err("starts an act whose approval had run out");
        }
        if !lasts(instant(grant.text_of("expires_at"))) {
            return Err("starts an act under a grant that had run out");
        }
        if !std::mem::take(&mut proposal.open) {
            return Err("starts an act again, and nothing says that it may be tried again");
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

    /// An attempt ended; where it did what it was to do, there is no other.
    pub(super) fn ended(&mut self, body: &Body<'_>, done: bool) -> Result<(), Fault> {
        let named = id(body.get("act"), "act").zip(id(body.get("grant"), "grant"));
        let live = self.live.take();
        if named.is_some() && named == live {
            if let Some(act) = named.and_then(|(act, _)| self.known.get_mut(&act)) {
                act.done |= done;
            }
            Ok(())
        } else {
            Err("is the result of an act that was not started under that grant")
        }
    }

    /// Bytes held, about.
    pub(super) fn weight(&self) -> usize {
        240 * self.known.len() + self.steps + 32 * self.grants.len()
    }

    /// The act is tried again: declared so, and said.
    pub(super) fn retried(&mut self, body: &Body<'_>) -> Result<(), Fault> {
        if self.live.is_some() {
            return Err("tries again an act that goes on");
        }
        id(body.get("act"), "act")
            .and_then(|act| self.known.get_mut(&act))
            .filter(|act| !act.done)
            .map(|act| act.open = true)
            .ok_or("tries again an act that was not proposed, or was done")
    }

    /// Another process drives the run: what was under way may be tried again, as far as policy lets it.
    pub(super) fn recovered(&mut self) {
        if let Some((act, _)) = self.live.take()
            && let Some(act) = self.known.get_mut(&act)
        {
            act.open = true;
        }
    }

    /// A person is asked what became of an act.
    pub(super) fn doubted(&mut self, body: &Body<'_>) {
        if let Some(act) = id(body.get("act"), "act") {
            self.live = None;
            self.doubt = id(body.get("item"), "inb").map(|item| (item, act));
        }
    }

    /// A person said what became of it.
    pub(super) fn settled(&mut self, body: &Body<'_>) {
        let item = id(body.get("item"), "inb");
        let Some((_, act)) = self.doubt.take_if(|(of, _)| Some(*of) == item) else {
            return;
        };
        if let Some(act) = self.known.get_mut(&act) {
            match body.text_of("verdict") {
                Some("happened") => act.done = true,
                Some("did_not_happen") => act.open = true,
                _ => {}
            }
        }
    }

    /// The grant in force is over, and nobody knows what came of it.
    pub(super) fn unsettled(&mut self) {
        self.live = None;
    }
}

/// Whether one instant is before another; what is no instant is not.
fn is_before(now: Option<Instant>, until: Instant) -> bool {
    now.is_some_and(|now| now < until)
}
