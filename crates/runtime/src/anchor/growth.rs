//! That one tree extends another, from tiles: which tiles that takes, and the proof, held against the newer root
//! before anyone is told. Tiles are never trusted.

use std::collections::BTreeSet;

use interlock_core::id::TenantName;
use interlock_journal::NodeHash;
use interlock_journal::tile::{TileId, Tiles, needed_for_consistency, needed_for_root};
use interlock_journal::tree::{consistency_proof, root_at, verify_consistency};
use interlock_store::{Store, StoreFault};

/// How the tree grew from one size to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Growth {
    /// The root of the older tree, as these tiles have it.
    pub(crate) old_root: NodeHash,
    /// The proof, at most 63 hashes; empty where nothing grew or the older tree was empty.
    pub(crate) proof: Vec<NodeHash>,
}

/// The tiles do not make a tree of the newer root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotShown;

/// The tiles, by their widths in the newer tree, that [`growth`] needs.
pub(crate) fn wanted(old: u64, new: u64) -> Result<BTreeSet<TileId>, NotShown> {
    let mut wanted = needed_for_consistency(old, new).map_err(|_| NotShown)?;
    wanted.extend(needed_for_root(new).map_err(|_| NotShown)?);
    // The older root is made of the newer tree's tiles, so that one set of tiles has to agree with both.
    for tile in needed_for_root(old).map_err(|_| NotShown)? {
        let wide = interlock_journal::tile::tile_in(tile.level, tile.index, new);
        wanted.insert(wide.ok_or(NotShown)?);
    }
    Ok(wanted)
}

/// How the tree grew, if the tiles are those of the newer root.
pub(crate) fn growth(
    tiles: &Tiles,
    old: u64,
    new: u64,
    new_root: NodeHash,
) -> Result<Growth, NotShown> {
    let root = |size| root_at(tiles, size).map_err(|_| NotShown);
    let old_root = root(old)?;
    if root(new)? != new_root {
        return Err(NotShown);
    }
    let proof = if old == 0 || old == new {
        Vec::new()
    } else {
        consistency_proof(tiles, old, new).map_err(|_| NotShown)?
    };
    verify_consistency(old, old_root, new, new_root, &proof).map_err(|_| NotShown)?;
    Ok(Growth { old_root, proof })
}

/// The same from a store.
pub(crate) async fn stored(
    store: &dyn Store,
    tenant: &TenantName,
    old: u64,
    new: u64,
    new_root: NodeHash,
) -> Result<Result<Growth, NotShown>, StoreFault> {
    let Ok(wanted) = wanted(old, new) else {
        return Ok(Err(NotShown));
    };
    let places: Vec<(u8, u64)> = wanted.iter().map(|tile| (tile.level, tile.index)).collect();
    let mut tiles = Tiles::new();
    for row in store.tiles(tenant, &places).await? {
        // Published meanwhile, a tile may be wider than it was; its beginning is the same.
        let id = TileId {
            level: row.level,
            index: row.index,
            width: u16::try_from(row.bytes.len() / 32).unwrap_or(0),
        };
        if tiles.insert(id, &row.bytes).is_err() {
            return Ok(Err(NotShown));
        }
    }
    Ok(growth(&tiles, old, new, new_root))
}
