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

    /// Whether a label is within its bounds. Where it is not, that is journalled like anything that does not fit, and
    /// the caller falls back.
    pub(super) fn label_fits(
        &mut self,
        step: Option<&crate::id::StepName>,
        label: &crate::label::Label,
    ) -> Result<bool, Refusal> {
        if crate::run::labels::fits(label) {
            return Ok(true);
        }
        let violation = crate::seams::Violation {
            at: String::new(),
            keyword: "label".to_owned(),
            expected: format!(
                "a label of at most {} bytes, {} sources and {} people",
                crate::limits::LABEL_BYTES_MAX,
                crate::limits::LABEL_MEMBERS_MAX,
                crate::limits::SUBJECTS_MAX
            ),
        };
        self.intake_rejected(step, &[violation])?;
        Ok(false)
    }

    /// Ends the run here.
    pub(super) fn end(&mut self, outcome: crate::run::Outcome) -> Result<(), Refusal> {
        self.say(Event::RunEnded { outcome, by: None })
    }
}
