//! A source behind HTTP: one GET whose answer is JSON.

use interlock_bundle::{HttpConnector, HttpMethod, ReadOutput};
use interlock_core::limits;
use interlock_core::pipeline::model::CallFault;
use serde_json::Value;

use super::parse;
use crate::connector::{Filling, Site, prepare};
use crate::egress::Outbound;

pub(super) async fn read(
    connector: &HttpConnector,
    filling: Filling<'_>,
    timeout_millis: u32,
    site: &Site,
) -> Result<Value, CallFault> {
    let outside = site.outside.as_ref().ok_or(CallFault::Configuration)?;
    if connector.method != HttpMethod::Get {
        return Err(CallFault::Configuration);
    }
    let prepared = prepare(connector, filling, timeout_millis, site, outside).await?;
    let call = Outbound {
        method: prepared.method,
        url: &prepared.url,
        headers: prepared.headers,
        body: None,
        allow: &prepared.allow,
        timeout: prepared.timeout,
        body_bytes_max: limits::SOURCE_BYTES_MAX,
    };
    let answer = outside.egress.send(call).await.map_err(|failure| {
        tracing::warn!(why = failure.why, "a source gave no answer");
        failure.fault
    })?;
    if let Some(fault) = fault_of(answer.status) {
        return Err(fault);
    }
    if !answer.is_json() {
        return Err(CallFault::Malformed);
    }
    parse(ReadOutput::Json, &answer.body).ok_or(CallFault::Malformed)
}

/// What a status means; `None` for success.
const fn fault_of(status: u16) -> Option<CallFault> {
    match status {
        200..=299 => None,
        401..=403 | 407 => Some(CallFault::Credential),
        408 | 504 => Some(CallFault::Timeout),
        425 | 429 => Some(CallFault::Unavailable),
        300..=499 => Some(CallFault::Rejected),
        _ => Some(CallFault::Unavailable),
    }
}
