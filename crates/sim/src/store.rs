//! Stores that go wrong when a plan says so, around any store that works: [`FaultyStore`] fails a write, stored or
//! not; [`CrashingStore`] kills the process before or after one. Reads are passed on as they are.

use std::sync::Arc;

use async_trait::async_trait;
use interlock_core::id::{EnvironmentName, PayloadId, RunId, TenantName};
use interlock_core::time::Timestamp;
use interlock_store::{
    ADMINISTRATION_RUN, Append, AppendFault, Chain, Head, Record, RecordFault, Rejection,
    RunFilter, RunRow, SealedPayload, Store, StoreFault, Totals, WaitKind, WaitRow,
};

mod crash;
mod fault;
mod log;
#[cfg(test)]
mod tests;

pub use crash::{CrashPlan, Moment};
pub use fault::{FaultPlan, Flavour};

/// A store whose writes fail by plan.
pub type FaultyStore = Interposed<FaultPlan>;

/// A store that kills its process by plan.
pub type CrashingStore = Interposed<CrashPlan>;

/// A kind of write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    /// Entries of a run.
    Append,
    /// Entries of the administration chain.
    Administer,
    /// A takeover.
    Claim,
    /// A record.
    PutRecord,
    /// The end of a record.
    DeleteRecord,
    /// A count.
    CountRejection,
    /// Tiles and a checkpoint.
    Publish,
    /// A new minimum of the log, and what goes with it.
    Prune,
    /// Rows of the search index.
    IndexPut,
    /// The end of the search index.
    IndexClear,
    /// The rewriting that follows a deletion.
    Scrub,
}

/// What becomes of one write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is made, and said to be.
    Made,
    /// It is not made, and said not to be.
    NotMade,
    /// It is made, and said to be unknown.
    MadeButUnknown,
}

/// Stands before every write and after every one that was made. May be called from many tasks at once.
pub trait Plan: Send + Sync {
    /// What is to become of the write that is about to be made.
    fn fate(&self, write: Write) -> Fate;
    /// The write was made; its caller does not know yet. `head`: where an append left its chain.
    fn made(&self, write: Write, head: Option<Head>);
}

/// A store with a plan before it.
pub struct Interposed<P> {
    inner: Arc<dyn Store>,
    plan: P,
}

impl<P: Plan> Interposed<P> {
    /// Around a store that works.
    #[must_use]
    pub const fn new(inner: Arc<dyn Store>, plan: P) -> Self {
        Self { inner, plan }
    }

    /// The plan.
    #[must_use]
    pub const fn plan(&self) -> &P {
        &self.plan
    }

    async fn write<T, E: From<StoreFault>>(
        &self,
        write: Write,
        making: impl Future<Output = Result<T, E>> + Send,
        head: impl Fn(&T) -> Option<Head> + Send,
    ) -> Result<T, E> {
        const OPERATION: &str = "simulated";
        let fate = self.plan.fate(write);
        if fate == Fate::NotMade {
            return Err(E::from(StoreFault::Unavailable {
                operation: OPERATION,
                cause: "by plan".to_owned(),
            }));
        }
        let made = making.await?;
        self.plan.made(write, head(&made));
        match fate {
            Fate::MadeButUnknown => Err(E::from(StoreFault::Unknown {
                operation: OPERATION,
            })),
            Fate::Made | Fate::NotMade => Ok(made),
        }
    }
}

#[async_trait]
impl<P: Plan> Store for Interposed<P> {
    fn environment(&self) -> &EnvironmentName {
        self.inner.environment()
    }

    async fn append(&self, tenant: &TenantName, append: Append) -> Result<Head, AppendFault> {
        let write = if append.run == ADMINISTRATION_RUN {
            Write::Administer
        } else {
            Write::Append
        };
        let making = self.inner.append(tenant, append);
        self.write(write, making, |head| Some(*head)).await
    }

    async fn claim(&self, tenant: &TenantName, run: RunId) -> Result<Option<u64>, StoreFault> {
        let making = self.inner.claim(tenant, run);
        self.write(Write::Claim, making, |_| None).await
    }

    async fn put_record(
        &self,
        tenant: &TenantName,
        kind: &str,
        key: &str,
        expected: Option<u64>,
        bytes: Vec<u8>,
    ) -> Result<u64, RecordFault> {
        let making = self.inner.put_record(tenant, kind, key, expected, bytes);
        self.write(Write::PutRecord, making, |_| None).await
    }

    async fn delete_record(
        &self,
        tenant: &TenantName,
        kind: &str,
        key: &str,
        expected: u64,
    ) -> Result<(), RecordFault> {
        let making = self.inner.delete_record(tenant, kind, key, expected);
        self.write(Write::DeleteRecord, making, |()| None).await
    }

    async fn count_rejection(
        &self,
        tenant: &TenantName,
        source: &str,
        address: &str,
        fault: &str,
        now: Timestamp,
    ) -> Result<(), StoreFault> {
        let making = self
            .inner
            .count_rejection(tenant, source, address, fault, now);
        self.write(Write::CountRejection, making, |()| None).await
    }

    async fn head(&self, tenant: &TenantName, run: RunId) -> Result<Option<Head>, StoreFault> {
        self.inner.head(tenant, run).await
    }

    async fn chain(&self, tenant: &TenantName, run: RunId) -> Result<Chain, StoreFault> {
        self.inner.chain(tenant, run).await
    }

    async fn payload(
        &self,
        tenant: &TenantName,
        id: PayloadId,
    ) -> Result<Option<SealedPayload>, StoreFault> {
        self.inner.payload(tenant, id).await
    }

    async fn run(&self, tenant: &TenantName, run: RunId) -> Result<Option<RunRow>, StoreFault> {
        self.inner.run(tenant, run).await
    }

    async fn runs(
        &self,
        tenant: &TenantName,
        filter: RunFilter,
        limit: u32,
    ) -> Result<Vec<RunRow>, StoreFault> {
        self.inner.runs(tenant, filter, limit).await
    }

    async fn waits(
        &self,
        tenant: &TenantName,
        kind: Option<WaitKind>,
    ) -> Result<Vec<WaitRow>, StoreFault> {
        self.inner.waits(tenant, kind).await
    }

    async fn runnable(
        &self,
        tenant: &TenantName,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<RunId>, StoreFault> {
        self.inner.runnable(tenant, now, limit).await
    }

    async fn tenants(&self) -> Result<Vec<TenantName>, StoreFault> {
        self.inner.tenants().await
    }

    async fn record(
        &self,
        tenant: &TenantName,
        kind: &str,
        key: &str,
    ) -> Result<Option<Record>, StoreFault> {
        self.inner.record(tenant, kind, key).await
    }

    async fn records(&self, tenant: &TenantName, kind: &str) -> Result<Vec<Record>, StoreFault> {
        self.inner.records(tenant, kind).await
    }

    async fn rejections(&self, tenant: &TenantName) -> Result<Vec<Rejection>, StoreFault> {
        self.inner.rejections(tenant).await
    }

    async fn totals(&self, tenant: &TenantName) -> Result<Totals, StoreFault> {
        self.inner.totals(tenant).await
    }
}
