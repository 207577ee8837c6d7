//! Reading: a few connections that cannot write, lent to blocking threads. Each call reads one snapshot.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use interlock_core::digest::Digest;
use interlock_core::id::{PayloadId, PrincipalId, RunId, TenantName};
use interlock_core::limits::PAGE_ITEMS_MAX;
use interlock_core::time::Timestamp;
use interlock_journal::LeafHash;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use tokio::sync::Semaphore;

use super::column::{fault, int, kind_number, micros, state, state_number, time, uint, wait_kind};
use super::{OpenFault, connect};
use crate::fault::StoreFault;
use crate::limits::WAITS_LISTED_MAX;
use crate::log::ADMINISTRATION_RUN;
use crate::rows::{
    Chain, Head, RunFilter, RunRow, SealedPayload, StoredEntry, Totals, WaitKind, WaitRow,
};

/// Connections that read at the same time.
const READERS: usize = 4;

/// The read pool.
pub(super) struct Readers {
    file: PathBuf,
    free: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    /// Opens the first connection, so that a file that cannot be read is found at the start.
    pub(super) fn open(file: &Path) -> Result<Self, OpenFault> {
        let first = connect::reader(file)?;
        let permits = Arc::new(Semaphore::new(READERS));
        Ok(Self {
            file: file.to_owned(),
            free: Mutex::new(vec![first]),
            permits,
        })
    }

    /// Looks at the store with one connection while it is being opened.
    pub(super) fn inspect<T>(
        &self,
        look: impl FnOnce(&Connection) -> Result<T, OpenFault>,
    ) -> Result<T, OpenFault> {
        let connection = self
            .take()
            .map_or_else(|| connect::reader(&self.file), Ok)?;
        let seen = look(&connection);
        self.give(connection);
        seen
    }

    /// Reads on a blocking thread, in one snapshot.
    pub(super) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        operation: &'static str,
        look: impl FnOnce(&Connection) -> Result<T, StoreFault> + Send + 'static,
    ) -> Result<T, StoreFault> {
        let unavailable = |cause: String| StoreFault::Unavailable { operation, cause };
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .map_err(|_| unavailable("store is closed".to_owned()))?;
        let readers = Arc::clone(self);
        tokio::task::spawn_blocking(move || {
            let connection = readers
                .take()
                .map_or_else(|| connect::reader(&readers.file), Ok)
                .map_err(|e| unavailable(e.to_string()))?;
            let seen = snapshot(&connection, operation, look);
            // A connection that could not end its transaction would read an old snapshot for ever.
            if connection.is_autocommit() {
                readers.give(connection);
            }
            drop(permit);
            seen
        })
        .await
        .map_err(|_| unavailable("the reading thread ended".to_owned()))?
    }

    fn take(&self) -> Option<Connection> {
        self.free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop()
    }

    fn give(&self, connection: Connection) {
        self.free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(connection);
    }
}

fn snapshot<T>(
    connection: &Connection,
    operation: &'static str,
    look: impl FnOnce(&Connection) -> Result<T, StoreFault>,
) -> Result<T, StoreFault> {
    let transaction = connection
        .unchecked_transaction()
        .map_err(fault(operation))?;
    let seen = look(&transaction)?;
    transaction.finish().map_err(fault(operation))?;
    Ok(seen)
}

/// Where a run's chain ends.
pub(super) fn head(
    c: &Connection,
    tenant: &TenantName,
    run: RunId,
) -> Result<Option<Head>, StoreFault> {
    let found: Option<(i64, [u8; 32])> = c
        .prepare_cached("SELECT head_seq, head_hash FROM run WHERE tenant = ?1 AND run = ?2")
        .and_then(|mut s| {
            s.query_row(params![tenant.as_str(), run.to_bytes()], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()
        })
        .map_err(fault("head"))?;
    found
        .map(|(seq, hash)| {
            Ok(Head {
                seq: uint(seq, "head")?,
                hash: LeafHash::from_bytes(hash),
            })
        })
        .transpose()
}

/// A run's head and entries.
pub(super) fn chain(c: &Connection, tenant: &TenantName, run: RunId) -> Result<Chain, StoreFault> {
    if run != ADMINISTRATION_RUN {
        refuse_pruned(c, tenant, run)?;
    }
    let rows: Vec<(i64, Vec<u8>, [u8; 32])> = c
        .prepare_cached(
            "SELECT seq, bytes, hash FROM entry WHERE tenant = ?1 AND run = ?2 ORDER BY seq",
        )
        .and_then(|mut s| {
            s.query_map(params![tenant.as_str(), run.to_bytes()], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?
            .collect()
        })
        .map_err(fault("entries"))?;
    let entry = |(seq, bytes, hash)| {
        Ok(StoredEntry {
            seq: uint(seq, "entries")?,
            bytes,
            hash: LeafHash::from_bytes(hash),
        })
    };
    Ok(Chain {
        head: head(c, tenant, run)?,
        entries: rows.into_iter().map(entry).collect::<Result<_, _>>()?,
    })
}

/// What was pruned is said to be, so that nobody takes what is left for a damaged chain.
fn refuse_pruned(c: &Connection, tenant: &TenantName, run: RunId) -> Result<(), StoreFault> {
    const OPERATION: &str = "entries";
    let pruned: Option<i64> = c
        .prepare_cached("SELECT pruned FROM run WHERE tenant = ?1 AND run = ?2")
        .and_then(|mut s| {
            s.query_row(params![tenant.as_str(), run.to_bytes()], |row| row.get(0))
                .optional()
        })
        .map_err(fault(OPERATION))?;
    match pruned.map_or(Ok(0), |n| uint(n, OPERATION))? {
        0 => Ok(()),
        entries => Err(StoreFault::Pruned {
            operation: OPERATION,
            entries,
        }),
    }
}

/// One payload.
pub(super) fn payload(
    c: &Connection,
    tenant: &TenantName,
    id: PayloadId,
) -> Result<Option<SealedPayload>, StoreFault> {
    c.prepare_cached(
        "SELECT run, class, header, ciphertext, marks FROM payload WHERE tenant = ?1 AND id = ?2",
    )
    .and_then(|mut s| {
        s.query_row(params![tenant.as_str(), id.to_bytes()], |row| {
            Ok(SealedPayload {
                id,
                run: RunId::from_bytes(row.get(0)?),
                class: row.get(1)?,
                header: row.get(2)?,
                ciphertext: row.get(3)?,
                marks: row.get(4)?,
            })
        })
        .optional()
    })
    .map_err(fault("payload"))
}

const RUN_COLUMNS: &str = "SELECT run, workflow, bundle, state, outcome, wake_at, started, updated, requester, parent FROM run";

fn run_row(row: &Row<'_>) -> rusqlite::Result<Result<RunRow, StoreFault>> {
    const OPERATION: &str = "run";
    let (number, wake_at): (i64, Option<i64>) = (row.get(3)?, row.get(5)?);
    let (started, updated): (i64, i64) = (row.get(6)?, row.get(7)?);
    let (run, workflow, bundle) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let (outcome, requester): (Option<String>, [u8; 16]) = (row.get(4)?, row.get(8)?);
    let parent: Option<[u8; 16]> = row.get(9)?;
    Ok((|| {
        Ok(RunRow {
            run: RunId::from_bytes(run),
            workflow,
            bundle: Digest::from_bytes(bundle),
            state: state(number, OPERATION)?,
            outcome,
            wake_at: wake_at.map(|n| time(n, OPERATION)).transpose()?,
            started: time(started, OPERATION)?,
            updated: time(updated, OPERATION)?,
            requester: PrincipalId::from_bytes(requester),
            parent: parent.map(RunId::from_bytes),
        })
    })())
}

/// A run's row.
pub(super) fn run(
    c: &Connection,
    tenant: &TenantName,
    run: RunId,
) -> Result<Option<RunRow>, StoreFault> {
    c.prepare_cached(&format!("{RUN_COLUMNS} WHERE tenant = ?1 AND run = ?2"))
        .and_then(|mut s| {
            s.query_row(params![tenant.as_str(), run.to_bytes()], run_row)
                .optional()
        })
        .map_err(fault("run"))?
        .transpose()
}

/// A page of runs, newest first.
pub(super) fn runs(
    c: &Connection,
    tenant: &TenantName,
    filter: &RunFilter,
    limit: u32,
) -> Result<Vec<RunRow>, StoreFault> {
    c.prepare_cached(&format!(
        "{RUN_COLUMNS} WHERE tenant = ?1 AND (?2 IS NULL OR state = ?2) AND (?3 IS NULL OR workflow = ?3) \
         AND (?4 IS NULL OR run < ?4) AND run > ?6 ORDER BY run DESC LIMIT ?5"
    ))
    .and_then(|mut s| {
        s.query_map(
            params![
                tenant.as_str(),
                filter.status.map(state_number),
                filter.workflow,
                filter.before.map(RunId::to_bytes),
                limit.min(PAGE_ITEMS_MAX),
                ADMINISTRATION_RUN.to_bytes(),
            ],
            run_row,
        )?
        .collect::<rusqlite::Result<Vec<_>>>()
    })
    .map_err(fault("runs"))?
    .into_iter()
    .collect()
}

/// What waits for people, oldest first.
pub(super) fn waits(
    c: &Connection,
    tenant: &TenantName,
    kind: Option<WaitKind>,
) -> Result<Vec<WaitRow>, StoreFault> {
    type Raw = (String, [u8; 16], i64, String, i64, Option<i64>);
    let rows: Vec<Raw> = c
        .prepare_cached(
            "SELECT id, run, kind, detail, since, due FROM wait WHERE tenant = ?1 AND (?2 IS NULL OR kind = ?2) \
             ORDER BY since, id LIMIT ?3",
        )
        .and_then(|mut s| {
            s.query_map(params![tenant.as_str(), kind.map(kind_number), WAITS_LISTED_MAX], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
            })?
            .collect()
        })
        .map_err(fault("waits"))?;
    let wait = |(id, run, kind, detail, since, due): Raw| {
        Ok(WaitRow {
            id,
            run: RunId::from_bytes(run),
            kind: wait_kind(kind, "waits")?,
            detail,
            since: time(since, "waits")?,
            due: due.map(|n| time(n, "waits")).transpose()?,
        })
    };
    rows.into_iter().map(wait).collect()
}

/// Runs that need a driver, longest due first; each half has its own partial index.
pub(super) fn runnable(
    c: &Connection,
    tenant: &TenantName,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<RunId>, StoreFault> {
    c.prepare_cached(
        "SELECT run FROM (SELECT * FROM (SELECT updated AS due, run FROM run WHERE tenant = ?1 AND state = 0 \
           AND run > ?4 ORDER BY updated, run LIMIT ?3) \
         UNION ALL SELECT * FROM (SELECT wake_at AS due, run FROM run WHERE tenant = ?1 AND state = 1 \
           AND wake_at IS NOT NULL AND wake_at <= ?2 AND run > ?4 ORDER BY wake_at, run LIMIT ?3)) \
         ORDER BY due, run LIMIT ?3",
    )
    .and_then(|mut s| {
        let none = ADMINISTRATION_RUN.to_bytes();
        s.query_map(params![tenant.as_str(), micros(now), int(u64::from(limit)), none], |row| {
            row.get(0).map(RunId::from_bytes)
        })?
        .collect()
    })
    .map_err(fault("runnable"))
}

/// Every tenant, by name.
pub(super) fn tenants(c: &Connection) -> Result<Vec<TenantName>, StoreFault> {
    let names: Vec<String> = c
        .prepare_cached("SELECT tenant FROM tenant ORDER BY tenant")
        .and_then(|mut s| s.query_map([], |row| row.get(0))?.collect())
        .map_err(fault("tenants"))?;
    let damaged = StoreFault::Damaged {
        operation: "tenants",
        what: "name of a tenant",
    };
    names
        .iter()
        .map(|name| TenantName::parse(name).map_err(|_| damaged.clone()))
        .collect()
}

/// How much a tenant has.
pub(super) fn totals(c: &Connection, tenant: &TenantName) -> Result<Totals, StoreFault> {
    let count = |sql: &str| {
        c.prepare_cached(sql)
            .and_then(|mut s| s.query_row([tenant.as_str()], |row| row.get::<_, i64>(0)))
            .map_err(fault("totals"))
            .and_then(|n| uint(n, "totals"))
    };
    Ok(Totals {
        runs: count("SELECT count(*) FROM run WHERE tenant = ?1 AND run > zeroblob(16)")?,
        entries: count("SELECT count(*) FROM entry WHERE tenant = ?1")?,
        payloads: count("SELECT count(*) FROM payload WHERE tenant = ?1")?,
    })
}
