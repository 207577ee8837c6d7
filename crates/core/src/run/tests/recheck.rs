//! The check just before an effect: what has changed since the event that allowed it withdraws it.

use serde_json::json;

use super::super::*;
use super::seams::Answer;
use super::world::{Drive, World, labelled, name, path};
use crate::label::{Confidentiality, FieldLabels, Integrity};
use crate::pipeline::policy::{Action, Downgrade};
use crate::registry::Recovery;

fn call(drive: &Drive<'_>, world: &World, opened: &mut Opened) -> Result<String, String> {
    let made = executable(&world.program(), &drive.state, opened, drive.now);
    made.map(|call| call.idempotency_key())
        .map_err(|withdrawn| withdrawn.to_string())
}

#[test]
fn a_read_a_prompt_and_a_call_that_still_fit_are_made() {
    let world = World::new();
    let drive = Drive::started(&world);
    let reading = readable(&world.program(), &drive.state, &mut drive.open(), drive.now).unwrap();
    assert_eq!(
        (reading.query(), reading.source().as_str()),
        (&json!({"case": "7"}), "notes")
    );
    let drive = Drive::fetched(&world);
    let showing = showable(&world.program(), &drive.state, &mut drive.open(), drive.now).unwrap();
    assert!(showing.prompt().user.contains("the pump broke at noon"));
    assert_eq!(
        (showing.endpoint().as_str(), showing.output_tokens_max()),
        ("near", 500)
    );
    let drive = Drive::acting(&world);
    let made = executable(&world.program(), &drive.state, &mut drive.open(), drive.now).unwrap();
    assert_eq!(
        *made.arguments(),
        json!({"to": "desk", "text": "It broke."})
    );
    let Phase::Acting { act, .. } = &drive.state.phase else {
        panic!()
    };
    assert_eq!(made.idempotency_key(), act.id.to_string());
}

#[test]
fn a_policy_that_now_denies_or_fails_withdraws_each_effect() {
    for answer in [Answer::Deny, Answer::Fail] {
        let world = World::new();
        let (read, ask, act) = (
            Drive::started(&world),
            Drive::fetched(&world),
            Drive::acting(&world),
        );
        for action in [Action::ReadSource, Action::CallModel, Action::CallTool] {
            world.guards.says(action, answer);
        }
        let program = world.program();
        assert!(readable(&program, &read.state, &mut read.open(), read.now).is_err());
        assert!(showable(&program, &ask.state, &mut ask.open(), ask.now).is_err());
        assert!(call(&act, &world, &mut act.open()).is_err());
    }
}

#[test]
fn nothing_is_made_for_a_state_that_awaits_something_else() {
    let world = World::new();
    for drive in [
        Drive::new(&world),
        Drive::started(&world),
        Drive::fetched(&world),
        Drive::drafted(&world),
    ] {
        let program = world.program();
        let phase = drive.state.phase.name();
        let made = (
            readable(&program, &drive.state, &mut drive.open(), drive.now).is_ok(),
            showable(&program, &drive.state, &mut drive.open(), drive.now).is_ok(),
            executable(&program, &drive.state, &mut drive.open(), drive.now).is_ok(),
        );
        assert_eq!(
            made,
            (phase == "reading", phase == "asking", false),
            "{phase}"
        );
    }
}

#[test]
fn arguments_that_differ_by_one_byte_do_not_fit_the_grant() {
    let world = World::new();
    let drive = Drive::acting(&world);
    assert!(call(&drive, &world, &mut drive.open()).is_ok());
    for arguments in [
        json!({"to": "desl", "text": "It broke."}),
        json!({"to": "desk", "text": "It broke"}),
        json!({"to": "desk", "text": "It broke.", "cc": ""}),
    ] {
        let mut opened = drive.open();
        opened.content.as_mut().unwrap().value = arguments;
        assert!(call(&drive, &world, &mut opened).is_err());
    }
    let mut opened = drive.open();
    opened.content.as_mut().unwrap().key = crate::digest::ActKey::from_bytes([5; 32]);
    assert!(call(&drive, &world, &mut opened).is_err(), "another key");
    assert!(
        call(&drive, &world, &mut Opened::default()).is_err(),
        "not open"
    );
}

#[test]
fn other_labels_or_other_policies_do_not_fit_the_grant() {
    let mut world = World::new();
    let (state, now, open) = {
        let drive = Drive::acting(&world);
        (drive.state, drive.now, drive.payloads)
    };
    let again = |world: &World| {
        let mut drive = Drive::new(world);
        (drive.state, drive.now, drive.payloads) = (state.clone(), now, open.clone());
        call(&drive, world, &mut drive.open()).is_ok()
    };
    assert!(again(&world));
    *world.guards.version.lock().unwrap() = 2;
    assert!(
        !again(&world),
        "policies changed though they still allow it"
    );
    *world.guards.version.lock().unwrap() = 1;
    let stricter = labelled(Confidentiality::Restricted, Integrity::Trusted);
    world
        .shapes
        .labels
        .insert(name("input"), FieldLabels::new(vec![(path(""), stricter)]));
    assert!(!again(&world), "labels changed");
}

#[test]
fn a_grant_ends_and_belongs_to_its_epoch() {
    let mut world = World::new();
    world.tool().recovery = Recovery::Keyed;
    let mut drive = Drive::acting(&world);
    let Phase::Acting { grant, .. } = &drive.state.phase else {
        panic!()
    };
    assert_eq!(
        grant.expires_at,
        drive.now.plus_seconds(crate::limits::GRANT_SECONDS_MAX)
    );
    let end = grant.expires_at;
    let older = State {
        epoch: 7,
        ..drive.state.clone()
    };
    assert!(executable(&world.program(), &older, &mut drive.open(), drive.now).is_err());
    assert!(pending(&older).is_empty());
    drive.now = end;
    assert!(call(&drive, &world, &mut drive.open()).is_err());
}

#[test]
fn an_approval_that_has_expired_since_the_start_withdraws_the_call() {
    let world = World::new();
    let mut drive = Drive::drafted(&world);
    drive.now = drive.now.plus_seconds(599);
    drive.approve();
    assert!(call(&drive, &world, &mut drive.open()).is_ok());
    drive.now = drive.now.plus_seconds(1);
    assert!(call(&drive, &world, &mut drive.open()).is_err());
}

#[test]
fn a_prompt_whose_labels_or_downgrades_are_others_now_is_withdrawn() {
    let mut world = World::new();
    world
        .guards
        .says(Action::CallModel, Answer::Downgrade(Downgrade::Strip));
    let (state, payloads, now) = {
        let drive = Drive::fetched(&world);
        (drive.state, drive.payloads, drive.now)
    };
    let show = |world: &World| {
        let mut drive = Drive::new(world);
        (drive.state, drive.payloads) = (state.clone(), payloads.clone());
        showable(&world.program(), &drive.state, &mut drive.open(), now).is_ok()
    };
    assert!(show(&world));
    world
        .registry
        .endpoints
        .get_mut(&name("near"))
        .unwrap()
        .clearance = Confidentiality::Public;
    assert!(!show(&world), "the endpoint's clearance was lowered");
    world
        .registry
        .endpoints
        .get_mut(&name("near"))
        .unwrap()
        .clearance = Confidentiality::Restricted;
    let raised = labelled(Confidentiality::Restricted, Integrity::Untrusted);
    world
        .shapes
        .labels
        .insert(name("notes"), FieldLabels::new(vec![(path(""), raised)]));
    assert!(!show(&world), "the labels are others");
    world.registry.aliases.clear();
    assert!(!show(&world), "the endpoint is gone");
}
