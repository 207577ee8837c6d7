//! The plan of a store whose writes fail: the one write that is to fail and how, all from one on, or some by a seed.
//! Writes are counted from 1, refused ones too.

use std::sync::atomic::{AtomicU64, Ordering};

use interlock_store::Head;

use super::{Fate, Plan, Write};

/// How a write fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// Nothing is stored.
    NotStored,
    /// It is stored, but the answer is that nobody knows.
    StoredWithError,
}

impl Flavour {
    /// Both.
    pub const ALL: [Self; 2] = [Self::NotStored, Self::StoredWithError];

    const fn fate(self) -> Fate {
        match self {
            Self::NotStored => Fate::NotMade,
            Self::StoredWithError => Fate::MadeButUnknown,
        }
    }
}

enum Which {
    None,
    Nth(u64, Flavour),
    From(u64),
    Seeded { seed: u64, one_in: u64, after: u64 },
}

/// Which writes fail.
pub struct FaultPlan {
    which: Which,
    asked: AtomicU64,
    failed: AtomicU64,
}

impl FaultPlan {
    const fn of(which: Which) -> Self {
        Self {
            which,
            asked: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        }
    }

    /// No write fails; they are counted.
    #[must_use]
    pub const fn none() -> Self {
        Self::of(Which::None)
    }

    /// The `n`-th write fails, from 1; its repetition does not.
    #[must_use]
    pub const fn nth(n: u64, flavour: Flavour) -> Self {
        Self::of(Which::Nth(n, flavour))
    }

    /// Nothing can be stored any more from the `n`-th write on, counted from 1: a full disk.
    #[must_use]
    pub const fn from(n: u64) -> Self {
        Self::of(Which::From(n))
    }

    /// One write in `one_in` fails, at least 2, once `after` were asked for; the seed says which and how.
    #[must_use]
    pub const fn seeded(seed: u64, one_in: u64, after: u64) -> Self {
        Self::of(Which::Seeded {
            seed,
            one_in,
            after,
        })
    }

    /// Writes asked for so far.
    #[must_use]
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }

    /// Writes failed so far.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.failed.load(Ordering::SeqCst)
    }
}

impl Plan for FaultPlan {
    fn fate(&self, _: Write) -> Fate {
        let n = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let fate = match self.which {
            Which::None => Fate::Made,
            Which::Nth(at, flavour) if at == n => flavour.fate(),
            Which::From(at) if n >= at => Fate::NotMade,
            Which::Nth(..) | Which::From(_) => Fate::Made,
            Which::Seeded { after, .. } if n <= after => Fate::Made,
            Which::Seeded { seed, one_in, .. } => {
                let draw = mixed(seed, n);
                match (draw % one_in.max(2), draw >> 63) {
                    (0, 0) => Fate::NotMade,
                    (0, _) => Fate::MadeButUnknown,
                    _ => Fate::Made,
                }
            }
        };
        if fate != Fate::Made {
            self.failed.fetch_add(1, Ordering::SeqCst);
        }
        fate
    }

    fn made(&self, _: Write, _: Option<Head>) {}
}

/// SplitMix64: the same numbers for the same seed, and no pattern that matters here.
const fn mixed(seed: u64, n: u64) -> u64 {
    let mut z = seed.wrapping_add(n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
