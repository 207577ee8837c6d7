//! The publisher of one log: opens it (name, key, guard, and whether they and the store agree), publishes when asked,
//! and keeps publishing beside the engine. What it must refuse it tells the engine, which then starts no run.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use interlock_core::id::PrincipalId;
use interlock_journal::note::VerifierKey;
use interlock_store::{Published, StoreFault};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;

use super::press::Press;
use super::record::LogRecord;
use super::{PublicationLag, PublishFault, Rotated, opening, publication_lag, rotation};
use crate::config::LogConfig;
use crate::engine::Engine;

/// Where a log's key and guard lie.
#[derive(Debug, Clone)]
pub struct LogPlace {
    /// The data directory: the key is in its `keys/`.
    pub data_dir: PathBuf,
    /// The `[log]` section.
    pub config: LogConfig,
}

impl LogPlace {
    /// The guard's directory.
    #[must_use]
    pub fn guard_dir(&self) -> PathBuf {
        let dir = self.config.guard.as_deref().unwrap_or(Path::new("guard"));
        self.data_dir.join(dir)
    }
}

/// See the module's text. One process has it at a time: the guard is locked as long as it lives.
pub struct Publisher {
    engine: Arc<Engine>,
    place: LogPlace,
    origin: String,
    interval: Duration,
    work: Mutex<Work>,
}

/// What one publication at a time uses.
pub(super) struct Work {
    pub(super) press: Press,
    pub(super) record: LogRecord,
}

/// A publisher that runs beside the engine.
pub struct Publishing {
    publisher: Arc<Publisher>,
    closing: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Publisher {
    /// Opens the log of an engine's tenant. A log that never was opened gets its name, key and guard, and
    /// `log.opened` as an entry; one that was is held against all of them.
    ///
    /// # Errors
    /// See [`PublishFault`]. On a refusal the engine starts no run any more.
    pub async fn open(engine: Arc<Engine>, place: LogPlace) -> Result<Arc<Self>, PublishFault> {
        let opened = opening::open(&engine, &place).await;
        let work = told(&engine, opened)?;
        Ok(Arc::new(Self {
            interval: Duration::from_millis(u64::from(place.config.publish_millis)),
            origin: work.record.origin.clone(),
            work: Mutex::new(work),
            engine,
            place,
        }))
    }

    /// The log's name.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The key that signs now, as verifiers take it.
    pub async fn key(&self) -> Option<VerifierKey> {
        self.work.lock().await.record.key().cloned()
    }

    /// Publishes all that is sequenced. `None`: there was nothing new.
    ///
    /// # Errors
    /// See [`PublishFault`]. Nothing contradictory is ever signed; on a refusal the engine starts no run any more.
    pub async fn publish_now(&self) -> Result<Option<Published>, PublishFault> {
        let work = self.work.lock().await;
        // A finding stands until people have acted, whatever a second look would say.
        if let Some(refusal) = self.engine.log_refusal() {
            return Err(refusal.into());
        }
        let published = work.press.publish().await;
        told(&self.engine, published)
    }

    /// How far publication is behind.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn lag(&self) -> Result<PublicationLag, StoreFault> {
        let now = self.engine.clock().now();
        publication_lag(self.engine.store(), self.engine.tenant(), now).await
    }

    /// Hands the log over to a new signing key: the change is an entry, and the checkpoint that covers it is signed by
    /// both. A handover that was broken off is taken up again.
    ///
    /// # Errors
    /// See [`PublishFault`].
    pub async fn rotate_key(
        &self,
        reason: Option<&str>,
        by: Option<PrincipalId>,
    ) -> Result<Rotated, PublishFault> {
        let mut work = self.work.lock().await;
        let rotated = rotation::rotate(&self.engine, &self.place, &mut work, reason, by).await;
        told(&self.engine, rotated)
    }

    /// Publishes beside the engine, soon after each append, until told to end.
    #[must_use]
    pub fn spawn(self: &Arc<Self>) -> Publishing {
        let (closing, closed) = watch::channel(false);
        let publisher = Arc::clone(self);
        Publishing {
            publisher: Arc::clone(self),
            closing,
            task: tokio::spawn(async move { publisher.keep_publishing(closed).await }),
        }
    }

    async fn keep_publishing(&self, mut closed: watch::Receiver<bool>) {
        let mut progress = self.engine.watch();
        // Half for noticing what nobody told of, half for gathering: each publication costs syncs of its own.
        let half = self.interval / 2;
        loop {
            tokio::select! {
                // A handle that is gone can no longer end this task, so its going ends it.
                _ = closed.wait_for(|closed| *closed) => return,
                _ = progress.recv() => {}
                () = tokio::time::sleep(half) => {}
            }
            tokio::select! {
                _ = closed.wait_for(|closed| *closed) => return,
                () = tokio::time::sleep(half) => {}
            }
            // What was told of until now is durable, and this publication covers it.
            progress = progress.resubscribe();
            match self.publish_now().await {
                Ok(_) => {}
                // Said where it was found; it stands until people have acted.
                Err(PublishFault::Refused(_)) => return,
                Err(fault) => tracing::warn!(%fault, "could not publish the log"),
            }
        }
    }
}

impl Publishing {
    /// The publisher.
    #[must_use]
    pub const fn publisher(&self) -> &Arc<Publisher> {
        &self.publisher
    }

    /// Ends it, and publishes what is left.
    ///
    /// # Errors
    /// The last publication's; all that was appended is durable and is published at the next opening.
    pub async fn end(self) -> Result<(), PublishFault> {
        self.closing.send_replace(true);
        // A task that ended early has said why; what matters is the last publication.
        let _ = self.task.await;
        self.publisher.publish_now().await.map(|_| ())
    }
}

/// Closes the engine's gate on a refusal, and passes the answer on.
fn told<T>(engine: &Engine, answer: Result<T, PublishFault>) -> Result<T, PublishFault> {
    if let Err(PublishFault::Refused(refusal)) = &answer {
        engine.log_gate.close(refusal);
    }
    answer
}
