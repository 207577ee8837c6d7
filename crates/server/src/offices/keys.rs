//! The key-encryption key and its epochs. No key is ever in an answer.

use http::StatusCode;
use interlock_core::time::Timestamp;
use interlock_runtime::keys::{EpochState, KeyStatus};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{conduct, reason, under_way};
use crate::app::Answering;
use crate::asked::Asked;
use crate::caller::Caller;
use crate::dispatch::json as answer;
use crate::state::Server;

#[derive(Deserialize)]
struct Rotating {
    reason: String,
}

pub(crate) fn status(server: Server, _: Caller, _: Asked) -> Answering {
    Box::pin(async move { answer(StatusCode::OK, &says(&server.engine.key_status().await?)) })
}

pub(crate) fn rotate(server: Server, caller: Caller, mut asked: Asked) -> Answering {
    Box::pin(async move {
        let rotating: Rotating = asked.take()?;
        let why = reason(Some(&rotating.reason))?;
        let engine = server.engine.clone();
        let work =
            move || async move { Ok(engine.rotate_keys_for(caller.principal(), &why).await?) };
        match conduct(&server, work).await? {
            Some(done) => answer(
                StatusCode::OK,
                &json!({
                    "before": done.before,
                    "after": done.after,
                    "keys": done.keys,
                    "backups_dead_at": instant(done.backups_dead_at),
                }),
            ),
            None => answer(StatusCode::ACCEPTED, &under_way("/api/v1/keys/status")),
        }
    })
}

fn says(status: &KeyStatus) -> Value {
    let epochs: Vec<Value> = status
        .epochs
        .iter()
        .map(|epoch| {
            let dead_at = match epoch.state {
                EpochState::Alive => None,
                EpochState::Ending { dead_at } => Some(dead_at),
            };
            json!({"epoch": epoch.number, "made_at": instant(epoch.made_at), "dead_at": instant(dead_at)})
        })
        .collect();
    let keys: Vec<Value> = status
        .pages
        .iter()
        .map(|pages| json!({"provider": pages.by.as_str(), "epoch": pages.epoch, "keys": pages.keys}))
        .collect();
    if let Some(fault) = &status.fault {
        tracing::warn!(%fault, "the keys' provider is not healthy");
    }
    json!({
        "provider": status.provider.as_str(),
        "address": status.address,
        "healthy": status.fault.is_none(),
        "epoch": status.epoch,
        "epochs": epochs,
        "keys": keys,
        "rotated_at": instant(status.rotated_at),
        "unfinished": status.unfinished,
    })
}

fn instant(at: Option<Timestamp>) -> Option<String> {
    at.map(|at| at.to_string())
}
