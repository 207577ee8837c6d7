//! Verification of proofs by the algorithms of RFC 9162, sections 2.1.3.2 and 2.1.4.2, step by step.
//! A proof is untrusted: too short, too long or too many bits all end in a fault, never in a loop.

use super::{NodeHash, SIZE_MAX, empty_root, node_hash};
use crate::hash::LeafHash;

/// Why a proof does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofFault {
    /// The tree has no such leaf.
    #[error("the proof is for leaf `{index}` of a tree of size `{size}`")]
    Leaf {
        /// The leaf that the proof names.
        index: u64,
        /// The tree's size.
        size: u64,
    },
    /// The newer tree is smaller than the older one.
    #[error("the tree shrank from `{old}` to `{new}`")]
    Shrunk {
        /// The older size.
        old: u64,
        /// The newer size.
        new: u64,
    },
    /// The size is above `SIZE_MAX`.
    #[error("no tree has the size `{0}`")]
    Size(u64),
    /// Too few or too many hashes.
    #[error("the proof has the wrong number of hashes")]
    Length,
    /// The hashes lead to another root: for consistency, to another newer one.
    #[error("the proof leads to another root")]
    Root,
    /// The hashes lead to another older root.
    #[error("the proof leads to another older root")]
    OldRoot,
}

/// Verifies that `leaf` is leaf `index` of the tree of `size` leaves with this root.
///
/// # Errors
/// The fault of the proof.
pub fn verify_inclusion(
    leaf: LeafHash,
    index: u64,
    size: u64,
    proof: &[NodeHash],
    root: NodeHash,
) -> Result<(), ProofFault> {
    if size > SIZE_MAX {
        return Err(ProofFault::Size(size));
    }
    if index >= size {
        return Err(ProofFault::Leaf { index, size });
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = NodeHash::from(leaf);
    for sibling in proof {
        if last == 0 {
            return Err(ProofFault::Length);
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(*sibling, hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(hash, *sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(ProofFault::Length);
    }
    if hash == root {
        Ok(())
    } else {
        Err(ProofFault::Root)
    }
}

/// Verifies that the tree of `old` leaves with `old_root` is a prefix of the tree of `new` leaves with
/// `new_root`. Trees of one size need equal roots and an empty proof; so does growth from the empty tree,
/// whose root has to be the empty root.
///
/// # Errors
/// The fault of the proof.
pub fn verify_consistency(
    old: u64,
    old_root: NodeHash,
    new: u64,
    new_root: NodeHash,
    proof: &[NodeHash],
) -> Result<(), ProofFault> {
    if new > SIZE_MAX {
        return Err(ProofFault::Size(new));
    }
    if old > new {
        return Err(ProofFault::Shrunk { old, new });
    }
    if new == 0 && new_root != empty_root() {
        return Err(ProofFault::Root);
    }
    if old == 0 && old_root != empty_root() {
        return Err(ProofFault::OldRoot);
    }
    if old == 0 || old == new {
        return match proof {
            [_, ..] => Err(ProofFault::Length),
            [] if old == new && old_root != new_root => Err(ProofFault::Root),
            [] => Ok(()),
        };
    }
    // A complete older tree is itself the first hash of the path; the proof leaves it out.
    let (first, rest) = match proof {
        [] => return Err(ProofFault::Length),
        path if old.is_power_of_two() => (old_root, path),
        [first, rest @ ..] => (*first, rest),
    };
    let (mut node, mut last) = (old - 1, new - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let (mut old_hash, mut new_hash) = (first, first);
    for sibling in rest {
        if last == 0 {
            return Err(ProofFault::Length);
        }
        if node & 1 == 1 || node == last {
            old_hash = node_hash(*sibling, old_hash);
            new_hash = node_hash(*sibling, new_hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new_hash = node_hash(new_hash, *sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(ProofFault::Length);
    }
    if old_hash != old_root {
        return Err(ProofFault::OldRoot);
    }
    if new_hash != new_root {
        return Err(ProofFault::Root);
    }
    Ok(())
}
