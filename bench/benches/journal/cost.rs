//! What sealing and chaining cost one step, each as its own line, without the disk.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use interlock_bench::short;
use interlock_core::id::{EnvironmentName, PayloadId, RunId, TenantName};
use interlock_core::time::Timestamp;
use interlock_runtime::clock::{SystemClock, SystemEntropy};
use interlock_runtime::keys::{FileKeys, Keys, KeysParts};
use interlock_runtime::seal::{MemoryKeyBook, PayloadSealer, Place, Sealer as _, Terms};

use crate::Anything;
use crate::entries::Pen;

const TIMES: u32 = 20_000;
/// Bytes of a payload.
const CONTENT: usize = 1024;

pub(crate) fn measure() -> Result<String, Anything> {
    let chain = chaining()?;
    let seal = tokio::runtime::Builder::new_current_thread()
        .build()?
        .block_on(sealing())?;
    println!(
        "chaining: encode and hash one entry of some 700 bytes: {}",
        short(chain)
    );
    println!(
        "sealing: one payload of {CONTENT} bytes, its keys at hand: {}",
        short(seal)
    );
    Ok(format!(
        "per step: chaining {}, sealing {}",
        short(chain),
        short(seal)
    ))
}

fn chaining() -> Result<Duration, Anything> {
    let mut pen = Pen::new()?;
    let began = Instant::now();
    for _ in 0..TIMES {
        black_box(pen.entry()?);
    }
    Ok(began.elapsed() / TIMES)
}

async fn sealing() -> Result<Duration, Anything> {
    let entropy = Arc::new(SystemEntropy);
    let keys = Keys::new(KeysParts {
        provider: Arc::new(FileKeys::ephemeral(entropy.clone())?),
        book: Arc::new(MemoryKeyBook::default()),
        environment: EnvironmentName::parse("bench")?,
        entropy: entropy.clone(),
        clock: Arc::new(SystemClock),
        holders: Vec::new(),
    });
    let sealer = PayloadSealer::new(Arc::new(keys), entropy);
    let content = [b'x'; CONTENT];
    let mut place = Place {
        tenant: TenantName::parse("default")?,
        environment: EnvironmentName::parse("bench")?,
        run: RunId::from_bytes([1; 16]),
        payload: PayloadId::from_bytes([0; 16]),
        slot: "reply".to_owned(),
    };
    let terms = Terms {
        class: "default".to_owned(),
        at: Timestamp::from_micros(1_800_000_000_000_000),
        subjects: std::collections::BTreeSet::new(),
    };
    sealer.seal(&place, &terms, &content).await?;
    let began = Instant::now();
    for n in 0..TIMES {
        place.payload = PayloadId::from_bytes(u128::from(n).to_be_bytes());
        black_box(sealer.seal(&place, &terms, &content).await?);
    }
    Ok(began.elapsed() / TIMES)
}
