//! The verifiable log as a format: canonical entries, the per-run chain and its verifier, the Merkle tree
//! over all entries, its tiles, proofs, checkpoints, receipts and cosignatures.
//! Pure: no IO, no clock, no store; an auditor's verifier needs this crate alone. It never depends on
//! `core`. `docs/journal-format.md` states the same rules in prose, for verifiers that share no code.

pub mod audit;
pub mod canonical;
pub mod chain;
pub mod checkpoint;
pub mod cosignature;
pub mod entry;
pub mod hash;
pub mod note;
pub mod receipt;
pub mod tile;
pub mod tree;
pub mod verify;
pub mod witness;

pub use canonical::{Canon, CanonError, Integer, Object, Text};
pub use chain::{ChainHead, ChainName, StoredEntry};
pub use checkpoint::Checkpoint;
pub use entry::{Draft, Entry, EntryError};
pub use hash::{LeafHash, leaf_hash};
pub use note::{SignedNote, VerifierKey};
pub use receipt::Receipt;
pub use tree::NodeHash;
pub use verify::{ChainVerifier, Fault, Verdict, verify_chain};
pub use witness::WitnessPolicy;
