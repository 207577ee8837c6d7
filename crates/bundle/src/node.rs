//! YAML and JSON as a tree in which every value and key knows its bytes in the file. Only the plain part of
//! YAML: no anchors, aliases, tags, several documents or keys twice, so that a file means what it shows.

use std::collections::BTreeSet;

use serde_json::{Map, Number, Value};
use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, Span as Marks};

use interlock_core::limits::{JSON_DEPTH_MAX, JSON_NODES_MAX};

use crate::problem::{Report, Span};

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) kind: Kind,
}

/// A member's name and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) span: Span,
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

impl Node {
    /// What it is, in words.
    pub(crate) const fn noun(&self) -> &'static str {
        match self.kind {
            Kind::Null => "nothing",
            Kind::Bool(_) => "true or false",
            Kind::Number(_) => "a number",
            Kind::Text(_) => "a text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a mapping",
        }
    }

    /// The value without places.
    pub(crate) fn to_value(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(truth) => Value::Bool(*truth),
            Kind::Number(number) => Value::Number(number.clone()),
            Kind::Text(text) => Value::String(text.clone()),
            Kind::List(items) => Value::Array(items.iter().map(Self::to_value).collect()),
            Kind::Map(members) => Value::Object(
                members
                    .iter()
                    .map(|(key, value)| (key.name.clone(), value.to_value()))
                    .collect::<Map<_, _>>(),
            ),
        }
    }

    /// The member of that name.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        match &self.kind {
            Kind::Map(members) => members
                .iter()
                .find(|(key, _)| key.name == name)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// The members, if it is a mapping.
    pub(crate) fn members(&self) -> &[(Key, Self)] {
        match &self.kind {
            Kind::Map(members) => members,
            _ => &[],
        }
    }

    /// The text, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Parses one document. `base` is added to every offset, for text that stands within a larger file.
pub(crate) fn parse(file: &str, text: &str, base: usize, report: &mut Report) -> Option<Node> {
    let mut builder = Builder {
        file,
        text,
        base,
        nodes: 0,
        report,
    };
    let mut events = Parser::new_from_str(text);
    let mut root = None;
    loop {
        let (event, marks) = builder.next(&mut events)?;
        match event {
            Event::StreamEnd => break,
            Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
            _ if root.is_some() => {
                let span = builder.span(marks);
                builder.refuse(
                    span,
                    "a second document in one file",
                    "one file holds one document",
                );
                return None;
            }
            event => root = Some(builder.build(event, marks, &mut events, 0)?),
        }
    }
    if root.is_none() {
        let span = base..base + text.len().min(1);
        report.refuse(file, span, "the file is empty", "");
    }
    root
}

struct Builder<'t, 'r> {
    file: &'t str,
    text: &'t str,
    base: usize,
    nodes: usize,
    report: &'r mut Report,
}

impl<'t> Builder<'t, '_> {
    fn next<I>(&mut self, events: &mut Parser<'t, I>) -> Option<(Event<'t>, Marks)>
    where
        I: serde_saphyr::granit_parser::BorrowedInput<'t>,
    {
        loop {
            match events.next_event()? {
                Ok((Event::Comment(..), _)) => {}
                Ok(found) => return Some(found),
                Err(fault) => {
                    let at = self.base + fault.marker().byte_offset().unwrap_or(0);
                    let message = format!("this is not YAML: {}", fault.kind());
                    self.refuse(
                        at..at + 1,
                        &message,
                        "check quotes, colons and indentation here",
                    );
                    return None;
                }
            }
        }
    }

    fn build<I>(
        &mut self,
        event: Event<'t>,
        marks: Marks,
        events: &mut Parser<'t, I>,
        depth: usize,
    ) -> Option<Node>
    where
        I: serde_saphyr::granit_parser::BorrowedInput<'t>,
    {
        let span = self.span(marks);
        self.nodes += 1;
        if depth > JSON_DEPTH_MAX || self.nodes > JSON_NODES_MAX {
            let bound =
                format!("over the bound of {JSON_DEPTH_MAX} levels or {JSON_NODES_MAX} values");
            self.refuse(span, &bound, "");
            return None;
        }
        if let Event::Scalar(_, _, anchor, tag) = &event {
            self.plain(&span, *anchor, tag.is_some())?;
        }
        match event {
            Event::Scalar(text, style, _, _) => {
                let kind = if style == ScalarStyle::Plain {
                    plain_scalar(&text)
                } else {
                    None
                };
                let kind = kind.unwrap_or_else(|| Kind::Text(text.into_owned()));
                Some(Node { span, kind })
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.plain(&span, anchor, tag.is_some())?;
                let mut items = Vec::new();
                loop {
                    let (event, marks) = self.next(events)?;
                    if matches!(event, Event::SequenceEnd) {
                        let span = self.whole(span, marks);
                        return Some(Node {
                            span,
                            kind: Kind::List(items),
                        });
                    }
                    items.push(self.build(event, marks, events, depth + 1)?);
                }
            }
            Event::MappingStart(_, anchor, tag) => {
                self.plain(&span, anchor, tag.is_some())?;
                let mut members: Vec<(Key, Node)> = Vec::new();
                let mut names = BTreeSet::new();
                loop {
                    let (event, marks) = self.next(events)?;
                    if matches!(event, Event::MappingEnd) {
                        let span = self.whole(span, marks);
                        return Some(Node {
                            span,
                            kind: Kind::Map(members),
                        });
                    }
                    let key = self.key(event, marks)?;
                    if !names.insert(key.name.clone()) {
                        let message = format!("`{}` stands here twice", key.name);
                        self.refuse(key.span.clone(), &message, "keep one of them");
                    }
                    let (event, marks) = self.next(events)?;
                    let value = self.build(event, marks, events, depth + 1)?;
                    members.push((key, value));
                }
            }
            _ => {
                self.refuse(span, "an alias is not read here", "write the value out");
                None
            }
        }
    }

    fn key(&mut self, event: Event<'t>, marks: Marks) -> Option<Key> {
        let span = self.span(marks);
        match event {
            Event::Scalar(text, _, 0, None) => Some(Key {
                name: text.into_owned(),
                span,
            }),
            _ => {
                self.refuse(
                    span,
                    "a key is a plain text",
                    "anchors, tags and nested keys are not read",
                );
                None
            }
        }
    }

    fn plain(&mut self, span: &Span, anchor: usize, tagged: bool) -> Option<()> {
        if anchor == 0 && !tagged {
            return Some(());
        }
        self.refuse(
            span.clone(),
            "anchors and tags are not read here",
            "write the value out",
        );
        None
    }

    fn span(&self, marks: Marks) -> Span {
        let start = marks.start.byte_offset().unwrap_or(0);
        let end = marks.end.byte_offset().unwrap_or(start).max(start);
        self.base + start..self.base + end
    }

    /// From the start of a collection to its last byte that is not blank.
    fn whole(&self, start: Span, marks: Marks) -> Span {
        let end = self.span(marks).end.max(start.start);
        let inside = self
            .text
            .get(start.start - self.base..end - self.base)
            .unwrap_or_default();
        start.start..start.start + inside.trim_end().len()
    }

    fn refuse(&mut self, span: Span, message: &str, hint: &str) {
        self.report.refuse(self.file, span, message, hint);
    }
}

/// The YAML 1.2 core schema, without octal, hex and not-a-number: those stay texts.
fn plain_scalar(text: &str) -> Option<Kind> {
    match text {
        "" | "~" | "null" => return Some(Kind::Null),
        "true" => return Some(Kind::Bool(true)),
        "false" => return Some(Kind::Bool(false)),
        _ => {}
    }
    let numeric = text
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.' | b'e' | b'E'));
    if !numeric || !text.bytes().any(|b| b.is_ascii_digit()) {
        return None;
    }
    match text.parse::<Value>() {
        Ok(Value::Number(number)) => Some(Kind::Number(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<Node, String> {
        let mut report = Report::default();
        report.show("a.yaml", text.into());
        let node = parse("a.yaml", text, 0, &mut report);
        report
            .finish(node)
            .map_err(|problems| format!("{:?}", problems.problems()))
    }

    #[test]
    fn values_know_their_bytes() {
        let text = "a: 1\nlist:\n  - \"x\"\n  - {b: true}\n";
        let node = check(text).unwrap();
        let list = node.get("list").unwrap();
        let Kind::List(items) = &list.kind else {
            panic!("{list:?}")
        };
        assert_eq!(text.get(items[0].span.clone()), Some("\"x\""));
        assert_eq!(text.get(items[1].span.clone()), Some("{b: true}"));
        assert_eq!(
            node.to_value(),
            serde_json::json!({"a": 1, "list": ["x", {"b": true}]})
        );
    }

    #[test]
    fn what_could_mean_two_things_is_refused() {
        for bad in [
            "a: 1\na: 2\n",
            "a: &x 1\nb: *x\n",
            "a: !!str 1\n",
            "a: 1\n---\nb: 2\n",
            "",
            "a: [",
            "? [a]\n: 1\n",
        ] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
        let deep = "[".repeat(40) + &"]".repeat(40);
        assert!(check(&deep).unwrap_err().contains("levels"));
    }

    #[test]
    fn numbers_are_those_of_json() {
        for (text, value) in [
            ("5", serde_json::json!(5)),
            ("007", serde_json::json!("007")),
            ("1.5e3", serde_json::json!(1500.0)),
            (".5", serde_json::json!(".5")),
            ("no", serde_json::json!("no")),
        ] {
            assert_eq!(check(text).unwrap().to_value(), value, "{text}");
        }
    }
}
