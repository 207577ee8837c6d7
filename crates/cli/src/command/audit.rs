//! `interlock audit`: a run's chain of custody, and whether the log is whole. Reads beside a running server.

use interlock_runtime::Fault;

use super::input;
use crate::door::Installation;
use crate::exit::{Exit, Failure};
use crate::options::{AuditCommand, Common};
use crate::print;

mod anchors;
mod erase;
mod export;
mod guard;
mod hold;
mod key;
mod marks;
mod retention;
mod reveal;
pub(super) mod runs;
mod search;
mod stream;
mod verify;
mod watch;

pub(super) async fn run(common: &Common, command: AuditCommand) -> Result<Exit, Failure> {
    // An auditor has no installation.
    let command = match command {
        AuditCommand::Watch(options) => return watch::run(common, options).await,
        AuditCommand::Verify(options) => return verify::run(common, options).await,
        command => command,
    };
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
        AuditCommand::Receipt { index } => receipt(common, &installation, index).await,
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
        AuditCommand::Verify(options) => verify::run(common, options).await,
        AuditCommand::Export(options) => export::run(common, &installation, options).await,
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

/// Prints a receipt as it is, for a file of its own.
async fn receipt(
    common: &Common,
    installation: &Installation,
    index: u64,
) -> Result<Exit, Failure> {
    let engine = installation.engine_over(installation.store_read_only()?)?;
    let receipt = engine.receipt(index).await?;
    let receipt = receipt.and_then(|bytes| String::from_utf8(bytes).ok());
    let receipt = receipt.ok_or_else(|| {
        Failure::usage(
            format!("failed to prove entry {index}: it is not published, pruned, or not there"),
            "interlock audit search shows what there is, with its index",
        )
    })?;
    if common.json {
        print::json(&serde_json::json!({"index": index, "receipt": receipt}))?;
    } else {
        print::line(receipt.trim_end_matches('\n'));
    }
    Ok(Exit::Done)
}
