//! The published tree: its tiles and its signed checkpoints, written together or not at all.

use interlock_core::id::TenantName;
use interlock_core::limits::PAGE_ITEMS_MAX;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::append::insert_tenant;
use super::column::{fault, int, micros, time, uint};
use super::sequence;
use crate::check::log as check;
use crate::fault::{PublishFault, StoreFault};
use crate::log::{Publication, Published, TileRow};
use crate::shard;

const OPERATION: &str = "publish";

/// Publishes what was checked against itself, if what is stored is what it expects.
pub(super) fn publish(
    c: &Connection,
    tenant: &TenantName,
    publication: &Publication,
) -> Result<(), PublishFault> {
    let found = published(c, tenant)?;
    let size = sequence::extent(c, tenant, OPERATION)?.map_or(0, |extent| extent.size);
    check::publish_guard(found.as_ref(), size, publication)?;
    insert_tenant(c, tenant, OPERATION)?;
    for row in &publication.tiles {
        let found = tile(c, tenant, row.level, row.index, OPERATION)?;
        if let Some(found) = &found {
            check::continues(found, row)?;
        }
        if found.as_ref() != Some(&row.bytes) {
            put_tile(c, tenant, row)?;
        }
    }
    let new = &publication.published;
    c.prepare_cached(
        "INSERT INTO checkpoint (tenant, shard, size, root, note, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
         ON CONFLICT (tenant, size) DO UPDATE SET note = ?5, at = ?6",
    )
    .and_then(|mut s| {
        s.execute(params![
            tenant.as_str(),
            shard(tenant),
            int(new.size),
            new.root,
            new.checkpoint,
            micros(new.at),
        ])
    })
    .map_err(fault(OPERATION))?;
    Ok(())
}

fn put_tile(c: &Connection, tenant: &TenantName, row: &TileRow) -> Result<(), StoreFault> {
    c.prepare_cached(
        "INSERT INTO tile (tenant, shard, level, idx, bytes) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (tenant, level, idx) DO UPDATE SET bytes = ?5",
    )
    .and_then(|mut s| {
        s.execute(params![
            tenant.as_str(),
            shard(tenant),
            row.level,
            int(row.index),
            row.bytes,
        ])
    })
    .map(drop)
    .map_err(fault(OPERATION))
}

fn tile(
    c: &Connection,
    tenant: &TenantName,
    level: u8,
    index: u64,
    operation: &'static str,
) -> Result<Option<Vec<u8>>, StoreFault> {
    c.prepare_cached("SELECT bytes FROM tile WHERE tenant = ?1 AND level = ?2 AND idx = ?3")
        .and_then(|mut s| {
            s.query_row(params![tenant.as_str(), level, int(index)], |row| {
                row.get(0)
            })
            .optional()
        })
        .map_err(fault(operation))
}

/// Those of the tiles that are there.
pub(super) fn tiles(
    c: &Connection,
    tenant: &TenantName,
    wanted: &[(u8, u64)],
) -> Result<Vec<TileRow>, StoreFault> {
    let mut found = Vec::new();
    for &(level, index) in wanted {
        let bytes = tile(c, tenant, level, index, "tiles")?;
        found.extend(bytes.map(|bytes| TileRow {
            level,
            index,
            bytes,
        }));
    }
    Ok(found)
}

/// What was published last.
pub(super) fn published(
    c: &Connection,
    tenant: &TenantName,
) -> Result<Option<Published>, StoreFault> {
    checkpoints(c, tenant, None, 1).map(|newest| newest.into_iter().next())
}

/// What was published, the largest first.
pub(super) fn checkpoints(
    c: &Connection,
    tenant: &TenantName,
    below: Option<u64>,
    limit: u32,
) -> Result<Vec<Published>, StoreFault> {
    const OPERATION: &str = "checkpoints";
    type Raw = (i64, [u8; 32], Vec<u8>, i64);
    let raw = |row: &Row<'_>| -> rusqlite::Result<Raw> {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
    };
    let rows: Vec<Raw> = c
        .prepare_cached(
            "SELECT size, root, note, at FROM checkpoint WHERE tenant = ?1 AND size < ?2 \
             ORDER BY size DESC LIMIT ?3",
        )
        .and_then(|mut s| {
            let below = below.map_or(i64::MAX, int);
            s.query_map(
                params![tenant.as_str(), below, limit.min(PAGE_ITEMS_MAX)],
                raw,
            )?
            .collect()
        })
        .map_err(fault(OPERATION))?;
    rows.into_iter()
        .map(|(size, root, checkpoint, at)| {
            Ok(Published {
                size: uint(size, OPERATION)?,
                root,
                checkpoint,
                at: time(at, OPERATION)?,
            })
        })
        .collect()
}
