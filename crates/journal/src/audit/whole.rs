//! The audit of a whole log: every entry bundle is read once, hashed, held against the tiles and up to the signed
//! root, and each entry is handed to the ledger. Older checkpoints are met on the way.

use crate::checkpoint::Checkpoint;
use crate::hash::leaf_hash;
use crate::tile::{BundleId, TileFault, TileId, WIDTH, bundles_of, decode_bundle};
use crate::tree::NodeHash;

use super::climb::Climb;
use super::ledger::Ledger;
use super::older::History;
use super::report::Finding;
use super::{LogFiles, Progress};

/// Bundles between two reports of progress.
const PROGRESS_BUNDLES: u64 = 64;

/// What reading the whole log found.
pub(super) struct Whole {
    pub(super) inclusion: Finding,
    /// Ranges in which an entry is known to be wrong, narrow ones first.
    pub(super) suspects: Vec<(u64, u64)>,
    /// The index at which reading stopped before the end.
    pub(super) stopped: Option<u64>,
}

/// Where the entries that are there begin: the first bundle that is, if an earlier one is not.
pub(super) fn minimum_of(files: &dyn LogFiles, size: u64) -> Result<u64, String> {
    let there = |index: u64| {
        let width = (size - index * WIDTH).min(WIDTH);
        let id = BundleId {
            index,
            width: u16::try_from(width).unwrap_or(256),
        };
        read(files, id).map(|bytes| bytes.is_some())
    };
    let count = size.div_ceil(WIDTH);
    if count == 0 || there(0)? || !there(count - 1)? {
        return Ok(0);
    }
    // What is pruned is a beginning, so the first that is there can be searched for by halves.
    let (mut absent, mut present) = (0, count - 1);
    while present - absent > 1 {
        let middle = absent + (present - absent) / 2;
        if there(middle)? {
            present = middle;
        } else {
            absent = middle;
        }
    }
    Ok(present * WIDTH)
}

/// Reads every entry from `minimum` on.
pub(super) fn read_all(
    files: &dyn LogFiles,
    now: &Checkpoint,
    minimum: u64,
    history: &mut History,
    ledger: &mut Ledger<'_>,
    progress: &mut dyn FnMut(Progress),
) -> Whole {
    let mut found = Whole {
        inclusion: Finding::holds(""),
        suspects: Vec::new(),
        stopped: None,
    };
    while history.due(minimum.saturating_sub(1)).is_some() && minimum > 0 {
        history.skip();
    }
    let mut climb = match Climb::new(files, minimum, now.size) {
        Ok(climb) => climb,
        Err(why) => {
            found.inclusion = Finding::unclear(why);
            found.stopped = Some(minimum);
            return found;
        }
    };
    if minimum == 0 {
        while history.due(0).is_some() {
            history.meet(climb.root());
        }
    }
    let mut leaves = Vec::with_capacity(256);
    for id in bundles_of(now.size).skip(usize::try_from(minimum / WIDTH).unwrap_or(usize::MAX)) {
        let first = id.index * WIDTH;
        leaves.clear();
        if let Err(stop) = push_bundle(files, id, &mut leaves, ledger) {
            found.stopped = Some(stop.index().unwrap_or(first));
            found.inclusion = stop;
            break;
        }
        while let Some(size) = history.due(first + u64::from(id.width)) {
            let upto = usize::try_from(size - first).unwrap_or(leaves.len());
            history.meet(climb.root_with(leaves.get(..upto).unwrap_or(&leaves)));
        }
        climb.push_bundle(&leaves);
        if id.index % PROGRESS_BUNDLES == PROGRESS_BUNDLES - 1 {
            progress(Progress {
                done: first + u64::from(id.width),
                of: now.size,
            });
        }
    }
    found.suspects.clone_from(&ledger.runs.suspects);
    if found.stopped.is_none() {
        climb.finish();
        found.inclusion = judge(&climb, now, minimum, history, ledger);
    }
    if let Some(wrong) = climb.wrong {
        let at = narrowed(&found.suspects, wrong.from, wrong.to);
        found.suspects.push((at, at));
        if found.stopped.is_some() {
            let here = Finding::broken(at, wrong.what);
            found.inclusion = found.inclusion.and(here);
        }
    }
    found
}

fn judge(
    climb: &Climb<'_>,
    now: &Checkpoint,
    minimum: u64,
    history: &History,
    ledger: &Ledger<'_>,
) -> Finding {
    if let Some(wrong) = &climb.wrong {
        let at = narrowed(&ledger.runs.suspects, wrong.from, wrong.to);
        return Finding::broken(at, wrong.what.clone());
    }
    if climb.root() != now.root {
        let from = history.confirmed().max(minimum);
        let at = narrowed(&ledger.runs.suspects, from, now.size);
        return Finding::broken(
            at,
            "the entries from here on do not lead to the root that the checkpoint names",
        );
    }
    if minimum > 0 && !ledger.is_asked() {
        return Finding::unclear(format!(
            "entries below {minimum} are missing; whether that is on record takes reading the others"
        ));
    }
    if minimum > ledger.pruned {
        return Finding::broken(
            0,
            format!(
                "entries below {minimum} are missing, and no entry records that they were pruned"
            ),
        );
    }
    if let Some(why) = &climb.unread {
        return Finding::unclear(format!("a tile cannot be read: {why}"));
    }
    if climb.absent > 0 {
        return Finding::unclear(format!(
            "the entries lead to the signed root, and {} tiles beside them are not there",
            climb.absent
        ));
    }
    let mut said = format!(
        "entries {minimum} to {} lead to the root of the checkpoint, and so do all tiles",
        now.size.saturating_sub(1)
    );
    if minimum > 0 {
        said.push_str("; those before were pruned on record");
    }
    if now.size == 0 {
        "the log is empty".clone_into(&mut said);
    }
    Finding::holds(said)
}

/// The first entry of a range of which a chain says that it was changed; else where the range begins.
pub(super) fn narrowed(suspects: &[(u64, u64)], from: u64, to: u64) -> u64 {
    let within = |at: u64| (from <= at && at < to).then_some(at);
    suspects
        .iter()
        .filter_map(|(before, at)| within(*before).or_else(|| within(*at)))
        .min()
        .unwrap_or(from)
}

fn push_bundle(
    files: &dyn LogFiles,
    id: BundleId,
    leaves: &mut Vec<NodeHash>,
    ledger: &mut Ledger<'_>,
) -> Result<(), Finding> {
    let first = id.index * WIDTH;
    let path = id.path();
    let (bytes, width) = match read(files, id) {
        Ok(Some(read)) => read,
        Ok(None) => return Err(absent(files, id)),
        Err(why) => return Err(Finding::unclear(why)),
    };
    let entries = match decode_bundle(&bytes, width) {
        Ok(entries) => entries,
        Err(fault) => {
            let (number, what) = match fault {
                TileFault::Short(number) => (number, "ends within this entry".to_owned()),
                fault => (width, fault.to_string()),
            };
            // A wrong length shows later than where it stands: there the hashes differ already.
            let number = first_other(files, id, &bytes).unwrap_or(number).min(number);
            return Err(Finding::broken(
                first + u64::from(number),
                format!("`{path}` {what}"),
            ));
        }
    };
    for (index, bytes) in (first..).zip(entries).take(usize::from(id.width)) {
        let hash = leaf_hash(bytes);
        leaves.push(hash.into());
        ledger.push(index, hash, bytes);
    }
    Ok(())
}

/// The bundle of that width, or the full one, which may have come in its place since; with its width.
fn read(files: &dyn LogFiles, id: BundleId) -> Result<Option<(Vec<u8>, u16)>, String> {
    for width in [id.width, 256] {
        let path = BundleId { width, ..id }.path();
        let bytes = files
            .read(&path)
            .map_err(|fault| format!("`{path}` cannot be read: {fault}"))?;
        if let Some(bytes) = bytes {
            return Ok(Some((bytes, width)));
        }
    }
    Ok(None)
}

/// The first entry of a malformed bundle that does not have the hash of its tile.
fn first_other(files: &dyn LogFiles, id: BundleId, bytes: &[u8]) -> Option<u16> {
    let tile = TileId {
        level: 0,
        index: id.index,
        width: id.width,
    };
    let hashes = super::climb::tile(files, tile).ok()??;
    let mut rest = bytes;
    for (number, hash) in (0..id.width).zip(hashes.chunks_exact(32)) {
        let (length, after) = rest.split_first_chunk::<2>()?;
        let (entry, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        if leaf_hash(entry).to_bytes() != hash {
            return Some(number);
        }
        rest = after;
    }
    None
}

/// Which entry is the first that is missing: a narrower bundle may be there.
fn absent(files: &dyn LogFiles, id: BundleId) -> Finding {
    let narrower = (1..id.width).rev().find(|width| {
        let path = BundleId {
            width: *width,
            ..id
        }
        .path();
        matches!(files.read(&path), Ok(Some(_)))
    });
    Finding::broken(
        id.index * WIDTH + u64::from(narrower.unwrap_or(0)),
        format!(
            "is missing: the checkpoint has it, and `{}` is not there",
            id.path()
        ),
    )
}
