//! What is sent to a model and what comes back, as values. A [`Showing`] is the right to show one prompt to one
//! endpoint; it is made from a permit only. A reply is data: nothing in it is believed until validation.

use serde_json::Value;

use super::policy::{Action, Permit};
use crate::id::{CallId, EndpointName};

/// The right to show this prompt to this endpoint, once. Made from a permit only, just before it is used.
#[derive(Debug)]
pub struct Showing {
    permit: Permit,
    call: CallId,
    endpoint: EndpointName,
    prompt: PromptText,
    schema: Value,
    output_tokens_max: u32,
}

impl Showing {
    /// Takes a permit to call a model; `None` where it permits something else.
    pub(crate) fn new(
        permit: Permit,
        call: CallId,
        endpoint: EndpointName,
        prompt: PromptText,
        schema: Value,
        output_tokens_max: u32,
    ) -> Option<Self> {
        (permit.action() == Action::CallModel).then_some(Self {
            permit,
            call,
            endpoint,
            prompt,
            schema,
            output_tokens_max,
        })
    }

    /// The permit that it was made from.
    #[must_use]
    pub const fn permit(&self) -> &Permit {
        &self.permit
    }

    /// The call that the journal knows it by.
    #[must_use]
    pub const fn call(&self) -> CallId {
        self.call
    }

    /// Where it may be shown, and nowhere else.
    #[must_use]
    pub const fn endpoint(&self) -> &EndpointName {
        &self.endpoint
    }

    /// The prompt.
    #[must_use]
    pub const fn prompt(&self) -> &PromptText {
        &self.prompt
    }

    /// The JSON Schema that the reply must fit: an object whose `outcome` is the answer or the error format.
    #[must_use]
    pub const fn schema(&self) -> &Value {
        &self.schema
    }

    /// Tokens that the reply may have.
    #[must_use]
    pub const fn output_tokens_max(&self) -> u32 {
        self.output_tokens_max
    }
}

/// A rendered prompt in its two layers. Its `Debug` shows sizes only.
#[derive(Clone, PartialEq, Eq)]
pub struct PromptText {
    /// Authority, data boundaries, refusals, escalation, error format. Trusted text only.
    pub system: String,
    /// The task, with untrusted values in delimited data blocks.
    pub user: String,
}

impl std::fmt::Debug for PromptText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "PromptText({} + {} bytes)",
            self.system.len(),
            self.user.len()
        )
    }
}

/// Why a model stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// It was done.
    End,
    /// Out of tokens: the reply is probably cut.
    Length,
    /// It refused.
    Refusal,
    /// Anything else (a tool call, a pause): unusable here.
    Other,
}

impl Stop {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::End, Self::Length, Self::Refusal, Self::Other];

    /// The name in entries.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::End => "end",
            Self::Length => "length",
            Self::Refusal => "refusal",
            Self::Other => "other",
        }
    }

    /// The stop of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|x| x.as_str() == text)
    }
}

/// What a call used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Tokens read, cached ones included.
    pub input_tokens: u64,
    /// Of these, tokens read from a cache.
    pub cached_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
    /// Cost in millionths of the configured currency's unit, by the price table in the configuration; `None`
    /// where the model has no price there.
    pub cost_micros: Option<u64>,
}

/// What a model answered. Unvalidated. Its `Debug` shows no content.
#[derive(Clone, PartialEq, Eq)]
pub struct ModelReply {
    /// The text, as it came.
    pub text: String,
    /// Why it stopped.
    pub stop: Stop,
    /// What it used.
    pub usage: Usage,
    /// The endpoint's id of the request, for support cases; kept sealed.
    pub request_id: Option<String>,
    /// The model that answered, as the endpoint names it; kept sealed.
    pub model: Option<String>,
}

impl std::fmt::Debug for ModelReply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "ModelReply({} bytes, {:?}, {:?})",
            self.text.len(),
            self.stop,
            self.usage
        )
    }
}

/// Why a model, a source or a tool gave no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallFault {
    /// Refused, reset, overloaded, rate limited, or an error of the far side.
    Unavailable,
    /// Over its time.
    Timeout,
    /// The far side says the request is wrong: trying again does not help.
    Rejected,
    /// The credential was not accepted, or the account is suspended.
    Credential,
    /// More bytes than allowed, a wrong content type, or bytes that are no answer.
    Malformed,
    /// The address or redirect is not on the list.
    Egress,
    /// A secret, endpoint or connector is not configured.
    Configuration,
    /// The machine's own check refused it just before it was performed.
    Withdrawn,
}

impl CallFault {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Unavailable,
        Self::Timeout,
        Self::Rejected,
        Self::Credential,
        Self::Malformed,
        Self::Egress,
        Self::Configuration,
        Self::Withdrawn,
    ];

    /// The name in entries.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Rejected => "rejected",
            Self::Credential => "credential",
            Self::Malformed => "malformed",
            Self::Egress => "egress",
            Self::Configuration => "configuration",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The fault of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|x| x.as_str() == text)
    }
}
