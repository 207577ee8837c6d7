//! Appends to SQLite from sixteen writers, sealing on, while the log is published: entries a second, how long an
//! append takes, and how long until what was appended is part of a signed tree.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use interlock_bench::{Times, rate, short};
use interlock_core::digest::Digest;
use interlock_core::id::{PayloadId, PrincipalId, RunId, TenantName};
use interlock_core::time::Timestamp;
use interlock_journal::{Draft, Entry, LeafHash, Object};
use interlock_runtime::config::LogConfig;
use interlock_runtime::log::{LogPlace, Publisher};
use interlock_runtime::model::Models;
use interlock_runtime::seal::{Place, Terms};
use interlock_sim::installation::{Endpoints, Installation};
use interlock_store::{Append, Head, NewEntry, RunRow, RunStatus, SealedPayload, Store};

use crate::entries::{self, RUN_ENTRIES};
use crate::{Amount, Anything};

type Sent = Box<dyn std::error::Error + Send + Sync>;

const WRITERS: u64 = 16;
/// Bytes of the payload of each entry.
const CONTENT: usize = 1024;

pub(crate) fn measure(dir: &Path, amount: &Amount) -> Result<String, Anything> {
    let dir = dir.join("store");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let spent = amount.append;
    runtime
        .block_on(async move { tokio::spawn(appending(dir, spent)).await? })
        .map_err(|fault: Sent| fault.to_string().into())
}

async fn appending(dir: std::path::PathBuf, spent: Duration) -> Result<String, Sent> {
    let installation = Installation::open(&dir)?;
    let store = installation.sqlite()?;
    let engine = installation.engine(
        Arc::clone(&store),
        Arc::new(Models::default()),
        installation.doors()?,
        Endpoints::default(),
    )?;
    let place = LogPlace {
        data_dir: dir,
        config: LogConfig::default(),
    };
    let publishing = Publisher::open(Arc::clone(&engine), place).await?.spawn();
    let sealer = installation.sealer(&store);
    let body = entries::body().map_err(|fault| fault.to_string())?;
    let began = Instant::now();
    let until = began + spent;
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let hand = Hand {
                store: Arc::clone(&store),
                sealer: Arc::clone(&sealer),
                environment: installation.environment().clone(),
                body: body.clone(),
            };
            tokio::spawn(async move { hand.write(writer, until).await })
        })
        .collect();
    let watching = tokio::spawn(watch(Arc::clone(&store), until));
    let mut times = Times::default();
    for writer in writers {
        times.extend(writer.await??);
    }
    let count = times.len() as u64;
    let per_second = rate(count, began.elapsed());
    let lags = watching.await??;
    publishing.end().await?;
    println!(
        "append, {WRITERS} writers, one entry and one sealed payload of {CONTENT} bytes each: {per_second:.0}/s, p50 {} p99 {}",
        short(times.percentile(50)),
        short(times.percentile(99)),
    );
    println!(
        "publication after an append: p50 {} p99 {}",
        short(lags.percentile(50)),
        short(lags.percentile(99))
    );
    Ok(format!(
        "append {per_second:.0}/s p99 {} | published p99 {}",
        short(times.percentile(99)),
        short(lags.percentile(99))
    ))
}

/// Looks at the log's size now and then, and how long it takes until as much is published.
async fn watch(store: Arc<dyn Store>, until: Instant) -> Result<Times, Sent> {
    let tenant = TenantName::parse("default")?;
    let mut lags = Times::default();
    let mut waiting: Vec<(u64, Instant)> = Vec::new();
    while Instant::now() < until || !waiting.is_empty() {
        if Instant::now() < until {
            waiting.push((store.log_size(&tenant).await?, Instant::now()));
        }
        let published = store.published(&tenant).await?.map_or(0, |p| p.size);
        waiting.retain(|(size, since)| {
            let covered = *size <= published;
            if covered {
                lags.push(since.elapsed());
            }
            !covered
        });
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(lags)
}

struct Hand {
    store: Arc<dyn Store>,
    sealer: Arc<dyn interlock_runtime::seal::Sealer>,
    environment: interlock_core::id::EnvironmentName,
    body: Object,
}

impl Hand {
    /// Appends to runs of its own, entry after entry; how long each took, sealing included.
    async fn write(&self, writer: u64, until: Instant) -> Result<Times, Sent> {
        let tenant = TenantName::parse("default")?;
        let mut times = Times::default();
        for n in 1u64.. {
            let run =
                RunId::from_bytes(((u128::from(n) << 64) | u128::from(writer + 1)).to_be_bytes());
            let mut head: Option<Head> = None;
            for seq in 0..RUN_ENTRIES {
                let began = Instant::now();
                if began >= until {
                    return Ok(times);
                }
                let append = self.append(&tenant, run, head, seq).await?;
                head = Some(self.store.append(&tenant, append).await?);
                times.push(began.elapsed());
            }
        }
        Ok(times)
    }

    async fn append(
        &self,
        tenant: &TenantName,
        run: RunId,
        head: Option<Head>,
        seq: u64,
    ) -> Result<Append, Sent> {
        let at = Timestamp::from_micros(1_800_000_000_000_000);
        let mut id = run.to_bytes();
        id[0] = 1 + u8::try_from(seq)?;
        let payload = PayloadId::from_bytes(id);
        let place = Place {
            tenant: tenant.clone(),
            environment: self.environment.clone(),
            run,
            payload,
            slot: "reply".to_owned(),
        };
        let terms = Terms {
            class: "default".to_owned(),
            at,
            subjects: BTreeSet::new(),
        };
        let sealed = self.sealer.seal(&place, &terms, &[b'x'; CONTENT]).await?;
        let entry = Entry::new(Draft {
            tenant: tenant.to_string(),
            environment: self.environment.to_string(),
            run: run.to_string(),
            seq,
            prev: head.map_or(LeafHash::ZERO, |head| head.hash),
            epoch: 1,
            time: at.to_string(),
            event: "model.replied".to_owned(),
            body: self.body.clone(),
        })?;
        let hash = entry.leaf_hash();
        Ok(Append {
            run,
            expected: head,
            epoch: 1,
            entries: vec![NewEntry {
                seq,
                bytes: entry.into_bytes(),
                hash,
            }],
            payloads: vec![SealedPayload {
                id: payload,
                run,
                class: terms.class,
                header: sealed.header,
                ciphertext: sealed.ciphertext,
                marks: Vec::new(),
            }],
            row: RunRow {
                run,
                workflow: "bench".to_owned(),
                bundle: Digest::from_bytes([1; 32]),
                state: RunStatus::Active,
                outcome: None,
                wake_at: None,
                started: at,
                updated: at,
                requester: PrincipalId::from_bytes([1; 16]),
                parent: None,
            },
            waits: Vec::new(),
            request_key: None,
        })
    }
}
