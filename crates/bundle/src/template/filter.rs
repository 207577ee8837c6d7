//! The filters that templates and expressions may use. Each works on JSON values alone and is exact about the
//! kinds it takes; none hides a missing value.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use serde_json::{Number, Value};

use super::evaluate::{number, text_of};
use crate::problem::one_of;

/// A filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Filter {
    Abs,
    Capitalize,
    First,
    Int,
    Join,
    Last,
    Length,
    Lower,
    Replace,
    Round,
    String,
    Title,
    ToJson,
    Trim,
    Truncate,
    Upper,
}

/// All filters by name.
pub(crate) const NAMES: [(&str, Filter); 16] = [
    ("abs", Filter::Abs),
    ("capitalize", Filter::Capitalize),
    ("first", Filter::First),
    ("int", Filter::Int),
    ("join", Filter::Join),
    ("last", Filter::Last),
    ("length", Filter::Length),
    ("lower", Filter::Lower),
    ("replace", Filter::Replace),
    ("round", Filter::Round),
    ("string", Filter::String),
    ("title", Filter::Title),
    ("tojson", Filter::ToJson),
    ("trim", Filter::Trim),
    ("truncate", Filter::Truncate),
    ("upper", Filter::Upper),
];

impl Filter {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        NAMES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, filter)| *filter)
    }

    /// What to write instead of a filter or call that is not read.
    pub(crate) fn hint(name: &str) -> String {
        if name == "default" {
            return "`default` would hide a missing value: test it with `is defined`".to_owned();
        }
        format!(
            "of filters, {}",
            one_of(name, NAMES.iter().map(|(name, _)| *name))
        )
    }

    /// How many arguments it takes.
    pub(crate) const fn arguments(self) -> RangeInclusive<usize> {
        match self {
            Self::Join | Self::Round => 0..=1,
            Self::Truncate => 1..=1,
            Self::Replace => 2..=2,
            _ => 0..=0,
        }
    }

    /// The result, or `None` where the value has the wrong kind.
    pub(crate) fn apply(self, base: &Value, arguments: &[Cow<'_, Value>]) -> Option<Value> {
        let argument = |at: usize| arguments.get(at).map(|value| &**value);
        Some(match self {
            Self::Lower => Value::String(base.as_str()?.to_lowercase()),
            Self::Upper => Value::String(base.as_str()?.to_uppercase()),
            Self::Trim => Value::String(base.as_str()?.trim().to_owned()),
            Self::Capitalize => Value::String(capitalised(base.as_str()?)),
            Self::Title => Value::String(titled(base.as_str()?)),
            Self::String => Value::String(text_of(base)?.into_owned()),
            Self::ToJson => Value::String(base.to_string()),
            Self::Length => Value::from(match base {
                Value::String(text) => text.chars().count(),
                Value::Array(items) => items.len(),
                Value::Object(members) => members.len(),
                Value::Null | Value::Bool(_) | Value::Number(_) => return None,
            }),
            Self::First => base.as_array()?.first()?.clone(),
            Self::Last => base.as_array()?.last()?.clone(),
            Self::Join => {
                let between = argument(0).map_or(Some(""), Value::as_str)?;
                let texts: Option<Vec<_>> = base.as_array()?.iter().map(text_of).collect();
                Value::String(texts?.join(between))
            }
            Self::Replace => {
                let (from, to) = (argument(0)?.as_str()?, argument(1)?.as_str()?);
                if from.is_empty() {
                    return None;
                }
                Value::String(base.as_str()?.replace(from, to))
            }
            Self::Truncate => {
                let most = usize::try_from(argument(0)?.as_u64()?).ok()?;
                let text = base.as_str()?;
                match text.char_indices().nth(most) {
                    Some((end, _)) => Value::String(format!("{}…", text.get(..end)?)),
                    None => Value::String(text.to_owned()),
                }
            }
            Self::Abs => match base.as_i64() {
                Some(whole) => Value::from(whole.checked_abs()?),
                None => number(base.as_f64()?.abs())?,
            },
            Self::Int => match base {
                Value::String(text) => Value::from(text.trim().parse::<i64>().ok()?),
                _ => Value::from(whole(base.as_f64()?.trunc(), base)?),
            },
            Self::Round => {
                let places = argument(0)
                    .map_or(Some(0), Value::as_u64)
                    .filter(|places| *places <= 9)?;
                if base.is_i64() {
                    return Some(base.clone());
                }
                let scale = 10f64.powi(i32::try_from(places).ok()?);
                number((base.as_f64()? * scale).round() / scale)?
            }
        })
    }
}

/// A number without its fraction; whole numbers stay exact.
fn whole(truncated: f64, base: &Value) -> Option<Number> {
    if let Some(exact) = base.as_i64() {
        return Some(exact.into());
    }
    // Beyond 2^53 a float no longer names one whole number.
    let exact = truncated.abs() <= 9_007_199_254_740_992.0;
    exact
        .then(|| format!("{truncated:.0}").parse::<i64>().ok())
        .flatten()
        .map(Number::from)
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    let first: String = chars
        .next()
        .map(|c| c.to_uppercase().collect())
        .unwrap_or_default();
    first + &chars.as_str().to_lowercase()
}

fn titled(text: &str) -> String {
    let mut inside = false;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if inside {
            out.extend(c.to_lowercase());
        } else {
            out.extend(c.to_uppercase());
        }
        inside = c.is_alphanumeric() || c == '\'';
    }
    out
}
