//! Query + permit → Reading. The right to read one source with one query, once.

use serde_json::Value;

use super::policy::{Action, Permit};
use crate::id::{CallId, RunId, SourceName};
use crate::registry::Source;

/// The right to read this source with this query. Made from a permit only, just before it is used.
pub struct Reading {
    permit: Permit,
    run: RunId,
    call: CallId,
    source: SourceName,
    query: Value,
    timeout_millis: u32,
}

impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Reading({} of {}, query not shown)",
            self.source, self.run
        )
    }
}

impl Reading {
    /// Takes a permit to read a source; `None` where it permits something else.
    pub(crate) fn new(
        permit: Permit,
        run: RunId,
        call: CallId,
        source: &Source,
        query: Value,
    ) -> Option<Self> {
        (permit.action() == Action::ReadSource).then(|| Self {
            permit,
            run,
            call,
            source: source.name.clone(),
            query,
            timeout_millis: source.timeout_millis,
        })
    }

    /// The permit that it was made from.
    #[must_use]
    pub const fn permit(&self) -> &Permit {
        &self.permit
    }

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
