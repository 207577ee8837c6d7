//! `interlock inbox`: what waits for a person, everything needed to finish it by hand, and the settlement.

use interlock_core::id::InboxId;
use interlock_core::run::Settlement;
use interlock_runtime::view::InboxView;
use interlock_store::WaitKind;

use super::{input, run::report};
use crate::door::Installation;
use crate::exit::{Exit, Failure};
use crate::options::{Common, InboxCommand};
use crate::print;
use crate::progress::Progress;

const FORM: &str = "inb_ and 26 characters";

pub(super) async fn run(common: &Common, command: InboxCommand) -> Result<Exit, Failure> {
    let installation = Installation::open(common)?;
    let (id, settlement) = match command {
        InboxCommand::List => return list(common, &installation).await,
        InboxCommand::Show { id } => {
            let engine =
                installation.engine_to_show("ask the server instead: GET /api/v1/inbox/{item}")?;
            let reader = installation.person(&engine).await?.id();
            let view = engine.inbox_view(input::id(&id, FORM)?, reader).await?;
            if common.json {
                print::json(&view)?;
            } else {
                show(&view);
            }
            return Ok(Exit::Waiting);
        }
        InboxCommand::Complete { id, value } => (id, Settlement::Complete(input::value(&value)?)),
        InboxCommand::Retry { id } => (id, Settlement::Retry),
        InboxCommand::Cancel { id } => (id, Settlement::Cancel),
        InboxCommand::Happened { id, result } => (id, Settlement::Happened(input::value(&result)?)),
        InboxCommand::DidNotHappen { id } => (id, Settlement::DidNotHappen),
    };
    let item: InboxId = input::id(&id, FORM)?;
    let engine = installation.engine()?;
    let person = installation.person(&engine).await?;
    let by = person.id();
    installation.hold_to_anchors(&engine).await?;
    let progress = Progress::follow(&engine, !common.json);
    let cancelled = matches!(settlement, Settlement::Cancel);
    let answer = engine.settle(item, person, settlement).await?;
    progress.settle().await;
    let exit = report(
        common,
        &engine,
        &answer.state,
        answer.denied.as_ref(),
        Some(by),
    )
    .await?;
    Ok(if cancelled && answer.denied.is_none() {
        Exit::Done
    } else {
        exit
    })
}

async fn list(common: &Common, installation: &Installation) -> Result<Exit, Failure> {
    let engine = installation.engine_over(installation.store_read_only()?)?;
    let waits = engine.waits(WaitKind::Inbox).await?;
    if common.json {
        let items: Vec<_> = waits
            .iter()
            .map(|wait| {
                serde_json::json!({"item": wait.id, "run": wait.run.to_string(), "kind": wait.detail, "since": wait.since.to_string()})
            })
            .collect();
        print::json(&items)?;
    } else if waits.is_empty() {
        print::line("nothing waits");
    } else {
        for wait in waits {
            print::line(&format!(
                "{}  {:<18} {}  since {}",
                wait.id, wait.detail, wait.run, wait.since
            ));
        }
    }
    Ok(Exit::Done)
}

/// Everything that a person needs to finish it.
pub(super) fn show(view: &InboxView) {
    print::line(&format!("waits:   {}  ({})", view.item, view.kind));
    print::line(&format!(
        "run:     {}  ({}{})",
        view.run,
        view.workflow,
        view.step
            .as_ref()
            .map_or(String::new(), |s| format!(", step {s}"))
    ));
    print::line(&format!("since:   {}", view.since));
    for material in &view.material {
        print::line(&format!("{} (entry {}):", material.slot, material.seq));
        print::line(&text(&material.content));
    }
    if let Some(schema) = &view.schema {
        print::line("a value written by hand must fit:");
        print::line(&print::value(schema, "  | "));
    }
    for settlement in &view.settlements {
        let more = match *settlement {
            "complete" => " --value @FILE",
            "happened" => " --result @FILE",
            _ => "",
        };
        print::line(&format!(
            "next:    interlock inbox {settlement} {}{more}",
            view.item
        ));
    }
}

/// A prompt or a reply as text, other content as JSON.
fn text(content: &serde_json::Value) -> String {
    let texts: Vec<String> = ["system", "user", "text"]
        .into_iter()
        .filter_map(|name| content.get(name)?.as_str())
        .flat_map(|text| {
            print::harmless(text)
                .trim()
                .lines()
                .map(|line| format!("  | {line}"))
                .collect::<Vec<_>>()
        })
        .collect();
    if texts.is_empty() {
        print::value(content, "  | ")
    } else {
        texts.join("\n")
    }
}
