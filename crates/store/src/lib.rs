//! The store: the seam `Store` with its contract, SQLite and memory behind it, one conformance suite.
//! Only this crate speaks SQL. It never depends on `runtime`; it opens no payload and reads no body.
//! A store is trusted to be there, not to be honest: readers verify hashes and seals themselves.

mod check;
#[cfg(feature = "conformance")]
#[doc(hidden)]
pub mod conformance;
pub mod fault;
pub mod limits;
pub mod log;
pub mod memory;
pub mod rows;
mod shard;
pub mod sqlite;

use async_trait::async_trait;
use interlock_core::id::{EnvironmentName, PayloadId, RunId, TenantName};
use interlock_core::time::Timestamp;

pub use fault::{AppendFault, PublishFault, RecordFault, StoreFault};
pub use log::{
    ADMINISTRATION_RUN, IndexRow, LogEntry, LogStore, Publication, Published, SearchQuery, Term,
    TileRow,
};
pub use memory::MemoryStore;
pub use rows::{
    Append, Chain, Head, NewEntry, Record, Rejection, RunFilter, RunRow, RunStatus, SealedPayload,
    StoredEntry, Totals, WaitKind, WaitRow,
};
pub use shard::shard;
pub use sqlite::{OpenFault, SqliteStore};

/// Journal, payloads and administrative records of one environment.
///
/// The contract, which the conformance suite tests on every implementation:
/// - **Durable when?** A write is durable when its call returns `Ok`, and not before. An `Err` other than
///   `Unknown` means that nothing was stored. After `Unknown`, and after a call whose future was dropped, only
///   reading tells.
/// - **Concurrent?** Every method may be called from many tasks at once. Writes on one run happen one after
///   the other, in some order; `append` and `put_record` are compare-and-swap. A read sees every write that
///   was acknowledged before it began.
/// - **Who retries?** The caller. The store never repeats a write. `Unavailable` may be tried again as it is;
///   after `Conflict`, `Fenced` and `Unknown` the caller must read first.
/// - **What is not-found?** `None`, or an empty list; never an error.
/// - **Tenants** are apart: no call sees or touches another tenant's rows, whatever ids it names.
#[async_trait]
pub trait Store: LogStore {
    /// The environment that this store is, fixed when it was created.
    fn environment(&self) -> &EnvironmentName;

    /// Appends entries to one run, with their payloads, the run's row and waits: all or nothing. Guarded by
    /// head place, head hash and epoch; the entries must be valid, carry this tenant, environment, run and
    /// epoch, and continue the chain: a store refuses to write a broken one. A run whose row is `Ended` takes
    /// no more. Each entry is given its index in the tenant's log in the same write. Returns the new head.
    ///
    /// # Errors
    /// `DuplicateRequest` is looked for first, then `Fenced`, then `Conflict`. See [`AppendFault`].
    async fn append(&self, tenant: &TenantName, append: Append) -> Result<Head, AppendFault>;

    /// Where a run's chain ends.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn head(&self, tenant: &TenantName, run: RunId) -> Result<Option<Head>, StoreFault>;

    /// A run's head and all of its entries, read in one snapshot: what a verifier needs. Of the administration chain,
    /// those that are left.
    ///
    /// # Errors
    /// The store cannot be read; `Pruned`: some of the run's entries were.
    async fn chain(&self, tenant: &TenantName, run: RunId) -> Result<Chain, StoreFault>;

    /// All entries of a run, in the order of their places; else as [`Store::chain`].
    ///
    /// # Errors
    /// As [`Store::chain`].
    async fn entries(
        &self,
        tenant: &TenantName,
        run: RunId,
    ) -> Result<Vec<StoredEntry>, StoreFault> {
        self.chain(tenant, run).await.map(|chain| chain.entries)
    }

    /// One payload, still sealed.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn payload(
        &self,
        tenant: &TenantName,
        id: PayloadId,
    ) -> Result<Option<SealedPayload>, StoreFault>;

    /// A run's row.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn run(&self, tenant: &TenantName, run: RunId) -> Result<Option<RunRow>, StoreFault>;

    /// Runs by falling id (newest first, as ids begin with their time), at most `limit` and never more than
    /// `PAGE_ITEMS_MAX`. The last id of a page is the `before` of the next. Without the administration chain.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn runs(
        &self,
        tenant: &TenantName,
        filter: RunFilter,
        limit: u32,
    ) -> Result<Vec<RunRow>, StoreFault>;

    /// What waits for people, oldest first, at most `WAITS_LISTED_MAX`: a full list may have left some out.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn waits(
        &self,
        tenant: &TenantName,
        kind: Option<WaitKind>,
    ) -> Result<Vec<WaitRow>, StoreFault>;

    /// Runs that need a driver: active ones, and waiting ones whose `wake_at` has come. Longest due first
    /// (an active run is due since its last entry), at most `limit`. Never the administration chain.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn runnable(
        &self,
        tenant: &TenantName,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<RunId>, StoreFault>;

    /// Takes a run over: raises its epoch by one, durably, and returns it. Appends with a lower epoch are
    /// `Fenced` from then on. `None`: there is no such run.
    ///
    /// # Errors
    /// The store cannot be written; after `Unknown`, claim again.
    async fn claim(&self, tenant: &TenantName, run: RunId) -> Result<Option<u64>, StoreFault>;

    /// Every tenant that has anything in the store, by name.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn tenants(&self) -> Result<Vec<TenantName>, StoreFault>;

    /// Writes a record if its version is the expected one (`None`: there must be none). Returns the new
    /// version, which is greater than any that a record of this tenant had.
    ///
    /// # Errors
    /// See [`RecordFault`].
    async fn put_record(
        &self,
        tenant: &TenantName,
        kind: &str,
        key: &str,
        expected: Option<u64>,
        bytes: Vec<u8>,
    ) -> Result<u64, RecordFault>;

    /// One record.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn record(
        &self,
        tenant: &TenantName,
        kind: &str,
        key: &str,
    ) -> Result<Option<Record>, StoreFault>;

    /// All records of a kind, by key; a kind has at most `RECORDS_MAX`.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn records(&self, tenant: &TenantName, kind: &str) -> Result<Vec<Record>, StoreFault>;

    /// Deletes a record if its version is the expected one.
    ///
    /// # Errors
    /// See [`RecordFault`]; a record that is not there is a conflict with `found: None`.
    async fn delete_record(
        &self,
        tenant: &TenantName,
        kind: &str,
        key: &str,
        expected: u64,
    ) -> Result<(), RecordFault>;

    /// Counts one refused input. Beyond `REJECTIONS_MAX` rows of a tenant, new addresses are counted together
    /// under `*`.
    ///
    /// # Errors
    /// The store cannot be written, or a text is over its bound.
    async fn count_rejection(
        &self,
        tenant: &TenantName,
        source: &str,
        address: &str,
        fault: &str,
        now: Timestamp,
    ) -> Result<(), StoreFault>;

    /// Refused inputs, by source, address and fault.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn rejections(&self, tenant: &TenantName) -> Result<Vec<Rejection>, StoreFault>;

    /// How much the tenant has, by counting it. The administration chain is no run, its entries are entries.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn totals(&self, tenant: &TenantName) -> Result<Totals, StoreFault>;
}
