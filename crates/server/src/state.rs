//! What all requests share: the engine, the bounds that are counted, and who is to be woken. Cheap to clone.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use interlock_core::id::PrincipalId;
use interlock_runtime::Engine;
use tokio::sync::{Mutex, Notify, Semaphore, watch};
use tokio::time::Instant;

use crate::limits;

/// See the module's text.
#[derive(Clone)]
pub(crate) struct Server(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) engine: Arc<Engine>,
    /// Places for requests under way.
    pub(crate) places: Arc<Semaphore>,
    /// Places for live streams.
    pub(crate) streams: Arc<Semaphore>,
    /// Places for long pieces of work.
    pub(crate) chores: Arc<Semaphore>,
    /// Places for exports, from their first entry to their last byte.
    pub(crate) exports: Arc<Semaphore>,
    /// Wakes the driver before its next look.
    pub(crate) wake: Notify,
    /// True once the server is told to stop.
    pub(crate) closing: watch::Sender<bool>,
    /// Requests answered so far: a part of their ids.
    pub(crate) count: AtomicU64,
    pub(crate) readiness: Mutex<Readiness>,
    /// One for each body that a route takes, made from the very schema that is documented. One that could not be made
    /// is missing, and its route then refuses everything.
    pub(crate) shapes: BTreeMap<&'static str, jsonschema::Validator>,
}

/// The last answer of `/readyz`.
#[derive(Default)]
pub(crate) struct Readiness {
    pub(crate) last: Option<(Instant, Vec<(&'static str, bool)>)>,
    /// An account whose sealed record proves that the key is there.
    pub(crate) witness: Option<PrincipalId>,
}

impl Server {
    pub(crate) fn new(engine: Arc<Engine>) -> Self {
        Self(Arc::new(Inner {
            engine,
            places: Arc::new(Semaphore::new(limits::REQUESTS_MAX)),
            streams: Arc::new(Semaphore::new(limits::STREAMS_MAX)),
            chores: Arc::new(Semaphore::new(limits::CHORES_MAX)),
            exports: Arc::new(Semaphore::new(limits::EXPORTS_MAX)),
            wake: Notify::new(),
            closing: watch::Sender::new(false),
            count: AtomicU64::new(0),
            readiness: Mutex::default(),
            shapes: crate::schema::validators(),
        }))
    }
}

/// Done once the server is told to stop.
pub(crate) async fn closed(closing: &mut watch::Receiver<bool>) {
    // A sender that is gone is a server that is gone.
    let _ = closing.wait_for(|closing| *closing).await;
}

impl Deref for Server {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}
