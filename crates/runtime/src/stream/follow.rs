//! Follows the published log into one sink. Its place is an index kept in the store's records: an index is dense, so
//! nothing that is sequenced late can be passed over. Only published entries are sent: each line is part of a signed tree.

use std::sync::Arc;

use interlock_core::id::TenantName;
use interlock_journal::NodeHash;
use interlock_journal::tree::verify_inclusion;
use interlock_store::{RecordFault, Store, StoreFault};
use serde::{Deserialize, Serialize};

use crate::export::receipts::Receipts;
use crate::log::StoreLogFiles;

use super::{Format, Line, Signed, Sink, SinkFault};

const KIND: &str = "stream";
/// Lines of one delivery.
const BATCH_LINES_MAX: u32 = 256;

/// Why a stream does not go on. It stays where it is.
#[derive(Debug, thiserror::Error)]
pub enum StreamFault {
    /// The store's.
    #[error("follow the log: {0}")]
    Store(#[from] StoreFault),
    /// The place cannot be kept.
    #[error("keep the stream's place: {0}")]
    Place(#[from] RecordFault),
    /// The sink's.
    #[error(transparent)]
    Sink(#[from] SinkFault),
    /// What the store holds is no entry, or not the one at that index.
    #[error("follow the log: what stands at index {0} is not an entry of it")]
    Damaged(u64),
    /// The record of the place, or the checkpoint, has another form.
    #[error("follow the log: the {0} has another form")]
    Form(&'static str),
}

/// Where a stream is.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    next: u64,
}

/// One stream.
pub struct Follower {
    /// Its name in the configuration; its place is kept under it.
    pub name: String,
    /// The tenant whose log it follows.
    pub tenant: TenantName,
    /// How lines are written.
    pub format: Format,
    /// Where they go.
    pub sink: Arc<dyn Sink>,
}

impl Follower {
    /// Sends what was published since the last time; returns how many lines.
    ///
    /// # Errors
    /// See [`StreamFault`]. What was sent before the error may come again.
    pub async fn once(&self, store: &Arc<dyn Store>) -> Result<u64, StreamFault> {
        let Some(files) = StoreLogFiles::newest(Arc::clone(store), &self.tenant).await? else {
            return Ok(0);
        };
        let published = files.published();
        let root = NodeHash::from_bytes(published.root);
        let signed = Signed {
            origin: origin(&published.checkpoint).ok_or(StreamFault::Form("checkpoint"))?,
            size: published.size,
            root: root.to_string(),
        };
        let mut proofs = Receipts::new(&files);
        let (mut next, mut version) = self.place(store.as_ref()).await?;
        let minimum = store.log_minimum(&self.tenant).await?;
        if next < minimum {
            // The receiver sees it too: their indices have a gap.
            tracing::warn!(
                stream = self.name,
                from = next,
                to = minimum,
                "entries were pruned before they were sent"
            );
            next = minimum;
        }
        let mut sent = 0;
        while next < signed.size {
            let wanted = u32::try_from(signed.size - next)
                .map_or(BATCH_LINES_MAX, |left| left.min(BATCH_LINES_MAX));
            let entries = store.log_entries(&self.tenant, next, wanted).await?;
            let mut lines = Vec::with_capacity(entries.len());
            for (index, entry) in (next..).zip(&entries) {
                let line = Line::new(entry, &signed).map_err(|_| StreamFault::Damaged(index))?;
                let proof = proofs
                    .proof(index)
                    .await
                    .map_err(|_| StreamFault::Damaged(index))?;
                let leaf = line.entry.leaf_hash();
                // What is sent is what the tree holds, whatever stands in the rows by now.
                if line.index() != index
                    || verify_inclusion(leaf, index, signed.size, &proof, root).is_err()
                {
                    return Err(StreamFault::Damaged(index));
                }
                lines.push(line.write(self.format).to_string());
            }
            if lines.is_empty() {
                return Err(StreamFault::Damaged(next));
            }
            self.sink.deliver(&lines).await?;
            let count = lines.len() as u64;
            (next, sent) = (next + count, sent + count);
            version = Some(self.keep(store.as_ref(), next, version).await?);
        }
        Ok(sent)
    }

    async fn place(&self, store: &dyn Store) -> Result<(u64, Option<u64>), StreamFault> {
        let Some(record) = store.record(&self.tenant, KIND, &self.name).await? else {
            return Ok((0, None));
        };
        let place: Place = serde_json::from_slice(&record.bytes)
            .map_err(|_| StreamFault::Form("place of the stream"))?;
        Ok((place.next, Some(record.version)))
    }

    async fn keep(
        &self,
        store: &dyn Store,
        next: u64,
        version: Option<u64>,
    ) -> Result<u64, StreamFault> {
        let bytes = serde_json::to_vec(&Place { next })
            .map_err(|_| StreamFault::Form("place of the stream"))?;
        Ok(store
            .put_record(&self.tenant, KIND, &self.name, version, bytes)
            .await?)
    }
}

/// The first line of a checkpoint.
fn origin(checkpoint: &[u8]) -> Option<String> {
    let line = checkpoint.split(|b| *b == b'\n').next()?;
    let origin = std::str::from_utf8(line).ok()?;
    (!origin.is_empty()).then(|| origin.to_owned())
}
