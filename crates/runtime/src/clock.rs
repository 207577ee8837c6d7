//! Time and randomness as seams, so that a test can be a table. The system's own clock and generator are
//! read here and nowhere else. No waiting is here: sleeping is the driver's.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::digest;
use interlock_core::time::Timestamp;

/// What time it is.
///
/// May be called from many tasks at once. It never fails: a clock that cannot be read says the end of the
/// year 9999, so that everything with an end has ended.
pub trait Clock: Send + Sync {
    /// The time now, in UTC.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one place that reads the clock"
        )]
        let now = std::time::SystemTime::now();
        let micros = now
            .duration_since(std::time::UNIX_EPOCH)
            .ok()
            .and_then(|since| u64::try_from(since.as_micros()).ok())
            .unwrap_or(u64::MAX);
        Timestamp::from_micros(micros)
    }
}

/// A clock that stands until it is moved.
#[derive(Debug)]
pub struct FixedClock(AtomicU64);

impl FixedClock {
    /// A clock that stands at this time.
    #[must_use]
    pub const fn at(time: Timestamp) -> Self {
        Self(AtomicU64::new(time.as_micros()))
    }

    /// Puts it to this time.
    pub fn set(&self, time: Timestamp) {
        self.0.store(time.as_micros(), Ordering::SeqCst);
    }

    /// Moves it on by so many seconds.
    pub fn advance_seconds(&self, seconds: u32) {
        self.set(self.now().plus_seconds(seconds));
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// The generator gave no randomness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("draw random bytes: the generator failed")]
pub struct EntropyFault;

/// Where randomness comes from.
///
/// May be called from many tasks at once. On an error the buffer's content is not to be used.
pub trait Entropy: Send + Sync {
    /// Fills the buffer.
    ///
    /// # Errors
    /// The generator failed.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyFault>;
}

/// The operating system's generator, through aws-lc.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyFault> {
        aws_lc_rs::rand::fill(bytes).map_err(|_unspecified| EntropyFault)
    }
}

/// The same bytes for the same seed: SHA-256 over seed and counter. For tests and simulations alone.
#[derive(Debug)]
pub struct SeededEntropy {
    seed: u64,
    counter: Mutex<u64>,
}

impl SeededEntropy {
    /// A generator that begins at this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self {
            seed,
            counter: Mutex::new(0),
        }
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyFault> {
        let mut counter = self.counter.lock().map_err(|_poisoned| EntropyFault)?;
        for block in bytes.chunks_mut(32) {
            let mut context = digest::Context::new(&digest::SHA256);
            context.update(&self.seed.to_be_bytes());
            context.update(&counter.to_be_bytes());
            *counter += 1;
            for (to, from) in block.iter_mut().zip(context.finish().as_ref()) {
                *to = *from;
            }
        }
        Ok(())
    }
}

/// `N` random bytes.
///
/// # Errors
/// The generator failed.
pub fn random<const N: usize>(entropy: &dyn Entropy) -> Result<[u8; N], EntropyFault> {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes)?;
    Ok(bytes)
}

/// The 16 bytes of a new id in ULID layout: 48 bits of milliseconds, 80 random bits.
///
/// # Errors
/// The generator failed.
pub fn ulid(now: Timestamp, entropy: &dyn Entropy) -> Result<[u8; 16], EntropyFault> {
    let mut bytes = random::<16>(entropy)?;
    let millis = (now.as_micros() / 1000).to_be_bytes();
    for (to, from) in bytes.iter_mut().zip(millis.iter().skip(2)) {
        *to = *from;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_begin_with_their_time() {
        let clock = FixedClock::at(Timestamp::from_micros(1_795_219_199_999_999));
        let entropy = SeededEntropy::new(1);
        let first = ulid(clock.now(), &entropy).unwrap();
        clock.advance_seconds(1);
        let second = ulid(clock.now(), &entropy).unwrap();
        assert!(first < second);
        assert_eq!(first[..6], (1_795_219_199_999u64).to_be_bytes()[2..]);
    }

    #[test]
    fn a_seed_decides_all_bytes() {
        let draw = |seed| random::<70>(&SeededEntropy::new(seed)).unwrap();
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        assert_ne!(random::<32>(&SystemEntropy), random::<32>(&SystemEntropy));
    }
}
