//! Reviews: listed and shown to whom they concern, and voted on. The vote is the engine's and policy's to take; what
//! is not visible to the caller cannot be voted on either.

use std::sync::Arc;

use axum::response::Response;
use http::StatusCode;
use interlock_core::digest::Digest;
use interlock_core::id::{ReviewId, RunId};
use interlock_core::run::Event;
use interlock_runtime::{Answer, Engine, Fault};
use interlock_store::{WaitKind, WaitRow};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;

use crate::app::Answering;
use crate::asked::Asked;
use crate::caller::Caller;
use crate::dispatch::{json as answer, to_the_end};
use crate::problem::{Code, Problem};
use crate::runs::{denied, view};
use crate::sight::{opened, oversees, seen};
use crate::state::Server;

#[derive(Deserialize)]
struct Vote {
    approve: bool,
    digest: String,
    reason: Option<String>,
}

pub(crate) fn list(server: Server, caller: Caller, asked: Asked) -> Answering {
    Box::pin(async move {
        let reviews = visible(&server, &caller, WaitKind::Review, asked.page()?, "review").await?;
        answer(StatusCode::OK, &json!({ "reviews": reviews }))
    })
}

pub(crate) fn show(server: Server, caller: Caller, asked: Asked) -> Answering {
    Box::pin(async move {
        let review: ReviewId = asked.id("review")?;
        let run = waiting(&server, WaitKind::Review, &review.to_string()).await?;
        opened(&server, &caller, run).await?;
        answer(
            StatusCode::OK,
            &server
                .engine
                .review_view(review, Some(caller.principal().id()))
                .await?,
        )
    })
}

pub(crate) fn vote(server: Server, caller: Caller, mut asked: Asked) -> Answering {
    Box::pin(async move {
        let review: ReviewId = asked.id("review")?;
        let run = waiting(&server, WaitKind::Review, &review.to_string()).await?;
        seen(&server, &caller, run).await?;
        let body: Vote = asked.take()?;
        let digest = Digest::parse_hex(&body.digest)
            .ok_or_else(|| Problem::at(Code::InvalidRequest, "/digest"))?;
        let (voter, me) = (caller.principal().clone(), caller.principal().id());
        let said = move |event: &Event| matches!(event, Event::ReviewVoted { review: on, voter, .. } if *on == review && *voter == me);
        said_and_done(&server, &caller, run, said, move |engine| async move {
            engine
                .vote(review, voter, digest, body.approve, body.reason)
                .await
        })
        .await
    })
}

/// Has the engine take what a person says, and answers as soon as it is durable: what the run does next may take
/// minutes, and goes on whether or not the caller waits for it.
pub(crate) async fn said_and_done<F>(
    server: &Server,
    caller: &Caller,
    run: RunId,
    said: impl Fn(&Event) -> bool,
    work: impl FnOnce(Arc<Engine>) -> F + Send + 'static,
) -> Result<Response, Problem>
where
    F: Future<Output = Result<Answer, Fault>> + Send + 'static,
{
    let mut watch = server.engine.watch();
    let engine = Arc::clone(&server.engine);
    let done = to_the_end(work(engine));
    tokio::pin!(done);
    loop {
        tokio::select! {
            biased;
            answer = &mut done => {
                let answer = answer??;
                server.wake.notify_one();
                return match &answer.denied {
                    Some(decision) => Err(denied(decision)),
                    None => view(server, caller, run).await,
                };
            }
            heard = watch.recv() => match heard {
                Ok(progress) if progress.run == run && said(&progress.event) => return view(server, caller, run).await,
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Err(Problem::new(Code::Internal)),
            },
        }
    }
}

/// The run that an open review or item belongs to.
pub(crate) async fn waiting(server: &Server, kind: WaitKind, id: &str) -> Result<RunId, Problem> {
    let waits = server.engine.waits(kind).await?;
    waits
        .iter()
        .find(|wait| wait.id == id)
        .map(|wait| wait.run)
        .ok_or_else(|| Problem::new(Code::NotFound))
}

/// What waits and the caller may see, oldest first, under the name that its id has in the interface.
pub(crate) async fn visible(
    server: &Server,
    caller: &Caller,
    kind: WaitKind,
    limit: u32,
    name: &str,
) -> Result<Vec<Value>, Problem> {
    let all = oversees(caller.principal());
    let mut shown = Vec::new();
    for wait in server.engine.waits(kind).await? {
        if shown.len() >= usize::try_from(limit).unwrap_or(0) {
            break;
        }
        if all || seen(server, caller, wait.run).await.is_ok() {
            shown.push(listed(&wait, name));
        }
    }
    Ok(shown)
}

fn listed(wait: &WaitRow, name: &str) -> Value {
    let mut item = json!({
        name: wait.id,
        "run": wait.run.to_string(),
        "kind": wait.detail,
        "since": wait.since.to_string(),
    });
    if let (Some(due), Some(members)) = (wait.due, item.as_object_mut()) {
        members.insert("due".to_owned(), due.to_string().into());
    }
    item
}
