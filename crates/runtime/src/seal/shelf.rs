//! The books of data keys there are: in memory, and in the store's records, spread over many kinds since a store bounds
//! the records of one kind and every run has a key.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use interlock_core::id::TenantName;
use interlock_store::{RecordFault, Store, StoreFault};

use super::book::{KeyBook, KeyBookFault, KeyName, KeyPage};

#[derive(Default)]
struct Memory {
    pages: BTreeMap<(TenantName, KeyName), (Vec<u8>, u64)>,
    turns: BTreeMap<TenantName, Vec<u8>>,
    version: u64,
}

/// A book in memory, for tests.
#[derive(Default)]
pub struct MemoryKeyBook(Mutex<Memory>);

impl MemoryKeyBook {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl KeyBook for MemoryKeyBook {
    async fn get(
        &self,
        tenant: &TenantName,
        key: &KeyName,
    ) -> Result<Option<KeyPage>, KeyBookFault> {
        let memory = self.memory();
        let page = memory.pages.get(&(tenant.clone(), key.clone()));
        Ok(page.map(|(wrapped, version)| KeyPage {
            name: key.clone(),
            wrapped: wrapped.clone(),
            version: *version,
        }))
    }

    async fn create(
        &self,
        tenant: &TenantName,
        key: &KeyName,
        wrapped: &[u8],
    ) -> Result<(), KeyBookFault> {
        let mut memory = self.memory();
        memory.version += 1;
        let version = memory.version;
        memory
            .pages
            .entry((tenant.clone(), key.clone()))
            .or_insert_with(|| (wrapped.to_vec(), version));
        Ok(())
    }

    async fn replace(
        &self,
        tenant: &TenantName,
        page: &KeyPage,
        wrapped: &[u8],
    ) -> Result<(), KeyBookFault> {
        let mut memory = self.memory();
        memory.version += 1;
        let next = memory.version;
        let at = (tenant.clone(), page.name.clone());
        if let Some(found) = memory.pages.get_mut(&at)
            && found.1 == page.version
        {
            *found = (wrapped.to_vec(), next);
        }
        Ok(())
    }

    async fn destroy(&self, tenant: &TenantName, key: &KeyName) -> Result<(), KeyBookFault> {
        self.memory().pages.remove(&(tenant.clone(), key.clone()));
        Ok(())
    }

    async fn tenants(&self) -> Result<Vec<TenantName>, KeyBookFault> {
        let memory = self.memory();
        let mut tenants: Vec<TenantName> = memory
            .pages
            .keys()
            .map(|(tenant, _)| tenant.clone())
            .collect();
        tenants.dedup();
        Ok(tenants)
    }

    fn shelves(&self) -> u32 {
        1
    }

    async fn shelf(&self, tenant: &TenantName, _shelf: u32) -> Result<Vec<KeyPage>, KeyBookFault> {
        let memory = self.memory();
        let pages = memory.pages.iter().filter(|((of, _), _)| of == tenant);
        let pages = pages.map(|((_, name), (wrapped, version))| KeyPage {
            name: name.clone(),
            wrapped: wrapped.clone(),
            version: *version,
        });
        Ok(pages.collect())
    }

    async fn turn(&self, tenant: &TenantName) -> Result<Option<Vec<u8>>, KeyBookFault> {
        Ok(self.memory().turns.get(tenant).cloned())
    }

    async fn keep_turn(&self, tenant: &TenantName, turn: &[u8]) -> Result<(), KeyBookFault> {
        self.memory().turns.insert(tenant.clone(), turn.to_vec());
        Ok(())
    }

    async fn scrub(&self) -> Result<(), KeyBookFault> {
        Ok(())
    }
}

/// The book in the store's records.
pub struct StoreKeyBook(pub Arc<dyn Store>);

const TURN: &str = "key_turn";
const LAST: &str = "last";
/// What the last two characters of a name can be, in lower case.
const ENDS: &str = "0123456789abcdefghijklmnopqrstuvwxyz";

/// The record kind of a key: by the end of its name.
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

/// The record kind of a shelf: every kind that [`kind`] gives has one.
fn kind_of_shelf(shelf: u32) -> String {
    let ends = u32::try_from(ENDS.len()).unwrap_or(1);
    let end = |at: u32| ENDS.chars().nth(at as usize);
    let end: String = match shelf.checked_sub(1) {
        None => String::new(),
        Some(one) if one < ends => end(one).into_iter().collect(),
        Some(two) => {
            let two = two - ends;
            [end(two / ends), end(two % ends)]
                .into_iter()
                .flatten()
                .collect()
        }
    };
    format!("data_key.{end}")
}

fn fault(fault: &StoreFault) -> KeyBookFault {
    KeyBookFault(fault.to_string())
}

fn written(outcome: Result<(), RecordFault>) -> Result<(), KeyBookFault> {
    match outcome {
        // Somebody was faster: what is there now is another page, or none.
        Ok(()) | Err(RecordFault::Conflict { .. }) => Ok(()),
        Err(fault) => Err(KeyBookFault(fault.to_string())),
    }
}

#[async_trait]
impl KeyBook for StoreKeyBook {
    async fn get(
        &self,
        tenant: &TenantName,
        key: &KeyName,
    ) -> Result<Option<KeyPage>, KeyBookFault> {
        let record = self.0.record(tenant, &kind(key), key.as_str()).await;
        let record = record.map_err(|found| fault(&found))?;
        Ok(record.map(|record| KeyPage {
            name: key.clone(),
            wrapped: record.bytes,
            version: record.version,
        }))
    }

    async fn create(
        &self,
        tenant: &TenantName,
        key: &KeyName,
        wrapped: &[u8],
    ) -> Result<(), KeyBookFault> {
        let put = self
            .0
            .put_record(tenant, &kind(key), key.as_str(), None, wrapped.to_vec())
            .await;
        written(put.map(|_| ()))
    }

    async fn replace(
        &self,
        tenant: &TenantName,
        page: &KeyPage,
        wrapped: &[u8],
    ) -> Result<(), KeyBookFault> {
        let (kind, key, version) = (kind(&page.name), page.name.as_str(), Some(page.version));
        let put = self
            .0
            .put_record(tenant, &kind, key, version, wrapped.to_vec())
            .await;
        written(put.map(|_| ()))
    }

    async fn destroy(&self, tenant: &TenantName, key: &KeyName) -> Result<(), KeyBookFault> {
        // A page that is wrapped anew meanwhile is read again, until none is there.
        while let Some(page) = self.get(tenant, key).await? {
            let deleted = self
                .0
                .delete_record(tenant, &kind(key), key.as_str(), page.version)
                .await;
            written(deleted)?;
        }
        Ok(())
    }

    async fn tenants(&self) -> Result<Vec<TenantName>, KeyBookFault> {
        self.0.tenants().await.map_err(|found| fault(&found))
    }

    fn shelves(&self) -> u32 {
        let ends = u32::try_from(ENDS.len()).unwrap_or(1);
        1 + ends + ends * ends
    }

    async fn shelf(&self, tenant: &TenantName, shelf: u32) -> Result<Vec<KeyPage>, KeyBookFault> {
        let records = self.0.records(tenant, &kind_of_shelf(shelf)).await;
        let records = records.map_err(|found| fault(&found))?;
        let pages = records.into_iter().map(|record| {
            Ok(KeyPage {
                name: KeyName::read(&record.key)
                    .ok_or_else(|| KeyBookFault("a data key has no name".to_owned()))?,
                wrapped: record.bytes,
                version: record.version,
            })
        });
        pages.collect()
    }

    async fn turn(&self, tenant: &TenantName) -> Result<Option<Vec<u8>>, KeyBookFault> {
        let record = self.0.record(tenant, TURN, LAST).await;
        let record = record.map_err(|found| fault(&found))?;
        Ok(record.map(|record| record.bytes))
    }

    async fn keep_turn(&self, tenant: &TenantName, turn: &[u8]) -> Result<(), KeyBookFault> {
        let record = self.0.record(tenant, TURN, LAST).await;
        let version = record
            .map_err(|found| fault(&found))?
            .map(|record| record.version);
        let put = self
            .0
            .put_record(tenant, TURN, LAST, version, turn.to_vec())
            .await;
        put.map(|_| ())
            .map_err(|fault| KeyBookFault(fault.to_string()))
    }

    async fn scrub(&self) -> Result<(), KeyBookFault> {
        self.0.scrub().await.map_err(|found| fault(&found))
    }
}

#[cfg(test)]
mod tests {
    use interlock_core::id::{RunId, SubjectId};
    use interlock_core::time::Timestamp;

    use super::*;

    #[test]
    fn every_kind_has_its_shelf() {
        let environment = interlock_core::id::EnvironmentName::parse("test").unwrap();
        let book = StoreKeyBook(Arc::new(interlock_store::MemoryStore::new(environment)));
        let shelves: Vec<String> = (0..book.shelves()).map(kind_of_shelf).collect();
        let mut names: Vec<KeyName> = (0..=255)
            .flat_map(|n| {
                [
                    KeyName::run(RunId::from_bytes([n; 16])),
                    KeyName::subject(SubjectId::from_bytes([n; 16])),
                ]
            })
            .collect();
        names.push(KeyName::period("default", Timestamp::from_micros(0)));
        names.push(KeyName::records("api_key"));
        names.push(KeyName::index("x_"));
        names.push(KeyName::index("__"));
        for name in names {
            let kind = kind(&name);
            assert_eq!(
                shelves.iter().filter(|shelf| **shelf == kind).count(),
                1,
                "{kind}"
            );
        }
    }
}
