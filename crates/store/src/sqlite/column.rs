//! Values in and out of columns. Numbers are stored as signed integers, ids and hashes as blobs; what does
//! not read back as the type that was written is damage. Fault texts never quote what SQLite said of values.

use interlock_core::time::Timestamp;
use rusqlite::ErrorCode;

use crate::fault::StoreFault;
use crate::log::Term;
use crate::rows::{RunStatus, WaitKind};

/// The kind of a fault, without anything that was stored or asked for.
pub(super) fn cause(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(e, _) => {
            format!("{} (code {})", kind(e.code), e.extended_code)
        }
        _ => "a row of another form than expected".to_owned(),
    }
}

const fn kind(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::DiskFull => "disk is full",
        ErrorCode::SystemIoFailure => "disk fault",
        ErrorCode::DatabaseCorrupt => "database is damaged",
        ErrorCode::NotADatabase => "file is not a database",
        ErrorCode::CannotOpen => "file cannot be opened",
        ErrorCode::ReadOnly => "file is read-only",
        ErrorCode::PermissionDenied => "permission denied",
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => "database is locked",
        ErrorCode::ConstraintViolation => "a constraint does not hold",
        ErrorCode::OutOfMemory => "out of memory",
        ErrorCode::TooBig => "value is too big",
        _ => "database fault",
    }
}

/// Maps SQLite's errors of one operation: what is not of the stored form is damage, the rest is not there.
pub(super) fn fault(operation: &'static str) -> impl Fn(rusqlite::Error) -> StoreFault + Copy {
    move |error| match &error {
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::IntegralValueOutOfRange(..) => StoreFault::Damaged {
            operation,
            what: "row",
        },
        rusqlite::Error::SqliteFailure(e, _)
            if matches!(e.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) =>
        {
            StoreFault::Damaged {
                operation,
                what: "file",
            }
        }
        _ => StoreFault::Unavailable {
            operation,
            cause: cause(&error),
        },
    }
}

/// A count or place as SQLite keeps it; every such value is bounded far below 2^63 before it gets here.
pub(super) fn int(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// A count or place read back.
pub(super) fn uint(n: i64, operation: &'static str) -> Result<u64, StoreFault> {
    u64::try_from(n).map_err(|_| StoreFault::Damaged {
        operation,
        what: "number",
    })
}

/// An instant as SQLite keeps it: microseconds since 1970.
pub(super) fn micros(time: Timestamp) -> i64 {
    int(time.as_micros())
}

/// An instant read back.
pub(super) fn time(n: i64, operation: &'static str) -> Result<Timestamp, StoreFault> {
    uint(n, operation).map(Timestamp::from_micros)
}

/// A run's state as a number; the partial indexes of the schema name these.
pub(super) const fn state_number(state: RunStatus) -> i64 {
    match state {
        RunStatus::Active => 0,
        RunStatus::Waiting => 1,
        RunStatus::Ended => 2,
    }
}

/// A run's state read back.
pub(super) const fn state(n: i64, operation: &'static str) -> Result<RunStatus, StoreFault> {
    match n {
        0 => Ok(RunStatus::Active),
        1 => Ok(RunStatus::Waiting),
        2 => Ok(RunStatus::Ended),
        _ => Err(StoreFault::Damaged {
            operation,
            what: "state",
        }),
    }
}

/// A kind of wait as a number.
pub(super) const fn kind_number(kind: WaitKind) -> i64 {
    match kind {
        WaitKind::Review => 0,
        WaitKind::Inbox => 1,
    }
}

/// A kind of wait read back.
pub(super) const fn wait_kind(n: i64, operation: &'static str) -> Result<WaitKind, StoreFault> {
    match n {
        0 => Ok(WaitKind::Review),
        1 => Ok(WaitKind::Inbox),
        _ => Err(StoreFault::Damaged {
            operation,
            what: "kind of wait",
        }),
    }
}

/// A kind of term as a number.
pub(super) const fn term_number(term: Term) -> i64 {
    match term {
        Term::Person => 0,
        Term::Subject => 1,
        Term::Workflow => 2,
        Term::Source => 3,
        Term::Tool => 4,
        Term::Prompt => 5,
        Term::Model => 6,
        Term::Policy => 7,
        Term::PolicyVersion => 8,
        Term::Decision => 9,
        Term::Outcome => 10,
        Term::Token => 11,
    }
}
