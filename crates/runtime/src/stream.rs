//! The log for a SIEM: published entries as OCSF 1.8 events or CloudEvents 1.0, in order, at least once, to a file,
//! an HTTP collector or a syslog relay. Each line carries its place in the log (index, leaf hash, chain link), so that
//! whoever receives it sees a missing one. It is a lossy view; the entry's own bytes stay the truth.

use interlock_core::id::RunId;
use interlock_journal::{Entry, EntryError};
use interlock_store::LogEntry;
use serde_json::Value;

mod check;
mod cloudevents;
mod follow;
mod kind;
mod ocsf;
mod open;
mod sink;
#[cfg(test)]
mod tests;

pub use check::{Gap, Held, check};
pub use follow::{Follower, StreamFault};
pub use open::{Outside, follow, open};
pub use sink::{FileSink, HttpSink, Sink, SinkFault, SyslogSink};

/// How a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// OCSF 1.8.0 with the profiles `ai_operation` and `security_control`.
    Ocsf,
    /// CloudEvents 1.0, structured JSON; its data is the entry itself.
    CloudEvents,
}

impl Format {
    /// The word of the configuration.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "ocsf" => Some(Self::Ocsf),
            "cloudevents" => Some(Self::CloudEvents),
            _ => None,
        }
    }
}

/// The tree that a line is known to be part of: of the newest checkpoint when the line was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// Origin of the log.
    pub origin: String,
    /// Entries in the tree.
    pub size: u64,
    /// Its root, 64 lower-case hex digits.
    pub root: String,
}

/// One published entry with its place.
pub struct Line {
    index: u64,
    run: RunId,
    leaf_hash: String,
    entry: Entry,
    whole: Value,
    signed: Signed,
}

impl Line {
    /// Reads a stored entry.
    ///
    /// # Errors
    /// Its bytes are no entry: it is not passed on as if it were.
    pub fn new(stored: &LogEntry, signed: &Signed) -> Result<Self, EntryError> {
        let entry = Entry::parse(&stored.bytes)?;
        // Every entry is JSON; a parser that disagreed would be the fault of one of the two.
        let whole =
            serde_json::from_slice(&stored.bytes).map_err(|_| EntryError::Member("body"))?;
        Ok(Self {
            index: stored.index,
            run: stored.run,
            leaf_hash: entry.leaf_hash().to_string(),
            entry,
            whole,
            signed: signed.clone(),
        })
    }

    /// Index in the log.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// The line in a format.
    #[must_use]
    pub fn write(&self, format: Format) -> Value {
        match format {
            Format::Ocsf => ocsf::event(self),
            Format::CloudEvents => cloudevents::event(self),
        }
    }

    fn body(&self, member: &str) -> Option<&Value> {
        self.whole.get("body")?.get(member)
    }

    fn text(&self, member: &str) -> Option<&str> {
        self.body(member)?.as_str()
    }

    /// Milliseconds since 1970; 0 where the writer's clock said something out of range.
    fn millis(&self) -> u64 {
        crate::codec::time::parse(self.entry.time()).map_or(0, |at| at.as_micros() / 1000)
    }
}
