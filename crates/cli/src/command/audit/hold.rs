//! `interlock audit hold`: legal holds. What one covers is neither erased nor expires.

use interlock_runtime::Engine;
use interlock_runtime::administration::HoldScope;
use interlock_runtime::retention::Month;

use super::erase::{failure, whom};
use crate::command::input;
use crate::door::Installation;
use crate::exit::{Exit, Failure};
use crate::options::{Common, HoldCommand};
use crate::print;

pub(super) async fn run(
    common: &Common,
    installation: &Installation,
    command: HoldCommand,
) -> Result<Exit, Failure> {
    match command {
        HoldCommand::Place {
            subject,
            run,
            period,
            reason,
        } => {
            let engine = installation.engine_or("POST /api/v1/holds")?;
            let by = installation.person(&engine).await?;
            let scope = match (subject, run, period) {
                (Some(subject), None, None) => {
                    let whom = whom(&subject);
                    HoldScope::Subject(engine.subject_of(&whom, &by).await.map_err(failure)?)
                }
                (None, Some(run), None) => {
                    let run = input::id(&run, "run_ and 26 characters")?;
                    engine.history(run).await?;
                    HoldScope::Run(run)
                }
                (None, None, Some(period)) => self::period(&engine, &period)?,
                _ => {
                    return Err(Failure::usage(
                        "failed to place a hold: it is not said on what",
                        "one of --subject, --run, --period",
                    ));
                }
            };
            let hold = engine.place_hold(scope, &reason, &by).await;
            let hold = hold.map_err(failure)?;
            done(common, &hold.to_string(), &format!("{hold} holds"))
        }
        HoldCommand::Release { id, reason } => {
            let engine = installation.engine_or("POST /api/v1/holds/{hold}/release")?;
            let by = installation.person(&engine).await?;
            let hold = input::id(&id, "hold_ and 26 characters")?;
            let released = engine.release_hold(hold, &reason, &by).await;
            released.map_err(failure)?;
            done(common, &id, &format!("{id} is released"))
        }
        HoldCommand::List => {
            let engine = installation.engine_or("GET /api/v1/holds")?;
            let by = installation.person(&engine).await?;
            let holds = engine.list_holds(&by).await.map_err(failure)?;
            if common.json {
                let holds: Vec<_> = holds
                    .iter()
                    .map(|hold| serde_json::json!({"hold": hold.id.to_string(), "on": says(&hold.scope)}))
                    .collect();
                print::json(&holds)?;
            } else if holds.is_empty() {
                print::line("nothing is held");
            } else {
                for hold in holds {
                    print::line(&format!("{}  {}", hold.id, says(&hold.scope)));
                }
            }
            Ok(Exit::Done)
        }
    }
}

/// `CLASS/2026-11`.
fn period(engine: &Engine, text: &str) -> Result<HoldScope, Failure> {
    let hint = "--period CLASS/YYYY-MM, as `interlock audit retention list` shows them";
    let parsed = text.split_once('/').and_then(|(class, month)| {
        let known = engine.retention().class(class).is_some();
        (known && Month::parse(month).is_some()).then(|| HoldScope::Period {
            class: class.to_owned(),
            month: month.to_owned(),
        })
    });
    parsed.ok_or_else(|| {
        let text = print::harmless(text);
        Failure::usage(format!("failed to read period `{text}`"), hint)
    })
}

fn says(scope: &HoldScope) -> String {
    match scope {
        HoldScope::Subject(subject) => format!("all that is about {subject}"),
        HoldScope::Run(run) => run.to_string(),
        HoldScope::Period { class, month } => format!("{class}/{month}"),
    }
}

fn done(common: &Common, id: &str, text: &str) -> Result<Exit, Failure> {
    if common.json {
        print::json(&serde_json::json!({ "hold": id }))?;
    } else {
        print::line(&print::harmless(text));
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use interlock_runtime::erasure::Whom;

    use super::whom;

    #[test]
    fn a_pseudonym_is_one_and_everything_else_is_a_name() {
        let id = "sub_01JD0000000000000000000000";
        assert!(matches!(whom(id), Whom::Known(found) if found.to_string() == id));
        for name in ["Ada", "sub_", "sub_01jd0000000000000000000000", ""] {
            assert_eq!(whom(name), Whom::Named(name.to_owned()));
        }
    }
}
