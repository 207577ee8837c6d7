//! Receipts for single entries: inclusion proofs out of the published tiles, with the checkpoint that they lead to.

use std::collections::BTreeSet;

use interlock_journal::receipt::Receipt;
use interlock_journal::tile::{TileId, Tiles, needed_for_inclusion};
use interlock_journal::tree::{self, NodeHash};
use interlock_store::StoreFault;

use super::ExportFault;
use crate::engine::{Engine, Fault};
use crate::log::StoreLogFiles;

/// Tiles that are held before they are let go: 8 KiB each.
const TILES_HELD_MAX: usize = 4096;

/// Makes receipts.
pub(crate) struct Receipts<'a> {
    files: &'a StoreLogFiles,
    tiles: Tiles,
    held: BTreeSet<TileId>,
}

impl<'a> Receipts<'a> {
    pub(crate) fn new(files: &'a StoreLogFiles) -> Self {
        Self {
            files,
            tiles: Tiles::new(),
            held: BTreeSet::new(),
        }
    }

    /// The receipt of one entry.
    pub(super) async fn of(&mut self, index: u64) -> Result<Vec<u8>, ExportFault> {
        let proof = self.proof(index).await?;
        Ok(Receipt {
            index,
            proof,
            checkpoint: self.files.published().checkpoint.clone(),
            extra: None,
        }
        .encode())
    }

    /// The proof of one entry's place.
    pub(crate) async fn proof(&mut self, index: u64) -> Result<Vec<NodeHash>, ExportFault> {
        let published = self.files.published();
        let unproven = || ExportFault::Nothing("an entry cannot be proven: a tile is missing");
        let needed = needed_for_inclusion(index, published.size).map_err(|_| unproven())?;
        if self.held.len() >= TILES_HELD_MAX {
            (self.tiles, self.held) = (Tiles::new(), BTreeSet::new());
        }
        for id in needed {
            if self.held.contains(&id) {
                continue;
            }
            let bytes = self.files.fetch(&id.path()).await?.ok_or_else(unproven)?;
            self.tiles.insert(id, &bytes).map_err(|_| damaged())?;
            self.held.insert(id);
        }
        tree::inclusion_proof(&self.tiles, index, published.size).map_err(|_| unproven())
    }
}

impl Engine {
    /// The receipt of one entry under the newest checkpoint (C2SP tlog-proof); `None`: it is not published yet, pruned,
    /// or there is no such entry.
    ///
    /// # Errors
    /// The store cannot be read, or its tiles are damaged.
    pub async fn receipt(&self, index: u64) -> Result<Option<Vec<u8>>, Fault> {
        let Some(files) = StoreLogFiles::of(self).await? else {
            return Ok(None);
        };
        if index >= files.published().size {
            return Ok(None);
        }
        match Receipts::new(&files).of(index).await {
            Ok(receipt) => Ok(Some(receipt)),
            Err(ExportFault::Engine(fault)) => Err(fault),
            Err(_) => Ok(None),
        }
    }
}

fn damaged() -> Fault {
    Fault::Store(StoreFault::Damaged {
        operation: "make a receipt",
        what: "tile",
    })
}
