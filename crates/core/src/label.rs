//! What a value carries: where it came from and who may see it. `join` takes the stricter of each part and
//! is the only way that labels combine; raising integrity or lowering confidentiality is not here
//! (`endorse` and `declassify` need a permit). Labels come from configuration, never from content.

use std::collections::BTreeSet;

use crate::id::{Category, Provenance, Reader, Region, SubjectId};

mod fields;
#[cfg(test)]
mod tests;

pub use fields::{FieldLabels, Path, PathSegment};

/// How much harm disclosure does, in rising order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidentiality {
    /// Anyone may know it.
    Public,
    /// For the organisation.
    Internal,
    /// For those who need it.
    Confidential,
    /// For named people only; the default of anything undeclared.
    Restricted,
}

impl Confidentiality {
    /// All levels, lowest first.
    pub const ALL: [Self; 4] = [
        Self::Public,
        Self::Internal,
        Self::Confidential,
        Self::Restricted,
    ];

    /// The level's name in configuration and entries.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Confidential => "confidential",
            Self::Restricted => "restricted",
        }
    }

    /// 0 for public to 3 for restricted, as policies compare it.
    #[must_use]
    pub const fn level(self) -> u8 {
        match self {
            Self::Public => 0,
            Self::Internal => 1,
            Self::Confidential => 2,
            Self::Restricted => 3,
        }
    }

    /// The level of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.as_str() == text)
    }
}

/// Whether the value may choose what is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Integrity {
    /// Comes from configuration, a trusted register, or was endorsed.
    Trusted,
    /// May have been chosen by an attacker.
    Untrusted,
}

impl Integrity {
    /// The name in configuration and entries.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trusted => "trusted",
            Self::Untrusted => "untrusted",
        }
    }

    /// The integrity of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Trusted, Self::Untrusted]
            .into_iter()
            .find(|i| i.as_str() == text)
    }
}

/// A set that narrows when values meet: all of them, or only these.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Allowed<T: Ord> {
    /// No restriction.
    Any,
    /// These and no others; empty means nowhere, or nobody.
    Only(BTreeSet<T>),
}

impl<T: Ord + Clone> Allowed<T> {
    /// Only these.
    pub fn only(members: impl IntoIterator<Item = T>) -> Self {
        Self::Only(members.into_iter().collect())
    }

    /// What both allow.
    #[must_use]
    pub fn meet(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Any, x) | (x, Self::Any) => x.clone(),
            (Self::Only(a), Self::Only(b)) => Self::Only(a.intersection(b).cloned().collect()),
        }
    }

    /// Whether everything that `other` allows is allowed here too.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) => true,
            (Self::Only(_), Self::Any) => false,
            (Self::Only(a), Self::Only(b)) => b.is_subset(a),
        }
    }

    /// Whether this member is allowed.
    #[must_use]
    pub fn contains(&self, member: &T) -> bool {
        match self {
            Self::Any => true,
            Self::Only(set) => set.contains(member),
        }
    }
}

/// What a value carries (DESIGN section 4).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label {
    /// Harm of disclosure.
    pub confidentiality: Confidentiality,
    /// Kinds of data in it.
    pub categories: BTreeSet<Category>,
    /// Regions that it may be in.
    pub residency: Allowed<Region>,
    /// Who may see it.
    pub readers: Allowed<Reader>,
    /// Whether it may choose what is done.
    pub integrity: Integrity,
    /// Where it came from.
    pub sources: BTreeSet<Provenance>,
    /// Whom it is about; at most [`crate::limits::SUBJECTS_MAX`] when it is sealed.
    pub subjects: BTreeSet<SubjectId>,
}

impl Label {
    /// The label of what the workflow's author wrote: the identity of [`Label::join`].
    #[must_use]
    pub const fn literal() -> Self {
        Self {
            confidentiality: Confidentiality::Public,
            categories: BTreeSet::new(),
            residency: Allowed::Any,
            readers: Allowed::Any,
            integrity: Integrity::Trusted,
            sources: BTreeSet::new(),
            subjects: BTreeSet::new(),
        }
    }

    /// The label of anything undeclared: restricted, untrusted, readable by nobody, allowed nowhere.
    #[must_use]
    pub const fn unlabelled() -> Self {
        Self {
            confidentiality: Confidentiality::Restricted,
            categories: BTreeSet::new(),
            residency: Allowed::Only(BTreeSet::new()),
            readers: Allowed::Only(BTreeSet::new()),
            integrity: Integrity::Untrusted,
            sources: BTreeSet::new(),
            subjects: BTreeSet::new(),
        }
    }

    /// The stricter of each part: the label of a value made from both.
    #[must_use]
    pub fn join(&self, other: &Self) -> Self {
        Self {
            confidentiality: self.confidentiality.max(other.confidentiality),
            categories: self.categories.union(&other.categories).cloned().collect(),
            residency: self.residency.meet(&other.residency),
            readers: self.readers.meet(&other.readers),
            integrity: self.integrity.max(other.integrity),
            sources: self.sources.union(&other.sources).cloned().collect(),
            subjects: self.subjects.union(&other.subjects).copied().collect(),
        }
    }

    /// The join of all; of none, the literal label.
    #[must_use]
    pub fn join_all<'a>(labels: impl IntoIterator<Item = &'a Self>) -> Self {
        labels
            .into_iter()
            .fold(Self::literal(), |sum, label| sum.join(label))
    }

    /// Whether a value of this label may go where `other` is the most that is accepted.
    #[must_use]
    pub fn flows_to(&self, other: &Self) -> bool {
        self.confidentiality <= other.confidentiality
            && self.categories.is_subset(&other.categories)
            && self.residency.covers(&other.residency)
            && self.readers.covers(&other.readers)
            && self.integrity <= other.integrity
            && self.sources.is_subset(&other.sources)
            && self.subjects.is_subset(&other.subjects)
    }

    /// Whether the value may choose what is done.
    #[must_use]
    pub fn is_trusted(&self) -> bool {
        self.integrity == Integrity::Trusted
    }

    /// The same label, of a value that came from there too.
    #[must_use]
    pub fn with_source(mut self, source: Provenance) -> Self {
        self.sources.insert(source);
        self
    }
}
