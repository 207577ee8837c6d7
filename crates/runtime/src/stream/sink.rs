//! Where lines go: a file that is synced before the stream moves on, an HTTP collector through the one way out, or a
//! syslog relay on this machine. A sink that fails is tried again from the same place; nothing is dropped.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use interlock_core::id::SecretName;
use reqwest::Method;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::egress::{Allow, Egress, OutHeader, Outbound};
use crate::secret::SecretStore;

/// How long one delivery may take.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(20);
/// Bytes of one line at most: an entry has 8 KiB, and what stands around it less.
const LINE_BYTES_MAX: u64 = 64 * 1024;
/// Bytes of a collector's answer that are read; none of them is used.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Why lines were not taken. Without content and without address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SinkFault {
    /// The file cannot be written.
    #[error("write the stream's file: {0}")]
    File(String),
    /// The collector did not take them.
    #[error("deliver to the collector: {0}")]
    Http(String),
    /// The relay cannot be reached or broke off.
    #[error("deliver to the syslog relay: {0}")]
    Syslog(String),
    /// The address is no address of this machine.
    #[error(
        "use the syslog relay: plain syslog goes to this machine alone\nhint: a relay on loopback adds TLS"
    )]
    NotLoopback,
}

/// Takes lines, whole, in order. When `deliver` returns `Ok` they are the receiver's; after an error some may have
/// arrived and will come again.
#[async_trait]
pub trait Sink: Send + Sync {
    /// Delivers lines of JSON, each without its line break.
    ///
    /// # Errors
    /// See [`SinkFault`].
    async fn deliver(&self, lines: &[String]) -> Result<(), SinkFault>;
}

/// Appends to a file, one line each; made readable by its owner alone. It is opened anew for each delivery, so that it
/// may be moved away.
pub struct FileSink(pub PathBuf);

#[async_trait]
impl Sink for FileSink {
    async fn deliver(&self, lines: &[String]) -> Result<(), SinkFault> {
        let (path, mut text) = (self.0.clone(), lines.join("\n"));
        text.push('\n');
        let written = tokio::task::spawn_blocking(move || {
            if let Some(dir) = path.parent() {
                DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
            }
            let mut file = OpenOptions::new()
                .read(true)
                .append(true)
                .create(true)
                .mode(0o600)
                .open(path)?;
            drop_half_line(&mut file)?;
            file.write_all(text.as_bytes())?;
            file.sync_data()
        });
        match written.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(fault)) => Err(SinkFault::File(fault.kind().to_string())),
            Err(_) => Err(SinkFault::File("the writer ended early".to_owned())),
        }
    }
}

/// A death or a full disk may have left part of a line at the end; its entry comes again, whole.
fn drop_half_line(file: &mut File) -> io::Result<()> {
    let length = file.metadata()?.len();
    let from = length.saturating_sub(LINE_BYTES_MAX);
    file.seek(SeekFrom::Start(from))?;
    let mut end = Vec::new();
    (&mut *file).take(LINE_BYTES_MAX).read_to_end(&mut end)?;
    if end.last().is_none_or(|byte| *byte == b'\n') {
        return Ok(());
    }
    let whole = end.iter().rposition(|byte| *byte == b'\n');
    let keep = match whole {
        Some(at) => from + at as u64 + 1,
        None if from == 0 => 0,
        None => return Err(io::Error::from(io::ErrorKind::InvalidData)),
    };
    file.set_len(keep)
}

/// Posts lines to a collector as one body, a line each.
pub struct HttpSink {
    /// The one way out.
    pub egress: Arc<Egress>,
    /// Where to.
    pub url: String,
    /// Where it may go.
    pub allow: Allow,
    /// Sent as a bearer token.
    pub token: Option<(Arc<SecretStore>, SecretName)>,
}

#[async_trait]
impl Sink for HttpSink {
    async fn deliver(&self, lines: &[String]) -> Result<(), SinkFault> {
        let mut body = lines.join("\n").into_bytes();
        body.push(b'\n');
        let mut headers = Vec::new();
        if let Some((secrets, name)) = &self.token {
            let secret = secrets
                .get(name)
                .await
                .map_err(|_| SinkFault::Http("its secret cannot be read".to_owned()))?;
            let bearer = zeroize::Zeroizing::new(format!("Bearer {}", secret.expose()));
            headers.extend(OutHeader::credential("authorization", &bearer));
        }
        let answer = self
            .egress
            .send(Outbound {
                method: Method::POST,
                url: &self.url,
                headers,
                body: Some(("application/x-ndjson", body)),
                allow: &self.allow,
                timeout: DELIVERY_TIMEOUT,
                body_bytes_max: ANSWER_BYTES_MAX,
            })
            .await
            .map_err(|fault| SinkFault::Http(fault.why.to_owned()))?;
        if (200..300).contains(&answer.status) {
            Ok(())
        } else {
            Err(SinkFault::Http(format!("it answered {}", answer.status)))
        }
    }
}

/// Sends RFC 5424 messages over TCP with octet counting (RFC 6587), facility 13 (log audit), severity 6. Syslog has no
/// receipt: what a relay took from the connection and lost is lost, and shows as a gap.
pub struct SyslogSink {
    relay: SocketAddr,
}

impl SyslogSink {
    /// A relay on this machine.
    ///
    /// # Errors
    /// The address is not loopback: plain syslog is neither encrypted nor authenticated.
    pub const fn new(relay: SocketAddr) -> Result<Self, SinkFault> {
        if relay.ip().is_loopback() {
            Ok(Self { relay })
        } else {
            Err(SinkFault::NotLoopback)
        }
    }
}

#[async_trait]
impl Sink for SyslogSink {
    async fn deliver(&self, lines: &[String]) -> Result<(), SinkFault> {
        let mut bytes = Vec::new();
        for line in lines {
            // The time is in the line; a second one from this machine's clock would only compete with it.
            let message = format!("<110>1 - - interlock - entry - {line}");
            bytes.extend_from_slice(message.len().to_string().as_bytes());
            bytes.push(b' ');
            bytes.extend_from_slice(message.as_bytes());
        }
        let send = async {
            let mut stream = TcpStream::connect(self.relay).await?;
            stream.write_all(&bytes).await?;
            stream.shutdown().await
        };
        match tokio::time::timeout(DELIVERY_TIMEOUT, send).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(fault)) => Err(SinkFault::Syslog(fault.kind().to_string())),
            Err(_) => Err(SinkFault::Syslog("over its time".to_owned())),
        }
    }
}
