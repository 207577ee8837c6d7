//! A tool behind HTTP: the arguments as JSON body, the act's id as idempotency key, the grant's id for the target's
//! own records. A status says what is known of the effect; where it does not, the effect is unknown.

use interlock_bundle::HttpConnector;
use interlock_core::limits;
use interlock_core::pipeline::model::CallFault;
use interlock_core::pipeline::tool::canonical_json;
use reqwest::Method;
use serde_json::Value;

use super::{Performing, ToolFailure};
use crate::connector::{Site, prepare};
use crate::egress::{OutHeader, Outbound};

/// The header that carries the grant's id.
const GRANT_HEADER: &str = "interlock-grant";

pub(super) async fn perform(
    connector: &HttpConnector,
    performing: &Performing<'_>,
    site: &Site,
) -> Result<Value, ToolFailure> {
    let unusable = ToolFailure::not_performed(CallFault::Configuration);
    let outside = site.outside.as_ref().ok_or(unusable)?;
    let mut prepared = prepare(
        connector,
        performing.filling(),
        performing.timeout_millis,
        site,
        outside,
    )
    .await
    .map_err(ToolFailure::not_performed)?;
    prepared
        .headers
        .push(OutHeader::plain(GRANT_HEADER, performing.grant).ok_or(unusable)?);
    if let Some(name) = &connector.idempotency_header {
        prepared
            .headers
            .push(OutHeader::plain(name, performing.key).ok_or(unusable)?);
    }
    let bodiless = matches!(prepared.method, Method::GET | Method::DELETE);
    let call = Outbound {
        method: prepared.method,
        url: &prepared.url,
        headers: prepared.headers,
        body: (!bodiless).then(|| {
            (
                "application/json",
                canonical_json(performing.arguments).into_bytes(),
            )
        }),
        allow: &prepared.allow,
        timeout: prepared.timeout,
        body_bytes_max: limits::TOOL_RESULT_BYTES_MAX,
    };
    let answer = outside.egress.send(call).await.map_err(|failure| {
        tracing::warn!(why = failure.why, "a tool gave no answer");
        ToolFailure {
            fault: failure.fault,
            known: failure.known,
        }
    })?;
    if let Some(failure) = failure_of(answer.status) {
        return Err(failure);
    }
    let malformed = ToolFailure::unknown(CallFault::Malformed);
    if !answer.is_json() {
        return Err(malformed);
    }
    serde_json::from_slice(&answer.body).map_err(|_content| malformed)
}

/// What a status means; `None` for success. Only a status that refuses the request itself says that nothing was done.
const fn failure_of(status: u16) -> Option<ToolFailure> {
    match status {
        200..=299 => None,
        401..=403 | 407 => Some(ToolFailure::not_performed(CallFault::Credential)),
        408 => Some(ToolFailure::unknown(CallFault::Timeout)),
        409 => Some(ToolFailure::unknown(CallFault::Unavailable)),
        425 | 429 => Some(ToolFailure::not_performed(CallFault::Unavailable)),
        400..=499 | 501 => Some(ToolFailure::not_performed(CallFault::Rejected)),
        504 => Some(ToolFailure::unknown(CallFault::Timeout)),
        300..=399 => Some(ToolFailure::unknown(CallFault::Rejected)),
        _ => Some(ToolFailure::unknown(CallFault::Unavailable)),
    }
}
