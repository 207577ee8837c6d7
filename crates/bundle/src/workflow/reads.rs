//! What a step may read at its place in the graph, and whether that could have been chosen from outside.

use std::collections::{BTreeMap, BTreeSet};

use interlock_core::id::{SchemaName, StepName};
use interlock_core::label::PathSegment;
use interlock_core::seams::Shapes as _;
use interlock_core::workflow::{Reference, Root};

use crate::problem::{Report, Span, one_of};
use crate::schema::BundleShapes;

/// What a step gives, known before any run.
#[derive(Debug, Clone)]
pub(crate) struct Gives {
    /// Its schema; none where the step has no output or is itself refused.
    pub(crate) schema: Option<SchemaName>,
    /// Whether it has an output at all.
    pub(crate) output: bool,
    /// Whether what it read, or what it runs under, is untrusted.
    pub(crate) tainted: bool,
}

/// What can be read at one place.
#[derive(Debug, Clone)]
pub(crate) struct Readable<'s> {
    pub(crate) shapes: &'s BundleShapes,
    pub(crate) input: &'s SchemaName,
    /// All steps of the workflow, wherever they stand.
    pub(crate) steps: &'s BTreeSet<StepName>,
    /// Those laid out so far.
    pub(crate) gives: BTreeMap<StepName, Gives>,
    /// Those that have run on every way to here.
    pub(crate) certain: BTreeSet<StepName>,
}

impl Readable<'_> {
    /// Refuses reads that lead nowhere. `file` is where they are written; `all` allows steps that perhaps did
    /// not run.
    pub(crate) fn check(
        &self,
        reads: &[(Reference, Span)],
        file: &str,
        all: bool,
        report: &mut Report,
    ) -> bool {
        let checked = reads
            .iter()
            .map(|(reference, span)| self.check_one(reference, span, file, all, report));
        // Every one is looked at, also after the first that is wrong.
        checked.fold(true, |sound, one| sound & one)
    }

    fn check_one(
        &self,
        reference: &Reference,
        span: &Span,
        file: &str,
        all: bool,
        report: &mut Report,
    ) -> bool {
        let schema = match &reference.root {
            Root::Run => return true,
            Root::Inputs => Some(self.input),
            Root::Step(step) => {
                if !self.steps.contains(step) {
                    let hint = one_of(step.as_str(), self.steps.iter().map(StepName::as_str));
                    report.refuse(
                        file,
                        span.clone(),
                        format!("there is no step `{step}`"),
                        hint,
                    );
                    return false;
                }
                let given = self.gives.get(step);
                if given.is_some_and(|gives| !gives.output) {
                    report.refuse(
                        file,
                        span.clone(),
                        format!("the step `{step}` has no output"),
                        "read a step that asks a model, reads a source or calls a tool",
                    );
                    return false;
                }
                if !all && !self.certain.contains(step) {
                    let hint = "a step reads what ran before it on every way; move it, or put the reader into the same arm";
                    report.refuse(
                        file,
                        span.clone(),
                        format!("the step `{step}` may not have run here"),
                        hint,
                    );
                    return false;
                }
                given.and_then(|gives| gives.schema.as_ref())
            }
        };
        let Some(found) = schema.and_then(|schema| self.shapes.schema(schema)) else {
            return true;
        };
        match found.leads(&reference.path) {
            Ok(()) => true,
            Err(astray) => {
                let hint = match reference.path.segments() {
                    [.., PathSegment::Each] if astray.declared.is_empty() => {
                        "this is not a list".to_owned()
                    }
                    _ => one_of(&astray.member, astray.declared.iter().map(String::as_str)),
                };
                report.refuse(
                    file,
                    span.clone(),
                    format!("there is no `{}` in {}", astray.member, found.file),
                    hint,
                );
                false
            }
        }
    }

    /// Whether a value there may have been chosen from outside.
    pub(crate) fn is_untrusted(&self, reference: &Reference) -> bool {
        // Of a schema that was itself refused nothing is known; nothing more is said of it here.
        let trusted = |schema: &SchemaName| {
            self.shapes.is_broken(schema)
                || self.shapes.labels(schema).at(&reference.path).is_trusted()
        };
        match &reference.root {
            Root::Run => false,
            Root::Inputs => !trusted(self.input),
            Root::Step(step) => match self.gives.get(step) {
                Some(gives) => gives.tainted || !gives.schema.as_ref().is_some_and(trusted),
                None => true,
            },
        }
    }
}
