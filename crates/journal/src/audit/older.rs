//! Checkpoints from before: the one that the caller kept, and those that lie with the log. Each has to be the
//! beginning of this log. Where the entries are read, its root is made again from them; below what is read, a
//! consistency proof is made from the stored tiles and held against both roots.

use crate::checkpoint::{self, Checkpoint, CheckpointFault};
use crate::note::{NoteFault, SignedNote, VerifierKey};
use crate::tile::{Tiles, needed_for_consistency};
use crate::tree::{NodeHash, consistency_proof, verify_consistency};

use super::LogFiles;
use super::climb::tile;
use super::report::Finding;

/// Checkpoints of one audit at most.
const OLDER_MAX: usize = 100_000;
/// Bytes of their notes at most, all together.
const NOTES_BYTES_MAX: usize = 256 * 1024 * 1024;

/// One checkpoint that the log has to extend.
pub(super) struct Older {
    /// What to call it: a path, or the one kept.
    pub(super) name: String,
    pub(super) checkpoint: Checkpoint,
    /// The signed note's bytes, where it lies with the log.
    pub(super) note: Vec<u8>,
    /// Whether a known key vouches for it. A log that was handed over has older ones by keys that not every caller
    /// knows: their roots are met all the same, and what they say weighs nothing.
    vouched: bool,
    /// Whether the log was found to extend it.
    pub(super) extended: Option<bool>,
}

/// All of them, by rising size.
pub(super) struct History {
    pub(super) known: Vec<Older>,
    next: usize,
    refused: Option<Finding>,
    unread: Option<Finding>,
    kept: bool,
}

impl History {
    /// What the caller kept, and every note below `checkpoints/` and `anchors/`, opened under the caller's keys.
    pub(super) fn read(
        files: &dyn LogFiles,
        kept: Option<&Checkpoint>,
        origin: &str,
        keys: &[VerifierKey],
    ) -> Self {
        let mut history = Self {
            known: Vec::new(),
            next: 0,
            refused: None,
            unread: None,
            kept: kept.is_some(),
        };
        if let Some(kept) = kept {
            history.known.push(Older {
                name: "the kept checkpoint".to_owned(),
                checkpoint: kept.clone(),
                note: Vec::new(),
                vouched: true,
                extended: None,
            });
        }
        let mut paths = match files.list() {
            Ok(paths) => paths.unwrap_or_default(),
            Err(fault) => {
                history.unread = Some(Finding::unclear(format!(
                    "older checkpoints cannot be listed: {fault}"
                )));
                Vec::new()
            }
        };
        paths.retain(|path| path.starts_with("checkpoints/") || path.ends_with(".cosigned"));
        paths.sort();
        if paths.len() > OLDER_MAX {
            history.unread = Some(Finding::unclear("more older checkpoints than are read"));
            paths.truncate(OLDER_MAX);
        }
        let mut bytes = 0;
        for path in paths {
            if bytes > NOTES_BYTES_MAX {
                history.unread = Some(Finding::unclear(
                    "older checkpoints are longer than is read",
                ));
                break;
            }
            bytes += history.open(files, path, origin, keys);
        }
        history.known.sort_by_key(|older| older.checkpoint.size);
        history
    }

    /// Gives the bytes of the note.
    fn open(
        &mut self,
        files: &dyn LogFiles,
        path: String,
        origin: &str,
        keys: &[VerifierKey],
    ) -> usize {
        let note = match files.read(&path) {
            Ok(Some(note)) => note,
            Ok(None) => return 0,
            Err(fault) => {
                self.unread = Some(Finding::unclear(format!(
                    "`{path}` cannot be read: {fault}"
                )));
                return 0;
            }
        };
        let bytes = note.len();
        let opened = match checkpoint::open(&note, origin, keys) {
            Ok(opened) => Ok((opened.checkpoint, true)),
            Err(CheckpointFault::Note(NoteFault::Unsigned)) => unsigned(&note),
            Err(fault) => Err(fault),
        };
        match opened {
            Ok((checkpoint, vouched)) => self.known.push(Older {
                name: format!("`{path}`"),
                checkpoint,
                note,
                vouched,
                extended: None,
            }),
            Err(fault) => {
                self.refused
                    .get_or_insert_with(|| Finding::wrong(format!("`{path}`: {fault}")));
            }
        }
        bytes
    }

    /// The size of the next one, if it is not above `upto`.
    pub(super) fn due(&self, upto: u64) -> Option<u64> {
        let size = self.known.get(self.next)?.checkpoint.size;
        (size <= upto).then_some(size)
    }

    /// The root of this log at the size that is due.
    pub(super) fn meet(&mut self, root: NodeHash) {
        if let Some(older) = self.known.get_mut(self.next) {
            older.extended = Some(older.checkpoint.root == root);
            self.next += 1;
        }
    }

    /// The next one cannot be met from entries.
    pub(super) const fn skip(&mut self) {
        self.next += 1;
    }

    /// Whether the log extends this checkpoint; known once all were judged.
    pub(super) fn extends(&self, checkpoint: &Checkpoint) -> bool {
        let from = self
            .known
            .partition_point(|older| older.checkpoint.size < checkpoint.size);
        let same = self.known.iter().skip(from);
        same.take_while(|older| older.checkpoint.size == checkpoint.size)
            .any(|older| older.checkpoint == *checkpoint && older.extended == Some(true))
    }

    /// The size up to which the log is known to be what it was.
    pub(super) fn confirmed(&self) -> u64 {
        let met = self
            .known
            .iter()
            .filter(|older| older.vouched && older.extended == Some(true));
        met.map(|older| older.checkpoint.size).max().unwrap_or(0)
    }

    /// Judges what the entries did not decide, and says what was found. `locate` narrows a range that was
    /// rewritten to its first index.
    pub(super) fn finish(
        &mut self,
        files: &dyn LogFiles,
        now: &Checkpoint,
        locate: &dyn Fn(u64, u64) -> u64,
    ) -> Finding {
        let mut finding = Finding::unasked(
            "no checkpoint was kept: whoever has the key could have written another log",
        );
        let mut met = 0u64;
        let mut confirmed = 0;
        for older in &mut self.known {
            let found = judge(files, older, now, confirmed, locate);
            if matches!(found, Finding::Holds { .. }) {
                confirmed = older.checkpoint.size;
                met += 1;
            }
            finding = finding.and(found);
        }
        if matches!(finding, Finding::Holds { .. }) {
            let which = if self.kept {
                "the kept one among them"
            } else {
                "none kept by you"
            };
            let strange = self.known.iter().filter(|older| !older.vouched).count();
            let strange = match strange {
                0 => String::new(),
                count => format!("; {count} of them are signed by no key that was named"),
            };
            finding = Finding::holds(format!(
                "the log extends {met} older checkpoints, {which}, up to size {confirmed}{strange}"
            ));
        }
        [self.refused.clone(), self.unread.clone()]
            .into_iter()
            .flatten()
            .fold(finding, Finding::and)
    }
}

/// What a note says that no known key has signed.
fn unsigned(note: &[u8]) -> Result<(Checkpoint, bool), CheckpointFault> {
    let note = SignedNote::parse(note)?;
    Ok((Checkpoint::parse_text(note.text())?, false))
}

fn judge(
    files: &dyn LogFiles,
    older: &mut Older,
    now: &Checkpoint,
    confirmed: u64,
    locate: &dyn Fn(u64, u64) -> u64,
) -> Finding {
    let (size, name) = (older.checkpoint.size, &older.name);
    if older.checkpoint.origin != now.origin {
        return Finding::wrong(format!(
            "{name} is of the log `{}`",
            older.checkpoint.origin
        ));
    }
    if older.extended.is_none() && size <= now.size {
        older.extended = by_proof(files, &older.checkpoint, now);
    }
    if !older.vouched && older.extended != Some(true) {
        return Finding::unclear(format!(
            "the log does not extend {name}, of size {size}, or cannot be shown to; no key that was named has signed it"
        ));
    }
    if size > now.size {
        older.extended = Some(false);
        return Finding::broken(
            now.size,
            format!(
                "{name} has size {size}: the log was cut back to {}",
                now.size
            ),
        );
    }
    match older.extended {
        Some(true) => Finding::holds(""),
        Some(false) => Finding::broken(
            locate(confirmed, size),
            format!(
                "the log is not the one of {name}, of size {size}: entries from here on were rewritten"
            ),
        ),
        None => Finding::unclear(format!(
            "the tiles that would show that the log extends {name}, of size {size}, are not there"
        )),
    }
}

fn by_proof(files: &dyn LogFiles, old: &Checkpoint, now: &Checkpoint) -> Option<bool> {
    if old.size == now.size {
        return Some(old.root == now.root);
    }
    let mut tiles = Tiles::new();
    for id in needed_for_consistency(old.size, now.size).ok()? {
        let bytes = tile(files, id).ok()??;
        tiles.insert(id, &bytes).ok()?;
    }
    let proof = consistency_proof(&tiles, old.size, now.size).ok()?;
    // Tiles that do not lead to the new root say nothing of the old one.
    Some(verify_consistency(old.size, old.root, now.size, now.root, &proof).is_ok())
}
