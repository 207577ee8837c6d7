//! The shapes of bodies and answers, JSON Schema 2020-12: those of bodies are what bodies are checked with, those of
//! answers are held against real answers by the tests. The shapes of inputs and outputs are the bundles'.

use std::collections::BTreeMap;

use interlock_core::limits::REASON_CHARS_MAX;
use serde_json::{Value, json};

use crate::offices;
use crate::problem::Code;
use crate::table::ROUTES;

const NAME: &str = "^[a-z0-9][a-z0-9_.-]{0,63}$";
const DIGEST: &str = "^[0-9a-f]{64}$";

/// Every schema, by name.
pub(crate) fn all() -> Vec<(&'static str, Value)> {
    let mut all = bodies();
    all.extend(small());
    all.extend(runs());
    all.extend(waits());
    all.extend(offices::schema::answers());
    all
}

/// One checker for each body of the table.
pub(crate) fn validators() -> BTreeMap<&'static str, jsonschema::Validator> {
    let used = |name: &str| ROUTES.iter().any(|route| route.body == Some(name));
    bodies()
        .into_iter()
        .filter(|(name, _)| used(name))
        .filter_map(|(name, schema)| match jsonschema::options().with_draft(jsonschema::Draft::Draft202012).build(&schema) {
            Ok(validator) => Some((name, validator)),
            Err(fault) => {
                tracing::error!(schema = name, %fault, "a schema of ours is broken; its route refuses everything");
                None
            }
        })
        .collect()
}

fn bodies() -> Vec<(&'static str, Value)> {
    let mut all = offices::schema::bodies();
    all.extend(of_runs());
    all
}

fn of_runs() -> Vec<(&'static str, Value)> {
    let name = json!({"type": "string", "pattern": NAME});
    vec![
        (
            "Start",
            object(
                &["bundle", "input"],
                json!({
                    "bundle": name,
                    "workflow": name,
                    "input": {"description": "Checked against the workflow's own schema."},
                }),
            ),
        ),
        (
            "Vote",
            object(
                &["approve", "digest"],
                json!({
                    "approve": {"type": "boolean"},
                    "digest": {"type": "string", "pattern": DIGEST, "description": "The `digest` of the review as it was read."},
                    "reason": {"type": "string", "maxLength": REASON_CHARS_MAX, "description": "Needed for a no."},
                }),
            ),
        ),
        (
            "Settlement",
            object(
                &["verdict"],
                json!({
                    "verdict": {"type": "string", "enum": ["complete", "retry", "cancel", "happened", "did-not-happen"]},
                    "value": {"description": "The output written by hand, or the result that the tool's own record shows."},
                }),
            ),
        ),
    ]
}

fn small() -> Vec<(&'static str, Value)> {
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.code()).collect();
    let place = object(
        &["at", "keyword", "expected"],
        json!({"at": text(), "keyword": text(), "expected": text()}),
    );
    vec![
        (
            "Problem",
            json!({
                "type": "object",
                "required": ["type", "title", "status", "code", "hint"],
                "properties": {
                    "type": text(),
                    "title": text(),
                    "status": {"type": "integer"},
                    "code": {"type": "string", "enum": codes},
                    "hint": text(),
                    "violations": list(place),
                },
            }),
        ),
        ("Live", object(&["live"], json!({"live": {"const": true}}))),
        (
            "Ready",
            object(
                &["ready", "checks"],
                json!({
                    "ready": {"type": "boolean"},
                    "checks": object(&["store", "keys", "policy", "log"], json!({
                        "store": {"type": "boolean"}, "keys": {"type": "boolean"}, "policy": {"type": "boolean"},
                        "log": {"type": "boolean"},
                    })),
                }),
            ),
        ),
        (
            "OpenApi",
            json!({"type": "object", "required": ["openapi", "info", "paths"]}),
        ),
        (
            "EventStream",
            json!({
                "type": "string",
                "description": "Each event: `id`, the place of the entry; `event`, its name; `data`, {seq, event, says}.",
            }),
        ),
        (
            "LogFile",
            json!({
                "type": "string",
                "contentEncoding": "binary",
                "description": "The bytes of the file. `path` may hold `/`: it is a path of C2SP tlog-tiles.",
            }),
        ),
        (
            "Metrics",
            json!({"type": "string", "description": "Prometheus's text form, version 0.0.4."}),
        ),
        (
            "BundleList",
            object(
                &["bundles"],
                json!({
                    "bundles": list(object(&["name", "version"], json!({"name": text(), "version": digest()}))),
                }),
            ),
        ),
        (
            "RejectionList",
            object(
                &["rejections"],
                json!({
                    "rejections": list(object(&["source", "address", "fault", "count", "last"], json!({
                        "source": text(), "address": text(), "fault": text(), "count": {"type": "integer"}, "last": text(),
                    }))),
                }),
            ),
        ),
    ]
}

fn runs() -> Vec<(&'static str, Value)> {
    vec![
        (
            "Run",
            object(
                &[
                    "run",
                    "workflow",
                    "bundle_version",
                    "status",
                    "requester",
                    "started",
                    "updated",
                ],
                json!({
                    "run": id("run"),
                    "workflow": text(),
                    "bundle_version": digest(),
                    "status": {"enum": ["active", "waiting", "ended"]},
                    "outcome": text(),
                    "requester": id("prn"),
                    "started": text(),
                    "updated": text(),
                    "waits_for": list(text()),
                    "output": {"description": "The released output."},
                }),
            ),
        ),
        (
            "RunPage",
            object(
                &["runs"],
                json!({"runs": list(reference("Run")), "next": id("run")}),
            ),
        ),
        (
            "FoundPage",
            object(
                &["found", "indexed", "size"],
                json!({
                    "found": list(object(&["index", "run", "seq", "time", "event", "entry"], json!({
                        "index": {"type": "integer"},
                        "run": id("run"),
                        "seq": {"type": "integer"},
                        "time": text(),
                        "event": text(),
                        "entry": {"type": "object"},
                    }))),
                    "next": {"type": ["integer", "null"]},
                    "indexed": {"type": "integer"},
                    "size": {"type": "integer"},
                }),
            ),
        ),
        (
            "EntryList",
            object(
                &["run", "entries"],
                json!({
                    "run": id("run"),
                    "entries": list(object(&["seq", "time", "event", "says", "hash"], json!({
                        "seq": {"type": "integer"},
                        "time": text(),
                        "event": text(),
                        "says": text(),
                        "payloads": list(text()),
                        "hash": text(),
                    }))),
                }),
            ),
        ),
    ]
}

fn waits() -> Vec<(&'static str, Value)> {
    let listed = |name: &str| {
        let mut members = json!({"run": id("run"), "kind": text(), "since": text(), "due": text()});
        if let Some(members) = members.as_object_mut() {
            members.insert(name.to_owned(), text());
        }
        list(object(&[name, "run", "kind", "since"], members))
    };
    vec![
        (
            "ReviewList",
            object(&["reviews"], json!({"reviews": listed("review")})),
        ),
        (
            "InboxList",
            object(&["items"], json!({"items": listed("item")})),
        ),
        (
            "Review",
            object(
                &[
                    "review",
                    "run",
                    "workflow",
                    "subject",
                    "content",
                    "shown",
                    "label",
                    "needs",
                    "approvals",
                    "asked_by",
                    "requester",
                    "digest",
                    "expires_at",
                ],
                json!({
                    "review": id("rev"),
                    "run": id("run"),
                    "workflow": text(),
                    "step": text(),
                    "subject": {"enum": ["act", "output", "shown", "release"]},
                    "tool": text(),
                    "effect": {"enum": ["read", "reversible", "irreversible"]},
                    "external": {"type": "boolean"},
                    "content": {"description": "The exact arguments or content that a yes is bound to."},
                    "shown": {"description": "Evidence and rationale."},
                    "label": object(&["confidentiality", "integrity", "categories", "sources"], json!({
                        "confidentiality": text(), "integrity": text(), "categories": list(text()), "sources": list(text()),
                    })),
                    "needs": list(object(&["role", "count"], json!({"role": text(), "count": {"type": "integer"}}))),
                    "approvals": list(id("prn")),
                    "asked_by": list(object(&["id"], json!({"id": text(), "text": text()}))),
                    "requester": id("prn"),
                    "digest": digest(),
                    "expires_at": text(),
                }),
            ),
        ),
        (
            "InboxItem",
            object(
                &[
                    "item",
                    "run",
                    "workflow",
                    "kind",
                    "since",
                    "settlements",
                    "material",
                ],
                json!({
                    "item": id("inb"),
                    "run": id("run"),
                    "workflow": text(),
                    "step": text(),
                    "kind": text(),
                    "since": text(),
                    "settlements": list(text()),
                    "schema": {"description": "The schema that a value written by hand must fit."},
                    "material": list(object(&["seq", "slot", "content"], json!({
                        "seq": {"type": "integer"}, "slot": text(), "content": {},
                    }))),
                }),
            ),
        ),
    ]
}

/// An object with these members and no others.
pub(crate) fn object(required: &[&str], properties: Value) -> Value {
    json!({"type": "object", "required": required, "properties": properties, "additionalProperties": false})
}

pub(crate) fn list(items: Value) -> Value {
    json!({"type": "array", "items": items})
}

pub(crate) fn text() -> Value {
    json!({"type": "string"})
}

pub(crate) fn id(prefix: &str) -> Value {
    json!({"type": "string", "pattern": format!("^{prefix}_[0-9A-HJKMNP-TV-Z]{{26}}$")})
}

pub(crate) fn digest() -> Value {
    json!({"type": "string", "pattern": DIGEST})
}

pub(crate) fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_that_the_table_names_is_there_and_every_checker_is_built() {
        let names: Vec<&str> = all().into_iter().map(|(name, _)| name).collect();
        for route in ROUTES {
            assert!(names.contains(&route.answer.1), "{}", route.answer.1);
            assert!(route.also.iter().all(|(_, name)| names.contains(name)));
            if let Some(body) = route.body {
                assert!(validators().contains_key(body), "{body}");
            }
        }
        let mut apart = names.clone();
        apart.sort_unstable();
        apart.dedup();
        assert_eq!(apart.len(), names.len());
    }

    #[test]
    fn every_code_has_its_own_name_and_a_page() {
        let mut names: Vec<&str> = Code::ALL.iter().map(|code| code.code()).collect();
        for name in &names {
            let page = format!("{}/../../docs/errors/{name}.md", env!("CARGO_MANIFEST_DIR"));
            assert!(std::path::Path::new(&page).exists(), "{name}");
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Code::ALL.len());
    }
}
