//! The append and the claim, inside the writer's transaction: first every check, then the writes.
//! `entry` and `payload` are only ever inserted into.

use interlock_core::digest::Digest;
use interlock_core::id::{RunId, TenantName};
use interlock_journal::LeafHash;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::column::kind_number;
use super::column::{fault, int, micros, state, state_number, uint};
use super::sequence;
use crate::check::{self, Guarded};
use crate::fault::{AppendFault, StoreFault};
use crate::rows::{Append, Head};
use crate::shard;

const OPERATION: &str = "append";

/// Makes an append that was checked against itself, if what is stored is what it expects.
pub(super) fn append(
    c: &Connection,
    tenant: &TenantName,
    append: &Append,
    head: Head,
) -> Result<Head, AppendFault> {
    if let Some((key, _)) = &append.request_key {
        refuse_duplicate(c, tenant, key)?;
    }
    let stored = guarded(c, tenant, append.run)?;
    check::guard(stored, append)?;
    let next = append.expected.map_or(0, |head| head.seq.saturating_add(1));
    refuse_used_ids(c, tenant, append, next)?;
    if stored.is_none() {
        insert_tenant(c, tenant, OPERATION)?;
        insert_run(c, tenant, append, head)?;
    } else {
        update_run(c, tenant, append, head)?;
    }
    let place = sequence::take(c, tenant, append.entries.len())?;
    write_parts(c, tenant, append, place, stored.is_none())
        .map_err(|e| AppendFault::from(fault(OPERATION)(e)))?;
    Ok(head)
}

/// Raises a run's epoch by one and returns it.
pub(super) fn claim(
    c: &Connection,
    tenant: &TenantName,
    run: RunId,
) -> Result<Option<u64>, StoreFault> {
    let epoch: Option<i64> = c
        .prepare_cached(
            "UPDATE run SET epoch = epoch + 1 WHERE tenant = ?1 AND run = ?2 RETURNING epoch",
        )
        .and_then(|mut s| {
            s.query_row(params![tenant.as_str(), run.to_bytes()], |row| row.get(0))
                .optional()
        })
        .map_err(fault("claim"))?;
    epoch.map(|epoch| uint(epoch, "claim")).transpose()
}

/// Makes sure that the tenant's row is there, before rows that refer to it.
pub(super) fn insert_tenant(
    c: &Connection,
    tenant: &TenantName,
    operation: &'static str,
) -> Result<(), StoreFault> {
    c.prepare_cached("INSERT INTO tenant (tenant, shard) VALUES (?1, ?2) ON CONFLICT DO NOTHING")
        .and_then(|mut s| s.execute(params![tenant.as_str(), shard(tenant)]))
        .map(drop)
        .map_err(fault(operation))
}

fn refuse_duplicate(c: &Connection, tenant: &TenantName, key: &str) -> Result<(), AppendFault> {
    let found: Option<([u8; 16], [u8; 32])> = c
        .prepare_cached("SELECT run, digest FROM request WHERE tenant = ?1 AND key = ?2")
        .and_then(|mut s| {
            s.query_row(params![tenant.as_str(), key], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()
        })
        .map_err(fault(OPERATION))?;
    found.map_or(Ok(()), |(run, digest)| {
        Err(AppendFault::DuplicateRequest {
            run: RunId::from_bytes(run),
            digest: Digest::from_bytes(digest),
        })
    })
}

fn guarded(c: &Connection, tenant: &TenantName, run: RunId) -> Result<Option<Guarded>, StoreFault> {
    let found: Option<(i64, [u8; 32], i64, i64)> = c
        .prepare_cached(
            "SELECT head_seq, head_hash, epoch, state FROM run WHERE tenant = ?1 AND run = ?2",
        )
        .and_then(|mut s| {
            s.query_row(params![tenant.as_str(), run.to_bytes()], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })
            .optional()
        })
        .map_err(fault(OPERATION))?;
    let Some((seq, hash, epoch, run_state)) = found else {
        return Ok(None);
    };
    Ok(Some(Guarded {
        head: Head {
            seq: uint(seq, OPERATION)?,
            hash: LeafHash::from_bytes(hash),
        },
        epoch: uint(epoch, OPERATION)?,
        state: state(run_state, OPERATION)?,
    }))
}

fn refuse_used_ids(
    c: &Connection,
    tenant: &TenantName,
    append: &Append,
    seq: u64,
) -> Result<(), AppendFault> {
    let name = tenant.as_str();
    let mut statement = c
        .prepare_cached("SELECT 1 FROM payload WHERE tenant = ?1 AND id = ?2")
        .map_err(fault(OPERATION))?;
    for payload in &append.payloads {
        if statement
            .exists(params![name, payload.id.to_bytes()])
            .map_err(fault(OPERATION))?
        {
            return Err(AppendFault::Broken {
                seq,
                what: "payload id was used before",
            });
        }
    }
    let run = append.run.to_bytes();
    let mut statement = c
        .prepare_cached("SELECT 1 FROM wait WHERE tenant = ?1 AND id = ?2 AND run <> ?3")
        .map_err(fault(OPERATION))?;
    for wait in &append.waits {
        if statement
            .exists(params![name, wait.id, run])
            .map_err(fault(OPERATION))?
        {
            return Err(AppendFault::Broken {
                seq,
                what: "wait id was used before",
            });
        }
    }
    Ok(())
}

fn insert_run(
    c: &Connection,
    tenant: &TenantName,
    append: &Append,
    head: Head,
) -> Result<(), StoreFault> {
    let row = &append.row;
    c.prepare_cached(
        "INSERT INTO run (tenant, shard, run, head_seq, head_hash, epoch, workflow, bundle, state, outcome, wake_at, \
         started, updated, requester, parent) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
    )
    .and_then(|mut s| {
        s.execute(params![
            tenant.as_str(),
            shard(tenant),
            append.run.to_bytes(),
            int(head.seq),
            head.hash.to_bytes(),
            int(append.epoch),
            row.workflow,
            row.bundle.to_bytes(),
            state_number(row.state),
            row.outcome,
            row.wake_at.map(micros),
            micros(row.started),
            micros(row.updated),
            row.requester.to_bytes(),
            row.parent.map(RunId::to_bytes),
        ])
    })
    .map(drop)
    .map_err(fault(OPERATION))
}

fn update_run(
    c: &Connection,
    tenant: &TenantName,
    append: &Append,
    head: Head,
) -> Result<(), StoreFault> {
    let row = &append.row;
    c.prepare_cached(
        "UPDATE run SET head_seq = ?3, head_hash = ?4, workflow = ?5, bundle = ?6, state = ?7, outcome = ?8, \
         wake_at = ?9, started = ?10, updated = ?11, requester = ?12, parent = ?13 WHERE tenant = ?1 AND run = ?2",
    )
    .and_then(|mut s| {
        s.execute(params![
            tenant.as_str(),
            append.run.to_bytes(),
            int(head.seq),
            head.hash.to_bytes(),
            row.workflow,
            row.bundle.to_bytes(),
            state_number(row.state),
            row.outcome,
            row.wake_at.map(micros),
            micros(row.started),
            micros(row.updated),
            row.requester.to_bytes(),
            row.parent.map(RunId::to_bytes),
        ])
    })
    .map(drop)
    .map_err(fault(OPERATION))
}

fn write_parts(
    c: &Connection,
    tenant: &TenantName,
    append: &Append,
    first: i64,
    is_new: bool,
) -> rusqlite::Result<()> {
    let (name, shard, run) = (tenant.as_str(), shard(tenant), append.run.to_bytes());
    let mut entry = c.prepare_cached(
        "INSERT INTO entry (place, tenant, shard, run, seq, hash, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for (place, new) in (first..).zip(&append.entries) {
        entry.execute(params![
            place,
            name,
            shard,
            run,
            int(new.seq),
            new.hash.to_bytes(),
            new.bytes
        ])?;
    }
    let mut payload = c.prepare_cached(
        "INSERT INTO payload (tenant, shard, id, run, class, header, ciphertext, marks) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for new in &append.payloads {
        payload.execute(params![
            name,
            shard,
            new.id.to_bytes(),
            run,
            new.class,
            new.header,
            new.ciphertext,
            new.marks
        ])?;
    }
    if !is_new {
        c.prepare_cached("DELETE FROM wait WHERE tenant = ?1 AND run = ?2")?
            .execute(params![name, run])?;
    }
    let mut wait = c.prepare_cached(
        "INSERT INTO wait (tenant, shard, id, run, kind, detail, since, due) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for new in &append.waits {
        let (since, due) = (micros(new.since), new.due.map(micros));
        wait.execute(params![
            name,
            shard,
            new.id,
            run,
            kind_number(new.kind),
            new.detail,
            since,
            due
        ])?;
    }
    if let Some((key, digest)) = &append.request_key {
        c.prepare_cached(
            "INSERT INTO request (tenant, shard, key, digest, run) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![name, shard, key, digest.to_bytes(), run])?;
    }
    Ok(())
}
