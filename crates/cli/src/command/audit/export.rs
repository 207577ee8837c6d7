//! `interlock audit export`: entries as files for an auditor, in one tar or as bare tiles. What is written stands under
//! its name only once an entry says that it left.

use std::fs;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use interlock_core::time::Timestamp;
use interlock_runtime::Engine;
use interlock_runtime::export::{
    ExportFault, ExportOf, ExportWith, Exported, ExportedBy, FolderPack, TarPack,
};

use super::search::instant;
use crate::command::input;
use crate::door::{Installation, ask_server};
use crate::exit::{Exit, Failure};
use crate::options::{Common, ExportOptions};
use crate::print;

/// Entries of a log above which progress is told.
const TELL_FROM: u64 = 20_000;

pub(super) async fn run(
    common: &Common,
    installation: &Installation,
    options: ExportOptions,
) -> Result<Exit, Failure> {
    let engine = installation.engine_to_show(&ask_server("POST /api/v1/exports"))?;
    installation.publisher(&engine).await?.publish_now().await?;
    let person = installation.person(&engine).await?;
    let bare = options.format == "tiles";
    let of = what(&engine, &options).await?;
    if bare && of != ExportOf::Log {
        return Err(Failure::usage(
            "failed to export: tiles are of the whole log",
            "--format bundle exports a part of it, with receipts",
        ));
    }
    if options.out.exists() {
        return Err(Failure::usage(
            format!(
                "failed to write `{}`: it is there already",
                options.out.display()
            ),
            "--out PATH names a new file or folder",
        ));
    }
    let with = ExportWith {
        payloads: !options.no_payloads,
        disclose: options
            .disclose
            .iter()
            .map(|id| input::id(id, "pay_ and 26 characters"))
            .collect::<Result<_, _>>()?,
        bare,
    };
    let by = ExportedBy {
        principal: &person,
        reason: options.reason.trim(),
    };
    let folder = bare || options.out.as_os_str().to_string_lossy().ends_with('/');
    let partial = beside(&options.out);
    let written = write(common, &engine, &of, &with, by, &partial, folder).await;
    let exported = match written {
        Ok(exported) => exported,
        Err(failure) => {
            let _ = if folder {
                fs::remove_dir_all(&partial)
            } else {
                fs::remove_file(&partial)
            };
            return Err(failure);
        }
    };
    fs::rename(&partial, &options.out)?;
    tell(common, &options.out, &exported)?;
    // The entry that says that it left is published too, before this ends.
    installation.publisher(&engine).await?.publish_now().await?;
    Ok(Exit::Done)
}

async fn write(
    common: &Common,
    engine: &Engine,
    of: &ExportOf,
    with: &ExportWith,
    by: ExportedBy<'_>,
    partial: &Path,
    folder: bool,
) -> Result<Exported, Failure> {
    let mut told = |done: u64, size: u64| {
        if !common.json && size >= TELL_FROM {
            print::aside(&format!("exported {done} of {size} entries"));
        }
    };
    if folder {
        let mut pack = FolderPack::new(partial.to_owned())?;
        return engine
            .export(of, with, by, &mut pack, &mut told)
            .await
            .map_err(failure);
    }
    let file = {
        use std::os::unix::fs::OpenOptionsExt as _;
        fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(partial)?
    };
    let kept = file.try_clone()?;
    let mut pack = TarPack::new(BufWriter::new(file));
    let exported = engine
        .export(of, with, by, &mut pack, &mut told)
        .await
        .map_err(failure)?;
    kept.sync_all()?;
    Ok(exported)
}

async fn what(engine: &Engine, options: &ExportOptions) -> Result<ExportOf, Failure> {
    if let Some(run) = &options.run {
        return Ok(ExportOf::Run(input::id(run, "run_ and 26 characters")?));
    }
    if let Some(subject) = &options.subject {
        let found = engine.subject_known(subject).await?;
        return found.map(ExportOf::Subject).ok_or_else(|| {
            Failure::usage(
                "failed to find the person: nothing here is about anybody of that name",
                "a name as inputs give it, or sub_…; after an erasure by sub_… alone",
            )
        });
    }
    if let (Some(from), Some(to)) = (options.from, options.to) {
        return Ok(ExportOf::Range(from, to));
    }
    let Some(since) = &options.since else {
        return Ok(ExportOf::Log);
    };
    let since = instant(since, "T00:00:00.000000Z")?;
    let until = match &options.until {
        None => Timestamp::from_micros(u64::MAX / 2),
        Some(until) => instant(until, "T23:59:59.999999Z")?,
    };
    let range = engine.range_of(since, until).await.map_err(failure)?;
    let (from, to) = range.ok_or_else(|| {
        Failure::usage(
            "failed to export: no entry was written in that time",
            "interlock audit search --since … shows what was",
        )
    })?;
    Ok(ExportOf::Range(from, to))
}

/// Where it is written until it is whole.
fn beside(out: &Path) -> PathBuf {
    let mut name = out.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    out.with_file_name(name)
}

fn tell(common: &Common, out: &Path, exported: &Exported) -> Result<(), Failure> {
    if common.json {
        return print::json(&serde_json::json!({
            "out": out.display().to_string(), "origin": exported.origin, "size": exported.size,
            "entries": exported.entries, "files": exported.files, "manifest": exported.manifest.to_string(),
        }));
    }
    print::line(&format!(
        "{}: {} entries of {} (size {}), {} files",
        out.display(),
        exported.entries,
        exported.origin,
        exported.size,
        exported.files
    ));
    print::line(&format!("manifest {}", exported.manifest));
    print::aside(
        "its receiver needs the log's key from you, by another way: interlock audit key --format vkey",
    );
    Ok(())
}

fn failure(fault: ExportFault) -> Failure {
    let message = format!("failed to {fault}");
    match fault {
        ExportFault::Role => {
            let mut failure = Failure::usage(
                message,
                "role admin, auditor, dpo or investigator may export; dpo or investigator may disclose",
            );
            failure.exit = Exit::Denied;
            failure
        }
        ExportFault::Nothing(_) | ExportFault::TooMany => {
            Failure::usage(message, "interlock audit search shows what there is")
        }
        ExportFault::Unpublished => Failure::failed(message).hint("interlock doctor says why"),
        ExportFault::Io(_) => Failure::failed(message).hint("--out PATH names another place"),
        ExportFault::Engine(fault) => Failure::from(fault),
    }
}
