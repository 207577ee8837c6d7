//! Ids and digests as numbers, which compare faster than their texts. Forms are the schema's to judge:
//! what is out of form is `None` here, and no rule takes `None` for an answer.

use crate::hash::LeafHash;

use super::scan::Raw;

/// The 128 bits of an id with this prefix.
pub(super) fn id(value: Option<Raw<'_>>, prefix: &str) -> Option<u128> {
    number(value?.text()?, prefix)
}

/// The 128 bits of a text `prefix_` and 26 digits.
pub(super) fn number(text: &str, prefix: &str) -> Option<u128> {
    let digits = text.strip_prefix(prefix)?.strip_prefix('_')?;
    if digits.len() != 26 {
        return None;
    }
    digits
        .bytes()
        .try_fold(0u128, |n, b| Some((n << 5) | u128::from(digit(b)?)))
}

const fn digit(b: u8) -> Option<u8> {
    match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'A'..=b'H' => Some(b - b'A' + 10),
        b'J' | b'K' => Some(b - b'J' + 18),
        b'M' | b'N' => Some(b - b'M' + 20),
        b'P'..=b'T' => Some(b - b'P' + 22),
        b'V'..=b'Z' => Some(b - b'V' + 27),
        _ => None,
    }
}

/// The 32 bytes of a digest.
pub(super) fn digest(value: Option<Raw<'_>>) -> Option<[u8; 32]> {
    LeafHash::parse_hex(value?.text()?).map(LeafHash::to_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digit_has_its_value() {
        let alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        for (value, c) in (0u128..).zip(alphabet.chars()) {
            assert_eq!(
                number(&format!("act_{}{c}", "0".repeat(25)), "act"),
                Some(value)
            );
        }
        for bad in ["act_I", "run_0", "act0"] {
            assert_eq!(number(&format!("{bad}{}", "0".repeat(25)), "act"), None);
        }
    }
}
