//! Making what was deleted unreadable. `secure_delete` overwrites a cell where it lies, but a page that was split may
//! still hold a copy in its unused part, and the write-ahead log holds pages as they were. So the records, which hold
//! wrapped keys, are written anew into fresh pages, every page that held them is overwritten as it is freed, and the
//! write-ahead log is carried into the database and cut to nothing.

use std::time::Duration;

use rusqlite::Connection;

use super::column::{cause, fault};
use super::connect;
use crate::fault::StoreFault;

const OPERATION: &str = "scrub";

/// How long one cut waits for readers; appends wait as long.
const PATIENCE: Duration = Duration::from_millis(500);

/// Carries the write-ahead log into the database and cuts it to nothing; whether no reader was in the way.
pub(super) fn cut(c: &Connection) -> Result<bool, StoreFault> {
    let cut = c.busy_timeout(PATIENCE).and_then(|()| {
        c.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
            row.get::<_, i64>(0)
        })
    });
    c.busy_timeout(connect::BUSY).map_err(fault(OPERATION))?;
    cut.map(|busy| busy == 0).map_err(fault(OPERATION))
}

/// Writes the records anew; no transaction is open.
pub(super) fn rewrite(c: &Connection) -> Result<(), StoreFault> {
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

/// What is said when readers are in the way for too long.
pub(super) fn held() -> StoreFault {
    StoreFault::Unavailable {
        operation: OPERATION,
        cause: "a reader holds what was deleted".to_owned(),
    }
}
