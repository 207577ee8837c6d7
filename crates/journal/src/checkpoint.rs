//! Checkpoints of C2SP tlog-checkpoint: the note text that names a log, its size and its root.
//! Three lines and no extension lines. A checkpoint holds no time; only anchors outside the log give one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::note::{KeyKind, NoteFault, SignedNote, VerifierKey, is_name};
use crate::tree::{NodeHash, SIZE_MAX, empty_root};

/// Size and root of a log at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's identity: a text that could be the name of a key.
    pub origin: String,
    /// Number of entries.
    pub size: u64,
    /// Root of the tree of that size.
    pub root: NodeHash,
}

/// A checkpoint whose signatures were verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// What was signed.
    pub checkpoint: Checkpoint,
    /// The log's keys that signed it: at least one, each named like the origin.
    pub signed_by: Vec<VerifierKey>,
    /// The known witnesses that cosigned it. A known key of the log itself is none of them.
    pub cosignatures: Vec<Cosigned>,
}

/// A witness's statement that it saw this checkpoint follow all that it saw before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosigned {
    /// The witness's key.
    pub key: VerifierKey,
    /// What the witness says its clock showed, in seconds since 1970.
    pub time: u64,
}

/// What is wrong with a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointFault {
    /// As a note.
    #[error(transparent)]
    Note(#[from] NoteFault),
    /// Not three lines: there are fewer, or extension lines.
    #[error("checkpoint does not have three lines")]
    Lines,
    /// The first line cannot be an origin.
    #[error("checkpoint has no origin that could be a log's name")]
    Origin,
    /// Not the shortest decimal of a size below 2^63.
    #[error("checkpoint has a malformed size")]
    Size,
    /// Not the one base64 spelling of 32 bytes, or another root than the empty one for size 0.
    #[error("checkpoint has a malformed root")]
    Root,
    /// It is the checkpoint of another log.
    #[error("checkpoint is of the log `{found}`, not of `{expected}`")]
    OtherLog {
        /// The origin asked for.
        expected: String,
        /// The origin found.
        found: String,
    },
    /// Known keys signed, but none of them is a key of this log.
    #[error("checkpoint of `{0}` is not signed by the log")]
    NotByLog(String),
}

impl Checkpoint {
    /// The text to sign.
    #[must_use]
    pub fn to_text(&self) -> String {
        let root = STANDARD.encode(self.root.to_bytes());
        format!("{}\n{}\n{root}\n", self.origin, self.size)
    }

    /// From the text of a note.
    ///
    /// # Errors
    /// Every text that `to_text` does not give for some checkpoint of a possible log.
    pub fn parse_text(text: &str) -> Result<Self, CheckpointFault> {
        let body = text.strip_suffix('\n').ok_or(CheckpointFault::Lines)?;
        let mut lines = body.split('\n');
        let (Some(origin), Some(size), Some(root), None) =
            (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(CheckpointFault::Lines);
        };
        if !is_name(origin) {
            return Err(CheckpointFault::Origin);
        }
        let size = parse_number(size)
            .filter(|size| *size <= SIZE_MAX)
            .ok_or(CheckpointFault::Size)?;
        let root = parse_hash(root).ok_or(CheckpointFault::Root)?;
        if size == 0 && root != empty_root() {
            return Err(CheckpointFault::Root);
        }
        Ok(Self {
            origin: origin.to_owned(),
            size,
            root,
        })
    }
}

/// The shortest decimal of a number, alone.
pub(crate) fn parse_number(text: &str) -> Option<u64> {
    let shortest =
        text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if shortest { text.parse().ok() } else { None }
}

/// The one base64 spelling of 32 bytes, alone.
pub(crate) fn parse_hash(text: &str) -> Option<NodeHash> {
    if text.len() != 44 {
        return None;
    }
    NodeHash::from_slice(&STANDARD.decode(text).ok()?)
}

/// Opens the checkpoint of the log `origin`: parses the note and verifies every signature of a known key.
/// A log signs under its origin, so a key of another name is no key of this log, however well it is known.
///
/// # Errors
/// A malformed note or checkpoint, another log's checkpoint, a known key's signature that does not verify,
/// and a checkpoint that no known key of the log signed.
pub fn open(note: &[u8], origin: &str, keys: &[VerifierKey]) -> Result<Opened, CheckpointFault> {
    let note = SignedNote::parse(note)?;
    let verified = note.verify(keys)?;
    let checkpoint = Checkpoint::parse_text(note.text())?;
    if checkpoint.origin != origin {
        return Err(CheckpointFault::OtherLog {
            expected: origin.to_owned(),
            found: checkpoint.origin,
        });
    }
    let of_log = |key: &&VerifierKey| key.kind() == KeyKind::Ed25519 && key.name() == origin;
    let own: Vec<_> = keys
        .iter()
        .filter(of_log)
        .map(VerifierKey::public)
        .collect();
    let mut opened = Opened {
        checkpoint,
        signed_by: Vec::new(),
        cosignatures: Vec::new(),
    };
    for signature in verified {
        match (signature.key.kind(), signature.time) {
            (KeyKind::Ed25519, _) if signature.key.name() == origin => {
                opened.signed_by.push(signature.key);
            }
            (KeyKind::Cosignature, Some(time)) if !own.contains(&signature.key.public()) => {
                opened.cosignatures.push(Cosigned {
                    key: signature.key,
                    time,
                })
            }
            (KeyKind::Ed25519 | KeyKind::Cosignature, _) => {}
        }
    }
    if opened.signed_by.is_empty() {
        return Err(CheckpointFault::NotByLog(origin.to_owned()));
    }
    Ok(opened)
}
