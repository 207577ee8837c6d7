//! What the entries of a log tell has to make sense: nothing was done that was not asked for, decided and, where
//! people were asked, approved by them for exactly it. Judged from the entries alone.
//! `decisions` holds who was allowed what, `acts` what was proposed and done, `reviews` who said yes.

mod acts;
mod decisions;
mod reviews;

use std::collections::BTreeSet;

use super::ids::{digest, id};
use super::report::Finding;
use super::scan::{Body, Raw, Scanned};

use acts::Acts;
use decisions::{Action, Decision, Decisions, Thresholds};
use reviews::Reviews;

/// What is wrong with an entry, in words that follow its kind.
pub(super) type Fault = &'static str;

/// A time as entries spell it; such texts rise as time does.
type Instant = [u8; 27];

/// The time that a text spells; forms are the schema's to judge.
fn instant(text: Option<&str>) -> Option<Instant> {
    text?.as_bytes().try_into().ok()
}

/// A run's doings that later entries depend on; dropped when the run ends.
#[derive(Debug, Default)]
struct Story {
    decisions: Decisions,
    acts: Acts,
    reviews: Reviews,
    calls: BTreeSet<u128>,
    workflow: Option<Box<str>>,
}

impl Story {
    /// Judges the run's next entry.
    fn judge(&mut self, entry: &Scanned<'_>, decision: Option<Decision<'_>>) -> Result<(), Fault> {
        let (body, now) = (&entry.body, instant(Some(entry.time)));
        match entry.event {
            "run.requested" => {
                self.workflow = body.text_of("workflow").map(Box::from);
                self.reviews.requested(body);
                Ok(())
            }
            "run.started" => self.take_on_workflow(Action::StartRun),
            "policy.decided" => {
                let asked = self.decisions.decided(body, decision)?;
                if asked {
                    self.acts.asked(body.text_of("step"));
                }
                Ok(())
            }
            "value.endorsed" => self.decisions.endorsed(body),
            "source.requested" => {
                self.called(body);
                self.decisions
                    .take_for(Action::ReadSource, body, body.text_of("source"))
            }
            "model.requested" => {
                self.called(body);
                self.decisions
                    .take_for(Action::CallModel, body, body.text_of("endpoint"))
            }
            "source.accepted" | "model.replied" => self.answered(body),
            "output.released" => {
                self.take_on_workflow(Action::Release)?;
                self.reviews.released(now)
            }
            "run.recovered" => {
                self.decisions.clear();
                self.acts.recovered();
                Ok(())
            }
            "review.requested" => self.review_requested(body),
            "review.voted" => {
                self.decisions.take_by(id(body.get("voter"), "prn"))?;
                self.reviews.voted(body, now)
            }
            "review.settled" => {
                if let Some((act, digest, outcome, until)) = self.reviews.settled(body, now)? {
                    self.acts.reviewed(act, digest, outcome, until);
                }
                Ok(())
            }
            "inbox.opened" => {
                self.acts.doubted(body);
                Ok(())
            }
            "inbox.settled" => {
                self.decisions.take_by(id(body.get("by"), "prn"))?;
                self.acts.settled(body);
                Ok(())
            }
            "act.proposed" => {
                if body.get("standing").and_then(Raw::boolean) == Some(true) {
                    self.decisions.take_for(
                        Action::AuthoriseStanding,
                        body,
                        body.text_of("tool"),
                    )?;
                }
                self.acts.proposed(body)
            }
            "act.started" => self.acts.started(body, now, &mut self.decisions),
            "act.finished" => self.acts.ended(body, true),
            "act.failed" => self.acts.ended(body, false),
            "act.retried" => self.acts.retried(body),
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

    fn take_on_workflow(&mut self, action: Action) -> Result<(), Fault> {
        self.decisions.take_on(action, self.workflow.as_deref())
    }

    /// Bytes held, about.
    fn weight(&self) -> usize {
        let calls = 32 * self.calls.len();
        calls + self.decisions.weight() + self.acts.weight() + self.reviews.weight()
    }

    fn called(&mut self, body: &Body<'_>) {
        if let Some(call) = id(body.get("call"), "call") {
            self.calls.insert(call);
        }
    }

    fn answered(&mut self, body: &Body<'_>) -> Result<(), Fault> {
        let known = id(body.get("call"), "call").is_some_and(|call| self.calls.remove(&call));
        known
            .then_some(())
            .ok_or("answers a call that was not made")
    }

    fn review_requested(&mut self, body: &Body<'_>) -> Result<(), Fault> {
        let review = body.get("review").ok_or("asks for nothing")?;
        let subject = review.get("subject").ok_or("asks for nothing")?;
        let wanted = match subject.text_of("of") {
            Some("act") => {
                let act = id(subject.get("act"), "act");
                self.acts.review_asked(act, digest(review.get("digest")))?;
                self.decisions.people(Action::CallTool)?
            }
            Some("release") => {
                self.reviews.release_asked();
                self.decisions.people(Action::Release)?
            }
            _ => Thresholds::new(),
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
    /// Some were before this lowest index: whoever prunes to it repeats them, and then says that it was pruned.
    Before(u64),
}

/// Bytes, about, that are held for what runs that have not ended were allowed and did.
const HELD_BYTES_MAX: usize = 1 << 30;

/// Versions of policies that are known as adopted.
const ADOPTED_MAX: usize = 1_000_000;

/// A run's story while it goes on, and what it weighs.
#[derive(Debug, Default)]
pub(super) struct Told {
    story: Option<Box<Story>>,
    held: usize,
    lost: bool,
}

impl Told {
    /// A run that is known from its first entry on.
    pub(super) fn begun() -> Self {
        Self {
            story: Some(Box::default()),
            ..Self::default()
        }
    }

    /// Something of the run is not known, so the rest cannot be judged.
    pub(super) const fn lose(&mut self) {
        self.lost = true;
    }
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
    held: usize,
    held_max: usize,
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
            held: 0,
            held_max: HELD_BYTES_MAX,
            broken: None,
        }
    }

    /// Judges the entry at an index; `told` is its run's story, unless the run is over or not followed.
    pub(super) fn push(
        &mut self,
        index: u64,
        run: u128,
        entry: &Scanned<'_>,
        told: Option<&mut Told>,
    ) {
        if run == 0 {
            // What an earlier pruning repeated may itself be gone by a later one.
            if let Adoptions::Before(lowest) = self.adoptions
                && entry.event == "log.pruned"
                && entry.body.get("minimum").and_then(Raw::count) >= Some(lowest)
            {
                self.adoptions = Adoptions::Here;
            }
            if entry.event == "policy.adopted"
                && let Some(version) = digest(entry.body.get("version"))
                && self.adopted.len() < ADOPTED_MAX
            {
                self.adopted.insert(version);
            }
            return;
        }
        let mut decision = None;
        if entry.event == "policy.decided" {
            decision = Decision::of(&entry.body);
            let version = decision.and_then(|decision| digest(decision.version));
            if version.is_none_or(|version| !self.adopted.contains(&version)) {
                self.unadopted(index, entry.event);
            }
        }
        let Some(told) = told else {
            self.unjudged += 1;
            return;
        };
        if told.lost {
            self.forget(told);
        }
        let Some(story) = &mut told.story else {
            self.unjudged += 1;
            return;
        };
        self.judged += 1;
        let fault = story.judge(entry, decision).err();
        let weight = story.weight();
        self.held = (self.held + weight).saturating_sub(told.held);
        told.held = weight;
        if self.held > self.held_max {
            self.forget(told);
            self.elsewhere.get_or_insert_with(|| {
                Finding::unclear(format!(
                    "at index {index} the runs that have not ended did more than is kept in memory"
                ))
            });
        }
        if let Some(fault) = fault {
            self.note(index, entry.event, fault);
        }
    }

    /// Lets go of a run's story.
    pub(super) fn forget(&mut self, told: &mut Told) {
        self.held = self.held.saturating_sub(told.held);
        told.held = 0;
        told.story = None;
    }

    fn unadopted(&mut self, index: u64, event: &str) {
        match self.adoptions {
            Adoptions::Here if self.adopted.len() >= ADOPTED_MAX => {
                self.elsewhere.get_or_insert_with(|| {
                    Finding::unclear(format!(
                        "more policies were adopted than are kept in memory to judge index {index} by"
                    ))
                });
            }
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
            Adoptions::Before(_) => self.before += 1,
        }
    }

    fn note(&mut self, index: u64, event: &str, fault: Fault) {
        // Indices rise: the first is the one to name.
        self.broken
            .get_or_insert_with(|| Finding::broken(index, format!("`{event}` {fault}")));
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
