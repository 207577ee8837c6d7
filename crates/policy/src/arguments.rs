//! A tool's arguments as policies see them: the part of a JSON Schema that has a Cedar type, and values of it
//! as Cedar expressions. What has no Cedar type (unions, null, lists of lists or objects, free members) is left out of
//! the record, so that no policy can be written about it; what has one but does not fit denies.

use std::collections::BTreeMap;
use std::fmt;

use cedar_policy::RestrictedExpression;
use interlock_core::limits::JSON_DEPTH_MAX;
use serde_json::Value;

/// The Cedar type of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ArgumentType {
    Text,
    Long,
    Flag,
    Decimal,
    Set(Box<Self>),
    Record(Record),
}

/// Members of an object, each with whether it is required.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Record(BTreeMap<String, (bool, ArgumentType)>);

/// The value does not have the type that its schema promised, or Cedar cannot hold it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Misfit;

impl ArgumentType {
    /// The type that a JSON Schema gives, if it has one.
    pub(crate) fn of(schema: &Value) -> Option<Self> {
        Self::within(schema, schema, 0)
    }

    fn within(schema: &Value, root: &Value, depth: usize) -> Option<Self> {
        if depth > JSON_DEPTH_MAX {
            return None;
        }
        if let Some(reference) = schema.get("$ref") {
            let target = root.pointer(reference.as_str()?.strip_prefix('#')?)?;
            return Self::within(target, root, depth + 1);
        }
        match schema.get("type") {
            Some(Value::String(name)) => match name.as_str() {
                "string" => Some(Self::Text),
                "integer" => Some(Self::Long),
                "boolean" => Some(Self::Flag),
                "number" => Some(Self::Decimal),
                "array" => match Self::within(schema.get("items")?, root, depth + 1)? {
                    Self::Set(_) | Self::Record(_) => None,
                    scalar => Some(Self::Set(Box::new(scalar))),
                },
                "object" => Some(Self::Record(Record::of(schema, root, depth)?)),
                _ => None,
            },
            Some(_) => None,
            None => {
                let given = schema.get("enum").and_then(Value::as_array);
                let given = given.map_or_else(
                    || schema.get("const").into_iter().collect(),
                    |members| members.iter().collect::<Vec<_>>(),
                );
                let all =
                    |fits: fn(&Value) -> bool| !given.is_empty() && given.iter().all(|v| fits(v));
                if all(Value::is_string) {
                    Some(Self::Text)
                } else if all(Value::is_i64) {
                    Some(Self::Long)
                } else if all(Value::is_boolean) {
                    Some(Self::Flag)
                } else {
                    None
                }
            }
        }
    }

    /// A value of this type.
    pub(crate) fn express(&self, value: &Value) -> Result<RestrictedExpression, Misfit> {
        match self {
            Self::Text => value
                .as_str()
                .map(|text| RestrictedExpression::new_string(text.to_owned())),
            Self::Long => value.as_i64().map(RestrictedExpression::new_long),
            Self::Flag => value.as_bool().map(RestrictedExpression::new_bool),
            Self::Decimal => decimal(value).map(RestrictedExpression::new_decimal),
            Self::Set(member) => {
                let members = value.as_array().ok_or(Misfit)?;
                let members: Result<Vec<_>, _> =
                    members.iter().map(|item| member.express(item)).collect();
                Some(RestrictedExpression::new_set(members?))
            }
            Self::Record(record) => Some(record.express(value)?),
        }
        .ok_or(Misfit)
    }
}

impl Record {
    fn of(schema: &Value, root: &Value, depth: usize) -> Option<Self> {
        let required = schema.get("required").and_then(Value::as_array);
        let is_required = |name: &str| {
            required.is_some_and(|names| names.iter().any(|n| n.as_str() == Some(name)))
        };
        let Some(properties) = schema.get("properties") else {
            return Some(Self::default());
        };
        Some(Self(
            properties
                .as_object()?
                .iter()
                .filter_map(|(name, schema)| {
                    let kind = ArgumentType::within(schema, root, depth + 1)?;
                    Some((name.clone(), (is_required(name), kind)))
                })
                .collect(),
        ))
    }

    /// An object of this type; members that have no type are left out.
    pub(crate) fn express(&self, value: &Value) -> Result<RestrictedExpression, Misfit> {
        let members = value.as_object().ok_or(Misfit)?;
        let mut fields = Vec::new();
        for (name, (required, kind)) in &self.0 {
            match members.get(name) {
                Some(value) => fields.push((name.clone(), kind.express(value)?)),
                None if *required => return Err(Misfit),
                None => {}
            }
        }
        RestrictedExpression::new_record(fields).map_err(|_| Misfit)
    }
}

/// A JSON number as Cedar writes decimals: one to four digits after the point, 64 bits in all. The engine
/// checks the size.
fn decimal(value: &Value) -> Option<String> {
    let text = value.as_number()?.to_string();
    match text.split_once('.') {
        _ if text.contains(['e', 'E']) => None,
        None => Some(format!("{text}.0")),
        Some((_, digits)) => (1..=4).contains(&digits.len()).then_some(text),
    }
}

impl fmt::Display for ArgumentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("String"),
            Self::Long => f.write_str("Long"),
            Self::Flag => f.write_str("Bool"),
            Self::Decimal => f.write_str("decimal"),
            Self::Set(member) => write!(f, "Set<{member}>"),
            Self::Record(record) => write!(f, "{record}"),
        }
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (place, (name, (required, kind))) in self.0.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            let optional = if *required { "" } else { "?" };
            write!(f, "{comma} \"{}\"{optional}: {kind}", name.escape_default())?;
        }
        f.write_str(" }")
    }
}
