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
    let (mut words, mut begins) = (0, true);
    let fits = text.bytes().all(|b| {
        if begins {
            words += 1;
            begins = false;
            b.is_ascii_lowercase()
        } else {
            begins = b == b'.';
            begins || b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'
        }
    });
    fits && !begins && text.len() <= EVENT_BYTES_MAX && (2..=4).contains(&words)
}

/// `YYYY-MM-DDTHH:MM:SS.ffffffZ`: a day that exists, no leap second.
pub(crate) fn is_time(text: &str) -> bool {
    #[rustfmt::skip]
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', n1, n2, b':', s1, s2, b'.', fraction @ .., b'Z'] =
        text.as_bytes()
    else {
        return false;
    };
    let digits = [y1, y2, y3, y4, m1, m2, d1, d2, h1, h2, n1, n2, s1, s2];
    if fraction.len() != 6 || !digits.into_iter().chain(fraction).all(u8::is_ascii_digit) {
        return false;
    }
    let two = |tens: &u8, ones: &u8| u32::from(tens - b'0') * 10 + u32::from(ones - b'0');
    let (year, month) = (two(y1, y2) * 100 + two(y3, y4), two(m1, m2));
    (1..=days_in(year, month)).contains(&two(d1, d2))
        && two(h1, h2) < 24
        && two(n1, n2) < 60
        && two(s1, s2) < 60
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
