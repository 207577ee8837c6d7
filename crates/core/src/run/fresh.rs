//! New ids, keys and delimiters from the 32 random bytes and the time of one arrival: SHA-256 in counter mode.
//! Pure, so that a decision can be repeated in a test; unpredictable because the seed is.

use sha2::{Digest as _, Sha256};

use crate::digest::ActKey;
use crate::time::Timestamp;

/// A source of new values for one decision.
pub(super) struct Fresh {
    seed: [u8; 32],
    millis: u64,
    counter: u64,
}

impl Fresh {
    pub(super) fn new(seed: [u8; 32], now: Timestamp) -> Self {
        Self {
            seed,
            millis: now.as_micros() / 1000,
            counter: 0,
        }
    }

    fn block(&mut self) -> [u8; 32] {
        self.counter += 1;
        let mut hash = Sha256::new();
        hash.update(b"interlock/fresh/v1");
        hash.update(self.seed);
        hash.update(self.counter.to_be_bytes());
        hash.finalize().into()
    }

    /// 48 bits of milliseconds, then 80 random bits.
    pub(super) fn id(&mut self) -> [u8; 16] {
        let block = self.block();
        let mut bytes = [0u8; 16];
        let (time, random) = bytes.split_at_mut(6);
        time.iter_mut()
            .zip(self.millis.to_be_bytes().into_iter().skip(2))
            .for_each(|(slot, b)| *slot = b);
        random.iter_mut().zip(block).for_each(|(slot, b)| *slot = b);
        bytes
    }

    pub(super) fn key(&mut self) -> ActKey {
        ActKey::from_bytes(self.block())
    }

    /// 16 hex digits that no earlier text can have guessed.
    pub(super) fn delimiter(&mut self) -> String {
        self.block()
            .iter()
            .take(8)
            .map(|b| format!("{b:02x}"))
            .collect()
    }
}
