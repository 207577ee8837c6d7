//! The state of the world as policies see it: kill switch and incident mode, set by the operator, read before every
//! decision. What cannot be read is halted. The reason is what somebody wrote, and is sealed.

use interlock_core::id::PrincipalId;
use interlock_core::pipeline::identity::Principal;
use interlock_core::pipeline::policy::World;
use serde::{Deserialize, Serialize};

use crate::administration::{Administration, Office};
use crate::engine::{Engine, Fault};
use crate::identity::hex;
use crate::seal::SealFault;

const KIND: &str = "world";
const KEY: &str = "state";
const PLACE: &[u8] = b"world/state";
const UNREADABLE: &str = "the record cannot be read";

/// As it is kept: the reason is sealed, in hex.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    halted: bool,
    incident: bool,
    sealed_reason: String,
    by: Option<String>,
    at: String,
}

/// What is set, by whom, when and why.
#[derive(Clone, PartialEq, Eq, Serialize)]
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
    /// Sets the state of the world, effective on the next decision of every driver of this store. What narrows is in
    /// force before it is on record, so that a record never says halted of a world that is not; what widens is on
    /// record first. `by` none: the system itself.
    ///
    /// # Errors
    /// The person does not hold the office: nothing has changed. The store cannot be written: the world is as it was or
    /// narrower; asking again finishes it.
    pub async fn set_world(
        &self,
        world: World,
        reason: &str,
        by: Option<&Principal>,
    ) -> Result<(), Fault> {
        let by = self.in_office(Office::World, by)?;
        let reason: String = reason
            .chars()
            .take(interlock_core::limits::REASON_CHARS_MAX)
            .collect();
        let act = Administration::WorldSet {
            halted: world.halted,
            incident: world.incident,
        };
        let now = self.world().await?;
        let widens = (now.halted && !world.halted) || (now.incident && !world.incident);
        if widens {
            self.administer(act, Some(&reason), by).await?;
            return self.keep_world(world, &reason, by).await;
        }
        self.keep_world(world, &reason, by).await?;
        self.administer(act, Some(&reason), by).await.map(drop)
    }

    async fn keep_world(
        &self,
        world: World,
        reason: &str,
        by: Option<PrincipalId>,
    ) -> Result<(), Fault> {
        let sealed = self
            .parts
            .book
            .seal_small(self.tenant(), KIND, PLACE, reason.as_bytes())
            .await?;
        let record = Kept {
            halted: world.halted,
            incident: world.incident,
            sealed_reason: hex(&sealed),
            by: by.map(|by| by.to_string()),
            at: self.clock().now().to_string(),
        };
        let bytes = serde_json::to_vec(&record).map_err(|fault| Fault::Bug(fault.to_string()))?;
        self.put(KIND, KEY, bytes).await
    }

    /// What was set last; `None` where nothing ever was. A record of another form reads as halted.
    ///
    /// # Errors
    /// The store or the key of the reason cannot be reached.
    pub async fn world_record(&self) -> Result<Option<WorldRecord>, Fault> {
        let Some(kept) = self.kept_world().await? else {
            return Ok(None);
        };
        let Ok(kept) = kept else {
            return Ok(Some(WorldRecord {
                halted: true,
                incident: true,
                reason: UNREADABLE.to_owned(),
                by: None,
                at: self.clock().now().to_string(),
            }));
        };
        let opened = match unhex(&kept.sealed_reason) {
            Some(sealed) => {
                let book = &self.parts.book;
                book.open_small(self.tenant(), KIND, PLACE, &sealed).await
            }
            None => Err(SealFault::Small(KIND)),
        };
        let reason = match opened {
            Ok(reason) => String::from_utf8_lossy(&reason).into_owned(),
            Err(SealFault::Small(_)) => UNREADABLE.to_owned(),
            Err(fault) => return Err(fault.into()),
        };
        Ok(Some(WorldRecord {
            halted: kept.halted,
            incident: kept.incident,
            reason,
            by: kept.by,
            at: kept.at,
        }))
    }

    async fn kept_world(&self) -> Result<Option<Result<Kept, serde_json::Error>>, Fault> {
        let record = self.store().record(self.tenant(), KIND, KEY).await?;
        Ok(record.map(|record| serde_json::from_slice(&record.bytes)))
    }

    /// The state of the world now.
    pub(crate) async fn world(&self) -> Result<World, Fault> {
        Ok(match self.kept_world().await? {
            None => World::default(),
            Some(Err(_)) => World {
                halted: true,
                incident: true,
            },
            Some(Ok(kept)) => World {
                halted: kept.halted,
                incident: kept.incident,
            },
        })
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair)
            .ok()
            .filter(|pair| pair.len() == 2)?;
        u8::from_str_radix(pair, 16).ok()
    });
    digits.collect()
}
