//! The same below the store: strace kills the process, or fails the call, at every call by which a file becomes
//! durable, changes its name or goes: of the database, the guard, the key file and the signing key.

use interlock_sim::installation::Failure;

use super::{Before, Life, lived};
use crate::Outcome;
use crate::erasure::Office;

/// Calls that make files durable, name them, or take them away: each of them is a step.
const STEPS: [&str; 5] = ["fsync", "fdatasync", "rename", "unlink", "ftruncate"];
/// Calls that a step takes many of; a few of each are interfered with.
const PIECES: [&str; 3] = ["openat", "pwrite64", "write"];
const PIECES_TRIED: u64 = 12;
/// More calls of one name than any thread of the worker makes.
const CALLS_MAX: u64 = 2000;

/// One life in which the `n`-th call of this name, in any thread, is interfered with.
fn interfered(
    before: &Before,
    office: &Office,
    call: &str,
    inject: &str,
    n: u64,
) -> Result<Life, Failure> {
    let behind = [
        "strace",
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        &format!("trace={call}"),
        "-e",
        &format!("inject={call}:{inject}:when={n}"),
        "--",
    ]
    .map(str::to_owned);
    lived(before.worker(office, &behind)?)
}

/// Interferes with the calls of this name, and holds what comes of each. Returns how many there were.
async fn check(before: &Before, call: &str, inject: &str, numbers: &[u64]) -> Result<u64, Failure> {
    let mut interfered_with = 0;
    for n in numbers {
        let what = format!("{call} {n}, {inject}");
        let office = before.copied()?;
        let first = interfered(before, &office, call, inject, *n)?;
        if inject.starts_with("signal") && !first.was_killed() {
            assert!(first.status.success(), "{what}: {:?}", first.lines);
            break;
        }
        interfered_with += 1;
        let second = before.live(&office, None)?;
        assert!(second.status.success(), "{what}: {:?}", second.lines);
        before
            .check(&office, &[&first, &second])
            .await
            .map_err(|fault| format!("{what}: {fault}"))?;
    }
    Ok(interfered_with)
}

/// Numbers that grow by a third each time.
fn spread() -> Vec<u64> {
    let mut numbers = vec![1];
    while let Some(last) = numbers.last().copied()
        && (numbers.len() as u64) < PIECES_TRIED
    {
        numbers.push(last + 1 + last / 3);
    }
    numbers
}

fn strace_is_missing() -> bool {
    std::process::Command::new("strace")
        .arg("-V")
        .output()
        .is_err()
}

#[tokio::test]
#[ignore = "needs strace"]
async fn stranger_strace_kills_at_every_call_that_makes_a_file_durable() -> Outcome {
    if strace_is_missing() {
        return Err("install strace".into());
    }
    let before = Before::new().await?;
    for call in STEPS {
        let every: Vec<u64> = (1..CALLS_MAX).collect();
        let killed = check(&before, call, "signal=SIGKILL", &every).await?;
        eprintln!("{call}: killed at each of {killed} calls");
    }
    for call in PIECES {
        check(&before, call, "signal=SIGKILL", &spread()).await?;
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs strace"]
async fn stranger_strace_fails_calls_that_make_a_file_durable() -> Outcome {
    if strace_is_missing() {
        return Err("install strace".into());
    }
    let before = Before::new().await?;
    for call in STEPS {
        for error in ["error=EIO", "error=ENOSPC"] {
            check(&before, call, error, &spread()).await?;
        }
    }
    // No `write`: the runtime wakes itself with it, and no disk fails that.
    check(&before, "pwrite64", "error=ENOSPC", &spread()).await?;
    Ok(())
}
