//! The verifiable log as a format: canonical entries, their leaf hashes, the per-run chain, its verifier.
//! Pure: no IO, no clock, no store; an auditor's verifier needs this crate alone. It never depends on
//! `core`. `docs/journal-format.md` states the same rules in prose, for verifiers that share no code.

pub mod canonical;
pub mod chain;
pub mod entry;
pub mod hash;
pub mod verify;

pub use canonical::{Canon, CanonError, Integer, Object, Text};
pub use chain::{ChainHead, ChainName, StoredEntry};
pub use entry::{Draft, Entry, EntryError};
pub use hash::{LeafHash, leaf_hash};
pub use verify::{ChainVerifier, Fault, Verdict, verify_chain};
