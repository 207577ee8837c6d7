//! The one way out: every HTTP call of models, tools and sources goes through [`Egress::send`]. It goes only to
//! listed hosts, at addresses checked when the connection is made, and each redirect is decided again.
//! No environment proxy, cookie, referer, decompression or retry happens here, and no content is in an error.

use std::path::PathBuf;
use std::sync::Arc;

use interlock_core::limits;
use interlock_core::pipeline::model::CallFault;
use interlock_core::pipeline::tool::EffectKnown;
use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::{Method, Url};

mod address;
mod allow;
mod call;
mod client;
#[cfg(test)]
pub(crate) mod loopback;
#[cfg(test)]
mod tests;

use address::Reach;
use client::{Clients, Lookup, SystemLookup, refusal_in};

pub use allow::{Allow, AllowFault};
pub use call::{Answer, OutHeader, Outbound};
pub use client::EgressSetupFault;

/// Why a call gave no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("call: {why}")]
pub struct EgressFailure {
    /// The kind of fault.
    pub fault: CallFault,
    /// Whether the far side may have acted: `NotPerformed` only where no byte of the request left.
    pub known: EffectKnown,
    /// In words, without content or address.
    pub why: &'static str,
}

impl EgressFailure {
    const fn refused(why: &'static str, known: EffectKnown) -> Self {
        Self {
            fault: CallFault::Egress,
            known,
            why,
        }
    }

    const fn unknown(fault: CallFault, why: &'static str) -> Self {
        Self {
            fault,
            known: EffectKnown::Unknown,
            why,
        }
    }
}

/// What the operator sets for all calls.
#[derive(Debug, Clone, Default)]
pub struct EgressOptions {
    /// A PEM file of further certificate authorities, added to the system's.
    pub ca_file: Option<PathBuf>,
}

/// The one outbound HTTP client.
///
/// May be called from many tasks at once. It never repeats a call: who retries is the run's declared fallback.
/// Dropping the future abandons the call, whose effect is then not known.
pub struct Egress {
    clients: Clients,
}

impl Egress {
    /// The client, with the system's certificate authorities.
    ///
    /// # Errors
    /// The file of further authorities cannot be read or holds none.
    pub fn new(options: &EgressOptions) -> Result<Self, EgressSetupFault> {
        Self::with_lookup(options, Arc::new(SystemLookup))
    }

    fn with_lookup(
        options: &EgressOptions,
        lookup: Arc<dyn Lookup>,
    ) -> Result<Self, EgressSetupFault> {
        Ok(Self {
            clients: Clients::new(options, &lookup)?,
        })
    }

    /// Makes one call. An answer of any status is an answer.
    ///
    /// # Errors
    /// See [`EgressFailure`].
    pub async fn send(&self, call: Outbound<'_>) -> Result<Answer, EgressFailure> {
        match tokio::time::timeout(call.timeout, self.follow(&call)).await {
            Ok(ended) => ended,
            Err(_elapsed) => Err(EgressFailure::unknown(CallFault::Timeout, "over its time")),
        }
    }

    async fn follow(&self, call: &Outbound<'_>) -> Result<Answer, EgressFailure> {
        let first = Url::parse(call.url).map_err(|_| {
            EgressFailure::refused("the URL cannot be read", EffectKnown::NotPerformed)
        })?;
        let mut url = first.clone();
        let mut known = EffectKnown::NotPerformed;
        for _hop in 0..=limits::REDIRECTS_MAX {
            let reach = call
                .allow
                .reach(&url)
                .map_err(|why| EgressFailure::refused(why, known))?;
            let same_origin = url.origin() == first.origin();
            let response = self.hop(call, &url, reach, same_origin, known).await?;
            // From here on something was sent.
            known = EffectKnown::Unknown;
            let status = response.status().as_u16();
            if !matches!(status, 301 | 302 | 303 | 307 | 308) {
                return read(response, call.body_bytes_max).await;
            }
            let safe = call.method == Method::GET || call.method == Method::HEAD;
            if !safe && status < 307 {
                return Err(EgressFailure::unknown(
                    CallFault::Rejected,
                    "a redirect asks to change the method",
                ));
            }
            let target = response
                .headers()
                .get(LOCATION)
                .and_then(|value| value.to_str().ok());
            url = target
                .and_then(|target| url.join(target).ok())
                .ok_or_else(|| {
                    EgressFailure::unknown(CallFault::Malformed, "a redirect leads nowhere")
                })?;
        }
        Err(EgressFailure::refused("too many redirects", known))
    }

    async fn hop(
        &self,
        call: &Outbound<'_>,
        url: &Url,
        reach: Reach,
        same_origin: bool,
        known: EffectKnown,
    ) -> Result<reqwest::Response, EgressFailure> {
        let client = self.clients.of(reach, url.scheme()).ok_or(EgressFailure {
            fault: CallFault::Configuration,
            known,
            why: "there is no certificate authority to check the far side by",
        })?;
        let mut request = client.request(call.method.clone(), url.clone());
        for header in call
            .headers
            .iter()
            .filter(|header| same_origin || !header.credential)
        {
            request = request.header(header.name.clone(), header.value.clone());
        }
        if let Some((kind, bytes)) = &call.body {
            request = request.header(CONTENT_TYPE, *kind).body(bytes.clone());
        }
        let response = request
            .send()
            .await
            .map_err(|error| failure(&error, known))?;
        match response.remote_addr() {
            Some(peer) if reach.permits(peer.ip()) => Ok(response),
            Some(_) | None => Err(EgressFailure::refused(
                "the peer's address is not permitted",
                EffectKnown::Unknown,
            )),
        }
    }
}

/// A failed connection sent nothing; after that nobody can tell.
fn failure(error: &reqwest::Error, known: EffectKnown) -> EgressFailure {
    if let Some(refused) = refusal_in(error) {
        return EgressFailure::refused(refused.0, known);
    }
    let timeout = error.is_timeout();
    if error.is_connect() || error.is_builder() {
        let fault = if timeout {
            CallFault::Timeout
        } else {
            CallFault::Unavailable
        };
        return EgressFailure {
            fault,
            known,
            why: "no connection could be made",
        };
    }
    let fault = if timeout {
        CallFault::Timeout
    } else {
        CallFault::Unavailable
    };
    EgressFailure::unknown(fault, "the connection broke before the answer")
}

async fn read(mut response: reqwest::Response, bytes_max: usize) -> Result<Answer, EgressFailure> {
    let over = EgressFailure::unknown(CallFault::Malformed, "the answer is over its bound");
    let announced = response
        .content_length()
        .and_then(|length| usize::try_from(length).ok());
    if announced.is_some_and(|length| length > bytes_max) {
        return Err(over);
    }
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let mut body = Vec::with_capacity(announced.unwrap_or_default());
    loop {
        let chunk = response
            .chunk()
            .await
            .map_err(|_| EgressFailure::unknown(CallFault::Unavailable, "the answer broke off"))?;
        let Some(chunk) = chunk else {
            return Ok(Answer {
                status,
                headers,
                body,
            });
        };
        if body.len() + chunk.len() > bytes_max {
            return Err(over);
        }
        body.extend_from_slice(&chunk);
    }
}
