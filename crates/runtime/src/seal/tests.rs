//! What is sealed opens there and nowhere else, and not at all once any of its keys is destroyed.

use interlock_store::MemoryStore;

use super::*;
use crate::clock::SeededEntropy;

struct Room {
    sealer: LocalSealer,
    book: Arc<MemoryKeyBook>,
    directory: tempfile::TempDir,
}

fn room() -> Room {
    let directory = tempfile::tempdir().unwrap();
    let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(1));
    let key = Arc::new(LocalKey::create(directory.path(), Arc::clone(&entropy)).unwrap());
    let book = Arc::new(MemoryKeyBook::default());
    Room { sealer: LocalSealer::new(key, book.clone(), entropy), book, directory }
}

fn place() -> Place {
    Place {
        tenant: TenantName::parse("default").unwrap(),
        environment: EnvironmentName::parse("dev").unwrap(),
        run: RunId::from_bytes([1; 16]),
        payload: PayloadId::from_bytes([2; 16]),
        slot: "prompt".to_owned(),
    }
}

fn terms(subjects: &[u8]) -> Terms {
    Terms {
        class: "default".to_owned(),
        at: Timestamp::from_micros(1_795_219_199_999_999),
        subjects: subjects.iter().map(|n| SubjectId::from_bytes([*n; 16])).collect(),
    }
}

fn as_stored(sealed: &Sealed) -> SealedRef<'_> {
    SealedRef {
        header: &sealed.header,
        ciphertext: &sealed.ciphertext,
        commitment: &sealed.commitment,
    }
}

async fn check(room: &Room, place: &Place, sealed: &Sealed, expected: Result<&[u8], SealFault>) {
    let opened = room.sealer.open(place, &as_stored(sealed)).await;
    assert_eq!(opened.as_ref().map(|content| content.as_slice()), expected.as_ref().copied());
}

#[tokio::test]
async fn it_opens_for_its_place_and_no_other() {
    let room = room();
    let sealed = room.sealer.seal(&place(), &terms(&[]), b"content").await.unwrap();
    check(&room, &place(), &sealed, Ok(b"content")).await;
    let payload = place().payload;
    let name = |text| TenantName::parse(text).unwrap();
    let mismatch = SealFault::Mismatch(payload);
    for (other, fault) in [
        (Place { slot: "reply".to_owned(), ..place() }, mismatch),
        (Place { run: RunId::from_bytes([9; 16]), ..place() }, mismatch),
        (Place { environment: EnvironmentName::parse("test").unwrap(), ..place() }, mismatch),
        // Another tenant does not have the keys at all.
        (Place { tenant: name("other"), ..place() }, SealFault::Gone(payload)),
    ] {
        check(&room, &other, &sealed, Err(fault)).await;
    }
    let other = PayloadId::from_bytes([3; 16]);
    check(&room, &Place { payload: other, ..place() }, &sealed, Err(SealFault::Mismatch(other))).await;
}

#[tokio::test]
async fn every_changed_byte_is_found() {
    let room = room();
    let sealed = room.sealer.seal(&place(), &terms(&[5]), b"content").await.unwrap();
    for at in 0..sealed.ciphertext.len() {
        let mut changed = sealed.clone();
        changed.ciphertext[at] ^= 1;
        check(&room, &place(), &changed, Err(SealFault::Mismatch(place().payload))).await;
    }
    for at in 0..32 {
        let mut changed = sealed.clone();
        changed.commitment[at] ^= 1;
        check(&room, &place(), &changed, Err(SealFault::Mismatch(place().payload))).await;
    }
    for at in 0..sealed.header.len() {
        let mut changed = sealed.clone();
        changed.header[at] ^= 1;
        assert!(room.sealer.open(&place(), &as_stored(&changed)).await.is_err(), "header byte {at}");
    }
    let mut cut = sealed.clone();
    cut.ciphertext.truncate(11);
    check(&room, &place(), &cut, Err(SealFault::Mismatch(place().payload))).await;
    cut.header.clear();
    check(&room, &place(), &cut, Err(SealFault::Mismatch(place().payload))).await;
}

#[tokio::test]
async fn destroying_any_of_its_keys_erases_it() {
    let people = [SubjectId::from_bytes([5; 16]), SubjectId::from_bytes([6; 16])];
    let period = KeyName::period("default", terms(&[]).at).unwrap();
    assert_eq!(period, KeyName::Period("default.2026-11".to_owned()));
    let gone = Err(SealFault::Gone(place().payload));
    for (subjects, key, erased) in [
        (&[5, 6][..], KeyName::Subject(people[0]), true),
        (&[5, 6], KeyName::Subject(people[1]), true),
        (&[5, 6], period.clone(), true),
        (&[5, 6], KeyName::Run(place().run), false),
        (&[], KeyName::Run(place().run), true),
        (&[], period, true),
        (&[], KeyName::Subject(people[0]), false),
    ] {
        let room = room();
        let sealed = room.sealer.seal(&place(), &terms(subjects), b"content").await.unwrap();
        room.book.destroy(&place().tenant, &key).unwrap();
        check(&room, &place(), &sealed, if erased { gone } else { Ok(b"content") }).await;
        // A new key of the same name does not bring it back.
        let next = Place { payload: PayloadId::from_bytes([4; 16]), ..place() };
        let later = room.sealer.seal(&next, &terms(subjects), b"later").await.unwrap();
        check(&room, &place(), &sealed, if erased { gone } else { Ok(b"content") }).await;
        check(&room, &next, &later, Ok(b"later")).await;
    }
}

#[tokio::test]
async fn sizes_digests_and_commitments_tell_nothing_without_a_key() {
    let room = room();
    let sealed = room.sealer.seal(&place(), &terms(&[5]), b"approve").await.unwrap();
    assert_eq!(sealed.padded_bytes, 256);
    assert_eq!(sealed.ciphertext.len(), 12 + 256 + 16);
    assert_eq!(sealed.ciphertext_digest, digest::digest(&digest::SHA256, &sealed.ciphertext).as_ref());
    let again = Place { payload: PayloadId::from_bytes([4; 16]), ..place() };
    let again = room.sealer.seal(&again, &terms(&[5]), b"approve").await.unwrap();
    assert_ne!(sealed.commitment, again.commitment);
    let header = String::from_utf8(sealed.header).unwrap();
    assert!(header.lines().count() == 4 && !header.contains("approve"), "{header}");
}

#[tokio::test]
async fn bounds_hold() {
    let room = room();
    let bound = Err(SealFault::Bound(place().payload));
    let many: Vec<u8> = (0..17).collect();
    assert_eq!(room.sealer.seal(&place(), &terms(&many), b"").await, bound);
    let bad = Terms { class: "a b".to_owned(), ..terms(&[]) };
    assert_eq!(room.sealer.seal(&place(), &bad, b"").await, bound);
    let large = vec![0; PAYLOAD_BYTES_MAX + 1];
    assert_eq!(room.sealer.seal(&place(), &terms(&[]), &large).await, bound);
    let widest: Vec<u8> = (0..16).collect();
    let sealed = room.sealer.seal(&place(), &terms(&widest), b"").await.unwrap();
    assert!(sealed.header.len() <= 4096, "the store takes the header");
    check(&room, &place(), &sealed, Ok(b"")).await;
}

#[tokio::test]
async fn keys_in_the_store_are_made_once() {
    let room = room();
    let store = Arc::new(MemoryStore::new(place().environment));
    let book = StoreKeyBook::new(store);
    let name = KeyName::Run(place().run);
    assert_eq!(book.get(&place().tenant, &name).await, Ok(None));
    assert_eq!(book.create(&place().tenant, &name, b"one").await, Ok(b"one".to_vec()));
    assert_eq!(book.create(&place().tenant, &name, b"two").await, Ok(b"one".to_vec()));
    assert_eq!(book.get(&place().tenant, &name).await, Ok(Some(b"one".to_vec())));
    drop(room);
}

#[test]
fn small_records_open_for_their_kind_and_key() {
    let room = room();
    let key = &room.sealer.key;
    let sealed = key.seal_small("account", b"a", b"name").unwrap();
    assert_eq!(key.open_small("account", b"a", &sealed).unwrap().as_slice(), b"name");
    for (kind, name) in [("account", "b"), ("accounta", ""), ("other", "a")] {
        assert_eq!(key.open_small(kind, name.as_bytes(), &sealed), Err(SealFault::Record));
    }
    assert_eq!(key.blind_index("subject", "x"), key.blind_index("subject", "x"));
    assert_ne!(key.blind_index("subject", "x"), key.blind_index("account", "x"));
    assert_eq!(key.blind_index("subject", "x").len(), 64);
}

#[tokio::test]
async fn the_machines_key_is_made_once_and_needed_always() {
    let room = room();
    let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(2));
    let sealed = room.sealer.seal(&place(), &terms(&[]), b"content").await.unwrap();
    let directory = room.directory.path();
    assert!(LocalKey::create(directory, Arc::clone(&entropy)).is_err(), "a key is never overwritten");
    let reopened = LocalKey::open(directory, Arc::clone(&entropy)).unwrap();
    let sealer = LocalSealer::new(Arc::new(reopened), room.book.clone(), Arc::clone(&entropy));
    assert_eq!(sealer.open(&place(), &as_stored(&sealed)).await.unwrap().as_slice(), b"content");
    let other = tempfile::tempdir().unwrap();
    assert!(LocalKey::open(other.path(), Arc::clone(&entropy)).is_err());
    let other = LocalKey::create(other.path(), Arc::clone(&entropy)).unwrap();
    assert_eq!(format!("{other:?}"), "LocalKey(..)");
    let sealer = LocalSealer::new(Arc::new(other), room.book.clone(), entropy);
    let opened = sealer.open(&place(), &as_stored(&sealed)).await;
    assert_eq!(opened, Err(SealFault::Mismatch(place().payload)));
    std::fs::write(directory.join("keys/local.key"), [0; 31]).unwrap();
    let cut = LocalKey::open(directory, Arc::new(SeededEntropy::new(3)));
    assert!(matches!(cut, Err(KeyFault::Form(_))));
}
