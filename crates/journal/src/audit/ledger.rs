//! The entries of a log, one after another, and all that is asked of them beside the tree: form, runs, sense and
//! payloads. Whoever reads the files hands each entry in with its index and leaf hash.

#[cfg(test)]
mod tests;

use crate::entry::Entry;
use crate::hash::LeafHash;

use super::handover::{Rotation, Rotations};
use super::ids::digest;
use super::kinds::{self, Schema};
use super::payloads::Payloads;
use super::report::Finding;
use super::runs::{Cover, Runs};
use super::scan::{Raw, Scanned, scan, scan_fitting};
use super::semantics::{Adoptions, Semantics};

/// All questions to entries.
pub(super) struct Ledger<'a> {
    pub(super) runs: Runs,
    semantics: Semantics,
    payloads: Payloads<'a>,
    malformed: Option<Finding>,
    unknown: Option<Finding>,
    entries: u64,
    /// Whether entries are read at all.
    asked: bool,
    /// The highest minimum that the log says was pruned to.
    pub(super) pruned: u64,
    /// The handovers to another signing key.
    pub(super) rotations: Rotations,
}

/// What was found.
pub(super) struct Findings {
    pub(super) runs: Finding,
    pub(super) payloads: Finding,
    pub(super) schema: Finding,
    pub(super) semantics: Finding,
}

impl<'a> Ledger<'a> {
    pub(super) const fn new(cover: Cover, adoptions: Adoptions, payloads: Payloads<'a>) -> Self {
        Self {
            runs: Runs::new(cover),
            semantics: Semantics::new(adoptions),
            payloads,
            malformed: None,
            unknown: None,
            entries: 0,
            asked: true,
            pruned: 0,
            rotations: Rotations::new(),
        }
    }

    /// Takes no entry: the tree alone is asked about.
    pub(super) const fn unasked(mut self) -> Self {
        self.asked = false;
        self
    }

    /// Whether entries are read.
    pub(super) const fn is_asked(&self) -> bool {
        self.asked
    }

    /// Judges the entry at an index. Indices rise.
    pub(super) fn push(&mut self, index: u64, hash: LeafHash, bytes: &[u8]) {
        self.take(index, hash, bytes, true);
    }

    /// Judges one that stands beside a range to judge it by: what it says counts, and its chain is not whole here.
    pub(super) fn push_beside(&mut self, index: u64, hash: LeafHash, bytes: &[u8]) {
        self.take(index, hash, bytes, false);
    }

    fn take(&mut self, index: u64, hash: LeafHash, bytes: &[u8], chained: bool) {
        if !self.asked {
            return;
        }
        self.entries += 1;
        let (entry, fits) = match scan_fitting(bytes) {
            Some(entry) => (entry, true),
            None => match scan(bytes) {
                Some(entry) => (entry, false),
                None => return self.no_entry(index, bytes),
            },
        };
        let run = entry.run_number;
        if !fits {
            self.judge_form(index, &entry);
        }
        let kind = kinds::find(entry.event);
        if chained {
            let open = self.runs.push(index, hash, run, &entry, kind);
            let told = open.map(|open| &mut open.told);
            self.semantics.push(index, run, &entry, told);
        } else {
            self.semantics.push(index, run, &entry, None);
        }
        self.payloads.push(index, run, &entry);
        if chained && let Some(mut told) = self.runs.settle(run, &entry) {
            self.semantics.forget(&mut told);
        }
        if run == 0
            && entry.event == "log.key_rotated"
            && let Some((before, after)) =
                digest(entry.body.get("before")).zip(digest(entry.body.get("after")))
        {
            self.rotations.push(Rotation {
                index,
                before,
                after,
            });
        }
        if run == 0 && entry.event == "log.pruned" {
            let minimum = entry.body.get("minimum").and_then(Raw::count);
            self.pruned = self.pruned.max(minimum.unwrap_or(0));
        }
    }

    fn no_entry(&mut self, index: u64, bytes: &[u8]) {
        self.malformed.get_or_insert_with(|| {
            let why = match Entry::parse(bytes) {
                Ok(_) => "the two readers of this verifier differ: report this".to_owned(),
                Err(fault) => fault.to_string(),
            };
            Finding::broken(index, format!("is no entry: {why}"))
        });
    }

    fn judge_form(&mut self, index: u64, entry: &Scanned<'_>) {
        match kinds::judge(entry.event, entry.body.raw()) {
            Schema::Fits => {}
            Schema::UnknownKind => {
                self.unknown.get_or_insert_with(|| {
                    Finding::unclear(format!(
                        "`{}` at index {index} is a kind that this verifier does not know",
                        entry.event
                    ))
                });
            }
            Schema::Member(member) => self.out_of_form(index, entry.event, member),
            Schema::UnknownMember => self.out_of_form(index, entry.event, "one it does not have"),
        }
    }

    fn out_of_form(&mut self, index: u64, event: &str, member: &str) {
        self.malformed.get_or_insert_with(|| {
            Finding::broken(
                index,
                format!("`{event}` has a member out of form: {member}"),
            )
        });
    }

    pub(super) fn finish(self) -> Findings {
        if !self.asked {
            let unasked = || Finding::unasked("the tree alone was asked about");
            return Findings {
                runs: unasked(),
                payloads: unasked(),
                schema: unasked(),
                semantics: unasked(),
            };
        }
        let schema = self.malformed.or(self.unknown).unwrap_or_else(|| {
            Finding::holds(format!(
                "{} entries are well formed, of known kinds with their members",
                self.entries
            ))
        });
        Findings {
            runs: self.runs.finish(self.entries),
            payloads: self.payloads.finish(),
            schema,
            semantics: self.semantics.finish(),
        }
    }
}
