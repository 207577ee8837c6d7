//! Where marked values stand in a content: fields by their labels, values within texts by the places that the prompt
//! gave them, and known values that a text repeats.

use std::collections::{BTreeMap, BTreeSet};

use interlock_core::label::{FieldLabels, Label, Path, PathSegment};
use interlock_core::run::Parts;
use serde_json::Value;

use super::names::Names;
use super::token::{Secret, secret};
use super::vocabulary::Vocabulary;
use super::{is_marked, words};

/// Marks of one payload: with more, marks would outweigh what they are about.
pub(crate) const MARKS_MAX: usize = 512;

/// A marked value before its token is made. No `Debug`: it holds content.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    pub(crate) at: String,
    pub(crate) categories: Vec<String>,
    /// What tokens are made of; `None` where it is not linked.
    pub(crate) secret: Option<Secret>,
}

/// All that was found in one content.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) findings: BTreeSet<Finding>,
    /// How many more there are, or were not looked for.
    pub(crate) left_out: usize,
}

impl Found {
    fn add(&mut self, at: String, label: &Label, secret: Option<Secret>) {
        let finding = Finding {
            at,
            categories: words(label),
            secret,
        };
        if self.findings.len() < MARKS_MAX {
            self.findings.insert(finding);
        } else if !self.findings.contains(&finding) {
            self.left_out += 1;
        }
    }
}

/// Finds them.
pub(crate) fn find(
    content: &Value,
    parts: &Parts,
    names: &Names,
    vocabulary: &Vocabulary,
) -> Found {
    let mut found = Found::default();
    for span in &parts.spans {
        let text = content.get(span.member).and_then(Value::as_str);
        let part = text.and_then(|text| text.get(span.start..span.end));
        if let (Some(part), Some(label)) = (part, parts.slots.get(span.slot))
            && is_marked(label)
        {
            let part = secret(&Value::String(part.to_owned()));
            found.add(format!("/{}", names.spell(span.member)), label, part);
        }
    }
    let mut labels = Labels::new(&parts.fields);
    walk(content, &mut |leaf, path, at| {
        let label = labels.at(path);
        if is_marked(label) && !leaf.is_null() {
            found.add(spelt(at, names), label, secret(leaf));
        }
        if let Value::String(text) = leaf {
            for (range, label) in vocabulary.within(text) {
                let part = text.get(range).map(|part| Value::String(part.to_owned()));
                found.add(spelt(at, names), label, part.as_ref().and_then(secret));
            }
        }
    });
    if !found.findings.is_empty() {
        found.left_out += vocabulary.left_out;
    }
    found
}

/// Each leaf of a value with its label.
pub(super) fn leaves(value: &Value, fields: &FieldLabels, take: &mut dyn FnMut(&Value, &Label)) {
    let mut labels = Labels::new(fields);
    walk(value, &mut |leaf, path, _| take(leaf, labels.at(path)));
}

/// Labels by place. Items of a list share theirs, so that a long list costs one look-up.
pub(super) struct Labels<'f> {
    fields: &'f FieldLabels,
    known: BTreeMap<Path, Label>,
}

impl<'f> Labels<'f> {
    pub(super) const fn new(fields: &'f FieldLabels) -> Self {
        Self {
            fields,
            known: BTreeMap::new(),
        }
    }

    pub(super) fn at(&mut self, path: &Path) -> &Label {
        let fields = self.fields;
        self.known
            .entry(path.clone())
            .or_insert_with(|| fields.at(path))
    }
}

type Visit<'v> = &'v mut dyn FnMut(&Value, &Path, &[Step<'_>]);

/// A step of a concrete place.
#[derive(Clone, Copy)]
enum Step<'k> {
    Key(&'k str),
    Index(usize),
}

fn walk(value: &Value, visit: Visit<'_>) {
    fn go<'v>(value: &'v Value, path: &Path, at: &mut Vec<Step<'v>>, visit: Visit<'_>) {
        match value {
            Value::Object(members) => {
                for (key, member) in members {
                    at.push(Step::Key(key));
                    go(member, &path.then(PathSegment::Key(key.clone())), at, visit);
                    at.pop();
                }
            }
            Value::Array(items) => {
                let below = path.then(PathSegment::Each);
                for (index, item) in items.iter().enumerate() {
                    at.push(Step::Index(index));
                    go(item, &below, at, visit);
                    at.pop();
                }
            }
            leaf => visit(leaf, path, at),
        }
    }
    go(value, &Path::root(), &mut Vec::new(), visit);
}

fn spelt(at: &[Step<'_>], names: &Names) -> String {
    at.iter().fold(String::new(), |spelt, step| match step {
        Step::Key(key) => format!("{spelt}/{}", names.spell(key)),
        Step::Index(index) => format!("{spelt}/{index}"),
    })
}
