//! What only SQLite promises: who may open it, what it refuses, and what a full or damaged disk does.

mod log;
mod scrub;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::conformance::Pen;

#[test]
fn the_directory_and_its_files_are_the_owners_alone() {
    let (_temp, dir) = data_dir();
    let store = SqliteStore::open(&dir, &environment("dev")).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    let files: Vec<_> = fs::read_dir(&dir)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    drop(store);
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o750)).unwrap();
    check(
        &dir,
        "dev",
        "data directory `DIR` has mode 750: other users may enter it",
    );
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).unwrap();
    fs::set_permissions(dir.join(DATABASE_FILE), fs::Permissions::from_mode(0o644)).unwrap();
    check(
        &dir,
        "dev",
        "data directory `DIR/interlock.db` has mode 644: other users may enter it",
    );
}

#[test]
fn one_process_has_it_until_it_lets_go() {
    let (_temp, dir) = data_dir();
    let store = SqliteStore::open(&dir, &environment("dev")).unwrap();
    check(
        &dir,
        "dev",
        &format!(
            "data directory `DIR` is in use by process {}",
            std::process::id()
        ),
    );
    drop(store);
    SqliteStore::open(&dir, &environment("dev")).unwrap();
}

#[test]
fn another_environment_a_newer_schema_and_foreign_files_are_refused() {
    let (_temp, dir) = data_dir();
    drop(SqliteStore::open(&dir, &environment("dev")).unwrap());
    check(
        &dir,
        "production",
        "store is environment `dev`, not `production`",
    );
    meddle(&dir, "UPDATE meta SET value = '99' WHERE key = 'schema'");
    check(
        &dir,
        "dev",
        "store has schema 99, this version knows up to 3",
    );
    let read_only = SqliteStore::open_read_only(&dir).err().unwrap();
    assert_eq!(
        read_only,
        OpenFault::Newer {
            found: 99,
            known: 3
        }
    );
    meddle(&dir, "UPDATE meta SET value = 'x' WHERE key = 'schema'");
    check(
        &dir,
        "dev",
        "`DIR/interlock.db` is not a store of interlock",
    );

    let (_temp, dir) = data_dir();
    prepare_data_dir(&dir).unwrap();
    assert_eq!(
        SqliteStore::open_read_only(&dir).err(),
        Some(OpenFault::Missing { path: dir.clone() })
    );
    data_dir::create_database(&dir).unwrap();
    meddle(&dir, "CREATE TABLE other (a)");
    check(
        &dir,
        "dev",
        "`DIR/interlock.db` is not a store of interlock",
    );
    fs::write(
        dir.join(DATABASE_FILE),
        "hello, this is no database at all".repeat(100),
    )
    .unwrap();
    check(
        &dir,
        "dev",
        "set up the connection: file is not a database (code 26)",
    );
}

#[tokio::test]
async fn reading_goes_on_beside_the_writer_and_writing_is_refused() {
    let (_temp, dir) = data_dir();
    let store = SqliteStore::open(&dir, &environment("dev")).unwrap();
    let reader = SqliteStore::open_read_only(&dir).unwrap();
    assert_eq!(reader.environment(), &environment("dev"));
    let mut pen = Pen::new(1).unwrap();
    for _ in 0..3 {
        let append = pen.write(1, "step.started").unwrap();
        assert_eq!(
            reader.append(&pen.tenant, append.clone()).await,
            Err(AppendFault::Unavailable(StoreFault::ReadOnly {
                operation: "append"
            }))
        );
        pen.head = Some(store.append(&pen.tenant, append).await.unwrap());
        assert_eq!(reader.head(&pen.tenant, pen.run).await.unwrap(), pen.head);
    }
    drop(store);
    assert_eq!(reader.entries(&pen.tenant, pen.run).await.unwrap().len(), 3);
    let alone = SqliteStore::open_read_only(&dir).unwrap();
    assert_eq!(alone.head(&pen.tenant, pen.run).await.unwrap(), pen.head);
}

#[tokio::test]
async fn a_full_disk_stores_nothing_of_the_append_and_recovers() {
    let (_temp, dir) = data_dir();
    let store = SqliteStore::open(&dir, &environment("dev")).unwrap();
    let mut pen = Pen::new(1).unwrap();
    pen.head = Some(
        store
            .append(&pen.tenant, pen.write(1, "step.started").unwrap())
            .await
            .unwrap(),
    );
    limit_pages(&store, "PRAGMA max_page_count = 1").await;
    let mut large = pen.write(1, "step.started").unwrap();
    large.payloads = vec![pen.payload(1, 1024 * 1024)];
    let fault = store.append(&pen.tenant, large.clone()).await.unwrap_err();
    assert_eq!(
        fault.to_string(),
        "append: store is unavailable: the transaction was undone by a fault of the disk"
    );
    assert_eq!(store.head(&pen.tenant, pen.run).await.unwrap(), pen.head);
    limit_pages(&store, "PRAGMA max_page_count = 1000000").await;
    pen.head = Some(store.append(&pen.tenant, large).await.unwrap());
    drop(store);
    let store = SqliteStore::open(&dir, &environment("dev")).unwrap();
    assert_eq!(store.head(&pen.tenant, pen.run).await.unwrap(), pen.head);
}

#[tokio::test]
async fn a_commit_that_fails_is_unknown_and_stores_nothing_here() {
    let (_temp, dir) = data_dir();
    let store = SqliteStore::open(&dir, &environment("dev")).unwrap();
    // A foreign key that is only looked at when the transaction commits.
    let spoil = |c: &rusqlite::Connection| {
        c.execute_batch(
            "PRAGMA defer_foreign_keys = ON;
             INSERT INTO record (tenant, shard, kind, key, version, bytes) VALUES ('x', 0, 'k', 'k', 1, x'00')",
        )
        .map_err(column::fault("spoil"))
    };
    let spoiled = store
        .writer("spoil")
        .unwrap()
        .write("spoil", 0, spoil)
        .await;
    assert_eq!(spoiled, Err(StoreFault::Unknown { operation: "spoil" }));
    let pen = Pen::new(1).unwrap();
    store
        .append(&pen.tenant, pen.write(1, "step.started").unwrap())
        .await
        .unwrap();
    assert_eq!(store.tenants().await.unwrap(), [pen.tenant]);
}

#[tokio::test]
async fn damaged_rows_are_faults_and_not_values() {
    let (_temp, dir) = data_dir();
    let store = SqliteStore::open(&dir, &environment("dev")).unwrap();
    let pen = Pen::new(1).unwrap();
    store
        .append(&pen.tenant, pen.write(1, "step.started").unwrap())
        .await
        .unwrap();
    drop(store);
    meddle(
        &dir,
        "DROP TRIGGER entry_is_not_changed; UPDATE run SET state = 9; UPDATE entry SET hash = x'00'",
    );
    let store = SqliteStore::open(&dir, &environment("dev")).unwrap();
    assert_eq!(
        store.run(&pen.tenant, pen.run).await,
        Err(StoreFault::Damaged {
            operation: "run",
            what: "state"
        })
    );
    assert_eq!(
        store.entries(&pen.tenant, pen.run).await,
        Err(StoreFault::Damaged {
            operation: "entries",
            what: "row"
        })
    );
}

#[tokio::test]
async fn calls_dropped_while_they_wait_do_not_stop_the_others() {
    let (_temp, dir) = data_dir();
    let store = Arc::new(SqliteStore::open(&dir, &environment("dev")).unwrap());
    let mut tasks = Vec::new();
    for n in 0..100 {
        let (store, pen) = (Arc::clone(&store), Pen::new(n).unwrap());
        tasks.push(tokio::spawn(async move {
            store
                .append(&pen.tenant, pen.write(1, "step.started").unwrap())
                .await
        }));
    }
    for task in tasks.iter().step_by(2) {
        task.abort();
    }
    for task in tasks.into_iter().skip(1).step_by(2) {
        task.await.unwrap().unwrap();
    }
    let default = crate::conformance::tenant("default").unwrap();
    assert!(store.totals(&default).await.unwrap().runs >= 50);
}

#[test]
fn the_hot_queries_use_their_indexes() {
    let (_temp, dir) = data_dir();
    drop(SqliteStore::open(&dir, &environment("dev")).unwrap());
    let connection = rusqlite::Connection::open(dir.join(DATABASE_FILE)).unwrap();
    for sql in [
        "SELECT run FROM run WHERE tenant = 'a' AND state = 0 ORDER BY updated, run LIMIT 9",
        "SELECT run FROM run WHERE tenant = 'a' AND state = 1 AND wake_at IS NOT NULL AND wake_at <= 7 \
         ORDER BY wake_at, run LIMIT 9",
        "SELECT id FROM wait WHERE tenant = 'a' ORDER BY since, id LIMIT 9",
        "SELECT run FROM run WHERE tenant = 'a' ORDER BY run DESC LIMIT 9",
        "SELECT bytes FROM entry WHERE tenant = 'a' AND run = x'00' ORDER BY seq",
    ] {
        let mut statement = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap();
        let plan: Vec<String> = statement
            .query_map([], |row| row.get(3))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let plan = plan.join("; ");
        assert!(
            plan.starts_with("SEARCH") && !plan.contains("TEMP B-TREE"),
            "{sql}: {plan}"
        );
    }
}

fn check(dir: &Path, name: &str, expected: &str) {
    let fault = SqliteStore::open(dir, &environment(name)).err().unwrap();
    let text = fault.to_string().replace(&dir.display().to_string(), "DIR");
    assert_eq!(text.strip_prefix("open store: "), Some(expected));
    assert!(!fault.hint().is_empty());
}

fn data_dir() -> (TempDir, PathBuf) {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("data");
    (temp, dir)
}

fn environment(name: &str) -> EnvironmentName {
    EnvironmentName::parse(name).unwrap()
}

/// Changes the file as someone with access to the disk would.
fn meddle(dir: &Path, sql: &str) {
    rusqlite::Connection::open(dir.join(DATABASE_FILE))
        .unwrap()
        .execute_batch(sql)
        .unwrap();
}

async fn limit_pages(store: &SqliteStore, sql: &'static str) {
    let limit = move |c: &rusqlite::Connection| {
        c.query_row(sql, [], |row| row.get::<_, i64>(0))
            .map_err(column::fault("limit pages"))
    };
    store
        .writer("limit pages")
        .unwrap()
        .write("limit pages", 0, limit)
        .await
        .unwrap();
}
