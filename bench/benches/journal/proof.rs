//! Inclusion proofs in a large tree that is held as tiles: made from random leaves, and verified.

use std::hint::black_box;
use std::time::Instant;

use interlock_bench::{Times, short};
use interlock_journal::tile::Tiles;
use interlock_journal::{LeafHash, tree};

use crate::{Amount, Anything};

const PROOFS: u64 = 20_000;
const BATCH: u64 = 256 * 64;

pub(crate) fn measure(amount: &Amount) -> Result<String, Anything> {
    let mut tiles = Tiles::new();
    let began = Instant::now();
    let mut size = 0;
    while size < amount.leaves {
        let leaves: Vec<LeafHash> = (size..amount.leaves.min(size + BATCH)).map(leaf).collect();
        let count = leaves.len() as u64;
        size += count;
        tiles.extend(size - count, leaves)?;
    }
    println!("tree of {size} leaves built in {}", short(began.elapsed()));
    let root = tree::root_at(&tiles, size)?;
    let (mut made, mut checked) = (Times::default(), Times::default());
    for n in 0..PROOFS {
        // Fibonacci hashing: spread over the whole tree, the same in each run.
        let index = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % size;
        let began = Instant::now();
        let proof = black_box(tree::inclusion_proof(&tiles, index, size)?);
        made.push(began.elapsed());
        let began = Instant::now();
        tree::verify_inclusion(leaf(index), index, size, &proof, root)?;
        checked.push(began.elapsed());
    }
    println!(
        "inclusion proof at {size} entries: made p50 {} p99 {}, verified p50 {} p99 {}",
        short(made.percentile(50)),
        short(made.percentile(99)),
        short(checked.percentile(50)),
        short(checked.percentile(99)),
    );
    Ok(format!(
        "proof p99 {} at {size}",
        short(made.percentile(99))
    ))
}

fn leaf(index: u64) -> LeafHash {
    interlock_journal::leaf_hash(&index.to_be_bytes())
}
