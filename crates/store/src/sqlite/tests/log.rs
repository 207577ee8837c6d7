//! What SQLite adds to the log's contract: migration, triggers, steps that are interrupted, the plans of queries,
//! and what is left of deleted bytes in the files.

use interlock_journal::{ChainName, Verdict, verify_chain};
use rusqlite::{Connection, params};

use super::*;
use crate::conformance::{fill, publication};
use crate::log::{LogStore as _, SearchQuery};
use crate::rows::{RunStatus, StoredEntry};
use crate::{IndexRow, Term};

/// A store as schema 1 left it: two tenants, three runs, of which the one with the smallest id started last.
fn store_of_schema_1(dir: &Path) -> Vec<(Pen, Vec<crate::NewEntry>)> {
    prepare_data_dir(dir).unwrap();
    let file = data_dir::create_database(dir).unwrap();
    let connection = connect::writer(&file).unwrap();
    connection.execute_batch(migrate::STEPS[0]).unwrap();
    connection
        .execute_batch("INSERT INTO meta VALUES ('environment', 'dev'), ('schema', '1')")
        .unwrap();
    let other = crate::conformance::tenant("other").unwrap();
    let mut wrote = Vec::new();
    for (n, started, count, elsewhere) in
        [(1, 900, 3, false), (2, 500, 2, false), (3, 700, 4, true)]
    {
        let mut pen = Pen::new(n).unwrap();
        if elsewhere {
            pen.tenant = other.clone();
        }
        let append = pen.write(count, "step.started").unwrap();
        let (name, run) = (pen.tenant.as_str(), pen.run.to_bytes());
        let last = append.entries.last().unwrap();
        pen.head = Some(Head {
            seq: last.seq,
            hash: last.hash,
        });
        connection
            .execute("INSERT OR IGNORE INTO tenant VALUES (?1, 0, 0)", [name])
            .unwrap();
        connection
            .execute(
                "INSERT INTO run VALUES (?1, 0, ?2, ?3, ?4, 1, 'triage', ?5, 0, NULL, NULL, ?6, 9, ?7, NULL)",
                params![name, run, last.seq as i64, last.hash.to_bytes(), [7u8; 32], started, [9u8; 16]],
            )
            .unwrap();
        for new in &append.entries {
            connection
                .execute(
                    "INSERT INTO entry VALUES (?1, 0, ?2, ?3, ?4, ?5)",
                    params![name, run, new.seq as i64, new.hash.to_bytes(), new.bytes],
                )
                .unwrap();
        }
        let payload = pen.payload(n, 20);
        connection
            .execute(
                "INSERT INTO payload VALUES (?1, 0, ?2, ?3, ?4, ?5, ?6)",
                params![
                    name,
                    payload.id.to_bytes(),
                    run,
                    payload.class,
                    payload.header,
                    payload.ciphertext
                ],
            )
            .unwrap();
        wrote.push((pen, append.entries));
    }
    wrote
}

#[tokio::test]
async fn a_store_of_schema_1_gets_its_indexes_and_goes_on() {
    let (_temp, dir) = data_dir();
    let wrote = store_of_schema_1(&dir);
    let store = SqliteStore::open(&dir, &environment("dev")).unwrap();
    let [first, second, third] = wrote.as_slice() else {
        unreachable!()
    };
    for (tenant, order) in [
        (&first.0.tenant, vec![second, first]),
        (&third.0.tenant, vec![third]),
    ] {
        let expected: Vec<_> = order
            .iter()
            .flat_map(|(pen, entries)| {
                entries
                    .iter()
                    .map(|new| (pen.run, new.seq, new.bytes.clone()))
            })
            .collect();
        let log = store.log_entries(tenant, 0, 100).await.unwrap();
        assert!(
            log.iter()
                .map(|entry| entry.index)
                .eq(0..expected.len() as u64)
        );
        let found: Vec<_> = log.into_iter().map(|e| (e.run, e.seq, e.bytes)).collect();
        assert_eq!(found, expected);
        assert_eq!(store.log_size(tenant).await.unwrap(), expected.len() as u64);
    }
    for (pen, _) in &wrote {
        let mut pen = pen.clone();
        let payload = SealedPayload {
            marks: Vec::new(),
            ..pen.payload(pen.run.to_bytes()[15], 20)
        };
        assert_eq!(
            store.payload(&pen.tenant, payload.id).await.unwrap(),
            Some(payload)
        );
        fill(&store, &mut pen, 2).await.unwrap();
        let chain = store.chain(&pen.tenant, pen.run).await.unwrap();
        let name = ChainName {
            tenant: pen.tenant.to_string(),
            environment: "dev".to_owned(),
            run: pen.run.to_string(),
        };
        let entries = chain.entries.iter().map(StoredEntry::to_verify);
        let verdict = verify_chain(&name, entries, chain.head.map(Into::into));
        assert!(matches!(verdict, Verdict::Whole { .. }), "{verdict}");
    }
    assert_eq!(store.log_size(&first.0.tenant).await.unwrap(), 9);
}

#[tokio::test]
async fn triggers_stand_before_entries() {
    let (_temp, dir) = data_dir();
    let store = SqliteStore::open(&dir, &environment("dev")).unwrap();
    let mut pen = Pen::new(1).unwrap();
    fill(&store, &mut pen, 5).await.unwrap();
    drop(store);
    let connection = Connection::open(dir.join(DATABASE_FILE)).unwrap();
    for sql in [
        "UPDATE entry SET bytes = x'00'",
        "UPDATE entry SET seq = 9 WHERE seq = 4",
        "DELETE FROM entry",
        "DELETE FROM entry WHERE seq = 4",
        "UPDATE log SET size = 4",
        "UPDATE log SET number = 4",
        "UPDATE log SET minimum = 2; UPDATE log SET minimum = 1",
        "DELETE FROM entry WHERE place = 2",
    ] {
        let error = connection.execute_batch(sql).unwrap_err().to_string();
        assert!(
            error.contains("entry is") || error.contains("only grows"),
            "{sql}: {error}"
        );
    }
    assert_eq!(
        connection.execute("DELETE FROM entry WHERE place < 2", []),
        Ok(2)
    );
}

#[tokio::test]
async fn an_interrupted_pruning_hides_what_is_left_and_is_finished_later() {
    let (_temp, dir) = data_dir();
    let store = SqliteStore::open(&dir, &environment("dev")).unwrap();
    let mut pen = Pen::new(1).unwrap();
    fill(&store, &mut pen, 2600).await.unwrap();
    let ended = Append {
        row: pen.row(RunStatus::Ended),
        ..pen.write(1, "run.ended").unwrap()
    };
    store.append(&pen.tenant, ended).await.unwrap();
    store
        .publish(&pen.tenant, publication(None, 2600))
        .await
        .unwrap();
    let tenant = pen.tenant.clone();
    let begin = move |c: &Connection| {
        prune::begin(c, &tenant, 2560)?;
        prune::step(c, &tenant)
    };
    assert_eq!(on_writer(&store, begin).await, Ok(true));
    drop(store);
    let store = SqliteStore::open(&dir, &environment("dev")).unwrap();
    assert_eq!(store.log_minimum(&pen.tenant).await.unwrap(), 2560);
    assert!(
        store
            .log_entries(&pen.tenant, 1500, 9)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        store.log_index(&pen.tenant, pen.run, 1500).await.unwrap(),
        None
    );
    let pruned = |entries| {
        Err(StoreFault::Pruned {
            operation: "entries",
            entries,
        })
    };
    assert_eq!(store.chain(&pen.tenant, pen.run).await, pruned(1000));
    store.prune(&pen.tenant, 2560).await.unwrap();
    assert_eq!(store.chain(&pen.tenant, pen.run).await, pruned(2560));
    assert_eq!(
        store
            .log_entries(&pen.tenant, 2560, 99)
            .await
            .unwrap()
            .len(),
        41
    );
    assert_eq!(store.totals(&pen.tenant).await.unwrap().entries, 41);
    assert_eq!(
        store
            .tiles(&pen.tenant, &[(0, 9), (0, 10)])
            .await
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn an_interrupted_clearing_hides_what_is_left_and_is_overwritten() {
    let (_temp, dir) = data_dir();
    let store = SqliteStore::open(&dir, &environment("dev")).unwrap();
    let mut pen = Pen::new(1).unwrap();
    fill(&store, &mut pen, 10).await.unwrap();
    let rows = |word: &str| -> Vec<IndexRow> {
        (0..10)
            .map(|index| IndexRow {
                index,
                run: pen.run,
                seq: index,
                time: Timestamp::from_micros(1),
                event: "step.started".to_owned(),
                terms: vec![(Term::Tool, word.to_owned())],
            })
            .collect()
    };
    let query = |word: &str| SearchQuery {
        terms: vec![(Term::Tool, word.to_owned())],
        limit: 99,
        ..SearchQuery::default()
    };
    store.index_put(&pen.tenant, 10, rows("old")).await.unwrap();
    let tenant = pen.tenant.clone();
    on_writer(&store, move |c| search::begin_clear(c, &tenant))
        .await
        .unwrap();
    assert!(
        store
            .search(&pen.tenant, &query("old"))
            .await
            .unwrap()
            .is_empty()
    );
    let mut half = rows("new");
    half.truncate(5);
    store.index_put(&pen.tenant, 5, half).await.unwrap();
    assert!(
        store
            .search(&pen.tenant, &query("old"))
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        store
            .search(&pen.tenant, &query("new"))
            .await
            .unwrap()
            .len(),
        5
    );
    store.index_clear(&pen.tenant).await.unwrap();
    let left = on_writer(&store, |c| {
        c.query_row(
            "SELECT (SELECT count(*) FROM term) + (SELECT count(*) FROM entry_index)",
            [],
            |row| row.get::<_, i64>(0),
        )
        .map_err(column::fault("count"))
    });
    assert_eq!(left.await, Ok(0));
}

#[tokio::test]
async fn a_hole_in_the_log_is_damage() {
    let (_temp, dir) = data_dir();
    let store = SqliteStore::open(&dir, &environment("dev")).unwrap();
    let mut pen = Pen::new(1).unwrap();
    fill(&store, &mut pen, 5).await.unwrap();
    drop(store);
    meddle(
        &dir,
        "DROP TRIGGER entry_is_not_deleted; DELETE FROM entry WHERE place = 2",
    );
    let store = SqliteStore::open(&dir, &environment("dev")).unwrap();
    let damaged = Err(StoreFault::Damaged {
        operation: "log entries",
        what: "order of the log",
    });
    assert_eq!(store.log_entries(&pen.tenant, 0, 5).await, damaged);
    assert_eq!(store.log_entries(&pen.tenant, 3, 5).await.unwrap().len(), 2);
}

#[test]
fn the_logs_queries_use_their_indexes() {
    let (_temp, dir) = data_dir();
    drop(SqliteStore::open(&dir, &environment("dev")).unwrap());
    let connection = Connection::open(dir.join(DATABASE_FILE)).unwrap();
    let mut sqls = vec![
        ("SELECT bytes FROM entry WHERE place >= 1 AND place < 9 AND +tenant = 'a' ORDER BY place".to_owned(), "PRIMARY KEY"),
        ("SELECT note FROM checkpoint WHERE tenant = 'a' AND size < 9 ORDER BY size DESC LIMIT 9".to_owned(), "sqlite_autoindex_checkpoint"),
        ("SELECT bytes FROM tile WHERE tenant = 'a' AND level = 0 AND idx = 7".to_owned(), "sqlite_autoindex_tile"),
        ("DELETE FROM term WHERE place BETWEEN 1 AND 9".to_owned(), "term_place"),
        ("DELETE FROM payload WHERE tenant = 'a' AND run = x'00'".to_owned(), "payload_run"),
    ];
    let default = crate::conformance::tenant("default").unwrap();
    let query = SearchQuery {
        terms: vec![(Term::Tool, "a".to_owned())],
        events: vec!["a.b".to_owned()],
        run: Some(RunId::from_bytes([1; 16])),
        ..SearchQuery::default()
    };
    let parts = search::parts(&default, &query);
    assert_eq!(parts.len(), 4);
    for (n, index) in [
        "PRIMARY KEY",
        "entry_index_run",
        "entry_index_event",
        "PRIMARY KEY",
    ]
    .into_iter()
    .enumerate()
    {
        sqls.push((search::walk(&parts, n, &query, [0, 9]).0, index));
    }
    for (sql, index) in sqls {
        let mut statement = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap();
        let count = statement.parameter_count();
        let plan: Vec<String> = statement
            .query_map(rusqlite::params_from_iter(vec![1; count]), |row| row.get(3))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let plan = plan.join("; ");
        assert!(
            plan.starts_with("SEARCH")
                && plan.split(';').next().unwrap().contains(index)
                && !plan.contains("TEMP B-TREE")
                && !plan.contains("SCAN"),
            "{sql}: {plan}"
        );
    }
}

async fn on_writer<T: Send + 'static>(
    store: &SqliteStore,
    work: impl FnOnce(&Connection) -> Result<T, StoreFault> + Send + 'static,
) -> Result<T, StoreFault> {
    store.writer("test").unwrap().write("test", 0, work).await
}
