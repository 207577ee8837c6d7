//! The name of a person: found without making a pseudonym for it, and forgotten with the erasure. A pseudonym whose
//! record is gone leads to no name, and the same name gets a new one when it comes again.

use interlock_core::id::{ErasureId, SubjectId};
use interlock_store::RecordFault;
use serde::{Deserialize, Serialize};

use super::{ErasureFault, Ledger, Whom};
use crate::deploy::record_fault;
use crate::engine::{Engine, Fault};
use crate::identity::{PSEUDONYM, SUBJECT, spread};

/// The record of an erasure under way: by what name it is found again once the name's own record is gone.
const UNDER_WAY: &str = "erasure";

/// A person found.
pub(super) struct Found {
    pub(super) subject: SubjectId,
    /// Blind indexes of the names that lead to them.
    pub(super) names: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct UnderWay {
    names: Vec<String>,
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
                let mut names = self.names_of(*subject).await?;
                if let Some(erasure) = ledger.of_subject(*subject)
                    && erasure.done.is_none()
                {
                    names.extend(self.under_way(erasure.id).await?);
                    names.sort_unstable();
                    names.dedup();
                }
                Ok(Found {
                    subject: *subject,
                    names,
                })
            }
            Whom::Named(name) => {
                let index = self
                    .parts
                    .book
                    .blind_index(self.tenant(), SUBJECT, name)
                    .await
                    .map_err(Fault::from)?;
                if let Some(subject) = self.subject_at(&index).await? {
                    return Ok(Found {
                        subject,
                        names: vec![index],
                    });
                }
                // The name is forgotten before the keys are destroyed: an erasure that broke off in between is found by
                // its own record.
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

    /// The pseudonym behind a blind index.
    async fn subject_at(&self, index: &str) -> Result<Option<SubjectId>, ErasureFault> {
        let kind = spread(SUBJECT, index);
        let Some(record) = self.store().record(self.tenant(), &kind, index).await? else {
            return Ok(None);
        };
        let place = format!("{kind}/{index}");
        let opened = self
            .parts
            .book
            .open_small(self.tenant(), PSEUDONYM, place.as_bytes(), &record.bytes)
            .await
            .map_err(Fault::from)?;
        let bytes = <[u8; 16]>::try_from(opened.as_slice())
            .map_err(|_| Fault::Bug("a pseudonym of another form".to_owned()))?;
        Ok(Some(SubjectId::from_bytes(bytes)))
    }

    /// The blind indexes that lead to a pseudonym: every record of names is looked at.
    async fn names_of(&self, subject: SubjectId) -> Result<Vec<String>, ErasureFault> {
        let mut names = Vec::new();
        for part in 0..=u8::MAX {
            let kind = format!("{SUBJECT}.{part:02x}");
            for record in self.store().records(self.tenant(), &kind).await? {
                let place = format!("{kind}/{}", record.key);
                let opened = self
                    .parts
                    .book
                    .open_small(self.tenant(), PSEUDONYM, place.as_bytes(), &record.bytes)
                    .await
                    .map_err(Fault::from)?;
                if opened.as_slice() == subject.to_bytes() {
                    names.push(record.key);
                }
            }
        }
        Ok(names)
    }

    /// Forgets names. Those that are forgotten already are.
    pub(super) async fn forget_names(&self, names: &[String]) -> Result<(), ErasureFault> {
        for index in names {
            self.delete(&spread(SUBJECT, index), index).await?;
        }
        Ok(())
    }

    /// Keeps by what names an erasure is found again.
    pub(super) async fn keep_under_way(
        &self,
        erasure: ErasureId,
        names: &[String],
    ) -> Result<(), ErasureFault> {
        let record = UnderWay {
            names: names.to_vec(),
        };
        let bytes = serde_json::to_vec(&record).map_err(|fault| Fault::Bug(fault.to_string()))?;
        Ok(self.put(UNDER_WAY, &erasure.to_string(), bytes).await?)
    }

    async fn under_way(&self, erasure: ErasureId) -> Result<Vec<String>, ErasureFault> {
        let key = erasure.to_string();
        let record = self.store().record(self.tenant(), UNDER_WAY, &key).await?;
        let Some(record) = record else {
            return Ok(Vec::new());
        };
        let record: UnderWay = serde_json::from_slice(&record.bytes)
            .map_err(|_| Fault::Bug("an erasure's record of another form".to_owned()))?;
        Ok(record.names)
    }

    /// The erasure is over: by no name is it found again.
    pub(super) async fn forget_under_way(&self, erasure: ErasureId) -> Result<(), ErasureFault> {
        self.delete(UNDER_WAY, &erasure.to_string()).await
    }

    async fn delete(&self, kind: &str, key: &str) -> Result<(), ErasureFault> {
        for _ in 0..8 {
            let record = self.store().record(self.tenant(), kind, key).await?;
            let Some(record) = record else {
                return Ok(());
            };
            let deleted = self
                .store()
                .delete_record(self.tenant(), kind, key, record.version)
                .await;
            match deleted {
                Ok(()) => return Ok(()),
                // Somebody wrote it meanwhile, or the outcome is unknown: reading tells.
                Err(
                    RecordFault::Conflict { .. }
                    | RecordFault::Store(interlock_store::StoreFault::Unknown { .. }),
                ) => {}
                Err(fault) => return Err(record_fault(fault).into()),
            }
        }
        Err(Fault::Unknown.into())
    }
}
