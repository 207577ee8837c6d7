//! Brings the search index up to the log, and makes it anew. Indices are dense, so the cursor passes over nothing; an
//! interrupted step is made again as a whole.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use interlock_core::id::RunId;
use interlock_journal::Entry;
use interlock_store::limits::{INDEX_ROWS_MAX, INDEX_TERMS_MAX};
use interlock_store::{ADMINISTRATION_RUN, IndexRow, LogEntry, Term};
use serde_json::Value;

use super::{Terms, terms};
use crate::codec;
use crate::engine::{Engine, Fault};
use crate::seal::SealFault;

/// Runs whose terms are kept at hand.
const RUNS_HELD_MAX: usize = 4096;

/// Between two looks at the log.
const INTERVAL: Duration = Duration::from_secs(1);

/// Keeps the index up with the log until the task is dropped. A failure is said and tried again.
pub async fn keep_indexed(engine: Arc<Engine>) {
    loop {
        if let Err(fault) = engine.index().await {
            tracing::warn!(%fault, "the search index does not go on");
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

/// How far the index came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Indexed {
    /// Entries added.
    pub added: u64,
    /// Entries that it covers now.
    pub upto: u64,
}

impl Engine {
    /// Adds what the log has and the index has not.
    ///
    /// # Errors
    /// The store cannot be read or written, or holds what is no entry.
    pub async fn index(&self) -> Result<Indexed, Fault> {
        self.index_telling(&mut |_, _| {}).await
    }

    /// The same, telling after each step how many of how many entries are covered.
    ///
    /// # Errors
    /// As [`Engine::index`].
    pub async fn index_telling(
        &self,
        tell: &mut (dyn FnMut(u64, u64) + Send),
    ) -> Result<Indexed, Fault> {
        let (store, tenant) = (self.store(), self.tenant());
        let mut runs: BTreeMap<RunId, Terms> = BTreeMap::new();
        let mut added = 0;
        loop {
            let cursor = store.index_cursor(tenant).await?;
            let size = store.log_size(tenant).await?;
            let from = cursor.max(store.log_minimum(tenant).await?);
            let limit = u32::try_from(INDEX_ROWS_MAX).unwrap_or(u32::MAX);
            let entries = store.log_entries(tenant, from, limit).await?;
            let Some(last) = entries.last() else {
                return Ok(Indexed {
                    added,
                    upto: cursor,
                });
            };
            let upto = last.index + 1;
            let mut rows = Vec::with_capacity(entries.len());
            for entry in &entries {
                rows.push(self.row(entry, &mut runs).await?);
            }
            added += rows.len() as u64;
            store.index_put(tenant, upto, rows).await?;
            tell(upto, size.max(upto));
        }
    }

    /// Empties the index and makes it again from the log.
    ///
    /// # Errors
    /// As [`Engine::index`].
    pub async fn index_again(
        &self,
        tell: &mut (dyn FnMut(u64, u64) + Send),
    ) -> Result<Indexed, Fault> {
        self.store().index_clear(self.tenant()).await?;
        self.index_telling(tell).await
    }

    async fn row(
        &self,
        stored: &LogEntry,
        runs: &mut BTreeMap<RunId, Terms>,
    ) -> Result<IndexRow, Fault> {
        let (entry, body) = read(stored)?;
        let mut found = terms::of_entry(entry.event(), &body);
        if stored.run != ADMINISTRATION_RUN {
            found.extend(self.terms_of_run(stored, &body, runs).await?);
        }
        found.extend(self.tokens(stored, &entry).await?);
        Ok(IndexRow {
            index: stored.index,
            run: stored.run,
            seq: stored.seq,
            time: codec::time::parse(entry.time())
                .ok_or_else(|| damaged(stored, "its time is none"))?,
            event: entry.event().to_owned(),
            // Persons, workflows and decisions sort before tokens, of which a payload may have many.
            terms: found.into_iter().take(INDEX_TERMS_MAX).collect(),
        })
    }

    async fn terms_of_run(
        &self,
        stored: &LogEntry,
        body: &Value,
        runs: &mut BTreeMap<RunId, Terms>,
    ) -> Result<Terms, Fault> {
        if let Some(known) = runs.get(&stored.run) {
            return Ok(known.clone());
        }
        let terms = if stored.seq == 0 {
            terms::of_run(body)
        } else {
            let (store, tenant) = (self.store(), self.tenant());
            match store.log_index(tenant, stored.run, 0).await? {
                // Its first entry was pruned: what held for the run is known no more.
                None => Terms::new(),
                Some(index) => match store.log_entries(tenant, index, 1).await?.first() {
                    None => Terms::new(),
                    Some(first) => terms::of_run(&read(first)?.1),
                },
            }
        };
        if runs.len() >= RUNS_HELD_MAX {
            runs.clear();
        }
        runs.insert(stored.run, terms.clone());
        Ok(terms)
    }

    /// Keyed tokens of the secret and personal values in the payloads that an entry introduces; none of those whose
    /// keys are destroyed.
    async fn tokens(&self, stored: &LogEntry, entry: &Entry) -> Result<Terms, Fault> {
        let body = interlock_journal::Canon::Object(entry.body().clone());
        let notes =
            codec::notes(&body).map_err(|_| damaged(stored, "its payloads are of another form"))?;
        let mut terms = Terms::new();
        for note in notes.iter().filter(|note| note.marks.is_some()) {
            let marks = match self.marks(stored.run, note).await {
                Ok(Some(marks)) => marks,
                Ok(None) => continue,
                // One payload that was tampered with must not keep everything after it from being found; verifying
                // the log names it.
                Err(Fault::Seal(SealFault::Mismatch(payload))) => {
                    tracing::error!(%payload, "marks are not those that their entry committed to");
                    continue;
                }
                Err(fault) => return Err(fault),
            };
            terms.extend(
                marks
                    .marks
                    .into_iter()
                    .flat_map(|mark| mark.tok)
                    .map(|token| (Term::Token, token)),
            );
        }
        Ok(terms)
    }
}

fn read(stored: &LogEntry) -> Result<(Entry, Value), Fault> {
    let entry = Entry::parse(&stored.bytes).map_err(|_| damaged(stored, "it is no entry"))?;
    let whole: Value =
        serde_json::from_slice(&stored.bytes).map_err(|_| damaged(stored, "it is no JSON"))?;
    let body = whole
        .get("body")
        .cloned()
        .ok_or_else(|| damaged(stored, "it has no body"))?;
    Ok((entry, body))
}

fn damaged(stored: &LogEntry, fault: &str) -> Fault {
    Fault::Damaged {
        run: stored.run,
        seq: stored.seq,
        fault: fault.to_owned(),
    }
}
