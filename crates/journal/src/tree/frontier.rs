//! The right edge of a growing tree: enough to append leaves and to give the root, with one hash for each
//! bit of the size. It keeps no inner hashes, so it makes no proofs.

use super::{Missing, NodeHash, NodeSource, SIZE_MAX, empty_root, node_hash};
use crate::hash::LeafHash;

/// The complete subtrees that make up a tree, largest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    nodes: Vec<NodeHash>,
}

impl Frontier {
    /// Of the tree without leaves.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Of a tree whose hashes are stored.
    ///
    /// # Errors
    /// Where the source lacks a node, or the size is above `SIZE_MAX`.
    pub fn from_nodes<S: NodeSource + ?Sized>(size: u64, source: &S) -> Result<Self, Missing> {
        if size > SIZE_MAX {
            return Err(Missing::Size(size));
        }
        let mut nodes = Vec::with_capacity(64);
        let mut start = 0u64;
        while start < size {
            let level = (size - start).ilog2();
            let index = start >> level;
            let level = level as u8;
            let missing = Missing::Node { level, index };
            nodes.push(source.node(level, index).ok_or(missing)?);
            start += 1u64 << level;
        }
        Ok(Self { size, nodes })
    }

    /// Appends a leaf; on average one node is hashed.
    pub fn push(&mut self, leaf: LeafHash) {
        let mut node = NodeHash::from(leaf);
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.nodes.pop() {
                node = node_hash(left, node);
            }
        }
        self.nodes.push(node);
        self.size = self.size.saturating_add(1);
    }

    /// Number of leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root of the tree.
    #[must_use]
    pub fn root(&self) -> NodeHash {
        let mut nodes = self.nodes.iter().rev();
        let Some(last) = nodes.next() else {
            return empty_root();
        };
        nodes.fold(*last, |right, left| node_hash(*left, right))
    }
}
