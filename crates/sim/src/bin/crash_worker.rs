//! One life of a driver, for the test that kills it: opens the data directory that it is given, starts or goes on with
//! the one run, and says line by line what it was told is stored. Dies at the append that its arguments name.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use interlock_core::run::Phase;
use interlock_runtime::case::scripted_model;
use interlock_sim::example::{self, Register};
use interlock_sim::installation::{Failure, Installation, scripted_endpoints};
use interlock_sim::road::Road;
use interlock_sim::store::{CrashPlan, CrashingStore, Moment};
use serde_json::json;

const USAGE: &str = "crash_worker DIR REGISTER keyed|plain [--kill-before N | --kill-after N]";

struct Asked {
    dir: PathBuf,
    address: String,
    register: Register,
    kill: Option<(u64, Moment)>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let Some(asked) = read(&words) else {
        say(USAGE);
        return ExitCode::from(2);
    };
    match live(asked).await {
        Ok(end) => {
            say(&end);
            ExitCode::SUCCESS
        }
        Err(failure) => {
            say(&format!("failed to {failure}"));
            ExitCode::FAILURE
        }
    }
}

fn read(words: &[&str]) -> Option<Asked> {
    let (dir, address, register, rest) = match words {
        [dir, address, "keyed", rest @ ..] => (dir, address, Register::Keyed, rest),
        [dir, address, "plain", rest @ ..] => (dir, address, Register::Plain, rest),
        _ => return None,
    };
    let kill = match rest {
        [] => None,
        ["--kill-before", n] => Some((n.parse().ok()?, Moment::Before)),
        ["--kill-after", n] => Some((n.parse().ok()?, Moment::After)),
        _ => return None,
    };
    Some(Asked {
        dir: dir.into(),
        address: (*address).to_owned(),
        register,
        kill,
    })
}

async fn live(asked: Asked) -> Result<String, Failure> {
    let files = example::with_register(example::files()?, &asked.address, asked.register)?;
    let installation = Installation::open(&asked.dir)?;
    let plan = CrashPlan::new(asked.kill, |n, head| {
        say(&format!("ack {n} {} {} .", head.seq, head.hash));
    });
    let store = Arc::new(CrashingStore::new(installation.sqlite()?, plan));
    let bundle = example::load(files.clone())?;
    let engine = installation.engine(
        store,
        Arc::new(scripted_model(&example::steady(example::case("clean")?))),
        installation.doors()?,
        scripted_endpoints(&bundle),
    )?;
    let road = Road::new(engine);
    road.deploy(&files).await?;
    let run = road.start(&json!({"case_id": "CASE-1042"}), "one").await?;
    let state = road.go_on(run).await?;
    Ok(match &state.phase {
        Phase::Ended { outcome } => format!("end {} .", outcome.as_str()),
        Phase::Waiting { kind, .. } => format!("waits {} .", kind.as_str()),
        other => format!("rests {} .", other.name()),
    })
}

/// One whole line at once: what the parent reads is a line, or nothing of it.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // Nobody listening is no reason to end otherwise.
    let _ = out.write_all(format!("{line}\n").as_bytes());
    let _ = out.flush();
}
