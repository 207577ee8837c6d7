//! Every pair of phase and event: those that a run can come to are listed; any other is an error naming both.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::super::*;
use super::world::{Drive, World, choose, draft, fetch, look, send, spec};
use crate::pipeline::tool::EffectKnown;
use crate::registry::Recovery;
use crate::workflow::{Fallback, Next};

/// What each phase takes, whichever way it came about. `run.recovered`, `policy.decided` and `run.ended` are
/// taken almost everywhere and are listed apart.
const TAKES: &[(&str, &str)] = &[
    ("new", "run.requested"),
    ("requested", "intake.rejected run.started"),
    (
        "ready",
        "source.requested model.requested intake.rejected step.degraded branch.taken act.proposed \
               review.requested fallback.taken inbox.opened",
    ),
    (
        "reading",
        "call.failed intake.rejected value.endorsed source.accepted",
    ),
    ("asking", "call.failed model.replied"),
    ("judging", "output.rejected output.accepted"),
    ("stuck", "fallback.taken inbox.opened step.degraded"),
    (
        "proposed",
        "review.requested fallback.taken inbox.opened step.degraded act.started",
    ),
    ("reviewing", "review.voted review.settled"),
    (
        "approved",
        "review.settled review.passed fallback.taken inbox.opened step.degraded act.started output.released",
    ),
    (
        "acting",
        "act.started act.finished act.failed act.retried intake.rejected inbox.opened fallback.taken \
                step.degraded",
    ),
    ("waiting", "inbox.settled"),
    (
        "releasing",
        "intake.rejected review.requested output.released inbox.opened",
    ),
    ("released", ""),
    ("ended", ""),
];

fn takes(phase: &str, event: &str) -> bool {
    match event {
        "run.recovered" => phase != "ended",
        "policy.decided" => !matches!(phase, "new" | "released" | "ended"),
        "run.ended" => !matches!(phase, "new" | "ended"),
        event => TAKES
            .iter()
            .any(|(p, events)| *p == phase && events.split_whitespace().any(|e| e == event)),
    }
}

/// Drives runs through all roads; every state passed and every event said is a sample.
fn samples() -> (BTreeMap<String, State>, BTreeMap<String, Event>) {
    let (mut states, mut events) = (BTreeMap::new(), BTreeMap::new());
    let mut take = |drive: &Drive<'_>| {
        let mut state = State::new(drive.state.run);
        for event in drive.events() {
            states
                .entry(format!("{:?}", state.phase))
                .or_insert_with(|| state.clone());
            events
                .entry(format!("{event:?}"))
                .or_insert_with(|| event.clone());
            state = evolve(state, event).unwrap();
        }
        states.entry(format!("{:?}", state.phase)).or_insert(state);
    };
    let mut world = World::new();
    world.tool().recovery = Recovery::Keyed;
    world.model_step().review = Some(spec(1));
    world.workflow.output.review = Some(spec(1));
    world.node("draft").fallbacks.on_invalid = vec![Fallback::Repair(1), Fallback::Degraded(0)];
    world.node("send").fallbacks.on_timeout = vec![Fallback::Retry(1)];
    let mut drive = Drive::fetched(&world);
    drive.reply("no");
    drive.reply(super::world::GOOD);
    drive.approve();
    drive.approve();
    drive.acted(Err((CallFault::Timeout, EffectKnown::Unknown)));
    drive.send(Input::Recovered { epoch: 1 }).unwrap();
    drive.acted(Ok(json!({"id": "x"})));
    drive.settle(Settlement::DidNotHappen).unwrap();
    drive.acted(Ok(json!({"id": 1})));
    drive.approve();
    take(&drive);
    let mut drive = Drive::fetched(&world);
    drive.reply("no");
    drive.reply("no");
    take(&drive);
    let mut drive = Drive::started(&world);
    drive.read(Err(CallFault::Timeout));
    drive.settle(Settlement::Cancel).unwrap();
    take(&drive);
    let shown = World::of(vec![
        choose(Next::End, Some(Next::Node(1))),
        fetch(Next::Node(2)),
        draft(Next::Node(3)),
        look(Next::Node(4)),
        send(Next::End),
    ]);
    let mut drive = Drive::drafted(&shown);
    drive.approve();
    take(&drive);
    let register = World::of(vec![super::world::vendor(Next::End)]);
    let mut drive = Drive::started(&register);
    drive.read(Ok(json!({"account": "A1"})));
    take(&drive);
    take(&Drive::started_with(
        &shown,
        json!({}),
        shown.person(1, &[]),
    ));
    (states, events)
}

#[test]
fn the_samples_cover_every_phase_and_every_event() {
    let (states, events) = samples();
    let phases: BTreeSet<_> = states.values().map(|s| s.phase.name()).collect();
    let kinds: BTreeSet<_> = events.values().map(Event::kind).collect();
    assert_eq!(phases, TAKES.iter().map(|(phase, _)| *phase).collect());
    let listed: BTreeSet<_> = TAKES
        .iter()
        .flat_map(|(_, events)| events.split_whitespace())
        .collect();
    let missing: Vec<_> = listed.difference(&kinds).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert_eq!(kinds.len(), 29);
}

#[test]
fn an_event_that_a_phase_cannot_take_is_an_error_naming_both() {
    let (states, events) = samples();
    for state in states.values() {
        for event in events.values() {
            let (phase, kind) = (state.phase.name(), event.kind());
            match evolve(state.clone(), event) {
                Ok(_) => assert!(takes(phase, kind), "{phase} took {kind}"),
                Err(illegal) => {
                    let text = illegal.to_string();
                    assert!(text.contains(phase) && text.contains(kind), "{text}");
                    assert_eq!(illegal.place, state.events);
                }
            }
        }
    }
}

#[test]
fn an_event_about_another_call_act_grant_or_item_is_illegal() {
    let world = World::new();
    let drive = Drive::acting(&world);
    let other = {
        let mut drive = Drive::new(&world);
        for _ in 0..3 {
            let _ = drive.arrival(Input::Tick);
        }
        let input = json!({"case": "7", "to": "desk", "urgent": false});
        drive
            .send(Input::Start(Box::new(Start {
                run: drive.state.run,
                requester: world.person(1, &[]),
                input: Some(input),
                input_bytes: 0,
                subjects: Vec::new(),
            })))
            .unwrap();
        drive.go();
        drive.read(Ok(json!({"body": "the pump broke at noon"})));
        drive.reply(super::world::GOOD);
        drive.approve();
        drive
    };
    let mut state = State::new(drive.state.run);
    for (ours, theirs) in drive.events().zip(other.events()) {
        assert_eq!(ours.kind(), theirs.kind());
        let bound = matches!(
            ours.kind(),
            "source.accepted" | "model.replied" | "review.voted" | "review.settled" | "act.started"
        );
        if bound {
            assert!(evolve(state.clone(), theirs).is_err(), "{}", ours.kind());
        }
        state = evolve(state, ours).unwrap();
    }
}
