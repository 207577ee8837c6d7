//! The export itself: files one after the other as of one checkpoint, their manifest last, and the entry that says that
//! they left before the caller may let them go.

use std::collections::{BTreeMap, BTreeSet};

use interlock_core::digest::Digest;
use interlock_journal::tile::{BundleId, TileId, bundles_of, tiles_of};
use interlock_journal::{Canon, Entry, Object, canonical};

use super::receipts::Receipts;
use super::{ExportFault, ExportOf, ExportWith, Exported, ExportedBy, Pack, attach, page};
use crate::administration::{Administration, ExportKind};
use crate::engine::{Engine, Fault};
use crate::log::StoreLogFiles;

/// Entries between two reports of progress.
const TELL_ENTRIES: u64 = 4096;

/// A pack that remembers what went in.
pub(super) struct Listed<'a> {
    pack: &'a mut dyn Pack,
    pub(super) files: BTreeMap<String, [u8; 32]>,
}

impl Listed<'_> {
    pub(super) fn put(&mut self, path: &str, bytes: &[u8]) -> Result<(), ExportFault> {
        self.pack.put(path, bytes)?;
        self.files.insert(path.to_owned(), sha256(bytes));
        Ok(())
    }
}

impl Engine {
    /// Exports what was asked for, as of the newest checkpoint. When it returns, everything is in the pack and an entry
    /// says that it left; on an error the caller throws the pack away.
    ///
    /// # Errors
    /// See [`ExportFault`].
    pub async fn export(
        &self,
        of: &ExportOf,
        with: &ExportWith,
        by: ExportedBy<'_>,
        pack: &mut dyn Pack,
        tell: &mut (dyn FnMut(u64, u64) + Send),
    ) -> Result<Exported, ExportFault> {
        if !super::may_export(by.principal) {
            return Err(ExportFault::Role);
        }
        let files = StoreLogFiles::of(self).await?;
        let files = files.ok_or(ExportFault::Unpublished)?;
        let size = files.published().size;
        let origin = origin(&files.published().checkpoint)?;
        let selected = self.selected(of, size).await?;
        let minimum = self.store().log_minimum(self.tenant()).await?;
        let mut listed = Listed {
            pack,
            files: BTreeMap::new(),
        };
        listed.put("checkpoint", &files.published().checkpoint)?;
        let mut cited = attach::Cited::default();
        let entries = if *of == ExportOf::Log {
            let whole = Whole {
                files: &files,
                minimum,
                // Bare files need nothing that entries name.
                cite: !with.bare,
            };
            self.whole(&whole, &mut listed, &mut cited, tell).await?
        } else {
            self.chosen(&files, &selected, &mut listed, &mut cited, tell)
                .await?
        };
        if with.bare {
            let manifest = Digest::from_bytes(sha256(&files.published().checkpoint));
            return self
                .left(
                    of,
                    by,
                    listed,
                    Exported {
                        origin,
                        size,
                        entries,
                        files: 0,
                        manifest,
                    },
                )
                .await;
        }
        self.attach(&files, &cited, with, by, &mut listed).await?;
        listed.put("VERIFY.md", page::verify(&origin, of).as_bytes())?;
        let manifest = manifest(of, with, &origin, size, minimum, &listed.files)?;
        let digest = Digest::from_bytes(sha256(&manifest));
        listed.pack.put("manifest.json", &manifest)?;
        self.left(
            of,
            by,
            listed,
            Exported {
                origin,
                size,
                entries,
                files: 1,
                manifest: digest,
            },
        )
        .await
    }

    /// Ends the pack and puts on record that it leaves.
    async fn left(
        &self,
        of: &ExportOf,
        by: ExportedBy<'_>,
        listed: Listed<'_>,
        mut exported: Exported,
    ) -> Result<Exported, ExportFault> {
        listed.pack.finish()?;
        exported.files += listed.files.len() as u64;
        let (kind, from, to, run, subject) = match of {
            ExportOf::Log => (ExportKind::Log, Some(0), Some(exported.size), None, None),
            ExportOf::Range(from, to) => (ExportKind::Range, Some(*from), Some(*to), None, None),
            ExportOf::Run(run) => (ExportKind::Run, None, None, Some(*run), None),
            ExportOf::Subject(subject) => (ExportKind::Subject, None, None, None, Some(*subject)),
        };
        let act = Administration::ExportCreated {
            kind,
            manifest: exported.manifest,
            from,
            to,
            run,
            subject,
        };
        self.administer(act, Some(by.reason), Some(by.id())).await?;
        Ok(exported)
    }

    /// Tiles and entry bundles.
    async fn whole(
        &self,
        whole: &Whole<'_>,
        listed: &mut Listed<'_>,
        cited: &mut attach::Cited,
        tell: &mut (dyn FnMut(u64, u64) + Send),
    ) -> Result<u64, ExportFault> {
        let size = whole.files.published().size;
        for tile in tiles_of(size) {
            if let Some(bytes) = whole.fetch(&tile.path(), first_of(tile)).await? {
                listed.put(&tile.path(), &bytes)?;
            }
        }
        let mut entries = 0;
        for bundle in bundles_of(size) {
            let Some(bytes) = whole.fetch(&bundle.path(), first_of_bundle(bundle)).await? else {
                continue;
            };
            let inside = interlock_journal::tile::decode_bundle(&bytes, bundle.width)
                .map_err(|_| Fault::Bug("an entry bundle that was just made".to_owned()))?;
            if whole.cite {
                for entry in inside {
                    cited.read(entry)?;
                }
            }
            listed.put(&bundle.path(), &bytes)?;
            entries += u64::from(bundle.width);
            if entries % TELL_ENTRIES == 0 {
                tell(entries, size);
            }
        }
        Ok(entries)
    }

    /// Entries one by one, each with its receipt.
    async fn chosen(
        &self,
        files: &StoreLogFiles,
        selected: &BTreeSet<u64>,
        listed: &mut Listed<'_>,
        cited: &mut attach::Cited,
        tell: &mut (dyn FnMut(u64, u64) + Send),
    ) -> Result<u64, ExportFault> {
        let mut receipts = Receipts::new(files);
        let mut done = 0;
        for index in selected {
            let stored = self.store().log_entries(self.tenant(), *index, 1).await?;
            let stored = stored
                .first()
                .filter(|stored| stored.index == *index)
                .ok_or(ExportFault::Nothing("an entry is pruned"))?;
            listed.put(&format!("events/{index:020}.json"), &stored.bytes)?;
            listed.put(
                &format!("events/{index:020}.tlog-proof"),
                &receipts.of(*index).await?,
            )?;
            cited.read(&stored.bytes)?;
            done += 1;
            if done % TELL_ENTRIES == 0 {
                tell(done, selected.len() as u64);
            }
        }
        Ok(done)
    }
}

/// The whole log as files.
struct Whole<'a> {
    files: &'a StoreLogFiles,
    minimum: u64,
    cite: bool,
}

impl Whole<'_> {
    /// A file; `None` where what it holds was pruned, and nowhere else.
    async fn fetch(&self, path: &str, first: u64) -> Result<Option<Vec<u8>>, ExportFault> {
        match self.files.fetch(path).await? {
            None if first >= self.minimum => Err(ExportFault::Nothing(
                "a file of the log is missing: interlock audit verify names it",
            )),
            found => Ok(found),
        }
    }
}

/// The first entry that a tile stands for.
const fn first_of(tile: TileId) -> u64 {
    (tile.index << 8) << (8 * tile.level as u32)
}

const fn first_of_bundle(bundle: BundleId) -> u64 {
    bundle.index << 8
}

fn origin(checkpoint: &[u8]) -> Result<String, Fault> {
    let line = checkpoint.split(|byte| *byte == b'\n').next();
    line.and_then(|line| std::str::from_utf8(line).ok())
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .ok_or_else(|| Fault::Bug("a checkpoint without an origin".to_owned()))
}

/// The manifest: restricted JSON, as entries are. The same for the same files, whoever exports them.
fn manifest(
    of: &ExportOf,
    with: &ExportWith,
    origin: &str,
    size: u64,
    minimum: u64,
    files: &BTreeMap<String, [u8; 32]>,
) -> Result<Vec<u8>, ExportFault> {
    let unfit = |_| Fault::Bug("a manifest's member is of another form".to_owned());
    let mut members: Vec<(&str, Canon)> = vec![
        ("format", Canon::text("interlock-export/1").map_err(unfit)?),
        ("minimum", Canon::count(minimum).map_err(unfit)?),
        ("origin", Canon::text(origin).map_err(unfit)?),
        ("payloads", Canon::Bool(with.payloads)),
        ("size", Canon::count(size).map_err(unfit)?),
    ];
    let kind = match of {
        ExportOf::Log => "log",
        ExportOf::Range(from, to) => {
            members.push(("from", Canon::count(*from).map_err(unfit)?));
            members.push(("to", Canon::count(*to).map_err(unfit)?));
            "range"
        }
        ExportOf::Run(run) => {
            members.push(("run", Canon::text(run.to_string()).map_err(unfit)?));
            "run"
        }
        ExportOf::Subject(subject) => {
            members.push(("subject", Canon::text(subject.to_string()).map_err(unfit)?));
            "subject"
        }
    };
    members.push(("kind", Canon::text(kind).map_err(unfit)?));
    let mut list = Object::new();
    for (path, digest) in files {
        let path = interlock_journal::Text::parse(path.as_str()).map_err(unfit)?;
        let digest = Digest::from_bytes(*digest).to_string();
        list.insert(path, Canon::text(digest).map_err(unfit)?);
    }
    members.push(("files", Canon::Object(list)));
    let mut object = Object::new();
    for (key, value) in members {
        object.insert(interlock_journal::Text::parse(key).map_err(unfit)?, value);
    }
    Ok(canonical::encode(&Canon::Object(object)))
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    out.iter_mut()
        .zip(digest.as_ref())
        .for_each(|(slot, byte)| *slot = *byte);
    out
}

/// An entry of the store, as it is.
pub(super) fn entry(bytes: &[u8]) -> Result<Entry, Fault> {
    Entry::parse(bytes).map_err(|_| Fault::Bug("what stands in the log is no entry".to_owned()))
}
