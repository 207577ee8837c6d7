//! The audit of an export that is not the whole log: each entry lies there by itself, with a receipt that proves
//! its place in the log of the one signed checkpoint.

use crate::checkpoint::Checkpoint;
use crate::hash::leaf_hash;
use crate::note::{SignedNote, VerifierKey};
use crate::receipt::Receipt;
use crate::tree::verify_inclusion;

use super::kinds;
use super::ledger::Ledger;
use super::manifest::{Kind, Manifest};
use super::report::Finding;
use super::scan::scan;
use super::{LogFiles, Progress};

/// Entries between two reports of progress.
const PROGRESS_ENTRIES: u64 = 4096;

/// The log that every receipt has to be of.
pub(super) struct Log<'a> {
    pub(super) now: &'a Checkpoint,
    pub(super) note: &'a [u8],
    pub(super) keys: &'a [VerifierKey],
}

/// Reads every entry that the manifest lists.
pub(super) fn read_listed(
    files: &dyn LogFiles,
    manifest: &Manifest,
    log: &Log<'_>,
    ledger: &mut Ledger<'_>,
    progress: &mut dyn FnMut(Progress),
) -> Finding {
    let mut indices = Vec::new();
    for path in manifest.files.keys() {
        let Some(name) = path
            .strip_prefix("events/")
            .and_then(|name| name.strip_suffix(".json"))
        else {
            continue;
        };
        match name.parse::<u64>() {
            Ok(index) if name.len() == 20 => indices.push(index),
            _ => return Finding::wrong(format!("`{path}` is not named by an index")),
        }
    }
    let mut finding = Finding::holds("");
    let range = match manifest.kind {
        Kind::Range(from, to) => Some(from..to),
        _ => None,
    };
    if let Some(range) = &range {
        let inside = indices
            .iter()
            .copied()
            .filter(|index| range.contains(index));
        let whole = range.clone().zip(inside.chain(std::iter::repeat(u64::MAX)));
        if let Some((missing, _)) = whole.into_iter().find(|(wanted, there)| wanted != there) {
            finding = Finding::broken(missing, "is missing from the range that the manifest names");
        }
    }
    let mut done = 0;
    for index in &indices {
        let beside = range.as_ref().is_some_and(|range| !range.contains(index));
        match push(files, *index, beside, log, ledger) {
            Ok(()) => {}
            Err(fault) => finding = finding.and(fault),
        }
        done += 1;
        if done % PROGRESS_ENTRIES == 0 {
            progress(Progress {
                done,
                of: indices.len() as u64,
            });
        }
    }
    match finding {
        Finding::Holds { .. } => Finding::holds(format!(
            "{} entries are in the log of the checkpoint, each by its receipt",
            indices.len()
        )),
        finding => finding,
    }
}

/// Reads one entry. One `beside` the range that was asked for is there to judge it, as policies that were adopted
/// before; no entry of a run has a reason to be.
fn push(
    files: &dyn LogFiles,
    index: u64,
    beside: bool,
    log: &Log<'_>,
    ledger: &mut Ledger<'_>,
) -> Result<(), Finding> {
    let read = |path: &str| {
        files
            .read(path)
            .map_err(|fault| Finding::unclear(format!("`{path}` cannot be read: {fault}")))?
            .ok_or_else(|| Finding::broken(index, format!("`{path}` is not there")))
    };
    let bytes = read(&format!("events/{index:020}.json"))?;
    let judges = |bytes: &[u8]| {
        scan(bytes)
            .and_then(|entry| kinds::find(entry.event))
            .is_some_and(|kind| kind.administration)
    };
    if beside && !judges(&bytes) {
        return Err(Finding::broken(
            index,
            "is outside the range that the manifest names",
        ));
    }
    let hash = leaf_hash(&bytes);
    if beside {
        ledger.push_beside(index, hash, &bytes);
    } else {
        ledger.push(index, hash, &bytes);
    }
    let path = format!("events/{index:020}.tlog-proof");
    let receipt = Receipt::parse(&read(&path)?)
        .map_err(|fault| Finding::broken(index, format!("`{path}`: {fault}")))?;
    if receipt.index != index {
        return Err(Finding::broken(
            index,
            format!("its receipt is for index {}", receipt.index),
        ));
    }
    if receipt.checkpoint != log.note && !is_same(&receipt.checkpoint, log) {
        return Err(Finding::broken(
            index,
            "its receipt is for another log or checkpoint",
        ));
    }
    verify_inclusion(hash, index, log.now.size, &receipt.proof, log.now.root)
        .map_err(|fault| Finding::broken(index, format!("its receipt does not hold: {fault}")))
}

/// The same checkpoint under other signatures, of which those known hold.
fn is_same(note: &[u8], log: &Log<'_>) -> bool {
    SignedNote::parse(note).is_ok_and(|note| {
        note.text() == log.now.to_text() && (log.keys.is_empty() || note.verify(log.keys).is_ok())
    })
}
