//! Tiles and entry bundles of C2SP tlog-tiles: their paths, their bytes, and which of them a tree has.
//! `tile/tiles.rs` keeps tiles in memory as a source of nodes. Where the files lie is others' concern.

mod bundle;
mod needed;
mod path;
mod tiles;

pub use bundle::{ENTRY_BYTES_MAX, decode_bundle, encode_bundle};
pub use needed::{needed_for_consistency, needed_for_inclusion, needed_for_root};
pub use tiles::Tiles;

use crate::tree::{Missing, NodeHash, node_hash};

/// Hashes in a full tile, and entries in a full bundle.
pub const WIDTH: u64 = 256;

/// Levels of tiles that a tree of at most 2^63 - 1 leaves can have.
pub const LEVELS: u8 = 8;

/// Bytes of one hash in a tile.
const HASH_BYTES: usize = 32;

/// A tile: `width` hashes of level `level`, the first of them number `index` * 256 of its level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileId {
    /// Level, from 0; each hash stands for 256^level leaves.
    pub level: u8,
    /// Place of the tile within its level.
    pub index: u64,
    /// Number of hashes, 1 to 256; a tile below 256 is partial.
    pub width: u16,
}

/// A bundle of `width` entries, the first of them entry `index` * 256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BundleId {
    /// Place of the bundle.
    pub index: u64,
    /// Number of entries, 1 to 256; a bundle below 256 is partial.
    pub width: u16,
}

impl TileId {
    /// Whether every leaf under the full tile of this place lies below `minimum`, the lowest index that a
    /// pruned log still has. Such a tile may be gone; no root of a tree of `minimum` leaves or more, and no
    /// proof between such trees or for a later entry, needs it.
    #[must_use]
    pub fn is_below(&self, minimum: u64) -> bool {
        WIDTH
            .checked_pow(u32::from(self.level) + 1)
            .and_then(|span| self.index.checked_add(1)?.checked_mul(span))
            .is_some_and(|end| end <= minimum)
    }
}

impl BundleId {
    /// Whether every entry of the full bundle of this place lies below `minimum`.
    #[must_use]
    pub fn is_below(&self, minimum: u64) -> bool {
        self.index
            .checked_add(1)
            .and_then(|next| next.checked_mul(WIDTH))
            .is_some_and(|end| end <= minimum)
    }
}

/// What is wrong with a tile, a bundle or the path of one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TileFault {
    /// The path names no tile and no bundle.
    #[error("`{0}` is not the path of a tile")]
    Path(String),
    /// A width outside 1 to 256, or an index that no tree reaches.
    #[error("no tree has the tile `{0}`")]
    Id(String),
    /// The bytes are not 32 for each hash.
    #[error("`{path}` has `{found}` bytes instead of `{expected}`")]
    Bytes {
        /// The tile.
        path: String,
        /// Bytes that its width asks for.
        expected: usize,
        /// Bytes given.
        found: usize,
    },
    /// Two tiles that should agree do not.
    #[error("`{0}` differs from what was held before")]
    Differs(String),
    /// Tiles held are not those of the tree that is to grow.
    #[error("`{0}` is not the right edge of the tree")]
    Edge(String),
    /// A bundle ends within an entry, or before its last.
    #[error("entry bundle ends within entry `{0}`")]
    Short(u16),
    /// A bundle goes on after its last entry.
    #[error("entry bundle goes on for `{0}` bytes after its last entry")]
    Trailing(usize),
    /// A bundle has 1 to 256 entries.
    #[error("entry bundle has `{0}` entries instead of 1 to 256")]
    Width(usize),
    /// An entry is longer than a bundle can hold.
    #[error("entry has `{0}` bytes, a bundle holds at most 65535")]
    Entry(usize),
    /// The tree has no such leaf or size.
    #[error(transparent)]
    Missing(#[from] Missing),
}

/// Number of hashes that a tree of `size` leaves has at a tile level.
pub(crate) const fn hashes_at(level: u8, size: u64) -> u64 {
    if level >= LEVELS {
        return 0;
    }
    size >> (8 * level as u32)
}

/// The tile with this index in a tree of `size` leaves, with its width there; `None` where there is none.
#[must_use]
pub fn tile_in(level: u8, index: u64, size: u64) -> Option<TileId> {
    let first = index.checked_mul(WIDTH)?;
    let width = hashes_at(level, size).checked_sub(first)?.min(WIDTH) as u16;
    (width > 0).then_some(TileId {
        level,
        index,
        width,
    })
}

/// All tiles of a tree of `size` leaves, by level and index.
pub fn tiles_of(size: u64) -> impl Iterator<Item = TileId> {
    tiles_changed(0, size)
}

/// The tiles to write when a tree grows from `old` to `new` leaves, by level and index. Empty where `new`
/// is not above `old`.
pub fn tiles_changed(old: u64, new: u64) -> impl Iterator<Item = TileId> {
    (0..LEVELS).flat_map(move |level| {
        let (before, after) = (hashes_at(level, old), hashes_at(level, new));
        let first = before / WIDTH;
        let end = if before < after {
            after.div_ceil(WIDTH)
        } else {
            first
        };
        (first..end).filter_map(move |index| tile_in(level, index, new))
    })
}

/// The partial tiles of a tree of `size` leaves, by level: all that root and growth need, at most eight.
pub fn edge_of(size: u64) -> impl Iterator<Item = TileId> {
    (0..LEVELS)
        .filter_map(move |level| tile_in(level, hashes_at(level, size) / WIDTH, size))
        .filter(|tile| tile.width < WIDTH as u16)
}

/// The entry bundles to write when a tree grows from `old` to `new` leaves.
pub fn bundles_changed(old: u64, new: u64) -> impl Iterator<Item = BundleId> {
    let end = if old < new { new.div_ceil(WIDTH) } else { 0 };
    (old / WIDTH..end)
        .filter_map(move |index| tile_in(0, index, new))
        .map(|tile| BundleId {
            index: tile.index,
            width: tile.width,
        })
}

/// All entry bundles of a tree of `size` leaves.
pub fn bundles_of(size: u64) -> impl Iterator<Item = BundleId> {
    bundles_changed(0, size)
}

/// The root of the complete subtree over the hashes in `bytes`; `None` unless they are a power of two.
#[must_use]
pub fn subtree_root(bytes: &[u8]) -> Option<NodeHash> {
    if bytes.len() == HASH_BYTES {
        return NodeHash::from_slice(bytes);
    }
    let half = bytes.len() / 2;
    if half < HASH_BYTES || half * 2 != bytes.len() {
        return None;
    }
    let (left, right) = bytes.split_at_checked(half)?;
    Some(node_hash(subtree_root(left)?, subtree_root(right)?))
}
