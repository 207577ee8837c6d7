//! What an erasure has set out to destroy and what came of it, written down for the retry: keys are listed once and
//! destroyed in one turn, and what `erasure.done` says of that turn is of the one that destroyed them. Holds names of
//! keys alone, so pseudonyms, and nothing that leads to a name.

use interlock_core::id::ErasureId;
use interlock_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::ErasureFault;
use crate::engine::{Engine, Fault};
use crate::keys::Destroyed;
use crate::seal::KeyName;

const PLAN: &str = "erasure_plan";

/// See the module's text.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Plan {
    keys: Vec<String>,
    /// How many of them were there when it was written.
    there: u64,
    outcome: Option<Outcome>,
}

/// The turn that destroyed the keys.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Outcome {
    pub(super) keys: u64,
    pub(super) epoch_before: u32,
    pub(super) epoch_after: u32,
    destroyed_at: u64,
    backups_dead_at: u64,
}

impl Outcome {
    pub(super) fn destroyed_at(self) -> Timestamp {
        Timestamp::from_micros(self.destroyed_at)
    }

    pub(super) fn backups_dead_at(self) -> Timestamp {
        Timestamp::from_micros(self.backups_dead_at)
    }

    fn of(destroyed: &Destroyed, there: u64) -> Self {
        let at = destroyed.at;
        let dead = destroyed.backups_dead_at.map_or(at, |dead| dead.max(at));
        Self {
            // A turn that found none was asked for by a retry: the keys were there when the plan was made.
            keys: (destroyed.destroyed as u64).max(there),
            epoch_before: destroyed.epoch_before,
            epoch_after: destroyed.epoch_after,
            destroyed_at: at.as_micros(),
            backups_dead_at: dead.as_micros(),
        }
    }
}

impl Engine {
    /// The plan of an erasure that was begun; `None`: it has not come as far.
    pub(super) async fn plan_of(&self, erasure: ErasureId) -> Result<Option<Plan>, ErasureFault> {
        let id = erasure.to_string();
        let record = self.store().record(self.tenant(), PLAN, &id).await?;
        let plan = record.map(|record| serde_json::from_slice(&record.bytes));
        let form = |_| Fault::Bug("the plan of an erasure of another form".to_owned());
        Ok(plan.transpose().map_err(form)?)
    }

    /// Writes down which keys are to go.
    pub(super) async fn keep_plan(
        &self,
        erasure: ErasureId,
        keys: &[KeyName],
    ) -> Result<Plan, ErasureFault> {
        let mut there = 0;
        for key in keys {
            there += u64::from(!self.key_is_gone(key).await?);
        }
        let plan = Plan {
            keys: keys.iter().map(|key| key.as_str().to_owned()).collect(),
            there,
            outcome: None,
        };
        self.put_plan(erasure, &plan).await?;
        Ok(plan)
    }

    /// Destroys what the plan names, once.
    pub(super) async fn carry_out_plan(
        &self,
        erasure: ErasureId,
        mut plan: Plan,
    ) -> Result<Outcome, ErasureFault> {
        if let Some(outcome) = plan.outcome {
            return Ok(outcome);
        }
        let keys: Vec<KeyName> = plan.keys.iter().map(|key| KeyName::own(key)).collect();
        let destroyed = self.destroy_keys(&keys).await?;
        let outcome = Outcome::of(&destroyed, plan.there);
        plan.outcome = Some(outcome);
        self.put_plan(erasure, &plan).await?;
        Ok(outcome)
    }

    async fn put_plan(&self, erasure: ErasureId, plan: &Plan) -> Result<(), ErasureFault> {
        let bytes = serde_json::to_vec(plan).map_err(|fault| Fault::Bug(fault.to_string()))?;
        Ok(self.put(PLAN, &erasure.to_string(), bytes).await?)
    }

    /// The erasure is on record.
    pub(super) async fn forget_plan(&self, erasure: ErasureId) -> Result<(), ErasureFault> {
        Ok(self.remove_record(PLAN, &erasure.to_string()).await?)
    }
}
