//! An entry as an OCSF 1.8.0 event with the profiles `ai_operation` (models, tokens) and `security_control` (decisions).
//! Costs and all that the schema has no field for stand under `unmapped`, together with the entry's place in the log.

use serde_json::{Map, Value, json};

use super::Line;
use super::kind::{self, Class, Kind};

const VERSION: &str = "1.8.0";
/// What an entry is whose kind has no class of its own.
const OTHER: Kind = Kind {
    class: Class::ApiActivity,
    activity: 99,
    severity: 1,
    status: 0,
};

/// The event.
pub(super) fn event(line: &Line) -> Value {
    let mut kind = kind::of(line.entry.event()).unwrap_or(OTHER);
    if let Some((action, _)) = decision(line) {
        (kind.severity, kind.status) = match action {
            ALLOWED | MODIFIED => (1, 1),
            _ => (3, 2),
        };
    }
    let class = kind.class.uid();
    let mut event = Map::new();
    let mut put = |key: &str, value: Value| drop(event.insert(key.to_owned(), value));
    put("class_uid", class.into());
    put("category_uid", (class / 1000).into());
    put("activity_id", kind.activity.into());
    put("type_uid", (class * 100 + kind.activity).into());
    put("severity_id", kind.severity.into());
    put("status_id", kind.status.into());
    put("time", line.millis().into());
    put("metadata", metadata(line));
    put("unmapped", unmapped(line));
    if kind.activity == 99 {
        put("activity_name", line.entry.event().into());
    }
    match kind.class {
        Class::ApiActivity => {
            put("actor", actor(line));
            put("src_endpoint", here(line));
            put("api", api(line));
            if let Some(model) = model(line) {
                put("ai_model", model);
            }
            if let Some(tokens) = tokens(line) {
                put("message_context", tokens);
            }
            if let Some((action, disposition)) = decision(line) {
                put("action_id", action.into());
                put("disposition_id", disposition.into());
                put("policy", json!({"uid": policy_version(line)}));
            }
        }
        Class::DatastoreActivity => {
            put("actor", actor(line));
            put("src_endpoint", here(line));
            put(
                "databucket",
                json!({"name": place(line), "type_id": 99, "type": "Other"}),
            );
        }
        Class::EntityManagement => {
            put("actor", actor(line));
            put(
                "entity",
                json!({"name": line.entry.event(), "uid": thing(line)}),
            );
        }
        Class::DetectionFinding => put(
            "finding_info",
            json!({"uid": format!("{}/{}", line.signed.origin, line.index), "title": line.entry.event()}),
        ),
    }
    Value::Object(event)
}

fn metadata(line: &Line) -> Value {
    json!({
        "version": VERSION,
        "profiles": ["ai_operation", "security_control"],
        "product": {"name": "Interlock", "vendor_name": "Interlock", "version": env!("CARGO_PKG_VERSION")},
        "uid": format!("{}/{}", line.signed.origin, line.index),
        "sequence": line.index,
        "correlation_uid": line.run.to_string(),
        "tenant_uid": line.entry.tenant(),
        "event_code": line.entry.event(),
        "log_name": line.signed.origin,
    })
}

/// The entry's place, and the entry.
fn unmapped(line: &Line) -> Value {
    json!({
        "log_origin": line.signed.origin,
        "log_index": line.index,
        "leaf_hash": line.leaf_hash,
        "run": line.run.to_string(),
        "seq": line.entry.seq(),
        "prev": line.entry.prev().to_string(),
        "checkpoint_size": line.signed.size,
        "checkpoint_root": line.signed.root,
        "environment": line.entry.environment(),
        "entry": line.whole,
    })
}

/// Who: the pseudonym that the entry names, and the application in whose name it acted.
fn actor(line: &Line) -> Value {
    let person = line
        .body("requester")
        .and_then(|requester| requester.get("id"))
        .and_then(Value::as_str)
        .or_else(|| line.text("voter"))
        .or_else(|| line.text("by"))
        .or_else(|| line.text("asker"));
    let mut actor = json!({"app_name": "interlock"});
    if let (Some(person), Some(actor)) = (person, actor.as_object_mut()) {
        actor.insert("user".to_owned(), json!({"uid": person}));
    }
    actor
}

fn here(line: &Line) -> Value {
    json!({"svc_name": "interlock", "name": line.entry.environment()})
}

fn api(line: &Line) -> Value {
    let mut api = json!({"operation": line.entry.event()});
    let service = ["tool", "endpoint", "target", "workflow"]
        .iter()
        .find_map(|member| line.text(member));
    if let (Some(service), Some(api)) = (service, api.as_object_mut()) {
        api.insert("service".to_owned(), json!({"name": service}));
    }
    api
}

fn model(line: &Line) -> Option<Value> {
    Some(json!({"ai_provider": line.text("endpoint")?, "name": line.text("model")?}))
}

fn tokens(line: &Line) -> Option<Value> {
    let usage = line.body("usage")?;
    let count = |member: &str| usage.get(member).and_then(Value::as_u64);
    let (input, output) = (count("input_tokens")?, count("output_tokens")?);
    Some(json!({
        "service": {"name": "interlock"},
        "ai_role_id": 2,
        "prompt_tokens": input,
        "completion_tokens": output,
        "total_tokens": input.saturating_add(output),
    }))
}

/// OCSF's `action_id` of a yes, and of a yes to less than was asked.
const ALLOWED: u64 = 1;
const MODIFIED: u64 = 4;

/// OCSF's action and disposition of a policy decision: an answer that is not plainly a yes is never told as one.
fn decision(line: &Line) -> Option<(u64, u64)> {
    let answer = line.body("decision")?.get("verdict")?.get("answer")?;
    Some(match answer.as_str()? {
        "allow" => (ALLOWED, 1),
        "downgrade" => (MODIFIED, 11),
        "review" => (2, 14),
        _ => (2, 2),
    })
}

fn policy_version(line: &Line) -> &str {
    line.body("decision")
        .and_then(|decision| decision.get("version"))
        .and_then(Value::as_str)
        .unwrap_or("unknown")
}

fn place(line: &Line) -> &str {
    line.text("source")
        .or_else(|| line.text("payload"))
        .unwrap_or_else(|| line.entry.event())
}

/// What an administrative entry is about: the first of its members that names one thing.
fn thing(line: &Line) -> &str {
    [
        "subject", "bundle", "hold", "version", "key", "period", "class",
    ]
    .iter()
    .find_map(|member| line.text(member))
    .unwrap_or("log")
}
