//! The search index: rows and terms of entries by their place, and the walk that a search makes over them.
//! A search walks the part of its query that finds least and looks up the others, from the newest entry down.

use interlock_core::id::{RunId, TenantName};
use interlock_core::limits::PAGE_ITEMS_MAX;
use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};

use super::column::{fault, int, micros, term_number};
use super::sequence::{self, Extent};
use crate::check::log as check;
use crate::fault::StoreFault;
use crate::log::{IndexRow, SearchQuery};
use crate::shard;

const OPERATION: &str = "index put";
/// Rows of one step of clearing.
const STEP: i64 = 2000;

/// Adds rows that were checked against their bounds, if they continue the index.
pub(super) fn put(
    c: &Connection,
    tenant: &TenantName,
    upto: u64,
    rows: &[IndexRow],
) -> Result<(), StoreFault> {
    let extent = sequence::extent(c, tenant, OPERATION)?;
    let (cursor, minimum, size) = extent.map_or((0, 0, 0), |e| (e.indexed, e.minimum, e.size));
    let go_on = check::index_guard(cursor, minimum, size, upto, rows)?;
    let Some(extent) = extent.filter(|_| go_on) else {
        return Ok(());
    };
    // What an index that is being cleared left in this range.
    let range = [extent.place(cursor), extent.place(upto).saturating_sub(1)];
    delete(c, range, OPERATION)?;
    insert(c, tenant, extent, rows).map_err(fault(OPERATION))?;
    set_cursor(c, tenant, upto, OPERATION)
}

fn insert(
    c: &Connection,
    tenant: &TenantName,
    extent: Extent,
    rows: &[IndexRow],
) -> rusqlite::Result<()> {
    let (name, shard) = (tenant.as_str(), shard(tenant));
    let mut row = c.prepare_cached(
        "INSERT INTO entry_index (place, tenant, shard, run, seq, time, event) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let mut term = c.prepare_cached(
        "INSERT INTO term (tenant, shard, kind, value, place) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
    )?;
    for new in rows {
        let place = extent.place(new.index);
        row.execute(params![
            place,
            name,
            shard,
            new.run.to_bytes(),
            int(new.seq),
            micros(new.time),
            new.event
        ])?;
        for (kind, value) in &new.terms {
            term.execute(params![name, shard, term_number(*kind), value, place])?;
        }
    }
    Ok(())
}

fn set_cursor(
    c: &Connection,
    tenant: &TenantName,
    cursor: u64,
    operation: &'static str,
) -> Result<(), StoreFault> {
    c.prepare_cached("UPDATE log SET indexed = ?2 WHERE tenant = ?1")
        .and_then(|mut s| s.execute(params![tenant.as_str(), int(cursor)]))
        .map(drop)
        .map_err(fault(operation))
}

/// Deletes the rows and terms of a range of places, both ends in it.
pub(super) fn delete(
    c: &Connection,
    range: [i64; 2],
    operation: &'static str,
) -> Result<(), StoreFault> {
    for sql in [
        "DELETE FROM term WHERE place BETWEEN ?1 AND ?2",
        "DELETE FROM entry_index WHERE place BETWEEN ?1 AND ?2",
    ] {
        c.prepare_cached(sql)
            .and_then(|mut s| s.execute(range))
            .map_err(fault(operation))?;
    }
    Ok(())
}

/// Sets the cursor to 0, which hides every row.
pub(super) fn begin_clear(c: &Connection, tenant: &TenantName) -> Result<(), StoreFault> {
    set_cursor(c, tenant, 0, "index clear")
}

/// Deletes some of the rows that the cursor hides; whether there may be more.
pub(super) fn clear_step(c: &Connection, tenant: &TenantName) -> Result<bool, StoreFault> {
    const OPERATION: &str = "index clear";
    let Some(extent) = sequence::extent(c, tenant, OPERATION)? else {
        return Ok(false);
    };
    let (first, end) = (extent.place(extent.indexed), extent.place(extent.size));
    let found: Option<i64> = c
        .prepare_cached("SELECT min(place) FROM entry_index WHERE place >= ?1 AND place < ?2")
        .and_then(|mut s| s.query_row([first, end], |row| row.get(0)))
        .map_err(fault(OPERATION))?;
    let Some(found) = found else {
        return Ok(false);
    };
    let last = found.saturating_add(STEP).min(end).saturating_sub(1);
    delete(c, [found, last], OPERATION)?;
    Ok(true)
}

/// One part of a query: where it holds, as places of the log.
pub(super) struct Part {
    /// A query for `place`, falling, without its upper end; `?` for each value.
    walk: &'static str,
    /// Whether it holds at the place `p.place`.
    holds: &'static str,
    values: Vec<Value>,
}

/// Places looked at to learn how much a part finds.
const PROBE: i64 = 2000;

/// Indexes of the entries found, falling.
pub(super) fn search(
    c: &Connection,
    tenant: &TenantName,
    query: &SearchQuery,
) -> Result<Vec<u64>, StoreFault> {
    const OPERATION: &str = "search";
    let Some(extent) = sequence::extent(c, tenant, OPERATION)? else {
        return Ok(Vec::new());
    };
    let first = extent.place(extent.minimum);
    let end = extent.place(query.below.unwrap_or(u64::MAX).min(extent.indexed));
    let parts = parts(tenant, query);
    let mut least = (PROBE, parts.len().saturating_sub(1));
    for (n, part) in parts.iter().enumerate() {
        let found = probe(c, part, [first, end]).map_err(fault(OPERATION))?;
        if found < least.0 {
            least = (found, n);
        }
    }
    if least.0 == 0 {
        return Ok(Vec::new());
    }
    let (sql, values) = walk(&parts, least.1, query, [first, end]);
    let places: Vec<i64> = c
        .prepare_cached(&sql)
        .and_then(|mut s| {
            s.query_map(params_from_iter(values), |row| row.get(0))?
                .collect()
        })
        .map_err(fault(OPERATION))?;
    places
        .into_iter()
        .map(|place| extent.index(place, OPERATION))
        .collect()
}

/// The statement that walks one part and looks up the others, with its values.
pub(super) fn walk(
    parts: &[Part],
    walked: usize,
    query: &SearchQuery,
    [first, end]: [i64; 2],
) -> (String, Vec<Value>) {
    let (mut sql, mut values) = (String::new(), Vec::new());
    if let Some(part) = parts.get(walked) {
        sql = format!(
            "SELECT p.place FROM ({}) AS p CROSS JOIN entry_index AS e ON e.place = p.place WHERE 1",
            part.walk
        );
        values.extend(part.values.iter().cloned());
        values.extend([first.into(), end.into()]);
    }
    for (n, part) in parts.iter().enumerate() {
        if n != walked {
            sql.push_str(" AND ");
            sql.push_str(part.holds);
            values.extend(part.values.iter().cloned());
        }
    }
    if query.events.len() > 1 {
        sql.push_str(" AND e.event IN (?");
        sql.push_str(&", ?".repeat(query.events.len().saturating_sub(1)));
        sql.push(')');
        values.extend(query.events.iter().map(|event| event.clone().into()));
    }
    sql.push_str(" ORDER BY p.place DESC LIMIT ?");
    values.push(i64::from(query.limit.min(PAGE_ITEMS_MAX)).into());
    (sql, values)
}

/// The parts that an index can be walked by; the last one finds every entry.
pub(super) fn parts(tenant: &TenantName, query: &SearchQuery) -> Vec<Part> {
    let name = || Value::from(tenant.as_str().to_owned());
    let mut parts: Vec<Part> = query
        .terms
        .iter()
        .map(|(kind, value)| Part {
            walk: "SELECT place FROM term WHERE tenant = ? AND kind = ? AND value = ? AND place >= ? AND place < ?",
            holds: "EXISTS (SELECT 1 FROM term AS t \
                    WHERE t.tenant = ? AND t.kind = ? AND t.value = ? AND t.place = p.place)",
            values: vec![name(), term_number(*kind).into(), value.clone().into()],
        })
        .collect();
    parts.extend(query.run.map(|run| Part {
        walk: "SELECT place FROM entry_index WHERE tenant = ? AND run = ? AND place >= ? AND place < ?",
        holds: "e.tenant = ? AND e.run = ?",
        values: vec![name(), run_value(run)],
    }));
    if let [event] = query.events.as_slice() {
        parts.push(Part {
            walk: "SELECT place FROM entry_index WHERE tenant = ? AND event = ? AND place >= ? AND place < ?",
            holds: "e.tenant = ? AND e.event = ?",
            values: vec![name(), event.clone().into()],
        });
    }
    if query.from.is_some() || query.to.is_some() {
        let from = query.from.map_or(0, micros);
        let to = query.to.map_or(i64::MAX, micros);
        parts.push(Part {
            walk: "SELECT place FROM entry_index WHERE tenant = ? AND time BETWEEN ? AND ? AND place >= ? AND place < ?",
            holds: "e.tenant = ? AND e.time BETWEEN ? AND ?",
            values: vec![name(), from.into(), to.into()],
        });
    }
    parts.push(Part {
        walk: "SELECT place FROM entry_index WHERE +tenant = ? AND place >= ? AND place < ?",
        holds: "e.tenant = ?",
        values: vec![name()],
    });
    parts
}

fn run_value(run: RunId) -> Value {
    Value::from(run.to_bytes().to_vec())
}

/// How many places a part finds, up to a bound.
fn probe(c: &Connection, part: &Part, range: [i64; 2]) -> rusqlite::Result<i64> {
    let sql = format!("SELECT count(*) FROM ({} LIMIT ?)", part.walk);
    let bounds = range.into_iter().chain([PROBE]).map(Value::from);
    c.prepare_cached(&sql)?.query_row(
        params_from_iter(part.values.iter().cloned().chain(bounds)),
        |row| row.get(0),
    )
}
