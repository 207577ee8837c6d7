//! A label in an entry: always all seven members, under short names. Nothing is left out, because a part that
//! is not there could only be read as no restriction.

use interlock_core::label::{Allowed, Label};
use interlock_journal::Canon;

use super::fault::Flaw;
use super::members::{Reader, Writer};
use super::value::Value;

const CONFIDENTIALITY: &str = "conf";
const CATEGORIES: &str = "cats";
const RESIDENCY: &str = "regions";
const READERS: &str = "readers";
const INTEGRITY: &str = "int";
const SOURCES: &str = "from";
const SUBJECTS: &str = "about";
const ANY: &str = "any";

impl Value for Label {
    fn write(&self) -> Result<Canon, Flaw> {
        let Self {
            confidentiality,
            categories,
            residency,
            readers,
            integrity,
            sources,
            subjects,
        } = self;
        let mut writer = Writer::default();
        writer.put(CONFIDENTIALITY, confidentiality)?;
        writer.put(CATEGORIES, categories)?;
        writer.put(RESIDENCY, residency)?;
        writer.put(READERS, readers)?;
        writer.put(INTEGRITY, integrity)?;
        writer.put(SOURCES, sources)?;
        writer.put(SUBJECTS, subjects)?;
        Ok(writer.finish())
    }

    fn read(value: &Canon) -> Result<Self, Flaw> {
        let mut reader = Reader::new(value)?;
        let read = Self {
            confidentiality: reader.take(CONFIDENTIALITY)?,
            categories: reader.take(CATEGORIES)?,
            residency: reader.take(RESIDENCY)?,
            readers: reader.take(READERS)?,
            integrity: reader.take(INTEGRITY)?,
            sources: reader.take(SOURCES)?,
            subjects: reader.take(SUBJECTS)?,
        };
        reader.finish()?;
        Ok(read)
    }
}

/// `any`, or the set; an empty set is nowhere, or nobody.
impl<T: Value + Ord> Value for Allowed<T> {
    fn write(&self) -> Result<Canon, Flaw> {
        match self {
            Self::Any => Canon::text(ANY).map_err(|_| Flaw::form()),
            Self::Only(members) => members.write(),
        }
    }

    fn read(value: &Canon) -> Result<Self, Flaw> {
        match value.as_str() {
            Some(ANY) => Ok(Self::Any),
            Some(_) => Err(Flaw::form()),
            None => Value::read(value).map(Self::Only),
        }
    }
}
