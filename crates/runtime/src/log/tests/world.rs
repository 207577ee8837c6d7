//! A log without an engine: a store whose answers can be bent, a guard that fails by plan, and the press between.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use interlock_core::id::{RunId, TenantName};
use interlock_core::time::Timestamp;
use interlock_journal::checkpoint::Checkpoint;
use interlock_journal::note::{KeyKind, SignedNote, VerifierKey};
use interlock_journal::tile::tile_in;
use interlock_journal::tree::{Frontier, NodeHash, empty_root};
use interlock_journal::{LeafHash, leaf_hash};
use interlock_store::conformance::Pen;
use interlock_store::{
    IndexRow, LogEntry, LogStore, MemoryStore, Publication, Published, SearchQuery, Store,
    StoreFault, TileRow,
};

use super::super::guard::continues;
use super::super::press::Press;
use super::super::{Guard, GuardFault, Guarded, PublishFault, SigningKey};
use crate::clock::{Clock, FixedClock};

pub(super) const ORIGIN: &str = "log.example.org/test";

/// What becomes of one write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is not made, and said not to be.
    NotMade,
    /// It is made, and said to have failed.
    MadeWithError,
    /// The process dies before it: nothing answers any more.
    DiesBefore,
    /// The process dies after it.
    DiesAfter,
}

/// Which write has which fate, counted down over both guard and store.
#[derive(Default)]
pub(super) struct Plan {
    left: AtomicI64,
    fate: Mutex<Option<Fate>>,
    dead: Mutex<bool>,
}

impl Plan {
    /// The `n`-th write from now on, from 1.
    pub(super) fn at(&self, n: i64, fate: Fate) {
        self.left.store(n, Ordering::SeqCst);
        *self.fate.lock().unwrap() = Some(fate);
    }

    /// As after a new start of the process.
    pub(super) fn clear(&self) {
        *self.fate.lock().unwrap() = None;
        *self.dead.lock().unwrap() = false;
    }

    fn alive(&self) -> bool {
        !*self.dead.lock().unwrap()
    }

    /// Before a write: its fate, where it has one.
    fn before(&self) -> Option<Fate> {
        let planned = *self.fate.lock().unwrap();
        let fate = planned.filter(|_| self.left.fetch_sub(1, Ordering::SeqCst) == 1);
        if matches!(fate, Some(Fate::DiesBefore | Fate::DiesAfter)) {
            *self.dead.lock().unwrap() = true;
        }
        fate
    }
}

/// How a store's answers are bent.
#[derive(Default, Clone)]
pub(super) struct Bent {
    /// The log ends here.
    pub(super) cut: Option<u64>,
    /// This was published last.
    pub(super) published: Option<Option<Published>>,
    /// The bytes of this entry have one bit flipped.
    pub(super) flipped_row: Option<u64>,
    /// This entry is another one, with its own right hash.
    pub(super) replaced_row: Option<u64>,
    /// One bit of the tile at this level and index is flipped.
    pub(super) flipped_tile: Option<(u8, u64)>,
    /// These two entries have changed places.
    pub(super) swapped: Option<(u64, u64)>,
}

pub(super) struct BentStore {
    pub(super) inner: Arc<MemoryStore>,
    pub(super) plan: Arc<Plan>,
    pub(super) bent: Mutex<Bent>,
    /// Every note that was ever handed over to be stored: signed, whatever became of it.
    pub(super) signed: Mutex<Vec<Vec<u8>>>,
}

fn gone(operation: &'static str) -> StoreFault {
    StoreFault::Unavailable {
        operation,
        cause: "by plan".to_owned(),
    }
}

impl BentStore {
    fn read(&self) -> Result<Bent, StoreFault> {
        if self.plan.alive() {
            Ok(self.bent.lock().unwrap().clone())
        } else {
            Err(gone("read"))
        }
    }
}

#[async_trait]
impl LogStore for BentStore {
    async fn log_size(&self, tenant: &TenantName) -> Result<u64, StoreFault> {
        let bent = self.read()?;
        let size = self.inner.log_size(tenant).await?;
        Ok(bent.cut.map_or(size, |cut| size.min(cut)))
    }

    async fn log_entries(
        &self,
        tenant: &TenantName,
        from: u64,
        limit: u32,
    ) -> Result<Vec<LogEntry>, StoreFault> {
        let bent = self.read()?;
        let mut entries = self.inner.log_entries(tenant, from, limit).await?;
        entries.retain(|entry| bent.cut.is_none_or(|cut| entry.index < cut));
        for entry in &mut entries {
            if Some(entry.index) == bent.flipped_row {
                entry.bytes[20] ^= 1;
            }
            if Some(entry.index) == bent.replaced_row {
                entry.bytes[20] ^= 1;
                entry.hash = leaf_hash(&entry.bytes);
            }
        }
        if let Some((a, b)) = bent.swapped {
            let at = |index| entries.iter().position(|entry| entry.index == index);
            if let (Some(a), Some(b)) = (at(a), at(b)) {
                let (first, second) = (entries[a].index, entries[b].index);
                entries.swap(a, b);
                entries[a].index = first;
                entries[b].index = second;
            }
        }
        Ok(entries)
    }

    async fn log_index(
        &self,
        tenant: &TenantName,
        run: RunId,
        seq: u64,
    ) -> Result<Option<u64>, StoreFault> {
        self.inner.log_index(tenant, run, seq).await
    }

    async fn tiles(
        &self,
        tenant: &TenantName,
        wanted: &[(u8, u64)],
    ) -> Result<Vec<TileRow>, StoreFault> {
        let bent = self.read()?;
        let mut rows = self.inner.tiles(tenant, wanted).await?;
        for row in &mut rows {
            if Some((row.level, row.index)) == bent.flipped_tile {
                row.bytes[7] ^= 0x10;
            }
            // The tree is as old as what is published.
            if let Some(Some(published)) = &bent.published {
                let whole = tile_in(row.level, row.index, published.size);
                row.bytes.truncate(whole.map_or(0, |tile| tile.bytes_len()));
            }
        }
        Ok(rows)
    }

    async fn publish(
        &self,
        tenant: &TenantName,
        publication: Publication,
    ) -> Result<(), interlock_store::PublishFault> {
        if !self.plan.alive() {
            return Err(gone("publish").into());
        }
        let note = publication.published.checkpoint.clone();
        self.signed.lock().unwrap().push(note);
        let fate = self.plan.before();
        if matches!(fate, Some(Fate::NotMade | Fate::DiesBefore)) {
            return Err(gone("publish").into());
        }
        self.inner.publish(tenant, publication).await?;
        match fate {
            None => Ok(()),
            Some(_) => Err(StoreFault::Unknown {
                operation: "publish",
            }
            .into()),
        }
    }

    async fn published(&self, tenant: &TenantName) -> Result<Option<Published>, StoreFault> {
        let bent = self.read()?;
        match bent.published {
            Some(published) => Ok(published),
            None => self.inner.published(tenant).await,
        }
    }

    async fn checkpoints(
        &self,
        tenant: &TenantName,
        below: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Published>, StoreFault> {
        self.inner.checkpoints(tenant, below, limit).await
    }

    async fn log_minimum(&self, tenant: &TenantName) -> Result<u64, StoreFault> {
        self.inner.log_minimum(tenant).await
    }

    async fn prune(&self, tenant: &TenantName, minimum: u64) -> Result<(), StoreFault> {
        self.inner.prune(tenant, minimum).await
    }

    async fn index_put(
        &self,
        tenant: &TenantName,
        upto: u64,
        rows: Vec<IndexRow>,
    ) -> Result<(), StoreFault> {
        self.inner.index_put(tenant, upto, rows).await
    }

    async fn index_cursor(&self, tenant: &TenantName) -> Result<u64, StoreFault> {
        self.inner.index_cursor(tenant).await
    }

    async fn index_clear(&self, tenant: &TenantName) -> Result<(), StoreFault> {
        self.inner.index_clear(tenant).await
    }

    async fn search(
        &self,
        tenant: &TenantName,
        query: &SearchQuery,
    ) -> Result<Vec<u64>, StoreFault> {
        self.inner.search(tenant, query).await
    }

    async fn scrub(&self) -> Result<(), StoreFault> {
        self.inner.scrub().await
    }
}

/// A guard in memory that fails by the same plan.
pub(super) struct PlannedGuard {
    pub(super) held: Mutex<Option<Guarded>>,
    plan: Arc<Plan>,
}

fn broken() -> GuardFault {
    GuardFault::Io(std::io::Error::other("by plan"))
}

#[async_trait]
impl Guard for PlannedGuard {
    async fn last(&self) -> Result<Option<Guarded>, GuardFault> {
        if !self.plan.alive() {
            return Err(broken());
        }
        Ok(self.held.lock().unwrap().clone())
    }

    async fn advance(&self, expected: Option<&Guarded>, new: &Guarded) -> Result<(), GuardFault> {
        if !self.plan.alive() {
            return Err(broken());
        }
        let fate = self.plan.before();
        if matches!(fate, Some(Fate::NotMade | Fate::DiesBefore)) {
            return Err(broken());
        }
        let mut held = self.held.lock().unwrap();
        continues(held.as_ref(), expected, new)?;
        *held = Some(new.clone());
        fate.map_or(Ok(()), |_| Err(broken()))
    }

    async fn adopt(&self, new: &Guarded) -> Result<(), GuardFault> {
        *self.held.lock().unwrap() = Some(new.clone());
        Ok(())
    }
}

/// See the module's text.
pub(super) struct World {
    pub(super) store: Arc<BentStore>,
    pub(super) guard: Arc<PlannedGuard>,
    pub(super) plan: Arc<Plan>,
    pub(super) clock: Arc<FixedClock>,
    pub(super) press: Press,
    pens: Vec<Pen>,
}

impl World {
    pub(super) fn new() -> Self {
        let plan = Arc::new(Plan::default());
        let environment = interlock_core::id::EnvironmentName::parse("dev").unwrap();
        let clock = Arc::new(FixedClock::at(Timestamp::from_micros(1_000_000)));
        let store = Arc::new(BentStore {
            inner: Arc::new(MemoryStore::new(environment)),
            plan: Arc::clone(&plan),
            bent: Mutex::default(),
            signed: Mutex::default(),
        });
        let guard = Arc::new(PlannedGuard {
            held: Mutex::new(Some(Guarded {
                origin: ORIGIN.to_owned(),
                size: 0,
                root: empty_root().to_bytes(),
                at: clock.now(),
            })),
            plan: Arc::clone(&plan),
        });
        let pens: Vec<Pen> = (1..=8).map(|n| Pen::new(n).unwrap()).collect();
        let press = Press {
            tenant: pens[0].tenant.clone(),
            origin: ORIGIN.to_owned(),
            store: Arc::clone(&store) as Arc<dyn LogStore>,
            guard: Arc::clone(&guard) as Arc<dyn Guard>,
            keys: vec![SigningKey::from_seed(&[3; 32]).unwrap()],
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            step_entries: 65_536,
        };
        Self {
            store,
            guard,
            plan,
            clock,
            press,
            pens,
        }
    }

    pub(super) fn tenant(&self) -> &TenantName {
        &self.press.tenant
    }

    /// Appends entries to one of eight runs; durable when it returns.
    pub(super) async fn append(&mut self, run: usize, count: u64) {
        let mut left = count;
        while left > 0 {
            let some = left.min(200);
            let pen = &mut self.pens[run % 8];
            let append = pen.write(some, "model.requested").unwrap();
            let inner = &self.store.inner;
            pen.head = Some(inner.append(&pen.tenant, append).await.unwrap());
            left -= some;
        }
    }

    pub(super) fn bend(&self, bent: Bent) {
        *self.store.bent.lock().unwrap() = bent;
    }

    pub(super) async fn publish(&self) -> Result<Option<Published>, PublishFault> {
        self.press.publish().await
    }

    /// As a new process finds it.
    pub(super) fn restart(&self) {
        self.plan.clear();
    }

    /// The leaves of the log, from its rows.
    pub(super) async fn leaves(&self) -> Vec<LeafHash> {
        let mut leaves = Vec::new();
        loop {
            let from = leaves.len() as u64;
            let page = self.store.inner.log_entries(self.tenant(), from, 1024);
            let page = page.await.unwrap();
            if page.is_empty() {
                return leaves;
            }
            leaves.extend(page.iter().map(|entry| leaf_hash(&entry.bytes)));
        }
    }

    /// Every note that was ever signed is under our key and names a beginning of the one log that there is; and the
    /// newest published one names all of `acknowledged` entries.
    pub(super) async fn check(&self, acknowledged: u64) {
        let leaves = self.leaves().await;
        let mut roots = vec![empty_root()];
        let mut frontier = Frontier::new();
        for leaf in leaves {
            frontier.push(leaf);
            roots.push(frontier.root());
        }
        for note in self.store.signed.lock().unwrap().iter() {
            let checkpoint = opened(note, ORIGIN, &[3; 32]);
            assert_eq!(checkpoint.root, roots[checkpoint.size as usize]);
        }
        let published = self.store.inner.published(self.tenant()).await.unwrap();
        let published = published.unwrap();
        assert!(published.size >= acknowledged, "{}", published.size);
        assert_eq!(
            NodeHash::from_bytes(published.root),
            roots[published.size as usize]
        );
    }
}

/// The checkpoint of a note that one key has signed.
pub(super) fn opened(note: &[u8], origin: &str, seed: &[u8]) -> Checkpoint {
    let key = SigningKey::from_seed(seed).unwrap();
    let key = VerifierKey::new(origin, KeyKind::Ed25519, *key.public()).unwrap();
    let note = SignedNote::parse(note).unwrap();
    note.verify(&[key]).unwrap();
    Checkpoint::parse_text(note.text()).unwrap()
}
