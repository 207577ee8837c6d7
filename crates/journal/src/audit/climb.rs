//! The tree made again from the entries, from the left to the right, and held against the stored tiles on the way.
//! It keeps the right edge alone: at most 256 hashes for each level of tiles, however long the log is.

use crate::tile::{LEVELS, TileId, WIDTH};
use crate::tree::{NodeHash, empty_root, node_hash};

use super::LogFiles;

/// The tiles' right edge.
pub(super) struct Climb<'a> {
    files: &'a dyn LogFiles,
    levels: Vec<Level>,
    /// Tiles that are not there: the entries prove the root without them.
    pub(super) absent: u64,
    /// The first place where a stored tile is not that of the entries.
    pub(super) wrong: Option<Wrong>,
    /// A tile that cannot be read, and why.
    pub(super) unread: Option<String>,
}

#[derive(Default)]
struct Level {
    /// Nodes of the tile that is being filled.
    nodes: Vec<NodeHash>,
    /// Which tile that is.
    index: u64,
}

/// A stored tile does not have the hashes of the entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    /// The first entry below the first hash that differs, and the one after the last.
    pub(super) from: u64,
    pub(super) to: u64,
    /// In words.
    pub(super) what: String,
}

impl<'a> Climb<'a> {
    /// At the first entry, or at the lowest that is kept: a multiple of 256, below which hashes are taken from the
    /// stored tiles as claims, which the signed root then bears out or not.
    pub(super) fn new(files: &'a dyn LogFiles, minimum: u64, size: u64) -> Result<Self, String> {
        let mut levels = Vec::new();
        let mut before = minimum;
        for level in 0..LEVELS {
            let index = before / WIDTH;
            let taken = usize::try_from(before % WIDTH).unwrap_or(0);
            let mut nodes = Vec::with_capacity(256);
            if taken > 0 {
                nodes = taken_from(files, level, index, taken, size)?;
            }
            levels.push(Level { nodes, index });
            before = index;
        }
        Ok(Self {
            files,
            levels,
            absent: 0,
            wrong: None,
            unread: None,
        })
    }

    /// Adds the leaves of one bundle, of which all but the last of a log have 256.
    pub(super) fn push_bundle(&mut self, leaves: &[NodeHash]) {
        if let Some(level) = self.levels.first_mut() {
            level.nodes.clear();
            level.nodes.extend_from_slice(leaves);
        }
        if leaves.len() == 256 {
            self.close();
        }
    }

    /// A tile is full: it is held against the stored one, and its root goes up a level.
    fn close(&mut self) {
        for level in 0..LEVELS {
            self.compare(level);
            let at = usize::from(level);
            let Some(here) = self.levels.get_mut(at) else {
                break;
            };
            let root = perfect(&here.nodes).unwrap_or_else(empty_root);
            here.nodes.clear();
            here.index += 1;
            let Some(above) = self.levels.get_mut(at + 1) else {
                break;
            };
            above.nodes.push(root);
            if above.nodes.len() < 256 {
                break;
            }
        }
    }

    /// Holds the tiles that are not full against the stored ones.
    pub(super) fn finish(&mut self) {
        for level in 0..LEVELS {
            self.compare(level);
        }
    }

    fn compare(&mut self, level: u8) {
        let Some(here) = self.levels.get(usize::from(level)) else {
            return;
        };
        if here.nodes.is_empty() {
            return;
        }
        let id = TileId {
            level,
            index: here.index,
            width: u16::try_from(here.nodes.len()).unwrap_or(256),
        };
        match tile(self.files, id) {
            Ok(Some(stored)) => {
                if let Some(wrong) = difference(&stored, here, id) {
                    self.note(wrong);
                }
            }
            Ok(None) => self.absent += 1,
            Err(why) => {
                self.unread.get_or_insert(why);
            }
        }
    }

    /// Keeps the first place: a wider range that holds one known already says less than it.
    fn note(&mut self, wrong: Wrong) {
        let earlier = self
            .wrong
            .as_ref()
            .is_none_or(|known| wrong.to <= known.from);
        if earlier {
            self.wrong = Some(wrong);
        }
    }

    /// The root of the tree that ends after `leaves` of the bundle that comes next.
    pub(super) fn root_with(&self, leaves: &[NodeHash]) -> NodeHash {
        let mut root = None;
        let upper = self
            .levels
            .iter()
            .skip(1)
            .map(|level| level.nodes.as_slice());
        for nodes in std::iter::once(leaves).chain(upper) {
            root = fold(nodes, root);
        }
        root.unwrap_or_else(empty_root)
    }

    /// The root of all that was added.
    pub(super) fn root(&self) -> NodeHash {
        let leaves = self.levels.first().map(|level| level.nodes.as_slice());
        self.root_with(leaves.unwrap_or_default())
    }
}

/// Where a stored tile has another hash than the entries give.
fn difference(stored: &[u8], here: &Level, id: TileId) -> Option<Wrong> {
    let wide = entries_below(id.level);
    let first = here.index.saturating_mul(WIDTH).saturating_mul(wide);
    if stored.len() != here.nodes.len() * 32 {
        let below = (here.nodes.len() as u64).saturating_mul(wide);
        return Some(Wrong {
            from: first,
            to: first.saturating_add(below),
            what: format!(
                "tile `{}` has {} bytes, not {}",
                id.path(),
                stored.len(),
                here.nodes.len() * 32
            ),
        });
    }
    let at = stored
        .chunks_exact(32)
        .zip(&here.nodes)
        .position(|(stored, node)| stored != node.to_bytes())?;
    let from = first.saturating_add((at as u64).saturating_mul(wide));
    let what = if id.level == 0 {
        format!(
            "its bytes do not have the hash that tile `{}` holds",
            id.path()
        )
    } else {
        format!(
            "one of the {wide} entries from here on, or tile `{}`, was changed",
            id.path()
        )
    };
    Some(Wrong {
        from,
        to: from.saturating_add(wide),
        what,
    })
}

/// Entries below one hash of a tile.
fn entries_below(level: u8) -> u64 {
    1u64.checked_shl(u32::from(level) * 8).unwrap_or(u64::MAX)
}

/// A tile of that width; where only the wider, later one is there, its first hashes.
pub(super) fn tile(files: &dyn LogFiles, id: TileId) -> Result<Option<Vec<u8>>, String> {
    let read = |id: TileId| {
        let path = id.path();
        files
            .read(&path)
            .map_err(|fault| format!("`{path}`: {fault}"))
    };
    if let Some(bytes) = read(id)? {
        return Ok(Some(bytes));
    }
    if id.width == 256 {
        return Ok(None);
    }
    let full = read(TileId { width: 256, ..id })?;
    Ok(full.and_then(|bytes| {
        let whole = bytes.len() == 32 * 256;
        bytes
            .get(..usize::from(id.width) * 32)
            .filter(|_| whole)
            .map(<[u8]>::to_vec)
    }))
}

fn taken_from(
    files: &dyn LogFiles,
    level: u8,
    index: u64,
    taken: usize,
    size: u64,
) -> Result<Vec<NodeHash>, String> {
    // The tile as it is at this size: wider than what is taken, or just as wide.
    let in_tile = (size / entries_below(level)).saturating_sub(index.saturating_mul(WIDTH));
    let id = TileId {
        level,
        index,
        width: u16::try_from(in_tile.min(WIDTH)).unwrap_or(256),
    };
    let stored = tile(files, id)?.ok_or_else(|| {
        format!(
            "`{}` is not there, and the entries below it are pruned",
            id.path()
        )
    })?;
    let nodes: Vec<_> = stored
        .chunks_exact(32)
        .take(taken)
        .filter_map(NodeHash::from_slice)
        .collect();
    if nodes.len() == taken {
        Ok(nodes)
    } else {
        Err(format!("`{}` is too short", id.path()))
    }
}

/// Hashes complete subtrees of one height, left to right, onto what stands right of them.
fn fold(nodes: &[NodeHash], right: Option<NodeHash>) -> Option<NodeHash> {
    let mut rest = nodes;
    let mut peaks = Vec::with_capacity(9);
    while !rest.is_empty() {
        let width = 1usize << rest.len().ilog2();
        let (peak, after) = rest.split_at_checked(width)?;
        peaks.push(perfect(peak)?);
        rest = after;
    }
    peaks
        .into_iter()
        .rev()
        .fold(right, |right, left| match right {
            None => Some(left),
            Some(right) => Some(node_hash(left, right)),
        })
}

/// The root over a power of two of nodes.
fn perfect(nodes: &[NodeHash]) -> Option<NodeHash> {
    let mut layer = nodes.to_vec();
    while layer.len() > 1 {
        layer = layer
            .chunks_exact(2)
            .filter_map(|pair| match pair {
                [left, right] => Some(node_hash(*left, *right)),
                _ => None,
            })
            .collect();
    }
    layer.first().copied()
}
