//! Lays a written workflow out as core's flat graph. Everything that a step names must be there, everything that
//! it reads must have run, and every act must have a person or a standing authorisation behind it.

use std::collections::{BTreeMap, BTreeSet};

use interlock_core::id::{PromptName, SourceName, StepName, ToolName};
use interlock_core::registry::{Source, Tool};
use interlock_core::workflow::{
    Arm, Compose, Condition, Fallbacks, Next, Node, NodeKind, Output, Reference, ReviewStep,
    Workflow,
};

use super::audience;
use super::declare::{self, Action, Step, size};
use super::fallback::{self, Rules};
use super::reads::{Gives, Readable};
use crate::manifest::Manifest;
use crate::node::{Kind, Node as Tree};
use crate::problem::{Span, one_of};
use crate::prompt::PromptFile;
use crate::reader::Reader;
use crate::registry::labelled;
use crate::schema::{BundleShapes, Schema};
use crate::template::BundleTemplates;
use crate::template::compose::{Made, compose, single};

mod steps;

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
    let mut layer = Layer {
        source,
        around,
        tables,
        readable,
        nodes: Vec::new(),
        sound: true,
    };
    layer.steps(&written.steps, Next::End, &[], reader);
    let value = layer.composed(written.output.value, true, reader);
    if let (Some((_, made)), Some(schema)) =
        (&value, around.shapes.schema(&written.output.schema.value))
    {
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
            value: Compose {
                id,
                leaves: made.leaves,
            },
            audience: written.output.audience,
            decision: written.output.decision,
            review: written.output.review.clone(),
        },
        nodes,
        start: if written.steps.is_empty() {
            Next::End
        } else {
            Next::Node(0)
        },
    };
    if !sound {
        return None;
    }
    let slots = |step: &StepName| {
        let prompt = workflow
            .nodes
            .iter()
            .find(|node| node.step == *step)
            .and_then(|node| match &node.kind {
                NodeKind::Model(model) => around.prompts.get(&model.prompt),
                _ => None,
            });
        prompt
            .map(|prompt| prompt.prompt.slots.concat())
            .unwrap_or_default()
    };
    for (step, exit) in audience::unseen(&workflow, slots) {
        let span = names.get(&step).cloned().unwrap_or_default();
        let message = format!(
            "the text of `{step}` is for outside readers and reaches {exit} without a person's verdict"
        );
        reader.refuse(&span, message, "add `review: { role: …, expires: 4h }` to this step, or to everything that its text reaches");
    }
    Some(workflow)
}

fn collect(steps: &[Step<'_>], names: &mut BTreeMap<StepName, Span>, reader: &mut Reader<'_>) {
    for step in steps {
        if names
            .insert(step.id.value.clone(), step.id.span.clone())
            .is_some()
        {
            let message = format!("two steps are called `{}`", step.id.value);
            reader.refuse(&step.id.span, message, "give one of them another `id`");
        }
        if let Action::Branch(arms) = &step.action {
            arms.iter()
                .for_each(|arm| collect(&arm.steps, names, reader));
        }
    }
}

/// Refuses members that the schema does not declare, and required ones that are not composed.
fn fits(node: &Tree, made: &Made, schema: &Schema, reader: &mut Reader<'_>) {
    for leaf in &made.leaves {
        if let Err(astray) = schema.leads(&leaf.path) {
            let hint = one_of(&astray.member, astray.declared.iter().map(String::as_str));
            let key = node
                .members()
                .iter()
                .find(|(key, _)| key.name == astray.member)
                .map(|(key, _)| &key.span);
            let span = key.unwrap_or(&node.span).clone();
            reader.refuse(
                &span,
                format!("there is no `{}` in {}", astray.member, schema.file),
                hint,
            );
        }
    }
    let Kind::Map(members) = &node.kind else {
        return;
    };
    for name in schema.required() {
        if !members.iter().any(|(key, _)| key.name == name) {
            reader.refuse(
                &node.span,
                format!(
                    "`{name}` is required by {} and not composed here",
                    schema.file
                ),
                format!("add `{name}: …`"),
            );
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
    fn steps(
        &mut self,
        steps: &[Step<'_>],
        after: Next,
        control: &[Reference],
        reader: &mut Reader<'_>,
    ) {
        for (at, step) in steps.iter().enumerate() {
            let next = if at + 1 == steps.len() {
                after
            } else {
                Next::Node(self.nodes.len() + size(step))
            };
            self.step(step, next, control, reader);
        }
    }

    fn step(
        &mut self,
        step: &Step<'_>,
        next: Next,
        control: &[Reference],
        reader: &mut Reader<'_>,
    ) {
        let tainted = control
            .iter()
            .any(|reference| self.readable.is_untrusted(reference));
        let mut gives = Gives {
            schema: None,
            output: true,
            tainted,
        };
        if let Action::Branch(arms) = &step.action {
            gives.output = false;
            self.fallbacks(
                step,
                Rules {
                    step: "a branch",
                    required: &[],
                    optional: &[],
                    ai: false,
                    output: None,
                },
                reader,
            );
            self.readable.gives.insert(step.id.value.clone(), gives);
            return self.branch(step, arms, next, control, reader);
        }
        let made = match &step.action {
            Action::Model(model) => self.model(step, model, &mut gives, reader),
            Action::Retrieve {
                source,
                query,
                reconcile,
            } => self.retrieve(step, source, query, *reconcile, &mut gives, reader),
            Action::Tool { .. } => self.tool(step, &mut gives, reader),
            Action::Review { show, review } => {
                gives.output = false;
                let rules = Rules {
                    step: "a review step",
                    required: &["on_denied"],
                    optional: &["on_timeout"],
                    ai: false,
                    output: None,
                };
                let fallbacks = self.fallbacks(step, rules, reader);
                let show = self.composed(show, false, reader);
                show.zip(fallbacks).map(|((id, made), fallbacks)| {
                    let show = Compose {
                        id,
                        leaves: made.leaves,
                    };
                    (
                        NodeKind::Review(ReviewStep {
                            show,
                            review: review.clone(),
                        }),
                        fallbacks,
                    )
                })
            }
            Action::Branch(_) => None,
        };
        self.readable.gives.insert(step.id.value.clone(), gives);
        self.readable.certain.insert(step.id.value.clone());
        self.push(step, made, next, control);
    }

    /// A refused step still takes its place, so that the places after it are right.
    fn push(
        &mut self,
        step: &Step<'_>,
        made: Option<(NodeKind, Fallbacks)>,
        next: Next,
        control: &[Reference],
    ) {
        self.sound &= made.is_some();
        let (kind, fallbacks) =
            made.unwrap_or_else(|| (NodeKind::Branch(Vec::new()), Fallbacks::default()));
        self.nodes.push(Node {
            step: step.id.value.clone(),
            control: control.to_vec(),
            kind,
            fallbacks,
            next,
        });
    }

    fn branch(
        &mut self,
        step: &Step<'_>,
        arms: &[declare::Arm<'_>],
        next: Next,
        control: &[Reference],
        reader: &mut Reader<'_>,
    ) {
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
            let to = if arm.steps.is_empty() {
                next
            } else {
                Next::Node(start)
            };
            start += arm.steps.iter().map(size).sum::<usize>();
            made.push(Arm {
                when: when.flatten(),
                to,
            });
        }
        self.push(
            step,
            Some((NodeKind::Branch(made), Fallbacks::default())),
            next,
            control,
        );
        let before = self.readable.certain.clone();
        let mut after: Option<BTreeSet<StepName>> = None;
        for (arm, control) in arms.iter().zip(&controls) {
            self.readable.certain = before.clone();
            self.steps(&arm.steps, next, control, reader);
            let here = std::mem::take(&mut self.readable.certain);
            after = Some(after.map_or_else(
                || here.clone(),
                |known| known.intersection(&here).cloned().collect(),
            ));
        }
        self.readable.certain = after.unwrap_or(before);
    }

    fn condition(&mut self, node: &Tree, reader: &mut Reader<'_>) -> Option<Condition> {
        let (compiled, reads) = single(node, self.source, reader)?;
        if !self
            .readable
            .check(&reads, reader.file, false, reader.report)
        {
            return None;
        }
        let references = compiled.references().collect();
        Some(Condition {
            id: self.tables.templates.add_condition(compiled),
            references,
        })
    }

    fn composed(
        &mut self,
        node: &Tree,
        all: bool,
        reader: &mut Reader<'_>,
    ) -> Option<(usize, Made)> {
        let made = compose(node, self.source, reader)?;
        if !self
            .readable
            .check(&made.reads, reader.file, all, reader.report)
        {
            return None;
        }
        Some((
            self.tables.templates.add_composed(made.composed.clone()),
            made,
        ))
    }

    fn fallbacks(
        &mut self,
        step: &Step<'_>,
        rules: Rules<'_>,
        reader: &mut Reader<'_>,
    ) -> Option<Fallbacks> {
        let mut around = fallback::Surroundings {
            shapes: self.around.shapes,
            models: self
                .around
                .manifest
                .models_known
                .then_some(&self.around.manifest.models),
            degraded: &mut self.tables.degraded,
        };
        let made = fallback::make(&step.fallbacks, rules, &step.id.span, &mut around, reader);
        self.sound &= made.is_some();
        made
    }
}
