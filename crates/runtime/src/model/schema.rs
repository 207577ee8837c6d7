//! A step's schema as model endpoints take it: structured outputs know fewer keywords than JSON Schema, and refuse
//! the rest. What is left out here is asked of the reply all the same, by the validation room.

use serde_json::{Map, Value};

/// Formats that structured outputs know.
const FORMATS: [&str; 10] = [
    "date-time",
    "time",
    "date",
    "duration",
    "email",
    "hostname",
    "uri",
    "ipv4",
    "ipv6",
    "uuid",
];
/// Longest text or list whose bound is worth giving to a grammar.
const BOUND_MAX: u64 = 1000;

/// Which keywords an endpoint takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Structure alone: vendors' structured outputs.
    Structure,
    /// Structure and small bounds: grammars of local servers, which would else write until they are cut.
    Bounded,
}

/// The schema in a dialect.
pub(super) fn adapt(schema: &Value, dialect: Dialect) -> Value {
    let Value::Object(members) = schema else {
        return schema.clone();
    };
    let mut adapted = Map::new();
    for (keyword, value) in members {
        let kept = match (keyword.as_str(), value) {
            ("properties" | "$defs", Value::Object(named)) => {
                let each = named
                    .iter()
                    .map(|(name, inner)| (name.clone(), adapt(inner, dialect)));
                Some(Value::Object(each.collect()))
            }
            ("items", inner) => Some(adapt(inner, dialect)),
            ("anyOf" | "oneOf" | "allOf", Value::Array(inner)) => Some(Value::Array(
                inner.iter().map(|inner| adapt(inner, dialect)).collect(),
            )),
            (
                "type"
                | "enum"
                | "const"
                | "required"
                | "additionalProperties"
                | "$ref"
                | "description"
                | "title",
                _,
            ) => Some(value.clone()),
            ("format", Value::String(format)) => {
                FORMATS.contains(&format.as_str()).then(|| value.clone())
            }
            ("minItems", _) => {
                (value.as_u64() <= Some(1) || bounded(value, dialect)).then(|| value.clone())
            }
            ("maxItems" | "minLength" | "maxLength", _) => {
                bounded(value, dialect).then(|| value.clone())
            }
            _ => None,
        };
        if let Some(kept) = kept {
            // Exactly one of several shapes is asked as any of them; validation asks for exactly one.
            let keyword = if keyword == "oneOf" { "anyOf" } else { keyword };
            adapted.insert(keyword.to_owned(), kept);
        }
    }
    Value::Object(adapted)
}

fn bounded(value: &Value, dialect: Dialect) -> bool {
    dialect == Dialect::Bounded && value.as_u64().is_some_and(|bound| bound <= BOUND_MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_known_keywords_are_left() {
        let schema = json!({
            "$schema": "x", "type": "object", "additionalProperties": false, "required": ["maxLength"],
            "$defs": {"d": {"type": "string", "pattern": "^a$", "maxLength": 9}},
            "properties": {
                "maxLength": {"type": "string", "minLength": 3, "maxLength": 90, "format": "date"},
                "n": {"type": "integer", "minimum": 1, "maximum": 3},
                "list": {"type": "array", "minItems": 2, "maxItems": 2000, "items": {"$ref": "#/$defs/d"}},
                "e": {"enum": [{"pattern": "kept"}]},
                "f": {"oneOf": [{"type": "string", "format": "idn-email"}, {"type": "null"}]},
            },
        });
        let expected = json!({
            "type": "object", "additionalProperties": false, "required": ["maxLength"],
            "$defs": {"d": {"type": "string"}},
            "properties": {
                "maxLength": {"type": "string", "format": "date"},
                "n": {"type": "integer"},
                "list": {"type": "array", "items": {"$ref": "#/$defs/d"}},
                "e": {"enum": [{"pattern": "kept"}]},
                "f": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            },
        });
        assert_eq!(adapt(&schema, Dialect::Structure), expected);
        let bounded = adapt(&schema, Dialect::Bounded);
        assert_eq!(bounded["properties"]["maxLength"]["maxLength"], 90);
        assert_eq!(
            bounded["properties"]["list"],
            json!({"type": "array", "minItems": 2, "items": {"$ref": "#/$defs/d"}})
        );
    }
}
