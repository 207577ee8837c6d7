//! How many entries a second a store in SQLite takes: writers that each append one entry at a time to runs of their
//! own, with what one sync of the disk costs beside it. `cargo run --release -p interlock-store --example throughput
//! -- [directory] [seconds]`; the directory says which disk is measured.
#![expect(clippy::print_stdout, reason = "figures are what this is for")]

use std::error::Error;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use interlock_core::id::{EnvironmentName, RunId};
use interlock_core::time::Timestamp;
use interlock_journal::{Canon, Draft, Entry, LeafHash, Object, Text};
use interlock_store::conformance::{Pen, publication};
use interlock_store::{
    Append, Head, IndexRow, LogStore as _, NewEntry, SqliteStore, Store as _, Term,
};

type Failure = Box<dyn Error + Send + Sync>;

/// Entries of a run before its writer goes on with the next.
const RUN_ENTRIES: u64 = 50;
/// Bytes of body that make an entry about as large as those of a model call.
const BODY: usize = 420;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let temp = match arguments.next() {
        Some(dir) => tempfile::tempdir_in(dir)?,
        None => tempfile::tempdir()?,
    };
    let seconds = arguments.next().map_or(Ok(5), |text| text.parse())?;
    println!("one fdatasync of 4 KiB: {:?}", sync_time(temp.path())?);
    for (writers, published) in [(1, false), (16, false), (16, true), (64, false)] {
        let dir = temp.path().join(format!("{writers} {published}"));
        measure(&dir, writers, published, Duration::from_secs(seconds)).await?;
    }
    Ok(())
}

/// The middle one of many syncs.
fn sync_time(dir: &Path) -> Result<Duration, Failure> {
    let mut file = std::fs::File::create(dir.join("sync"))?;
    let mut times = Vec::new();
    for _ in 0..301 {
        file.write_all(&[7; 4096])?;
        let start = Instant::now();
        file.sync_data()?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    Ok(times.get(150).copied().unwrap_or_default())
}

async fn measure(dir: &Path, writers: u64, published: bool, time: Duration) -> Result<(), Failure> {
    let store = Arc::new(SqliteStore::open(dir, &EnvironmentName::parse("dev")?)?);
    let (start, end) = (Instant::now(), Instant::now() + time);
    let mut tasks = Vec::new();
    for writer in 0..writers {
        let store = Arc::clone(&store);
        tasks.push(tokio::spawn(write(store, writer, end)));
    }
    let publisher = published.then(|| tokio::spawn(follow(Arc::clone(&store), end)));
    let mut waits = Vec::new();
    for task in tasks {
        waits.extend(task.await??);
    }
    let taken = start.elapsed();
    if let Some(publisher) = publisher {
        publisher.await??;
    }
    waits.sort_unstable();
    let count = waits.len();
    let at = |part: usize| waits.get(count * part / 1000).copied().unwrap_or_default();
    let tenant = Pen::new(0)?.tenant;
    let read = Instant::now();
    let mut next = 0;
    loop {
        let page = store.log_entries(&tenant, next, u32::MAX).await?;
        if page.is_empty() {
            break;
        }
        next += page.len() as u64;
    }
    println!(
        "{writers:2} writers{}: {:.0} entries/s, half in {:?}, 99 % in {:?}, slowest {:?}; read back {:.0} entries/s",
        if published {
            ", published and indexed"
        } else {
            ""
        },
        count as f64 / taken.as_secs_f64(),
        at(500),
        at(990),
        at(999),
        next as f64 / read.elapsed().as_secs_f64(),
    );
    Ok(())
}

/// Appends until the end, and says how long each append took.
async fn write(
    store: Arc<SqliteStore>,
    writer: u64,
    end: Instant,
) -> Result<Vec<Duration>, Failure> {
    let mut waits = Vec::new();
    for run in 0u64.. {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&run.to_be_bytes());
        id[8..].copy_from_slice(&(writer + 1).to_be_bytes());
        let mut pen = Pen {
            run: RunId::from_bytes(id),
            ..Pen::new(0)?
        };
        for _ in 0..RUN_ENTRIES {
            if Instant::now() >= end {
                return Ok(waits);
            }
            let append = one(&pen)?;
            let start = Instant::now();
            pen.head = Some(store.append(&pen.tenant, append).await?);
            waits.push(start.elapsed());
        }
    }
    Ok(waits)
}

fn one(pen: &Pen) -> Result<Append, Failure> {
    let seq = pen.head.map_or(0, |head| head.seq + 1);
    let entry = Entry::new(Draft {
        tenant: pen.tenant.to_string(),
        environment: "dev".to_owned(),
        run: pen.run.to_string(),
        seq,
        prev: pen.head.map_or(LeafHash::ZERO, |head| head.hash),
        epoch: pen.epoch,
        time: Timestamp::from_micros(seq).to_string(),
        event: "model.requested".to_owned(),
        body: Object::from([(
            Text::parse("body")?,
            Canon::Text(Text::parse("x".repeat(BODY))?),
        )]),
    })?;
    let head = Head {
        seq,
        hash: entry.leaf_hash(),
    };
    Ok(Append {
        entries: vec![NewEntry {
            seq,
            hash: head.hash,
            bytes: entry.into_bytes(),
        }],
        ..pen.write(1, "model.requested")?
    })
}

/// What a publisher and an indexer ask of the store meanwhile: a tree each second, and eight terms for each entry.
async fn follow(store: Arc<SqliteStore>, end: Instant) -> Result<(), Failure> {
    let tenant = Pen::new(0)?.tenant;
    let (mut last, mut at) = (None, Instant::now());
    while Instant::now() < end {
        let cursor = store.index_cursor(&tenant).await?;
        let page = store.log_entries(&tenant, cursor, 256).await?;
        let rows: Vec<IndexRow> = page
            .iter()
            .map(|entry| IndexRow {
                index: entry.index,
                run: entry.run,
                seq: entry.seq,
                time: Timestamp::from_micros(entry.index),
                event: "model.requested".to_owned(),
                terms: (0..8)
                    .map(|n| (Term::Tool, format!("{n} {}", entry.index % (10u64 << n))))
                    .collect(),
            })
            .collect();
        if rows.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        } else {
            store
                .index_put(&tenant, cursor + rows.len() as u64, rows)
                .await?;
        }
        if at.elapsed() >= Duration::from_secs(1) {
            at = Instant::now();
            let size = store.log_size(&tenant).await?;
            let mut next = publication(last, size);
            next.tiles
                .retain(|tile| tile.level > 0 || tile.index >= last.unwrap_or(0) / 256);
            store.publish(&tenant, next).await?;
            last = Some(size);
        }
    }
    Ok(())
}
