//! A small bundle with everything on its road: registry, schemas with labels, templates, a prompt, principals.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::super::*;
pub(super) use super::drive::{Drive, GOOD, reply};
pub(super) use super::nodes::*;
use super::seams::{Forms, Script, Sheets};
use crate::id::*;
use crate::label::{Allowed, Confidentiality, FieldLabels, Integrity, Label};
use crate::pipeline::identity::{Claims, Method, PrincipalKind};
use crate::registry::{self, Endpoint, Perimeter, Recovery, Source, Tool};
use crate::seams::{Piece, Scope};
use crate::workflow::{
    Audience, ModelStep, Next, Node, NodeKind, Output, RiskTier, TaskClass, ToolStep,
};

pub(super) fn labelled(confidentiality: Confidentiality, integrity: Integrity) -> Label {
    Label {
        confidentiality,
        integrity,
        ..Label::literal()
    }
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
        Self::of(vec![
            fetch(Next::Node(1)),
            draft(Next::Node(2)),
            send(Next::End),
        ])
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
            choices: Vec::new(),
            slots: vec![
                vec![from_step("fetch", "/body")],
                vec![from_inputs("/case")],
            ],
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
        self.workflow
            .nodes
            .iter_mut()
            .find(|n| n.step.as_str() == step)
            .unwrap()
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

    pub(super) fn principal(
        &self,
        n: u8,
        roles: &[&str],
        kind: PrincipalKind,
        act_for: Option<u8>,
    ) -> Principal {
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
        Principal::admit(
            claims,
            &self.tenant,
            &self.environment,
            Timestamp::from_micros(0),
        )
        .unwrap()
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
        once_per: Vec::new(),
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
        sources: [
            (name("notes"), source("notes", false)),
            (name("register"), source("register", true)),
        ]
        .into(),
        endpoints: [
            (name("near"), endpoint("near")),
            (name("far"), endpoint("far")),
        ]
        .into(),
        aliases: [(name("writer"), name("near")), (name("other"), name("far"))].into(),
    }
}

fn shapes() -> Forms {
    use Confidentiality::{Confidential, Internal, Public};
    use Integrity::{Trusted, Untrusted};
    let fields = |list: &[(&str, Confidentiality, Integrity)]| {
        let declared = list
            .iter()
            .map(|(at, level, integrity)| (path(at), labelled(*level, *integrity)));
        FieldLabels::new(declared.collect())
    };
    let mut forms = Forms::new();
    forms.labels = [
        (
            name("input"),
            fields(&[("", Internal, Trusted), ("/account", Internal, Untrusted)]),
        ),
        (name("notes"), fields(&[("", Confidential, Untrusted)])),
        (name("register"), fields(&[("", Internal, Trusted)])),
        (name("summary"), fields(&[("", Public, Trusted)])),
        (name("receipt"), fields(&[("", Internal, Untrusted)])),
    ]
    .into();
    forms.fits = [
        (
            name("input"),
            (|v| v["case"].is_string()) as fn(&Value) -> bool,
        ),
        (name("notes"), |v| v["body"].is_string()),
        (name("summary"), |v| v["text"].is_string()),
        (name("receipt"), |v| v["id"].is_number()),
    ]
    .into();
    forms
}

fn sheets() -> Sheets {
    Sheets {
        composed: [
            (
                0,
                (|scope| Some(json!({"case": scope.inputs["case"]}))) as super::seams::Make,
            ),
            (1, |scope| {
                let draft = scope.outputs.get(&name::<StepName>("draft"))?;
                Some(json!({"to": scope.inputs["to"], "text": draft["text"]}))
            }),
            (2, |scope| {
                Some(json!({"text": scope.outputs.get(&name::<StepName>("draft"))?["text"]}))
            }),
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
        conditions: [(
            0,
            (|scope| scope.inputs["urgent"].as_bool()) as fn(&Scope) -> Option<bool>,
        )]
        .into(),
        pieces: vec![
            Piece::User("Sum up: ".to_owned()),
            Piece::Slot {
                slot: 0,
                system: false,
                text: "the pump broke at noon".to_owned(),
            },
            Piece::Slot {
                slot: 1,
                system: false,
                text: "case 7".to_owned(),
            },
        ],
    }
}
