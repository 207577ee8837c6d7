//! Roots and proofs for every tree of up to 600 leaves: equal to the recursive reference and to the crate
//! `ct-merkle`, and verified; and for trees of any size up to the largest, verified.

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use interlock_journal::tree::{
    Frontier, Missing, NodeSource, ProofFault, SIZE_MAX, consistency_proof, empty_root,
    inclusion_proof, node_hash, root_at, verify_consistency, verify_inclusion,
};
use interlock_journal::{LeafHash, NodeHash, leaf_hash};
use proptest::prelude::*;
use sha2::Sha256;

use crate::reference::Reference;
use crate::written::entry;

const TREES: usize = 600;

/// The hashes of complete subtrees, level by level.
struct Levels(Vec<Vec<NodeHash>>);

impl Levels {
    fn new(leaves: &[Vec<u8>]) -> Self {
        let mut levels = vec![leaves.iter().map(|leaf| leaf_hash(leaf).into()).collect()];
        loop {
            let below: &Vec<NodeHash> = levels.last().unwrap();
            if below.len() < 2 {
                return Self(levels);
            }
            let pairs = below.chunks_exact(2);
            levels.push(pairs.map(|pair| node_hash(pair[0], pair[1])).collect());
        }
    }
}

impl NodeSource for Levels {
    fn node(&self, level: u8, index: u64) -> Option<NodeHash> {
        self.0
            .get(usize::from(level))?
            .get(usize::try_from(index).ok()?)
            .copied()
    }
}

/// A tree of any size whose leaves are all the same.
struct Uniform;

impl Uniform {
    fn leaf() -> LeafHash {
        leaf_hash(b"the same")
    }
}

impl NodeSource for Uniform {
    fn node(&self, level: u8, _: u64) -> Option<NodeHash> {
        Some((0..level).fold(Self::leaf().into(), |node, _| node_hash(node, node)))
    }
}

fn entries() -> Vec<Vec<u8>> {
    (0..TREES as u64).map(entry).collect()
}

fn bytes(proof: &[NodeHash]) -> Vec<u8> {
    proof.iter().flat_map(|hash| hash.to_bytes()).collect()
}

#[test]
fn roots_are_those_of_the_reference_and_of_ct_merkle_for_all_sizes() {
    let entries = entries();
    let levels = Levels::new(&entries);
    let reference = Reference::new(entries.clone());
    let mut other = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    let mut frontier = Frontier::new();
    for size in 0..=TREES {
        let root = frontier.root();
        assert_eq!(root.to_bytes(), reference.root(0, size), "{size}");
        if size > 0 {
            assert_eq!(
                root.to_bytes().as_slice(),
                other.root().as_bytes().as_slice()
            );
        }
        assert_eq!(root_at(&levels, size as u64), Ok(root));
        let again = Frontier::from_nodes(size as u64, &levels).unwrap();
        assert_eq!(again, frontier);
        assert_eq!(frontier.size(), size as u64);
        if let Some(entry) = entries.get(size) {
            frontier.push(leaf_hash(entry));
            other.push(entry.clone());
        }
    }
}

#[test]
fn inclusion_proofs_are_those_of_the_reference_and_of_ct_merkle_for_all_sizes() {
    let entries = entries();
    let levels = Levels::new(&entries);
    let reference = Reference::new(entries.clone());
    let mut other = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    for size in 1..=TREES {
        other.push(entries[size - 1].clone());
        let root = root_at(&levels, size as u64).unwrap();
        for (index, entry) in entries.iter().enumerate().take(size) {
            let proof = inclusion_proof(&levels, index as u64, size as u64).unwrap();
            let ours = bytes(&proof);
            assert_eq!(ours, reference.path(index, 0, size).concat());
            assert_eq!(ours, other.prove_inclusion(index).as_bytes());
            let leaf = leaf_hash(entry);
            verify_inclusion(leaf, index as u64, size as u64, &proof, root).unwrap();
        }
    }
}

#[test]
fn consistency_proofs_are_those_of_the_reference_and_of_ct_merkle_for_all_sizes() {
    let entries = entries();
    let levels = Levels::new(&entries);
    let reference = Reference::new(entries.clone());
    let roots: Vec<_> = (0..=TREES as u64)
        .map(|size| root_at(&levels, size).unwrap())
        .collect();
    let mut other = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    for new in 1..=TREES {
        other.push(entries[new - 1].clone());
        for old in 1..=new {
            let proof = consistency_proof(&levels, old as u64, new as u64).unwrap();
            let ours = bytes(&proof);
            assert_eq!(ours, reference.proof(old, new).concat());
            assert_eq!(ours, other.prove_consistency(new - old).as_bytes());
            let (old, new) = (old as u64, new as u64);
            verify_consistency(old, roots[old as usize], new, roots[new as usize], &proof).unwrap();
        }
    }
}

/// Every proof that differs in one hash, one hash less, or one hash more.
fn spoiled(proof: &[NodeHash]) -> Vec<Vec<NodeHash>> {
    let mut all = Vec::new();
    for place in 0..proof.len() {
        let mut other = proof.to_vec();
        other.remove(place);
        all.push(other);
        let mut other = proof.to_vec();
        let mut bytes = other[place].to_bytes();
        bytes[place % 32] ^= 1;
        other[place] = NodeHash::from_bytes(bytes);
        all.push(other);
    }
    for place in 0..=proof.len() {
        let mut other = proof.to_vec();
        other.insert(place, empty_root());
        all.push(other);
    }
    all
}

#[test]
fn a_proof_with_one_thing_wrong_does_not_verify() {
    let entries: Vec<_> = (0..40).map(entry).collect();
    let levels = Levels::new(&entries);
    let root = |size| root_at(&levels, size).unwrap();
    for size in 1..=40u64 {
        for index in 0..size {
            let proof = inclusion_proof(&levels, index, size).unwrap();
            let leaf = leaf_hash(&entries[index as usize]);
            for other in spoiled(&proof) {
                verify_inclusion(leaf, index, size, &other, root(size)).unwrap_err();
            }
            for other in (0..=size).filter(|other| *other != index) {
                verify_inclusion(leaf, other, size, &proof, root(size)).unwrap_err();
            }
            let other = leaf_hash(b"another entry");
            let fault = verify_inclusion(other, index, size, &proof, root(size));
            assert_eq!(fault, Err(ProofFault::Root));
        }
        for old in 0..=size {
            let proof = consistency_proof(&levels, old, size).unwrap();
            let verify = |old, old_root, proof: &[NodeHash]| {
                verify_consistency(old, old_root, size, root(size), proof)
            };
            verify(old, root(old), &proof).unwrap();
            for other in spoiled(&proof) {
                verify(old, root(old), &other).unwrap_err();
            }
            verify(old, leaf_hash(b"another tree").into(), &proof).unwrap_err();
            for other in (0..=size).filter(|other| *other != old) {
                verify(other, root(old), &proof).unwrap_err();
            }
        }
    }
}

#[test]
fn what_a_tree_does_not_have_is_refused_by_name() {
    let levels = Levels::new(&[entry(0), entry(1), entry(2)]);
    assert_eq!(
        inclusion_proof(&levels, 3, 3),
        Err(Missing::Leaf { index: 3, size: 3 })
    );
    assert_eq!(
        inclusion_proof(&levels, 0, 4),
        Err(Missing::Node { level: 1, index: 1 })
    );
    assert_eq!(
        consistency_proof(&levels, 3, 2),
        Err(Missing::Shrunk { old: 3, new: 2 })
    );
    let large = SIZE_MAX + 1;
    assert_eq!(root_at(&Uniform, large), Err(Missing::Size(large)));
    assert_eq!(
        inclusion_proof(&Uniform, 0, large),
        Err(Missing::Size(large))
    );
    assert_eq!(
        consistency_proof(&Uniform, 1, large),
        Err(Missing::Size(large))
    );
    assert_eq!(
        Frontier::from_nodes(large, &Uniform),
        Err(Missing::Size(large))
    );
    let root = empty_root();
    assert_eq!(
        verify_inclusion(Uniform::leaf(), 0, large, &[], root),
        Err(ProofFault::Size(large))
    );
    assert_eq!(
        verify_consistency(0, root, large, root, &[]),
        Err(ProofFault::Size(large))
    );
    assert_eq!(
        verify_consistency(2, root, 1, root, &[]),
        Err(ProofFault::Shrunk { old: 2, new: 1 })
    );
    assert_eq!(
        verify_consistency(0, Uniform::leaf().into(), 0, root, &[]),
        Err(ProofFault::OldRoot)
    );
    assert_eq!(
        verify_consistency(0, root, 0, Uniform::leaf().into(), &[]),
        Err(ProofFault::Root)
    );
}

/// Sizes over the whole range, small and large alike.
fn size() -> impl Strategy<Value = u64> {
    (1..=SIZE_MAX, 0..63u32).prop_map(|(size, shift)| (size >> shift).max(1))
}

proptest! {
    #[test]
    fn proofs_verify_up_to_the_largest_tree(size in size(), index in size(), old in size()) {
        let (index, old) = (index % size, old.min(size));
        let root = root_at(&Uniform, size).unwrap();
        let proof = inclusion_proof(&Uniform, index, size).unwrap();
        verify_inclusion(Uniform::leaf(), index, size, &proof, root).unwrap();
        prop_assert_eq!(Frontier::from_nodes(size, &Uniform).unwrap().root(), root);
        let old_root = root_at(&Uniform, old).unwrap();
        let proof = consistency_proof(&Uniform, old, size).unwrap();
        verify_consistency(old, old_root, size, root, &proof).unwrap();
    }

    #[test]
    fn verifying_ends_whatever_it_is_given(
        sizes in any::<(u64, u64)>(),
        proof in prop::collection::vec(any::<[u8; 32]>(), 0..80),
    ) {
        let proof: Vec<_> = proof.into_iter().map(NodeHash::from_bytes).collect();
        let root = empty_root();
        prop_assert!(verify_inclusion(Uniform::leaf(), sizes.0, sizes.1, &proof, root).is_err());
        let grown = verify_consistency(sizes.0, root, sizes.1, root, &proof);
        prop_assert!(grown.is_err() || (sizes.0 == sizes.1 && proof.is_empty()));
    }
}
