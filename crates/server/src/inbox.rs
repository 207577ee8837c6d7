//! The inbox: what people must finish or decide, and their settlement of it. Whether they may is policy's, and whether
//! the settlement fits is the engine's.

use http::StatusCode;
use interlock_core::id::InboxId;
use interlock_core::run::{Event, Settlement};
use interlock_store::WaitKind;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::Answering;
use crate::asked::Asked;
use crate::caller::Caller;
use crate::dispatch::json as answer;
use crate::problem::{Code, Problem};
use crate::reviews::{said_and_done, visible, waiting};
use crate::sight::{opened, seen};
use crate::state::Server;

#[derive(Deserialize)]
struct Verdict {
    verdict: String,
    /// Told apart from `null`, which may be what somebody writes by hand.
    #[serde(default, deserialize_with = "some")]
    value: Option<Value>,
}

fn some<'de, D: serde::Deserializer<'de>>(given: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(given).map(Some)
}

pub(crate) fn list(server: Server, caller: Caller, asked: Asked) -> Answering {
    Box::pin(async move {
        let items = visible(&server, &caller, WaitKind::Inbox, asked.page()?, "item").await?;
        answer(StatusCode::OK, &json!({ "items": items }))
    })
}

pub(crate) fn show(server: Server, caller: Caller, asked: Asked) -> Answering {
    Box::pin(async move {
        let item: InboxId = asked.id("item")?;
        let run = waiting(&server, WaitKind::Inbox, &item.to_string()).await?;
        opened(&server, &caller, run).await?;
        answer(
            StatusCode::OK,
            &server
                .engine
                .inbox_view(item, caller.principal().id())
                .await?,
        )
    })
}

pub(crate) fn settle(server: Server, caller: Caller, mut asked: Asked) -> Answering {
    Box::pin(async move {
        let item: InboxId = asked.id("item")?;
        let run = waiting(&server, WaitKind::Inbox, &item.to_string()).await?;
        seen(&server, &caller, run).await?;
        let verdict = settlement(asked.take()?)?;
        let (by, me) = (caller.principal().clone(), caller.principal().id());
        let said = move |event: &Event| matches!(event, Event::InboxSettled { item: of, by, .. } if *of == item && *by == me);
        said_and_done(&server, &caller, run, said, move |engine| async move {
            engine.settle(item, by, verdict).await
        })
        .await
    })
}

fn settlement(body: Verdict) -> Result<Settlement, Problem> {
    match (body.verdict.as_str(), body.value) {
        ("complete", Some(value)) => Ok(Settlement::Complete(value)),
        ("happened", Some(value)) => Ok(Settlement::Happened(value)),
        ("retry", None) => Ok(Settlement::Retry),
        ("cancel", None) => Ok(Settlement::Cancel),
        ("did-not-happen", None) => Ok(Settlement::DidNotHappen),
        ("complete" | "happened", None) | ("retry" | "cancel" | "did-not-happen", Some(_)) => {
            Err(Problem::at(Code::InvalidRequest, "/value"))
        }
        _ => Err(Problem::at(Code::InvalidRequest, "/verdict")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_goes_with_what_needs_one() {
        for (body, place) in [
            (json!({"verdict": "complete", "value": {}}), None),
            (json!({"verdict": "complete", "value": null}), None),
            (json!({"verdict": "happened", "value": 1}), None),
            (json!({"verdict": "retry"}), None),
            (json!({"verdict": "cancel"}), None),
            (json!({"verdict": "did-not-happen"}), None),
            (json!({"verdict": "complete"}), Some("invalid_request")),
            (
                json!({"verdict": "retry", "value": {}}),
                Some("invalid_request"),
            ),
            (json!({"verdict": "approve"}), Some("invalid_request")),
        ] {
            let got = settlement(serde_json::from_value(body.clone()).unwrap());
            assert_eq!(
                got.err().map(|problem| problem.code.code()),
                place,
                "{body}"
            );
        }
    }
}
