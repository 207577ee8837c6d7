//! A ledger: one JSON line for each act in a file of the data directory, a real effect without another system. A key
//! that is there is not written again and gives the receipt that it gave. No content stands in it: ids that lead to
//! the log, where arguments are sealed, and marks by which the same is known again. If we die while a line is written,
//! it is either whole or removed by whoever writes next.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::Arc;

use interlock_bundle::LedgerConnector;
use interlock_core::pipeline::model::CallFault;
use interlock_core::pipeline::tool::canonical_json;
use rustix::fs::{FlockOperation, flock};
use serde_json::{Value, json};

use super::{ActMarks, Performing, ToolFailure};
use crate::connector::{Site, is_file_name};

/// Bytes of one ledger; a fuller one takes no more.
const LEDGER_BYTES_MAX: u64 = 64 * 1024 * 1024;

pub(super) async fn perform(
    connector: &LedgerConnector,
    performing: &Performing<'_>,
    site: &Arc<Site>,
) -> Result<Value, ToolFailure> {
    let unusable = ToolFailure::not_performed(CallFault::Configuration);
    if !is_file_name(&connector.file) {
        return Err(unusable);
    }
    let marks = performing.marks.cloned().ok_or(unusable)?;
    let directory = site.data_dir.join("ledgers");
    let entry = Entry {
        directory: directory.clone(),
        path: directory.join(&connector.file),
        marks,
        run: performing.run.to_owned(),
        act: performing.act.to_owned(),
        at: site.clock.now().to_string(),
    };
    let written = tokio::task::spawn_blocking(move || entry.write()).await;
    // A task that did not end may have written.
    let receipt = written.map_err(|_| ToolFailure::unknown(CallFault::Unavailable))??;
    Ok(json!({"receipt": format!("R-{receipt}")}))
}

struct Entry {
    directory: PathBuf,
    path: PathBuf,
    marks: ActMarks,
    run: String,
    act: String,
    at: String,
}

impl Entry {
    /// The number of the line that holds the key.
    fn write(&self) -> Result<usize, ToolFailure> {
        let unavailable = |_| ToolFailure::not_performed(CallFault::Unavailable);
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.directory)
            .map_err(unavailable)?;
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&self.path)
            .map_err(unavailable)?;
        // Released when the file is closed, also by a process that dies.
        flock(&file, FlockOperation::LockExclusive)
            .map_err(|_| ToolFailure::not_performed(CallFault::Unavailable))?;
        let lines = whole_lines(&mut file)?;
        for (place, line) in lines.lines().enumerate() {
            let damaged = ToolFailure::not_performed(CallFault::Malformed);
            let known: Value = serde_json::from_str(line).map_err(|_content| damaged)?;
            let mark = |name| known.get(name).and_then(Value::as_str);
            // A line of another form cannot be held against the key: what it was done for may be this.
            let key = mark("key").filter(|key| key.len() == self.marks.key.len());
            if key.ok_or(damaged)? == self.marks.key {
                let same = mark("arguments") == Some(self.marks.arguments.as_str());
                let refused = ToolFailure::not_performed(CallFault::Rejected);
                return if same { Ok(place + 1) } else { Err(refused) };
            }
        }
        let entry = json!({
            "act": self.act,
            "arguments": self.marks.arguments,
            "at": self.at,
            "key": self.marks.key,
            "receipt": format!("R-{}", lines.lines().count() + 1),
            "run": self.run,
        });
        let line = format!("{}\n", canonical_json(&entry));
        let unknown = |_| ToolFailure::unknown(CallFault::Unavailable);
        file.write_all(line.as_bytes()).map_err(unknown)?;
        file.sync_all().map_err(unknown)?;
        File::open(&self.directory)
            .and_then(|directory| directory.sync_all())
            .map_err(unknown)?;
        Ok(lines.lines().count() + 1)
    }
}

/// The whole lines of a ledger, after a torn last one was cut off.
fn whole_lines(file: &mut File) -> Result<String, ToolFailure> {
    let unavailable = |_| ToolFailure::not_performed(CallFault::Unavailable);
    let damaged = ToolFailure::not_performed(CallFault::Malformed);
    if file.metadata().map_err(unavailable)?.len() > LEDGER_BYTES_MAX {
        return Err(damaged);
    }
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0)).map_err(unavailable)?;
    file.read_to_end(&mut bytes).map_err(unavailable)?;
    let whole = bytes
        .iter()
        .rposition(|b| *b == b'\n')
        .map_or(0, |end| end + 1);
    if whole < bytes.len() {
        file.set_len(whole as u64).map_err(unavailable)?;
        bytes.truncate(whole);
    }
    String::from_utf8(bytes).map_err(|_content| damaged)
}
