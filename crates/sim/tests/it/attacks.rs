//! Attacks from `testdata/attacks`, each on the real machine with what ships: policies, validation, reviews, journal.
//! Only what an attacker has in hand is played: evidence, model, voters, and once the store.

use std::path::Path;
use std::sync::Arc;

use interlock_bundle::{Says, StandIn};
use interlock_core::digest::Digest;
use interlock_core::id::{RoleName, SourceName};
use interlock_core::pipeline::identity::Method;
use interlock_core::run::{Event, Phase, Review, State, evolve};
use interlock_runtime::case::{CaseDoors, scripted_model};
use interlock_runtime::{Fault, StartRequest};
use interlock_sim::attack::{self, Attack, Bound, Forgery, Reply, Vote};
use interlock_sim::example;
use interlock_sim::installation::{Failure, Installation, scripted_endpoints};
use interlock_sim::invariants::check_journal;
use interlock_sim::road::Road;
use serde_json::json;

use crate::{Outcome, World, ledger};

mod observed;

use observed::{Observed, check_prompt};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/attacks");

#[tokio::test]
async fn each_attack_gains_nothing() -> Outcome {
    let attacks = attack::load(Path::new(FOLDER))?;
    assert!(
        attacks.len() >= 8,
        "only {} attacks were found",
        attacks.len()
    );
    for (name, attack) in attacks {
        check(&name, &attack)
            .await
            .map_err(|fault| format!("{name}: {fault}"))?;
    }
    Ok(())
}

async fn check(name: &str, attack: &Attack) -> Outcome {
    let dir = tempfile::tempdir()?;
    let data = dir.path().join("data");
    let scene = Scene::new(attack, &data)?;
    scene.road.deploy(&scene.world.files).await?;
    let before = match &attack.before[..] {
        [] => None,
        _ => Some(open_review(&scene.start(attack, "before").await?)?.digest),
    };
    let mut state = scene.start(attack, "now").await?;
    for vote in &attack.people {
        state = scene.vote(&state, vote, before).await?;
    }
    let (_, history) = scene
        .road
        .check(state.run, scene.world.bundle.tools())
        .await?;
    let events: Vec<Event> = history.into_iter().map(|entry| entry.event).collect();
    compare(name, attack, &state, &events);
    assert_eq!(
        ledger(&data, "submissions.jsonl").len(),
        attack.expect.submitted,
        "{name}"
    );
    assert_eq!(ledger(&data, "outbox.jsonl").len(), 0, "{name}");
    for prompt in scene.seen.prompts() {
        check_prompt(name, attack, &prompt);
    }
    for forgery in &attack.forgeries {
        let forged = forge(forgery, &events).ok_or("an entry to forge is not there")?;
        let believed = check_journal(state.run, &forged, scene.world.bundle.tools());
        assert!(believed.is_err(), "{name}: {forgery:?} keeps every law");
        let folded = forged.iter().try_fold(State::new(state.run), evolve);
        assert!(folded.is_err(), "{name}: {forgery:?} folds");
    }
    Ok(())
}

/// The machine with the attacker's evidence and model.
struct Scene {
    world: World,
    road: Road,
    seen: Arc<Observed>,
}

impl Scene {
    fn new(attack: &Attack, data: &Path) -> Result<Self, Failure> {
        let mut world = World::load("clean")?;
        let lines = attack.lines.iter();
        let lines =
            lines.map(|text| json!({"at": "2026-03-02T08:14:07Z", "host": "web-1", "text": text}));
        let answer = json!({"lines": lines.collect::<Vec<_>>()});
        let source = SourceName::parse("case_logs")?;
        world.case.sources.insert(source, StandIn::Answer(answer));
        let replies = attack.before.iter().chain(&attack.replies);
        for said in world.case.replies.values_mut() {
            *said = replies
                .clone()
                .map(|reply| interlock_bundle::Reply {
                    says: match reply {
                        Reply::Json(value) => Says::Json(value.clone()),
                        Reply::Text(text) => Says::Text(text.clone()),
                    },
                    for_each_call: false,
                })
                .collect();
        }
        world.case = example::steady(world.case);
        let seen = Arc::new(Observed::new(scripted_model(&world.case)));
        let installation = Installation::open(data)?;
        let engine = installation.engine(
            World::memory()?,
            seen.clone(),
            Arc::new(CaseDoors::new(&world.case, data)),
            scripted_endpoints(&world.bundle),
        )?;
        Ok(Self {
            world,
            road: Road::new(engine),
            seen,
        })
    }

    /// Asks for a run and drives it until somebody must say something.
    async fn start(&self, attack: &Attack, key: &str) -> Result<State, Failure> {
        let engine = self.road.engine();
        let (name, kind, roles) = match &attack.requester {
            None => ("intake", "service", vec!["requester".to_owned()]),
            Some(one) => (one.name.as_str(), one.kind.as_str(), one.roles.clone()),
        };
        let roles = roles
            .iter()
            .map(|role| RoleName::parse(role))
            .collect::<Result<_, _>>()?;
        let requester = match kind {
            "service" => engine.service(name, roles, Method::ApiKey).await?,
            "person" => engine.local_person(name, roles, Method::LocalUser).await?,
            other => return Err(format!("`{other}` is no kind of requester").into()),
        };
        let request = StartRequest {
            bundle: example::name()?,
            workflow: None,
            requester,
            input: json!({"case_id": "CASE-1042"}).to_string().into_bytes(),
            source: "attack",
            address: "attack".to_owned(),
            key: Some(key.to_owned()),
        };
        let answer = engine.start(request).await?;
        Ok(engine.drive(answer.run).await?)
    }

    /// One vote, and whether it counted as it should.
    async fn vote(
        &self,
        state: &State,
        vote: &Vote,
        before: Option<Digest>,
    ) -> Result<State, Failure> {
        let review = open_review(state)?;
        let digest = match vote.digest {
            Bound::Shown => review.digest,
            Bound::OfBefore => before.ok_or("there was no run before")?,
            Bound::Changed => {
                let mut bytes = review.digest.to_bytes();
                bytes[31] ^= 1;
                Digest::from_bytes(bytes)
            }
        };
        let engine = self.road.engine();
        let voter = self.road.person(&vote.name, &vote.role).await?;
        let voted = engine.vote(review.id, voter, digest, vote.approve, vote.reason.clone());
        let counted = match voted.await {
            Ok(answer) => answer.denied.is_none(),
            Err(Fault::Refused(_)) => false,
            Err(fault) => return Err(fault.into()),
        };
        assert_eq!(counted, vote.counts, "the vote of {}", vote.name);
        Ok(engine.state(state.run).await?)
    }
}

fn open_review(state: &State) -> Result<&Review, Failure> {
    match &state.phase {
        Phase::Reviewing { review, .. } => Ok(review),
        other => Err(format!("a vote: the run is {}", other.name()).into()),
    }
}

fn compare(name: &str, attack: &Attack, state: &State, events: &[Event]) {
    let expect = &attack.expect;
    let (outcome, waits_for) = match &state.phase {
        Phase::Ended { outcome } => (outcome.as_str(), None),
        Phase::Reviewing { .. } => ("waiting", Some("review")),
        Phase::Waiting { .. } => ("waiting", Some("inbox")),
        other => (other.name(), None),
    };
    assert_eq!(
        (outcome, waits_for),
        (expect.outcome.as_str(), expect.waits_for.as_deref()),
        "{name}"
    );
    let rejected = events.iter().filter_map(|event| match event {
        Event::OutputRejected { reason, .. } => Some(reason.as_str()),
        _ => None,
    });
    assert_eq!(rejected.collect::<Vec<_>>(), expect.rejected, "{name}");
    let mut made = events.iter();
    for wanted in &expect.decisions {
        let fits = made.any(|event| match event {
            Event::Decided { decision, step, .. } => {
                decision.action.as_str() == wanted.action
                    && step
                        .as_ref()
                        .is_some_and(|step| step.as_str() == wanted.step)
                    && decision.verdict.as_str() == wanted.verdict
                    && decision
                        .determined_by
                        .iter()
                        .any(|id| id.as_str() == wanted.policy)
            }
            _ => false,
        });
        assert!(fits, "{name}: no decision {wanted:?} follows");
    }
}

fn forge(forgery: &Forgery, events: &[Event]) -> Option<Vec<Event>> {
    let first = |kind: &str| events.iter().position(|event| event.kind() == kind);
    let mut forged = events.to_vec();
    match forgery {
        Forgery::Copied { copy, after } => {
            let copied = events.get(first(copy)?)?.clone();
            forged.insert(first(after)? + 1, copied);
        }
        Forgery::Missing { without } => {
            forged.remove(first(without)?);
        }
    }
    Some(forged)
}
