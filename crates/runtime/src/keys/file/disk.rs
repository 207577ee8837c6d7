//! A small file that is replaced whole: written beside it, synced, renamed over it, the directory synced. Whoever dies
//! in between leaves the old file or the new one. The old file's bytes are overwritten before they are given back.

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::KeyFileFault;

/// Bytes of a key file.
const FILE_BYTES_MAX: u64 = 4096;

/// Tells whether a file is still the one that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    length: u64,
    modified: (i64, i64),
}

impl Stamp {
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        fs::metadata(path).map(|metadata| Self::from(&metadata))
    }
}

impl From<&fs::Metadata> for Stamp {
    fn from(metadata: &fs::Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}

pub(super) fn read(path: &Path) -> Result<(Zeroizing<Vec<u8>>, Stamp), KeyFileFault> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(KeyFileFault::Permissions);
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(FILE_BYTES_MAX as usize + 1));
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(KeyFileFault::Form);
    }
    Ok((bytes, Stamp::from(&metadata)))
}

/// Makes a file; never replaces one.
pub(super) fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let dir = parent(path)?;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)?;
    let next = write_beside(path, bytes)?;
    // Unlike a rename, a link never replaces; and no half-written file ever has the name.
    let linked = fs::hard_link(&next, path);
    fs::remove_file(&next)?;
    linked?;
    File::open(dir)?.sync_all()
}

/// Replaces a file.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<Stamp> {
    let next = write_beside(path, bytes)?;
    let old = fs::OpenOptions::new().write(true).open(path)?;
    let stamp = Stamp::of(&next)?;
    fs::rename(&next, path)?;
    File::open(parent(path)?)?.sync_all()?;
    overwrite(old)?;
    Ok(stamp)
}

/// Takes a file away for good; one that is not there is gone already.
pub(super) fn destroy(path: &Path) -> io::Result<()> {
    let old = match fs::OpenOptions::new().write(true).open(path) {
        Ok(old) => old,
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(fault) => return Err(fault),
    };
    fs::remove_file(path)?;
    File::open(parent(path)?)?.sync_all()?;
    overwrite(old)
}

/// Zeroes over the blocks of a file that has no name any more. A file system that copies on write, or a disk that
/// spreads its wear, keeps the old blocks until it needs them.
fn overwrite(mut old: File) -> io::Result<()> {
    let length = old.metadata()?.len().min(FILE_BYTES_MAX);
    old.rewind()?;
    old.write_all(&vec![0u8; usize::try_from(length).unwrap_or_default()])?;
    old.sync_all()
}

fn write_beside(path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let next = path.with_extension("next");
    // One that was left behind by a crash holds keys too.
    destroy(&next)?;
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&next)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(next)
}

fn parent(path: &Path) -> io::Result<&Path> {
    path.parent()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no directory"))
}
