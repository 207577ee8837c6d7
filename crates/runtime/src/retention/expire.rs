//! Expiry: a class and month past the class's maximum lose their key, unless a hold covers any of it. The log itself says
//! which classes and months there are, so that none is forgotten because a list was.

use std::collections::{BTreeMap, BTreeSet};

use interlock_core::id::HoldId;
use interlock_core::pipeline::identity::Principal;

use super::Month;
use crate::administration::Administration;
use crate::engine::Engine;
use crate::erasure::{ErasureFault, Ledger, Stage, covers, officer, reader};
use crate::seal::KeyName;

/// How a class and month stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It must be kept: its minimum is not over.
    Required,
    /// It may be kept.
    Kept,
    /// It is past its maximum, and a hold covers some of it.
    Held,
    /// It is past its maximum, and is expired next.
    Due,
    /// It has expired.
    Expired,
    /// No class of that name is configured: it is kept, and nobody knows for how long.
    Unclaimed,
}

/// A class and month with what the log has of it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Period {
    /// The class.
    pub class: String,
    /// The month, as `2026-11`.
    pub month: String,
    /// Payloads.
    pub payloads: u64,
    /// Full months since.
    pub full_months: u32,
    /// How it stands.
    pub standing: Standing,
    /// Holds that cover some of it.
    pub held_by: Vec<String>,
}

#[derive(Default)]
struct Found {
    payloads: u64,
    held: BTreeSet<HoldId>,
}

impl Engine {
    /// Every class and month of the log, and how it stands.
    ///
    /// # Errors
    /// The caller may not read it, or the store cannot be read.
    pub async fn retention_periods(
        &self,
        by: &Principal,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Vec<Period>, ErasureFault> {
        reader(by)?;
        self.periods(&self.ledger().await?, progress).await
    }

    /// Expires what is due, and nothing else. Returns what expired. After a fault the same call goes on.
    ///
    /// # Errors
    /// The person does not hold the office, or store or keys cannot be reached.
    pub async fn expire(
        &self,
        by: &Principal,
        progress: &mut (dyn FnMut(Stage) + Send),
    ) -> Result<Vec<Period>, ErasureFault> {
        self.expire_for(by, None, progress).await
    }

    /// As [`Engine::expire`], for a reason that is sealed beside each entry. The reason has at most `REASON_CHARS_MAX`
    /// characters.
    ///
    /// # Errors
    /// As [`Engine::expire`].
    pub async fn expire_for(
        &self,
        by: &Principal,
        reason: Option<&str>,
        progress: &mut (dyn FnMut(Stage) + Send),
    ) -> Result<Vec<Period>, ErasureFault> {
        officer(by)?;
        let _turn = self.conducting.lock().await;
        let ledger = self.ledger().await?;
        let mut seen = |entries| progress(Stage::Surveyed(entries));
        let mut due = self.periods(&ledger, &mut seen).await?;
        due.retain(|period| period.standing == Standing::Due);
        let mut keys = Vec::new();
        self.gone.learn(&ledger);
        for period in &due {
            // The clock may jump back: nothing is sealed again for a month that has expired.
            if let Some(month) = Month::parse(&period.month) {
                self.gone.add_period(&period.class, month);
            }
            keys.extend(KeyName::month(&period.class, &period.month));
        }
        if keys.is_empty() {
            return Ok(due);
        }
        let destroyed = self.destroy_keys(&keys).await?;
        let destroyed_at = self.clock().now();
        progress(Stage::Destroyed);
        for (period, key) in due.iter_mut().zip(&keys) {
            self.prove_gone(key, progress).await?;
            let act = Administration::RetentionExpired {
                class: period.class.clone(),
                month: period.month.clone(),
                keys: 1,
                epoch_before: destroyed.epoch_before,
                epoch_after: destroyed.epoch_after,
                destroyed_at,
            };
            self.administer(act, reason, Some(by.id())).await?;
            period.standing = Standing::Expired;
        }
        progress(Stage::Recorded);
        Ok(due)
    }

    async fn periods(
        &self,
        ledger: &Ledger,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Vec<Period>, ErasureFault> {
        let holds: Vec<_> = ledger.holds().collect();
        let mut found: BTreeMap<(String, String), Found> = BTreeMap::new();
        self.each_payload(progress, async |concern| {
            for (class, month) in concern.keys.iter().filter_map(KeyName::as_period) {
                let at = found
                    .entry((class.to_owned(), month.to_owned()))
                    .or_default();
                at.payloads += 1;
                let covering = holds.iter().filter(|(_, scope)| covers(scope, &concern));
                at.held.extend(covering.map(|(hold, _)| *hold));
            }
            Ok(())
        })
        .await?;
        let now = self.clock().now();
        let mut periods = Vec::with_capacity(found.len());
        for ((class, month), found) in found {
            let full_months = Month::parse(&month).map_or(0, |month| month.full_months_until(now));
            let standing = if ledger.expired(&class, &month).is_some() {
                Standing::Expired
            } else {
                match self.standing(&class, full_months, &found) {
                    // Its expiry broke off before the record: nothing is left to hold, and the log is to say so.
                    Standing::Held if self.month_is_gone(&class, &month).await? => Standing::Due,
                    standing => standing,
                }
            };
            periods.push(Period {
                class,
                month,
                payloads: found.payloads,
                full_months,
                standing,
                held_by: found.held.iter().map(HoldId::to_string).collect(),
            });
        }
        Ok(periods)
    }

    async fn month_is_gone(&self, class: &str, month: &str) -> Result<bool, ErasureFault> {
        match KeyName::month(class, month) {
            Some(key) => Ok(self.key_is_gone(&key).await?),
            None => Ok(false),
        }
    }

    fn standing(&self, class: &str, full_months: u32, found: &Found) -> Standing {
        let Some(class) = self.retention().class(class) else {
            return Standing::Unclaimed;
        };
        if full_months < class.min_months {
            return Standing::Required;
        }
        match class.max_months {
            Some(max) if full_months >= max && found.held.is_empty() => Standing::Due,
            Some(max) if full_months >= max => Standing::Held,
            Some(_) | None => Standing::Kept,
        }
    }
}
