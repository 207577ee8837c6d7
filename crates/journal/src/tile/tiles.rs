//! Tiles held in memory: a source of nodes for roots and proofs, and the tree's growth.
//! It trusts no tile: what the tiles say holds only once a root from them is one that was signed.

use std::collections::BTreeMap;

use super::{HASH_BYTES, LEVELS, TileFault, TileId, WIDTH, hashes_at, subtree_root, tiles_changed};
use crate::hash::LeafHash;
use crate::tree::{NodeHash, NodeSource, SIZE_MAX};

/// Tiles by level and index, each at the largest width inserted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tiles {
    held: BTreeMap<(u8, u64), Vec<u8>>,
}

impl Tiles {
    /// Without a tile.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Holds a tile. Of two widths of one tile the longer is kept, and the shorter has to be its beginning.
    ///
    /// # Errors
    /// A width or index that no tree has, bytes that are not 32 for each hash, and a tile that contradicts
    /// one held before.
    pub fn insert(&mut self, id: TileId, bytes: &[u8]) -> Result<(), TileFault> {
        if !id.exists() {
            return Err(TileFault::Id(id.path()));
        }
        if bytes.len() != id.bytes_len() {
            return Err(TileFault::Bytes {
                path: id.path(),
                expected: id.bytes_len(),
                found: bytes.len(),
            });
        }
        let held = self.held.entry((id.level, id.index)).or_default();
        let common = held.len().min(bytes.len());
        if held.get(..common) != bytes.get(..common) {
            return Err(TileFault::Differs(id.path()));
        }
        if held.len() < bytes.len() {
            held.clear();
            held.extend_from_slice(bytes);
        }
        Ok(())
    }

    /// The bytes of a tile at this width; `None` where it is not held, or is narrower.
    #[must_use]
    pub fn bytes(&self, id: TileId) -> Option<&[u8]> {
        self.held.get(&(id.level, id.index))?.get(..id.bytes_len())
    }

    /// Number of tiles held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether no tile is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Lets go of every tile that growth from `size` leaves on does not need.
    pub fn keep_edge(&mut self, size: u64) {
        self.held
            .retain(|(level, index), _| *index == hashes_at(*level, size) / WIDTH);
    }

    /// Appends leaves to a tree of `old` leaves, whose partial tiles have to be held at their exact widths.
    /// Returns the tiles that are new or have grown; their bytes are held.
    ///
    /// # Errors
    /// Where the tiles held are not the right edge of a tree of that size; then nothing has changed. Where
    /// the tree would have more than `SIZE_MAX` leaves; then the leaves before that are held.
    pub fn extend(
        &mut self,
        old: u64,
        leaves: impl IntoIterator<Item = LeafHash>,
    ) -> Result<Vec<TileId>, TileFault> {
        self.check_edge(old)?;
        let mut size = old;
        for leaf in leaves {
            if size >= SIZE_MAX {
                return Err(TileFault::Missing(crate::tree::Missing::Size(size)));
            }
            self.append(size, leaf);
            size += 1;
        }
        Ok(tiles_changed(old, size).collect())
    }

    fn check_edge(&self, size: u64) -> Result<(), TileFault> {
        for level in 0..LEVELS {
            let hashes = hashes_at(level, size);
            let (index, width) = (hashes / WIDTH, (hashes % WIDTH) as u16);
            let edge = TileId {
                level,
                index,
                width,
            };
            let held = self.held.get(&(level, index)).map_or(0, Vec::len);
            let beyond = self.held.range((level, index + 1)..(level + 1, 0)).next();
            if held != edge.bytes_len() || beyond.is_some() {
                return Err(TileFault::Edge(edge.path()));
            }
        }
        Ok(())
    }

    /// Appends one hash to level 0, and to each level above whose tile below it is now full.
    fn append(&mut self, size: u64, leaf: LeafHash) {
        let mut hash = NodeHash::from(leaf);
        for level in 0..LEVELS {
            let index = hashes_at(level, size) / WIDTH;
            let tile = self
                .held
                .entry((level, index))
                .or_insert_with(|| Vec::with_capacity(WIDTH as usize * HASH_BYTES));
            tile.extend_from_slice(&hash.to_bytes());
            if tile.len() < WIDTH as usize * HASH_BYTES {
                return;
            }
            let Some(root) = subtree_root(tile) else {
                return;
            };
            hash = root;
        }
    }
}

impl NodeSource for Tiles {
    fn node(&self, level: u8, index: u64) -> Option<NodeHash> {
        let (tile_level, height) = (level / 8, level % 8);
        let first = index.checked_mul(1 << height)?;
        let tile = self.held.get(&(tile_level, first / WIDTH))?;
        let from = (first % WIDTH) as usize * HASH_BYTES;
        let length = HASH_BYTES << height;
        subtree_root(tile.get(from..)?.get(..length)?)
    }
}
