//! `interlock check`: what a bundle holds, or what is wrong with it.

use std::path::Path;

use interlock_bundle::{Bundle, OperatorPolicies};
use interlock_core::seams::Guards;
use interlock_core::workflow::{Fallback, Fallbacks, NodeKind, ReviewSpec};
use serde_json::json;

use crate::door::load;
use crate::exit::{Exit, Failure};
use crate::options::Common;
use crate::print;

pub(super) fn run(common: &Common, dir: &Path) -> Result<Exit, Failure> {
    let bundle = load(dir, &OperatorPolicies::default())?;
    if common.json {
        print::json(&as_json(&bundle))?;
        return Ok(Exit::Done);
    }
    print::line(&format!(
        "{}  (risk {})",
        bundle.name(),
        bundle.risk().as_str()
    ));
    print::line(&format!("version   {}", bundle.version()));
    print::line(&format!("purpose   {}", print::harmless(bundle.purpose())));
    for (name, workflow) in bundle.workflows() {
        print::line(&format!("workflow  {name}"));
        for node in &workflow.nodes {
            print::line(&format!(
                "  {:<14} {}",
                node.step.as_str(),
                what(&node.kind)
            ));
            for (cause, list) in fallbacks(&node.fallbacks) {
                print::line(&format!("  {:<14}   {cause}: {}", "", list.join(", then ")));
            }
        }
        let output = &workflow.output;
        let decision = output.decision.map_or(String::new(), |decision| {
            format!(", a final {} decision", decision.as_str())
        });
        print::line(&format!(
            "  {:<14} for {} readers{decision}{}",
            "output",
            output.audience.as_str(),
            review(output.review.as_ref())
        ));
    }
    for tool in bundle.tools().values() {
        let outside = if tool.external {
            ", visible outside"
        } else {
            ""
        };
        print::line(&format!(
            "tool      {:<28} {}{outside}, recovery {}",
            tool.name.as_str(),
            tool.effect.as_str(),
            tool.recovery.as_str()
        ));
    }
    for source in bundle.sources().values() {
        let kind = if source.register {
            "trusted register"
        } else {
            "source"
        };
        print::line(&format!("source    {:<28} {kind}", source.name.as_str()));
    }
    let own: Vec<String> = own_policies(&bundle);
    print::line(&format!(
        "policies  {} of its own: {}",
        own.len(),
        own.join(", ")
    ));
    print::line(&format!("tests     {} cases", bundle.tests().len()));
    Ok(Exit::Done)
}

fn own_policies(bundle: &Bundle) -> Vec<String> {
    bundle
        .guards()
        .policies()
        .iter()
        .filter(|id| {
            bundle
                .policy_text(id)
                .is_some_and(|policy| bundle.files().contains_key(&policy.file))
        })
        .map(ToString::to_string)
        .collect()
}

fn what(kind: &NodeKind) -> String {
    match kind {
        NodeKind::Model(step) => {
            format!(
                "{} with model {} and prompt {}{}",
                step.kind.as_str(),
                step.model,
                step.prompt,
                review(step.review.as_ref())
            )
        }
        NodeKind::Retrieve(step) => format!("read {}", step.source),
        NodeKind::Tool(step) => format!("call {}{}", step.tool, review(step.review.as_ref())),
        NodeKind::Review(step) => format!("ask people{}", review(Some(&step.review))),
        NodeKind::Branch(arms) => format!("choose one of {} ways", arms.len()),
    }
}

fn review(spec: Option<&ReviewSpec>) -> String {
    spec.map_or(String::new(), |spec| {
        format!(
            ", reviewed by {} {} within {} s",
            spec.quorum, spec.role, spec.expires_seconds
        )
    })
}

fn fallbacks(fallbacks: &Fallbacks) -> Vec<(&'static str, Vec<String>)> {
    [
        ("on_invalid", &fallbacks.on_invalid),
        ("on_unavailable", &fallbacks.on_unavailable),
        ("on_denied", &fallbacks.on_denied),
        ("on_timeout", &fallbacks.on_timeout),
        ("on_uncertain", &fallbacks.on_uncertain),
    ]
    .into_iter()
    .filter(|(_, list)| !list.is_empty())
    .map(|(cause, list)| (cause, list.iter().map(fallback).collect()))
    .collect()
}

fn fallback(fallback: &Fallback) -> String {
    match fallback {
        Fallback::Repair(times) => format!("repair up to {times} times"),
        Fallback::Model(alias) => format!("model {alias}"),
        Fallback::Retry(times) => format!("try again up to {times} times"),
        Fallback::Inbox => "the inbox".to_owned(),
        Fallback::Degraded(_) => "the declared stand-in".to_owned(),
        Fallback::Stop => "stop".to_owned(),
    }
}

fn as_json(bundle: &Bundle) -> serde_json::Value {
    let workflows: Vec<_> = bundle
        .workflows()
        .values()
        .map(|workflow| {
            let steps: Vec<_> = workflow
                .nodes
                .iter()
                .map(|node| json!({"step": node.step.to_string(), "does": what(&node.kind)}))
                .collect();
            json!({"name": workflow.name.to_string(), "steps": steps})
        })
        .collect();
    json!({
        "name": bundle.name().to_string(), "version": bundle.version().to_string(), "risk": bundle.risk().as_str(),
        "workflows": workflows, "policies": own_policies(bundle), "cases": bundle.tests().len(),
    })
}
