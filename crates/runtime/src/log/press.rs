//! One publication: read the rows back and hash them, grow the tree, hold it against the guard, advance the guard,
//! sign, store. In that order: whoever dies anywhere on this road finds, on the next attempt, the same entries, the
//! same tree and the same bytes to sign. What is found wrong stops the road before the guard is touched.

use std::sync::Arc;

use interlock_core::id::TenantName;
use interlock_core::time::Timestamp;
use interlock_journal::checkpoint::Checkpoint;
use interlock_journal::note::{self, SignatureLine};
use interlock_journal::tile::{TileId, Tiles, edge_of};
use interlock_journal::tree::{NodeHash, empty_root, root_at};
use interlock_journal::{LeafHash, leaf_hash};
use interlock_store::limits::LOG_PAGE_MAX;
use interlock_store::{LogStore, Publication, Published, StoreFault, TileRow};

use super::{Guard, GuardFault, Guarded, PublishFault, Refusal, SigningKey};
use crate::clock::Clock;

/// Entries of one publication: what a backlog holds beyond is published by the next.
pub(super) const STEP_ENTRIES_MAX: u64 = 65_536;
/// The type of an Ed25519 signature in a note.
const ED25519: u8 = 1;
/// How often a publication of unknown outcome is looked up.
const LOOKUPS_MAX: u32 = 5;

/// What is needed to publish one log. Used by one task at a time.
pub(super) struct Press {
    pub(super) tenant: TenantName,
    pub(super) origin: String,
    pub(super) store: Arc<dyn LogStore>,
    pub(super) guard: Arc<dyn Guard>,
    /// The key that signs; while it is handed over, also the next one.
    pub(super) keys: Vec<SigningKey>,
    pub(super) clock: Arc<dyn Clock>,
    /// Entries of one publication.
    pub(super) step_entries: u64,
}

/// A tree that grew, held against the guard, and not signed yet.
struct Grown {
    tiles: Vec<TileRow>,
    size: u64,
    root: NodeHash,
}

impl Press {
    /// Publishes all that is sequenced when it is called. `None`: there was nothing new.
    pub(super) async fn publish(&self) -> Result<Option<Published>, PublishFault> {
        let mut last = None;
        loop {
            let before = self.store.published(&self.tenant).await?;
            let sequenced = self.store.log_size(&self.tenant).await?;
            let guarded = self.guarded(sequenced, before.as_ref()).await?;
            if size_of(before.as_ref()) == sequenced {
                return Ok(last);
            }
            last = Some(self.step(sequenced, before, guarded).await?);
        }
    }

    /// Looks whether everything fits together, as on the road of a publication, and publishes nothing.
    pub(super) async fn check(&self) -> Result<(), PublishFault> {
        let before = self.store.published(&self.tenant).await?;
        let sequenced = self.store.log_size(&self.tenant).await?;
        let guarded = self.guarded(sequenced, before.as_ref()).await?;
        let size = size_of(before.as_ref());
        let edge = self.edge(size, before.as_ref()).await?;
        self.grow(edge, size, guarded.size.max(size), &guarded)
            .await?;
        Ok(())
    }

    /// Publishes the newest tree once more, with the signatures of all keys at hand.
    pub(super) async fn sign_again(&self) -> Result<Published, PublishFault> {
        let before = self.store.published(&self.tenant).await?;
        let sequenced = self.store.log_size(&self.tenant).await?;
        let guarded = self.guarded(sequenced, before.as_ref()).await?;
        let Some(before) = before else {
            return Err(PublishFault::Bug("nothing was published".to_owned()));
        };
        if guarded.size != before.size {
            return Err(PublishFault::Elsewhere);
        }
        let published = Published {
            checkpoint: self.sign(&guarded)?,
            ..before.clone()
        };
        self.store(Some(before.size), Vec::new(), published).await
    }

    /// What the guard allows next to what the store says.
    async fn guarded(
        &self,
        sequenced: u64,
        before: Option<&Published>,
    ) -> Result<Guarded, PublishFault> {
        let guarded = match self.guard.last().await {
            Ok(Some(guarded)) => guarded,
            Ok(None) => return Err(Refusal::GuardMissing.into()),
            Err(GuardFault::Damaged) => return Err(Refusal::GuardDamaged.into()),
            Err(fault) => return Err(fault.into()),
        };
        if guarded.origin != self.origin {
            return Err(Refusal::OtherLog {
                guard: guarded.origin,
                log: self.origin.clone(),
            }
            .into());
        }
        let published = size_of(before);
        let signed = guarded.size.max(published);
        if sequenced < signed {
            return Err(Refusal::StoreBehind {
                found: sequenced,
                signed,
            }
            .into());
        }
        if guarded.size < published {
            return Err(Refusal::GuardBehind {
                guard: guarded.size,
                published,
            }
            .into());
        }
        if let Some(before) = before
            && before.size == guarded.size
            && before.root != guarded.root
        {
            return Err(Refusal::Published { size: before.size }.into());
        }
        Ok(guarded)
    }

    async fn step(
        &self,
        sequenced: u64,
        before: Option<Published>,
        guarded: Guarded,
    ) -> Result<Published, PublishFault> {
        let size = size_of(before.as_ref());
        // A signature that was allowed and not published comes first, however much has come since.
        let target = sequenced
            .min(size.saturating_add(self.step_entries))
            .max(guarded.size);
        let edge = self.edge(size, before.as_ref()).await?;
        let grown = self.grow(edge, size, target, &guarded).await?;
        let allowed = self.allow(&guarded, &grown).await?;
        let published = Published {
            size: allowed.size,
            root: allowed.root,
            checkpoint: self.sign(&allowed)?,
            at: allowed.at,
        };
        let expected = before.map(|before| before.size);
        self.store(expected, grown.tiles, published).await
    }

    /// The right edge of the published tree, as stored, and held against its root.
    pub(super) async fn edge(
        &self,
        size: u64,
        before: Option<&Published>,
    ) -> Result<Tiles, PublishFault> {
        let wanted: Vec<TileId> = edge_of(size).collect();
        let places: Vec<(u8, u64)> = wanted.iter().map(|id| (id.level, id.index)).collect();
        let rows = self.store.tiles(&self.tenant, &places).await?;
        let mut tiles = Tiles::new();
        for id in &wanted {
            let damaged = || Refusal::Tile { path: id.path() };
            let row = rows
                .iter()
                .find(|row| (row.level, row.index) == (id.level, id.index))
                .ok_or_else(damaged)?;
            tiles.insert(*id, &row.bytes).map_err(|_| damaged())?;
        }
        let root = root_at(&tiles, size).map_err(|fault| PublishFault::Bug(fault.to_string()))?;
        let published = before.map_or_else(empty_root, |before| NodeHash::from_bytes(before.root));
        if root != published {
            let path = wanted.first().map(TileId::path).unwrap_or_default();
            return Err(Refusal::Tile { path }.into());
        }
        Ok(tiles)
    }

    /// Grows the tree by rows that are read back, and proves that the guard's tree is its beginning.
    async fn grow(
        &self,
        mut tiles: Tiles,
        size: u64,
        target: u64,
        guarded: &Guarded,
    ) -> Result<Grown, PublishFault> {
        let mut leaves = Vec::new();
        let mut next = size;
        while next < target {
            let limit = u32::try_from(target - next).unwrap_or(u32::MAX);
            next = self
                .page(next, limit.min(LOG_PAGE_MAX), &mut leaves)
                .await?;
        }
        let bug = |fault: String| PublishFault::Bug(fault);
        let changed = tiles
            .extend(size, leaves)
            .map_err(|fault| bug(fault.to_string()))?;
        let signed = root_at(&tiles, guarded.size).map_err(|fault| bug(fault.to_string()))?;
        if signed.to_bytes() != guarded.root {
            return Err(Refusal::Diverged { size: guarded.size }.into());
        }
        let row = |id: TileId| {
            let bytes = tiles.bytes(id)?.to_vec();
            Some(TileRow {
                level: id.level,
                index: id.index,
                bytes,
            })
        };
        let rows: Option<Vec<TileRow>> = changed.into_iter().map(row).collect();
        Ok(Grown {
            tiles: rows.ok_or_else(|| bug("a tile that grew is not held".to_owned()))?,
            size: target,
            root: root_at(&tiles, target).map_err(|fault| bug(fault.to_string()))?,
        })
    }

    /// Reads one page of rows; each is hashed again from its stored bytes. Returns where the next page begins.
    async fn page(
        &self,
        from: u64,
        limit: u32,
        leaves: &mut Vec<LeafHash>,
    ) -> Result<u64, PublishFault> {
        let rows = match self.store.log_entries(&self.tenant, from, limit).await {
            Ok(rows) => rows,
            Err(StoreFault::Damaged { .. }) => return Err(Refusal::Gap { index: from }.into()),
            Err(fault) => return Err(fault.into()),
        };
        let mut next = from;
        for row in rows.into_iter().take(limit as usize) {
            if row.index != next {
                return Err(Refusal::Gap { index: next }.into());
            }
            let hash = leaf_hash(&row.bytes);
            if hash != row.hash {
                return Err(Refusal::Row { index: next }.into());
            }
            leaves.push(hash);
            next += 1;
        }
        if next == from {
            return Err(Refusal::Gap { index: from }.into());
        }
        Ok(next)
    }

    /// Advances the guard to the grown tree. After an error of unknown outcome the guard is read once more: what it
    /// then holds decides.
    async fn allow(&self, guarded: &Guarded, grown: &Grown) -> Result<Guarded, PublishFault> {
        let root = grown.root.to_bytes();
        if guarded.size == grown.size && guarded.root == root {
            return Ok(guarded.clone());
        }
        let new = Guarded {
            origin: self.origin.clone(),
            size: grown.size,
            root,
            at: self.now(guarded.at),
        };
        match self.guard.advance(Some(guarded), &new).await {
            Ok(()) => Ok(new),
            Err(fault @ GuardFault::Io(_)) => match self.guard.last().await {
                Ok(Some(found)) if found == new => Ok(new),
                _ => Err(fault.into()),
            },
            Err(GuardFault::Moved) => Err(PublishFault::Elsewhere),
            Err(fault) => Err(fault.into()),
        }
    }

    /// The time, as it is; that it went back is said and stops nothing, for no checkpoint holds a time.
    fn now(&self, last: Timestamp) -> Timestamp {
        let now = self.clock.now();
        if now < last {
            tracing::warn!(%now, %last, "the clock stands before the last publication");
        }
        now
    }

    /// The signed note. Every key at hand signs.
    fn sign(&self, allowed: &Guarded) -> Result<Vec<u8>, PublishFault> {
        let checkpoint = Checkpoint {
            origin: self.origin.clone(),
            size: allowed.size,
            root: NodeHash::from_bytes(allowed.root),
        };
        let text = checkpoint.to_text();
        let lines = self
            .keys
            .iter()
            .map(|key| {
                Ok(SignatureLine {
                    name: self.origin.clone(),
                    key_id: note::key_id(&self.origin, ED25519, key.public()),
                    signature: key.sign(text.as_bytes())?,
                })
            })
            .collect::<Result<Vec<_>, PublishFault>>()?;
        Ok(note::assemble(&text, &lines)?)
    }

    /// Stores a publication. An unknown outcome is learnt by reading, and the same bytes are stored again where they
    /// are not there.
    async fn store(
        &self,
        expected: Option<u64>,
        tiles: Vec<TileRow>,
        published: Published,
    ) -> Result<Published, PublishFault> {
        use interlock_store::PublishFault as Fault;
        for _ in 0..LOOKUPS_MAX {
            let publication = Publication {
                expected,
                tiles: tiles.clone(),
                published: published.clone(),
            };
            let fault = match self.store.publish(&self.tenant, publication).await {
                Ok(()) => return Ok(published),
                Err(Fault::Broken { what }) => return Err(PublishFault::Bug(what.to_owned())),
                Err(Fault::Conflict { .. }) => None,
                Err(Fault::Store(fault @ StoreFault::Unknown { .. })) => Some(fault),
                Err(Fault::Store(fault)) => return Err(fault.into()),
            };
            match (self.store.published(&self.tenant).await?, fault) {
                (Some(found), _) if found == published => return Ok(published),
                (_, None) => return Err(PublishFault::Elsewhere),
                // Not there: what was unknown is known, and the same is stored again.
                (_, Some(_)) => {}
            }
        }
        Err(PublishFault::Store(StoreFault::Unknown {
            operation: "publish",
        }))
    }
}

fn size_of(published: Option<&Published>) -> u64 {
    published.map_or(0, |published| published.size)
}
