//! A branch: the first arm whose condition holds. The arm's number is the event; the condition's label was joined
//! into everything under the arm when the bundle was loaded.

use super::Turn;
use crate::run::event::Cause;
use crate::run::{Event, Refusal};
use crate::workflow::{Arm, Next, Node};

impl Turn<'_> {
    pub(super) fn branch(
        &mut self,
        index: usize,
        node: &Node,
        arms: &[Arm],
    ) -> Result<(), Refusal> {
        for (place, arm) in arms.iter().enumerate() {
            let holds = match &arm.when {
                None => Ok(true),
                Some(condition) => self
                    .program
                    .templates
                    .holds(condition.id, &self.opened.scope),
            };
            match holds {
                Ok(false) => {}
                Ok(true) => {
                    let place = u32::try_from(place).unwrap_or(u32::MAX);
                    return self.say(Event::BranchTaken {
                        step: node.step.clone(),
                        arm: Some(place),
                        next: arm.to,
                    });
                }
                Err(_) => break,
            }
        }
        self.say(Event::BranchTaken {
            step: node.step.clone(),
            arm: None,
            next: Next::End,
        })?;
        self.fall(index, Cause::Invalid)
    }
}
