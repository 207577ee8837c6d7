//! Which payloads the next decision reads: only what the current node references (minimum necessary, by
//! construction). The driver opens exactly these.

use super::Program;
use super::state::{Phase, Review, State};
use crate::id::{PayloadId, StepName};
use crate::workflow::{Next, NodeKind, Reference, Root};

/// What a payload is opened as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NeedRoot {
    /// `inputs`
    Inputs,
    /// `steps.NAME.output`
    Step(StepName),
    /// The content under review, or of the current act.
    Content,
    /// The prompt to be shown.
    Prompt,
    /// The query to be asked.
    Query,
    /// What was wrong with the last reply.
    Problems,
}

/// A payload that must be open for the next decision or effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// As what.
    pub root: NeedRoot,
    /// Which.
    pub payload: PayloadId,
}

/// What must be open for the next decision or effect of this state.
#[must_use]
pub fn needs(program: &Program<'_>, state: &State) -> Vec<Need> {
    let mut found = Vec::new();
    let references = |found: &mut Vec<Need>, references: Vec<&Reference>| {
        for reference in references {
            let need = match &reference.root {
                Root::Run => continue,
                Root::Inputs => state.input.as_ref().map(|held| Need {
                    root: NeedRoot::Inputs,
                    payload: held.payload,
                }),
                Root::Step(step) => state.outputs.get(step).map(|held| Need {
                    root: NeedRoot::Step(step.clone()),
                    payload: held.payload,
                }),
            };
            if let Some(need) = need
                && !found.contains(&need)
            {
                found.push(need);
            }
        }
    };
    match &state.phase {
        Phase::Ready { node } | Phase::Stuck { node: Some(node) } | Phase::Judging { node, .. } => {
            references(&mut found, node_references(program, *node));
            found.extend(state.problems.map(|payload| Need {
                root: NeedRoot::Problems,
                payload,
            }));
        }
        Phase::Asking { node, prompt, .. } => {
            references(&mut found, node_references(program, *node));
            found.push(Need {
                root: NeedRoot::Prompt,
                payload: *prompt,
            });
        }
        Phase::Reading { node, query, .. } => {
            references(&mut found, node_references(program, *node));
            found.push(Need {
                root: NeedRoot::Query,
                payload: *query,
            });
        }
        Phase::Proposed { act } | Phase::Acting { act, .. } => {
            references(&mut found, node_references(program, act.node));
            found.push(Need {
                root: NeedRoot::Content,
                payload: act.content,
            });
        }
        Phase::Reviewing { review, .. } | Phase::Approved { review, .. } => {
            references(&mut found, review_references(program, review));
            found.push(Need {
                root: NeedRoot::Content,
                payload: review.content,
            });
        }
        Phase::Releasing | Phase::Stuck { node: None } => {
            references(&mut found, output_references(program))
        }
        Phase::Waiting { node, act, .. } => {
            let read = node.map_or_else(
                || output_references(program),
                |node| node_references(program, node),
            );
            references(&mut found, read);
            found.extend(act.iter().map(|act| Need {
                root: NeedRoot::Content,
                payload: act.content,
            }));
        }
        Phase::New | Phase::Requested | Phase::Released | Phase::Ended { .. } => {}
    }
    found
}

fn output_references<'p>(program: &Program<'p>) -> Vec<&'p Reference> {
    program
        .workflow
        .output
        .value
        .leaves
        .iter()
        .flat_map(|leaf| &leaf.references)
        .collect()
}

fn review_references<'p>(program: &Program<'p>, review: &Review) -> Vec<&'p Reference> {
    match (review.node, review.next) {
        (Some(node), Next::Node(_) | Next::End) => node_references(program, node),
        (None, _) => output_references(program),
    }
}

fn node_references<'p>(program: &Program<'p>, node: usize) -> Vec<&'p Reference> {
    let Some(node) = program.workflow.node(node) else {
        return Vec::new();
    };
    let compose = |compose: &'p crate::workflow::Compose| {
        compose.leaves.iter().flat_map(|leaf| &leaf.references)
    };
    let mut found: Vec<&Reference> = Vec::new();
    match &node.kind {
        NodeKind::Model(step) => {
            if let Some(prompt) = program.prompts.get(&step.prompt) {
                found.extend(prompt.slots.iter().flatten());
            }
            found.extend(step.evidence.iter().flat_map(|check| &check.within));
        }
        NodeKind::Retrieve(step) => {
            found.extend(compose(&step.query));
            found.extend(
                step.reconcile
                    .iter()
                    .flat_map(|reconcile| compose(&reconcile.expected)),
            );
        }
        NodeKind::Tool(step) => {
            found.extend(compose(&step.arguments));
            found.extend(step.show.iter().flat_map(compose));
        }
        NodeKind::Review(step) => found.extend(compose(&step.show)),
        NodeKind::Branch(arms) => {
            found.extend(
                arms.iter()
                    .filter_map(|arm| arm.when.as_ref())
                    .flat_map(|condition| &condition.references),
            );
        }
    }
    found
}
