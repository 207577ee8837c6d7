//! Making what was deleted unreadable. `secure_delete` overwrites a cell where it lies, but a page that was split may
//! still hold a copy in its unused part, and the write-ahead log holds pages as they were. So the records, which hold
//! wrapped keys, are written anew into fresh pages, every page that held them is overwritten as it is freed, and the
//! write-ahead log is carried into the database and cut to nothing.

use rusqlite::Connection;

use super::column::{cause, fault};
use crate::fault::StoreFault;

const OPERATION: &str = "scrub";

/// Times that the cut is tried while readers hold what was; each waits as long as a connection waits for locks.
const TRIES: u32 = 3;

/// Rewrites the records and cuts the write-ahead log, outside of any transaction.
pub(super) fn scrub(c: &Connection) -> Result<(), StoreFault> {
    rewrite(c)?;
    for _ in 0..TRIES {
        let busy: i64 = c
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
            .map_err(fault(OPERATION))?;
        if busy == 0 {
            return Ok(());
        }
    }
    Err(StoreFault::Unavailable {
        operation: OPERATION,
        cause: "a reader holds what was deleted".to_owned(),
    })
}

fn rewrite(c: &Connection) -> Result<(), StoreFault> {
    let written = c.execute_batch(
        "BEGIN IMMEDIATE;
         CREATE TABLE record_anew (
             tenant  TEXT    NOT NULL REFERENCES tenant (tenant),
             shard   INTEGER NOT NULL,
             kind    TEXT    NOT NULL,
             key     TEXT    NOT NULL,
             version INTEGER NOT NULL,
             bytes   BLOB    NOT NULL,
             PRIMARY KEY (tenant, kind, key)
         ) STRICT, WITHOUT ROWID;
         INSERT INTO record_anew (tenant, shard, kind, key, version, bytes)
             SELECT tenant, shard, kind, key, version, bytes FROM record;
         DROP TABLE record;
         ALTER TABLE record_anew RENAME TO record;
         COMMIT;",
    );
    let Err(error) = written else {
        return Ok(());
    };
    if !c.is_autocommit() && c.execute_batch("ROLLBACK").is_err() {
        tracing::error!("store could not undo a scrub; restart");
    }
    Err(StoreFault::Unavailable {
        operation: OPERATION,
        cause: cause(&error),
    })
}
