//! Kills a process that appends, again and again at no particular moment: what it had been told is stored is
//! there, and every chain verifies. The page cache survives a kill, so this says nothing of power cuts.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use interlock_core::id::RunId;
use interlock_journal::{ChainName, Verdict, leaf_hash, verify_chain};
use interlock_store::conformance::Pen;
use interlock_store::{AppendFault, LogStore as _, SqliteStore, Store, StoredEntry};

const ROUNDS: u64 = 12;
const RUNS: u8 = 6;
/// Where the child finds its data directory; without it the child has nothing to do.
const DIRECTORY: &str = "STORE_KILL_DIRECTORY";

#[tokio::test]
async fn a_kill_loses_nothing_that_was_acknowledged() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("data");
    let mut acknowledged: BTreeMap<u8, (u64, String)> = BTreeMap::new();
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "kill::child",
                "--ignored",
                "--nocapture",
                "--test-threads=1",
            ])
            .env(DIRECTORY, &dir)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let reading =
            std::thread::spawn(move || output.lines().map_while(Result::ok).collect::<Vec<_>>());
        std::thread::sleep(Duration::from_millis(60 + 37 * round % 150));
        child.kill().unwrap();
        child.wait().unwrap();
        for line in reading.join().unwrap() {
            // The last line may be cut; it is then no acknowledgement that anyone saw.
            let words: Vec<&str> = line.split(' ').collect();
            if let ["ack", run, seq, hash, "."] = words[..] {
                acknowledged.insert(
                    run.parse().unwrap(),
                    (seq.parse().unwrap(), hash.to_owned()),
                );
            }
        }
        check(&dir, &acknowledged).await;
    }
    assert_eq!(
        acknowledged.len(),
        usize::from(RUNS),
        "the child appended nothing"
    );
}

/// Every acknowledged entry is in its place with its hash, and no chain is broken.
async fn check(dir: &Path, acknowledged: &BTreeMap<u8, (u64, String)>) {
    let store = SqliteStore::open(dir, &crate::dev()).unwrap();
    check_log(&store).await;
    for n in 0..RUNS {
        let pen = Pen::new(n).unwrap();
        let chain = store.chain(&pen.tenant, pen.run).await.unwrap();
        let name = ChainName {
            tenant: pen.tenant.to_string(),
            environment: "dev".to_owned(),
            run: pen.run.to_string(),
        };
        let entries = chain.entries.iter().map(StoredEntry::to_verify);
        let verdict = verify_chain(&name, entries, chain.head.map(Into::into));
        assert!(
            matches!(verdict, Verdict::Whole { .. }),
            "run {n}: {verdict}"
        );
        if let Some((seq, hash)) = acknowledged.get(&n) {
            let kept = chain
                .entries
                .iter()
                .find(|entry| entry.seq == *seq)
                .map(|entry| entry.hash.to_string());
            assert_eq!(
                kept.as_ref(),
                Some(hash),
                "run {n}: entry {seq} was acknowledged"
            );
        }
    }
}

/// The log holds every entry once, without a hole, each run's in their order.
async fn check_log(store: &SqliteStore) {
    let tenant = Pen::new(0).unwrap().tenant;
    let mut next: BTreeMap<RunId, u64> = BTreeMap::new();
    let mut size = 0;
    loop {
        let page = store.log_entries(&tenant, size, u32::MAX).await.unwrap();
        if page.is_empty() {
            break;
        }
        for entry in page {
            assert_eq!(entry.index, size);
            assert_eq!(entry.hash, leaf_hash(&entry.bytes));
            let seq = next.entry(entry.run).or_default();
            assert_eq!(entry.seq, *seq);
            *seq += 1;
            size += 1;
        }
    }
    assert_eq!(store.log_size(&tenant).await.unwrap(), size);
    let heads = next.iter().map(|(run, count)| (*run, count - 1));
    for (run, last) in heads {
        let head = store.head(&tenant, run).await.unwrap();
        assert_eq!(head.map(|head| head.seq), Some(last));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the process that is killed"]
async fn child() {
    let Some(dir) = std::env::var_os(DIRECTORY) else {
        return;
    };
    let store = Arc::new(SqliteStore::open(Path::new(&dir), &crate::dev()).unwrap());
    let mut tasks = Vec::new();
    for n in 0..RUNS {
        let store = Arc::clone(&store);
        tasks.push(tokio::spawn(append_for_ever(store, n)));
    }
    for task in tasks {
        task.await.unwrap();
    }
}

async fn append_for_ever(store: Arc<SqliteStore>, n: u8) {
    let mut pen = Pen::new(n).unwrap();
    pen.head = store.head(&pen.tenant, pen.run).await.unwrap();
    if let Some(epoch) = store.claim(&pen.tenant, pen.run).await.unwrap() {
        pen.epoch = epoch;
    }
    for round in 0u64.. {
        let append = pen.write(1 + round % 3, "step.started").unwrap();
        let head = match store.append(&pen.tenant, append).await {
            Ok(head) => head,
            // The run is as long as a run may be.
            Err(AppendFault::TooLarge { .. }) => return,
            other => other.unwrap(),
        };
        pen.head = Some(head);
        let line = format!("ack {n} {} {} .\n", head.seq, head.hash);
        std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
    }
}
