//! A review is approved by enough people of each role that it asks for, none of whom asked for the run, each once
//! and each on exactly what is under review.

use std::collections::BTreeMap;

use super::Fault;
use super::decisions::thresholds;
use crate::audit::ids::{digest, id};
use crate::audit::scan::Raw;

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
    thresholds: Vec<(Box<str>, u64)>,
    voters: Vec<u128>,
    approvals: Vec<Vec<Box<str>>>,
    settled: bool,
}

/// The reviews of a run, and who asked for it.
#[derive(Debug, Default)]
pub(super) struct Reviews {
    requester: Option<u128>,
    act_for: Option<u128>,
    known: BTreeMap<u128, Review>,
    release_asked: bool,
    release_approved: bool,
}

impl Reviews {
    pub(super) fn requested(&mut self, body: Raw<'_>) {
        if let Some(requester) = body.get("requester") {
            self.requester = id(requester.get("id"), "prn");
            self.act_for = id(requester.get("act_for"), "prn");
        }
    }

    /// People are asked; `wanted` is whom policy asked for.
    pub(super) fn opened(
        &mut self,
        review: Raw<'_>,
        wanted: &[(Box<str>, u64)],
    ) -> Result<(), Fault> {
        let this = id(review.get("id"), "rev").ok_or("asks for nothing")?;
        let subject = review.get("subject");
        let held = Review {
            act: subject.and_then(|subject| id(subject.get("act"), "act")),
            release: subject.and_then(|subject| subject.text_of("of")) == Some("release"),
            digest: digest(review.get("digest")),
            thresholds: review.get("thresholds").map(thresholds).unwrap_or_default(),
            voters: Vec::new(),
            approvals: Vec::new(),
            settled: false,
        };
        let enough = wanted.iter().all(|(role, count)| {
            held.thresholds
                .iter()
                .any(|(asked, of)| asked == role && of >= count)
        });
        if self.known.insert(this, held).is_some() {
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

    pub(super) fn voted(&mut self, body: Raw<'_>) -> Result<(), Fault> {
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
        if review.voters.contains(&voter) {
            return Err("is a second vote of one person");
        }
        review.voters.push(voter);
        if body.get("approve").and_then(Raw::boolean) == Some(true) {
            let roles = body.get("roles").into_iter().flat_map(Raw::items);
            review.approvals.push(
                roles
                    .filter_map(|role| role.text().map(Box::from))
                    .collect(),
            );
        }
        Ok(())
    }

    /// The act that the review was about, with the digest and how it ended.
    pub(super) fn settled(
        &mut self,
        body: Raw<'_>,
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
            && self.thresholds.iter().all(|(role, count)| {
                let held = self.approvals.iter().filter(|roles| roles.contains(role));
                held.count() as u64 >= *count
            })
    }
}
