//! The door to sources: a [`Reading`] goes in, one JSON value comes out, not yet held against a schema. What was
//! read is checked by its content, not by its name or announced type. Reading changes nothing.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use interlock_bundle::{Bundle, ReadOutput, SourceConnector};
use interlock_core::id::SourceName;
use interlock_core::limits;
use interlock_core::pipeline::model::CallFault;
use interlock_core::pipeline::source::Reading;
use serde_json::{Value, json};

use crate::connector::{Filling, Site, command};

mod file;
mod http;
#[cfg(test)]
mod tests;

/// Why a source gave no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("read the source: {}", .fault.as_str())]
pub struct SourceFailure {
    /// The kind of fault. A record that is not there is `Rejected`.
    pub fault: CallFault,
}

/// Reads sources.
///
/// May be called from many tasks at once. The caller retries, by the step's declared fallbacks. An unknown source
/// is `Configuration`.
#[async_trait]
pub trait SourceReader: Send + Sync {
    /// Performs one read.
    ///
    /// # Errors
    /// See [`SourceFailure`].
    async fn read(&self, reading: Reading) -> Result<Value, SourceFailure>;
}

/// The bundle's own data files, by path.
type DataFiles = BTreeMap<String, Vec<u8>>;

/// A bundle's sources, really read.
pub struct Sources {
    connectors: BTreeMap<SourceName, SourceConnector>,
    files: DataFiles,
    site: Arc<Site>,
}

impl Sources {
    /// The sources of a bundle on this machine.
    #[must_use]
    pub fn new(bundle: &Bundle, site: Arc<Site>) -> Self {
        let files = bundle
            .files()
            .iter()
            .filter(|(path, _)| path.starts_with("data/"));
        Self {
            connectors: bundle.source_connectors().clone(),
            files: files
                .map(|(path, bytes)| (path.clone(), bytes.clone()))
                .collect(),
            site,
        }
    }

    /// The sources of a bundle that lie in the bundle: operator's folders, HTTP and commands are faults.
    #[must_use]
    pub fn offline(bundle: &Bundle, scratch: &Path) -> Self {
        Self::new(bundle, Arc::new(Site::offline(scratch)))
    }
}

#[async_trait]
impl SourceReader for Sources {
    async fn read(&self, reading: Reading) -> Result<Value, SourceFailure> {
        let connector = self.connectors.get(reading.source());
        let connector = connector.ok_or(SourceFailure {
            fault: CallFault::Configuration,
        })?;
        read(
            connector,
            reading.query(),
            reading.timeout_millis(),
            &self.files,
            &self.site,
        )
        .await
        .map_err(|fault| SourceFailure { fault })
    }
}

async fn read(
    connector: &SourceConnector,
    query: &Value,
    timeout_millis: u32,
    files: &DataFiles,
    site: &Arc<Site>,
) -> Result<Value, CallFault> {
    let filling = Filling {
        values: query,
        key: None,
    };
    match connector {
        SourceConnector::File(connector) => {
            file::read(connector, filling, timeout_millis, files, site).await
        }
        SourceConnector::Http(connector) => {
            http::read(connector, filling, timeout_millis, site).await
        }
        SourceConnector::Command(connector) => {
            let printed = command::run(
                connector,
                filling,
                timeout_millis,
                limits::SOURCE_BYTES_MAX,
                site,
            )
            .await;
            let printed = printed.map_err(|(fault, _known)| fault)?;
            parse(connector.output, &printed).ok_or(CallFault::Malformed)
        }
    }
}

/// Bytes as the connector says they are to be read; `None` where they are something else.
pub(crate) fn parse(output: ReadOutput, bytes: &[u8]) -> Option<Value> {
    match output {
        ReadOutput::Json => serde_json::from_slice(bytes).ok(),
        ReadOutput::Lines => {
            let text = std::str::from_utf8(bytes)
                .ok()
                .filter(|text| !text.contains('\0'))?;
            let lines = text.lines().zip(1_u64..);
            Some(json!({
                "lines": lines.map(|(text, number)| json!({"number": number, "text": text})).collect::<Vec<_>>(),
            }))
        }
    }
}
