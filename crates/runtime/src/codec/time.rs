//! Instants in an entry: the text that the entry's own `time` has. Microseconds as an integer would pass
//! 2^53 - 1 in the year 2255, and instants go to 9999.

use interlock_core::time::Timestamp;
use interlock_journal::Canon;

use super::fault::Flaw;
use super::value::{Value, text};

impl Value for Timestamp {
    fn write(&self) -> Result<Canon, Flaw> {
        Canon::text(self.to_string()).map_err(|_| Flaw::form())
    }

    fn read(value: &Canon) -> Result<Self, Flaw> {
        parse(text(value)?).ok_or_else(Flaw::form)
    }
}

/// An instant in the one spelling that entries have: `2026-11-20T23:59:59.999999Z`; `None` in any other.
#[must_use]
pub fn parse(text: &str) -> Option<Timestamp> {
    // Printing it again refuses every other spelling and every date that does not exist.
    micros(text)
        .map(Timestamp::from_micros)
        .filter(|time| time.to_string() == text)
}

fn micros(text: &str) -> Option<u64> {
    let number = |from: usize, to: usize| -> Option<u64> {
        let digits = text.get(from..to)?;
        let all = digits.bytes().all(|b| b.is_ascii_digit());
        all.then(|| digits.parse().ok())?
    };
    let days = days(number(0, 4)?, number(5, 7)?, number(8, 10)?)?;
    let seconds = days
        .checked_mul(86_400)?
        .checked_add(number(11, 13)? * 3600 + number(14, 16)? * 60 + number(17, 19)?)?;
    seconds.checked_mul(1_000_000)?.checked_add(number(20, 26)?)
}

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar (Hinnant, "chrono-compatible low-level
/// date algorithms", `days_from_civil`); `None` before 1970.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    let year = if month <= 2 {
        year.checked_sub(1)?
    } else {
        year
    };
    let (era, yoe) = (year / 400, year % 400);
    let mp = (month + 9) % 12;
    let doy = (153 * mp + 2) / 5 + day.checked_sub(1)?;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    (era * 146_097 + doe).checked_sub(719_468)
}
