//! The road from request to release, and the places at its start where it ends.

use serde_json::json;

use super::super::*;
use super::check;
use super::seams::Answer;
use super::world::{Drive, World, spec};
use crate::pipeline::policy::Action;
use crate::workflow::{Audience, FinalDecision};

#[test]
fn a_clean_run_reads_asks_is_approved_acts_and_releases() {
    let world = World::new();
    let mut drive = Drive::acting(&world);
    drive.acted(Ok(json!({"id": 5})));
    check(
        &drive,
        "run.requested policy.decided run.started
         policy.decided source.requested source.accepted
         policy.decided model.requested model.replied output.accepted
         act.proposed policy.decided review.requested
         policy.decided review.voted review.settled policy.decided act.started act.finished
         policy.decided output.released run.ended",
    );
    assert_eq!(
        drive.state.phase,
        Phase::Ended {
            outcome: Outcome::Completed
        }
    );
    assert_eq!(drive.state.acts_done, 1);
    let released = drive.state.released.unwrap();
    assert_eq!(drive.payloads[&released], json!({"text": "It broke."}));
}

#[test]
fn an_input_that_is_no_json_is_refused_even_where_the_schema_takes_anything() {
    let world = World::new();
    let mut drive = Drive::new(&world);
    drive
        .send(Input::Start(Box::new(Start {
            run: drive.state.run,
            requester: world.person(1, &[]),
            input: None,
            input_bytes: 3,
            subjects: Vec::new(),
        })))
        .unwrap();
    check(&drive, "run.requested intake.rejected run.ended");
}

#[test]
fn an_input_that_does_not_fit_is_journalled_and_ends_the_run() {
    let world = World::new();
    let requester = world.person(1, &[]);
    let drive = Drive::started_with(&world, json!({"case": 7}), requester);
    check(&drive, "run.requested intake.rejected run.ended");
    assert_eq!(
        drive.state.phase,
        Phase::Ended {
            outcome: Outcome::Rejected
        }
    );
    assert!(
        drive.payloads.values().all(|p| p.get("case").is_none()),
        "the input is not kept"
    );
}

#[test]
fn a_start_that_policy_denies_or_cannot_decide_ends_before_the_input_is_kept() {
    for answer in [Answer::Deny, Answer::Fail, Answer::Approval("approver", 1)] {
        let world = World::new();
        world.guards.says(Action::StartRun, answer);
        let drive = Drive::started(&world);
        check(&drive, "run.requested policy.decided run.ended");
        assert_eq!(
            drive.state.phase,
            Phase::Ended {
                outcome: Outcome::Denied
            }
        );
        assert!(drive.denied && drive.payloads.is_empty());
    }
}

#[test]
fn a_run_that_has_begun_takes_no_second_start() {
    let world = World::new();
    let mut drive = Drive::started(&world);
    let requester = world.person(1, &[]);
    let start = Start {
        run: drive.state.run,
        requester,
        input: Some(json!({})),
        input_bytes: 0,
        subjects: Vec::new(),
    };
    let refused = Refusal::NotNow {
        input: "a start",
        phase: "reading",
    };
    assert_eq!(drive.send(Input::Start(Box::new(start))), Err(refused));
}

#[test]
fn a_release_waits_for_the_people_that_policy_or_the_workflow_asks_for() {
    let mut world = World::new();
    world.workflow.output.decision = Some(FinalDecision::Legal);
    world.workflow.output.review = Some(spec(1));
    let mut drive = Drive::acting(&world);
    drive.acted(Ok(json!({"id": 5})));
    let mut drive = drive.onward();
    drive.approve();
    check(
        &drive,
        "policy.decided review.voted review.settled policy.decided output.released run.ended",
    );

    let mut drive = Drive::acting(&world);
    drive.acted(Ok(json!({"id": 5})));
    let mut drive = drive.onward();
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
    assert_eq!(drive.state.released, None);
}

#[test]
fn an_expired_release_goes_to_the_inbox_and_can_be_asked_for_again() {
    let mut world = World::new();
    world.workflow.output.review = Some(spec(1));
    let mut drive = Drive::acting(&world);
    drive.acted(Ok(json!({"id": 5})));
    let mut drive = drive.onward();
    drive.now = drive.now.plus_seconds(600);
    drive.send(Input::Tick).unwrap();
    check(&drive, "review.settled inbox.opened");
    drive.settle(Settlement::Retry).unwrap();
    assert_eq!(drive.state.phase.name(), "reviewing");
}

#[test]
fn policy_may_release_outside_text_in_advance_but_never_a_final_decision() {
    for (decision, phase) in [(None, "ended"), (Some(FinalDecision::Credit), "reviewing")] {
        let mut world = World::new();
        world.workflow.output.audience = Audience::External;
        world.workflow.output.decision = decision;
        world.guards.says(Action::AuthoriseStanding, Answer::Allow);
        world
            .guards
            .says(Action::Release, Answer::Standing("approver"));
        let mut drive = Drive::acting(&world);
        drive.acted(Ok(json!({"id": 5})));
        assert_eq!(drive.state.phase.name(), phase);
    }
}

#[test]
fn an_output_that_does_not_fit_waits_for_a_person_and_is_not_released() {
    let mut world = World::new();
    world
        .shapes
        .fits
        .insert(super::world::name("output"), |_| false);
    let mut drive = Drive::acting(&world).onward();
    drive.acted(Ok(json!({"id": 5})));
    check(&drive, "act.finished intake.rejected inbox.opened");
    assert_eq!(drive.state.released, None);
}
