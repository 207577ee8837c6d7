//! The state of the world as policies see it: kill switch and incident mode, set by the operator, read before every
//! decision. What cannot be read is halted.

use interlock_core::id::PrincipalId;
use interlock_core::pipeline::policy::World;
use serde::{Deserialize, Serialize};

use crate::administration::Administration;
use crate::engine::{Engine, Fault};

const KIND: &str = "world";
const KEY: &str = "state";

/// The record: what is set, by whom, when and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorldRecord {
    /// Nothing may act.
    pub halted: bool,
    /// Policies narrow.
    pub incident: bool,
    /// Why.
    pub reason: String,
    /// Who: a pseudonym.
    pub by: Option<String>,
    /// When, RFC 3339.
    pub at: String,
}

impl Engine {
    /// Sets the state of the world, effective on the next decision of every driver of this store.
    ///
    /// # Errors
    /// The store cannot be written: nothing has changed.
    pub async fn set_world(
        &self,
        world: World,
        reason: &str,
        by: Option<PrincipalId>,
    ) -> Result<(), Fault> {
        let reason: String = reason
            .chars()
            .take(interlock_core::limits::REASON_CHARS_MAX)
            .collect();
        let act = Administration::WorldSet {
            halted: world.halted,
            incident: world.incident,
        };
        self.administer(act, Some(&reason), by).await?;
        let record = WorldRecord {
            halted: world.halted,
            incident: world.incident,
            reason,
            by: by.map(|by| by.to_string()),
            at: self.clock().now().to_string(),
        };
        let bytes = serde_json::to_vec(&record).map_err(|fault| Fault::Bug(fault.to_string()))?;
        self.put(KIND, KEY, bytes).await
    }

    /// What was set last; `None` where nothing ever was. A record of another form reads as halted.
    ///
    /// # Errors
    /// The store cannot be read: nothing is decided then.
    pub async fn world_record(&self) -> Result<Option<WorldRecord>, Fault> {
        let record = self.store().record(self.tenant(), KIND, KEY).await?;
        Ok(record.map(|record| {
            serde_json::from_slice(&record.bytes).unwrap_or_else(|_| WorldRecord {
                halted: true,
                incident: true,
                reason: "the record cannot be read".to_owned(),
                by: None,
                at: self.clock().now().to_string(),
            })
        }))
    }

    /// The state of the world now.
    pub(crate) async fn world(&self) -> Result<World, Fault> {
        let record = self.world_record().await?;
        Ok(record.map_or_else(World::default, |record| World {
            halted: record.halted,
            incident: record.incident,
        }))
    }
}
