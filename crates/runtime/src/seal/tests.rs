//! Sealed content opens in its own place with its own keys, and nowhere else.

use std::collections::BTreeSet;
use std::sync::Arc;

use interlock_core::id::{EnvironmentName, PayloadId, RunId, SubjectId, TenantName};
use interlock_core::time::Timestamp;

use super::padding::{pad, padded_length, unpad};
use super::*;
use crate::clock::{SeededEntropy, SystemEntropy};

struct Bench {
    sealer: LocalSealer,
    book: Arc<MemoryKeyBook>,
    _dir: tempfile::TempDir,
}

fn bench() -> Bench {
    let dir = tempfile::tempdir().unwrap();
    let key = LocalKey::create(dir.path(), &SystemEntropy).unwrap();
    let book = Arc::new(MemoryKeyBook::default());
    let sealer = LocalSealer::new(Arc::new(key), book.clone(), Arc::new(SeededEntropy::new(7)));
    Bench {
        sealer,
        book,
        _dir: dir,
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
async fn opens_nowhere_else() {
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
async fn any_changed_byte_is_a_mismatch() {
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
        let dir = tempfile::tempdir().unwrap();
        let key = Arc::new(LocalKey::create(dir.path(), &SystemEntropy).unwrap());
        let book = Arc::new(MemoryKeyBook::default());
        let sealer = || LocalSealer::new(key.clone(), book.clone(), Arc::new(SystemEntropy));
        let sealed = sealer()
            .seal(&place(), &terms(subjects), TEXT)
            .await
            .unwrap();
        book.destroy(&place().tenant, &destroyed);
        // A process that had the key open is another matter: it ends, or is told.
        let fault = sealer()
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
    let _ = &bench.book;
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

#[test]
fn the_key_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    assert!(LocalKey::open(dir.path()).is_err());
    let key = LocalKey::create(dir.path(), &SystemEntropy).unwrap();
    assert!(
        LocalKey::create(dir.path(), &SystemEntropy).is_err(),
        "a key is never replaced"
    );
    let file = dir.path().join("keys/local.key");
    assert_eq!(
        std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let again = LocalKey::open(dir.path()).unwrap();
    assert_eq!(
        key.blind_index("name", "ann"),
        again.blind_index("name", "ann")
    );
    assert_ne!(
        key.blind_index("name", "ann"),
        key.blind_index("subject", "ann")
    );
    let sealed = key.seal_small("principal", b"prn", b"ann").unwrap();
    assert_eq!(
        again
            .open_small("principal", b"prn", &sealed)
            .unwrap()
            .as_slice(),
        b"ann"
    );
    assert!(again.open_small("principal", b"other", &sealed).is_err());
    assert!(again.open_small("data_key", b"prn", &sealed).is_err());
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(
        LocalKey::open(dir.path()),
        Err(KeyFileFault::Permissions)
    ));
    assert_eq!(format!("{key:?}"), "LocalKey(..)");
}
