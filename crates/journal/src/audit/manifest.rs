//! The manifest of an export, and the files of the log as it lists them: each file that is read is held against its
//! digest. The manifest is signed by nobody: it finds damage, and says what to expect; it proves nothing.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use super::ids::number;
use super::report::Finding;
use super::scan::Raw;
use super::{FILE_BYTES_MAX, LogFiles, ReadFault};
use crate::hash::LeafHash;

/// Where the manifest lies.
pub(super) const PATH: &str = "manifest.json";
/// The only format that is read.
const FORMAT: &str = "interlock-export/1";
const PATH_BYTES_MAX: usize = 200;

/// What an export is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The whole log.
    Log,
    /// Its entries from one index up to before another.
    Range(u64, u64),
    /// One run.
    Run(u128),
    /// What is about one person.
    Subject,
}

/// What a caller expects to be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// The whole log.
    Log,
    /// A range of its entries.
    Range,
    /// This run, as `run_` and 26 characters.
    Run(String),
    /// What is about one person.
    Subject,
}

impl Part {
    /// The part that these words name: `log`, `range`, `run=run_…`, `subject`.
    #[must_use]
    pub fn parse(words: &str) -> Option<Self> {
        match words {
            "log" => Some(Self::Log),
            "range" => Some(Self::Range),
            "subject" => Some(Self::Subject),
            _ => {
                let run = words.strip_prefix("run=")?;
                number(run, "run").map(|_| Self::Run(run.to_owned()))
            }
        }
    }

    /// Whether a manifest, or files without one, are that.
    pub(super) fn is(&self, kind: Kind) -> bool {
        match (self, kind) {
            (Self::Log, Kind::Log)
            | (Self::Range, Kind::Range(..))
            | (Self::Subject, Kind::Subject) => true,
            (Self::Run(run), Kind::Run(held)) => number(run, "run") == Some(held),
            _ => false,
        }
    }
}

impl Kind {
    /// What files of this kind are, and what they cannot show.
    pub(super) const fn told(self) -> &'static str {
        match self {
            Self::Log => "the whole log",
            Self::Range(..) => {
                "a range of the log: what runs did before and after it is not here to be judged"
            }
            Self::Run(_) => "one run: that it is all that was asked for, only the whole log shows",
            Self::Subject => {
                "what is about one person: that there is nothing else, only the whole log shows"
            }
        }
    }
}

/// What a manifest says.
#[derive(Debug, Clone)]
pub(super) struct Manifest {
    pub(super) kind: Kind,
    pub(super) origin: String,
    pub(super) size: u64,
    /// Lowest index whose entry is there.
    pub(super) minimum: u64,
    /// Whether sealed payloads are among the files.
    pub(super) payloads: bool,
    pub(super) files: BTreeMap<String, [u8; 32]>,
}

impl Manifest {
    /// Reads the manifest: restricted JSON as entries have it, but as long as a file may be.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, &'static str> {
        let raw = Raw::parse(bytes, FILE_BYTES_MAX).ok_or("is not restricted json")?;
        if raw.text_of("format") != Some(FORMAT) {
            return Err("has a format that is not known");
        }
        let at = |key: &str| raw.get(key).and_then(Raw::count);
        let kind = match raw.text_of("kind") {
            Some("log") => Kind::Log,
            Some("range") => match at("from").zip(at("to")) {
                Some((from, to)) if from < to => Kind::Range(from, to),
                _ => return Err("names no range"),
            },
            Some("run") => raw
                .text_of("run")
                .and_then(|run| number(run, "run"))
                .map(Kind::Run)
                .ok_or("names no run")?,
            Some("subject") => Kind::Subject,
            _ => return Err("has a kind that is not known"),
        };
        let mut files = BTreeMap::new();
        let list = raw.get("files").ok_or("lists no files")?;
        for (path, digest) in list.members() {
            let digest = digest.text().and_then(LeafHash::parse_hex);
            let (true, Some(digest)) = (is_path(path), digest) else {
                return Err("lists a file whose path or digest is out of form");
            };
            files.insert(path.to_owned(), digest.to_bytes());
        }
        let minimum = at("minimum").unwrap_or(0);
        if minimum % 256 != 0 {
            return Err("has a minimum that is no multiple of 256");
        }
        Ok(Self {
            kind,
            origin: raw.text_of("origin").ok_or("names no log")?.to_owned(),
            size: at("size").ok_or("names no size")?,
            minimum,
            payloads: raw.get("payloads").and_then(Raw::boolean) != Some(false),
            files,
        })
    }
}

/// Whether a path is one that is ever asked for: it stays within the folder, however it is joined to it.
#[must_use]
pub fn is_path(path: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && part != "."
            && part != ".."
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
    };
    path.len() <= PATH_BYTES_MAX && path.split('/').all(part)
}

/// Files that are held against a manifest while they are read.
pub(super) struct Watched<'a> {
    inner: &'a dyn LogFiles,
    manifest: Option<&'a Manifest>,
    seen: RefCell<BTreeSet<String>>,
    differs: RefCell<Option<String>>,
}

impl<'a> Watched<'a> {
    pub(super) const fn new(inner: &'a dyn LogFiles, manifest: Option<&'a Manifest>) -> Self {
        Self {
            inner,
            manifest,
            seen: RefCell::new(BTreeSet::new()),
            differs: RefCell::new(None),
        }
    }

    fn watch(&self, path: &str, bytes: &[u8]) {
        let Some(manifest) = self.manifest else {
            return;
        };
        let Some(digest) = manifest.files.get(path) else {
            return;
        };
        if Sha256::digest(bytes).as_slice() != digest {
            self.differs
                .borrow_mut()
                .get_or_insert_with(|| path.to_owned());
        }
        self.seen.borrow_mut().insert(path.to_owned());
    }

    /// Reads what was not read yet, and says whether all files are those of the manifest.
    pub(super) fn finish(&self) -> Finding {
        let Some(manifest) = self.manifest else {
            return Finding::unasked("this is no export, so there is no manifest");
        };
        let mut absent = None;
        for path in manifest.files.keys() {
            if self.seen.borrow().contains(path) {
                continue;
            }
            match self.read(path) {
                Ok(Some(_)) => {}
                Ok(None) => {
                    absent.get_or_insert(path);
                }
                Err(fault) => {
                    return Finding::unclear(format!("`{path}` cannot be read: {fault}"));
                }
            }
        }
        if let Some(path) = self.differs.borrow().as_ref() {
            return Finding::wrong(format!("`{path}` is not the file that the manifest names"));
        }
        if let Some(path) = absent {
            return Finding::wrong(format!("`{path}` is named by the manifest and not there"));
        }
        let mut said = format!("{} files are those of the manifest", manifest.files.len());
        if let Ok(Some(list)) = self.inner.list() {
            let more = list
                .iter()
                .filter(|path| *path != PATH && !manifest.files.contains_key(*path))
                .count();
            if more > 0 {
                said.push_str(&format!("; {more} more are there and were not read"));
            }
        }
        Finding::holds(said)
    }
}

impl LogFiles for Watched<'_> {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, ReadFault> {
        if !is_path(path) {
            return Ok(None);
        }
        // What an export does not list is no part of it.
        if let Some(manifest) = self.manifest
            && !manifest.files.contains_key(path)
        {
            return Ok(None);
        }
        let read = self.inner.read(path)?;
        if let Some(bytes) = &read {
            self.watch(path, bytes);
        }
        Ok(read)
    }

    fn list(&self) -> Result<Option<Vec<String>>, ReadFault> {
        match self.manifest {
            Some(manifest) => Ok(Some(manifest.files.keys().cloned().collect())),
            None => self.inner.list(),
        }
    }
}
