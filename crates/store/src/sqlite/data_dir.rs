//! The data directory: made for its owner alone, locked by one process, on a local disk.
//! The lock is the operating system's, held on an open file: it is gone when the process is, however it ended.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;

use super::{DATABASE_FILE, LOCK_FILE, OpenFault};

/// Creates the data directory for its owner alone (mode 0700), or checks that it is so.
///
/// # Errors
/// It cannot be created, other users may enter it, or it is on a network file system.
pub fn prepare_data_dir(dir: &Path) -> Result<(), OpenFault> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|e| fault("create", dir, &e))?;
    let mode = dir
        .metadata()
        .map_err(|e| fault("inspect", dir, &e))?
        .permissions()
        .mode()
        & 0o7777;
    if mode & 0o077 != 0 {
        return Err(OpenFault::Exposed {
            path: dir.to_owned(),
            mode,
        });
    }
    refuse_network(dir)
}

/// NFS, SMB and CIFS neither lock nor sync as SQLite needs.
#[cfg(target_os = "linux")]
fn refuse_network(dir: &Path) -> Result<(), OpenFault> {
    const NETWORK: [u32; 4] = [0x6969, 0x517b, 0xff53_4d42, 0xfe53_4d42];
    let found = rustix::fs::statfs(dir)
        .map_err(|e| fault("inspect", dir, &e.into()))?
        .f_type;
    // The kernel's numbers have 32 bits; the field is wider on some machines, and signed.
    let found = u32::try_from(found as i128 & 0xffff_ffff).unwrap_or(0);
    if NETWORK.contains(&found) {
        return Err(OpenFault::Network {
            path: dir.to_owned(),
        });
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn refuse_network(_: &Path) -> Result<(), OpenFault> {
    Ok(())
}

/// The lock on a data directory, for as long as it lives.
pub(super) struct Lock(#[expect(dead_code, reason = "the lock is held by the open file")] File);

/// Locks the data directory for this process.
pub(super) fn lock(dir: &Path) -> Result<Lock, OpenFault> {
    let path = dir.join(LOCK_FILE);
    let mut file = owner_only()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(|e| fault("open", &path, &e))?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => {
            return Err(OpenFault::Locked {
                path: dir.to_owned(),
                holder: holder(&mut file),
            });
        }
        Err(e) => return Err(fault("lock", &path, &e.into())),
    }
    let name = format!("process {}\n", std::process::id());
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| file.write_all(name.as_bytes()))
        .map_err(|e| fault("write", &path, &e))?;
    Ok(Lock(file))
}

/// Who holds the lock, if the lock file says it in the form in which we write it.
fn holder(file: &mut File) -> Option<String> {
    let mut text = String::new();
    file.take(64).read_to_string(&mut text).ok()?;
    let number = text.trim_end().strip_prefix("process ")?;
    number
        .parse::<u32>()
        .ok()
        .map(|number| format!("process {number}"))
}

/// Creates the database file for its owner alone; SQLite gives the files beside it the same mode.
pub(super) fn create_database(dir: &Path) -> Result<PathBuf, OpenFault> {
    let path = dir.join(DATABASE_FILE);
    owner_only()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(|e| fault("create", &path, &e))?;
    let mode = path
        .metadata()
        .map_err(|e| fault("inspect", &path, &e))?
        .permissions()
        .mode()
        & 0o7777;
    if mode & 0o077 != 0 {
        return Err(OpenFault::Exposed { path, mode });
    }
    // A power cut must spare the names of new files as well as their content, and the directory's own.
    sync(dir)?;
    let real = dir.canonicalize().map_err(|e| fault("inspect", dir, &e))?;
    match real
        .parent()
        .map_or(Ok(()), |parent| File::open(parent)?.sync_all())
    {
        Ok(()) => Ok(path),
        // A directory that we may not read is one in which somebody else made ours, and that long ago.
        Err(e) if e.kind() == std::io::ErrorKind::PermissionDenied => Ok(path),
        Err(e) => Err(fault("sync", dir, &e)),
    }
}

fn sync(dir: &Path) -> Result<(), OpenFault> {
    File::open(dir)
        .and_then(|dir| dir.sync_all())
        .map_err(|e| fault("sync", dir, &e))
}

/// The database file of an existing store.
pub(super) fn existing_database(dir: &Path) -> Result<PathBuf, OpenFault> {
    let path = dir.join(DATABASE_FILE);
    if path.is_file() {
        Ok(path)
    } else {
        Err(OpenFault::Missing {
            path: dir.to_owned(),
        })
    }
}

fn owner_only() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

fn fault(operation: &'static str, path: &Path, error: &std::io::Error) -> OpenFault {
    OpenFault::Directory {
        operation,
        path: path.to_owned(),
        cause: error.kind().to_string(),
    }
}
