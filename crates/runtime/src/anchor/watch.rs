//! An auditor's own eyes: the newest checkpoint of a log is held against the one that they kept from before. Only the
//! key and what was kept are trusted; the log's files are read as strangers read them. Deliberately not here: reading
//! entries, which `interlock audit verify` does.

use async_trait::async_trait;
use interlock_journal::checkpoint::{self, CheckpointFault};
use interlock_journal::entry::ENTRY_BYTES_MAX;
use interlock_journal::note::{NoteFault, VerifierKey};
use interlock_journal::tile::Tiles;
use interlock_journal::{Checkpoint, NodeHash};
use serde::{Deserialize, Serialize};

use super::growth::{growth, wanted};
use super::in_base64;

mod source;

pub use source::{FolderLog, UrlLog};

/// Bytes of a file of the log: an entry bundle is the longest, 256 entries of the longest form with a length of two
/// bytes before each. A little is left over, so that one that is too long is read and refused for what it is.
pub const FILE_BYTES_MAX: usize = 256 * (ENTRY_BYTES_MAX + 2) + 4096;

/// The files of a log, by their paths of C2SP tlog-tiles.
///
/// May be called from many tasks at once. What is given is believed by nobody.
#[async_trait]
pub trait LogSource: Send + Sync {
    /// A file, at most [`FILE_BYTES_MAX`] bytes; `None`: there is none.
    ///
    /// # Errors
    /// In words: why it cannot be told.
    async fn read(&self, path: &str) -> Result<Option<Vec<u8>>, String>;
}

/// A checkpoint that was seen, whose signature held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// The log's name.
    pub origin: String,
    /// Its size.
    pub size: u64,
    /// Its root, 64 hex digits.
    pub root: String,
    /// The signed note, as it was.
    #[serde(with = "in_base64")]
    pub note: Vec<u8>,
    /// Seconds since 1970 on the clock of whoever keeps it: when this size was seen first. A checkpoint holds no time,
    /// so none is known from a look alone.
    #[serde(default)]
    pub since: Option<u64>,
}

impl Seen {
    fn new(checkpoint: &Checkpoint, note: Vec<u8>) -> Self {
        Self {
            origin: checkpoint.origin.clone(),
            size: checkpoint.size,
            root: checkpoint.root.to_string(),
            note,
            since: None,
        }
    }
}

/// What is wrong with a log, beyond doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breach {
    /// The note names the key and was not signed by it.
    Signature,
    /// It is smaller than it was.
    Rollback,
    /// Another history than the one that was kept.
    Fork,
    /// The tiles are not those of the signed root.
    Tiles,
}

impl Breach {
    /// In words.
    #[must_use]
    pub const fn says(self) -> &'static str {
        match self {
            Self::Signature => "the checkpoint names the log's key and was not signed by it",
            Self::Rollback => "the log is smaller than it was: entries were taken away",
            Self::Fork => "the log was rewritten: it does not continue what was kept",
            Self::Tiles => "the log's tiles are not those of the root that it signed",
        }
    }
}

/// What one look shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// The first one: there was nothing to hold it against, and so it proves nothing yet.
    First(Seen),
    /// As it was kept.
    Same(Seen),
    /// It grew, and all that was kept is still in it.
    Grown(Seen),
    /// It is not what it was. `note` is what was served.
    Broken {
        /// How.
        breach: Breach,
        /// What was served.
        note: Vec<u8>,
    },
    /// Nothing can be said either way.
    CannotTell(String),
}

/// Looks once. All keys are those of one log, under its one name: the log may have changed its key.
pub async fn look(source: &dyn LogSource, keys: &[VerifierKey], kept: Option<&Seen>) -> Look {
    match decide(source, keys, kept).await {
        Ok(look) | Err(look) => look,
    }
}

async fn decide(
    source: &dyn LogSource,
    keys: &[VerifierKey],
    kept: Option<&Seen>,
) -> Result<Look, Look> {
    let cannot = |what: &str| Look::CannotTell(what.to_owned());
    let name = match keys {
        [] => return Err(cannot("no key was given")),
        [first, rest @ ..] if rest.iter().all(|key| key.name() == first.name()) => first.name(),
        _ => return Err(cannot("the keys are of different logs")),
    };
    let note = match source.read("checkpoint").await {
        Ok(Some(note)) => note,
        Ok(None) => return Err(cannot("there is no checkpoint")),
        Err(why) => return Err(Look::CannotTell(why)),
    };
    let broken = |breach| Look::Broken {
        breach,
        note: note.clone(),
    };
    let opened = checkpoint::open(&note, name, keys);
    let opened = opened.map_err(|fault| match fault {
        CheckpointFault::Note(NoteFault::Signature(_)) => broken(Breach::Signature),
        other => Look::CannotTell(format!(
            "the checkpoint is not one of this log's keys: {other}"
        )),
    })?;
    let new = opened.checkpoint;
    let Some(kept) = kept else {
        return Ok(Look::First(Seen::new(&new, note)));
    };
    // What the auditor's own file says is held against its own note, so that a spoilt file is no verdict.
    let old = checkpoint::open(&kept.note, name, keys)
        .map_err(|_| cannot("what was kept was not signed by these keys"))?
        .checkpoint;
    if old.size != kept.size || old.root.to_string() != kept.root {
        return Err(cannot("what was kept contradicts itself"));
    }
    if new.size < old.size {
        return Err(broken(Breach::Rollback));
    }
    if new.size == old.size {
        return if new.root == old.root {
            Ok(Look::Same(Seen::new(&new, note)))
        } else {
            Err(broken(Breach::Fork))
        };
    }
    let old_root = old_root(source, old.size, &new).await?;
    match old_root {
        Some(root) if root == old.root => Ok(Look::Grown(Seen::new(&new, note))),
        Some(_) => Err(broken(Breach::Fork)),
        None => Err(broken(Breach::Tiles)),
    }
}

/// The root of the older tree within the newer, by a proof that holds; `None` where the tiles are not those of the
/// newer root.
async fn old_root(
    source: &dyn LogSource,
    old: u64,
    new: &Checkpoint,
) -> Result<Option<NodeHash>, Look> {
    let Ok(wanted) = wanted(old, new.size) else {
        return Ok(None);
    };
    let mut tiles = Tiles::new();
    for tile in wanted {
        let read = |path: String| async move { source.read(&path).await.map_err(Look::CannotTell) };
        let mut found = read(tile.path()).await?;
        if found.is_none() && tile.width < 256 {
            // A partial tile may be gone once the full one is there.
            let full = interlock_journal::tile::TileId { width: 256, ..tile };
            found = read(full.path()).await?.and_then(|mut bytes| {
                (bytes.len() == 256 * 32).then(|| {
                    bytes.truncate(usize::from(tile.width) * 32);
                    bytes
                })
            });
        }
        let bytes = found
            .ok_or_else(|| Look::CannotTell(format!("the tile `{}` is not there", tile.path())))?;
        if tiles.insert(tile, &bytes).is_err() {
            return Ok(None);
        }
    }
    Ok(growth(&tiles, old, new.size, new.root)
        .ok()
        .map(|growth| growth.old_root))
}
