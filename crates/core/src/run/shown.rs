//! What a model was shown, as its entry says it: names of fields by their label, never a value. Names come from the
//! workflow's and prompt's files; what they could spell beyond names is replaced by a digest.

use std::collections::{BTreeMap, BTreeSet};

use crate::digest::Digest;
use crate::id::Category;
use crate::label::{Confidentiality, Integrity, Label, PathSegment};
use crate::limits::{FIELD_NAME_BYTES_MAX, SHOWN_FIELDS_BYTES_MAX};
use crate::workflow::{Reference, Root};

/// A field of an input or of a step's output: `inputs/case/id`, `steps.logs/lines/*/text`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldName(String);

impl FieldName {
    /// Of what a template reads.
    #[must_use]
    pub fn of(reference: &Reference) -> Self {
        let root = match &reference.root {
            Root::Inputs => "inputs".to_owned(),
            Root::Step(step) => format!("steps.{step}"),
            Root::Run => "run".to_owned(),
        };
        let path = reference.path.segments();
        let name = path.iter().fold(root.clone(), |name, segment| {
            let segment = match segment {
                PathSegment::Each => "*".to_owned(),
                PathSegment::Key(key) if is_plain(key) => key.clone(),
                PathSegment::Key(key) => stand_in(key),
            };
            format!("{name}/{segment}")
        });
        if name.len() <= FIELD_NAME_BYTES_MAX {
            Self(name)
        } else {
            Self(format!("{root}/{}", stand_in(&name)))
        }
    }

    /// As it is spelt in entries; `None` where it is in another form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut segments = text.split('/');
        let known = match segments.next()? {
            "inputs" | "run" => true,
            root => root
                .strip_prefix("steps.")
                .is_some_and(|step| crate::id::StepName::parse(step).is_ok()),
        };
        let fits = |segment: &str| {
            segment == "*" || is_plain(segment) || segment.strip_prefix('~').is_some_and(is_plain)
        };
        (known && text.len() <= FIELD_NAME_BYTES_MAX && segments.all(fits))
            .then(|| Self(text.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_plain(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    !text.is_empty() && text.len() <= crate::limits::NAME_BYTES_MAX && text.bytes().all(allowed)
}

fn stand_in(text: &str) -> String {
    let digest = Digest::of_parts([text.as_bytes()]).to_string();
    format!("~{}", digest.chars().take(16).collect::<String>())
}

/// Fields of one label that a prompt was made of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ShownFields {
    /// Harm of their disclosure.
    pub confidentiality: Confidentiality,
    /// Whether they may choose what is done.
    pub integrity: Integrity,
    /// Kinds of data in them.
    pub categories: BTreeSet<Category>,
    /// Whether policy had them left out or replaced.
    pub withheld: bool,
    /// Which.
    pub at: BTreeSet<FieldName>,
}

/// Groups fields by label, as many as the entry's bound takes; second, how many names are left out of it.
pub(super) fn group(
    fields: impl IntoIterator<Item = (FieldName, Label, bool)>,
) -> (Vec<ShownFields>, u32) {
    let mut groups: BTreeMap<_, BTreeSet<FieldName>> = BTreeMap::new();
    for (name, label, withheld) in fields {
        let key = (
            label.confidentiality,
            label.integrity,
            label.categories,
            withheld,
        );
        groups.entry(key).or_default().insert(name);
    }
    let (mut shown, mut left_out, mut bytes) = (Vec::new(), 0usize, 0usize);
    for ((confidentiality, integrity, categories, withheld), names) in groups {
        let around = 96
            + categories
                .iter()
                .map(|c| c.as_str().len() + 3)
                .sum::<usize>();
        let mut at = BTreeSet::new();
        let all = names.len();
        for name in names {
            let before = if at.is_empty() { around } else { 0 };
            let wanted = bytes + before + name.as_str().len() + 3;
            if wanted > SHOWN_FIELDS_BYTES_MAX {
                break;
            }
            bytes = wanted;
            at.insert(name);
        }
        left_out += all - at.len();
        if !at.is_empty() {
            shown.push(ShownFields {
                confidentiality,
                integrity,
                categories,
                withheld,
                at,
            });
        }
    }
    (shown, u32::try_from(left_out).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::StepName;
    use crate::label::Path;

    fn name(step: &str, keys: &[&str]) -> FieldName {
        let segments = keys.iter().map(|key| match *key {
            "*" => PathSegment::Each,
            key => PathSegment::Key(key.to_owned()),
        });
        FieldName::of(&Reference {
            root: Root::Step(StepName::parse(step).unwrap()),
            path: Path::new(segments.collect()),
        })
    }

    #[test]
    fn a_field_is_named_and_nothing_else_is_spelt() {
        assert_eq!(
            name("logs", &["lines", "*", "text"]).as_str(),
            "steps.logs/lines/*/text"
        );
        for keys in [
            &["please mail ann@example.org"][..],
            &["a/b", ""],
            &["caf\u{e9}"],
            &["x".repeat(65).as_str()],
            &["abcdefgh"; 40],
        ] {
            let name = name("logs", keys);
            assert!(name.as_str().starts_with("steps.logs/~"), "{name:?}");
            assert!(!name.as_str().contains("ann"), "{name:?}");
            assert_eq!(FieldName::parse(name.as_str()), Some(name));
        }
        for text in [
            "",
            "logs",
            "inputs/",
            "steps.A/b",
            "inputs/a b",
            "inputs//a",
        ] {
            assert_eq!(FieldName::parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let fields = (0..200).map(|n| {
            let key = format!("member_number_{n}");
            (name("logs", &[&key]), Label::unlabelled(), n % 2 == 0)
        });
        let (shown, left_out) = group(fields);
        let named: usize = shown.iter().map(|group| group.at.len()).sum();
        assert!(named > 20 && shown.len() == 1, "{named} {}", shown.len());
        assert_eq!(named + left_out as usize, 200);
    }
}
