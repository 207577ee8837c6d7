//! One turn of epochs: delete the pages of destroyed keys, make a new epoch, wrap the survivors anew, destroy the old
//! epoch, scrub the store. What has been decided is written down first, so that a turn that broke off anywhere is
//! finished by asking again; until its last step every surviving key opens under the old epoch or the new one.

use std::sync::Arc;

use aws_lc_rs::digest;
use interlock_core::id::TenantName;
use interlock_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::data::{KeyFault, Keys};
use super::place::{KeyPlace, Wrapped};
use super::provider::{ProviderFault, REWRAP_KEYS_MAX, newest};
use crate::administration::RotationCause;
use crate::seal::{KeyBookFault, KeyName, KeyPage};

/// Passes over the book before giving up on keys that are still under the old epoch.
const PASSES_MAX: usize = 8;

/// How far a turn is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnProgress {
    /// This many destroyed keys' pages are deleted.
    Deleted(u64),
    /// The new epoch is there.
    Epoch(u32),
    /// This many keys were wrapped anew so far.
    Wrapped(u64),
    /// The old epochs are destroyed.
    Destroyed,
}

/// Why a turn did not end. Asking again resumes it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TurnFault {
    /// A key or its page.
    #[error("turn the key epoch, which asking again resumes: {0}")]
    Key(#[from] KeyFault),
    /// One page under a living epoch does not open; destroying that epoch would lose it.
    #[error(
        "turn the key epoch: data key `{0}` does not open under its epoch, and the old epoch would be destroyed with it\nhint: if the provider or its key was changed in interlock.toml, change it back; else restore the record"
    )]
    Unopenable(String),
    /// Keys were still made under the old epoch.
    #[error(
        "turn the key epoch: keys are still being wrapped under the old epoch\nhint: ask again"
    )]
    Busy,
    /// What was written down about a turn has another form.
    #[error("turn the key epoch: the record of the last turn is damaged")]
    Record,
}

impl From<KeyBookFault> for TurnFault {
    fn from(fault: KeyBookFault) -> Self {
        Self::Key(fault.into())
    }
}

impl From<ProviderFault> for TurnFault {
    fn from(fault: ProviderFault) -> Self {
        Self::Key(fault.into())
    }
}

/// A turn, as it is written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Turn {
    /// SHA-256 over the names of the destroyed keys; of nothing for a plain rotation.
    names: String,
    /// Why, as the log's entry spells it.
    cause: String,
    /// Pages that were there to be deleted.
    pub(super) destroyed: u64,
    pub(super) before: u32,
    /// 0: not made yet.
    pub(super) after: u32,
    /// Survivors that were wrapped anew.
    pub(super) keys: u64,
    pub(super) ended_at: Option<u64>,
    /// When the old epoch cannot be brought back any more, where that is not at once.
    pub(super) dead_at: Option<u64>,
    /// Whether the log has an entry of it.
    pub(super) recorded: bool,
}

impl Turn {
    pub(super) fn cause(&self) -> RotationCause {
        // A word that is not known comes from a damaged record; that somebody asked is true of every turn.
        RotationCause::parse(&self.cause).unwrap_or(RotationCause::Requested)
    }
}

/// Where a turn stands after a call.
pub(super) enum Turned {
    /// It is the one that was asked for.
    Asked(Turn),
    /// An earlier one was still to be finished or recorded; then the call is to be made again.
    Earlier(Turn),
}

impl Keys {
    /// Destroys these keys, or none, and turns the epoch. See the module's text.
    pub(super) async fn turn(
        &self,
        tenant: &TenantName,
        names: &[KeyName],
        progress: &(dyn Fn(TurnProgress) + Send + Sync),
    ) -> Result<Turned, TurnFault> {
        let _one_at_a_time = self.turning.lock().await;
        let asked = digest_of(names);
        if let Some(last) = self.last_turn(tenant).await? {
            let same = last.names == asked;
            let told = |turn| {
                if same {
                    Turned::Asked(turn)
                } else {
                    Turned::Earlier(turn)
                }
            };
            if last.ended_at.is_none() {
                // Pages that another call was to delete are left to whoever asks for that again.
                let names = if same { names } else { &[] };
                let turn = self.finish(tenant, last, names, progress).await?;
                return Ok(told(turn));
            }
            // A person who came back after their erasure has a new key: that is another erasure.
            let gone = self.count(tenant, names).await? == 0;
            if same && gone && !names.is_empty() {
                return Ok(Turned::Asked(last));
            }
            if !last.recorded {
                return Ok(if gone {
                    told(last)
                } else {
                    Turned::Earlier(last)
                });
            }
        }
        let epochs = self.parts.provider.epochs().await?;
        let before = newest(&epochs)
            .ok_or_else(|| ProviderFault::Configuration("it has no living epoch".to_owned()))?;
        let turn = Turn {
            names: asked,
            cause: self.cause(names).as_str().to_owned(),
            destroyed: self.count(tenant, names).await?,
            before,
            after: 0,
            keys: 0,
            ended_at: None,
            dead_at: None,
            recorded: false,
        };
        self.keep_turn(tenant, &turn).await?;
        let turn = self.finish(tenant, turn, names, progress).await?;
        Ok(Turned::Asked(turn))
    }

    fn cause(&self, names: &[KeyName]) -> RotationCause {
        if names.is_empty() && self.parts.provider.succeeds() {
            RotationCause::Provider
        } else if names.is_empty() {
            RotationCause::Requested
        } else if names.iter().all(|name| name.as_period().is_some()) {
            RotationCause::Expiry
        } else {
            RotationCause::Erasure
        }
    }

    async fn finish(
        &self,
        tenant: &TenantName,
        mut turn: Turn,
        names: &[KeyName],
        progress: &(dyn Fn(TurnProgress) + Send + Sync),
    ) -> Result<Turn, TurnFault> {
        if turn.after == 0 {
            for name in names {
                self.parts.book.destroy(tenant, name).await?;
                self.cache.forget(&self.place(tenant, name));
            }
            progress(TurnProgress::Deleted(turn.destroyed));
            self.settle().await?;
            let after = {
                let _nothing_is_being_wrapped = self.wrapping.write().await;
                let provider = &self.parts.provider;
                provider.new_epoch(turn.before, self.now()).await?
            };
            turn.after = after;
            self.keep_turn(tenant, &turn).await?;
        }
        progress(TurnProgress::Epoch(turn.after));
        turn.keys = turn.keys.max(self.survivors(turn.after, progress).await?);
        let provider = &self.parts.provider;
        let dead_at = provider.destroy_before(turn.after).await?;
        self.cache.forget_all();
        self.parts.book.scrub().await?;
        progress(TurnProgress::Destroyed);
        turn.dead_at = dead_at.map(Timestamp::as_micros);
        turn.ended_at = Some(self.now().as_micros());
        self.keep_turn(tenant, &turn).await?;
        Ok(turn)
    }

    /// Wraps every survivor anew, of all tenants, since the epoch is theirs too. Returns how many there are.
    async fn survivors(
        &self,
        after: u32,
        progress: &(dyn Fn(TurnProgress) + Send + Sync),
    ) -> Result<u64, TurnFault> {
        let mut held = 0;
        for holder in &self.parts.holders {
            held += holder.rewrap(after).await?;
        }
        for _ in 0..PASSES_MAX {
            let (mut all, mut moved) = (held, 0);
            for tenant in self.parts.book.tenants().await? {
                for shelf in 0..self.parts.book.shelves() {
                    let pages = self.parts.book.shelf(&tenant, shelf).await?;
                    all += pages.len() as u64;
                    let old: Vec<KeyPage> = pages
                        .into_iter()
                        .filter(|page| self.is_old(&page.wrapped, after))
                        .collect();
                    for pages in old.chunks(REWRAP_KEYS_MAX) {
                        moved += self.rewrap(&tenant, pages).await?;
                        progress(TurnProgress::Wrapped(moved));
                    }
                }
            }
            // The last pass finds nothing to do: what was made meanwhile is under the new epoch.
            if moved == 0 {
                return Ok(all);
            }
        }
        Err(TurnFault::Busy)
    }

    fn is_old(&self, stored: &[u8], after: u32) -> bool {
        Wrapped::decode(stored)
            .is_none_or(|wrapped| wrapped.by != self.parts.provider.kind() || wrapped.epoch < after)
    }

    /// Wraps some pages anew. Returns how many are to be looked at again: a page that was replaced meanwhile counts.
    async fn rewrap(&self, tenant: &TenantName, pages: &[KeyPage]) -> Result<u64, TurnFault> {
        let mut keys: Vec<(KeyPlace, Wrapped)> = Vec::with_capacity(pages.len());
        for page in pages {
            let wrapped = Wrapped::decode(&page.wrapped).ok_or(KeyFault::Form)?;
            keys.push((self.place(tenant, &page.name), wrapped));
        }
        let provider = &self.parts.provider;
        let anew = match provider.rewrap(&keys).await {
            Ok(anew) => anew.into_iter().map(Some).collect(),
            Err(ProviderFault::Refused | ProviderFault::Gone(_)) => self.one_by_one(&keys).await?,
            Err(fault) => return Err(fault.into()),
        };
        // Written together, so that a store that commits in groups syncs once for many.
        let mut writes = tokio::task::JoinSet::new();
        for (page, anew) in pages.iter().zip(anew) {
            if let Some(anew) = anew {
                let (book, tenant, page) =
                    (Arc::clone(&self.parts.book), tenant.clone(), page.clone());
                writes.spawn(async move { book.replace(&tenant, &page, &anew.encode()).await });
            }
        }
        let moved = writes.len() as u64;
        while let Some(written) = writes.join_next().await {
            written.map_err(|_| KeyBookFault("a write was interrupted".to_owned()))??;
        }
        Ok(moved)
    }

    /// Which one it was that did not open. A key whose epoch is gone is dead already and stays as it lies.
    async fn one_by_one(
        &self,
        keys: &[(KeyPlace, Wrapped)],
    ) -> Result<Vec<Option<Wrapped>>, TurnFault> {
        let mut anew = Vec::with_capacity(keys.len());
        for key in keys {
            match self.parts.provider.rewrap(std::slice::from_ref(key)).await {
                Ok(one) => anew.push(one.into_iter().next()),
                Err(ProviderFault::Gone(_)) => anew.push(None),
                Err(ProviderFault::Refused) => {
                    return Err(TurnFault::Unopenable(key.0.name.clone()));
                }
                Err(fault) => return Err(fault.into()),
            }
        }
        Ok(anew)
    }

    /// The log has an entry of this turn.
    pub(super) async fn recorded(&self, tenant: &TenantName, turn: &Turn) -> Result<(), TurnFault> {
        let turn = Turn {
            recorded: true,
            ..turn.clone()
        };
        self.keep_turn(tenant, &turn).await
    }

    async fn count(&self, tenant: &TenantName, names: &[KeyName]) -> Result<u64, TurnFault> {
        let mut count = 0;
        for name in names {
            count += u64::from(self.parts.book.get(tenant, name).await?.is_some());
        }
        Ok(count)
    }

    pub(super) async fn last_turn(&self, tenant: &TenantName) -> Result<Option<Turn>, TurnFault> {
        let Some(bytes) = self.parts.book.turn(tenant).await? else {
            return Ok(None);
        };
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|_| TurnFault::Record)
    }

    async fn keep_turn(&self, tenant: &TenantName, turn: &Turn) -> Result<(), TurnFault> {
        let bytes = serde_json::to_vec(turn).map_err(|_| TurnFault::Record)?;
        Ok(self.parts.book.keep_turn(tenant, &bytes).await?)
    }
}

/// SHA-256 over the sorted names, as hex: the record of a turn need not name whose keys were destroyed.
fn digest_of(names: &[KeyName]) -> String {
    let mut names: Vec<&str> = names.iter().map(KeyName::as_str).collect();
    names.sort_unstable();
    names.dedup();
    let hash = digest::digest(&digest::SHA256, names.join("\n").as_bytes());
    hash.as_ref().iter().map(|b| format!("{b:02x}")).collect()
}
