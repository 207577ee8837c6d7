//! Reads typed values out of a tree, saying what is wrong where and going on. Every mapping states its keys by
//! asking for them; what nobody asked for is refused, with the nearest key that was.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use crate::node::{Kind, Node};
use crate::problem::{Report, Span, one_of};

/// A value and where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) span: Span,
}

/// One file being read.
#[derive(Debug)]
pub(crate) struct Reader<'r> {
    pub(crate) file: &'r str,
    pub(crate) report: &'r mut Report,
}

impl<'r> Reader<'r> {
    pub(crate) const fn new(file: &'r str, report: &'r mut Report) -> Self {
        Self { file, report }
    }

    /// Something is wrong there.
    pub(crate) fn refuse(
        &mut self,
        span: &Span,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.report.refuse(self.file, span.clone(), message, hint);
    }

    /// A mapping, whose keys are then asked for.
    pub(crate) fn fields<'n>(&mut self, node: &'n Node, what: &'static str) -> Option<Fields<'n>> {
        match &node.kind {
            Kind::Map(_) => Some(Fields {
                node,
                what,
                known: Vec::new(),
            }),
            _ => self.expected(node, &format!("{what} is a mapping")),
        }
    }

    /// A text that is not empty.
    pub(crate) fn text<'n>(&mut self, node: &'n Node) -> Option<&'n str> {
        match node.text() {
            Some(text) if !text.trim().is_empty() => Some(text),
            Some(_) => self.expected(node, "a text that is not empty belongs here"),
            None => self.expected(node, "a text belongs here"),
        }
    }

    /// A text of a checked form.
    pub(crate) fn name<T>(&mut self, node: &Node) -> Option<At<T>>
    where
        T: FromStr<Err: Display>,
    {
        let text = self.text(node)?;
        match text.parse() {
            Ok(value) => Some(At {
                value,
                span: node.span.clone(),
            }),
            Err(_) => {
                let hint = "a name has a-z, 0-9, `_`, `-` and `.`, at most 64 characters, and starts with a letter or digit";
                self.refuse(&node.span, format!("`{text}` is not a name"), hint);
                None
            }
        }
    }

    /// One of a few words.
    pub(crate) fn choice<T: Copy>(
        &mut self,
        node: &Node,
        words: &[(&'static str, T)],
    ) -> Option<T> {
        let text = self.text(node)?;
        let found = words
            .iter()
            .find(|(word, _)| *word == text)
            .map(|(_, value)| *value);
        if found.is_none() {
            let hint = one_of(text, words.iter().map(|(word, _)| *word));
            self.refuse(&node.span, format!("`{text}` is not known here"), hint);
        }
        found
    }

    /// True or false.
    pub(crate) fn truth(&mut self, node: &Node) -> Option<bool> {
        match node.kind {
            Kind::Bool(truth) => Some(truth),
            _ => self.expected(node, "`true` or `false` belongs here"),
        }
    }

    /// A whole number within bounds.
    pub(crate) fn whole(&mut self, node: &Node, bounds: RangeInclusive<u32>) -> Option<u32> {
        let found = match &node.kind {
            Kind::Number(number) => number.as_u64().and_then(|n| u32::try_from(n).ok()),
            _ => None,
        };
        let found = found.filter(|number| bounds.contains(number));
        if found.is_none() {
            let wanted = format!(
                "a whole number from {} to {} belongs here",
                bounds.start(),
                bounds.end()
            );
            let here = match &node.kind {
                Kind::Number(number) => format!("here is {number}"),
                _ => format!("here is {}", node.noun()),
            };
            self.refuse(&node.span, wanted, here);
        }
        found
    }

    /// A length of time in milliseconds, written `250ms`, `5s`, `10m`, `4h` or `7d`.
    pub(crate) fn millis(&mut self, node: &Node, max: u64) -> Option<u64> {
        let text = self.text(node)?;
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let unit = match unit {
            "ms" => Some(1),
            "s" => Some(1_000),
            "m" => Some(60_000),
            "h" => Some(3_600_000),
            "d" => Some(86_400_000),
            _ => None,
        };
        let millis = unit.and_then(|unit: u64| number.parse::<u64>().ok()?.checked_mul(unit));
        let found = millis.filter(|millis| *millis > 0 && *millis <= max);
        if found.is_none() {
            let hint = format!(
                "write for example `5s` or `4h`, at most {} seconds",
                max / 1000
            );
            self.refuse(
                &node.span,
                format!("`{text}` is not a length of time that fits here"),
                hint,
            );
        }
        found
    }

    /// The items of a list.
    pub(crate) fn list<'n>(&mut self, node: &'n Node, max: usize) -> Option<&'n [Node]> {
        match &node.kind {
            Kind::List(items) if items.len() <= max => Some(items),
            Kind::List(_) => self.expected(node, &format!("a list of at most {max} belongs here")),
            _ => self.expected(node, "a list belongs here"),
        }
    }

    /// A list of texts.
    pub(crate) fn texts(&mut self, node: &Node, max: usize) -> Option<Vec<String>> {
        let items = self.list(node, max)?;
        let texts: Vec<_> = items
            .iter()
            .map(|item| self.text(item).map(str::to_owned))
            .collect();
        texts.into_iter().collect()
    }

    /// A list of names.
    pub(crate) fn names<T>(&mut self, node: &Node, max: usize) -> Option<Vec<At<T>>>
    where
        T: FromStr<Err: Display>,
    {
        let items = self.list(node, max)?;
        let names: Vec<_> = items.iter().map(|item| self.name(item)).collect();
        names.into_iter().collect()
    }

    /// Nothing usable stands there.
    fn expected<T>(&mut self, node: &Node, wanted: &str) -> Option<T> {
        self.refuse(&node.span, wanted, format!("here is {}", node.noun()));
        None
    }
}

/// A mapping being read.
#[derive(Debug)]
pub(crate) struct Fields<'n> {
    node: &'n Node,
    what: &'static str,
    known: Vec<&'static str>,
}

impl<'n> Fields<'n> {
    /// Where the mapping stands.
    pub(crate) fn span(&self) -> Span {
        self.node.span.clone()
    }

    /// The first key, which stands for the mapping where the whole would be too much to underline.
    pub(crate) fn head(&self) -> Span {
        self.node
            .members()
            .first()
            .map_or_else(|| self.span(), |(key, _)| key.span.clone())
    }

    /// A value that may be absent; an explicit null is absent too.
    pub(crate) fn may(&mut self, key: &'static str) -> Option<&'n Node> {
        self.known.push(key);
        self.node
            .get(key)
            .filter(|value| !matches!(value.kind, Kind::Null))
    }

    /// A value that must be there.
    pub(crate) fn must(&mut self, key: &'static str, reader: &mut Reader<'_>) -> Option<&'n Node> {
        let found = self.may(key);
        if found.is_none() {
            let near = self.node.members().iter().any(|(k, _)| {
                !self.known.contains(&k.name.as_str())
                    && crate::problem::nearest(&k.name, [key]).is_some()
            });
            // A misspelt key is reported once, by `end`, with this one proposed.
            if !near {
                let message = format!("{} has no `{key}`", self.what);
                reader.refuse(&self.head(), message, format!("add `{key}:`"));
            }
        }
        found
    }

    /// Refuses every key that was not asked for.
    pub(crate) fn end(self, reader: &mut Reader<'_>) {
        for (key, _) in self.node.members() {
            if !self.known.contains(&key.name.as_str()) {
                let hint = one_of(&key.name, self.known.iter().copied());
                let message = format!("unknown key `{}` in {}", key.name, self.what);
                reader.refuse(&key.span, message, hint);
            }
        }
    }
}
