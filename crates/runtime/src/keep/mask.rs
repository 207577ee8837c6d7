//! De-identified content: what a rule names is replaced by its category and its token, before it is sealed. In texts
//! the places are those that the prompt gave its values, and wherever a known value is repeated.

use std::collections::BTreeMap;
use std::ops::Range;

use interlock_core::label::{FieldLabels, Label, Path, PathSegment};
use interlock_core::run::Parts;
use serde_json::Value;

use super::find::Labels;
use super::rules::Keeping;
use super::token::{secret, token};
use super::vocabulary::Vocabulary;
use super::words;

/// What stands for a value.
struct Masks<'m> {
    keeping: &'m Keeping,
    vocabulary: &'m Vocabulary,
    key: &'m [u8; 32],
    spans: BTreeMap<&'m str, Vec<(Range<usize>, &'m Label)>>,
}

/// The content with what the rules name replaced.
pub(crate) fn mask(
    content: &Value,
    parts: &Parts,
    keeping: &Keeping,
    vocabulary: &Vocabulary,
    key: &[u8; 32],
) -> Value {
    let mut spans: BTreeMap<&str, Vec<(Range<usize>, &Label)>> = BTreeMap::new();
    for span in &parts.spans {
        if let Some(label) = parts.slots.get(span.slot) {
            let range = span.start..span.end;
            spans.entry(span.member).or_default().push((range, label));
        }
    }
    let masks = Masks {
        keeping,
        vocabulary,
        key,
        spans,
    };
    let fields: &FieldLabels = &parts.fields;
    masks.go(content, &Path::root(), &mut Labels::new(fields))
}

impl Masks<'_> {
    fn go(&self, value: &Value, path: &Path, labels: &mut Labels<'_>) -> Value {
        match value {
            Value::Object(members) => members
                .iter()
                .map(|(key, member)| {
                    let below = path.then(PathSegment::Key(key.clone()));
                    (key.clone(), self.go(member, &below, labels))
                })
                .collect(),
            Value::Array(items) => {
                let below = path.then(PathSegment::Each);
                let items = items.iter().map(|item| self.go(item, &below, labels));
                Value::Array(items.collect())
            }
            Value::Null => Value::Null,
            leaf => {
                let label = labels.at(path);
                if self.keeping.replaces(label) {
                    return Value::String(self.stand_in(leaf, label));
                }
                match leaf {
                    Value::String(text) => Value::String(self.text(text, path)),
                    other => other.clone(),
                }
            }
        }
    }

    fn stand_in(&self, leaf: &Value, label: &Label) -> String {
        let words = words(label).join(",");
        match secret(leaf) {
            Some(secret) => format!("[{words}:{}]", token(self.key, &secret)),
            // Too short to be linked: a token would tell it by how often it is there.
            None => format!("[{words}]"),
        }
    }

    fn text(&self, text: &str, path: &Path) -> String {
        let own = match path.segments() {
            [PathSegment::Key(member)] => self.spans.get(member.as_str()),
            _ => None,
        };
        let own = own.into_iter().flatten().cloned();
        let mut places: Vec<(Range<usize>, &Label)> = own
            .chain(self.vocabulary.within(text))
            .filter(|(_, label)| self.keeping.replaces(label))
            .collect();
        places.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
        let (mut masked, mut done) = (String::with_capacity(text.len()), 0usize);
        for (range, label) in places {
            if range.end <= done {
                continue;
            }
            // A value that begins within one already replaced: what is left of it goes too.
            let start = range.start.max(done);
            let part = text.get(start..range.end).unwrap_or_default();
            masked.push_str(text.get(done..start).unwrap_or_default());
            masked.push_str(&self.stand_in(&Value::String(part.to_owned()), label));
            done = range.end;
        }
        masked.push_str(text.get(done..).unwrap_or_default());
        masked
    }
}
