//! The tenant's log: every entry of every run at its dense index, the tree over it as published, and the search
//! index beside it. The index of an entry is given in the write that stores the entry; readers ask for ranges of
//! indexes, which have no holes. Deliberately not here: hashing a tree, signing, and reading any entry's body.

use async_trait::async_trait;
use interlock_core::id::{RunId, TenantName};
use interlock_core::time::Timestamp;
use interlock_journal::LeafHash;

use crate::fault::{PublishFault, StoreFault};

/// The run whose chain holds what belongs to no run. It has an ordinary row and takes ordinary appends; listings of
/// runs, `runnable` and the count of runs leave it out, and it may be longer than a run may be.
pub const ADMINISTRATION_RUN: RunId = RunId::from_bytes([0; 16]);

/// An entry at its place in the tenant's log; a claim until verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Its place in the log, from 0.
    pub index: u64,
    /// The run that it belongs to.
    pub run: RunId,
    /// Its place in the run.
    pub seq: u64,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The leaf hash stored beside them.
    pub hash: LeafHash,
}

/// A tile of the tree, as C2SP tlog-tiles names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TileRow {
    /// Its level: 0 holds leaf hashes; at most `TILE_LEVEL_MAX`.
    pub level: u8,
    /// Its place in the level, from 0.
    pub index: u64,
    /// 1 to 256 hashes of 32 bytes; fewer than 256 at the right edge alone.
    pub bytes: Vec<u8>,
}

/// A published state of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Entries that it covers.
    pub size: u64,
    /// Its root hash.
    pub root: [u8; 32],
    /// The signed note, as published.
    pub checkpoint: Vec<u8>,
    /// When it was signed.
    pub at: Timestamp,
}

/// One step of publication: the tiles that change and the checkpoint over them.
#[derive(Debug, Clone)]
pub struct Publication {
    /// The size that the publisher believes to be published; `None`: nothing was.
    pub expected: Option<u64>,
    /// New tiles, and longer forms of those at the right edge; at most `PUBLICATION_TILES_MAX`.
    pub tiles: Vec<TileRow>,
    /// What is then published.
    pub published: Published,
}

/// What a term of the search index says of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Term {
    /// A principal that acted or asked.
    Person,
    /// A person whom the data is about.
    Subject,
    /// The workflow.
    Workflow,
    /// A source that data came from.
    Source,
    /// A tool.
    Tool,
    /// A prompt.
    Prompt,
    /// A model.
    Model,
    /// A policy.
    Policy,
    /// A version of the policies.
    PolicyVersion,
    /// What policy or a person decided.
    Decision,
    /// How something ended.
    Outcome,
    /// A keyed token of a value.
    Token,
}

/// What the search index keeps of one entry.
#[derive(Clone, PartialEq, Eq)]
pub struct IndexRow {
    /// The entry's place in the log.
    pub index: u64,
    /// The run that it belongs to.
    pub run: RunId,
    /// Its place in the run.
    pub seq: u64,
    /// Its time.
    pub time: Timestamp,
    /// Its event.
    pub event: String,
    /// Its terms. What holds for a whole run, as its workflow, is a term of each of its entries; a term that is
    /// there twice counts once.
    pub terms: Vec<(Term, String)>,
}

/// Without terms: they may name people.
impl std::fmt::Debug for IndexRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IndexRow")
            .field("index", &self.index)
            .field("run", &self.run)
            .field("seq", &self.seq)
            .field("event", &self.event)
            .field("terms", &self.terms.len())
            .finish_non_exhaustive()
    }
}

/// Which entries to find: those for which every part of the query holds.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SearchQuery {
    /// Terms that the entry must all have.
    pub terms: Vec<(Term, String)>,
    /// Only entries of this time or later.
    pub from: Option<Timestamp>,
    /// Only entries of this time or earlier.
    pub to: Option<Timestamp>,
    /// Only entries of one of these events; empty: of any.
    pub events: Vec<String>,
    /// Only entries of this run.
    pub run: Option<RunId>,
    /// Only entries below this index: the last one of the page before.
    pub below: Option<u64>,
    /// At most so many, and never more than `PAGE_ITEMS_MAX`.
    pub limit: u32,
}

/// Without terms: they may name people.
impl std::fmt::Debug for SearchQuery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SearchQuery")
            .field("terms", &self.terms.len())
            .field("below", &self.below)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// The log of each tenant. Durability, concurrency, retries and tenants are as [`crate::Store`] promises.
///
/// Indexes begin at 0 and are dense. Entries of one append have the order of the append, so a run's entries have
/// rising indexes. An entry keeps its index for ever; pruning takes entries away from the lower end alone.
#[async_trait]
pub trait LogStore: Send + Sync {
    /// Entries that were ever given an index, pruned ones too: the index that comes next.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn log_size(&self, tenant: &TenantName) -> Result<u64, StoreFault>;

    /// Entries from an index on, in order and without a hole, at most `limit` and never more than `LOG_PAGE_MAX`.
    /// Nothing where `from` is below the minimum.
    ///
    /// # Errors
    /// The store cannot be read, or has a hole (`Damaged`).
    async fn log_entries(
        &self,
        tenant: &TenantName,
        from: u64,
        limit: u32,
    ) -> Result<Vec<LogEntry>, StoreFault>;

    /// The index of one entry that is there.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn log_index(
        &self,
        tenant: &TenantName,
        run: RunId,
        seq: u64,
    ) -> Result<Option<u64>, StoreFault>;

    /// Those of the tiles, by level and index, that are there, in the order asked for; at most
    /// `PUBLICATION_TILES_MAX` may be asked for.
    ///
    /// # Errors
    /// The store cannot be read, or too many were asked for.
    async fn tiles(
        &self,
        tenant: &TenantName,
        wanted: &[(u8, u64)],
    ) -> Result<Vec<TileRow>, StoreFault>;

    /// Publishes, all or nothing, if the size published is the expected one. The size grows up to the log's; or it
    /// stays with its root, and the note is replaced by one with other signatures. A tile that is there is replaced
    /// by a longer one that begins with it; the same tile again changes nothing.
    ///
    /// # Errors
    /// See [`PublishFault`].
    async fn publish(
        &self,
        tenant: &TenantName,
        publication: Publication,
    ) -> Result<(), PublishFault>;

    /// What was published last.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn published(&self, tenant: &TenantName) -> Result<Option<Published>, StoreFault>;

    /// What was published, the largest first, of a size below the one given; at most `limit` and never more than
    /// `PAGE_ITEMS_MAX`.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn checkpoints(
        &self,
        tenant: &TenantName,
        below: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Published>, StoreFault>;

    /// The lowest index that is kept.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn log_minimum(&self, tenant: &TenantName) -> Result<u64, StoreFault>;

    /// Prunes the log: a multiple of 256, not below the minimum, at most the size published, and no entry of a run
    /// that has not ended may lie below (the administration chain's may). Entries below are gone with their rows in
    /// the search index, full tiles of level 0 wholly below, and the payloads of runs wholly below. Tiles above,
    /// checkpoints, the runs' rows and heads, and idempotency keys stay. Reading the chain of a run with an entry
    /// below is [`StoreFault::Pruned`].
    ///
    /// The minimum is durable before anything is deleted, and hides what is not yet deleted; after a fault the same
    /// call goes on with the deletion.
    ///
    /// # Errors
    /// `Refused`: the minimum is none of the above. Otherwise the store cannot be written.
    async fn prune(&self, tenant: &TenantName, minimum: u64) -> Result<(), StoreFault>;

    /// Adds the rows of `[cursor, upto)` to the search index, one for each entry there (from the minimum on, where
    /// that is higher), and moves the cursor to `upto`. Does nothing where the cursor is at `upto` or beyond.
    ///
    /// # Errors
    /// `Refused`: the rows do not begin at the cursor, leave an entry out, go beyond the log, or are over a bound.
    /// Otherwise the store cannot be written.
    async fn index_put(
        &self,
        tenant: &TenantName,
        upto: u64,
        rows: Vec<IndexRow>,
    ) -> Result<(), StoreFault>;

    /// How far the search index goes: the index of the first entry that is not in it.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn index_cursor(&self, tenant: &TenantName) -> Result<u64, StoreFault>;

    /// Empties the search index and sets the cursor to 0, so that it can be made again from the log. The cursor is
    /// durable first and hides what is not yet deleted; after a fault the same call goes on.
    ///
    /// # Errors
    /// The store cannot be written.
    async fn index_clear(&self, tenant: &TenantName) -> Result<(), StoreFault>;

    /// Indexes of the entries that a query finds, falling; those not yet in the search index are not found.
    ///
    /// # Errors
    /// The store cannot be read, or the query is over a bound.
    async fn search(
        &self,
        tenant: &TenantName,
        query: &SearchQuery,
    ) -> Result<Vec<u64>, StoreFault>;

    /// Makes what was deleted or replaced before this call unreadable in the store's files, as far as the store can:
    /// snapshots, backups and the blocks of the disk are beyond it.
    ///
    /// # Errors
    /// It could not be done, as while a reader holds what was; it may be tried again.
    async fn scrub(&self) -> Result<(), StoreFault>;
}
