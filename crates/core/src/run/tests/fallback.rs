//! What is tried when a step cannot go on: each cause with its list, and the inbox at the end of every list.

use serde_json::json;

use super::super::*;
use super::check;
use super::seams::Answer;
use super::world::{Drive, GOOD, World, name, reply};
use crate::pipeline::model::Stop;
use crate::pipeline::policy::Action;
use crate::workflow::Fallback;

const BAD: &str = r#"{"outcome": {"quotes": []}}"#;

#[test]
fn a_read_that_fails_is_retried_and_then_waits_for_a_person() {
    let mut world = World::new();
    world.node("fetch").fallbacks.on_unavailable = vec![Fallback::Retry(1), Fallback::Inbox];
    let mut drive = Drive::started(&world).onward();
    drive.read(Err(CallFault::Unavailable));
    drive.read(Err(CallFault::Credential));
    check(
        &drive,
        "call.failed fallback.taken policy.decided source.requested call.failed inbox.opened",
    );
    drive.settle(Settlement::Retry).unwrap();
    drive.read(Ok(json!({"body": "broke at noon"})));
    assert_eq!(drive.state.phase.name(), "asking");
}

#[test]
fn a_read_that_fails_stops_or_degrades_where_that_is_declared() {
    for (fallback, expected) in [
        (Fallback::Stop, "call.failed run.ended"),
        (Fallback::Inbox, "call.failed inbox.opened"),
        (
            Fallback::Degraded(0),
            "call.failed step.degraded policy.decided model.requested",
        ),
    ] {
        let mut world = World::new();
        world.node("fetch").fallbacks.on_timeout = vec![fallback];
        let mut drive = Drive::started(&world).onward();
        drive.read(Err(CallFault::Timeout));
        check(&drive, expected);
    }
}

#[test]
fn every_fault_of_a_read_has_its_cause_and_no_list_means_the_inbox() {
    for (fault, cause) in [
        (CallFault::Unavailable, Cause::Unavailable),
        (CallFault::Timeout, Cause::Timeout),
        (CallFault::Rejected, Cause::Invalid),
        (CallFault::Credential, Cause::Unavailable),
        (CallFault::Malformed, Cause::Invalid),
        (CallFault::Egress, Cause::Denied),
        (CallFault::Configuration, Cause::Unavailable),
        (CallFault::Withdrawn, Cause::Denied),
    ] {
        let world = World::new();
        let mut drive = Drive::started(&world);
        drive.read(Err(fault));
        let Phase::Waiting { kind, .. } = drive.state.phase else {
            panic!("{fault:?}")
        };
        assert_eq!(kind, InboxKind::Manual(cause), "{fault:?}");
    }
}

#[test]
fn an_answer_that_does_not_fit_is_rejected_at_the_door() {
    let world = World::new();
    let mut drive = Drive::started(&world).onward();
    drive.read(Ok(json!({"body": 1})));
    check(&drive, "intake.rejected inbox.opened");
}

#[test]
fn an_invalid_reply_is_repaired_as_often_as_declared_and_then_waits() {
    let mut world = World::new();
    world.node("draft").fallbacks.on_invalid = vec![Fallback::Repair(2), Fallback::Inbox];
    let mut drive = Drive::fetched(&world).onward();
    let repair = "model.replied output.rejected fallback.taken policy.decided model.requested";
    for _ in 0..2 {
        drive.reply(BAD);
    }
    let prompts: Vec<_> = drive
        .payloads
        .values()
        .filter_map(|p| p["user"].as_str())
        .collect();
    assert_eq!(
        prompts
            .iter()
            .filter(|p| p.contains("Your last answer was not accepted"))
            .count(),
        2
    );
    drive.reply("no json");
    check(
        &drive,
        &format!("{repair} {repair} model.replied output.rejected inbox.opened"),
    );
    assert_eq!(world.guards.last(Action::CallModel).attempt, 3);
}

#[test]
fn a_model_that_is_down_is_replaced_and_then_a_person_writes() {
    let mut world = World::new();
    world.node("draft").fallbacks.on_unavailable =
        vec![Fallback::Model(name("other")), Fallback::Inbox];
    let mut drive = Drive::fetched(&world).onward();
    drive.answer(Err(CallFault::Unavailable));
    let Phase::Asking { model, .. } = &drive.state.phase else {
        panic!()
    };
    assert_eq!(*model, name("other"));
    drive.answer(Err(CallFault::Unavailable));
    check(
        &drive,
        "call.failed fallback.taken policy.decided model.requested call.failed inbox.opened",
    );
    let refused = drive.settle(Settlement::Complete(
        json!({"text": "x", "quotes": ["invented"]}),
    ));
    assert!(
        matches!(refused, Err(Refusal::ValueInvalid(_))),
        "a person's quotes are checked too"
    );
    drive
        .settle(Settlement::Complete(
            json!({"text": "x", "quotes": ["noon"]}),
        ))
        .unwrap();
    assert_eq!(drive.state.phase.name(), "reviewing");
    let draft = &drive.state.outputs[&name("draft")];
    assert!(
        !draft.label.is_trusted(),
        "what a person passes on is no more trusted than it was"
    );
}

#[test]
fn an_abstention_a_refusal_and_a_quote_that_does_not_stand_are_uncertain() {
    let abstained = r#"{"outcome": {"interlock_error": {"code": "needs_person", "detail": "?"}}}"#;
    let invented = r#"{"outcome": {"text": "x", "quotes": ["it exploded"]}}"#;
    for (text, stop, reason) in [
        (abstained, Stop::End, RejectReason::Abstained),
        (GOOD, Stop::Refusal, RejectReason::Refused),
        (invented, Stop::End, RejectReason::Quotes),
    ] {
        let mut world = World::new();
        world.node("draft").fallbacks.on_uncertain = vec![Fallback::Stop];
        world.node("draft").fallbacks.on_invalid = vec![Fallback::Degraded(0)];
        let mut drive = Drive::fetched(&world).onward();
        drive.answer(Ok(reply(text, stop)));
        check(&drive, "model.replied output.rejected run.ended");
        assert!(
            drive
                .events()
                .any(|e| matches!(e, Event::OutputRejected { reason: r, .. } if *r == reason))
        );
        assert_eq!(
            drive.state.phase,
            Phase::Ended {
                outcome: Outcome::Failed
            }
        );
    }
}

#[test]
fn a_denial_takes_its_own_list_at_every_step() {
    for (action, step) in [
        (Action::ReadSource, "fetch"),
        (Action::CallModel, "draft"),
        (Action::CallTool, "send"),
    ] {
        for answer in [Answer::Deny, Answer::Fail] {
            for (fallback, phase) in [
                (Fallback::Stop, "ended"),
                (Fallback::Inbox, "waiting"),
                (Fallback::Degraded(0), "any"),
            ] {
                let mut world = World::new();
                world.node(step).fallbacks.on_denied = vec![fallback];
                world.guards.says(action, answer);
                let mut drive = Drive::started(&world);
                while let Phase::Reading { .. } | Phase::Asking { .. } = drive.state.phase {
                    match drive.state.phase {
                        Phase::Reading { .. } => drive.read(Ok(json!({"body": "broke at noon"}))),
                        _ => drive.reply(r#"{"outcome": {"text": "x", "quotes": []}}"#),
                    }
                }
                let denied = drive.state.degraded;
                assert!(
                    phase == "any" && denied || drive.state.phase.name() == phase,
                    "{step} {phase}"
                );
            }
        }
    }
}

#[test]
fn an_act_denied_after_its_approval_takes_the_declared_value() {
    let mut world = World::new();
    world.node("send").fallbacks.on_denied = vec![Fallback::Degraded(0)];
    let mut drive = Drive::drafted(&world).onward();
    world.guards.says(Action::CallTool, Answer::Deny);
    drive.approve();
    check(
        &drive,
        "policy.decided review.voted review.settled policy.decided step.degraded
         policy.decided output.released run.ended",
    );
    assert_eq!(
        drive.state.phase,
        Phase::Ended {
            outcome: Outcome::Degraded
        }
    );
}

#[test]
fn attempts_are_bounded_over_all_fallbacks() {
    let mut world = World::new();
    world.node("draft").fallbacks.on_invalid = vec![Fallback::Repair(200)];
    let mut drive = Drive::fetched(&world);
    for _ in 0..crate::limits::ATTEMPTS_MAX {
        drive.reply(BAD);
    }
    assert_eq!(drive.state.phase.name(), "waiting");
}

#[test]
fn a_template_that_gives_nothing_is_a_value_that_does_not_fit() {
    let mut world = World::new();
    world.sheets.composed.insert(0, |_| None);
    check(
        &Drive::started(&world),
        "run.requested policy.decided run.started intake.rejected inbox.opened",
    );
    let mut world = World::new();
    world.sheets.pieces.clear();
    let mut drive = Drive::started(&world).onward();
    drive.read(Ok(json!({"body": "x"})));
    check(&drive, "source.accepted intake.rejected inbox.opened");
}
