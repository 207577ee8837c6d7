//! The schema by version: what `meta` says of a store, and the steps from there to ours.
//! A newer store refuses us; an older one is brought up in one transaction, or not at all.

use interlock_core::id::EnvironmentName;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};

use super::OpenFault;
use super::column::cause;

/// Each step, in order; the first makes schema 1.
pub(super) const STEPS: [&str; 3] = [
    include_str!("../../migrations/sqlite/0001_first.sql"),
    include_str!("../../migrations/sqlite/0002_log.sql"),
    include_str!("../../migrations/sqlite/0003_search.sql"),
];

/// The schema that this version writes.
const KNOWN: u32 = STEPS.len() as u32;

/// Brings a store up to our schema, and checks or sets its environment.
pub(super) fn up(
    connection: &mut Connection,
    environment: &EnvironmentName,
) -> Result<(), OpenFault> {
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(fault("begin"))?;
    let found = if is_empty(&transaction)? {
        0
    } else {
        schema(&transaction)?
    };
    if found > KNOWN {
        return Err(OpenFault::Newer {
            found,
            known: KNOWN,
        });
    }
    for step in STEPS.iter().skip(found as usize) {
        transaction.execute_batch(step).map_err(fault("migrate"))?;
    }
    if found == 0 {
        set(&transaction, "environment", environment.as_str())?;
    }
    set(&transaction, "schema", &KNOWN.to_string())?;
    let stored = get(&transaction, "environment")?.unwrap_or_default();
    if stored != environment.as_str() {
        return Err(OpenFault::Environment {
            found: stored,
            asked: environment.to_string(),
        });
    }
    transaction.commit().map_err(fault("commit"))
}

/// Checks that a store can be read by this version, and says which environment it is.
pub(super) fn inspect(connection: &Connection) -> Result<EnvironmentName, OpenFault> {
    let found = schema(connection)?;
    if found > KNOWN {
        return Err(OpenFault::Newer {
            found,
            known: KNOWN,
        });
    }
    if found < KNOWN {
        return Err(OpenFault::Older {
            found,
            known: KNOWN,
        });
    }
    let stored = get(connection, "environment")?.unwrap_or_default();
    EnvironmentName::parse(&stored).map_err(|_| foreign(connection))
}

fn is_empty(connection: &Connection) -> Result<bool, OpenFault> {
    connection
        .query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| {
            row.get(0)
        })
        .map_err(fault("read the schema"))
}

/// The schema's version; a database without our `meta` table is not ours.
fn schema(connection: &Connection) -> Result<u32, OpenFault> {
    let ours: bool = connection
        .query_row(
            "SELECT count(*) = 1 FROM sqlite_schema WHERE type = 'table' AND name = 'meta'",
            [],
            |row| row.get(0),
        )
        .map_err(fault("read the schema"))?;
    let version = if ours {
        get(connection, "schema")?
    } else {
        None
    };
    version
        .and_then(|text| text.parse().ok())
        .filter(|version| *version > 0)
        .ok_or_else(|| foreign(connection))
}

fn foreign(connection: &Connection) -> OpenFault {
    OpenFault::Foreign {
        path: connection.path().unwrap_or_default().into(),
    }
}

fn get(connection: &Connection, key: &str) -> Result<Option<String>, OpenFault> {
    connection
        .query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| {
            row.get(0)
        })
        .optional()
        .map_err(fault("read `meta`"))
}

fn set(connection: &Connection, key: &str, value: &str) -> Result<(), OpenFault> {
    connection
        .execute(
            "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = ?2",
            [key, value],
        )
        .map(drop)
        .map_err(fault("write `meta`"))
}

fn fault(operation: &'static str) -> impl Fn(rusqlite::Error) -> OpenFault {
    move |e| OpenFault::Database {
        operation,
        cause: cause(&e),
    }
}
