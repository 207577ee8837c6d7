//! Which tiles a root or a proof needs: O(log size) of them, so that a reader fetches those alone.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::{TileId, WIDTH, tile_in};
use crate::tree::{
    Missing, NodeHash, NodeSource, consistency_proof, empty_root, inclusion_proof, root_at,
};

/// Writes down what it is asked for, and answers anything.
struct Asked {
    size: u64,
    tiles: RefCell<BTreeSet<TileId>>,
}

impl NodeSource for Asked {
    fn node(&self, level: u8, index: u64) -> Option<NodeHash> {
        let first = index.checked_mul(1 << (level % 8))?;
        let tile = tile_in(level / 8, first / WIDTH, self.size)?;
        self.tiles.borrow_mut().insert(tile);
        Some(empty_root())
    }
}

fn asked<T>(
    size: u64,
    make: impl FnOnce(&Asked) -> Result<T, Missing>,
) -> Result<BTreeSet<TileId>, Missing> {
    let source = Asked {
        size,
        tiles: RefCell::default(),
    };
    make(&source)?;
    Ok(source.tiles.into_inner())
}

/// The tiles, at their widths in the tree of `size` leaves, that its root needs.
///
/// # Errors
/// A size that no tree has.
pub fn needed_for_root(size: u64) -> Result<BTreeSet<TileId>, Missing> {
    asked(size, |source| root_at(source, size))
}

/// The tiles, at their widths in the tree of `size` leaves, that an inclusion proof needs.
///
/// # Errors
/// A leaf that the tree does not have.
pub fn needed_for_inclusion(index: u64, size: u64) -> Result<BTreeSet<TileId>, Missing> {
    asked(size, |source| inclusion_proof(source, index, size))
}

/// The tiles, at their widths in the tree of `new` leaves, that a consistency proof needs.
///
/// # Errors
/// An older tree that is larger than the newer.
pub fn needed_for_consistency(old: u64, new: u64) -> Result<BTreeSet<TileId>, Missing> {
    asked(new, |source| consistency_proof(source, old, new))
}
