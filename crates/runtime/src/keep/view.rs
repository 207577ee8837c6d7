//! The marks of a run as an investigator reads them: positions, categories and tokens, and where else the same token
//! stands. Nothing is opened for it but the marks, and no mark holds a value.

use std::collections::BTreeMap;

use interlock_core::id::RunId;
use serde::Serialize;

use super::Mark;
use crate::engine::{Engine, Fault};

/// One payload with its marks.
#[derive(Debug, Clone, Serialize)]
pub struct MarkedView {
    /// Which entry introduced it.
    pub seq: u64,
    /// The event's name.
    pub event: &'static str,
    /// The payload.
    pub payload: String,
    /// `input`, `prompt`, …
    pub slot: &'static str,
    /// `full`, `masked` or `digest`.
    pub kept: &'static str,
    /// Whether its marks can be read: not where a key that it depends on was destroyed.
    pub readable: bool,
    /// What is marked in it.
    pub marks: Vec<MarkView>,
    /// How many more there are beyond the bound, or were not looked for.
    pub left_out: usize,
}

/// One mark, with where else its token stands in the run.
#[derive(Debug, Clone, Serialize)]
pub struct MarkView {
    /// See [`Mark`].
    #[serde(flatten)]
    pub mark: Mark,
    /// Entries whose payloads carry the same token.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<u64>,
}

impl Engine {
    /// The marks of all payloads of a run.
    ///
    /// # Errors
    /// There is no such run, or its log, marks or keys cannot be read.
    pub async fn marks_view(&self, run: RunId) -> Result<Vec<MarkedView>, Fault> {
        let history = self.history(run).await?;
        let mut views = Vec::new();
        let mut seen: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for recorded in &history {
            for note in &recorded.payloads {
                let marks = self.marks(run, note).await?;
                let readable = marks.is_some();
                let marks = marks.unwrap_or_default();
                for token in marks.marks.iter().flat_map(|mark| &mark.tok) {
                    let places = seen.entry(token.clone()).or_default();
                    if places.last() != Some(&recorded.seq) {
                        places.push(recorded.seq);
                    }
                }
                let of = |mark| MarkView {
                    mark,
                    also: Vec::new(),
                };
                views.push(MarkedView {
                    seq: recorded.seq,
                    event: recorded.event.kind(),
                    payload: note.id.to_string(),
                    slot: note.slot.as_str(),
                    kept: note.kept.as_str(),
                    readable,
                    marks: marks.marks.into_iter().map(of).collect(),
                    left_out: marks.left_out,
                });
            }
        }
        for view in &mut views {
            for mark in &mut view.marks {
                let places = mark.mark.tok.iter().filter_map(|token| seen.get(token));
                let mut also: Vec<u64> = places
                    .flatten()
                    .copied()
                    .filter(|seq| *seq != view.seq)
                    .collect();
                also.sort_unstable();
                also.dedup();
                mark.also = also;
            }
        }
        Ok(views)
    }
}
