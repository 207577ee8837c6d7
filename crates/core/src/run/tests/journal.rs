//! What holds of every journal, whatever came from outside: checked after every single step of every test.

use std::collections::{BTreeMap, BTreeSet};

use super::super::*;
use super::world::Drive;
use crate::id::{ActId, PrincipalId, RoleName};
use crate::pipeline::policy::{Action, Verdict};
use crate::registry::Effect as ToolEffect;

pub(super) fn check_journal(drive: &Drive<'_>) {
    check_fold(drive);
    check_decisions(drive);
    check_acts(drive);
    check_reviews(drive);
    check_pending(drive);
}

/// A fold of any prefix succeeds, and that of all is the state.
fn check_fold(drive: &Drive<'_>) {
    let mut state = State::new(drive.state.run);
    let mut ended = false;
    for event in drive.events() {
        assert!(!ended, "{} after the end", event.kind());
        ended = matches!(event, Event::RunEnded { .. });
        state = evolve(state, event).unwrap();
    }
    assert_eq!(state, drive.state);
}

/// Nothing is asked for, started or given out without a yes to exactly it in the same transaction, used once.
fn check_decisions(drive: &Drive<'_>) {
    for batch in &drive.batches {
        let mut allowed: BTreeMap<
            Action,
            (Option<&crate::id::StepName>, crate::id::DecisionId, &str),
        > = BTreeMap::new();
        for event in batch {
            let mut take = |action: Action| {
                allowed
                    .remove(&action)
                    .unwrap_or_else(|| panic!("{} without a decision", event.kind()))
            };
            match event {
                Event::Decided {
                    decision,
                    step,
                    target,
                    ..
                } => {
                    allowed.remove(&decision.action);
                    if matches!(decision.verdict, Verdict::Allow | Verdict::Downgrade(_)) {
                        allowed.insert(decision.action, (step.as_ref(), decision.id, target));
                    }
                }
                Event::RunStarted { .. } => {
                    take(Action::StartRun);
                }
                Event::ReadRequested { step, source, .. } => {
                    let (at, _, target) = take(Action::ReadSource);
                    assert_eq!((at, target), (Some(step), source.as_str()));
                }
                Event::ModelRequested { step, endpoint, .. } => {
                    let (at, _, target) = take(Action::CallModel);
                    assert_eq!((at, target), (Some(step), endpoint.as_str()));
                }
                Event::ActStarted { step, .. } => assert_eq!(take(Action::CallTool).0, Some(step)),
                Event::Endorsed { decision, .. } => assert_eq!(take(Action::Endorse).1, *decision),
                Event::ReviewVoted { .. } | Event::InboxSettled { .. } => {
                    take(Action::Review);
                }
                Event::Released { .. } => {
                    take(Action::Release);
                }
                _ => {}
            }
        }
    }
}

/// One digest from proposal to start, one live grant, no consequential act without people or standing.
fn check_acts(drive: &Drive<'_>) {
    let mut proposed = BTreeMap::new();
    let mut approved: BTreeSet<ActId> = BTreeSet::new();
    let mut subjects = BTreeMap::new();
    let mut grants = BTreeSet::new();
    let mut live = None;
    for event in drive.events() {
        match event {
            Event::ActProposed {
                act,
                digest,
                standing,
                tool,
                ..
            } => {
                assert!(
                    proposed
                        .insert(*act, (*digest, *standing, tool.clone()))
                        .is_none(),
                    "an act has its own id"
                );
            }
            Event::ReviewRequested { review, .. } => {
                subjects.insert(review.id, review.subject);
            }
            Event::ReviewSettled { review, outcome } => {
                if let ReviewSubject::Act(act) = subjects[review] {
                    if *outcome == ReviewOutcome::Approved {
                        approved.insert(act)
                    } else {
                        approved.remove(&act)
                    };
                }
            }
            Event::ActStarted { grant, .. } => {
                let (digest, standing, tool) = &proposed[&grant.act];
                assert_eq!(grant.digest, *digest, "started as proposed");
                let consequential = drive
                    .world
                    .registry
                    .tools
                    .get(tool)
                    .is_some_and(|t| t.effect == ToolEffect::Irreversible || t.external);
                assert!(
                    !consequential || *standing || approved.contains(&grant.act),
                    "nobody said yes to the act"
                );
                assert!(live.is_none(), "two live grants");
                assert!(grants.insert(grant.id), "a grant is given once");
                live = Some(grant.act);
            }
            Event::ActFinished { act, .. } | Event::ActFailed { act, .. } => {
                assert_eq!(live.take(), Some(*act))
            }
            Event::IntakeRejected { step: Some(_), .. } | Event::Recovered { .. } => live = None,
            Event::InboxOpened {
                kind: InboxKind::InDoubt,
                ..
            } => live = None,
            _ => {}
        }
    }
}

/// Who said yes, and of which roles asked for.
type Yes = (PrincipalId, Vec<RoleName>);

/// An approval is made by enough people of each role, none of whom asked for the run.
fn check_reviews(drive: &Drive<'_>) {
    let requester = drive.state.pinned.as_ref().map(|p| p.requester.id);
    let mut open: BTreeMap<ReviewId, (Review, Vec<Yes>)> = BTreeMap::new();
    for event in drive.events() {
        match event {
            Event::ReviewRequested { review, .. } => {
                drop(open.insert(review.id, (review.clone(), Vec::new())))
            }
            Event::ReviewVoted {
                review,
                voter,
                roles,
                approve,
                digest,
                ..
            } => {
                let (asked, votes) = open.get_mut(review).unwrap();
                assert_eq!(asked.digest, *digest, "the vote is bound to what was shown");
                assert!(
                    votes.iter().all(|(id, _)| id != voter),
                    "one person, one vote"
                );
                assert_ne!(Some(*voter), requester, "the requester voted");
                if *approve {
                    votes.push((*voter, roles.clone()))
                }
            }
            Event::ReviewSettled {
                review,
                outcome: ReviewOutcome::Approved,
            } => {
                let (asked, votes) = &open[review];
                assert!(!asked.thresholds.is_empty());
                for (role, count) in &asked.thresholds {
                    let held = votes
                        .iter()
                        .filter(|(_, roles)| roles.contains(role))
                        .count();
                    assert!(held >= usize::from(*count), "not enough approvals");
                }
            }
            _ => {}
        }
    }
}

/// An ended run has nothing to do; any other has exactly one thing.
fn check_pending(drive: &Drive<'_>) {
    let count = pending(&drive.state).len();
    match &drive.state.phase {
        Phase::New | Phase::Ended { .. } => assert_eq!(count, 0),
        Phase::Requested
        | Phase::Released
        | Phase::Judging { .. }
        | Phase::Stuck { .. }
        | Phase::Proposed { .. } => {
            panic!("a transaction ends in {}", drive.state.phase.name())
        }
        _ => assert_eq!(count, 1, "{}", drive.state.phase.name()),
    }
}
