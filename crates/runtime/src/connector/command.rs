//! A local command: no shell, an empty environment, its own empty directory, a process group that ends with it, and
//! bounds on time and output. What it prints to standard error is nobody's. It still runs as this user.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use close_fds::CloseFdsBuilder;
use interlock_bundle::{CommandConnector, CommandInput};
use interlock_core::limits;
use interlock_core::pipeline::model::CallFault;
use interlock_core::pipeline::tool::{EffectKnown, canonical_json};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use super::{Filling, Site, Within, fill};
use crate::clock::random;

/// The first file descriptor after standard input, output and error.
const FIRST_DESCRIPTOR: i32 = 3;

/// Runs a command and gives what it printed.
pub(crate) async fn run(
    connector: &CommandConnector,
    filling: Filling<'_>,
    timeout_millis: u32,
    bytes_max: usize,
    site: &Site,
) -> Result<Vec<u8>, (CallFault, EffectKnown)> {
    let not_performed = |fault| (fault, EffectKnown::NotPerformed);
    if site.outside.is_none() || connector.argv.len() > limits::COMMAND_ARGUMENTS_MAX {
        return Err(not_performed(CallFault::Configuration));
    }
    let argv = connector
        .argv
        .iter()
        .map(|part| fill(part, Within::Argument, filling, site));
    let argv = argv.collect::<Result<Vec<_>, _>>().map_err(not_performed)?;
    let (program, arguments) = argv
        .split_first()
        .ok_or_else(|| not_performed(CallFault::Configuration))?;
    if !Path::new(program).is_absolute() {
        return Err(not_performed(CallFault::Configuration));
    }
    let input = match connector.stdin {
        CommandInput::None => None,
        CommandInput::Json => Some(canonical_json(filling.values)),
    };
    let own = OwnDirectory::make(site).map_err(not_performed)?;
    // Ours close by themselves; this is for those that we were started with.
    CloseFdsBuilder::new()
        .threadsafe(true)
        .cloexecfrom(FIRST_DESCRIPTOR);
    let child = Command::new(program)
        .args(arguments)
        .env_clear()
        .current_dir(&own.0)
        .stdin(if input.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| {
            tracing::warn!(kind = ?error.kind(), "a connector's command cannot be started");
            not_performed(CallFault::Configuration)
        })?;
    let limit = Duration::from_millis(u64::from(timeout_millis));
    let ended = tokio::time::timeout(limit, attend(child, input, bytes_max)).await;
    ended
        .unwrap_or(Err(CallFault::Timeout))
        .map_err(|fault| (fault, EffectKnown::Unknown))
}

/// Gives the command its input, takes its output, and waits for its end.
async fn attend(
    mut child: Child,
    input: Option<String>,
    bytes_max: usize,
) -> Result<Vec<u8>, CallFault> {
    let mut group = Group(
        child
            .id()
            .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)),
    );
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let give = async {
        if let (Some(mut stdin), Some(input)) = (stdin, input) {
            // A command that does not read its input has its reasons.
            stdin.write_all(input.as_bytes()).await.ok();
        }
    };
    let take = async {
        let mut output = Vec::new();
        let mut bounded = stdout
            .ok_or(CallFault::Unavailable)?
            .take(bytes_max as u64 + 1);
        bounded
            .read_to_end(&mut output)
            .await
            .map_err(|_| CallFault::Unavailable)?;
        if output.len() > bytes_max {
            Err(CallFault::Malformed)
        } else {
            Ok(output)
        }
    };
    let ((), output) = tokio::join!(give, take);
    let output = output?;
    let status = child.wait().await.map_err(|_| CallFault::Unavailable)?;
    // Whatever it left behind ends with it.
    group.kill();
    if status.success() {
        Ok(output)
    } else {
        Err(CallFault::Unavailable)
    }
}

/// A process group, killed when this is dropped.
struct Group(Option<Pid>);

impl Group {
    fn kill(&mut self) {
        if let Some(leader) = self.0.take() {
            // It fails where nobody is left in the group.
            kill_process_group(leader, Signal::KILL).ok();
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A fresh directory, removed with all that is in it when this is dropped.
struct OwnDirectory(PathBuf);

impl OwnDirectory {
    fn make(site: &Site) -> Result<Self, CallFault> {
        use std::os::unix::fs::DirBuilderExt;
        let unusable = |_| CallFault::Configuration;
        let work = site.data_dir.join("work");
        let name = u64::from_be_bytes(
            random(site.entropy.as_ref()).map_err(|_| CallFault::Configuration)?,
        );
        let own = work.join(format!("{name:016x}"));
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&work)
            .map_err(unusable)?;
        std::fs::DirBuilder::new()
            .mode(0o700)
            .create(&own)
            .map_err(unusable)?;
        Ok(Self(own))
    }
}

impl Drop for OwnDirectory {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(kind = ?error.kind(), "a command's directory was not removed");
        }
    }
}
