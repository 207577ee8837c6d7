//! `[[stream]]`: where the log goes as it is published. One of `file`, `http` or `syslog` names the receiver.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;

use interlock_core::id::SecretName;
use serde::Deserialize;
use toml::Spanned;

use super::ConfigFault;
use super::raw::Reader;
use crate::stream::{Format, SyslogSink};

/// Streams at most.
const STREAMS_MAX: usize = 16;
/// Bytes of a stream's name.
const NAME_BYTES_MAX: usize = 64;

/// Where a stream goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamTo {
    /// Appended to a file.
    File(PathBuf),
    /// Posted to a collector.
    Http {
        /// Where.
        url: String,
        /// Whether loopback and private addresses are meant.
        allow_private: bool,
        /// Sent as a bearer token.
        secret: Option<SecretName>,
    },
    /// Sent to a relay on this machine.
    Syslog(SocketAddr),
}

/// A stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamConfig {
    /// Its name: its place in the log is kept under it.
    pub name: String,
    /// How its lines are written.
    pub format: Format,
    /// Where it goes.
    pub to: StreamTo,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawStream {
    name: Spanned<String>,
    format: Spanned<String>,
    file: Option<String>,
    http: Option<Spanned<String>>,
    #[serde(default)]
    allow_private: bool,
    secret: Option<Spanned<String>>,
    syslog: Option<Spanned<String>>,
}

/// Checks all streams.
pub(super) fn check(
    raw: Vec<RawStream>,
    reader: &Reader<'_>,
) -> Result<Vec<StreamConfig>, ConfigFault> {
    let mut names = BTreeSet::new();
    let mut streams = Vec::with_capacity(raw.len());
    for stream in raw {
        let at = stream.name.span().start;
        let stream = stream.check(reader)?;
        if !names.insert(stream.name.clone()) || names.len() > STREAMS_MAX {
            return Err(reader.fault(
                at,
                format!(
                    "stream `{}` is there twice, or there are too many",
                    stream.name
                ),
                format!("at most {STREAMS_MAX}, each with a name of its own"),
            ));
        }
        streams.push(stream);
    }
    Ok(streams)
}

impl RawStream {
    fn check(self, reader: &Reader<'_>) -> Result<StreamConfig, ConfigFault> {
        let at = self.name.span().start;
        let name = self.name.into_inner();
        let plain = name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if name.is_empty() || name.len() > NAME_BYTES_MAX || !plain {
            return Err(reader.fault(
                at,
                "a stream's name is of another form",
                format!("lower-case letters, digits and `-`, at most {NAME_BYTES_MAX}"),
            ));
        }
        let format = Format::parse(self.format.get_ref()).ok_or_else(|| {
            reader.fault(
                self.format.span().start,
                format!("unknown format `{}`", self.format.get_ref()),
                "`ocsf` or `cloudevents`",
            )
        })?;
        let secret = match self.secret {
            None => None,
            Some(secret) => {
                let name = secret.get_ref().strip_prefix("secret://");
                let parsed = name.and_then(|name| SecretName::parse(name).ok());
                Some(parsed.ok_or_else(|| {
                    reader.fault(
                        secret.span().start,
                        "a secret is referred to, never written here",
                        "`secret://NAME`, kept by `interlock key set NAME`",
                    )
                })?)
            }
        };
        let to = match (self.file, self.http, self.syslog) {
            (Some(file), None, None) => StreamTo::File(file.into()),
            (None, Some(url), None) => {
                let text = url.get_ref();
                let good = reqwest::Url::parse(text).is_ok_and(|url| {
                    url.scheme() == "https" || (self.allow_private && url.scheme() == "http")
                });
                if !good {
                    return Err(reader.fault(
                        url.span().start,
                        "the collector's address cannot be used",
                        "an https:// address; http:// with `allow_private = true` alone",
                    ));
                }
                StreamTo::Http {
                    url: url.into_inner(),
                    allow_private: self.allow_private,
                    secret,
                }
            }
            (None, None, Some(relay)) => {
                let address = relay.get_ref().parse().ok();
                let address = address.filter(|address| SyslogSink::new(*address).is_ok());
                StreamTo::Syslog(address.ok_or_else(|| {
                    reader.fault(
                        relay.span().start,
                        "the syslog relay is no address of this machine",
                        "as `127.0.0.1:601`: a relay there adds TLS on the way out",
                    )
                })?)
            }
            _ => {
                return Err(reader.fault(
                    at,
                    format!("stream `{name}` has no receiver, or several"),
                    "one of `file`, `http` and `syslog`",
                ));
            }
        };
        Ok(StreamConfig { name, format, to })
    }
}
