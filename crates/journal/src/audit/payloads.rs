//! Sealed payloads: there with the ciphertext that their entry names, or erased with a record of it, or missing.
//! No key is needed: the entry holds the ciphertext's digest. A record names a person or a month; whom a payload was
//! about is in its event's label, and where the event has none, in the labels of its run.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use sha2::{Digest as _, Sha256};

use super::LogFiles;
use super::disclosures::Disclosures;
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
    /// Its retention class and month.
    period: Period,
}

/// A retention class, and a month as `2026-11`.
type Period = (Rc<str>, [u8; 7]);

/// Records of erasures and expiries that are told one by one.
const TOLD_MAX: usize = 20;
/// Names of retention classes that are remembered.
const CLASSES_MAX: usize = 100_000;
/// The class of a payload whose note names none.
const DEFAULT_CLASS: &str = "default";

/// An entry that records that something was destroyed.
struct Record {
    index: u64,
    what: String,
    /// Payloads before it whose ciphertext is left.
    left: u64,
}

/// The payloads of a log.
pub(super) struct Payloads<'a> {
    files: Option<&'a dyn LogFiles>,
    why_not: &'static str,
    /// Whether it is an answer that payloads are not there, though entries name some.
    left_out: bool,
    named: u64,
    disclosures: Option<&'a RefCell<Disclosures<'a>>>,
    present: u64,
    digest_only: u64,
    missing: Vec<Missing>,
    missing_max: usize,
    ids: usize,
    ids_max: usize,
    overflow: bool,
    about: BTreeMap<u128, BTreeSet<u128>>,
    /// The last record of each person's erasure, and of each period's end.
    subjects: BTreeMap<u128, u64>,
    periods: BTreeMap<Period, u64>,
    classes: BTreeSet<Rc<str>>,
    /// Payloads there, by whom they are about and by period, to say how many a record left as ciphertext.
    there: BTreeMap<u128, u64>,
    of_period: BTreeMap<Period, u64>,
    records: Vec<Record>,
    untold: u64,
    broken: Option<Finding>,
    unread: Option<Finding>,
}

impl<'a> Payloads<'a> {
    /// Payloads are looked for among these files.
    pub(super) const fn among(files: &'a dyn LogFiles) -> Self {
        Self::new(Some(files), "")
    }

    /// The export says that it has none, and the caller did not say so: what entries name cannot be told.
    pub(super) const fn left_out() -> Self {
        let mut all = Self::new(None, "");
        all.left_out = true;
        all
    }

    /// What is disclosed of them, too.
    pub(super) const fn disclosing(mut self, to: &'a RefCell<Disclosures<'a>>) -> Self {
        self.disclosures = Some(to);
        self
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
            left_out: false,
            named: 0,
            disclosures: None,
            present: 0,
            digest_only: 0,
            missing: Vec::new(),
            missing_max: MISSING_MAX,
            ids: 0,
            ids_max: IDS_MAX,
            overflow: false,
            about: BTreeMap::new(),
            subjects: BTreeMap::new(),
            periods: BTreeMap::new(),
            classes: BTreeSet::new(),
            there: BTreeMap::new(),
            of_period: BTreeMap::new(),
            records: Vec::new(),
            untold: 0,
            broken: None,
            unread: None,
        }
    }

    pub(super) fn push(&mut self, index: u64, run: u128, entry: &Scanned<'_>) {
        self.disclosed(index, entry);
        let Some(files) = self.files else {
            if self.left_out && entry.body.get("payloads").is_some() {
                self.named += 1;
            }
            return;
        };
        if run == 0 {
            self.record(index, entry);
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
                Ok(Some(bytes)) => {
                    self.hold(index, name, note, &bytes);
                    self.count(run, about.as_deref(), note, entry.time);
                }
                Ok(None) if note.text_of("kept") == Some("digest") => self.digest_only += 1,
                Ok(None) => self.miss(index, run, about.clone(), note, entry.time),
            }
            self.hold_marks(files, index, name, note);
        }
    }

    fn disclosed(&self, index: u64, entry: &Scanned<'_>) {
        let Some(disclosures) = self.disclosures else {
            return;
        };
        let mut disclosures = disclosures.borrow_mut();
        if disclosures.is_done() {
            return;
        }
        for note in entry.body.get("payloads").into_iter().flat_map(Raw::items) {
            if let Some(name) = note.text_of("id") {
                disclosures.noted(index, name, note);
            }
        }
    }

    /// What is marked in a payload lies beside it. Where the payload itself is gone, so may that be.
    fn hold_marks(&mut self, files: &dyn LogFiles, index: u64, name: &str, note: Raw<'_>) {
        let Some(wanted) = note.get("marks") else {
            return;
        };
        let fault = match files.read(&format!("marks/{name}")) {
            Err(fault) => {
                self.unread.get_or_insert_with(|| {
                    Finding::unclear(format!("`marks/{name}` cannot be read: {fault}"))
                });
                return;
            }
            Ok(Some(bytes)) => {
                let found: [u8; 32] = Sha256::digest(bytes).into();
                if digest(Some(wanted)) == Some(found) {
                    return;
                }
                "is not what its entry names"
            }
            Ok(None) if matches!(files.read(&format!("payload/{name}")), Ok(None)) => return,
            Ok(None) => "is missing, though the payload is there",
        };
        self.broken
            .get_or_insert_with(|| Finding::broken(index, format!("`marks/{name}` {fault}")));
    }

    /// The retention class and month of a payload.
    fn period(&mut self, note: Raw<'_>, time: &str) -> Option<Period> {
        let month = time.as_bytes().first_chunk::<7>()?;
        let class = note.text_of("class").unwrap_or(DEFAULT_CLASS);
        if let Some(known) = self.classes.get(class) {
            return Some((Rc::clone(known), *month));
        }
        if self.classes.len() >= CLASSES_MAX {
            return None;
        }
        let class: Rc<str> = class.into();
        self.classes.insert(Rc::clone(&class));
        Some((class, *month))
    }

    /// One more is there, of these people and that period.
    fn count(&mut self, run: u128, about: Option<&[u128]>, note: Raw<'_>, time: &str) {
        if let Some(period) = self.period(note, time) {
            *self.of_period.entry(period).or_default() += 1;
        }
        let of_the_run = self.about.get(&run).into_iter().flatten();
        let people: Vec<u128> = match about {
            Some(about) => about.to_vec(),
            None => of_the_run.copied().collect(),
        };
        // Each of them stands in the run's list already, which is bounded.
        for person in people {
            *self.there.entry(person).or_default() += 1;
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

    fn miss(
        &mut self,
        index: u64,
        run: u128,
        about: Option<Rc<[u128]>>,
        note: Raw<'_>,
        time: &str,
    ) {
        let period = self.period(note, time);
        let people = about.as_ref().map_or(0, |about| about.len());
        let room = self.missing.len() < self.missing_max && self.ids + people <= self.ids_max;
        if let (true, Some(period)) = (room, period) {
            self.ids += people;
            self.missing.push(Missing {
                index,
                run,
                about,
                period,
            });
        } else {
            self.overflow = true;
        }
    }

    fn record(&mut self, index: u64, entry: &Scanned<'_>) {
        let body = &entry.body;
        let (what, left) = match entry.event {
            "erasure.done" => {
                let Some(subject) = id(body.get("subject"), "sub") else {
                    return;
                };
                if !self.room() {
                    return;
                }
                self.subjects.insert(subject, index);
                let left = self.there.remove(&subject);
                let named = body.text_of("subject").unwrap_or_default();
                let order = body.text_of("order").unwrap_or_default();
                (format!("{named} by order {order}"), left)
            }
            "retention.expired" => {
                let month = body.text_of("month").map(str::as_bytes);
                let Some(month) = month.and_then(|month| <[u8; 7]>::try_from(month).ok()) else {
                    return;
                };
                if !self.room() {
                    return;
                }
                let class = body.text_of("class").unwrap_or_default();
                let period = (Rc::from(class), month);
                let left = self.of_period.remove(&period);
                self.periods.insert(period, index);
                let month = body.text_of("month").unwrap_or_default();
                (format!("class {class} of {month}"), left)
            }
            _ => return,
        };
        if self.records.len() < TOLD_MAX {
            let left = left.unwrap_or(0);
            self.records.push(Record { index, what, left });
        } else {
            self.untold += 1;
        }
    }

    fn room(&mut self) -> bool {
        let room = self.ids < self.ids_max;
        self.ids += usize::from(room);
        self.overflow |= !room;
        room
    }

    /// A record excuses what was there before it, of its person or of its class and month.
    fn is_erased(&self, missing: &Missing) -> bool {
        let since = |record: Option<&u64>| record.is_some_and(|record| *record > missing.index);
        let person = |person: &u128| since(self.subjects.get(person));
        since(self.periods.get(&missing.period))
            || match &missing.about {
                Some(about) => about.iter().any(person),
                None => self
                    .about
                    .get(&missing.run)
                    .is_some_and(|about| about.iter().any(person)),
            }
    }

    /// The records, in words.
    fn told(&self) -> String {
        let mut said = String::new();
        for record in &self.records {
            said.push_str(&format!(
                "; erased on record at index {}: {}",
                record.index, record.what
            ));
            if record.left > 0 {
                said.push_str(&format!(" ({} left as ciphertext)", record.left));
            }
        }
        if self.untold > 0 {
            said.push_str(&format!("; {} more such records", self.untold));
        }
        said
    }

    pub(super) fn finish(self) -> Finding {
        if self.left_out && self.named > 0 {
            return Finding::unclear(format!(
                "the export was made without payloads, and {} of its entries name some: \
                 say that you do not look for them, or ask for an export with them",
                self.named
            ));
        }
        if self.left_out {
            return Finding::holds("its entries name none");
        }
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
        let told = self.told();
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
                "{} are there, {} gone and erased on record, {} kept as a digest alone{}",
                self.present,
                self.missing.len(),
                self.digest_only,
                told
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
