//! From a row of the table and a request to an answer, in one order for all routes: identify, form, body, schema,
//! handler. Nothing that costs is done for a caller who is not identified, apart from the three open routes.

use std::collections::BTreeMap;
use std::future::Future;

use axum::RequestExt;
use axum::body::Body;
use axum::extract::{RawPathParams, Request};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use interlock_core::limits::HTTP_BODY_BYTES_MAX;
use serde::Serialize;
use serde_json::Value;

use crate::app::{Door, Route, Verb};
use crate::asked::{self, Asked};
use crate::caller::Caller;
use crate::problem::{Code, Problem};
use crate::sight;
use crate::state::Server;

/// Answers one request on its row.
pub(crate) async fn call(route: &'static Route, server: Server, request: Request) -> Response {
    answer(route, server, request)
        .await
        .unwrap_or_else(IntoResponse::into_response)
}

async fn answer(
    route: &'static Route,
    server: Server,
    mut request: Request,
) -> Result<Response, Problem> {
    let caller = match route.door {
        Door::Anyone(_) => None,
        Door::Seen(_) | Door::Overseers(_) | Door::Office(..) | Door::Policy(..) => {
            Some(Caller::identify(&server, request.headers()).await?)
        }
    };
    if let (Door::Overseers(_), Some(caller)) = (&route.door, &caller)
        && !sight::oversees(caller.principal())
    {
        return Err(Problem::new(Code::NotFound));
    }
    if let (Door::Office(office, _), Some(caller)) = (&route.door, &caller) {
        office.held(caller.principal())?;
    }
    // A path that is no UTF-8 names nothing.
    let path = request
        .extract_parts::<RawPathParams>()
        .await
        .map_err(|_| Problem::new(Code::NotFound))?;
    let path: BTreeMap<String, String> = path
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let (parts, body) = request.into_parts();
    let mut asked = Asked::read(route, &parts, path)?;
    if route.verb == Verb::Post {
        match read_body(route, &server, &parts, body).await {
            Ok(body) => asked.body = body,
            Err(problem) => {
                rejected(&server, &asked.address, problem.code).await;
                return Err(problem);
            }
        }
    }
    match (&route.door, caller) {
        (Door::Anyone(handler), _) => handler(server, asked).await,
        (
            Door::Seen(handler)
            | Door::Overseers(handler)
            | Door::Office(_, handler)
            | Door::Policy(_, handler),
            Some(caller),
        ) => handler(server, caller, asked).await,
        (Door::Seen(_) | Door::Overseers(_) | Door::Office(..) | Door::Policy(..), None) => {
            Err(Problem::new(Code::Unauthenticated))
        }
    }
}

async fn read_body(
    route: &Route,
    server: &Server,
    parts: &Parts,
    body: Body,
) -> Result<Value, Problem> {
    let bytes = match Limited::new(body, HTTP_BODY_BYTES_MAX).collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(fault) if fault.is::<LengthLimitError>() => {
            return Err(Problem::new(Code::BodyTooLarge));
        }
        Err(_) => return Err(Problem::new(Code::MalformedJson)),
    };
    let Some(name) = route.body else {
        return if bytes.is_empty() {
            Ok(Value::Null)
        } else {
            Err(Problem::at(Code::InvalidRequest, "body"))
        };
    };
    if !is_json(asked::header(&parts.headers, "content-type")?)
        || parts.headers.contains_key(header::CONTENT_ENCODING)
    {
        return Err(Problem::new(Code::MediaType));
    }
    let value = crate::body::read(&bytes).map_err(|unreadable| {
        Problem::new(Code::MalformedJson)
            .with("line", unreadable.line)
            .with("column", unreadable.column)
    })?;
    let shape = server
        .shapes
        .get(name)
        .ok_or_else(|| Problem::new(Code::Internal))?;
    asked::fits(shape, &value)?;
    Ok(value)
}

/// Whether a content type is JSON in UTF-8.
fn is_json(declared: Option<&str>) -> bool {
    let mut words = declared
        .unwrap_or_default()
        .split(';')
        .map(|word| word.trim().to_ascii_lowercase());
    words
        .next()
        .is_some_and(|media| media == "application/json")
        && words.all(|word| {
            word.is_empty() || matches!(word.as_str(), "charset=utf-8" | "charset=\"utf-8\"")
        })
}

/// Counts what did not fit at the door. That it was refused does not depend on whether it could be counted.
async fn rejected(server: &Server, address: &str, code: Code) {
    let engine = &server.engine;
    let now = engine.clock().now();
    if let Err(fault) = engine
        .store()
        .count_rejection(engine.tenant(), "api", address, code.code(), now)
        .await
    {
        tracing::warn!(%fault, "could not count a rejection");
    }
}

/// Does work to its end even if the caller hangs up: a move of a run that is dropped halfway leaves this process with
/// an older belief of the run than its log.
pub(crate) async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, Problem> {
    tokio::spawn(work).await.map_err(|fault| {
        tracing::error!(%fault, "the work for a request ended early");
        Problem::new(Code::Internal)
    })
}

/// An answer in JSON.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Result<Response, Problem> {
    let text = serde_json::to_vec(value).map_err(|fault| {
        tracing::error!(%fault, "an answer could not be written");
        Problem::new(Code::Internal)
    })?;
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_in_utf8_alone_is_json() {
        for (declared, expected) in [
            (Some("application/json"), true),
            (Some("Application/JSON; charset=UTF-8"), true),
            (Some("application/json;"), true),
            (Some("application/json; charset=utf-16"), false),
            (Some("text/plain"), false),
            (Some("application/json-patch+json"), false),
            (Some("application/x-www-form-urlencoded"), false),
            (Some(""), false),
            (None, false),
        ] {
            assert_eq!(is_json(declared), expected, "{declared:?}");
        }
    }
}
