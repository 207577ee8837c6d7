//! What an audit found: one finding for each question, and the answer that a program gives as its exit code.
//! Findings are apart because they fail apart: a log can be whole and signed, and still tell of an act that
//! nobody approved.

use std::fmt;

/// The answer to one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// It holds.
    Holds {
        /// What holds, and how far.
        said: String,
    },
    /// It does not hold.
    Broken {
        /// The first index that is wrong, where it has one.
        index: Option<u64>,
        /// What is wrong.
        what: String,
    },
    /// It cannot be told from what there is.
    CannotTell {
        /// What is missing.
        what: String,
    },
    /// Nobody asked, or there is nothing to ask it of; it does not count.
    Unasked {
        /// What could be asked.
        what: String,
    },
}

impl Finding {
    /// Something wrong at an index.
    pub(super) fn broken(index: u64, what: impl Into<String>) -> Self {
        Self::Broken {
            index: Some(index),
            what: what.into(),
        }
    }

    /// Something wrong that has no index.
    pub(super) fn wrong(what: impl Into<String>) -> Self {
        Self::Broken {
            index: None,
            what: what.into(),
        }
    }

    pub(super) fn holds(said: impl Into<String>) -> Self {
        Self::Holds { said: said.into() }
    }

    pub(super) fn unclear(what: impl Into<String>) -> Self {
        Self::CannotTell { what: what.into() }
    }

    pub(super) fn unasked(what: impl Into<String>) -> Self {
        Self::Unasked { what: what.into() }
    }

    /// Keeps what is worse; of two that are broken, the one with the lower index, and of two others the first.
    pub(super) fn and(self, other: Self) -> Self {
        match (self.rank(), other.rank()) {
            (3, 3) => {
                if other.index().unwrap_or(u64::MAX) < self.index().unwrap_or(u64::MAX) {
                    other
                } else {
                    self
                }
            }
            (here, there) if there > here => other,
            _ => self,
        }
    }

    const fn rank(&self) -> u8 {
        match self {
            Self::Unasked { .. } => 0,
            Self::Holds { .. } => 1,
            Self::CannotTell { .. } => 2,
            Self::Broken { .. } => 3,
        }
    }

    /// The first index that is wrong.
    #[must_use]
    pub const fn index(&self) -> Option<u64> {
        match self {
            Self::Broken { index, .. } => *index,
            Self::Holds { .. } | Self::CannotTell { .. } | Self::Unasked { .. } => None,
        }
    }

    /// Whether it does not hold.
    #[must_use]
    pub const fn is_broken(&self) -> bool {
        matches!(self, Self::Broken { .. })
    }

    /// One word for programs: `holds`, `broken`, `cannot_tell`, `unasked`.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Holds { .. } => "holds",
            Self::Broken { .. } => "broken",
            Self::CannotTell { .. } => "cannot_tell",
            Self::Unasked { .. } => "unasked",
        }
    }

    /// What was found, in words; the index is not among them.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Holds { said } => said,
            Self::Broken { what, .. } | Self::CannotTell { what } | Self::Unasked { what } => what,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Holds { said } => write!(f, "holds: {said}"),
            Self::Broken {
                index: Some(index),
                what,
            } => write!(f, "BROKEN at index {index}: {what}"),
            Self::Broken { index: None, what } => write!(f, "BROKEN: {what}"),
            Self::CannotTell { what } => write!(f, "cannot tell: {what}"),
            Self::Unasked { what } => write!(f, "not asked: {what}"),
        }
    }
}

/// Every finding of one audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The log named by the checkpoint; empty where there is none.
    pub origin: String,
    /// Entries that the checkpoint covers.
    pub size: u64,
    /// Lowest index whose entries were looked at: above 0 in a pruned log.
    pub minimum: u64,
    /// What the files are, as far as they say, and what they cannot show.
    pub part: &'static str,
    /// The checkpoint is signed by a key that the caller trusts.
    pub signature: Finding,
    /// The log extends every checkpoint known from before.
    pub append_only: Finding,
    /// Every entry is the one that the signed tree holds at its index.
    pub inclusion: Finding,
    /// Every run's entries are all there, in order.
    pub runs: Finding,
    /// Sealed payloads are there, or erased on record.
    pub payloads: Finding,
    /// What an export discloses is what its entries committed to.
    pub disclosures: Finding,
    /// Witnesses and time stamps know the log.
    pub anchors: Finding,
    /// Entries are well formed.
    pub schema: Finding,
    /// Nothing was done that was not asked for, decided and approved.
    pub semantics: Finding,
    /// An export's files are those of its manifest.
    pub files: Finding,
}

impl Report {
    /// Every finding with its name, in the order in which they are told.
    #[must_use]
    pub const fn findings(&self) -> [(&'static str, &Finding); 10] {
        [
            ("signature", &self.signature),
            ("append-only", &self.append_only),
            ("inclusion", &self.inclusion),
            ("runs", &self.runs),
            ("payloads", &self.payloads),
            ("disclosures", &self.disclosures),
            ("anchors", &self.anchors),
            ("schema", &self.schema),
            ("semantics", &self.semantics),
            ("files", &self.files),
        ]
    }

    /// 0 where everything that was asked holds, 1 where something is broken, 2 where it cannot be told.
    #[must_use]
    pub fn exit(&self) -> u8 {
        let worst = self
            .findings()
            .iter()
            .map(|(_, finding)| finding.rank())
            .max();
        match worst {
            Some(3) => 1,
            Some(0 | 1) => 0,
            _ => 2,
        }
    }

    /// The verdict in one word.
    #[must_use]
    pub fn verdict(&self) -> &'static str {
        match self.exit() {
            0 => "verified",
            1 => "tampered",
            _ => "cannot tell",
        }
    }
}
