//! How long an endpoint asks to wait: `retry-after-ms`, else `retry-after` in seconds or as a date (RFC 9110,
//! section 10.2.3, in its preferred form). What cannot be read is no wish.

use interlock_core::time::Timestamp;

use crate::egress::Answer;

const MILLIS_MAX: u64 = 3_600_000;

/// The wish in milliseconds, at most an hour.
pub(super) fn after_millis(answer: &Answer, now: Timestamp) -> Option<u64> {
    wish(
        answer.header("retry-after-ms"),
        answer.header("retry-after"),
        now,
    )
}

fn wish(millis: Option<&str>, after: Option<&str>, now: Timestamp) -> Option<u64> {
    let millis = millis.and_then(|text| text.trim().parse::<u64>().ok());
    let after = || {
        let text = after?.trim();
        let seconds = text
            .parse::<u64>()
            .ok()
            .map(|seconds| seconds.saturating_mul(1000));
        seconds.or_else(|| Some(date(text)?.as_micros().saturating_sub(now.as_micros()) / 1000))
    };
    millis.or_else(after).map(|millis| millis.min(MILLIS_MAX))
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`
fn date(text: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let words: Vec<&str> = text.split(' ').collect();
    let [_weekday, day, month, year, time, "GMT"] = words.as_slice() else {
        return None;
    };
    let [hour, minute, second] = time.split(':').collect::<Vec<_>>().try_into().ok()?;
    let number = |text: &str, max: u64| text.parse::<u64>().ok().filter(|n| *n <= max);
    let month = u64::try_from(MONTHS.iter().position(|name| name == month)?).ok()? + 1;
    let (day, year) = (number(day, 31)?.max(1), number(year, 9999)?.max(1970));
    let seconds = number(hour, 23)? * 3600 + number(minute, 59)? * 60 + number(second, 60)?;
    // Days since 1970-01-01 (Hinnant, "chrono-compatible low-level date algorithms", `days_from_civil`).
    let shifted = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (shifted / 400, shifted % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some(Timestamp::from_micros(
        (days * 86_400 + seconds) * 1_000_000,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_read_in_every_form() {
        // 2026-11-20T23:59:59Z
        let now = Timestamp::from_micros(1_795_219_199_000_000);
        for (millis, after, expected) in [
            (Some("250"), Some("9"), Some(250)),
            (None, Some("9"), Some(9000)),
            (Some("soon"), Some("9"), Some(9000)),
            (None, Some("Sat, 21 Nov 2026 00:00:04 GMT"), Some(5000)),
            (None, Some("Sun, 06 Nov 1994 08:49:37 GMT"), Some(0)),
            (None, Some("99999999999999999999"), None),
            (None, Some("86400"), Some(MILLIS_MAX)),
            (None, Some("-1"), None),
            (None, Some("Sat, 21 Nov 2026 25:00:04 GMT"), None),
            (None, None, None),
        ] {
            assert_eq!(wish(millis, after, now), expected, "{millis:?} {after:?}");
        }
        assert_eq!(
            date("Tue, 29 Feb 2000 00:00:00 GMT").unwrap().to_string(),
            "2000-02-29T00:00:00.000000Z"
        );
    }
}
