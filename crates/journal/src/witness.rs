//! Policy over witnesses: a checkpoint counts as seen once `need` of the known witnesses cosigned it.
//! Keys count, not names: one key under two names is one witness, and a log is no witness of itself.

use std::collections::{BTreeMap, BTreeSet};

use crate::checkpoint::Opened;
use crate::note::{KeyKind, VerifierKey};

/// Most witnesses in a policy.
pub const WITNESSES_MAX: usize = 32;

/// `need` of these witnesses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessPolicy {
    need: usize,
    witnesses: Vec<VerifierKey>,
}

/// Which cosignatures count, by the time they name, in seconds since 1970, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Older ones are stale.
    pub from: u64,
    /// Later ones are from a clock that is ahead.
    pub to: u64,
}

impl Window {
    /// Any time at all: for a reader who asks only whether it was seen.
    pub const ANY: Self = Self {
        from: 0,
        to: u64::MAX,
    };
}

/// Why a policy cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PolicyFault {
    /// Nobody is needed: such a policy asks nothing.
    #[error("a witness policy needs at least one witness")]
    Nobody,
    /// More are needed than there are different keys.
    #[error("`{need}` witnesses are needed, and there are `{keys}` different keys")]
    TooFew {
        /// Witnesses needed.
        need: usize,
        /// Different public keys named.
        keys: usize,
    },
    /// Above `WITNESSES_MAX`.
    #[error("a witness policy names at most `{WITNESSES_MAX}` witnesses")]
    TooMany,
    /// A key that does not cosign.
    #[error("a witness has a cosignature key (kind 4), not a log's key")]
    Kind,
}

/// That enough witnesses cosigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quorum {
    /// Names of the witnesses that count, one for each key.
    pub witnesses: BTreeSet<String>,
    /// The time by which all of them had seen it, as they say, in seconds since 1970: `need` of them saw it
    /// by then.
    pub seen_by: u64,
}

/// That too few did.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{counted}` of `{need}` witnesses cosigned (`{untimely}` more outside the time allowed)")]
pub struct Shortfall {
    /// Witnesses needed.
    pub need: usize,
    /// Different keys whose cosignatures count.
    pub counted: usize,
    /// Cosignatures left out for their time.
    pub untimely: usize,
}

impl WitnessPolicy {
    /// `need` of `witnesses`, counted by public key.
    ///
    /// # Errors
    /// A policy that asks nothing or can never be met, too many witnesses, and a key that is no witness's.
    pub fn new(need: usize, witnesses: Vec<VerifierKey>) -> Result<Self, PolicyFault> {
        if witnesses.len() > WITNESSES_MAX {
            return Err(PolicyFault::TooMany);
        }
        if witnesses
            .iter()
            .any(|key| key.kind() != KeyKind::Cosignature)
        {
            return Err(PolicyFault::Kind);
        }
        let keys: BTreeSet<_> = witnesses.iter().map(VerifierKey::public).collect();
        let keys = keys.len();
        match need {
            0 => Err(PolicyFault::Nobody),
            need if need > keys => Err(PolicyFault::TooFew { need, keys }),
            need => Ok(Self { need, witnesses }),
        }
    }

    /// Witnesses needed.
    #[must_use]
    pub const fn need(&self) -> usize {
        self.need
    }

    /// The witnesses' keys: to be known, beside the log's, where a checkpoint is opened.
    #[must_use]
    pub fn keys(&self) -> &[VerifierKey] {
        &self.witnesses
    }

    /// Whether enough witnesses cosigned within `window`.
    ///
    /// # Errors
    /// Where they did not.
    pub fn check(&self, opened: &Opened, window: Window) -> Result<Quorum, Shortfall> {
        let mut counted: BTreeMap<[u8; 32], (u64, &str)> = BTreeMap::new();
        let mut untimely = 0usize;
        for cosigned in &opened.cosignatures {
            let public = cosigned.key.public();
            if !self.witnesses.contains(&cosigned.key) {
                continue;
            }
            if !(window.from..=window.to).contains(&cosigned.time) {
                untimely += 1;
                continue;
            }
            let says = (cosigned.time, cosigned.key.name());
            counted
                .entry(public)
                .and_modify(|held| *held = says.min(*held))
                .or_insert(says);
        }
        let shortfall = Shortfall {
            need: self.need,
            counted: counted.len(),
            untimely,
        };
        let mut times: Vec<u64> = counted.values().map(|(time, _)| *time).collect();
        times.sort_unstable();
        let seen_by = times.get(self.need - 1).copied().ok_or(shortfall)?;
        Ok(Quorum {
            witnesses: counted
                .values()
                .map(|(_, name)| (*name).to_owned())
                .collect(),
            seen_by,
        })
    }
}
