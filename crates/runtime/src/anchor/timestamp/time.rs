//! `GeneralizedTime` as RFC 3161 has it: UTC, seconds, and at most a fraction without zeros at its end.

use interlock_core::time::Timestamp;

/// `YYYYMMDDhhmmss[.f…]Z`; digits of a fraction beyond the sixth are cut.
pub(super) fn parse(text: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (whole, fraction) = match text.split_once('.') {
        None => (text, ""),
        Some((_, fraction)) if fraction.is_empty() || fraction.ends_with('0') => return None,
        Some(parts) => parts,
    };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.len() != 14 || fraction.len() > 18 || !digits(whole) || !digits(fraction) {
        return None;
    }
    let part = |from: usize, to: usize| whole.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let (hour, minute, second) = (part(8, 10)?, part(10, 12)?, part(12, 14)?);
    if year < 1970 || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = days(year, month, day)? * 86_400 + hour * 3600 + minute * 60 + second;
    let micros = fraction
        .bytes()
        .chain(std::iter::repeat(b'0'))
        .take(6)
        .fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    Some(Timestamp::from_micros(seconds * 1_000_000 + micros))
}

/// Days since 1970-01-01 (Hinnant, `days_from_civil`); `None` where there is no such date.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let longest = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u64::from(leap),
        _ => return None,
    };
    if !(1..=longest).contains(&day) {
        return None;
    }
    let y = year - u64::from(month <= 2);
    let (era, yoe) = (y / 400, y % 400);
    let doy = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    (era * 146_097 + doe).checked_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn check(text: &str, expected: Option<&str>) {
        let said = parse(text.as_bytes()).map(|time| time.to_string());
        assert_eq!(said.as_deref(), expected, "{text}");
    }

    #[test]
    fn a_time_has_one_spelling() {
        check("19700101000000Z", Some("1970-01-01T00:00:00.000000Z"));
        check("20000229235959Z", Some("2000-02-29T23:59:59.000000Z"));
        check("20261121064218.25Z", Some("2026-11-21T06:42:18.250000Z"));
        check(
            "20240301000000.123456789Z",
            Some("2024-03-01T00:00:00.123456Z"),
        );
        for bad in [
            "20261121064218",
            "20261121064218+0100",
            "202611210642Z",
            "20261121064218.Z",
            "20261121064218.10Z",
            "20261321064218Z",
            "20260229000000Z",
            "20261121244218Z",
            "19691231235959Z",
            "2026112106421xZ",
            "",
        ] {
            check(bad, None);
        }
    }
}
