//! The notes on the payloads that an event introduces: an array by rising id, left out where there are none.

use interlock_core::digest::Digest;
use interlock_journal::Canon;

use super::PayloadNote;
use super::fault::Flaw;
use super::members::{Reader, Writer};
use super::value::Value;
use crate::retention::DEFAULT_CLASS;

/// Where the notes stand in a body.
pub(super) const MEMBER: &str = "payloads";

/// How much of a payload's content was kept when it was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Kept {
    /// All of it. The entry says nothing then.
    #[default]
    Full,
    /// De-identified: what a rule of the operator names was replaced by its category and a token.
    Masked,
    /// None of it: the commitment alone, and what the entry says of its label.
    Digest,
}

impl Kept {
    /// All of them, from all to nothing.
    pub const ALL: [Self; 3] = [Self::Full, Self::Masked, Self::Digest];

    /// The name in entries and configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Masked => "masked",
            Self::Digest => "digest",
        }
    }

    /// The choice of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kept| kept.as_str() == text)
    }
}

impl Value for Kept {
    fn write(&self) -> Result<Canon, Flaw> {
        Canon::text(self.as_str()).map_err(|_| Flaw::form())
    }

    fn read(value: &Canon) -> Result<Self, Flaw> {
        // One spelling: that all was kept is said by saying nothing.
        value
            .as_str()
            .and_then(Self::parse)
            .filter(|kept| *kept != Self::Full)
            .ok_or_else(Flaw::form)
    }
}

/// A retention class as notes carry it: a name of at most 64 bytes, held in place so that notes stay small to copy.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct NotedClass {
    bytes: [u8; 64],
    len: u8,
}

impl NotedClass {
    /// The class of that name; `None` for the default one, of which a note says nothing.
    ///
    /// # Errors
    /// A name over 64 bytes, which no configuration has.
    pub fn of(name: &str) -> Result<Option<Self>, &'static str> {
        if name == DEFAULT_CLASS {
            return Ok(None);
        }
        let mut bytes = [0; 64];
        let slot = bytes
            .get_mut(..name.len())
            .ok_or("a retention class over its bound")?;
        slot.copy_from_slice(name.as_bytes());
        let len = u8::try_from(name.len()).map_err(|_| "a retention class over its bound")?;
        Ok(Some(Self { bytes, len }))
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..usize::from(self.len)).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

impl std::fmt::Debug for NotedClass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Value for NotedClass {
    fn write(&self) -> Result<Canon, Flaw> {
        self.as_str().to_owned().write()
    }

    fn read(value: &Canon) -> Result<Self, Flaw> {
        // One spelling here too: the default class is said by saying nothing.
        let name = String::read(value)?;
        Self::of(&name).ok().flatten().ok_or_else(Flaw::form)
    }
}

impl Value for PayloadNote {
    fn write(&self) -> Result<Canon, Flaw> {
        let mut writer = Writer::default();
        writer.put("class", &self.class)?;
        writer.put("commit", &Digest::from_bytes(self.commitment))?;
        writer.put("ct", &Digest::from_bytes(self.ciphertext_digest))?;
        writer.put("id", &self.id)?;
        writer.put("kept", &(self.kept != Kept::Full).then_some(self.kept))?;
        writer.put("marks", &self.marks.map(Digest::from_bytes))?;
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
            class: reader.take("class")?,
            kept: reader.take::<Option<Kept>>("kept")?.unwrap_or_default(),
            marks: reader
                .take::<Option<Digest>>("marks")?
                .map(|digest| digest.to_bytes()),
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
