//! Legal holds over HTTP: placed, listed, released. What one covers is neither erased nor expires.

use http::StatusCode;
use interlock_core::id::{HoldId, RunId};
use interlock_core::pipeline::identity::Principal;
use interlock_runtime::Engine;
use interlock_runtime::administration::HoldScope;
use interlock_runtime::retention::Month;
use serde::Deserialize;
use serde_json::{Value, json};

use super::erasures::whom;
use super::{reason, survey};
use crate::app::Answering;
use crate::asked::Asked;
use crate::caller::Caller;
use crate::dispatch::json as answer;
use crate::problem::{Code, Problem};
use crate::state::Server;

#[derive(Deserialize)]
struct Placing {
    subject: Option<String>,
    run: Option<String>,
    period: Option<String>,
    reason: String,
}

#[derive(Deserialize)]
struct Releasing {
    reason: String,
}

pub(crate) fn place(server: Server, caller: Caller, mut asked: Asked) -> Answering {
    Box::pin(async move {
        let placing: Placing = asked.take()?;
        let why = reason(Some(&placing.reason))?;
        let engine = server.engine.clone();
        // What it covers may be looked for in the whole log.
        let placed = survey(&server, move || async move {
            let by = caller.principal();
            let scope = scope(&engine, &placing, by).await?;
            let hold = engine.place_hold(scope.clone(), &why, by).await?;
            Ok(says(hold, &scope))
        });
        answer(StatusCode::CREATED, &placed.await?)
    })
}

pub(crate) fn release(server: Server, caller: Caller, mut asked: Asked) -> Answering {
    Box::pin(async move {
        let hold: HoldId = asked.id("hold")?;
        let releasing: Releasing = asked.take()?;
        let why = reason(Some(&releasing.reason))?;
        let engine = server.engine.clone();
        let released = survey(&server, move || async move {
            let by = caller.principal();
            Ok(engine.release_hold(hold, &why, by).await?)
        });
        released.await?;
        answer(StatusCode::OK, &json!({"released": hold.to_string()}))
    })
}

pub(crate) fn list(server: Server, caller: Caller, _: Asked) -> Answering {
    Box::pin(async move {
        let holds = server.engine.list_holds(caller.principal()).await?;
        let holds: Vec<Value> = holds
            .iter()
            .map(|hold| says(hold.id, &hold.scope))
            .collect();
        answer(StatusCode::OK, &json!({ "holds": holds }))
    })
}

/// What is to be held. The schema lets exactly one of them through.
async fn scope(engine: &Engine, placing: &Placing, by: &Principal) -> Result<HoldScope, Problem> {
    match (&placing.subject, &placing.run, &placing.period) {
        (Some(subject), None, None) => Ok(HoldScope::Subject(
            engine.subject_of(&whom(subject), by).await?,
        )),
        (None, Some(run), None) => {
            let run: RunId = run
                .parse()
                .map_err(|_| Problem::at(Code::InvalidRequest, "/run"))?;
            engine.history(run).await?;
            Ok(HoldScope::Run(run))
        }
        (None, None, Some(period)) => {
            let (class, month) = period
                .split_once('/')
                .filter(|(class, month)| {
                    engine.retention().class(class).is_some() && Month::parse(month).is_some()
                })
                .ok_or_else(|| Problem::at(Code::InvalidRequest, "/period"))?;
            Ok(HoldScope::Period {
                class: class.to_owned(),
                month: month.to_owned(),
            })
        }
        _ => Err(Problem::at(Code::InvalidRequest, "")),
    }
}

fn says(hold: HoldId, scope: &HoldScope) -> Value {
    let (on, what) = match scope {
        HoldScope::Subject(subject) => ("subject", subject.to_string()),
        HoldScope::Run(run) => ("run", run.to_string()),
        HoldScope::Period { class, month } => ("period", format!("{class}/{month}")),
    };
    json!({"hold": hold.to_string(), on: what})
}
