//! `interlock audit guard`: what the signer's guard holds, and the two acts that leave a refused start. Who does them
//! is a person, and says why.

use interlock_runtime::Fault;
use interlock_runtime::log::{FileGuard, adopt_guard, publication_lag, renew_log};

use crate::door::Installation;
use crate::exit::{Exit, Failure};
use crate::options::{Common, GuardCommand};
use crate::print;

pub(super) async fn run(
    common: &Common,
    installation: &Installation,
    command: GuardCommand,
) -> Result<Exit, Failure> {
    match command {
        GuardCommand::Show => show(common, installation).await,
        GuardCommand::Adopt { reason } => {
            let engine = installation.engine()?;
            let person = installation.person(&engine).await?.id();
            let place = installation.log_place();
            let adopted = adopt_guard(&engine, &place, &reason, Some(person)).await?;
            let size = adopted.as_ref().map(|guarded| guarded.size);
            done(
                common,
                &match size {
                    Some(size) => format!("the guard holds what is published: {size} entries"),
                    None => "the guard fits the store; nothing was done".to_owned(),
                },
                &serde_json::json!({ "adopted_size": size }),
            )
        }
        GuardCommand::Renew { reason } => {
            let engine = installation.engine()?;
            let person = installation.person(&engine).await?.id();
            let place = installation.log_place();
            let key = renew_log(&engine, &place, &reason, Some(person)).await?;
            let key = key.map(|key| key.to_string());
            done(
                common,
                &match &key {
                    Some(key) => format!("the log has a new name and key: {key}"),
                    None => "nothing is lost; nothing was done".to_owned(),
                },
                &serde_json::json!({ "key": key }),
            )
        }
    }
}

async fn show(common: &Common, installation: &Installation) -> Result<Exit, Failure> {
    let dir = installation.log_place().guard_dir();
    let tenant = &installation.config.tenant;
    let held = FileGuard::look(&dir, tenant)
        .map_err(|fault| Failure::failed(format!("failed to {fault}")))?;
    let store = installation.store_read_only()?;
    let now = interlock_runtime::clock::Clock::now(&interlock_runtime::clock::SystemClock);
    let lag = publication_lag(store.as_ref(), tenant, now)
        .await
        .map_err(Fault::from)?;
    if common.json {
        print::json(&serde_json::json!({
            "directory": dir,
            "guard": held.as_ref().map(|held| serde_json::json!({
                "origin": held.origin, "size": held.size, "at": held.at.to_string(),
            })),
            "published": lag.published, "sequenced": lag.sequenced,
        }))?;
        return Ok(Exit::Done);
    }
    match &held {
        Some(held) => {
            print::line(&format!("log        {}", print::harmless(&held.origin)));
            print::line(&format!("guard      {} entries, {}", held.size, held.at));
        }
        None => print::line(&format!("guard      none in {}", dir.display())),
    }
    print::line(&format!("published  {} entries", lag.published));
    print::line(&format!("store      {} entries", lag.sequenced));
    Ok(Exit::Done)
}

fn done(common: &Common, text: &str, value: &serde_json::Value) -> Result<Exit, Failure> {
    if common.json {
        print::json(value)?;
    } else {
        print::line(text);
    }
    Ok(Exit::Done)
}
