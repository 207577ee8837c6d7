//! People erased, on an order. What it would do is said without doing it; what is begun goes on without its caller, and
//! its order finds it again.

use std::sync::{Arc, OnceLock};

use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use interlock_core::id::ErasureId;
use interlock_runtime::erasure::{EraseRequest, Erasure, ORDER_BYTES_MAX, Stage, Whom};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{conduct, reason, survey, under_way};
use crate::app::Answering;
use crate::asked::Asked;
use crate::caller::Caller;
use crate::dispatch::json as answer;
use crate::problem::{Code, Problem};
use crate::state::Server;

#[derive(Deserialize)]
struct Asking {
    subject: String,
    dry_run: bool,
    order: Option<String>,
    reason: Option<String>,
}

pub(crate) fn erase(server: Server, caller: Caller, mut asked: Asked) -> Answering {
    Box::pin(async move {
        let asking: Asking = asked.take()?;
        let whom = whom(&asking.subject);
        if asking.dry_run {
            return preview(server, caller, whom).await;
        }
        let order = asking
            .order
            .filter(|order| !order.trim().is_empty() && order.len() <= ORDER_BYTES_MAX);
        let order = order.ok_or_else(|| Problem::at(Code::InvalidRequest, "/order"))?;
        let why = reason(asking.reason.as_deref())?;
        let id = Arc::new(OnceLock::new());
        let (begun, doing) = (Arc::clone(&id), server.clone());
        let work = move || async move {
            let mut progress = |stage| {
                if let Stage::Requested(erasure) = stage {
                    let _ = begun.set(erasure);
                }
            };
            let request = EraseRequest {
                whom,
                order: &order,
                reason: &why,
                by: caller.principal(),
            };
            let erased = doing.engine.erase(request, &mut progress).await?;
            // Runs that it stopped have something to say to people.
            doing.wake.notify_one();
            Ok(doing.engine.with_receipts(erased).await?)
        };
        match conduct(&server, work).await? {
            Some(certificate) => answer(StatusCode::OK, &certificate),
            None => goes_on(id.get().copied()),
        }
    })
}

async fn preview(server: Server, caller: Caller, whom: Whom) -> Result<Response, Problem> {
    let engine = server.engine.clone();
    let found = survey(&server, move || async move {
        let by = caller.principal();
        Ok(engine.preview_erasure(&whom, by, &mut |_| ()).await?)
    });
    answer(StatusCode::OK, &found.await?)
}

fn goes_on(erasure: Option<ErasureId>) -> Result<Response, Problem> {
    let look = erasure.map_or_else(
        || "/api/v1/erasures".to_owned(),
        |erasure| format!("/api/v1/erasures/{erasure}"),
    );
    let mut response = answer(StatusCode::ACCEPTED, &under_way(&look))?;
    if let Ok(place) = HeaderValue::from_str(&look) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    Ok(response)
}

pub(crate) fn list(server: Server, _: Caller, _: Asked) -> Answering {
    Box::pin(async move {
        let ledger = server.engine.ledger().await?;
        let erasures: Vec<Value> = ledger.erasures().map(says).collect();
        answer(StatusCode::OK, &json!({ "erasures": erasures }))
    })
}

pub(crate) fn show(server: Server, caller: Caller, asked: Asked) -> Answering {
    Box::pin(async move {
        let id: ErasureId = asked.id("erasure")?;
        let engine = &server.engine;
        let certificate = engine.certificate_of(id, caller.principal()).await?;
        let ledger = engine.ledger().await?;
        let erasure = ledger.erasure(id);
        let erasure = erasure.ok_or_else(|| Problem::new(Code::NotFound))?;
        let mut said = says(erasure);
        if let (Some(certificate), Some(members)) = (certificate, said.as_object_mut()) {
            members.insert("certificate".to_owned(), json!(certificate));
        }
        answer(StatusCode::OK, &said)
    })
}

/// A pseudonym is meant as one; everything else is a name.
pub(super) fn whom(text: &str) -> Whom {
    text.parse()
        .map_or_else(|_| Whom::Named(text.to_owned()), Whom::Known)
}

fn says(erasure: &Erasure) -> Value {
    let done = erasure.done.as_ref();
    json!({
        "erasure": erasure.id.to_string(),
        "subject": erasure.subject.to_string(),
        "order_digest": erasure.order.to_string(),
        "status": if done.is_some() { "done" } else { "under_way" },
        "requested_at": erasure.requested.time,
        "requested_by": erasure.requested.by.map(|by| by.to_string()),
        "done_at": done.map(|done| done.time.clone()),
    })
}
