//! One schema file: JSON Schema 2020-12 in a checked list of keywords, bounded everywhere, with labels in
//! `x-interlock`. A keyword that is not on the list is refused: a misspelt bound would bound nothing.

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::Value;

use interlock_core::id::SchemaName;
use interlock_core::label::{FieldLabels, Path, PathSegment};

use crate::node::{Kind, Node, parse};
use crate::problem::{Report, Span};
use crate::reader::Reader;

mod label;
mod shapes;
#[cfg(test)]
mod tests;
mod walk;

pub(crate) use label::allowed;
pub use shapes::BundleShapes;

/// Bytes of a compiled pattern's automaton: a pattern over it is refused at load.
const PATTERN_BYTES_MAX: usize = 1024 * 1024;

/// The key that labels stand under.
const LABEL_KEY: &str = "x-interlock";

/// A schema.
#[derive(Debug)]
pub(crate) struct Schema {
    pub(crate) name: SchemaName,
    pub(crate) file: String,
    pub(crate) node: Node,
    pub(crate) labels: FieldLabels,
    pub(crate) subjects: Vec<Path>,
    /// Leaves without a label on themselves or above.
    pub(crate) unlabelled: Vec<(Path, Span)>,
    /// As given to models, without labels.
    pub(crate) text: Value,
    pub(crate) validator: Validator,
}

/// Where a path leaves what a schema declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Astray {
    /// The member that is not declared.
    pub(crate) member: String,
    /// Those that are.
    pub(crate) declared: Vec<String>,
}

impl Schema {
    /// Reads a schema file.
    pub(crate) fn read(
        file: &str,
        name: SchemaName,
        text: &str,
        report: &mut Report,
    ) -> Option<Self> {
        if let Err(fault) = serde_json::from_str::<serde::de::IgnoredAny>(text) {
            let at = offset(text, fault.line(), fault.column());
            let message = format!("this is not JSON: {}", what(&fault));
            report.refuse(
                file,
                at..at + 1,
                message,
                "check commas, quotes and brackets here",
            );
            return None;
        }
        let node = parse(file, text, 0, report)?;
        let mut reader = Reader::new(file, report);
        let walked = walk::walk(&node, &mut reader)?;
        let text = strip(&node.to_value());
        let built = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .should_validate_formats(true)
            .should_ignore_unknown_formats(false)
            .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_BYTES_MAX))
            .offline()
            .build(&text);
        match built {
            Ok(validator) => Some(Self {
                name,
                file: file.to_owned(),
                labels: walked.labels,
                subjects: walked.subjects,
                unlabelled: walked.unlabelled,
                node,
                text,
                validator,
            }),
            Err(fault) => {
                let span = find(&node, &fault.instance_path().to_string())
                    .map_or_else(|| node.span.clone(), |found| found.span.clone());
                let message = format!(
                    "this schema does not compile at keyword `{}`",
                    fault.kind().keyword()
                );
                reader.refuse(&span, message, "patterns are those of the Rust `regex` crate: no look-around or back-references");
                None
            }
        }
    }

    /// Whether a path leads somewhere in what this schema declares.
    pub(crate) fn leads(&self, path: &Path) -> Result<(), Astray> {
        leads(&self.node, &self.node, path.segments())
    }

    /// Whether every value of this schema has that top-level member.
    pub(crate) fn requires(&self, member: &str) -> bool {
        self.required().any(|name| name == member)
    }

    /// The top-level members that every value has.
    pub(crate) fn required(&self) -> impl Iterator<Item = &str> {
        let items = match self.node.get("required").map(|node| &node.kind) {
            Some(Kind::List(items)) => items.as_slice(),
            _ => &[],
        };
        items.iter().filter_map(Node::text)
    }
}

fn leads(root: &Node, node: &Node, segments: &[PathSegment]) -> Result<(), Astray> {
    if let Some(target) = node.get("$ref").and_then(|target| target.text()) {
        return match target
            .strip_prefix('#')
            .and_then(|pointer| find(root, pointer))
        {
            Some(found) => leads(root, found, segments),
            None => Ok(()),
        };
    }
    let Some((first, rest)) = segments.split_first() else {
        return Ok(());
    };
    let mut astray = None;
    for branch in ["oneOf", "anyOf"]
        .into_iter()
        .filter_map(|key| node.get(key))
    {
        let Kind::List(items) = &branch.kind else {
            continue;
        };
        for item in items {
            match leads(root, item, segments) {
                Ok(()) => return Ok(()),
                Err(found) => astray = Some(found),
            }
        }
    }
    let next = match first {
        PathSegment::Key(key) => node
            .get("properties")
            .and_then(|properties| properties.get(key)),
        PathSegment::Each => node.get("items"),
    };
    if let Some(next) = next {
        return leads(root, next, rest);
    }
    Err(astray.unwrap_or_else(|| Astray {
        member: match first {
            PathSegment::Key(key) => key.clone(),
            PathSegment::Each => "an item".to_owned(),
        },
        declared: node
            .get("properties")
            .map(|properties| {
                properties
                    .members()
                    .iter()
                    .map(|(key, _)| key.name.clone())
                    .collect()
            })
            .unwrap_or_default(),
    }))
}

/// The part of a tree that a JSON pointer names.
pub(crate) fn find<'n>(node: &'n Node, pointer: &str) -> Option<&'n Node> {
    pointer.split('/').skip(1).try_fold(node, |at, part| {
        let part = part.replace("~1", "/").replace("~0", "~");
        match &at.kind {
            Kind::List(items) => items.get(part.parse::<usize>().ok()?),
            _ => at.get(&part),
        }
    })
}

/// The schema without labels. A member that is itself called like the label's key stays.
fn strip(schema: &Value) -> Value {
    match schema {
        Value::Object(members) => members
            .iter()
            .filter(|(key, _)| *key != LABEL_KEY)
            .map(|(key, value)| {
                let value = match key.as_str() {
                    "properties" | "$defs" => match value.as_object() {
                        Some(named) => named.iter().map(|(k, v)| (k.clone(), strip(v))).collect(),
                        None => value.clone(),
                    },
                    "items" | "oneOf" | "anyOf" => strip(value),
                    _ => value.clone(),
                };
                (key.clone(), value)
            })
            .collect(),
        Value::Array(items) => items.iter().map(strip).collect(),
        other => other.clone(),
    }
}

/// A byte offset of a line and column, both counted from 1.
pub(crate) fn offset(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    (start + column.saturating_sub(1)).min(text.len().saturating_sub(1))
}

/// What a JSON error says, without its place.
fn what(fault: &serde_json::Error) -> String {
    let text = fault.to_string();
    text.split(" at line ")
        .next()
        .unwrap_or_default()
        .to_owned()
}
