//! The per-run chain: whose it is, what a store keeps of each entry, and where it ends.
//! The chain lives inside the entries (`run`, `seq`, `prev`). It is no substitute for the log's Merkle tree,
//! which will hold all runs of a tenant and is what checkpoints sign.

use crate::hash::LeafHash;

/// Whose chain it is: every entry of it must name these three.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainName {
    /// Owner of the log.
    pub tenant: String,
    /// The store's environment.
    pub environment: String,
    /// The run.
    pub run: String,
}

/// What a store keeps of one entry. All three are claims until verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredEntry<'a> {
    /// The place under which the store keeps it.
    pub seq: u64,
    /// The entry's bytes.
    pub bytes: &'a [u8],
    /// The leaf hash that was stored beside the bytes.
    pub hash: LeafHash,
}

/// How long the chain is, and the leaf hash of its last entry, as the store's head says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainHead {
    /// Entries in the chain, at least 1.
    pub count: u64,
    /// Leaf hash of the last.
    pub hash: LeafHash,
}
