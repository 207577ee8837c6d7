//! The one binary. Parses what was typed, opens the installation, runs one command, prints, and ends with its code.
//! Nothing is decided here.

use std::process::ExitCode;

use clap::Parser;

mod command;
mod door;
mod exit;
mod options;
mod person;
mod print;
mod progress;

use exit::Exit;

fn main() -> ExitCode {
    let options = match options::Options::try_parse() {
        Ok(options) => options,
        Err(fault) => {
            // Help and version are answers; anything else is wrong use.
            let exit = if fault.use_stderr() {
                Exit::Usage
            } else {
                Exit::Done
            };
            let _ = fault.print();
            return exit.into();
        }
    };
    let json = options.common.json;
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
