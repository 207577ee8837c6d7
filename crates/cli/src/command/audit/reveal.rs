//! `interlock audit reveal`: one payload, opened for a person who gives a reason. That it is read is on record before
//! anything is shown.

use interlock_core::id::PayloadId;
use interlock_runtime::reveal::RevealFault;

use super::input;
use crate::door::{Installation, ask_server};
use crate::exit::{Exit, Failure};
use crate::options::Common;
use crate::print;

pub(super) async fn run(
    common: &Common,
    installation: &Installation,
    payload: &str,
    reason: &str,
) -> Result<Exit, Failure> {
    let id: PayloadId = input::id(payload, "pay_ and 26 characters")?;
    let engine =
        installation.engine_to_show(&ask_server("POST /api/v1/payloads/{payload}/reveal"))?;
    let person = installation.person(&engine).await?;
    let revealed = engine
        .reveal(id, &person, reason)
        .await
        .map_err(|fault| failure(fault, payload))?;
    if common.json {
        print::json(&serde_json::json!({
            "payload": id.to_string(),
            "run": revealed.run.to_string(),
            "slot": revealed.slot,
            "kept": revealed.kept.as_str(),
            "content": revealed.content,
        }))?;
    } else {
        print::line(&format!(
            "{} of {} (kept: {})",
            revealed.slot,
            revealed.run,
            revealed.kept.as_str()
        ));
        print::line(&print::value(&revealed.content, "  | "));
        print::aside("this reading is on record, with its reason");
    }
    Ok(Exit::Done)
}

fn failure(fault: RevealFault, payload: &str) -> Failure {
    let (exit, hint) = match &fault {
        RevealFault::Denied => (
            Exit::Denied,
            "role investigator or dpo may reveal; without it, `interlock audit show RUN --marks` shows where values flowed",
        ),
        RevealFault::Reason => (Exit::Usage, "--reason \"why it must be read\""),
        RevealFault::Erased => (Exit::Failed, "`interlock audit show RUN` says what it was"),
        RevealFault::NotKept => (
            Exit::Failed,
            "a [[keep]] rule of interlock.toml says so (docs/keep.md)",
        ),
        RevealFault::Fault(_) => (Exit::Failed, "`interlock audit show RUN` lists payloads"),
    };
    match fault {
        RevealFault::Fault(fault) => Failure::from(fault),
        RevealFault::Denied | RevealFault::Reason | RevealFault::Erased | RevealFault::NotKept => {
            let mut failure =
                Failure::failed(format!("failed to {fault} (`{payload}`)")).hint(hint);
            failure.exit = exit;
            failure
        }
    }
}
