//! Bytes → JSON, once, at the door: no member named twice (two readers of one text must not differ), nesting and
//! number of values bounded while reading. What the value means is the schema's and the handler's concern.

use std::cell::Cell;
use std::fmt;

use interlock_core::limits::{JSON_DEPTH_MAX, JSON_NODES_MAX};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Where a text is not JSON that is taken here. Lines and columns count from 1.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// Reads one JSON value.
pub(crate) fn read(bytes: &[u8]) -> Result<Value, Unreadable> {
    let place = |fault: serde_json::Error| Unreadable {
        line: fault.line(),
        column: fault.column(),
    };
    let nodes = Cell::new(0);
    let mut text = serde_json::Deserializer::from_slice(bytes);
    let value = Reader {
        depth: 0,
        nodes: &nodes,
    }
    .deserialize(&mut text)
    .map_err(place)?;
    text.end().map_err(place)?;
    Ok(value)
}

struct Reader<'a> {
    depth: usize,
    nodes: &'a Cell<usize>,
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.nodes.set(self.nodes.get().saturating_add(1));
        if self.nodes.get() > JSON_NODES_MAX || self.depth > JSON_DEPTH_MAX {
            return Err(D::Error::custom("over its bound"));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Reader {
            depth: self.depth + 1,
            nodes: self.nodes,
        })? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if map.contains_key(&name) {
                return Err(A::Error::custom("named twice"));
            }
            map.insert(
                name,
                members.next_value_seed(Reader {
                    depth: self.depth + 1,
                    nodes: self.nodes,
                })?,
            );
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_is_read_as_it_stands() {
        check(r#" {"a":[1,-2,3.5,"x",null,true],"b":{}} "#, true);
        check("", false);
        check("{} {}", false);
        check("{\"a\":1,}", false);
        check("\u{feff}{}", false);
        check("{\"a\":NaN}", false);
    }

    #[test]
    fn a_member_named_twice_is_refused() {
        check(r#"{"a":1,"a":1}"#, false);
        check(r#"{"a":1,"\u0061":2}"#, false);
        check(r#"[{"a":1},{"a":1}]"#, true);
    }

    #[test]
    fn depth_and_number_are_bounded() {
        let nested = |n: usize| format!("{}1{}", "[".repeat(n), "]".repeat(n));
        check(&nested(JSON_DEPTH_MAX), true);
        check(&nested(JSON_DEPTH_MAX + 1), false);
        let many = |n: usize| format!("[{}]", vec!["1"; n].join(","));
        check(&many(JSON_NODES_MAX - 1), true);
        check(&many(JSON_NODES_MAX), false);
    }

    fn check(text: &str, taken: bool) {
        let read = read(text.as_bytes());
        assert_eq!(
            read.is_ok(),
            taken,
            "{}",
            text.chars().take(60).collect::<String>()
        );
        if let Ok(value) = read {
            assert_eq!(Some(value), serde_json::from_str(text).ok());
        }
    }
}
