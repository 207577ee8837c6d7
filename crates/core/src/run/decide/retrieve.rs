//! A source is read: query composed and checked, policy asked, the answer checked at the door. A register's record
//! may stand for values that equal it (reconciliation), by permit, and the entry names the record.

use serde_json::Value;

use super::super::labels;
use super::Turn;
use super::requests::Asked;
use crate::id::CallId;
use crate::label::{Integrity, Label, Path};
use crate::limits;
use crate::pipeline::intake;
use crate::pipeline::model::CallFault;
use crate::pipeline::policy::{Action, ArgumentFacts, Resource};
use crate::run::event::Cause;
use crate::run::{Event, Phase, Refusal, Slot};
use crate::workflow::{Node, NodeKind, RetrieveStep};

impl Turn<'_> {
    pub(super) fn retrieve(
        &mut self,
        index: usize,
        node: &Node,
        step: &RetrieveStep,
    ) -> Result<(), Refusal> {
        let source = self
            .program
            .registry
            .sources
            .get(&step.source)
            .ok_or(Refusal::Bug("the source is not in the registry"))?;
        let query = match self
            .program
            .templates
            .compose(step.query.id, &self.opened.scope, false)
        {
            Ok(query) => query,
            Err(fault) => return self.template_failed(index, &node.step, &fault),
        };
        let query = match intake::accept(
            self.program.shapes,
            &source.query,
            query,
            0,
            limits::INPUT_BYTES_MAX,
        ) {
            Ok(query) => query.into_value(),
            Err(violations) => {
                self.intake_rejected(Some(&node.step), &violations)?;
                return self.fall(index, Cause::Invalid);
            }
        };
        let label = labels::of_compose(self.program, &self.state, &step.query, &node.control);
        if !self.label_fits(Some(&node.step), &label)? {
            return self.fall(index, Cause::Invalid);
        }
        let state = self.state.clone();
        let asked = Asked::new(self.program, &state, self.now)?;
        let request = asked.request(
            Action::ReadSource,
            Resource::Source(source),
            &label,
            Some(&node.step),
        );
        let (_, permit) = self.ask(&request, None, source.name.as_str(), None)?;
        if permit.is_none() {
            return self.fall(index, Cause::Denied);
        }
        let call = self.call();
        let query = self.draft(Slot::Query, &label, query);
        self.say(Event::ReadRequested {
            node: index,
            step: node.step.clone(),
            call,
            source: source.name.clone(),
            query,
            label,
        })
    }

    pub(super) fn read(
        &mut self,
        call: CallId,
        result: Result<Value, CallFault>,
    ) -> Result<(), Refusal> {
        let Phase::Reading {
            node: index,
            step,
            call: current,
            source,
            label,
            ..
        } = self.state.phase.clone()
        else {
            return Err(self.not_now("a source's answer"));
        };
        if call != current {
            return Err(Refusal::NotCurrent("the source's call"));
        }
        let node = self.node(index)?;
        let NodeKind::Retrieve(retrieve) = &node.kind else {
            return Err(Refusal::Bug("a read of a node that is none"));
        };
        let source = self
            .program
            .registry
            .sources
            .get(&source)
            .ok_or(Refusal::Bug("the source is not in the registry"))?;
        let value = match result {
            Ok(value) => value,
            Err(fault) => {
                self.say(Event::CallFailed {
                    step,
                    call: Some(call),
                    fault,
                })?;
                return self.fall(index, cause(fault));
            }
        };
        let value = match intake::accept(
            self.program.shapes,
            &source.result,
            value,
            0,
            limits::SOURCE_BYTES_MAX,
        ) {
            Ok(value) => value.into_value(),
            Err(violations) => {
                self.intake_rejected(Some(&step), &violations)?;
                return self.fall(index, Cause::Invalid);
            }
        };
        // What chose the record is part of where it came from: an untrusted query gives an untrusted answer,
        // unless the answer stands for values that equal it.
        let mut floor = label;
        let record = crate::id::PayloadId::from_bytes(self.fresh.id());
        if source.register
            && let Some(fields) = self.equal_fields(retrieve, &value)
        {
            let endorsed = Label {
                integrity: Integrity::Trusted,
                ..floor.clone()
            };
            let state = self.state.clone();
            let asked = Asked::new(self.program, &state, self.now)?;
            let mut request = asked.request(
                Action::Endorse,
                Resource::Source(source),
                &floor,
                Some(&node.step),
            );
            request.context.arguments = Some(ArgumentFacts {
                value: &value,
                untrusted_sensitive: &[],
                audience_may_read: true,
                reconciled: true,
            });
            let (decision, permit) = self.ask(&request, None, source.name.as_str(), None)?;
            if permit.is_some() {
                self.say(Event::Endorsed {
                    step: step.clone(),
                    register: source.name.clone(),
                    record,
                    fields,
                    decision: decision.id,
                })?;
                floor = endorsed;
            }
        }
        let held_label = self
            .program
            .shapes
            .labels(&source.result)
            .at(&Path::root())
            .join(&floor);
        self.out.drafts.push(crate::run::Draft {
            id: record,
            slot: Slot::SourceResult,
            label: held_label,
            content: value,
            parts: crate::run::Parts::default(),
        });
        self.say(Event::ReadAccepted {
            step,
            call,
            output: record,
            label: floor,
            schema: source.result.clone(),
            next: node.next,
        })
    }

    /// How many values equal the record's fields, where all that are to be reconciled do; none otherwise.
    fn equal_fields(&self, step: &RetrieveStep, record: &Value) -> Option<u32> {
        let reconcile = step.reconcile.as_ref()?;
        let expected = self
            .program
            .templates
            .compose(reconcile.expected.id, &self.opened.scope, false)
            .ok()?;
        let mut equal = 0;
        for (member, field) in &reconcile.fields {
            let expected = expected.get(member)?;
            let found = field.select(record);
            let [one] = found.as_slice() else { return None };
            if expected.is_null() || *one != expected {
                return None;
            }
            equal += 1;
        }
        (equal > 0).then_some(equal)
    }
}

/// Which list of fallbacks a fault leads to.
pub(super) const fn cause(fault: CallFault) -> Cause {
    match fault {
        CallFault::Timeout => Cause::Timeout,
        CallFault::Unavailable | CallFault::Credential | CallFault::Configuration => {
            Cause::Unavailable
        }
        CallFault::Rejected | CallFault::Malformed => Cause::Invalid,
        CallFault::Egress | CallFault::Withdrawn => Cause::Denied,
    }
}
