//! What the engine knows of the publisher: whether it was refused a signature. While it is, no run is started; what is
//! under way goes on, and everything can be read.

use std::sync::{Mutex, PoisonError};

use super::Refusal;
use crate::engine::{Engine, Fault};

/// Open until the publisher closes it. Only a new process opens it again, by looking anew.
#[derive(Default)]
pub(crate) struct Gate(Mutex<Option<Refusal>>);

impl Gate {
    pub(super) fn close(&self, refusal: &Refusal) {
        let mut closed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The first finding is the one to act on: later ones may be its consequence.
        if closed.is_none() {
            tracing::error!(%refusal, hint = refusal.hint(), "the log is not signed any more, and no run is started");
            *closed = Some(refusal.clone());
        }
    }

    fn refusal(&self) -> Option<Refusal> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Engine {
    /// Why the log is not signed any more and no run is started; `None`: all is well, or nobody publishes it here.
    #[must_use]
    pub fn log_refusal(&self) -> Option<Refusal> {
        self.log_gate.refusal()
    }

    /// Goes on only while nothing forbids another signature.
    pub(crate) fn log_is_open(&self) -> Result<(), Fault> {
        self.log_refusal()
            .map_or(Ok(()), |refusal| Err(Fault::LogRefused(refusal)))
    }
}
