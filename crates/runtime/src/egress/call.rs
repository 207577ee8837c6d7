//! What is sent and what comes back, as values. Neither shows a credential or content in its `Debug`.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::Allow;

/// One header of a call.
#[derive(Debug, Clone)]
pub struct OutHeader {
    pub(super) name: HeaderName,
    pub(super) value: HeaderValue,
    pub(super) credential: bool,
}

impl OutHeader {
    /// A header that any hop may see. `None`: not a header.
    #[must_use]
    pub fn plain(name: &str, value: &str) -> Option<Self> {
        Self::parse(name, value, false)
    }

    /// A header that holds a secret: left out of every hop to another origin, and of any `Debug`.
    #[must_use]
    pub fn credential(name: &str, value: &str) -> Option<Self> {
        Self::parse(name, value, true)
    }

    fn parse(name: &str, value: &str, credential: bool) -> Option<Self> {
        let mut value = HeaderValue::from_str(value).ok()?;
        value.set_sensitive(credential);
        Some(Self {
            name: HeaderName::from_bytes(name.as_bytes()).ok()?,
            value,
            credential,
        })
    }
}

/// One call to be made.
#[derive(Debug)]
pub struct Outbound<'a> {
    /// Its method.
    pub method: Method,
    /// Its address.
    pub url: &'a str,
    /// Its headers.
    pub headers: Vec<OutHeader>,
    /// Its body: its content type, and its bytes.
    pub body: Option<(&'static str, Vec<u8>)>,
    /// Where it may go.
    pub allow: &'a Allow,
    /// How long all hops and the reading may take together.
    pub timeout: Duration,
    /// Bytes that the answer's body may have.
    pub body_bytes_max: usize,
}

/// What came back, of any status. Its `Debug` shows no content.
pub struct Answer {
    /// HTTP status, 200 to 599.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, whole.
    pub body: Vec<u8>,
}

impl Answer {
    /// A header's text, if it is there and is ASCII.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether the content type is JSON.
    #[must_use]
    pub fn is_json(&self) -> bool {
        let Some(kind) = self.header("content-type") else {
            return false;
        };
        let kind = kind
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Answer({}, {} bytes)", self.status, self.body.len())
    }
}
