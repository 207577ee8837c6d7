//! One life of an installation's log, for the tests that kill it: opens the log of the data directory that it is given,
//! publishes, hands over to a new signing key, turns the key epoch, places and lifts a hold, erases one person and
//! publishes again. What an earlier life began is taken up. Says line by line what it was told is stored.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use interlock_core::id::RunId;
use interlock_core::pipeline::identity::Principal;
use interlock_runtime::Engine;
use interlock_runtime::administration::HoldScope;
use interlock_runtime::config::LogConfig;
use interlock_runtime::erasure::{EraseRequest, ErasureFault, Whom};
use interlock_runtime::log::{LogPlace, Publisher};
use interlock_runtime::model::Models;
use interlock_sim::installation::{Endpoints, Failure, Installation};
use interlock_sim::road::Road;
use interlock_sim::store::{CrashPlan, CrashingStore, Moment};

const USAGE: &str = "log_worker DIR RUN PERSON [--kill-before N | --kill-after N]";
const ORDER: &str = "DSAR-2026-0042";
const REASON: &str = "the person asked for it";

struct Asked {
    dir: PathBuf,
    run: RunId,
    person: String,
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
        Ok(writes) => {
            say(&format!("end {writes} ."));
            ExitCode::SUCCESS
        }
        Err(failure) => {
            say(&format!("failed to {failure}"));
            ExitCode::FAILURE
        }
    }
}

fn read(words: &[&str]) -> Option<Asked> {
    let [dir, run, person, rest @ ..] = words else {
        return None;
    };
    let kill = match rest {
        [] => None,
        ["--kill-before", n] => Some((n.parse().ok()?, Moment::Before)),
        ["--kill-after", n] => Some((n.parse().ok()?, Moment::After)),
        _ => return None,
    };
    Some(Asked {
        dir: dir.into(),
        run: run.parse().ok()?,
        person: (*person).to_owned(),
        kill,
    })
}

async fn live(asked: Asked) -> Result<u64, Failure> {
    let installation = Installation::open(&asked.dir)?;
    let plan = CrashPlan::of_every_write(asked.kill, |n, head| {
        say(&format!("ack {n} {} {} .", head.seq, head.hash));
    });
    let store = Arc::new(CrashingStore::new(installation.sqlite()?, plan));
    let engine = installation.engine(
        store.clone(),
        Arc::new(Models::empty()),
        installation.doors()?,
        Endpoints::default(),
    )?;
    let road = Road::new(engine);
    let engine = road.engine();
    let place = LogPlace {
        data_dir: asked.dir,
        config: LogConfig::default(),
    };
    let publisher = Publisher::open(Arc::clone(engine), place).await?;
    publisher.publish_now().await?;
    let by = road.person("dora", "dpo").await?;
    hold(engine, asked.run, &by).await?;
    publisher.rotate_key(None, None).await?;
    engine.index().await?;
    engine.rotate_keys().await?;
    erase(engine, asked.person, &by).await?;
    publisher.publish_now().await?;
    engine.index().await?;
    Ok(store.plan().asked())
}

/// A hold of an earlier life is lifted too: it would be in the way.
async fn hold(engine: &Engine, run: RunId, by: &Principal) -> Result<(), Failure> {
    engine.place_hold(HoldScope::Run(run), REASON, by).await?;
    for hold in engine.list_holds(by).await? {
        engine.release_hold(hold.id, REASON, by).await?;
    }
    Ok(())
}

async fn erase(engine: &Engine, person: String, by: &Principal) -> Result<(), Failure> {
    let request = EraseRequest {
        whom: Whom::Named(person),
        order: ORDER,
        reason: REASON,
        by,
    };
    match engine.erase(request, &mut |_| ()).await {
        Ok(_) => Ok(()),
        // An earlier life has done it, and the name leads nowhere any more.
        Err(ErasureFault::Unknown) if engine.ledger().await?.erasures().next().is_some() => Ok(()),
        Err(fault) => Err(fault.into()),
    }
}

/// One whole line at once: what the parent reads is a line, or nothing of it.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // Nobody listening is no reason to end otherwise.
    let _ = out.write_all(format!("{line}\n").as_bytes());
    let _ = out.flush();
}
