//! Sealed payloads: there with the ciphertext that their entry names, or erased with a record of it, or missing.
//! No key is needed: the entry holds the ciphertext's digest. A record names a person or a month; whom a payload was
//! about is in its event's label, and where the event has none, in the labels of its run.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use sha2::{Digest as _, Sha256};

use super::LogFiles;
use super::ids::{digest, id};
use super::report::Finding;
use super::scan::{Raw, Scanned};

/// Missing payloads that are remembered until the records of their erasure are read.
const MISSING_MAX: usize = 4_000_000;

/// Ids of people, and months, that are remembered for them.
const IDS_MAX: usize = 16_000_000;

struct Missing {
    index: u64,
    run: u128,
    /// Whom the event itself says that it is about; none where it does not say.
    about: Option<Rc<[u128]>>,
    month: [u8; 7],
}

/// The payloads of a log.
pub(super) struct Payloads<'a> {
    files: Option<&'a dyn LogFiles>,
    why_not: &'static str,
    present: u64,
    digest_only: u64,
    missing: Vec<Missing>,
    missing_max: usize,
    ids: usize,
    ids_max: usize,
    overflow: bool,
    about: BTreeMap<u128, BTreeSet<u128>>,
    subjects: BTreeSet<u128>,
    months: BTreeSet<[u8; 7]>,
    broken: Option<Finding>,
    unread: Option<Finding>,
}

impl<'a> Payloads<'a> {
    /// Payloads are looked for among these files.
    pub(super) const fn among(files: &'a dyn LogFiles) -> Self {
        Self::new(Some(files), "")
    }

    /// They are not, and this is why.
    pub(super) const fn unasked(why_not: &'static str) -> Self {
        Self::new(None, why_not)
    }

    /// With other bounds, which a test can reach.
    #[cfg(test)]
    pub(super) const fn bounded(mut self, missing_max: usize, ids_max: usize) -> Self {
        self.missing_max = missing_max;
        self.ids_max = ids_max;
        self
    }

    const fn new(files: Option<&'a dyn LogFiles>, why_not: &'static str) -> Self {
        Self {
            files,
            why_not,
            present: 0,
            digest_only: 0,
            missing: Vec::new(),
            missing_max: MISSING_MAX,
            ids: 0,
            ids_max: IDS_MAX,
            overflow: false,
            about: BTreeMap::new(),
            subjects: BTreeSet::new(),
            months: BTreeSet::new(),
            broken: None,
            unread: None,
        }
    }

    pub(super) fn push(&mut self, index: u64, run: u128, entry: &Scanned<'_>) {
        let Some(files) = self.files else { return };
        if run == 0 {
            self.record(entry);
        }
        let about = entry
            .body
            .get("label")
            .or_else(|| entry.body.get("review")?.get("label"))
            .and_then(|label| label.get("about"))
            .map(people);
        if let Some(about) = about.as_ref().filter(|about| !about.is_empty()) {
            self.concerns(run, about);
        }
        for note in entry.body.get("payloads").into_iter().flat_map(Raw::items) {
            let Some(name) = note.text_of("id") else {
                continue;
            };
            match files.read(&format!("payload/{name}")) {
                Err(fault) => {
                    self.unread.get_or_insert_with(|| {
                        Finding::unclear(format!("`payload/{name}` cannot be read: {fault}"))
                    });
                }
                Ok(Some(bytes)) => self.hold(index, name, note, &bytes),
                Ok(None) if note.text_of("kept") == Some("digest") => self.digest_only += 1,
                Ok(None) => self.miss(index, run, about.clone(), entry.time),
            }
        }
    }

    /// A run is about these people.
    fn concerns(&mut self, run: u128, about: &[u128]) {
        let known = self.about.entry(run).or_default();
        for person in about {
            if known.contains(person) {
                continue;
            }
            if self.ids >= self.ids_max {
                self.overflow = true;
                return;
            }
            self.ids += 1;
            known.insert(*person);
        }
    }

    fn hold(&mut self, index: u64, name: &str, note: Raw<'_>, bytes: &[u8]) {
        let found: [u8; 32] = Sha256::digest(bytes).into();
        if digest(note.get("ct")) == Some(found) {
            self.present += 1;
        } else {
            self.broken.get_or_insert_with(|| {
                Finding::broken(
                    index,
                    format!("`payload/{name}` is not the ciphertext that its entry names"),
                )
            });
        }
    }

    fn miss(&mut self, index: u64, run: u128, about: Option<Rc<[u128]>>, time: &str) {
        let month = time.as_bytes().first_chunk::<7>();
        let people = about.as_ref().map_or(0, |about| about.len());
        let room = self.missing.len() < self.missing_max && self.ids + people <= self.ids_max;
        if let (true, Some(month)) = (room, month) {
            self.ids += people;
            self.missing.push(Missing {
                index,
                run,
                about,
                month: *month,
            });
        } else {
            self.overflow = true;
        }
    }

    fn record(&mut self, entry: &Scanned<'_>) {
        let (subject, month) = match entry.event {
            "erasure.done" => (id(entry.body.get("subject"), "sub"), None),
            "retention.expired" => (None, entry.body.text_of("month")),
            _ => return,
        };
        if self.ids >= self.ids_max {
            self.overflow = true;
            return;
        }
        self.ids += 1;
        self.subjects.extend(subject);
        self.months
            .extend(month.and_then(|month| <[u8; 7]>::try_from(month.as_bytes()).ok()));
    }

    fn is_erased(&self, missing: &Missing) -> bool {
        let of_the_run = || {
            self.about
                .get(&missing.run)
                .is_some_and(|about| !about.is_disjoint(&self.subjects))
        };
        self.months.contains(&missing.month)
            || match &missing.about {
                Some(about) => about.iter().any(|person| self.subjects.contains(person)),
                None => of_the_run(),
            }
    }

    pub(super) fn finish(self) -> Finding {
        if self.files.is_none() {
            return Finding::unasked(self.why_not);
        }
        // What did not fit may be the very record of an erasure.
        let judged = if self.overflow {
            &[]
        } else {
            self.missing.as_slice()
        };
        let gone = judged.iter().find(|missing| !self.is_erased(missing));
        let lost = gone.map(|missing| {
            Finding::broken(
                missing.index,
                "its payload is missing, and no entry records its erasure",
            )
        });
        if let Some(broken) = match (self.broken, lost) {
            (Some(broken), Some(lost)) => Some(broken.and(lost)),
            (broken, lost) => broken.or(lost),
        } {
            return broken;
        }
        if self.overflow {
            return Finding::unclear("more payloads are missing than can be judged at once");
        }
        self.unread.unwrap_or_else(|| {
            Finding::holds(format!(
                "{} are there, {} erased on record, {} kept as a digest alone",
                self.present,
                self.missing.len(),
                self.digest_only
            ))
        })
    }
}

fn people(about: Raw<'_>) -> Rc<[u128]> {
    about
        .items()
        .filter_map(|person| id(Some(person), "sub"))
        .collect()
}
