//! The operator's configuration, `interlock.toml`: raw as typed, then one checked type. Unknown keys, missing settings
//! and plain secrets are refused with their line. Nothing is read from environment variables.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use interlock_core::id::{
    Category, EndpointName, EnvironmentName, ModelAlias, Region, RoleName, SecretName, TenantName,
};
use interlock_core::label::{Allowed, Confidentiality};
use interlock_core::registry::{Endpoint, Perimeter};

use crate::price::PriceTable;

mod anchor;
mod keep;
mod keys;
mod log;
mod raw;
mod retention;
mod starter;
mod stream;
#[cfg(test)]
mod tests;

pub use anchor::{AnchorConfig, AnchorKind, AnchorsConfig};
pub use keys::{KeysConfig, PassphraseSource, ProviderConfig};
pub use log::LogConfig;
pub use starter::starter;
pub use stream::{StreamConfig, StreamTo};

/// How an endpoint is spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Provider {
    /// The Anthropic Messages API.
    Anthropic,
    /// Any endpoint that speaks OpenAI's chat completions.
    Compatible,
    /// Replies kept in a bundle's tests.
    Scripted,
}

/// A model endpoint: what decisions see of it, and how it is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointConfig {
    /// What decisions see.
    pub facts: Endpoint,
    /// How it is spoken to.
    pub provider: Provider,
    /// Where: scheme, host and base path; none for scripted ones.
    pub base_url: Option<String>,
    /// The model's name there.
    pub model: String,
    /// The credential.
    pub secret: Option<SecretName>,
    /// Whether loopback and private addresses are meant.
    pub allow_private: bool,
}

/// A person on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonConfig {
    /// The operating system's user name.
    pub user: String,
    /// Roles held.
    pub roles: BTreeSet<RoleName>,
}

/// The checked configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The tenant that this installation serves.
    pub tenant: TenantName,
    /// The environment that its store is.
    pub environment: EnvironmentName,
    /// Where the server listens.
    pub listen: SocketAddr,
    /// Model endpoints by name.
    pub endpoints: BTreeMap<EndpointName, EndpointConfig>,
    /// What aliases stand for.
    pub aliases: BTreeMap<ModelAlias, EndpointName>,
    /// Prices by model.
    pub prices: PriceTable,
    /// Texts that connectors refer to as `${setting.NAME}`.
    pub settings: BTreeMap<String, String>,
    /// Directories that file sources may read, by name.
    pub roots: BTreeMap<String, PathBuf>,
    /// People on this machine.
    pub people: Vec<PersonConfig>,
    /// An additional certificate authority for outbound TLS, PEM.
    pub ca_file: Option<PathBuf>,
    /// How long what is sealed is kept.
    pub retention: crate::retention::Retention,
    /// How much of what is sealed is kept in this environment.
    pub keep: crate::keep::KeepRules,
    /// Who keeps the key-encryption key.
    pub keys: KeysConfig,
    /// Who else is told what the log was.
    pub anchors: AnchorsConfig,
    /// How the log is named, guarded and published.
    pub log: LogConfig,
    /// Where the log goes as it is published.
    pub streams: Vec<StreamConfig>,
}

/// What is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: failed to read the configuration: {message}\nhint: {hint}")]
pub struct ConfigFault {
    /// The file.
    pub file: String,
    /// The line, from 1; 0 where none is to blame.
    pub line: usize,
    /// What.
    pub message: String,
    /// What to do.
    pub hint: String,
}

impl Config {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// See [`ConfigFault`].
    pub fn load(path: &Path) -> Result<Self, ConfigFault> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|fault| ConfigFault {
            file: file.clone(),
            line: 0,
            message: fault.to_string(),
            hint: "interlock init writes one to begin with".to_owned(),
        })?;
        Self::parse(&text, &file)
    }

    /// Parses a configuration; `file` is named in faults.
    ///
    /// # Errors
    /// See [`ConfigFault`].
    pub fn parse(text: &str, file: &str) -> Result<Self, ConfigFault> {
        raw::parse(text, file)
    }

    /// The endpoints as decisions see them.
    #[must_use]
    pub fn registry_endpoints(&self) -> BTreeMap<EndpointName, Endpoint> {
        self.endpoints
            .iter()
            .map(|(name, endpoint)| (name.clone(), endpoint.facts.clone()))
            .collect()
    }

    /// The roles of a person on this machine; none where the configuration does not name them.
    #[must_use]
    pub fn roles_of(&self, user: &str) -> BTreeSet<RoleName> {
        self.people
            .iter()
            .filter(|person| person.user == user)
            .flat_map(|person| person.roles.iter().cloned())
            .collect()
    }
}

/// The parts of an endpoint's facts that have a set form in configuration.
struct Clearance {
    perimeter: Perimeter,
    region: Region,
    agreements: BTreeSet<Category>,
    clearance: Confidentiality,
    categories: Allowed<Category>,
}
