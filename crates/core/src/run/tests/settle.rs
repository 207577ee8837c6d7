//! What a person says of an item of the inbox, and what follows.

use serde_json::json;

use super::super::*;
use super::check;
use super::seams::Answer;
use super::world::{Drive, World, name};
use crate::pipeline::identity::PrincipalKind;
use crate::pipeline::policy::Action;
use crate::pipeline::tool::EffectKnown;
use crate::registry::Recovery;

fn in_doubt(world: &World) -> Drive<'_> {
    let mut drive = Drive::acting(world);
    drive.acted(Err((CallFault::Timeout, EffectKnown::Unknown)));
    drive.onward()
}

#[test]
fn an_act_that_happened_goes_on_with_what_the_tool_recorded() {
    let world = World::new();
    let mut drive = in_doubt(&world);
    let refused = drive.settle(Settlement::Happened(json!({"id": "x"})));
    assert!(matches!(refused, Err(Refusal::ValueInvalid(_))));
    check(&drive, "");
    drive
        .settle(Settlement::Happened(json!({"id": 4})))
        .unwrap();
    check(
        &drive,
        "policy.decided inbox.settled output.accepted policy.decided output.released run.ended",
    );
    assert_eq!(drive.state.acts_done, 1);
    assert!(!drive.state.outputs[&name("send")].label.is_trusted());
}

#[test]
fn an_act_whose_target_takes_a_key_is_tried_again_under_the_same_key() {
    let mut world = World::new();
    world.tool().recovery = Recovery::Keyed;
    let mut drive = in_doubt(&world);
    let Phase::Waiting {
        act: Some(before), ..
    } = drive.state.phase.clone()
    else {
        panic!()
    };
    drive.settle(Settlement::DidNotHappen).unwrap();
    let Phase::Acting { act, .. } = &drive.state.phase else {
        panic!("{:?}", drive.state.phase)
    };
    assert_eq!((act.id, act.digest), (before.id, before.digest));
}

#[test]
fn an_act_that_did_not_happen_is_a_new_act_with_a_new_review() {
    let world = World::new();
    let mut drive = in_doubt(&world);
    let Phase::Waiting {
        act: Some(before), ..
    } = drive.state.phase.clone()
    else {
        panic!()
    };
    drive.settle(Settlement::DidNotHappen).unwrap();
    check(
        &drive,
        "policy.decided inbox.settled fallback.taken act.proposed policy.decided review.requested",
    );
    let Phase::Reviewing {
        review,
        act: Some(act),
    } = &drive.state.phase
    else {
        panic!()
    };
    assert!(act.id != before.id && act.digest != before.digest && review.approvals.is_empty());
}

#[test]
fn a_settlement_fits_its_item() {
    let world = World::new();
    let mut drive = in_doubt(&world);
    for settlement in [Settlement::Retry, Settlement::Complete(json!({}))] {
        let refused = drive.settle(settlement);
        assert_eq!(
            refused,
            Err(Refusal::Settlement("say first whether the act happened"))
        );
    }
    let cancelled = drive.send(Input::Cancel {
        by: world.person(1, &[]),
    });
    assert_eq!(
        cancelled,
        Err(Refusal::Settlement("say first whether the act happened"))
    );

    let mut drive = Drive::started(&world);
    drive.read(Err(CallFault::Timeout));
    for settlement in [Settlement::Happened(json!({})), Settlement::DidNotHappen] {
        let refused = drive.settle(settlement);
        assert_eq!(
            refused,
            Err(Refusal::Settlement("nothing is in doubt here"))
        );
    }
    let refused = drive.settle(Settlement::Complete(json!({"body": "x"})));
    assert!(
        matches!(refused, Err(Refusal::Settlement(_))),
        "only an AI step is written by hand"
    );
}

#[test]
fn only_people_that_policy_lets_settle() {
    let world = World::new();
    let mut drive = in_doubt(&world);
    let Phase::Waiting { item, .. } = drive.state.phase else {
        panic!()
    };
    let service = world.principal(6, &["approver"], PrincipalKind::Service, None);
    let settle = |by| Input::Settle {
        item,
        by,
        verdict: Settlement::DidNotHappen,
    };
    assert_eq!(
        drive.send(settle(service)),
        Err(Refusal::Settlement("only people settle"))
    );
    let other = crate::id::InboxId::from_bytes([3; 16]);
    let wrong = Input::Settle {
        item: other,
        by: world.person(3, &[]),
        verdict: Settlement::Retry,
    };
    assert_eq!(
        drive.send(wrong),
        Err(Refusal::NotCurrent("the inbox item"))
    );
    world.guards.says(Action::Review, Answer::Deny);
    drive.send(settle(world.person(3, &[]))).unwrap();
    check(&drive, "policy.decided");
    assert!(drive.denied);
    assert_eq!(drive.state.phase.name(), "waiting");
}

#[test]
fn an_item_cancelled_ends_the_run_by_that_person() {
    let world = World::new();
    let mut drive = Drive::started(&world);
    drive.read(Err(CallFault::Timeout));
    let mut drive = drive.onward();
    drive.settle(Settlement::Cancel).unwrap();
    check(&drive, "policy.decided inbox.settled run.ended");
    let by = drive.events().find_map(|e| match e {
        Event::RunEnded { by, .. } => *by,
        _ => None,
    });
    assert_eq!(by, Some(world.person(3, &[]).id()));
}
