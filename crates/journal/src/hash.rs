//! The leaf hash of RFC 6962 section 2.1: SHA-256 over a zero byte and the stored bytes of an entry.
//! Node hashes come with the tree; the prefix byte already keeps leaves and nodes apart.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// The prefix of a leaf in RFC 6962 hashing.
const LEAF_PREFIX: [u8; 1] = [0];

/// SHA-256(0x00 || bytes) of an entry's stored bytes: 32 bytes, printed as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeafHash([u8; 32]);

/// Hashes the stored bytes of one entry, whatever they are.
#[must_use]
pub fn leaf_hash(bytes: &[u8]) -> LeafHash {
    let mut hash = Sha256::new();
    hash.update(LEAF_PREFIX);
    hash.update(bytes);
    LeafHash(hash.finalize().into())
}

impl LeafHash {
    /// 32 zero bytes: what the first entry of a run names as its predecessor.
    pub const ZERO: Self = Self([0; 32]);

    /// From its 32 bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    /// From exactly 64 lower-case hex digits; `None` for any other text.
    #[must_use]
    pub fn parse_hex(text: &str) -> Option<Self> {
        if text.len() != 64 {
            return None;
        }
        let mut out = [0u8; 32];
        for (slot, pair) in out.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let [high, low] = pair else { return None };
            *slot = nibble(*high)? << 4 | nibble(*low)?;
        }
        Some(Self(out))
    }
}

fn nibble(b: u8) -> Option<u8> {
    match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for LeafHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for LeafHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_leaf_is_the_one_of_rfc_6962() {
        let empty = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
        assert_eq!(leaf_hash(b"").to_string(), empty);
        assert_eq!(LeafHash::parse_hex(empty), Some(leaf_hash(b"")));
    }

    #[test]
    fn hex_has_one_spelling() {
        let text = leaf_hash(b"x").to_string();
        for bad in [
            text.to_uppercase(),
            format!("{text}0"),
            text.replacen(|_: char| true, "", 1),
            " ".repeat(64),
        ] {
            assert_eq!(LeafHash::parse_hex(&bad), None, "{bad}");
        }
    }
}
