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
        Self::parse_hex_bytes(text.as_bytes())
    }

    /// The same, from bytes that need not be text.
    pub(crate) fn parse_hex_bytes(text: &[u8]) -> Option<Self> {
        let digits: &[u8; 64] = text.try_into().ok()?;
        let mut out = [0u8; 32];
        let mut all = 0;
        // One question at the end instead of one for each digit: verifiers read these by the million.
        for (slot, [high, low]) in out.iter_mut().zip(digits.as_chunks::<2>().0) {
            let (high, low) = (nibble(*high), nibble(*low));
            all |= high | low;
            *slot = high << 4 | low & 0xf;
        }
        (all & NO_NIBBLE == 0).then_some(Self(out))
    }
}

/// The mark of a byte that is no lower-case hex digit.
const NO_NIBBLE: u8 = 0x10;

const NIBBLES: [u8; 256] = {
    let mut values = [NO_NIBBLE; 256];
    let digits = b"0123456789abcdef";
    let mut value = 0;
    while value < 16 {
        #[expect(
            clippy::indexing_slicing,
            reason = "a byte is below 256, and this runs when compiled"
        )]
        {
            values[digits[value as usize] as usize] = value;
        }
        value += 1;
    }
    values
};

fn nibble(b: u8) -> u8 {
    NIBBLES.get(usize::from(b)).copied().unwrap_or(NO_NIBBLE)
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
