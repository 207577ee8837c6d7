//! A small file that is replaced whole: written beside it, synced, renamed over it, the directory synced. Whoever dies
//! in between leaves the old file or the new one, and nothing under another name that is not overwritten later.
//! What is overwritten is never what has the file's own name, by whatever other name it is reached.

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::KeyFileFault;

/// What is being written.
const NEXT: &str = "next";
/// What was replaced and is not yet overwritten.
const OLD: &str = "old";
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
    clear(path)?;
    let next = write_beside(path, bytes)?;
    // Unlike a rename, a link never replaces; and no half-written file ever has the name. A death here leaves one file
    // under two names, of which the other is taken away later without touching its bytes.
    let linked = fs::hard_link(&next, path);
    destroy(&next)?;
    linked?;
    File::open(dir)?.sync_all()
}

/// Replaces a file.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<Stamp> {
    clear(path)?;
    let next = write_beside(path, bytes)?;
    let stamp = Stamp::of(&next)?;
    let old = path.with_extension(OLD);
    // A name for the old file, so that a death before it is overwritten does not lose sight of it.
    fs::hard_link(path, &old)?;
    fs::rename(&next, path)?;
    File::open(parent(path)?)?.sync_all()?;
    destroy(&old)?;
    Ok(stamp)
}

/// Takes away what a death in the middle of a replacement left beside a file.
pub(super) fn clear(path: &Path) -> io::Result<()> {
    destroy(&path.with_extension(NEXT))?;
    destroy(&path.with_extension(OLD))
}

/// Takes a name away, and with a file's last name its bytes; one that is not there is gone already.
pub(super) fn destroy(path: &Path) -> io::Result<()> {
    let old = match fs::OpenOptions::new().write(true).open(path) {
        Ok(old) => old,
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(fault) => return Err(fault),
    };
    fs::remove_file(path)?;
    File::open(parent(path)?)?.sync_all()?;
    if old.metadata()?.nlink() > 0 {
        // It has another name, which may be the key file's own.
        return Ok(());
    }
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
    let next = path.with_extension(NEXT);
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

#[cfg(test)]
mod tests {
    use super::*;

    struct World {
        dir: tempfile::TempDir,
    }

    impl World {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            create(&dir.path().join("local.key"), b"first").unwrap();
            Self { dir }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.dir.path().join(name)
        }

        fn link(&self, from: &str, to: &str) {
            fs::hard_link(self.path(from), self.path(to)).unwrap();
        }

        /// A file of its own that a death left, still open here.
        fn leftover(&self, name: &str) -> File {
            fs::write(self.path(name), b"left-over keys").unwrap();
            File::open(self.path(name)).unwrap()
        }

        fn check(&self, content: &[u8]) {
            assert_eq!(fs::read(self.path("local.key")).unwrap(), content);
            let names = fs::read_dir(self.dir.path()).unwrap().count();
            assert_eq!(names, 1, "something is left beside the file");
        }
    }

    fn bytes(mut file: &File) -> Vec<u8> {
        let mut bytes = Vec::new();
        file.rewind().unwrap();
        file.read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn attack_51_a_file_under_two_names_is_never_overwritten() {
        for other in ["local.next", "local.old"] {
            // A death between link and unlink of making it, or between link and rename of replacing it.
            let world = World::new();
            world.link("local.key", other);
            clear(&world.path("local.key")).unwrap();
            world.check(b"first");
            world.link("local.key", other);
            replace(&world.path("local.key"), b"second").unwrap();
            world.check(b"second");
        }
    }

    #[test]
    fn attack_51_what_a_death_left_is_overwritten_later() {
        for name in ["local.next", "local.old"] {
            let world = World::new();
            let left = world.leftover(name);
            replace(&world.path("local.key"), b"second").unwrap();
            world.check(b"second");
            assert_eq!(bytes(&left), vec![0; b"left-over keys".len()], "{name}");
        }
    }

    #[test]
    fn what_is_replaced_is_overwritten_and_nothing_replaces_by_making() {
        let world = World::new();
        let old = File::open(world.path("local.key")).unwrap();
        replace(&world.path("local.key"), b"second").unwrap();
        world.check(b"second");
        assert_eq!(bytes(&old), vec![0; 5]);
        assert!(create(&world.path("local.key"), b"third").is_err());
        world.check(b"second");
    }
}
