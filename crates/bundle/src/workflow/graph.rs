//! Lays a written workflow out as core's flat graph. Everything that a step names must be there, everything that
//! it reads must have run, and every act must have a person or a standing authorisation behind it.

use std::collections::{BTreeMap, BTreeSet};

use interlock_core::id::{PromptName, SourceName, StepName, ToolName};
use interlock_core::label::Path;
use interlock_core::registry::{Effect, Source, Tool};
use interlock_core::workflow::{
    Arm, Compose, Condition, Fallbacks, ModelStep, Next, Node, NodeKind, Output, QuoteCheck, Reconcile, Reference,
    RetrieveStep, ReviewStep, RiskTier, ToolStep, Workflow,
};

use super::audience;
use super::declare::{self, Action, Step, size};
use super::fallback::{self, Rules};
use super::reads::{Gives, Readable};
use crate::manifest::Manifest;
use crate::node::{Kind, Node as Tree};
use crate::problem::{Span, one_of};
use crate::prompt::PromptFile;
use crate::reader::{At, Reader};
use crate::registry::{labelled, path_in};
use crate::schema::{BundleShapes, Schema};
use crate::template::BundleTemplates;
use crate::template::compose::{Made, compose, place_span, single};
use crate::template::expression::{Compiled, Expression};
use crate::template::prompt::expression;

/// What a workflow may name. A name in `broken` has a file that was itself refused.
#[derive(Debug)]
pub(crate) struct Surroundings<'s> {
    pub(crate) manifest: &'s Manifest,
    pub(crate) version: interlock_core::digest::Digest,
    pub(crate) shapes: &'s BundleShapes,
    pub(crate) prompts: &'s BTreeMap<PromptName, PromptFile>,
    pub(crate) sources: &'s BTreeMap<SourceName, Source>,
    pub(crate) tools: &'s BTreeMap<ToolName, Tool>,
    pub(crate) broken: &'s BTreeSet<String>,
}

/// What a workflow adds to the bundle's tables.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub(crate) templates: BundleTemplates,
    pub(crate) degraded: Vec<serde_json::Value>,
}

/// Lays a workflow out.
pub(crate) fn lay_out(
    written: &declare::Workflow<'_>,
    source: &str,
    around: &Surroundings<'_>,
    tables: &mut Tables,
    reader: &mut Reader<'_>,
) -> Option<Workflow> {
    let mut names = BTreeMap::new();
    collect(&written.steps, &mut names, reader);
    labelled(&written.input, around.shapes, reader);
    let steps: BTreeSet<StepName> = names.keys().cloned().collect();
    let readable = Readable {
        shapes: around.shapes,
        input: &written.input.value,
        steps: &steps,
        gives: BTreeMap::new(),
        certain: BTreeSet::new(),
    };
    let mut layer = Layer { source, around, tables, readable, nodes: Vec::new(), sound: true };
    layer.steps(&written.steps, Next::End, &[], reader);
    let value = layer.composed(written.output.value, true, reader);
    if let (Some((_, made)), Some(schema)) = (&value, around.shapes.schema(&written.output.schema.value)) {
        fits(written.output.value, made, schema, reader);
    }
    let Layer { nodes, sound, .. } = layer;
    let (id, made) = value?;
    let workflow = Workflow {
        name: written.name.value.clone(),
        bundle: around.manifest.name.clone(),
        version: around.version,
        risk: around.manifest.risk,
        input: written.input.value.clone(),
        output: Output {
            schema: written.output.schema.value.clone(),
            value: Compose { id, leaves: made.leaves },
            audience: written.output.audience,
            decision: written.output.decision,
            review: written.output.review.clone(),
        },
        nodes,
        start: if written.steps.is_empty() { Next::End } else { Next::Node(0) },
    };
    if !sound {
        return None;
    }
    let slots = |step: &StepName| {
        let prompt = workflow.nodes.iter().find(|node| node.step == *step).and_then(|node| match &node.kind {
            NodeKind::Model(model) => around.prompts.get(&model.prompt),
            _ => None,
        });
        prompt.map(|prompt| prompt.prompt.slots.concat()).unwrap_or_default()
    };
    for (step, exit) in audience::unseen(&workflow, slots) {
        let span = names.get(&step).cloned().unwrap_or_default();
        let message = format!("the text of `{step}` is for outside readers and reaches {exit} without a person's verdict");
        reader.refuse(&span, message, "add `review: { role: …, expires: 4h }` to this step, or to everything that its text reaches");
    }
    Some(workflow)
}

fn collect(steps: &[Step<'_>], names: &mut BTreeMap<StepName, Span>, reader: &mut Reader<'_>) {
    for step in steps {
        if names.insert(step.id.value.clone(), step.id.span.clone()).is_some() {
            let message = format!("two steps are called `{}`", step.id.value);
            reader.refuse(&step.id.span, message, "give one of them another `id`");
        }
        if let Action::Branch(arms) = &step.action {
            arms.iter().for_each(|arm| collect(&arm.steps, names, reader));
        }
    }
}

/// Refuses members that the schema does not declare, and required ones that are not composed.
fn fits(node: &Tree, made: &Made, schema: &Schema, reader: &mut Reader<'_>) {
    for leaf in &made.leaves {
        if let Err(astray) = schema.leads(&leaf.path) {
            let hint = one_of(&astray.member, astray.declared.iter().map(String::as_str));
            let key = node.members().iter().find(|(key, _)| key.name == astray.member).map(|(key, _)| &key.span);
            let span = key.unwrap_or(&node.span).clone();
            reader.refuse(&span, format!("there is no `{}` in {}", astray.member, schema.file), hint);
        }
    }
    let Kind::Map(members) = &node.kind else { return };
    for name in schema.required() {
        if !members.iter().any(|(key, _)| key.name == name) {
            reader.refuse(&node.span, format!("`{name}` is required by {} and not composed here", schema.file), format!("add `{name}: …`"));
        }
    }
}

struct Layer<'l, 's> {
    source: &'l str,
    around: &'l Surroundings<'s>,
    tables: &'l mut Tables,
    readable: Readable<'l>,
    nodes: Vec<Node>,
    sound: bool,
}

impl Layer<'_, '_> {
    fn steps(&mut self, steps: &[Step<'_>], after: Next, control: &[Reference], reader: &mut Reader<'_>) {
        for (at, step) in steps.iter().enumerate() {
            let next = if at + 1 == steps.len() { after } else { Next::Node(self.nodes.len() + size(step)) };
            self.step(step, next, control, reader);
        }
    }

    fn step(&mut self, step: &Step<'_>, next: Next, control: &[Reference], reader: &mut Reader<'_>) {
        let tainted = control.iter().any(|reference| self.readable.is_untrusted(reference));
        let mut gives = Gives { schema: None, output: true, tainted };
        if let Action::Branch(arms) = &step.action {
            gives.output = false;
            self.fallbacks(step, Rules { step: "a branch", required: &[], optional: &[], ai: false, output: None }, reader);
            self.readable.gives.insert(step.id.value.clone(), gives);
            return self.branch(step, arms, next, control, reader);
        }
        let made = match &step.action {
            Action::Model(model) => self.model(step, model, &mut gives, reader),
            Action::Retrieve { source, query, reconcile } => {
                self.retrieve(step, source, query, *reconcile, &mut gives, reader)
            }
            Action::Tool { .. } => self.tool(step, &mut gives, reader),
            Action::Review { show, review } => {
                gives.output = false;
                let rules = Rules { step: "a review step", required: &["on_denied"], optional: &["on_timeout"], ai: false, output: None };
                let fallbacks = self.fallbacks(step, rules, reader);
                let show = self.composed(show, false, reader);
                show.zip(fallbacks).map(|((id, made), fallbacks)| {
                    let show = Compose { id, leaves: made.leaves };
                    (NodeKind::Review(ReviewStep { show, review: review.clone() }), fallbacks)
                })
            }
            Action::Branch(_) => None,
        };
        self.readable.gives.insert(step.id.value.clone(), gives);
        self.readable.certain.insert(step.id.value.clone());
        self.push(step, made, next, control);
    }

    /// A refused step still takes its place, so that the places after it are right.
    fn push(&mut self, step: &Step<'_>, made: Option<(NodeKind, Fallbacks)>, next: Next, control: &[Reference]) {
        self.sound &= made.is_some();
        let (kind, fallbacks) = made.unwrap_or_else(|| (NodeKind::Branch(Vec::new()), Fallbacks::default()));
        self.nodes.push(Node { step: step.id.value.clone(), control: control.to_vec(), kind, fallbacks, next });
    }

    fn branch(&mut self, step: &Step<'_>, arms: &[declare::Arm<'_>], next: Next, control: &[Reference], reader: &mut Reader<'_>) {
        let mut start = self.nodes.len() + 1;
        let mut made = Vec::new();
        let mut controls = Vec::new();
        let mut around = control.to_vec();
        for arm in arms {
            let when = arm.when.map(|node| self.condition(node, reader));
            if let Some(Some(condition)) = &when {
                around.extend(condition.references.iter().cloned());
                around.sort();
                around.dedup();
            }
            self.sound &= !matches!(when, Some(None));
            controls.push(around.clone());
            let to = if arm.steps.is_empty() { next } else { Next::Node(start) };
            start += arm.steps.iter().map(size).sum::<usize>();
            made.push(Arm { when: when.flatten(), to });
        }
        self.push(step, Some((NodeKind::Branch(made), Fallbacks::default())), next, control);
        let before = self.readable.certain.clone();
        let mut after: Option<BTreeSet<StepName>> = None;
        for (arm, control) in arms.iter().zip(&controls) {
            self.readable.certain = before.clone();
            self.steps(&arm.steps, next, control, reader);
            let here = std::mem::take(&mut self.readable.certain);
            after = Some(after.map_or_else(|| here.clone(), |known| known.intersection(&here).cloned().collect()));
        }
        self.readable.certain = after.unwrap_or(before);
    }

    fn condition(&mut self, node: &Tree, reader: &mut Reader<'_>) -> Option<Condition> {
        let (compiled, reads) = single(node, self.source, reader)?;
        if !self.readable.check(&reads, reader.file, false, reader.report) {
            return None;
        }
        let references = compiled.references().collect();
        Some(Condition { id: self.tables.templates.add_condition(compiled), references })
    }

    fn composed(&mut self, node: &Tree, all: bool, reader: &mut Reader<'_>) -> Option<(usize, Made)> {
        let made = compose(node, self.source, reader)?;
        if !self.readable.check(&made.reads, reader.file, all, reader.report) {
            return None;
        }
        Some((self.tables.templates.add_composed(made.composed.clone()), made))
    }

    fn fallbacks(&mut self, step: &Step<'_>, rules: Rules<'_>, reader: &mut Reader<'_>) -> Option<Fallbacks> {
        let mut around = fallback::Surroundings {
            shapes: self.around.shapes,
            models: &self.around.manifest.models,
            degraded: &mut self.tables.degraded,
        };
        let made = fallback::make(&step.fallbacks, rules, &step.id.span, &mut around, reader);
        self.sound &= made.is_some();
        made
    }

    /// Something named that is not in the bundle.
    fn absent<'c>(&self, folder: &str, ending: &str, name: &str, span: &Span, known: impl Iterator<Item = &'c str>, reader: &mut Reader<'_>) {
        let file = format!("{folder}/{name}{ending}");
        if !self.around.broken.contains(&file) {
            reader.refuse(span, format!("`{file}` is not in this bundle"), one_of(name, known));
        }
    }

    fn model(&mut self, step: &Step<'_>, model: &declare::Model<'_>, gives: &mut Gives, reader: &mut Reader<'_>) -> Option<(NodeKind, Fallbacks)> {
        labelled(&model.output, self.around.shapes, reader);
        gives.schema = Some(model.output.value.clone());
        let all = &fallback::CASES;
        let rules = Rules { step: "an AI step", required: all, optional: &[], ai: true, output: Some(&model.output.value) };
        let fallbacks = self.fallbacks(step, rules, reader);
        let models = &self.around.manifest.models;
        let known = models.contains(&model.model.value);
        if !known {
            let hint = one_of(model.model.value.as_str(), models.iter().map(|alias| alias.as_str()));
            let message = format!("the model `{}` is not in `models` of interlock.yaml", model.model.value);
            reader.refuse(&model.model.span, message, hint);
        }
        let Some(prompt) = self.around.prompts.get(&model.prompt.value) else {
            let names = self.around.prompts.keys().map(PromptName::as_str);
            self.absent("prompts", ".md", model.prompt.value.as_str(), &model.prompt.span, names, reader);
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
            sound &= self.readable.check(&slot.reads, &prompt.file, false, reader.report);
            let untrusted = sound && slot.references.iter().any(|reference| self.readable.is_untrusted(reference));
            gives.tainted |= untrusted;
            if slot.system && untrusted {
                let hint = "move it under `# user`, where untrusted values are shown as data";
                reader.report.refuse(&prompt.file, slot.span.clone(), "an untrusted value stands in the system section", hint);
                sound = false;
            }
        }
        sound
    }

    fn quotes(&self, quotes: &Tree, within: &Tree, model: &declare::Model<'_>, prompt: &PromptFile, reader: &mut Reader<'_>) -> Option<QuoteCheck> {
        let quotes = path_in(quotes, &model.output.value, self.around.shapes, reader);
        let items = reader.list(within, interlock_core::limits::QUOTES_MAX)?;
        let mut references = Vec::new();
        for item in items {
            let text = reader.text(item)?;
            let Some(compiled) = bare_path(text) else {
                reader.refuse(&item.span, format!("`{text}` is not a path"), "write for example `steps.fetch.output.lines`");
                return None;
            };
            let reads: Vec<_> = compiled.reads.iter().map(|(reference, span)| (reference.clone(), place_span(span, item, text, self.source))).collect();
            if !self.readable.check(&reads, reader.file, false, reader.report) {
                return None;
            }
            for (reference, span) in reads {
                let shown = prompt.prompt.slots.iter().flatten().any(|slot| {
                    slot.root == reference.root && (slot.path.contains(&reference.path) || reference.path.contains(&slot.path))
                });
                if !shown {
                    reader.refuse(&span, format!("{} does not show `{text}`", prompt.file), "quotes can only be of what the model was shown");
                    return None;
                }
                references.push(reference);
            }
        }
        Some(QuoteCheck { quotes: quotes?, within: references })
    }

    fn retrieve(
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
        let rules = Rules { step: "a retrieve step", required, optional: &[], ai: false, output: known.map(|known| &known.result) };
        let fallbacks = self.fallbacks(step, rules, reader);
        let composed = self.composed(query, false, reader);
        let Some(known) = known else {
            let names = self.around.sources.keys().map(SourceName::as_str);
            self.absent("sources", ".yaml", source.value.as_str(), &source.span, names, reader);
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
        let query = Compose { id, leaves: made.leaves };
        Some((NodeKind::Retrieve(RetrieveStep { source: source.value.clone(), query, reconcile }), fallbacks?))
    }

    fn reconcile(&mut self, node: &Tree, source: &At<SourceName>, known: &Source, reader: &mut Reader<'_>) -> Option<Reconcile> {
        if !known.register {
            let hint = "only a source that declares `register: true` can stand for a value";
            reader.refuse(&node.span, format!("the source `{}` is not a register", source.value), hint);
            return None;
        }
        reader.fields(node, "a reconciliation")?;
        let (mut values, mut fields) = (Vec::new(), Vec::new());
        for (key, member) in node.members() {
            let mut inner = reader.fields(member, "a reconciled value")?;
            let value = inner.must("value", reader);
            let field = inner.must("field", reader).and_then(|node| path_in(node, &known.result, self.around.shapes, reader));
            inner.end(reader);
            values.push((key.clone(), value?.clone()));
            fields.push((key.name.clone(), field?));
        }
        let values = Tree { span: node.span.clone(), kind: Kind::Map(values) };
        let (id, made) = self.composed(&values, false, reader)?;
        Some(Reconcile { expected: Compose { id, leaves: made.leaves }, fields })
    }

    fn tool(&mut self, step: &Step<'_>, gives: &mut Gives, reader: &mut Reader<'_>) -> Option<(NodeKind, Fallbacks)> {
        let Action::Tool { tool, arguments, review, standing, show } = &step.action else { return None };
        let known = self.around.tools.get(&tool.value);
        gives.schema = known.map(|known| known.result.clone());
        let required = &["on_invalid", "on_unavailable", "on_denied", "on_timeout"];
        let rules = Rules { step: "a tool step", required, optional: &[], ai: false, output: known.map(|known| &known.result) };
        let fallbacks = self.fallbacks(step, rules, reader);
        let composed = self.composed(arguments, false, reader);
        let show = match show {
            Some(show) => Some(self.composed(show, false, reader)),
            None => None,
        };
        let Some(known) = known else {
            let names = self.around.tools.keys().map(ToolName::as_str);
            self.absent("tools", ".yaml", tool.value.as_str(), &tool.span, names, reader);
            return None;
        };
        let (id, made) = composed?;
        if let Some(schema) = self.around.shapes.schema(&known.arguments) {
            fits(arguments, &made, schema, reader);
        }
        let mut sound = true;
        if review.is_none() && (known.effect == Effect::Irreversible || known.external) {
            let how = if known.effect == Effect::Irreversible { "cannot be undone" } else { "is seen outside" };
            if self.around.manifest.risk == RiskTier::Critical {
                reader.refuse(&tool.span, format!("what `{}` does {how}, and the risk is critical", tool.value), "add `review: { role: …, expires: 4h }` to this step");
                sound = false;
            } else if !standing {
                let hint = "add `review: { role: …, expires: 4h }`, or `standing: true` where policy authorises it in advance";
                reader.refuse(&tool.span, format!("what `{}` does {how}, and nobody is asked", tool.value), hint);
                sound = false;
            }
        }
        let show = match show {
            Some(found) => {
                let (id, made) = found?;
                Some(Compose { id, leaves: made.leaves })
            }
            None => None,
        };
        let kind = NodeKind::Tool(ToolStep {
            tool: tool.value.clone(),
            arguments: Compose { id, leaves: made.leaves },
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
    let plain = matches!(compiled.expression, Expression::Read { .. }) && compiled.reads.iter().any(|(r, _)| r.path != Path::root());
    plain.then_some(compiled)
}
