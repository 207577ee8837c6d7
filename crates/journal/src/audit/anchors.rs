//! Who else knows the log: witnesses that cosigned a checkpoint of it, by the caller's policy, and time stamps over
//! the very bytes of one. A time stamp's own signature is for `openssl ts`; here it is held to what it stamps.

use std::collections::BTreeMap;

use crate::checkpoint::{self, Checkpoint};
use crate::note::VerifierKey;
use crate::witness::{Window, WitnessPolicy};

use super::LogFiles;
use super::older::History;
use super::report::Finding;
use super::timestamp::{Algorithm, Imprint};

/// Time stamps of one audit at most.
const STAMPS_MAX: usize = 100_000;

/// What the log is held to.
pub(super) struct Asked<'a> {
    pub(super) files: &'a dyn LogFiles,
    pub(super) now: &'a Checkpoint,
    pub(super) note: &'a [u8],
    pub(super) keys: &'a [VerifierKey],
    pub(super) policy: Option<&'a WitnessPolicy>,
}

/// Judges cosignatures and time stamps.
pub(super) fn judge(asked: &Asked<'_>, history: &History) -> Finding {
    let stamps = stamps(asked, history);
    match asked.policy {
        Some(policy) => witnesses(asked, policy, history).and(stamps),
        None => stamps,
    }
}

fn witnesses(asked: &Asked<'_>, policy: &WitnessPolicy, history: &History) -> Finding {
    let cosigned = |note: &[u8]| {
        let opened = checkpoint::open(note, &asked.now.origin, asked.keys).ok()?;
        policy.check(&opened, Window::ANY).ok()
    };
    if let Some(quorum) = cosigned(asked.note) {
        return Finding::holds(format!(
            "{} witnesses know the log up to size {}, all of it",
            quorum.witnesses.len(),
            asked.now.size
        ));
    }
    let older = history
        .known
        .iter()
        .filter(|older| older.extended == Some(true) && cosigned(&older.note).is_some())
        .map(|older| older.checkpoint.size)
        .max();
    match older {
        Some(size) if size == asked.now.size => Finding::holds(format!(
            "enough witnesses know the log up to size {size}, all of it"
        )),
        Some(size) => Finding::unclear(format!(
            "enough witnesses know the log up to size {size}, and not the entries from there to {}",
            asked.now.size
        )),
        None => Finding::unclear(format!(
            "fewer than {} witnesses of the policy cosigned",
            policy.need()
        )),
    }
}

fn stamps(asked: &Asked<'_>, history: &History) -> Finding {
    let mut paths = match asked.files.list() {
        Ok(paths) => paths.unwrap_or_default(),
        Err(fault) => {
            return Finding::unclear(format!("the time stamps cannot be listed: {fault}"));
        }
    };
    paths.retain(|path| path.starts_with("anchors/") && path.ends_with(".tsr"));
    paths.sort();
    if paths.is_empty() {
        return Finding::unasked(
            "no witness policy was given, and no time stamp lies with the log",
        );
    }
    if paths.len() > STAMPS_MAX {
        return Finding::unclear("more time stamps than are read");
    }
    let mut last = None;
    // Notes are digested once for all stamps.
    let mut known = BTreeMap::new();
    for path in &paths {
        let imprint = match asked.files.read(path) {
            Ok(Some(bytes)) => Imprint::parse(&bytes),
            Ok(None) | Err(_) => None,
        };
        let Some(imprint) = imprint else {
            return Finding::unclear(format!("`{path}` cannot be read as a time stamp"));
        };
        let (algorithm, digest) = imprint.stamped();
        let size = known
            .entry(algorithm)
            .or_insert_with(|| sizes_by_digest(asked, history, algorithm))
            .get(digest)
            .copied();
        let Some(size) = size else {
            return Finding::wrong(format!(
                "`{path}` is a time stamp over something else than a checkpoint of this log"
            ));
        };
        last = last.max(Some((size, imprint.time)));
    }
    let (size, time) = last.unwrap_or_default();
    Finding::unasked(format!(
        "{} time stamps are over checkpoints of this log, the last over size {size} and of {time} by its own word; \
         their signatures are for `openssl ts -verify` to check",
        paths.len()
    ))
}

/// The size of each checkpoint of this log, by its note's digest.
fn sizes_by_digest(
    asked: &Asked<'_>,
    history: &History,
    algorithm: Algorithm,
) -> BTreeMap<Vec<u8>, u64> {
    let older = history
        .known
        .iter()
        .filter(|older| older.extended == Some(true) && !older.note.is_empty());
    let mut sizes: BTreeMap<_, _> = older
        .map(|older| (algorithm.digest(&older.note), older.checkpoint.size))
        .collect();
    sizes.insert(algorithm.digest(asked.note), asked.now.size);
    sizes
}
