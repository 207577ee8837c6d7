//! Legal holds: what one covers is neither erased nor expires until it is released. A hold is two entries and nothing
//! else, so that it cannot be lifted without a trace.

use interlock_core::id::HoldId;
use interlock_core::pipeline::identity::Principal;

use super::{ErasureFault, Whom, officer, reader};
use crate::administration::{Administration, HoldScope};
use crate::engine::{Engine, Fault};
use crate::seal::KeyName;

/// A hold in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Its id.
    pub id: HoldId,
    /// What it covers.
    pub scope: HoldScope,
}

impl Engine {
    /// Places a legal hold. It holds from the moment that this returns; an erasure under way is waited for.
    ///
    /// # Errors
    /// The person does not hold the office, there is no such person, run or month, or the store cannot be written.
    pub async fn place_hold(
        &self,
        scope: HoldScope,
        reason: &str,
        by: &Principal,
    ) -> Result<HoldId, ErasureFault> {
        officer(by)?;
        super::conduct::reasoned(reason)?;
        let _turn = self.conducting.lock().await;
        self.is_there(&scope).await?;
        let now = self.clock().now();
        let hold = HoldId::from_bytes(
            crate::clock::ulid(now, self.parts.entropy.as_ref()).map_err(|_| Fault::Entropy)?,
        );
        let act = Administration::HoldPlaced { hold, scope };
        self.administer(act, Some(reason), Some(by.id())).await?;
        Ok(hold)
    }

    /// A hold on a mistyped id would hold nothing, and nobody would know.
    async fn is_there(&self, scope: &HoldScope) -> Result<(), ErasureFault> {
        match scope {
            HoldScope::Subject(subject) => {
                let ledger = self.ledger().await?;
                self.find_person(&Whom::Known(*subject), &ledger).await?;
            }
            HoldScope::Run(run) => {
                let found = self.store().run(self.tenant(), *run).await?;
                found.ok_or(Fault::NotFound("the run"))?;
            }
            HoldScope::Period { class, month } => {
                let found = KeyName::month(class, month);
                found.ok_or(ErasureFault::Request("no month of that form"))?;
            }
        }
        Ok(())
    }

    /// Releases a hold.
    ///
    /// # Errors
    /// The person does not hold the office, there is no such hold, or the store cannot be written.
    pub async fn release_hold(
        &self,
        hold: HoldId,
        reason: &str,
        by: &Principal,
    ) -> Result<(), ErasureFault> {
        officer(by)?;
        super::conduct::reasoned(reason)?;
        let _turn = self.conducting.lock().await;
        if !self.ledger().await?.holds().any(|(id, _)| id == hold) {
            return Err(ErasureFault::NoHold);
        }
        let act = Administration::HoldReleased { hold };
        self.administer(act, Some(reason), Some(by.id())).await?;
        Ok(())
    }

    /// Holds in force, oldest first.
    ///
    /// # Errors
    /// The caller may not read them, or the store cannot be read.
    pub async fn list_holds(&self, by: &Principal) -> Result<Vec<Hold>, ErasureFault> {
        reader(by)?;
        let ledger = self.ledger().await?;
        Ok(ledger
            .holds()
            .map(|(id, scope)| Hold {
                id,
                scope: scope.clone(),
            })
            .collect())
    }
}
