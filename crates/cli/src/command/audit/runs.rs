//! Each run of this installation, followed through the machine that ran it: its chain, its state, and whether the store
//! still holds the ciphertexts that its entries committed to.

use std::collections::BTreeMap;

use interlock_core::id::{PayloadId, RunId};
use interlock_runtime::{Engine, Fault};
use interlock_store::{RunFilter, RunStatus, StoreFault};

use crate::exit::Exit;
use crate::print;

/// What verification found.
#[derive(Default)]
pub(in crate::command) struct Verified {
    pub(in crate::command) runs: u64,
    pub(in crate::command) entries: u64,
    /// The first bad entry of each run that is not whole.
    pub(in crate::command) broken: Vec<(RunId, u64, String)>,
    /// Payloads that an entry names and the store does not hold, by run.
    pub(in crate::command) missing: BTreeMap<RunId, Vec<PayloadId>>,
    /// Runs whose entries were pruned.
    pub(super) pruned: u64,
    /// Payloads whose stored bytes are not those that the entry committed to.
    pub(in crate::command) altered: Vec<(RunId, PayloadId)>,
}

/// Verifies one run, or all.
pub(in crate::command) async fn verify(
    engine: &Engine,
    only: Option<RunId>,
) -> Result<Verified, Fault> {
    let mut verified = Verified::default();
    let mut before = None;
    loop {
        let page: Vec<RunId> = match only {
            Some(run) => vec![run],
            None => {
                let filter = RunFilter {
                    before,
                    ..RunFilter::default()
                };
                engine
                    .store()
                    .runs(engine.tenant(), filter, 100)
                    .await?
                    .into_iter()
                    .map(|row| row.run)
                    .collect()
            }
        };
        for run in &page {
            verify_run(engine, *run, &mut verified).await?;
        }
        before = page.last().copied();
        if only.is_some() || before.is_none() {
            return Ok(verified);
        }
    }
}

async fn verify_run(engine: &Engine, run: RunId, verified: &mut Verified) -> Result<(), Fault> {
    verified.runs += 1;
    // Read before the log: a run that ends meanwhile is no finding.
    let row = engine.store().run(engine.tenant(), run).await?;
    let ended = row.is_some_and(|row| row.state == RunStatus::Ended);
    let history = match engine.history(run).await {
        Ok(history) => history,
        Err(Fault::Damaged { seq, fault, .. }) => {
            verified.broken.push((run, seq, fault));
            return Ok(());
        }
        Err(Fault::Store(StoreFault::Pruned { .. })) => {
            verified.pruned += 1;
            return Ok(());
        }
        Err(fault) => return Err(fault),
    };
    verified.entries += history.len() as u64;
    match Engine::fold(run, &history) {
        Ok(state) => {
            if ended && !state.is_ended() {
                let fault = "entries are missing at the end: the run had ended".to_owned();
                verified.broken.push((run, history.len() as u64, fault));
            }
        }
        Err(Fault::Damaged { seq, fault, .. }) => {
            verified.broken.push((run, seq, fault));
            return Ok(());
        }
        Err(fault) => return Err(fault),
    }
    for note in history.iter().flat_map(|recorded| &recorded.payloads) {
        match engine.ciphertext_is_committed(note).await? {
            None => verified.missing.entry(run).or_default().push(note.id),
            Some(false) => verified.altered.push((run, note.id)),
            Some(true) => {}
        }
    }
    Ok(())
}

impl Verified {
    /// Tampered, cannot tell, or verified.
    pub(super) fn exit(&self) -> Exit {
        if !self.broken.is_empty() || !self.altered.is_empty() {
            Exit::Failed
        } else if !self.missing.is_empty() {
            Exit::Usage
        } else {
            Exit::Done
        }
    }

    pub(super) fn json(&self) -> serde_json::Value {
        let broken: Vec<_> = self
            .broken
            .iter()
            .map(|(run, seq, fault)| {
                serde_json::json!({"run": run.to_string(), "entry": seq, "fault": fault})
            })
            .collect();
        let altered: Vec<_> = self
            .altered
            .iter()
            .map(|(run, id)| format!("{run} {id}"))
            .collect();
        serde_json::json!({
            "runs": self.runs, "entries": self.entries, "runs_pruned": self.pruned, "broken": broken,
            "payloads_altered": altered, "payloads_missing": self.missing(),
        })
    }

    /// What was found, a line each; the verdict last.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self
            .broken
            .iter()
            .map(|(run, seq, fault)| {
                format!("tampered: {run} entry {seq}: {}", print::harmless(fault))
            })
            .collect();
        lines.extend(self.altered.iter().map(|(run, id)| {
            format!("tampered: {run} payload {id}: not the bytes that its entry committed to")
        }));
        lines.extend(self.missing.iter().map(|(run, ids)| {
            format!(
                "cannot tell: {run}: {} payloads are missing and no entry says why",
                ids.len()
            )
        }));
        if self.pruned > 0 {
            lines.push(format!("{} runs are pruned from this store", self.pruned));
        }
        let verdict = match self.exit() {
            Exit::Failed => "not whole",
            Exit::Done => "verified",
            _ => "chains whole, payloads missing",
        };
        lines.push(format!(
            "{verdict}: {} runs, {} entries",
            self.runs, self.entries
        ));
        lines
    }

    fn missing(&self) -> usize {
        self.missing.values().map(Vec::len).sum()
    }
}
