//! `interlock audit stream`: sends what was published since the last time and stops, or checks lines as a receiver has
//! them. A server follows the log by itself.

use std::path::Path;

use interlock_runtime::stream::{self, Outside};

use crate::door::Installation;
use crate::exit::{Exit, Failure};
use crate::options::Common;
use crate::print;

/// Bytes of a file of lines.
const LINES_BYTES_MAX: u64 = 1024 * 1024 * 1024;

pub(super) async fn send(
    common: &Common,
    installation: &Installation,
    name: Option<&str>,
) -> Result<Exit, Failure> {
    let streams = &installation.config.streams;
    let chosen: Vec<_> = streams
        .iter()
        .filter(|stream| name.is_none_or(|name| stream.name == name))
        .collect();
    if chosen.is_empty() {
        return Err(Failure::usage(
            "failed to find the stream: there is none of that name",
            "[[stream]] in interlock.toml; docs/streams.md says how",
        ));
    }
    let engine = installation.engine()?;
    installation.publisher(&engine).await?.publish_now().await?;
    let egress = installation.egress()?;
    let outside = Outside {
        egress: &egress,
        secrets: &installation.secrets,
        data_dir: &installation.dir,
    };
    let mut exit = Exit::Done;
    let mut rows = Vec::new();
    for config in chosen {
        let sent = match stream::open(config, engine.tenant(), &outside) {
            Ok(follower) => follower.once(engine.shared_store()).await,
            Err(fault) => Err(fault.into()),
        };
        let (lines, fault) = match sent {
            Ok(lines) => (lines, None),
            Err(fault) => {
                exit = Exit::Failed;
                (0, Some(fault.to_string()))
            }
        };
        if common.json {
            rows.push(serde_json::json!({"stream": config.name, "sent": lines, "fault": fault}));
        } else {
            let says = fault.map_or_else(
                || format!("{lines} lines"),
                |fault| format!("failed to {fault}"),
            );
            print::line(&format!("{:<16} {}", config.name, print::harmless(&says)));
        }
    }
    if common.json {
        print::json(&rows)?;
    }
    Ok(exit)
}

pub(super) fn check(common: &Common, file: &Path) -> Result<Exit, Failure> {
    let unread = |fault: std::io::Error| {
        Failure::usage(
            format!("failed to read `{}`: {fault}", file.display()),
            "a file of lines as they were received",
        )
    };
    if std::fs::metadata(file).map_err(unread)?.len() > LINES_BYTES_MAX {
        return Err(Failure::usage(
            format!("failed to read `{}`: it is over 1 GiB", file.display()),
            "check it in parts: each begins with the last line of the one before",
        ));
    }
    let text = std::fs::read_to_string(file).map_err(unread)?;
    match stream::check(text.lines()) {
        Ok(held) if common.json => print::json(&serde_json::json!({
            "whole": true, "entries": held.entries, "first": held.first, "repeated": held.repeated,
        }))?,
        Ok(held) => print::line(&format!(
            "whole: {} entries from index {}, {} repeated",
            held.entries, held.first, held.repeated
        )),
        Err(gap) => {
            if common.json {
                print::json(&serde_json::json!({
                    "whole": false, "line": gap.line, "index": gap.index, "what": gap.what,
                }))?;
            } else {
                let index = gap
                    .index
                    .map_or_else(String::new, |index| format!("index {index}, "));
                print::line(&format!("not whole: {index}{gap}"));
            }
            return Ok(Exit::Failed);
        }
    }
    Ok(Exit::Done)
}
