//! What the log costs: appending from many writers with sealing on, publication, verification beside another
//! implementation in the same run, proofs in a large tree, and sealing and chaining for one step.
//! `cargo bench -p interlock-bench --bench journal [-- --quick]`; the last line sums up.
#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::path::Path;
use std::time::Duration;

use interlock_bench::short;

mod append;
mod cost;
mod entries;
#[path = "../../../crates/journal/tests/audit/forge.rs"]
#[expect(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the audit's tests write their logs with it; what is audited here must be such a log"
)]
mod forge;
mod proof;
mod verify;

/// How much is measured.
pub(crate) struct Amount {
    /// Seconds of appending.
    pub(crate) append: Duration,
    /// Entries of the log that is verified.
    pub(crate) verify: u64,
    /// Leaves of the tree that proofs are made in.
    pub(crate) leaves: u64,
}

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let amount = if quick {
        Amount {
            append: Duration::from_secs(5),
            verify: 100_000,
            leaves: 10_000_000,
        }
    } else {
        Amount {
            append: Duration::from_secs(30),
            verify: 1_000_000,
            leaves: 10_000_000,
        }
    };
    let dir = match tempfile::tempdir_in(scratch()) {
        Ok(dir) => dir,
        Err(fault) => {
            println!("journal: no room to measure in: {fault}");
            std::process::exit(1);
        }
    };
    let done = measure(dir.path(), &amount);
    drop(dir);
    match done {
        Ok(summary) => println!("{summary}"),
        Err(fault) => {
            println!("journal: {fault}");
            std::process::exit(1);
        }
    }
}

/// Beside the build, so that the disk is the one that work is done on and not one in memory.
fn scratch() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

type Anything = Box<dyn std::error::Error>;

fn measure(dir: &Path, amount: &Amount) -> Result<String, Anything> {
    let sync = interlock_bench::sync_time(dir)?;
    println!("F (write 4 KiB and fdatasync): {}", short(sync));
    let cost = cost::measure()?;
    let append = append::measure(dir, amount)?;
    let verify = verify::measure(dir, amount)?;
    let proof = proof::measure(amount)?;
    Ok(format!(
        "journal: F {} | {append} | {verify} | {proof} | {cost}",
        short(sync)
    ))
}
