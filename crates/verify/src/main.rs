//! `interlock-verify`: reads a log and says whether it is the one that was signed, whole, and makes sense.
//! It needs no network, no store and no other part of Interlock. Exit 0 verified, 1 tampered, 2 cannot tell.

use std::fs;
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

use interlock_journal::audit::{Expectations, Progress, audit};
use interlock_journal::{Checkpoint, checkpoint};
use interlock_verify::{Arguments, Asked, HELP, Usage, json, lines, open, parse_policy, plain};

/// Most bytes of a file that an option names.
const OPTION_FILE_BYTES_MAX: u64 = 1024 * 1024;

fn main() -> ExitCode {
    match run() {
        Ok(code) => ExitCode::from(code),
        Err(usage) => {
            let mut err = std::io::stderr();
            let _ = writeln!(err, "interlock-verify: {}", plain(&usage.what));
            let _ = writeln!(err, "hint: {}", usage.hint);
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<u8, Usage> {
    let mut out = std::io::stdout();
    let asked = match Arguments::parse(std::env::args_os().skip(1))? {
        Asked::Help => {
            let _ = write!(out, "{HELP}");
            return Ok(0);
        }
        Asked::Verify(asked) => asked,
    };
    let expect = expectations(&asked)?;
    let files = open(&asked.path).map_err(|error| Usage {
        what: format!("failed to open `{}`: {error}", asked.path.display()),
        hint: "give a folder of log tiles, a folder of an export, or an export's tar",
    })?;
    let watching = std::io::stderr().is_terminal() && !asked.json;
    let report = audit(&*files, &expect, &mut |progress| {
        if watching {
            show(progress);
        }
    });
    if watching {
        let _ = write!(std::io::stderr(), "\r\x1b[K");
    }
    let written = if asked.json {
        writeln!(out, "{}", json(&report))
    } else {
        lines(&report)
            .iter()
            .try_for_each(|line| writeln!(out, "{line}"))
    };
    // A verdict that nobody can read is none.
    if written.and_then(|()| out.flush()).is_err() {
        return Ok(2);
    }
    Ok(report.exit())
}

fn show(progress: Progress) {
    let _ = write!(
        std::io::stderr(),
        "\r{} of {} entries",
        progress.done,
        progress.of
    );
}

fn expectations(asked: &Arguments) -> Result<Expectations, Usage> {
    let witnesses = match &asked.witnesses {
        None => None,
        Some(path) => {
            let bytes = option_file(path)?;
            let policy = parse_policy(&String::from_utf8_lossy(&bytes));
            Some(policy.map_err(|fault| Usage {
                what: fault.to_string(),
                hint: "lines are `witness NAME VKEY`, `group NAME K NAMES`, `quorum NAME`",
            })?)
        }
    };
    let kept = match &asked.kept {
        None => None,
        Some(path) => Some(kept(asked, path)?),
    };
    Ok(Expectations {
        origin: asked.origin.clone(),
        keys: asked.keys.clone(),
        kept,
        witnesses,
        part: asked.part.clone(),
        payloads: asked.payloads,
        tree_only: asked.tree_only,
    })
}

/// The kept checkpoint, which has to be one that the trusted keys signed: a file mixed up is noticed here.
fn kept(asked: &Arguments, path: &Path) -> Result<Checkpoint, Usage> {
    let bytes = option_file(path)?;
    let mut last = "no key is named for a log".to_owned();
    let named = asked.keys.iter().map(|key| key.name().to_owned());
    for origin in asked.origin.iter().cloned().chain(named) {
        match checkpoint::open(&bytes, &origin, &asked.keys) {
            Ok(opened) => return Ok(opened.checkpoint),
            Err(fault) => last = fault.to_string(),
        }
    }
    Err(Usage {
        what: format!("kept checkpoint `{}`: {last}", path.display()),
        hint: "keep the file `checkpoint` of the log as it was when you last verified it",
    })
}

fn option_file(path: &Path) -> Result<Vec<u8>, Usage> {
    let read = fs::metadata(path).and_then(|found| {
        // A pipe would be waited for, and has no end that is known.
        if !found.is_file() {
            Err(std::io::Error::other("is no file"))
        } else if found.len() > OPTION_FILE_BYTES_MAX {
            Err(std::io::Error::other("is too long"))
        } else {
            fs::read(path)
        }
    });
    read.map_err(|error| Usage {
        what: format!("failed to read `{}`: {error}", path.display()),
        hint: "see `interlock-verify --help`",
    })
}
