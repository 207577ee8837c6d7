//! Reads a test's file. What it names must be in the bundle; its input need not fit, for that may be the case.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::str::FromStr;

use interlock_core::id::{
    EnvironmentName, ModelAlias, PolicyId, SourceName, ToolName, WorkflowName,
};
use interlock_core::pipeline::identity::PrincipalKind;
use interlock_core::pipeline::policy::{Action, World};

use super::{
    CaseOutcome, CasePrincipal, CaseVerdict, Expectation, ExpectedActs, ExpectedDecision,
    ExpectedVerdict, Fault, Reply, Says, StandIn, TestCase, WaitingFor,
};
use crate::node::Node;
use crate::problem::one_of;
use crate::reader::{At, Fields, Reader};
use crate::registry::named;

const LIST_MAX: usize = 256;

/// What a case may name.
#[derive(Debug)]
pub(crate) struct Known<'k> {
    pub(crate) workflows: BTreeSet<&'k str>,
    pub(crate) sources: BTreeSet<&'k str>,
    pub(crate) tools: BTreeSet<&'k str>,
    pub(crate) models: BTreeSet<&'k str>,
    pub(crate) environments: BTreeSet<&'k str>,
    pub(crate) steps: BTreeSet<&'k str>,
    /// None where the policies themselves were refused.
    pub(crate) policies: Option<BTreeSet<String>>,
}

/// Reads a case.
pub(crate) fn read(node: &Node, known: &Known<'_>, reader: &mut Reader<'_>) -> Option<TestCase> {
    let mut fields = reader.fields(node, "a test")?;
    let name: Option<At<PolicyId>> = named(&mut fields, reader);
    let purpose = fields.may("purpose").map_or(Some(None), |node| {
        reader.text(node).map(|text| Some(text.to_owned()))
    });
    let workflow: Option<WorkflowName> = fields
        .must("workflow", reader)
        .and_then(|node| among(node, "workflow", &known.workflows, reader));
    let demo = fields
        .may("demo")
        .map_or(Some(false), |node| reader.truth(node));
    let environment: Option<Option<EnvironmentName>> = match fields.may("environment") {
        Some(node) => among(node, "environment", &known.environments, reader).map(Some),
        None => Some(None),
    };
    let principal = fields
        .must("principal", reader)
        .and_then(|node| principal(node, reader));
    let input = fields.must("input", reader).map(Node::to_value);
    let sources = stand_ins::<SourceName>(
        fields.may("sources"),
        "answer",
        "source",
        &known.sources,
        reader,
    );
    let tools = stand_ins::<ToolName>(fields.may("tools"), "result", "tool", &known.tools, reader);
    let replies = replies(fields.may("replies"), known, reader);
    let people = each(fields.may("people"), reader, |node, reader| {
        verdict(node, known, reader)
    });
    let world = fields
        .may("world")
        .map_or(Some(World::default()), |node| world(node, reader));
    let expect = fields
        .must("expect", reader)
        .and_then(|node| expectation(node, known, reader));
    fields.end(reader);
    Some(TestCase {
        name: name?.value.as_str().to_owned(),
        file: reader.file.to_owned(),
        purpose: purpose?,
        workflow: workflow?,
        demo: demo?,
        environment: environment?,
        principal: principal?,
        input: input?,
        sources: sources?,
        tools: tools?,
        replies: replies?,
        people: people?,
        world: world?,
        expect: expect?,
    })
}

/// A name of something in the bundle.
fn among<T>(node: &Node, what: &str, known: &BTreeSet<&str>, reader: &mut Reader<'_>) -> Option<T>
where
    T: FromStr<Err: Display> + Display,
{
    let name: At<T> = reader.name(node)?;
    named_among(name, what, known, reader)
}

fn named_among<T: Display>(
    name: At<T>,
    what: &str,
    known: &BTreeSet<&str>,
    reader: &mut Reader<'_>,
) -> Option<T> {
    let text = name.value.to_string();
    if known.contains(text.as_str()) {
        return Some(name.value);
    }
    reader.refuse(
        &name.span,
        format!("the {what} `{text}` is not in this bundle"),
        one_of(&text, known.iter().copied()),
    );
    None
}

fn each<T>(
    node: Option<&Node>,
    reader: &mut Reader<'_>,
    mut read: impl FnMut(&Node, &mut Reader<'_>) -> Option<T>,
) -> Option<Vec<T>> {
    let Some(node) = node else {
        return Some(Vec::new());
    };
    let items = reader.list(node, LIST_MAX)?;
    let found: Vec<_> = items.iter().map(|item| read(item, reader)).collect();
    found.into_iter().collect()
}

fn principal(node: &Node, reader: &mut Reader<'_>) -> Option<CasePrincipal> {
    let mut fields = reader.fields(node, "a principal")?;
    let words = [PrincipalKind::Person, PrincipalKind::Service].map(|kind| (kind.as_str(), kind));
    let kind = fields
        .must("kind", reader)
        .and_then(|node| reader.choice(node, &words));
    let roles = fields
        .may("roles")
        .map_or(Some(Vec::new()), |node| reader.names(node, LIST_MAX));
    fields.end(reader);
    Some(CasePrincipal {
        kind: kind?,
        roles: roles?.into_iter().map(|at| at.value).collect(),
    })
}

fn stand_ins<T>(
    node: Option<&Node>,
    answer: &'static str,
    what: &str,
    known: &BTreeSet<&str>,
    reader: &mut Reader<'_>,
) -> Option<BTreeMap<T, StandIn>>
where
    T: FromStr<Err: Display> + Display + Ord,
{
    let Some(node) = node else {
        return Some(BTreeMap::new());
    };
    reader.fields(node, "a mapping of stand-ins")?;
    let mut found = BTreeMap::new();
    let mut sound = true;
    for (key, value) in node.members() {
        let name = key.name.parse::<T>().ok().map(|value| At {
            value,
            span: key.span.clone(),
        });
        let name = match name {
            Some(name) => named_among(name, what, known, reader),
            None => {
                reader.refuse(
                    &key.span,
                    format!("the {what} `{}` is not in this bundle", key.name),
                    one_of(&key.name, known.iter().copied()),
                );
                None
            }
        };
        let Some(mut fields) = reader.fields(value, "a stand-in") else {
            sound = false;
            continue;
        };
        let says = fields
            .may(answer)
            .map(|node| StandIn::Answer(node.to_value()));
        let words = [
            ("unavailable", Fault::Unavailable),
            ("timeout", Fault::Timeout),
        ];
        let fault = fields
            .may("fault")
            .and_then(|node| reader.choice(node, &words))
            .map(StandIn::Fault);
        fields.end(reader);
        match (name, says, fault) {
            (Some(name), Some(stand_in), None) | (Some(name), None, Some(stand_in)) => {
                found.insert(name, stand_in);
            }
            (None, _, _) => sound = false,
            _ => {
                let hint = format!("write `{{ {answer}: {{…}} }}` or `{{ fault: unavailable }}`");
                reader.refuse(&value.span, "a stand-in does one thing", hint);
                sound = false;
            }
        }
    }
    sound.then_some(found)
}

fn replies(
    node: Option<&Node>,
    known: &Known<'_>,
    reader: &mut Reader<'_>,
) -> Option<BTreeMap<ModelAlias, Vec<Reply>>> {
    let Some(node) = node else {
        return Some(BTreeMap::new());
    };
    reader.fields(node, "a mapping of replies")?;
    let mut found = BTreeMap::new();
    let mut sound = true;
    for (key, value) in node.members() {
        let alias = ModelAlias::parse(&key.name)
            .ok()
            .filter(|alias| known.models.contains(alias.as_str()));
        if alias.is_none() {
            let hint = one_of(&key.name, known.models.iter().copied());
            reader.refuse(
                &key.span,
                format!(
                    "the model `{}` is not in `models` of interlock.yaml",
                    key.name
                ),
                hint,
            );
        }
        match (alias, each(Some(value), reader, reply)) {
            (Some(alias), Some(replies)) => {
                found.insert(alias, replies);
            }
            _ => sound = false,
        }
    }
    sound.then_some(found)
}

fn reply(node: &Node, reader: &mut Reader<'_>) -> Option<Reply> {
    let mut fields = reader.fields(node, "a reply")?;
    let json = fields
        .may("json")
        .map(|node| Some(Says::Json(node.to_value())));
    let text = fields
        .may("text")
        .map(|node| reader.text(node).map(|text| Says::Text(text.to_owned())));
    let words = [
        ("unavailable", Fault::Unavailable),
        ("timeout", Fault::Timeout),
        ("refusal", Fault::Refusal),
        ("overloaded", Fault::Overloaded),
    ];
    let fault = fields
        .may("fault")
        .map(|node| reader.choice(node, &words).map(Says::Fault));
    let for_each_call = fields
        .may("for_each_call")
        .map_or(Some(false), |node| reader.truth(node));
    fields.end(reader);
    let mut says = [json, text, fault].into_iter().flatten();
    match (says.next(), says.next()) {
        (Some(says), None) => Some(Reply {
            says: says?,
            for_each_call: for_each_call?,
        }),
        _ => {
            reader.refuse(
                &node.span,
                "a reply is one thing",
                "write `json`, `text` or `fault`",
            );
            None
        }
    }
}

fn verdict(node: &Node, known: &Known<'_>, reader: &mut Reader<'_>) -> Option<CaseVerdict> {
    let mut fields = reader.fields(node, "a verdict")?;
    let review = fields.must("review", reader).and_then(|node| {
        let text = reader.text(node)?;
        if text == "output" || known.steps.contains(text) {
            return Some(text.to_owned());
        }
        let hint = one_of(text, known.steps.iter().copied().chain(["output"]));
        reader.refuse(&node.span, format!("there is no step `{text}`"), hint);
        None
    });
    let approve = fields
        .must("verdict", reader)
        .and_then(|node| reader.choice(node, &[("approve", true), ("reject", false)]));
    let role = fields
        .must("role", reader)
        .and_then(|node| reader.name(node));
    let reason = fields.may("reason").map_or(Some(None), |node| {
        reader.text(node).map(|text| Some(text.to_owned()))
    });
    fields.end(reader);
    let (approve, reason) = (approve?, reason?);
    if !approve && reason.is_none() {
        reader.refuse(
            &node.span,
            "a rejection without a reason",
            "add `reason: …`",
        );
        return None;
    }
    Some(CaseVerdict {
        review: review?,
        approve,
        role: role?.value,
        reason,
    })
}

fn world(node: &Node, reader: &mut Reader<'_>) -> Option<World> {
    let mut fields = reader.fields(node, "the world")?;
    let incident = fields
        .may("incident")
        .map_or(Some(false), |node| reader.truth(node));
    let halted = fields
        .may("halted")
        .map_or(Some(false), |node| reader.truth(node));
    fields.end(reader);
    Some(World {
        incident: incident?,
        halted: halted?,
    })
}

fn expectation(node: &Node, known: &Known<'_>, reader: &mut Reader<'_>) -> Option<Expectation> {
    let mut fields = reader.fields(node, "an expectation")?;
    let outcome = fields
        .must("outcome", reader)
        .and_then(|node| reader.choice(node, &CaseOutcome::ALL));
    let waiting_node = fields.may("waiting_for");
    let words = [("inbox", WaitingFor::Inbox), ("review", WaitingFor::Review)];
    let waiting_for = waiting_node.map_or(Some(None), |node| reader.choice(node, &words).map(Some));
    let decisions = each(fields.may("decisions"), reader, |node, reader| {
        decision(node, known, reader)
    });
    let acts = each(fields.may("acts"), reader, |node, reader| {
        acts(node, known, reader)
    });
    let output = fields.may("output").map(Node::to_value);
    fields.end(reader);
    let (outcome, waiting_for) = (outcome?, waiting_for?);
    if let (Some(node), true) = (
        waiting_node,
        outcome != CaseOutcome::Waiting && outcome != CaseOutcome::InDoubt,
    ) {
        reader.refuse(
            &node.span,
            "a run that ends waits for nothing",
            "write `outcome: waiting`, or remove `waiting_for`",
        );
        return None;
    }
    Some(Expectation {
        outcome,
        waiting_for,
        decisions: decisions?,
        acts: acts?,
        output,
    })
}

fn decision(node: &Node, known: &Known<'_>, reader: &mut Reader<'_>) -> Option<ExpectedDecision> {
    let mut fields = reader.fields(node, "a decision")?;
    let actions = Action::ALL.map(|action| (action.as_str(), action));
    let action = fields
        .must("action", reader)
        .and_then(|node| reader.choice(node, &actions));
    let step = match fields.may("step") {
        Some(node) => among(node, "step", &known.steps, reader).map(Some),
        None => Some(None),
    };
    let verdict = fields
        .must("verdict", reader)
        .and_then(|node| reader.choice(node, &ExpectedVerdict::ALL));
    let policies = policies(&mut fields, known, reader);
    fields.end(reader);
    Some(ExpectedDecision {
        action: action?,
        step: step?,
        verdict: verdict?,
        policies: policies?,
    })
}

fn policies(
    fields: &mut Fields<'_>,
    known: &Known<'_>,
    reader: &mut Reader<'_>,
) -> Option<Vec<PolicyId>> {
    each(fields.may("policies"), reader, |node, reader| {
        let id: At<PolicyId> = reader.name(node)?;
        match &known.policies {
            Some(policies) if !policies.contains(id.value.as_str()) => {
                let hint = one_of(id.value.as_str(), policies.iter().map(String::as_str));
                reader.refuse(&id.span, format!("there is no policy `{}`", id.value), hint);
                None
            }
            _ => Some(id.value),
        }
    })
}

fn acts(node: &Node, known: &Known<'_>, reader: &mut Reader<'_>) -> Option<ExpectedActs> {
    let mut fields = reader.fields(node, "an expected act")?;
    let tool = fields
        .must("tool", reader)
        .and_then(|node| among(node, "tool", &known.tools, reader));
    let times = fields
        .must("times", reader)
        .and_then(|node| reader.whole(node, 0..=1000));
    fields.end(reader);
    Some(ExpectedActs {
        tool: tool?,
        times: times?,
    })
}
