//! The members of one object, written and read by name. A reader hands out each member once and, when it is
//! finished, refuses what nobody asked for.

use std::collections::BTreeSet;

use interlock_journal::{Canon, Object, Text};

use super::fault::Flaw;
use super::value::Value;

/// What stands under one name: always, or for an `Option` only where there is something.
pub(super) trait Member: Sized {
    fn put(&self, name: &'static str, writer: &mut Writer) -> Result<(), Flaw>;
    fn take(name: &'static str, reader: &mut Reader<'_>) -> Result<Self, Flaw>;
}

impl<T: Value> Member for T {
    fn put(&self, name: &'static str, writer: &mut Writer) -> Result<(), Flaw> {
        let value = self.write().map_err(|flaw| flaw.under(name))?;
        writer.insert(name, value)
    }

    fn take(name: &'static str, reader: &mut Reader<'_>) -> Result<Self, Flaw> {
        <Option<Self> as Member>::take(name, reader)?.ok_or_else(|| Flaw::missing().under(name))
    }
}

impl<T: Value> Member for Option<T> {
    fn put(&self, name: &'static str, writer: &mut Writer) -> Result<(), Flaw> {
        match self {
            Some(value) => value.put(name, writer),
            None => Ok(()),
        }
    }

    fn take(name: &'static str, reader: &mut Reader<'_>) -> Result<Self, Flaw> {
        let Some(value) = reader.members.get(name) else {
            return Ok(None);
        };
        reader.taken.insert(name);
        T::read(value).map(Some).map_err(|flaw| flaw.under(name))
    }
}

/// An object in the making.
#[derive(Default)]
pub(super) struct Writer {
    members: Object,
}

impl Writer {
    pub(super) fn put(&mut self, name: &'static str, member: &impl Member) -> Result<(), Flaw> {
        member.put(name, self)
    }

    /// The text of an enum's variant, or another fixed word of the format.
    pub(super) fn word(&mut self, name: &'static str, word: &'static str) -> Result<(), Flaw> {
        let text = Canon::text(word).map_err(|_| Flaw::form().under(name))?;
        self.insert(name, text)
    }

    pub(super) fn finish(self) -> Canon {
        Canon::Object(self.members)
    }

    fn insert(&mut self, name: &'static str, value: Canon) -> Result<(), Flaw> {
        let key = Text::parse(name).map_err(|_| Flaw::form().under(name))?;
        match self.members.insert(key, value) {
            None => Ok(()),
            Some(_) => Err(Flaw::form().under(name)),
        }
    }
}

/// An object being read.
pub(super) struct Reader<'a> {
    members: &'a Object,
    taken: BTreeSet<&'static str>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(value: &'a Canon) -> Result<Self, Flaw> {
        let members = value.as_object().ok_or_else(Flaw::form)?;
        Ok(Self {
            members,
            taken: BTreeSet::new(),
        })
    }

    pub(super) fn take<M: Member>(&mut self, name: &'static str) -> Result<M, Flaw> {
        M::take(name, self)
    }

    /// A text that says which members follow.
    pub(super) fn word(&mut self, name: &'static str) -> Result<&'a str, Flaw> {
        self.taken.insert(name);
        let value = self
            .members
            .get(name)
            .ok_or_else(|| Flaw::missing().under(name))?;
        value.as_str().ok_or_else(|| Flaw::form().under(name))
    }

    pub(super) fn finish(self) -> Result<(), Flaw> {
        let known = |key: &Text| self.taken.contains(key.as_str());
        if self.members.keys().all(known) {
            Ok(())
        } else {
            Err(Flaw::unknown())
        }
    }
}
