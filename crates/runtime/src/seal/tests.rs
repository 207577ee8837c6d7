//! Sealed content opens in its own place with its own keys, and nowhere else.

use std::collections::BTreeSet;
use std::sync::Arc;

use interlock_core::id::{EnvironmentName, PayloadId, RunId, SubjectId, TenantName};
use interlock_core::time::Timestamp;

use super::padding::{pad, padded_length, unpad};
use super::*;
use crate::clock::{SeededEntropy, SystemClock};
use crate::keys::{FileKeys, Keys, KeysParts};

struct Bench {
    sealer: PayloadSealer,
    keys: Arc<Keys>,
    book: Arc<MemoryKeyBook>,
}

fn bench() -> Bench {
    let entropy = Arc::new(SeededEntropy::new(7));
    let book = Arc::new(MemoryKeyBook::default());
    let keys = Arc::new(Keys::new(KeysParts {
        provider: Arc::new(FileKeys::ephemeral(entropy.clone()).unwrap()),
        book: book.clone(),
        environment: place().environment,
        entropy: entropy.clone(),
        clock: Arc::new(SystemClock),
        holders: Vec::new(),
    }));
    Bench {
        sealer: PayloadSealer::new(Arc::clone(&keys), entropy),
        keys,
        book,
    }
}

fn place() -> Place {
    Place {
        tenant: TenantName::parse("default").unwrap(),
        environment: EnvironmentName::parse("test").unwrap(),
        run: RunId::from_bytes([1; 16]),
        payload: PayloadId::from_bytes([2; 16]),
        slot: "prompt".to_owned(),
    }
}

fn terms(subjects: &[u8]) -> Terms {
    Terms {
        class: "default".to_owned(),
        at: Timestamp::from_micros(1_795_219_199_999_999),
        subjects: subjects
            .iter()
            .map(|n| SubjectId::from_bytes([*n; 16]))
            .collect::<BTreeSet<_>>(),
    }
}

fn reference(sealed: &Sealed) -> SealedRef<'_> {
    SealedRef {
        header: &sealed.header,
        ciphertext: &sealed.ciphertext,
        commitment: &sealed.commitment,
    }
}

const TEXT: &[u8] = b"the patient's name";

#[tokio::test]
async fn opens_in_its_place() {
    let bench = bench();
    for subjects in [&[][..], &[3], &[3, 4]] {
        let sealed = bench
            .sealer
            .seal(&place(), &terms(subjects), TEXT)
            .await
            .unwrap();
        assert_eq!(
            bench
                .sealer
                .open(&place(), &reference(&sealed))
                .await
                .unwrap()
                .as_slice(),
            TEXT
        );
        assert_eq!(sealed.padded_bytes, 256);
    }
}

#[tokio::test]
async fn attack_32_a_ciphertext_moved_to_another_run_slot_payload_tenant_or_environment_does_not_open()
 {
    let bench = bench();
    let sealed = bench
        .sealer
        .seal(&place(), &terms(&[]), TEXT)
        .await
        .unwrap();
    let elsewhere = [
        Place {
            tenant: TenantName::parse("other").unwrap(),
            ..place()
        },
        Place {
            environment: EnvironmentName::parse("production").unwrap(),
            ..place()
        },
        Place {
            run: RunId::from_bytes([9; 16]),
            ..place()
        },
        Place {
            payload: PayloadId::from_bytes([9; 16]),
            ..place()
        },
        Place {
            slot: "reply".to_owned(),
            ..place()
        },
    ];
    for place in elsewhere {
        let fault = bench
            .sealer
            .open(&place, &reference(&sealed))
            .await
            .unwrap_err();
        assert!(
            matches!(fault, SealFault::Mismatch(_) | SealFault::Gone(_)),
            "{place:?}: {fault}"
        );
    }
}

#[tokio::test]
async fn attack_31_any_flipped_byte_of_header_ciphertext_or_commitment_is_a_mismatch() {
    let bench = bench();
    let sealed = bench
        .sealer
        .seal(&place(), &terms(&[]), TEXT)
        .await
        .unwrap();
    let check = async |changed: Sealed, what: String| {
        let fault = bench
            .sealer
            .open(&place(), &reference(&changed))
            .await
            .unwrap_err();
        assert!(
            !matches!(fault, SealFault::Keys(..) | SealFault::Entropy),
            "{what}: {fault}"
        );
    };
    for at in 0..sealed.header.len() {
        let mut changed = sealed.clone();
        changed.header[at] ^= 1;
        check(changed, format!("header {at}")).await;
    }
    for at in 0..sealed.ciphertext.len() {
        let mut changed = sealed.clone();
        changed.ciphertext[at] ^= 0x80;
        check(changed, format!("ciphertext {at}")).await;
    }
    for at in 0..32 {
        let mut changed = sealed.clone();
        changed.commitment[at] ^= 1;
        check(changed, format!("commitment {at}")).await;
    }
}

#[tokio::test]
async fn destroying_any_key_destroys_it() {
    for (subjects, destroyed) in [
        (&[][..], KeyName::run(place().run)),
        (&[], KeyName::period("default", terms(&[]).at)),
        (&[3, 4], KeyName::subject(SubjectId::from_bytes([4; 16]))),
    ] {
        let bench = bench();
        let sealed = bench
            .sealer
            .seal(&place(), &terms(subjects), TEXT)
            .await
            .unwrap();
        let opened = bench.sealer.open(&place(), &reference(&sealed)).await;
        assert_eq!(opened.unwrap().as_slice(), TEXT);
        // By another process, of which this one is told nothing: the very sealer that has the key open yields nothing.
        let tenant = place().tenant;
        bench.book.destroy(&tenant, &destroyed).await.unwrap();
        let fault = bench
            .sealer
            .open(&place(), &reference(&sealed))
            .await
            .unwrap_err();
        assert_eq!(fault, SealFault::Gone(place().payload), "{destroyed:?}");
    }
}

#[tokio::test]
async fn equal_contents_do_not_look_equal() {
    let bench = bench();
    let one = bench
        .sealer
        .seal(&place(), &terms(&[]), b"approve")
        .await
        .unwrap();
    let other = Place {
        payload: PayloadId::from_bytes([5; 16]),
        ..place()
    };
    let two = bench
        .sealer
        .seal(&other, &terms(&[]), b"approve")
        .await
        .unwrap();
    assert_ne!(one.commitment, two.commitment);
    assert_ne!(one.ciphertext, two.ciphertext);
    assert_ne!(one.ciphertext_digest, two.ciphertext_digest);
}

#[test]
fn padding_hides_the_length_within_a_bucket() {
    for length in (0..2000).chain([65_000, 65_528, 65_529, 70_000, 1_000_000]) {
        let content = vec![7u8; length];
        let padded = pad(&content);
        assert_eq!(padded.len(), padded_length(length));
        assert_eq!(unpad(&padded), Some(content.as_slice()));
        assert!(
            padded.len() >= length + 8 && padded.len() <= (length + 8) * 112 / 100 + 256,
            "{length}"
        );
    }
    assert_eq!(
        pad(b"yes").len(),
        pad(b"a much longer answer than that").len()
    );
    let mut forged = pad(b"yes");
    forged[200] = 1;
    assert_eq!(unpad(&forged), None);
}

/// What an attacker with every key of today makes of an old ciphertext: another content under the same entry.
#[tokio::test]
async fn attack_33_another_content_encrypted_anew_under_the_same_keys_is_not_what_was_committed_to()
{
    let bench = bench();
    let seal = async |text: &[u8]| {
        bench
            .sealer
            .seal(&place(), &terms(&[]), text)
            .await
            .unwrap()
    };
    let (genuine, forged) = (seal(TEXT).await, seal(b"another patient").await);
    // Header and ciphertext are genuine work of the same sealer for the same place; the entry says otherwise.
    let swapped = SealedRef {
        commitment: &genuine.commitment,
        ..reference(&forged)
    };
    let fault = bench.sealer.open(&place(), &swapped).await.unwrap_err();
    assert_eq!(fault, SealFault::Mismatch(place().payload));
    assert_ne!(genuine.ciphertext_digest, forged.ciphertext_digest);
}

/// AES-GCM does not commit to its key: with two keys in hand, one ciphertext can be made to open under both. The header
/// commits to the key, and the entry's commitment is keyed by it.
#[tokio::test]
async fn attack_34_a_ciphertext_for_two_keys_opens_under_the_committed_one_alone() {
    let bench = bench();
    let one = bench
        .sealer
        .seal(&place(), &terms(&[3]), TEXT)
        .await
        .unwrap();
    let two = bench
        .sealer
        .seal(&place(), &terms(&[4]), TEXT)
        .await
        .unwrap();
    // The second key's names with the first's key commitment, and the other way round: whichever ciphertext is given,
    // the commitment to the key is wrong before anything is decrypted.
    let names_of = |sealed: &Sealed| super::header::Header::decode(&sealed.header).unwrap();
    for (names, commitment) in [(&one, &two), (&two, &one)] {
        let mut header = names_of(names);
        header.key_commitment = names_of(commitment).key_commitment;
        let forged = header.encode();
        for ciphertext in [&one, &two] {
            let fault = bench
                .sealer
                .open(
                    &place(),
                    &SealedRef {
                        header: &forged,
                        ..reference(ciphertext)
                    },
                )
                .await
                .unwrap_err();
            assert_eq!(fault, SealFault::Mismatch(place().payload));
        }
    }
}

/// Everything that is left after an erasure: entry, header, ciphertext, every other key, and a list of all values
/// that it could have been.
#[tokio::test]
async fn attack_37_a_dictionary_of_all_values_finds_nothing_after_the_keys_are_destroyed() {
    let bench = bench();
    let words = ["approve", "deny", "downgrade", "review"];
    let sealed = bench
        .sealer
        .seal(&place(), &terms(&[3]), words[1].as_bytes())
        .await
        .unwrap();
    let tenant = place().tenant;
    let period = KeyName::period("default", terms(&[]).at);
    let person = KeyName::subject(SubjectId::from_bytes([3; 16]));
    let guess = |secret: &[u8]| {
        let key = crate::keys::expand(
            secret,
            &place().payload.to_bytes(),
            b"interlock/payload/v1/commitment",
        );
        words
            .iter()
            .filter(|word| {
                payload::commit(&key, &place().slot, word.as_bytes()) == sealed.commitment
            })
            .count()
    };
    let open = async |name: &KeyName| bench.keys.found(&tenant, name).await.unwrap();
    let (of_person, of_period) = (open(&person).await.unwrap(), open(&period).await.unwrap());
    let both = [of_person.as_slice(), of_period.as_slice()].concat();
    assert_eq!(
        guess(&both),
        1,
        "with the keys, the guess is easy: the test can find something"
    );
    bench.book.destroy(&tenant, &person).await.unwrap();
    assert!(open(&person).await.is_none());
    // All that remains: the period's key, a new key of the same name, nothing at all, and what is public.
    let fresh = bench.keys.made(&tenant, &person).await.unwrap();
    for secret in [
        of_period.to_vec(),
        [fresh.as_slice(), of_period.as_slice()].concat(),
        [[0u8; 32].as_slice(), of_period.as_slice()].concat(),
        Vec::new(),
        sealed.header.clone(),
    ] {
        assert_eq!(guess(&secret), 0);
    }
    for word in words {
        let plain = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, word.as_bytes());
        assert_ne!(plain.as_ref(), sealed.commitment);
        assert_ne!(plain.as_ref(), sealed.ciphertext_digest);
    }
}

#[tokio::test]
async fn attack_39_contents_within_a_bucket_have_one_length() {
    let bench = bench();
    let mut lengths = BTreeSet::new();
    for text in [
        "",
        "yes",
        "no",
        "a reason of some length, with a name in it",
    ] {
        let sealed = bench
            .sealer
            .seal(&place(), &terms(&[]), text.as_bytes())
            .await
            .unwrap();
        lengths.insert((
            sealed.ciphertext.len(),
            sealed.header.len(),
            sealed.padded_bytes,
        ));
    }
    assert_eq!(lengths.len(), 1);
}
