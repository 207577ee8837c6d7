//! What holds of every journal, whatever came from outside and wherever the process died. Judged from the entries
//! alone, apart from what core itself refuses: core's fold is only one of the witnesses.

use std::collections::{BTreeMap, BTreeSet};

use interlock_core::digest::Digest;
use interlock_core::id::{ActId, DecisionId, GrantId, RunId, ToolName};
use interlock_core::pipeline::policy::{Action, Verdict};
use interlock_core::pipeline::tool::EffectKnown;
use interlock_core::registry::{Effect, Recovery, Tool};
use interlock_core::run::{DoubtVerdict, Event, InboxVerdict, ReviewSubject, State, evolve};

mod decisions;
mod reviews;

use decisions::Decisions;
use reviews::Reviews;

/// A law of journals.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Law {
    /// Core's fold takes it.
    #[error("is none that can follow: {0}")]
    Foldable(String),
    /// Nothing follows the end.
    #[error("follows the end of the run")]
    Ended,
    /// An effect follows a decision that allows exactly it, and that allowed nothing else.
    #[error("follows no decision that allows it")]
    Decided,
    /// A decision is made once.
    #[error("repeats the id of a decision")]
    DecisionOnce,
    /// An act is proposed once, before anything is done about it.
    #[error("is about an act that was not proposed, or proposed twice")]
    Proposed,
    /// What is started is what was proposed and approved.
    #[error("starts an act under another digest than proposed")]
    AsProposed,
    /// An act with consequences has people's approval, or policy's in advance.
    #[error("starts an act with consequences that nobody said yes to")]
    SomebodySaidYes,
    /// An act has one grant in force.
    #[error("gives a second grant while one is in force")]
    OneGrant,
    /// A grant is used once.
    #[error("uses a grant again, or one that is not in force")]
    GrantOnce,
    /// What may have happened and cannot be repeated is not repeated.
    #[error("starts an act again that may have happened and may not be repeated")]
    NotRepeated,
    /// A vote is on an open review, bound to what was shown.
    #[error("is a vote on something else than is under review")]
    VoteBound,
    /// One person, one vote.
    #[error("is a second vote of one person")]
    OneVote,
    /// Who asked for a run does not approve it.
    #[error("is a vote of whoever asked for the run")]
    OtherPerson,
    /// A review passes with enough approvals of each role.
    #[error("approves a review without enough approvals")]
    Quorum,
    /// Folding again gives the same state.
    #[error("folds to another state the second time")]
    SameFold,
}

/// An entry that breaks a law.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("entry {seq}, {kind}, {law}")]
pub struct Broken {
    /// Its place.
    pub seq: u64,
    /// Its kind.
    pub kind: &'static str,
    /// The law.
    pub law: Law,
}

/// Checks a run's journal from its first entry, and folds it.
///
/// # Errors
/// The first entry that breaks a law, and which.
pub fn check_journal(
    run: RunId,
    events: &[Event],
    tools: &BTreeMap<ToolName, Tool>,
) -> Result<State, Broken> {
    let mut state = State::new(run);
    let mut laws = Laws {
        tools,
        decisions: Decisions::default(),
        acts: BTreeMap::new(),
        live: None,
        grants: BTreeSet::new(),
        reviews: Reviews::default(),
    };
    let mut ended = false;
    for (seq, event) in (0u64..).zip(events) {
        let broken = |law| Broken {
            seq,
            kind: event.kind(),
            law,
        };
        if ended {
            return Err(broken(Law::Ended));
        }
        ended = matches!(event, Event::RunEnded { .. });
        laws.judge(event).map_err(broken)?;
        state =
            evolve(state, event).map_err(|illegal| broken(Law::Foldable(illegal.to_string())))?;
    }
    let again = events.iter().try_fold(State::new(run), evolve);
    if again.as_ref() != Ok(&state) {
        let last = events.len().saturating_sub(1) as u64;
        let kind = events.last().map_or("", Event::kind);
        return Err(Broken {
            seq: last,
            kind,
            law: Law::SameFold,
        });
    }
    Ok(state)
}

struct ActSoFar {
    digest: Digest,
    standing: bool,
    approved: bool,
    may_have_acted: bool,
    tool: ToolName,
}

struct Laws<'t> {
    tools: &'t BTreeMap<ToolName, Tool>,
    decisions: Decisions,
    acts: BTreeMap<ActId, ActSoFar>,
    live: Option<(ActId, GrantId)>,
    grants: BTreeSet<GrantId>,
    reviews: Reviews,
}

impl Laws<'_> {
    fn judge(&mut self, event: &Event) -> Result<(), Law> {
        self.decisions.judge(event)?;
        match event {
            Event::ActProposed {
                act,
                digest,
                standing,
                tool,
                ..
            } => {
                let so_far = ActSoFar {
                    digest: *digest,
                    standing: *standing,
                    approved: false,
                    may_have_acted: false,
                    tool: tool.clone(),
                };
                if self.acts.insert(*act, so_far).is_some() {
                    return Err(Law::Proposed);
                }
            }
            Event::ActStarted { grant, .. } => self.start(grant.act, grant.id, grant.digest)?,
            Event::ActFinished { act, grant, .. } => self.finish(*act, *grant, false)?,
            Event::ActFailed {
                act, grant, known, ..
            } => self.finish(*act, *grant, *known == EffectKnown::Unknown)?,
            // The answer did not fit: the tool acted, or may have.
            Event::IntakeRejected { step: Some(_), .. } | Event::Recovered { .. } => {
                if let Some((act, _)) = self.live.take()
                    && let Some(so_far) = self.acts.get_mut(&act)
                {
                    so_far.may_have_acted = true;
                }
            }
            Event::InboxSettled {
                verdict: InboxVerdict::Doubt(DoubtVerdict::DidNotHappen),
                ..
            } => {
                for so_far in self.acts.values_mut() {
                    so_far.may_have_acted = false;
                }
            }
            _ => {
                if let Some((act, digest, approved)) = self.reviews.judge(event)?
                    && let Some(so_far) = self.acts.get_mut(&act)
                {
                    so_far.approved = approved && digest == so_far.digest;
                }
            }
        }
        Ok(())
    }

    fn start(&mut self, act: ActId, grant: GrantId, digest: Digest) -> Result<(), Law> {
        let so_far = self.acts.get(&act).ok_or(Law::Proposed)?;
        if so_far.digest != digest {
            return Err(Law::AsProposed);
        }
        // A tool that nobody declared is taken at its worst.
        let tool = self.tools.get(&so_far.tool);
        let consequential =
            tool.is_none_or(|tool| tool.effect == Effect::Irreversible || tool.external);
        if consequential && !so_far.standing && !so_far.approved {
            return Err(Law::SomebodySaidYes);
        }
        let repeatable =
            tool.is_some_and(|tool| matches!(tool.recovery, Recovery::Rerun | Recovery::Keyed));
        if so_far.may_have_acted && !repeatable {
            return Err(Law::NotRepeated);
        }
        if self.live.is_some() {
            return Err(Law::OneGrant);
        }
        if !self.grants.insert(grant) {
            return Err(Law::GrantOnce);
        }
        self.live = Some((act, grant));
        Ok(())
    }

    fn finish(&mut self, act: ActId, grant: GrantId, unknown: bool) -> Result<(), Law> {
        if self.live.take() != Some((act, grant)) {
            return Err(Law::GrantOnce);
        }
        if unknown && let Some(so_far) = self.acts.get_mut(&act) {
            so_far.may_have_acted = true;
        }
        Ok(())
    }
}
