//! The forms of members, as `docs/entries.md` spells them, and the walk that holds an object to a list of members.
//! Members of an object rise by their keys, and so do the lists here: one pass over both is enough.

use crate::audit::scan::Raw;
use crate::entry::form;
use crate::hash::LeafHash;

/// One member of a kind: its name, whether it has to be there, its form.
#[derive(Debug, Clone, Copy)]
pub struct Member {
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
    fn fits(self, value: Raw<'_>) -> bool {
        match self {
            Self::Id(prefix) => value.text().is_some_and(|text| is_id(text, prefix)),
            Self::Digest => value.text().and_then(LeafHash::parse_hex).is_some(),
            Self::Instant => value.text().is_some_and(form::is_time),
            Self::Number => value.count().is_some(),
            Self::Bool => value.boolean().is_some(),
            Self::Name => value.text().is_some_and(form::is_name),
            Self::Word(words) => value.text().is_some_and(|text| words.contains(&text)),
            Self::Line => value
                .text()
                .is_some_and(|text| (1..=LINE_BYTES_MAX).contains(&text.len())),
            Self::Next => value.count().is_some() || value.text() == Some("end"),
            Self::AnyOrNames => {
                value.text() == Some("any")
                    || (value.is_array() && value.items().all(|item| Self::Name.fits(item)))
            }
            Self::List(form) => {
                // The bound of an entry bounds the list.
                value.is_array() && value.items().all(|item| form.fits(item))
            }
            Self::Members(members) => fits_members(value, members).is_ok(),
            Self::Notes(members) => fits_notes(value, members),
            Self::NumberOrNotes(members) => value.count().is_some() || fits_notes(value, members),
        }
    }
}

fn fits_notes(value: Raw<'_>, members: &'static [Member]) -> bool {
    let rises = value
        .items()
        .map(|note| note.text_of("id"))
        .is_sorted_by(|a, b| a < b);
    value.is_array()
        && rises
        && value.items().next().is_some()
        && value
            .items()
            .all(|note| fits_members(note, members).is_ok())
}

fn is_id(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('_'))
        .is_some_and(form::is_ulid)
}

/// Holds an object to members that rise by name; the fault names the member, or nothing for one too many.
pub(super) fn fits_members(
    object: Raw<'_>,
    members: &'static [Member],
) -> Result<(), Option<&'static str>> {
    if !object.is_object() {
        return Err(None);
    }
    let mut expected = members.iter();
    for (key, value) in object.members() {
        let member = loop {
            let member = expected.next().ok_or(None)?;
            if member.name == key {
                break member;
            }
            if member.required {
                return Err(Some(member.name));
            }
        };
        if !member.form.fits(value) {
            return Err(Some(member.name));
        }
    }
    match expected.find(|member| member.required) {
        Some(missing) => Err(Some(missing.name)),
        None => Ok(()),
    }
}
