//! What every bench needs: percentiles of what was measured, and what the disk takes to sync, which stands beside each
//! durable figure. A bench measures and prints; it asserts nothing about time.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

/// Times of one kind of thing, in any order.
#[derive(Debug, Default, Clone)]
pub struct Times(Vec<Duration>);

impl Times {
    /// Adds one.
    pub fn push(&mut self, time: Duration) {
        self.0.push(time);
    }

    /// Adds all of another.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The time that `percent` of all are at or below (nearest rank); zero where there are none.
    #[must_use]
    pub fn percentile(&self, percent: u8) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() * usize::from(percent.min(100))).div_ceil(100);
        sorted
            .get(rank.saturating_sub(1))
            .copied()
            .unwrap_or_default()
    }
}

/// F: the median time of writing 4 KiB and syncing it (`fdatasync`), over 200 times, in this directory.
///
/// # Errors
/// The directory cannot be written.
pub fn sync_time(dir: &Path) -> io::Result<Duration> {
    let path = dir.join("sync-time");
    let mut file = File::create(&path)?;
    let mut times = Times::default();
    for _ in 0..200 {
        let began = Instant::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        times.push(began.elapsed());
    }
    std::fs::remove_file(path)?;
    Ok(times.percentile(50))
}

/// A duration in the unit that fits it, three digits.
#[must_use]
pub fn short(time: Duration) -> String {
    let nanos = time.as_nanos();
    let (unit, size) = match nanos {
        0..1_000 => ("ns", 1.0),
        1_000..1_000_000 => ("µs", 1e3),
        1_000_000..1_000_000_000 => ("ms", 1e6),
        _ => ("s", 1e9),
    };
    let value = time.as_secs_f64() * 1e9 / size;
    if value < 10.0 {
        format!("{value:.2} {unit}")
    } else {
        format!("{value:.0} {unit}")
    }
}

/// How many a second.
#[must_use]
pub fn rate(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64().max(1e-9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let mut times = Times::default();
        assert_eq!(times.percentile(99), Duration::ZERO);
        (1..=100)
            .rev()
            .for_each(|millis| times.push(Duration::from_millis(millis)));
        for (percent, expected) in [(0, 1), (50, 50), (99, 99), (100, 100), (200, 100)] {
            let found = times.percentile(percent);
            assert_eq!(found, Duration::from_millis(expected), "{percent}");
        }
    }

    #[test]
    fn durations_are_short() {
        for (nanos, expected) in [
            (7, "7.00 ns"),
            (1_500, "1.50 µs"),
            (12_000_000, "12 ms"),
            (2_000_000_000, "2.00 s"),
        ] {
            assert_eq!(short(Duration::from_nanos(nanos)), expected);
        }
    }
}
