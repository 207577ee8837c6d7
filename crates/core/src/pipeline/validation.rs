//! ModelReply → Validated. Whatever the provider promised, the reply is parsed, bounded, held against the JSON
//! Schema and its quotes against the evidence. A model's own confidence is never enough; its error format is a
//! value, not a failure.

use serde_json::Value;

use super::intake;
use super::model::{ModelReply, Stop};
use super::prompt::{ERROR_CODES, ERROR_MEMBER};
use crate::id::SchemaName;
use crate::label::Path;
use crate::seams::{Shapes, Violation};

#[cfg(test)]
mod tests;

/// A reply that fits its schema and whose quotes hold. Made here only.
pub struct Validated {
    value: Value,
}

impl Validated {
    /// The value.
    #[must_use]
    pub fn into_value(self) -> Value {
        self.value
    }
}

/// Why a reply is not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// It cannot be read, or does not fit: `Cut`, `NotJson`, `Bounds` or `Schema` with what was wrong.
    Invalid(crate::run::RejectReason, Vec<Violation>),
    /// It abstains, refuses, or its evidence does not hold.
    Uncertain(crate::run::RejectReason, Vec<Violation>),
}

/// A text in which quotes must stand.
pub type Evidence<'e> = (&'e Path, Vec<&'e Value>);

/// Judges a reply.
///
/// # Errors
/// See [`Rejection`].
pub fn validate(
    shapes: &dyn Shapes,
    schema: &SchemaName,
    reply: &ModelReply,
    evidence: &[Evidence<'_>],
) -> Result<Validated, Rejection> {
    use crate::run::RejectReason::{Abstained, Bounds, Cut, NotJson, Refused};
    let one = |keyword: &str, expected: &str| {
        vec![Violation {
            at: String::new(),
            keyword: keyword.to_owned(),
            expected: expected.to_owned(),
        }]
    };
    match reply.stop {
        Stop::End => {}
        Stop::Length => {
            return Err(Rejection::Invalid(
                Cut,
                one("length", "a reply within the token limit"),
            ));
        }
        Stop::Refusal => return Err(Rejection::Uncertain(Refused, one("refusal", "an answer"))),
        Stop::Other => {
            return Err(Rejection::Invalid(
                NotJson,
                one("stop", "a finished answer"),
            ));
        }
    }
    if reply.text.len() > crate::limits::REPLY_BYTES_MAX {
        return Err(Rejection::Invalid(Bounds, one("bytes", "a shorter reply")));
    }
    let Ok(Value::Object(mut members)) = serde_json::from_str::<Value>(&reply.text) else {
        return Err(Rejection::Invalid(
            NotJson,
            one("json", "one JSON object and nothing else"),
        ));
    };
    let outcome = match (members.remove("outcome"), members.is_empty()) {
        (Some(outcome), true) => outcome,
        (Some(_) | None, _) => {
            return Err(Rejection::Invalid(
                NotJson,
                one("outcome", "an object with the one member `outcome`"),
            ));
        }
    };
    if is_error_format(&outcome) {
        return Err(Rejection::Uncertain(
            Abstained,
            one(ERROR_MEMBER, "an answer that the evidence supports"),
        ));
    }
    check(shapes, schema, outcome, evidence)
}

/// Judges a value that is not a model's reply: one that a person wrote by hand. The same rules.
///
/// # Errors
/// See [`Rejection`].
pub fn check(
    shapes: &dyn Shapes,
    schema: &SchemaName,
    value: Value,
    evidence: &[Evidence<'_>],
) -> Result<Validated, Rejection> {
    use crate::run::RejectReason::{Quotes, Schema};
    let value = intake::accept(shapes, schema, value, 0, crate::limits::REPLY_BYTES_MAX)
        .map_err(|violations| Rejection::Invalid(Schema, violations))?
        .into_value();
    let mut failed = Vec::new();
    for (quotes, texts) in evidence {
        let selected = quotes.select(&value);
        if selected.len() > crate::limits::QUOTES_MAX {
            failed.push(Violation {
                at: quotes.to_string(),
                keyword: "quotes".to_owned(),
                expected: format!("at most {} quotes", crate::limits::QUOTES_MAX),
            });
            continue;
        }
        for (place, quote) in selected.into_iter().enumerate() {
            if !quote.as_str().is_some_and(|quote| stands_in(quote, texts)) {
                failed.push(Violation {
                    at: format!("{quotes} ({place})"),
                    keyword: "quote".to_owned(),
                    expected: "words that stand verbatim in the evidence".to_owned(),
                });
            }
        }
    }
    if failed.is_empty() {
        Ok(Validated { value })
    } else {
        Err(Rejection::Uncertain(Quotes, failed))
    }
}

/// The error format is an object with the one member, whose code is listed and whose detail is a short text.
fn is_error_format(outcome: &Value) -> bool {
    let Some(members) = outcome.as_object() else {
        return false;
    };
    let (Some(error), 1) = (members.get(ERROR_MEMBER), members.len()) else {
        return false;
    };
    error
        .get("code")
        .and_then(Value::as_str)
        .is_some_and(|code| ERROR_CODES.contains(&code))
        && error.get("detail").is_none_or(|detail| {
            detail
                .as_str()
                .is_some_and(|text| text.chars().count() <= 500)
        })
}

/// Whether a quote stands verbatim in one of the texts. An empty or blank quote stands nowhere.
fn stands_in(quote: &str, texts: &[&Value]) -> bool {
    fn inside(quote: &str, value: &Value) -> bool {
        match value {
            Value::String(text) => text.contains(quote),
            Value::Array(items) => items.iter().any(|item| inside(quote, item)),
            Value::Object(members) => members.values().any(|item| inside(quote, item)),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }
    !quote.trim().is_empty() && texts.iter().any(|text| inside(quote, text))
}
