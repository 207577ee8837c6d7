//! A store that can be told to be down, so that what the server says then can be heard.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use interlock_core::id::{EnvironmentName, PayloadId, RunId, TenantName};
use interlock_core::time::Timestamp;
use interlock_store::{
    Append, AppendFault, Chain, Head, IndexRow, LogEntry, LogStore, MemoryStore, Publication,
    PublishFault, Published, Record, RecordFault, Rejection, RunFilter, RunRow, SealedPayload,
    SearchQuery, Store, StoreFault, TileRow, Totals, WaitKind, WaitRow,
};
use tokio::sync::watch;

#[derive(Clone)]
pub(crate) struct Switched {
    inner: Arc<MemoryStore>,
    down: Arc<AtomicBool>,
    full: Arc<AtomicBool>,
    index: Arc<watch::Sender<Index>>,
}

/// How the index of the search takes it to be cleared: the last thing that an erasure does before it is on record.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Index {
    Clears,
    Fails,
    /// Until it is told otherwise.
    Waits,
}

impl Switched {
    pub(crate) fn new(environment: EnvironmentName) -> Self {
        Self {
            inner: Arc::new(MemoryStore::new(environment)),
            down: Arc::default(),
            full: Arc::default(),
            index: Arc::new(watch::Sender::new(Index::Clears)),
        }
    }

    pub(crate) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// What is there can be read, and nothing can be appended.
    pub(crate) fn set_full(&self, full: bool) {
        self.full.store(full, Ordering::SeqCst);
    }

    pub(crate) fn set_index(&self, index: Index) {
        self.index.send_replace(index);
    }

    /// Whether somebody waits for the index now.
    pub(crate) fn is_waited_for(&self) -> bool {
        *self.index.borrow() == Index::Waits && self.index.receiver_count() > 0
    }

    fn up(&self) -> Result<&MemoryStore, StoreFault> {
        if self.down.load(Ordering::SeqCst) {
            Err(StoreFault::Unavailable {
                operation: "ask",
                cause: "SECRET-CAUSE".to_owned(),
            })
        } else {
            Ok(&self.inner)
        }
    }
}

#[async_trait]
impl Store for Switched {
    fn environment(&self) -> &EnvironmentName {
        self.inner.environment()
    }

    async fn append(&self, tenant: &TenantName, append: Append) -> Result<Head, AppendFault> {
        if self.full.load(Ordering::SeqCst) {
            return Err(AppendFault::Unavailable(StoreFault::Unavailable {
                operation: "append",
                cause: "SECRET-CAUSE".to_owned(),
            }));
        }
        self.up()?.append(tenant, append).await
    }

    async fn head(&self, tenant: &TenantName, run: RunId) -> Result<Option<Head>, StoreFault> {
        self.up()?.head(tenant, run).await
    }

    async fn chain(&self, tenant: &TenantName, run: RunId) -> Result<Chain, StoreFault> {
        self.up()?.chain(tenant, run).await
    }

    async fn payload(
        &self,
        tenant: &TenantName,
        id: PayloadId,
    ) -> Result<Option<SealedPayload>, StoreFault> {
        self.up()?.payload(tenant, id).await
    }

    async fn run(&self, tenant: &TenantName, run: RunId) -> Result<Option<RunRow>, StoreFault> {
        self.up()?.run(tenant, run).await
    }

    async fn runs(
        &self,
        tenant: &TenantName,
        filter: RunFilter,
        limit: u32,
    ) -> Result<Vec<RunRow>, StoreFault> {
        self.up()?.runs(tenant, filter, limit).await
    }

    async fn waits(
        &self,
        tenant: &TenantName,
        kind: Option<WaitKind>,
    ) -> Result<Vec<WaitRow>, StoreFault> {
        self.up()?.waits(tenant, kind).await
    }

    async fn runnable(
        &self,
        tenant: &TenantName,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<RunId>, StoreFault> {
        self.up()?.runnable(tenant, now, limit).await
    }

    async fn claim(&self, tenant: &TenantName, run: RunId) -> Result<Option<u64>, StoreFault> {
        self.up()?.claim(tenant, run).await
    }

    async fn tenants(&self) -> Result<Vec<TenantName>, StoreFault> {
        self.up()?.tenants().await
    }

    async fn put_record(
        &self,
        tenant: &TenantName,
        kind: &str,
        key: &str,
        expected: Option<u64>,
        bytes: Vec<u8>,
    ) -> Result<u64, RecordFault> {
        self.up()?
            .put_record(tenant, kind, key, expected, bytes)
            .await
    }

    async fn record(
        &self,
        tenant: &TenantName,
        kind: &str,
        key: &str,
    ) -> Result<Option<Record>, StoreFault> {
        self.up()?.record(tenant, kind, key).await
    }

    async fn records(&self, tenant: &TenantName, kind: &str) -> Result<Vec<Record>, StoreFault> {
        self.up()?.records(tenant, kind).await
    }

    async fn delete_record(
        &self,
        tenant: &TenantName,
        kind: &str,
        key: &str,
        expected: u64,
    ) -> Result<(), RecordFault> {
        self.up()?.delete_record(tenant, kind, key, expected).await
    }

    async fn count_rejection(
        &self,
        tenant: &TenantName,
        source: &str,
        address: &str,
        fault: &str,
        now: Timestamp,
    ) -> Result<(), StoreFault> {
        self.up()?
            .count_rejection(tenant, source, address, fault, now)
            .await
    }

    async fn rejections(&self, tenant: &TenantName) -> Result<Vec<Rejection>, StoreFault> {
        self.up()?.rejections(tenant).await
    }

    async fn totals(&self, tenant: &TenantName) -> Result<Totals, StoreFault> {
        self.up()?.totals(tenant).await
    }
}

#[async_trait]
impl LogStore for Switched {
    async fn log_size(&self, tenant: &TenantName) -> Result<u64, StoreFault> {
        self.up()?.log_size(tenant).await
    }

    async fn log_entries(
        &self,
        tenant: &TenantName,
        from: u64,
        limit: u32,
    ) -> Result<Vec<LogEntry>, StoreFault> {
        self.up()?.log_entries(tenant, from, limit).await
    }

    async fn log_index(
        &self,
        tenant: &TenantName,
        run: RunId,
        seq: u64,
    ) -> Result<Option<u64>, StoreFault> {
        self.up()?.log_index(tenant, run, seq).await
    }

    async fn tiles(
        &self,
        tenant: &TenantName,
        wanted: &[(u8, u64)],
    ) -> Result<Vec<TileRow>, StoreFault> {
        self.up()?.tiles(tenant, wanted).await
    }

    async fn publish(
        &self,
        tenant: &TenantName,
        publication: Publication,
    ) -> Result<(), PublishFault> {
        self.up()?.publish(tenant, publication).await
    }

    async fn published(&self, tenant: &TenantName) -> Result<Option<Published>, StoreFault> {
        self.up()?.published(tenant).await
    }

    async fn checkpoints(
        &self,
        tenant: &TenantName,
        below: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Published>, StoreFault> {
        self.up()?.checkpoints(tenant, below, limit).await
    }

    async fn log_minimum(&self, tenant: &TenantName) -> Result<u64, StoreFault> {
        self.up()?.log_minimum(tenant).await
    }

    async fn prune(&self, tenant: &TenantName, minimum: u64) -> Result<(), StoreFault> {
        self.up()?.prune(tenant, minimum).await
    }

    async fn index_put(
        &self,
        tenant: &TenantName,
        upto: u64,
        rows: Vec<IndexRow>,
    ) -> Result<(), StoreFault> {
        self.up()?.index_put(tenant, upto, rows).await
    }

    async fn index_cursor(&self, tenant: &TenantName) -> Result<u64, StoreFault> {
        self.up()?.index_cursor(tenant).await
    }

    async fn index_clear(&self, tenant: &TenantName) -> Result<(), StoreFault> {
        let mut index = self.index.subscribe();
        let now = *index
            .wait_for(|index| *index != Index::Waits)
            .await
            .unwrap();
        if now == Index::Fails {
            return Err(StoreFault::Unavailable {
                operation: "clear",
                cause: "SECRET-CAUSE".to_owned(),
            });
        }
        self.up()?.index_clear(tenant).await
    }

    async fn search(
        &self,
        tenant: &TenantName,
        query: &SearchQuery,
    ) -> Result<Vec<u64>, StoreFault> {
        self.up()?.search(tenant, query).await
    }

    async fn scrub(&self) -> Result<(), StoreFault> {
        self.up()?.scrub().await
    }
}
