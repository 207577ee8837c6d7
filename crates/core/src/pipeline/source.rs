//! Query + permit → Reading. The right to read one source with one query, once.

use serde_json::Value;

use crate::id::{CallId, RunId, SourceName};

/// The right to read this source with this query. Made by [`crate::run`] after a permit.
#[derive(Debug)]
pub struct Reading {
    pub(crate) run: RunId,
    pub(crate) call: CallId,
    pub(crate) source: SourceName,
    pub(crate) query: Value,
    pub(crate) timeout_millis: u32,
}

impl Reading {
    /// The run.
    #[must_use]
    pub const fn run(&self) -> RunId {
        self.run
    }

    /// The call that the journal knows it by.
    #[must_use]
    pub const fn call(&self) -> CallId {
        self.call
    }

    /// The source.
    #[must_use]
    pub const fn source(&self) -> &SourceName {
        &self.source
    }

    /// The query, checked against the source's schema.
    #[must_use]
    pub const fn query(&self) -> &Value {
        &self.query
    }

    /// Milliseconds that the read may take.
    #[must_use]
    pub const fn timeout_millis(&self) -> u32 {
        self.timeout_millis
    }
}
