//! `interlock audit watch`: an auditor's own eyes on a log. They keep the last checkpoint that they saw in a file of
//! their own; each new one must continue it. Needs no installation here, only the log's address and its key.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use interlock_journal::VerifierKey;
use interlock_runtime::anchor::watch::{Breach, FolderLog, LogSource, Look, Seen, UrlLog, look};
use interlock_runtime::clock::{Clock, SystemClock};
use interlock_runtime::egress::{Egress, EgressOptions};
use interlock_runtime::secret::Secret;

use super::super::input;
use crate::exit::{Exit, Failure};
use crate::options::{Common, WatchOptions};
use crate::print;

/// Bytes of the file of what was seen.
const STATE_BYTES_MAX: u64 = 1024 * 1024;

pub(super) async fn run(common: &Common, options: WatchOptions) -> Result<Exit, Failure> {
    let parse = |key: &String| {
        VerifierKey::parse(key).map_err(|fault| {
            Failure::usage(
                format!("failed to read the key: {fault}"),
                "`interlock audit key` prints it where the log is; have it from a person, not from the log's own server",
            )
        })
    };
    let keys = options
        .key
        .iter()
        .map(parse)
        .collect::<Result<Vec<_>, _>>()?;
    let source = source(&options)?;
    loop {
        let kept = read(&options.state)?;
        let seen = look(source.as_ref(), &keys, kept.as_ref()).await;
        let exit = tell(common, &options, kept.as_ref(), seen)?;
        if options.once || exit == Exit::Failed {
            return Ok(exit);
        }
        tokio::time::sleep(Duration::from_secs(options.interval)).await;
    }
}

fn source(options: &WatchOptions) -> Result<Box<dyn LogSource>, Failure> {
    let place = options.log.as_str();
    if !place.starts_with("http://") && !place.starts_with("https://") {
        return Ok(Box::new(FolderLog(PathBuf::from(place))));
    }
    let egress = EgressOptions {
        ca_file: options.ca_file.clone(),
    };
    let egress = Egress::new(&egress).map_err(|fault| {
        Failure::usage(
            format!("failed to {fault}"),
            "--ca-file FILE names a PEM file",
        )
    })?;
    let api_key = match &options.api_key {
        None => None,
        Some(file) => Some(Secret::new(&input::api_key(file)?)),
    };
    Ok(Box::new(UrlLog::new(Arc::new(egress), place, api_key)))
}

/// Says what was seen and keeps it. What is broken is never kept as the new last; both notes are.
fn tell(
    common: &Common,
    options: &WatchOptions,
    kept: Option<&Seen>,
    seen: Look,
) -> Result<Exit, Failure> {
    let now = SystemClock.now();
    let seconds = now.as_micros() / 1_000_000;
    let fresh = |seen: Seen| Seen {
        since: Some(seconds),
        ..seen
    };
    let (time, state) = (now.to_string(), options.state.as_path());
    let (exit, word, says, shown) = match seen {
        Look::First(seen) => {
            let seen = fresh(seen);
            write(state, &seen)?;
            let says = format!(
                "{}: {} entries, signature holds; nothing to compare with yet",
                seen.origin, seen.size
            );
            (Exit::Done, "first", says, None)
        }
        Look::Same(seen) => {
            let since = kept.and_then(|kept| kept.since);
            if let Some(kept) = kept
                && since.is_none()
            {
                // Kept before there was a time: the age is counted from here.
                write(state, &fresh(kept.clone()))?;
            }
            // However far the clock went the other way: it tells no age, which is no reason to be calm.
            let age = since.map_or(0, |since| seconds.abs_diff(since));
            if options.max_age.is_some_and(|max| age > max) {
                let says = format!(
                    "cannot tell: {} has had {} entries for {age} seconds: a log that stands still, or an old copy of it",
                    seen.origin, seen.size
                );
                (Exit::Usage, "cannot_tell", says, None)
            } else if options.once {
                let says = format!("{}: {} entries, as before", seen.origin, seen.size);
                (Exit::Done, "same", says, None)
            } else {
                return Ok(Exit::Done);
            }
        }
        Look::Grown(seen) => {
            let seen = fresh(seen);
            write(state, &seen)?;
            let before = kept.map_or(0, |kept| kept.size);
            let says = format!(
                "{}: grew from {before} to {} entries; all that was kept is still in it",
                seen.origin, seen.size
            );
            (Exit::Done, "grown", says, None)
        }
        Look::Broken { breach, note } => {
            let path = keep_evidence(state, kept, breach, &note, &time)?;
            let says = format!("TAMPERED: {}", breach.says());
            (Exit::Failed, "tampered", says, Some(path))
        }
        Look::CannotTell(why) => (
            Exit::Usage,
            "cannot_tell",
            format!("cannot tell: {why}"),
            None,
        ),
    };
    let evidence = shown.as_ref().map(|path| path.display().to_string());
    if common.json {
        let value =
            serde_json::json!({"time": time, "verdict": word, "says": says, "evidence": evidence});
        print::line(&print::harmless(&value.to_string()));
    } else {
        print::line(&format!("{time}  {}", print::harmless(&says)));
        if let Some(evidence) = evidence {
            print::line(&format!(
                "both checkpoints are kept as evidence: {evidence}"
            ));
            print::line("show it to whoever relies on this log; do not delete what you had kept");
        }
    }
    Ok(exit)
}

/// What was seen before; `None` where nothing was. A file that cannot be read is no fresh start.
fn read(path: &Path) -> Result<Option<Seen>, Failure> {
    let unreadable = |why: String| {
        Failure::usage(
            format!("failed to read `{}`: {why}", path.display()),
            "it holds the last checkpoint that you saw: restore it, or name another file and begin anew",
        )
    };
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(fault) => return Err(unreadable(fault.to_string())),
    };
    let mut bytes = Vec::new();
    file.take(STATE_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(|fault| unreadable(fault.to_string()))?;
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|_| unreadable("it is not what this command writes".to_owned()))
}

/// Replaces the file as a whole, durably.
fn write(path: &Path, seen: &Seen) -> Result<(), Failure> {
    let text =
        serde_json::to_vec_pretty(seen).map_err(|fault| Failure::failed(fault.to_string()))?;
    replace(path, &text).map_err(|fault| {
        // What was seen is not kept, so the next look cannot be held against it.
        let mut failure = Failure::usage(
            format!("failed to write `{}`: {fault}", path.display()),
            "--state FILE names a file in a folder of yours",
        );
        failure.exit = Exit::Usage;
        failure
    })
}

fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let dir = match path.parent() {
        Some(dir) if dir != Path::new("") => dir,
        _ => Path::new("."),
    };
    let mut next = tempfile::NamedTempFile::new_in(dir)?;
    next.write_all(bytes)?;
    next.as_file().sync_all()?;
    next.persist(path)?;
    std::fs::File::open(dir)?.sync_all()
}

/// Keeps both notes in a file beside the state, named by what was served: seeing the same again adds nothing.
fn keep_evidence(
    state: &Path,
    kept: Option<&Seen>,
    breach: Breach,
    note: &[u8],
    time: &str,
) -> Result<PathBuf, Failure> {
    let digest = interlock_journal::leaf_hash(note).to_string();
    let mut name = state.file_name().unwrap_or_default().to_os_string();
    name.push(format!(
        ".evidence-{}",
        digest.get(..16).unwrap_or_default()
    ));
    let path = state.with_file_name(name);
    if path.exists() {
        return Ok(path);
    }
    let text = |note: &[u8]| String::from_utf8_lossy(note).into_owned();
    let evidence = serde_json::json!({
        "time": time,
        "says": breach.says(),
        "kept": kept.map(|kept| text(&kept.note)),
        "served": text(note),
    });
    let bytes =
        serde_json::to_vec_pretty(&evidence).map_err(|fault| Failure::failed(fault.to_string()))?;
    // The verdict is tampered whether or not the evidence could be written.
    replace(&path, &bytes).map_err(|fault| {
        Failure::failed(format!(
            "TAMPERED: {}; and failed to write the evidence to `{}`: {fault}",
            breach.says(),
            path.display()
        ))
    })?;
    Ok(path)
}
