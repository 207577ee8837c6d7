//! People's verdict: asked for, voted, settled. A vote is a request to policy by the voter; it is bound to the
//! digest of what was shown; a timeout never approves.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::labels;
use super::Turn;
use super::requests::{Asked, thresholds};
use crate::digest::Digest;
use crate::id::{PayloadId, ReviewId, RoleName};
use crate::label::Label;
use crate::limits;
use crate::pipeline::identity::Principal;
use crate::pipeline::policy::{Action, Downgrade, Resource};
use crate::pipeline::review::{VoteFault, admit_voter, approval_facts};
use crate::pipeline::tool::{canonical_json, canonical_label};
use crate::run::event::{Cause, InboxKind, ReviewOutcome};
use crate::run::state::{Review, ReviewSubject};
use crate::run::{Content, Event, Phase, Refusal, Slot};
use crate::workflow::{Next, Node, ReviewSpec, ReviewStep};

/// Seconds that a review asked for by policy alone stays open.
const EXPIRES_SECONDS: u32 = 24 * 3600;

impl Turn<'_> {
    #[expect(
        clippy::too_many_arguments,
        reason = "a review is about exactly these facts"
    )]
    pub(super) fn new_review(
        &mut self,
        subject: ReviewSubject,
        index: Option<usize>,
        node: Option<&Node>,
        content: PayloadId,
        digest: Digest,
        label: &Label,
        thresholds: BTreeSet<(RoleName, u8)>,
        downgrades: BTreeSet<Downgrade>,
        spec: Option<&ReviewSpec>,
    ) -> Review {
        let seconds = spec
            .map_or(EXPIRES_SECONDS, |spec| spec.expires_seconds)
            .min(limits::REVIEW_SECONDS_MAX);
        Review {
            id: ReviewId::from_bytes(self.fresh.id()),
            subject,
            node: index,
            step: node.map(|node| node.step.clone()),
            next: node.map_or(Next::End, |node| node.next),
            content,
            digest,
            label: label.clone(),
            thresholds,
            downgrades,
            expires_at: self.now.plus_seconds(seconds),
            approvals: Vec::new(),
        }
    }

    /// Digest of what is under review where it is no act: under its own key, with labels and policy version.
    pub(super) fn shown_digest(&self, kind: &str, content: &Content, label: &Label) -> Digest {
        content.key.digest([
            b"interlock/review/v1".as_slice(),
            kind.as_bytes(),
            &self.state.run.to_bytes(),
            canonical_json(&content.value).as_bytes(),
            canonical_label(label).as_bytes(),
            &self.program.guards.version().to_bytes(),
        ])
    }

    fn review_of(
        &mut self,
        subject: ReviewSubject,
        index: Option<usize>,
        node: Option<&Node>,
        spec: &ReviewSpec,
        content: &Content,
        label: &Label,
    ) -> Result<(), Refusal> {
        let digest = self.shown_digest(subject.as_str(), content, label);
        let payload = self.draft(Slot::Content, label, content.to_json());
        let asked = thresholds(Some(spec));
        let review = self.new_review(
            subject,
            index,
            node,
            payload,
            digest,
            label,
            asked,
            BTreeSet::new(),
            Some(spec),
        );
        self.say(Event::ReviewRequested {
            review,
            asked_by: Vec::new(),
            content: Some(payload),
        })
    }

    /// A model's output before anything follows from it.
    pub(super) fn review_output(
        &mut self,
        index: usize,
        node: &Node,
        spec: &ReviewSpec,
        value: Value,
        label: &Label,
    ) -> Result<(), Refusal> {
        let content = Content {
            key: self.fresh.key(),
            value,
            shown: json!({}),
        };
        self.review_of(
            ReviewSubject::Output,
            Some(index),
            Some(node),
            spec,
            &content,
            label,
        )
    }

    /// A review step.
    pub(super) fn ask_people(
        &mut self,
        index: usize,
        node: &Node,
        step: &ReviewStep,
    ) -> Result<(), Refusal> {
        let shown = match self
            .program
            .templates
            .compose(step.show.id, &self.opened.scope, false)
        {
            Ok(shown) => shown,
            Err(fault) => return self.template_failed(index, &node.step, &fault),
        };
        let label = labels::of_compose(self.program, &self.state, &step.show, &node.control);
        if !self.label_fits(Some(&node.step), &label)? {
            return self.fall(index, Cause::Invalid);
        }
        let content = Content {
            key: self.fresh.key(),
            value: shown,
            shown: json!({}),
        };
        self.review_of(
            ReviewSubject::Shown,
            Some(index),
            Some(node),
            &step.review,
            &content,
            &label,
        )
    }

    pub(super) fn vote(
        &mut self,
        id: ReviewId,
        voter: &Principal,
        digest: Digest,
        approve: bool,
        reason: Option<String>,
    ) -> Result<(), Refusal> {
        let Phase::Reviewing { review, .. } = self.state.phase.clone() else {
            return Err(self.not_now("a vote"));
        };
        if review.id != id {
            return Err(Refusal::NotCurrent("the review"));
        }
        if review.digest != digest {
            return Err(Refusal::OtherDigest);
        }
        if self.now >= review.expires_at {
            return self.settle_review(&review, ReviewOutcome::Expired);
        }
        let reason = reason
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty());
        if !approve && reason.is_none() {
            return Err(Refusal::ReasonMissing);
        }
        if reason
            .as_ref()
            .is_some_and(|text| text.chars().count() > limits::REASON_CHARS_MAX)
        {
            return Err(Refusal::ReasonTooLong(limits::REASON_CHARS_MAX));
        }
        let state = self.state.clone();
        let asked = Asked::new(self.program, &state, self.now)?;
        let requester = (asked.pinned.requester.id, asked.pinned.requester.act_for);
        let roles = admit_voter(voter, requester, &review.approvals, &review.thresholds).map_err(
            |fault| match fault {
                VoteFault::OwnRequest => Refusal::OwnRequest,
                VoteFault::VotedAlready => Refusal::VotedAlready,
                VoteFault::RoleMissing | VoteFault::NotAPerson => Refusal::RoleMissing,
            },
        )?;
        let facts = voter.facts();
        let mut request = asked.request_by(
            &facts,
            Action::Review,
            Resource::Workflow,
            &review.label,
            review.step.as_ref(),
        );
        // What policy may hold a voter against: whether they asked for the run themselves.
        request.context.approval = Some(approval_facts(
            &[(voter.id(), roles.clone())],
            &review.thresholds,
            requester,
            review.digest,
            digest,
            review.expires_at,
            self.now,
        ));
        let target = self.program.workflow.name.as_str().to_owned();
        let (decision, permit) = self.ask(&request, None, &target, Some(voter.id()))?;
        if permit.is_none() {
            self.out.denied = Some(decision);
            return Ok(());
        }
        let reason =
            reason.map(|text| self.draft(Slot::Reason, &review.label, json!({ "reason": text })));
        self.say(Event::ReviewVoted {
            review: id,
            voter: voter.id(),
            roles: roles.into_iter().collect(),
            approve,
            digest,
            reason,
        })?;
        let Phase::Reviewing { review, .. } = self.state.phase.clone() else {
            return Err(Refusal::Bug("a vote ended the review by itself"));
        };
        if !approve {
            return self.settle_review(&review, ReviewOutcome::Rejected);
        }
        let worth = self.approval(&review, review.digest)?;
        if worth.meets(&review.thresholds) {
            self.settle_review(&review, ReviewOutcome::Approved)
        } else {
            Ok(())
        }
    }

    /// Ends a review, and goes on as far as that needs nothing from outside.
    pub(super) fn settle_review(
        &mut self,
        review: &Review,
        outcome: ReviewOutcome,
    ) -> Result<(), Refusal> {
        self.say(Event::ReviewSettled {
            review: review.id,
            outcome,
        })?;
        match (outcome, review.subject) {
            // What was approved must still be what is there, under the policies of now: decided by `go_on`.
            (ReviewOutcome::Approved, ReviewSubject::Act(_) | ReviewSubject::Release)
            | (ReviewOutcome::Voided, _) => Ok(()),
            (ReviewOutcome::Approved, ReviewSubject::Output | ReviewSubject::Shown) => {
                let content = self.content()?;
                if self.shown_digest(review.subject.as_str(), &content, &review.label)
                    != review.digest
                {
                    return self.say(Event::ReviewSettled {
                        review: review.id,
                        outcome: ReviewOutcome::Voided,
                    });
                }
                let step = review
                    .step
                    .clone()
                    .ok_or(Refusal::Bug("a review of a step names none"))?;
                self.say(Event::ReviewPassed {
                    step,
                    next: review.next,
                })
            }
            (ReviewOutcome::Rejected, _) => self.refused(review, Cause::Denied),
            (ReviewOutcome::Expired, _) => self.refused(review, Cause::Timeout),
        }
    }

    fn refused(&mut self, review: &Review, cause: Cause) -> Result<(), Refusal> {
        match (review.node, cause) {
            (Some(node), cause) => self.fall(node, cause),
            (None, Cause::Denied) => self.end(crate::run::Outcome::Denied),
            (None, Cause::Invalid | Cause::Unavailable | Cause::Timeout | Cause::Uncertain) => {
                self.open_inbox(None, InboxKind::Release)
            }
        }
    }

    /// Time passed: only an open review minds.
    pub(super) fn tick(&mut self) -> Result<(), Refusal> {
        let Phase::Reviewing { review, .. } = self.state.phase.clone() else {
            return Ok(());
        };
        if self.now < review.expires_at {
            return Ok(());
        }
        self.settle_review(&review, ReviewOutcome::Expired)
    }
}
