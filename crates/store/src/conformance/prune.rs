//! Cases on pruning: what goes, what stays, and what is refused.

use super::log::{fill, publication};
use super::{Factory, Outcome, Pen};
use crate::Store;
use crate::fault::{AppendFault, StoreFault};
use crate::log::{ADMINISTRATION_RUN, IndexRow, SearchQuery};
use crate::rows::{Append, RunFilter, RunStatus};

/// Ends a run, with a payload.
async fn end(store: &dyn Store, pen: &mut Pen, payload: u8) -> Outcome {
    let append = Append {
        row: pen.row(RunStatus::Ended),
        payloads: vec![pen.payload(payload, 50)],
        ..pen.write(1, "run.ended")?
    };
    pen.head = Some(store.append(&pen.tenant, append).await?);
    Ok(())
}

/// Below the minimum, entries, their index rows, full tiles of level 0 and payloads of whole runs are gone; the rest
/// is as it was. A run with an entry below reads as pruned, never as damaged.
pub async fn pruning_takes_what_lies_below(factory: &dyn Factory) -> Outcome {
    let store = factory.open().await?;
    let (mut below, mut across, mut above) = (Pen::new(1)?, Pen::new(2)?, Pen::new(3)?);
    let mut chain = Pen {
        run: ADMINISTRATION_RUN,
        ..Pen::new(0)?
    };
    fill(&*store, &mut chain, 10).await?;
    fill(&*store, &mut below, 400).await?;
    end(&*store, &mut below, 1).await?;
    fill(&*store, &mut across, 200).await?;
    end(&*store, &mut across, 2).await?;
    fill(&*store, &mut above, 300).await?;
    fill(&*store, &mut chain, 10).await?;
    let t = &below.tenant;
    let before = store.log_entries(t, 0, u32::MAX).await?;
    assert_eq!(before.len(), 922);
    let rows = before.iter().map(|entry| IndexRow {
        index: entry.index,
        run: entry.run,
        seq: entry.seq,
        time: interlock_core::time::Timestamp::from_micros(entry.index),
        event: "step.started".to_owned(),
        terms: Vec::new(),
    });
    store.index_put(t, 922, rows.collect()).await?;
    store.publish(t, publication(None, 900)).await?;

    assert_eq!(store.log_minimum(t).await?, 0);
    store.prune(t, 0).await?;
    for minimum in [1, 255, 768, 1024] {
        let fault = store.prune(t, minimum).await;
        assert!(
            matches!(fault, Err(StoreFault::Refused { .. })),
            "{minimum}: {fault:?}"
        );
    }
    store.prune(t, 512).await?;
    store.prune(t, 512).await?;
    assert!(matches!(
        store.prune(t, 256).await,
        Err(StoreFault::Refused { .. })
    ));
    drop(store);

    let store = factory.open().await?;
    assert_eq!(store.log_minimum(t).await?, 512);
    assert_eq!(store.log_size(t).await?, 922);
    assert_eq!(store.log_entries(t, 0, 10).await?, []);
    assert_eq!(store.log_entries(t, 511, 10).await?, []);
    let kept = store.log_entries(t, 512, u32::MAX).await?;
    assert_eq!(Some(kept.as_slice()), before.get(512..));
    for (pen, seq, index) in [
        (&below, 400, None),
        (&across, 100, None),
        (&across, 101, Some(512)),
        (&chain, 10, Some(912)),
    ] {
        assert_eq!(store.log_index(t, pen.run, seq).await?, index);
    }

    for (pen, entries) in [(&below, 401), (&across, 101)] {
        let pruned = StoreFault::Pruned {
            operation: "entries",
            entries,
        };
        assert_eq!(store.chain(t, pen.run).await, Err(pruned.clone()));
        assert_eq!(store.entries(t, pen.run).await, Err(pruned));
        assert_eq!(store.head(t, pen.run).await?, pen.head);
        assert_eq!(
            store.run(t, pen.run).await?,
            Some(pen.row(RunStatus::Ended))
        );
        let again = Pen {
            head: None,
            ..pen.clone()
        };
        assert_eq!(
            store.append(t, again.write(1, "step.started")?).await,
            Err(AppendFault::Conflict { found: pen.head })
        );
    }
    assert_eq!(store.entries(t, above.run).await?.len(), 300);
    let left: Vec<u64> = store
        .entries(t, chain.run)
        .await?
        .iter()
        .map(|e| e.seq)
        .collect();
    assert_eq!(left, (10..20).collect::<Vec<_>>());
    fill(&*store, &mut chain, 1).await?;
    fill(&*store, &mut above, 1).await?;
    assert_eq!(store.runs(t, RunFilter::default(), 10).await?.len(), 3);

    assert_eq!(store.payload(t, below.payload(1, 0).id).await?, None);
    assert_eq!(
        store.payload(t, across.payload(2, 0).id).await?,
        Some(across.payload(2, 50))
    );
    let tiles = publication(None, 900).tiles;
    let wanted: Vec<(u8, u64)> = tiles.iter().map(|t| (t.level, t.index)).collect();
    assert_eq!(
        Some(store.tiles(t, &wanted).await?.as_slice()),
        tiles.get(2..)
    );
    let everything = SearchQuery {
        limit: 200,
        below: Some(600),
        ..SearchQuery::default()
    };
    let found = store.search(t, &everything).await?;
    assert_eq!(found, (512..600).rev().collect::<Vec<_>>());
    assert_eq!(
        store.published(t).await?.map(|newest| newest.size),
        Some(900)
    );
    store
        .publish(t, publication_from(512, Some(900), 924))
        .await?;
    Ok(())
}

/// Without the tiles that pruning took.
fn publication_from(minimum: u64, expected: Option<u64>, size: u64) -> crate::Publication {
    let mut next = publication(expected, size);
    next.tiles
        .retain(|tile| tile.level > 0 || tile.index >= minimum / 256);
    next
}

/// The search index may be made again after pruning: it then begins at the minimum.
pub async fn an_index_is_made_again_from_the_minimum(factory: &dyn Factory) -> Outcome {
    let store = factory.open().await?;
    let mut pen = Pen::new(1)?;
    fill(&*store, &mut pen, 299).await?;
    end(&*store, &mut pen, 1).await?;
    let t = &pen.tenant;
    store.publish(t, publication(None, 300)).await?;
    store.prune(t, 256).await?;
    let rows = |range: std::ops::Range<u64>| -> Vec<IndexRow> {
        range
            .map(|index| IndexRow {
                index,
                run: pen.run,
                seq: index,
                time: interlock_core::time::Timestamp::from_micros(index),
                event: "step.started".to_owned(),
                terms: Vec::new(),
            })
            .collect()
    };
    let fault = store.index_put(t, 10, rows(0..10)).await;
    assert!(
        matches!(fault, Err(StoreFault::Refused { .. })),
        "{fault:?}"
    );
    store.index_put(t, 10, Vec::new()).await?;
    assert_eq!(store.index_cursor(t).await?, 10);
    store.index_put(t, 300, rows(256..300)).await?;
    let all = SearchQuery {
        limit: 200,
        ..SearchQuery::default()
    };
    assert_eq!(store.search(t, &all).await?.len(), 44);
    Ok(())
}
