//! An entry's body with the places of its members, noted while it was read, so that asking for a member does not
//! walk over those before it.

use crate::canonical::DEPTH_MAX;

use super::raw::{Members, Raw};
use super::reader::Reader;
use crate::audit::kinds::{self, Member};

/// Members whose places are noted: one more than the longest kind has. The others are found by walking.
const NOTED: usize = 16;

/// A checked object.
#[derive(Debug, Clone, Copy, Default)]
pub struct Body<'a> {
    entry: &'a str,
    raw: Raw<'a>,
    noted: [Place; NOTED],
    count: usize,
}

/// Where a key begins behind its quote, where its value begins, and where that ends. An entry has at most 8,192
/// bytes.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    key: u16,
    value: u16,
    end: u16,
}

impl<'a> Body<'a> {
    /// Reads the body of an entry.
    pub(super) fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let from = reader.at();
        let mut notes = Notes::default();
        reader.object(DEPTH_MAX.checked_sub(2)?, &mut |key, value, end| {
            notes.add(key, value, end);
        })?;
        Self::noted(reader, from, notes)
    }

    /// Reads a body that has these members.
    pub(super) fn read_fitting(
        reader: &mut Reader<'a>,
        members: &'static [Member],
    ) -> Option<Self> {
        let from = reader.at();
        let mut notes = Notes::default();
        let fits = kinds::take_members(reader, members, &mut |key, value, end| {
            notes.add(key, value, end);
        });
        fits.ok()?;
        Self::noted(reader, from, notes)
    }

    fn noted(reader: &Reader<'a>, from: usize, notes: Notes) -> Option<Self> {
        Some(Self {
            entry: reader.all(),
            raw: reader.since(from)?,
            noted: notes.places,
            count: notes.count,
        })
    }

    /// The object as a value.
    #[must_use]
    pub const fn raw(&self) -> Raw<'a> {
        self.raw
    }

    /// Key and value of each member, in order.
    #[must_use]
    pub fn members(&self) -> Members<'a> {
        self.raw.members()
    }

    /// The member of that name.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Raw<'a>> {
        let Some(places) = self.noted.get(..self.count) else {
            return self.raw.get(key);
        };
        let place = places.iter().find(|place| {
            let (from, end) = (usize::from(place.key), usize::from(place.value));
            // Behind the key stand its quote and the colon.
            end - from == key.len() + 2
                && self.entry.as_bytes().get(from..end - 2) == Some(key.as_bytes())
        })?;
        let value = usize::from(place.value)..usize::from(place.end);
        self.entry.get(value).map(Raw)
    }

    /// The text of the member of that name.
    #[must_use]
    pub fn text_of(&self, key: &str) -> Option<&'a str> {
        self.get(key)?.text()
    }
}

#[derive(Default)]
struct Notes {
    places: [Place; NOTED],
    count: usize,
}

impl Notes {
    fn add(&mut self, key: usize, value: usize, end: usize) {
        let near = |at: usize| u16::try_from(at).unwrap_or(u16::MAX);
        if let Some(slot) = self.places.get_mut(self.count) {
            *slot = Place {
                key: near(key),
                value: near(value),
                end: near(end),
            };
        }
        self.count += 1;
    }
}
