//! Retention over HTTP: what must be kept, what is due, and expiry of what is due.

use http::StatusCode;
use interlock_runtime::retention::{Period, Standing};
use serde::Deserialize;
use serde_json::json;

use super::{conduct, reason, survey, under_way};
use crate::app::Answering;
use crate::asked::Asked;
use crate::caller::Caller;
use crate::dispatch::json as answer;
use crate::problem::Problem;
use crate::state::Server;

#[derive(Deserialize)]
struct Expiring {
    dry_run: bool,
    reason: Option<String>,
}

pub(crate) fn show(server: Server, caller: Caller, _: Asked) -> Answering {
    Box::pin(async move {
        let periods = periods(&server, caller).await?;
        let classes: Vec<_> = server.engine.retention().classes().collect();
        answer(
            StatusCode::OK,
            &json!({"classes": classes, "periods": periods}),
        )
    })
}

pub(crate) fn expire(server: Server, caller: Caller, mut asked: Asked) -> Answering {
    Box::pin(async move {
        let expiring: Expiring = asked.take()?;
        if expiring.dry_run {
            let mut due = periods(&server, caller).await?;
            due.retain(|period| period.standing == Standing::Due);
            return answer(StatusCode::OK, &json!({ "periods": due }));
        }
        let why = reason(expiring.reason.as_deref())?;
        let engine = server.engine.clone();
        let work = move || async move {
            let by = caller.principal();
            Ok(engine.expire_for(by, Some(&why), &mut |_| ()).await?)
        };
        match conduct(&server, work).await? {
            Some(expired) => answer(StatusCode::OK, &json!({ "periods": expired })),
            None => answer(StatusCode::ACCEPTED, &under_way("/api/v1/retention")),
        }
    })
}

/// Every class and month. The whole log is looked at, so it takes a place among long work.
async fn periods(server: &Server, caller: Caller) -> Result<Vec<Period>, Problem> {
    let engine = server.engine.clone();
    survey(server, move || async move {
        let by = caller.principal();
        Ok(engine.retention_periods(by, &mut |_| ()).await?)
    })
    .await
}
