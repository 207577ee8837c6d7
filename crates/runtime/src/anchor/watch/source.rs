//! Where an auditor reads a log's files: a folder, or an address that serves them. Addresses go through the one way
//! out, like every other call.

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use zeroize::Zeroizing;

use super::super::Reached;
use super::{FILE_BYTES_MAX, LogSource};
use crate::egress::{Egress, OutHeader, Outbound};
use crate::secret::Secret;

/// A log's files in a folder.
#[derive(Debug, Clone)]
pub struct FolderLog(
    /// The folder that holds `checkpoint` and `tile/`.
    pub PathBuf,
);

#[async_trait]
impl LogSource for FolderLog {
    async fn read(&self, path: &str) -> Result<Option<Vec<u8>>, String> {
        let place = self.0.join(path);
        let file = match std::fs::File::open(&place) {
            Ok(file) => file,
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound && self.0.is_dir() => {
                return Ok(None);
            }
            Err(fault) => return Err(format!("read `{}`: {fault}", place.display())),
        };
        let mut bytes = Vec::new();
        file.take(FILE_BYTES_MAX as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(|fault| format!("read `{}`: {fault}", place.display()))?;
        if bytes.len() > FILE_BYTES_MAX {
            return Err(format!("read `{}`: it is over its bound", place.display()));
        }
        Ok(Some(bytes))
    }
}

/// A log's files at an address. Loopback and private addresses are meant where the address says so.
pub struct UrlLog {
    egress: Arc<Egress>,
    base: String,
    api_key: Option<Secret>,
}

impl UrlLog {
    /// The log under this address; the API key goes to its host alone.
    #[must_use]
    pub fn new(egress: Arc<Egress>, base: &str, api_key: Option<Secret>) -> Self {
        Self {
            egress,
            base: base.trim_end_matches('/').to_owned(),
            api_key,
        }
    }
}

#[async_trait]
impl LogSource for UrlLog {
    async fn read(&self, path: &str) -> Result<Option<Vec<u8>>, String> {
        let reached = Reached::new(&self.egress, &self.base, true)
            .ok_or_else(|| "the log's address cannot be used".to_owned())?;
        let mut headers = Vec::new();
        if let Some(key) = &self.api_key {
            let text = Zeroizing::new(format!("Bearer {}", key.expose()));
            let header = OutHeader::credential("authorization", &text);
            headers.push(header.ok_or_else(|| "the API key is no header".to_owned())?);
        }
        let call = Outbound {
            method: reqwest::Method::GET,
            url: &format!("{}/{path}", self.base),
            headers,
            body: None,
            allow: &reached.allow,
            timeout: Duration::from_secs(30),
            body_bytes_max: FILE_BYTES_MAX,
        };
        let answer = self.egress.send(call).await;
        let answer = answer.map_err(|failure| format!("ask for `{path}`: {}", failure.why))?;
        match answer.status {
            200 => Ok(Some(answer.body)),
            404 | 410 => Ok(None),
            401 | 403 => Err(format!(
                "ask for `{path}`: the server asks for an API key that may read the log"
            )),
            status => Err(format!(
                "ask for `{path}`: the server answers with status {status}"
            )),
        }
    }
}
