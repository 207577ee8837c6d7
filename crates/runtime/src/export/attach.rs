//! What lies beside an export's entries: ciphertexts and marks, older checkpoints, what anchors said, and the prompts and policies
//! that entries cite by digest. What is cited and not kept any more is left out; the entries still name it.

use std::collections::BTreeSet;

use interlock_core::digest::Digest;
use interlock_core::id::PayloadId;
use interlock_journal::Canon;
use interlock_journal::tile::needed_for_consistency;

use super::leave::{Listed, entry};
use super::{ExportFault, ExportWith, ExportedBy};
use crate::codec;
use crate::engine::{Engine, Fault};
use crate::log::{LogRecord, StoreLogFiles, key_digest};

/// Older checkpoints that go along, besides those at which the key changed.
const CHECKPOINTS_MAX: u32 = 64;

/// What entries name.
#[derive(Default)]
pub(super) struct Cited {
    payloads: BTreeSet<PayloadId>,
    prompts: BTreeSet<Digest>,
    policies: BTreeSet<Digest>,
}

impl Cited {
    /// Reads one entry.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let entry = entry(bytes)?;
        let body = Canon::Object(entry.body().clone());
        let notes = codec::notes(&body)
            .map_err(|_| Fault::Bug("payloads of an entry are of another form".to_owned()))?;
        self.payloads.extend(notes.iter().map(|note| note.id));
        let digest =
            |canon: Option<&Canon>| canon.and_then(Canon::as_str).and_then(Digest::parse_hex);
        match entry.event() {
            "model.requested" => self
                .prompts
                .extend(digest(entry.body().get("prompt_version"))),
            "policy.adopted" => self.policies.extend(digest(entry.body().get("version"))),
            "policy.decided" => {
                let decision = entry.body().get("decision").and_then(Canon::as_object);
                let version = decision.and_then(|decision| decision.get("version"));
                self.policies.extend(digest(version));
            }
            _ => {}
        }
        Ok(())
    }
}

impl Engine {
    pub(super) async fn attach(
        &self,
        files: &StoreLogFiles,
        cited: &Cited,
        with: &ExportWith,
        by: ExportedBy<'_>,
        listed: &mut Listed<'_>,
    ) -> Result<(), ExportFault> {
        self.attach_checkpoints(files, listed).await?;
        for kept in crate::anchor::kept(self, files.published().size).await? {
            if kept.kind == "timestamp" {
                let path = format!("anchors/{:020}.tsr", kept.size);
                if !listed.files.contains_key(&path) {
                    listed.put(&path, &kept.bytes)?;
                }
            }
        }
        let size = files.published().size;
        if let Some(note) = crate::anchor::cosigned(self, size).await? {
            listed.put(&format!("anchors/{size:020}.cosigned"), &note)?;
        }
        for prompt in &cited.prompts {
            if let Some(bytes) = self.bundle_file(*prompt).await? {
                listed.put(&format!("prompts/{prompt}"), &bytes)?;
            }
        }
        for policies in &cited.policies {
            if let Some(bytes) = self.policy_document(*policies).await? {
                listed.put(&format!("policies/{policies}"), &bytes)?;
            }
        }
        if with.payloads {
            for id in &cited.payloads {
                // What is marked in it is held to its entry as the payload is.
                for path in [format!("payload/{id}"), format!("marks/{id}")] {
                    if let Some(bytes) = files.fetch(&path).await? {
                        listed.put(&path, &bytes)?;
                    }
                }
            }
        }
        for id in &with.disclose {
            if !cited.payloads.contains(id) {
                return Err(ExportFault::Nothing(
                    "a payload to be disclosed is named by no entry of it",
                ));
            }
            let disclosed = self.disclose(*id, by.principal, by.reason).await?;
            let text = disclosed.to_string();
            listed.put(&format!("disclosed/{id}.json"), text.as_bytes())?;
        }
        Ok(())
    }

    /// Where the key changed, and the newest ones.
    async fn attach_checkpoints(
        &self,
        files: &StoreLogFiles,
        listed: &mut Listed<'_>,
    ) -> Result<(), ExportFault> {
        let newest = files.published().size;
        let older = self
            .store()
            .checkpoints(self.tenant(), Some(newest), CHECKPOINTS_MAX)
            .await?;
        let mut sizes: BTreeSet<u64> = older.iter().map(|published| published.size).collect();
        if let Some(record) = LogRecord::read(self.store(), self.tenant()).await? {
            sizes.extend(record.keys.iter().map(|from| from.size));
            // Who trusts a key before needs those after it; entries name them by their digests.
            for from in record.keys.iter().skip(1) {
                let path = format!("keys/{}", key_digest(&from.key));
                listed.put(&path, from.key.to_string().as_bytes())?;
            }
        }
        for size in sizes.into_iter().filter(|size| *size > 0 && *size < newest) {
            let path = format!("checkpoints/{size:020}");
            let Some(note) = files.fetch(&path).await? else {
                continue;
            };
            listed.put(&path, &note)?;
            // That the log only grew since then is proven from these tiles; of the whole log they are there already.
            let needed = needed_for_consistency(size, newest)
                .map_err(|_| Fault::Bug("an older checkpoint that is larger".to_owned()))?;
            for tile in needed {
                let path = tile.path();
                if listed.files.contains_key(&path) {
                    continue;
                }
                if let Some(bytes) = files.fetch(&path).await? {
                    listed.put(&path, &bytes)?;
                }
            }
        }
        Ok(())
    }
}
