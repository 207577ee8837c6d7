//! Secrets, fetched at the moment of use: an embedded store of sealed files in the data directory. A value lives in a
//! type that is wiped and prints nothing; references look like `secret://NAME`; configuration never holds a value.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use interlock_core::id::{EnvironmentName, SecretName};
use zeroize::Zeroizing;

use crate::keys::{KeyFault, KeyHolder, KeyProvider, ProviderKind, small};
use crate::seal::SealFault;

mod key;
#[cfg(test)]
mod tests;

/// Bytes of one secret.
const SECRET_BYTES_MAX: usize = 64 * 1024;

/// A secret value. Its `Debug` shows nothing; it is wiped when dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// From a text; white space at both ends is not part of it.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.trim().to_owned()))
    }

    /// The value, for the moment of use.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretFault {
    /// None of that name.
    #[error("fetch secret `{0}`: there is none\nhint: interlock key set {0}")]
    Missing(SecretName),
    /// The file cannot be read or written.
    #[error("reach secret `{0}`: {1}")]
    Io(SecretName, std::io::Error),
    /// The key that they are sealed under cannot be had.
    #[error("reach the key of secret `{0}`: {1}")]
    Key(SecretName, KeyFault),
    /// It does not open under the key.
    #[error("open secret `{0}`: {1}")]
    Seal(SecretName, SealFault),
    /// Empty, too long, or no text.
    #[error("keep secret `{0}`: it is empty, longer than 64 KiB, or holds control characters")]
    Form(SecretName),
}

/// The embedded store. Its values are sealed under a data key of its own, which lies beside them, wrapped.
pub struct SecretStore {
    dir: PathBuf,
    environment: EnvironmentName,
    key: key::StoreKey,
}

impl SecretStore {
    /// The store of a data directory.
    #[must_use]
    pub fn new(
        data_dir: &Path,
        environment: EnvironmentName,
        provider: Arc<dyn KeyProvider>,
    ) -> Self {
        let dir = data_dir.join("secrets");
        Self {
            key: key::StoreKey::new(&dir, environment.clone(), provider),
            dir,
            environment,
        }
    }

    fn path(&self, name: &SecretName) -> PathBuf {
        self.dir.join(format!("{name}.sealed"))
    }

    fn aad(&self, name: &SecretName) -> String {
        format!("{}/{name}", self.environment)
    }

    /// Seals a secret, in place of an older one.
    ///
    /// # Errors
    /// See [`SecretFault`]. The older value stays where the new one cannot be written whole.
    pub async fn set(&self, name: &SecretName, secret: &Secret) -> Result<(), SecretFault> {
        let text = secret.expose();
        if text.is_empty() || text.len() > SECRET_BYTES_MAX || text.chars().any(char::is_control) {
            return Err(SecretFault::Form(name.clone()));
        }
        let key = self.key.made().await;
        let key = key.map_err(|fault| SecretFault::Key(name.clone(), fault))?;
        let sealed = small::seal(&key, "secret", self.aad(name).as_bytes(), text.as_bytes())
            .map_err(|fault| SecretFault::Seal(name.clone(), fault))?;
        self.write(name, &sealed)
            .map_err(|fault| SecretFault::Io(name.clone(), fault))
    }

    fn write(&self, name: &SecretName, sealed: &[u8]) -> std::io::Result<()> {
        let next = self.dir.join(format!("{name}.next"));
        let _ = fs::remove_file(&next);
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&next)?;
        file.write_all(sealed)?;
        file.sync_all()?;
        fs::rename(&next, self.path(name))?;
        fs::File::open(&self.dir)?.sync_all()
    }

    /// Fetches a secret, for the moment of use.
    ///
    /// # Errors
    /// See [`SecretFault`].
    pub async fn get(&self, name: &SecretName) -> Result<Secret, SecretFault> {
        let mut sealed = Vec::new();
        let io = |fault: std::io::Error| match fault.kind() {
            std::io::ErrorKind::NotFound => SecretFault::Missing(name.clone()),
            _ => SecretFault::Io(name.clone(), fault),
        };
        let file = fs::File::open(self.path(name)).map_err(io)?;
        file.take(SECRET_BYTES_MAX as u64 + 64)
            .read_to_end(&mut sealed)
            .map_err(io)?;
        let key = self.key.found().await;
        let key = key.map_err(|fault| SecretFault::Key(name.clone(), fault))?;
        let opened = small::open(&key, "secret", self.aad(name).as_bytes(), &sealed)
            .map_err(|fault| SecretFault::Seal(name.clone(), fault))?;
        std::str::from_utf8(&opened)
            .map(Secret::new)
            .map_err(|_| SecretFault::Form(name.clone()))
    }

    /// The names of all secrets.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn list(&self) -> std::io::Result<Vec<SecretName>> {
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(fault) => return Err(fault),
        };
        let mut names = Vec::new();
        for entry in entries {
            let file = entry?.file_name();
            if let Some(name) = file.to_str().and_then(|file| file.strip_suffix(".sealed"))
                && let Ok(name) = SecretName::parse(name)
            {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// Removes a secret.
    ///
    /// # Errors
    /// There is none, or the file cannot be removed.
    pub fn remove(&self, name: &SecretName) -> Result<(), SecretFault> {
        fs::remove_file(self.path(name)).map_err(|fault| match fault.kind() {
            std::io::ErrorKind::NotFound => SecretFault::Missing(name.clone()),
            _ => SecretFault::Io(name.clone(), fault),
        })
    }
}

#[async_trait]
impl KeyHolder for SecretStore {
    async fn settle(&self) -> Result<(), KeyFault> {
        self.key.settle().await
    }

    fn pages(&self) -> Result<Vec<(ProviderKind, u32)>, KeyFault> {
        self.key.pages()
    }

    async fn rewrap(&self, epoch: u32) -> Result<u64, KeyFault> {
        self.key.rewrap(epoch).await
    }
}
