//! Kill switch and incident mode over HTTP.

use http::StatusCode;
use interlock_core::pipeline::policy::World;
use serde::Deserialize;
use serde_json::json;

use super::reason;
use crate::app::Answering;
use crate::asked::Asked;
use crate::caller::Caller;
use crate::dispatch::{json as answer, to_the_end};
use crate::problem::Problem;
use crate::state::Server;

#[derive(Deserialize)]
struct Setting {
    halted: bool,
    incident: bool,
    reason: String,
}

pub(crate) fn show(server: Server, _: Caller, _: Asked) -> Answering {
    Box::pin(async move { shown(&server).await })
}

pub(crate) fn set(server: Server, caller: Caller, mut asked: Asked) -> Answering {
    Box::pin(async move {
        let setting: Setting = asked.take()?;
        let why = reason(Some(&setting.reason))?;
        let world = World {
            halted: setting.halted,
            incident: setting.incident,
        };
        let engine = server.engine.clone();
        let set = async move {
            let by = Some(caller.principal());
            engine.set_world(world, &why, by).await
        };
        to_the_end(set).await??;
        server.wake.notify_one();
        shown(&server).await
    })
}

async fn shown(server: &Server) -> Result<axum::response::Response, Problem> {
    match server.engine.world_record().await? {
        Some(record) => answer(StatusCode::OK, &record),
        None => answer(StatusCode::OK, &json!({"halted": false, "incident": false})),
    }
}
