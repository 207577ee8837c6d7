//! The name of a person: found without making a pseudonym for it, and forgotten with the erasure. A pseudonym whose
//! record is gone leads to no name, and the same name gets a new one when it comes again.

use interlock_core::id::{ErasureId, SubjectId};

use super::survey::key_of;
use super::{ErasureFault, Ledger, Whom};
use crate::engine::{Engine, Fault};
use crate::seal::KeyName;

/// The record of an erasure under way: by what names it is found again once their own records are gone. It is sealed
/// under a key that is destroyed with the person's: a copy of it tells nobody whether a name was ever known.
const UNDER_WAY: &str = "erasure";
/// The inner index of a name, in hex.
const INDEX_BYTES: usize = 64;

/// A person found.
pub(super) struct Found {
    pub(super) subject: SubjectId,
    /// Blind indexes of the names that lead to them.
    pub(super) names: Vec<String>,
}

/// The key of an erasure's own record.
pub(super) fn key_of_names(erasure: ErasureId) -> KeyName {
    KeyName::records(&format!("{UNDER_WAY}.{erasure}"))
}

impl Engine {
    /// Finds a person, also one whose erasure was broken off.
    pub(super) async fn find_person(
        &self,
        whom: &Whom,
        ledger: &Ledger,
    ) -> Result<Found, ErasureFault> {
        match whom {
            Whom::Known(subject) => {
                let mut names = self.name_indexes_of(*subject).await?;
                if let Some(erasure) = ledger.of_subject(*subject)
                    && erasure.done.is_none()
                {
                    names.extend(self.under_way(erasure.id).await?);
                    names.sort_unstable();
                    names.dedup();
                }
                if names.is_empty() && !self.is_anybody(*subject, ledger).await? {
                    return Err(ErasureFault::Unknown);
                }
                Ok(Found {
                    subject: *subject,
                    names,
                })
            }
            Whom::Named(name) => {
                let index = self.name_index(name).await?;
                if let Some(subject) = self.subject_at(&index).await? {
                    return Ok(Found {
                        subject,
                        names: vec![index],
                    });
                }
                // The name is forgotten before the keys are destroyed: an erasure that broke off in between is found by
                // its own record, and one that broke off later by nothing but the pseudonym.
                for erasure in ledger.erasures().filter(|one| one.done.is_none()) {
                    let names = self.under_way(erasure.id).await?;
                    if names.contains(&index) {
                        return Ok(Found {
                            subject: erasure.subject,
                            names,
                        });
                    }
                }
                Err(ErasureFault::Unknown)
            }
        }
    }

    /// Whether anything was ever known of a pseudonym: a mistyped one is nobody's, and nothing is certified of it.
    async fn is_anybody(&self, subject: SubjectId, ledger: &Ledger) -> Result<bool, ErasureFault> {
        let key = key_of(subject);
        if ledger.of_subject(subject).is_some() || !self.key_is_gone(&key).await? {
            return Ok(true);
        }
        // Somebody may have destroyed the key without an order: what depended on it still names it.
        let survey = self.survey(&key, ledger, &mut |_| ()).await?;
        Ok(survey.payloads > 0)
    }

    /// Keeps by what names an erasure is found again.
    pub(super) async fn keep_under_way(
        &self,
        erasure: ErasureId,
        names: &[String],
    ) -> Result<(), ErasureFault> {
        let id = erasure.to_string();
        let content = names.concat();
        let book = &self.parts.book;
        let (key, place) = (key_of_names(erasure), id.as_bytes());
        let sealed = book
            .seal_under(self.tenant(), &key, UNDER_WAY, place, content.as_bytes())
            .await
            .map_err(Fault::from)?;
        Ok(self.put(UNDER_WAY, &id, sealed).await?)
    }

    /// None, too, once the keys are destroyed: it is found by the pseudonym then.
    async fn under_way(&self, erasure: ErasureId) -> Result<Vec<String>, ErasureFault> {
        let id = erasure.to_string();
        let record = self.store().record(self.tenant(), UNDER_WAY, &id).await?;
        let Some(record) = record else {
            return Ok(Vec::new());
        };
        let key = key_of_names(erasure);
        if self.key_is_gone(&key).await? {
            return Ok(Vec::new());
        }
        let book = &self.parts.book;
        let opened = book.open_under(self.tenant(), &key, UNDER_WAY, id.as_bytes(), &record.bytes);
        let opened = opened.await.map_err(Fault::from)?;
        let form = || Fault::Bug("an erasure's record of another form".to_owned());
        let text = std::str::from_utf8(&opened).map_err(|_| form())?;
        let mut names = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (name, after) = rest.split_at_checked(INDEX_BYTES).ok_or_else(form)?;
            names.push(name.to_owned());
            rest = after;
        }
        Ok(names)
    }

    /// The erasure is over: by no name is it found again.
    pub(super) async fn forget_under_way(&self, erasure: ErasureId) -> Result<(), ErasureFault> {
        Ok(self.remove_record(UNDER_WAY, &erasure.to_string()).await?)
    }
}
