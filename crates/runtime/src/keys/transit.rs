//! The key-encryption key in the transit engine of OpenBao or Vault: its versions are the epochs. A data key is bound
//! to its place as associated data; an old epoch is refused by `min_decryption_version` and then trimmed away.
//! The engine's own `rewrap` knows no associated data, so a key is decrypted and encrypted again.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use interlock_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use super::place::{DataKey, KeyPlace, Wrapped};
use super::provider::{Epoch, EpochState, KeyProvider, ProviderFault, ProviderKind};
use crate::egress::Egress;

mod answer;
mod call;
#[cfg(test)]
pub(super) mod tests;

use answer::{Batch, Item, KeyFacts};
use call::Caller;
pub(crate) use call::allowed;
pub use call::{TransitAccess, TransitAuth};

/// See the module's text.
pub struct TransitKeys {
    caller: Caller,
}

#[derive(Serialize)]
struct Encrypt {
    plaintext: String,
    associated_data: String,
}

impl Drop for Encrypt {
    fn drop(&mut self) {
        self.plaintext.zeroize();
    }
}

#[derive(Serialize)]
struct Decrypt<'a> {
    ciphertext: &'a str,
    associated_data: String,
}

#[derive(Serialize)]
struct Inputs<T> {
    batch_input: Vec<T>,
}

#[derive(Serialize)]
struct Minimum {
    #[serde(skip_serializing_if = "Option::is_none")]
    min_decryption_version: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_encryption_version: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_available_version: Option<u32>,
}

#[derive(Deserialize)]
struct Nothing {}

fn bound(place: &KeyPlace) -> String {
    STANDARD.encode(place.associated())
}

fn malformed() -> ProviderFault {
    ProviderFault::Unavailable("the transit engine answered in another form".to_owned())
}

/// `vault:v3:...` was wrapped under epoch 3; OpenBao kept the prefix.
fn epoch_of(ciphertext: &str) -> Option<u32> {
    let version = ciphertext.strip_prefix("vault:v")?.split(':').next()?;
    version.parse().ok().filter(|epoch| *epoch > 0)
}

impl TransitKeys {
    /// Over the one way out.
    ///
    /// # Errors
    /// The address is not one that may be called: it has neither TLS nor is it loopback.
    pub fn new(access: TransitAccess, egress: Arc<Egress>) -> Result<Self, ProviderFault> {
        Ok(Self {
            caller: Caller::new(access, egress)?,
        })
    }

    async fn facts(&self) -> Result<KeyFacts, ProviderFault> {
        self.caller.get("keys", "").await
    }

    async fn wrap_all(
        &self,
        keys: Vec<(&KeyPlace, DataKey)>,
    ) -> Result<Vec<Wrapped>, ProviderFault> {
        let inputs = Inputs {
            batch_input: keys
                .iter()
                .map(|(place, key)| Encrypt {
                    plaintext: STANDARD.encode(key.as_slice()),
                    associated_data: bound(place),
                })
                .collect(),
        };
        let batch: Batch = self.caller.post("encrypt", "", &inputs).await?;
        let results = batch.results(keys.len())?;
        let wrapped = results.into_iter().map(|item| {
            let ciphertext = item.ciphertext().ok_or_else(malformed)?;
            let epoch = epoch_of(&ciphertext).ok_or_else(malformed)?;
            Ok(Wrapped::new(
                ProviderKind::Transit,
                epoch,
                ciphertext.into_bytes(),
            ))
        });
        wrapped.collect()
    }

    async fn unwrap_all(
        &self,
        keys: &[(&KeyPlace, &Wrapped)],
    ) -> Result<Vec<DataKey>, ProviderFault> {
        let mut batch_input = Vec::with_capacity(keys.len());
        for (place, wrapped) in keys {
            let ciphertext =
                std::str::from_utf8(&wrapped.bytes).map_err(|_| ProviderFault::Refused)?;
            // The number that the page names is the one in the ciphertext, or the page was changed.
            if epoch_of(ciphertext) != Some(wrapped.epoch) {
                return Err(ProviderFault::Refused);
            }
            batch_input.push(Decrypt {
                ciphertext,
                associated_data: bound(place),
            });
        }
        let batch: Batch = self
            .caller
            .post("decrypt", "", &Inputs { batch_input })
            .await?;
        let results = batch.results(keys.len())?;
        let opened = results.into_iter().zip(keys).map(|(item, (_, wrapped))| {
            let text: Zeroizing<String> = item.plaintext(wrapped.epoch)?;
            let bytes = STANDARD.decode(text.as_bytes()).map(Zeroizing::new);
            let bytes = bytes.map_err(|_| malformed())?;
            <[u8; 32]>::try_from(bytes.as_slice())
                .map(Zeroizing::new)
                .map_err(|_| malformed())
        });
        opened.collect()
    }
}

#[async_trait]
impl KeyProvider for TransitKeys {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Transit
    }

    fn address(&self) -> String {
        self.caller.address()
    }

    async fn wrap(&self, place: &KeyPlace, key: &DataKey) -> Result<Wrapped, ProviderFault> {
        let wrapped = self.wrap_all(vec![(place, key.clone())]).await?;
        wrapped.into_iter().next().ok_or_else(malformed)
    }

    async fn unwrap(&self, place: &KeyPlace, wrapped: &Wrapped) -> Result<DataKey, ProviderFault> {
        let opened = self.unwrap_all(&[(place, wrapped)]).await?;
        opened.into_iter().next().ok_or_else(malformed)
    }

    async fn rewrap(&self, keys: &[(KeyPlace, Wrapped)]) -> Result<Vec<Wrapped>, ProviderFault> {
        let old: Vec<(&KeyPlace, &Wrapped)> = keys.iter().map(|(p, w)| (p, w)).collect();
        let opened = self.unwrap_all(&old).await?;
        let places = keys.iter().map(|(place, _)| place);
        self.wrap_all(places.zip(opened).collect()).await
    }

    async fn epochs(&self) -> Result<Vec<Epoch>, ProviderFault> {
        let facts = self.facts().await?;
        let first = facts.min_decryption_version.max(1);
        let made: BTreeMap<u32, Option<Timestamp>> = facts.made()?;
        let alive = made
            .into_iter()
            .filter(|(number, _)| (first..=facts.latest_version).contains(number));
        Ok(alive
            .map(|(number, made_at)| Epoch {
                number,
                made_at,
                state: EpochState::Alive,
            })
            .collect())
    }

    async fn new_epoch(&self, before: u32, _now: Timestamp) -> Result<u32, ProviderFault> {
        let newest = self.facts().await?.latest_version;
        if newest != before {
            return Ok(newest);
        }
        let _: Item<Nothing> = self.caller.post("keys", "/rotate", &Nothing {}).await?;
        Ok(self.facts().await?.latest_version)
    }

    async fn destroy_before(&self, epoch: u32) -> Result<Option<Timestamp>, ProviderFault> {
        let facts = self.facts().await?;
        let first = epoch.min(facts.latest_version);
        if facts.min_decryption_version < first || facts.min_encryption_version < first {
            let minimum = Minimum {
                min_decryption_version: Some(first),
                min_encryption_version: Some(first),
                min_available_version: None,
            };
            let _: Item<Nothing> = self.caller.post("keys", "/config", &minimum).await?;
        }
        if facts.min_available_version < first {
            let minimum = Minimum {
                min_decryption_version: None,
                min_encryption_version: None,
                min_available_version: Some(first),
            };
            let _: Item<Nothing> = self.caller.post("keys", "/trim", &minimum).await?;
        }
        // Believed only when it is seen: nothing below is left.
        let after = self.facts().await?;
        if after.min_available_version < first || after.min_decryption_version < first {
            return Err(ProviderFault::Configuration(
                "the transit engine kept an epoch that was to be trimmed".to_owned(),
            ));
        }
        Ok(None)
    }

    async fn retire(&self) -> Result<Option<Timestamp>, ProviderFault> {
        // Deleting the key itself is its owner's: a rotation and a trim leave a version that wrapped nothing.
        let newest = self.facts().await?.latest_version;
        let next = self.new_epoch(newest, Timestamp::from_micros(0)).await?;
        self.destroy_before(next).await
    }
}

impl Serialize for Nothing {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        serde::ser::SerializeMap::end(to.serialize_map(Some(0))?)
    }
}
