//! One function for each kind of step that reads, acts or asks a model: what it names must be there, what it
//! composes must fit, and an act needs a person or a standing authorisation.

use interlock_core::id::{PromptName, SourceName, ToolName};
use interlock_core::registry::{Effect, Source};
use interlock_core::workflow::{
    Compose, Fallbacks, ModelStep, NodeKind, QuoteCheck, Reconcile, RetrieveStep, RiskTier,
    ToolStep,
};

use super::{Layer, fits};
use crate::node::{Kind, Node as Tree};
use crate::problem::{Span, one_of};
use crate::prompt::PromptFile;
use crate::reader::{At, Reader};
use crate::registry::{labelled, path_in};
use crate::template::compose::place_span;
use crate::template::expression::{Compiled, Expression};
use crate::template::prompt::expression;
use crate::workflow::declare::{self, Action, Step};
use crate::workflow::fallback::{self, Rules};
use crate::workflow::reads::Gives;

impl Layer<'_, '_> {
    /// Something named that is not in the bundle.
    fn absent<'c>(
        &self,
        folder: &str,
        ending: &str,
        name: &str,
        span: &Span,
        known: impl Iterator<Item = &'c str>,
        reader: &mut Reader<'_>,
    ) {
        let file = format!("{folder}/{name}{ending}");
        if !self.around.broken.contains(&file) {
            reader.refuse(
                span,
                format!("`{file}` is not in this bundle"),
                one_of(name, known),
            );
        }
    }

    pub(super) fn model(
        &mut self,
        step: &Step<'_>,
        model: &declare::Model<'_>,
        gives: &mut Gives,
        reader: &mut Reader<'_>,
    ) -> Option<(NodeKind, Fallbacks)> {
        labelled(&model.output, self.around.shapes, reader);
        gives.schema = Some(model.output.value.clone());
        let all = &fallback::CASES;
        let rules = Rules {
            step: "an AI step",
            required: all,
            optional: &[],
            ai: true,
            output: Some(&model.output.value),
        };
        let fallbacks = self.fallbacks(step, rules, reader);
        let models = &self.around.manifest.models;
        let known = models.contains(&model.model.value) || !self.around.manifest.models_known;
        if !known {
            let hint = one_of(
                model.model.value.as_str(),
                models.iter().map(|alias| alias.as_str()),
            );
            let message = format!(
                "the model `{}` is not in `models` of interlock.yaml",
                model.model.value
            );
            reader.refuse(&model.model.span, message, hint);
        }
        let Some(prompt) = self.around.prompts.get(&model.prompt.value) else {
            let names = self.around.prompts.keys().map(PromptName::as_str);
            self.absent(
                "prompts",
                ".md",
                model.prompt.value.as_str(),
                &model.prompt.span,
                names,
                reader,
            );
            return None;
        };
        let sound = self.prompt(prompt, gives, reader);
        let mut evidence = Vec::new();
        for (quotes, within) in &model.evidence {
            evidence.push(self.quotes(quotes, within, model, prompt, reader));
        }
        let evidence: Option<Vec<QuoteCheck>> = evidence.into_iter().collect();
        let kind = NodeKind::Model(ModelStep {
            kind: model.kind,
            prompt: model.prompt.value.clone(),
            output: model.output.value.clone(),
            model: model.model.value.clone(),
            audience: model.audience,
            evidence: evidence?,
            review: model.review.clone(),
            output_tokens_max: model.output_tokens_max,
        });
        (sound && known).then_some((kind, fallbacks?))
    }

    /// Checks a prompt as this step would show it; what is wrong is said in the prompt's file.
    fn prompt(&self, prompt: &PromptFile, gives: &mut Gives, reader: &mut Reader<'_>) -> bool {
        let mut sound = true;
        for slot in &prompt.template.slots {
            sound &= self
                .readable
                .check(&slot.reads, &prompt.file, false, reader.report);
            let untrusted = sound
                && slot
                    .references
                    .iter()
                    .any(|reference| self.readable.is_untrusted(reference));
            gives.tainted |= untrusted;
            if slot.system && untrusted {
                let hint = "move it under `# user`, where untrusted values are shown as data";
                reader.report.refuse(
                    &prompt.file,
                    slot.span.clone(),
                    "an untrusted value stands in the system section",
                    hint,
                );
                sound = false;
            }
        }
        sound
    }

    fn quotes(
        &self,
        quotes: &Tree,
        within: &Tree,
        model: &declare::Model<'_>,
        prompt: &PromptFile,
        reader: &mut Reader<'_>,
    ) -> Option<QuoteCheck> {
        let quotes = path_in(quotes, &model.output.value, self.around.shapes, reader);
        let items = reader.list(within, interlock_core::limits::QUOTES_MAX)?;
        let mut references = Vec::new();
        for item in items {
            let text = reader.text(item)?;
            let Some(compiled) = bare_path(text) else {
                reader.refuse(
                    &item.span,
                    format!("`{text}` is not a path"),
                    "write for example `steps.fetch.output.lines`",
                );
                return None;
            };
            let reads: Vec<_> = compiled
                .reads
                .iter()
                .map(|(reference, span)| {
                    (reference.clone(), place_span(span, item, text, self.source))
                })
                .collect();
            if !self
                .readable
                .check(&reads, reader.file, false, reader.report)
            {
                return None;
            }
            for (reference, span) in reads {
                let shown = prompt.prompt.slots.iter().flatten().any(|slot| {
                    slot.root == reference.root
                        && (slot.path.contains(&reference.path)
                            || reference.path.contains(&slot.path))
                });
                if !shown {
                    reader.refuse(
                        &span,
                        format!("{} does not show `{text}`", prompt.file),
                        "quotes can only be of what the model was shown",
                    );
                    return None;
                }
                references.push(reference);
            }
        }
        Some(QuoteCheck {
            quotes: quotes?,
            within: references,
        })
    }

    pub(super) fn retrieve(
        &mut self,
        step: &Step<'_>,
        source: &At<SourceName>,
        query: &Tree,
        reconcile: Option<&Tree>,
        gives: &mut Gives,
        reader: &mut Reader<'_>,
    ) -> Option<(NodeKind, Fallbacks)> {
        let known = self.around.sources.get(&source.value);
        gives.schema = known.map(|known| known.result.clone());
        let required = &["on_invalid", "on_unavailable", "on_denied", "on_timeout"];
        let rules = Rules {
            step: "a retrieve step",
            required,
            optional: &[],
            ai: false,
            output: known.map(|known| &known.result),
        };
        let fallbacks = self.fallbacks(step, rules, reader);
        let composed = self.composed(query, false, reader);
        let Some(known) = known else {
            let names = self.around.sources.keys().map(SourceName::as_str);
            self.absent(
                "sources",
                ".yaml",
                source.value.as_str(),
                &source.span,
                names,
                reader,
            );
            return None;
        };
        let (id, made) = composed?;
        if let Some(schema) = self.around.shapes.schema(&known.query) {
            fits(query, &made, schema, reader);
        }
        let reconcile = match reconcile {
            Some(node) => Some(self.reconcile(node, source, known, reader)?),
            None => None,
        };
        let query = Compose {
            id,
            leaves: made.leaves,
        };
        Some((
            NodeKind::Retrieve(RetrieveStep {
                source: source.value.clone(),
                query,
                reconcile,
            }),
            fallbacks?,
        ))
    }

    fn reconcile(
        &mut self,
        node: &Tree,
        source: &At<SourceName>,
        known: &Source,
        reader: &mut Reader<'_>,
    ) -> Option<Reconcile> {
        if !known.register {
            let hint = "only a source that declares `register: true` can stand for a value";
            reader.refuse(
                &node.span,
                format!("the source `{}` is not a register", source.value),
                hint,
            );
            return None;
        }
        reader.fields(node, "a reconciliation")?;
        let (mut values, mut fields) = (Vec::new(), Vec::new());
        for (key, member) in node.members() {
            let mut inner = reader.fields(member, "a reconciled value")?;
            let value = inner.must("value", reader);
            let field = inner
                .must("field", reader)
                .and_then(|node| path_in(node, &known.result, self.around.shapes, reader));
            inner.end(reader);
            values.push((key.clone(), value?.clone()));
            fields.push((key.name.clone(), field?));
        }
        let values = Tree {
            span: node.span.clone(),
            kind: Kind::Map(values),
        };
        let (id, made) = self.composed(&values, false, reader)?;
        Some(Reconcile {
            expected: Compose {
                id,
                leaves: made.leaves,
            },
            fields,
        })
    }

    pub(super) fn tool(
        &mut self,
        step: &Step<'_>,
        gives: &mut Gives,
        reader: &mut Reader<'_>,
    ) -> Option<(NodeKind, Fallbacks)> {
        let Action::Tool {
            tool,
            arguments,
            review,
            standing,
            show,
        } = &step.action
        else {
            return None;
        };
        let known = self.around.tools.get(&tool.value);
        gives.schema = known.map(|known| known.result.clone());
        let required = &["on_invalid", "on_unavailable", "on_denied", "on_timeout"];
        let rules = Rules {
            step: "a tool step",
            required,
            optional: &[],
            ai: false,
            output: known.map(|known| &known.result),
        };
        let fallbacks = self.fallbacks(step, rules, reader);
        let composed = self.composed(arguments, false, reader);
        let show = show.as_ref().map(|show| self.composed(show, false, reader));
        let Some(known) = known else {
            let names = self.around.tools.keys().map(ToolName::as_str);
            self.absent(
                "tools",
                ".yaml",
                tool.value.as_str(),
                &tool.span,
                names,
                reader,
            );
            return None;
        };
        let (id, made) = composed?;
        if let Some(schema) = self.around.shapes.schema(&known.arguments) {
            fits(arguments, &made, schema, reader);
        }
        let mut sound = true;
        if review.is_none() && (known.effect == Effect::Irreversible || known.external) {
            let how = if known.effect == Effect::Irreversible {
                "cannot be undone"
            } else {
                "is seen outside"
            };
            if self.around.manifest.risk == RiskTier::Critical {
                reader.refuse(
                    &tool.span,
                    format!("what `{}` does {how}, and the risk is critical", tool.value),
                    "add `review: { role: …, expires: 4h }` to this step",
                );
                sound = false;
            } else if !standing {
                let hint = "add `review: { role: …, expires: 4h }`, or `standing: true` where policy authorises it in advance";
                reader.refuse(
                    &tool.span,
                    format!("what `{}` does {how}, and nobody is asked", tool.value),
                    hint,
                );
                sound = false;
            }
        }
        let show = match show {
            Some(found) => {
                let (id, made) = found?;
                Some(Compose {
                    id,
                    leaves: made.leaves,
                })
            }
            None => None,
        };
        let kind = NodeKind::Tool(ToolStep {
            tool: tool.value.clone(),
            arguments: Compose {
                id,
                leaves: made.leaves,
            },
            review: review.clone(),
            show,
        });
        sound.then_some((kind, fallbacks?))
    }
}

/// A path without braces.
fn bare_path(text: &str) -> Option<Compiled> {
    let parsed = minijinja::machinery::parse_expr(text).ok()?;
    let compiled = expression(&parsed, &[], text).ok()?;
    matches!(compiled.expression, Expression::Read { .. }).then_some(compiled)
}
