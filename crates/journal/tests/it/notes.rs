//! Keys, notes, checkpoints, cosignatures and receipts: read as they were written, read by the crates
//! `signed_note` and `tlog_tiles`, and bounded.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use interlock_journal::checkpoint::{self, CheckpointFault};
use interlock_journal::cosignature::answered;
use interlock_journal::note::{
    KeyFault, KeyKind, NoteFault, SIGNATURES_MAX, SignatureLine, assemble, key_id, verify_line,
};
use interlock_journal::receipt::{Receipt, ReceiptFault};
use interlock_journal::tree::{NodeHash, inclusion_proof};
use interlock_journal::{Checkpoint, SignedNote, VerifierKey};
use proptest::prelude::*;
use signed_note::{Note, StandardSigner, StandardVerifier, VerifierList};

use crate::written::{ORIGIN, Signer, Written};

/// The specification's own example of a note and, beside it, of a key.
const POEM: &str = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";

#[test]
fn a_note_may_have_empty_lines_in_its_text() {
    let note = SignedNote::parse(POEM.as_bytes()).unwrap();
    assert!(note.text().ends_with("sole:\n\ned è subito sera.\n"));
    let [line] = note.signatures() else {
        panic!("one signature");
    };
    assert_eq!(line.name, "quasimodo.example/salvatore");
    assert_eq!(line.key_id, [0x36, 0x7b, 0xa0, 0x4b]);
    assert_eq!(note.to_bytes(), POEM.as_bytes());
}

/// The key and note of Go's package documentation.
#[test]
fn a_key_and_note_of_go_verify() {
    let key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    let note = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
    let parsed = VerifierKey::parse(key).unwrap();
    assert_eq!(parsed.to_string(), key);
    assert_eq!(parsed.kind(), KeyKind::Ed25519);
    let note = SignedNote::parse(note.as_bytes()).unwrap();
    let verified = note.verify(std::slice::from_ref(&parsed)).unwrap();
    assert_eq!(verified.len(), 1);
    assert_eq!((&verified[0].key, verified[0].time), (&parsed, None));
}

#[test]
fn a_key_has_one_spelling() {
    let key = Signer::log(ORIGIN, 1).key();
    let text = key.to_string();
    assert_eq!(VerifierKey::parse(&text), Ok(key.clone()));
    let (name, rest) = text.split_once('+').unwrap();
    let (id, encoded) = rest.split_once('+').unwrap();
    let mut other_kind = encoded.to_owned();
    other_kind.replace_range(0..2, "Ag");
    for (bad, fault) in [
        (String::new(), KeyFault::Shape),
        (name.to_owned(), KeyFault::Shape),
        (format!("{name}+{id}"), KeyFault::Shape),
        (format!("{name}+{id}+"), KeyFault::Shape),
        (format!("{text}\n"), KeyFault::Shape),
        (format!(" {text}"), KeyFault::Name),
        (format!("+{id}+{encoded}"), KeyFault::Name),
        (format!("a b+{id}+{encoded}"), KeyFault::Name),
        (format!("a\u{a0}b+{id}+{encoded}"), KeyFault::Name),
        (
            format!("{}+{id}+{encoded}", "n".repeat(256)),
            KeyFault::Name,
        ),
        (
            format!("{name}+{}+{encoded}", id.to_uppercase()),
            KeyFault::Id,
        ),
        (format!("{name}+0{id}+{encoded}"), KeyFault::Id),
        (format!("{name}+00000000+{encoded}"), KeyFault::Id),
        (format!("other+{id}+{encoded}"), KeyFault::Id),
        (format!("{name}+{id}+{}=", &encoded[..43]), KeyFault::Shape),
        (format!("{name}+{id}+{}-", &encoded[..43]), KeyFault::Shape),
        (
            format!("{name}+{id}+{}", encoded.repeat(1000)),
            KeyFault::Shape,
        ),
        (format!("{name}+{id}+{other_kind}"), KeyFault::Kind),
    ] {
        assert_eq!(VerifierKey::parse(&bad), Err(fault), "{bad}");
    }
    assert!(
        id.bytes().any(|b| b.is_ascii_lowercase()),
        "the upper case differs"
    );
    let witness = Signer::witness(ORIGIN, 1).key();
    assert_eq!(
        VerifierKey::parse(&witness.to_string()),
        Ok(witness.clone())
    );
    assert_ne!(witness.key_id(), key.key_id());
    assert_eq!(witness.key_id(), key_id(ORIGIN, 4, &key.public()));
}

#[test]
fn checkpoints_are_read_by_signed_note_and_tlog_tiles() {
    for size in [0, 1, 255, 256, 257, 70_000] {
        let log = Written::of(ORIGIN, 3, size);
        let bytes = log.note();
        let verifier = StandardVerifier::new(&log.signer.key().to_string()).unwrap();
        let note = Note::from_bytes(&bytes).unwrap();
        let (verified, others) = note
            .verify(&VerifierList::new(vec![Box::new(verifier)]))
            .unwrap();
        assert_eq!((verified.len(), others.len()), (1, 0));
        let theirs = tlog_tiles::Checkpoint::from_bytes(note.text()).unwrap();
        let ours = checkpoint::open(&bytes, ORIGIN, &[log.signer.key()]).unwrap();
        assert_eq!(theirs.origin(), ours.checkpoint.origin);
        assert_eq!(theirs.size(), ours.checkpoint.size);
        assert_eq!(theirs.hash().0, ours.checkpoint.root.to_bytes());
        assert_eq!(ours.checkpoint, log.checkpoint());
        assert_eq!(ours.signed_by, [log.signer.key()]);
        assert!(ours.cosignatures.is_empty());
    }
}

#[test]
fn notes_signed_by_signed_note_open_here() {
    let log = Written::of(ORIGIN, 3, 300);
    // Its private keys: name, key id, and kind with seed.
    let key = log.signer.key();
    let seed = STANDARD.encode([&[1u8], &[3u8; 32][..]].concat());
    let id = u32::from_be_bytes(key.key_id());
    let secret = format!("PRIVATE+KEY+{ORIGIN}+{id:08x}+{seed}");
    let signer = StandardSigner::new(&secret).unwrap();
    let mut note = Note::new(log.checkpoint().to_text().as_bytes(), &[]).unwrap();
    note.add_sigs(&[&signer]).unwrap();
    assert_eq!(note.to_bytes(), log.note());
    let opened = checkpoint::open(&note.to_bytes(), ORIGIN, &[key]).unwrap();
    assert_eq!(opened.checkpoint, log.checkpoint());
}

/// A text with one of its pieces taken away, doubled, or changed for another.
fn changed() -> impl Strategy<Value = String> {
    let log = Written::of(ORIGIN, 3, 300);
    let text = log.checkpoint().to_text();
    let witness = Signer::witness("w.example/1", 11).cosign(7, &text);
    let note = format!("{}{witness}\n", String::from_utf8(log.note()).unwrap());
    let pieces = [
        "",
        "\n",
        " ",
        "=",
        "0",
        "+",
        "\r",
        "\u{2014} ",
        "A",
        "/",
        "\u{e9}",
        "\u{2003}",
    ];
    let piece = prop::sample::select(pieces.to_vec());
    let place = || any::<prop::sample::Index>();
    prop::collection::vec((place(), place(), piece), 0..3).prop_map(move |changes| {
        let mut chars: Vec<char> = note.chars().collect();
        for (place, length, piece) in changes {
            let from = place.index(chars.len());
            let to = (from + length.index(4)).min(chars.len());
            chars.splice(from..to, piece.chars());
        }
        chars.into_iter().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Ours is the stricter: what it reads, the others read, and read the same.
    #[test]
    fn what_is_read_here_is_read_the_same_by_others(note in changed()) {
        if let Ok(ours) = SignedNote::parse(note.as_bytes()) {
            let theirs = Note::from_bytes(note.as_bytes()).unwrap();
            prop_assert_eq!(theirs.text(), ours.text().as_bytes());
            prop_assert_eq!(theirs.to_bytes(), ours.to_bytes());
            if let Ok(ours) = Checkpoint::parse_text(ours.text()) {
                let theirs = tlog_tiles::Checkpoint::from_bytes(theirs.text()).unwrap();
                prop_assert_eq!(theirs.origin(), ours.origin);
                prop_assert_eq!(theirs.size(), ours.size);
                prop_assert_eq!(theirs.hash().0, ours.root.to_bytes());
                prop_assert_eq!(theirs.extension(), "");
            }
        }
    }
}

#[test]
fn sixteen_signatures_of_strangers_beside_the_log_s_are_accepted() {
    let log = Written::of(ORIGIN, 3, 7);
    let text = log.checkpoint().to_text();
    let mut lines: Vec<_> = (0..SIGNATURES_MAX - 1)
        .map(|n| SignatureLine {
            name: format!("stranger.example/{n}"),
            key_id: [0, 0, 0, n as u8],
            // As long as the longest signatures that the format knows.
            signature: vec![7; 2428],
        })
        .collect();
    assert!(lines.len() >= 16);
    lines.push(log.signer.sign(&text));
    let note = assemble(&text, &lines).unwrap();
    let opened = checkpoint::open(&note, ORIGIN, &[log.signer.key()]).unwrap();
    assert_eq!(opened.checkpoint.size, 7);
    lines.push(Signer::log("one.too.many", 9).sign(&text));
    assert_eq!(assemble(&text, &lines), Err(NoteFault::Signatures));
}

#[test]
fn a_stranger_s_signature_that_shares_name_or_id_with_a_known_key_is_ignored() {
    let log = Written::of(ORIGIN, 3, 7);
    let text = log.checkpoint().to_text();
    let good = log.signer.sign(&text);
    let mut same_name = good.clone();
    same_name.key_id = [1, 2, 3, 4];
    same_name.signature = vec![0; 64];
    let mut same_id = same_name.clone();
    same_id.name = "stranger.example".to_owned();
    same_id.key_id = good.key_id;
    let note = assemble(&text, &[same_name.clone(), same_id.clone(), good]).unwrap();
    checkpoint::open(&note, ORIGIN, &[log.signer.key()]).unwrap();
    let unsigned = assemble(&text, &[same_name, same_id]).unwrap();
    assert_eq!(
        checkpoint::open(&unsigned, ORIGIN, &[log.signer.key()]),
        Err(CheckpointFault::Note(NoteFault::Unsigned))
    );
}

#[test]
fn cosignatures_are_read_with_their_times_and_join_the_note() {
    let log = Written::of(ORIGIN, 3, 300);
    let (one, two) = (
        Signer::witness("w.example/1", 11),
        Signer::witness("w.example/2", 12),
    );
    let text = log.checkpoint().to_text();
    let note = SignedNote::parse(&log.note()).unwrap();
    let keys = [log.signer.key(), one.key(), two.key()];
    let answer = format!("{}\n{}\n", one.cosign(1000, &text), two.cosign(1001, &text));
    let lines: Vec<_> = answered(&note, &answer, &keys[1..])
        .unwrap()
        .into_iter()
        .map(|(line, _)| line)
        .collect();
    let cosigned = note.with(&lines).unwrap().to_bytes();
    let opened = checkpoint::open(&cosigned, ORIGIN, &keys).unwrap();
    let times: Vec<_> = opened
        .cosignatures
        .iter()
        .map(|c| (c.key.name(), c.time))
        .collect();
    assert_eq!(times, [("w.example/1", 1000), ("w.example/2", 1001)]);
    // A later cosignature of one witness takes the place of the earlier.
    let later = SignedNote::parse(&cosigned)
        .unwrap()
        .with(&[one.cosign(2000, &text)])
        .unwrap();
    assert_eq!(later.signatures().len(), 3);
    let opened = checkpoint::open(&later.to_bytes(), ORIGIN, &keys).unwrap();
    assert_eq!(opened.cosignatures[0].time, 2000);
    // A witness's word alone is not the log's.
    let alone = assemble(&text, &[one.cosign(1000, &text)]).unwrap();
    assert_eq!(
        checkpoint::open(&alone, ORIGIN, &keys),
        Err(CheckpointFault::NotByLog(ORIGIN.to_owned()))
    );
}

#[test]
fn a_witness_s_answer_is_read_strictly() {
    let log = Written::of(ORIGIN, 3, 300);
    let (known, unknown) = (
        Signer::witness("w.example/1", 11),
        Signer::witness("w.example/2", 12),
    );
    let text = log.checkpoint().to_text();
    let note = SignedNote::parse(&log.note()).unwrap();
    let keys = [known.key()];
    let good = known.cosign(5, &text);
    let both = format!("{}\n{good}\n", unknown.cosign(5, &text));
    assert_eq!(answered(&note, &both, &keys).unwrap().len(), 1);
    for (answer, fault) in [
        (String::new(), NoteFault::Shape),
        ("\n".to_owned(), NoteFault::Line(1)),
        (good.to_string(), NoteFault::Shape),
        (format!("{good}\n\n"), NoteFault::Line(2)),
        (format!("{good}\r\n"), NoteFault::Line(1)),
        (
            format!("{good}\n{good}\n"),
            NoteFault::Repeated(known.name.clone()),
        ),
        (
            format!("{}\n", unknown.cosign(5, &text)),
            NoteFault::Unsigned,
        ),
        (
            format!("{}\n", known.cosign(5, "other\n")),
            NoteFault::Signature(known.name.clone()),
        ),
        (
            format!("{}\n", known.sign(&text)),
            NoteFault::Signature(known.name.clone()),
        ),
        (
            format!("{}\n", known.cosign(1 << 63, &text)),
            NoteFault::Signature(known.name.clone()),
        ),
    ] {
        assert_eq!(answered(&note, &answer, &keys), Err(fault), "{answer}");
    }
    // A plain key does not take a cosignature, nor the signature of another key.
    let fault = verify_line(&text, &good, &log.signer.key());
    assert_eq!(fault, Err(NoteFault::Signature(known.name)));
}

fn receipt(log: &Written, index: u64) -> Receipt {
    Receipt {
        index,
        proof: inclusion_proof(&log.tiles, index, log.size()).unwrap(),
        checkpoint: log.note(),
        extra: None,
    }
}

#[test]
fn receipts_verify_offline_and_are_read_as_they_were_written() {
    for size in [1, 2, 257, 1000] {
        let log = Written::of(ORIGIN, 3, size);
        let keys = [log.signer.key()];
        for index in [0, size / 2, size - 1] {
            for extra in [None, Some(b"a hint".to_vec())] {
                let receipt = Receipt {
                    extra,
                    ..receipt(&log, index)
                };
                let read = Receipt::parse(&receipt.encode()).unwrap();
                assert_eq!(read, receipt);
                let leaf = &log.entries[index as usize];
                let opened = read.verify(leaf, ORIGIN, &keys).unwrap();
                assert_eq!(opened.checkpoint, log.checkpoint());
                read.verify(b"another entry", ORIGIN, &keys).unwrap_err();
                read.verify(leaf, "other.example", &keys).unwrap_err();
                read.verify(leaf, ORIGIN, &[Signer::log(ORIGIN, 4).key()])
                    .unwrap_err();
            }
        }
    }
}

#[test]
fn a_receipt_has_one_spelling() {
    let log = Written::of(ORIGIN, 3, 5);
    let good = String::from_utf8(receipt(&log, 2).encode()).unwrap();
    let hash = good.lines().nth(2).unwrap().to_owned();
    let change = |from: &str, to: &str| {
        let changed = good.replacen(from, to, 1);
        assert_ne!(changed, good, "{from}");
        changed
    };
    let line = ReceiptFault::Line;
    for (bad, fault) in [
        (String::new(), ReceiptFault::Shape),
        (change("@v1", "@v2"), ReceiptFault::Shape),
        (change("@v1\n", "@v1 \n"), ReceiptFault::Shape),
        (change("@v1\n", "@v1\r\n"), ReceiptFault::Shape),
        (change("c2sp", "\nc2sp"), ReceiptFault::Shape),
        (change("index 2\n", ""), line(2)),
        (change("index 2", "index 02"), line(2)),
        (change("index 2", "index +2"), line(2)),
        (change("index 2", "index  2"), line(2)),
        (change("index 2", "index 2 "), line(2)),
        (change("index 2", "index -1"), line(2)),
        (change("index 2", "index 9223372036854775807"), line(2)),
        (change("index 2", "index 18446744073709551618"), line(2)),
        (change("index 2", "Index 2"), line(2)),
        (change("index 2", "extra \nindex 2"), line(2)),
        (change("index 2", "extra YQ\nindex 2"), line(2)),
        (change("index 2", "extra YR==\nindex 2"), line(2)),
        (
            change("index 2", "extra YQ==\nextra YQ==\nindex 2"),
            line(3),
        ),
        (change("index 2", "index 2\nextra YQ=="), line(3)),
        (change(&hash, &hash[..43]), line(3)),
        (change(&hash, &format!("{hash} ")), line(3)),
        (change(&hash, &format!("{hash}=")), line(3)),
        (change(&hash, &hash.repeat(2)), line(3)),
        (
            change(&hash, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB="),
            line(3),
        ),
        (change(&hash, &vec![hash.as_str(); 65].join("\n")), line(67)),
        (good.replace("\n\n", "\n"), ReceiptFault::Shape),
        ("x".repeat(1 << 20), ReceiptFault::Bytes(1 << 20)),
    ] {
        assert_eq!(Receipt::parse(bad.as_bytes()), Err(fault), "{bad:.200}");
    }
    // What comes after the first empty line is the checkpoint's own matter, and strict there.
    let bad = change("\n\n", "\n\n\n");
    let receipt = Receipt::parse(bad.as_bytes()).unwrap();
    receipt
        .verify(&log.entries[2], ORIGIN, &[log.signer.key()])
        .unwrap_err();
}

proptest! {
    #[test]
    fn any_bytes_as_note_key_or_receipt_end_and_print_as_they_were(text in "(c2sp.org/tlog-proof@v1\n)?(index [0-9]{1,3}\n)?\\PC{0,20}\n?\n?(— [a-z]{1,4} [A-Za-z0-9+/]{4,12}={0,2}\n)?") {
        if let Ok(note) = SignedNote::parse(text.as_bytes()) {
            prop_assert_eq!(note.to_bytes(), text.as_bytes());
        }
        if let Ok(receipt) = Receipt::parse(text.as_bytes()) {
            prop_assert_eq!(receipt.encode(), text.as_bytes());
        }
        if let Ok(key) = VerifierKey::parse(&text) {
            prop_assert_eq!(key.to_string(), text);
        }
    }

    #[test]
    fn checkpoints_are_read_back(origin in "[a-z0-9./-]{1,60}", size in 1..1u64 << 63, root in any::<[u8; 32]>()) {
        let checkpoint = Checkpoint { origin, size, root: NodeHash::from_bytes(root) };
        prop_assert_eq!(Checkpoint::parse_text(&checkpoint.to_text()), Ok(checkpoint));
    }

    #[test]
    fn a_note_with_one_byte_changed_does_not_open(place in any::<prop::sample::Index>(), bit in 0..8u32) {
        let log = Written::of(ORIGIN, 3, 9);
        let mut note = log.note();
        let place = place.index(note.len());
        note[place] ^= 1 << bit;
        prop_assert!(checkpoint::open(&note, ORIGIN, &[log.signer.key()]).is_err());
    }
}
