//! What is gone stays gone: nothing new is sealed for a person whose erasure was begun, nor for a class and month that
//! expired, or their key would come into being again under the same name.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use interlock_core::id::SubjectId;

use super::Ledger;
use crate::engine::{Engine, Fault};
use crate::retention::Month;
use crate::seal::Terms;

/// What this process knows to be gone; read from the log once.
#[derive(Default)]
pub(crate) struct GoneKeys(Mutex<Option<Known>>);

#[derive(Default)]
struct Known {
    subjects: BTreeSet<SubjectId>,
    periods: BTreeSet<(String, Month)>,
}

impl GoneKeys {
    /// Takes over what the log says.
    pub(crate) fn learn(&self, ledger: &Ledger) {
        let periods = ledger
            .all_expired()
            .filter_map(|(class, month)| Some((class.to_owned(), Month::parse(month)?)))
            .collect();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Known {
            subjects: ledger.gone_subjects(),
            periods,
        });
    }

    pub(crate) fn add_subject(&self, subject: SubjectId) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get_or_insert_default().subjects.insert(subject);
    }

    pub(crate) fn add_period(&self, class: &str, month: Month) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.get_or_insert_default();
        known.periods.insert((class.to_owned(), month));
    }

    /// `None`: nothing was read yet.
    fn refuses(&self, terms: &Terms) -> Option<Option<&'static str>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.as_ref()?;
        if !known.subjects.is_disjoint(&terms.subjects) {
            return Some(Some("a person whom it is about was erased"));
        }
        if known.periods.is_empty() {
            return Some(None);
        }
        let period = (terms.class.clone(), Month::of(terms.at));
        let expired = known.periods.contains(&period);
        Some(expired.then_some("its retention class and month have expired"))
    }
}

impl Engine {
    /// Refuses to seal under a key that was destroyed. A look into memory, after the first.
    pub(crate) async fn refuse_gone(&self, terms: &Terms) -> Result<(), Fault> {
        let refused = match self.gone.refuses(terms) {
            Some(refused) => refused,
            None => {
                let ledger = self.ledger().await?;
                self.gone.learn(&ledger);
                self.gone.refuses(terms).flatten()
            }
        };
        refused.map_or(Ok(()), |why| Err(Fault::Erased(why)))
    }
}
