//! The only codec between core's events and the bodies of journal entries (`docs/entries.md`). A body holds
//! ids, enums, integers, digests, labels and names of declared things; content and free text cannot get in.
//! Reading is strict: a member too many, too few, or in another spelling is a fault, never a default.

use std::collections::BTreeSet;

use interlock_core::id::PayloadId;
use interlock_core::run::{Event, Slot};
use interlock_journal::{Canon, canonical};

mod administration;
mod fault;
mod label;
mod members;
mod payload;
mod record;
mod shown;
mod table;
mod tagged;
#[cfg(test)]
mod tests;
pub(crate) mod time;
mod value;

pub use administration::{ACT_KINDS, ActBody, decode_act, encode_act};
pub use fault::CodecFault;
pub use payload::{Kept, NotedClass};
pub use table::KINDS;
pub use time::parse as instant;

use fault::Flaw;
use members::{Reader, Writer};

/// Bytes of an encoded body. The rest of an entry's bytes is for the members around it, whatever they are.
pub const BODY_BYTES_MAX: usize = interlock_journal::entry::ENTRY_BYTES_MAX - 512;

/// What an entry says of a payload that its event introduces. None of it tells anything about the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayloadNote {
    /// Its id.
    pub id: PayloadId,
    /// Where it is used.
    pub slot: Slot,
    /// Keyed commitment to the content.
    pub commitment: [u8; 32],
    /// SHA-256 of the ciphertext.
    pub ciphertext_digest: [u8; 32],
    /// Size after padding, bytes.
    pub padded_bytes: u64,
    /// Its retention class; none is the default one.
    pub class: Option<NotedClass>,
    /// How much of the content was kept.
    pub kept: Kept,
    /// SHA-256 of the sealed marks beside it; none where nothing in it is marked.
    pub marks: Option<[u8; 32]>,
}

/// The body of the entry for this event. `introduced` holds one note for each payload that the event
/// introduces, in any order.
///
/// # Errors
/// The notes are not those of the event, a name has another form, a number is beyond 2^53 - 1, or the body is
/// longer than [`BODY_BYTES_MAX`].
pub fn encode(event: &Event, introduced: &[PayloadNote]) -> Result<Canon, CodecFault> {
    let kind = event.kind();
    let body = members_of(event, introduced).map_err(|flaw| CodecFault::write(kind, flaw))?;
    let bytes = canonical::encode(&body).len();
    if bytes > BODY_BYTES_MAX {
        return Err(CodecFault::TooLarge { kind, bytes });
    }
    Ok(body)
}

fn members_of(event: &Event, introduced: &[PayloadNote]) -> Result<Canon, Flaw> {
    let mut writer = Writer::default();
    table::write(event, &mut writer)?;
    check_introduced(event, introduced)?;
    if !introduced.is_empty() {
        writer.put(payload::MEMBER, &payload::sorted(introduced))?;
    }
    Ok(writer.finish())
}

/// The event that a body tells of.
///
/// # Errors
/// An unknown kind; a member that is missing, unknown or in another form; notes that are not those of the event.
pub fn decode(kind: &str, body: &Canon) -> Result<Event, CodecFault> {
    let Some(known) = KINDS.iter().find(|known| **known == kind) else {
        return Err(CodecFault::UnknownKind);
    };
    read_event(known, body).map_err(|flaw| CodecFault::read(known, flaw))
}

fn read_event(kind: &'static str, body: &Canon) -> Result<Event, Flaw> {
    let mut reader = Reader::new(body)?;
    let event = table::read(kind, &mut reader)?;
    let introduced = payload::take(&mut reader)?;
    reader.finish()?;
    check_introduced(&event, &introduced)?;
    Ok(event)
}

/// The notes of the payloads that a body's event introduces, by rising id. For an index or an erasure, which
/// need no event; the body's other members are not looked at.
///
/// # Errors
/// The body is no object, or its notes have another form.
pub fn notes(body: &Canon) -> Result<Vec<PayloadNote>, CodecFault> {
    Reader::new(body)
        .and_then(|mut reader| payload::take(&mut reader))
        .map_err(|flaw| CodecFault::read("payloads", flaw))
}

fn check_introduced(event: &Event, introduced: &[PayloadNote]) -> Result<(), Flaw> {
    let named = event.introduces();
    let noted: BTreeSet<PayloadId> = introduced.iter().map(|note| note.id).collect();
    if noted.len() == introduced.len() && noted == named.into_iter().collect() {
        Ok(())
    } else {
        Err(Flaw::payloads())
    }
}
