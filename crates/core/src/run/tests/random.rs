//! Random inputs in any order: nothing panics, and the journal's invariants hold after each of them.

use proptest::prelude::*;
use serde_json::json;

use super::super::*;
use super::seams::Answer;
use super::world::{Drive, GOOD, World, reply, spec};
use crate::pipeline::model::Stop;
use crate::pipeline::policy::Action;
use crate::pipeline::tool::EffectKnown;
use crate::registry::Recovery;
use crate::workflow::{Fallback, Fallbacks};

const ANSWERS: [Answer; 5] = [
    Answer::Allow,
    Answer::Allow,
    Answer::Deny,
    Answer::Fail,
    Answer::Approval("approver", 1),
];
const ACTIONS: [Action; 6] = [
    Action::ReadSource,
    Action::CallModel,
    Action::CallTool,
    Action::AuthoriseStanding,
    Action::Release,
    Action::Review,
];
const FAULTS: [CallFault; 4] = [
    CallFault::Unavailable,
    CallFault::Timeout,
    CallFault::Rejected,
    CallFault::Withdrawn,
];

fn fallback(n: u8) -> Vec<Fallback> {
    match n % 6 {
        0 => vec![],
        1 => vec![Fallback::Retry(1), Fallback::Inbox],
        2 => vec![Fallback::Repair(2), Fallback::Stop],
        3 => vec![Fallback::Degraded(0)],
        4 => vec![
            Fallback::Model(super::world::name("other")),
            Fallback::Retry(1),
            Fallback::Degraded(0),
        ],
        _ => vec![Fallback::Stop],
    }
}

fn world(shape: u8, lists: &[u8; 5]) -> World {
    let mut world = World::new();
    for (place, node) in world.workflow.nodes.iter_mut().enumerate() {
        let list = |n: usize| fallback(lists[n].wrapping_add(u8::try_from(place).unwrap()));
        node.fallbacks = Fallbacks {
            on_invalid: list(0),
            on_unavailable: list(1),
            on_denied: list(2),
            on_timeout: list(3),
            on_uncertain: list(4),
        };
    }
    world.tool().recovery = [
        Recovery::Rerun,
        Recovery::Keyed,
        Recovery::Query,
        Recovery::Never,
    ][usize::from(shape % 4)];
    if shape & 4 != 0 {
        world.tool_step().review = None;
    }
    if shape & 8 != 0 {
        world.model_step().review = Some(spec(2));
    }
    if shape & 16 != 0 {
        world.workflow.output.review = Some(spec(1));
    }
    world
}

/// Any input, mostly one that fits the phase.
fn input(drive: &Drive<'_>, kind: u8, pick: u8) -> Input {
    let world = drive.world;
    let person = world.person(
        1 + pick % 4,
        if pick & 16 == 0 { &["approver"] } else { &[] },
    );
    let fault = FAULTS[usize::from(pick % 4)];
    let known = if pick & 8 == 0 {
        EffectKnown::Unknown
    } else {
        EffectKnown::NotPerformed
    };
    let fits = pick & 32 == 0;
    if kind >= 230 {
        return match kind % 5 {
            0 => Input::Tick,
            1 => Input::Recovered {
                epoch: u64::from(pick),
            },
            2 => Input::Cancel { by: person },
            3 => Input::Opened,
            _ => {
                let gone = needs(&world.program(), &drive.state)
                    .first()
                    .map(|need| need.payload);
                let payload = gone.unwrap_or(crate::id::PayloadId::from_bytes([pick; 16]));
                Input::PayloadGone { payload }
            }
        };
    }
    match &drive.state.phase {
        Phase::Reading { call, .. } => {
            let value = if pick & 4 == 0 {
                json!({"body": "broke at noon"})
            } else {
                json!({})
            };
            Input::Read {
                call: *call,
                result: if fits { Ok(value) } else { Err(fault) },
            }
        }
        Phase::Asking { call, .. } => {
            let text = if pick & 4 == 0 { GOOD } else { "no" };
            let stop = if pick & 64 == 0 {
                Stop::End
            } else {
                Stop::Refusal
            };
            Input::Replied {
                call: *call,
                result: if fits {
                    Ok(reply(text, stop))
                } else {
                    Err(fault)
                },
            }
        }
        Phase::Acting { act, grant, .. } => {
            let value = if pick & 4 == 0 {
                json!({"id": 1})
            } else {
                json!({})
            };
            Input::Acted {
                act: act.id,
                grant: grant.id,
                result: if fits { Ok(value) } else { Err((fault, known)) },
            }
        }
        Phase::Reviewing { review, .. } => Input::Vote {
            review: review.id,
            voter: person,
            digest: review.digest,
            approve: fits,
            reason: Some("because".to_owned()),
        },
        Phase::Waiting { item, .. } => {
            let verdict = match pick % 5 {
                0 => Settlement::Retry,
                1 => Settlement::Cancel,
                2 => Settlement::Happened(json!({"id": 1})),
                3 => Settlement::DidNotHappen,
                _ => Settlement::Complete(json!({"text": "x", "quotes": []})),
            };
            Input::Settle {
                item: *item,
                by: person,
                verdict,
            }
        }
        _ => Input::Opened,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_sequence_of_inputs_breaks_the_journal(
        shape: u8,
        lists: [u8; 5],
        inputs in prop::collection::vec((any::<u8>(), any::<u8>(), any::<u8>()), 1..40),
    ) {
        let world = world(shape, &lists);
        let mut drive = Drive::started(&world);
        for (kind, pick, change) in inputs {
            if change < 40 {
                let action = ACTIONS[usize::from(change) % ACTIONS.len()];
                world.guards.says(action, ANSWERS[usize::from(change) % ANSWERS.len()]);
            } else if change < 50 {
                *world.guards.version.lock().unwrap() = change;
            } else if change < 60 {
                drive.now = drive.now.plus_seconds(300);
            }
            let next = input(&drive, kind, pick);
            let before = drive.state.clone();
            match drive.send(next) {
                Ok(()) => {}
                Err(refusal) => {
                    prop_assert!(!matches!(refusal, Refusal::Bug(_)), "{refusal} in {:?}", before.phase);
                    prop_assert_eq!(&before, &drive.state);
                }
            }
            if pending(&drive.state) == [Effect::Decide] && kind & 1 == 0 {
                drive.send(Input::Opened).unwrap();
            }
        }
    }
}
