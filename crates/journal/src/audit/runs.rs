//! Run continuity: every run's entries are there, in order, one after another, from its request to its end.
//! It holds one small state for each run that has not ended, and the id of each that has.

use std::collections::btree_map::Entry as Slot;
use std::collections::{BTreeMap, BTreeSet};

use crate::entry::RUN_ENDED;
use crate::hash::LeafHash;

use super::report::Finding;
use super::scan::Scanned;
use super::{kinds::Kind, semantics::Told};

/// The first event of a run.
const RUN_REQUESTED: &str = "run.requested";
/// Places where a chain does not hold, kept to say which entry of a range was changed.
const SUSPECTS_MAX: usize = 64;
/// Runs that are followed at once; of those that begin while so many go on, continuity cannot be told.
const OPEN_MAX: usize = 1_000_000;
/// Runs that are remembered as ended; when more have, it cannot be told whether one begins again.
const ENDED_MAX: usize = 50_000_000;

/// Which entries there are to judge, and so what may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cover {
    /// Every entry from the first.
    Whole,
    /// Every entry from some index on: a run may begin before it.
    From,
    /// One run, and some entries of the administration.
    Run(u128),
    /// Runs, each whole, and some entries of the administration.
    Some,
}

/// A run that goes on.
pub(super) struct Open {
    next: u64,
    prev: LeafHash,
    prev_index: u64,
    epoch: u64,
    /// What it did so far.
    pub(super) told: Told,
}

/// All runs so far.
pub(super) struct Runs {
    cover: Cover,
    owner: Option<(String, String)>,
    open: BTreeMap<u128, Open>,
    ended: BTreeSet<u128>,
    broken: Option<Finding>,
    /// More runs than are kept, from an index on.
    overflow: Option<Finding>,
    /// Whether some run that began is not followed.
    crowded: bool,
    open_max: usize,
    ended_max: usize,
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
            overflow: None,
            crowded: false,
            open_max: OPEN_MAX,
            ended_max: ENDED_MAX,
            suspects: Vec::new(),
            cut: 0,
        }
    }

    /// With other bounds, which a test can reach.
    #[cfg(test)]
    pub(super) const fn bounded(mut self, open_max: usize, ended_max: usize) -> Self {
        self.open_max = open_max;
        self.ended_max = ended_max;
        self
    }

    /// Takes the entry at an index; gives its run, for what else is asked of it, unless it stands after its end or
    /// the run is not followed.
    pub(super) fn push(
        &mut self,
        index: u64,
        hash: LeafHash,
        run: u128,
        entry: &Scanned<'_>,
        kind: Option<Kind>,
    ) -> Option<&mut Open> {
        let misplaced = self.misplaced(run, entry, kind);
        let gaps = match self.cover {
            Cover::Whole | Cover::From => false,
            // Whole runs lie in an export, and what administration did around them.
            Cover::Run(_) | Cover::Some => run == 0,
        };
        let crowd = self.open.len() >= self.open_max;
        match self.open.entry(run) {
            Slot::Occupied(slot) => {
                let open = slot.into_mut();
                let fault = misplaced.or_else(|| open.fault(entry, gaps));
                if open.differs(entry) {
                    open.told.lose();
                    if open.next == entry.seq && self.suspects.len() < SUSPECTS_MAX {
                        self.suspects.push((open.prev_index, index));
                    }
                }
                if let Some(fault) = fault {
                    open.told.lose();
                    note(&mut self.broken, index, fault);
                }
                open.follow(index, hash, entry);
                Some(open)
            }
            Slot::Vacant(slot) => {
                let ended = self.ended.contains(&run);
                let unfollowed = self.crowded && entry.seq > 0;
                let cut = entry.seq > 0 && (gaps || self.cover == Cover::From);
                let fault = misplaced.or_else(|| {
                    if ended {
                        return Some(format!("stands after the end of its run {}", entry.run));
                    }
                    self.cut += u64::from(cut);
                    (!cut && !unfollowed).then(|| first(run, entry)).flatten()
                });
                let broken = fault.is_some();
                if let Some(fault) = fault {
                    note(&mut self.broken, index, fault);
                }
                if ended {
                    return None;
                }
                if crowd {
                    self.crowded = true;
                    self.overflow.get_or_insert_with(|| {
                        Finding::unclear(format!(
                            "more runs go on at index {index} than are followed at once"
                        ))
                    });
                    return None;
                }
                let begun = entry.seq == 0 && !broken;
                let open = slot.insert(Open {
                    next: entry.seq,
                    prev: entry.prev,
                    prev_index: index,
                    epoch: 0,
                    told: if begun {
                        Told::begun()
                    } else {
                        Told::default()
                    },
                });
                open.follow(index, hash, entry);
                Some(open)
            }
        }
    }

    /// The entry was judged; a run that it ends is closed, and its story is given back.
    pub(super) fn settle(&mut self, run: u128, entry: &Scanned<'_>) -> Option<Told> {
        if entry.event != RUN_ENDED || run == 0 {
            return None;
        }
        if self.ended.len() < self.ended_max {
            self.ended.insert(run);
        } else {
            self.overflow
                .get_or_insert_with(|| Finding::unclear("more runs ended than are kept in memory"));
        }
        self.open.remove(&run).map(|open| open.told)
    }

    fn misplaced(&mut self, run: u128, entry: &Scanned<'_>, kind: Option<Kind>) -> Option<String> {
        match &self.owner {
            None => self.owner = Some((entry.tenant.to_owned(), entry.environment.to_owned())),
            Some((tenant, environment)) => {
                if tenant != entry.tenant || environment != entry.environment {
                    return Some("is of another tenant or environment than the log".to_owned());
                }
            }
        }
        // A kind that is not known may belong to either.
        let elsewhere = kind.is_some_and(|kind| kind.administration != (run == 0));
        elsewhere.then(|| {
            format!(
                "`{}` does not belong into {}",
                entry.event,
                if run == 0 {
                    "the administration's chain"
                } else {
                    "a run"
                }
            )
        })
    }

    /// What was found, and how much of it.
    pub(super) fn finish(self, entries: u64) -> Finding {
        if let Some(found) = self.broken.or(self.overflow) {
            return found;
        }
        let open = self.open.keys().filter(|run| **run != 0).count();
        let mut said = format!(
            "{entries} entries of {} runs ended and {open} open",
            self.ended.len()
        );
        if self.cut > 0 {
            said.push_str(&format!(", {} of them begun before what is here", self.cut));
        }
        if self.cover == Cover::Some && open > 0 {
            said.push_str("; what follows an open run cannot be seen from a part of the log");
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

impl Open {
    /// What comes does not follow what was there.
    fn differs(&self, entry: &Scanned<'_>) -> bool {
        self.next != entry.seq || self.prev != entry.prev
    }

    fn follow(&mut self, index: u64, hash: LeafHash, entry: &Scanned<'_>) {
        self.next = entry.seq.saturating_add(1);
        self.prev = hash;
        self.prev_index = index;
        self.epoch = self.epoch.max(entry.epoch);
    }

    fn fault(&self, entry: &Scanned<'_>, gaps: bool) -> Option<String> {
        let (next, name) = (self.next, entry.run);
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
        if entry.prev != self.prev {
            return Some(format!(
                "does not follow the entry before it in {name}, at index {}",
                self.prev_index
            ));
        }
        (entry.epoch < self.epoch).then(|| {
            format!(
                "was written in epoch {} of {name}, after epoch {}",
                entry.epoch, self.epoch
            )
        })
    }
}

/// What is wrong with the first entry of a run that there is.
fn first(run: u128, entry: &Scanned<'_>) -> Option<String> {
    if entry.seq > 0 {
        return Some(format!(
            "is entry {} of {}, whose entries before it are missing",
            entry.seq, entry.run
        ));
    }
    (run != 0 && entry.event != RUN_REQUESTED)
        .then(|| format!("begins {} with `{}`", entry.run, entry.event))
}

fn note(broken: &mut Option<Finding>, index: u64, what: String) {
    // Indices rise: the first is the one to name.
    broken.get_or_insert_with(|| Finding::broken(index, what));
}
