//! The store in SQLite: one file, one writer thread with group commit, a few readers, one owning process.
//! Write-ahead log with `synchronous=FULL`: acknowledged means synced. Start-up refuses what weakens that.
//! No statement changes an entry, and pruning alone deletes one; triggers refuse both, against our own mistakes.

mod append;
mod column;
mod connect;
mod data_dir;
mod log;
mod migrate;
mod open_fault;
mod prune;
mod publication;
mod read;
mod record;
mod scrub;
mod search;
mod sequence;
#[cfg(test)]
mod tests;
mod writer;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use interlock_core::id::{EnvironmentName, PayloadId, RunId, TenantName};
use interlock_core::time::Timestamp;

use crate::fault::{AppendFault, RecordFault, StoreFault};
use crate::rows::{
    Append, Chain, Head, Record, Rejection, RunFilter, RunRow, SealedPayload, Totals, WaitKind,
    WaitRow,
};
use crate::{Store, check};
pub use data_dir::prepare_data_dir;
pub use open_fault::OpenFault;
use read::Readers;
use writer::Writer;

/// Name of the database file in the data directory.
pub const DATABASE_FILE: &str = "interlock.db";
/// Name of the lock file in the data directory.
pub const LOCK_FILE: &str = "lock";

/// A store in one data directory.
pub struct SqliteStore {
    environment: EnvironmentName,
    readers: Arc<Readers>,
    writer: Option<Writer>,
}

impl SqliteStore {
    /// Opens the store in a data directory, for this process alone, creating either where there is none.
    /// Blocks on disk; dropping the store finishes what is queued, closes the files and frees the lock.
    ///
    /// # Errors
    /// Another process has it, it is of another environment or a newer version, others may read the
    /// directory, or the database cannot be set up to keep what it acknowledges. See [`OpenFault`].
    pub fn open(dir: &Path, environment: &EnvironmentName) -> Result<Self, OpenFault> {
        prepare_data_dir(dir)?;
        let lock = data_dir::lock(dir)?;
        let file = data_dir::create_database(dir)?;
        let mut connection = connect::writer(&file)?;
        migrate::up(&mut connection, environment)?;
        let readers = Arc::new(Readers::open(&file)?);
        let writer = Writer::start(connection, lock)?;
        tracing::debug!(%environment, "store is open");
        Ok(Self {
            environment: environment.clone(),
            readers,
            writer: Some(writer),
        })
    }

    /// Opens the store for reading alone, also while another process has it. Every write is refused.
    ///
    /// # Errors
    /// There is no store in the directory, or it cannot be read by this version. See [`OpenFault`].
    pub fn open_read_only(dir: &Path) -> Result<Self, OpenFault> {
        let file = data_dir::existing_database(dir)?;
        let readers = Readers::open(&file)?;
        let environment = readers.inspect(migrate::inspect)?;
        Ok(Self {
            environment,
            readers: Arc::new(readers),
            writer: None,
        })
    }

    fn writer(&self, operation: &'static str) -> Result<&Writer, StoreFault> {
        self.writer
            .as_ref()
            .ok_or(StoreFault::ReadOnly { operation })
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn environment(&self) -> &EnvironmentName {
        &self.environment
    }

    async fn append(&self, tenant: &TenantName, append: Append) -> Result<Head, AppendFault> {
        let writer = self.writer("append")?;
        let head = check::append(tenant, &self.environment, &append)?;
        let tenant = tenant.clone();
        let bytes = check::append_bytes(&append);
        writer
            .write("append", bytes, move |connection| {
                append::append(connection, &tenant, &append, head)
            })
            .await
    }

    async fn head(&self, tenant: &TenantName, run: RunId) -> Result<Option<Head>, StoreFault> {
        let tenant = tenant.clone();
        self.readers
            .read("head", move |c| read::head(c, &tenant, run))
            .await
    }

    async fn chain(&self, tenant: &TenantName, run: RunId) -> Result<Chain, StoreFault> {
        let tenant = tenant.clone();
        self.readers
            .read("entries", move |c| read::chain(c, &tenant, run))
            .await
    }

    async fn payload(
        &self,
        tenant: &TenantName,
        id: PayloadId,
    ) -> Result<Option<SealedPayload>, StoreFault> {
        let tenant = tenant.clone();
        self.readers
            .read("payload", move |c| read::payload(c, &tenant, id))
            .await
    }

    async fn run(&self, tenant: &TenantName, run: RunId) -> Result<Option<RunRow>, StoreFault> {
        let tenant = tenant.clone();
        self.readers
            .read("run", move |c| read::run(c, &tenant, run))
            .await
    }

    async fn runs(
        &self,
        tenant: &TenantName,
        filter: RunFilter,
        limit: u32,
    ) -> Result<Vec<RunRow>, StoreFault> {
        let tenant = tenant.clone();
        self.readers
            .read("runs", move |c| read::runs(c, &tenant, &filter, limit))
            .await
    }

    async fn waits(
        &self,
        tenant: &TenantName,
        kind: Option<WaitKind>,
    ) -> Result<Vec<WaitRow>, StoreFault> {
        let tenant = tenant.clone();
        self.readers
            .read("waits", move |c| read::waits(c, &tenant, kind))
            .await
    }

    async fn runnable(
        &self,
        tenant: &TenantName,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<RunId>, StoreFault> {
        let tenant = tenant.clone();
        self.readers
            .read("runnable", move |c| read::runnable(c, &tenant, now, limit))
            .await
    }

    async fn claim(&self, tenant: &TenantName, run: RunId) -> Result<Option<u64>, StoreFault> {
        let tenant = tenant.clone();
        self.writer("claim")?
            .write("claim", 0, move |c| append::claim(c, &tenant, run))
            .await
    }

    async fn tenants(&self) -> Result<Vec<TenantName>, StoreFault> {
        self.readers.read("tenants", read::tenants).await
    }

    async fn put_record(
        &self,
        tenant: &TenantName,
        kind: &str,
        key: &str,
        expected: Option<u64>,
        bytes: Vec<u8>,
    ) -> Result<u64, RecordFault> {
        let writer = self.writer("put record")?;
        check::record("put record", kind, key, &bytes)?;
        let (tenant, kind, key) = (tenant.clone(), kind.to_owned(), key.to_owned());
        writer
            .write("put record", bytes.len(), move |c| {
                record::put(c, &tenant, &kind, &key, expected, &bytes)
            })
            .await
    }

    async fn record(
        &self,
        tenant: &TenantName,
        kind: &str,
        key: &str,
    ) -> Result<Option<Record>, StoreFault> {
        let (tenant, kind, key) = (tenant.clone(), kind.to_owned(), key.to_owned());
        self.readers
            .read("record", move |c| record::get(c, &tenant, &kind, &key))
            .await
    }

    async fn records(&self, tenant: &TenantName, kind: &str) -> Result<Vec<Record>, StoreFault> {
        let (tenant, kind) = (tenant.clone(), kind.to_owned());
        self.readers
            .read("records", move |c| record::list(c, &tenant, &kind))
            .await
    }

    async fn delete_record(
        &self,
        tenant: &TenantName,
        kind: &str,
        key: &str,
        expected: u64,
    ) -> Result<(), RecordFault> {
        let writer = self.writer("delete record")?;
        check::record("delete record", kind, key, &[])?;
        let (tenant, kind, key) = (tenant.clone(), kind.to_owned(), key.to_owned());
        writer
            .write("delete record", 0, move |c| {
                record::delete(c, &tenant, &kind, &key, expected)
            })
            .await
    }

    async fn count_rejection(
        &self,
        tenant: &TenantName,
        source: &str,
        address: &str,
        fault: &str,
        now: Timestamp,
    ) -> Result<(), StoreFault> {
        let writer = self.writer("count rejection")?;
        check::rejection("count rejection", source, address, fault)?;
        let (tenant, place) = (tenant.clone(), [source, address, fault].map(str::to_owned));
        writer
            .write("count rejection", 0, move |c| {
                record::count_rejection(c, &tenant, &place, now)
            })
            .await
    }

    async fn rejections(&self, tenant: &TenantName) -> Result<Vec<Rejection>, StoreFault> {
        let tenant = tenant.clone();
        self.readers
            .read("rejections", move |c| record::rejections(c, &tenant))
            .await
    }

    async fn totals(&self, tenant: &TenantName) -> Result<Totals, StoreFault> {
        let tenant = tenant.clone();
        self.readers
            .read("totals", move |c| read::totals(c, &tenant))
            .await
    }
}
