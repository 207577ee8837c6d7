//! A caller asks for a run: identity is proven already; intake, then policy. Whatever comes of it, the request is
//! the first event of a run.

use serde_json::json;

use super::super::labels;
use super::Turn;
use super::requests::Asked;
use crate::label::{Label, Path};
use crate::limits;
use crate::pipeline::intake;
use crate::pipeline::policy::{Action, Resource};
use crate::run::state::Held;
use crate::run::{Event, Outcome, Phase, Refusal, Slot, Start};
use crate::seams::Violation;

impl Turn<'_> {
    pub(super) fn start(&mut self, start: Start) -> Result<(), Refusal> {
        if !matches!(self.state.phase, Phase::New) {
            return Err(self.not_now("a start"));
        }
        let workflow = self.program.workflow;
        self.say(Event::RunRequested {
            workflow: workflow.name.clone(),
            bundle: workflow.bundle.clone(),
            version: workflow.version,
            risk: workflow.risk,
            requester: start.requester.facts(),
            method: start.requester.method(),
            at: self.now,
        })?;
        let accepted = start.input.ok_or_else(not_json).and_then(|input| {
            intake::accept(
                self.program.shapes,
                &workflow.input,
                input,
                start.input_bytes,
                limits::INPUT_BYTES_MAX,
            )
        });
        let accepted = accepted.and_then(|value| {
            if start.subjects.len() > limits::SUBJECTS_MAX {
                Err(too_many_subjects())
            } else {
                Ok(value)
            }
        });
        let value = match accepted {
            Ok(value) => value.into_value(),
            Err(violations) => {
                self.intake_rejected(None, &violations)?;
                return self.say(Event::RunEnded {
                    outcome: Outcome::Rejected,
                    by: None,
                });
            }
        };
        let mut label = self
            .program
            .shapes
            .labels(&workflow.input)
            .at(&Path::root());
        label.subjects.extend(start.subjects.iter().copied());

        if !self.label_fits(None, &label)? {
            return self.say(Event::RunEnded {
                outcome: Outcome::Rejected,
                by: None,
            });
        }
        let state = self.state.clone();
        let asked = Asked::new(self.program, &state, self.now)?;
        let request = asked.request(Action::StartRun, Resource::Workflow, &label, None);
        let (decision, permit) = self.ask(&request, None, workflow.name.as_str(), None)?;
        if permit.is_none() {
            self.out.denied = Some(decision);
            return self.say(Event::RunEnded {
                outcome: Outcome::Denied,
                by: None,
            });
        }
        let input = self.draft(Slot::Input, &label, value);
        self.say(Event::RunStarted {
            input,
            label,
            next: workflow.start,
        })
    }

    /// Journals that something does not fit, with what was wrong sealed.
    pub(super) fn intake_rejected(
        &mut self,
        step: Option<&crate::id::StepName>,
        violations: &[Violation],
    ) -> Result<(), Refusal> {
        let problems = self.problems(violations);
        let count = u32::try_from(violations.len()).unwrap_or(u32::MAX);
        self.say(Event::IntakeRejected {
            step: step.cloned(),
            violations: count,
            problems,
        })
    }

    /// What was wrong, as a payload: places and expectations, never the value.
    pub(super) fn problems(&mut self, violations: &[Violation]) -> crate::id::PayloadId {
        let list: Vec<_> = violations
            .iter()
            .map(|v| json!({"at": v.at, "keyword": v.keyword, "expected": v.expected}))
            .collect();
        self.draft(
            Slot::Problems,
            &Label::literal(),
            json!({ "problems": list }),
        )
    }

    /// The label of a held value as a whole.
    pub(super) fn whole(&self, held: &Held) -> Label {
        labels::of_held(self.program, held, &Path::root())
    }
}

fn not_json() -> Vec<Violation> {
    vec![Violation {
        at: String::new(),
        keyword: "json".to_owned(),
        expected: "one JSON value and nothing else".to_owned(),
    }]
}

fn too_many_subjects() -> Vec<Violation> {
    vec![Violation {
        at: String::new(),
        keyword: "subjects".to_owned(),
        expected: format!(
            "at most {} people that the input is about",
            limits::SUBJECTS_MAX
        ),
    }]
}
