//! What tools and sources share on the machine's side: settings, folders, secrets and the one way out, and the
//! filling of a connector's marked places. A value of a run is escaped for where it goes, or refused.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use interlock_bundle::{HeaderValue, HttpConnector, Pattern, PatternPart};
use interlock_core::pipeline::model::CallFault;
use reqwest::Method;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::clock::{Clock, Entropy, SystemClock, SystemEntropy};
use crate::config::Config;
use crate::egress::{Allow, Egress, OutHeader};
use crate::secret::SecretStore;

pub(crate) mod command;
#[cfg(test)]
pub(crate) mod tests;

/// The machine's side of connectors.
pub struct Site {
    /// What `${setting.NAME}` stands for.
    pub settings: BTreeMap<String, String>,
    /// Folders that file sources may read, by name.
    pub roots: BTreeMap<String, PathBuf>,
    /// Where ledgers and commands' working directories lie.
    pub data_dir: PathBuf,
    /// The way out and the secrets; `None` where nothing outside the data directory may be called.
    pub outside: Option<Outside>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Gives randomness.
    pub entropy: Arc<dyn Entropy>,
}

/// What it takes to call anything outside.
pub struct Outside {
    /// The way out.
    pub egress: Arc<Egress>,
    /// The secrets.
    pub secrets: Arc<SecretStore>,
}

impl Site {
    /// The machine that a configuration describes.
    #[must_use]
    pub fn new(
        config: &Config,
        data_dir: &Path,
        outside: Outside,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self {
            settings: config.settings.clone(),
            roots: config.roots.clone(),
            data_dir: data_dir.to_owned(),
            outside: Some(outside),
            clock,
            entropy,
        }
    }

    /// A scratch directory and nothing else: HTTP and commands are faults there.
    #[must_use]
    pub fn offline(scratch: &Path) -> Self {
        Self {
            settings: BTreeMap::new(),
            roots: BTreeMap::new(),
            data_dir: scratch.to_owned(),
            outside: None,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        }
    }
}

/// What fills marked places: the query or arguments, and the act's key where there is one.
#[derive(Clone, Copy)]
pub(crate) struct Filling<'a> {
    pub(crate) values: &'a Value,
    pub(crate) key: Option<&'a str>,
}

/// Where a pattern is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Within {
    /// A URL: values are percent-encoded and are no dot segments.
    Url,
    /// A file path: values are plain file names.
    Path,
    /// One argument of a command: values begin no option.
    Argument,
}

/// A pattern with its places filled.
pub(crate) fn fill(
    pattern: &Pattern,
    within: Within,
    filling: Filling<'_>,
    site: &Site,
) -> Result<String, CallFault> {
    let mut text = String::new();
    for part in pattern.parts() {
        match part {
            PatternPart::Text(plain) => text.push_str(plain),
            PatternPart::Setting(name) => {
                text.push_str(site.settings.get(name).ok_or(CallFault::Configuration)?);
            }
            // Folders are the file source's own; elsewhere a bundle cannot have been loaded with one.
            PatternPart::Root(_) => return Err(CallFault::Configuration),
            PatternPart::Key => text.push_str(filling.key.ok_or(CallFault::Configuration)?),
            PatternPart::Field(name) => {
                let value = plain_text(filling.values, name).ok_or(CallFault::Rejected)?;
                let first = text.is_empty();
                text.push_str(&escape(&value, within, first).ok_or(CallFault::Rejected)?);
            }
        }
    }
    Ok(text)
}

/// A pattern that only settings fill.
pub(crate) fn settle(pattern: &Pattern, site: &Site) -> Result<String, CallFault> {
    fill(
        pattern,
        Within::Argument,
        Filling {
            values: &Value::Null,
            key: None,
        },
        site,
    )
}

/// A top-level member that is a text, a whole number or a truth value.
fn plain_text(values: &Value, name: &str) -> Option<String> {
    match values.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        Value::Number(_) | Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn escape(value: &str, within: Within, first: bool) -> Option<String> {
    if value.is_empty() || value.contains('\0') {
        return None;
    }
    match within {
        // Parsers take a segment of dots as a way up, encoded or not.
        Within::Url => (!value.bytes().all(|b| b == b'.')).then(|| percent_encode(value)),
        Within::Path => is_file_name(value).then(|| value.to_owned()),
        Within::Argument => (!(first && value.starts_with('-'))).then(|| value.to_owned()),
    }
}

/// A plain file name: one part of a path, not hidden, no way up.
pub(crate) fn is_file_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 200
        && !text.starts_with('.')
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
}

/// Everything but the unreserved characters of RFC 3986.
fn percent_encode(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for b in value.bytes() {
        if b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
            text.push(char::from(b));
        } else {
            text.push_str(&format!("%{b:02X}"));
        }
    }
    text
}

/// An HTTP request with its places filled and its secrets fetched.
pub(crate) struct Prepared {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) headers: Vec<OutHeader>,
    pub(crate) allow: Allow,
    pub(crate) timeout: Duration,
}

/// Prepares a request; its secrets live as long as the result.
pub(crate) async fn prepare(
    connector: &HttpConnector,
    filling: Filling<'_>,
    timeout_millis: u32,
    site: &Site,
    outside: &Outside,
) -> Result<Prepared, CallFault> {
    let unusable = CallFault::Configuration;
    let method = Method::from_bytes(connector.method.as_str().as_bytes()).map_err(|_| unusable)?;
    let url = fill(&connector.url, Within::Url, filling, site)?;
    let hosts = connector.hosts.iter().map(|host| settle(host, site));
    let hosts = hosts.collect::<Result<Vec<_>, _>>()?;
    let allow = Allow::new(hosts, connector.allow_private).map_err(|_| unusable)?;
    let mut headers = Vec::with_capacity(connector.headers.len() + 3);
    headers.push(OutHeader::plain("accept", "application/json").ok_or(unusable)?);
    for (name, value) in &connector.headers {
        let header = match value {
            HeaderValue::Text(text) => OutHeader::plain(name, text),
            HeaderValue::Secret {
                prefix,
                name: secret,
            } => {
                let secret = outside.secrets.get(secret).await.map_err(|fault| {
                    tracing::warn!(%fault, "a connector's secret cannot be had");
                    unusable
                })?;
                let text = Zeroizing::new(format!("{prefix}{}", secret.expose()));
                OutHeader::credential(name, &text)
            }
        };
        headers.push(header.ok_or(unusable)?);
    }
    let timeout = Duration::from_millis(u64::from(timeout_millis));
    Ok(Prepared {
        method,
        url,
        headers,
        allow,
        timeout,
    })
}
