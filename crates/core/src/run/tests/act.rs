//! How an act ends: with a result, with a failure by recovery class, or in doubt.

use serde_json::json;

use super::super::*;
use super::check;
use super::seams::Answer;
use super::world::{Drive, World};
use crate::pipeline::policy::Action;
use crate::pipeline::tool::EffectKnown::{self, NotPerformed, Unknown};
use crate::registry::{Effect as ToolEffect, Recovery};
use crate::workflow::{Fallback, RiskTier};

fn world(recovery: Recovery) -> World {
    let mut world = World::new();
    world.tool().recovery = recovery;
    world.node("send").fallbacks.on_unavailable = vec![Fallback::Retry(1), Fallback::Stop];
    world
}

fn kind(drive: &Drive<'_>) -> Option<InboxKind> {
    match drive.state.phase {
        Phase::Waiting { kind, .. } => Some(kind),
        _ => None,
    }
}

#[test]
fn a_failed_act_is_tried_again_only_where_that_cannot_do_it_twice() {
    let again = "act.failed act.retried policy.decided act.started";
    for (recovery, known, first, second) in [
        (Recovery::Rerun, NotPerformed, again, "act.failed run.ended"),
        (Recovery::Rerun, Unknown, again, "act.failed run.ended"),
        (Recovery::Keyed, NotPerformed, again, "act.failed run.ended"),
        (Recovery::Keyed, Unknown, again, "act.failed inbox.opened"),
        (Recovery::Query, NotPerformed, again, "act.failed run.ended"),
        (Recovery::Query, Unknown, "act.failed inbox.opened", ""),
        (Recovery::Never, NotPerformed, again, "act.failed run.ended"),
        (Recovery::Never, Unknown, "act.failed inbox.opened", ""),
    ] {
        let world = world(recovery);
        let mut drive = Drive::acting(&world).onward();
        drive.acted(Err((CallFault::Unavailable, known)));
        check(&drive, first);
        if !second.is_empty() {
            let mut drive = drive.onward();
            drive.acted(Err((CallFault::Unavailable, known)));
            check(&drive, second);
        }
    }
}

#[test]
fn an_attempt_that_may_have_acted_is_not_forgotten_by_a_later_one_that_did_not() {
    let mut world = world(Recovery::Keyed);
    world.node("send").fallbacks.on_unavailable = vec![Fallback::Retry(1), Fallback::Inbox];
    let mut drive = Drive::acting(&world);
    drive.acted(Err((CallFault::Unavailable, Unknown)));
    drive.acted(Err((CallFault::Unavailable, NotPerformed)));
    assert_eq!(kind(&drive), Some(InboxKind::InDoubt));
    let refused = drive.settle(Settlement::Retry);
    assert!(
        matches!(refused, Err(Refusal::Settlement(_))),
        "a new act would pay twice"
    );
}

#[test]
fn an_attempt_that_a_crash_cut_off_is_not_forgotten_either() {
    let mut world = world(Recovery::Keyed);
    world.node("send").fallbacks.on_unavailable = vec![Fallback::Inbox];
    let mut drive = Drive::acting(&world);
    drive.send(Input::Recovered { epoch: 1 }).unwrap();
    drive.acted(Err((CallFault::Unavailable, NotPerformed)));
    assert_eq!(kind(&drive), Some(InboxKind::InDoubt));
}

#[test]
fn an_act_that_certainly_did_not_happen_is_never_in_doubt() {
    for recovery in [
        Recovery::Rerun,
        Recovery::Keyed,
        Recovery::Query,
        Recovery::Never,
    ] {
        let world = world(recovery);
        let mut drive = Drive::acting(&world).onward();
        *world.guards.version.lock().unwrap() = 2;
        drive.acted(Err((CallFault::Unavailable, NotPerformed)));
        check(&drive, "act.failed act.retried inbox.opened");
        assert_eq!(
            kind(&drive),
            Some(InboxKind::Manual(Cause::Denied)),
            "{recovery:?}"
        );
    }
}

#[test]
fn a_retry_is_the_same_act_under_a_new_grant() {
    let world = world(Recovery::Keyed);
    let mut drive = Drive::acting(&world);
    let Phase::Acting { act, grant, .. } = drive.state.phase.clone() else {
        panic!()
    };
    drive.acted(Err((CallFault::Unavailable, Unknown)));
    let Phase::Acting {
        act: again,
        grant: second,
        ..
    } = drive.state.phase.clone()
    else {
        panic!()
    };
    assert_eq!((act.id, act.digest), (again.id, again.digest));
    assert!(grant.id != second.id && second.attempt == 2);
    let stale = Input::Acted {
        act: act.id,
        grant: grant.id,
        result: Ok(json!({"id": 1})),
    };
    assert_eq!(
        drive.send(stale),
        Err(Refusal::NotCurrent("the act's grant"))
    );
}

#[test]
fn a_result_that_does_not_fit_is_in_doubt_unless_it_may_be_repeated() {
    for (recovery, expected) in [
        (Recovery::Never, "intake.rejected inbox.opened"),
        (Recovery::Query, "intake.rejected inbox.opened"),
        (
            Recovery::Keyed,
            "intake.rejected act.retried policy.decided act.started",
        ),
        (
            Recovery::Rerun,
            "intake.rejected act.retried policy.decided act.started",
        ),
    ] {
        let mut world = world(recovery);
        world.node("send").fallbacks.on_invalid = vec![Fallback::Retry(1)];
        let mut drive = Drive::acting(&world).onward();
        drive.acted(Ok(json!({"id": "none"})));
        check(&drive, expected);
    }
}

#[test]
fn arguments_that_do_not_fit_are_never_proposed() {
    let mut world = World::new();
    world
        .shapes
        .fits
        .insert(super::world::name("arguments"), |_| false);
    let mut drive = Drive::fetched(&world).onward();
    drive.reply(super::world::GOOD);
    check(
        &drive,
        "model.replied output.accepted intake.rejected inbox.opened",
    );
}

#[test]
fn a_standing_authorisation_is_asked_for_only_where_it_may_count() {
    let standing = |world: &World| {
        Drive::drafted(world);
        world
            .guards
            .seen
            .lock()
            .unwrap()
            .iter()
            .any(|s| s.action == Action::AuthoriseStanding)
    };
    let mut world = World::new();
    assert!(!standing(&world), "a declared review is not waived");
    world.tool_step().review = None;
    assert!(standing(&world));
    world.guards.seen.lock().unwrap().clear();
    world.workflow.risk = RiskTier::Critical;
    assert!(!standing(&world), "never in critical risk");
    world.workflow.risk = RiskTier::High;
    (world.tool().effect, world.tool().external) = (ToolEffect::Reversible, false);
    assert!(!standing(&world), "not needed");
}

#[test]
fn standing_starts_the_act_without_people() {
    let mut world = World::new();
    world.tool_step().review = None;
    world.guards.says(Action::AuthoriseStanding, Answer::Allow);
    world
        .guards
        .says(Action::CallTool, Answer::Standing("approver"));
    let mut drive = Drive::fetched(&world).onward();
    drive.reply(super::world::GOOD);
    check(
        &drive,
        "model.replied output.accepted policy.decided act.proposed policy.decided act.started",
    );
    world.guards.says(Action::AuthoriseStanding, Answer::Deny);
    assert_eq!(Drive::drafted(&world).state.phase.name(), "reviewing");
}

#[test]
fn an_act_that_cannot_be_undone_needs_people_or_standing_whatever_policy_allows() {
    for (effect, external, phase) in [
        (ToolEffect::Irreversible, false, "waiting"),
        (ToolEffect::Read, true, "waiting"),
        (ToolEffect::Reversible, false, "acting"),
        (ToolEffect::Read, false, "acting"),
    ] {
        let mut world = World::new();
        world.tool_step().review = None;
        (world.tool().effect, world.tool().external) = (effect, external);
        assert_eq!(
            Drive::drafted(&world).state.phase.name(),
            phase,
            "{effect:?} {external}"
        );
    }
}

#[test]
fn a_result_is_taken_from_the_current_grant_of_this_epoch_only() {
    let world = world(Recovery::Keyed);
    let mut drive = Drive::acting(&world);
    let Phase::Acting { act, grant, .. } = drive.state.phase.clone() else {
        panic!()
    };
    drive.send(Input::Recovered { epoch: 4 }).unwrap();
    let late: Result<_, (CallFault, EffectKnown)> = Ok(json!({"id": 1}));
    let late = Input::Acted {
        act: act.id,
        grant: grant.id,
        result: late,
    };
    assert_eq!(
        drive.send(late),
        Err(Refusal::NotCurrent("the act's grant"))
    );
}
