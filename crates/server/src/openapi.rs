//! The OpenAPI 3.1 document, made from the table and the schemas that bodies are held against. Nothing in it is
//! written by hand a second time.

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::app::{Answering, Permitted, Route, Verb};
use crate::asked::Asked;
use crate::dispatch::json as answer;
use crate::problem::Code;
use crate::schema;
use crate::state::Server;
use crate::table::ROUTES;

/// Codes that any route may answer with.
const ANY: [Code; 12] = [
    Code::NotFound,
    Code::MethodNotAllowed,
    Code::InvalidParameter,
    Code::AddressTooLong,
    Code::HeadersTooLarge,
    Code::TooBusy,
    Code::TimedOut,
    Code::OutcomeUnknown,
    Code::StoreUnavailable,
    Code::KeysUnavailable,
    Code::BundleUnavailable,
    Code::Internal,
];
/// Codes of routes that take a body.
const BODY: [Code; 4] = [
    Code::BodyTooLarge,
    Code::MediaType,
    Code::MalformedJson,
    Code::InvalidRequest,
];

pub(crate) fn serve(_: Server, _: Asked) -> Answering {
    Box::pin(async { answer(StatusCode::OK, &document()) })
}

/// The document.
#[must_use]
pub fn document() -> Value {
    let mut paths = Map::new();
    for route in ROUTES {
        let item = paths.entry(route.path).or_insert_with(|| json!({}));
        if let Some(item) = item.as_object_mut() {
            item.insert(route.verb.as_str().to_ascii_lowercase(), operation(route));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Interlock",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Governed runs of AI workflows: start them, watch them, decide on what waits for people.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "paths": paths,
        "components": {
            "schemas": schema::all().into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect::<Map<_, _>>(),
            "securitySchemes": {
                "apiKey": {"type": "http", "scheme": "bearer", "description": "An API key, `ilk_…`."},
            },
        },
    })
}

fn operation(route: &Route) -> Value {
    let (status, success) = route.answer;
    let mut operation = json!({
        "operationId": route.name,
        "summary": route.says,
        "parameters": parameters(route),
        "responses": responses(route, status, success),
        "x-interlock-who": who(route.door.permitted()),
        "security": match route.door.permitted() {
            Permitted::Anyone => json!([]),
            Permitted::Identified | Permitted::Overseers | Permitted::Office { .. } | Permitted::Policy(_) => json!([{"apiKey": []}]),
        },
    });
    if let (Some(name), Some(members)) = (route.body, operation.as_object_mut()) {
        let body =
            json!({"required": true, "content": {"application/json": {"schema": reference(name)}}});
        members.insert("requestBody".to_owned(), body);
    }
    operation
}

fn parameters(route: &Route) -> Vec<Value> {
    let in_path = route
        .path
        .split('/')
        .filter_map(|word| word.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}));
    let in_query = route
        .query
        .iter()
        .map(|query| json!({"name": query.name, "in": "query", "description": query.says, "schema": {"type": "string"}}));
    let header = match route.name {
        "startRun" => Some((
            "Idempotency-Key",
            "Any text of the caller's, 1 to 255 bytes.",
        )),
        "watchRun" => Some((
            "Last-Event-ID",
            "The place of the last entry that was read.",
        )),
        _ => None,
    };
    let in_header = header
        .map(|(name, says)| json!({"name": name, "in": "header", "description": says, "schema": {"type": "string"}}));
    in_path.chain(in_query).chain(in_header).collect()
}

fn responses(route: &Route, status: u16, success: &str) -> Map<String, Value> {
    let media = match success {
        "EventStream" => "text/event-stream",
        "LogFile" => "application/octet-stream",
        "ExportFile" => "application/x-tar",
        "Metrics" => "text/plain",
        _ => "application/json",
    };
    let mut responses = Map::new();
    let content = json!({ media: {"schema": reference(success)} });
    responses.insert(
        status.to_string(),
        json!({"description": "Done.", "content": content}),
    );
    for (status, name) in route.also {
        let content = json!({ "application/json": {"schema": reference(name)} });
        responses.insert(
            status.to_string(),
            json!({"description": "Begun; it goes on by itself.", "content": content}),
        );
    }
    if route.name == "readyz" {
        let content = json!({ media: {"schema": reference(success)} });
        responses.insert(
            "503".to_owned(),
            json!({"description": "Not ready.", "content": content}),
        );
    }
    let mut codes: Vec<Code> = ANY.iter().chain(route.codes).copied().collect();
    if route.verb == Verb::Post {
        codes.extend(BODY);
    }
    if route.door.permitted() != Permitted::Anyone {
        codes.push(Code::Unauthenticated);
    }
    if matches!(
        success,
        "Run" | "EntryList" | "EventStream" | "Review" | "InboxItem"
    ) {
        codes.extend([Code::LogDamaged, Code::Erased]);
    }
    for code in codes {
        let (status, title, _) = code.entry();
        let said = responses.entry(status.to_string()).or_insert_with(|| {
            json!({"description": "", "content": {"application/problem+json": {"schema": reference("Problem")}}})
        });
        if let Some(description) = said.get_mut("description") {
            let before = description.as_str().unwrap_or_default();
            let line = format!("`{}`: {title}.", code.code());
            *description = if before.is_empty() {
                line.into()
            } else {
                format!("{before} {line}").into()
            };
        }
    }
    responses
}

fn who(permitted: Permitted) -> String {
    match permitted {
        Permitted::Anyone => "anyone".to_owned(),
        Permitted::Identified => "whoever is identified, as far as they may see".to_owned(),
        Permitted::Overseers => "roles admin, auditor, operator".to_owned(),
        Permitted::Office { roles, people } => {
            let kind = if people { "people with role" } else { "role" };
            format!("{kind} {}", roles.join(", "))
        }
        Permitted::Policy(action) => format!("whoever policy permits to `{}`", action.as_str()),
    }
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}
