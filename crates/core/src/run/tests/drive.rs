//! One run of a world, driven input by input: each step opens what it needs, decides, stores, folds, and is held
//! against the journal's invariants.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::*;
use super::journal::check_journal;
use super::world::World;
use crate::id::PayloadId;
use crate::label::Label;
use crate::pipeline::model::{Stop, Usage};
use crate::pipeline::tool::EffectKnown;

pub(super) const GOOD: &str = r#"{"outcome": {"text": "It broke.", "quotes": ["broke at noon"]}}"#;

pub(super) fn reply(text: &str, stop: Stop) -> ModelReply {
    ModelReply {
        text: text.to_owned(),
        stop,
        usage: Usage::default(),
        request_id: None,
        model: None,
    }
}

/// One run under way, with its stored payloads and batches of events.
pub(super) struct Drive<'w> {
    pub(super) world: &'w World,
    pub(super) state: State,
    pub(super) batches: Vec<Vec<Event>>,
    pub(super) payloads: BTreeMap<PayloadId, Value>,
    pub(super) labels: BTreeMap<PayloadId, Label>,
    pub(super) now: Timestamp,
    pub(super) denied: bool,
    mark: usize,
    seed: u64,
}

impl<'w> Drive<'w> {
    pub(super) fn new(world: &'w World) -> Self {
        Self {
            world,
            state: State::new(RunId::from_bytes([1; 16])),
            batches: Vec::new(),
            payloads: BTreeMap::new(),
            labels: BTreeMap::new(),
            now: Timestamp::from_micros(1_000_000_000),
            denied: false,
            mark: 0,
            seed: 0,
        }
    }

    /// Asked for by principal 1, with the usual input, and driven to its first stop.
    pub(super) fn started(world: &'w World) -> Self {
        let input = json!({"case": "7", "to": "desk", "urgent": false, "account": "A1"});
        Self::started_with(world, input, world.person(1, &["analyst", "approver"]))
    }

    pub(super) fn started_with(world: &'w World, input: Value, requester: Principal) -> Self {
        let mut drive = Self::new(world);
        let run = drive.state.run;
        drive
            .send(Input::Start(Box::new(Start {
                run,
                requester,
                input: Some(input),
                input_bytes: 10,
                subjects: Vec::new(),
            })))
            .unwrap();
        drive.go();
        drive
    }

    /// Opens what the state needs, decides, stores, folds and checks.
    pub(super) fn send(&mut self, input: Input) -> Result<(), Refusal> {
        let arrival = self.arrival(input);
        let program = self.world.program();
        let decided = decide(&program, &self.state, arrival)?;
        self.denied = decided.denied.is_some();
        let introduced: Vec<PayloadId> =
            decided.events.iter().flat_map(Event::introduces).collect();
        let drafted: Vec<PayloadId> = decided.drafts.iter().map(|d| d.id).collect();
        let (mut a, mut b) = (introduced, drafted);
        a.sort();
        b.sort();
        assert_eq!(
            a, b,
            "each payload is introduced by exactly one event of its batch"
        );
        for draft in decided.drafts {
            assert!(
                !self.payloads.contains_key(&draft.id),
                "a payload is stored once"
            );
            self.labels.insert(draft.id, draft.label);
            self.payloads.insert(draft.id, draft.content);
        }
        for event in &decided.events {
            self.state = evolve(self.state.clone(), event).unwrap();
        }
        if !decided.events.is_empty() {
            self.batches.push(decided.events);
        }
        check_journal(self);
        Ok(())
    }

    pub(super) fn arrival(&mut self, input: Input) -> Arrival {
        self.seed += 1;
        let mut entropy = [0; 32];
        entropy[..8].copy_from_slice(&self.seed.to_be_bytes());
        Arrival {
            now: self.now,
            entropy,
            opened: self.open(),
            input,
        }
    }

    pub(super) fn open(&self) -> Opened {
        let mut opened = Opened::default();
        for need in needs(&self.world.program(), &self.state) {
            let value = self.payloads[&need.payload].clone();
            match need.root {
                NeedRoot::Inputs => opened.scope.inputs = value,
                NeedRoot::Step(step) => drop(opened.scope.outputs.insert(step, value)),
                NeedRoot::Content => opened.content = Content::from_json(value),
                NeedRoot::Query => opened.query = Some(value),
                NeedRoot::Prompt => {
                    let part = |key: &str| value[key].as_str().unwrap().to_owned();
                    opened.prompt = Some(PromptText {
                        system: part("system"),
                        user: part("user"),
                    });
                }
                NeedRoot::Problems => {
                    let part = |v: &Value, key: &str| v[key].as_str().unwrap().to_owned();
                    opened.problems = value["problems"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(|v| Violation {
                            at: part(v, "at"),
                            keyword: part(v, "keyword"),
                            expected: part(v, "expected"),
                        })
                        .collect();
                }
            }
        }
        opened
    }

    /// Decides as long as nothing from outside is needed.
    pub(super) fn go(&mut self) {
        for _ in 0..50 {
            if pending(&self.state) != [Effect::Decide] {
                return;
            }
            self.send(Input::Opened).unwrap();
        }
        panic!("the run goes in circles");
    }

    pub(super) fn read(&mut self, result: Result<Value, CallFault>) {
        let Phase::Reading { call, .. } = self.state.phase else {
            panic!("{:?}", self.state.phase)
        };
        self.send(Input::Read { call, result }).unwrap();
        self.go();
    }

    pub(super) fn reply(&mut self, text: &str) {
        self.answer(Ok(reply(text, Stop::End)));
    }

    pub(super) fn answer(&mut self, result: Result<ModelReply, CallFault>) {
        let Phase::Asking { call, .. } = self.state.phase else {
            panic!("{:?}", self.state.phase)
        };
        self.send(Input::Replied { call, result }).unwrap();
        self.go();
    }

    pub(super) fn acted(&mut self, result: Result<Value, (CallFault, EffectKnown)>) {
        let Phase::Acting { act, grant, .. } = self.state.phase.clone() else {
            panic!("{:?}", self.state.phase)
        };
        self.send(Input::Acted {
            act: act.id,
            grant: grant.id,
            result,
        })
        .unwrap();
        self.go();
    }

    pub(super) fn review(&self) -> Review {
        let Phase::Reviewing { review, .. } = &self.state.phase else {
            panic!("{:?}", self.state.phase)
        };
        review.clone()
    }

    pub(super) fn vote(&mut self, voter: Principal, approve: bool) -> Result<(), Refusal> {
        let review = self.review();
        let reason = (!approve).then(|| "no".to_owned());
        self.send(Input::Vote {
            review: review.id,
            voter,
            digest: review.digest,
            approve,
            reason,
        })
    }

    /// Principal 2 approves, and the run goes on.
    pub(super) fn approve(&mut self) {
        let voter = self.world.person(2, &["approver"]);
        self.vote(voter, true).unwrap();
        self.go();
    }

    pub(super) fn settle(&mut self, verdict: Settlement) -> Result<(), Refusal> {
        let Phase::Waiting { item, .. } = self.state.phase else {
            panic!("{:?}", self.state.phase)
        };
        let by = self.world.person(3, &["approver"]);
        self.send(Input::Settle { item, by, verdict })?;
        self.go();
        Ok(())
    }

    /// With the source read.
    pub(super) fn fetched(world: &'w World) -> Self {
        let mut drive = Self::started(world);
        drive.read(Ok(json!({"body": "the pump broke at noon"})));
        drive
    }

    /// With the draft written too.
    pub(super) fn drafted(world: &'w World) -> Self {
        let mut drive = Self::fetched(world);
        drive.reply(GOOD);
        drive
    }

    /// With the act approved and started.
    pub(super) fn acting(world: &'w World) -> Self {
        let mut drive = Self::drafted(world);
        drive.approve();
        drive
    }

    /// From here on, [`super::check`] looks at what comes.
    pub(super) fn onward(mut self) -> Self {
        self.mark = self.batches.len();
        self
    }

    pub(super) fn kinds(&self) -> Vec<&'static str> {
        self.batches[self.mark..]
            .iter()
            .flatten()
            .map(Event::kind)
            .collect()
    }

    pub(super) fn events(&self) -> impl DoubleEndedIterator<Item = &Event> {
        self.batches.iter().flatten()
    }
}
