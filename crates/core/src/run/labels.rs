//! The label of what a reference reads, from structure alone: what the schema declares there, joined with what
//! the run knows of the value. Nothing in a value's content has a say.

use super::Program;
use super::state::{Held, State};
use crate::id::Provenance;
use crate::label::{Label, Path};
use crate::workflow::{Compose, Reference, Root};

/// The label of one reference; of a value that the run does not hold, the strictest.
pub(super) fn of_reference(program: &Program<'_>, state: &State, reference: &Reference) -> Label {
    match &reference.root {
        Root::Run => Label::literal(),
        Root::Inputs => state.input.as_ref().map_or_else(Label::unlabelled, |held| {
            let declared = program
                .shapes
                .labels(&program.workflow.input)
                .at(&reference.path);
            let mut label = declared.with_source_named("input");
            label.subjects.extend(held.label.subjects.iter().copied());
            label
        }),
        Root::Step(step) => state
            .outputs
            .get(step)
            .map_or_else(Label::unlabelled, |held| {
                of_held(program, held, &reference.path).with_source_named(&format!("step.{step}"))
            }),
    }
}

/// The label of a part of a held value.
pub(super) fn of_held(program: &Program<'_>, held: &Held, path: &Path) -> Label {
    match &held.schema {
        None => held.label.clone(),
        Some(schema) => held.label.join(&program.shapes.labels(schema).at(path)),
    }
}

/// The join over many references.
pub(super) fn of_references<'r>(
    program: &Program<'_>,
    state: &State,
    references: impl IntoIterator<Item = &'r Reference>,
) -> Label {
    references
        .into_iter()
        .fold(Label::literal(), |sum, reference| {
            sum.join(&of_reference(program, state, reference))
        })
}

/// The join over all leaves of a composed value and the conditions that govern it.
pub(super) fn of_compose(
    program: &Program<'_>,
    state: &State,
    compose: &Compose,
    control: &[Reference],
) -> Label {
    let references = compose
        .leaves
        .iter()
        .flat_map(|leaf| &leaf.references)
        .chain(control);
    of_references(program, state, references)
}

/// The label of the leaves at, above or beneath a path of a composed value; the author's literals are literal.
pub(super) fn of_leaves_at(
    program: &Program<'_>,
    state: &State,
    compose: &Compose,
    control: &[Reference],
    path: &Path,
) -> Label {
    let leaves = compose
        .leaves
        .iter()
        .filter(|leaf| path.contains(&leaf.path) || leaf.path.contains(path));
    of_references(
        program,
        state,
        leaves.flat_map(|leaf| &leaf.references).chain(control),
    )
}

/// Whether a label is within its bounds; one that is not fits into no entry, so nothing is done with its value.
pub(super) fn fits(label: &Label) -> bool {
    label.subjects.len() <= crate::limits::SUBJECTS_MAX
        && label.sources.len() <= crate::limits::LABEL_MEMBERS_MAX
        && crate::pipeline::tool::canonical_label(label).len() <= crate::limits::LABEL_BYTES_MAX
}

impl Label {
    /// The same label with a source of that name, where the text is a name; a longer one is cut, so that a
    /// long step name never makes a value look like it came from nowhere.
    fn with_source_named(self, text: &str) -> Self {
        let cut: String = text.chars().take(crate::limits::NAME_BYTES_MAX).collect();
        match Provenance::parse(&cut) {
            Ok(source) => self.with_source(source),
            Err(_) => self,
        }
    }
}
