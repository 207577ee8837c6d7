//! The small values of administrative acts. Each has one spelling, and a text of another one is refused.

use interlock_core::id::{RunId, SubjectId};

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// As entries spell it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            /// Reads the word; `None` for any other.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|word| word.as_str() == text)
            }
        }
    )*};
}

words! {
    /// Why keys were wrapped anew.
    RotationCause {
        /// Somebody asked for it.
        Requested = "requested",
        /// A person was erased.
        Erasure = "erasure",
        /// A retention period was over.
        Expiry = "expiry",
        /// Another provider holds the keys from here on.
        Provider = "provider",
    }
    /// As what sealed content is shown to a person.
    ShownAs {
        /// What a review is about, to who may vote on it.
        Review = "review",
        /// What led to an inbox item, to who may settle it.
        Inbox = "inbox",
        /// A run's released output, to who may see the run.
        Output = "output",
        /// What was wrong with an input, to who sent it.
        Problems = "problems",
        /// By itself, to who gave a reason.
        Reveal = "reveal",
    }
    /// What an export is of.
    ExportKind {
        /// The whole log.
        Log = "log",
        /// A range of its entries.
        Range = "range",
        /// One run.
        Run = "run",
        /// All that is about one person.
        Subject = "subject",
    }
}

/// What a legal hold covers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum HoldScope {
    /// All that is about a person.
    Subject(SubjectId),
    /// One run.
    Run(RunId),
    /// A retention class in one month.
    Period {
        /// The class.
        class: String,
        /// The month, as `2026-11`.
        month: String,
    },
}

/// What the checkpoints of a log name: 1 to 255 printable ASCII characters, without space, `+`, `"` and `\`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogOrigin(String);

impl LogOrigin {
    /// Reads an origin; `None` for a text of another form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=255).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_graphic() && !matches!(b, b'+' | b'"' | b'\\'));
        fits.then(|| Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
