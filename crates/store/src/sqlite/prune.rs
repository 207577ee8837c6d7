//! Pruning, in steps that each fit between two commits of others: first the minimum, which hides what is below and
//! lets the trigger pass, then the rows. If we die between two steps, the same call later finishes the rest.

use std::collections::BTreeMap;

use interlock_core::id::{RunId, TenantName};
use rusqlite::{Connection, params};

use super::column::{fault, int, state_number, uint};
use super::{publication, sequence};
use crate::check::log as check;
use crate::fault::StoreFault;
use crate::limits::TILE_HASHES;
use crate::log::ADMINISTRATION_RUN;
use crate::rows::RunStatus;

const OPERATION: &str = "prune";
/// Entries, or tiles, of one step.
const STEP: u32 = 1000;

/// Sets the minimum, if it may be.
pub(super) fn begin(c: &Connection, tenant: &TenantName, minimum: u64) -> Result<(), StoreFault> {
    let extent = sequence::extent(c, tenant, OPERATION)?;
    let published = publication::published(c, tenant)?.map(|newest| newest.size);
    let found = extent.map_or(0, |extent| extent.minimum);
    check::prune(minimum, found, published)?;
    let Some(extent) = extent.filter(|_| minimum > found) else {
        return Ok(());
    };
    let goes_on = c
        .prepare_cached(
            "SELECT 1 FROM run WHERE tenant = ?1 AND state <> ?2 AND run <> ?3 AND EXISTS \
             (SELECT 1 FROM entry AS e WHERE e.tenant = run.tenant AND e.run = run.run AND e.seq = 0 AND e.place < ?4)",
        )
        .and_then(|mut s| {
            s.exists(params![
                tenant.as_str(),
                state_number(RunStatus::Ended),
                ADMINISTRATION_RUN.to_bytes(),
                extent.place(minimum),
            ])
        })
        .map_err(fault(OPERATION))?;
    if goes_on {
        return Err(check::refused_prune(check::UNENDED));
    }
    c.prepare_cached("UPDATE log SET minimum = ?2 WHERE tenant = ?1")
        .and_then(|mut s| s.execute(params![tenant.as_str(), int(minimum)]))
        .map(drop)
        .map_err(fault(OPERATION))
}

/// Deletes some of what lies below the minimum; whether there may be more.
pub(super) fn step(c: &Connection, tenant: &TenantName) -> Result<bool, StoreFault> {
    let Some(extent) = sequence::extent(c, tenant, OPERATION)? else {
        return Ok(false);
    };
    let (first, end) = (extent.place(0), extent.place(extent.minimum));
    let rows: Vec<(i64, [u8; 16], i64)> = c
        .prepare_cached(
            "SELECT place, run, seq FROM entry WHERE place >= ?1 AND place < ?2 ORDER BY place LIMIT ?3",
        )
        .and_then(|mut s| {
            s.query_map(params![first, end, STEP], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?
            .collect()
        })
        .map_err(fault(OPERATION))?;
    let Some((last, ..)) = rows.last() else {
        return drop_tiles(c, tenant, extent.minimum / TILE_HASHES);
    };
    let mut runs = BTreeMap::new();
    for (_, run, seq) in &rows {
        runs.insert(
            RunId::from_bytes(*run),
            uint(*seq, OPERATION)?.saturating_add(1),
        );
    }
    let range = [first, *last];
    super::search::delete(c, range, OPERATION)?;
    c.prepare_cached("DELETE FROM entry WHERE place BETWEEN ?1 AND ?2")
        .and_then(|mut s| s.execute(range))
        .map_err(fault(OPERATION))?;
    for (run, pruned) in runs {
        mark(c, tenant, run, pruned)?;
    }
    Ok(true)
}

/// Says of a run how many of its entries are gone; with the last one go its payloads.
fn mark(c: &Connection, tenant: &TenantName, run: RunId, pruned: u64) -> Result<(), StoreFault> {
    let of_run = params![tenant.as_str(), run.to_bytes(), int(pruned)];
    c.prepare_cached("UPDATE run SET pruned = ?3 WHERE tenant = ?1 AND run = ?2")
        .and_then(|mut s| s.execute(of_run))
        .map_err(fault(OPERATION))?;
    if run == ADMINISTRATION_RUN {
        return Ok(());
    }
    c.prepare_cached(
        "DELETE FROM payload WHERE tenant = ?1 AND run = ?2 AND EXISTS \
         (SELECT 1 FROM run WHERE tenant = ?1 AND run = ?2 AND head_seq < ?3)",
    )
    .and_then(|mut s| s.execute(of_run))
    .map(drop)
    .map_err(fault(OPERATION))
}

/// Deletes some of the full tiles of level 0 below a tile; whether there may be more.
fn drop_tiles(c: &Connection, tenant: &TenantName, below: u64) -> Result<bool, StoreFault> {
    c.prepare_cached(
        "DELETE FROM tile WHERE tenant = ?1 AND level = 0 AND idx IN \
         (SELECT idx FROM tile WHERE tenant = ?1 AND level = 0 AND idx < ?2 ORDER BY idx LIMIT ?3)",
    )
    .and_then(|mut s| s.execute(params![tenant.as_str(), int(below), STEP]))
    .map(|deleted| deleted > 0)
    .map_err(fault(OPERATION))
}
