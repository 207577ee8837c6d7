//! Schemas as shapes: formats are asserted, labels are found wherever they stand, and a violation never carries
//! the value that caused it.

use proptest::prelude::*;
use serde_json::{Value, json};

use interlock_core::id::SchemaName;
use interlock_core::label::{Confidentiality, Path};
use interlock_core::seams::Shapes as _;

use super::{BundleShapes, Schema};
use crate::problem::Report;

fn name() -> SchemaName {
    SchemaName::parse("a").unwrap()
}

fn shapes(schema: &Value) -> Result<BundleShapes, Vec<String>> {
    let text = schema.to_string();
    let mut report = Report::default();
    report.show("schemas/a.json", text.as_str().into());
    let schema = Schema::read("schemas/a.json", name(), &text, &mut report);
    let schema = report.finish(schema).map_err(|problems| {
        problems
            .problems()
            .iter()
            .map(|p| p.message().to_owned())
            .collect::<Vec<_>>()
    })?;
    let mut shapes = BundleShapes::default();
    shapes.add(schema);
    Ok(shapes)
}

fn person() -> Value {
    json!({
        "type": "object", "additionalProperties": false, "required": ["id"],
        "x-interlock": {"confidentiality": "internal", "integrity": "trusted"},
        "properties": {
            "id": {"type": "string", "maxLength": 20, "x-interlock": {"subject": true}},
            "born": {"type": "string", "format": "date", "x-interlock": {"confidentiality": "confidential", "categories": ["pii"]}},
            "mail": {"type": "string", "format": "email", "maxLength": 100},
            "tags": {"type": "array", "maxItems": 3, "items": {"$ref": "#/$defs/tag"}},
            "x-interlock": {"type": "boolean"},
        },
        "$defs": {"tag": {"type": "string", "enum": ["a", "b"], "x-interlock": {"confidentiality": "restricted"}}},
    })
}

#[test]
fn formats_are_asserted() {
    let shapes = shapes(&person()).unwrap();
    assert_eq!(
        shapes.check(
            &name(),
            &json!({"id": "1", "born": "2000-02-29", "mail": "a@example.org"})
        ),
        Ok(())
    );
    for (bad, keyword) in [
        (json!({"id": "1", "born": "2001-02-29"}), "format"),
        (json!({"id": "1", "mail": "nobody"}), "format"),
        (json!({"id": 1}), "type"),
        (json!({}), "required"),
        (json!({"id": "1", "tags": ["a", "c"]}), "enum"),
        (json!({"id": "1", "tags": ["a", "a", "a", "a"]}), "maxItems"),
        (json!({"id": "1", "other": 1}), "additionalProperties"),
    ] {
        let violations = shapes.check(&name(), &bad).unwrap_err();
        assert_eq!(violations[0].keyword, keyword, "{bad}");
    }
}

#[test]
fn labels_stand_where_they_were_declared() {
    let shapes = shapes(&person()).unwrap();
    let at = |path: &str| shapes.labels(&name()).at(&Path::parse(path).unwrap());
    assert_eq!(at("/mail").confidentiality, Confidentiality::Internal);
    assert!(at("/mail").is_trusted());
    assert_eq!(at("/born").confidentiality, Confidentiality::Confidential);
    assert!(
        !at("/born").is_trusted(),
        "an absent key takes the stricter answer"
    );
    assert_eq!(at("/tags/*").confidentiality, Confidentiality::Restricted);
    assert_eq!(
        at("").confidentiality,
        Confidentiality::Restricted,
        "the whole is as strict as its strictest part"
    );
    assert!(
        at("/id").is_trusted(),
        "naming a subject does not replace the label above"
    );
    assert_eq!(shapes.subjects(&name()), [Path::parse("/id").unwrap()]);
}

#[test]
fn what_models_are_given_has_no_labels() {
    let shapes = shapes(&person()).unwrap();
    let text = shapes.text(&name()).unwrap();
    assert!(text.get("x-interlock").is_none());
    assert!(text["properties"]["born"].get("x-interlock").is_none());
    assert!(
        text["properties"].get("x-interlock").is_some(),
        "a member of that name is a member"
    );
}

#[test]
fn what_bounds_nothing_is_refused() {
    for schema in [
        json!(true),
        json!({}),
        json!({"type": "string"}),
        json!({"type": ["string", "null"]}),
        json!({"type": "array", "maxItems": 3}),
        json!({"type": "object", "properties": {}}),
        json!({"type": "object", "additionalProperties": {"type": "string", "maxLength": 3}}),
        json!({"$ref": "#/$defs/gone"}),
        json!({"$ref": "#"}),
        json!({"$id": "https://example.org/a", "type": "null"}),
        json!({"type": "integer", "minumum": 3}),
        json!({"anyOf": [{"type": "string", "maxLength": 3}, {"type": "string"}]}),
        json!({"type": "string", "maxLength": 9, "pattern": "(a)\\1"}),
        json!({"type": "integer", "maxLength": "9"}),
    ] {
        assert!(shapes(&schema).is_err(), "{schema}");
    }
}

#[test]
fn an_unknown_schema_fits_nothing() {
    let violations = BundleShapes::default()
        .check(&name(), &json!({}))
        .unwrap_err();
    assert_eq!(violations[0].keyword, "$schema");
    assert!(
        !BundleShapes::default()
            .labels(&name())
            .at(&Path::root())
            .is_trusted()
    );
}

proptest! {
    /// Whatever a value holds, no violation repeats it: not as a value and not as a member's name.
    #[test]
    fn a_violation_holds_no_part_of_the_value(secret in "[A-Z]{12}", place in 0usize..6) {
        let shapes = shapes(&person()).unwrap();
        let value = match place {
            0 => json!({"id": secret.repeat(3)}),
            1 => json!({"id": "1", "born": secret}),
            2 => json!({"id": "1", secret.clone(): 1}),
            3 => json!({"id": "1", "tags": [secret]}),
            4 => json!({"id": {secret.clone(): secret}}),
            _ => json!([secret]),
        };
        let violations = shapes.check(&name(), &value).unwrap_err();
        prop_assert!(!violations.is_empty() && violations.len() <= 32);
        prop_assert!(!format!("{violations:?}").contains(&secret), "{violations:?}");
    }
}

#[test]
fn at_most_32_violations_are_named() {
    let members: serde_json::Map<String, Value> = (0..60)
        .map(|n| (format!("m{n}"), json!({"type": "boolean"})))
        .collect();
    let required: Vec<String> = members.keys().cloned().collect();
    let schema = json!({"type": "object", "additionalProperties": false, "properties": members, "required": required, "x-interlock": {"integrity": "trusted"}});
    let violations = shapes(&schema)
        .unwrap()
        .check(&name(), &json!({}))
        .unwrap_err();
    assert_eq!(violations.len(), 32);
}

#[test]
fn the_reference_page_names_every_keyword_format_and_filter() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/bundle.md");
    let page = std::fs::read_to_string(page).unwrap();
    let words: std::collections::BTreeSet<&str> = page
        .split(|c: char| !c.is_alphanumeric() && !"$-_".contains(c))
        .collect();
    let filters = crate::template::filter::NAMES.map(|(name, _)| name);
    for word in super::walk::KEYWORDS
        .iter()
        .chain(&super::walk::FORMATS)
        .chain(&filters)
    {
        assert!(
            words.contains(word),
            "docs/bundle.md does not name `{word}`"
        );
    }
}
