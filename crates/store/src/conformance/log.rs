//! Cases on the log: dense indexes, ranges, the administration chain, publication.

use std::sync::Arc;

use interlock_core::id::RunId;
use interlock_core::time::Timestamp;

use super::{Factory, Failure, Outcome, Pen, tenant};
use crate::Store;
use crate::fault::{AppendFault, PublishFault, StoreFault};
use crate::limits::{
    APPEND_ENTRIES_MAX, CHECKPOINT_BYTES_MAX, LOG_PAGE_MAX, PUBLICATION_TILES_MAX,
};
use crate::log::{ADMINISTRATION_RUN, LogEntry, Publication, Published, TileRow};
use crate::rows::{Append, RunFilter, RunStatus, Totals, WaitKind, WaitRow};

/// Appends so many entries to a pen's run, in as few appends as may be.
///
/// # Errors
/// The store refuses one.
pub async fn fill(store: &dyn Store, pen: &mut Pen, count: u64) -> Outcome {
    let mut left = count;
    while left > 0 {
        let now = left.min(APPEND_ENTRIES_MAX as u64);
        let append = pen.write(now, "step.started")?;
        pen.head = Some(store.append(&pen.tenant, append).await?);
        left -= now;
    }
    Ok(())
}

/// A publication of a made-up tree of some size, with all of its tiles; the same for the same size.
#[must_use]
pub fn publication(expected: Option<u64>, size: u64) -> Publication {
    let mut tiles = Vec::new();
    for level in 0..8u8 {
        let nodes = size >> (8 * u32::from(level));
        for index in 0..nodes.div_ceil(256) {
            let of_tile = index * 256..nodes.min(index * 256 + 256);
            let hash = |node: u64| {
                let mut hash = [level; 32];
                hash[..8].copy_from_slice(&node.to_be_bytes());
                hash
            };
            tiles.push(TileRow {
                level,
                index,
                bytes: of_tile.flat_map(hash).collect(),
            });
        }
    }
    let mut root = [0; 32];
    root[..8].copy_from_slice(&size.to_be_bytes());
    Publication {
        expected,
        tiles,
        published: Published {
            size,
            root,
            checkpoint: format!("log\n{size}\n").into_bytes(),
            at: Timestamp::from_micros(size),
        },
    }
}

/// Entries have the order of their appends, without a hole; a refused append takes no index; tenants are apart.
pub async fn indexes_are_dense_and_kept(factory: &dyn Factory) -> Outcome {
    let store = factory.open().await?;
    let (mut one, mut two) = (Pen::new(1)?, Pen::new(2)?);
    let mut there = Pen {
        tenant: tenant("other")?,
        ..one.clone()
    };
    assert_eq!(store.log_size(&one.tenant).await?, 0);
    assert_eq!(store.log_entries(&one.tenant, 0, 10).await?, []);
    let mut expected = Vec::new();
    for (first, count) in [(true, 3), (false, 2), (true, 1), (false, 4)] {
        let pen = if first { &mut one } else { &mut two };
        let append = pen.write(count, "step.started")?;
        for new in &append.entries {
            expected.push(LogEntry {
                index: expected.len() as u64,
                run: pen.run,
                seq: new.seq,
                bytes: new.bytes.clone(),
                hash: new.hash,
            });
        }
        let stale = Pen {
            epoch: 9,
            ..pen.clone()
        };
        pen.head = Some(store.append(&pen.tenant, append).await?);
        let refused = store
            .append(&pen.tenant, stale.write(2, "step.started")?)
            .await;
        assert!(refused.is_err());
    }
    fill(&*store, &mut there, 5).await?;
    drop(store);

    let store = factory.open().await?;
    assert_eq!(store.log_size(&one.tenant).await?, 10);
    assert_eq!(store.log_entries(&one.tenant, 0, 100).await?, expected);
    for (from, limit, found) in [
        (0, 4, 0..4),
        (4, 4, 4..8),
        (8, 4, 8..10),
        (10, 4, 0..0),
        (3, 0, 0..0),
    ] {
        let page = store.log_entries(&one.tenant, from, limit).await?;
        assert_eq!(Some(page.as_slice()), expected.get(found), "{from}");
    }
    for entry in &expected {
        let index = store.log_index(&one.tenant, entry.run, entry.seq).await?;
        assert_eq!(index, Some(entry.index));
    }
    assert_eq!(store.log_index(&one.tenant, one.run, 4).await?, None);
    assert_eq!(
        store.log_index(&one.tenant, Pen::new(3)?.run, 0).await?,
        None
    );
    let other = store.log_entries(&there.tenant, 0, 100).await?;
    assert_eq!(other.len(), 5);
    assert!(
        other
            .iter()
            .all(|entry| entry.run == there.run && entry.index == entry.seq)
    );
    assert_eq!(store.log_size(&tenant("absent")?).await?, 0);
    Ok(())
}

/// While many append, a reader of the log sees a prefix that only grows, without a hole, and runs in their order.
pub async fn a_growing_log_has_no_hole(factory: &dyn Factory) -> Outcome {
    const RUNS: u8 = 16;
    const EACH: u64 = 40;
    let store = factory.open().await?;
    let mut tasks = Vec::new();
    for n in 0..RUNS {
        let (store, mut pen) = (Arc::clone(&store), Pen::new(n)?);
        tasks.push(tokio::spawn(async move {
            for _ in 0..EACH / 2 {
                fill(&*store, &mut pen, 2).await?;
            }
            Ok::<_, Failure>(())
        }));
    }
    let default = tenant("default")?;
    let all = u64::from(RUNS) * EACH;
    let mut seen: Vec<LogEntry> = Vec::new();
    while (seen.len() as u64) < all {
        let next = seen.len() as u64;
        let size = store.log_size(&default).await?;
        let page = store.log_entries(&default, next, LOG_PAGE_MAX).await?;
        assert!(page.len() as u64 >= size - next);
        for (index, entry) in (next..).zip(page) {
            assert_eq!(entry.index, index);
            seen.push(entry);
        }
    }
    for task in tasks {
        task.await??;
    }
    assert_eq!(store.log_entries(&default, 0, u32::MAX).await?, seen);
    for n in 0..RUNS {
        let run = Pen::new(n)?.run;
        let of_run = seen.iter().filter(|entry| entry.run == run);
        assert!(of_run.map(|entry| entry.seq).eq(0..EACH), "run {n}");
    }
    Ok(())
}

/// A page has its bound, whatever is asked for.
pub async fn a_page_of_the_log_is_bounded(factory: &dyn Factory) -> Outcome {
    let store = factory.open().await?;
    let mut pen = Pen::new(1)?;
    fill(&*store, &mut pen, u64::from(LOG_PAGE_MAX) + 10).await?;
    let page = store.log_entries(&pen.tenant, 5, u32::MAX).await?;
    assert_eq!(page.len(), LOG_PAGE_MAX as usize);
    assert_eq!(store.log_entries(&pen.tenant, u64::MAX, 5).await?, []);
    Ok(())
}

/// The administration chain is appended to as a run is, is in the log, and is no run otherwise.
pub async fn the_administration_chain_is_no_run(factory: &dyn Factory) -> Outcome {
    let store = factory.open().await?;
    let mut pen = Pen {
        run: ADMINISTRATION_RUN,
        ..Pen::new(0)?
    };
    let mut run = Pen::new(1)?;
    let first = Append {
        payloads: vec![pen.payload(1, 8)],
        waits: vec![WaitRow {
            id: "rev_1".to_owned(),
            run: pen.run,
            kind: WaitKind::Review,
            detail: "x".to_owned(),
            since: Timestamp::from_micros(1),
            due: None,
        }],
        ..pen.write(2, "policy.adopted")?
    };
    pen.head = Some(store.append(&pen.tenant, first).await?);
    fill(&*store, &mut run, 1).await?;
    fill(&*store, &mut pen, 1).await?;
    let stale = Pen {
        head: None,
        ..pen.clone()
    };
    assert_eq!(
        store
            .append(&pen.tenant, stale.write(1, "policy.adopted")?)
            .await,
        Err(AppendFault::Conflict { found: pen.head })
    );
    let t = &pen.tenant;
    let order = store.log_entries(t, 0, 10).await?;
    let order: Vec<(RunId, u64)> = order.iter().map(|entry| (entry.run, entry.seq)).collect();
    assert_eq!(
        order,
        [(pen.run, 0), (pen.run, 1), (run.run, 0), (pen.run, 2)]
    );
    assert_eq!(store.entries(t, pen.run).await?.len(), 3);
    assert_eq!(store.head(t, pen.run).await?, pen.head);
    assert_eq!(
        store.run(t, pen.run).await?,
        Some(pen.row(RunStatus::Active))
    );

    let listed = store.runs(t, RunFilter::default(), 10).await?;
    assert_eq!(
        listed.iter().map(|row| row.run).collect::<Vec<_>>(),
        [run.run]
    );
    let due = store
        .runnable(t, Timestamp::from_micros(u64::MAX >> 1), 10)
        .await?;
    assert_eq!(due, [run.run]);
    assert_eq!(
        store.totals(t).await?,
        Totals {
            runs: 1,
            entries: 4,
            payloads: 1
        }
    );
    // A run may not be as long as this.
    let mut append = pen.write(1, "policy.adopted")?;
    append.expected = append.expected.map(|head| crate::Head {
        seq: 1 << 33,
        ..head
    });
    let fault = store.append(t, append.clone()).await;
    assert!(
        !matches!(fault, Err(AppendFault::TooLarge { .. })),
        "{fault:?}"
    );
    append.run = run.run;
    let fault = store.append(t, append).await;
    assert!(
        matches!(fault, Err(AppendFault::TooLarge { .. })),
        "{fault:?}"
    );
    Ok(())
}

/// A tree is published over the size that the publisher believes in; it grows, up to the log; its tiles continue.
pub async fn publication_is_compared_and_swapped(factory: &dyn Factory) -> Outcome {
    let store = factory.open().await?;
    let mut pen = Pen::new(1)?;
    fill(&*store, &mut pen, 600).await?;
    let t = &pen.tenant;
    assert_eq!(store.published(t).await?, None);
    store.publish(t, publication(None, 0)).await?;
    for expected in [None, Some(7)] {
        assert_eq!(
            store.publish(t, publication(expected, 10)).await,
            Err(PublishFault::Conflict { found: Some(0) })
        );
    }
    let mut last = Some(0);
    for size in [10, 255, 256, 300, 600] {
        store.publish(t, publication(last, size)).await?;
        last = Some(size);
        let new = publication(None, size);
        assert_eq!(store.published(t).await?, Some(new.published));
        let wanted: Vec<(u8, u64)> = new.tiles.iter().map(|t| (t.level, t.index)).collect();
        assert_eq!(store.tiles(t, &wanted).await?, new.tiles, "{size}");
    }
    drop(store);

    let store = factory.open().await?;
    let whole = publication(Some(600), 600);
    store.publish(t, whole.clone()).await?;
    let mut signed = publication(Some(600), 600);
    signed.published.checkpoint.extend(b"another signature\n");
    signed.published.at = Timestamp::from_micros(9000);
    signed.tiles.clear();
    store.publish(t, signed.clone()).await?;
    assert_eq!(store.published(t).await?.as_ref(), Some(&signed.published));

    let sizes = |page: Vec<Published>| page.iter().map(|one| one.size).collect::<Vec<_>>();
    assert_eq!(sizes(store.checkpoints(t, None, 3).await?), [600, 300, 256]);
    assert_eq!(
        sizes(store.checkpoints(t, Some(256), 9).await?),
        [255, 10, 0]
    );
    assert_eq!(store.checkpoints(t, Some(0), 9).await?, []);
    assert_eq!(store.checkpoints(t, None, 1).await?, [signed.published]);

    let other = tenant("other")?;
    assert_eq!(store.published(&other).await?, None);
    assert_eq!(store.tiles(&other, &[(0, 0)]).await?, []);
    assert_eq!(
        store
            .tiles(t, &[(0, 3), (0, 1), (7, 0), (1, 0)])
            .await?
            .len(),
        2
    );
    let many = vec![(0, 0); PUBLICATION_TILES_MAX + 1];
    assert!(matches!(
        store.tiles(t, &many).await,
        Err(StoreFault::Refused { .. })
    ));
    Ok(())
}

/// A publication that contradicts itself, the log or what is published is refused and leaves nothing.
pub async fn a_broken_publication_is_not_stored(factory: &dyn Factory) -> Outcome {
    let store = factory.open().await?;
    let mut pen = Pen::new(1)?;
    fill(&*store, &mut pen, 400).await?;
    let t = &pen.tenant;
    store.publish(t, publication(None, 300)).await?;
    type Spoil = fn(&mut Publication);
    let spoil: [(&str, Spoil); 10] = [
        ("beyond the log", |p| *p = publication(Some(300), 401)),
        ("smaller", |p| *p = publication(Some(300), 299)),
        ("another root", |p| {
            *p = publication(Some(300), 300);
            p.published.root = [1; 32];
        }),
        ("no note", |p| p.published.checkpoint.clear()),
        ("long note", |p| {
            p.published.checkpoint = vec![b'x'; CHECKPOINT_BYTES_MAX + 1];
        }),
        ("tile twice", |p| p.tiles.extend(p.tiles.clone())),
        ("tile cut", |p| {
            p.tiles.iter_mut().for_each(|tile| tile.bytes.truncate(31));
        }),
        ("tile of a larger tree", |p| {
            p.tiles = publication(None, 401).tiles
        }),
        ("tile beyond", |p| {
            p.tiles.iter_mut().for_each(|tile| tile.index = u64::MAX);
        }),
        ("tile that is no continuation", |p| {
            let last = p.tiles.iter_mut().rfind(|tile| tile.level == 0);
            last.into_iter()
                .for_each(|tile| tile.bytes.iter_mut().for_each(|b| *b ^= 1));
        }),
    ];
    for (name, spoil) in spoil {
        let mut next = publication(Some(300), 400);
        spoil(&mut next);
        let fault = store.publish(t, next).await;
        assert!(
            matches!(
                fault,
                Err(PublishFault::Broken { .. } | PublishFault::Store(StoreFault::Refused { .. }))
            ),
            "{name}: {fault:?}"
        );
    }
    let before = publication(None, 300);
    assert_eq!(store.published(t).await?, Some(before.published));
    assert_eq!(
        store.tiles(t, &[(0, 0), (0, 1), (1, 0)]).await?,
        before.tiles
    );
    store.publish(t, publication(Some(300), 400)).await?;
    Ok(())
}

/// Of many that publish the next tree, one does.
pub async fn publishers_race_for_one_winner(factory: &dyn Factory) -> Outcome {
    let store = factory.open().await?;
    let mut pen = Pen::new(1)?;
    fill(&*store, &mut pen, 100).await?;
    let mut tasks = Vec::new();
    for size in 1..=32 {
        let (store, t) = (Arc::clone(&store), pen.tenant.clone());
        tasks.push(tokio::spawn(async move {
            store
                .publish(&t, publication(None, size))
                .await
                .ok()
                .map(|()| size)
        }));
    }
    let mut winners = Vec::new();
    for task in tasks {
        winners.extend(task.await?);
    }
    assert_eq!(winners.len(), 1);
    let published = store
        .published(&pen.tenant)
        .await?
        .map(|newest| newest.size);
    assert_eq!(published, winners.first().copied());
    Ok(())
}
