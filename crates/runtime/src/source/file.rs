//! A file as a source: of the bundle, as it was loaded, or below a folder that the operator named. No part of a path
//! below that folder may be a symbolic link, and only a plain file is read.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use interlock_bundle::{FileConnector, FileRoot};
use interlock_core::limits;
use interlock_core::pipeline::model::CallFault;
use rustix::fs::{Mode, OFlags, open, openat};
use rustix::io::Errno;
use serde_json::Value;

use super::{DataFiles, parse};
use crate::connector::{Filling, Site, Within, fill};

pub(super) async fn read(
    connector: &FileConnector,
    filling: Filling<'_>,
    timeout_millis: u32,
    files: &DataFiles,
    site: &Arc<Site>,
) -> Result<Value, CallFault> {
    let path = fill(&connector.path, Within::Path, filling, site)?;
    let bytes = match &connector.root {
        FileRoot::Bundle => files.get(&path).cloned().ok_or(CallFault::Rejected)?,
        FileRoot::Operator(name) => {
            let root = site
                .roots
                .get(name)
                .ok_or(CallFault::Configuration)?
                .clone();
            let reading = tokio::task::spawn_blocking(move || below(&root, &path));
            let limit = Duration::from_millis(u64::from(timeout_millis));
            let ended = tokio::time::timeout(limit, reading)
                .await
                .map_err(|_| CallFault::Timeout)?;
            ended.map_err(|_| CallFault::Unavailable)??
        }
    };
    if bytes.len() > limits::SOURCE_BYTES_MAX {
        return Err(CallFault::Malformed);
    }
    parse(connector.output, &bytes).ok_or(CallFault::Malformed)
}

/// The content of a file below a folder, reached part by part.
fn below(root: &Path, path: &str) -> Result<Vec<u8>, CallFault> {
    let folder = OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut place = open(root, folder, Mode::empty()).map_err(|_| CallFault::Configuration)?;
    let mut parts: Vec<&str> = path.split('/').collect();
    let file = parts.pop().ok_or(CallFault::Rejected)?;
    if parts
        .iter()
        .chain([&file])
        .any(|part| matches!(*part, "" | "." | ".."))
    {
        return Err(CallFault::Rejected);
    }
    for part in parts {
        place = openat(&place, part, folder | OFlags::NOFOLLOW, Mode::empty()).map_err(fault)?;
    }
    // Opening a pipe must not wait for its other end.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(openat(&place, file, flags, Mode::empty()).map_err(fault)?);
    let metadata = file.metadata().map_err(|_| CallFault::Unavailable)?;
    if !metadata.is_file() {
        return Err(CallFault::Rejected);
    }
    let mut bytes = Vec::new();
    file.take(limits::SOURCE_BYTES_MAX as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|_| CallFault::Unavailable)?;
    Ok(bytes)
}

const fn fault(error: Errno) -> CallFault {
    match error {
        // Not there, a link, or a file where a folder should be: no such record.
        Errno::NOENT | Errno::LOOP | Errno::NOTDIR | Errno::NAMETOOLONG => CallFault::Rejected,
        Errno::ACCESS | Errno::PERM => CallFault::Credential,
        _ => CallFault::Unavailable,
    }
}
