//! The log in memory: where each index points, the tiles, what was published, and the search index.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use interlock_core::id::{RunId, TenantName};
use interlock_core::limits::PAGE_ITEMS_MAX;

use super::{MemoryStore, Tenant};
use crate::check::log as check;
use crate::fault::{PublishFault, StoreFault};
use crate::limits::{LOG_PAGE_MAX, TILE_HASHES};
use crate::log::{
    ADMINISTRATION_RUN, IndexRow, LogEntry, LogStore, Publication, Published, SearchQuery, TileRow,
};
use crate::rows::RunStatus;

/// One tenant's log.
#[derive(Default)]
pub(super) struct Log {
    /// Run and place in the run of each index, pruned ones too.
    pub(super) places: Vec<(RunId, u64)>,
    minimum: u64,
    tiles: BTreeMap<(u8, u64), Vec<u8>>,
    published: BTreeMap<u64, Published>,
    rows: BTreeMap<u64, IndexRow>,
    cursor: u64,
}

impl Log {
    pub(super) fn size(&self) -> u64 {
        self.places.len() as u64
    }

    fn newest(&self) -> Option<&Published> {
        self.published.last_key_value().map(|(_, kept)| kept)
    }
}

impl Tenant {
    fn log_entry(&self, index: u64) -> Option<LogEntry> {
        let place = usize::try_from(index).ok()?;
        let &(run, seq) = self.log.places.get(place)?;
        let kept = self.runs.get(&run)?.entry(seq)?;
        Some(LogEntry {
            index,
            run,
            seq,
            bytes: kept.bytes.clone(),
            hash: kept.hash,
        })
    }

    fn publish(&mut self, publication: Publication) -> Result<(), PublishFault> {
        check::publish_guard(self.log.newest(), self.log.size(), &publication)?;
        for tile in &publication.tiles {
            if let Some(found) = self.log.tiles.get(&(tile.level, tile.index)) {
                check::continues(found, tile)?;
            }
        }
        for tile in publication.tiles {
            self.log.tiles.insert((tile.level, tile.index), tile.bytes);
        }
        let published = publication.published;
        self.log.published.insert(published.size, published);
        Ok(())
    }

    fn prune(&mut self, minimum: u64) -> Result<(), StoreFault> {
        let published = self.log.newest().map(|newest| newest.size);
        check::prune(minimum, self.log.minimum, published)?;
        let count = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        let below: Vec<(RunId, u64)> = self
            .log
            .places
            .iter()
            .take(count(minimum))
            .skip(count(self.log.minimum))
            .copied()
            .collect();
        // A run's entries have rising indexes: what lies below is the beginning of each run.
        let runs: BTreeMap<RunId, u64> = below.into_iter().collect();
        let goes_on = |id: &RunId| {
            *id != ADMINISTRATION_RUN
                && self
                    .runs
                    .get(id)
                    .is_some_and(|run| run.row.state != RunStatus::Ended)
        };
        if runs.keys().any(goes_on) {
            return Err(check::refused_prune(check::UNENDED));
        }
        for (id, last) in &runs {
            if let Some(run) = self.runs.get_mut(id) {
                run.entries.retain(|entry| entry.seq > *last);
                run.pruned = last.saturating_add(1);
            }
        }
        let whole = |id: &RunId| {
            *id != ADMINISTRATION_RUN && self.runs.get(id).is_some_and(|run| run.entries.is_empty())
        };
        let gone: BTreeSet<RunId> = runs.into_keys().filter(whole).collect();
        self.payloads
            .retain(|_, payload| !gone.contains(&payload.run));
        self.log.minimum = minimum;
        self.log.rows.retain(|index, _| *index >= minimum);
        self.log
            .tiles
            .retain(|(level, index), _| *level > 0 || *index >= minimum / TILE_HASHES);
        Ok(())
    }
}

impl SearchQuery {
    /// Whether a row is found, its index and the limit apart.
    fn finds(&self, row: &IndexRow) -> bool {
        self.run.is_none_or(|run| run == row.run)
            && self.from.is_none_or(|from| from <= row.time)
            && self.to.is_none_or(|to| row.time <= to)
            && (self.events.is_empty() || self.events.contains(&row.event))
            && self.terms.iter().all(|term| row.terms.contains(term))
    }
}

#[async_trait]
impl LogStore for MemoryStore {
    async fn log_size(&self, tenant: &TenantName) -> Result<u64, StoreFault> {
        Ok(self.read(tenant, |kept| kept.log.size()))
    }

    async fn log_entries(
        &self,
        tenant: &TenantName,
        from: u64,
        limit: u32,
    ) -> Result<Vec<LogEntry>, StoreFault> {
        let limit = limit.min(LOG_PAGE_MAX) as usize;
        Ok(self.read(tenant, |kept| {
            if from < kept.log.minimum {
                return Vec::new();
            }
            (from..kept.log.size())
                .take(limit)
                .map_while(|index| kept.log_entry(index))
                .collect()
        }))
    }

    async fn log_index(
        &self,
        tenant: &TenantName,
        run: RunId,
        seq: u64,
    ) -> Result<Option<u64>, StoreFault> {
        Ok(self.read(tenant, |kept| {
            let seq = usize::try_from(seq).ok()?;
            let index = *kept.runs.get(&run)?.indexes.get(seq)?;
            (index >= kept.log.minimum).then_some(index)
        }))
    }

    async fn tiles(
        &self,
        tenant: &TenantName,
        wanted: &[(u8, u64)],
    ) -> Result<Vec<TileRow>, StoreFault> {
        check::tiles(wanted.len())?;
        Ok(self.read(tenant, |kept| {
            wanted
                .iter()
                .filter_map(|(level, index)| {
                    let bytes = kept.log.tiles.get(&(*level, *index))?.clone();
                    Some(TileRow {
                        level: *level,
                        index: *index,
                        bytes,
                    })
                })
                .collect()
        }))
    }

    async fn publish(
        &self,
        tenant: &TenantName,
        publication: Publication,
    ) -> Result<(), PublishFault> {
        check::publication(&publication)?;
        self.write(tenant, |kept| kept.publish(publication))
    }

    async fn published(&self, tenant: &TenantName) -> Result<Option<Published>, StoreFault> {
        Ok(self.read(tenant, |kept| kept.log.newest().cloned()))
    }

    async fn checkpoints(
        &self,
        tenant: &TenantName,
        below: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Published>, StoreFault> {
        let limit = limit.min(PAGE_ITEMS_MAX) as usize;
        Ok(self.read(tenant, |kept| {
            kept.log
                .published
                .values()
                .rev()
                .filter(|kept| below.is_none_or(|below| kept.size < below))
                .take(limit)
                .cloned()
                .collect()
        }))
    }

    async fn log_minimum(&self, tenant: &TenantName) -> Result<u64, StoreFault> {
        Ok(self.read(tenant, |kept| kept.log.minimum))
    }

    async fn prune(&self, tenant: &TenantName, minimum: u64) -> Result<(), StoreFault> {
        self.write(tenant, |kept| kept.prune(minimum))
    }

    async fn index_put(
        &self,
        tenant: &TenantName,
        upto: u64,
        rows: Vec<IndexRow>,
    ) -> Result<(), StoreFault> {
        check::index_rows(&rows)?;
        self.write(tenant, |kept| {
            let log = &mut kept.log;
            if check::index_guard(log.cursor, log.minimum, log.size(), upto, &rows)? {
                log.rows
                    .extend(rows.into_iter().map(|row| (row.index, row)));
                log.cursor = upto;
            }
            Ok(())
        })
    }

    async fn index_cursor(&self, tenant: &TenantName) -> Result<u64, StoreFault> {
        Ok(self.read(tenant, |kept| kept.log.cursor))
    }

    async fn index_clear(&self, tenant: &TenantName) -> Result<(), StoreFault> {
        self.write(tenant, |kept| {
            kept.log.rows.clear();
            kept.log.cursor = 0;
        });
        Ok(())
    }

    async fn search(
        &self,
        tenant: &TenantName,
        query: &SearchQuery,
    ) -> Result<Vec<u64>, StoreFault> {
        check::query(query)?;
        let limit = query.limit.min(PAGE_ITEMS_MAX) as usize;
        Ok(self.read(tenant, |kept| {
            kept.log
                .rows
                .range(..query.below.unwrap_or(u64::MAX))
                .rev()
                .filter(|(_, row)| query.finds(row))
                .take(limit)
                .map(|(index, _)| *index)
                .collect()
        }))
    }

    async fn scrub(&self) -> Result<(), StoreFault> {
        Ok(())
    }
}
