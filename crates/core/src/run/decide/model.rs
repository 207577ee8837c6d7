//! A model is asked and its reply judged: prompt assembled by label, policy asked with the labels of all that is
//! shown, the reply validated whatever the provider promised.

use std::collections::BTreeSet;

use super::super::labels;
use super::Turn;
use super::requests::Asked;
use super::retrieve::cause;
use crate::id::{CallId, ModelAlias};
use crate::label::{Integrity, Label};
use crate::pipeline::model::{CallFault, ModelReply};
use crate::pipeline::policy::{Action, Downgrade, Request, Reshaped, Resource};
use crate::pipeline::prompt::{assemble, shown_label};
use crate::pipeline::validation::{Evidence, Rejection, validate};
use crate::registry::Endpoint;
use crate::run::event::Cause;
use crate::run::shown::group;
use crate::run::{Event, FieldName, Phase, Refusal, RejectReason, ShownFields, Slot};
use crate::seams::{Piece, Violation};
use crate::workflow::{ModelStep, Node, NodeKind, Prompt, Root};

/// What a prompt shows, by label.
pub(super) struct Shown {
    pub(super) slots: Vec<Label>,
    pub(super) control: Label,
}

impl Shown {
    pub(super) fn of(
        program: &super::Program<'_>,
        state: &super::State,
        node: &Node,
        prompt: &Prompt,
    ) -> Self {
        Self {
            slots: prompt
                .slots
                .iter()
                .map(|references| labels::of_references(program, state, references))
                .collect(),
            control: labels::of_references(
                program,
                state,
                node.control.iter().chain(&prompt.choices),
            ),
        }
    }

    pub(super) fn label(&self, endpoint: &Endpoint, downgrades: &BTreeSet<Downgrade>) -> Label {
        shown_label(&self.slots, &self.control, endpoint, downgrades)
    }

    /// The fields that the slots in these pieces read, by their own labels; what only chooses which slots there are
    /// is in the prompt's label.
    fn fields(
        &self,
        program: &super::Program<'_>,
        state: &super::State,
        prompt: &Prompt,
        pieces: &[Piece],
        endpoint: &Endpoint,
        downgrades: &BTreeSet<Downgrade>,
    ) -> (Vec<ShownFields>, u32) {
        let used: BTreeSet<usize> = pieces
            .iter()
            .filter_map(|piece| match piece {
                Piece::Slot { slot, .. } => Some(*slot),
                Piece::System(_) | Piece::User(_) => None,
            })
            .collect();
        let fields = used.into_iter().flat_map(|slot| {
            let label = self.slots.get(slot);
            let over = label.is_some_and(|label| endpoint.exceeded_by(label));
            let withheld = over && !downgrades.is_empty();
            let references = prompt.slots.get(slot).into_iter().flatten();
            references.map(move |reference| {
                let label = labels::of_reference(program, state, reference);
                (FieldName::of(reference), label, withheld)
            })
        });
        group(fields)
    }

    pub(super) fn reshaped(
        &self,
        endpoint: &Endpoint,
        downgrades: &BTreeSet<Downgrade>,
    ) -> Reshaped {
        let label = self.label(endpoint, downgrades);
        Reshaped {
            exceeds_clearance: endpoint.exceeded_by(&label),
            label,
        }
    }
}

/// The request to show a prompt to an endpoint, the same when it is decided and just before it is shown.
pub(super) fn call_model<'a>(
    asked: &Asked<'a>,
    node: &'a Node,
    prompt: &Prompt,
    endpoint: &'a Endpoint,
    label: &'a Label,
    downgrades: BTreeSet<Downgrade>,
    attempt: u16,
) -> Request<'a> {
    let mut request = asked.request(
        Action::CallModel,
        Resource::Endpoint(endpoint),
        label,
        Some(&node.step),
    );
    request.context.class = Some(prompt.class);
    request.context.exceeds_clearance = endpoint.exceeded_by(label);
    request.context.downgrades = downgrades;
    request.context.attempt = attempt;
    request
}

impl Turn<'_> {
    pub(super) fn ask_model(
        &mut self,
        index: usize,
        node: &Node,
        step: &ModelStep,
    ) -> Result<(), Refusal> {
        let prompt = self
            .program
            .prompts
            .get(&step.prompt)
            .ok_or(Refusal::Bug("the prompt is not in the bundle"))?;
        let alias: ModelAlias = self
            .state
            .model
            .clone()
            .unwrap_or_else(|| step.model.clone());
        let attempt = self
            .state
            .attempts
            .get(&node.step)
            .copied()
            .unwrap_or(0)
            .saturating_add(1);
        let Some(endpoint) = self.program.registry.endpoint(&alias) else {
            return self.fall(index, Cause::Unavailable);
        };
        let mut pieces = match self
            .program
            .templates
            .render(&prompt.name, &self.opened.scope)
        {
            Ok(pieces) => pieces,
            Err(fault) => return self.template_failed(index, &node.step, &fault),
        };
        if !self.opened.problems.is_empty() {
            pieces.push(Piece::User(repair_note(&self.opened.problems)));
        }
        let shown = Shown::of(self.program, &self.state, node, prompt);
        let label = shown.label(endpoint, &BTreeSet::new());
        if !self.label_fits(Some(&node.step), &label)? {
            return self.fall(index, Cause::Invalid);
        }
        let state = self.state.clone();
        let asked = Asked::new(self.program, &state, self.now)?;
        let request = call_model(
            &asked,
            node,
            prompt,
            endpoint,
            &label,
            BTreeSet::new(),
            attempt,
        );
        let reshape = |downgrades: &BTreeSet<Downgrade>| shown.reshaped(endpoint, downgrades);
        let (_, permit) = self.ask(&request, Some(&reshape), endpoint.name.as_str(), None)?;
        // A review of a prompt before it is shown has no place in a workflow yet: it is a denial for the step.
        let Some(permit) = permit else {
            return self.fall(index, Cause::Denied);
        };
        let delimiter = self.fresh.delimiter();
        let assembled = match assemble(
            prompt,
            &pieces,
            &shown.slots,
            &shown.control,
            endpoint,
            permit.downgrades(),
            &delimiter,
        ) {
            Ok(assembled) => assembled,
            Err(fault) => {
                let violation = Violation {
                    at: String::new(),
                    keyword: "prompt".to_owned(),
                    expected: fault.to_string(),
                };
                self.intake_rejected(Some(&node.step), &[violation])?;
                return self.fall(index, Cause::Invalid);
            }
        };
        let call = self.call();
        let content =
            serde_json::json!({ "system": assembled.text.system, "user": assembled.text.user });
        let payload = self.draft(Slot::Prompt, &assembled.label, content);
        let (fields, fields_left_out) = shown.fields(
            self.program,
            &self.state,
            prompt,
            &pieces,
            endpoint,
            permit.downgrades(),
        );
        if let Some(draft) = self.out.drafts.last_mut() {
            draft.parts.slots = shown.slots;
            draft.parts.spans = assembled.spans;
        }
        self.say(Event::ModelRequested {
            node: index,
            step: node.step.clone(),
            call,
            model: alias,
            endpoint: endpoint.name.clone(),
            prompt_name: prompt.name.clone(),
            prompt_version: prompt.digest,
            prompt: payload,
            label: assembled.label,
            downgrades: permit.downgrades().clone(),
            shown: (assembled.shown, assembled.withheld),
            fields,
            fields_left_out,
            attempt,
        })
    }

    pub(super) fn replied(
        &mut self,
        call: CallId,
        result: Result<ModelReply, CallFault>,
    ) -> Result<(), Refusal> {
        let Phase::Asking {
            node: index,
            step,
            call: current,
            label,
            ..
        } = self.state.phase.clone()
        else {
            return Err(self.not_now("a model's reply"));
        };
        if call != current {
            return Err(Refusal::NotCurrent("the model's call"));
        }
        let node = self.node(index)?;
        let NodeKind::Model(model) = &node.kind else {
            return Err(Refusal::Bug("a reply to a node that asks no model"));
        };
        let reply = match result {
            Ok(reply) => reply,
            Err(fault) => {
                self.say(Event::CallFailed {
                    step,
                    call: Some(call),
                    fault,
                })?;
                return self.fall(index, cause(fault));
            }
        };
        let content = serde_json::json!({
            "text": reply.text, "request_id": reply.request_id, "model": reply.model,
        });
        let payload = self.draft(Slot::Reply, &label, content);
        self.say(Event::ModelReplied {
            step: step.clone(),
            call,
            reply: payload,
            stop: reply.stop,
            usage: reply.usage,
        })?;

        let scope = std::mem::take(&mut self.opened.scope);
        let judged = validate(
            self.program.shapes,
            &model.output,
            &reply,
            &evidence(model, &scope),
        );
        self.opened.scope = scope;
        match judged {
            Ok(validated) => self.accept_output(index, node, model, validated.into_value(), &label),
            Err(Rejection::Invalid(reason, violations)) => {
                self.reject_output(&step, call, reason, &violations)?;
                self.fall(index, Cause::Invalid)
            }
            Err(Rejection::Uncertain(reason, violations)) => {
                self.reject_output(&step, call, reason, &violations)?;
                self.fall(index, Cause::Uncertain)
            }
        }
    }

    fn reject_output(
        &mut self,
        step: &crate::id::StepName,
        call: CallId,
        reason: RejectReason,
        violations: &[Violation],
    ) -> Result<(), Refusal> {
        let problems = self.problems(violations);
        let count = u32::try_from(violations.len()).unwrap_or(u32::MAX);
        self.say(Event::OutputRejected {
            step: step.clone(),
            call,
            reason,
            violations: count,
            problems,
        })
    }

    /// Takes a judged output; where the step declares a review, people come first.
    pub(super) fn accept_output(
        &mut self,
        index: usize,
        node: &Node,
        step: &ModelStep,
        value: serde_json::Value,
        label: &Label,
    ) -> Result<(), Refusal> {
        // What a model writes is untrusted even when all that it was shown is trusted: the model itself is not.
        let label = Label {
            integrity: Integrity::Untrusted,
            ..label.clone()
        };
        let output = self.draft(Slot::Output, &label, value.clone());
        self.say(Event::OutputAccepted {
            step: node.step.clone(),
            output,
            label: label.clone(),
            schema: step.output.clone(),
            next: node.next,
        })?;
        match &step.review {
            None => Ok(()),
            Some(spec) => self.review_output(index, node, spec, value, &label),
        }
    }
}

/// Where a step's quotes must stand, as opened values.
pub(super) fn evidence<'e>(
    step: &'e ModelStep,
    scope: &'e crate::seams::Scope,
) -> Vec<Evidence<'e>> {
    step.evidence
        .iter()
        .map(|check| {
            let texts = check
                .within
                .iter()
                .flat_map(|reference| match &reference.root {
                    Root::Inputs => reference.path.select(&scope.inputs),
                    Root::Step(step) => scope
                        .outputs
                        .get(step)
                        .map(|value| reference.path.select(value))
                        .unwrap_or_default(),
                    Root::Run => reference.path.select(&scope.run),
                })
                .collect();
            (&check.quotes, texts)
        })
        .collect()
}

/// Names the faults of the last reply by place and expectation, never by content.
fn repair_note(problems: &[Violation]) -> String {
    let list: String = problems
        .iter()
        .map(|problem| {
            let at = if problem.at.is_empty() {
                "the answer"
            } else {
                problem.at.as_str()
            };
            format!("- {at}: expected {}\n", problem.expected)
        })
        .collect();
    format!(
        "\n\nYour last answer was not accepted:\n{list}Answer again with one JSON object that fits the schema.\n"
    )
}
