//! `interlock runs`: list, show, cancel, drive.

use interlock_core::id::RunId;
use interlock_store::{RunFilter, RunStatus};

use super::{input, run::report};
use crate::door::Installation;
use crate::exit::{Exit, Failure};
use crate::options::{Common, RunsCommand};
use crate::print;
use crate::progress::Progress;

const FORM: &str = "run_ and 26 characters";

pub(super) async fn run(common: &Common, command: RunsCommand) -> Result<Exit, Failure> {
    let installation = Installation::open(common)?;
    match command {
        RunsCommand::List { status, limit } => {
            let engine = installation.engine_over(installation.store_read_only()?)?;
            let status = status.as_deref().map(|status| match status {
                "active" => RunStatus::Active,
                "waiting" => RunStatus::Waiting,
                _ => RunStatus::Ended,
            });
            let runs = engine
                .runs(
                    RunFilter {
                        status,
                        ..RunFilter::default()
                    },
                    limit,
                )
                .await?;
            if common.json {
                print::json(&runs)?;
            } else if runs.is_empty() {
                print::line("no runs");
            } else {
                for run in runs {
                    let state = run.outcome.as_deref().unwrap_or(run.status);
                    print::line(&format!(
                        "{}  {:<10} {:<24} {}",
                        run.run, state, run.workflow, run.started
                    ));
                }
            }
            Ok(Exit::Done)
        }
        RunsCommand::Show { id } => {
            let id: RunId = input::id(&id, FORM)?;
            let Some(store) = installation.store_if_free()? else {
                let engine = installation.engine_over(installation.store_read_only()?)?;
                let state = engine.state(id).await?;
                if state.released.is_some() {
                    print::aside(
                        "its output is not shown: another process holds the store, where each reading is put on record",
                    );
                    print::aside("hint: ask the server instead: GET /api/v1/runs/{run}");
                }
                return report(common, &engine, &state, None, None).await;
            };
            let engine = installation.engine_over(store)?;
            let reader = installation.person(&engine).await?.id();
            let state = engine.state(id).await?;
            report(common, &engine, &state, None, Some(reader)).await
        }
        RunsCommand::Cancel { id } => {
            let id: RunId = input::id(&id, FORM)?;
            let engine = installation.engine()?;
            let person = installation.person(&engine).await?;
            let by = person.id();
            let answer = engine.cancel(id, person).await?;
            report(
                common,
                &engine,
                &answer.state,
                answer.denied.as_ref(),
                Some(by),
            )
            .await?;
            Ok(if answer.denied.is_some() {
                Exit::Denied
            } else {
                Exit::Done
            })
        }
        RunsCommand::Drive => {
            let engine = installation.engine()?;
            installation.hold_to_anchors(&engine).await?;
            let progress = Progress::follow(&engine, !common.json);
            let moved = engine.drive_all().await?;
            progress.settle().await;
            if common.json {
                print::json(&serde_json::json!({ "driven": moved }))?;
            } else {
                print::line(&format!("{moved} runs driven"));
            }
            Ok(Exit::Done)
        }
    }
}
