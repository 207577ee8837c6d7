//! What follows from an anchor's silence: it is said, put on record once for each time, and, where the operator marked
//! the anchor required, nothing may act until it holds again.

use interlock_core::pipeline::policy::World;
use interlock_core::time::Timestamp;

use super::rounds::Anchors;
use super::state::{self, State};
use crate::administration::Administration;
use crate::config::AnchorsConfig;
use crate::engine::{Engine, Fault};

/// Who set the world to halted, so that nobody else's halt is lifted.
const HALTED_BY: &str = "a required anchor of the log is overdue, raises an alarm or never held";

/// Holds the world to the anchors of a configuration, without asking any of them: for whoever is about to act and goes
/// no rounds.
///
/// # Errors
/// The store cannot be read or written. Nothing may act then.
pub async fn hold(engine: &Engine, config: &AnchorsConfig) -> Result<(), Fault> {
    state::configure(engine, &config.anchors).await?;
    Look { engine, config }.look().await
}

impl Anchors {
    pub(super) async fn look(&self) -> Result<(), Fault> {
        let (engine, config) = (&self.engine, &self.config);
        Look { engine, config }.look().await
    }
}

struct Look<'a> {
    engine: &'a Engine,
    config: &'a AnchorsConfig,
}

impl Look<'_> {
    /// Says what is overdue, once for each time that it becomes so, and halts or releases the world where a required
    /// anchor asks for it.
    async fn look(&self) -> Result<(), Fault> {
        let engine = self.engine;
        let now = engine.clock().now();
        let states = match state::all(engine).await {
            Ok(states) => states,
            Err(fault) => {
                // Where it cannot be told how a required anchor stands, it does not hold.
                let required = self.config.anchors.iter().any(|anchor| anchor.required);
                if required {
                    self.enforce(true, now).await?;
                }
                return Err(fault);
            }
        };
        let current = || states.iter().filter(|(.., state)| !state.retired);
        // Before anything is put on record, which may fail.
        let halt = current().any(|(.., state)| state.demands_a_halt(now));
        self.enforce(halt, now).await?;
        for (name, version, state) in current() {
            let overdue = state.is_overdue(now);
            if overdue == state.overdue_said {
                continue;
            }
            let (size, age_seconds) = (
                state.last.as_ref().map_or(0, |last| last.size),
                state.age_seconds(now),
            );
            let act = if overdue {
                tracing::error!(
                    anchor = name,
                    age_seconds,
                    size,
                    "ANCHOR OVERDUE: the log is not anchored as often as it should be"
                );
                Administration::AnchorOverdue {
                    anchor: name.clone(),
                    size,
                    age_seconds,
                }
            } else {
                tracing::info!(anchor = name, size, "an overdue anchor holds again");
                Administration::AnchorRecovered {
                    anchor: name.clone(),
                    size,
                }
            };
            engine.administer(act, None, None).await?;
            // Dying here says it once more after the restart, which is better than never.
            let said = State {
                overdue_said: overdue,
                ..state.clone()
            };
            state::put(engine, name, Some(*version), &said).await?;
        }
        Ok(())
    }

    /// Sets the kill switch for a required anchor, and lifts what it set itself, nobody else's.
    async fn enforce(&self, halt: bool, now: Timestamp) -> Result<(), Fault> {
        let record = self.engine.world_record().await?;
        let (halted, incident, ours) = match &record {
            None => (false, false, false),
            Some(record) => (
                record.halted,
                record.incident,
                record.by.is_none() && record.reason == HALTED_BY,
            ),
        };
        let (set, reason) = match (halt, halted) {
            (true, false) => (true, HALTED_BY),
            (false, true) if ours => (false, "all required anchors of the log hold again"),
            _ => return Ok(()),
        };
        tracing::error!(halted = set, at = %now, "{reason}");
        let world = World {
            halted: set,
            incident,
        };
        self.engine.set_world(world, reason, None).await
    }
}
