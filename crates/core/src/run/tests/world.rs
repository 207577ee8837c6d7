//! A small bundle with everything on its road (read, ask, act, review, branch, register), and one run of it that
//! is driven input by input. Each step is stored, folded and held against the journal's invariants.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::super::*;
use super::journal::check_journal;
use super::seams::{Forms, Script, Sheets};
use crate::id::*;
use crate::label::{Allowed, Confidentiality, FieldLabels, Integrity, Label, Path};
use crate::pipeline::identity::{Claims, Method, PrincipalKind};
use crate::pipeline::model::{Stop, Usage};
use crate::registry::{self, Endpoint, Perimeter, Recovery, Source, Tool};
use crate::seams::Piece;
use crate::workflow::{
    AiKind, Arm, Audience, Compose, Condition, Fallbacks, Leaf, ModelStep, Next, Node, NodeKind, Output, QuoteCheck,
    Reconcile, Reference, RetrieveStep, ReviewSpec, ReviewStep, RiskTier, Root, TaskClass, ToolStep,
};

pub(super) fn name<T: std::str::FromStr<Err = IdError>>(text: &str) -> T {
    text.parse().unwrap()
}

pub(super) fn path(text: &str) -> Path {
    Path::parse(text).unwrap()
}

pub(super) fn from_step(step: &str, at: &str) -> Reference {
    Reference { root: Root::Step(name(step)), path: path(at) }
}

pub(super) fn from_inputs(at: &str) -> Reference {
    Reference { root: Root::Inputs, path: path(at) }
}

pub(super) fn compose(id: usize, leaves: &[(&str, Reference)]) -> Compose {
    let leaves = leaves.iter().map(|(at, from)| Leaf { path: path(at), references: vec![from.clone()] });
    Compose { id, leaves: leaves.collect() }
}

pub(super) fn spec(quorum: u8) -> ReviewSpec {
    ReviewSpec { role: name("approver"), quorum, expires_seconds: 600 }
}

pub(super) fn node(step: &str, kind: NodeKind, next: Next) -> Node {
    Node { step: name(step), control: Vec::new(), kind, fallbacks: Fallbacks::default(), next }
}

/// `fetch`: reads `notes` by the case id of the input.
pub(super) fn fetch(next: Next) -> Node {
    let query = compose(0, &[("/case", from_inputs("/case"))]);
    node("fetch", NodeKind::Retrieve(RetrieveStep { source: name("notes"), query, reconcile: None }), next)
}

/// `draft`: writes a text with quotes from what was fetched.
pub(super) fn draft(next: Next) -> Node {
    let evidence = vec![QuoteCheck { quotes: path("/quotes/*"), within: vec![from_step("fetch", "")] }];
    let step = ModelStep {
        kind: AiKind::Generate,
        prompt: name("summary"),
        output: name("summary"),
        model: name("writer"),
        audience: Audience::Internal,
        evidence,
        review: None,
        output_tokens_max: 500,
    };
    node("draft", NodeKind::Model(step), next)
}

/// `send`: an irreversible, external act; `to` is sensitive and comes from the input, `text` from the draft.
pub(super) fn send(next: Next) -> Node {
    let arguments = compose(1, &[("/to", from_inputs("/to")), ("/text", from_step("draft", "/text"))]);
    let step = ToolStep { tool: name("send"), arguments, review: Some(spec(1)), show: None };
    node("send", NodeKind::Tool(step), next)
}

/// `look`: people are shown what the draft says.
pub(super) fn look(next: Next) -> Node {
    let show = compose(2, &[("/text", from_step("draft", "/text"))]);
    node("look", NodeKind::Review(ReviewStep { show, review: spec(1) }), next)
}

/// `choose`: goes on by whether the input is urgent.
pub(super) fn choose(yes: Next, no: Option<Next>) -> Node {
    let condition = Condition { id: 0, references: vec![from_inputs("/urgent")] };
    let mut arms = vec![Arm { when: Some(condition), to: yes }];
    arms.extend(no.map(|to| Arm { when: None, to }));
    node("choose", NodeKind::Branch(arms), Next::End)
}

/// `vendor`: reads the register by what the input says, and reconciles the account.
pub(super) fn vendor(next: Next) -> Node {
    let reconcile = Reconcile {
        expected: compose(4, &[("/account", from_inputs("/account"))]),
        fields: vec![("account".to_owned(), path("/account"))],
    };
    let query = compose(0, &[("/case", from_inputs("/account"))]);
    let step = RetrieveStep { source: name("register"), query, reconcile: Some(reconcile) };
    node("vendor", NodeKind::Retrieve(step), next)
}

pub(super) fn labelled(confidentiality: Confidentiality, integrity: Integrity) -> Label {
    Label { confidentiality, integrity, ..Label::literal() }
}

/// Everything that a run of the small bundle reads.
pub(super) struct World {
    pub(super) workflow: crate::workflow::Workflow,
    pub(super) prompts: BTreeMap<PromptName, crate::workflow::Prompt>,
    pub(super) degraded: Vec<Value>,
    pub(super) registry: registry::Registry,
    pub(super) guards: Script,
    pub(super) shapes: Forms,
    pub(super) sheets: Sheets,
    pub(super) world: crate::pipeline::policy::World,
    tenant: TenantName,
    environment: EnvironmentName,
}

impl World {
    /// fetch → draft → send → output.
    pub(super) fn new() -> Self {
        Self::of(vec![fetch(Next::Node(1)), draft(Next::Node(2)), send(Next::End)])
    }

    pub(super) fn of(nodes: Vec<Node>) -> Self {
        let workflow = crate::workflow::Workflow {
            name: name("small"),
            bundle: name("bundle"),
            version: Digest::from_bytes([9; 32]),
            risk: RiskTier::Medium,
            input: name("input"),
            output: Output {
                schema: name("output"),
                value: compose(3, &[("/text", from_step("draft", "/text"))]),
                audience: Audience::Internal,
                decision: None,
                review: None,
            },
            nodes,
            start: Next::Node(0),
        };
        let prompt = crate::workflow::Prompt {
            name: name("summary"),
            digest: Digest::from_bytes([8; 32]),
            class: TaskClass::Draft,
            authority: "You sum up.".to_owned(),
            refuse: Vec::new(),
            escalate: Vec::new(),
            slots: vec![vec![from_step("fetch", "/body")], vec![from_inputs("/case")]],
        };
        Self {
            workflow,
            prompts: [(name("summary"), prompt)].into(),
            degraded: vec![json!({"text": "to be written by hand", "quotes": []})],
            registry: registry(),
            guards: Script::new(),
            shapes: shapes(),
            sheets: sheets(),
            world: crate::pipeline::policy::World::default(),
            tenant: name("default"),
            environment: name("test"),
        }
    }

    pub(super) fn node(&mut self, step: &str) -> &mut Node {
        self.workflow.nodes.iter_mut().find(|n| n.step.as_str() == step).unwrap()
    }

    pub(super) fn tool(&mut self) -> &mut Tool {
        self.registry.tools.get_mut(&name("send")).unwrap()
    }

    pub(super) fn model_step(&mut self) -> &mut ModelStep {
        match &mut self.node("draft").kind {
            NodeKind::Model(step) => step,
            _ => panic!("no model step"),
        }
    }

    pub(super) fn tool_step(&mut self) -> &mut ToolStep {
        match &mut self.node("send").kind {
            NodeKind::Tool(step) => step,
            _ => panic!("no tool step"),
        }
    }

    pub(super) fn program(&self) -> Program<'_> {
        Program {
            workflow: &self.workflow,
            prompts: &self.prompts,
            degraded: &self.degraded,
            registry: &self.registry,
            guards: &self.guards,
            shapes: &self.shapes,
            templates: &self.sheets,
            tenant: &self.tenant,
            environment: &self.environment,
            world: self.world,
        }
    }

    /// A person of that number with these roles.
    pub(super) fn person(&self, n: u8, roles: &[&str]) -> Principal {
        self.principal(n, roles, PrincipalKind::Person, None)
    }

    pub(super) fn principal(&self, n: u8, roles: &[&str], kind: PrincipalKind, act_for: Option<u8>) -> Principal {
        let claims = Claims {
            id: PrincipalId::from_bytes([n; 16]),
            kind,
            method: Method::LocalUser,
            tenant: self.tenant.clone(),
            environment: self.environment.clone(),
            roles: roles.iter().map(|r| name(r)).collect(),
            act_for: act_for.map(|n| PrincipalId::from_bytes([n; 16])),
            suspended: false,
            expires_at: None,
        };
        Principal::admit(claims, &self.tenant, &self.environment, Timestamp::from_micros(0)).unwrap()
    }
}

fn registry() -> registry::Registry {
    let tool = Tool {
        name: name("send"),
        effect: registry::Effect::Irreversible,
        external: true,
        audience: Allowed::Any,
        clearance: Confidentiality::Restricted,
        recovery: Recovery::Never,
        arguments: name("arguments"),
        result: name("receipt"),
        sensitive: vec![path("/to")],
        rollback: None,
        timeout_millis: 1000,
    };
    let source = |source: &str, register| Source {
        name: name(source),
        query: name("query"),
        result: name(source),
        register,
        egress: false,
        timeout_millis: 1000,
    };
    let endpoint = |endpoint: &str| Endpoint {
        name: name(endpoint),
        perimeter: Perimeter::Inside,
        region: name("eu"),
        agreements: BTreeSet::new(),
        clearance: Confidentiality::Confidential,
        categories: Allowed::Any,
        timeout_millis: 1000,
    };
    registry::Registry {
        tools: [(name("send"), tool)].into(),
        sources: [(name("notes"), source("notes", false)), (name("register"), source("register", true))].into(),
        endpoints: [(name("near"), endpoint("near")), (name("far"), endpoint("far"))].into(),
        aliases: [(name("writer"), name("near")), (name("other"), name("far"))].into(),
    }
}

fn shapes() -> Forms {
    use Confidentiality::{Confidential, Internal, Public};
    use Integrity::{Trusted, Untrusted};
    let fields = |list: &[(&str, Confidentiality, Integrity)]| {
        let declared = list.iter().map(|(at, level, integrity)| (path(at), labelled(*level, *integrity)));
        FieldLabels::new(declared.collect())
    };
    let mut forms = Forms::new();
    forms.labels = [
        (name("input"), fields(&[("", Internal, Trusted), ("/account", Internal, Untrusted)])),
        (name("notes"), fields(&[("", Confidential, Untrusted)])),
        (name("register"), fields(&[("", Internal, Trusted)])),
        (name("summary"), fields(&[("", Public, Trusted)])),
        (name("receipt"), fields(&[("", Internal, Untrusted)])),
    ]
    .into();
    forms.fits = [
        (name("input"), (|v| v["case"].is_string()) as fn(&Value) -> bool),
        (name("notes"), |v| v["body"].is_string()),
        (name("summary"), |v| v["text"].is_string()),
        (name("receipt"), |v| v["id"].is_number()),
    ]
    .into();
    forms
}

fn sheets() -> Sheets {
    let text = |scope: &Scope| scope.outputs.get(&name::<StepName>("draft")).map(|v| v["text"].clone());
    let _: &dyn Fn(&Scope) -> Option<Value> = &text;
    Sheets {
        composed: [
            (0, (|scope| Some(json!({"case": scope.inputs["case"]}))) as super::seams::Make),
            (1, |scope| {
                let draft = scope.outputs.get(&name::<StepName>("draft"))?;
                Some(json!({"to": scope.inputs["to"], "text": draft["text"]}))
            }),
            (2, |scope| Some(json!({"text": scope.outputs.get(&name::<StepName>("draft"))?["text"]}))),
            (3, |scope| {
                let draft = scope.outputs.get(&name::<StepName>("draft"));
                Some(draft.map_or_else(|| json!({}), |draft| json!({"text": draft["text"]})))
            }),
            (4, |scope| Some(json!({"account": scope.inputs["account"]}))),
            (5, |scope| {
                Some(json!({"to": scope.outputs.get(&name::<StepName>("vendor"))?["account"]}))
            }),
        ]
        .into(),
        conditions: [(0, (|scope| scope.inputs["urgent"].as_bool()) as fn(&Scope) -> Option<bool>)].into(),
        pieces: vec![
            Piece::User("Sum up: ".to_owned()),
            Piece::Slot { slot: 0, system: false, text: "the pump broke at noon".to_owned() },
            Piece::Slot { slot: 1, system: false, text: "case 7".to_owned() },
        ],
    }
}

pub(super) const GOOD: &str = r#"{"outcome": {"text": "It broke.", "quotes": ["broke at noon"]}}"#;

pub(super) fn reply(text: &str, stop: Stop) -> ModelReply {
    ModelReply { text: text.to_owned(), stop, usage: Usage::default(), request_id: None, model: None }
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
        drive.send(Input::Start(Box::new(Start { run, requester, input, input_bytes: 10, subjects: Vec::new() })))
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
        let introduced: Vec<PayloadId> = decided.events.iter().flat_map(Event::introduces).collect();
        let drafted: Vec<PayloadId> = decided.drafts.iter().map(|d| d.id).collect();
        let (mut a, mut b) = (introduced, drafted);
        (a.sort(), b.sort());
        assert_eq!(a, b, "each payload is introduced by exactly one event of its batch");
        for draft in decided.drafts {
            assert!(!self.payloads.contains_key(&draft.id), "a payload is stored once");
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
        Arrival { now: self.now, entropy, opened: self.open(), input }
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
                    opened.prompt = Some(PromptText { system: part("system"), user: part("user") });
                }
                NeedRoot::Problems => {
                    let part = |v: &Value, key: &str| v[key].as_str().unwrap().to_owned();
                    opened.problems = value["problems"].as_array().unwrap().iter()
                        .map(|v| Violation { at: part(v, "at"), keyword: part(v, "keyword"), expected: part(v, "expected") })
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
        let Phase::Reading { call, .. } = self.state.phase else { panic!("{:?}", self.state.phase) };
        self.send(Input::Read { call, result }).unwrap();
        self.go();
    }

    pub(super) fn reply(&mut self, text: &str) {
        self.answer(Ok(reply(text, Stop::End)));
    }

    pub(super) fn answer(&mut self, result: Result<ModelReply, CallFault>) {
        let Phase::Asking { call, .. } = self.state.phase else { panic!("{:?}", self.state.phase) };
        self.send(Input::Replied { call, result }).unwrap();
        self.go();
    }

    pub(super) fn acted(&mut self, result: Result<Value, (CallFault, crate::pipeline::tool::EffectKnown)>) {
        let Phase::Acting { act, grant, .. } = self.state.phase.clone() else { panic!("{:?}", self.state.phase) };
        self.send(Input::Acted { act: act.id, grant: grant.id, result }).unwrap();
        self.go();
    }

    pub(super) fn review(&self) -> Review {
        let Phase::Reviewing { review, .. } = &self.state.phase else { panic!("{:?}", self.state.phase) };
        review.clone()
    }

    pub(super) fn vote(&mut self, voter: Principal, approve: bool) -> Result<(), Refusal> {
        let review = self.review();
        let reason = (!approve).then(|| "no".to_owned());
        self.send(Input::Vote { review: review.id, voter, digest: review.digest, approve, reason })
    }

    /// Principal 2 approves, and the run goes on.
    pub(super) fn approve(&mut self) {
        let voter = self.world.person(2, &["approver"]);
        self.vote(voter, true).unwrap();
        self.go();
    }

    pub(super) fn settle(&mut self, verdict: Settlement) -> Result<(), Refusal> {
        let Phase::Waiting { item, .. } = self.state.phase else { panic!("{:?}", self.state.phase) };
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
    pub(super) fn from_here(mut self) -> Self {
        self.mark = self.batches.len();
        self
    }

    pub(super) fn kinds(&self) -> Vec<&'static str> {
        self.batches[self.mark..].iter().flatten().map(Event::kind).collect()
    }

    pub(super) fn events(&self) -> impl DoubleEndedIterator<Item = &Event> {
        self.batches.iter().flatten()
    }
}
