//! The door to tools: an [`ExecutableCall`] goes in by value and is used up, whatever happens. Each failure says
//! whether the tool may have acted; where nobody can tell, it says so. Results are data, not yet held against a schema.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use interlock_bundle::{Bundle, ToolConnector};
use interlock_core::id::ToolName;
use interlock_core::limits;
use interlock_core::pipeline::model::CallFault;
use interlock_core::pipeline::tool::{EffectKnown, ExecutableCall};
use serde_json::Value;

use crate::connector::{Filling, Site, command};

mod http;
mod ledger;
mod marks;
#[cfg(test)]
mod tests;

pub use marks::ActMarks;

/// Why a tool gave no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("call the tool: {}", .fault.as_str())]
pub struct ToolFailure {
    /// The kind of fault.
    pub fault: CallFault,
    /// Whether it may have acted.
    pub known: EffectKnown,
}

impl ToolFailure {
    const fn not_performed(fault: CallFault) -> Self {
        Self {
            fault,
            known: EffectKnown::NotPerformed,
        }
    }

    const fn unknown(fault: CallFault) -> Self {
        Self {
            fault,
            known: EffectKnown::Unknown,
        }
    }
}

/// Calls tools.
///
/// May be called from many tasks at once. One call is at most one request to the target, which carries the act's
/// idempotency key where the tool takes one; the caller retries, by the act's recovery class. Dropping the future
/// abandons the call, whose effect is then not known. An unknown tool is `Configuration`. The marks come with the call
/// of a tool that is a ledger: it keeps nothing else of what was done.
#[async_trait]
pub trait ToolExecutor: Send + Sync {
    /// Performs one call.
    ///
    /// # Errors
    /// See [`ToolFailure`].
    async fn execute(
        &self,
        call: ExecutableCall,
        marks: Option<ActMarks>,
    ) -> Result<Value, ToolFailure>;
}

/// What a connector needs of a call.
struct Performing<'a> {
    arguments: &'a Value,
    key: &'a str,
    grant: &'a str,
    run: &'a str,
    act: &'a str,
    marks: Option<&'a ActMarks>,
    timeout_millis: u32,
}

impl Performing<'_> {
    const fn filling(&self) -> Filling<'_> {
        Filling {
            values: self.arguments,
            key: Some(self.key),
        }
    }
}

/// A bundle's tools, really called.
pub struct Tools {
    connectors: BTreeMap<ToolName, ToolConnector>,
    site: Arc<Site>,
}

impl Tools {
    /// The tools of a bundle on this machine.
    #[must_use]
    pub fn new(bundle: &Bundle, site: Arc<Site>) -> Self {
        Self {
            connectors: bundle.tool_connectors().clone(),
            site,
        }
    }

    /// The tools of a bundle in a scratch directory: ledgers are written there; HTTP and commands are faults.
    #[must_use]
    pub fn offline(bundle: &Bundle, scratch: &Path) -> Self {
        Self::new(bundle, Arc::new(Site::offline(scratch)))
    }
}

#[async_trait]
impl ToolExecutor for Tools {
    async fn execute(
        &self,
        call: ExecutableCall,
        marks: Option<ActMarks>,
    ) -> Result<Value, ToolFailure> {
        let connector = self
            .connectors
            .get(call.tool())
            .ok_or(ToolFailure::not_performed(CallFault::Configuration))?;
        let performing = Performing {
            arguments: call.arguments(),
            key: &call.idempotency_key(),
            grant: &call.grant().id.to_string(),
            run: &call.run().to_string(),
            act: &call.grant().act.to_string(),
            marks: marks.as_ref(),
            timeout_millis: call.timeout_millis().min(limits::TOOL_MILLIS_MAX),
        };
        perform(connector, &performing, &self.site).await
    }
}

async fn perform(
    connector: &ToolConnector,
    performing: &Performing<'_>,
    site: &Arc<Site>,
) -> Result<Value, ToolFailure> {
    match connector {
        ToolConnector::Http(connector) => http::perform(connector, performing, site).await,
        ToolConnector::Ledger(connector) => ledger::perform(connector, performing, site).await,
        ToolConnector::Command(connector) => {
            let printed = command::run(
                connector,
                performing.filling(),
                performing.timeout_millis,
                limits::TOOL_RESULT_BYTES_MAX,
                site,
            )
            .await
            .map_err(|(fault, known)| ToolFailure { fault, known })?;
            crate::source::parse(connector.output, &printed)
                .ok_or(ToolFailure::unknown(CallFault::Malformed))
        }
    }
}
