//! The door to models: a [`Showing`] goes out, a reply or a fault comes back, both as data. Providers translate and
//! count; they neither validate nor retry nor fall back. No prompt, reply or credential is in an error or a log.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use interlock_core::id::EndpointName;
use interlock_core::pipeline::model::{CallFault, ModelReply, PromptText, Showing};
use serde_json::Value;

use crate::clock::Clock;
use crate::config::{Config, Provider};
use crate::egress::{AllowFault, Egress};
use crate::secret::SecretStore;

pub mod anthropic;
pub mod compatible;
mod endpoint;
mod retry;
mod schema;
pub mod scripted;
#[cfg(test)]
mod tests;

pub(crate) use endpoint::Reached;

/// Why a model gave no reply. Holds nothing of what was sent or came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("ask the model: {}", .fault.as_str())]
pub struct ModelFailure {
    /// The kind of fault.
    pub fault: CallFault,
    /// HTTP status, where there was one.
    pub status: Option<u16>,
    /// How long the endpoint asks to wait, in milliseconds, at most an hour.
    pub retry_after_millis: Option<u64>,
}

impl ModelFailure {
    /// A fault without more to say.
    #[must_use]
    pub const fn of(fault: CallFault) -> Self {
        Self {
            fault,
            status: None,
            retry_after_millis: None,
        }
    }
}

/// Shows prompts to one or more endpoints.
///
/// May be called from many tasks at once. One call is at most one request: the caller retries, by the step's
/// declared fallbacks. Dropping the future abandons the call; the endpoint may still have seen the prompt. An
/// endpoint that is not known is `Configuration`. A refusal is a reply, not a fault.
#[async_trait]
pub trait ModelProvider: Send + Sync {
    /// Shows one prompt to the endpoint that it is for.
    ///
    /// # Errors
    /// See [`ModelFailure`].
    async fn show(&self, showing: &Showing) -> Result<ModelReply, ModelFailure>;
}

/// What a provider needs of a [`Showing`].
#[derive(Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) prompt: &'a PromptText,
    pub(crate) schema: &'a Value,
    pub(crate) output_tokens_max: u32,
}

impl<'a> Question<'a> {
    pub(crate) const fn of(showing: &'a Showing) -> Self {
        Self {
            prompt: showing.prompt(),
            schema: showing.schema(),
            output_tokens_max: showing.output_tokens_max(),
        }
    }
}

/// An endpoint's configuration cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelSetupFault {
    /// Its address.
    #[error("set up endpoint `{0}`: base_url is not an http or https address with a host")]
    Address(EndpointName),
    /// Its host.
    #[error("set up endpoint `{0}`: {1}")]
    Host(EndpointName, AllowFault),
    /// It would need a credential.
    #[error("set up endpoint `{0}`: it names no secret")]
    Secret(EndpointName),
}

/// All endpoints of an installation, each behind its provider.
#[derive(Default)]
pub struct Models(BTreeMap<EndpointName, Arc<dyn ModelProvider>>);

impl Models {
    /// No endpoint: every call is `Configuration`.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// The endpoints of a configuration. Scripted ones have no replies there: add them with [`Models::with`].
    ///
    /// # Errors
    /// An endpoint's configuration cannot be used.
    pub fn from_config(
        config: &Config,
        egress: &Arc<Egress>,
        secrets: &Arc<SecretStore>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, ModelSetupFault> {
        let mut models = Self::empty();
        for (name, endpoint) in &config.endpoints {
            let reach = || Reached::new(endpoint, config.prices.clone(), egress, secrets, clock);
            let provider: Arc<dyn ModelProvider> = match endpoint.provider {
                Provider::Anthropic => Arc::new(anthropic::Anthropic::new(reach()?)?),
                Provider::Compatible => Arc::new(compatible::Compatible::new(reach()?)),
                Provider::Scripted => continue,
            };
            models = models.with(name.clone(), provider);
        }
        Ok(models)
    }

    /// With this endpoint too, in place of one of the same name.
    #[must_use]
    pub fn with(mut self, endpoint: EndpointName, provider: Arc<dyn ModelProvider>) -> Self {
        self.0.insert(endpoint, provider);
        self
    }
}

#[async_trait]
impl ModelProvider for Models {
    async fn show(&self, showing: &Showing) -> Result<ModelReply, ModelFailure> {
        match self.0.get(showing.endpoint()) {
            Some(provider) => provider.show(showing).await,
            None => Err(ModelFailure::of(CallFault::Configuration)),
        }
    }
}
