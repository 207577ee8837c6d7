//! `/livez` and `/readyz`, open to anyone: words and yes or no, nothing about why. The why is in the trace. What
//! `/readyz` finds holds for a moment, so that asking it often costs nothing.

use http::StatusCode;
use interlock_core::id::{BundleName, PrincipalId};
use serde_json::json;
use tokio::time::Instant;

use crate::app::Answering;
use crate::asked::Asked;
use crate::dispatch::json as answer;
use crate::limits;
use crate::state::{Readiness, Server};

/// The kind of the records that hold accounts, sealed under the local key.
const ACCOUNT: &str = "principal";

pub(crate) fn livez(_: Server, _: Asked) -> Answering {
    Box::pin(async { answer(StatusCode::OK, &json!({"live": true})) })
}

pub(crate) fn readyz(server: Server, _: Asked) -> Answering {
    Box::pin(async move {
        let checks = current(&server).await;
        let ready = checks.iter().all(|(_, there)| *there) && !*server.closing.borrow();
        let status = if ready {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        let checks: serde_json::Map<_, _> = checks
            .into_iter()
            .map(|(name, there)| (name.to_owned(), there.into()))
            .collect();
        answer(status, &json!({"ready": ready, "checks": checks}))
    })
}

/// One look at a time: whoever asks meanwhile waits for it.
async fn current(server: &Server) -> Vec<(&'static str, bool)> {
    let mut readiness = server.readiness.lock().await;
    match &readiness.last {
        Some((at, checks)) if at.elapsed() < limits::READINESS_TIME => checks.clone(),
        _ => {
            let checks = look(server, &mut readiness).await;
            readiness.last = Some((Instant::now(), checks.clone()));
            checks
        }
    }
}

async fn look(server: &Server, readiness: &mut Readiness) -> Vec<(&'static str, bool)> {
    let deployed = server.engine.deployed().await;
    if let Err(fault) = &deployed {
        tracing::warn!(%fault, "not ready: the store cannot be read");
    }
    let store = deployed.is_ok();
    // A server without a bundle has no policy to decide by.
    let mut policy = deployed.as_ref().is_ok_and(|bundles| !bundles.is_empty());
    for bundle in deployed.unwrap_or_default() {
        let Ok(name) = BundleName::parse(&bundle.name) else {
            policy = false;
            continue;
        };
        if let Err(fault) = server.engine.current_bundle(&name).await {
            tracing::warn!(bundle = %name, %fault, "not ready: a bundle cannot be loaded");
            policy = false;
        }
    }
    vec![
        ("store", store),
        ("keys", keys(server, readiness).await),
        ("policy", policy),
        ("log", server.engine.log_refusal().is_none()),
    ]
}

/// Whether the key opens what was sealed under it. Nobody can call before there is an account, so where there is none
/// nothing proves the key and the server is not ready.
async fn keys(server: &Server, readiness: &mut Readiness) -> bool {
    if readiness.witness.is_none() {
        let records = server
            .engine
            .store()
            .records(server.engine.tenant(), ACCOUNT)
            .await
            .unwrap_or_default();
        readiness.witness = records
            .iter()
            .find_map(|record| record.key.parse::<PrincipalId>().ok());
    }
    let Some(witness) = readiness.witness else {
        tracing::warn!("not ready: there is no account whose record would prove the key");
        return false;
    };
    match server.engine.named(witness).await {
        Ok(Some(_)) => true,
        Ok(None) => {
            readiness.witness = None;
            false
        }
        Err(fault) => {
            tracing::warn!(%fault, "not ready: the key does not open what it sealed");
            false
        }
    }
}
