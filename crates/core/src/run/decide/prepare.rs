//! A ready node: by its kind, to the room that prepares it.

use super::Turn;
use crate::run::{Event, Refusal};
use crate::workflow::NodeKind;

impl Turn<'_> {
    pub(super) fn prepare(&mut self, index: usize) -> Result<(), Refusal> {
        let node = self.node(index)?;
        match &node.kind {
            NodeKind::Model(step) => self.ask_model(index, node, step),
            NodeKind::Retrieve(step) => self.retrieve(index, node, step),
            NodeKind::Tool(step) => self.propose(index, node, step),
            NodeKind::Review(step) => self.ask_people(index, node, step),
            NodeKind::Branch(arms) => self.branch(index, node, arms),
        }
    }

    /// A template or expression gave nothing: journalled like any value that does not fit.
    pub(super) fn template_failed(
        &mut self,
        index: usize,
        step: &crate::id::StepName,
        fault: &crate::seams::TemplateFault,
    ) -> Result<(), Refusal> {
        let violation = crate::seams::Violation {
            at: String::new(),
            keyword: "expression".to_owned(),
            expected: fault.to_string(),
        };
        self.intake_rejected(Some(step), &[violation])?;
        self.fall(index, crate::run::event::Cause::Invalid)
    }

    /// Ends the run here.
    pub(super) fn end(&mut self, outcome: crate::run::Outcome) -> Result<(), Refusal> {
        self.say(Event::RunEnded { outcome, by: None })
    }
}
