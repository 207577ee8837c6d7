//! What has become of one payload, by the log and by trying: an erasure without a record is a loss, and a record
//! without an erasure is a lie.

use interlock_core::id::RunId;

use super::{ErasureFault, Ledger};
use crate::codec::PayloadNote;
use crate::engine::{Engine, Fault};
use crate::seal::{KeyName, SealFault, SealedRef, key_names};

/// What has become of a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It opens, and is what its entry committed to.
    Opens,
    /// It does not open, and an entry says why.
    Erased {
        /// Place of that entry in the administration chain.
        seq: u64,
    },
    /// It does not open or is not there, and no entry says why.
    Missing,
    /// It is not what its entry committed to.
    Altered,
    /// It opens, and an entry says that it was erased.
    StillOpens {
        /// Place of that entry in the administration chain.
        seq: u64,
    },
}

impl Engine {
    /// What has become of a payload. Opens it, and forgets what it read.
    ///
    /// # Errors
    /// The store or the keys cannot be reached: it cannot be told then.
    pub async fn fate(
        &self,
        ledger: &Ledger,
        run: RunId,
        note: &PayloadNote,
    ) -> Result<Fate, ErasureFault> {
        let Some(sealed) = self.store().payload(self.tenant(), note.id).await? else {
            return Ok(Fate::Missing);
        };
        let Some(keys) = key_names(&sealed.header) else {
            return Ok(Fate::Altered);
        };
        let recorded = keys.iter().find_map(|key| recorded(ledger, key));
        let place = self.place(run, note.id, note.slot.as_str());
        let reference = SealedRef {
            header: &sealed.header,
            ciphertext: &sealed.ciphertext,
            commitment: &note.commitment,
        };
        match (self.parts.sealer.open(&place, &reference).await, recorded) {
            (Ok(_), None) => Ok(Fate::Opens),
            (Ok(_), Some(seq)) => Ok(Fate::StillOpens { seq }),
            (Err(SealFault::Gone(_)), Some(seq)) => Ok(Fate::Erased { seq }),
            (Err(SealFault::Gone(_)), None) => Ok(Fate::Missing),
            (Err(SealFault::Mismatch(_)), _) => Ok(Fate::Altered),
            (Err(fault), _) => Err(Fault::from(fault).into()),
        }
    }
}

/// The entry that says that a key was destroyed.
fn recorded(ledger: &Ledger, key: &KeyName) -> Option<u64> {
    if let Some(subject) = key.as_subject() {
        let done = ledger.of_subject(subject)?.done.as_ref()?;
        return Some(done.seq);
    }
    let (class, month) = key.as_period()?;
    ledger.expired(class, month)
}
