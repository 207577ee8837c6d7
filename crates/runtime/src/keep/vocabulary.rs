//! The marked values that a decision had open. A model may repeat them, and a person may write them: what a text
//! contains of them is found by their own bytes, each of which came from a field whose label is known.

use std::collections::BTreeMap;
use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};
use interlock_core::label::{FieldLabels, Label};
use interlock_core::run::{Program, State};
use interlock_core::seams::Scope;
use serde_json::Value;

use super::find::leaves;
use super::is_marked;

/// Bytes from which a value is looked for in texts: shorter ones stand in texts by chance.
const SOUGHT_BYTES_MIN: usize = 6;
/// Bytes up to which it is: longer texts are not repeated whole.
const SOUGHT_BYTES_MAX: usize = 1024;
/// Values looked for.
const SOUGHT_MAX: usize = 2048;

/// Marked values with their labels. No `Debug`: it holds content.
#[derive(Default)]
pub(crate) struct Vocabulary {
    labels: Vec<Label>,
    finder: Option<AhoCorasick>,
    /// Values that were too many to be looked for.
    pub(crate) left_out: usize,
}

impl Vocabulary {
    /// Of what is open for a decision.
    pub(crate) fn of(program: &Program<'_>, state: &State, scope: &Scope) -> Self {
        let mut found: BTreeMap<String, Label> = BTreeMap::new();
        let mut left_out = 0;
        let mut take = |value: &Value, fields: &FieldLabels| {
            leaves(value, fields, &mut |leaf, label| {
                let Value::String(text) = leaf else { return };
                let sought = (SOUGHT_BYTES_MIN..=SOUGHT_BYTES_MAX).contains(&text.len());
                if !sought || !is_marked(label) {
                    return;
                }
                if let Some(known) = found.get_mut(text) {
                    *known = known.join(label);
                } else if found.len() < SOUGHT_MAX {
                    found.insert(text.clone(), label.clone());
                } else {
                    left_out += 1;
                }
            });
        };
        take(
            &scope.inputs,
            program.shapes.labels(&program.workflow.input),
        );
        for (step, value) in &scope.outputs {
            let Some(held) = state.outputs.get(step) else {
                continue;
            };
            let fields = match &held.schema {
                Some(schema) => {
                    let declared = program.shapes.labels(schema).iter();
                    declared
                        .map(|(path, label)| (path.clone(), label.join(&held.label)))
                        .collect()
                }
                None => vec![(interlock_core::label::Path::root(), held.label.clone())],
            };
            take(value, &FieldLabels::new(fields));
        }
        Self::new(found, left_out)
    }

    /// Of known values.
    pub(crate) fn new(found: BTreeMap<String, Label>, left_out: usize) -> Self {
        if found.is_empty() {
            return Self::default();
        }
        let finder = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(found.keys());
        match finder {
            Ok(finder) => Self {
                labels: found.into_values().collect(),
                finder: Some(finder),
                left_out,
            },
            // Over the library's own bound: said as not looked for.
            Err(_) => Self {
                left_out: left_out + found.len(),
                ..Self::default()
            },
        }
    }

    /// Where a text contains one of the values, with its label.
    pub(crate) fn within<'v>(
        &'v self,
        text: &'v str,
    ) -> impl Iterator<Item = (Range<usize>, &'v Label)> {
        let matches = self
            .finder
            .iter()
            .flat_map(move |finder| finder.find_iter(text));
        matches.filter_map(|found| {
            let label = self.labels.get(found.pattern().as_usize())?;
            Some((found.range(), label))
        })
    }
}
