//! `interlock audit`: a run's chain of custody, and whether the log is whole. Reads beside a running server.

use std::collections::BTreeMap;

use interlock_core::id::{PayloadId, RunId};
use interlock_runtime::{Engine, Fault};
use interlock_store::{RunFilter, RunStatus};

use super::input;
use crate::door::Installation;
use crate::exit::{Exit, Failure};
use crate::options::{AuditCommand, Common};
use crate::print;

mod anchors;
mod erase;
mod guard;
mod hold;
mod key;
mod marks;
mod retention;
mod reveal;
mod search;
mod stream;
mod watch;

pub(super) async fn run(common: &Common, command: AuditCommand) -> Result<Exit, Failure> {
    // An auditor has no installation.
    if let AuditCommand::Watch(options) = command {
        return watch::run(common, options).await;
    }
    let installation = Installation::open(common)?;
    match command {
        AuditCommand::Watch(options) => watch::run(common, options).await,
        AuditCommand::Key {
            rotate: true,
            reason,
            ..
        } => key::rotate(common, &installation, reason.as_deref().unwrap_or_default()).await,
        AuditCommand::Key { format, .. } => {
            key::show(common, &installation, format.as_deref()).await
        }
        AuditCommand::Guard(command) => guard::run(common, &installation, command).await,
        AuditCommand::Search(options) => search::run(common, &installation, *options).await,
        AuditCommand::Stream(options) => match options.check {
            Some(file) => stream::check(common, &file),
            None => stream::send(common, &installation, options.name.as_deref()).await,
        },
        AuditCommand::Anchors => anchors::list(common, &installation).await,
        AuditCommand::Anchor { name } => {
            anchors::round(common, &installation, name.as_deref()).await
        }
        AuditCommand::Erase(options) => erase::run(common, &installation, options).await,
        AuditCommand::Hold(command) => hold::run(common, &installation, command).await,
        AuditCommand::Retention(command) => retention::run(common, &installation, command).await,
        AuditCommand::Prune(options) => retention::prune(common, &installation, options).await,
        AuditCommand::Reveal { payload, reason } => {
            reveal::run(common, &installation, &payload, &reason).await
        }
        AuditCommand::Show { id, marks: true } => marks::run(common, &installation, &id).await,
        AuditCommand::Show { id, marks: false } => {
            let engine = installation.engine_over(installation.store_read_only()?)?;
            let entries = engine
                .custody(input::id(&id, "run_ and 26 characters")?)
                .await?;
            if common.json {
                print::json(&entries)?;
            } else {
                for entry in &entries {
                    print::line(&format!(
                        "{:>4}  {}  {:<18} {}",
                        entry.seq,
                        entry.time,
                        entry.event,
                        print::harmless(&entry.says)
                    ));
                    for payload in &entry.payloads {
                        print::line(&format!("{:49}sealed: {payload}", ""));
                    }
                }
                print::line(&format!("{} entries, chain whole", entries.len()));
            }
            Ok(Exit::Done)
        }
        AuditCommand::Verify { id } => {
            let id: Option<RunId> = id
                .map(|id| input::id(&id, "run_ and 26 characters"))
                .transpose()?;
            let opened = installation
                .store_read_only()
                .and_then(|store| installation.engine_over(store));
            let engine = opened.map_err(|mut failure| {
                failure.exit = Exit::Usage;
                failure
            })?;
            let verified = verify(&engine, id).await.map_err(|fault| {
                let mut failure = Failure::from(fault);
                failure.exit = Exit::Usage;
                failure
            })?;
            report(common, &verified)
        }
        AuditCommand::Rejections => {
            let store = installation.store_read_only()?;
            let rows = store
                .rejections(&installation.config.tenant)
                .await
                .map_err(Fault::from)?;
            if common.json {
                let rows: Vec<_> = rows
                    .iter()
                    .map(|row| serde_json::json!({"source": row.source, "address": row.address, "fault": row.fault, "count": row.count, "last": row.last.to_string()}))
                    .collect();
                print::json(&rows)?;
            } else if rows.is_empty() {
                print::line("nothing was refused");
            } else {
                for row in rows {
                    print::line(&format!(
                        "{:>6}  {:<16} {:<24} {:<18} last {}",
                        row.count,
                        row.source,
                        print::harmless(&row.address),
                        row.fault,
                        row.last
                    ));
                }
            }
            Ok(Exit::Done)
        }
    }
}

/// What verification found.
#[derive(Default)]
pub(super) struct Verified {
    pub(super) runs: u64,
    pub(super) entries: u64,
    /// The first bad entry of each run that is not whole.
    pub(super) broken: Vec<(RunId, u64, String)>,
    /// Payloads that an entry names and the store does not hold, by run.
    pub(super) missing: BTreeMap<RunId, Vec<PayloadId>>,
    /// Payloads whose stored bytes are not those that the entry committed to.
    pub(super) altered: Vec<(RunId, PayloadId)>,
}

/// Verifies one run, or all.
pub(super) async fn verify(engine: &Engine, only: Option<RunId>) -> Result<Verified, Fault> {
    let mut verified = Verified::default();
    let mut before = None;
    loop {
        let page: Vec<RunId> = match only {
            Some(run) => vec![run],
            None => {
                let filter = RunFilter {
                    before,
                    ..RunFilter::default()
                };
                engine
                    .store()
                    .runs(engine.tenant(), filter, 100)
                    .await?
                    .into_iter()
                    .map(|row| row.run)
                    .collect()
            }
        };
        for run in &page {
            verify_run(engine, *run, &mut verified).await?;
        }
        before = page.last().copied();
        if only.is_some() || before.is_none() {
            return Ok(verified);
        }
    }
}

async fn verify_run(engine: &Engine, run: RunId, verified: &mut Verified) -> Result<(), Fault> {
    verified.runs += 1;
    // Read before the log: a run that ends meanwhile is no finding.
    let row = engine.store().run(engine.tenant(), run).await?;
    let ended = row.is_some_and(|row| row.state == RunStatus::Ended);
    let history = match engine.history(run).await {
        Ok(history) => history,
        Err(Fault::Damaged { seq, fault, .. }) => {
            verified.broken.push((run, seq, fault));
            return Ok(());
        }
        Err(fault) => return Err(fault),
    };
    verified.entries += history.len() as u64;
    match Engine::fold(run, &history) {
        Ok(state) => {
            if ended && !state.is_ended() {
                let fault = "entries are missing at the end: the run had ended".to_owned();
                verified.broken.push((run, history.len() as u64, fault));
            }
        }
        Err(Fault::Damaged { seq, fault, .. }) => {
            verified.broken.push((run, seq, fault));
            return Ok(());
        }
        Err(fault) => return Err(fault),
    }
    for note in history.iter().flat_map(|recorded| &recorded.payloads) {
        match engine.ciphertext_is_committed(note).await? {
            None => verified.missing.entry(run).or_default().push(note.id),
            Some(false) => verified.altered.push((run, note.id)),
            Some(true) => {}
        }
    }
    Ok(())
}

fn report(common: &Common, verified: &Verified) -> Result<Exit, Failure> {
    let tampered = !verified.broken.is_empty() || !verified.altered.is_empty();
    let missing: usize = verified.missing.values().map(Vec::len).sum();
    let exit = match (tampered, missing) {
        (true, _) => Exit::Failed,
        (false, 0) => Exit::Done,
        (false, _) => Exit::Usage,
    };
    if common.json {
        let broken: Vec<_> = verified
            .broken
            .iter()
            .map(|(run, seq, fault)| serde_json::json!({"run": run.to_string(), "entry": seq, "fault": fault}))
            .collect();
        let altered: Vec<_> = verified
            .altered
            .iter()
            .map(|(run, id)| format!("{run} {id}"))
            .collect();
        print::json(&serde_json::json!({
            "runs": verified.runs, "entries": verified.entries, "broken": broken,
            "payloads_altered": altered, "payloads_missing": missing,
        }))?;
        return Ok(exit);
    }
    for (run, seq, fault) in &verified.broken {
        print::line(&format!(
            "tampered: {run} entry {seq}: {}",
            print::harmless(fault)
        ));
    }
    for (run, id) in &verified.altered {
        print::line(&format!(
            "tampered: {run} payload {id}: not the bytes that its entry committed to"
        ));
    }
    for (run, ids) in &verified.missing {
        print::line(&format!(
            "cannot tell: {run}: {} payloads are missing and no entry says why",
            ids.len()
        ));
    }
    print::line(&format!(
        "{}: {} runs, {} entries",
        if tampered {
            "not whole"
        } else if missing > 0 {
            "chains whole, payloads missing"
        } else {
            "verified"
        },
        verified.runs,
        verified.entries
    ));
    Ok(exit)
}
