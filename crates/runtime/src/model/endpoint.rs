//! What the HTTP providers share: one request to one endpoint with its credential, and what a status means.
//! Error bodies are never read: they may repeat the prompt.

use std::sync::Arc;
use std::time::Duration;

use interlock_core::id::{EndpointName, SecretName};
use interlock_core::limits;
use interlock_core::pipeline::model::{CallFault, Usage};
use interlock_core::registry::Perimeter;
use reqwest::{Method, Url};
use serde_json::Value;

use super::{ModelFailure, ModelSetupFault, retry};
use crate::clock::Clock;
use crate::config::EndpointConfig;
use crate::egress::{Allow, Answer, Egress, OutHeader, Outbound};
use crate::price::PriceTable;
use crate::secret::SecretStore;

/// Bytes of an answer: a reply of the greatest size, in JSON, with what is around it.
const ANSWER_BYTES_MAX: usize = 4 * limits::REPLY_BYTES_MAX;

/// One endpoint, ready to be asked.
pub(crate) struct Reached {
    pub(super) name: EndpointName,
    pub(super) model: String,
    pub(super) perimeter: Perimeter,
    pub(super) secret: Option<SecretName>,
    base_url: String,
    allow: Allow,
    timeout: Duration,
    prices: PriceTable,
    egress: Arc<Egress>,
    secrets: Arc<SecretStore>,
    clock: Arc<dyn Clock>,
}

impl Reached {
    pub(crate) fn new(
        endpoint: &EndpointConfig,
        prices: PriceTable,
        egress: &Arc<Egress>,
        secrets: &Arc<SecretStore>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, ModelSetupFault> {
        let name = endpoint.facts.name.clone();
        let unusable = || ModelSetupFault::Address(name.clone());
        let base_url = endpoint.base_url.clone().ok_or_else(unusable)?;
        let url = Url::parse(&base_url).map_err(|_| unusable())?;
        let host = url.host_str().ok_or_else(unusable)?.to_owned();
        if !matches!(url.scheme(), "http" | "https")
            || url.query().is_some()
            || url.fragment().is_some()
        {
            return Err(unusable());
        }
        let allow = Allow::new([host], endpoint.allow_private)
            .map_err(|fault| ModelSetupFault::Host(name.clone(), fault))?;
        Ok(Self {
            model: endpoint.model.clone(),
            perimeter: endpoint.facts.perimeter,
            secret: endpoint.secret.clone(),
            base_url: base_url.trim_end_matches('/').to_owned(),
            allow,
            timeout: Duration::from_millis(u64::from(endpoint.facts.timeout_millis)),
            prices,
            egress: Arc::clone(egress),
            secrets: Arc::clone(secrets),
            clock: Arc::clone(clock),
            name,
        })
    }

    /// One POST. The credential is fetched now and dropped when the request is built.
    pub(super) async fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Result<(Answer, Value), ModelFailure> {
        let configuration = ModelFailure::of(CallFault::Configuration);
        let mut all = headers
            .iter()
            .map(|(name, value)| OutHeader::plain(name, value))
            .collect::<Option<Vec<_>>>()
            .ok_or(configuration)?;
        if let Some(name) = &self.secret {
            let secret = self.secrets.get(name).await.map_err(|fault| {
                tracing::warn!(endpoint = %self.name, %fault, "a model's credential cannot be had");
                configuration
            })?;
            let bearer = zeroize::Zeroizing::new(format!("Bearer {}", secret.expose()));
            all.push(OutHeader::credential("authorization", &bearer).ok_or(configuration)?);
        }
        let url = format!("{}{path}", self.base_url);
        let call = Outbound {
            method: Method::POST,
            url: &url,
            headers: all,
            body: Some(("application/json", body.to_string().into_bytes())),
            allow: &self.allow,
            timeout: self.timeout,
            body_bytes_max: ANSWER_BYTES_MAX,
        };
        let answer = self.egress.send(call).await.map_err(|failure| {
            tracing::warn!(endpoint = %self.name, why = failure.why, "a model was not reached");
            ModelFailure::of(failure.fault)
        })?;
        if let Some(fault) = fault_of(answer.status) {
            let retry_after_millis = retry::after_millis(&answer, self.clock.now());
            return Err(ModelFailure {
                fault,
                status: Some(answer.status),
                retry_after_millis,
            });
        }
        let malformed = self.malformed(&answer);
        if !answer.is_json() {
            return Err(malformed);
        }
        let value = serde_json::from_slice(&answer.body).map_err(|_content| malformed)?;
        Ok((answer, value))
    }

    /// The answer is none.
    pub(super) fn malformed(&self, answer: &Answer) -> ModelFailure {
        let status = Some(answer.status);
        ModelFailure {
            fault: CallFault::Malformed,
            status,
            retry_after_millis: None,
        }
    }

    /// The usage with its price.
    pub(super) fn priced(&self, usage: Usage) -> Usage {
        Usage {
            cost_micros: self.prices.cost_micros(&self.model, &usage),
            ..usage
        }
    }
}

/// What a status means; `None` for success.
const fn fault_of(status: u16) -> Option<CallFault> {
    match status {
        200..=299 => None,
        401..=403 | 407 => Some(CallFault::Credential),
        408 | 504 => Some(CallFault::Timeout),
        409 | 425 | 429 => Some(CallFault::Unavailable),
        300..=499 => Some(CallFault::Rejected),
        _ => Some(CallFault::Unavailable),
    }
}
