//! Signed notes of C2SP signed-note: a text and the signatures of one or more keys under it.
//! Parsing is strict and bounded; `note/key.rs` holds the keys. What a text means is others' concern.
//! Nothing here signs: a signer gives its signatures as lines to `assemble`.

mod key;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub use key::{KeyFault, KeyKind, NAME_BYTES_MAX, VerifierKey, is_name, key_id};

use crate::cosignature;

/// Most bytes of a note, signatures included.
pub const NOTE_BYTES_MAX: usize = 256 * 1024;

/// Most bytes of a note's text.
pub const TEXT_BYTES_MAX: usize = 64 * 1024;

/// Most signatures under a note; every reader of the format accepts at least 16.
pub const SIGNATURES_MAX: usize = 64;

/// Most bytes of one signature, its key id not counted; the longest known kind has 2,428.
pub const SIGNATURE_BYTES_MAX: usize = 8 * 1024;

/// What a signature line begins with: an em dash and a space.
const LINE_START: &str = "\u{2014} ";

/// What is wrong with a note.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteFault {
    /// Above `NOTE_BYTES_MAX` or `TEXT_BYTES_MAX`.
    #[error("note has `{0}` bytes, more than are read")]
    Bytes(usize),
    /// Not UTF-8, or a control character other than the line break.
    #[error("note has bytes that are not text")]
    Characters,
    /// No blank line before the signatures, or no line break at the end.
    #[error("note has no text with signatures below it")]
    Shape,
    /// A line below the text is no signature, or its base64 is not the one spelling of its bytes.
    #[error("signature line `{0}` is malformed")]
    Line(usize),
    /// Above `SIGNATURES_MAX`.
    #[error("note has more than `{SIGNATURES_MAX}` signatures")]
    Signatures,
    /// One key signed twice.
    #[error("note has two signatures of `{0}` under one key id")]
    Repeated(String),
    /// Two different known keys with one name and one id.
    #[error("two known keys are both `{0}` with one key id")]
    Ambiguous(String),
    /// A signature that names a known key was not made by it.
    #[error("signature of `{0}` does not verify")]
    Signature(String),
    /// No known key signed.
    #[error("note has no signature of a known key")]
    Unsigned,
}

/// One signature under a note, as its line says; nothing is verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureLine {
    /// Name of the key.
    pub name: String,
    /// The key's id.
    pub key_id: [u8; 4],
    /// The signature's bytes, the key id not counted.
    pub signature: Vec<u8>,
}

/// A note with its signatures; nothing is verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedNote {
    text: String,
    signatures: Vec<SignatureLine>,
}

/// A key whose signature under the note was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The key.
    pub key: VerifierKey,
    /// What the cosigner says its clock showed, in seconds since 1970; `None` for a plain signature.
    pub time: Option<u64>,
}

impl SignatureLine {
    /// From one line, its line break not included. `number` names the line in the fault.
    fn parse(line: &str, number: usize) -> Result<Self, NoteFault> {
        let malformed = || NoteFault::Line(number);
        let rest = line.strip_prefix(LINE_START).ok_or_else(malformed)?;
        let (name, encoded) = rest.split_once(' ').ok_or_else(malformed)?;
        if !is_name(name) || encoded.len() > (SIGNATURE_BYTES_MAX + 4).div_ceil(3) * 4 {
            return Err(malformed());
        }
        let bytes = STANDARD.decode(encoded).map_err(|_| malformed())?;
        match bytes.split_first_chunk::<4>() {
            Some((key_id, signature)) if !signature.is_empty() => Ok(Self {
                name: name.to_owned(),
                key_id: *key_id,
                signature: signature.to_vec(),
            }),
            _ => Err(malformed()),
        }
    }

    /// The lines of a text that holds signature lines alone, as a witness answers.
    ///
    /// # Errors
    /// No line, too many, or one that is malformed.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, NoteFault> {
        let body = text.strip_suffix('\n').ok_or(NoteFault::Shape)?;
        let mut lines = Vec::new();
        for (number, line) in body.split('\n').enumerate() {
            if number >= SIGNATURES_MAX {
                return Err(NoteFault::Signatures);
            }
            lines.push(Self::parse(line, number + 1)?);
        }
        check_distinct(&lines)?;
        Ok(lines)
    }
}

impl fmt::Display for SignatureLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.key_id.to_vec();
        bytes.extend_from_slice(&self.signature);
        write!(f, "{LINE_START}{} {}", self.name, STANDARD.encode(bytes))
    }
}

impl SignedNote {
    /// From the bytes of a note.
    ///
    /// # Errors
    /// Anything that is not exactly a note within the bounds of this module.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteFault> {
        if bytes.len() > NOTE_BYTES_MAX {
            return Err(NoteFault::Bytes(bytes.len()));
        }
        let note = std::str::from_utf8(bytes).map_err(|_| NoteFault::Characters)?;
        if note.bytes().any(|b| b < 0x20 && b != b'\n') {
            return Err(NoteFault::Characters);
        }
        // The text may itself have empty lines: the last one ends it.
        let end = note.rfind("\n\n").ok_or(NoteFault::Shape)?;
        let (text, rest) = note.split_at_checked(end + 1).ok_or(NoteFault::Shape)?;
        let signatures = rest.strip_prefix('\n').ok_or(NoteFault::Shape)?;
        if text.len() > TEXT_BYTES_MAX {
            return Err(NoteFault::Bytes(text.len()));
        }
        Ok(Self {
            text: text.to_owned(),
            signatures: SignatureLine::parse_all(signatures)?,
        })
    }

    /// The text, with its last line break.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signatures, in the note's order.
    #[must_use]
    pub fn signatures(&self) -> &[SignatureLine] {
        &self.signatures
    }

    /// Verifies the signatures of known keys. Signatures of other keys are ignored.
    ///
    /// # Errors
    /// A signature of a known key that does not verify, and a note that no known key signed.
    pub fn verify(&self, keys: &[VerifierKey]) -> Result<Vec<Verified>, NoteFault> {
        let mut verified = Vec::new();
        for line in &self.signatures {
            let mut known = keys.iter().filter(|key| key.made(line));
            let Some(key) = known.next() else { continue };
            if known.any(|other| other != key) {
                return Err(NoteFault::Ambiguous(line.name.clone()));
            }
            verified.push(verify_line(&self.text, line, key)?);
        }
        if verified.is_empty() {
            Err(NoteFault::Unsigned)
        } else {
            Ok(verified)
        }
    }

    /// The same note with further signatures; one of a key that is there already replaces that one.
    ///
    /// # Errors
    /// More signatures or bytes than a note has.
    pub fn with(&self, lines: &[SignatureLine]) -> Result<Self, NoteFault> {
        check_distinct(lines)?;
        let mut signatures = self.signatures.clone();
        for line in lines {
            let same =
                |held: &&mut SignatureLine| held.name == line.name && held.key_id == line.key_id;
            match signatures.iter_mut().find(same) {
                Some(held) => held.clone_from(line),
                None => signatures.push(line.clone()),
            }
        }
        Self::parse(&assemble(&self.text, &signatures)?)
    }

    /// The note's bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        write(&self.text, &self.signatures)
    }
}

/// Verifies one signature line of `key` over `text`.
///
/// # Errors
/// A line of another name or key id, and a signature that `key` did not make.
pub fn verify_line(
    text: &str,
    line: &SignatureLine,
    key: &VerifierKey,
) -> Result<Verified, NoteFault> {
    let fault = || NoteFault::Signature(line.name.clone());
    if !key.made(line) {
        return Err(fault());
    }
    let (message, signature, time) = match key.kind() {
        KeyKind::Ed25519 => (text.as_bytes().to_vec(), line.signature.as_slice(), None),
        KeyKind::Cosignature => {
            let (time, signature) = cosignature::split(&line.signature).ok_or_else(fault)?;
            (cosignature::message(time, text), signature, Some(time))
        }
    };
    if !key.verifies(&message, signature) {
        return Err(fault());
    }
    Ok(Verified {
        key: key.clone(),
        time,
    })
}

/// The bytes of a note, from its text and the signatures that its signers made over it.
///
/// # Errors
/// A text or lines that `SignedNote::parse` would not give back.
pub fn assemble(text: &str, lines: &[SignatureLine]) -> Result<Vec<u8>, NoteFault> {
    let bytes = write(text, lines);
    let note = SignedNote::parse(&bytes)?;
    if note.text == text && note.signatures == lines {
        Ok(bytes)
    } else {
        Err(NoteFault::Shape)
    }
}

fn write(text: &str, lines: &[SignatureLine]) -> Vec<u8> {
    let mut note = format!("{text}\n");
    for line in lines {
        note.push_str(&format!("{line}\n"));
    }
    note.into_bytes()
}

fn check_distinct(lines: &[SignatureLine]) -> Result<(), NoteFault> {
    let mut seen = std::collections::BTreeSet::new();
    for line in lines {
        if !seen.insert((&line.name, line.key_id)) {
            return Err(NoteFault::Repeated(line.name.clone()));
        }
    }
    Ok(())
}
