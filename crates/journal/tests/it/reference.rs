//! RFC 6962, section 2.1, written down as it is said there: recursion over lists of leaves. It shares no
//! code with the crate. Hashes of ranges are remembered, or 600 trees would take hours.

use std::cell::RefCell;
use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

pub(crate) type Hash = [u8; 32];

pub(crate) struct Reference {
    leaves: Vec<Vec<u8>>,
    known: RefCell<BTreeMap<(usize, usize), Hash>>,
}

fn split(length: usize) -> usize {
    let mut k = 1;
    while k * 2 < length {
        k *= 2;
    }
    k
}

impl Reference {
    pub(crate) fn new(leaves: Vec<Vec<u8>>) -> Self {
        Self {
            leaves,
            known: RefCell::default(),
        }
    }

    /// MTH(D[from:to]).
    pub(crate) fn root(&self, from: usize, to: usize) -> Hash {
        if let Some(hash) = self.known.borrow().get(&(from, to)) {
            return *hash;
        }
        let hash: Hash = match to - from {
            0 => Sha256::digest([]).into(),
            1 => Sha256::digest([&[0u8], self.leaves[from].as_slice()].concat()).into(),
            n => {
                let k = split(n);
                let left = self.root(from, from + k);
                let right = self.root(from + k, to);
                Sha256::digest([&[1u8], left.as_slice(), right.as_slice()].concat()).into()
            }
        };
        self.known.borrow_mut().insert((from, to), hash);
        hash
    }

    /// PATH(m, D[from:to]), with m counted from `from`.
    pub(crate) fn path(&self, m: usize, from: usize, to: usize) -> Vec<Hash> {
        let n = to - from;
        if n == 1 {
            return Vec::new();
        }
        let k = split(n);
        if m < k {
            let mut path = self.path(m, from, from + k);
            path.push(self.root(from + k, to));
            path
        } else {
            let mut path = self.path(m - k, from + k, to);
            path.push(self.root(from, from + k));
            path
        }
    }

    /// PROOF(m, D[n]).
    pub(crate) fn proof(&self, m: usize, n: usize) -> Vec<Hash> {
        self.subproof(m, 0, n, true)
    }

    fn subproof(&self, m: usize, from: usize, to: usize, whole: bool) -> Vec<Hash> {
        let n = to - from;
        if m == n {
            return if whole {
                Vec::new()
            } else {
                vec![self.root(from, to)]
            };
        }
        let k = split(n);
        if m <= k {
            let mut proof = self.subproof(m, from, from + k, whole);
            proof.push(self.root(from + k, to));
            proof
        } else {
            let mut proof = self.subproof(m - k, from + k, to, false);
            proof.push(self.root(from, from + k));
            proof
        }
    }
}
