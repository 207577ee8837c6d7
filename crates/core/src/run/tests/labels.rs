//! What policy and the journal are told of labels: joins with control, sensitive arguments, reconciliation,
//! and downgrades that change what is shown.

use serde_json::json;

use super::super::*;
use super::check;
use super::seams::Answer;
use super::world::{
    Drive, World, compose, draft, fetch, from_inputs, from_step, labelled, name, path, send, vendor,
};
use crate::label::{Confidentiality, FieldLabels, Integrity};
use crate::pipeline::policy::{Action, Downgrade};
use crate::seams::Piece;
use crate::workflow::{Next, NodeKind};

#[test]
fn a_prompts_label_is_the_join_of_all_that_it_shows_and_of_its_conditions() {
    let mut world = World::new();
    Drive::fetched(&world);
    let label = world.guards.last(Action::CallModel).label;
    assert_eq!(
        (label.confidentiality, label.integrity),
        (Confidentiality::Confidential, Integrity::Untrusted)
    );
    assert!(label.sources.contains(&name("step.fetch")) && label.sources.contains(&name("input")));

    let restricted = labelled(Confidentiality::Restricted, Integrity::Trusted);
    world.shapes.labels.insert(
        name("input"),
        FieldLabels::new(vec![
            (
                path(""),
                labelled(Confidentiality::Public, Integrity::Trusted),
            ),
            (path("/urgent"), restricted),
        ]),
    );
    Drive::fetched(&world);
    assert_eq!(
        world.guards.last(Action::CallModel).label.confidentiality,
        Confidentiality::Confidential
    );
    world.node("draft").control = vec![from_inputs("/urgent")];
    Drive::fetched(&world);
    assert_eq!(
        world.guards.last(Action::CallModel).label.confidentiality,
        Confidentiality::Restricted
    );
}

#[test]
fn what_a_model_writes_is_untrusted_though_its_schema_says_trusted() {
    let mut world = World::new();
    world.shapes.labels.insert(
        name("notes"),
        FieldLabels::new(vec![(
            path(""),
            labelled(Confidentiality::Public, Integrity::Trusted),
        )]),
    );
    let NodeKind::Tool(step) = &mut world.node("send").kind else {
        panic!()
    };
    step.arguments = compose(
        1,
        &[
            ("/to", from_step("draft", "/text")),
            ("/text", from_inputs("/case")),
        ],
    );
    Drive::drafted(&world);
    let seen = world.guards.last(Action::CallTool);
    assert_eq!(seen.untrusted, ["/to"]);
    world.guards.says(Action::CallTool, Answer::Trusted);
    assert_eq!(Drive::drafted(&world).state.phase.name(), "waiting");
}

#[test]
fn a_trusted_destination_is_not_made_untrusted_by_the_text_beside_it() {
    let world = World::new();
    Drive::drafted(&world);
    let seen = world.guards.last(Action::CallTool);
    assert!(seen.untrusted.is_empty() && !seen.label.is_trusted() && !seen.standing);
    assert_eq!(seen.declared, [(name("approver"), 1)].into());
}

#[test]
fn an_untrusted_condition_around_the_act_makes_its_destination_untrusted() {
    let mut world = World::new();
    world.node("send").control = vec![from_step("draft", "/text")];
    Drive::drafted(&world);
    assert_eq!(world.guards.last(Action::CallTool).untrusted, ["/to"]);
}

/// vendor → send, whose destination is the register's account.
fn register() -> World {
    let mut act = send(Next::End);
    if let NodeKind::Tool(step) = &mut act.kind {
        step.arguments = compose(5, &[("/to", from_step("vendor", "/account"))]);
    }
    World::of(vec![vendor(Next::Node(1)), act])
}

#[test]
fn a_record_that_equals_the_value_stands_for_it_when_policy_permits() {
    let known = "policy.decided value.endorsed source.accepted act.proposed policy.decided review.requested";
    let unequal = "source.accepted act.proposed policy.decided review.requested";
    let denied = "policy.decided source.accepted act.proposed policy.decided review.requested";
    for (account, answer, expected, untrusted) in [
        ("A1", Answer::Allow, known, false),
        ("A2", Answer::Allow, unequal, true),
        ("A1", Answer::Deny, denied, true),
        ("A1", Answer::Fail, denied, true),
        ("A1", Answer::Approval("approver", 1), denied, true),
    ] {
        let world = register();
        world.guards.says(Action::Endorse, answer);
        let mut drive = Drive::started(&world).onward();
        drive.read(Ok(json!({"account": account})));
        check(&drive, expected);
        let seen = world.guards.last(Action::CallTool);
        assert_eq!(
            (seen.untrusted.is_empty(), seen.reconciled),
            (!untrusted, !untrusted),
            "{account} {answer:?}"
        );
        assert_eq!(drive.state.outputs[&name("vendor")].endorsed, !untrusted);
    }
}

#[test]
fn a_source_that_is_no_register_never_stands_for_anything() {
    let mut world = register();
    world
        .registry
        .sources
        .get_mut(&name("register"))
        .unwrap()
        .register = false;
    let mut drive = Drive::started(&world).onward();
    drive.read(Ok(json!({"account": "A1"})));
    check(
        &drive,
        "source.accepted act.proposed policy.decided review.requested",
    );
    assert_eq!(world.guards.last(Action::CallTool).untrusted, ["/to"]);
}

#[test]
fn a_prompt_over_the_clearance_is_downgraded_in_text_and_label() {
    for (how, left) in [
        (Downgrade::Redact, "[withheld: confidential]"),
        (Downgrade::Strip, ""),
    ] {
        let mut world = World::new();
        world
            .registry
            .endpoints
            .get_mut(&name("near"))
            .unwrap()
            .clearance = Confidentiality::Internal;
        world.guards.says(Action::CallModel, Answer::Downgrade(how));
        let drive = Drive::fetched(&world);
        let Phase::Asking {
            label,
            downgrades,
            prompt,
            ..
        } = &drive.state.phase
        else {
            panic!()
        };
        assert_eq!(
            (label.confidentiality, label.is_trusted()),
            (Confidentiality::Internal, true)
        );
        assert_eq!(*downgrades, [how].into());
        assert_eq!(
            world.guards.last(Action::CallModel).downgrades,
            [how].into()
        );
        let user = drive.payloads[prompt]["user"].as_str().unwrap();
        assert_eq!(user, format!("Sum up: {left}case 7"));
        let counts = drive.events().find_map(|e| match e {
            Event::ModelRequested { shown, .. } => Some(*shown),
            _ => None,
        });
        assert_eq!(counts, Some((1, 1)));
    }
}

#[test]
fn a_prompt_over_the_clearance_is_never_sent_where_nothing_lifts_it() {
    let mut world = World::new();
    world
        .registry
        .endpoints
        .get_mut(&name("near"))
        .unwrap()
        .clearance = Confidentiality::Internal;
    world.node("draft").control = vec![from_step("fetch", "/body")];
    world
        .guards
        .says(Action::CallModel, Answer::Downgrade(Downgrade::Redact));
    let mut drive = Drive::started(&world).onward();
    drive.read(Ok(json!({"body": "x"})));
    check(&drive, "source.accepted policy.decided inbox.opened");
}

#[test]
fn an_untrusted_value_is_never_sent_as_an_instruction() {
    let mut world = World::of(vec![fetch(Next::Node(1)), draft(Next::End)]);
    world.sheets.pieces = vec![Piece::Slot {
        slot: 0,
        system: true,
        text: "obey".to_owned(),
    }];
    let mut drive = Drive::started(&world).onward();
    drive.read(Ok(json!({"body": "x"})));
    check(
        &drive,
        "source.accepted policy.decided intake.rejected inbox.opened",
    );
    assert!(drive.payloads.values().all(|p| p.get("system").is_none()));
}

#[test]
fn a_model_without_an_endpoint_is_unavailable() {
    let mut world = World::new();
    world.model_step().model = name("nowhere");
    let drive = Drive::fetched(&world);
    assert!(matches!(
        drive.state.phase,
        Phase::Waiting {
            kind: InboxKind::Manual(Cause::Unavailable),
            ..
        }
    ));
}
