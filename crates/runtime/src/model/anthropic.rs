//! The Anthropic Messages API, version 2026-10-21: one system text, one user message, the schema as
//! `output_config.format`. No tools, no streaming, no sampling parameters (that version refuses them).

use async_trait::async_trait;
use interlock_core::limits;
use interlock_core::pipeline::model::{ModelReply, Showing, Stop, Usage};
use serde::Deserialize;
use serde_json::{Value, json};

use super::schema::{Dialect, adapt};
use super::{ModelFailure, ModelProvider, ModelSetupFault, Question, Reached};

/// The API version that requests are written for.
const VERSION: &str = "2026-10-21";

/// One endpoint that speaks the Messages API.
pub struct Anthropic(Reached);

impl Anthropic {
    pub(crate) fn new(reached: Reached) -> Result<Self, ModelSetupFault> {
        if reached.secret.is_none() {
            return Err(ModelSetupFault::Secret(reached.name));
        }
        Ok(Self(reached))
    }

    pub(super) async fn ask(&self, question: Question<'_>) -> Result<ModelReply, ModelFailure> {
        let body = json!({
            "model": self.0.model,
            "max_tokens": question.output_tokens_max,
            "system": question.prompt.system,
            "messages": [{"role": "user", "content": question.prompt.user}],
            "output_config": {"format": {
                "type": "json_schema",
                "schema": adapt(question.schema, Dialect::Structure),
            }},
        });
        let headers = [
            ("anthropic-version", VERSION),
            ("accept", "application/json"),
        ];
        let (answer, value) = self.0.post("/v1/messages", &headers, &body).await?;
        let message = Message::deserialize(value).map_err(|_content| self.0.malformed(&answer))?;
        let text: String = message.content.iter().filter_map(Block::text).collect();
        if text.len() > limits::REPLY_BYTES_MAX {
            return Err(self.0.malformed(&answer));
        }
        let usage = self.0.priced(message.usage.total());
        let request_id = answer.header("request-id").map(str::to_owned);
        let stop = stop(message.stop_reason.as_deref());
        Ok(ModelReply {
            text,
            stop,
            usage,
            request_id,
            model: message.model,
        })
    }
}

#[async_trait]
impl ModelProvider for Anthropic {
    async fn show(&self, showing: &Showing) -> Result<ModelReply, ModelFailure> {
        self.ask(Question::of(showing)).await
    }
}

/// A message, as far as it is used here; more members may come.
#[derive(Deserialize)]
struct Message {
    content: Vec<Block>,
    stop_reason: Option<String>,
    model: Option<String>,
    usage: Tokens,
}

#[derive(Deserialize)]
struct Block {
    #[serde(rename = "type")]
    kind: String,
    text: Option<Value>,
}

impl Block {
    /// Its text: thinking and all other kinds of blocks are no part of an answer.
    fn text(&self) -> Option<&str> {
        if self.kind == "text" {
            self.text.as_ref()?.as_str()
        } else {
            None
        }
    }
}

#[derive(Deserialize)]
struct Tokens {
    input_tokens: u64,
    output_tokens: u64,
    #[serde(default)]
    cache_creation_input_tokens: Option<u64>,
    #[serde(default)]
    cache_read_input_tokens: Option<u64>,
}

impl Tokens {
    fn total(&self) -> Usage {
        let cached_tokens = self.cache_read_input_tokens.unwrap_or(0);
        let created = self.cache_creation_input_tokens.unwrap_or(0);
        Usage {
            input_tokens: self
                .input_tokens
                .saturating_add(created)
                .saturating_add(cached_tokens),
            cached_tokens,
            output_tokens: self.output_tokens,
            cost_micros: None,
        }
    }
}

fn stop(reason: Option<&str>) -> Stop {
    match reason {
        Some("end_turn" | "stop_sequence") => Stop::End,
        Some("max_tokens" | "model_context_window_exceeded") => Stop::Length,
        Some("refusal") => Stop::Refusal,
        Some(_) | None => Stop::Other,
    }
}
