//! Bundles in the store: a deployed bundle's files are kept by their digests, so that every run finds the very bytes
//! that it is pinned to. Policies come from the version that is current for the bundle's name.

use std::collections::BTreeMap;
use std::sync::Arc;

use interlock_bundle::Bundle;
use interlock_core::digest::Digest;
use interlock_core::id::BundleName;
use interlock_core::pipeline::identity::Principal;
use interlock_core::run::State;
use interlock_store::RecordFault;
use serde::{Deserialize, Serialize};

use crate::administration::{Administration, Office};
use crate::engine::{Engine, Fault, Loaded};

const FILE: &str = "bundle_file";
const MANIFEST: &str = "bundle";
const CURRENT: &str = "bundle_current";

/// The files of a version: path to digest of content.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    name: String,
    files: BTreeMap<String, String>,
}

/// A deployed bundle, for listings.
#[derive(Debug, Clone, Serialize)]
pub struct Deployed {
    /// Its name.
    pub name: String,
    /// The current version: digest of its files, hex.
    pub version: String,
}

impl Engine {
    /// Stores a bundle's files and makes it the current version of its name. A version that is current already is loaded
    /// and no more, by whomever. `by` none: the system itself.
    ///
    /// # Errors
    /// The person does not hold the office, and nothing is stored; or the store cannot be written.
    pub async fn deploy(
        &self,
        bundle: Bundle,
        by: Option<&Principal>,
    ) -> Result<Arc<Loaded>, Fault> {
        let version = bundle.version().to_string();
        let tenant = self.tenant();
        let current = self
            .store()
            .record(tenant, CURRENT, bundle.name().as_str())
            .await?;
        if current.is_some_and(|record| record.bytes == version.as_bytes()) {
            return Ok(self.remember(bundle));
        }
        let by = self.in_office(Office::Bundles, by)?;
        self.ready_for_marks(&bundle).await?;
        let mut files = BTreeMap::new();
        for (path, bytes) in bundle.files() {
            let digest = Digest::of_parts([bytes.as_slice()]).to_string();
            self.put_once(FILE, &digest, bytes.clone()).await?;
            files.insert(path.clone(), digest);
        }
        let manifest = Manifest {
            name: bundle.name().to_string(),
            files,
        };
        let bytes = serde_json::to_vec(&manifest).map_err(|fault| Fault::Bug(fault.to_string()))?;
        self.put_once(MANIFEST, &version, bytes).await?;
        // On record before it is in force: a crash between the two leaves an entry too many, never one too few.
        let act = Administration::BundleDeployed {
            name: bundle.name().clone(),
            version: bundle.version(),
        };
        self.administer(act, None, by).await?;
        let name = bundle.name().as_str();
        self.put(CURRENT, name, version.into_bytes()).await?;
        Ok(self.remember(bundle))
    }

    /// The current version of every deployed bundle.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn deployed(&self) -> Result<Vec<Deployed>, Fault> {
        let records = self.parts.store.records(self.tenant(), CURRENT).await?;
        Ok(records
            .into_iter()
            .map(|record| Deployed {
                name: record.key,
                version: String::from_utf8_lossy(&record.bytes).into_owned(),
            })
            .collect())
    }

    /// The current version of a bundle.
    ///
    /// # Errors
    /// None is deployed under that name, or it cannot be loaded.
    pub async fn current_bundle(&self, name: &BundleName) -> Result<Arc<Loaded>, Fault> {
        let record = self
            .parts
            .store
            .record(self.tenant(), CURRENT, name.as_str())
            .await?;
        let record = record.ok_or(Fault::NotFound("the bundle"))?;
        let version = std::str::from_utf8(&record.bytes)
            .ok()
            .and_then(Digest::parse_hex);
        self.version(version.ok_or_else(|| Fault::Pinned("its record is damaged".to_owned()))?)
            .await
    }

    /// The version that a run is pinned to.
    pub(crate) async fn pinned(&self, state: &State) -> Result<Arc<Loaded>, Fault> {
        let pinned = state.pinned.as_ref().ok_or(Fault::NotFound("the run"))?;
        self.version(pinned.version).await
    }

    /// The version whose policies apply to a run now.
    pub(crate) async fn current(&self, state: &State) -> Result<Arc<Loaded>, Fault> {
        let pinned = state.pinned.as_ref().ok_or(Fault::NotFound("the run"))?;
        self.current_bundle(&pinned.bundle).await
    }

    async fn version(&self, version: Digest) -> Result<Arc<Loaded>, Fault> {
        if let Some(loaded) = self.remembered(version) {
            return Ok(loaded);
        }
        let damaged = || Fault::Pinned("its files are not all there".to_owned());
        let record = self
            .parts
            .store
            .record(self.tenant(), MANIFEST, &version.to_string())
            .await?;
        let manifest: Manifest =
            serde_json::from_slice(&record.ok_or_else(damaged)?.bytes).map_err(|_| damaged())?;
        let mut files = BTreeMap::new();
        for (path, digest) in manifest.files {
            let record = self
                .parts
                .store
                .record(self.tenant(), FILE, &digest)
                .await?;
            files.insert(path, record.ok_or_else(damaged)?.bytes);
        }
        let bundle = Bundle::load_files(files, &self.parts.policies)
            .map_err(|problems| Fault::Pinned(problems.to_string()))?;
        // The store is not trusted for integrity: what was loaded must be what was asked for.
        if bundle.version() != version {
            return Err(Fault::Pinned(
                "its files are not those that its version names".to_owned(),
            ));
        }
        Ok(self.remember(bundle))
    }

    /// A file of some bundle by its digest; `None`: no bundle that was deployed has it.
    pub(crate) async fn bundle_file(&self, digest: Digest) -> Result<Option<Vec<u8>>, Fault> {
        let record = self
            .store()
            .record(self.tenant(), FILE, &digest.to_string())
            .await?;
        Ok(record.map(|record| record.bytes))
    }

    pub(crate) async fn put_once(
        &self,
        kind: &str,
        key: &str,
        bytes: Vec<u8>,
    ) -> Result<(), Fault> {
        match self
            .parts
            .store
            .put_record(self.tenant(), kind, key, None, bytes)
            .await
        {
            Ok(_) | Err(RecordFault::Conflict { .. }) => Ok(()),
            Err(fault) => Err(record_fault(fault)),
        }
    }

    /// Writes a record whatever its version is.
    pub(crate) async fn put(&self, kind: &str, key: &str, bytes: Vec<u8>) -> Result<(), Fault> {
        let mut expected = self
            .parts
            .store
            .record(self.tenant(), kind, key)
            .await?
            .map(|record| record.version);
        for _ in 0..8 {
            match self
                .parts
                .store
                .put_record(self.tenant(), kind, key, expected, bytes.clone())
                .await
            {
                Ok(_) => return Ok(()),
                Err(RecordFault::Conflict { found }) => expected = found,
                Err(fault) => return Err(record_fault(fault)),
            }
        }
        Err(Fault::Unknown)
    }

    /// Deletes a record whatever its version is; one that is not there is deleted already.
    pub(crate) async fn remove_record(&self, kind: &str, key: &str) -> Result<(), Fault> {
        for _ in 0..8 {
            let record = self.store().record(self.tenant(), kind, key).await?;
            let Some(record) = record else {
                return Ok(());
            };
            let deleted = self
                .store()
                .delete_record(self.tenant(), kind, key, record.version)
                .await;
            match deleted {
                Ok(()) => return Ok(()),
                // Somebody wrote it meanwhile, or the outcome is unknown: reading tells.
                Err(
                    RecordFault::Conflict { .. }
                    | RecordFault::Store(interlock_store::StoreFault::Unknown { .. }),
                ) => {}
                Err(fault) => return Err(record_fault(fault)),
            }
        }
        Err(Fault::Unknown)
    }
}

pub(crate) fn record_fault(fault: RecordFault) -> Fault {
    match fault {
        RecordFault::Store(interlock_store::StoreFault::Unknown { .. }) => Fault::Unknown,
        RecordFault::Store(fault) => fault.into(),
        other @ (RecordFault::Conflict { .. } | RecordFault::Full { .. }) => {
            Fault::Bug(other.to_string())
        }
    }
}
