//! People's verdict on an act: who may vote, when it counts, and what voids it.

use serde_json::json;

use super::super::*;
use super::check;
use super::seams::Answer;
use super::world::{Drive, World, look, spec};
use crate::pipeline::identity::PrincipalKind;
use crate::pipeline::policy::Action;
use crate::workflow::{Fallback, Next};

#[test]
fn a_vote_that_does_not_count_is_refused_and_stores_nothing() {
    let mut world = World::new();
    world.tool_step().review = Some(spec(2));
    let mut drive = Drive::drafted(&world);
    let service = world.principal(7, &["approver"], PrincipalKind::Service, None);
    let delegate = world.principal(8, &["approver"], PrincipalKind::Person, Some(1));
    for (voter, refused) in [
        (world.person(1, &["approver"]), Refusal::OwnRequest),
        (delegate, Refusal::OwnRequest),
        (service, Refusal::RoleMissing),
        (world.person(2, &["analyst"]), Refusal::RoleMissing),
    ] {
        let before = drive.state.events;
        assert_eq!(drive.vote(voter, true), Err(refused));
        assert_eq!(drive.state.events, before);
    }
    drive.vote(world.person(2, &["approver"]), true).unwrap();
    assert_eq!(
        drive.vote(world.person(2, &["approver"]), true),
        Err(Refusal::VotedAlready)
    );
    assert_eq!(
        drive.state.phase.name(),
        "reviewing",
        "one of two is not enough"
    );
    drive.vote(world.person(3, &["approver"]), true).unwrap();
    assert_eq!(drive.state.phase.name(), "approved");
    drive.go();
    assert_eq!(drive.state.phase.name(), "acting");
}

#[test]
fn whoever_acts_for_the_same_person_may_not_approve_what_was_asked_for_them() {
    let world = World::new();
    let input = json!({"case": "7", "to": "desk", "urgent": false});
    let requester = world.principal(1, &[], PrincipalKind::Service, Some(9));
    let mut drive = Drive::started_with(&world, input, requester);
    drive.read(Ok(json!({"body": "broke at noon"})));
    drive.reply(super::world::GOOD);
    let person = world.person(9, &["approver"]);
    let colleague = world.principal(5, &["approver"], PrincipalKind::Person, Some(9));
    for voter in [person, colleague] {
        assert_eq!(drive.vote(voter, true), Err(Refusal::OwnRequest));
    }
}

#[test]
fn a_vote_is_bound_to_the_review_and_the_digest_that_was_shown() {
    let world = World::new();
    let mut drive = Drive::drafted(&world);
    let review = drive.review();
    let vote = |review, digest, approve, reason| Input::Vote {
        review,
        voter: world.person(2, &["approver"]),
        digest,
        approve,
        reason,
    };
    let other = Digest::from_bytes([3; 32]);
    assert_eq!(
        drive.send(vote(review.id, other, true, None)),
        Err(Refusal::OtherDigest)
    );
    let another = crate::id::ReviewId::from_bytes([3; 16]);
    assert_eq!(
        drive.send(vote(another, review.digest, true, None)),
        Err(Refusal::NotCurrent("the review"))
    );
    for blank in [None, Some("  ".to_owned())] {
        assert_eq!(
            drive.send(vote(review.id, review.digest, false, blank)),
            Err(Refusal::ReasonMissing)
        );
    }
    let long = Some("x".repeat(2001));
    assert_eq!(
        drive.send(vote(review.id, review.digest, false, long)),
        Err(Refusal::ReasonTooLong(2000))
    );
}

#[test]
fn a_rejection_falls_back_and_a_timeout_never_approves() {
    let mut world = World::new();
    world.node("send").fallbacks.on_denied = vec![Fallback::Stop];
    let mut drive = Drive::drafted(&world).onward();
    drive.vote(world.person(2, &["approver"]), false).unwrap();
    check(
        &drive,
        "policy.decided review.voted review.settled run.ended",
    );
    assert_eq!(
        drive.state.phase,
        Phase::Ended {
            outcome: Outcome::Denied
        }
    );

    let mut drive = Drive::drafted(&world).onward();
    drive.send(Input::Tick).unwrap();
    check(&drive, "");
    drive.now = drive.now.plus_seconds(600);
    drive.vote(world.person(2, &["approver"]), true).unwrap();
    check(&drive, "review.settled inbox.opened");
}

#[test]
fn an_approval_that_expires_before_the_start_is_worth_nothing() {
    let world = World::new();
    let mut drive = Drive::drafted(&world);
    drive.vote(world.person(2, &["approver"]), true).unwrap();
    drive.now = drive.now.plus_seconds(600);
    drive.go();
    assert_eq!(drive.state.phase.name(), "waiting");
}

#[test]
fn a_voter_that_policy_denies_is_told_and_the_review_stays_open() {
    let world = World::new();
    world.guards.says(Action::Review, Answer::Deny);
    let mut drive = Drive::drafted(&world).onward();
    drive.vote(world.person(2, &["approver"]), true).unwrap();
    check(&drive, "policy.decided");
    assert!(drive.denied && drive.review().approvals.is_empty());
}

#[test]
fn a_change_of_policy_between_vote_and_start_voids_the_approval() {
    let world = World::new();
    let mut drive = Drive::drafted(&world).onward();
    let before = drive.review();
    drive.vote(world.person(2, &["approver"]), true).unwrap();
    *world.guards.version.lock().unwrap() = 2;
    drive.go();
    check(
        &drive,
        "policy.decided review.voted review.settled review.settled act.proposed policy.decided review.requested",
    );
    assert_ne!(drive.review().digest, before.digest);
}

#[test]
fn a_change_of_policy_during_a_review_of_a_text_voids_it_too() {
    let mut world = World::new();
    world.model_step().review = Some(spec(1));
    let mut drive = Drive::drafted(&world).onward();
    *world.guards.version.lock().unwrap() = 2;
    drive.approve();
    check(
        &drive,
        "policy.decided review.voted review.settled review.settled policy.decided model.requested",
    );
}

#[test]
fn policy_that_denies_after_the_approval_is_obeyed() {
    let mut world = World::new();
    world.node("send").fallbacks.on_denied = vec![Fallback::Stop];
    for answer in [
        Answer::Deny,
        Answer::Fail,
        Answer::Approval("controller", 2),
    ] {
        world.guards.says(Action::CallTool, Answer::Allow);
        let mut drive = Drive::drafted(&world).onward();
        world.guards.says(Action::CallTool, answer);
        drive.approve();
        check(
            &drive,
            "policy.decided review.voted review.settled policy.decided run.ended",
        );
    }
}

#[test]
fn policy_asks_for_people_where_the_workflow_does_not() {
    let mut world = World::new();
    world.tool_step().review = None;
    world
        .guards
        .says(Action::CallTool, Answer::Approval("controller", 2));
    let mut drive = Drive::drafted(&world);
    let asked = drive.review();
    assert_eq!(
        asked.thresholds,
        [(super::world::name("controller"), 2)].into()
    );
    for n in [2, 3] {
        drive.vote(world.person(n, &["controller"]), true).unwrap();
    }
    drive.go();
    assert_eq!(drive.state.phase.name(), "acting");
}

#[test]
fn a_review_step_shows_and_a_model_step_waits_for_its_review() {
    use super::world::{draft, fetch};
    let mut world = World::of(vec![
        fetch(Next::Node(1)),
        draft(Next::Node(2)),
        look(Next::End),
    ]);
    world.model_step().review = Some(spec(1));
    let mut drive = Drive::drafted(&world).onward();
    assert_eq!(drive.review().subject, ReviewSubject::Output);
    drive.approve();
    check(
        &drive,
        "policy.decided review.voted review.settled review.passed review.requested",
    );
    assert_eq!(drive.review().subject, ReviewSubject::Shown);
    drive.approve();
    assert_eq!(
        drive.state.phase,
        Phase::Ended {
            outcome: Outcome::Completed
        }
    );
}
