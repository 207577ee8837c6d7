//! Runs: started, listed, shown, cancelled, and their chain of custody. Whether a start or a cancellation may be is
//! decided in the engine; what a caller may see is `sight`'s.

use axum::response::Response;
use http::{HeaderName, HeaderValue, StatusCode, header};
use interlock_core::id::{BundleName, RunId, WorkflowName};
use interlock_core::pipeline::policy::{Decision, Verdict};
use interlock_core::run::{Outcome, Phase};
use interlock_core::seams::Violation;
use interlock_runtime::{Answer, StartRequest};
use interlock_store::{RunFilter, RunStatus};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::Answering;
use crate::asked::Asked;
use crate::caller::Caller;
use crate::dispatch::{json as answer, to_the_end};
use crate::problem::{Code, Problem};
use crate::sight::{Subject, may_see, oversees, seen};
use crate::state::Server;

const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

#[derive(Deserialize)]
struct Start {
    bundle: String,
    workflow: Option<String>,
    input: Value,
}

pub(crate) fn start(server: Server, caller: Caller, mut asked: Asked) -> Answering {
    Box::pin(async move {
        let body: Start = asked.take()?;
        let request = StartRequest {
            bundle: BundleName::parse(&body.bundle)
                .map_err(|_| Problem::at(Code::InvalidRequest, "/bundle"))?,
            workflow: body
                .workflow
                .map(|name| {
                    WorkflowName::parse(&name)
                        .map_err(|_| Problem::at(Code::InvalidRequest, "/workflow"))
                })
                .transpose()?,
            requester: caller.principal().clone(),
            // Written anew, so that the same request with other white space is the same request.
            input: body.input.to_string().into_bytes(),
            source: "api",
            address: asked.address,
            key: asked.idempotency_key,
        };
        let engine = server.engine.clone();
        let started = to_the_end(async move { engine.start(request).await }).await??;
        server.wake.notify_one();
        if let Some(decision) = &started.denied {
            return Err(denied(decision).with("run", started.run.to_string()));
        }
        if matches!(
            started.state.phase,
            Phase::Ended {
                outcome: Outcome::Rejected
            }
        ) {
            return Err(input_rejected(&server, &caller, &started).await?);
        }
        let mut response = answer(
            StatusCode::ACCEPTED,
            &server
                .engine
                .run_view(started.run, Some(caller.principal().id()))
                .await?,
        )?;
        let headers = response.headers_mut();
        if let Ok(place) = HeaderValue::from_str(&format!("/api/v1/runs/{}", started.run)) {
            headers.insert(header::LOCATION, place);
        }
        if started.replayed {
            headers.insert(REPLAYED, HeaderValue::from_static("true"));
        }
        Ok(response)
    })
}

/// What did not fit, as it was sealed: places and expectations, which hold no value. The caller sent the input.
async fn input_rejected(
    server: &Server,
    caller: &Caller,
    started: &Answer,
) -> Result<Problem, Problem> {
    let found = server
        .engine
        .problems_view(started.run, caller.principal().id())
        .await?;
    let text = |item: &Value, name: &str| {
        item.get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let violations: Vec<Violation> = found
        .iter()
        .filter_map(|problems| problems.get("problems").and_then(Value::as_array))
        .flatten()
        .map(|item| Violation {
            at: text(item, "at"),
            keyword: text(item, "keyword"),
            expected: text(item, "expected"),
        })
        .collect();
    Ok(Problem::new(Code::InputRejected)
        .violations(&violations)
        .with("run", started.run.to_string()))
}

/// Policy's no, with what determined it.
pub(crate) fn denied(decision: &Decision) -> Problem {
    let policies: Vec<String> = decision
        .determined_by
        .iter()
        .map(ToString::to_string)
        .collect();
    let problem = Problem::new(Code::Denied)
        .with("policies", policies)
        .with("action", decision.action.as_str());
    match &decision.verdict {
        Verdict::Deny(reason) => problem.with("reason", reason.as_str()),
        Verdict::Allow | Verdict::Downgrade(_) | Verdict::Review { .. } => {
            problem.with("reason", decision.verdict.as_str())
        }
    }
}

pub(crate) fn list(server: Server, caller: Caller, asked: Asked) -> Answering {
    Box::pin(async move {
        let status = match asked.query::<String>("status")?.as_deref() {
            None => None,
            Some("active") => Some(RunStatus::Active),
            Some("waiting") => Some(RunStatus::Waiting),
            Some("ended") => Some(RunStatus::Ended),
            Some(_) => return Err(Problem::at(Code::InvalidParameter, "status")),
        };
        let filter = RunFilter {
            status,
            workflow: asked
                .query::<WorkflowName>("workflow")?
                .map(|name| name.to_string()),
            before: asked.query("before")?,
        };
        let limit = asked.page()?;
        let rows = server.engine.runs(filter, limit).await?;
        let full = u32::try_from(rows.len()).is_ok_and(|found| found == limit);
        let next = rows.last().filter(|_| full).map(|row| row.run.clone());
        let all = oversees(caller.principal());
        let mut shown = Vec::new();
        for row in rows {
            let subject = Subject {
                requester: row.requester.parse().ok(),
                ..Subject::default()
            };
            // Whom an open review asks is in the log alone.
            let visible = all
                || may_see(caller.principal(), &subject)
                || (row.status == "waiting"
                    && match row.run.parse::<RunId>() {
                        Ok(run) => seen(&server, &caller, run).await.is_ok(),
                        Err(_) => false,
                    });
            if visible {
                shown.push(row);
            }
        }
        let mut page = json!({ "runs": shown });
        if let (Some(next), Some(page)) = (next, page.as_object_mut()) {
            page.insert("next".to_owned(), next.into());
        }
        answer(StatusCode::OK, &page)
    })
}

pub(crate) fn show(server: Server, caller: Caller, asked: Asked) -> Answering {
    Box::pin(async move {
        let run = asked.id("run")?;
        seen(&server, &caller, run).await?;
        view(&server, &caller, run).await
    })
}

pub(crate) fn entries(server: Server, caller: Caller, asked: Asked) -> Answering {
    Box::pin(async move {
        let run = asked.id("run")?;
        seen(&server, &caller, run).await?;
        let entries = server.engine.custody(run).await?;
        answer(
            StatusCode::OK,
            &json!({"run": run.to_string(), "entries": entries}),
        )
    })
}

pub(crate) fn cancel(server: Server, caller: Caller, asked: Asked) -> Answering {
    Box::pin(async move {
        let run = asked.id("run")?;
        seen(&server, &caller, run).await?;
        let (engine, by) = (server.engine.clone(), caller.principal().clone());
        let cancelled = to_the_end(async move { engine.cancel(run, by).await }).await??;
        match &cancelled.denied {
            Some(decision) => Err(denied(decision)),
            None => view(&server, &caller, run).await,
        }
    })
}

/// A run as it is now, for a caller who may see it; that they are shown its output is on record before they are.
pub(crate) async fn view(
    server: &Server,
    caller: &Caller,
    run: RunId,
) -> Result<Response, Problem> {
    let reader = Some(caller.principal().id());
    answer(StatusCode::OK, &server.engine.run_view(run, reader).await?)
}
