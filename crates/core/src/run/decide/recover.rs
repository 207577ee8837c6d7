//! A run is taken over. Reads and model calls are simply made again; an act that an older epoch started is tried
//! again where the tool's recovery class allows it, and is in doubt where it does not.

use super::Turn;
use super::requests::tool_step;
use crate::registry::Recovery;
use crate::run::{Event, Phase, Refusal};

impl Turn<'_> {
    pub(super) fn recovered(&mut self, epoch: u64) -> Result<(), Refusal> {
        if epoch <= self.state.epoch {
            return Err(Refusal::NotCurrent("the epoch"));
        }
        if matches!(self.state.phase, Phase::New | Phase::Ended { .. }) {
            return Err(self.not_now("a takeover"));
        }
        self.say(Event::Recovered { epoch })?;
        let Phase::Acting { act, .. } = self.state.phase.clone() else {
            return Ok(());
        };
        // What may have acted and is no longer there cannot be asked or tried again.
        let Ok((_, tool)) = tool_step(self.program, &act) else {
            return self.in_doubt(&act);
        };
        match tool.recovery {
            Recovery::Rerun | Recovery::Keyed => self.attempt_again(&act),
            // `query` is answered by a person too as long as no connector can ask the target.
            Recovery::Query | Recovery::Never => self.in_doubt(&act),
        }
    }
}
