//! Keys that verify notes: `<name>+<8 hex digits of the key id>+<base64(kind || public key)>`.
//! Ed25519 alone, in the strict form on which all its implementations agree: canonical points of the prime
//! order subgroup, `verify_strict` for signatures.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest as _, Sha256};

use super::SignatureLine;

/// Most bytes of a key's name.
pub const NAME_BYTES_MAX: usize = 255;

/// What a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyKind {
    /// The text of a note: kind 0x01, a log's key.
    Ed25519,
    /// A time and the text of a checkpoint: kind 0x04, a witness's key.
    Cosignature,
}

/// Why a text is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// Not name, key id and public key with `+` between them.
    #[error("key is not of the form `name+id+base64`")]
    Shape,
    /// An empty or over-long name, or one with a space, a `+` or a control character.
    #[error("key has a name that no key can have")]
    Name,
    /// Another kind than Ed25519 note (0x01) or cosignature (0x04).
    #[error("key is of a kind that is not known here")]
    Kind,
    /// The id does not belong to name and public key.
    #[error("key has another id than its name and public key give")]
    Id,
    /// Not a point, not its one encoding, or not of the prime order: no honest signer has such a key.
    #[error("key is not a sound Ed25519 public key")]
    Point,
}

/// A public key with the name under which it signs.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    kind: KeyKind,
    id: [u8; 4],
    key: VerifyingKey,
}

impl KeyKind {
    /// The byte that stands for the kind in keys and key ids.
    #[must_use]
    pub const fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 1,
            Self::Cosignature => 4,
        }
    }
}

/// Whether a key, and so a log, can have this name: 1 to 255 bytes without white space, `+` and control
/// characters.
#[must_use]
pub fn is_name(text: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&text.len())
        && !text
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || c == '+')
}

/// The first four bytes of SHA-256(name || 0x0A || kind || public key).
#[must_use]
pub fn key_id(name: &str, kind: u8, public: &[u8]) -> [u8; 4] {
    let mut hash = Sha256::new();
    hash.update(name.as_bytes());
    hash.update([b'\n', kind]);
    hash.update(public);
    let [a, b, c, d, ..] = <[u8; 32]>::from(hash.finalize());
    [a, b, c, d]
}

impl VerifierKey {
    /// From its parts.
    ///
    /// # Errors
    /// A name that no key can have, and a public key that is not a canonical point of the prime order.
    pub fn new(name: &str, kind: KeyKind, public: [u8; 32]) -> Result<Self, KeyFault> {
        if !is_name(name) {
            return Err(KeyFault::Name);
        }
        let key = VerifyingKey::from_bytes(&public).map_err(|_| KeyFault::Point)?;
        let point = key.to_edwards();
        let canonical = point.compress().to_bytes() == public;
        if !canonical || point.is_small_order() || !point.is_torsion_free() {
            return Err(KeyFault::Point);
        }
        Ok(Self {
            name: name.to_owned(),
            kind,
            id: key_id(name, kind.byte(), &public),
            key,
        })
    }

    /// From its one text form.
    ///
    /// # Errors
    /// Every other text.
    pub fn parse(text: &str) -> Result<Self, KeyFault> {
        // Base64 itself may hold a `+`: it is the rest.
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(encoded)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(KeyFault::Shape);
        };
        // 33 bytes are 44 characters; nothing longer is decoded.
        if encoded.len() != 44 {
            return Err(KeyFault::Shape);
        }
        let bytes = STANDARD.decode(encoded).map_err(|_| KeyFault::Shape)?;
        let (kind, public) = bytes.split_first().ok_or(KeyFault::Shape)?;
        let public = <[u8; 32]>::try_from(public).map_err(|_| KeyFault::Shape)?;
        let kind = match kind {
            1 => KeyKind::Ed25519,
            4 => KeyKind::Cosignature,
            _ => return Err(KeyFault::Kind),
        };
        let key = Self::new(name, kind, public)?;
        if hex(key.id) == id {
            Ok(key)
        } else {
            Err(KeyFault::Id)
        }
    }

    /// The name under which it signs.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it signs.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// Its id under its name.
    #[must_use]
    pub const fn key_id(&self) -> [u8; 4] {
        self.id
    }

    /// The 32 bytes of the public key.
    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        self.key.to_bytes()
    }

    /// Whether a line says that this key signed.
    pub(super) fn made(&self, line: &SignatureLine) -> bool {
        self.name == line.name && self.id == line.key_id
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature)
            .is_ok_and(|signature| self.key.verify_strict(message, &signature).is_ok())
    }
}

fn hex(id: [u8; 4]) -> String {
    format!("{:08x}", u32::from_be_bytes(id))
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![self.kind.byte()];
        bytes.extend_from_slice(self.key.as_bytes());
        write!(
            f,
            "{}+{}+{}",
            self.name,
            hex(self.id),
            STANDARD.encode(bytes)
        )
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
