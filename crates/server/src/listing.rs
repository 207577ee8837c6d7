//! Two small lists: what is deployed, and how often input was refused at the doors. Neither holds content.

use http::StatusCode;
use serde_json::{Value, json};

use crate::app::Answering;
use crate::asked::Asked;
use crate::caller::Caller;
use crate::dispatch::json as answer;
use crate::state::Server;

pub(crate) fn bundles(server: Server, _: Caller, _: Asked) -> Answering {
    Box::pin(async move {
        answer(
            StatusCode::OK,
            &json!({"bundles": server.engine.deployed().await?}),
        )
    })
}

pub(crate) fn rejections(server: Server, _: Caller, _: Asked) -> Answering {
    Box::pin(async move {
        let engine = &server.engine;
        let list: Vec<Value> = engine
            .store()
            .rejections(engine.tenant())
            .await?
            .iter()
            .map(|row| {
                json!({
                    "source": row.source,
                    "address": row.address,
                    "fault": row.fault,
                    "count": row.count,
                    "last": row.last.to_string(),
                })
            })
            .collect();
        answer(StatusCode::OK, &json!({ "rejections": list }))
    })
}
