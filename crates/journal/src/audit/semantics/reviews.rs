//! A review is approved by enough people of each role that it asks for, none of whom asked for the run, each once
//! and each on exactly what is under review.

use std::collections::{BTreeMap, BTreeSet};

use super::Fault;
use super::decisions::{Thresholds, thresholds, weight_of};
use crate::audit::ids::{digest, id};
use crate::audit::scan::{Body, Raw};

/// How a review ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Approved,
    Rejected,
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
    settled: bool,
}

/// The reviews of a run, and who asked for it.
#[derive(Debug, Default)]
pub(super) struct Reviews {
    requester: Option<u128>,
    act_for: Option<u128>,
    known: BTreeMap<u128, Box<Review>>,
    /// Bytes held for reviews, about.
    weight: usize,
    release_asked: bool,
    release_approved: bool,
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
            settled: false,
        };
        let enough = wanted
            .iter()
            .all(|(role, count)| held.thresholds.get(role).is_some_and(|of| of >= count));
        self.weight += 256 + weight_of(&held.thresholds);
        if self.known.insert(this, Box::new(held)).is_some() {
            return Err("asks for the same review twice");
        }
        enough
            .then_some(())
            .ok_or("asks fewer people than policy asked for")
    }

    pub(super) const fn release_asked(&mut self) {
        self.release_asked = true;
        self.release_approved = false;
    }

    pub(super) fn voted(&mut self, body: &Body<'_>) -> Result<(), Fault> {
        let voter = id(body.get("voter"), "prn").ok_or("is nobody's vote")?;
        let review = id(body.get("review"), "rev").and_then(|id| self.known.get_mut(&id));
        let Some(review) = review.filter(|review| !review.settled) else {
            return Err("is a vote on nothing that is under review");
        };
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

    /// The act that the review was about, with the digest and how it ended.
    pub(super) fn settled(
        &mut self,
        body: &Body<'_>,
    ) -> Result<Option<(u128, [u8; 32], Outcome)>, Fault> {
        let review = id(body.get("review"), "rev").and_then(|id| self.known.get_mut(&id));
        let Some(review) = review.filter(|review| !review.settled) else {
            return Err("settles nothing that is under review");
        };
        review.settled = true;
        let outcome = match body.text_of("outcome") {
            Some("approved") => Outcome::Approved,
            Some("rejected") => Outcome::Rejected,
            _ => Outcome::Other,
        };
        if outcome == Outcome::Approved && !review.has_enough() {
            return Err("approves a review without enough approvals");
        }
        if review.release {
            self.release_approved = outcome == Outcome::Approved;
            // People said no to that release; another one is decided anew.
            self.release_asked = self.release_approved;
        }
        Ok(review
            .act
            .zip(review.digest)
            .map(|(act, digest)| (act, digest, outcome)))
    }

    /// Bytes held, about.
    pub(super) const fn weight(&self) -> usize {
        self.weight
    }

    pub(super) fn released(&self) -> Result<(), Fault> {
        if self.release_asked && !self.release_approved {
            Err("gives out what people were asked about and did not approve")
        } else {
            Ok(())
        }
    }
}

impl Review {
    fn has_enough(&self) -> bool {
        !self.thresholds.is_empty()
            && self
                .thresholds
                .iter()
                .all(|(role, count)| self.approvals.get(role).copied().unwrap_or(0) >= *count)
    }
}
