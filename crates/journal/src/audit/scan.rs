//! A reader of entries that borrows: it accepts exactly the bytes that `Entry::parse` accepts and allocates
//! nothing, because a verifier reads millions. A differential test holds the two together; where they would
//! ever differ, the strict parser is right and the audit reports a fault.
//! `reader` reads bytes nobody checked, `raw` is a value that was checked, `body` knows where members lie.

mod body;
mod raw;
mod reader;
#[cfg(test)]
mod tests;

pub use body::Body;
pub use raw::{Items, Members, Raw};
pub(super) use reader::{Key, Reader};

#[cfg(test)]
use crate::canonical::INTEGER_MAX;
use crate::entry::{ENTRY_BYTES_MAX, form};
use crate::hash::LeafHash;

use super::ids::number;
use super::kinds;

/// One entry as its bytes say it; every part is checked and borrowed from the bytes.
#[derive(Debug, Clone, Copy)]
pub struct Scanned<'a> {
    /// Owner of the log.
    pub tenant: &'a str,
    /// The store's environment.
    pub environment: &'a str,
    /// The run, with its prefix.
    pub run: &'a str,
    /// The run's 128 bits.
    pub run_number: u128,
    /// Place in the run, from 0.
    pub seq: u64,
    /// Leaf hash of the run's entry before this one.
    pub prev: LeafHash,
    /// Fencing epoch of the writer.
    pub epoch: u64,
    /// The writer's clock, 27 characters.
    pub time: &'a str,
    /// Kind of event.
    pub event: &'a str,
    /// The event's own members: an object.
    pub body: Body<'a>,
}

/// Reads one entry; `None` exactly where `Entry::parse` has an error.
#[must_use]
pub fn scan(bytes: &[u8]) -> Option<Scanned<'_>> {
    let text = text_of(bytes)?;
    let mut reader = Reader::new(text);
    reader.literal(HEAD)?;
    let body = Body::read(&mut reader)?;
    after_body(&mut reader, body)
}

/// Reads one entry of a kind that is known and whose body has the form of its kind; `None` for every other entry.
/// What fits its kind is well formed, so that the body is walked once.
pub(super) fn scan_fitting(bytes: &[u8]) -> Option<Scanned<'_>> {
    let text = text_of(bytes)?;
    // Behind the body no value has a brace but the entry's own, so the last but one ends the body. If it did not,
    // what stands on one of its sides would not be read to its end.
    let end = text.get(..text.len().checked_sub(1)?)?.rfind('}')? + 1;
    let mut after = Reader::at_place(text, end);
    let entry = after_body(&mut after, Body::default())?;
    let mut reader = Reader::new(text);
    reader.literal(HEAD)?;
    let members = kinds::find(entry.event)?.members;
    let body = Body::read_fitting(&mut reader, members)?;
    (reader.at() == end).then_some(Scanned { body, ..entry })
}

// The ten members are there exactly once and their keys rise, so there is one order in which they can stand.
const HEAD: &str = "{\"body\":";

fn text_of(bytes: &[u8]) -> Option<&str> {
    (bytes.len() <= ENTRY_BYTES_MAX)
        .then(|| std::str::from_utf8(bytes).ok())
        .flatten()
}

fn after_body<'a>(reader: &mut Reader<'a>, body: Body<'a>) -> Option<Scanned<'a>> {
    reader.literal(",\"env\":")?;
    let environment = reader.text()?;
    reader.literal(",\"epoch\":")?;
    let epoch = reader.count()?;
    reader.literal(",\"event\":")?;
    let event = reader.text()?;
    reader.literal(",\"prev\":")?;
    let prev = LeafHash::parse_hex(reader.text()?)?;
    reader.literal(",\"run\":")?;
    let run = reader.text()?;
    reader.literal(",\"seq\":")?;
    let seq = reader.count()?;
    reader.literal(",\"tenant\":")?;
    let tenant = reader.text()?;
    reader.literal(",\"time\":")?;
    let time = reader.text()?;
    reader.literal(",\"v\":1}")?;
    let run_number = number(run, "run")?;
    let holds = reader.is_done()
        && form::is_name(tenant)
        && form::is_name(environment)
        && form::is_time(time)
        && form::is_event(event)
        && (seq == 0) == (prev == LeafHash::ZERO);
    holds.then_some(Scanned {
        tenant,
        environment,
        run,
        run_number,
        seq,
        prev,
        epoch,
        time,
        event,
        body,
    })
}
