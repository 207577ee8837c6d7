//! An installation: a data directory with configuration, key, secrets and store, and the engine over them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use interlock_bundle::{Bundle, OperatorPolicies};
use interlock_core::id::RoleName;
use interlock_core::pipeline::identity::{Method, Principal, PrincipalKind};
use interlock_core::pipeline::policy::Layer;
use interlock_policy::PolicySource;
use interlock_runtime::administration::Office;
use interlock_runtime::clock::{Clock, SystemClock, SystemEntropy};
use interlock_runtime::config::Config;
use interlock_runtime::connector::{Outside, Site};
use interlock_runtime::doors::RealDoors;
use interlock_runtime::egress::{Egress, EgressOptions};
use interlock_runtime::keys::{KeyProvider, Keys, KeysParts};
use interlock_runtime::model::{ModelProvider, Models};
use interlock_runtime::seal::{PayloadSealer, StoreKeyBook};
use interlock_runtime::secret::SecretStore;
use interlock_runtime::{Doors, Engine, Parts};
use interlock_store::{OpenFault, SqliteStore, Store};

use crate::exit::Failure;
use crate::log::LogSlot;
use crate::options::Common;

/// What a data directory holds, without its store.
pub(crate) struct Installation {
    pub(crate) dir: PathBuf,
    pub(crate) config: Config,
    pub(crate) provider: Arc<dyn KeyProvider>,
    pub(crate) secrets: Arc<SecretStore>,
    /// Where the command that opened it finds, at its end, what is to be published.
    pub(crate) log: LogSlot,
}

/// The data directory that was asked for.
pub(crate) fn data_dir(common: &Common) -> Result<PathBuf, Failure> {
    common
        .data_dir
        .clone()
        .map_or_else(crate::person::data_dir, Ok)
}

/// The configuration of a data directory.
pub(crate) fn config_at(dir: &Path) -> Result<Config, Failure> {
    if !dir.join("interlock.toml").is_file() {
        return Err(Failure::usage(
            format!(
                "failed to open `{}`: there is no installation",
                dir.display()
            ),
            "interlock init makes one; --data-dir DIR names another place",
        ));
    }
    Config::load(&dir.join("interlock.toml")).map_err(|fault| {
        Failure::usage(
            format!("{}:{}: {}", fault.file, fault.line, fault.message),
            fault.hint,
        )
    })
}

impl Installation {
    /// Opens a data directory that `interlock init` or the demo has made.
    pub(crate) fn open(common: &Common) -> Result<Self, Failure> {
        let mut installation = Self::open_at(&data_dir(common)?)?;
        installation.log = common.log.clone();
        Ok(installation)
    }

    pub(crate) fn open_at(dir: &Path) -> Result<Self, Failure> {
        let config = config_at(dir)?;
        let provider = crate::keys::provider(dir, &config)?;
        let secrets = Arc::new(SecretStore::new(
            dir,
            config.environment.clone(),
            Arc::clone(&provider),
        ));
        Ok(Self {
            dir: dir.to_owned(),
            config,
            provider,
            secrets,
            log: LogSlot::default(),
        })
    }

    /// The store, for this process alone.
    pub(crate) fn store(&self) -> Result<Arc<dyn Store>, Failure> {
        let store = SqliteStore::open(&self.dir, &self.config.environment)
            .map_err(|fault| Failure::failed(format!("failed to {fault}")).hint(fault.hint()))?;
        Ok(Arc::new(store))
    }

    /// The store, for this process alone; `None` where another process has it.
    pub(crate) fn store_if_free(&self) -> Result<Option<Arc<dyn Store>>, Failure> {
        match SqliteStore::open(&self.dir, &self.config.environment) {
            Ok(store) => Ok(Some(Arc::new(store))),
            Err(OpenFault::Locked { .. }) => Ok(None),
            Err(fault) => Err(Failure::failed(format!("failed to {fault}")).hint(fault.hint())),
        }
    }

    /// The engine for somebody who is to be shown content. That is put on record first, so the store must be free.
    pub(crate) fn engine_to_show(&self, instead: &str) -> Result<Arc<Engine>, Failure> {
        let store = self.store_if_free()?.ok_or_else(|| {
            Failure::failed("failed to show content: another process holds the store, where each reading is put on record")
                .hint(instead)
        })?;
        let engine = self.engine_over(store)?;
        self.log.keep(&engine, self.log_place());
        Ok(engine)
    }

    /// The store beside a process that writes it.
    pub(crate) fn store_read_only(&self) -> Result<Arc<dyn Store>, Failure> {
        let store = SqliteStore::open_read_only(&self.dir)
            .map_err(|fault| Failure::failed(format!("failed to {fault}")).hint(fault.hint()))?;
        Ok(Arc::new(store))
    }

    /// The operator's own policies: `policies/{identity,data,action,environment}.cedar` in the data directory.
    pub(crate) fn policies(&self) -> Result<OperatorPolicies, Failure> {
        let mut sources = Vec::new();
        for layer in Layer::ALL {
            let path = self
                .dir
                .join("policies")
                .join(format!("{}.cedar", layer.as_str()));
            match std::fs::read_to_string(&path) {
                Ok(text) => sources.push(PolicySource {
                    file: path.display().to_string(),
                    layer,
                    text,
                }),
                Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => {}
                Err(fault) => {
                    return Err(Failure::failed(format!(
                        "failed to read `{}`: {fault}",
                        path.display()
                    )));
                }
            }
        }
        Ok(OperatorPolicies { sources })
    }

    /// The way out, shared by models, tools and sources.
    pub(crate) fn egress(&self) -> Result<Arc<Egress>, Failure> {
        let options = EgressOptions {
            ca_file: self.config.ca_file.clone(),
        };
        Egress::new(&options)
            .map(Arc::new)
            .map_err(|fault| Failure::failed(format!("failed to {fault}")))
    }

    /// The engine over the real doors.
    pub(crate) fn engine(&self) -> Result<Arc<Engine>, Failure> {
        self.log.clear();
        let engine = self.engine_over(self.store()?)?;
        self.log.keep(&engine, self.log_place());
        Ok(engine)
    }

    /// The engine, for what a server that holds the store would do at a route.
    pub(crate) fn engine_or(&self, route: &str) -> Result<Arc<Engine>, Failure> {
        self.log.clear();
        let store = SqliteStore::open(&self.dir, &self.config.environment).map_err(|fault| {
            let failure = Failure::failed(format!("failed to {fault}"));
            match fault {
                OpenFault::Locked { .. } => failure.hint(ask_server(route)),
                fault => failure.hint(fault.hint()),
            }
        })?;
        let engine = self.engine_over(Arc::new(store))?;
        self.log.keep(&engine, self.log_place());
        Ok(engine)
    }

    /// The engine over a store, with the configured models and the real doors.
    pub(crate) fn engine_over(&self, store: Arc<dyn Store>) -> Result<Arc<Engine>, Failure> {
        let egress = self.egress()?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let models =
            Models::from_config(&self.config, &egress, &self.secrets, &clock).map_err(|fault| {
                Failure::usage(
                    format!("failed to {fault}"),
                    "mend the [[endpoint]] in interlock.toml",
                )
            })?;
        self.engine_with(
            store,
            Arc::new(models),
            self.doors(egress),
            self.config.registry_endpoints(),
            self.config.aliases.clone(),
        )
    }

    /// The real doors to tools and sources.
    pub(crate) fn doors(&self, egress: Arc<Egress>) -> Arc<dyn Doors> {
        let outside = Outside {
            egress,
            secrets: Arc::clone(&self.secrets),
        };
        let site = Site::new(
            &self.config,
            &self.dir,
            outside,
            Arc::new(SystemClock),
            Arc::new(SystemEntropy),
        );
        Arc::new(RealDoors(Arc::new(site)))
    }

    /// The engine with other models or doors.
    pub(crate) fn engine_with(
        &self,
        store: Arc<dyn Store>,
        models: Arc<dyn ModelProvider>,
        doors: Arc<dyn Doors>,
        endpoints: std::collections::BTreeMap<
            interlock_core::id::EndpointName,
            interlock_core::registry::Endpoint,
        >,
        aliases: std::collections::BTreeMap<
            interlock_core::id::ModelAlias,
            interlock_core::id::EndpointName,
        >,
    ) -> Result<Arc<Engine>, Failure> {
        let entropy = Arc::new(SystemEntropy);
        let keys = Arc::new(Keys::new(KeysParts {
            provider: Arc::clone(&self.provider),
            book: Arc::new(StoreKeyBook(Arc::clone(&store))),
            environment: self.config.environment.clone(),
            entropy: entropy.clone(),
            clock: Arc::new(SystemClock),
            holders: vec![self.secrets.clone()],
        }));
        Ok(Engine::new(Parts {
            tenant: self.config.tenant.clone(),
            sealer: Arc::new(PayloadSealer::new(Arc::clone(&keys), entropy.clone())),
            book: keys,
            store,
            clock: Arc::new(SystemClock),
            entropy,
            models,
            doors,
            endpoints,
            aliases,
            policies: self.policies()?,
            keep: self.config.keep.clone(),
        })
        .keep_by(self.config.retention.clone()))
    }

    /// The person at the terminal, with the roles that the configuration gives them now.
    pub(crate) async fn person(&self, engine: &Engine) -> Result<Principal, Failure> {
        let user = crate::person::user()?;
        let roles: BTreeSet<RoleName> = self.config.roles_of(&user);
        Ok(engine.local_person(&user, roles, Method::LocalUser).await?)
    }
}

/// What to do where a server holds the store.
pub(crate) fn ask_server(route: &str) -> String {
    format!(
        "if that is `interlock serve`, ask it: {route} (docs/api.md); otherwise end that process first"
    )
}

/// Goes on only if the person at the terminal holds the office, for what is done without an engine.
pub(crate) fn in_office(config: &Config, office: Office) -> Result<(), Failure> {
    let roles = config.roles_of(&crate::person::user()?);
    Ok(office.held(PrincipalKind::Person, &roles)?)
}

/// Loads a bundle's folder, with all that is wrong with it as the failure.
pub(crate) fn load(dir: &Path, policies: &OperatorPolicies) -> Result<Bundle, Failure> {
    Bundle::load(dir, policies).map_err(|problems| {
        let report = render(&problems);
        let count = problems.problems().len();
        crate::print::aside(&report);
        Failure::usage(
            format!(
                "failed to load bundle `{}`: {count} problem{}",
                dir.display(),
                if count == 1 { "" } else { "s" }
            ),
            "mend what is marked above; docs/bundle.md describes every file",
        )
    })
}

/// Diagnostics with file, line and caret.
fn render(problems: &interlock_bundle::BundleProblems) -> String {
    // No colour: its sequences could not be told from those in a bundle's text, which are shown and not obeyed.
    let theme = miette::GraphicalTheme::unicode_nocolor();
    let handler = miette::GraphicalReportHandler::new_themed(theme);
    let mut out = String::new();
    let _ = handler.render_report(&mut out, problems);
    crate::print::harmless(&out)
}
