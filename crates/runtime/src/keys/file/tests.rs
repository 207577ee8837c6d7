//! The key file: its owner's alone, replaced whole, its first form still read, its passphrase needed.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::keys::KeyPlace;

fn now() -> Timestamp {
    Timestamp::from_micros(1_795_219_199_000_000)
}
const PHRASE: &str = "correct horse battery staple";

fn place(name: &str) -> KeyPlace {
    KeyPlace {
        tenant: interlock_core::id::TenantName::parse("default").ok(),
        environment: interlock_core::id::EnvironmentName::parse("test").unwrap(),
        name: name.to_owned(),
    }
}

fn key(byte: u8) -> DataKey {
    Zeroizing::new([byte; 32])
}

fn file(dir: &Path) -> PathBuf {
    dir.join(FILE)
}

fn phrase() -> Result<Secret, KeyFileFault> {
    Ok(Secret::new(PHRASE))
}

fn other_phrase() -> Result<Secret, KeyFileFault> {
    Ok(Secret::new("correct horse battery stable"))
}

#[tokio::test]
async fn the_key_file_is_its_owners_alone_and_never_replaced() {
    let dir = tempfile::tempdir().unwrap();
    assert!(FileKeys::open(dir.path(), &no_passphrase).is_err());
    let keys = FileKeys::create(dir.path(), now()).unwrap();
    assert!(FileKeys::create(dir.path(), now()).is_err());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&file(dir.path())), 0o600);
    assert_eq!(mode(file(dir.path()).parent().unwrap()), 0o700);
    let wrapped = keys.wrap(&place("run.1"), &key(7)).await.unwrap();
    let again = FileKeys::open(dir.path(), &no_passphrase).unwrap();
    assert_eq!(
        again.unwrap(&place("run.1"), &wrapped).await.unwrap(),
        key(7)
    );
    assert_eq!(
        again.unwrap(&place("run.2"), &wrapped).await,
        Err(ProviderFault::Refused)
    );
    keys.new_epoch(1, now()).await.unwrap();
    assert_eq!(mode(&file(dir.path())), 0o600);
    fs::set_permissions(file(dir.path()), fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(
        FileKeys::open(dir.path(), &no_passphrase),
        Err(KeyFileFault::Permissions)
    ));
    assert_eq!(format!("{keys:?}"), "FileKeys(..)");
}

#[tokio::test]
async fn a_destroyed_epoch_is_nowhere_in_the_file_and_opens_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let keys = FileKeys::create(dir.path(), now()).unwrap();
    let old = fs::read(file(dir.path())).unwrap();
    let old_key = &old[old.len() - 32..];
    let handle = fs::File::open(file(dir.path())).unwrap();
    let wrapped = keys.wrap(&place("run.1"), &key(7)).await.unwrap();
    assert_eq!(keys.new_epoch(1, now()).await.unwrap(), 2);
    assert_eq!(
        keys.new_epoch(1, now()).await.unwrap(),
        2,
        "asked again, it is there"
    );
    // Another process that has the file open sees both epochs, then one.
    let other = FileKeys::open(dir.path(), &no_passphrase).unwrap();
    assert_eq!(
        other.unwrap(&place("run.1"), &wrapped).await.unwrap(),
        key(7)
    );
    assert_eq!(other.epochs().await.unwrap().len(), 2);
    for _ in 0..2 {
        assert_eq!(keys.destroy_before(2).await.unwrap(), None);
        assert_eq!(other.epochs().await.unwrap().len(), 1);
        assert_eq!(
            other.unwrap(&place("run.1"), &wrapped).await,
            Err(ProviderFault::Gone(1))
        );
    }
    keys.destroy_before(9).await.unwrap();
    assert_eq!(
        keys.epochs().await.unwrap().len(),
        1,
        "the newest is never destroyed"
    );
    let now = fs::read(file(dir.path())).unwrap();
    assert!(!now.windows(32).any(|w| w == old_key));
    // Whoever kept the old file open, or a second name of it, reads zeroes.
    let mut kept = Vec::new();
    std::io::Read::read_to_end(&mut &handle, &mut kept).unwrap();
    assert!(kept.iter().all(|b| *b == 0) && kept.len() == old.len());
    assert_eq!(fs::read_dir(dir.path().join("keys")).unwrap().count(), 1);
}

#[tokio::test]
async fn a_file_of_the_first_form_is_epoch_one() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("keys")).unwrap();
    fs::write(file(dir.path()), [5u8; 32]).unwrap();
    fs::set_permissions(file(dir.path()), fs::Permissions::from_mode(0o600)).unwrap();
    let keys = FileKeys::open(dir.path(), &no_passphrase).unwrap();
    let epochs = keys.epochs().await.unwrap();
    assert_eq!((epochs[0].number, epochs[0].made_at), (1, None));
    // As data keys and small records were sealed then.
    let derived = expand(&[5u8; 32], b"interlock/local-key/v1", b"small/data_key");
    let stored =
        crate::keys::small::seal(&derived, "data_key", b"default/run.1", &[9; 32]).unwrap();
    let wrapped = Wrapped::decode(&stored).unwrap();
    assert_eq!(
        keys.unwrap(&place("run.1"), &wrapped).await.unwrap(),
        key(9)
    );
    assert_eq!(wrapped.encode(), stored);
    assert_eq!(
        keys.heirloom("small/principal").unwrap(),
        expand(&[5u8; 32], b"interlock/local-key/v1", b"small/principal")
    );
    keys.new_epoch(1, now()).await.unwrap();
    assert_eq!(
        keys.unwrap(&place("run.1"), &wrapped).await.unwrap(),
        key(9)
    );
    assert!(keys.heirloom("small/principal").is_none());
    keys.destroy_before(2).await.unwrap();
    assert_eq!(
        keys.unwrap(&place("run.1"), &wrapped).await,
        Err(ProviderFault::Gone(1))
    );
}

#[tokio::test]
async fn under_a_passphrase_the_file_opens_with_it_alone() {
    let dir = tempfile::tempdir().unwrap();
    let keys = FileKeys::create(dir.path(), now()).unwrap();
    let wrapped = keys.wrap(&place("run.1"), &key(7)).await.unwrap();
    let plain = fs::read(file(dir.path())).unwrap();
    assert!(
        keys.set_passphrase(Some(&Secret::new("too short")))
            .is_err()
    );
    keys.set_passphrase(Some(&phrase().unwrap())).unwrap();
    let locked = fs::read(file(dir.path())).unwrap();
    assert!(!locked.windows(32).any(|w| w == &plain[plain.len() - 32..]));
    assert!(matches!(
        FileKeys::open(dir.path(), &no_passphrase),
        Err(KeyFileFault::Locked)
    ));
    assert!(matches!(
        FileKeys::open(dir.path(), &other_phrase),
        Err(KeyFileFault::Passphrase)
    ));
    let again = FileKeys::open(dir.path(), &phrase).unwrap();
    assert!(again.is_locked().unwrap());
    assert_eq!(
        again.unwrap(&place("run.1"), &wrapped).await.unwrap(),
        key(7)
    );
    // A turn needs no passphrase in a process that has the file open, and the other follows it.
    keys.new_epoch(1, now()).await.unwrap();
    let renewed = again.wrap(&place("run.1"), &key(7)).await.unwrap();
    assert_eq!(renewed.epoch, 2);
    for at in [20, 40, 60, locked.len() - 1] {
        let mut changed = fs::read(file(dir.path())).unwrap();
        changed[at] ^= 1;
        assert!(
            form::decode(&changed).is_err() || {
                let Ok(Content::Locked(sealed)) = form::decode(&changed) else {
                    panic!()
                };
                at > 45
                    || sealed.terms != again.current.lock().unwrap().lock.as_ref().unwrap().terms()
            }
        );
    }
    again.set_passphrase(None).unwrap();
    assert!(FileKeys::open(dir.path(), &no_passphrase).is_ok());
}

#[test]
fn what_is_no_key_file_is_refused() {
    let held = vec![
        Held::draw(1, now(), &SystemEntropy).unwrap(),
        Held::draw(2, now(), &SystemEntropy).unwrap(),
    ];
    let good = form::encode(&held, None).unwrap();
    assert!(matches!(form::decode(&good), Ok(Content::Open(held)) if held.len() == 2));
    for length in (0..good.len()).filter(|length| *length != 32) {
        assert!(form::decode(&good[..length]).is_err(), "{length}");
    }
    let mut longer = good.to_vec();
    longer.push(0);
    assert!(form::decode(&longer).is_err());
    let mut again = good.to_vec();
    let second = again.len() - 44;
    again[second + 3] = 1;
    assert!(form::decode(&again).is_err(), "epochs rise");
    let mut unknown = good.to_vec();
    unknown[17] = 9;
    assert!(form::decode(&unknown).is_err());
}
