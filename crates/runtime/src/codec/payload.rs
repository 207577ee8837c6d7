//! The notes on the payloads that an event introduces: an array by rising id, left out where there are none.

use interlock_core::digest::Digest;
use interlock_journal::Canon;

use super::PayloadNote;
use super::fault::Flaw;
use super::members::{Reader, Writer};
use super::value::Value;

/// Where the notes stand in a body.
pub(super) const MEMBER: &str = "payloads";

impl Value for PayloadNote {
    fn write(&self) -> Result<Canon, Flaw> {
        let mut writer = Writer::default();
        writer.put("commit", &Digest::from_bytes(self.commitment))?;
        writer.put("ct", &Digest::from_bytes(self.ciphertext_digest))?;
        writer.put("id", &self.id)?;
        writer.put("padded", &self.padded_bytes)?;
        writer.put("slot", &self.slot)?;
        Ok(writer.finish())
    }

    fn read(value: &Canon) -> Result<Self, Flaw> {
        let mut reader = Reader::new(value)?;
        let read = Self {
            id: reader.take("id")?,
            slot: reader.take("slot")?,
            commitment: reader.take::<Digest>("commit")?.to_bytes(),
            ciphertext_digest: reader.take::<Digest>("ct")?.to_bytes(),
            padded_bytes: reader.take("padded")?,
        };
        reader.finish()?;
        Ok(read)
    }
}

/// The notes in the order of entries.
pub(super) fn sorted(notes: &[PayloadNote]) -> Vec<PayloadNote> {
    let mut notes = notes.to_vec();
    notes.sort_by_key(|note| note.id);
    notes
}

/// The notes of a body; none where the member is not there.
pub(super) fn take(reader: &mut Reader<'_>) -> Result<Vec<PayloadNote>, Flaw> {
    let Some(notes) = reader.take::<Option<Vec<PayloadNote>>>(MEMBER)? else {
        return Ok(Vec::new());
    };
    if notes.is_empty() {
        return Err(Flaw::form().under(MEMBER));
    }
    if notes.is_sorted_by(|a, b| a.id < b.id) {
        Ok(notes)
    } else {
        Err(Flaw::order().under(MEMBER))
    }
}
