//! A review is approved by enough people of each role that it asks for, none of whom asked for the run, each once,
//! each on exactly what is under review, and each before it runs out; what was approved holds as long as that.

use std::collections::{BTreeMap, BTreeSet};

use super::decisions::{Thresholds, thresholds, weight_of};
use super::{Fault, Instant, instant};
use crate::audit::ids::{digest, id};
use crate::audit::scan::{Body, Raw};

/// How a review ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Approved,
    Rejected,
    /// What was under review is not what is there any more.
    Voided,
    Other,
}

#[derive(Debug)]
struct Review {
    act: Option<u128>,
    release: bool,
    digest: Option<[u8; 32]>,
    thresholds: Thresholds,
    voters: BTreeSet<u128>,
    /// How many people of each role approved.
    approvals: BTreeMap<Box<str>, u64>,
    /// When it runs out.
    until: Option<Instant>,
    settled: Option<Outcome>,
}

/// How a review of an act ended: the act, the digest, how, and until when that holds.
pub(super) type OfAct = (u128, [u8; 32], Outcome, Option<Instant>);

/// The reviews of a run, and who asked for it.
#[derive(Debug, Default)]
pub(super) struct Reviews {
    requester: Option<u128>,
    act_for: Option<u128>,
    known: BTreeMap<u128, Box<Review>>,
    /// Bytes held for reviews, about.
    weight: usize,
    release_asked: bool,
    /// When what people approved for release runs out.
    release_approved: Option<Instant>,
}

impl Reviews {
    pub(super) fn requested(&mut self, body: &Body<'_>) {
        if let Some(requester) = body.get("requester") {
            self.requester = id(requester.get("id"), "prn");
            self.act_for = id(requester.get("act_for"), "prn");
        }
    }

    /// People are asked; `wanted` is whom policy asked for.
    pub(super) fn opened(&mut self, review: Raw<'_>, wanted: &Thresholds) -> Result<(), Fault> {
        let this = id(review.get("id"), "rev").ok_or("asks for nothing")?;
        let subject = review.get("subject");
        let held = Review {
            act: subject.and_then(|subject| id(subject.get("act"), "act")),
            release: subject.and_then(|subject| subject.text_of("of")) == Some("release"),
            digest: digest(review.get("digest")),
            thresholds: review.get("thresholds").map(thresholds).unwrap_or_default(),
            voters: BTreeSet::new(),
            approvals: BTreeMap::new(),
            until: instant(review.text_of("expires_at")),
            settled: None,
        };
        let nobody = held.thresholds.values().any(|count| *count == 0);
        let enough = wanted
            .iter()
            .all(|(role, count)| held.thresholds.get(role).is_some_and(|of| of >= count));
        self.weight += 256 + weight_of(&held.thresholds);
        if self.known.insert(this, Box::new(held)).is_some() {
            return Err("asks for the same review twice");
        }
        if nobody {
            return Err("asks for nobody of a role that it names");
        }
        enough
            .then_some(())
            .ok_or("asks fewer people than policy asked for")
    }

    pub(super) const fn release_asked(&mut self) {
        self.release_asked = true;
        self.release_approved = None;
    }

    pub(super) fn voted(&mut self, body: &Body<'_>, now: Option<Instant>) -> Result<(), Fault> {
        let voter = id(body.get("voter"), "prn").ok_or("is nobody's vote")?;
        let review = id(body.get("review"), "rev").and_then(|id| self.known.get_mut(&id));
        let Some(review) = review.filter(|review| review.settled.is_none()) else {
            return Err("is a vote on nothing that is under review");
        };
        if !review.lasts(now) {
            return Err("is a vote on a review that had run out");
        }
        if review.digest.is_none() || digest(body.get("digest")) != review.digest {
            return Err("is a vote on another digest than is under review");
        }
        if Some(voter) == self.requester || Some(voter) == self.act_for {
            return Err("is a vote of whoever asked for the run");
        }
        if !review.voters.insert(voter) {
            return Err("is a second vote of one person");
        }
        self.weight += 32;
        if body.get("approve").and_then(Raw::boolean) == Some(true) {
            let roles = body.get("roles").into_iter().flat_map(Raw::items);
            // Who names a role twice is one person of it all the same.
            for role in roles.filter_map(Raw::text).collect::<BTreeSet<_>>() {
                match review.approvals.get_mut(role) {
                    Some(count) => *count += 1,
                    None => {
                        self.weight += 80 + role.len();
                        review.approvals.insert(role.into(), 1);
                    }
                }
            }
        }
        Ok(())
    }

    /// How the review ended, where it was about an act.
    pub(super) fn settled(
        &mut self,
        body: &Body<'_>,
        now: Option<Instant>,
    ) -> Result<Option<OfAct>, Fault> {
        let review = id(body.get("review"), "rev").and_then(|id| self.known.get_mut(&id));
        let outcome = match body.text_of("outcome") {
            Some("approved") => Outcome::Approved,
            Some("rejected") => Outcome::Rejected,
            Some("voided") => Outcome::Voided,
            _ => Outcome::Other,
        };
        // What was approved is void once it is not what is there any more.
        let void = |held: Outcome| held == Outcome::Approved && outcome == Outcome::Voided;
        let Some(review) = review.filter(|review| review.settled.is_none_or(void)) else {
            return Err("settles nothing that is under review");
        };
        review.settled = Some(outcome);
        if outcome == Outcome::Approved && !review.has_enough() {
            return Err("approves a review without enough approvals");
        }
        if outcome == Outcome::Approved && !review.lasts(now) {
            return Err("approves a review that had run out");
        }
        if review.release {
            self.release_approved = review.until.filter(|_| outcome == Outcome::Approved);
            // People said no to that release; another one is decided anew.
            self.release_asked = self.release_approved.is_some();
        }
        Ok(review
            .act
            .zip(review.digest)
            .map(|(act, digest)| (act, digest, outcome, review.until)))
    }

    /// Bytes held, about.
    pub(super) const fn weight(&self) -> usize {
        self.weight
    }

    pub(super) fn released(&self, now: Option<Instant>) -> Result<(), Fault> {
        match self.release_approved {
            None if self.release_asked => {
                Err("gives out what people were asked about and did not approve")
            }
            Some(until) if now.is_none_or(|now| now >= until) => {
                Err("gives out what people approved for a time that was over")
            }
            _ => Ok(()),
        }
    }
}

impl Review {
    /// Whether it has not run out.
    fn lasts(&self, now: Option<Instant>) -> bool {
        now.zip(self.until).is_some_and(|(now, until)| now < until)
    }

    fn has_enough(&self) -> bool {
        !self.thresholds.is_empty()
            && self.thresholds.iter().all(|(role, count)| {
                *count > 0 && self.approvals.get(role).copied().unwrap_or(0) >= *count
            })
    }
}
