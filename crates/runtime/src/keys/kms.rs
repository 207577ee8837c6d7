//! The key-encryption key in AWS KMS: each epoch is a KMS key of its own under the alias `alias/NAME-epoch-N`, so that an
//! epoch can be destroyed, which rotating one KMS key never does. A data key is bound to its place as encryption
//! context. KMS deletes after a waiting period of 7 to 30 days: until then an administrator could bring an epoch back.

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use interlock_core::time::Timestamp;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::place::{DataKey, KeyPlace, Wrapped};
use super::provider::{Epoch, EpochState, KeyProvider, ProviderFault, ProviderKind, newest};
use crate::clock::Clock;
use crate::egress::Egress;

mod call;
#[cfg(test)]
mod tests;

pub use call::KmsAccess;
use call::{Caller, Refusal};

/// Epochs that are looked for under one alias prefix: pages of a hundred.
const ALIAS_PAGES_MAX: usize = 16;
/// Keys that are wrapped anew at a time.
const REWRAPS_AT_ONCE: usize = 8;

/// See the module's text.
pub struct KmsKeys {
    caller: Arc<Caller>,
    prefix: String,
    pending_days: u8,
}

fn malformed() -> ProviderFault {
    ProviderFault::Unavailable("KMS answered in another form".to_owned())
}

fn context(place: &KeyPlace) -> Value {
    json!({
        "interlock:tenant": place.tenant.as_ref().map_or("", |tenant| tenant.as_str()),
        "interlock:environment": place.environment.as_str(),
        "interlock:key": place.name,
    })
}

fn text<'v>(value: &'v Value, name: &str) -> Result<&'v str, ProviderFault> {
    value
        .get(name)
        .and_then(Value::as_str)
        .ok_or_else(malformed)
}

/// Seconds since 1970, as KMS writes times: a number that may have a fraction.
fn time(value: Option<&Value>) -> Option<Timestamp> {
    let text = value?.to_string();
    let seconds: u64 = text.split(['.', 'e', 'E']).next()?.parse().ok()?;
    // 1.7950e9 would be read wrongly; no time of this century is below a billion.
    (seconds > 1_000_000_000).then(|| Timestamp::from_micros(seconds.saturating_mul(1_000_000)))
}

impl KmsKeys {
    /// Over the one way out.
    ///
    /// # Errors
    /// The endpoint is not one that may be called: it has neither TLS nor is it loopback.
    pub fn new(
        access: KmsAccess,
        egress: Arc<Egress>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ProviderFault> {
        Ok(Self {
            prefix: format!("alias/{}-epoch-", access.alias),
            pending_days: access.pending_days,
            caller: Arc::new(Caller::new(access, egress, clock)?),
        })
    }

    fn alias(&self, epoch: u32) -> String {
        format!("{}{epoch}", self.prefix)
    }

    /// The numbers that have an alias, rising.
    async fn numbers(&self) -> Result<Vec<u32>, ProviderFault> {
        let mut numbers = Vec::new();
        let mut marker: Option<String> = None;
        for _ in 0..ALIAS_PAGES_MAX {
            let mut body = json!({"Limit": 100});
            if let (Some(marker), Some(body)) = (marker.take(), body.as_object_mut()) {
                body.insert("Marker".to_owned(), Value::String(marker));
            }
            let page = self.caller.must("ListAliases", &body).await?;
            let aliases = page.get("Aliases").and_then(Value::as_array);
            for alias in aliases.ok_or_else(malformed)? {
                let name = text(alias, "AliasName")?;
                let number = name.strip_prefix(&self.prefix);
                numbers.extend(number.and_then(|number| number.parse::<u32>().ok()));
            }
            if page.get("Truncated").and_then(Value::as_bool) != Some(true) {
                numbers.sort_unstable();
                return Ok(numbers);
            }
            marker = Some(text(&page, "NextMarker")?.to_owned());
        }
        Err(ProviderFault::Configuration(
            "KMS has too many aliases to find the epochs among them".to_owned(),
        ))
    }

    /// How an epoch stands; `None` where its key is gone.
    async fn epoch(&self, number: u32) -> Result<Option<Epoch>, ProviderFault> {
        let body = json!({"KeyId": self.alias(number)});
        let answer = match self.caller.call("DescribeKey", &body).await {
            Ok(answer) => answer,
            Err(Refusal::NotFound) => return Ok(None),
            Err(refusal) => return Err(refusal.into_fault(number)),
        };
        let facts = answer.get("KeyMetadata").ok_or_else(malformed)?;
        let state = match text(facts, "KeyState")? {
            "Enabled" | "Disabled" => EpochState::Alive,
            "PendingDeletion" => EpochState::Ending {
                dead_at: time(facts.get("DeletionDate")).ok_or_else(malformed)?,
            },
            other => {
                return Err(ProviderFault::Configuration(format!(
                    "the KMS key of epoch {number} is in state `{}`",
                    other.chars().take(40).collect::<String>()
                )));
            }
        };
        Ok(Some(Epoch {
            number,
            made_at: time(facts.get("CreationDate")),
            state,
        }))
    }

    async fn current(&self) -> Result<u32, ProviderFault> {
        match newest(&self.epochs().await?) {
            Some(newest) => Ok(newest),
            None => self.make(1).await,
        }
    }

    /// A KMS key and its alias. Who dies in between leaves a key without an alias, which wrapped nothing.
    async fn make(&self, number: u32) -> Result<u32, ProviderFault> {
        let body = json!({
            "Description": "Interlock: wraps data keys of one epoch",
            "KeyUsage": "ENCRYPT_DECRYPT",
            "KeySpec": "SYMMETRIC_DEFAULT",
        });
        let made = self.caller.must("CreateKey", &body).await?;
        let id = text(made.get("KeyMetadata").ok_or_else(malformed)?, "KeyId")?.to_owned();
        let body = json!({"AliasName": self.alias(number), "TargetKeyId": id});
        match self.caller.call("CreateAlias", &body).await {
            // Somebody else made the epoch meanwhile: theirs counts.
            Ok(_) | Err(Refusal::AlreadyExists) => Ok(number),
            Err(refusal) => Err(refusal.into_fault(number)),
        }
    }
}

/// Wraps a key under an epoch.
async fn wrap_under(
    caller: &Caller,
    alias: &str,
    epoch: u32,
    place: &KeyPlace,
    key: &DataKey,
) -> Result<Wrapped, ProviderFault> {
    let plaintext = Zeroizing::new(STANDARD.encode(key.as_slice()));
    let body = json!({
        "KeyId": alias,
        "Plaintext": plaintext.as_str(),
        "EncryptionContext": context(place),
    });
    let answer = caller.call("Encrypt", &body).await;
    let answer = answer.map_err(|refusal| refusal.into_fault(epoch))?;
    wrapped_in(&answer, epoch)
}

fn wrapped_in(answer: &Value, epoch: u32) -> Result<Wrapped, ProviderFault> {
    let bytes = STANDARD.decode(text(answer, "CiphertextBlob")?);
    Ok(Wrapped::new(
        ProviderKind::Kms,
        epoch,
        bytes.map_err(|_| malformed())?,
    ))
}

#[async_trait]
impl KeyProvider for KmsKeys {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Kms
    }

    fn address(&self) -> String {
        format!("{} {}N", self.caller.address(), self.prefix)
    }

    async fn wrap(&self, place: &KeyPlace, key: &DataKey) -> Result<Wrapped, ProviderFault> {
        let epoch = self.current().await?;
        wrap_under(&self.caller, &self.alias(epoch), epoch, place, key).await
    }

    async fn unwrap(&self, place: &KeyPlace, wrapped: &Wrapped) -> Result<DataKey, ProviderFault> {
        let body = json!({
            "KeyId": self.alias(wrapped.epoch),
            "CiphertextBlob": STANDARD.encode(&wrapped.bytes),
            "EncryptionContext": context(place),
        });
        let answer = self.caller.call("Decrypt", &body).await;
        let answer = answer.map_err(|refusal| refusal.into_fault(wrapped.epoch))?;
        let plaintext = STANDARD
            .decode(text(&answer, "Plaintext")?)
            .map(Zeroizing::new);
        let plaintext = plaintext.map_err(|_| malformed())?;
        <[u8; 32]>::try_from(plaintext.as_slice())
            .map(Zeroizing::new)
            .map_err(|_| malformed())
    }

    async fn rewrap(&self, keys: &[(KeyPlace, Wrapped)]) -> Result<Vec<Wrapped>, ProviderFault> {
        let epoch = self.current().await?;
        let mut anew = Vec::with_capacity(keys.len());
        for some in keys.chunks(REWRAPS_AT_ONCE) {
            let mut tasks = Vec::with_capacity(some.len());
            for (place, wrapped) in some {
                let body = json!({
                    "CiphertextBlob": STANDARD.encode(&wrapped.bytes),
                    "SourceKeyId": self.alias(wrapped.epoch),
                    "SourceEncryptionContext": context(place),
                    "DestinationKeyId": self.alias(epoch),
                    "DestinationEncryptionContext": context(place),
                });
                let (caller, old) = (Arc::clone(&self.caller), wrapped.epoch);
                tasks.push(tokio::spawn(async move {
                    let answer = caller.call("ReEncrypt", &body).await;
                    wrapped_in(&answer.map_err(|refusal| refusal.into_fault(old))?, epoch)
                }));
            }
            for task in tasks {
                anew.push(task.await.map_err(|_| malformed())??);
            }
        }
        Ok(anew)
    }

    async fn epochs(&self) -> Result<Vec<Epoch>, ProviderFault> {
        let mut epochs = Vec::new();
        for number in self.numbers().await? {
            epochs.extend(self.epoch(number).await?);
        }
        Ok(epochs)
    }

    async fn new_epoch(&self, before: u32, _now: Timestamp) -> Result<u32, ProviderFault> {
        let newest = self.current().await?;
        if newest != before {
            return Ok(newest);
        }
        let next = before.saturating_add(1);
        self.make(next).await
    }

    async fn destroy_before(&self, epoch: u32) -> Result<Option<Timestamp>, ProviderFault> {
        let newest = self.current().await?;
        let mut latest: Option<Timestamp> = None;
        for number in self.numbers().await? {
            if number >= epoch.min(newest) {
                continue;
            }
            let dead_at = match self.epoch(number).await? {
                None => continue,
                Some(Epoch {
                    state: EpochState::Ending { dead_at },
                    ..
                }) => dead_at,
                Some(_) => self.end(number).await?,
            };
            latest = latest.max(Some(dead_at));
        }
        Ok(latest)
    }

    async fn retire(&self) -> Result<Option<Timestamp>, ProviderFault> {
        let mut latest = None;
        for epoch in self.epochs().await? {
            let dead_at = match epoch.state {
                EpochState::Ending { dead_at } => dead_at,
                EpochState::Alive => self.end(epoch.number).await?,
            };
            latest = latest.max(Some(dead_at));
        }
        Ok(latest)
    }
}

impl KmsKeys {
    /// Schedules an epoch's deletion. It opens nothing from then on.
    async fn end(&self, number: u32) -> Result<Timestamp, ProviderFault> {
        // The deletion takes the key's id: an alias is not accepted.
        let body = json!({"KeyId": self.alias(number)});
        let described = self.caller.must("DescribeKey", &body).await?;
        let id = text(described.get("KeyMetadata").ok_or_else(malformed)?, "KeyId")?;
        let body = json!({"KeyId": id, "PendingWindowInDays": self.pending_days});
        let ended = self.caller.must("ScheduleKeyDeletion", &body).await?;
        time(ended.get("DeletionDate")).ok_or_else(malformed)
    }
}
