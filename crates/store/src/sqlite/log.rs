//! The log's half of the contract: each call goes to a reader, or to the writer as one step or as several.

use async_trait::async_trait;
use interlock_core::id::{RunId, TenantName};

use super::{SqliteStore, prune, publication, scrub, search, sequence};
use crate::check::log as check;
use crate::fault::{PublishFault, StoreFault};
use crate::log::{IndexRow, LogEntry, LogStore, Publication, Published, SearchQuery, TileRow};

/// Times that the cut of the write-ahead log is tried; appends go on in between.
const CUTS: u32 = 4;

#[async_trait]
impl LogStore for SqliteStore {
    async fn log_size(&self, tenant: &TenantName) -> Result<u64, StoreFault> {
        let tenant = tenant.clone();
        self.readers
            .read("log size", move |c| {
                Ok(sequence::extent(c, &tenant, "log size")?.map_or(0, |extent| extent.size))
            })
            .await
    }

    async fn log_entries(
        &self,
        tenant: &TenantName,
        from: u64,
        limit: u32,
    ) -> Result<Vec<LogEntry>, StoreFault> {
        let tenant = tenant.clone();
        self.readers
            .read("log entries", move |c| {
                sequence::entries(c, &tenant, from, limit)
            })
            .await
    }

    async fn log_index(
        &self,
        tenant: &TenantName,
        run: RunId,
        seq: u64,
    ) -> Result<Option<u64>, StoreFault> {
        let tenant = tenant.clone();
        self.readers
            .read("log index", move |c| sequence::index(c, &tenant, run, seq))
            .await
    }

    async fn tiles(
        &self,
        tenant: &TenantName,
        wanted: &[(u8, u64)],
    ) -> Result<Vec<TileRow>, StoreFault> {
        check::tiles(wanted.len())?;
        let (tenant, wanted) = (tenant.clone(), wanted.to_vec());
        self.readers
            .read("tiles", move |c| publication::tiles(c, &tenant, &wanted))
            .await
    }

    async fn publish(
        &self,
        tenant: &TenantName,
        publication: Publication,
    ) -> Result<(), PublishFault> {
        let writer = self.writer("publish")?;
        check::publication(&publication)?;
        let tenant = tenant.clone();
        let tiles = publication.tiles.iter().map(|tile| tile.bytes.len());
        let bytes = tiles.fold(
            publication.published.checkpoint.len(),
            usize::saturating_add,
        );
        writer
            .write("publish", bytes, move |c| {
                publication::publish(c, &tenant, &publication)
            })
            .await
    }

    async fn published(&self, tenant: &TenantName) -> Result<Option<Published>, StoreFault> {
        let tenant = tenant.clone();
        self.readers
            .read("published", move |c| publication::published(c, &tenant))
            .await
    }

    async fn checkpoints(
        &self,
        tenant: &TenantName,
        below: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Published>, StoreFault> {
        let tenant = tenant.clone();
        self.readers
            .read("checkpoints", move |c| {
                publication::checkpoints(c, &tenant, below, limit)
            })
            .await
    }

    async fn log_minimum(&self, tenant: &TenantName) -> Result<u64, StoreFault> {
        let tenant = tenant.clone();
        self.readers
            .read("log minimum", move |c| {
                Ok(sequence::extent(c, &tenant, "log minimum")?.map_or(0, |extent| extent.minimum))
            })
            .await
    }

    async fn prune(&self, tenant: &TenantName, minimum: u64) -> Result<(), StoreFault> {
        let writer = self.writer("prune")?;
        let name = tenant.clone();
        writer
            .write("prune", 0, move |c| prune::begin(c, &name, minimum))
            .await?;
        loop {
            let name = tenant.clone();
            let more: Result<bool, StoreFault> = writer
                .write("prune", 0, move |c| prune::step(c, &name))
                .await;
            if !more? {
                return Ok(());
            }
        }
    }

    async fn index_put(
        &self,
        tenant: &TenantName,
        upto: u64,
        rows: Vec<IndexRow>,
    ) -> Result<(), StoreFault> {
        let writer = self.writer("index put")?;
        check::index_rows(&rows)?;
        let tenant = tenant.clone();
        let bytes = rows
            .iter()
            .flat_map(|row| &row.terms)
            .map(|(_, value)| value.len())
            .fold(0, usize::saturating_add);
        writer
            .write("index put", bytes, move |c| {
                search::put(c, &tenant, upto, &rows)
            })
            .await
    }

    async fn index_cursor(&self, tenant: &TenantName) -> Result<u64, StoreFault> {
        let tenant = tenant.clone();
        self.readers
            .read("index cursor", move |c| {
                Ok(
                    sequence::extent(c, &tenant, "index cursor")?
                        .map_or(0, |extent| extent.indexed),
                )
            })
            .await
    }

    async fn index_clear(&self, tenant: &TenantName) -> Result<(), StoreFault> {
        let writer = self.writer("index clear")?;
        let name = tenant.clone();
        writer
            .write("index clear", 0, move |c| search::begin_clear(c, &name))
            .await?;
        loop {
            let name = tenant.clone();
            let more: Result<bool, StoreFault> = writer
                .write("index clear", 0, move |c| search::clear_step(c, &name))
                .await;
            if !more? {
                return Ok(());
            }
        }
    }

    async fn search(
        &self,
        tenant: &TenantName,
        query: &SearchQuery,
    ) -> Result<Vec<u64>, StoreFault> {
        check::query(query)?;
        let (tenant, query) = (tenant.clone(), query.clone());
        self.readers
            .read("search", move |c| search::search(c, &tenant, &query))
            .await
    }

    async fn scrub(&self) -> Result<(), StoreFault> {
        let writer = self.writer("scrub")?;
        writer.apart("scrub", scrub::rewrite).await?;
        for _ in 0..CUTS {
            if writer.apart("scrub", scrub::cut).await? {
                return Ok(());
            }
        }
        Err(scrub::held())
    }
}
