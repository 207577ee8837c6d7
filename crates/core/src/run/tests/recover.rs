//! A run is taken over, loses a payload, or is ended by a person, in each phase where it may rest.

use serde_json::json;

use super::super::*;
use super::check;
use super::world::{Drive, World};
use crate::registry::Recovery;

#[test]
fn an_act_under_way_is_tried_again_or_in_doubt_by_its_recovery_class() {
    for (recovery, expected) in [
        (Recovery::Rerun, "run.recovered policy.decided act.started"),
        (Recovery::Keyed, "run.recovered policy.decided act.started"),
        (Recovery::Query, "run.recovered inbox.opened"),
        (Recovery::Never, "run.recovered inbox.opened"),
    ] {
        let mut world = World::new();
        world.tool().recovery = recovery;
        let mut drive = Drive::acting(&world).onward();
        let before = drive.state.phase.clone();
        drive.send(Input::Recovered { epoch: 3 }).unwrap();
        check(&drive, expected);
        if let (
            Phase::Acting {
                act: a, grant: g, ..
            },
            Phase::Acting {
                act: b,
                grant: h,
                epoch,
            },
        ) = (before, &drive.state.phase)
        {
            assert!(a.id == b.id && g.id != h.id && *epoch == 3);
        }
    }
}

#[test]
fn an_act_whose_tool_is_gone_is_in_doubt() {
    for recovery in [Recovery::Rerun, Recovery::Never] {
        let mut world = World::new();
        world.tool().recovery = recovery;
        let drive = Drive::acting(&world);
        let Drive {
            state,
            payloads,
            labels,
            now,
            batches,
            ..
        } = drive;
        let mut later = World::new();
        later.registry.tools.clear();
        let mut drive = Drive::new(&later);
        (
            drive.state,
            drive.payloads,
            drive.labels,
            drive.now,
            drive.batches,
        ) = (state, payloads, labels, now, batches);
        drive.send(Input::Recovered { epoch: 1 }).unwrap();
        assert!(matches!(
            drive.state.phase,
            Phase::Waiting {
                kind: InboxKind::InDoubt,
                ..
            }
        ));
    }
}

#[test]
fn a_takeover_needs_a_higher_epoch_and_a_run_that_is_under_way() {
    let world = World::new();
    let mut drive = Drive::started(&world).onward();
    drive.send(Input::Recovered { epoch: 2 }).unwrap();
    check(&drive, "run.recovered");
    for epoch in [0, 1, 2] {
        assert_eq!(
            drive.send(Input::Recovered { epoch }),
            Err(Refusal::NotCurrent("the epoch"))
        );
    }
    let refused = Drive::new(&world).send(Input::Recovered { epoch: 1 });
    assert!(matches!(refused, Err(Refusal::NotNow { .. })));
}

/// A run that rests in the named phase.
fn resting<'w>(world: &'w World, phase: &str) -> Drive<'w> {
    let drive = match phase {
        "reading" => Drive::started(world),
        "asking" => Drive::fetched(world),
        "reviewing" => Drive::drafted(world),
        "approved" => {
            let mut drive = Drive::drafted(world);
            drive.vote(world.person(2, &["approver"]), true).unwrap();
            drive
        }
        "acting" => Drive::acting(world),
        "waiting" => {
            let mut drive = Drive::started(world);
            drive.read(Err(CallFault::Timeout));
            drive
        }
        other => panic!("{other}"),
    };
    assert_eq!(drive.state.phase.name(), phase);
    drive.onward()
}

#[test]
fn an_erased_payload_goes_to_a_person_in_each_phase_that_reads_it() {
    for (phase, expected) in [
        ("reading", "call.failed inbox.opened"),
        ("asking", "call.failed inbox.opened"),
        ("reviewing", "review.settled inbox.opened"),
        ("approved", "inbox.opened"),
        ("acting", "inbox.opened"),
    ] {
        let world = World::new();
        let mut drive = resting(&world, phase);
        let payload = needs(&world.program(), &drive.state).pop().unwrap().payload;
        let other = crate::id::PayloadId::from_bytes([9; 16]);
        let refused = drive.send(Input::PayloadGone { payload: other });
        assert_eq!(refused, Err(Refusal::NotCurrent("the payload")));
        drive.send(Input::PayloadGone { payload }).unwrap();
        check(&drive, expected);
        let Phase::Waiting { kind, .. } = drive.state.phase else {
            panic!("{phase}")
        };
        let in_doubt = phase == "acting";
        assert_eq!(kind == InboxKind::InDoubt, in_doubt, "{phase}");
        let nobody = |e: &Event| {
            matches!(
                e,
                Event::ReviewSettled {
                    outcome: ReviewOutcome::Rejected,
                    ..
                }
            )
        };
        assert!(!drive.events().any(nobody), "nobody said no");
    }
}

#[test]
fn a_payload_that_is_gone_when_a_step_is_prepared_or_released_goes_to_a_person() {
    let world = World::new();
    for keep in ["fetch", "end"] {
        let mut drive = Drive::new(&world);
        let full = if keep == "fetch" {
            Drive::started(&world)
        } else {
            Drive::acting(&world)
        };
        for event in full.events() {
            if event.kind() == "source.requested" && keep == "fetch" {
                break;
            }
            drive.state = evolve(drive.state, event).unwrap();
        }
        if keep == "end" {
            drive = full;
            let Phase::Acting { act, grant, .. } = drive.state.phase.clone() else {
                panic!()
            };
            let result = Ok(json!({"id": 1}));
            drive
                .send(Input::Acted {
                    act: act.id,
                    grant: grant.id,
                    result,
                })
                .unwrap();
            assert_eq!(drive.state.phase, Phase::Releasing);
        }
        let program = world.program();
        let payload = needs(&program, &drive.state)[0].payload;
        let arrival = Arrival {
            now: drive.now,
            entropy: [7; 32],
            opened: Opened::default(),
            input: Input::PayloadGone { payload },
        };
        let decided = decide(&program, &drive.state, arrival).unwrap();
        assert_eq!(
            decided.events.iter().map(Event::kind).collect::<Vec<_>>(),
            ["inbox.opened"]
        );
    }
}

#[test]
fn the_requester_may_end_a_run_wherever_it_rests_but_not_an_act_under_way() {
    for phase in [
        "reading",
        "asking",
        "reviewing",
        "approved",
        "waiting",
        "acting",
    ] {
        let world = World::new();
        let mut drive = resting(&world, phase);
        let ended = drive.send(Input::Cancel {
            by: world.person(1, &[]),
        });
        assert_eq!(ended.is_ok(), phase != "acting", "{phase}");
        assert_eq!(drive.state.is_ended(), phase != "acting");
        if drive.state.is_ended() {
            check(&drive, "run.ended");
            assert!(
                drive
                    .send(Input::Cancel {
                        by: world.person(1, &[])
                    })
                    .is_err()
            );
        }
    }
}

#[test]
fn others_end_a_run_only_where_policy_lets_them() {
    use super::seams::Answer;
    let world = World::new();
    world
        .guards
        .says(crate::pipeline::policy::Action::Review, Answer::Deny);
    let mut drive = resting(&world, "asking");
    drive
        .send(Input::Cancel {
            by: world.person(4, &[]),
        })
        .unwrap();
    check(&drive, "policy.decided");
    assert!(drive.denied && !drive.state.is_ended());
}

#[test]
fn a_run_taken_over_while_a_person_is_awaited_still_waits() {
    for phase in ["reviewing", "waiting", "reading", "asking", "approved"] {
        let world = World::new();
        let mut drive = resting(&world, phase);
        let before = drive.state.phase.clone();
        drive.send(Input::Recovered { epoch: 1 }).unwrap();
        check(&drive, "run.recovered");
        assert_eq!(drive.state.phase, before);
    }
}
