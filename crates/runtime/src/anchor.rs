//! Anchors: what the log was is told to others who keep it, so that whoever holds store and key cannot rewrite it
//! unseen. Here are their words, what is kept of them and how it is read again; `rounds` asks them, each in its file.
//! Anchors fail open: a run never waits for one, unless the operator marks it `required`.

use std::sync::Arc;

use interlock_core::time::Timestamp;
use interlock_journal::note::SignedNote;
use interlock_journal::{Checkpoint, NodeHash};
use interlock_store::Published;
use serde::{Deserialize, Serialize};

use crate::egress::{Allow, Egress};

mod ask;
mod growth;
mod kept;
mod overdue;
mod rounds;
mod s3;
mod state;
mod timestamp;
pub mod watch;
mod witness;

#[cfg(test)]
mod tests;

pub use kept::{AlarmKept, Kept, alarms, cosigned, kept, witnessed};
pub use overdue::hold;
pub use rounds::{Anchors, Told};
pub use state::{AnchorStatus, statuses};
pub use timestamp::{ReplyFault, Token, token_over};

/// What an anchor says against the log. None of these can come of a lost connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alarm {
    /// It holds another history than ours: one of the two was rewritten.
    Fork,
    /// It saw a larger log than there is: ours was rolled back.
    Rollback,
    /// The kept object has other bytes.
    Altered,
    /// The kept object is not there any more.
    Gone,
    /// The kept object may be deleted earlier than was asked for.
    Shortened,
}

impl Alarm {
    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fork => "fork",
            Self::Rollback => "rollback",
            Self::Altered => "altered",
            Self::Gone => "gone",
            Self::Shortened => "shortened",
        }
    }

    /// What it means.
    #[must_use]
    pub const fn says(self) -> &'static str {
        match self {
            Self::Fork => "it holds another history than this store: one of the two was rewritten",
            Self::Rollback => "it saw a larger log than this store has: entries were taken away",
            Self::Altered => "what it kept has other bytes than what was put there",
            Self::Gone => "what it kept is not there any more, and was locked",
            Self::Shortened => "what it keeps may be deleted earlier than was asked for",
        }
    }
}

/// Why an anchor did not take a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unanchored {
    /// Nothing is known against the log; it is tried again.
    Failed(&'static str),
    /// It says something against the log; with the bytes that show it.
    Alarm(Alarm, Vec<u8>),
}

/// What an anchor gave for a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Given {
    /// What to keep: the cosigned note, the object, the timestamp reply.
    pub(crate) bytes: Vec<u8>,
    /// When it says that it saw the checkpoint.
    pub(crate) time: Option<Timestamp>,
    /// Until when it keeps it locked.
    pub(crate) until: Option<String>,
}

/// The checkpoint to be anchored.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) size: u64,
    pub(crate) root: NodeHash,
    pub(crate) note: Vec<u8>,
    pub(crate) signed: SignedNote,
}

impl Target {
    /// From what is published; `None` where that is no checkpoint of its own size and root.
    pub(crate) fn of(published: &Published) -> Option<Self> {
        let signed = SignedNote::parse(&published.checkpoint).ok()?;
        let checkpoint = Checkpoint::parse_text(signed.text()).ok()?;
        let root = NodeHash::from_bytes(published.root);
        (checkpoint.size == published.size && checkpoint.root == root).then(|| Self {
            size: published.size,
            root,
            note: published.checkpoint.clone(),
            signed,
        })
    }

    /// Whether these bytes are a note of the same checkpoint. Its signatures may be others: a note gains some.
    pub(crate) fn is_said_by(&self, note: &[u8]) -> bool {
        note == self.note
            || SignedNote::parse(note).is_ok_and(|note| note.text() == self.signed.text())
    }
}

/// An address outside, with the one way to it.
pub(crate) struct Reached<'a> {
    pub(crate) egress: Arc<Egress>,
    pub(crate) url: &'a str,
    pub(crate) allow: Allow,
}

impl<'a> Reached<'a> {
    /// `None` where the address has no host that could be listed.
    pub(crate) fn new(egress: &Arc<Egress>, url: &'a str, private: bool) -> Option<Self> {
        let host = reqwest::Url::parse(url).ok()?.host_str()?.to_owned();
        Some(Self {
            egress: Arc::clone(egress),
            url,
            allow: Allow::new([host], private).ok()?,
        })
    }
}

/// Bytes as text in records.
mod in_base64 {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        STANDARD.decode(text).map_err(D::Error::custom)
    }
}
