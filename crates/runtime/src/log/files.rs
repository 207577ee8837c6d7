//! A live store read as the files of C2SP tlog-tiles, as of one checkpoint: whatever is appended meanwhile, the files
//! fit each other. Tiles come from their rows, cut to the width that the tree of that checkpoint has; entry bundles
//! are made from the entries.

use std::sync::Arc;

use interlock_core::id::{PayloadId, TenantName};
use interlock_journal::audit::{LogFiles, ReadFault};
use interlock_journal::tile::{BundleId, TileId, WIDTH, encode_bundle, tile_in};
use interlock_store::{Published, Store, StoreFault};

use crate::engine::Engine;

/// Older checkpoints that are listed.
const OLDER_LISTED: u32 = 64;

/// See the module's text.
#[derive(Clone)]
pub struct StoreLogFiles {
    store: Arc<dyn Store>,
    tenant: TenantName,
    published: Published,
}

impl StoreLogFiles {
    /// The files as of the newest checkpoint; `None`: nothing was published.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn newest(
        store: Arc<dyn Store>,
        tenant: &TenantName,
    ) -> Result<Option<Self>, StoreFault> {
        let published = store.published(tenant).await?;
        Ok(published.map(|published| Self {
            store,
            tenant: tenant.clone(),
            published,
        }))
    }

    /// The files of an engine's log as of its newest checkpoint; `None`: nothing was published.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn of(engine: &Engine) -> Result<Option<Self>, StoreFault> {
        Self::newest(Arc::clone(&engine.parts.store), engine.tenant()).await
    }

    /// The checkpoint that all files fit.
    #[must_use]
    pub const fn published(&self) -> &Published {
        &self.published
    }

    /// One file; `None`: there is no such file, or its entries were pruned. Beside checkpoint, tiles and bundles:
    /// `checkpoints/<size, 20 digits>`, `payload/<id>` with nonce, ciphertext and tag, and `marks/<id>` as it is sealed.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn fetch(&self, path: &str) -> Result<Option<Vec<u8>>, StoreFault> {
        if let Some(id) = path.strip_prefix("payload/") {
            return self.payload(id).await;
        }
        if let Some(id) = path.strip_prefix("marks/") {
            return self.marks(id).await;
        }
        if let Some(size) = path.strip_prefix("checkpoints/") {
            return self.checkpoint(size).await;
        }
        self.public(path).await
    }

    /// One of the files that C2SP tlog-tiles names: checkpoint, tile or entry bundle.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn public(&self, path: &str) -> Result<Option<Vec<u8>>, StoreFault> {
        if path == "checkpoint" {
            return Ok(Some(self.published.checkpoint.clone()));
        }
        if let Ok(id) = BundleId::parse_path(path) {
            return self.bundle(id).await;
        }
        match TileId::parse_path(path) {
            Ok(id) => self.tile(id).await,
            Err(_) => Ok(None),
        }
    }

    /// Whether the tree has this many hashes, or entries, at this place. Files beyond the checkpoint are not there:
    /// nothing vouches for them.
    fn reaches(&self, level: u8, index: u64, width: u16) -> bool {
        tile_in(level, index, self.published.size).is_some_and(|whole| width <= whole.width)
    }

    async fn tile(&self, id: TileId) -> Result<Option<Vec<u8>>, StoreFault> {
        if !self.reaches(id.level, id.index, id.width) {
            return Ok(None);
        }
        let rows = self
            .store
            .tiles(&self.tenant, &[(id.level, id.index)])
            .await?;
        let row = rows.into_iter().next();
        Ok(row.and_then(|row| row.bytes.get(..id.bytes_len()).map(<[u8]>::to_vec)))
    }

    async fn bundle(&self, id: BundleId) -> Result<Option<Vec<u8>>, StoreFault> {
        if !self.reaches(0, id.index, id.width) {
            return Ok(None);
        }
        let first = id.index.saturating_mul(WIDTH);
        let entries = self
            .store
            .log_entries(&self.tenant, first, u32::from(id.width))
            .await?;
        if entries.len() != usize::from(id.width) {
            return Ok(None);
        }
        let bytes = entries.iter().map(|entry| entry.bytes.as_slice());
        // An entry too long for a bundle was never written by us: that is a damaged row, and no file can hold it.
        let damaged = |_| StoreFault::Damaged {
            operation: "make an entry bundle",
            what: "entry",
        };
        encode_bundle(bytes).map(Some).map_err(damaged)
    }

    /// Paths of the newest older checkpoints: what a reader cannot work out from the size, as it can all others.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn older(&self) -> Result<Vec<String>, StoreFault> {
        let below = Some(self.published.size);
        let found = self
            .store
            .checkpoints(&self.tenant, below, OLDER_LISTED)
            .await?;
        // A log that was renewed has another name: what was signed before is not a part of this one.
        let name = |published: &Published| {
            published
                .checkpoint
                .split(|byte| *byte == b'\n')
                .next()
                .map(<[u8]>::to_vec)
        };
        let own = name(&self.published);
        Ok(found
            .iter()
            .filter(|published| name(published) == own)
            .map(|published| format!("checkpoints/{:020}", published.size))
            .collect())
    }

    async fn checkpoint(&self, size: &str) -> Result<Option<Vec<u8>>, StoreFault> {
        let Some(size) = size
            .parse::<u64>()
            .ok()
            .filter(|number| format!("{number:020}") == size && *number <= self.published.size)
        else {
            return Ok(None);
        };
        let below = Some(size.saturating_add(1));
        let found = self.store.checkpoints(&self.tenant, below, 1).await?;
        Ok(found
            .into_iter()
            .find(|published| published.size == size)
            .map(|published| published.checkpoint))
    }

    async fn payload(&self, id: &str) -> Result<Option<Vec<u8>>, StoreFault> {
        let Ok(id) = id.parse::<PayloadId>() else {
            return Ok(None);
        };
        let sealed = self.store.payload(&self.tenant, id).await?;
        Ok(sealed
            .and_then(|sealed| crate::seal::committed_bytes(&sealed.header, &sealed.ciphertext)))
    }

    async fn marks(&self, id: &str) -> Result<Option<Vec<u8>>, StoreFault> {
        let Ok(id) = id.parse::<PayloadId>() else {
            return Ok(None);
        };
        let sealed = self.store.payload(&self.tenant, id).await?;
        Ok(sealed
            .map(|sealed| sealed.marks)
            .filter(|marks| !marks.is_empty()))
    }
}

/// The same files for a reader that blocks. Only for threads that may: `spawn_blocking`.
pub struct BlockingLogFiles {
    files: StoreLogFiles,
    runtime: tokio::runtime::Handle,
}

impl BlockingLogFiles {
    /// For the runtime that drives the store.
    #[must_use]
    pub const fn new(files: StoreLogFiles, runtime: tokio::runtime::Handle) -> Self {
        Self { files, runtime }
    }
}

impl LogFiles for BlockingLogFiles {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, ReadFault> {
        let fetched = self.runtime.block_on(self.files.fetch(path));
        fetched.map_err(|fault| ReadFault(fault.to_string()))
    }

    fn list(&self) -> Result<Option<Vec<String>>, ReadFault> {
        let listed = self.runtime.block_on(self.files.older());
        listed
            .map(Some)
            .map_err(|fault| ReadFault(fault.to_string()))
    }
}
