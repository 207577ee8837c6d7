//! Around every request, found or not: its id, the bounds on its head, its place among those under way, its time, and
//! the headers that every answer carries. No CORS: browsers of other origins are told nothing.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, header};
use interlock_runtime::clock::{SystemEntropy, random};

use crate::limits;
use crate::problem::{Code, Problem};
use crate::state::Server;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What every answer says.
const ALWAYS: [(HeaderName, &str); 6] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    ),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// See the module's text.
pub(crate) async fn guard(State(server): State<Server>, request: Request, next: Next) -> Response {
    let count = server.count.fetch_add(1, Ordering::Relaxed);
    let method = request.method().clone();
    let mut response = match random::<8>(&SystemEntropy) {
        Ok(bytes) => {
            let id = format!("{:016x}{count:08x}", u64::from_be_bytes(bytes));
            let mut response = within(&server, request, next)
                .await
                .unwrap_or_else(IntoResponse::into_response);
            tracing::debug!(%id, %method, status = response.status().as_u16(), "answered");
            if let Ok(value) = HeaderValue::from_str(&id) {
                response.headers_mut().insert(REQUEST_ID, value);
            }
            response
        }
        Err(_) => Problem::new(Code::Internal).into_response(),
    };
    for (name, value) in ALWAYS {
        // A handler whose answer never changes has said so; what is a problem never lasts.
        if name == header::CACHE_CONTROL && response.headers().contains_key(&name) {
            continue;
        }
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn within(server: &Server, request: Request, next: Next) -> Result<Response, Problem> {
    if request.uri().to_string().len() > limits::ADDRESS_BYTES_MAX {
        return Err(Problem::new(Code::AddressTooLong));
    }
    let bytes: usize = request
        .headers()
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    if bytes > limits::HEADER_BYTES_MAX || request.headers().len() > limits::HEADERS_MAX {
        return Err(Problem::new(Code::HeadersTooLarge));
    }
    // Whether the process lives is answered even when it has no place for anything else.
    let place = if request.uri().path() == "/livez" {
        None
    } else {
        let place = Arc::clone(&server.places).try_acquire_owned();
        Some(place.map_err(|_full| Problem::new(Code::TooBusy))?)
    };
    let time = if request.uri().path() == "/api/v1/exports" {
        limits::EXPORT_TIME
    } else {
        limits::REQUEST_TIME
    };
    let answer = tokio::time::timeout(time, next.run(request)).await;
    drop(place);
    answer.map_err(|_late| Problem::new(Code::TimedOut))
}
