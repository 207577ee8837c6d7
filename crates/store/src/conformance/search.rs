//! Cases on the search index: its cursor, its queries, its clearing.

use std::sync::Arc;

use interlock_core::time::Timestamp;

use super::log::fill;
use super::{Factory, Failure, Outcome, Pen, tenant};
use crate::Store;
use crate::fault::StoreFault;
use crate::limits::{
    INDEX_ROWS_MAX, INDEX_TERMS_MAX, KEY_BYTES_MAX, SEARCH_EVENTS_MAX, SEARCH_TERMS_MAX,
};
use crate::log::{IndexRow, SearchQuery, Term};

fn at(micros: u64) -> Timestamp {
    Timestamp::from_micros(micros)
}

/// What the cases index of the entry at an index: terms by its remainders, so that answers can be computed.
fn row(pen: &Pen, index: u64) -> IndexRow {
    let mut terms = vec![
        (Term::Workflow, "triage".to_owned()),
        (Term::Person, format!("ann {}", index % 3)),
        (Term::Tool, format!("ann {}", index % 5)),
        (Term::Tool, format!("ann {}", index % 5)),
    ];
    if index == 7 {
        terms.push((Term::Subject, "caf\u{e9} \u{5317}\u{4eac}".to_owned()));
    }
    IndexRow {
        index,
        run: pen.run,
        seq: index,
        time: at(1000 + index / 2),
        event: if index.is_multiple_of(4) {
            "tool.called"
        } else {
            "step.started"
        }
        .to_owned(),
        terms,
    }
}

async fn indexed(store: &dyn Store, pen: &mut Pen, count: u64) -> Outcome {
    fill(store, pen, count).await?;
    let rows = (0..count).map(|index| row(pen, index)).collect();
    Ok(store.index_put(&pen.tenant, count, rows).await?)
}

/// Rows go on where the cursor is, one for each entry; the same step again changes nothing.
pub async fn the_index_goes_on_at_its_cursor(factory: &dyn Factory) -> Outcome {
    let store = factory.open().await?;
    let mut pen = Pen::new(1)?;
    fill(&*store, &mut pen, 50).await?;
    let t = &pen.tenant;
    let rows = |range: std::ops::Range<u64>| range.map(|i| row(&pen, i)).collect::<Vec<_>>();
    assert_eq!(store.index_cursor(t).await?, 0);
    store.index_put(t, 20, rows(0..20)).await?;
    store.index_put(t, 20, rows(0..20)).await?;
    store.index_put(t, 10, rows(0..10)).await?;
    for (name, upto, rows) in [
        ("too early", 30, rows(10..30)),
        ("too late", 30, rows(21..30)),
        ("hole", 30, rows(20..29)),
        ("too many", 30, rows(20..31)),
        ("beyond the log", 51, rows(20..51)),
        ("order", 30, rows(20..30).into_iter().rev().collect()),
    ] {
        let fault = store.index_put(t, upto, rows).await;
        assert!(
            matches!(fault, Err(StoreFault::Refused { .. })),
            "{name}: {fault:?}"
        );
    }
    drop(store);
    let store = factory.open().await?;
    assert_eq!(store.index_cursor(t).await?, 20);
    store.index_put(t, 50, rows(20..50)).await?;
    let all = SearchQuery {
        limit: 99,
        ..SearchQuery::default()
    };
    assert_eq!(
        store.search(t, &all).await?,
        (0..50).rev().collect::<Vec<_>>()
    );

    store.index_clear(t).await?;
    assert_eq!(
        (store.index_cursor(t).await?, store.search(t, &all).await?),
        (0, vec![])
    );
    store.index_put(t, 30, rows(0..30)).await?;
    assert_eq!(store.search(t, &all).await?.len(), 30);
    let other = tenant("other")?;
    store.index_clear(&other).await?;
    assert_eq!(
        (
            store.index_cursor(&other).await?,
            store.search(&other, &all).await?
        ),
        (0, vec![])
    );
    Ok(())
}

/// Indexers that race leave one index, whole.
pub async fn indexers_race_without_harm(factory: &dyn Factory) -> Outcome {
    const ENTRIES: u64 = 200;
    let store = factory.open().await?;
    let mut pen = Pen::new(1)?;
    fill(&*store, &mut pen, ENTRIES).await?;
    let mut tasks = Vec::new();
    for step in [7, 10, 13] {
        let (store, pen) = (Arc::clone(&store), pen.clone());
        tasks.push(tokio::spawn(async move {
            loop {
                let cursor = store.index_cursor(&pen.tenant).await?;
                if cursor == ENTRIES {
                    return Ok::<_, Failure>(());
                }
                let upto = (cursor + step).min(ENTRIES);
                let rows = (cursor..upto).map(|index| row(&pen, index)).collect();
                match store.index_put(&pen.tenant, upto, rows).await {
                    Ok(()) | Err(StoreFault::Refused { .. }) => {}
                    Err(fault) => return Err(fault.into()),
                }
            }
        }));
    }
    for task in tasks {
        task.await??;
    }
    let all = SearchQuery {
        limit: 200,
        ..SearchQuery::default()
    };
    let found = store.search(&pen.tenant, &all).await?;
    assert_eq!(found, (0..ENTRIES).rev().collect::<Vec<_>>());
    Ok(())
}

/// A search finds the entries for which every part of the query holds, newest first, in pages.
pub async fn a_search_finds_where_every_part_holds(factory: &dyn Factory) -> Outcome {
    const ENTRIES: u64 = 120;
    let store = factory.open().await?;
    let (mut pen, absent) = (Pen::new(1)?, Pen::new(2)?);
    indexed(&*store, &mut pen, ENTRIES).await?;
    let mut there = Pen {
        tenant: tenant("other")?,
        ..pen.clone()
    };
    there.head = None;
    indexed(&*store, &mut there, 8).await?;
    let person = |n: u64| (Term::Person, format!("ann {n}"));
    let tool = |n: u64| (Term::Tool, format!("ann {n}"));
    let event = |name: &str| vec![name.to_owned()];
    let base = SearchQuery {
        limit: 200,
        ..SearchQuery::default()
    };
    let queries = [
        base.clone(),
        SearchQuery {
            terms: vec![person(1)],
            ..base.clone()
        },
        SearchQuery {
            terms: vec![person(1), tool(2)],
            ..base.clone()
        },
        SearchQuery {
            terms: vec![tool(2), (Term::Workflow, "triage".to_owned()), person(1)],
            ..base.clone()
        },
        SearchQuery {
            terms: vec![person(1), person(2)],
            ..base.clone()
        },
        SearchQuery {
            terms: vec![(Term::Workflow, "ann 1".to_owned())],
            ..base.clone()
        },
        SearchQuery {
            terms: vec![(Term::Subject, "caf\u{e9} \u{5317}\u{4eac}".to_owned())],
            ..base.clone()
        },
        SearchQuery {
            terms: vec![(Term::Subject, "' OR 1 --".to_owned())],
            ..base.clone()
        },
        SearchQuery {
            events: event("tool.called"),
            ..base.clone()
        },
        SearchQuery {
            events: event("tool.returned"),
            ..base.clone()
        },
        SearchQuery {
            events: vec!["tool.called".to_owned(), "step.started".to_owned()],
            terms: vec![tool(0)],
            ..base.clone()
        },
        SearchQuery {
            from: Some(at(1010)),
            to: Some(at(1020)),
            ..base.clone()
        },
        SearchQuery {
            from: Some(at(1059)),
            terms: vec![tool(4)],
            ..base.clone()
        },
        SearchQuery {
            to: Some(at(999)),
            ..base.clone()
        },
        SearchQuery {
            from: Some(at(1020)),
            to: Some(at(1010)),
            ..base.clone()
        },
        SearchQuery {
            run: Some(pen.run),
            events: event("tool.called"),
            from: Some(at(1010)),
            terms: vec![person(0)],
            ..base.clone()
        },
        SearchQuery {
            run: Some(absent.run),
            ..base.clone()
        },
        SearchQuery {
            below: Some(30),
            terms: vec![person(2)],
            ..base.clone()
        },
        SearchQuery {
            below: Some(0),
            ..base.clone()
        },
        SearchQuery {
            limit: 0,
            ..base.clone()
        },
    ];
    for query in queries {
        let expected: Vec<u64> = (0..ENTRIES)
            .rev()
            .filter(|index| holds(&query, &row(&pen, *index)))
            .take(query.limit as usize)
            .collect();
        let plain = format!("{:?} {:?}", query.terms, query);
        assert_eq!(
            store.search(&pen.tenant, &query).await?,
            expected,
            "{plain}"
        );
        let mut paged = Vec::new();
        let mut page = SearchQuery {
            limit: query.limit.min(7),
            ..query.clone()
        };
        loop {
            let found = store.search(&pen.tenant, &page).await?;
            let Some(last) = found.last() else { break };
            page.below = Some(*last);
            paged.extend(found);
        }
        assert_eq!(paged, expected, "{plain}, in pages");
    }
    assert_eq!(store.search(&there.tenant, &base).await?.len(), 8);
    let nothing = store.search(&tenant("absent")?, &base).await?;
    assert!(nothing.is_empty());
    Ok(())
}

fn holds(query: &SearchQuery, row: &IndexRow) -> bool {
    query.terms.iter().all(|term| row.terms.contains(term))
        && (query.events.is_empty() || query.events.contains(&row.event))
        && query.from.is_none_or(|from| row.time >= from)
        && query.to.is_none_or(|to| row.time <= to)
        && query.run.is_none_or(|run| row.run == run)
        && query.below.is_none_or(|below| row.index < below)
}

/// Rows and queries over a bound are refused.
pub async fn the_index_is_bounded(factory: &dyn Factory) -> Outcome {
    let store = factory.open().await?;
    let mut pen = Pen::new(1)?;
    fill(&*store, &mut pen, 1).await?;
    let t = &pen.tenant;
    type Spoil = fn(&mut Vec<IndexRow>);
    let spoil: [(&str, Spoil); 5] = [
        ("rows", |rows| {
            *rows = rows
                .iter()
                .cycle()
                .take(INDEX_ROWS_MAX + 1)
                .cloned()
                .collect();
        }),
        ("terms", |rows| {
            let many = vec![(Term::Tool, "x".to_owned()); INDEX_TERMS_MAX + 1];
            rows.iter_mut().for_each(|row| row.terms = many.clone());
        }),
        ("long term", |rows| {
            let long = (Term::Tool, "x".repeat(KEY_BYTES_MAX + 1));
            rows.iter_mut()
                .for_each(|row| row.terms = vec![long.clone()]);
        }),
        ("empty term", |rows| {
            rows.iter_mut()
                .for_each(|row| row.terms = vec![(Term::Tool, String::new())]);
        }),
        ("event", |rows| {
            rows.iter_mut().for_each(|row| row.event.clear())
        }),
    ];
    for (name, spoil) in spoil {
        let mut rows = vec![row(&pen, 0)];
        spoil(&mut rows);
        let fault = store.index_put(t, 1, rows).await;
        assert!(
            matches!(fault, Err(StoreFault::Refused { .. })),
            "{name}: {fault:?}"
        );
    }
    let many = [
        SearchQuery {
            terms: vec![(Term::Tool, "x".to_owned()); SEARCH_TERMS_MAX + 1],
            ..SearchQuery::default()
        },
        SearchQuery {
            events: vec!["a.b".to_owned(); SEARCH_EVENTS_MAX + 1],
            ..SearchQuery::default()
        },
        SearchQuery {
            terms: vec![(Term::Tool, "x".repeat(KEY_BYTES_MAX + 1))],
            ..SearchQuery::default()
        },
    ];
    for query in many {
        let fault = store.search(t, &query).await;
        assert!(
            matches!(fault, Err(StoreFault::Refused { .. })),
            "{fault:?}"
        );
    }
    assert_eq!(store.index_cursor(t).await?, 0);
    Ok(())
}
