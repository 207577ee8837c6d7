//! The chain after pruning: what leaves the log of it stays beside the log, as bytes, since holds, erasures and policies
//! in force are known from it alone. Read back, both halves are one chain and verified as one.

use interlock_journal::leaf_hash;
use interlock_store::{Chain, StoredEntry};

use super::ADMINISTRATION_RUN;
use crate::codec::PayloadNote;
use crate::engine::{Engine, Fault};

/// Entries under one record kind: a store bounds the records of each.
const SHELF: u64 = 4096;

fn kind(seq: u64) -> String {
    format!("administration_kept.{}", seq / SHELF)
}

/// Rising as the places do.
fn key(seq: u64) -> String {
    format!("{seq:020}")
}

impl Engine {
    /// Keeps the entries of the chain that lie below an index of the log, before they leave it.
    pub(crate) async fn keep_administration(&self, below: u64) -> Result<(), Fault> {
        let Some(head) = self.store().head(self.tenant(), ADMINISTRATION_RUN).await? else {
            return Ok(());
        };
        for seq in 0..=head.seq {
            let tenant = self.tenant();
            let place = self
                .store()
                .log_index(tenant, ADMINISTRATION_RUN, seq)
                .await?;
            // None: it was pruned before, and kept then.
            let Some(index) = place else { continue };
            if index >= below {
                return Ok(());
            }
            if let Some(entry) = self.administration_stored(seq).await? {
                self.put_once(&kind(seq), &key(seq), entry.bytes).await?;
            }
        }
        Ok(())
    }

    /// The sealed reasons whose entries have left the log: their payloads stay, and a walk over the log does not meet
    /// them. Each is sealed in [`ADMINISTRATION_RUN`]'s place.
    ///
    /// # Errors
    /// The chain does not verify, or the store cannot be read.
    pub async fn reasons_beside_log(&self) -> Result<Vec<PayloadNote>, Fault> {
        let tenant = self.tenant();
        let chain = self.store().chain(tenant, ADMINISTRATION_RUN).await?;
        let first = chain.entries.first().map_or(0, |entry| entry.seq);
        let acts = self.administered().await?;
        let beside = acts.into_iter().filter(|act| act.seq < first);
        Ok(beside.filter_map(|act| act.reason).collect())
    }

    /// One entry of the chain, where the log still has it.
    pub(super) async fn administration_stored(
        &self,
        seq: u64,
    ) -> Result<Option<StoredEntry>, Fault> {
        let tenant = self.tenant();
        let place = self
            .store()
            .log_index(tenant, ADMINISTRATION_RUN, seq)
            .await?;
        let Some(index) = place else {
            return Ok(None);
        };
        let page = self.store().log_entries(tenant, index, 1).await?;
        Ok(page
            .into_iter()
            .find(|entry| entry.run == ADMINISTRATION_RUN && entry.seq == seq)
            .map(|entry| StoredEntry {
                seq,
                bytes: entry.bytes,
                hash: entry.hash,
            }))
    }

    /// The whole chain, from beside the log and from it. A missing entry is for the verifier to name.
    pub(super) async fn administration_chain(&self) -> Result<Chain, Fault> {
        let mut chain = self
            .store()
            .chain(self.tenant(), ADMINISTRATION_RUN)
            .await?;
        let first = chain.entries.first().map_or(0, |entry| entry.seq);
        let mut entries = Vec::new();
        for shelf in 0..first.div_ceil(SHELF) {
            let records = self
                .store()
                .records(self.tenant(), &kind(shelf * SHELF))
                .await?;
            entries.extend(records.into_iter().filter_map(|record| {
                let seq = record.key.parse().ok().filter(|seq| *seq < first)?;
                Some(StoredEntry {
                    seq,
                    hash: leaf_hash(&record.bytes),
                    bytes: record.bytes,
                })
            }));
        }
        entries.append(&mut chain.entries);
        Ok(Chain {
            head: chain.head,
            entries,
        })
    }
}
