//! `interlock audit verify`: the same audit over this installation's log, a folder, a tar or an address. Of this
//! installation's log it also follows each run through the machine that ran it. Exit 0 verified, 1 tampered, 2 cannot tell.

use std::path::Path;
use std::sync::Arc;

use interlock_core::id::RunId;
use interlock_journal::audit::{self, Expectations, LogFiles, ReadFault, Report};
use interlock_journal::{Checkpoint, VerifierKey, checkpoint};
use interlock_runtime::anchor::watch::{LogSource, UrlLog};
use interlock_runtime::egress::{Egress, EgressOptions};
use interlock_runtime::log::{BlockingLogFiles, LogRecord, StoreLogFiles};
use interlock_runtime::secret::Secret;
use interlock_runtime::{Engine, Fault};
use tokio::runtime::Handle;

use super::runs;
use crate::command::input;
use crate::door::Installation;
use crate::exit::{Exit, Failure};
use crate::options::{Common, VerifyOptions};
use crate::print;

/// Bytes of a file that the caller names.
const FILE_BYTES_MAX: u64 = 256 * 1024;
const TARGETS: &str =
    "a run_ and 26 characters, a folder of tiles or of an export, an export's tar, or https://…";
/// Entries of a log above which progress is told.
const TELL_FROM: u64 = 50_000;

pub(super) async fn run(common: &Common, options: VerifyOptions) -> Result<Exit, Failure> {
    let outcome = match options.target.as_deref() {
        None => installed(common, &options, None).await,
        Some(run) if run.starts_with("run_") => {
            let run: RunId = input::id(run, "run_ and 26 characters")?;
            installed(common, &options, Some(run)).await
        }
        Some(target) => elsewhere(common, &options, target).await,
    };
    // Whatever went wrong on the way, it is not known whether the log holds: never a mere failure, which says tampered.
    outcome.map_err(|mut failure| {
        failure.exit = Exit::Usage;
        failure
    })
}

/// A folder, a tar or an address.
async fn elsewhere(
    common: &Common,
    options: &VerifyOptions,
    target: &str,
) -> Result<Exit, Failure> {
    let is_address = target.starts_with("https://") || target.starts_with("http://");
    if !is_address && !Path::new(target).exists() {
        return Err(Failure::usage(
            format!("failed to find `{target}`: no file or folder of that name"),
            TARGETS,
        ));
    }
    if options.key.is_empty() {
        return Err(Failure::usage(
            "failed to verify: no key was given to trust",
            "--key VKEY, as the log's owner gave it to you by another way than the log itself",
        ));
    }
    let expected = expected(options, keys(&options.key)?)?;
    let report = if is_address {
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
        let source = UrlLog::new(Arc::new(egress), target, api_key);
        audited(common, expected, move |runtime| {
            Ok(Box::new(Remote { source, runtime }))
        })
        .await?
    } else {
        let path = Path::new(target).to_owned();
        let shown = target.to_owned();
        audited(common, expected, move |_| {
            interlock_verify::open(&path).map_err(|fault| {
                Failure::usage(format!("failed to open `{shown}`: {fault}"), TARGETS)
            })
        })
        .await?
    };
    if common.json {
        print::line(&interlock_verify::json(&report));
    } else {
        interlock_verify::lines(&report)
            .iter()
            .for_each(|line| print::line(line));
    }
    Ok(exit_of(&report))
}

/// This installation's own log.
async fn installed(
    common: &Common,
    options: &VerifyOptions,
    only: Option<RunId>,
) -> Result<Exit, Failure> {
    let installation = Installation::open(common)?;
    let engine = installation.engine_over(installation.store_read_only()?)?;
    let verified = runs::verify(&engine, only).await?;
    let report = match only {
        Some(_) => None,
        None => whole(common, options, &engine).await?,
    };
    let exit = worse(verified.exit(), report.as_ref().map_or(Exit::Done, exit_of));
    if common.json {
        let mut value = verified.json();
        if let (Some(report), Some(members)) = (&report, value.as_object_mut()) {
            let log = serde_json::from_str(&interlock_verify::json(report))
                .map_err(|fault| Failure::failed(fault.to_string()))?;
            members.insert("log".to_owned(), log);
        }
        print::json(&value)?;
    } else {
        if let Some(report) = &report {
            interlock_verify::lines(report)
                .iter()
                .for_each(|line| print::line(line));
        } else if only.is_none() {
            print::line(
                "log           nothing is published yet: no checkpoint to hold entries against",
            );
        }
        verified.lines().iter().for_each(|line| print::line(line));
    }
    Ok(exit)
}

/// The audit of what this installation has published; `None`: nothing was.
async fn whole(
    common: &Common,
    options: &VerifyOptions,
    engine: &Arc<Engine>,
) -> Result<Option<Report>, Failure> {
    let Some(files) = StoreLogFiles::of(engine).await.map_err(Fault::from)? else {
        return Ok(None);
    };
    let trusted = if options.key.is_empty() {
        let record = LogRecord::read(engine.store(), engine.tenant())
            .await
            .map_err(Fault::from)?;
        if !common.json {
            print::aside(
                "trusting the keys that this installation names itself; --key VKEY trusts yours instead",
            );
        }
        record.map_or_else(Vec::new, |record| {
            record.keys.into_iter().map(|from| from.key).collect()
        })
    } else {
        keys(&options.key)?
    };
    let mut expected = expected(options, trusted)?;
    expected.payloads = Some(!options.no_payloads);
    audited(common, expected, move |runtime| {
        Ok(Box::new(BlockingLogFiles::new(files, runtime)))
    })
    .await
    .map(Some)
}

/// The audit on a thread that may block.
async fn audited(
    common: &Common,
    expected: Expectations,
    open: impl FnOnce(Handle) -> Result<Box<dyn LogFiles>, Failure> + Send + 'static,
) -> Result<Report, Failure> {
    let (runtime, tell) = (Handle::current(), !common.json);
    let done = tokio::task::spawn_blocking(move || {
        let files = open(runtime)?;
        let mut told = 0;
        Ok(audit::audit(files.as_ref(), &expected, &mut |progress| {
            if tell && progress.of >= TELL_FROM && progress.done >= told + TELL_FROM {
                told = progress.done;
                print::aside(&format!(
                    "verified {} of {} entries",
                    progress.done, progress.of
                ));
            }
        }))
    });
    done.await
        .map_err(|_| Failure::failed("failed to verify: the audit ended early"))?
}

/// A log at an address, for a thread that may block.
struct Remote {
    source: UrlLog,
    runtime: Handle,
}

impl LogFiles for Remote {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, ReadFault> {
        self.runtime
            .block_on(self.source.read(path))
            .map_err(ReadFault)
    }
}

fn keys(texts: &[String]) -> Result<Vec<VerifierKey>, Failure> {
    texts
        .iter()
        .map(|text| {
            VerifierKey::parse(text.trim()).map_err(|fault| {
                Failure::usage(
                    format!("failed to read --key: {fault}"),
                    "one line NAME+ID+BASE64, as `interlock audit key --format vkey` prints it",
                )
            })
        })
        .collect()
}

fn expected(options: &VerifyOptions, keys: Vec<VerifierKey>) -> Result<Expectations, Failure> {
    let kept = match &options.kept {
        None => None,
        Some(file) => Some(kept(options, &keys, file)?),
    };
    let witnesses = match &options.witness_policy {
        None => None,
        Some(file) => {
            let unread = |what: String| {
                Failure::usage(
                    format!("failed to read `{}`: {what}", file.display()),
                    "docs/verify.md says what a witness policy is",
                )
            };
            let bytes = read(file).map_err(|fault| unread(fault.to_string()))?;
            let text = String::from_utf8(bytes).map_err(|_| unread("it is no text".to_owned()))?;
            let policy = interlock_verify::parse_policy(&text);
            Some(policy.map_err(|fault| unread(format!("line {}: {}", fault.line, fault.what)))?)
        }
    };
    Ok(Expectations {
        origin: options.origin.clone(),
        keys,
        kept,
        witnesses,
        payloads: options.no_payloads.then_some(false),
        part: part(options)?,
        ..Expectations::default()
    })
}

/// The kept checkpoint, which has to be one that the trusted keys signed: a file mixed up or forged holds nothing.
fn kept(options: &VerifyOptions, keys: &[VerifierKey], file: &Path) -> Result<Checkpoint, Failure> {
    let unread = |what: &str| {
        Failure::usage(
            format!("failed to read `{}`: {what}", file.display()),
            "--kept FILE is a `checkpoint` that you kept from an earlier look, signed by a key that you trust",
        )
    };
    let bytes = read(file).map_err(|fault| unread(&fault.to_string()))?;
    let mut last = "no key is named for a log".to_owned();
    let named = keys.iter().map(|key| key.name().to_owned());
    for origin in options.origin.iter().cloned().chain(named) {
        match checkpoint::open(&bytes, &origin, keys) {
            Ok(opened) => return Ok(opened.checkpoint),
            Err(fault) => last = fault.to_string(),
        }
    }
    Err(unread(&last))
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?
        .take(FILE_BYTES_MAX)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn exit_of(report: &Report) -> Exit {
    match report.exit() {
        0 => Exit::Done,
        1 => Exit::Failed,
        _ => Exit::Usage,
    }
}

/// Tampered outweighs what cannot be told, which outweighs verified.
const fn worse(one: Exit, other: Exit) -> Exit {
    match (one, other) {
        (Exit::Failed, _) | (_, Exit::Failed) => Exit::Failed,
        (Exit::Done, other) => other,
        (one, _) => one,
    }
}

/// What an export has to be.
fn part(options: &VerifyOptions) -> Result<Option<audit::Part>, Failure> {
    let Some(words) = &options.expect else {
        return Ok(None);
    };
    audit::Part::parse(words).map(Some).ok_or_else(|| {
        Failure::usage(
            format!("failed to read --expect `{words}`"),
            "log, range, run=run_… or subject",
        )
    })
}
