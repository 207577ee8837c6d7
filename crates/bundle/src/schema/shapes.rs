//! The schemas of a bundle behind core's seam. A violation says where and what was asked for; no part of the
//! value that did not fit is repeated, for it may be anyone's data.

use std::collections::{BTreeMap, BTreeSet};

use jsonschema::error::{TypeKind, ValidationErrorKind};
use serde_json::Value;

use interlock_core::id::SchemaName;
use interlock_core::label::{FieldLabels, Path};
use interlock_core::seams::{Shapes, Violation, check_bounds};

use super::Schema;

/// Violations named for one value.
const VIOLATIONS_MAX: usize = 32;

/// The schemas of one bundle.
#[derive(Debug, Default)]
pub struct BundleShapes {
    schemas: BTreeMap<SchemaName, Schema>,
    none: FieldLabels,
    /// Schemas whose files are there but were refused.
    broken: BTreeSet<SchemaName>,
}

impl BundleShapes {
    pub(crate) fn add(&mut self, schema: Schema) {
        self.schemas.insert(schema.name.clone(), schema);
    }

    pub(crate) fn add_broken(&mut self, name: SchemaName) {
        self.broken.insert(name);
    }

    pub(crate) fn is_broken(&self, name: &SchemaName) -> bool {
        self.broken.contains(name)
    }

    pub(crate) fn schema(&self, name: &SchemaName) -> Option<&Schema> {
        self.schemas.get(name)
    }

    /// The fields that name the person whom a value is about.
    #[must_use]
    pub fn subjects(&self, schema: &SchemaName) -> &[Path] {
        self.schemas
            .get(schema)
            .map_or(&[], |schema| &schema.subjects)
    }

    /// The names of all schemas.
    pub fn names(&self) -> impl Iterator<Item = &SchemaName> {
        self.schemas.keys()
    }
}

impl Shapes for BundleShapes {
    fn check(&self, schema: &SchemaName, value: &Value) -> Result<(), Vec<Violation>> {
        check_bounds(value).map_err(|violation| vec![violation])?;
        let Some(schema) = self.schemas.get(schema) else {
            return Err(vec![Violation {
                at: String::new(),
                keyword: "$schema".to_owned(),
                expected: "a schema of this bundle".to_owned(),
            }]);
        };
        let violations: Vec<Violation> = schema
            .validator
            .iter_errors(value)
            .take(VIOLATIONS_MAX)
            .map(|fault| Violation {
                at: fault.instance_path().to_string(),
                keyword: fault.kind().keyword().to_owned(),
                expected: expected(fault.kind()),
            })
            .collect();
        if violations.is_empty() {
            Ok(())
        } else {
            Err(violations)
        }
    }

    fn labels(&self, schema: &SchemaName) -> &FieldLabels {
        self.schemas
            .get(schema)
            .map_or(&self.none, |schema| &schema.labels)
    }

    fn text(&self, schema: &SchemaName) -> Option<&Value> {
        self.schemas.get(schema).map(|schema| &schema.text)
    }
}

/// What the schema asks for, from the schema alone.
fn expected(kind: &ValidationErrorKind) -> String {
    use ValidationErrorKind as Kind;
    match kind {
        Kind::AdditionalProperties { .. } | Kind::UnevaluatedProperties { .. } => {
            "no other members".to_owned()
        }
        Kind::AnyOf { .. } | Kind::OneOfNotValid { .. } => {
            "one of the declared alternatives".to_owned()
        }
        Kind::OneOfMultipleValid { .. } => "exactly one of the declared alternatives".to_owned(),
        Kind::Constant { expected_value } => expected_value.to_string(),
        Kind::Enum { options } => format!("one of {options}"),
        Kind::ExclusiveMaximum { limit } => format!("less than {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("more than {limit}"),
        Kind::Maximum { limit } => format!("at most {limit}"),
        Kind::Minimum { limit } => format!("at least {limit}"),
        Kind::MultipleOf { multiple_of } => format!("a multiple of {multiple_of}"),
        Kind::Format { format } => format!("the format {format}"),
        Kind::Pattern { pattern } => format!("the pattern {pattern}"),
        Kind::MaxItems { limit } => format!("at most {limit} items"),
        Kind::MinItems { limit } => format!("at least {limit} items"),
        Kind::MaxLength { limit } => format!("at most {limit} characters"),
        Kind::MinLength { limit } => format!("at least {limit} characters"),
        Kind::MaxProperties { limit } => format!("at most {limit} members"),
        Kind::MinProperties { limit } => format!("at least {limit} members"),
        Kind::Required { property } => format!("the member {property}"),
        Kind::UniqueItems => "no item twice".to_owned(),
        Kind::Type { kind } => match kind {
            TypeKind::Single(one) => format!("the type {one}"),
            TypeKind::Multiple(set) => {
                let names: Vec<String> = set.iter().map(|one| one.to_string()).collect();
                format!("one of the types {}", names.join(", "))
            }
        },
        other => format!("what `{}` asks for", other.keyword()),
    }
}
