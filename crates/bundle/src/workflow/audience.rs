//! Text for readers outside, or for a regulated use, is seen by a person first: on the step that makes it, or
//! on everything that it reaches.

use std::collections::BTreeSet;

use interlock_core::id::StepName;
use interlock_core::workflow::{Audience, NodeKind, Output, Reference, Root, Workflow};

/// Steps that make text for outside readers which could leave without a person's verdict, and where it would.
pub(crate) fn unseen(
    workflow: &Workflow,
    slots: impl Fn(&StepName) -> Vec<Reference>,
) -> Vec<(StepName, String)> {
    let mut found = Vec::new();
    for node in &workflow.nodes {
        let NodeKind::Model(model) = &node.kind else {
            continue;
        };
        if model.audience == Audience::Internal || model.review.is_some() {
            continue;
        }
        let reached = reached(workflow, &node.step, &slots);
        let exits = exits(workflow, &reached);
        if let Some(open) = exits.iter().find(|(_, reviewed)| !reviewed) {
            found.push((node.step.clone(), open.0.clone()));
        } else if exits.is_empty() {
            found.push((node.step.clone(), "nowhere that a person looks".to_owned()));
        }
    }
    found
}

/// The step and every AI step that its text reaches through prompts.
fn reached(
    workflow: &Workflow,
    from: &StepName,
    slots: impl Fn(&StepName) -> Vec<Reference>,
) -> BTreeSet<StepName> {
    let mut reached = BTreeSet::from([from.clone()]);
    for node in &workflow.nodes {
        if matches!(node.kind, NodeKind::Model(_)) && reads(&slots(&node.step), &reached) {
            reached.insert(node.step.clone());
        }
    }
    reached
}

/// Where the text of these steps leaves, and whether a person decides there.
fn exits(workflow: &Workflow, reached: &BTreeSet<StepName>) -> Vec<(String, bool)> {
    let mut exits = Vec::new();
    for node in &workflow.nodes {
        if let NodeKind::Tool(tool) = &node.kind {
            let references = tool
                .arguments
                .leaves
                .iter()
                .flat_map(|leaf| leaf.references.clone());
            if reads(&references.collect::<Vec<_>>(), reached) {
                exits.push((format!("the step `{}`", node.step), tool.review.is_some()));
            }
        }
    }
    let Output { value, review, .. } = &workflow.output;
    let references: Vec<Reference> = value
        .leaves
        .iter()
        .flat_map(|leaf| leaf.references.clone())
        .collect();
    if reads(&references, reached) {
        exits.push(("the output".to_owned(), review.is_some()));
    }
    exits
}

fn reads(references: &[Reference], steps: &BTreeSet<StepName>) -> bool {
    references
        .iter()
        .any(|reference| matches!(&reference.root, Root::Step(step) if steps.contains(step)))
}
