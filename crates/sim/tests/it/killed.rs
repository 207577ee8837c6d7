//! kill -9 of a real process at every step of what an installation does to its log and its keys: opening, publishing,
//! a new signing key, a new key epoch, a hold, an erasure, an index. The next life finishes it, everything that was
//! acknowledged is in the log, and the audit over what is on disk finds nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;

use interlock_core::id::RunId;
use interlock_runtime::erasure::Certificate;
use interlock_sim::installation::Failure;
use interlock_sim::road::Road;
use interlock_sim::store::Moment;

use crate::Outcome;
use crate::erasure::breaks::again;
use crate::erasure::{ADA, Office, check_erased};
use crate::log::verified;

mod strace;

/// An office with people, whose log was never opened.
pub(crate) struct Before {
    office: Office,
    runs: BTreeMap<&'static str, RunId>,
}

/// What one life said, and how it ended.
pub(crate) struct Life {
    lines: Vec<String>,
    status: ExitStatus,
}

impl Life {
    fn was_killed(&self) -> bool {
        self.status.signal() == Some(9)
    }

    /// Hashes of the entries that it was told are stored, one for each append.
    fn acknowledged(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().filter_map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["ack", _, _, hash, "."] => Some(hash),
                _ => None,
            }
        })
    }

    /// How many writes it made, where it came to its end.
    fn writes(&self) -> Option<u64> {
        let line = self.lines.last()?.strip_prefix("end ")?;
        line.strip_suffix(" .")?.parse().ok()
    }
}

impl Before {
    async fn new() -> Result<Self, Failure> {
        let office = Office::new()?;
        let (road, runs) = office.peopled().await?;
        drop(road);
        Ok(Self { office, runs })
    }

    fn copied(&self) -> Result<Office, Failure> {
        let copied = Office::of(Arc::clone(&self.office.world))?;
        crate::erasure::attacks::copy(&self.office.data, &copied.data)?;
        Ok(copied)
    }

    /// The worker in an office's directory, behind another program where one is given.
    fn worker(&self, office: &Office, behind: &[String]) -> Result<Command, Failure> {
        let worker = env!("CARGO_BIN_EXE_log_worker");
        let mut command = match behind {
            [] => Command::new(worker),
            [program, arguments @ ..] => {
                let mut command = Command::new(program);
                command.args(arguments).arg(worker);
                command
            }
        };
        let run = self.runs.get("ben").ok_or("no such run")?;
        command.arg(&office.data).arg(run.to_string()).arg(ADA);
        Ok(command)
    }

    fn live(&self, office: &Office, kill: Option<(u64, Moment)>) -> Result<Life, Failure> {
        let mut command = self.worker(office, &[])?;
        if let Some((n, moment)) = kill {
            let flag = match moment {
                Moment::Before => "--kill-before",
                Moment::After => "--kill-after",
            };
            command.arg(flag).arg(n.to_string());
        }
        lived(command)
    }

    /// All that must hold once a life came to its end, whatever came before it.
    async fn check(&self, office: &Office, lives: &[&Life]) -> Outcome {
        let installation = office.installation()?;
        let store = installation.sqlite()?;
        let road = office.road_over(&installation, Arc::clone(&store))?;
        let certificate: Certificate = again(&road).await?;
        check_erased(&road, &self.runs, &certificate).await?;
        verified(&road, &office.data, store).await?;
        let kept = hashes(&road).await?;
        for life in lives {
            for hash in life.acknowledged() {
                assert!(kept.contains(hash), "{hash} was acknowledged");
            }
        }
        Ok(())
    }
}

/// Leaf hashes of everything in the log.
async fn hashes(road: &Road) -> Result<BTreeSet<String>, Failure> {
    let (store, tenant) = (road.engine().store(), road.engine().tenant());
    let mut hashes = BTreeSet::new();
    loop {
        let page = store.log_entries(tenant, hashes.len() as u64, 200).await?;
        if page.is_empty() {
            return Ok(hashes);
        }
        hashes.extend(page.iter().map(|entry| entry.hash.to_string()));
    }
}

fn lived(mut command: Command) -> Result<Life, Failure> {
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let output = BufReader::new(child.stdout.take().ok_or("no output")?);
    let lines = output.lines().map_while(Result::ok).collect();
    Ok(Life {
        lines,
        status: child.wait()?,
    })
}

#[tokio::test]
async fn attack_51_a_process_killed_at_any_write_of_its_log_or_keys_is_finished_by_the_next()
-> Outcome {
    let before = Before::new().await?;
    let whole = before.copied()?;
    let life = before.live(&whole, None)?;
    let writes = life.writes().ok_or_else(|| life.lines.join("\n"))?;
    before.check(&whole, &[&life]).await?;
    assert!(writes > 20, "{writes}");
    for n in 1..=writes {
        // After one write is before the next, but for the files between them.
        let moment = if n % 2 == 0 {
            Moment::After
        } else {
            Moment::Before
        };
        let what = format!("killed {moment:?} write {n} of {writes}");
        let office = before.copied()?;
        let first = before.live(&office, Some((n, moment)))?;
        assert!(first.was_killed(), "{what}: {:?}", first.lines);
        let second = before.live(&office, None)?;
        assert!(second.status.success(), "{what}: {:?}", second.lines);
        before
            .check(&office, &[&first, &second])
            .await
            .map_err(|fault| format!("{what}: {fault}"))?;
    }
    Ok(())
}
