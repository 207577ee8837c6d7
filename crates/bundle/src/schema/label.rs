//! `x-interlock`: the label that a schema declares on a field. Where the mapping is present but a key is not,
//! the stricter answer stands: restricted and untrusted.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::str::FromStr;

use interlock_core::label::{Allowed, Confidentiality, Integrity, Label};
use interlock_core::limits::LABEL_MEMBERS_MAX;

use crate::node::Node;
use crate::reader::Reader;

/// What an `x-interlock` says.
#[derive(Debug)]
pub(super) struct Declared {
    /// The label; none where the mapping only names a subject, which adds to what is inherited.
    pub(super) label: Option<Label>,
    /// Whether the text there is the person that the value is about.
    pub(super) subject: bool,
}

/// Reads the mapping.
pub(super) fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Declared> {
    let mut fields = reader.fields(node, "a label")?;
    let subject = fields.may("subject").map(|node| reader.truth(node));
    let confidentiality = fields.may("confidentiality").map(|node| {
        let words = Confidentiality::ALL.map(|level| (level.as_str(), level));
        reader.choice(node, &words)
    });
    let integrity = fields.may("integrity").map(|node| {
        let words = [Integrity::Trusted, Integrity::Untrusted].map(|level| (level.as_str(), level));
        reader.choice(node, &words)
    });
    let categories = fields
        .may("categories")
        .map(|node| reader.names(node, LABEL_MEMBERS_MAX));
    let residency = fields
        .may("residency")
        .map(|node| allowed(node, "any", reader));
    let readers = fields
        .may("readers")
        .map(|node| allowed(node, "anyone", reader));
    let any = confidentiality.is_some()
        || integrity.is_some()
        || categories.is_some()
        || residency.is_some()
        || readers.is_some();
    fields.end(reader);
    let subject = subject.map_or(Some(false), |found| found)?;
    if !any {
        return Some(Declared {
            label: None,
            subject,
        });
    }
    let label = Label {
        confidentiality: confidentiality
            .map_or(Some(Confidentiality::Restricted), |found| found)?,
        integrity: integrity.map_or(Some(Integrity::Untrusted), |found| found)?,
        categories: match categories {
            Some(found) => found?.into_iter().map(|at| at.value).collect(),
            None => BTreeSet::new(),
        },
        residency: residency.map_or(Some(Allowed::Any), |found| found)?,
        readers: readers.map_or(Some(Allowed::Any), |found| found)?,
        sources: BTreeSet::new(),
        subjects: BTreeSet::new(),
    };
    Some(Declared {
        label: Some(label),
        subject,
    })
}

/// The word for no restriction, or a list.
pub(crate) fn allowed<T>(
    node: &Node,
    any: &'static str,
    reader: &mut Reader<'_>,
) -> Option<Allowed<T>>
where
    T: Ord + Clone + FromStr<Err: Display>,
{
    if node.text() == Some(any) {
        return Some(Allowed::Any);
    }
    if node.text().is_some() {
        reader.refuse(
            &node.span,
            format!("`{any}` or a list of names belongs here"),
            "for a single name write `[name]`",
        );
        return None;
    }
    let names = reader.names(node, LABEL_MEMBERS_MAX)?;
    Some(Allowed::only(names.into_iter().map(|at| at.value)))
}
