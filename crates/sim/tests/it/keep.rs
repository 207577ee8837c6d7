//! What is kept and marked of a run's content, on the whole road of an example about customers: positions and tokens and
//! never a value, less than all where a rule says so, and a takeover that finds a prompt which was never kept.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use interlock_bundle::{Bundle, OperatorPolicies, TestCase};
use interlock_core::id::{RunId, WorkflowName};
use interlock_core::pipeline::identity::Method;
use interlock_core::pipeline::model::{ModelReply, Showing};
use interlock_core::run::{Event, InboxKind, Outcome as Ended, Phase, Settlement, Slot, State};
use interlock_runtime::case::{CaseDoors, scripted_model};
use interlock_runtime::codec::{Kept, PayloadNote};
use interlock_runtime::keep::{KeepRule, KeepRules, Mark, MarkedView, On};
use interlock_runtime::model::{ModelFailure, ModelProvider};
use interlock_runtime::{Engine, StartRequest};
use interlock_sim::example::steady;
use interlock_sim::installation::{Failure, Installation, scripted_endpoints};
use interlock_store::{MemoryStore, Store};
use serde_json::{Value, json};

use crate::{Outcome, World};

/// What the customer wrote, and nobody who reads marks may see.
const BODY: &str =
    "Hello, my card CANARY-4111 was charged twice for order 88123. When do I get one back?";

pub(crate) struct Desk {
    bundle: Bundle,
    case: TestCase,
    dir: tempfile::TempDir,
    pub(crate) store: Arc<dyn Store>,
    keep: KeepRules,
}

impl Desk {
    pub(crate) fn new(store: Arc<dyn Store>, keep: KeepRules) -> Result<Self, Failure> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/support-triage");
        let bundle = Bundle::load(&folder, &OperatorPolicies::default())?;
        let case = bundle.tests().iter().find(|case| case.name == "clean");
        let case = steady(case.ok_or("the example has no clean case")?.clone());
        let dir = tempfile::tempdir()?;
        Ok(Self {
            bundle,
            case,
            dir,
            store,
            keep,
        })
    }

    fn engine_with(&self, models: Arc<dyn ModelProvider>) -> Result<Arc<Engine>, Failure> {
        let mut installation = Installation::open(&self.dir.path().join("data"))?;
        installation.keep = self.keep.clone();
        installation.engine(
            Arc::clone(&self.store),
            models,
            Arc::new(CaseDoors::new(&self.case, self.dir.path())),
            scripted_endpoints(&self.bundle),
        )
    }

    /// Another engine over the store, as after a start of the process.
    pub(crate) fn reopened(&self) -> Result<Arc<Engine>, Failure> {
        self.engine_with(Arc::new(scripted_model(&self.case)))
    }

    pub(crate) async fn engine(&self) -> Result<Arc<Engine>, Failure> {
        let engine = self.reopened()?;
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/support-triage");
        let bundle = Bundle::load(&folder, &OperatorPolicies::default())?;
        engine.deploy(bundle, None).await?;
        Ok(engine)
    }

    pub(crate) async fn start(&self, engine: &Engine, body: &str) -> Result<RunId, Failure> {
        let roles = self.case.principal.roles.clone();
        let requester = engine.service("desk", roles, Method::ApiKey).await?;
        let request = StartRequest {
            bundle: self.bundle.name().clone(),
            workflow: Some(WorkflowName::parse("triage")?),
            requester,
            input: json!({"ticket_id": "T-50417", "subject": "Charged twice", "body": body})
                .to_string()
                .into_bytes(),
            source: "test",
            address: "test".to_owned(),
            key: None,
        };
        Ok(engine.start(request).await?.run)
    }

    /// Drives a run, with the support lead approving what is asked.
    pub(crate) async fn finish(&self, engine: &Engine, run: RunId) -> Result<State, Failure> {
        let mut state = engine.drive(run).await?;
        while let Phase::Reviewing { review, .. } = &state.phase {
            let lead = ["support_lead".parse()?].into();
            let lead = engine.local_person("lead", lead, Method::LocalUser).await?;
            let why = Some("CANARY-REASON is well".to_owned());
            state = engine
                .vote(review.id, lead, review.digest, true, why)
                .await?
                .state;
        }
        Ok(state)
    }

    pub(crate) async fn done(&self, engine: &Engine, body: &str) -> Result<RunId, Failure> {
        let run = self.start(engine, body).await?;
        let state = self.finish(engine, run).await?;
        let ended = matches!(
            state.phase,
            Phase::Ended {
                outcome: Ended::Completed
            }
        );
        assert!(ended, "{}", state.phase.name());
        Ok(run)
    }
}

fn rule(keep: Kept, slots: &[Slot]) -> KeepRules {
    KeepRules::new(vec![KeepRule {
        on: On::AnyCategory,
        slots: slots.to_vec(),
        keep,
    }])
}

fn marks<'v>(views: &'v [MarkedView], slot: &str) -> Vec<&'v Mark> {
    let of_slot = views.iter().filter(|view| view.slot == slot);
    of_slot
        .flat_map(|view| view.marks.iter().map(|mark| &mark.mark))
        .collect()
}

async fn notes(engine: &Engine, run: RunId, slot: Slot) -> Result<Vec<PayloadNote>, Failure> {
    let history = engine.history(run).await?;
    let notes = history.into_iter().flat_map(|recorded| recorded.payloads);
    Ok(notes.filter(|note| note.slot == slot).collect())
}

#[tokio::test]
async fn marks_show_where_a_value_flowed_and_never_what_it_is() -> Outcome {
    let desk = Desk::new(World::memory()?, KeepRules::default())?;
    let engine = desk.engine().await?;
    let run = desk.done(&engine, BODY).await?;
    let views = engine.marks_view(run).await?;
    let input = marks(&views, "input");
    let body = input
        .iter()
        .find(|mark| mark.at == "/body")
        .ok_or("the body is not marked")?;
    assert_eq!(body.cat, ["customer"]);
    assert_eq!(body.tok.len(), 2, "one of the run, one of the period");
    assert!(
        input.iter().all(|mark| mark.at != "/ticket_id"),
        "{input:?}"
    );
    for view in views.iter().filter(|view| view.slot == "prompt") {
        let same = view.marks.iter().any(|mark| mark.mark.tok == body.tok);
        assert!(same, "the prompt of entry {} shows the body", view.seq);
    }
    assert_eq!(views.iter().filter(|view| view.slot == "prompt").count(), 2);
    // A reply is marked as a whole, and by what it repeats.
    assert!(marks(&views, "reply").iter().all(|mark| mark.at == "/text"));
    let said = serde_json::to_string(&views)?;
    let mut stored = Vec::new();
    for entry in desk.store.entries(engine.tenant(), run).await? {
        stored.extend(entry.bytes);
    }
    for view in &views {
        let sealed = desk
            .store
            .payload(engine.tenant(), view.payload.parse()?)
            .await?;
        stored.extend(sealed.ok_or("a payload is missing")?.marks);
    }
    let stored = String::from_utf8_lossy(&stored);
    for raw in ["CANARY", "Charged twice", "88123", "reservation"] {
        assert!(!said.contains(raw) && !stored.contains(raw), "{raw}");
    }
    Ok(())
}

#[tokio::test]
async fn the_same_value_in_another_run_is_linked_by_the_period_alone() -> Outcome {
    let desk = Desk::new(World::memory()?, KeepRules::default())?;
    let mut tokens = Vec::new();
    for body in [BODY, BODY, "another matter altogether"] {
        let engine = desk.engine().await?;
        let run = desk.done(&engine, body).await?;
        let views = engine.marks_view(run).await?;
        let body = marks(&views, "input")
            .into_iter()
            .find(|mark| mark.at == "/body")
            .ok_or("the body is not marked")?;
        tokens.push(body.tok.iter().cloned().collect::<BTreeSet<_>>());
    }
    let [one, two, other] = tokens.as_slice() else {
        return Err("three runs".into());
    };
    assert_eq!(one.intersection(two).count(), 1);
    assert!(one.is_disjoint(other) && two.is_disjoint(other));
    Ok(())
}

#[tokio::test]
async fn a_models_entry_names_the_fields_that_it_was_shown() -> Outcome {
    let desk = Desk::new(World::memory()?, KeepRules::default())?;
    let engine = desk.engine().await?;
    let run = desk.done(&engine, BODY).await?;
    let mut shown = Vec::new();
    for recorded in engine.history(run).await? {
        if let Event::ModelRequested {
            fields,
            fields_left_out,
            ..
        } = recorded.event
        {
            assert_eq!(fields_left_out, 0);
            for group in fields {
                let cats: Vec<String> = group.categories.iter().map(ToString::to_string).collect();
                for name in group.at {
                    shown.push(format!("{} {}", name.as_str(), cats.join(",")));
                }
            }
        }
    }
    shown.sort();
    // The article was chosen by what the customer wrote, and carries that label too.
    assert_eq!(
        shown,
        [
            "inputs/body customer",
            "inputs/body customer",
            "inputs/subject customer",
            "inputs/subject customer",
            "steps.article/text customer",
            "steps.article/title customer",
        ]
    );
    Ok(())
}

#[tokio::test]
async fn what_a_rule_says_is_not_kept_is_nowhere_and_the_run_ends_the_same() -> Outcome {
    let slots = KeepRules::SLOTS;
    let desk = Desk::new(World::memory()?, rule(Kept::Digest, &slots))?;
    let engine = desk.engine().await?;
    let run = desk.done(&engine, BODY).await?;
    let mut seen = 0;
    for slot in slots {
        for note in notes(&engine, run, slot).await? {
            // The query names a category of articles, which is no customer's.
            if note.kept == Kept::Full {
                assert_eq!(slot, Slot::Query);
                continue;
            }
            seen += 1;
            assert_eq!((note.kept, note.padded_bytes), (Kept::Digest, 0));
            let row = desk.store.payload(engine.tenant(), note.id).await?;
            assert!(row.ok_or("no row")?.ciphertext.is_empty());
            assert_eq!(engine.payload(run, &note).await?, None);
            assert_eq!(engine.ciphertext_is_committed(&note).await?, Some(true));
            let marks = engine.marks(run, &note).await?.ok_or("no marks")?;
            assert!(!marks.marks.is_empty(), "where it flowed is still told");
        }
    }
    assert!(seen >= 5, "two prompts, two replies, a reason: {seen}");
    for note in notes(&engine, run, Slot::Input).await? {
        assert_eq!(note.kept, Kept::Full);
    }
    Ok(())
}

#[tokio::test]
async fn masked_content_has_tokens_where_values_stood() -> Outcome {
    let desk = Desk::new(World::memory()?, rule(Kept::Masked, &KeepRules::SLOTS))?;
    let engine = desk.engine().await?;
    let run = desk.done(&engine, BODY).await?;
    let views = engine.marks_view(run).await?;
    let body = marks(&views, "input");
    let body = body
        .iter()
        .find(|mark| mark.at == "/body")
        .ok_or("no mark")?;
    let token = body.tok.first().ok_or("no token")?;
    for note in notes(&engine, run, Slot::Prompt).await? {
        assert_eq!(note.kept, Kept::Masked);
        let content = engine.payload(run, &note).await?.ok_or("it is not kept")?;
        let user = content["user"].as_str().ok_or("no text")?;
        assert!(user.contains(&format!("[customer:{token}]")), "{user}");
        assert!(
            !user.contains("CANARY") && !user.contains("Charged twice"),
            "{user}"
        );
        assert!(
            user.contains("Subject: "),
            "the author's words stay: {user}"
        );
    }
    for slot in [Slot::Reply, Slot::Reason] {
        let kept = notes(&engine, run, slot).await?;
        assert!(!kept.is_empty());
        for note in kept {
            let content = engine.payload(run, &note).await?.ok_or("it is not kept")?;
            let text = content.get("text").or(content.get("reason"));
            let text = text.and_then(Value::as_str).ok_or("no text")?;
            assert!(
                text.starts_with("[customer:") && text.ends_with(']'),
                "{text}"
            );
        }
    }
    Ok(())
}

/// A model that never answers.
struct Silent;

#[async_trait::async_trait]
impl ModelProvider for Silent {
    async fn show(&self, _: &Showing) -> Result<ModelReply, ModelFailure> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_takeover_of_a_call_whose_prompt_was_not_kept_asks_a_person() -> Outcome {
    for keep in [Kept::Masked, Kept::Digest] {
        let store: Arc<MemoryStore> = World::memory()?;
        let desk = Desk::new(store, rule(keep, &[Slot::Prompt]))?;
        desk.engine().await?;
        let engine = desk.engine_with(Arc::new(Silent))?;
        let run = desk.start(&engine, BODY).await?;
        let asked = tokio::time::timeout(Duration::from_millis(500), engine.drive(run)).await;
        assert!(asked.is_err(), "the model never answers");
        let engine = desk.engine().await?;
        let state = engine.drive(run).await?;
        let Phase::Waiting { item, kind, .. } = state.phase else {
            return Err(format!("the run is {}", state.phase.name()).into());
        };
        assert_eq!(kind, InboxKind::PayloadGone);
        let operator = ["operator".parse()?, "admin".parse()?].into();
        let operator = engine
            .local_person("op", operator, Method::LocalUser)
            .await?;
        engine.settle(item, operator, Settlement::Retry).await?;
        let state = desk.finish(&engine, run).await?;
        assert!(state.is_ended(), "{}", state.phase.name());
    }
    Ok(())
}
