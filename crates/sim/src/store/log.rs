//! The log's half of the store: writes under the plan, reads passed on.

use async_trait::async_trait;
use interlock_core::id::{RunId, TenantName};
use interlock_store::{
    IndexRow, LogEntry, LogStore, Publication, PublishFault, Published, SearchQuery, StoreFault,
    TileRow,
};

use super::{Interposed, Plan, Write};

#[async_trait]
impl<P: Plan> LogStore for Interposed<P> {
    async fn publish(
        &self,
        tenant: &TenantName,
        publication: Publication,
    ) -> Result<(), PublishFault> {
        let making = self.inner.publish(tenant, publication);
        self.write(Write::Publish, making, |()| None).await
    }

    async fn prune(&self, tenant: &TenantName, minimum: u64) -> Result<(), StoreFault> {
        let making = self.inner.prune(tenant, minimum);
        self.write(Write::Prune, making, |()| None).await
    }

    async fn index_put(
        &self,
        tenant: &TenantName,
        upto: u64,
        rows: Vec<IndexRow>,
    ) -> Result<(), StoreFault> {
        let making = self.inner.index_put(tenant, upto, rows);
        self.write(Write::IndexPut, making, |()| None).await
    }

    async fn index_clear(&self, tenant: &TenantName) -> Result<(), StoreFault> {
        let making = self.inner.index_clear(tenant);
        self.write(Write::IndexClear, making, |()| None).await
    }

    async fn scrub(&self) -> Result<(), StoreFault> {
        let making = self.inner.scrub();
        self.write(Write::Scrub, making, |()| None).await
    }

    async fn log_size(&self, tenant: &TenantName) -> Result<u64, StoreFault> {
        self.inner.log_size(tenant).await
    }

    async fn log_entries(
        &self,
        tenant: &TenantName,
        from: u64,
        limit: u32,
    ) -> Result<Vec<LogEntry>, StoreFault> {
        self.inner.log_entries(tenant, from, limit).await
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
        self.inner.tiles(tenant, wanted).await
    }

    async fn published(&self, tenant: &TenantName) -> Result<Option<Published>, StoreFault> {
        self.inner.published(tenant).await
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

    async fn index_cursor(&self, tenant: &TenantName) -> Result<u64, StoreFault> {
        self.inner.index_cursor(tenant).await
    }

    async fn search(
        &self,
        tenant: &TenantName,
        query: &SearchQuery,
    ) -> Result<Vec<u64>, StoreFault> {
        self.inner.search(tenant, query).await
    }
}
