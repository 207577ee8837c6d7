//! One installation for tests: a data directory with a real key, an engine over any store, models and doors. Whatever
//! a test does not replace is what ships.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use interlock_bundle::{Bundle, OperatorPolicies};
use interlock_core::id::{EndpointName, EnvironmentName, ModelAlias, TenantName};
use interlock_core::registry::Endpoint;
use interlock_runtime::case::scripted_endpoint;
use interlock_runtime::clock::{Clock, SystemClock, SystemEntropy};
use interlock_runtime::connector::{Outside, Site};
use interlock_runtime::doors::RealDoors;
use interlock_runtime::egress::{Egress, EgressOptions};
use interlock_runtime::keep::KeepRules;
use interlock_runtime::keys::{FileKeys, Keys, KeysParts, no_passphrase};
use interlock_runtime::model::ModelProvider;
use interlock_runtime::retention::Retention;
use interlock_runtime::seal::{PayloadSealer, Sealer, StoreKeyBook};
use interlock_runtime::secret::SecretStore;
use interlock_runtime::{Doors, Engine, Parts};
use interlock_store::{SqliteStore, Store};

/// Why a world could not be set up or walked; tests fail with its text.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What aliases stand for, and what these endpoints may be shown.
pub type Endpoints = (
    BTreeMap<EndpointName, Endpoint>,
    BTreeMap<ModelAlias, EndpointName>,
);

/// See the module's text.
pub struct Installation {
    dir: PathBuf,
    provider: Arc<FileKeys>,
    environment: EnvironmentName,
    /// Folders that file sources may read, by name.
    pub roots: BTreeMap<String, PathBuf>,
    /// How much of what is sealed is kept; everything, unless a test says otherwise.
    pub keep: KeepRules,
    /// What time it is; the machine's, unless a test says otherwise.
    pub clock: Arc<dyn Clock>,
    /// How long what is sealed is kept; for ever, unless a test says otherwise.
    pub retention: Retention,
}

impl Installation {
    /// In a directory, which is made where there is none.
    ///
    /// # Errors
    /// The directory or its key cannot be had.
    pub fn open(dir: &Path) -> Result<Self, Failure> {
        interlock_store::sqlite::prepare_data_dir(dir)?;
        let provider = if FileKeys::exists(dir) {
            FileKeys::open(dir, &no_passphrase)?
        } else {
            FileKeys::create(dir, SystemClock.now())?
        };
        Ok(Self {
            dir: dir.to_owned(),
            provider: Arc::new(provider),
            environment: EnvironmentName::parse("test")?,
            roots: BTreeMap::new(),
            keep: KeepRules::default(),
            clock: Arc::new(SystemClock),
            retention: Retention::default(),
        })
    }

    /// The environment, which is `test`.
    #[must_use]
    pub const fn environment(&self) -> &EnvironmentName {
        &self.environment
    }

    /// Its directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Its store on disk, for this process alone.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn sqlite(&self) -> Result<Arc<dyn Store>, Failure> {
        Ok(Arc::new(SqliteStore::open(&self.dir, &self.environment)?))
    }

    /// Its way out.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn egress(&self) -> Result<Arc<Egress>, Failure> {
        Ok(Arc::new(Egress::new(&EgressOptions { ca_file: None })?))
    }

    /// Its secrets; there are none.
    #[must_use]
    pub fn secrets(&self) -> Arc<SecretStore> {
        let provider = self.provider.clone();
        Arc::new(SecretStore::new(
            &self.dir,
            self.environment.clone(),
            provider,
        ))
    }

    /// The real doors to tools and sources.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn doors(&self) -> Result<Arc<dyn Doors>, Failure> {
        let outside = Outside {
            egress: self.egress()?,
            secrets: self.secrets(),
        };
        Ok(Arc::new(RealDoors(Arc::new(Site {
            settings: BTreeMap::new(),
            roots: self.roots.clone(),
            data_dir: self.dir.clone(),
            outside: Some(outside),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        }))))
    }

    /// What seals payloads of a store, with the book of data keys in it.
    #[must_use]
    pub fn sealer(&self, store: &Arc<dyn Store>) -> Arc<dyn Sealer> {
        Arc::new(PayloadSealer::new(
            self.keys(store),
            Arc::new(SystemEntropy),
        ))
    }

    fn keys(&self, store: &Arc<dyn Store>) -> Arc<Keys> {
        Arc::new(Keys::new(KeysParts {
            provider: self.provider.clone(),
            book: Arc::new(StoreKeyBook(Arc::clone(store))),
            environment: self.environment.clone(),
            entropy: Arc::new(SystemEntropy),
            clock: Arc::clone(&self.clock),
            holders: vec![self.secrets()],
        }))
    }

    /// An engine. The book of data keys lies in the store too, so that it fails as the store does.
    ///
    /// # Errors
    /// Never, as long as the tenant's name is one.
    pub fn engine(
        &self,
        store: Arc<dyn Store>,
        models: Arc<dyn ModelProvider>,
        doors: Arc<dyn Doors>,
        (endpoints, aliases): Endpoints,
    ) -> Result<Arc<Engine>, Failure> {
        let entropy = Arc::new(SystemEntropy);
        let keys = self.keys(&store);
        Ok(Engine::new(Parts {
            tenant: TenantName::parse("default")?,
            sealer: Arc::new(PayloadSealer::new(Arc::clone(&keys), entropy.clone())),
            book: keys,
            store,
            clock: Arc::clone(&self.clock),
            entropy,
            models,
            doors,
            endpoints,
            aliases,
            policies: OperatorPolicies::default(),
            keep: self.keep.clone(),
        })
        .keep_by(self.retention.clone()))
    }
}

/// An endpoint of its own for each alias of a bundle, inside the perimeter and cleared for everything.
#[must_use]
pub fn scripted_endpoints(bundle: &Bundle) -> Endpoints {
    let named = bundle.models().iter().filter_map(|alias| {
        let endpoint = scripted_endpoint(alias)?;
        Some((alias.clone(), endpoint))
    });
    named.fold(Endpoints::default(), |mut all, (alias, endpoint)| {
        all.1.insert(alias, endpoint.name.clone());
        all.0.insert(endpoint.name.clone(), endpoint);
        all
    })
}
