//! The one binary. Parses what was typed, opens the installation, runs one command, prints, and ends with its code.
//! Nothing is decided here.

use std::process::ExitCode;

use clap::Parser;

mod command;
mod door;
mod exit;
mod keys;
mod log;
mod options;
mod person;
mod print;
mod progress;

use exit::Exit;

fn main() -> ExitCode {
    let options = match options::Options::try_parse() {
        Ok(options) => options,
        Err(fault) => return options::untyped(&fault).into(),
    };
    let json = options.common.json;
    trace(matches!(options.command, options::Command::Serve { .. }));
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(fault) => {
            print::failure(&fault.into(), json);
            return Exit::Failed.into();
        }
    };
    match runtime.block_on(command::run(options)) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            print::failure(&failure, json);
            failure.exit.into()
        }
    }
}

/// Faults that no command returns (a driver's, a server's) go to standard error; a server tells more.
fn trace(serves: bool) {
    let level = if serves {
        tracing::Level::INFO
    } else {
        tracing::Level::WARN
    };
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(level)
        .with_target(false)
        .init();
}
