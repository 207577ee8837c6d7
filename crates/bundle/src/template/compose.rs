//! Composed values: JSON whose texts may hold expressions. A text that is exactly one expression keeps the
//! type of its value; otherwise values are interpolated into the text.

use minijinja::machinery::ast;
use serde_json::{Map, Value};

use interlock_core::label::{Path, PathSegment};
use interlock_core::limits::INPUT_BYTES_MAX;
use interlock_core::seams::{Scope, TemplateFault};
use interlock_core::workflow::{Leaf, Reference};

use super::evaluate::{Frame, text_of};
use super::expression::{Compiled, Refused, refused};
use super::prompt::{expression, parse};
use crate::node::{Kind, Node};
use crate::problem::Span;
use crate::reader::Reader;

/// A composed value.
#[derive(Debug, Clone)]
pub(crate) enum Composed {
    Literal(Value),
    Whole(Compiled),
    Text(Vec<TextPart>),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
}

/// A part of an interpolated text.
#[derive(Debug, Clone)]
pub(crate) enum TextPart {
    Text(String),
    Value(Compiled),
}

/// A composed value with what decisions and diagnostics want to know of it.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) composed: Composed,
    pub(crate) leaves: Vec<Leaf>,
    /// All reads with their places in the file.
    pub(crate) reads: Vec<(Reference, Span)>,
}

/// Makes a composed value of a tree, refusing what is outside the subset.
pub(crate) fn compose(node: &Node, source: &str, reader: &mut Reader<'_>) -> Option<Made> {
    let mut maker = Maker {
        source,
        leaves: Vec::new(),
        reads: Vec::new(),
        sound: true,
    };
    let composed = maker.value(node, &Path::root(), reader);
    let Maker {
        leaves,
        reads,
        sound,
        ..
    } = maker;
    sound.then_some(Made {
        composed,
        leaves,
        reads,
    })
}

/// A text that must be exactly one expression: a condition, or a reference to evidence.
pub(crate) fn single(
    node: &Node,
    source: &str,
    reader: &mut Reader<'_>,
) -> Option<(Compiled, Vec<(Reference, Span)>)> {
    let text = reader.text(node)?;
    match text_parts(text) {
        Ok(parts) => match <[TextPart; 1]>::try_from(parts) {
            Ok([TextPart::Value(compiled)]) => {
                let reads = place(&compiled, node, text, source);
                Some((compiled, reads))
            }
            _ => {
                reader.refuse(
                    &node.span,
                    "one expression belongs here",
                    "write `\"{{ … }}\"` and nothing around it",
                );
                None
            }
        },
        Err(found) => {
            let span = place_span(&found.span, node, text, source);
            reader.refuse(&span, found.message, found.hint);
            None
        }
    }
}

struct Maker<'m> {
    source: &'m str,
    leaves: Vec<Leaf>,
    reads: Vec<(Reference, Span)>,
    sound: bool,
}

impl Maker<'_> {
    fn value(&mut self, node: &Node, path: &Path, reader: &mut Reader<'_>) -> Composed {
        match &node.kind {
            Kind::Text(text) => match text_parts(text) {
                Ok(parts) => self.leaf(parts, node, text, path),
                Err(found) => {
                    let span = place_span(&found.span, node, text, self.source);
                    reader.refuse(&span, found.message, found.hint);
                    self.sound = false;
                    Composed::Literal(Value::Null)
                }
            },
            Kind::List(items) => {
                let each = path.then(PathSegment::Each);
                Composed::List(
                    items
                        .iter()
                        .map(|item| self.value(item, &each, reader))
                        .collect(),
                )
            }
            Kind::Map(members) => {
                let members = members.iter().map(|(key, value)| {
                    let within = path.then(PathSegment::Key(key.name.clone()));
                    (key.name.clone(), self.value(value, &within, reader))
                });
                Composed::Map(members.collect())
            }
            Kind::Null | Kind::Bool(_) | Kind::Number(_) => Composed::Literal(node.to_value()),
        }
    }

    fn leaf(&mut self, mut parts: Vec<TextPart>, node: &Node, text: &str, path: &Path) -> Composed {
        let mut references: Vec<Reference> = Vec::new();
        for part in &parts {
            if let TextPart::Value(compiled) = part {
                self.reads.extend(place(compiled, node, text, self.source));
                references.extend(compiled.references());
            }
        }
        references.sort();
        references.dedup();
        if !parts.iter().any(|part| matches!(part, TextPart::Value(_))) {
            return Composed::Literal(Value::String(text.to_owned()));
        }
        self.leaves.push(Leaf {
            path: path.clone(),
            references,
        });
        if parts.len() == 1
            && let Some(TextPart::Value(compiled)) = parts.pop()
        {
            return Composed::Whole(compiled);
        }
        Composed::Text(parts)
    }
}

fn text_parts(text: &str) -> Result<Vec<TextPart>, Refused> {
    let parsed = parse(text)?;
    let ast::Stmt::Template(template) = &parsed else {
        return refused(0..text.len(), "this is not a template", "");
    };
    let mut parts = Vec::new();
    for statement in &template.children {
        parts.push(match statement {
            ast::Stmt::EmitRaw(raw) => TextPart::Text(raw.raw.to_owned()),
            ast::Stmt::EmitExpr(emit) => TextPart::Value(expression(&emit.expr, &[], text)?),
            _ => {
                let hint = "write `{{ a if condition else b }}`, or a `branch` step";
                return refused(0..text.len(), "statements are not read in a workflow", hint);
            }
        });
    }
    Ok(parts)
}

fn place(compiled: &Compiled, node: &Node, text: &str, source: &str) -> Vec<(Reference, Span)> {
    let shift = |span: &Span| place_span(span, node, text, source);
    compiled
        .reads
        .iter()
        .map(|(reference, span)| (reference.clone(), shift(span)))
        .collect()
}

/// Where a part of a text stands in the file; the whole text, where it is written with escapes.
pub(crate) fn place_span(span: &Span, node: &Node, text: &str, source: &str) -> Span {
    let written = source.get(node.span.clone()).unwrap_or_default();
    match written.find(text) {
        Some(start) => {
            let base = node.span.start + start;
            base + span.start..base + span.end
        }
        None => node.span.clone(),
    }
}

/// Evaluates a composed value.
pub(crate) fn evaluate(
    composed: &Composed,
    scope: &Scope,
    lenient: bool,
) -> Result<Value, TemplateFault> {
    let mut walk = Walk {
        frame: Frame::new(scope),
        lenient,
        bytes: 0,
    };
    // At the top there is no member to leave out.
    walk.value(composed)
}

struct Walk<'s> {
    frame: Frame<'s>,
    lenient: bool,
    bytes: usize,
}

impl Walk<'_> {
    fn value(&mut self, composed: &Composed) -> Result<Value, TemplateFault> {
        match composed {
            Composed::Literal(value) => Ok(value.clone()),
            Composed::Whole(compiled) => {
                let value = self.frame.evaluate(compiled)?.into_owned();
                self.grow(weight(&value), compiled)?;
                Ok(value)
            }
            Composed::Text(parts) => {
                let mut out = String::new();
                for part in parts {
                    match part {
                        TextPart::Text(text) => out.push_str(text),
                        TextPart::Value(compiled) => {
                            let value = self.frame.evaluate(compiled)?;
                            let kind = || TemplateFault::Kind(compiled.spelling.clone());
                            let text = text_of(&value).ok_or_else(kind)?;
                            self.grow(text.len(), compiled)?;
                            out.push_str(&text);
                        }
                    }
                }
                Ok(Value::String(out))
            }
            Composed::List(items) => {
                let mut out = Vec::new();
                for item in items {
                    out.extend(self.part(item)?);
                }
                Ok(Value::Array(out))
            }
            Composed::Map(members) => {
                let mut out = Map::new();
                for (key, member) in members {
                    if let Some(value) = self.part(member)? {
                        out.insert(key.clone(), value);
                    }
                }
                Ok(Value::Object(out))
            }
        }
    }

    /// A member or item; left out when lenient and its path leads nowhere.
    fn part(&mut self, composed: &Composed) -> Result<Option<Value>, TemplateFault> {
        match self.value(composed) {
            Ok(value) => Ok(Some(value)),
            Err(TemplateFault::Missing(_)) if self.lenient => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    fn grow(&mut self, bytes: usize, compiled: &Compiled) -> Result<(), TemplateFault> {
        self.bytes += bytes;
        if self.bytes > INPUT_BYTES_MAX {
            return Err(TemplateFault::Bound(
                compiled.spelling.clone(),
                INPUT_BYTES_MAX,
            ));
        }
        Ok(())
    }
}

/// About how many bytes a value has as JSON, without writing it out.
fn weight(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 4,
        Value::Number(_) => 8,
        Value::String(text) => text.len() + 2,
        Value::Array(items) => 2 + items.iter().map(weight).sum::<usize>(),
        Value::Object(members) => {
            2 + members
                .iter()
                .map(|(k, v)| k.len() + 3 + weight(v))
                .sum::<usize>()
        }
    }
}
