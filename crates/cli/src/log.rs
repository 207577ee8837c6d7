//! What a command appended is published before the process ends, however the command ended: the engine that it opened
//! is kept here until then. Where nothing was appended, nothing is opened and nothing is signed.

use std::sync::{Arc, Mutex, PoisonError};

use interlock_runtime::Engine;
use interlock_runtime::anchor;
use interlock_runtime::log::{LogPlace, PublishFault, Publisher, Publishing, publication_lag};

use crate::door::Installation;
use crate::exit::Failure;
use crate::print;

/// The engine that a command opened for writing, with its log. Shared by all that one command opens.
#[derive(Clone, Default)]
pub(crate) struct LogSlot(Arc<Mutex<Option<Opened>>>);

struct Opened {
    engine: Arc<Engine>,
    place: LogPlace,
    publishing: Option<Publishing>,
}

impl std::fmt::Debug for LogSlot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LogSlot")
    }
}

impl LogSlot {
    /// Lets go of an engine that was opened before: the store has one owner.
    pub(crate) fn clear(&self) {
        drop(self.take());
    }

    /// Keeps an engine until the command has ended.
    pub(crate) fn keep(&self, engine: &Arc<Engine>, place: LogPlace) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Opened {
            engine: Arc::clone(engine),
            place,
            publishing: None,
        });
    }

    fn take(&self) -> Option<Opened> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Publishes what was appended. That it could not be is said and changes nothing else: it is durable, and the next
    /// command publishes it.
    pub(crate) async fn end(&self) {
        let Some(opened) = self.take() else {
            return;
        };
        if let Err(fault) = opened.end().await {
            let text = fault.to_string();
            let (message, hint) = text.split_once("\nhint: ").unwrap_or((&text, ""));
            print::aside(&format!("the log is not published: failed to {message}"));
            if !hint.is_empty() {
                print::aside(&format!("hint: {hint}"));
            }
        }
    }
}

impl Opened {
    async fn end(self) -> Result<(), PublishFault> {
        if let Some(publishing) = self.publishing {
            return publishing.end().await;
        }
        let now = self.engine.clock().now();
        let lag = publication_lag(self.engine.store(), self.engine.tenant(), now).await?;
        if lag.waiting() == 0 {
            return Ok(());
        }
        let publisher = Publisher::open(self.engine, self.place).await?;
        publisher.publish_now().await.map(|_| ())
    }
}

impl Installation {
    /// Where this installation's log has its key and guard.
    pub(crate) fn log_place(&self) -> LogPlace {
        LogPlace {
            data_dir: self.dir.clone(),
            config: self.config.log.clone(),
        }
    }

    /// The publisher of an engine's log.
    pub(crate) async fn publisher(
        &self,
        engine: &Arc<Engine>,
    ) -> Result<Arc<Publisher>, PublishFault> {
        Publisher::open(Arc::clone(engine), self.log_place()).await
    }

    /// Before anything is driven by a command that goes no anchors' rounds: where a required anchor does not hold, the
    /// world is halted and policy refuses each act.
    pub(crate) async fn hold_to_anchors(&self, engine: &Engine) -> Result<(), Failure> {
        Ok(anchor::hold(engine, &self.config.anchors).await?)
    }

    /// Publishes beside an engine until the command has ended. A log that may not be signed lets nothing be started.
    pub(crate) async fn publish_beside(&self, engine: &Arc<Engine>) -> Result<(), PublishFault> {
        let publishing = self.publisher(engine).await?.spawn();
        let mut slot = self.log.0.lock().unwrap_or_else(PoisonError::into_inner);
        *slot = Some(Opened {
            engine: Arc::clone(engine),
            place: self.log_place(),
            publishing: Some(publishing),
        });
        Ok(())
    }
}

impl From<PublishFault> for Failure {
    fn from(fault: PublishFault) -> Self {
        Self::failed(format!("failed to {fault}"))
    }
}
