//! One file for each command.

use crate::exit::{Exit, Failure};
use crate::options::{Command, Options};

mod audit;
mod bundle;
mod check;
mod demo;
mod doctor;
mod example;
mod inbox;
mod init;
mod input;
mod key;
mod review;
mod run;
mod runs;
mod serve;
mod test;
mod world;

/// Runs what was typed.
pub(crate) async fn run(options: Options) -> Result<Exit, Failure> {
    let log = options.common.log.clone();
    let done = dispatch(options).await;
    log.end().await;
    done
}

async fn dispatch(options: Options) -> Result<Exit, Failure> {
    let common = options.common;
    match options.command {
        Command::Demo { yes, live } => demo::run(&common, yes, live).await,
        Command::Init { environment } => init::run(&common, &environment),
        Command::Run {
            bundle,
            input,
            workflow,
            api_key,
            key,
        } => {
            run::run(
                &common,
                run::Asked {
                    bundle,
                    input,
                    workflow,
                    api_key,
                    key,
                },
            )
            .await
        }
        Command::Check { bundle } => check::run(&common, &bundle),
        Command::Test { bundle, case } => test::run(&common, &bundle, case.as_deref()).await,
        Command::Review(command) => review::run(&common, command).await,
        Command::Inbox(command) => inbox::run(&common, command).await,
        Command::Runs(command) => runs::run(&common, command).await,
        Command::Audit(command) => audit::run(&common, command).await,
        Command::Key(command) => key::run(&common, command).await,
        Command::Bundle(command) => bundle::run(&common, command).await,
        Command::Serve {
            listen,
            bundle,
            behind_tls,
        } => serve::run(&common, listen, &bundle, behind_tls).await,
        Command::World(command) => world::run(&common, command).await,
        Command::Doctor => doctor::run(&common).await,
    }
}
