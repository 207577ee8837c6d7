//! Run continuity: every run's entries are there, in order, one after another, from its request to its end.
//! It holds one small state for each run that has not ended, and the id of each that has.

use std::collections::{BTreeMap, BTreeSet};

use crate::entry::RUN_ENDED;
use crate::hash::LeafHash;

use super::report::Finding;
use super::scan::Scanned;
use super::{kinds, semantics::Story};

/// The first event of a run.
const RUN_REQUESTED: &str = "run.requested";
/// Places where a chain does not hold, kept to say which entry of a range was changed.
const SUSPECTS_MAX: usize = 64;

/// Which entries there are to judge, and so what may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cover {
    /// Every entry from the first.
    Whole,
    /// Every entry from some index on: a run may begin before it.
    From,
    /// One run whole, and some entries of others.
    Run(u128),
    /// Some entries of any.
    Some,
}

/// A run that goes on.
pub(super) struct Open {
    next: u64,
    prev: LeafHash,
    prev_index: u64,
    epoch: u64,
    /// What it did so far; none where not all of it is known.
    pub(super) story: Option<Story>,
}

/// All runs so far.
pub(super) struct Runs {
    cover: Cover,
    owner: Option<(String, String)>,
    open: BTreeMap<u128, Open>,
    ended: BTreeSet<u128>,
    broken: Option<Finding>,
    /// Index of an entry whose `prev` is wrong, and of the entry before it in its run.
    pub(super) suspects: Vec<(u64, u64)>,
    cut: u64,
}

impl Runs {
    pub(super) const fn new(cover: Cover) -> Self {
        Self {
            cover,
            owner: None,
            open: BTreeMap::new(),
            ended: BTreeSet::new(),
            broken: None,
            suspects: Vec::new(),
            cut: 0,
        }
    }

    /// Takes the entry at an index; gives its run, for what else is asked of it, unless it stands after its end.
    pub(super) fn push(
        &mut self,
        index: u64,
        hash: LeafHash,
        run: u128,
        entry: &Scanned<'_>,
    ) -> Option<&mut Open> {
        let fault = self.place(index, run, entry);
        let broken = fault.is_some();
        if let Some(what) = fault {
            self.note(index, what);
        }
        if self.ended.contains(&run) {
            return None;
        }
        let fresh = Open {
            next: entry.seq,
            prev: entry.prev,
            prev_index: index,
            epoch: 0,
            story: (entry.seq == 0).then(Story::default),
        };
        let open = self.open.entry(run).or_insert(fresh);
        // What follows a gap cannot be judged by what it did: its consequences would be called faults of their own.
        if broken || open.next != entry.seq || (entry.seq > 0 && open.prev != entry.prev) {
            open.story = None;
        }
        open.next = entry.seq.saturating_add(1);
        open.prev = hash;
        open.prev_index = index;
        open.epoch = open.epoch.max(entry.epoch);
        Some(open)
    }

    /// The entry was judged; a run that it ends is closed.
    pub(super) fn settle(&mut self, run: u128, entry: &Scanned<'_>) {
        if entry.event == RUN_ENDED && run != 0 {
            self.open.remove(&run);
            self.ended.insert(run);
        }
    }

    fn note(&mut self, index: u64, what: String) {
        let found = Finding::broken(index, what);
        self.broken = Some(match self.broken.take() {
            Some(known) => known.and(found),
            None => found,
        });
    }

    fn place(&mut self, index: u64, run: u128, entry: &Scanned<'_>) -> Option<String> {
        match &self.owner {
            None => self.owner = Some((entry.tenant.to_owned(), entry.environment.to_owned())),
            Some((tenant, environment)) => {
                if tenant != entry.tenant || environment != entry.environment {
                    return Some("is of another tenant or environment than the log".to_owned());
                }
            }
        }
        let apart = kinds::is_administration(entry.event);
        if (run != 0 && apart) || (run == 0 && !apart && kinds::is_known(entry.event)) {
            return Some(format!(
                "`{}` does not belong into {}",
                entry.event,
                if run == 0 {
                    "the administration's chain"
                } else {
                    "a run"
                }
            ));
        }
        if self.ended.contains(&run) {
            return Some(format!("stands after the end of its run {}", entry.run));
        }
        let gaps = match self.cover {
            Cover::Whole | Cover::From => false,
            Cover::Run(whole) => run != whole,
            Cover::Some => true,
        };
        let Some(open) = self.open.get(&run) else {
            return self.first(gaps, run, entry);
        };
        let (next, name) = (open.next, entry.run);
        if entry.seq < next {
            return Some(format!(
                "is entry {} of {name} again, where {next} comes next",
                entry.seq
            ));
        }
        if entry.seq > next {
            return (!gaps)
                .then(|| format!("is entry {} of {name}, and {next} is missing", entry.seq));
        }
        if entry.prev != open.prev {
            if self.suspects.len() < SUSPECTS_MAX {
                self.suspects.push((open.prev_index, index));
            }
            return Some(format!(
                "does not follow the entry before it in {name}, at index {}",
                open.prev_index
            ));
        }
        if entry.epoch < open.epoch {
            return Some(format!(
                "was written in epoch {} of {name}, after epoch {}",
                entry.epoch, open.epoch
            ));
        }
        None
    }

    fn first(&mut self, gaps: bool, run: u128, entry: &Scanned<'_>) -> Option<String> {
        if entry.seq == 0 {
            return (run != 0 && entry.event != RUN_REQUESTED)
                .then(|| format!("begins {} with `{}`", entry.run, entry.event));
        }
        if gaps || self.cover == Cover::From {
            self.cut += 1;
            return None;
        }
        Some(format!(
            "is entry {} of {}, whose entries before it are missing",
            entry.seq, entry.run
        ))
    }

    /// What was found, and how much of it.
    pub(super) fn finish(self, entries: u64) -> Finding {
        if let Some(broken) = self.broken {
            return broken;
        }
        let open = self.open.keys().filter(|run| **run != 0).count();
        let mut said = format!(
            "{entries} entries of {} runs ended and {open} open",
            self.ended.len()
        );
        if self.cut > 0 {
            said.push_str(&format!(", {} of them begun before what is here", self.cut));
        }
        if let Cover::Run(run) = self.cover {
            if !self.ended.contains(&run) && !self.open.contains_key(&run) {
                return Finding::wrong("the run that the manifest names is not there");
            }
            if self.open.contains_key(&run) {
                said.push_str("; what follows an open run cannot be seen from it alone");
            }
        }
        Finding::holds(said)
    }
}
