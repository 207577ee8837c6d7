//! Calendar months in UTC, as the period keys name them.

use interlock_core::time::Timestamp;

/// A month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month(u32);

impl Month {
    /// The month of an instant.
    #[must_use]
    pub fn of(at: Timestamp) -> Self {
        let text = at.to_string();
        // An instant prints as its date first; what did not would be the last month there is, which never expires.
        text.get(..7)
            .and_then(Self::parse)
            .unwrap_or(Self(u32::MAX))
    }

    /// Reads `2026-11`; `None` for a text of another form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (year, month) = text.split_once('-')?;
        let number = |text: &str, digits: usize| {
            let all = text.len() == digits && text.bytes().all(|b| b.is_ascii_digit());
            all.then(|| text.parse::<u32>().ok())?
        };
        let (year, month) = (number(year, 4)?, number(month, 2)?);
        (1..=12)
            .contains(&month)
            .then_some(Self(year * 12 + month - 1))
    }

    /// How many full months lie between this one and an instant: 0 in this month and the next.
    #[must_use]
    pub fn full_months_until(self, at: Timestamp) -> u32 {
        Self::of(at).0.saturating_sub(self.0).saturating_sub(1)
    }
}

impl std::fmt::Display for Month {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}", self.0 / 12, self.0 % 12 + 1)
    }
}

/// The first instant of a day in UTC, as `2026-11-01`; `None`: there is no such day.
#[must_use]
pub fn day_start(text: &str) -> Option<Timestamp> {
    crate::codec::time::parse(&format!("{text}T00:00:00.000000Z"))
}
