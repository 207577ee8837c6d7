//! The Merkle tree of RFC 6962, section 2: node hashes, roots, and proofs made from hashes that are stored
//! elsewhere (`NodeSource`). `tree/verify.rs` holds the verifying side, which trusts no source.
//! Not here: how hashes are kept (tiles), and who signed a root (checkpoints).

mod frontier;
mod proof;
mod verify;

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::hash::LeafHash;

pub use frontier::Frontier;
pub use proof::{consistency_proof, inclusion_proof};
pub use verify::{ProofFault, verify_consistency, verify_inclusion};

/// Most leaves that a tree has: 2^63 - 1, so that a size fits every reader's signed integer.
pub const SIZE_MAX: u64 = i64::MAX as u64;

/// Most hashes in a proof over a tree of at most `SIZE_MAX` leaves; a consistency proof may need one more
/// than an inclusion proof.
pub const PROOF_HASHES_MAX: usize = 64;

/// The prefix of an inner node in RFC 6962 hashing.
const NODE_PREFIX: u8 = 1;

/// Hash of a node of the tree, leaf or inner: 32 bytes, printed as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeHash([u8; 32]);

impl NodeHash {
    /// From its 32 bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// From a slice of exactly 32 bytes; `None` for any other length.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    /// From exactly 64 lower-case hex digits; `None` for any other text.
    #[must_use]
    pub fn parse_hex(text: &str) -> Option<Self> {
        LeafHash::parse_hex(text).map(Self::from)
    }
}

impl From<LeafHash> for NodeHash {
    fn from(leaf: LeafHash) -> Self {
        Self(leaf.to_bytes())
    }
}

impl fmt::Display for NodeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for NodeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// SHA-256(0x01 || left || right).
#[must_use]
pub fn node_hash(left: NodeHash, right: NodeHash) -> NodeHash {
    let mut hash = Sha256::new();
    hash.update([NODE_PREFIX]);
    hash.update(left.0);
    hash.update(right.0);
    NodeHash(hash.finalize().into())
}

/// The root of the tree without leaves: SHA-256 of nothing.
#[must_use]
pub fn empty_root() -> NodeHash {
    NodeHash(Sha256::digest([]).into())
}

/// Where the hashes of complete subtrees are read.
pub trait NodeSource {
    /// The hash of the complete subtree of 2^`level` leaves that begins at leaf `index` * 2^`level`;
    /// `None` where the source does not hold it. Two calls give the same answer.
    fn node(&self, level: u8, index: u64) -> Option<NodeHash>;
}

/// Why a root or a proof could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// The source does not hold this node.
    #[error("the tree's node `{index}` of level `{level}` is missing")]
    Node {
        /// Height over the leaves, in powers of two.
        level: u8,
        /// Place within the level.
        index: u64,
    },
    /// The tree is too small to have this leaf.
    #[error("a tree of size `{size}` has no leaf `{index}`")]
    Leaf {
        /// The leaf asked for.
        index: u64,
        /// The tree's size.
        size: u64,
    },
    /// The older tree is larger than the newer one.
    #[error("a tree of size `{new}` does not extend one of size `{old}`")]
    Shrunk {
        /// The older size.
        old: u64,
        /// The newer size.
        new: u64,
    },
    /// The size is above `SIZE_MAX`.
    #[error("no tree has the size `{0}`")]
    Size(u64),
}

/// The root of the first `size` leaves.
///
/// # Errors
/// Where the source lacks a node on the right edge of that tree, or the size is above `SIZE_MAX`.
pub fn root_at<S: NodeSource + ?Sized>(source: &S, size: u64) -> Result<NodeHash, Missing> {
    if size == 0 {
        return Ok(empty_root());
    }
    if size > SIZE_MAX {
        return Err(Missing::Size(size));
    }
    proof::range_root(source, 0, size)
}
