//! Pruning: entries at the lower end of the log leave the store once everything below is past the maximum of its class.
//! What is asked for is done whole or refused with the first entry that must stay. Tiles and checkpoints stay, so that
//! what is above still verifies.

use std::collections::{BTreeMap, BTreeSet};

use interlock_core::id::{HoldId, RunId};
use interlock_core::pipeline::identity::Principal;
use interlock_core::time::Timestamp;
use interlock_journal::{Canon, Entry};
use interlock_store::StoreFault;
use interlock_store::limits::{LOG_PAGE_MAX, TILE_HASHES};

use super::{DEFAULT_CLASS, Month};
use crate::administration::{ADMINISTRATION_RUN, Administration};
use crate::codec;
use crate::engine::{Engine, Fault};
use crate::erasure::{Concern, ErasureFault, Ledger, covers, officer};
use crate::seal::{KeyName, key_names};

/// What a run below the line needs kept.
#[derive(Default)]
struct Claims {
    classes: BTreeSet<String>,
    held: BTreeSet<HoldId>,
}

/// An entry below the line, as far as pruning needs it.
struct Below {
    index: u64,
    run: RunId,
    month: Option<Month>,
}

impl Engine {
    /// What pruning up to an instant would come to: the new minimum, or none where there is nothing to prune.
    ///
    /// # Errors
    /// As [`Engine::prune_log`], without writing.
    pub async fn preview_pruning(
        &self,
        before: Timestamp,
        by: &Principal,
    ) -> Result<Option<u64>, ErasureFault> {
        officer(by)?;
        self.prunable(before, &self.ledger().await?).await
    }

    /// Removes the entries written before an instant, as far as whole tiles reach. Returns the new minimum; none where
    /// there is nothing to prune. After a fault the same call goes on.
    ///
    /// # Errors
    /// An entry must be kept: `Policy` names the first, `Held` its holds. The person does not hold the office, or the
    /// store cannot be written.
    pub async fn prune_log(
        &self,
        before: Timestamp,
        reason: &str,
        by: &Principal,
    ) -> Result<Option<u64>, ErasureFault> {
        officer(by)?;
        let _turn = self.conducting.lock().await;
        let ledger = self.ledger().await?;
        let Some(minimum) = self.prunable(before, &ledger).await? else {
            // What was begun is finished: the store goes on with what it has not deleted yet.
            if ledger.pruned() > 0 {
                self.keep_administration(ledger.pruned()).await?;
                self.store().prune(self.tenant(), ledger.pruned()).await?;
            }
            return Ok(None);
        };
        let act = Administration::LogPruned { minimum };
        self.administer(act, Some(reason), Some(by.id())).await?;
        self.keep_administration(minimum).await?;
        self.store().prune(self.tenant(), minimum).await?;
        self.store().scrub().await?;
        Ok(Some(minimum))
    }

    async fn prunable(
        &self,
        before: Timestamp,
        ledger: &Ledger,
    ) -> Result<Option<u64>, ErasureFault> {
        let published = self.store().published(self.tenant()).await?;
        let size = published.map_or(0, |published| published.size);
        let minimum = self
            .store()
            .log_minimum(self.tenant())
            .await?
            .max(ledger.pruned());
        let (entries, claims) = self.below(minimum, size, before, ledger).await?;
        let now = self.clock().now();
        for entry in &entries {
            self.may_go(entry, &claims, now)?;
        }
        let end = entries
            .last()
            .map_or(minimum, |last| last.index.saturating_add(1));
        let line = end - end % TILE_HASHES;
        Ok((line > minimum).then_some(line))
    }

    /// The entries that are to go, and what their runs claim.
    async fn below(
        &self,
        minimum: u64,
        size: u64,
        before: Timestamp,
        ledger: &Ledger,
    ) -> Result<(Vec<Below>, BTreeMap<RunId, Claims>), ErasureFault> {
        let limit = before.to_string();
        let mut entries = Vec::new();
        let mut claims: BTreeMap<RunId, Claims> = BTreeMap::new();
        let mut next = minimum;
        'log: loop {
            let page = self
                .store()
                .log_entries(self.tenant(), next, LOG_PAGE_MAX)
                .await?;
            let Some(last) = page.last() else {
                break;
            };
            next = last.index.saturating_add(1);
            for stored in &page {
                let entry = parsed(stored.run, stored.seq, &stored.bytes)?;
                // Both are printed with all digits, so that texts compare as instants do.
                if stored.index >= size || entry.time() >= limit.as_str() {
                    break 'log;
                }
                let claimed = claims.entry(stored.run).or_default();
                self.claim(stored.run, &entry, ledger, claimed).await?;
                entries.push(Below {
                    index: stored.index,
                    run: stored.run,
                    month: entry.time().get(..7).and_then(Month::parse),
                });
            }
        }
        for (run, claimed) in &mut claims {
            self.claim_later(*run, before, ledger, claimed).await?;
        }
        Ok((entries, claims))
    }

    /// What a run that goes on beyond the line claims there.
    async fn claim_later(
        &self,
        run: RunId,
        before: Timestamp,
        ledger: &Ledger,
        claimed: &mut Claims,
    ) -> Result<(), ErasureFault> {
        let row = self.store().run(self.tenant(), run).await?;
        if run == ADMINISTRATION_RUN || row.is_none_or(|row| row.updated < before) {
            return Ok(());
        }
        let entries = match self.store().entries(self.tenant(), run).await {
            // It was looked at when its beginning was pruned.
            Err(StoreFault::Pruned { .. }) => return Ok(()),
            other => other?,
        };
        for stored in &entries {
            let entry = parsed(run, stored.seq, &stored.bytes)?;
            self.claim(run, &entry, ledger, claimed).await?;
        }
        Ok(())
    }

    async fn claim(
        &self,
        run: RunId,
        entry: &Entry,
        ledger: &Ledger,
        claimed: &mut Claims,
    ) -> Result<(), ErasureFault> {
        let body = Canon::Object(entry.body().clone());
        let notes = codec::notes(&body).map_err(|fault| Fault::Damaged {
            run,
            seq: entry.seq(),
            fault: fault.to_string(),
        })?;
        for note in notes {
            let sealed = self.store().payload(self.tenant(), note.id).await?;
            let Some(sealed) = sealed else { continue };
            let keys = key_names(&sealed.header).unwrap_or_default();
            let classes = keys.iter().filter_map(KeyName::as_period);
            claimed
                .classes
                .extend(classes.map(|(class, _)| class.to_owned()));
            let concern = Concern {
                run,
                note,
                sealed,
                keys,
            };
            let covering = ledger.holds().filter(|(_, scope)| covers(scope, &concern));
            claimed.held.extend(covering.map(|(hold, _)| hold));
        }
        Ok(())
    }

    fn may_go(
        &self,
        entry: &Below,
        claims: &BTreeMap<RunId, Claims>,
        now: Timestamp,
    ) -> Result<(), ErasureFault> {
        // What the administration chain loses here it keeps beside the log.
        if entry.run == ADMINISTRATION_RUN {
            return Ok(());
        }
        let none = Claims::default();
        let claims = claims.get(&entry.run).unwrap_or(&none);
        if !claims.held.is_empty() {
            return Err(ErasureFault::Held(claims.held.iter().copied().collect()));
        }
        // A run that sealed nothing belongs to no class but that of everything.
        let classes: Vec<&str> = if claims.classes.is_empty() {
            vec![DEFAULT_CLASS]
        } else {
            claims.classes.iter().map(String::as_str).collect()
        };
        for name in classes {
            let max = self
                .retention()
                .class(name)
                .and_then(|class| class.max_months);
            let full = entry.month.map_or(0, |month| month.full_months_until(now));
            let what = match max {
                None => format!(
                    "entry {} belongs to retention class `{name}`, which has no maximum\nhint: give the class max_months, or prune less",
                    entry.index
                ),
                Some(max) if full < max => format!(
                    "entry {} belongs to retention class `{name}`, which keeps for {max} full months, and {full} are over\nhint: prune less",
                    entry.index
                ),
                Some(_) => continue,
            };
            return Err(ErasureFault::Policy(what));
        }
        Ok(())
    }
}

fn parsed(run: RunId, seq: u64, bytes: &[u8]) -> Result<Entry, Fault> {
    Entry::parse(bytes).map_err(|fault| Fault::Damaged {
        run,
        seq,
        fault: fault.to_string(),
    })
}
