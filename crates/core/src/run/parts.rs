//! Which parts of a draft's content carry which label, from structure alone: what a schema declares, what a template
//! refers to. Nothing in the content has a say. What is kept of it and marked in it follows from this.

use super::event::Event;
use super::state::State;
use super::{Draft, Program, Slot, labels};
use crate::id::SchemaName;
use crate::label::{FieldLabels, Label, Path, PathSegment};
use crate::pipeline::prompt::Span;
use crate::workflow::{Compose, NodeKind, Reference};

/// The labels of a content's parts. A place that none of them covers is unlabelled, which is the strictest.
#[derive(Debug, Clone, Default)]
pub struct Parts {
    /// Of its fields.
    pub fields: FieldLabels,
    /// Of the values that stand within its texts.
    pub slots: Vec<Label>,
    /// Where these values stand.
    pub spans: Vec<Span>,
}

/// The labels of a draft's fields, by the event that introduces it.
pub(super) fn fields(
    program: &Program<'_>,
    state: &State,
    event: &Event,
    draft: &Draft,
) -> FieldLabels {
    let declared = |schema: &SchemaName, floor: &Label| {
        let fields = program.shapes.labels(schema).iter();
        fields
            .map(|(path, label)| (path.clone(), label.join(floor)))
            .collect()
    };
    let whole = |label: &Label| vec![(Path::root(), label.clone())];
    let node = |index: &usize| program.workflow.node(*index);
    FieldLabels::new(match event {
        Event::RunStarted { label, .. } => {
            let about = Label {
                subjects: label.subjects.clone(),
                ..Label::literal()
            };
            declared(&program.workflow.input, &about)
        }
        Event::ReadAccepted { label, schema, .. }
        | Event::OutputAccepted { label, schema, .. }
        | Event::ActFinished { label, schema, .. } => declared(schema, label),
        Event::ReadRequested { node: index, .. } => match node(index) {
            Some(found) => match &found.kind {
                NodeKind::Retrieve(step) => {
                    composed(program, state, &step.query, &found.control, None)
                }
                NodeKind::Model(_)
                | NodeKind::Tool(_)
                | NodeKind::Review(_)
                | NodeKind::Branch(_) => whole(&draft.label),
            },
            None => whole(&draft.label),
        },
        Event::ActProposed { node: index, .. } => match node(index) {
            Some(found) => match &found.kind {
                NodeKind::Tool(step) => {
                    let control = &found.control;
                    let mut all = composed(program, state, &step.arguments, control, Some("value"));
                    if let Some(show) = &step.show {
                        all.extend(composed(program, state, show, control, Some("shown")));
                    }
                    all
                }
                NodeKind::Model(_)
                | NodeKind::Retrieve(_)
                | NodeKind::Review(_)
                | NodeKind::Branch(_) => whole(&draft.label),
            },
            None => whole(&draft.label),
        },
        Event::Released { .. } => {
            composed(program, state, &program.workflow.output.value, &[], None)
        }
        // The endpoint's own words beside the text are about the call.
        Event::ModelReplied { .. } => vec![
            (Path::root(), Label::literal()),
            (member("text"), draft.label.clone()),
        ],
        // Its values stand in texts, by spans; the rest is the author's.
        Event::ModelRequested { .. } => whole(&Label::literal()),
        Event::RunRequested { .. }
        | Event::IntakeRejected { .. }
        | Event::Decided { .. }
        | Event::CallFailed { .. }
        | Event::Endorsed { .. }
        | Event::OutputRejected { .. }
        | Event::StepDegraded { .. }
        | Event::BranchTaken { .. }
        | Event::ReviewRequested { .. }
        | Event::ReviewVoted { .. }
        | Event::ReviewSettled { .. }
        | Event::ReviewPassed { .. }
        | Event::ActStarted { .. }
        | Event::ActFailed { .. }
        | Event::ActRetried { .. }
        | Event::FallbackTaken { .. }
        | Event::InboxOpened { .. }
        | Event::InboxSettled { .. }
        | Event::Recovered { .. }
        | Event::RunEnded { .. } => match draft.slot {
            Slot::Content => vec![
                (Path::root(), Label::literal()),
                (member("value"), draft.label.clone()),
                (member("shown"), draft.label.clone()),
            ],
            Slot::Input
            | Slot::Query
            | Slot::SourceResult
            | Slot::Prompt
            | Slot::Reply
            | Slot::Output
            | Slot::ToolResult
            | Slot::Reason
            | Slot::Problems
            | Slot::Release => whole(&draft.label),
        },
    })
}

/// Of a composed value: each leaf by what it reads, everything else the author's.
fn composed(
    program: &Program<'_>,
    state: &State,
    compose: &Compose,
    control: &[Reference],
    under: Option<&str>,
) -> Vec<(Path, Label)> {
    let at = under.map_or_else(Path::root, member);
    let leaves = compose.leaves.iter().map(|leaf| {
        let segments = leaf.path.segments().iter().cloned();
        let path = segments.fold(at.clone(), |path, segment| path.then(segment));
        let read = leaf.references.iter().chain(control);
        (path, labels::of_references(program, state, read))
    });
    std::iter::once((Path::root(), Label::literal()))
        .chain(leaves)
        .collect()
}

fn member(name: &str) -> Path {
    Path::new(vec![PathSegment::Key(name.to_owned())])
}
