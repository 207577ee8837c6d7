//! Streams as configured, and the task that follows the log into all of them beside a server. A stream that fails is
//! tried again later and stops neither the others nor any run; how far it is behind is told.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use interlock_core::id::TenantName;
use reqwest::Url;

use super::{FileSink, Follower, HttpSink, Sink, SinkFault, SyslogSink};
use crate::config::{StreamConfig, StreamTo};
use crate::egress::{Allow, Egress};
use crate::engine::Engine;
use crate::secret::SecretStore;

/// Between two looks at the log.
const INTERVAL: Duration = Duration::from_secs(1);
/// After a failure, longer each time up to this.
const BACKOFF_MAX: Duration = Duration::from_secs(60);

/// What a stream reaches the outside with.
pub struct Outside<'a> {
    /// The one way out.
    pub egress: &'a Arc<Egress>,
    /// Where its credentials are.
    pub secrets: &'a Arc<SecretStore>,
    /// A relative file is taken from here.
    pub data_dir: &'a Path,
}

/// A follower for a stream of the configuration.
///
/// # Errors
/// Its receiver cannot be used.
pub fn open(
    config: &StreamConfig,
    tenant: &TenantName,
    outside: &Outside<'_>,
) -> Result<Follower, SinkFault> {
    let sink: Arc<dyn Sink> = match &config.to {
        StreamTo::File(path) => Arc::new(FileSink(outside.data_dir.join(path))),
        StreamTo::Syslog(relay) => Arc::new(SyslogSink::new(*relay)?),
        StreamTo::Http {
            url,
            allow_private,
            secret,
        } => {
            let host = Url::parse(url)
                .ok()
                .and_then(|url| url.host_str().map(str::to_owned));
            let allow = host.and_then(|host| Allow::new([host], *allow_private).ok());
            Arc::new(HttpSink {
                egress: Arc::clone(outside.egress),
                url: url.clone(),
                allow: allow
                    .ok_or_else(|| SinkFault::Http("its address names no host".to_owned()))?,
                token: secret
                    .as_ref()
                    .map(|name| (Arc::clone(outside.secrets), name.clone())),
            })
        }
    };
    Ok(Follower {
        name: config.name.clone(),
        tenant: tenant.clone(),
        format: config.format,
        sink,
    })
}

/// Follows the log until the task is dropped.
pub async fn follow(follower: Follower, engine: Arc<Engine>) {
    let mut wait = INTERVAL;
    loop {
        match follower.once(engine.shared_store()).await {
            Ok(_) => wait = INTERVAL,
            Err(fault) => {
                wait = (wait * 2).min(BACKOFF_MAX);
                tracing::warn!(stream = follower.name, %fault, "a stream of the log does not go on");
            }
        }
        tokio::time::sleep(wait).await;
    }
}
