//! The door: size, then nesting, then schema.

use serde_json::json;

use super::*;
use crate::label::FieldLabels;

/// Takes whatever is an object or an array.
struct Loose(FieldLabels);

impl Shapes for Loose {
    fn check(&self, _: &SchemaName, value: &Value) -> Result<(), Vec<Violation>> {
        let violation = || Violation {
            at: String::new(),
            keyword: "type".to_owned(),
            expected: "an object or a list".to_owned(),
        };
        if value.is_object() || value.is_array() {
            Ok(())
        } else {
            Err(vec![violation()])
        }
    }

    fn labels(&self, _: &SchemaName) -> &FieldLabels {
        &self.0
    }

    fn text(&self, _: &SchemaName) -> Option<&Value> {
        None
    }
}

#[track_caller]
fn check(value: Value, bytes: usize, expected: Option<&str>) {
    let schema = "input".parse().unwrap();
    let found = accept(&Loose(FieldLabels::default()), &schema, value, bytes, 100);
    let keyword = found.err().map(|violations| violations[0].keyword.clone());
    assert_eq!(keyword.as_deref(), expected);
}

fn nested(levels: usize) -> Value {
    (0..levels).fold(json!([]), |inner, _| json!([inner]))
}

#[test]
fn a_value_passes_size_nesting_and_schema_in_that_order() {
    check(json!({}), 0, None);
    check(json!({}), 100, None);
    check(json!(5), 101, Some("bytes"));
    check(json!(5), 0, Some("type"));
    check(nested(crate::limits::JSON_DEPTH_MAX), 0, None);
    check(nested(crate::limits::JSON_DEPTH_MAX + 1), 0, Some("depth"));
    check(json!(vec![0; crate::limits::JSON_NODES_MAX - 1]), 0, None);
    check(
        json!(vec![0; crate::limits::JSON_NODES_MAX]),
        0,
        Some("nodes"),
    );
}
