//! One payload opened for a person who gives a reason, and the marks of a run, which open nothing.

use http::StatusCode;
use interlock_core::id::{PayloadId, RunId};
use serde::Deserialize;
use serde_json::json;

use super::reason;
use crate::app::Answering;
use crate::asked::Asked;
use crate::caller::Caller;
use crate::dispatch::{json as answer, to_the_end};
use crate::state::Server;

#[derive(Deserialize)]
struct Revealing {
    reason: String,
}

pub(crate) fn reveal(server: Server, caller: Caller, mut asked: Asked) -> Answering {
    Box::pin(async move {
        let payload: PayloadId = asked.id("payload")?;
        let revealing: Revealing = asked.take()?;
        let why = reason(Some(&revealing.reason))?;
        let engine = server.engine.clone();
        let revealed =
            to_the_end(async move { engine.reveal(payload, caller.principal(), &why).await });
        let revealed = revealed.await??;
        answer(
            StatusCode::OK,
            &json!({
                "payload": payload.to_string(),
                "run": revealed.run.to_string(),
                "slot": revealed.slot,
                "kept": revealed.kept.as_str(),
                "content": revealed.content,
            }),
        )
    })
}

pub(crate) fn marks(server: Server, _: Caller, asked: Asked) -> Answering {
    Box::pin(async move {
        let run: RunId = asked.id("run")?;
        let payloads = server.engine.marks_view(run).await?;
        answer(
            StatusCode::OK,
            &json!({"run": run.to_string(), "payloads": payloads}),
        )
    })
}
