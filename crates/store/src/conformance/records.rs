//! Cases on records and on the counts of refused input.

use std::sync::Arc;

use interlock_core::time::Timestamp;

use super::{Factory, Outcome, tenant};
use crate::fault::{RecordFault, StoreFault};
use crate::limits::RECORD_BYTES_MAX;
use crate::rows::Rejection;

/// Writes and deletions take the version that they replace, and say the one they found.
pub async fn records_are_compared_and_swapped(factory: &dyn Factory) -> Outcome {
    let store = factory.open().await?;
    let t = tenant("default")?;
    assert_eq!(store.record(&t, "role", "ann").await?, None);
    let first = store
        .put_record(&t, "role", "ann", None, b"1".to_vec())
        .await?;
    let conflict = Err(RecordFault::Conflict { found: Some(first) });
    assert_eq!(
        store
            .put_record(&t, "role", "ann", None, b"2".to_vec())
            .await,
        conflict
    );
    assert_eq!(
        store
            .put_record(&t, "role", "ann", Some(first + 1), b"2".to_vec())
            .await,
        conflict
    );
    let absent = Err(RecordFault::Conflict { found: None });
    assert_eq!(
        store
            .put_record(&t, "role", "bob", Some(1), b"2".to_vec())
            .await,
        absent
    );
    let second = store
        .put_record(&t, "role", "ann", Some(first), b"2".to_vec())
        .await?;
    assert!(second > first);
    store
        .put_record(&t, "role", "abe", None, b"3".to_vec())
        .await?;
    store
        .put_record(&t, "tool", "ann", None, b"4".to_vec())
        .await?;
    drop(store);

    let store = factory.open().await?;
    let kept = store.records(&t, "role").await?;
    let kept: Vec<_> = kept
        .iter()
        .map(|record| (record.key.as_str(), record.bytes.as_slice()))
        .collect();
    assert_eq!(kept, [("abe", b"3".as_slice()), ("ann", b"2")]);
    let found = Err(RecordFault::Conflict {
        found: Some(second),
    });
    assert_eq!(store.delete_record(&t, "role", "ann", first).await, found);
    store.delete_record(&t, "role", "ann", second).await?;
    let gone = Err(RecordFault::Conflict { found: None });
    assert_eq!(store.delete_record(&t, "role", "ann", second).await, gone);
    assert_eq!(store.record(&t, "role", "ann").await?, None);

    for (kind, key, size) in [
        ("", "k", 1),
        ("k", "", 1),
        ("k\n", "k", 1),
        ("k", "k", RECORD_BYTES_MAX + 1),
    ] {
        let fault = store.put_record(&t, kind, key, None, vec![0; size]).await;
        assert!(
            matches!(fault, Err(RecordFault::Store(StoreFault::Refused { .. }))),
            "{fault:?}"
        );
    }
    Ok(())
}

/// A record that was deleted and made again has a new version: an old reader cannot overwrite it.
pub async fn record_versions_never_repeat(factory: &dyn Factory) -> Outcome {
    let store = factory.open().await?;
    let t = tenant("default")?;
    let mut seen = Vec::new();
    for _ in 0..4 {
        let version = store
            .put_record(&t, "key", "a", None, b"x".to_vec())
            .await?;
        assert!(seen.iter().all(|old| *old < version));
        seen.push(version);
        store.delete_record(&t, "key", "a", version).await?;
    }
    Ok(())
}

/// Of many that create the same record, one wins.
pub async fn records_race_for_one_winner(factory: &dyn Factory) -> Outcome {
    let store = factory.open().await?;
    let t = tenant("default")?;
    let mut tasks = Vec::new();
    for n in 0..32u8 {
        let (store, t) = (Arc::clone(&store), t.clone());
        tasks.push(tokio::spawn(async move {
            store
                .put_record(&t, "grant", "g", None, vec![n])
                .await
                .is_ok()
        }));
    }
    let mut winners = 0;
    for task in tasks {
        winners += usize::from(task.await?);
    }
    assert_eq!(winners, 1);
    Ok(())
}

/// Rejections add up by source, address and fault.
pub async fn rejections_are_counted(factory: &dyn Factory) -> Outcome {
    let store = factory.open().await?;
    let t = tenant("default")?;
    for (address, fault, now) in [
        ("10.0.0.1", "schema", 5),
        ("10.0.0.1", "schema", 9),
        ("10.0.0.1", "size", 7),
        ("10.0.0.2", "schema", 8),
    ] {
        store
            .count_rejection(&t, "api", address, fault, Timestamp::from_micros(now))
            .await?;
    }
    let row = |address: &str, fault: &str, count, last| Rejection {
        source: "api".to_owned(),
        address: address.to_owned(),
        fault: fault.to_owned(),
        count,
        last: Timestamp::from_micros(last),
    };
    let expected = [
        row("10.0.0.1", "schema", 2, 9),
        row("10.0.0.1", "size", 1, 7),
        row("10.0.0.2", "schema", 1, 8),
    ];
    assert_eq!(store.rejections(&t).await?, expected);
    let fault = store
        .count_rejection(&t, "api", "a\nb", "schema", Timestamp::from_micros(1))
        .await;
    assert!(
        matches!(fault, Err(StoreFault::Refused { .. })),
        "{fault:?}"
    );
    Ok(())
}
