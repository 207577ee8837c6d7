//! Ids and digests as numbers, which compare faster than their texts. Forms are the schema's to judge:
//! what is out of form is `None` here, and no rule takes `None` for an answer.

use crate::hash::LeafHash;

use super::scan::Raw;

/// The value of each digit of Crockford base 32; `NONE` for bytes that are none.
const DIGITS: [u8; 256] = {
    let mut values = [NONE; 256];
    let alphabet = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let mut value = 0;
    while value < 32 {
        #[expect(
            clippy::indexing_slicing,
            reason = "a byte is below 256, and this runs when compiled"
        )]
        {
            values[alphabet[value as usize] as usize] = value;
        }
        value += 1;
    }
    values
};
const NONE: u8 = 0x80;

/// The 128 bits of an id with this prefix.
pub(super) fn id(value: Option<Raw<'_>>, prefix: &str) -> Option<u128> {
    number(value?.text()?, prefix)
}

/// The 128 bits of a text `prefix_` and 26 digits, of which the first is at most 7.
pub(super) fn number(text: &str, prefix: &str) -> Option<u128> {
    ulid(text.strip_prefix(prefix)?.strip_prefix('_')?.as_bytes())
}

/// The 128 bits of 26 digits.
pub(super) fn ulid(digits: &[u8]) -> Option<u128> {
    let digits: &[u8; 26] = digits.try_into().ok()?;
    let (high, rest) = digits.split_first_chunk::<2>()?;
    let (middle, low) = rest.split_first_chunk::<12>()?;
    let ((high, a), (middle, b), (low, c)) = (bits(high), bits(middle), bits(low));
    // 130 bits are spelled, of which the first two are none.
    let fits = (a | b | c) & NONE == 0 && high < 1 << 8;
    fits.then_some(u128::from(high) << 120 | u128::from(middle) << 60 | u128::from(low))
}

/// Digits as a number, at most twelve, and all their values or-ed.
fn bits(digits: &[u8]) -> (u64, u8) {
    digits.iter().fold((0, 0), |(n, all), b| {
        let value = DIGITS.get(usize::from(*b)).copied().unwrap_or(NONE);
        (n << 5 | u64::from(value & 31), all | value)
    })
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

    #[test]
    fn a_number_has_128_bits_in_the_order_of_its_digits() {
        let all = format!("7{}", "Z".repeat(25));
        assert_eq!(ulid(all.as_bytes()), Some(u128::MAX));
        assert_eq!(ulid(format!("8{}", "0".repeat(25)).as_bytes()), None);
        for place in 0..26 {
            let mut text = vec![b'0'; 26];
            text[place] = b'1';
            let text = String::from_utf8(text).unwrap();
            assert_eq!(
                ulid(text.as_bytes()),
                Some(1 << (5 * (25 - place))),
                "{text}"
            );
            assert_eq!(ulid(text.replace('1', "u").as_bytes()), None);
        }
    }

    #[test]
    fn a_form_and_its_number_are_of_the_same_texts() {
        for byte in 0..=127u8 {
            for place in [0, 1, 2, 13, 14, 25] {
                let mut text = vec![b'0'; 26];
                text[place] = byte;
                let text = String::from_utf8(text).unwrap();
                let form = crate::entry::form::is_ulid(&text);
                assert_eq!(ulid(text.as_bytes()).is_some(), form, "{text:?}");
            }
        }
    }
}
