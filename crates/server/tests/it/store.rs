//! A store that can be told to be down, so that what the server says then can be heard.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use interlock_core::id::{EnvironmentName, PayloadId, RunId, TenantName};
use interlock_core::time::Timestamp;
use interlock_store::{
    Append, AppendFault, Chain, Head, MemoryStore, Record, RecordFault, Rejection, RunFilter,
    RunRow, SealedPayload, Store, StoreFault, Totals, WaitKind, WaitRow,
};

#[derive(Clone)]
pub(crate) struct Switched {
    inner: Arc<MemoryStore>,
    down: Arc<AtomicBool>,
}

impl Switched {
    pub(crate) fn new(environment: EnvironmentName) -> Self {
        Self {
            inner: Arc::new(MemoryStore::new(environment)),
            down: Arc::default(),
        }
    }

    pub(crate) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
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
