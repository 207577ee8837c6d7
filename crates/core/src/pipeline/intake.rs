//! Value → Accepted, at the door: size and nesting first, then the schema with `format` asserted. Everything that
//! enters passes here: run inputs, source documents, tool results, values written by hand.

use serde_json::Value;

use crate::id::SchemaName;
use crate::seams::{Shapes, Violation, check_bounds};

#[cfg(test)]
mod tests;

/// A value that fits its schema and the bounds. Made here only.
pub struct Accepted {
    value: Value,
}

impl Accepted {
    /// The value.
    #[must_use]
    pub fn into_value(self) -> Value {
        self.value
    }
}

/// Checks a value at the door. `bytes` is its size as it came, 0 where it never was bytes.
///
/// # Errors
/// At least one violation, none of which holds a part of the value.
pub fn accept(
    shapes: &dyn Shapes,
    schema: &SchemaName,
    value: Value,
    bytes: usize,
    bytes_max: usize,
) -> Result<Accepted, Vec<Violation>> {
    if bytes > bytes_max {
        return Err(vec![Violation {
            at: String::new(),
            keyword: "bytes".to_owned(),
            expected: format!("at most {bytes_max} bytes"),
        }]);
    }
    check_bounds(&value).map_err(|violation| vec![violation])?;
    shapes.check(schema, &value)?;
    Ok(Accepted { value })
}
