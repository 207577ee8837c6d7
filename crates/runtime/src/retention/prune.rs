//! Pruning: entries at the lower end of the log leave the store once everything below is past the maximum of its class.
//! What is asked for is done whole or refused with the first entry that must stay. Tiles and checkpoints stay, so that
//! what is above still verifies.

use std::collections::{BTreeMap, BTreeSet};

use interlock_core::id::{HoldId, RunId};
use interlock_core::pipeline::identity::Principal;
use interlock_core::time::Timestamp;
use interlock_journal::{Canon, Entry};
use interlock_store::limits::{LOG_PAGE_MAX, TILE_HASHES};
use interlock_store::{RunStatus, StoreFault};

use super::{DEFAULT_CLASS, Month};
use crate::administration::{ADMINISTRATION_RUN, Administration, HoldScope};
use crate::codec;
use crate::engine::{Engine, Fault};
use crate::erasure::{Concern, ErasureFault, Ledger, covers, officer};
use crate::seal::{KeyName, key_names};

/// What a run below the line needs kept.
#[derive(Default)]
struct Claims {
    /// Place in its chain of its last entry below.
    last: u64,
    /// Whether it has ended.
    over: bool,
    classes: BTreeSet<String>,
    held: BTreeSet<HoldId>,
}

/// An entry below the line, as far as pruning needs it.
struct Below {
    index: u64,
    run: RunId,
    month: Option<Month>,
    /// Holds on it, of an entry of the administration chain.
    held: BTreeSet<HoldId>,
}

/// How far pruning is to go.
struct Line {
    minimum: u64,
    /// Whether the log says so already: it broke off before the store began.
    on_record: bool,
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
        let line = self.prunable(before, &self.ledger().await?).await?;
        Ok(line.map(|line| line.minimum))
    }

    /// Removes the entries written before an instant, as far as whole tiles reach. Returns the new minimum; none where
    /// there is nothing to prune. After a fault the same call goes on: a pruning that is on record and that the store has
    /// not begun is looked at again in full, holds that came since included, and done before any other.
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
        let Some(line) = self.prunable(before, &ledger).await? else {
            // What the store has hidden it deletes, where it died over that.
            let reached = self.store().log_minimum(self.tenant()).await?;
            if reached > 0 {
                self.store().prune(self.tenant(), reached).await?;
            }
            return Ok(None);
        };
        let minimum = line.minimum;
        if !line.on_record {
            self.adopt_again(minimum).await?;
            let act = Administration::LogPruned { minimum };
            self.administer(act, Some(reason), Some(by.id())).await?;
        }
        self.keep_administration(minimum).await?;
        self.store().prune(self.tenant(), minimum).await?;
        self.store().scrub().await?;
        Ok(Some(minimum))
    }

    async fn prunable(
        &self,
        before: Timestamp,
        ledger: &Ledger,
    ) -> Result<Option<Line>, ErasureFault> {
        let reached = self.store().log_minimum(self.tenant()).await?;
        // On record and not begun: since then a hold may have come, so that it is looked at as if for the first time.
        let on_record = ledger.pruned() > reached;
        let (size, limit) = if on_record {
            (ledger.pruned(), None)
        } else {
            let published = self.store().published(self.tenant()).await?;
            let size = published.map_or(0, |published| published.size);
            (size, Some(before.to_string()))
        };
        let (entries, claims) = self.below(reached, size, limit.as_deref(), ledger).await?;
        let now = self.clock().now();
        for entry in &entries {
            self.may_go(entry, &claims, ledger, now)?;
        }
        let end = entries
            .last()
            .map_or(reached, |last| last.index.saturating_add(1));
        let minimum = end - end % TILE_HASHES;
        Ok((minimum > reached).then_some(Line { minimum, on_record }))
    }

    /// The entries that are to go, those below a place and written before a limit, and what their runs claim.
    async fn below(
        &self,
        minimum: u64,
        size: u64,
        limit: Option<&str>,
        ledger: &Ledger,
    ) -> Result<(Vec<Below>, BTreeMap<RunId, Claims>), ErasureFault> {
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
                if stored.index >= size || limit.is_some_and(|limit| entry.time() >= limit) {
                    break 'log;
                }
                let mut named = BTreeSet::new();
                if stored.run == ADMINISTRATION_RUN {
                    named.extend(naming(ledger, stored.run, &stored.bytes));
                } else {
                    let claimed = claims.entry(stored.run).or_default();
                    claimed.last = stored.seq;
                    self.claim(stored.run, &stored.bytes, &entry, ledger, claimed)
                        .await?;
                }
                entries.push(Below {
                    index: stored.index,
                    run: stored.run,
                    month: entry.time().get(..7).and_then(Month::parse),
                    held: named,
                });
            }
        }
        for (run, claimed) in &mut claims {
            self.claim_later(*run, ledger, claimed).await?;
        }
        Ok((entries, claims))
    }

    /// What a run that goes on beyond the line claims there.
    async fn claim_later(
        &self,
        run: RunId,
        ledger: &Ledger,
        claimed: &mut Claims,
    ) -> Result<(), ErasureFault> {
        let row = self.store().run(self.tenant(), run).await?;
        claimed.over = row.is_some_and(|row| row.state == RunStatus::Ended);
        let head = self.store().head(self.tenant(), run).await?;
        if head.is_some_and(|head| head.seq <= claimed.last) {
            return Ok(());
        }
        let entries = match self.store().entries(self.tenant(), run).await {
            // It was looked at when its beginning was pruned.
            Err(StoreFault::Pruned { .. }) => return Ok(()),
            other => other?,
        };
        for stored in &entries {
            let entry = parsed(run, stored.seq, &stored.bytes)?;
            self.claim(run, &stored.bytes, &entry, ledger, claimed)
                .await?;
        }
        Ok(())
    }

    async fn claim(
        &self,
        run: RunId,
        bytes: &[u8],
        entry: &Entry,
        ledger: &Ledger,
        claimed: &mut Claims,
    ) -> Result<(), ErasureFault> {
        claimed.held.extend(naming(ledger, run, bytes));
        let body = Canon::Object(entry.body().clone());
        let notes = codec::notes(&body).map_err(|fault| Fault::Damaged {
            run,
            seq: entry.seq(),
            fault: fault.to_string(),
        })?;
        for note in notes {
            let sealed = self.store().payload(self.tenant(), note.id).await?;
            let Some(sealed) = sealed else { continue };
            // What it depends on cannot be told, so neither can whether it must stay.
            let keys = key_names(&sealed.header).ok_or_else(|| Fault::Damaged {
                run,
                seq: entry.seq(),
                fault: "the header of a payload is of another form".to_owned(),
            })?;
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
        ledger: &Ledger,
        now: Timestamp,
    ) -> Result<(), ErasureFault> {
        if !entry.held.is_empty() {
            return Err(ErasureFault::Held(entry.held.iter().copied().collect()));
        }
        // What the administration chain loses here it keeps beside the log.
        if entry.run == ADMINISTRATION_RUN {
            return Ok(());
        }
        let none = Claims::default();
        let claims = claims.get(&entry.run).unwrap_or(&none);
        if !claims.held.is_empty() {
            return Err(ErasureFault::Held(claims.held.iter().copied().collect()));
        }
        // Said here, before the entry that says it was pruned: the store would refuse it only after.
        if !claims.over {
            return Err(ErasureFault::Policy(format!(
                "entry {} belongs to {}, which is not over\nhint: end the run, or prune less",
                entry.index, entry.run
            )));
        }
        // A run that sealed nothing belongs to no class but that of everything.
        let classes: Vec<&str> = if claims.classes.is_empty() {
            let held: Vec<HoldId> = ledger
                .holds()
                .filter(|(_, scope)| is_default_of(scope, entry.month))
                .map(|(hold, _)| hold)
                .collect();
            if !held.is_empty() {
                return Err(ErasureFault::Held(held));
            }
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

/// The holds that cover an entry by what it says, content or none: its run, or a person whose pseudonym is in it.
fn naming(ledger: &Ledger, run: RunId, bytes: &[u8]) -> Vec<HoldId> {
    let names = |scope: &HoldScope| match scope {
        HoldScope::Run(held) => *held == run,
        HoldScope::Subject(subject) => {
            let id = subject.to_string();
            bytes.windows(id.len()).any(|part| part == id.as_bytes())
        }
        HoldScope::Period { .. } => false,
    };
    let holds = ledger.holds().filter(|(_, scope)| names(scope));
    holds.map(|(hold, _)| hold).collect()
}

/// Whether a hold is on the class of what belongs to none, in a month.
fn is_default_of(scope: &HoldScope, at: Option<Month>) -> bool {
    matches!(scope, HoldScope::Period { class, month }
        if class == DEFAULT_CLASS && at.is_none_or(|at| Month::parse(month) == Some(at)))
}

fn parsed(run: RunId, seq: u64, bytes: &[u8]) -> Result<Entry, Fault> {
    Entry::parse(bytes).map_err(|fault| Fault::Damaged {
        run,
        seq,
        fault: fault.to_string(),
    })
}
