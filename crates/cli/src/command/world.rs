//! `interlock world`: kill switch and incident mode.

use interlock_core::pipeline::policy::World;

use crate::door::Installation;
use crate::exit::{Exit, Failure};
use crate::options::{Common, WorldCommand};
use crate::print;

pub(super) async fn run(common: &Common, command: WorldCommand) -> Result<Exit, Failure> {
    let installation = Installation::open(common)?;
    let (world, reason) = match command {
        WorldCommand::Show => {
            let engine = installation.engine_over(installation.store_read_only()?)?;
            let record = engine.world_record().await?;
            if common.json {
                print::json(&record)?;
            } else {
                match record {
                    None => print::line("normal; nothing was ever set"),
                    Some(record) => print::line(&format!(
                        "{} since {}: {}",
                        word(record.halted, record.incident),
                        record.at,
                        print::harmless(&record.reason)
                    )),
                }
            }
            return Ok(Exit::Done);
        }
        WorldCommand::Halt { reason } => (
            World {
                halted: true,
                incident: true,
            },
            reason,
        ),
        WorldCommand::Incident { reason } => (
            World {
                halted: false,
                incident: true,
            },
            reason,
        ),
        WorldCommand::Resume { reason } => (World::default(), reason),
    };
    let engine = installation.engine_or("POST /api/v1/world")?;
    let person = installation.person(&engine).await?;
    engine.set_world(world, &reason, Some(&person)).await?;
    if common.json {
        print::json(&engine.world_record().await?)?;
    } else {
        print::line(word(world.halted, world.incident));
    }
    Ok(Exit::Done)
}

const fn word(halted: bool, incident: bool) -> &'static str {
    match (halted, incident) {
        (true, _) => "halted: nothing acts",
        (false, true) => "incident: acts need an incident lead",
        (false, false) => "normal",
    }
}
