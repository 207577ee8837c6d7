//! The key-encryption key as a local file, `keys/local.key`: every epoch's 32 random bytes, readable by its owner
//! alone, under a passphrase if one was set. It is rewritten whole and atomically; the old epoch's bytes go with the old
//! file. A file of 32 bytes, as it was before there were epochs, is epoch 1.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use interlock_core::time::Timestamp;
use zeroize::Zeroizing;

use super::data::expand;
use super::place::{DataKey, KeyPlace, Wrapped};
use super::provider::{Epoch, EpochState, KeyProvider, ProviderFault, ProviderKind};
use crate::clock::{Entropy, SystemEntropy};
use crate::secret::Secret;

mod disk;
mod form;
mod lock;
#[cfg(test)]
mod tests;

use disk::Stamp;
use form::{Content, Held};
use lock::Lock;

/// Epochs that one file holds at most: a turn that broke off leaves two.
const EPOCHS_MAX: usize = 16;
const FILE: &str = "keys/local.key";

/// Why there is no local key.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileFault {
    /// The file cannot be read or written.
    #[error("use the key file: {0}")]
    Io(#[from] std::io::Error),
    /// Others can read it.
    #[error(
        "use the key file: others than its owner may read it\nhint: chmod 600 the file, and change the key if somebody did"
    )]
    Permissions,
    /// It has another form.
    #[error("use the key file: it is no key file")]
    Form,
    /// It is under a passphrase, and none was given.
    #[error(
        "use the key file: it is under a passphrase\nhint: give it at the terminal, or name passphrase_file or passphrase_fd under [keys] in interlock.toml"
    )]
    Locked,
    /// The passphrase is another one.
    #[error("use the key file: the passphrase is wrong, or the file was changed")]
    Passphrase,
    /// The passphrase could not be read.
    #[error("read the passphrase of the key file: {0}")]
    Source(String),
    /// No randomness.
    #[error("make the key file: the system gives no randomness")]
    Entropy,
}

/// Asked for the passphrase, if the file is under one.
pub type Unlock<'a> = &'a dyn Fn() -> Result<Secret, KeyFileFault>;

/// For a file that is under no passphrase.
///
/// # Errors
/// [`KeyFileFault::Locked`], always.
pub fn no_passphrase() -> Result<Secret, KeyFileFault> {
    Err(KeyFileFault::Locked)
}

struct Current {
    held: Vec<Held>,
    lock: Option<Lock>,
    stamp: Option<Stamp>,
}

/// The local key-encryption key. Its `Debug` shows nothing.
pub struct FileKeys {
    path: Option<PathBuf>,
    entropy: Arc<dyn Entropy>,
    current: Mutex<Current>,
}

impl std::fmt::Debug for FileKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FileKeys(..)")
    }
}

impl FileKeys {
    /// Reads the key file of a data directory.
    ///
    /// # Errors
    /// It is not there, of another form, readable by others, or under another passphrase.
    pub fn open(data_dir: &Path, unlock: Unlock<'_>) -> Result<Self, KeyFileFault> {
        let path = data_dir.join(FILE);
        let (bytes, stamp) = disk::read(&path)?;
        let (lock, held) = match form::decode(&bytes)? {
            Content::Open(held) => (None, held),
            Content::Locked(locked) => {
                let lock = Lock::new(&unlock()?, locked.terms)?;
                let held = lock.open(&locked)?;
                (Some(lock), held)
            }
        };
        Ok(Self {
            path: Some(path),
            entropy: Arc::new(SystemEntropy),
            current: Mutex::new(Current {
                held,
                lock,
                stamp: Some(stamp),
            }),
        })
    }

    /// Makes the key file of a new data directory, under no passphrase; never replaces one.
    ///
    /// # Errors
    /// One is there already, or the file cannot be written.
    pub fn create(data_dir: &Path, now: Timestamp) -> Result<Self, KeyFileFault> {
        let path = data_dir.join(FILE);
        let held = vec![Held::draw(1, now, &SystemEntropy)?];
        disk::create(&path, &form::encode(&held, None)?)?;
        Self::open(data_dir, &no_passphrase)
    }

    /// A key that lives as long as the process, for tests and cases: what it wraps dies with it.
    ///
    /// # Errors
    /// No randomness.
    pub fn ephemeral(entropy: Arc<dyn Entropy>) -> Result<Self, KeyFileFault> {
        let held = vec![Held::draw(1, Timestamp::from_micros(0), entropy.as_ref())?];
        Ok(Self {
            path: None,
            entropy,
            current: Mutex::new(Current {
                held,
                lock: None,
                stamp: None,
            }),
        })
    }

    /// Whether a data directory has a key file.
    #[must_use]
    pub fn exists(data_dir: &Path) -> bool {
        data_dir.join(FILE).exists()
    }

    /// Whether it is under a passphrase.
    ///
    /// # Errors
    /// The file cannot be read again.
    pub fn is_locked(&self) -> Result<bool, KeyFileFault> {
        Ok(self.now()?.lock.is_some())
    }

    /// Puts the file under another passphrase, or under none.
    ///
    /// # Errors
    /// The file cannot be read or written; it is then as it was.
    pub fn set_passphrase(&self, passphrase: Option<&Secret>) -> Result<(), KeyFileFault> {
        let mut current = self.now()?;
        let lock = match passphrase {
            None => None,
            Some(passphrase) => Some(Lock::fresh(passphrase, self.entropy.as_ref())?),
        };
        let before = std::mem::replace(&mut current.lock, lock);
        let written = self.write(&mut current);
        if written.is_err() {
            current.lock = before;
        }
        written
    }

    /// The file as it is now: another process may have rewritten it.
    fn now(&self) -> Result<MutexGuard<'_, Current>, KeyFileFault> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(path) = &self.path
            && current.stamp != Some(Stamp::of(path)?)
        {
            let (bytes, stamp) = disk::read(path)?;
            let held = match (form::decode(&bytes)?, &current.lock) {
                (Content::Open(held), _) => {
                    current.lock = None;
                    held
                }
                (Content::Locked(locked), Some(lock)) if lock.terms() == locked.terms => {
                    lock.open(&locked)?
                }
                (Content::Locked(_), _) => return Err(KeyFileFault::Passphrase),
            };
            current.held = held;
            current.stamp = Some(stamp);
        }
        Ok(current)
    }

    fn write(&self, current: &mut Current) -> Result<(), KeyFileFault> {
        if let Some(path) = &self.path {
            let bytes = form::encode(&current.held, current.lock.as_ref())?;
            current.stamp = Some(disk::replace(path, &bytes)?);
        }
        Ok(())
    }

    /// Replaces the epochs; what is held stays as it was where the file cannot be written.
    fn hold(&self, current: &mut Current, held: Vec<Held>) -> Result<(), KeyFileFault> {
        let before = std::mem::replace(&mut current.held, held);
        let written = self.write(current);
        if written.is_err() {
            current.held = before;
            // The rename may have happened: the file is read again before it is used.
            current.stamp = None;
        }
        written
    }
}

impl From<KeyFileFault> for ProviderFault {
    fn from(fault: KeyFileFault) -> Self {
        match fault {
            KeyFileFault::Io(_) => Self::Unavailable(fault.to_string()),
            KeyFileFault::Entropy => Self::Entropy,
            other => Self::Configuration(other.to_string()),
        }
    }
}

fn cipher(epoch: &Held) -> Result<LessSafeKey, ProviderFault> {
    let key = expand(
        epoch.key.as_slice(),
        b"interlock/local-key/v1",
        b"small/data_key",
    );
    UnboundKey::new(&AES_256_GCM, key.as_slice())
        .map(LessSafeKey::new)
        .map_err(|_| ProviderFault::Refused)
}

#[async_trait]
impl KeyProvider for FileKeys {
    fn kind(&self) -> ProviderKind {
        ProviderKind::File
    }

    fn address(&self) -> String {
        match &self.path {
            Some(_) => FILE.to_owned(),
            None => "memory".to_owned(),
        }
    }

    async fn wrap(&self, place: &KeyPlace, key: &DataKey) -> Result<Wrapped, ProviderFault> {
        let current = self.now()?;
        let epoch = current.held.last().ok_or(ProviderFault::Refused)?;
        let mut nonce = [0u8; NONCE_LEN];
        aws_lc_rs::rand::fill(&mut nonce).map_err(|_| ProviderFault::Entropy)?;
        let mut content = key.to_vec();
        cipher(epoch)?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(place.associated().as_bytes()),
                &mut content,
            )
            .map_err(|_| ProviderFault::Refused)?;
        let bytes = [nonce.as_slice(), &content].concat();
        Ok(Wrapped::new(ProviderKind::File, epoch.number, bytes))
    }

    async fn unwrap(&self, place: &KeyPlace, wrapped: &Wrapped) -> Result<DataKey, ProviderFault> {
        let current = self.now()?;
        let epoch = current
            .held
            .iter()
            .find(|held| held.number == wrapped.epoch)
            .ok_or(ProviderFault::Gone(wrapped.epoch))?;
        let associated = if wrapped.first_form {
            let tenant = place.tenant.as_ref().ok_or(ProviderFault::Refused)?;
            format!("{tenant}/{}", place.name)
        } else {
            place.associated()
        };
        let (nonce, content) = wrapped
            .bytes
            .split_at_checked(NONCE_LEN)
            .ok_or(ProviderFault::Refused)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| ProviderFault::Refused)?;
        let mut content = Zeroizing::new(content.to_vec());
        let opened = cipher(epoch)?
            .open_in_place(nonce, Aad::from(associated.as_bytes()), &mut content)
            .map_err(|_| ProviderFault::Refused)?;
        let key = <[u8; 32]>::try_from(&*opened).map_err(|_| ProviderFault::Refused)?;
        Ok(Zeroizing::new(key))
    }

    async fn epochs(&self) -> Result<Vec<Epoch>, ProviderFault> {
        let current = self.now()?;
        let epochs = current.held.iter().map(|held| Epoch {
            number: held.number,
            made_at: held.made_at,
            state: EpochState::Alive,
        });
        Ok(epochs.collect())
    }

    async fn new_epoch(&self, before: u32, now: Timestamp) -> Result<u32, ProviderFault> {
        let mut current = self.now()?;
        let newest = current.held.last().ok_or(ProviderFault::Refused)?.number;
        if newest != before {
            return Ok(newest);
        }
        if current.held.len() >= EPOCHS_MAX {
            return Err(ProviderFault::Configuration(
                "the key file holds too many epochs".to_owned(),
            ));
        }
        let next = newest.saturating_add(1);
        let mut held = current.held.clone();
        // What was derived from the first form has pages of its own by now.
        held.iter_mut().for_each(|held| held.first_form = false);
        held.push(Held::draw(next, now, self.entropy.as_ref())?);
        self.hold(&mut current, held)?;
        Ok(next)
    }

    async fn destroy_before(&self, epoch: u32) -> Result<Option<Timestamp>, ProviderFault> {
        let mut current = self.now()?;
        let newest = current.held.last().ok_or(ProviderFault::Refused)?.number;
        let held: Vec<Held> = current
            .held
            .iter()
            .filter(|held| held.number >= epoch.min(newest))
            .cloned()
            .collect();
        if held.len() < current.held.len() {
            self.hold(&mut current, held)?;
        } else if let Some(path) = &self.path {
            // Ended already, by a process that may have died before it had overwritten the old file.
            disk::clear(path).map_err(KeyFileFault::from)?;
        }
        Ok(None)
    }

    async fn retire(&self) -> Result<Option<Timestamp>, ProviderFault> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(path) = &self.path {
            disk::clear(path)
                .and_then(|()| disk::destroy(path))
                .map_err(KeyFileFault::from)?;
        }
        drop(current);
        Ok(None)
    }

    fn heirloom(&self, purpose: &str) -> Option<DataKey> {
        let current = self.now().ok()?;
        let first = current.held.first().filter(|held| held.first_form)?;
        Some(expand(
            first.key.as_slice(),
            b"interlock/local-key/v1",
            purpose.as_bytes(),
        ))
    }
}
