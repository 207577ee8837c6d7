//! Inclusion and consistency proofs, made as RFC 6962 sections 2.1.1 and 2.1.2 define them.
//! Each needs O(log size) nodes of complete subtrees; nothing is allocated but the proof.

use super::{Missing, NodeHash, NodeSource, SIZE_MAX, node_hash};

/// The hash of the leaves from `from` to before `to`, where `from` begins a subtree of the tree.
pub(super) fn range_root<S: NodeSource + ?Sized>(
    source: &S,
    from: u64,
    to: u64,
) -> Result<NodeHash, Missing> {
    // Complete subtrees of a range, taken from the right: their sizes are the set bits of its length.
    let mut end = to;
    let mut root = None;
    while from < end {
        let level = (end - from).trailing_zeros();
        let start = end - (1u64 << level);
        let index = start >> level;
        let level = level as u8;
        let node = source
            .node(level, index)
            .ok_or(Missing::Node { level, index })?;
        root = Some(root.map_or(node, |right| node_hash(node, right)));
        end = start;
    }
    root.ok_or(Missing::Shrunk { old: from, new: to })
}

/// The largest power of two below `length`, which is at least 2.
const fn split(length: u64) -> u64 {
    1u64 << (length - 1).ilog2()
}

/// The hashes that lead from leaf `index` to the root of the first `size` leaves, leaf's sibling first.
///
/// # Errors
/// Where the tree has no such leaf, or the source lacks a node.
pub fn inclusion_proof<S: NodeSource + ?Sized>(
    source: &S,
    index: u64,
    size: u64,
) -> Result<Vec<NodeHash>, Missing> {
    if size > SIZE_MAX {
        return Err(Missing::Size(size));
    }
    if index >= size {
        return Err(Missing::Leaf { index, size });
    }
    let mut proof = Vec::new();
    let (mut from, mut to) = (0, size);
    while to - from > 1 {
        let middle = from + split(to - from);
        if index < middle {
            proof.push(range_root(source, middle, to)?);
            to = middle;
        } else {
            proof.push(range_root(source, from, middle)?);
            from = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// The hashes that show the first `old` leaves to be a prefix of the first `new`. Empty where `old` is 0
/// or equal to `new`.
///
/// # Errors
/// Where `old` is above `new`, or the source lacks a node.
pub fn consistency_proof<S: NodeSource + ?Sized>(
    source: &S,
    old: u64,
    new: u64,
) -> Result<Vec<NodeHash>, Missing> {
    if new > SIZE_MAX {
        return Err(Missing::Size(new));
    }
    if old > new {
        return Err(Missing::Shrunk { old, new });
    }
    let mut proof = Vec::new();
    if old == 0 {
        return Ok(proof);
    }
    let (mut from, mut to) = (0, new);
    while to != old {
        let middle = from + split(to - from);
        if old <= middle {
            proof.push(range_root(source, middle, to)?);
            to = middle;
        } else {
            proof.push(range_root(source, from, middle)?);
            from = middle;
        }
    }
    // The verifier knows the old root itself, so it is left out where the old tree is one complete subtree.
    if from != 0 {
        proof.push(range_root(source, from, to)?);
    }
    proof.reverse();
    Ok(proof)
}
