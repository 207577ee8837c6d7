//! The book of data keys: random keys of runs, people and periods, wrapped, in the store's records. Destroying a page
//! destroys everything that was sealed with it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use interlock_core::id::{RunId, SubjectId, TenantName};
use interlock_core::time::Timestamp;
use interlock_store::{RecordFault, Store};

/// A data key's name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyName(String);

impl KeyName {
    /// The key of a run.
    #[must_use]
    pub fn run(run: RunId) -> Self {
        Self(format!("run.{run}"))
    }

    /// The key of a person.
    #[must_use]
    pub fn subject(subject: SubjectId) -> Self {
        Self(format!("subject.{subject}"))
    }

    /// The key of a retention class and month.
    #[must_use]
    pub fn period(class: &str, at: Timestamp) -> Self {
        let month: String = at.to_string().chars().take(7).collect();
        Self(format!("period.{class}.{month}"))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let known = ["run.", "subject.", "period."]
            .iter()
            .any(|prefix| text.starts_with(prefix));
        (known && text.len() <= 160 && text.bytes().all(|b| b.is_ascii_graphic()))
            .then(|| Self(text.to_owned()))
    }
}

/// The book cannot be reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KeyBookFault(pub String);

/// Wrapped data keys by name.
///
/// `create` is durable when it returns, and compare-and-swap: of two that race, both get the one that is kept. The
/// caller retries. Not-found is `None`.
#[async_trait]
pub trait KeyBook: Send + Sync {
    /// A wrapped key.
    ///
    /// # Errors
    /// The book cannot be reached.
    async fn get(
        &self,
        tenant: &TenantName,
        key: &KeyName,
    ) -> Result<Option<Vec<u8>>, KeyBookFault>;

    /// Keeps a wrapped key where there is none, and returns what is there now.
    ///
    /// # Errors
    /// The book cannot be reached.
    async fn create(
        &self,
        tenant: &TenantName,
        key: &KeyName,
        wrapped: &[u8],
    ) -> Result<Vec<u8>, KeyBookFault>;
}

/// A book in memory, for tests.
#[derive(Default)]
pub struct MemoryKeyBook(Mutex<BTreeMap<(TenantName, KeyName), Vec<u8>>>);

impl MemoryKeyBook {
    /// Destroys a key.
    pub fn destroy(&self, tenant: &TenantName, key: &KeyName) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&(tenant.clone(), key.clone()));
    }
}

#[async_trait]
impl KeyBook for MemoryKeyBook {
    async fn get(
        &self,
        tenant: &TenantName,
        key: &KeyName,
    ) -> Result<Option<Vec<u8>>, KeyBookFault> {
        Ok(self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&(tenant.clone(), key.clone()))
            .cloned())
    }

    async fn create(
        &self,
        tenant: &TenantName,
        key: &KeyName,
        wrapped: &[u8],
    ) -> Result<Vec<u8>, KeyBookFault> {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(keys
            .entry((tenant.clone(), key.clone()))
            .or_insert_with(|| wrapped.to_vec())
            .clone())
    }
}

/// The book in the store's records.
pub struct StoreKeyBook(pub Arc<dyn Store>);

/// The record kind of a key: spread by the end of its name, since a store bounds the records of one kind and every run
/// has a key.
fn kind(key: &KeyName) -> String {
    let end: String = key
        .as_str()
        .chars()
        .rev()
        .take(2)
        .filter(char::is_ascii_alphanumeric)
        .collect();
    format!("data_key.{}", end.to_lowercase())
}

#[async_trait]
impl KeyBook for StoreKeyBook {
    async fn get(
        &self,
        tenant: &TenantName,
        key: &KeyName,
    ) -> Result<Option<Vec<u8>>, KeyBookFault> {
        let record = self.0.record(tenant, &kind(key), key.as_str()).await;
        record
            .map(|record| record.map(|record| record.bytes))
            .map_err(|fault| KeyBookFault(fault.to_string()))
    }

    async fn create(
        &self,
        tenant: &TenantName,
        key: &KeyName,
        wrapped: &[u8],
    ) -> Result<Vec<u8>, KeyBookFault> {
        match self
            .0
            .put_record(tenant, &kind(key), key.as_str(), None, wrapped.to_vec())
            .await
        {
            Ok(_) => Ok(wrapped.to_vec()),
            Err(RecordFault::Conflict { .. }) => self
                .get(tenant, key)
                .await?
                .ok_or_else(|| KeyBookFault("the data key is gone".to_owned())),
            Err(fault) => Err(KeyBookFault(fault.to_string())),
        }
    }
}
