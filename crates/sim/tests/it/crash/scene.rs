//! The scene of a crash: a data directory, a register, and the lives of a driver in processes of their own. What is
//! left of the run is read back from the disk and judged here, in the parent.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;

use interlock_bundle::Bundle;
use interlock_core::run::State;
use interlock_runtime::Recorded;
use interlock_runtime::model::Models;
use interlock_sim::example::{self, Register};
use interlock_sim::installation::{Installation, scripted_endpoints};
use interlock_sim::road::Road;
use interlock_sim::store::Moment;
use interlock_store::{RunFilter, Store};

use crate::Failure;
use crate::log::verified;
use crate::target::Target;

/// A data directory, and the register that its run submits to.
pub(super) struct Scene {
    pub(super) register: Register,
    pub(super) target: Target,
    dir: PathBuf,
    _temp: tempfile::TempDir,
}

/// What one life of the driver said, and how it ended.
pub(super) struct Life {
    pub(super) lines: Vec<String>,
    pub(super) status: ExitStatus,
}

impl Life {
    pub(super) fn was_killed(&self) -> bool {
        self.status.signal() == Some(9)
    }

    /// What it was told is stored: place and hash of the last entry of each append.
    pub(super) fn acknowledged(&self) -> Vec<(u64, String)> {
        let parse = |line: &String| {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["ack", _, seq, hash, "."] => Some((seq.parse().ok()?, hash.to_owned())),
                _ => None,
            }
        };
        self.lines.iter().filter_map(parse).collect()
    }
}

impl Scene {
    pub(super) fn new(register: Register, target: Target) -> Result<Self, Failure> {
        let temp = tempfile::tempdir()?;
        Ok(Self {
            register,
            target,
            dir: temp.path().join("data"),
            _temp: temp,
        })
    }

    /// The worker in this scene.
    pub(super) fn command(&self, kill: Option<(u64, Moment)>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_crash_worker"));
        command
            .arg(&self.dir)
            .arg(self.target.address())
            .arg(match self.register {
                Register::Keyed => "keyed",
                Register::Plain => "plain",
            });
        if let Some((n, moment)) = kill {
            let flag = match moment {
                Moment::Before => "--kill-before",
                Moment::After => "--kill-after",
            };
            command.arg(flag).arg(n.to_string());
        }
        command
    }

    pub(super) fn spawn(&self, kill: Option<(u64, Moment)>) -> Result<Child, Failure> {
        Ok(self.command(kill).stdout(Stdio::piped()).spawn()?)
    }

    pub(super) fn live(&self, kill: Option<(u64, Moment)>) -> Result<Life, Failure> {
        watch(self.spawn(kill)?)
    }

    /// The run as its log tells it, verified and held against every law.
    pub(super) async fn journal(&self) -> Result<(State, Vec<Recorded>), Failure> {
        let installation = Installation::open(&self.dir)?;
        let (road, bundle) = self.road(&installation, installation.sqlite()?)?;
        let engine = road.engine();
        let rows = engine
            .store()
            .runs(engine.tenant(), RunFilter::default(), 10)
            .await?;
        let [row] = &rows[..] else {
            return Err(format!("one request made {} runs", rows.len()).into());
        };
        road.check(row.run, bundle.tools()).await
    }

    /// Opens and publishes the log, and holds the audit over the store to say that it is verified.
    pub(super) async fn audit(&self) -> Result<(), Failure> {
        let installation = Installation::open(&self.dir)?;
        let store = installation.sqlite()?;
        let (road, _) = self.road(&installation, Arc::clone(&store))?;
        verified(&road, &self.dir, store).await
    }

    fn road(
        &self,
        installation: &Installation,
        store: Arc<dyn Store>,
    ) -> Result<(Road, Bundle), Failure> {
        let files =
            example::with_register(example::files()?, &self.target.address(), self.register)?;
        let bundle = example::load(files)?;
        let engine = installation.engine(
            store,
            Arc::new(Models::empty()),
            installation.doors()?,
            scripted_endpoints(&bundle),
        )?;
        Ok((Road::new(engine), bundle))
    }
}

pub(super) fn watch(mut child: Child) -> Result<Life, Failure> {
    let output = BufReader::new(child.stdout.take().ok_or("no output")?);
    let lines = output.lines().map_while(Result::ok).collect();
    Ok(Life {
        lines,
        status: child.wait()?,
    })
}
