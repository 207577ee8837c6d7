//! What the administration chain says of erasures, holds and expiry: a fold over it, and the only memory of them.

use std::collections::{BTreeMap, BTreeSet};

use interlock_core::digest::Digest;
use interlock_core::id::{ErasureId, HoldId, SubjectId};

use crate::administration::{Administered, Administration, HoldScope};

/// One erasure as the log has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// Its id.
    pub id: ErasureId,
    /// Whom.
    pub subject: SubjectId,
    /// Keyed digest of the order.
    pub order: Digest,
    /// The entry that began it.
    pub requested: Administered,
    /// The entry that ended it; none: it is to be taken up again.
    pub done: Option<Administered>,
}

/// The fold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    erasures: BTreeMap<ErasureId, Erasure>,
    holds: BTreeMap<HoldId, HoldScope>,
    expired: BTreeMap<(String, String), u64>,
    pruned: u64,
}

impl Ledger {
    pub(crate) fn of(acts: &[Administered]) -> Self {
        let mut ledger = Self::default();
        for act in acts {
            ledger.take(act);
        }
        ledger
    }

    fn take(&mut self, entry: &Administered) {
        match &entry.act {
            Administration::ErasureRequested {
                erasure,
                subject,
                order,
                ..
            } => {
                self.erasures.entry(*erasure).or_insert_with(|| Erasure {
                    id: *erasure,
                    subject: *subject,
                    order: *order,
                    requested: entry.clone(),
                    done: None,
                });
            }
            Administration::ErasureDone { erasure, .. } => {
                if let Some(known) = self.erasures.get_mut(erasure) {
                    known.done.get_or_insert_with(|| entry.clone());
                }
            }
            Administration::HoldPlaced { hold, scope } => {
                self.holds.insert(*hold, scope.clone());
            }
            Administration::HoldReleased { hold } => {
                self.holds.remove(hold);
            }
            Administration::RetentionExpired { class, month, .. } => {
                let at = (class.clone(), month.clone());
                self.expired.entry(at).or_insert(entry.seq);
            }
            Administration::LogPruned { minimum } => self.pruned = self.pruned.max(*minimum),
            Administration::LogOpened { .. }
            | Administration::LogKeyRotated { .. }
            | Administration::GuardAdopted { .. }
            | Administration::BundleDeployed { .. }
            | Administration::PolicyAdopted { .. }
            | Administration::WorldSet { .. }
            | Administration::ApiKeyCreated { .. }
            | Administration::ApiKeyRevoked { .. }
            | Administration::KeyEpochRotated { .. }
            | Administration::PayloadRead { .. }
            | Administration::ExportCreated { .. }
            | Administration::AnchorOverdue { .. }
            | Administration::AnchorRecovered { .. } => {}
        }
    }

    /// Erasures, oldest first.
    pub fn erasures(&self) -> impl Iterator<Item = &Erasure> {
        self.erasures.values()
    }

    /// An erasure by id.
    #[must_use]
    pub fn erasure(&self, id: ErasureId) -> Option<&Erasure> {
        self.erasures.get(&id)
    }

    /// The last erasure of a person.
    #[must_use]
    pub fn of_subject(&self, subject: SubjectId) -> Option<&Erasure> {
        self.erasures
            .values()
            .rfind(|erasure| erasure.subject == subject)
    }

    /// Holds in force.
    pub fn holds(&self) -> impl Iterator<Item = (HoldId, &HoldScope)> {
        self.holds.iter().map(|(id, scope)| (*id, scope))
    }

    /// People whose erasure was begun: nothing new is sealed for them.
    #[must_use]
    pub fn gone_subjects(&self) -> BTreeSet<SubjectId> {
        self.erasures
            .values()
            .map(|erasure| erasure.subject)
            .collect()
    }

    /// Place in the chain of the entry that expired a class and month.
    #[must_use]
    pub fn expired(&self, class: &str, month: &str) -> Option<u64> {
        self.expired
            .get(&(class.to_owned(), month.to_owned()))
            .copied()
    }

    /// The lowest place of the log that is meant to be kept.
    #[must_use]
    pub const fn pruned(&self) -> u64 {
        self.pruned
    }

    /// All that expired.
    pub fn all_expired(&self) -> impl Iterator<Item = (&str, &str)> {
        self.expired
            .keys()
            .map(|(class, month)| (class.as_str(), month.as_str()))
    }
}
