//! Texts with marked places: `{name}` for a member of the query or arguments, `${setting.NAME}` for the
//! operator's settings, `{idempotency_key}` for the act's key. Filling and escaping are the runtime's.

/// A text with marked places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<PatternPart>);

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PatternPart {
    /// As written.
    Text(String),
    /// A member of the query or arguments: a text, whole number or truth value.
    Field(String),
    /// A setting of the operator's configuration.
    Setting(String),
    /// A folder of the operator's configuration; only first in a file connector's path.
    Root(String),
    /// The act's idempotency key.
    Key,
}

impl Pattern {
    /// The parts, in order.
    #[must_use]
    pub fn parts(&self) -> &[PatternPart] {
        &self.0
    }

    /// Whether the idempotency key has a place in it.
    #[must_use]
    pub fn has_key(&self) -> bool {
        self.0.contains(&PatternPart::Key)
    }

    /// The members that fill it.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            PatternPart::Field(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// The text, when nothing is to be filled in.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self.0.as_slice() {
            [PatternPart::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Without its first part and the slash after it: a path below that folder.
    pub(super) fn after_root(self) -> Self {
        let mut rest = self.0.into_iter().skip(1);
        let first = match rest.next() {
            Some(PatternPart::Text(text)) => {
                PatternPart::Text(text.strip_prefix('/').unwrap_or(&text).to_owned())
            }
            Some(other) => other,
            None => return Self(Vec::new()),
        };
        let blank = PatternPart::Text(String::new());
        let parts = std::iter::once(first).filter(|part| *part != blank);
        Self(parts.chain(rest).collect())
    }

    /// Parses a pattern.
    ///
    /// # Errors
    /// What is wrong, as a fragment.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            if from.starts_with('}') {
                return Err("a `}` without `{`".to_owned());
            }
            let end = from.find('}').ok_or("a `{` without `}`")?;
            let inside = from.get(1..end).unwrap_or_default();
            let (before, special) = match before.strip_suffix('$') {
                Some(before) => (before, true),
                None => (before, false),
            };
            plain.push_str(before);
            if !plain.is_empty() {
                parts.push(PatternPart::Text(std::mem::take(&mut plain)));
            }
            parts.push(place(inside, special)?);
            rest = from.get(end + 1..).unwrap_or_default();
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(PatternPart::Text(plain));
        }
        if parts.is_empty() {
            Err("an empty text".to_owned())
        } else {
            Ok(Self(parts))
        }
    }
}

fn place(inside: &str, special: bool) -> Result<PatternPart, String> {
    let named = |name: &str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
    };
    if !special {
        return match inside {
            "idempotency_key" => Ok(PatternPart::Key),
            name if named(name) => Ok(PatternPart::Field(name.to_owned())),
            other => Err(format!("`{{{other}}}` names no member")),
        };
    }
    if let Some(name) = inside.strip_prefix("setting.").filter(|name| named(name)) {
        return Ok(PatternPart::Setting(name.to_owned()));
    }
    if let Some(name) = inside.strip_prefix("root.").filter(|name| named(name)) {
        return Ok(PatternPart::Root(name.to_owned()));
    }
    Err(format!(
        "`${{{inside}}}` is neither `${{setting.NAME}}` nor `${{root.NAME}}`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_marked_and_the_rest_is_text() {
        let pattern =
            Pattern::parse("http://${setting.register}/cases/{case_id}?k={idempotency_key}")
                .unwrap();
        assert_eq!(
            pattern.parts(),
            [
                PatternPart::Text("http://".into()),
                PatternPart::Setting("register".into()),
                PatternPart::Text("/cases/".into()),
                PatternPart::Field("case_id".into()),
                PatternPart::Text("?k=".into()),
                PatternPart::Key,
            ]
        );
        for (path, below) in [
            ("${root.logs}/{case_id}.json", "{case_id}.json"),
            ("${root.logs}/cases/{case_id}", "cases/{case_id}"),
        ] {
            let below = Pattern::parse(below).unwrap();
            assert_eq!(Pattern::parse(path).unwrap().after_root(), below, "{path}");
        }
        for bad in ["", "{", "}", "{a b}", "${x}", "${setting.}", "a{b"] {
            assert!(Pattern::parse(bad).is_err(), "{bad}");
        }
    }
}
