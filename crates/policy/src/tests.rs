//! Requests against the base policies with a bundle that permits everything it can, and what both have in
//! common with the tests of loading and typing. An answer is compared as one line of text.

use std::collections::BTreeSet;

use interlock_core::id::{DecisionId, PolicyId, PrincipalId, ToolName};
use interlock_core::label::{Allowed, Label};
use interlock_core::pipeline::identity::{PrincipalFacts, PrincipalKind};
use interlock_core::pipeline::policy::{
    Action, ApprovalFacts, ArgumentFacts, Context, Evaluation, Layer, Request, Resource, Verdict,
    World, decide,
};
use interlock_core::registry::{Effect, Recovery, Tool};
use interlock_core::seams::Guards;
use interlock_core::time::Timestamp;
use interlock_core::workflow::RiskTier;
use serde_json::{Value, json};

use crate::{CedarGuards, PolicyProblem, PolicySource, ToolArguments};

mod base;
mod loading;
mod typing;

/// Permits all that the base leaves to bundles.
const OPEN: &str = r#"
@id("open.read") permit (principal, action == Interlock::Action::"read_source", resource);
@id("open.model") permit (principal, action == Interlock::Action::"call_model", resource);
@id("open.tool") permit (principal, action in Interlock::Action::"call_tool", resource);
@id("open.release") permit (principal, action == Interlock::Action::"release", resource);
@id("open.endorse") permit (principal, action == Interlock::Action::"endorse", resource);
@id("open.standing") permit (
  principal,
  action in [Interlock::Action::"authorise_standing", Interlock::Action::"authorise_release"],
  resource
);
"#;

fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

fn name<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> &'static T {
    leak(text.parse().unwrap())
}

fn source(file: &str, layer: Layer, text: &str) -> PolicySource {
    PolicySource {
        file: file.to_owned(),
        layer,
        text: text.to_owned(),
    }
}

/// The bundle's policies of layer `action`, over one tool `pay` with these arguments.
fn load(text: &str, arguments: &Value) -> Result<CedarGuards, Vec<PolicyProblem>> {
    let pay: &ToolName = name("pay");
    let tools = [ToolArguments {
        tool: pay,
        schema: arguments,
    }];
    CedarGuards::load(
        &[],
        &[source("policies/action.cedar", Layer::Action, text)],
        &tools,
    )
}

fn open() -> CedarGuards {
    load(OPEN, &json!({ "type": "object", "properties": {} })).unwrap()
}

fn pay() -> Tool {
    Tool {
        name: name::<ToolName>("pay").clone(),
        effect: Effect::Read,
        external: false,
        audience: Allowed::Any,
        clearance: interlock_core::label::Confidentiality::Internal,
        recovery: Recovery::Never,
        arguments: name::<interlock_core::id::SchemaName>("pay").clone(),
        result: name::<interlock_core::id::SchemaName>("paid").clone(),
        once_per: Vec::new(),
        sensitive: Vec::new(),
        rollback: None,
        timeout_millis: 1000,
    }
}

struct Case {
    principal: PrincipalFacts,
    action: Action,
    resource: Resource<'static>,
    context: Context<'static>,
}

fn case(action: Action, resource: Resource<'static>) -> Case {
    let facts = ArgumentFacts {
        value: leak(json!({})),
        untrusted_sensitive: &[],
        audience_may_read: true,
        reconciled: false,
    };
    let calls = matches!(action, Action::CallTool | Action::AuthoriseStanding);
    Case {
        principal: PrincipalFacts {
            id: PrincipalId::from_bytes([1; 16]),
            kind: PrincipalKind::Person,
            roles: BTreeSet::new(),
            act_for: None,
        },
        action,
        resource,
        context: Context {
            tenant: name("default"),
            environment: name("test"),
            bundle: name("b"),
            workflow: name("w"),
            step: None,
            risk: RiskTier::High,
            class: None,
            label: leak(Label::literal()),
            exceeds_clearance: false,
            arguments: calls.then_some(facts),
            approval: None,
            step_up: false,
            step_up_possible: false,
            downgrades: BTreeSet::new(),
            standing: false,
            declared_approvals: BTreeSet::new(),
            world: World::default(),
            acts_done: 0,
            attempt: 1,
            now: Timestamp::from_micros(1_795_219_199_999_999),
        },
    }
}

fn call(change: impl FnOnce(&mut Tool)) -> Case {
    let mut tool = pay();
    change(&mut tool);
    case(Action::CallTool, Resource::Tool(leak(tool)))
}

impl Case {
    fn with(mut self, change: impl FnOnce(&mut Context<'static>)) -> Self {
        change(&mut self.context);
        self
    }

    fn by(mut self, kind: PrincipalKind, roles: &[&str]) -> Self {
        self.principal.kind = kind;
        self.principal.roles = roles.iter().map(|role| role.parse().unwrap()).collect();
        self
    }

    fn arguments(self, change: impl FnOnce(&mut ArgumentFacts<'static>)) -> Self {
        self.with(|context| change(context.arguments.as_mut().unwrap()))
    }

    fn approved(self, role: &str, change: impl FnOnce(&mut ApprovalFacts)) -> Self {
        let mut facts = ApprovalFacts {
            count: 1,
            reached: BTreeSet::from([(role.parse().unwrap(), 1)]),
            by_requester: false,
            fits: true,
            expired: false,
        };
        change(&mut facts);
        self.with(|context| context.approval = Some(facts))
    }

    fn request(&self) -> Request<'_> {
        Request {
            principal: &self.principal,
            action: self.action,
            resource: self.resource,
            context: self.context.clone(),
        }
    }

    fn evaluate(&self, guards: &CedarGuards) -> Evaluation {
        guards.evaluate(&self.request())
    }

    /// The ladder's answer, for example `review approver:1 by act.external act.irreversible`.
    fn decide(&self, guards: &CedarGuards) -> String {
        let (decision, _) = decide(
            guards,
            DecisionId::from_bytes([2; 16]),
            &self.request(),
            None,
        );
        let answer = match decision.verdict {
            Verdict::Allow => "allow".to_owned(),
            Verdict::Downgrade(_) => "downgrade".to_owned(),
            Verdict::Review { approvals, .. } => {
                let asked: Vec<_> = approvals
                    .iter()
                    .map(|(role, count)| format!("{role}:{count}"))
                    .collect();
                format!("review {}", asked.join(" "))
            }
            Verdict::Deny(reason) => format!("deny {}", reason.as_str()),
        };
        let by: Vec<_> = decision
            .determined_by
            .iter()
            .map(PolicyId::as_str)
            .collect();
        format!("{answer} by {}", by.join(" "))
    }
}

#[track_caller]
fn check(guards: &CedarGuards, case: &Case, answer: &str) {
    assert_eq!(case.decide(guards), answer);
}
