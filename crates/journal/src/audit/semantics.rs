//! What the entries of a log tell has to make sense: nothing was done that was not asked for, decided and, where
//! people were asked, approved by them for exactly it. Judged from the entries alone.
//! `decisions` holds who was allowed what, `acts` what was proposed and done, `reviews` who said yes.

mod acts;
mod decisions;
mod reviews;

use std::collections::BTreeSet;

use super::ids::{digest, id};
use super::report::Finding;
use super::scan::{Raw, Scanned};

use acts::Acts;
use decisions::Decisions;
use reviews::Reviews;

/// What is wrong with an entry, in words that follow its kind.
pub(super) type Fault = &'static str;

/// A run's doings that later entries depend on; dropped when the run ends.
#[derive(Debug, Default)]
pub(super) struct Story {
    decisions: Decisions,
    acts: Acts,
    reviews: Reviews,
    calls: BTreeSet<u128>,
}

impl Story {
    /// Judges the run's next entry.
    pub(super) fn judge(&mut self, event: &str, body: Raw<'_>) -> Result<(), Fault> {
        match event {
            "run.requested" => {
                self.reviews.requested(body);
                Ok(())
            }
            "run.started" => self.decisions.take("start_run"),
            "policy.decided" => {
                let asked = self.decisions.decided(body)?;
                if asked {
                    self.acts.asked(body.text_of("step"));
                }
                Ok(())
            }
            "value.endorsed" => self.decisions.endorsed(body),
            "source.requested" => {
                self.called(body);
                self.decisions.take_for("read_source", body, "source")
            }
            "model.requested" => {
                self.called(body);
                self.decisions.take_for("call_model", body, "endpoint")
            }
            "source.accepted" | "model.replied" => self.answered(body),
            "output.released" => {
                self.decisions.take("release")?;
                self.reviews.released()
            }
            "run.recovered" => {
                self.decisions.clear();
                self.acts.unsettled();
                Ok(())
            }
            "review.requested" => self.review_requested(body),
            "review.voted" => {
                self.decisions.take("review")?;
                self.reviews.voted(body)
            }
            "review.settled" => {
                if let Some((act, digest, outcome)) = self.reviews.settled(body)? {
                    self.acts.reviewed(act, digest, outcome);
                }
                Ok(())
            }
            "inbox.settled" => self.decisions.take("review"),
            "act.proposed" => self.acts.proposed(body),
            "act.started" => {
                self.decisions.take_for("call_tool", body, "")?;
                self.acts.started(body)
            }
            "act.finished" | "act.failed" => self.acts.ended(body),
            "intake.rejected" => {
                // What a tool answered was not accepted: its grant is used up all the same.
                if body.get("step").is_some() {
                    self.acts.unsettled();
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn called(&mut self, body: Raw<'_>) {
        if let Some(call) = id(body.get("call"), "call") {
            self.calls.insert(call);
        }
    }

    fn answered(&mut self, body: Raw<'_>) -> Result<(), Fault> {
        let known = id(body.get("call"), "call").is_some_and(|call| self.calls.remove(&call));
        known
            .then_some(())
            .ok_or("answers a call that was not made")
    }

    fn review_requested(&mut self, body: Raw<'_>) -> Result<(), Fault> {
        let review = body.get("review").ok_or("asks for nothing")?;
        let subject = review.get("subject").ok_or("asks for nothing")?;
        let wanted = match subject.text_of("of") {
            Some("act") => {
                let act = id(subject.get("act"), "act");
                self.acts.review_asked(act, digest(review.get("digest")))?;
                self.decisions.people("call_tool")?
            }
            Some("release") => {
                self.reviews.release_asked();
                self.decisions.people("release")?
            }
            _ => Vec::new(),
        };
        self.reviews.opened(review, &wanted)
    }
}

/// Whether every adoption of policies is among the entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Adoptions {
    /// Yes: a decision by others is a fault.
    Here,
    /// They should be, yet the log has more than what is here.
    Elsewhere,
    /// Some may have been before what is here.
    Before,
}

/// The rules over all runs.
#[derive(Debug)]
pub(super) struct Semantics {
    adopted: BTreeSet<[u8; 32]>,
    adoptions: Adoptions,
    elsewhere: Option<Finding>,
    before: u64,
    judged: u64,
    unjudged: u64,
    broken: Option<Finding>,
}

impl Semantics {
    pub(super) const fn new(adoptions: Adoptions) -> Self {
        Self {
            adopted: BTreeSet::new(),
            adoptions,
            elsewhere: None,
            before: 0,
            judged: 0,
            unjudged: 0,
            broken: None,
        }
    }

    /// Judges the entry at an index; `story` is its run's, where all of it is known.
    pub(super) fn push(
        &mut self,
        index: u64,
        run: u128,
        entry: &Scanned<'_>,
        story: Option<&mut Story>,
    ) {
        if run == 0 {
            if entry.event == "policy.adopted"
                && let Some(version) = digest(entry.body.get("version"))
            {
                self.adopted.insert(version);
            }
            return;
        }
        if entry.event == "policy.decided" {
            let version = entry
                .body
                .get("decision")
                .and_then(|d| digest(d.get("version")));
            if version.is_none_or(|version| !self.adopted.contains(&version)) {
                self.unadopted(index, entry.event);
            }
        }
        match story {
            Some(story) => {
                self.judged += 1;
                if let Err(fault) = story.judge(entry.event, entry.body) {
                    self.note(index, entry.event, fault);
                }
            }
            None => self.unjudged += 1,
        }
    }

    fn unadopted(&mut self, index: u64, event: &str) {
        match self.adoptions {
            Adoptions::Here => {
                self.note(
                    index,
                    event,
                    "cites policies that no entry before it adopted",
                );
            }
            Adoptions::Elsewhere => {
                self.elsewhere.get_or_insert_with(|| {
                    Finding::unclear(format!(
                        "the decision at index {index} cites policies whose adoption is not here"
                    ))
                });
            }
            Adoptions::Before => self.before += 1,
        }
    }

    fn note(&mut self, index: u64, event: &str, fault: Fault) {
        let found = Finding::broken(index, format!("`{event}` {fault}"));
        self.broken = Some(match self.broken.take() {
            Some(known) => known.and(found),
            None => found,
        });
    }

    pub(super) fn finish(self) -> Finding {
        if let Some(broken) = self.broken {
            return broken;
        }
        if let Some(elsewhere) = self.elsewhere {
            return elsewhere;
        }
        let mut said = format!(
            "{} entries of runs follow from what came before them",
            self.judged
        );
        if self.unjudged > 0 {
            said.push_str(&format!(
                "; {} of runs not wholly here were not judged",
                self.unjudged
            ));
        }
        if self.before > 0 {
            said.push_str(&format!(
                "; {} decisions cite policies adopted before what is here",
                self.before
            ));
        }
        Finding::holds(said)
    }
}
