//! The output leaves the run: composed, held against its schema, and permitted. A final decision, or text for
//! outside readers, is not released without a person's verdict unless policy says otherwise.

use serde_json::json;

use super::super::labels;
use super::Turn;
use super::requests::{Asked, thresholds};
use crate::label::Label;
use crate::limits;
use crate::pipeline::intake;
use crate::pipeline::policy::{Action, ApprovalFacts, Resource, Verdict};
use crate::run::event::{InboxKind, Outcome, ReviewOutcome};
use crate::run::state::{Review, ReviewSubject};
use crate::run::{Content, Event, Refusal, Slot};
use crate::workflow::Audience;

impl Turn<'_> {
    pub(super) fn release(&mut self) -> Result<(), Refusal> {
        let output = &self.program.workflow.output;
        let value = match self
            .program
            .templates
            .compose(output.value.id, &self.opened.scope, true)
        {
            Ok(value) => value,
            Err(fault) => {
                let violation = crate::seams::Violation {
                    at: String::new(),
                    keyword: "expression".to_owned(),
                    expected: fault.to_string(),
                };
                return self.not_releasable(&[violation]);
            }
        };
        let value = match intake::accept(
            self.program.shapes,
            &output.schema,
            value,
            0,
            limits::REPLY_BYTES_MAX,
        ) {
            Ok(value) => value.into_value(),
            Err(violations) => return self.not_releasable(&violations),
        };
        let content = Content {
            key: self.fresh.key(),
            value,
            shown: json!({}),
        };
        let label = self.release_label();
        if !self.label_fits(None, &label)? {
            return self.open_inbox(None, InboxKind::Release);
        }
        self.decide_release(&content, &label, None)
    }

    /// The parts that are not there have no say in the label.
    fn release_label(&self) -> Label {
        let output = &self.program.workflow.output.value;
        let references = output
            .leaves
            .iter()
            .flat_map(|leaf| &leaf.references)
            .filter(|reference| match &reference.root {
                crate::workflow::Root::Step(step) => self.state.outputs.contains_key(step),
                crate::workflow::Root::Inputs | crate::workflow::Root::Run => true,
            });
        labels::of_references(self.program, &self.state, references)
    }

    fn not_releasable(&mut self, violations: &[crate::seams::Violation]) -> Result<(), Refusal> {
        self.intake_rejected(None, violations)?;
        self.open_inbox(None, InboxKind::Release)
    }

    /// People said yes: the same request again with the real facts.
    pub(super) fn release_approved(&mut self, review: &Review) -> Result<(), Refusal> {
        let content = self.content()?;
        let label = self.release_label();
        let current = self.shown_digest(review.subject.as_str(), &content, &label);
        if current != review.digest {
            return self.say(Event::ReviewSettled {
                review: review.id,
                outcome: ReviewOutcome::Voided,
            });
        }
        let approval = self.approval(review, current)?;
        self.decide_release(&content, &label, Some(approval))
    }

    fn decide_release(
        &mut self,
        content: &Content,
        label: &Label,
        approval: Option<ApprovalFacts>,
    ) -> Result<(), Refusal> {
        let output = &self.program.workflow.output;
        let state = self.state.clone();
        let asked = Asked::new(self.program, &state, self.now)?;
        let resource = Resource::Output {
            audience: output.audience,
            decision: output.decision,
        };
        let approved = approval.is_some();
        let target = self.program.workflow.name.as_str();
        // Text for outside readers: policy may say yes in advance. A final decision always waits for people.
        let standing = output.audience != Audience::Internal
            && output.decision.is_none()
            && output.review.is_none()
            && !approved
            && {
                let request = asked.request(Action::AuthoriseStanding, resource, label, None);
                self.ask(&request, None, target, None)?.1.is_some()
            };
        // The second lock beside policy's: a final decision has people behind it, and what goes outside has people or
        // policy's yes in advance, whatever a policy permits.
        let good = approval.as_ref().is_some_and(ApprovalFacts::is_good);
        let backed = match (output.decision, output.audience) {
            (Some(_), _) => good,
            (None, Audience::Internal) => true,
            (None, Audience::External | Audience::Regulated) => good || standing,
        };
        let mut request = asked.request(Action::Release, resource, label, None);
        request.context.standing = standing;
        request.context.approval = approval;
        request.context.declared_approvals = thresholds(output.review.as_ref());
        let (decision, permit) = self.ask(&request, None, target, None)?;
        match (permit, decision.verdict) {
            (Some(_), _) if backed => {
                let payload = self.draft(Slot::Release, label, content.value.clone());
                self.say(Event::Released {
                    output: payload,
                    label: label.clone(),
                })?;
                let outcome = if self.state.degraded {
                    Outcome::Degraded
                } else {
                    Outcome::Completed
                };
                self.end(outcome)
            }
            (
                None,
                Verdict::Review {
                    approvals,
                    step_up: false,
                    downgrades,
                },
            ) if !approved => {
                let digest = self.shown_digest(ReviewSubject::Release.as_str(), content, label);
                let payload = self.draft(Slot::Content, label, content.to_json());
                let review = self.new_review(
                    ReviewSubject::Release,
                    None,
                    None,
                    payload,
                    digest,
                    label,
                    approvals,
                    downgrades,
                    output.review.as_ref(),
                );
                self.say(Event::ReviewRequested {
                    review,
                    asked_by: decision.determined_by,
                    content: Some(payload),
                })
            }
            (
                Some(_) | None,
                Verdict::Review { .. } | Verdict::Deny(_) | Verdict::Allow | Verdict::Downgrade(_),
            ) => self.end(Outcome::Denied),
        }
    }
}
