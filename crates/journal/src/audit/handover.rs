//! Keys that a trusted key handed the log over to. A handover is a checkpoint that both keys signed, over a tree that
//! holds an entry `log.key_rotated` which names both. The key itself comes from `keys/DIGEST`, which anybody may have
//! written: it counts for nothing until the tree that the trusted key signed names its digest.
//! Asked only where no key of the caller's signed the newest checkpoint.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use crate::checkpoint::{self, Checkpoint, CheckpointFault};
use crate::note::{KeyKind, NoteFault, VerifierKey};

use super::LogFiles;
use super::report::Finding;

/// Keys below `keys/` that are read.
const KEYS_MAX: usize = 256;
/// Checkpoints of which signatures are verified for handovers; a log has a few.
const NOTES_MAX: usize = 10_000;
/// Handovers on record that are remembered.
const ROTATIONS_MAX: usize = 10_000;
/// Pairs of keys that signed one checkpoint; a log has one for each handover.
const LINKS_MAX: usize = 10_000;

/// `log.key_rotated`, as an entry has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rotation {
    pub(super) index: u64,
    pub(super) before: [u8; 32],
    pub(super) after: [u8; 32],
}

/// Handovers on record: the two keys, and the first entry that names them.
#[derive(Debug, Default)]
pub(super) struct Rotations(BTreeMap<([u8; 32], [u8; 32]), u64>);

impl Rotations {
    pub(super) const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Keeps one; beyond the bound it is as if it were not there.
    pub(super) fn push(&mut self, rotation: Rotation) {
        if self.0.len() < ROTATIONS_MAX {
            let keys = (rotation.before, rotation.after);
            self.0.entry(keys).or_insert(rotation.index);
        }
    }

    fn has(&self, before: &VerifierKey, after: &VerifierKey, size: u64) -> bool {
        let index = self.0.get(&(digest_of(before), digest_of(after)));
        index.is_some_and(|index| *index < size)
    }
}

/// A checkpoint under which both keys stand.
struct Link {
    before: VerifierKey,
    after: VerifierKey,
    checkpoint: Checkpoint,
}

/// A chain that leads from keys of the caller to the newest checkpoint, if the entries bear it out.
pub(super) struct Handover {
    /// Keys that may turn out to be the log's.
    pub(super) keys: Vec<VerifierKey>,
    links: Vec<Link>,
    why: Finding,
}

/// Which of the log's first trees are what their checkpoints say, and whether the entries were read.
pub(super) struct Borne<'a> {
    pub(super) rotations: &'a Rotations,
    /// Whether a checkpoint's root is that of the log's first entries.
    pub(super) extended: &'a dyn Fn(&Checkpoint) -> bool,
    /// Whether all entries of the tree were read and lead to its root.
    pub(super) whole: bool,
}

/// Looks for handovers where no trusted key signed the newest checkpoint. `None` where they do not lead to it.
pub(super) fn look(
    files: &dyn LogFiles,
    note: &[u8],
    origin: &str,
    trusted: &[VerifierKey],
    fault: &CheckpointFault,
) -> Option<Handover> {
    // A trusted key whose signature does not verify is a forgery, and no handover mends it.
    let unsigned = matches!(
        fault,
        CheckpointFault::Note(NoteFault::Unsigned) | CheckpointFault::NotByLog(_)
    );
    if !unsigned {
        return None;
    }
    let paths = files.list().ok().flatten()?;
    let candidates = candidates(files, &paths, origin);
    let mut all: Vec<_> = trusted.to_vec();
    all.extend(candidates.into_iter().filter(|key| !trusted.contains(key)));
    let mut reached: Vec<_> = trusted
        .iter()
        .filter(|key| key.kind() == KeyKind::Ed25519 && key.name() == origin)
        .cloned()
        .collect();
    let mut links = Vec::new();
    // Sizes rise with the paths, and a log hands over at a size above that of the handover before.
    let mut notes: Vec<_> = paths
        .iter()
        .filter(|path| path.starts_with("checkpoints/"))
        .collect();
    notes.sort();
    for path in notes.into_iter().take(NOTES_MAX) {
        let Ok(Some(bytes)) = files.read(path) else {
            continue;
        };
        let Ok(opened) = checkpoint::open(&bytes, origin, &all) else {
            continue;
        };
        let signed = opened.signed_by;
        let before: Vec<_> = signed.iter().filter(|key| reached.contains(key)).collect();
        for (before, after) in before
            .iter()
            .flat_map(|before| signed.iter().map(|after| (*before, after)))
        {
            if before != after {
                links.push(Link {
                    before: before.clone(),
                    after: after.clone(),
                    checkpoint: opened.checkpoint.clone(),
                });
            }
        }
        if !before.is_empty() {
            let fresh: Vec<_> = signed
                .into_iter()
                .filter(|key| !reached.contains(key))
                .collect();
            reached.extend(fresh);
        }
        if links.len() > LINKS_MAX {
            return None;
        }
    }
    let keys: Vec<_> = all
        .into_iter()
        .filter(|key| reached.contains(key) || trusted.contains(key))
        .collect();
    checkpoint::open(note, origin, &keys).ok()?;
    Some(Handover {
        keys,
        links,
        why: Finding::wrong(fault.to_string()),
    })
}

impl Handover {
    /// Whether the entries bear out enough of the chain for a trusted key to stand behind the newest checkpoint.
    pub(super) fn judge(
        self,
        note: &[u8],
        origin: &str,
        trusted: &[VerifierKey],
        borne: &Borne<'_>,
    ) -> Finding {
        if !borne.whole {
            return Finding::unclear(
                "keys after those that you named signed the checkpoint; whether the log was handed over to them takes \
                 reading all its entries",
            );
        }
        let mut reached = trusted.to_vec();
        let mut said = Vec::new();
        for link in &self.links {
            let size = link.checkpoint.size;
            let holds = reached.contains(&link.before)
                && !reached.contains(&link.after)
                && borne.rotations.has(&link.before, &link.after, size)
                && (borne.extended)(&link.checkpoint);
            if holds {
                said.push(format!("handed over to {} at size {size}", link.after));
                reached.push(link.after.clone());
            }
        }
        match checkpoint::open(note, origin, &reached) {
            Ok(opened) => Finding::holds(format!(
                "`{origin}` of size {} is signed by a key after yours: {}",
                opened.checkpoint.size,
                said.join(", ")
            )),
            Err(_) => self.why,
        }
    }
}

/// SHA-256 of the printed key: how entries name it.
fn digest_of(key: &VerifierKey) -> [u8; 32] {
    Sha256::digest(key.to_string()).into()
}

/// The keys that lie below `keys/`, each named by the digest of its printed form.
fn candidates(files: &dyn LogFiles, paths: &[String], origin: &str) -> Vec<VerifierKey> {
    let names: BTreeSet<_> = paths
        .iter()
        .filter(|path| path.starts_with("keys/"))
        .take(KEYS_MAX)
        .collect();
    let read = |path: &&String| {
        let bytes = files.read(path).ok()??;
        let key = VerifierKey::parse(std::str::from_utf8(&bytes).ok()?).ok()?;
        let named = crate::hash::LeafHash::parse_hex(path.strip_prefix("keys/")?)?;
        let of_log = key.kind() == KeyKind::Ed25519 && key.name() == origin;
        (of_log && digest_of(&key) == named.to_bytes()).then_some(key)
    };
    names.iter().filter_map(read).collect()
}
