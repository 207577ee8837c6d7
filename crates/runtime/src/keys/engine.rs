//! What the engine offers about keys: turning the epoch, destroying keys for good, and how the keys stand.

use std::collections::BTreeMap;

use interlock_core::id::{PrincipalId, TenantName};
use interlock_core::pipeline::identity::Principal;
use interlock_core::time::Timestamp;

use super::data::{KeyFault, Keys};
use super::place::Wrapped;
use super::provider::{Epoch, ProviderFault, ProviderKind, newest};
use super::turn::{Turn, TurnFault, TurnProgress, Turned};
use crate::administration::{Administration, Office};
use crate::engine::{Engine, Fault};
use crate::seal::KeyName;

/// What a destruction of keys came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Destroyed {
    /// Keys that were there and are gone.
    pub destroyed: usize,
    /// The epoch that they were wrapped under, destroyed.
    pub epoch_before: u32,
    /// The epoch of the survivors.
    pub epoch_after: u32,
    /// When the old epoch, and with it every backup, is beyond anybody's reach; `None`: it is now.
    pub backups_dead_at: Option<Timestamp>,
    /// When the turn ended.
    pub at: Timestamp,
}

/// What a rotation came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotation {
    /// The epoch that was destroyed.
    pub before: u32,
    /// The epoch now.
    pub after: u32,
    /// Keys that were wrapped anew.
    pub keys: u64,
    /// See [`Destroyed::backups_dead_at`].
    pub backups_dead_at: Option<Timestamp>,
}

impl From<Turn> for Rotation {
    fn from(turn: Turn) -> Self {
        Self {
            before: turn.before,
            after: turn.after,
            keys: turn.keys,
            backups_dead_at: turn.dead_at.map(Timestamp::from_micros),
        }
    }
}

/// Who asks for a turn, and why.
#[derive(Clone, Copy, Default)]
struct Asker<'a> {
    by: Option<PrincipalId>,
    reason: Option<&'a str>,
}

/// Pages under one epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PagesOfEpoch {
    /// Who wrapped them.
    pub by: ProviderKind,
    /// The epoch.
    pub epoch: u32,
    /// How many.
    pub keys: u64,
}

/// How the keys stand.
#[derive(Debug, Clone)]
pub struct KeyStatus {
    /// Who keeps the key-encryption key.
    pub provider: ProviderKind,
    /// Where; no secret.
    pub address: String,
    /// What is wrong with it, if anything is: a key was wrapped and opened for this.
    pub fault: Option<String>,
    /// The newest epoch.
    pub epoch: Option<u32>,
    /// Every epoch that the provider still has.
    pub epochs: Vec<Epoch>,
    /// Data keys by provider and epoch, of all tenants.
    pub pages: Vec<PagesOfEpoch>,
    /// When the last turn ended.
    pub rotated_at: Option<Timestamp>,
    /// Whether a turn broke off: it is finished by the next one.
    pub unfinished: bool,
}

impl Engine {
    /// Destroys these keys for good: their pages, what is open of them, and the epoch under which backups could open
    /// them. Survivors are wrapped anew. After a fault or a crash the same call finishes it; `destroyed` then counts
    /// what was there at first.
    ///
    /// # Errors
    /// The store or the provider fails. The keys' pages may be gone already; backups still open them.
    pub async fn destroy_keys(&self, names: &[KeyName]) -> Result<Destroyed, Fault> {
        let turn = self.turn_epoch(names, Asker::default(), &|_| ()).await?;
        Ok(Destroyed {
            destroyed: usize::try_from(turn.destroyed).unwrap_or(usize::MAX),
            epoch_before: turn.before,
            epoch_after: turn.after,
            backups_dead_at: turn.dead_at.map(Timestamp::from_micros),
            at: turn
                .ended_at
                .map_or_else(|| self.parts.clock.now(), Timestamp::from_micros),
        })
    }

    /// Turns the epoch: every data key is wrapped anew, and what a backup holds is dead.
    ///
    /// # Errors
    /// The store or the provider fails; asking again resumes.
    pub async fn rotate_keys(&self) -> Result<Rotation, Fault> {
        self.rotate_keys_telling(None, &|_| ()).await
    }

    /// As [`Engine::rotate_keys`], recorded as somebody's act, and telling how far it is.
    ///
    /// # Errors
    /// The person does not hold the office; or as [`Engine::rotate_keys`].
    pub async fn rotate_keys_telling(
        &self,
        by: Option<&Principal>,
        progress: &(dyn Fn(TurnProgress) + Send + Sync),
    ) -> Result<Rotation, Fault> {
        let by = self.in_office(Office::Keys, by)?;
        let asker = Asker { by, reason: None };
        Ok(self.turn_epoch(&[], asker, progress).await?.into())
    }

    /// As [`Engine::rotate_keys`], for a reason that is sealed beside the entry. The reason has at most
    /// `REASON_CHARS_MAX` characters.
    ///
    /// # Errors
    /// The person does not hold the office; or as [`Engine::rotate_keys`].
    pub async fn rotate_keys_for(&self, by: &Principal, reason: &str) -> Result<Rotation, Fault> {
        let asker = Asker {
            by: self.in_office(Office::Keys, Some(by))?,
            reason: Some(reason),
        };
        Ok(self.turn_epoch(&[], asker, &|_| ()).await?.into())
    }

    /// Turns the epoch and puts it on record. Who dies before the entry is written down as recorded leaves two entries
    /// of one turn, never none.
    async fn turn_epoch(
        &self,
        names: &[KeyName],
        asker: Asker<'_>,
        progress: &(dyn Fn(TurnProgress) + Send + Sync),
    ) -> Result<Turn, Fault> {
        loop {
            let book = &self.parts.book;
            let (turn, asked) = match book.turn(self.tenant(), names, progress).await? {
                Turned::Asked(turn) => (turn, true),
                Turned::Earlier(turn) => (turn, false),
            };
            if !turn.recorded {
                let act = Administration::KeyEpochRotated {
                    before: turn.before,
                    after: turn.after,
                    keys: turn.keys,
                    cause: turn.cause(),
                };
                // Who asked now did not ask for the earlier one.
                let asker = if asked { asker } else { Asker::default() };
                self.administer(act, asker.reason, asker.by).await?;
                book.recorded(self.tenant(), &turn).await?;
            }
            if asked {
                return Ok(turn);
            }
        }
    }

    /// Whether a key cannot be had any more: no page, and nothing open of it in this process.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn key_is_gone(&self, name: &KeyName) -> Result<bool, Fault> {
        self.parts
            .book
            .is_gone(self.tenant(), name)
            .await
            .map_err(Fault::from)
    }

    /// How the keys stand.
    ///
    /// # Errors
    /// The store cannot be read. A provider that fails is told in the status.
    pub async fn key_status(&self) -> Result<KeyStatus, Fault> {
        Ok(self.parts.book.status(self.tenant()).await?)
    }
}

impl Keys {
    pub(super) async fn is_gone(
        &self,
        tenant: &TenantName,
        name: &KeyName,
    ) -> Result<bool, TurnFault> {
        Ok(self.parts.book.get(tenant, name).await?.is_none()
            && self.cache.key(&self.place(tenant, name)).is_none())
    }

    pub(super) async fn status(&self, tenant: &TenantName) -> Result<KeyStatus, TurnFault> {
        let provider = &self.parts.provider;
        let (epochs, fault) = match provider.epochs().await {
            Ok(epochs) => (epochs, self.probe(tenant).await.err()),
            Err(fault) => (Vec::new(), Some(fault.into())),
        };
        let mut wrapped = Vec::new();
        for holder in &self.parts.holders {
            wrapped.extend(holder.pages()?);
        }
        for tenant in self.parts.book.tenants().await? {
            for shelf in 0..self.parts.book.shelves() {
                for page in self.parts.book.shelf(&tenant, shelf).await? {
                    let key = Wrapped::decode(&page.wrapped).ok_or(KeyFault::Form)?;
                    wrapped.push((key.by, key.epoch));
                }
            }
        }
        let mut pages: BTreeMap<(&str, u32), PagesOfEpoch> = BTreeMap::new();
        for (by, epoch) in wrapped {
            let none = PagesOfEpoch { by, epoch, keys: 0 };
            pages.entry((by.as_str(), epoch)).or_insert(none).keys += 1;
        }
        let last: Option<Turn> = self.last_turn(tenant).await?;
        Ok(KeyStatus {
            provider: provider.kind(),
            address: provider.address(),
            fault: fault.map(|fault: KeyFault| fault.to_string()),
            epoch: newest(&epochs),
            epochs,
            pages: pages.into_values().collect(),
            rotated_at: last
                .as_ref()
                .and_then(|turn| turn.ended_at)
                .map(Timestamp::from_micros),
            unfinished: last.is_some_and(|turn| turn.ended_at.is_none()),
        })
    }

    /// Wraps a key that is used for nothing, and opens it.
    async fn probe(&self, tenant: &TenantName) -> Result<(), KeyFault> {
        let place = self.place(tenant, &KeyName::own("probe"));
        let key = self.fresh()?;
        let wrapped = self.parts.provider.wrap(&place, &key).await?;
        let opened = self.parts.provider.unwrap(&place, &wrapped).await?;
        if opened == key {
            Ok(())
        } else {
            Err(ProviderFault::Refused.into())
        }
    }
}
