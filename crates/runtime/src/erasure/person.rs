//! The name of a person: found without making a pseudonym for it, and forgotten with the erasure. A pseudonym whose
//! record is gone leads to no name, and the same name gets a new one when it comes again.

use interlock_core::id::{ErasureId, SubjectId};
use serde::{Deserialize, Serialize};

use super::{ErasureFault, Ledger, Whom};
use crate::engine::{Engine, Fault};

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
                let mut names = self.name_indexes_of(*subject).await?;
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
                let index = self.name_index(name).await?;
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
        Ok(self.remove_record(UNDER_WAY, &erasure.to_string()).await?)
    }
}
