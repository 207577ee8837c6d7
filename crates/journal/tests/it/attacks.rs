//! Attacks on bundles, tiles, checkpoints, receipts and cosignatures that are refused without looking at a
//! whole log. The number is that of the attack in the list of attacks.

use ed25519_dalek::SigningKey;
use interlock_journal::checkpoint::{self, CheckpointFault};
use interlock_journal::note::{NoteFault, assemble};
use interlock_journal::receipt::{Receipt, ReceiptFault};
use interlock_journal::tile::{TileFault, TileId, Tiles, decode_bundle, encode_bundle};
use interlock_journal::tree::{ProofFault, inclusion_proof, root_at};
use interlock_journal::witness::{PolicyFault, Shortfall, Window, WitnessPolicy};
use interlock_journal::{SignedNote, VerifierKey};

use crate::written::{ORIGIN, Signer, Written};

fn bundle(entries: &[&[u8]]) -> Vec<u8> {
    encode_bundle(entries.iter().copied()).unwrap()
}

#[test]
fn attack_11_a_bundle_that_is_cut_padded_or_of_another_count_is_refused() {
    let good = bundle(&[b"one", b"two", b"three"]);
    assert_eq!(decode_bundle(&good, 3).unwrap().len(), 3);
    for length in 0..good.len() {
        let entry = match length {
            0..5 => 0,
            5..10 => 1,
            _ => 2,
        };
        assert_eq!(
            decode_bundle(&good[..length], 3),
            Err(TileFault::Short(entry))
        );
    }
    for more in [1, 2, 300] {
        let padded = [good.as_slice(), &vec![0; more]].concat();
        assert_eq!(decode_bundle(&padded, 3), Err(TileFault::Trailing(more)));
    }
    assert_eq!(decode_bundle(&good, 4), Err(TileFault::Short(3)));
    assert_eq!(decode_bundle(&good, 2), Err(TileFault::Trailing(7)));
}

#[test]
fn attack_11_a_bundle_with_a_wrong_length_before_an_entry_is_refused() {
    let good = bundle(&[b"one", b"two", b"three"]);
    for (place, length, fault) in [
        (1, 2, TileFault::Short(1)),
        (1, 4, TileFault::Short(1)),
        (0, 1, TileFault::Short(0)),
        (11, 4, TileFault::Trailing(1)),
        (11, 6, TileFault::Short(2)),
    ] {
        let mut bad = good.clone();
        bad[place] = length;
        assert_eq!(decode_bundle(&bad, 3), Err(fault), "{place} {length}");
    }
}

#[test]
fn attack_12_a_tile_of_another_width_than_its_name_is_refused() {
    let log = Written::of(ORIGIN, 1, 300);
    let full = TileId {
        level: 0,
        index: 0,
        width: 256,
    };
    let bytes = log.tile(full);
    for width in [1u16, 44, 255] {
        let partial = TileId { width, ..full };
        let mut tiles = Tiles::new();
        assert!(matches!(
            tiles.insert(partial, bytes),
            Err(TileFault::Bytes { .. })
        ));
        assert!(matches!(
            tiles.insert(full, &bytes[..partial.bytes_len()]),
            Err(TileFault::Bytes { .. })
        ));
        for cut in [1, 31, 33] {
            tiles.insert(full, &bytes[cut..]).unwrap_err();
        }
    }
    for width in [0, 257, u16::MAX] {
        let id = TileId { width, ..full };
        assert_eq!(Tiles::new().insert(id, &[]), Err(TileFault::Id(id.path())));
    }
}

#[test]
fn attack_12_a_partial_tile_in_the_place_of_another_is_refused() {
    let log = Written::of(ORIGIN, 1, 300);
    let first = TileId {
        level: 0,
        index: 0,
        width: 256,
    };
    let edge = TileId {
        level: 0,
        index: 1,
        width: 44,
    };
    // In place of the beginning of the full tile: the two contradict each other.
    let mut tiles = Tiles::new();
    tiles.insert(first, log.tile(first)).unwrap();
    let partial = TileId { width: 44, ..first };
    assert_eq!(
        tiles.insert(partial, log.tile(edge)),
        Err(TileFault::Differs(partial.path()))
    );
    // The full tile first, then the same tile with another hash: nothing is replaced.
    let mut other = log.tile(first).to_vec();
    other[100] ^= 1;
    assert_eq!(
        tiles.insert(first, &other),
        Err(TileFault::Differs(first.path()))
    );
    assert_eq!(tiles.bytes(first), Some(log.tile(first)));
    // Alone, in place of the right edge, it gives another root than the one that was signed.
    let mut swapped = Tiles::new();
    let upper = TileId {
        level: 1,
        index: 0,
        width: 1,
    };
    swapped.insert(upper, log.tile(upper)).unwrap();
    swapped
        .insert(edge, &log.tile(first)[..edge.bytes_len()])
        .unwrap();
    assert_ne!(root_at(&swapped, 300).unwrap(), log.checkpoint().root);
    // And a tile held at a smaller width does not give what only the larger one has.
    let mut narrow = Tiles::new();
    narrow.insert(partial, log.tile(partial)).unwrap();
    assert_eq!(narrow.bytes(first), None);
    inclusion_proof(&narrow, 0, 256).unwrap_err();
}

#[test]
fn attack_13_the_checkpoint_of_another_tenant_is_refused_though_its_key_is_known() {
    let ours = Written::of(ORIGIN, 1, 300);
    let other = Written::of("log.example/other", 2, 300);
    let keys = [ours.signer.key(), other.signer.key()];
    assert_eq!(
        checkpoint::open(&other.note(), ORIGIN, &keys),
        Err(CheckpointFault::OtherLog {
            expected: ORIGIN.to_owned(),
            found: "log.example/other".to_owned(),
        })
    );
    // The other tenant's key under our origin: a known key, but none of this log.
    let text = ours.checkpoint().to_text();
    let forged = assemble(&text, &[other.signer.sign(&text)]).unwrap();
    assert_eq!(
        checkpoint::open(&forged, ORIGIN, &keys),
        Err(CheckpointFault::NotByLog(ORIGIN.to_owned()))
    );
}

#[test]
fn attack_20_a_checkpoint_signed_by_a_swapped_key_is_refused() {
    let log = Written::of(ORIGIN, 1, 300);
    let swapped = Signer::log(ORIGIN, 9);
    let text = log.checkpoint().to_text();
    let note = assemble(&text, &[swapped.sign(&text)]).unwrap();
    assert_eq!(
        checkpoint::open(&note, ORIGIN, &[log.signer.key()]),
        Err(CheckpointFault::Note(NoteFault::Unsigned))
    );
    // Where both keys are known, as after a rotation, either signs.
    let keys = [log.signer.key(), swapped.key()];
    checkpoint::open(&note, ORIGIN, &keys).unwrap();
    let both = assemble(&text, &[log.signer.sign(&text), swapped.sign(&text)]).unwrap();
    let opened = checkpoint::open(&both, ORIGIN, &keys).unwrap();
    assert_eq!(opened.signed_by, keys);
}

#[test]
fn attack_21_a_signature_by_another_key_under_a_known_key_id_is_refused() {
    let log = Written::of(ORIGIN, 1, 300);
    let other = Signer::log(ORIGIN, 9);
    let text = log.checkpoint().to_text();
    let mut line = log.signer.sign(&text);
    line.signature = other.sign(&text).signature;
    let fault = Err(CheckpointFault::Note(NoteFault::Signature(
        ORIGIN.to_owned(),
    )));
    let note = assemble(&text, &[line.clone()]).unwrap();
    assert_eq!(checkpoint::open(&note, ORIGIN, &[log.signer.key()]), fault);
    // A good signature of a second known key does not make up for it.
    let both = assemble(&text, &[line, other.sign(&text)]).unwrap();
    let keys = [log.signer.key(), other.key()];
    assert_eq!(checkpoint::open(&both, ORIGIN, &keys), fault);
}

/// A key whose id under our origin is that of another: four bytes of a hash are soon found twice.
fn colliding(number: u32) -> Signer {
    let mut seed = [0; 32];
    seed[..4].copy_from_slice(&number.to_be_bytes());
    Signer {
        secret: SigningKey::from_bytes(&seed),
        ..Signer::log(ORIGIN, 0)
    }
}

#[test]
fn attack_21_a_key_made_to_have_a_known_key_id_is_refused() {
    let (known, made) = (colliding(65_365), colliding(114_160));
    assert_eq!(known.key().key_id(), made.key().key_id());
    assert_ne!(known.key(), made.key());
    let text = Written::of(ORIGIN, 1, 300).checkpoint().to_text();
    let open = |signer: &Signer, keys: &[VerifierKey]| {
        let note = assemble(&text, &[signer.sign(&text)]).unwrap();
        checkpoint::open(&note, ORIGIN, keys).map(drop)
    };
    assert_eq!(open(&known, &[known.key()]), Ok(()));
    assert_eq!(
        open(&made, &[known.key()]),
        Err(CheckpointFault::Note(NoteFault::Signature(
            ORIGIN.to_owned()
        )))
    );
    // Nor is a reader who was made to know both asked to guess.
    assert_eq!(
        open(&known, &[known.key(), made.key()]),
        Err(CheckpointFault::Note(NoteFault::Ambiguous(
            ORIGIN.to_owned()
        )))
    );
}

#[test]
fn attack_48_a_receipt_for_another_index_is_refused() {
    let log = Written::of(ORIGIN, 1, 300);
    let keys = [log.signer.key()];
    let receipt = |index| Receipt {
        index,
        proof: inclusion_proof(&log.tiles, index, log.size()).unwrap(),
        checkpoint: log.note(),
        extra: None,
    };
    let leaf = |index: u64| log.entries[index as usize].as_slice();
    receipt(7).verify(leaf(7), ORIGIN, &keys).unwrap();
    let root = Err(ReceiptFault::Proof(ProofFault::Root));
    // A whole receipt of another entry.
    assert_eq!(receipt(8).verify(leaf(7), ORIGIN, &keys), root);
    for index in (0..300).filter(|index| *index != 7) {
        // The index alone changed, and the proof alone.
        let moved = Receipt {
            index,
            ..receipt(7)
        };
        moved.verify(leaf(7), ORIGIN, &keys).unwrap_err();
        let other = Receipt {
            proof: receipt(index).proof,
            ..receipt(7)
        };
        other.verify(leaf(7), ORIGIN, &keys).unwrap_err();
    }
    let beyond = Receipt {
        index: 300,
        ..receipt(7)
    };
    assert_eq!(
        beyond.verify(leaf(7), ORIGIN, &keys),
        Err(ReceiptFault::Proof(ProofFault::Leaf {
            index: 300,
            size: 300,
        }))
    );
}

#[test]
fn attack_48_a_receipt_with_the_checkpoint_of_another_size_is_refused() {
    let old = Written::of(ORIGIN, 1, 299);
    let log = Written::of(ORIGIN, 1, 300);
    let mixed = Receipt {
        index: 7,
        proof: inclusion_proof(&log.tiles, 7, 300).unwrap(),
        checkpoint: old.note(),
        extra: None,
    };
    mixed
        .verify(&log.entries[7], ORIGIN, &[log.signer.key()])
        .unwrap_err();
}

/// A checkpoint with these cosignatures, opened with the log's key and the policy's.
fn opened(
    log: &Written,
    cosigners: &[(&Signer, u64)],
    policy: &WitnessPolicy,
) -> Result<checkpoint::Opened, CheckpointFault> {
    let text = log.checkpoint().to_text();
    let lines: Vec<_> = cosigners
        .iter()
        .map(|(signer, time)| signer.cosign(*time, &text))
        .collect();
    let note = SignedNote::parse(&log.note())
        .unwrap()
        .with(&lines)
        .unwrap();
    let keys: Vec<VerifierKey> = [&[log.signer.key()], policy.keys()].concat();
    checkpoint::open(&note.to_bytes(), ORIGIN, &keys)
}

fn shortfall(need: usize, counted: usize, untimely: usize) -> Shortfall {
    Shortfall {
        need,
        counted,
        untimely,
    }
}

#[test]
fn attack_50_a_cosignature_by_a_wrong_key_is_refused() {
    let log = Written::of(ORIGIN, 1, 300);
    let (known, wrong) = (
        Signer::witness("w.example/1", 11),
        Signer::witness("w.example/1", 12),
    );
    let policy = WitnessPolicy::new(1, vec![known.key()]).unwrap();
    // Another key under the witness's name is a stranger's: it does not count.
    let stranger = opened(&log, &[(&wrong, 100)], &policy).unwrap();
    assert_eq!(
        policy.check(&stranger, Window::ANY),
        Err(shortfall(1, 0, 0))
    );
    // Nor does a witness that the reader knows, and does not count on.
    let keys = [log.signer.key(), wrong.key()];
    let text = log.checkpoint().to_text();
    let note = assemble(&text, &[log.signer.sign(&text), wrong.cosign(100, &text)]).unwrap();
    let other = checkpoint::open(&note, ORIGIN, &keys).unwrap();
    assert_eq!(other.cosignatures.len(), 1);
    assert_eq!(policy.check(&other, Window::ANY), Err(shortfall(1, 0, 0)));
    // Under the witness's key id as well it spoils the note.
    let mut line = wrong.cosign(100, &text);
    line.key_id = known.key().key_id();
    let note = assemble(&text, &[log.signer.sign(&text), line]).unwrap();
    assert_eq!(
        checkpoint::open(&note, ORIGIN, &[log.signer.key(), known.key()]),
        Err(CheckpointFault::Note(NoteFault::Signature(
            "w.example/1".to_owned()
        )))
    );
    // So does a cosignature that was made for another checkpoint, or whose time was changed.
    let other = Written::of(ORIGIN, 1, 299).checkpoint().to_text();
    let mut changed = known.cosign(100, &text);
    changed.signature[7] += 1;
    for line in [known.cosign(100, &other), changed] {
        let note = assemble(&text, &[log.signer.sign(&text), line]).unwrap();
        checkpoint::open(&note, ORIGIN, &[log.signer.key(), known.key()]).unwrap_err();
    }
}

#[test]
fn attack_50_the_same_key_under_two_names_counts_once() {
    let log = Written::of(ORIGIN, 1, 300);
    let (one, again) = (
        Signer::witness("w.example/1", 11),
        Signer::witness("w.example/2", 11),
    );
    let second = Signer::witness("w.example/3", 12);
    // Two of one key can never be: the policy is refused before a log is.
    assert_eq!(
        WitnessPolicy::new(2, vec![one.key(), again.key()]),
        Err(PolicyFault::TooFew { need: 2, keys: 1 })
    );
    let policy = WitnessPolicy::new(2, vec![one.key(), again.key(), second.key()]).unwrap();
    let twice = opened(&log, &[(&one, 100), (&again, 101)], &policy).unwrap();
    assert_eq!(twice.cosignatures.len(), 2);
    assert_eq!(policy.check(&twice, Window::ANY), Err(shortfall(2, 1, 0)));
    let both = opened(&log, &[(&one, 100), (&again, 101), (&second, 103)], &policy).unwrap();
    let quorum = policy.check(&both, Window::ANY).unwrap();
    assert_eq!(quorum.witnesses.len(), 2);
    assert_eq!(quorum.seen_by, 103);
}

#[test]
fn attack_50_a_log_is_no_witness_of_itself() {
    let log = Written::of(ORIGIN, 1, 300);
    let own = Signer::witness("w.example/1", 1);
    let policy = WitnessPolicy::new(1, vec![own.key()]).unwrap();
    let cosigned = opened(&log, &[(&own, 100)], &policy).unwrap();
    assert_eq!(
        policy.check(&cosigned, Window::ANY),
        Err(shortfall(1, 0, 0))
    );
    // Nor does another known key of the log count, that did not sign this checkpoint.
    let rotated = Signer::log(ORIGIN, 2);
    let own = Signer::witness("w.example/2", 2);
    let text = log.checkpoint().to_text();
    let note = assemble(&text, &[log.signer.sign(&text), own.cosign(100, &text)]).unwrap();
    let keys = [log.signer.key(), rotated.key(), own.key()];
    let opened = checkpoint::open(&note, ORIGIN, &keys).unwrap();
    assert_eq!(opened.cosignatures, []);
    assert_eq!(
        WitnessPolicy::new(1, vec![log.signer.key()]),
        Err(PolicyFault::Kind)
    );
}

#[test]
fn attack_50_a_stale_cosignature_does_not_count() {
    let log = Written::of(ORIGIN, 1, 300);
    let (one, two) = (
        Signer::witness("w.example/1", 11),
        Signer::witness("w.example/2", 12),
    );
    let policy = WitnessPolicy::new(2, vec![one.key(), two.key()]).unwrap();
    let cosigned = opened(&log, &[(&one, 100), (&two, 200)], &policy).unwrap();
    let check = |from, to| policy.check(&cosigned, Window { from, to });
    assert_eq!(check(100, 200).unwrap().seen_by, 200);
    assert_eq!(check(101, 200), Err(shortfall(2, 1, 1)));
    assert_eq!(check(100, 199), Err(shortfall(2, 1, 1)));
    assert_eq!(check(201, 300), Err(shortfall(2, 0, 2)));
    assert_eq!(check(200, 100), Err(shortfall(2, 0, 2)));
}

#[test]
fn attack_50_a_policy_that_asks_nothing_or_too_much_is_refused() {
    let witness = |n: u8| Signer::witness(&format!("w.example/{n}"), n).key();
    assert_eq!(
        WitnessPolicy::new(0, vec![witness(1)]),
        Err(PolicyFault::Nobody)
    );
    assert_eq!(WitnessPolicy::new(0, Vec::new()), Err(PolicyFault::Nobody));
    assert_eq!(
        WitnessPolicy::new(3, vec![witness(1), witness(2)]),
        Err(PolicyFault::TooFew { need: 3, keys: 2 })
    );
    assert_eq!(
        WitnessPolicy::new(1, (1..=33).map(witness).collect()),
        Err(PolicyFault::TooMany)
    );
}
