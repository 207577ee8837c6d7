//! The forms of an entry's texts, as predicates. They repeat what `core` says of names, ids and instants,
//! because a verifier must not need `core`; the format's document is what both follow.

const NAME_BYTES_MAX: usize = 64;
const EVENT_BYTES_MAX: usize = 64;

/// `[a-z0-9][a-z0-9_.-]{0,63}`.
pub(crate) fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    text.len() <= NAME_BYTES_MAX
        && bytes
            .next()
            .is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        && bytes.all(|b| {
            b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-' | b'.')
        })
}

/// `run_` and 26 characters of Crockford base 32, at most 128 bits.
pub(crate) fn is_run(text: &str) -> bool {
    text.strip_prefix("run_").is_some_and(is_ulid)
}

/// 26 characters of Crockford base 32, at most 128 bits.
pub(crate) fn is_ulid(id: &str) -> bool {
    id.len() == 26
        && id.starts_with(|c| ('0'..='7').contains(&c))
        && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'A'..=b'H' | b'J' | b'K' | b'M' | b'N' | b'P'..=b'T' | b'V'..=b'Z'))
}

/// Two to four dotted words of `[a-z][a-z0-9_]*`.
pub(crate) fn is_event(text: &str) -> bool {
    let word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_lowercase())
            && word
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    text.len() <= EVENT_BYTES_MAX
        && (2..=4).contains(&text.split('.').count())
        && text.split('.').all(word)
}

/// `YYYY-MM-DDTHH:MM:SS.ffffffZ`: a day that exists, no leap second.
pub(crate) fn is_time(text: &str) -> bool {
    const SHAPE: &[u8; 27] = b"0000-00-00T00:00:00.000000Z";
    let shaped = text.len() == SHAPE.len()
        && text.bytes().zip(SHAPE).all(|(b, s)| {
            if *s == b'0' {
                b.is_ascii_digit()
            } else {
                b == *s
            }
        });
    let part = |from: usize, to: usize| {
        text.get(from..to)
            .and_then(|digits| digits.parse::<u32>().ok())
    };
    let (Some(year), Some(month), Some(day)) = (part(0, 4), part(5, 7), part(8, 10)) else {
        return false;
    };
    let (Some(hour), Some(minute), Some(second)) = (part(11, 13), part(14, 16), part(17, 19))
    else {
        return false;
    };
    shaped && (1..=days_in(year, month)).contains(&day) && hour < 24 && minute < 60 && second < 60
}

const fn days_in(year: u32, month: u32) -> u32 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        _ => 0,
    }
}
