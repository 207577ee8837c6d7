//! A backup taken before an erasure, and everything that is left after it: the backup's files with the key of today
//! open nothing of the erased person, and nothing at all.

use std::collections::BTreeSet;

use interlock_core::id::PayloadId;
use interlock_store::{SqliteStore, Store};

use super::*;
use crate::seal::{PayloadSealer, Place, SealFault, SealedRef, Sealer, StoreKeyBook, Terms};

fn copy(from: &std::path::Path, to: &std::path::Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// Every file below, whole.
fn bytes_below(dir: &std::path::Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(bytes_below(&path));
        } else {
            all.extend(std::fs::read(path).unwrap());
        }
    }
    all
}

#[tokio::test]
async fn attack_36_a_backup_of_the_store_with_the_new_key_file_yields_nothing_after_an_erasure() {
    let scratch = tempfile::tempdir().unwrap();
    let (dir, backup) = (scratch.path().join("live"), scratch.path().join("backup"));
    for dir in [&dir, &backup] {
        interlock_store::sqlite::prepare_data_dir(dir).unwrap();
    }
    let dir = dir.as_path();
    let clock = SystemClock;
    let provider: Arc<dyn KeyProvider> =
        Arc::new(FileKeys::create(dir, crate::clock::Clock::now(&clock)).unwrap());
    let place = Place {
        tenant: tenant(),
        environment: environment(),
        run: RunId::from_bytes([1; 16]),
        payload: PayloadId::from_bytes([2; 16]),
        slot: "prompt".to_owned(),
    };
    let terms = Terms {
        class: "default".to_owned(),
        at: Timestamp::from_micros(1_795_219_199_999_999),
        subjects: BTreeSet::from([SubjectId::from_bytes([3; 16])]),
    };
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(dir, &environment()).unwrap());
    let over = |store: &Arc<dyn Store>| -> Arc<Keys> {
        let book = Arc::new(StoreKeyBook(Arc::clone(store)));
        Arc::new(keys(Arc::clone(&provider), book))
    };
    let of_store = over(&store);
    let sealer = PayloadSealer::new(Arc::clone(&of_store), Arc::new(SystemEntropy));
    let sealed = sealer
        .seal(&place, &terms, b"the canary's name")
        .await
        .unwrap();
    let record = of_store
        .seal_small(&tenant(), "principal", b"prn", b"ann")
        .await
        .unwrap();
    let reference = SealedRef {
        header: &sealed.header,
        ciphertext: &sealed.ciphertext,
        commitment: &sealed.commitment,
    };
    // The operator's backup: the database with its log of writes.
    copy(dir, &backup);
    let page = StoreKeyBook(Arc::clone(&store));
    let page = page.get(&tenant(), &subject(3)).await.unwrap().unwrap();
    let old_file = std::fs::read(dir.join("keys/local.key")).unwrap();
    let holds = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).any(|w| w == what);
    assert!(
        holds(&bytes_below(dir), &page.wrapped),
        "before, it is there to be found"
    );

    turned(&of_store, &[subject(3)]).await.unwrap();
    let fault = sealer.open(&place, &reference).await.unwrap_err();
    assert_eq!(fault, SealFault::Gone(place.payload));
    let opened = of_store
        .open_small(&tenant(), "principal", b"prn", &record)
        .await;
    assert_eq!(opened.unwrap().as_slice(), b"ann");
    // Nothing of the wrapped key or of the old epoch is left in any file of the data directory, its WAL among them.
    let left = bytes_below(dir);
    assert!(!holds(&left, &page.wrapped));
    assert!(!holds(&left, &old_file[old_file.len() - 32..]));

    // The backup comes back, beside the keys of today: the erased person's page is there, and dead; so are all others.
    let restored: Arc<dyn Store> = Arc::new(SqliteStore::open(&backup, &environment()).unwrap());
    let of_backup = over(&restored);
    let sealer = PayloadSealer::new(Arc::clone(&of_backup), Arc::new(SystemEntropy));
    let fault = sealer.open(&place, &reference).await.unwrap_err();
    assert_eq!(fault, SealFault::Gone(place.payload));
    for name in [
        subject(3),
        KeyName::period("default", terms.at),
        KeyName::records("principal"),
    ] {
        let fault = of_backup.found(&tenant(), &name).await.unwrap_err();
        assert_eq!(
            fault,
            KeyFault::Provider(ProviderFault::Gone(1)),
            "{}",
            name.as_str()
        );
        assert!(
            of_backup.made(&tenant(), &name).await.is_err(),
            "and is not made anew over it"
        );
    }
}
