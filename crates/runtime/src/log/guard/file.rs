//! The guard as a small file, by default in `guard/` of the data directory, better on a disk of its own: whoever
//! restores the store from a backup then does not restore the guard with it. One process holds it at a time.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use aws_lc_rs::digest;
use interlock_core::id::TenantName;
use interlock_core::time::Timestamp;
use rustix::fs::FlockOperation;

use super::{Guard, GuardFault, Guarded, continues};
use crate::log::durable;

const FORM: &str = "interlock-guard/1";
/// Bytes of a guard's file.
const FILE_BYTES_MAX: usize = 1024;

/// See the module's text.
pub struct FileGuard {
    place: Arc<Mutex<Place>>,
}

struct Place {
    path: PathBuf,
    /// The operating system frees the lock with the process, however it ends.
    _lock: File,
}

impl FileGuard {
    /// Opens a tenant's guard in a directory, for this process alone. Makes the directory and never the guard.
    ///
    /// # Errors
    /// Another process has it, or the directory cannot be used.
    pub fn open(dir: &Path, tenant: &TenantName) -> Result<Self, GuardFault> {
        durable::make_dir(dir)?;
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(dir.join(format!("{tenant}.lock")))?;
        match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(GuardFault::Locked),
            Err(fault) => return Err(GuardFault::Io(fault.into())),
        }
        Ok(Self {
            place: Arc::new(Mutex::new(Place {
                path: path(dir, tenant),
                _lock: lock,
            })),
        })
    }

    /// What a guard holds, beside the process that has it.
    ///
    /// # Errors
    /// It cannot be read, or is damaged.
    pub fn look(dir: &Path, tenant: &TenantName) -> Result<Option<Guarded>, GuardFault> {
        read(&path(dir, tenant))
    }

    async fn with<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Path) -> Result<T, GuardFault> + Send + 'static,
    ) -> Result<T, GuardFault> {
        let place = Arc::clone(&self.place);
        let acted = tokio::task::spawn_blocking(move || {
            let place = place.lock().unwrap_or_else(PoisonError::into_inner);
            act(&place.path)
        });
        acted
            .await
            .map_err(|_ended| GuardFault::Io(std::io::Error::other("the write was broken off")))?
    }
}

#[async_trait]
impl Guard for FileGuard {
    async fn last(&self) -> Result<Option<Guarded>, GuardFault> {
        self.with(read).await
    }

    async fn advance(&self, expected: Option<&Guarded>, new: &Guarded) -> Result<(), GuardFault> {
        let (expected, new) = (expected.cloned(), new.clone());
        self.with(move |path| {
            continues(read(path)?.as_ref(), expected.as_ref(), &new)?;
            Ok(durable::replace(path, &encode(&new))?)
        })
        .await
    }

    async fn adopt(&self, new: &Guarded) -> Result<(), GuardFault> {
        let new = new.clone();
        self.with(move |path| Ok(durable::replace(path, &encode(&new))?))
            .await
    }
}

fn path(dir: &Path, tenant: &TenantName) -> PathBuf {
    dir.join(format!("{tenant}.guard"))
}

fn read(path: &Path) -> Result<Option<Guarded>, GuardFault> {
    let Some(bytes) = durable::read(path, FILE_BYTES_MAX)? else {
        return Ok(None);
    };
    decode(&bytes).map(Some).ok_or(GuardFault::Damaged)
}

/// Six lines: form, origin, size, root, time in microseconds, and the digest of the five before it. The digest finds a
/// worn disk, not an adversary: whoever may write here may write anything.
fn encode(guarded: &Guarded) -> Vec<u8> {
    let head = format!(
        "{FORM}\n{}\n{}\n{}\n{}\n",
        guarded.origin,
        guarded.size,
        hex(&guarded.root),
        guarded.at.as_micros(),
    );
    let sum = hex(digest::digest(&digest::SHA256, head.as_bytes()).as_ref());
    format!("{head}{sum}\n").into_bytes()
}

fn decode(bytes: &[u8]) -> Option<Guarded> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut lines = text.lines();
    if lines.next()? != FORM {
        return None;
    }
    let origin = lines.next()?.to_owned();
    let size = lines.next()?.parse().ok()?;
    let root = unhex(lines.next()?)?;
    let at = Timestamp::from_micros(lines.next()?.parse().ok()?);
    let guarded = Guarded {
        origin,
        size,
        root,
        at,
    };
    // One spelling: what does not come out again as it was read was not written by us.
    (encode(&guarded) == bytes).then_some(guarded)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;
