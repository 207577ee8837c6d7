//! The forms of members, as `docs/entries.md` spells them, and the walk that holds an object to a list of members.
//! Members of an object rise by their keys, and so do the lists here: one pass over both is enough.

use crate::audit::ids::ulid;
use crate::audit::scan::{Key, Raw, Reader};
use crate::entry::form;
use crate::hash::LeafHash;

/// One member of a kind: its name, whether it has to be there, its form.
#[derive(Debug, Clone, Copy)]
pub struct Member {
    /// The key, for comparing.
    pub(in crate::audit) key: Key,
    /// The key.
    pub name: &'static str,
    /// Whether an event without it is out of form.
    pub required: bool,
    /// How its value is spelled.
    pub form: Form,
}

/// How a value is spelled.
#[derive(Debug, Clone, Copy)]
pub enum Form {
    /// A prefix, `_`, 26 characters of Crockford base 32.
    Id(&'static str),
    /// 64 lower-case hex digits.
    Digest,
    /// As an entry's `time`.
    Instant,
    /// An integer from 0.
    Number,
    /// `true` or `false`.
    Bool,
    /// `[a-z0-9][a-z0-9_.-]{0,63}`.
    Name,
    /// One of a list of words.
    Word(&'static [&'static str]),
    /// Printable text of 1 to 256 bytes: an origin, a key's name.
    Line,
    /// The number of a node, or `"end"`.
    Next,
    /// `"any"`, or an array of names.
    AnyOrNames,
    /// An array of values of one form.
    List(&'static Self),
    /// An object with these members, in rising order.
    Members(&'static [Member]),
    /// The payloads that an event introduces: such objects by rising `id`, never none.
    Notes(&'static [Member]),
    /// How many there are, or what an act's reason is sealed in: two meanings share the name `payloads`.
    NumberOrNotes(&'static [Member]),
}

const LINE_BYTES_MAX: usize = 256;

impl Form {
    /// Consumes a value of this form; the text need not have been checked. After a no the place is anywhere.
    fn take(self, reader: &mut Reader<'_>) -> bool {
        match self {
            Self::Id(prefix) => reader.fixed(prefix.len() + 27, |text| is_id(text, prefix)),
            Self::Digest => reader.fixed(64, |text| LeafHash::parse_hex_bytes(text).is_some()),
            Self::Instant => reader.text().is_some_and(form::is_time),
            Self::Number => reader.count().is_some(),
            Self::Bool => reader.literal("true").is_some() || reader.literal("false").is_some(),
            Self::Name => reader.text().is_some_and(form::is_name),
            Self::Word(words) => reader.text().is_some_and(|text| words.contains(&text)),
            Self::Line => reader
                .text()
                .is_some_and(|text| (1..=LINE_BYTES_MAX).contains(&text.len())),
            Self::Next if reader.peek() == Some(b'"') => reader.text() == Some("end"),
            Self::Next => reader.count().is_some(),
            Self::AnyOrNames if reader.peek() == Some(b'"') => reader.text() == Some("any"),
            Self::AnyOrNames => Self::Name.take_all(reader),
            // The bound of an entry bounds the list.
            Self::List(form) => form.take_all(reader),
            Self::Members(members) => take_members(reader, members, &mut |_, _, _| {}).is_ok(),
            Self::Notes(members) => take_notes(reader, members),
            Self::NumberOrNotes(members) if reader.peek() == Some(b'[') => {
                take_notes(reader, members)
            }
            Self::NumberOrNotes(_) => reader.count().is_some(),
        }
    }

    /// Consumes an array of values of this form.
    fn take_all(self, reader: &mut Reader<'_>) -> bool {
        if !reader.take(b'[') {
            return false;
        }
        if reader.take(b']') {
            return true;
        }
        while self.take(reader) {
            if reader.take(b']') {
                return true;
            }
            if !reader.take(b',') {
                return false;
            }
        }
        false
    }
}

fn take_notes(reader: &mut Reader<'_>, members: &'static [Member]) -> bool {
    if !reader.take(b'[') {
        return false;
    }
    let mut last: Option<Raw<'_>> = None;
    loop {
        let from = reader.at();
        if take_members(reader, members, &mut |_, _, _| {}).is_err() {
            return false;
        }
        let note = reader.since(from);
        // Most events have one payload, and nothing to compare it with.
        if let Some(last) = last
            && last.text_of("id") >= note.and_then(|note| note.text_of("id"))
        {
            return false;
        }
        last = note;
        if reader.take(b']') {
            return true;
        }
        if !reader.take(b',') {
            return false;
        }
    }
}

fn is_id(text: &[u8], prefix: &str) -> bool {
    text.strip_prefix(prefix.as_bytes())
        .and_then(|rest| rest.strip_prefix(b"_"))
        .is_some_and(|digits| ulid(digits).is_some())
}

/// Holds an object to members that rise by name; the fault names the member, or nothing for one too many.
pub(super) fn fits_members(
    object: Raw<'_>,
    members: &'static [Member],
) -> Result<(), Option<&'static str>> {
    take_members(&mut object.reader(), members, &mut |_, _, _| {})
}

/// Consumes an object that has these members; `seen` is told where each key and value begin and the value ends.
pub(in crate::audit) fn take_members(
    reader: &mut Reader<'_>,
    members: &'static [Member],
    seen: &mut impl FnMut(usize, usize, usize),
) -> Result<(), Option<&'static str>> {
    if !reader.take(b'{') {
        return Err(None);
    }
    let mut more = !reader.take(b'}');
    let mut expected = members.iter();
    while more {
        let from = reader.at() + 1;
        let member = loop {
            let member = expected.next().ok_or(None)?;
            if reader.key(&member.key) {
                break member;
            }
            if member.required {
                return Err(Some(member.name));
            }
        };
        let value = reader.at();
        if !member.form.take(reader) {
            return Err(Some(member.name));
        }
        seen(from, value, reader.at());
        more = !reader.take(b'}');
        if more && !reader.take(b',') {
            return Err(Some(member.name));
        }
    }
    match expected.find(|member| member.required) {
        Some(missing) => Err(Some(missing.name)),
        None => Ok(()),
    }
}
