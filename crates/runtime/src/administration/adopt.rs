//! Policies are on record before a decision cites them. Which versions are, is remembered by the process and by a
//! record in the store, so that it costs a decision nothing after the first.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use interlock_bundle::Bundle;
use interlock_core::digest::Digest;
use interlock_core::id::BundleName;
use interlock_core::seams::Guards;

use super::{ADMINISTRATION_RUN, Administration};
use crate::engine::{Engine, Fault};

const ADOPTED: &str = "policy_adopted";
/// The texts of each version.
const TEXTS: &str = "policy_text";

/// The versions of policies that this process has loaded.
#[derive(Default)]
pub(crate) struct Adoptions(Mutex<BTreeMap<Digest, Known>>);

struct Known {
    name: BundleName,
    bundle: Digest,
    /// Whether the entry is known to be durable.
    on_record: bool,
}

impl Adoptions {
    /// Takes note of a bundle's policies; says nothing of whether they are on record.
    pub(crate) fn note(&self, bundle: &Bundle) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(bundle.guards().version())
            .or_insert_with(|| Known {
                name: bundle.name().clone(),
                bundle: bundle.version(),
                on_record: false,
            });
    }

    /// The bundle whose policies are not known to be on record; `None` where they are.
    fn missing(&self, version: Digest) -> Result<Option<(BundleName, Digest)>, Fault> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known
            .get(&version)
            .ok_or_else(|| Fault::Bug("policies of no loaded bundle".to_owned()))?;
        Ok((!known.on_record).then(|| (known.name.clone(), known.bundle)))
    }

    fn on_record(&self, version: Digest) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get_mut(&version) {
            known.on_record = true;
        }
    }
}

impl Engine {
    /// Puts a version of policies on record before a decision cites it. Costs a look into memory once it is.
    pub(crate) async fn adopt(&self, version: Digest) -> Result<(), Fault> {
        let Some((name, bundle)) = self.adoptions.missing(version)? else {
            return Ok(());
        };
        let key = version.to_string();
        let record = self.store().record(self.tenant(), ADOPTED, &key).await?;
        if record.is_none() {
            let act = Administration::PolicyAdopted {
                name,
                bundle,
                version,
            };
            self.keep_policies(bundle, version).await?;
            self.administer(act, None, None).await?;
            // The entry first: were this record lost, the policies would be on record twice, never not at all.
            self.put_once(ADOPTED, &key, Vec::new()).await?;
        }
        self.adoptions.on_record(version);
        Ok(())
    }

    /// Puts on record again every version of policies whose entries all lie below an index, before they leave the log:
    /// any of them may still be cited, by a run that rests or after a way back to an older bundle, and a decision that
    /// cites one which the log does not name is broken. Dying in between puts some on record once more.
    pub(crate) async fn adopt_again(&self, below: u64) -> Result<(), Fault> {
        let mut leaving: BTreeMap<Digest, Option<Administration>> = BTreeMap::new();
        for done in self.administered().await? {
            let Administration::PolicyAdopted { version, .. } = done.act else {
                continue;
            };
            let place = self
                .store()
                .log_index(self.tenant(), ADMINISTRATION_RUN, done.seq)
                .await?;
            let stays = place.is_some_and(|index| index >= below);
            let act = leaving
                .entry(version)
                .or_insert_with(|| Some(done.act.clone()));
            if stays {
                *act = None;
            }
        }
        for act in leaving.into_values().flatten() {
            self.administer(act, None, None).await?;
        }
        Ok(())
    }

    /// Keeps the texts that a version is made over, so that an auditor can read what was in force. Texts over a
    /// record's bound are not kept: the version still names them.
    async fn keep_policies(&self, bundle: Digest, version: Digest) -> Result<(), Fault> {
        let Some(loaded) = self.remembered(bundle) else {
            return Ok(());
        };
        let parts = loaded.bundle().guards().parts();
        let bytes = serde_json::to_vec(parts).map_err(|fault| Fault::Bug(fault.to_string()))?;
        if loaded.bundle().guards().version() != version
            || bytes.len() > interlock_store::limits::RECORD_BYTES_MAX
        {
            return Ok(());
        }
        self.put_once(TEXTS, &version.to_string(), bytes).await
    }

    /// The texts of a version of policies, a JSON array in the order of its digest; `None`: they are not kept.
    pub(crate) async fn policy_document(&self, version: Digest) -> Result<Option<Vec<u8>>, Fault> {
        let record = self
            .store()
            .record(self.tenant(), TEXTS, &version.to_string())
            .await?;
        Ok(record.map(|record| record.bytes))
    }
}
