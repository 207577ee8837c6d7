//! Which payloads depend on a key: told by their sealed headers, which name their keys, since a label can be in a later
//! entry than the payload. Walks the log page by page, so that memory does not grow with it.

use std::collections::{BTreeMap, BTreeSet};

use interlock_core::id::{HoldId, RunId, SubjectId};
use interlock_journal::{Canon, Entry};
use interlock_store::{SealedPayload, limits::LOG_PAGE_MAX};

use super::{ErasureFault, Ledger};
use crate::administration::ADMINISTRATION_RUN;
use crate::administration::HoldScope;
use crate::codec::{self, PayloadNote};
use crate::engine::{Engine, Fault};
use crate::retention::Month;
use crate::seal::{KeyName, key_names};

/// A payload with what it depends on.
pub(crate) struct Concern {
    pub(crate) run: RunId,
    pub(crate) note: PayloadNote,
    pub(crate) sealed: SealedPayload,
    pub(crate) keys: Vec<KeyName>,
}

impl Concern {
    /// Whether it is about anybody besides this person.
    pub(super) fn is_about_others(&self, key: &KeyName) -> bool {
        self.keys
            .iter()
            .any(|name| name != key && name.is_subject())
    }
}

/// What depends on a key, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Survey {
    pub(crate) payloads: u64,
    pub(crate) shared: u64,
    pub(crate) runs: BTreeSet<RunId>,
    pub(crate) held: BTreeSet<HoldId>,
    /// Those whose class's minimum is not over, by class.
    pub(crate) required: BTreeMap<String, u64>,
    pub(crate) within_minimum: u64,
}

/// Whether a hold covers a payload.
pub(crate) fn covers(scope: &HoldScope, concern: &Concern) -> bool {
    match scope {
        HoldScope::Subject(subject) => concern.keys.contains(&KeyName::subject(*subject)),
        HoldScope::Run(run) => concern.run == *run,
        HoldScope::Period { class, month } => {
            let name = format!("period.{class}.{month}");
            concern.keys.iter().any(|key| key.as_str() == name)
        }
    }
}

impl Engine {
    /// Calls `found` with each payload of the log that is there; `progress` with the entries seen so far.
    pub(crate) async fn each_payload(
        &self,
        progress: &mut (dyn FnMut(u64) + Send),
        mut found: impl AsyncFnMut(Concern) -> Result<(), ErasureFault>,
    ) -> Result<(), ErasureFault> {
        let tenant = self.tenant().clone();
        // Reasons whose entries were pruned are kept beside the log, and have keys and a class like all others.
        for note in self.reasons_beside_log().await? {
            let Some(sealed) = self.store().payload(&tenant, note.id).await? else {
                continue;
            };
            let Some(keys) = key_names(&sealed.header) else {
                continue;
            };
            found(Concern {
                run: ADMINISTRATION_RUN,
                note,
                sealed,
                keys,
            })
            .await?;
        }
        let mut next = self.store().log_minimum(&tenant).await?;
        loop {
            let page = self
                .store()
                .log_entries(&tenant, next, LOG_PAGE_MAX)
                .await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            let after = last.index.saturating_add(1);
            for stored in page {
                let damaged = |fault: String| Fault::Damaged {
                    run: stored.run,
                    seq: stored.seq,
                    fault,
                };
                let entry = Entry::parse(&stored.bytes).map_err(|f| damaged(f.to_string()))?;
                let body = Canon::Object(entry.body().clone());
                let notes = codec::notes(&body).map_err(|f| damaged(f.to_string()))?;
                for note in notes {
                    let Some(sealed) = self.store().payload(&tenant, note.id).await? else {
                        continue;
                    };
                    // A header that cannot be read opens nothing; `fate` tells of it.
                    let Some(keys) = key_names(&sealed.header) else {
                        continue;
                    };
                    found(Concern {
                        run: stored.run,
                        note,
                        sealed,
                        keys,
                    })
                    .await?;
                }
            }
            next = after;
            progress(next);
        }
    }

    /// What depends on a key, and which holds are in the way.
    pub(crate) async fn survey(
        &self,
        key: &KeyName,
        ledger: &Ledger,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Survey, ErasureFault> {
        let holds: BTreeMap<HoldId, _> = ledger.holds().collect();
        let mut survey = Survey::default();
        // A hold counts also where nothing is there yet that it covers.
        for (hold, scope) in &holds {
            if names(scope).as_ref() == Some(key) {
                survey.held.insert(*hold);
            }
        }
        self.each_payload(progress, async |concern| {
            if concern.keys.contains(key) {
                survey.payloads += 1;
                survey.shared += u64::from(concern.is_about_others(key));
                survey.runs.insert(concern.run);
                let periods = concern.keys.iter().filter_map(KeyName::as_period);
                let mut required = false;
                for (class, _) in periods.filter(|(class, month)| self.is_required(class, month)) {
                    *survey.required.entry(class.to_owned()).or_default() += 1;
                    required = true;
                }
                survey.within_minimum += u64::from(required);
                let covering = holds.iter().filter(|(_, scope)| covers(scope, &concern));
                survey.held.extend(covering.map(|(hold, _)| *hold));
            }
            Ok(())
        })
        .await?;
        Ok(survey)
    }
}

/// Payloads that a retention class says must be kept for longer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Required {
    /// The class.
    pub class: String,
    /// The rule that it follows; none: it is configured no more, and nobody knows for how long it must be kept.
    pub basis: Option<String>,
    /// How many.
    pub payloads: u64,
}

impl Engine {
    /// Whether a class and month must still be kept. What nobody knows the minimum of, must.
    fn is_required(&self, class: &str, month: &str) -> bool {
        let full =
            Month::parse(month).map_or(0, |month| month.full_months_until(self.clock().now()));
        let class = self.retention().class(class);
        class.is_none_or(|class| full < class.min_months)
    }

    /// What a survey found to be within its minimum, with the rules.
    pub(super) fn required(&self, survey: &Survey) -> Vec<Required> {
        let basis = |class| {
            self.retention()
                .class(class)
                .map(|class| class.basis.clone())
        };
        let found = survey.required.iter().map(|(class, payloads)| Required {
            class: class.clone(),
            basis: basis(class),
            payloads: *payloads,
        });
        found.collect()
    }
}

/// The key that a hold names, where it names one.
fn names(scope: &HoldScope) -> Option<KeyName> {
    match scope {
        HoldScope::Subject(subject) => Some(KeyName::subject(*subject)),
        HoldScope::Run(_) => None,
        HoldScope::Period { class, month } => KeyName::month(class, month),
    }
}

/// The key of a person.
pub(super) fn key_of(subject: SubjectId) -> KeyName {
    KeyName::subject(subject)
}
