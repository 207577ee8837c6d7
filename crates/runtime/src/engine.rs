//! The engine: what a run needs beside its own state, in one place. Server and command line talk to this; it talks
//! to store, sealer, models, sources and tools through their seams, and decides nothing itself.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use interlock_bundle::Bundle;
use interlock_core::digest::Digest;
use interlock_core::id::{EnvironmentName, RunId, TenantName};
use interlock_core::pipeline::policy::World;
use interlock_core::registry::{Endpoint, Registry};
use interlock_core::run::{Program, Refusal, State};
use interlock_store::{Store, StoreFault};

use crate::clock::{Clock, Entropy};
use crate::keys::{Keys, TurnFault};
use crate::live::Live;
use crate::model::ModelProvider;
use crate::seal::{SealFault, Sealer};
use crate::source::SourceReader;
use crate::tool::ToolExecutor;

/// How tools and sources of a bundle are reached: the real connectors, or a test's stand-ins.
pub trait Doors: Send + Sync {
    /// The executor of this bundle's tools.
    fn tools(&self, bundle: &Bundle) -> Arc<dyn ToolExecutor>;
    /// The reader of this bundle's sources.
    fn sources(&self, bundle: &Bundle) -> Arc<dyn SourceReader>;
}

/// What an engine is made of.
pub struct Parts {
    /// The tenant that it serves.
    pub tenant: TenantName,
    /// Journal, payloads, records.
    pub store: Arc<dyn Store>,
    /// Seals and opens payloads.
    pub sealer: Arc<dyn Sealer>,
    /// The data keys: they seal names and small records, and index names blindly.
    pub book: Arc<Keys>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Gives randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Asks models.
    pub models: Arc<dyn ModelProvider>,
    /// Reaches tools and sources.
    pub doors: Arc<dyn Doors>,
    /// The operator's endpoints, by name.
    pub endpoints: BTreeMap<interlock_core::id::EndpointName, Endpoint>,
    /// What aliases stand for.
    pub aliases: BTreeMap<interlock_core::id::ModelAlias, interlock_core::id::EndpointName>,
    /// The operator's own policies.
    pub policies: interlock_bundle::OperatorPolicies,
    /// How much of what is sealed is kept.
    pub keep: crate::keep::KeepRules,
}

/// A bundle with everything that its runs reach.
pub struct Loaded {
    bundle: Bundle,
    registry: Registry,
    tools: Arc<dyn ToolExecutor>,
    sources: Arc<dyn SourceReader>,
}

impl Loaded {
    /// The bundle.
    #[must_use]
    pub const fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    pub(crate) const fn registry(&self) -> &Registry {
        &self.registry
    }

    pub(crate) fn tools(&self) -> &dyn ToolExecutor {
        self.tools.as_ref()
    }

    pub(crate) fn sources(&self) -> &dyn SourceReader {
        self.sources.as_ref()
    }
}

/// One thing that a watcher is told: a run moved.
#[derive(Debug, Clone)]
pub struct Progress {
    /// Which run.
    pub run: RunId,
    /// Place of the entry in the run.
    pub seq: u64,
    /// The event, content-free as all events are.
    pub event: interlock_core::run::Event,
}

/// Why the engine could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The caller's: the run cannot take this now.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The caller's: there is no such thing for this tenant.
    #[error("find {0}: there is none")]
    NotFound(&'static str),
    /// The caller's: the same idempotency key was used with another request.
    #[error("start the run: its idempotency key was used for another request")]
    KeyReused,
    /// The same request was made before: this is its run.
    #[error("start the run: the same request started {run} before")]
    Duplicate {
        /// The run.
        run: RunId,
        /// Digest of the request that started it.
        digest: Digest,
    },
    /// The caller's: a workflow that the bundle does not have, or one not meant for this environment.
    #[error("start the run: {0}")]
    Unstartable(&'static str),
    /// The run moved under another driver meanwhile: look again.
    #[error("move the run: another driver moved it meanwhile")]
    Elsewhere,
    /// The store's.
    #[error("reach the store: {0}")]
    Store(#[from] StoreFault),
    /// The store's: a write whose outcome could not be learnt.
    #[error("write to the store: the outcome is unknown and could not be read back")]
    Unknown,
    /// The store's: the run's log does not verify; nothing is driven on it.
    #[error("trust the log of {run}: entry {seq}: {fault}")]
    Damaged {
        /// The run.
        run: RunId,
        /// The first bad entry.
        seq: u64,
        /// How it is bad.
        fault: String,
    },
    /// The key store's.
    #[error("seal or open a payload: {0}")]
    Seal(#[from] SealFault),
    /// The key store's: an epoch could not be turned.
    #[error(transparent)]
    Turn(#[from] TurnFault),
    /// The bundle that the run is pinned to cannot be had.
    #[error("load the bundle that the run is pinned to: {0}")]
    Pinned(String),
    /// The log's publisher was refused a signature: nothing new is started until people have looked.
    #[error("start anything: {0}\nhint: {hint}", hint = .0.hint())]
    LogRefused(crate::log::Refusal),
    /// The caller's: what it is about is gone for good, and nothing new is sealed for it.
    #[error("seal the content: {0}")]
    Erased(&'static str),
    /// The caller's: what they ask for takes an office that they do not hold.
    #[error(transparent)]
    Office(#[from] crate::administration::OfficeMissing),
    /// Randomness is not to be had.
    #[error("draw randomness: the system gives none")]
    Entropy,
    /// Ours.
    #[error("{0}: this is a bug")]
    Bug(String),
}

/// See the module's text.
pub struct Engine {
    pub(crate) parts: Parts,
    loaded: Mutex<BTreeMap<Digest, Arc<Loaded>>>,
    pub(crate) lives: Mutex<BTreeMap<RunId, Arc<tokio::sync::Mutex<Option<Live>>>>>,
    watchers: tokio::sync::broadcast::Sender<Progress>,
    pub(crate) log_gate: crate::log::Gate,
    pub(crate) administering: tokio::sync::Mutex<()>,
    pub(crate) adoptions: crate::administration::Adoptions,
    /// One erasure, hold, expiry or pruning at a time.
    pub(crate) conducting: tokio::sync::Mutex<()>,
    pub(crate) gone: crate::erasure::GoneKeys,
    /// Held for writing while the keys of people's names change.
    pub(crate) naming: tokio::sync::RwLock<()>,
    retention: std::sync::OnceLock<crate::retention::Retention>,
}

impl Engine {
    /// From its parts.
    #[must_use]
    pub fn new(parts: Parts) -> Arc<Self> {
        Arc::new(Self {
            parts,
            loaded: Mutex::default(),
            lives: Mutex::default(),
            watchers: tokio::sync::broadcast::channel(1024).0,
            log_gate: crate::log::Gate::default(),
            administering: tokio::sync::Mutex::default(),
            adoptions: crate::administration::Adoptions::default(),
            conducting: tokio::sync::Mutex::default(),
            gone: crate::erasure::GoneKeys::default(),
            naming: tokio::sync::RwLock::default(),
            retention: std::sync::OnceLock::new(),
        })
    }

    /// The tenant.
    #[must_use]
    pub const fn tenant(&self) -> &TenantName {
        &self.parts.tenant
    }

    /// The environment.
    #[must_use]
    pub fn environment(&self) -> &EnvironmentName {
        self.parts.store.environment()
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        self.parts.store.as_ref()
    }

    /// The store, for what outlives a call.
    #[must_use]
    pub const fn shared_store(&self) -> &Arc<dyn Store> {
        &self.parts.store
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        self.parts.clock.as_ref()
    }

    /// Tells of every entry from now on. A slow watcher misses some and is told so.
    #[must_use]
    pub fn watch(&self) -> tokio::sync::broadcast::Receiver<Progress> {
        self.watchers.subscribe()
    }

    /// Sets the retention classes, before anything is sealed; what is set stays. Where nothing is set, nothing expires.
    #[must_use]
    pub fn keep_by(self: Arc<Self>, retention: crate::retention::Retention) -> Arc<Self> {
        let _ = self.retention.set(retention);
        self
    }

    /// The retention classes.
    #[must_use]
    pub fn retention(&self) -> &crate::retention::Retention {
        self.retention
            .get_or_init(crate::retention::Retention::default)
    }

    pub(crate) fn tell(&self, progress: Progress) {
        // Nobody watching is no fault.
        let _ = self.watchers.send(progress);
    }

    pub(crate) fn remember(&self, bundle: Bundle) -> Arc<Loaded> {
        let version = bundle.version();
        self.adoptions.note(&bundle);
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(loaded.entry(version).or_insert_with(|| {
            let registry = Registry {
                tools: bundle.tools().clone(),
                sources: bundle.sources().clone(),
                endpoints: self.parts.endpoints.clone(),
                aliases: self.parts.aliases.clone(),
            };
            let (tools, sources) = (
                self.parts.doors.tools(&bundle),
                self.parts.doors.sources(&bundle),
            );
            Arc::new(Loaded {
                bundle,
                registry,
                tools,
                sources,
            })
        }))
    }

    pub(crate) fn remembered(&self, version: Digest) -> Option<Arc<Loaded>> {
        self.loaded
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&version)
            .cloned()
    }

    /// The program of a run: everything pinned, but the policies that are current now.
    pub(crate) fn program<'a>(
        &'a self,
        pinned: &'a Loaded,
        current: &'a Loaded,
        state: &State,
        world: World,
    ) -> Result<Program<'a>, Fault> {
        let pin = state.pinned.as_ref().map(|pin| &pin.workflow);
        let workflow = pin.and_then(|name| pinned.bundle.workflows().get(name));
        Ok(Program {
            workflow: workflow
                .ok_or_else(|| Fault::Pinned("it has no such workflow".to_owned()))?,
            prompts: pinned.bundle.prompts(),
            degraded: pinned.bundle.degraded(),
            registry: &pinned.registry,
            guards: current.bundle.guards(),
            shapes: pinned.bundle.shapes(),
            templates: pinned.bundle.templates(),
            tenant: &self.parts.tenant,
            environment: self.environment(),
            world,
        })
    }
}
