//! Templates and expressions of a bundle behind core's seam. Their syntax is MiniJinja's; what they read is
//! known from it before any value is there.

use std::collections::BTreeMap;

use serde_json::Value;

use interlock_core::id::PromptName;
use interlock_core::seams::{Piece, Scope, TemplateFault, Templates};

pub(crate) mod compose;
pub(crate) mod evaluate;
pub(crate) mod expression;
pub(crate) mod filter;
pub(crate) mod prompt;
#[cfg(test)]
mod tests;

use compose::Composed;
use expression::Compiled;
use prompt::PromptTemplate;

/// The templates of one bundle, by the ids that its workflows name.
#[derive(Debug, Clone, Default)]
pub struct BundleTemplates {
    prompts: BTreeMap<PromptName, PromptTemplate>,
    composed: Vec<Composed>,
    conditions: Vec<Compiled>,
}

impl BundleTemplates {
    pub(crate) fn add_prompt(&mut self, name: PromptName, template: PromptTemplate) {
        self.prompts.insert(name, template);
    }

    pub(crate) fn add_composed(&mut self, composed: Composed) -> usize {
        self.composed.push(composed);
        self.composed.len() - 1
    }

    pub(crate) fn add_condition(&mut self, condition: Compiled) -> usize {
        self.conditions.push(condition);
        self.conditions.len() - 1
    }
}

impl Templates for BundleTemplates {
    fn render(&self, prompt: &PromptName, scope: &Scope) -> Result<Vec<Piece>, TemplateFault> {
        let template = self.prompts.get(prompt);
        template
            .ok_or_else(|| TemplateFault::Unknown(format!("`{prompt}`")))?
            .render(scope)
    }

    fn compose(&self, id: usize, scope: &Scope, lenient: bool) -> Result<Value, TemplateFault> {
        let composed = self.composed.get(id);
        compose::evaluate(
            composed.ok_or_else(|| TemplateFault::Unknown(id.to_string()))?,
            scope,
            lenient,
        )
    }

    fn holds(&self, id: usize, scope: &Scope) -> Result<bool, TemplateFault> {
        let condition = self.conditions.get(id);
        evaluate::Frame::new(scope)
            .holds(condition.ok_or_else(|| TemplateFault::Unknown(id.to_string()))?)
    }
}
