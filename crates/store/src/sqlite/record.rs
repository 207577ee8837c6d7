//! Small administrative records under compare-and-swap, and the counts of refused input.

use interlock_core::id::TenantName;
use interlock_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::append::insert_tenant;
use super::column::{fault, int, micros, time, uint};
use crate::fault::{RecordFault, StoreFault};
use crate::limits::{OTHER_ADDRESSES, RECORDS_MAX, REJECTIONS_MAX};
use crate::rows::{Record, Rejection};
use crate::shard;

/// Writes a record if its version is the expected one.
pub(super) fn put(
    c: &Connection,
    tenant: &TenantName,
    kind: &str,
    key: &str,
    expected: Option<u64>,
    bytes: &[u8],
) -> Result<u64, RecordFault> {
    const OPERATION: &str = "put record";
    let found = version(c, tenant, kind, key, OPERATION)?;
    if found != expected {
        return Err(RecordFault::Conflict { found });
    }
    if found.is_none() {
        insert_tenant(c, tenant, OPERATION)?;
        if count(
            c,
            "SELECT count(*) FROM record WHERE tenant = ?1 AND kind = ?2",
            &[&tenant.as_str(), &kind],
        )
        .map_err(fault(OPERATION))?
            >= int(RECORDS_MAX)
        {
            return Err(RecordFault::Full { max: RECORDS_MAX });
        }
    }
    let next: i64 = c
        .prepare_cached(
            "UPDATE tenant SET record_version = record_version + 1 WHERE tenant = ?1 RETURNING record_version",
        )
        .and_then(|mut s| s.query_row([tenant.as_str()], |row| row.get(0)))
        .map_err(fault(OPERATION))?;
    c.prepare_cached(
        "INSERT INTO record (tenant, shard, kind, key, version, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
         ON CONFLICT DO UPDATE SET version = ?5, bytes = ?6",
    )
    .and_then(|mut s| s.execute(params![tenant.as_str(), shard(tenant), kind, key, next, bytes]))
    .map_err(fault(OPERATION))?;
    Ok(uint(next, OPERATION)?)
}

/// Deletes a record if its version is the expected one.
pub(super) fn delete(
    c: &Connection,
    tenant: &TenantName,
    kind: &str,
    key: &str,
    expected: u64,
) -> Result<(), RecordFault> {
    const OPERATION: &str = "delete record";
    let found = version(c, tenant, kind, key, OPERATION)?;
    if found != Some(expected) {
        return Err(RecordFault::Conflict { found });
    }
    c.prepare_cached("DELETE FROM record WHERE tenant = ?1 AND kind = ?2 AND key = ?3")
        .and_then(|mut s| s.execute(params![tenant.as_str(), kind, key]))
        .map_err(fault(OPERATION))?;
    Ok(())
}

fn version(
    c: &Connection,
    tenant: &TenantName,
    kind: &str,
    key: &str,
    operation: &'static str,
) -> Result<Option<u64>, StoreFault> {
    let found: Option<i64> = c
        .prepare_cached("SELECT version FROM record WHERE tenant = ?1 AND kind = ?2 AND key = ?3")
        .and_then(|mut s| {
            s.query_row(params![tenant.as_str(), kind, key], |row| row.get(0))
                .optional()
        })
        .map_err(fault(operation))?;
    found.map(|n| uint(n, operation)).transpose()
}

fn count(c: &Connection, sql: &str, params: &[&dyn rusqlite::ToSql]) -> rusqlite::Result<i64> {
    c.prepare_cached(sql)?.query_row(params, |row| row.get(0))
}

/// One record.
pub(super) fn get(
    c: &Connection,
    tenant: &TenantName,
    kind: &str,
    key: &str,
) -> Result<Option<Record>, StoreFault> {
    let found: Option<(i64, Vec<u8>)> = c
        .prepare_cached(
            "SELECT version, bytes FROM record WHERE tenant = ?1 AND kind = ?2 AND key = ?3",
        )
        .and_then(|mut s| {
            s.query_row(params![tenant.as_str(), kind, key], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()
        })
        .map_err(fault("record"))?;
    found
        .map(|(version, bytes)| {
            Ok(Record {
                key: key.to_owned(),
                version: uint(version, "record")?,
                bytes,
            })
        })
        .transpose()
}

/// All records of a kind, by key.
pub(super) fn list(
    c: &Connection,
    tenant: &TenantName,
    kind: &str,
) -> Result<Vec<Record>, StoreFault> {
    let rows: Vec<(String, i64, Vec<u8>)> = c
        .prepare_cached(
            "SELECT key, version, bytes FROM record WHERE tenant = ?1 AND kind = ?2 ORDER BY key",
        )
        .and_then(|mut s| {
            s.query_map(params![tenant.as_str(), kind], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?
            .collect()
        })
        .map_err(fault("records"))?;
    rows.into_iter()
        .map(|(key, version, bytes)| {
            Ok(Record {
                key,
                version: uint(version, "records")?,
                bytes,
            })
        })
        .collect()
}

/// Counts one refused input; `place` is source, address, fault.
pub(super) fn count_rejection(
    c: &Connection,
    tenant: &TenantName,
    place: &[String; 3],
    now: Timestamp,
) -> Result<(), StoreFault> {
    const OPERATION: &str = "count rejection";
    let [source, address, word] = place;
    let name = tenant.as_str();
    insert_tenant(c, tenant, OPERATION)?;
    let write = || {
        let known = "SELECT count(*) FROM rejection WHERE tenant = ?1 AND source = ?2 AND address = ?3 AND fault = ?4";
        let address = if count(c, known, &[&name, source, address, word])? == 0
            && count(
                c,
                "SELECT count(*) FROM rejection WHERE tenant = ?1",
                &[&name],
            )? >= int(REJECTIONS_MAX)
        {
            OTHER_ADDRESSES
        } else {
            address
        };
        c.prepare_cached(
            "INSERT INTO rejection (tenant, shard, source, address, fault, count, last) \
             VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6) \
             ON CONFLICT DO UPDATE SET count = count + 1, last = max(last, ?6)",
        )?
        .execute(params![
            name,
            shard(tenant),
            source,
            address,
            word,
            micros(now)
        ])
        .map(drop)
    };
    write().map_err(fault(OPERATION))
}

/// Refused inputs, by source, address and fault.
pub(super) fn rejections(
    c: &Connection,
    tenant: &TenantName,
) -> Result<Vec<Rejection>, StoreFault> {
    const OPERATION: &str = "rejections";
    let rows: Vec<(String, String, String, i64, i64)> = c
        .prepare_cached(
            "SELECT source, address, fault, count, last FROM rejection WHERE tenant = ?1 \
             ORDER BY source, address, fault",
        )
        .and_then(|mut s| {
            s.query_map([tenant.as_str()], |row| {
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
    rows.into_iter()
        .map(|(source, address, fault, count, last)| {
            Ok(Rejection {
                source,
                address,
                fault,
                count: uint(count, OPERATION)?,
                last: time(last, OPERATION)?,
            })
        })
        .collect()
}
