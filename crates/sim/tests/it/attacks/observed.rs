//! The attacker's model, which says what it is told to, and what it was shown: evidence must have stayed data.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use interlock_core::pipeline::model::{ModelReply, PromptText, Showing};
use interlock_runtime::model::scripted::ScriptedModel;
use interlock_runtime::model::{ModelFailure, ModelProvider};
use interlock_sim::attack::Attack;

/// A model that says what it is told to, and remembers what it was shown.
pub(super) struct Observed {
    model: ScriptedModel,
    prompts: Mutex<Vec<PromptText>>,
}

impl Observed {
    pub(super) fn new(model: ScriptedModel) -> Self {
        Self {
            model,
            prompts: Mutex::default(),
        }
    }

    /// What it was shown, in order.
    pub(super) fn prompts(&self) -> Vec<PromptText> {
        self.prompts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn remember(&self, prompt: &PromptText) {
        let mut prompts = self.prompts.lock().unwrap_or_else(PoisonError::into_inner);
        prompts.push(prompt.clone());
    }
}

#[async_trait]
impl ModelProvider for Observed {
    async fn show(&self, showing: &Showing) -> Result<ModelReply, ModelFailure> {
        self.remember(showing.prompt());
        self.model.show(showing).await
    }
}

/// What the evidence says stands in the data block alone, whatever delimiters it makes up.
pub(super) fn check_prompt(name: &str, attack: &Attack, prompt: &PromptText) {
    let (_, after) = prompt.system.split_once("`<<<data ").unwrap_or_default();
    let (delimiter, _) = after.split_once(">>>`").unwrap_or_default();
    assert!(
        delimiter.len() >= 16,
        "{name}: a delimiter that can be guessed"
    );
    let mut outside = prompt.system.clone();
    let mut inside = String::new();
    let (open, close) = (
        format!("<<<data {delimiter}>>>"),
        format!("<<<end of data {delimiter}>>>"),
    );
    for (place, piece) in prompt.user.split(&open).enumerate() {
        match piece.split_once(&close) {
            Some((data, text)) if place > 0 => {
                inside.push_str(data);
                outside.push_str(text);
            }
            _ => outside.push_str(piece),
        }
    }
    for line in &attack.lines {
        assert!(
            !line.contains(delimiter),
            "{name}: the delimiter was guessed"
        );
        assert!(
            inside.contains(line) && !outside.contains(line),
            "{name}: `{line}` got out"
        );
    }
}
