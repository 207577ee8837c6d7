//! The data key of the secret store: one file beside the secrets, wrapped by the provider. It is not in the store of
//! journal and records, which one process locks: a secret can be kept while the server runs.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use interlock_core::id::EnvironmentName;
use rustix::fs::{FlockOperation, flock};
use zeroize::Zeroizing;

use crate::keys::{
    Cache, DataKey, KeyFault, KeyPlace, KeyProvider, ProviderFault, ProviderKind, Wrapped,
};
use crate::seal::KeyBookFault;

/// Bytes of the wrapped key's file.
const KEY_BYTES_MAX: u64 = 8 * 1024;

pub(super) struct StoreKey {
    dir: PathBuf,
    place: KeyPlace,
    provider: Arc<dyn KeyProvider>,
    cache: Cache,
}

fn io(fault: &io::Error) -> KeyFault {
    KeyBookFault(format!("the key of the secrets: {fault}")).into()
}

impl StoreKey {
    pub(super) fn new(
        dir: &Path,
        environment: EnvironmentName,
        provider: Arc<dyn KeyProvider>,
    ) -> Self {
        Self {
            dir: dir.to_owned(),
            place: KeyPlace {
                tenant: None,
                environment,
                name: "records.secret".to_owned(),
            },
            provider,
            cache: Cache::default(),
        }
    }

    /// The key that secrets are sealed under.
    pub(super) async fn found(&self) -> Result<DataKey, KeyFault> {
        let mut last = None;
        loop {
            let Some(page) = self.read().map_err(|fault| io(&fault))? else {
                // Secrets that were kept before the store had a key of its own.
                let key = self.provider.heirloom("small/secret");
                return key
                    .ok_or_else(|| KeyBookFault("the secrets have no key".to_owned()).into());
            };
            if let Some(key) = self.cache.key_of(&self.place, &page) {
                return Ok(key);
            }
            let wrapped = Wrapped::decode(&page).ok_or(KeyFault::Form)?;
            match self.provider.unwrap(&self.place, &wrapped).await {
                Ok(key) => {
                    self.cache.keep(&self.place, &page, &key);
                    return Ok(key);
                }
                // A turn may have wrapped it anew between reading the file and opening it.
                Err(ProviderFault::Gone(_)) if last.as_ref() != Some(&page) => last = Some(page),
                Err(fault) => return Err(fault.into()),
            }
        }
    }

    /// The same, made where there is none.
    pub(super) async fn made(&self) -> Result<DataKey, KeyFault> {
        let lock = self.lock().await?;
        if self.read().map_err(|fault| io(&fault))?.is_none() {
            let key = match self.provider.heirloom("small/secret") {
                Some(key) => key,
                None => fresh()?,
            };
            let wrapped = self.provider.wrap(&self.place, &key).await?;
            self.write(&wrapped.encode()).map_err(|fault| io(&fault))?;
        }
        drop(lock);
        self.found().await
    }

    /// Takes over the key of secrets kept before the store had one of its own, if any were.
    pub(super) async fn settle(&self) -> Result<(), KeyFault> {
        if self.provider.heirloom("small/secret").is_some() && self.dir.exists() {
            self.made().await?;
        }
        Ok(())
    }

    pub(super) fn pages(&self) -> Result<Vec<(ProviderKind, u32)>, KeyFault> {
        let page = self.read().map_err(|fault| io(&fault))?;
        let wrapped = page.map(|page| Wrapped::decode(&page).ok_or(KeyFault::Form));
        let wrapped = wrapped.transpose()?;
        Ok(wrapped.iter().map(|key| (key.by, key.epoch)).collect())
    }

    /// Wraps the key anew.
    pub(super) async fn rewrap(&self, epoch: u32) -> Result<u64, KeyFault> {
        if !self.dir.exists() {
            return Ok(0);
        }
        let _nobody_makes_one = self.lock().await?;
        let Some(page) = self.read().map_err(|fault| io(&fault))? else {
            return Ok(0);
        };
        let wrapped = Wrapped::decode(&page).ok_or(KeyFault::Form)?;
        if wrapped.by != self.provider.kind() || wrapped.epoch < epoch {
            let keys = [(self.place.clone(), wrapped)];
            for anew in self.provider.rewrap(&keys).await? {
                self.write(&anew.encode()).map_err(|fault| io(&fault))?;
            }
        }
        Ok(1)
    }

    fn path(&self) -> PathBuf {
        self.dir.join(".key")
    }

    fn read(&self) -> io::Result<Option<Vec<u8>>> {
        let file = match File::open(self.path()) {
            Ok(file) => file,
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(fault) => return Err(fault),
        };
        let mut page = Vec::new();
        file.take(KEY_BYTES_MAX).read_to_end(&mut page)?;
        Ok(Some(page))
    }

    fn write(&self, page: &[u8]) -> io::Result<()> {
        let next = self.dir.join(".key.next");
        let _ = fs::remove_file(&next);
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&next)?;
        file.write_all(page)?;
        file.sync_all()?;
        fs::rename(&next, self.path())?;
        File::open(&self.dir)?.sync_all()
    }

    /// Held while the key is made or wrapped anew: a key that another process makes is never left under an old epoch.
    async fn lock(&self) -> Result<File, KeyFault> {
        let path = self.dir.join(".lock");
        let dir = self.dir.clone();
        let locked = tokio::task::spawn_blocking(move || -> io::Result<File> {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&dir)?;
            let file = fs::OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .open(&path)?;
            flock(&file, FlockOperation::LockExclusive)?;
            Ok(file)
        });
        locked
            .await
            .map_err(|_| KeyBookFault("the key of the secrets: interrupted".to_owned()))?
            .map_err(|fault| io(&fault))
    }
}

fn fresh() -> Result<DataKey, KeyFault> {
    let mut key = Zeroizing::new([0u8; 32]);
    aws_lc_rs::rand::fill(key.as_mut_slice()).map_err(|_| KeyFault::Entropy)?;
    Ok(key)
}
