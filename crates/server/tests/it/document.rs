//! The OpenAPI document is the table's: every route is in it, nothing else is, and every reference leads somewhere.

use std::collections::BTreeSet;

use interlock_server::{Permitted, document, routes};
use serde_json::Value;

use crate::world::{World, fits};

#[tokio::test]
async fn it_is_served_to_anyone_as_it_is() {
    let world = World::of("clean").await;
    let said = world.ask("GET", "/api/v1/openapi.json", None, None).await;
    assert_eq!(said.json(), document());
    fits("OpenApi", &said.json());
    fits("Live", &world.ask("GET", "/livez", None, None).await.json());
}

#[test]
fn every_route_is_in_the_document_and_nothing_else_is() {
    let document = document();
    let mut said = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        said.extend(
            item.as_object()
                .unwrap()
                .keys()
                .map(|method| (method.to_uppercase(), path.clone())),
        );
    }
    let table: BTreeSet<_> = routes()
        .map(|route| (route.method.to_owned(), route.path.to_owned()))
        .collect();
    assert_eq!(said, table);
    assert_eq!(table.len(), routes().count(), "a row stands twice");
    for route in routes() {
        let operation = &document["paths"][route.path][route.method.to_lowercase()];
        assert_eq!(
            operation["security"] == serde_json::json!([]),
            route.who == Permitted::Anyone
        );
        assert_eq!(
            operation["responses"].get("401").is_none(),
            route.who == Permitted::Anyone,
            "{}",
            route.path
        );
        assert!(
            operation["responses"]
                .get(route.answer.0.to_string())
                .is_some()
        );
    }
    let names: BTreeSet<_> = routes().map(|route| route.name).collect();
    assert_eq!(names.len(), routes().count(), "names are apart");
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    let mut found = 0;
    walk(&document, &mut |reference| {
        found += 1;
        assert!(
            document
                .pointer(reference.trim_start_matches('#'))
                .is_some(),
            "{reference}"
        );
    });
    assert!(found > 50);
}

fn walk(value: &Value, see: &mut impl FnMut(&str)) {
    match value {
        Value::Object(members) => {
            if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                see(reference);
            }
            members.values().for_each(|value| walk(value, see));
        }
        Value::Array(items) => items.iter().for_each(|value| walk(value, see)),
        _ => {}
    }
}
