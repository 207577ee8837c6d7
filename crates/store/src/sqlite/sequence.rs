//! Places in the log: given inside the transaction that inserts the entry, read back as ranges.
//! A place is (tenant's number << 40) + index, so that the log of a tenant is one range of rows.

use interlock_core::id::{RunId, TenantName};
use interlock_journal::LeafHash;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::column::{fault, int, uint};
use crate::fault::{AppendFault, StoreFault};
use crate::limits::{LOG_ENTRIES_MAX, LOG_PAGE_MAX};
use crate::log::LogEntry;
use crate::shard;

/// Bits of a place that are the index.
const INDEX_BITS: u32 = 40;

/// Where a tenant's log is and what it holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    number: i64,
    /// Entries that were ever given an index.
    pub(super) size: u64,
    /// The lowest index that is kept.
    pub(super) minimum: u64,
    /// The first index that is not in the search index.
    pub(super) indexed: u64,
}

impl Extent {
    /// The place of an index.
    pub(super) fn place(self, index: u64) -> i64 {
        (self.number << INDEX_BITS).saturating_add(int(index.min(LOG_ENTRIES_MAX)))
    }

    /// The index at a place of this log.
    pub(super) fn index(self, place: i64, operation: &'static str) -> Result<u64, StoreFault> {
        uint(place.saturating_sub(self.number << INDEX_BITS), operation)
    }
}

/// Where a tenant's log is; `None`: it has none.
pub(super) fn extent(
    c: &Connection,
    tenant: &TenantName,
    operation: &'static str,
) -> Result<Option<Extent>, StoreFault> {
    let found: Option<[i64; 4]> = c
        .prepare_cached("SELECT number, size, minimum, indexed FROM log WHERE tenant = ?1")
        .and_then(|mut s| {
            s.query_row([tenant.as_str()], |row| {
                Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?])
            })
            .optional()
        })
        .map_err(fault(operation))?;
    found
        .map(|[number, size, minimum, indexed]| {
            Ok(Extent {
                number,
                size: uint(size, operation)?,
                minimum: uint(minimum, operation)?,
                indexed: uint(indexed, operation)?,
            })
        })
        .transpose()
}

/// Takes the next places of a tenant's log for so many entries, and returns the first.
pub(super) fn take(c: &Connection, tenant: &TenantName, count: usize) -> Result<i64, AppendFault> {
    const OPERATION: &str = "append";
    let grow = |c: &Connection| {
        c.prepare_cached(
            "UPDATE log SET size = size + ?2 WHERE tenant = ?1 RETURNING number, size - ?2",
        )
        .and_then(|mut s| {
            s.query_row(params![tenant.as_str(), int(count as u64)], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
            })
            .optional()
        })
        .map_err(fault(OPERATION))
    };
    let taken = match grow(c)? {
        Some(taken) => taken,
        None => {
            open(c, tenant, OPERATION)?;
            grow(c)?.ok_or(StoreFault::Damaged {
                operation: OPERATION,
                what: "log",
            })?
        }
    };
    let (number, size) = (taken.0, uint(taken.1, OPERATION)?);
    if size.saturating_add(count as u64) > LOG_ENTRIES_MAX {
        return Err(AppendFault::TooLarge {
            what: "entries of a log",
            max: LOG_ENTRIES_MAX,
        });
    }
    Ok((number << INDEX_BITS).saturating_add(int(size)))
}

/// Makes sure that a tenant, whose row is there, has a log.
pub(super) fn open(
    c: &Connection,
    tenant: &TenantName,
    operation: &'static str,
) -> Result<(), StoreFault> {
    c.prepare_cached(
        "INSERT INTO log (tenant, shard, number) \
         VALUES (?1, ?2, (SELECT coalesce(max(number) + 1, 0) FROM log)) ON CONFLICT (tenant) DO NOTHING",
    )
    .and_then(|mut s| s.execute(params![tenant.as_str(), shard(tenant)]))
    .map(drop)
    .map_err(fault(operation))
}

/// Entries from an index on; a hole among them is damage.
pub(super) fn entries(
    c: &Connection,
    tenant: &TenantName,
    from: u64,
    limit: u32,
) -> Result<Vec<LogEntry>, StoreFault> {
    const OPERATION: &str = "log entries";
    let Some(extent) = extent(c, tenant, OPERATION)? else {
        return Ok(Vec::new());
    };
    if from < extent.minimum || from >= extent.size {
        return Ok(Vec::new());
    }
    let upto = from
        .saturating_add(u64::from(limit.min(LOG_PAGE_MAX)))
        .min(extent.size);
    type Raw = (i64, [u8; 16], i64, Vec<u8>, [u8; 32]);
    let rows: Vec<Raw> = c
        .prepare_cached(
            "SELECT place, run, seq, bytes, hash FROM entry \
             WHERE place >= ?2 AND place < ?3 AND +tenant = ?1 ORDER BY place",
        )
        .and_then(|mut s| {
            let range = params![tenant.as_str(), extent.place(from), extent.place(upto)];
            s.query_map(range, |row| {
                Ok((
                    row.get(0)?,
                    row.get(1)?,
                    row.get(2)?,
                    row.get(3)?,
                    row.get(4)?,
                ))
            })?
            .collect()
        })
        .map_err(fault(OPERATION))?;
    let hole = StoreFault::Damaged {
        operation: OPERATION,
        what: "order of the log",
    };
    if rows.len() as u64 != upto - from {
        return Err(hole);
    }
    rows.into_iter()
        .map(|(place, run, seq, bytes, hash)| {
            Ok(LogEntry {
                index: extent.index(place, OPERATION)?,
                run: RunId::from_bytes(run),
                seq: uint(seq, OPERATION)?,
                bytes,
                hash: LeafHash::from_bytes(hash),
            })
        })
        .collect()
}

/// The index of one entry.
pub(super) fn index(
    c: &Connection,
    tenant: &TenantName,
    run: RunId,
    seq: u64,
) -> Result<Option<u64>, StoreFault> {
    const OPERATION: &str = "log index";
    let Some(extent) = extent(c, tenant, OPERATION)? else {
        return Ok(None);
    };
    let place: Option<i64> = c
        .prepare_cached("SELECT place FROM entry WHERE tenant = ?1 AND run = ?2 AND seq = ?3")
        .and_then(|mut s| {
            s.query_row(params![tenant.as_str(), run.to_bytes(), int(seq)], |row| {
                row.get(0)
            })
            .optional()
        })
        .map_err(fault(OPERATION))?;
    let index = place
        .map(|place| extent.index(place, OPERATION))
        .transpose()?;
    Ok(index.filter(|index| *index >= extent.minimum))
}
