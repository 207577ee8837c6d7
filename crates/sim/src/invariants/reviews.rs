//! A review is approved by enough people of each role that it asks for, none of whom asked for the run, each once and
//! each on exactly what is under review.

use std::collections::BTreeMap;

use interlock_core::digest::Digest;
use interlock_core::id::{ActId, PrincipalId, ReviewId, RoleName};
use interlock_core::run::{Event, Review, ReviewOutcome};

use super::{Law, ReviewSubject};

struct SoFar {
    asked: Review,
    votes: Vec<(PrincipalId, Vec<RoleName>)>,
    settled: bool,
}

impl SoFar {
    fn is_approved_by_enough(&self) -> bool {
        !self.asked.thresholds.is_empty()
            && self.asked.thresholds.iter().all(|(role, count)| {
                let held = self.votes.iter().filter(|(_, roles)| roles.contains(role));
                held.count() >= usize::from(*count)
            })
    }
}

/// Reviews of a run, and who asked for it.
#[derive(Default)]
pub(super) struct Reviews {
    requester: Option<PrincipalId>,
    reviews: BTreeMap<ReviewId, SoFar>,
}

impl Reviews {
    /// An act whose review ended here, with the digest that was under review and whether it was approved.
    pub(super) fn judge(&mut self, event: &Event) -> Result<Option<(ActId, Digest, bool)>, Law> {
        match event {
            Event::RunRequested { requester, .. } => self.requester = Some(requester.id),
            Event::ReviewRequested { review, .. } => {
                let so_far = SoFar {
                    asked: review.clone(),
                    votes: Vec::new(),
                    settled: false,
                };
                self.reviews.insert(review.id, so_far);
            }
            Event::ReviewVoted {
                review,
                voter,
                roles,
                approve,
                digest,
                ..
            } => {
                let open = self.reviews.get_mut(review).ok_or(Law::VoteBound)?;
                if open.settled || open.asked.digest != *digest {
                    return Err(Law::VoteBound);
                }
                if Some(*voter) == self.requester {
                    return Err(Law::OtherPerson);
                }
                if open.votes.iter().any(|(before, _)| before == voter) {
                    return Err(Law::OneVote);
                }
                if *approve {
                    open.votes.push((*voter, roles.clone()));
                }
            }
            Event::ReviewSettled { review, outcome } => {
                let open = self.reviews.get_mut(review).ok_or(Law::VoteBound)?;
                open.settled = true;
                let approved = *outcome == ReviewOutcome::Approved;
                if approved && !open.is_approved_by_enough() {
                    return Err(Law::Quorum);
                }
                if let ReviewSubject::Act(act) = open.asked.subject {
                    return Ok(Some((act, open.asked.digest, approved)));
                }
            }
            _ => {}
        }
        Ok(None)
    }
}
