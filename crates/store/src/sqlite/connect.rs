//! Connections with the settings that the store's promises rest on, read back after they were set.
//! A setting that did not take stops the start.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::OpenFault;
use super::column::cause;

/// Name, value to set, value that must be read back.
type Setting = (&'static str, &'static str, &'static str);

const WRITER: [Setting; 9] = [
    ("journal_mode", "WAL", "wal"),
    // A commit returns after the log is synced: less loses acknowledged entries in a power cut.
    ("synchronous", "FULL", "2"),
    ("foreign_keys", "ON", "1"),
    // Deleted content is overwritten in the file, not left in free pages.
    ("secure_delete", "ON", "1"),
    ("wal_autocheckpoint", "4000", "4000"),
    // On macOS a plain fsync does not reach the disk; elsewhere these change nothing.
    ("fullfsync", "ON", "1"),
    ("checkpoint_fullfsync", "ON", "1"),
    ("trusted_schema", "OFF", "0"),
    // Temporary tables stay out of the disk.
    ("temp_store", "MEMORY", "2"),
];

const READER: [Setting; 3] = [
    ("query_only", "ON", "1"),
    ("trusted_schema", "OFF", "0"),
    ("temp_store", "MEMORY", "2"),
];

/// How long a connection waits for SQLite's own locks: only recovery after a crash holds them for long.
pub(super) const BUSY: Duration = Duration::from_secs(10);

/// The one connection that writes.
pub(super) fn writer(file: &Path) -> Result<Connection, OpenFault> {
    open(file, OpenFlags::SQLITE_OPEN_READ_WRITE, &WRITER)
}

/// A connection that cannot write.
pub(super) fn reader(file: &Path) -> Result<Connection, OpenFault> {
    open(file, OpenFlags::SQLITE_OPEN_READ_ONLY, &READER)
}

fn open(file: &Path, access: OpenFlags, settings: &[Setting]) -> Result<Connection, OpenFault> {
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let fault = |operation| {
        move |e: rusqlite::Error| OpenFault::Database {
            operation,
            cause: cause(&e),
        }
    };
    let connection = Connection::open_with_flags(file, flags).map_err(fault("open the file"))?;
    connection
        .busy_timeout(BUSY)
        .map_err(fault("set the waiting time"))?;
    connection.set_prepared_statement_cache_capacity(64);
    for &(name, value, wanted) in settings {
        // Some settings answer with a row, some do not; what counts is what is read back.
        connection
            .pragma_update(None, name, value)
            .map_err(fault("set up the connection"))?;
        let found = connection
            .pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0))
            .map_err(fault("read a setting back"))?;
        let found = match found {
            rusqlite::types::Value::Integer(n) => n.to_string(),
            rusqlite::types::Value::Text(text) => text,
            _ => String::new(),
        };
        if found != wanted {
            return Err(OpenFault::Setting {
                name,
                wanted,
                found,
            });
        }
    }
    Ok(connection)
}
