//! What is left of deleted bytes in the store's files: read as someone with the disk would.

use interlock_journal::leaf_hash;
use rusqlite::Connection;

use super::*;
use crate::conformance::{fill, publication};
use crate::log::LogStore as _;
use crate::rows::RunStatus;

/// Everything in the store's files, as text as far as it is text.
fn files(dir: &Path) -> String {
    fs::read_dir(dir)
        .unwrap()
        .map(|file| fs::read(file.unwrap().path()).unwrap())
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .collect()
}

#[tokio::test]
async fn scrubbed_records_are_in_no_file() {
    let (_temp, dir) = data_dir();
    let store = SqliteStore::open(&dir, &environment("dev")).unwrap();
    let t = crate::conformance::tenant("default").unwrap();
    // Records of many sizes in no order, so that pages split and cells move, as those of keys would.
    let secret = |n: u64| leaf_hash(&n.to_be_bytes()).to_string();
    let content = |n: u64| secret(n).repeat(1 + (n % 17) as usize).into_bytes();
    let mut kept = Vec::new();
    for n in 0..600u64 {
        let n = n * 7919 % 600;
        let version = store
            .put_record(&t, "key", &format!("k {n:04}"), None, content(n))
            .await
            .unwrap();
        kept.push((n, version));
    }
    for (n, version) in &mut kept {
        let key = format!("k {n:04}");
        if n.is_multiple_of(3) {
            store
                .delete_record(&t, "key", &key, *version)
                .await
                .unwrap();
        } else if *n % 3 == 1 {
            let new = b"another content".to_vec();
            *version = store
                .put_record(&t, "key", &key, Some(*version), new)
                .await
                .unwrap();
        }
    }
    assert!(files(&dir).contains(&secret(3)), "the test would see it");
    store.scrub().await.unwrap();
    let files = files(&dir);
    let found: Vec<u64> = (0..600).filter(|n| files.contains(&secret(*n))).collect();
    assert_eq!(found, (0..600).filter(|n| n % 3 == 2).collect::<Vec<_>>());
    assert_eq!(fs::metadata(dir.join("interlock.db-wal")).unwrap().len(), 0);

    let records = store.records(&t, "key").await.unwrap();
    assert_eq!(records.len(), 400);
    let two = store.record(&t, "key", "k 0002").await.unwrap().unwrap();
    assert_eq!(two.bytes, content(2));
    let next = store
        .put_record(&t, "key", "k 0000", None, Vec::new())
        .await
        .unwrap();
    assert!(records.iter().all(|record| record.version < next));
    drop(store);
    SqliteStore::open(&dir, &environment("dev"))
        .unwrap()
        .scrub()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_scrub_says_so_when_a_reader_holds_what_was() {
    let (_temp, dir) = data_dir();
    let store = SqliteStore::open(&dir, &environment("dev")).unwrap();
    let mut pen = Pen::new(1).unwrap();
    fill(&store, &mut pen, 5).await.unwrap();
    let reader = Connection::open(dir.join(DATABASE_FILE)).unwrap();
    reader
        .execute_batch("BEGIN; SELECT count(*) FROM entry")
        .unwrap();
    fill(&store, &mut pen, 5).await.unwrap();
    let fault = store.scrub().await.unwrap_err();
    assert_eq!(
        fault.to_string(),
        "scrub: store is unavailable: a reader holds what was deleted"
    );
    fill(&store, &mut pen, 5).await.unwrap();
    reader.execute_batch("COMMIT").unwrap();
    store.scrub().await.unwrap();
}

#[tokio::test]
async fn what_was_pruned_is_in_no_file_after_a_scrub() {
    let (_temp, dir) = data_dir();
    let store = SqliteStore::open(&dir, &environment("dev")).unwrap();
    let tenants = ["default", "other"].map(|name| crate::conformance::tenant(name).unwrap());
    let mut pens = Vec::new();
    for n in 0..40u8 {
        for tenant in &tenants {
            let mut pen = Pen {
                tenant: tenant.clone(),
                ..Pen::new(n).unwrap()
            };
            fill(&store, &mut pen, 9).await.unwrap();
            let mut ended = Append {
                row: pen.row(RunStatus::Ended),
                payloads: vec![pen.payload(n, 0)],
                ..pen.write(1, "run.ended").unwrap()
            };
            for payload in &mut ended.payloads {
                payload.ciphertext = mark(&pen).repeat(1 + usize::from(n) * 4).into_bytes();
            }
            pen.head = Some(store.append(&pen.tenant, ended).await.unwrap());
            pens.push(pen);
        }
    }
    for tenant in &tenants {
        store.publish(tenant, publication(None, 400)).await.unwrap();
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let before = store.log_entries(&tenants[0], 0, 400).await.unwrap();
    let beside = store.log_entries(&tenants[1], 0, 400).await.unwrap();
    store.prune(&tenants[0], 256).await.unwrap();
    store.scrub().await.unwrap();
    let files = files(&dir);
    for (n, pen) in pens.iter().enumerate() {
        let gone = pen.tenant == tenants[0] && n / 2 < 25;
        let name = format!("payload of {}, {}", pen.tenant, pen.run);
        assert_eq!(files.contains(&mark(pen)), !gone, "{name}");
    }
    for entry in &before {
        let kept = files.contains(&text(&entry.bytes));
        assert_eq!(kept, entry.index >= 256, "entry {}", entry.index);
    }
    assert!(
        beside
            .iter()
            .all(|entry| files.contains(&text(&entry.bytes)))
    );
}

/// Text that stands in for the ciphertext of a pen's payload.
fn mark(pen: &Pen) -> String {
    leaf_hash(format!("{} {}", pen.tenant, pen.run).as_bytes()).to_string()
}
