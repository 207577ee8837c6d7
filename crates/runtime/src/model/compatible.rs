//! Any endpoint that speaks OpenAI's chat completions, above all models on the operator's own machines: the schema
//! as `response_format`, temperature 0. Servers differ in what they enforce; the validation room does not.

use async_trait::async_trait;
use interlock_core::limits;
use interlock_core::pipeline::model::{ModelReply, Showing, Stop, Usage};
use interlock_core::registry::Perimeter;
use serde::Deserialize;
use serde_json::json;

use super::schema::{Dialect, adapt};
use super::{ModelFailure, ModelProvider, Question, Reached};

/// One endpoint that speaks chat completions.
pub struct Compatible(Reached);

impl Compatible {
    pub(crate) const fn new(reached: Reached) -> Self {
        Self(reached)
    }

    pub(super) async fn ask(&self, question: Question<'_>) -> Result<ModelReply, ModelFailure> {
        let dialect = match self.0.perimeter {
            Perimeter::Inside => Dialect::Bounded,
            Perimeter::External => Dialect::Structure,
        };
        let body = json!({
            "model": self.0.model,
            "max_tokens": question.output_tokens_max,
            "temperature": 0,
            "stream": false,
            "messages": [
                {"role": "system", "content": question.prompt.system},
                {"role": "user", "content": question.prompt.user},
            ],
            "response_format": {"type": "json_schema", "json_schema": {
                "name": "outcome",
                "strict": true,
                "schema": adapt(question.schema, dialect),
            }},
        });
        let headers = [("accept", "application/json")];
        let (answer, value) = self.0.post("/chat/completions", &headers, &body).await?;
        let malformed = self.0.malformed(&answer);
        let completion = Completion::deserialize(value).map_err(|_content| malformed)?;
        let choice = completion.choices.into_iter().next().ok_or(malformed)?;
        let stop = choice.stop();
        let text = choice.message.content.unwrap_or_default();
        if text.len() > limits::REPLY_BYTES_MAX {
            return Err(malformed);
        }
        let usage = self
            .0
            .priced(completion.usage.map(Tokens::total).unwrap_or_default());
        let request_id = answer
            .header("x-request-id")
            .map(str::to_owned)
            .or(completion.id);
        Ok(ModelReply {
            text,
            stop,
            usage,
            request_id,
            model: completion.model,
        })
    }
}

#[async_trait]
impl ModelProvider for Compatible {
    async fn show(&self, showing: &Showing) -> Result<ModelReply, ModelFailure> {
        self.ask(Question::of(showing)).await
    }
}

/// A completion, as far as it is used here; more members may come.
#[derive(Deserialize)]
struct Completion {
    id: Option<String>,
    model: Option<String>,
    choices: Vec<Choice>,
    usage: Option<Tokens>,
}

#[derive(Deserialize)]
struct Choice {
    message: Said,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Said {
    content: Option<String>,
    refusal: Option<String>,
}

impl Choice {
    fn stop(&self) -> Stop {
        if self.message.refusal.is_some() {
            return Stop::Refusal;
        }
        match self.finish_reason.as_deref() {
            Some("stop") => Stop::End,
            Some("length") => Stop::Length,
            Some("content_filter") => Stop::Refusal,
            Some(_) | None => Stop::Other,
        }
    }
}

#[derive(Deserialize)]
struct Tokens {
    prompt_tokens: u64,
    completion_tokens: u64,
    prompt_tokens_details: Option<Details>,
}

#[derive(Deserialize)]
struct Details {
    cached_tokens: Option<u64>,
}

impl Tokens {
    fn total(self) -> Usage {
        Usage {
            input_tokens: self.prompt_tokens,
            cached_tokens: self
                .prompt_tokens_details
                .and_then(|details| details.cached_tokens)
                .unwrap_or(0),
            output_tokens: self.completion_tokens,
            cost_micros: None,
        }
    }
}
