//! A process that dies at a chosen write: of the provider or of the book, made or not made. From then on nothing
//! answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;

use super::*;
use crate::seal::{KeyBookFault, KeyPage};

/// At which write, and whether it is made.
#[derive(Debug)]
pub(super) struct Plan {
    writes: AtomicU64,
    dies_at: u64,
    made: bool,
}

impl Plan {
    pub(super) fn new(dies_at: u64, made: bool) -> Arc<Self> {
        Arc::new(Self {
            writes: AtomicU64::new(0),
            dies_at,
            made,
        })
    }

    pub(super) fn writes(&self) -> u64 {
        self.writes.load(Ordering::SeqCst)
    }

    /// Whether the next write is made, and whether it is said to be.
    fn next(&self) -> (bool, bool) {
        let at = self.writes.fetch_add(1, Ordering::SeqCst);
        match at.cmp(&self.dies_at) {
            std::cmp::Ordering::Less => (true, true),
            std::cmp::Ordering::Equal => (self.made, false),
            std::cmp::Ordering::Greater => (false, false),
        }
    }

    fn alive(&self) -> bool {
        self.writes() <= self.dies_at
    }
}

fn dead() -> ProviderFault {
    ProviderFault::Unavailable("dead".to_owned())
}

fn lost() -> KeyBookFault {
    KeyBookFault("dead".to_owned())
}

/// A provider of the dying process.
pub(super) struct DyingProvider(pub(super) Arc<dyn KeyProvider>, pub(super) Arc<Plan>);

macro_rules! fated {
    ($plan:expr, $fault:expr, $write:expr) => {{
        let (made, said) = $plan.next();
        if made {
            let outcome = $write;
            if said { outcome } else { Err($fault) }
        } else {
            Err($fault)
        }
    }};
}

#[async_trait]
impl KeyProvider for DyingProvider {
    fn kind(&self) -> ProviderKind {
        self.0.kind()
    }
    fn address(&self) -> String {
        self.0.address()
    }
    async fn wrap(&self, place: &KeyPlace, key: &DataKey) -> Result<Wrapped, ProviderFault> {
        fated!(self.1, dead(), self.0.wrap(place, key).await)
    }
    async fn unwrap(&self, place: &KeyPlace, wrapped: &Wrapped) -> Result<DataKey, ProviderFault> {
        if self.1.alive() {
            self.0.unwrap(place, wrapped).await
        } else {
            Err(dead())
        }
    }
    async fn rewrap(&self, keys: &[(KeyPlace, Wrapped)]) -> Result<Vec<Wrapped>, ProviderFault> {
        fated!(self.1, dead(), self.0.rewrap(keys).await)
    }
    async fn epochs(&self) -> Result<Vec<Epoch>, ProviderFault> {
        if self.1.alive() {
            self.0.epochs().await
        } else {
            Err(dead())
        }
    }
    async fn new_epoch(&self, before: u32, now: Timestamp) -> Result<u32, ProviderFault> {
        fated!(self.1, dead(), self.0.new_epoch(before, now).await)
    }
    async fn destroy_before(&self, epoch: u32) -> Result<Option<Timestamp>, ProviderFault> {
        fated!(self.1, dead(), self.0.destroy_before(epoch).await)
    }
    async fn retire(&self) -> Result<Option<Timestamp>, ProviderFault> {
        fated!(self.1, dead(), self.0.retire().await)
    }
    fn heirloom(&self, purpose: &str) -> Option<DataKey> {
        self.0.heirloom(purpose)
    }
}

/// A book of the dying process.
pub(super) struct DyingBook(pub(super) Arc<dyn KeyBook>, pub(super) Arc<Plan>);

impl DyingBook {
    fn read(&self) -> Result<(), KeyBookFault> {
        if self.1.alive() { Ok(()) } else { Err(lost()) }
    }
}

#[async_trait]
impl KeyBook for DyingBook {
    async fn get(&self, t: &TenantName, key: &KeyName) -> Result<Option<KeyPage>, KeyBookFault> {
        self.read()?;
        self.0.get(t, key).await
    }
    async fn create(&self, t: &TenantName, key: &KeyName, w: &[u8]) -> Result<(), KeyBookFault> {
        fated!(self.1, lost(), self.0.create(t, key, w).await)
    }
    async fn replace(&self, t: &TenantName, page: &KeyPage, w: &[u8]) -> Result<(), KeyBookFault> {
        fated!(self.1, lost(), self.0.replace(t, page, w).await)
    }
    async fn destroy(&self, t: &TenantName, key: &KeyName) -> Result<(), KeyBookFault> {
        fated!(self.1, lost(), self.0.destroy(t, key).await)
    }
    async fn tenants(&self) -> Result<Vec<TenantName>, KeyBookFault> {
        self.read()?;
        self.0.tenants().await
    }
    fn shelves(&self) -> u32 {
        self.0.shelves()
    }
    async fn shelf(&self, t: &TenantName, shelf: u32) -> Result<Vec<KeyPage>, KeyBookFault> {
        self.read()?;
        self.0.shelf(t, shelf).await
    }
    async fn turn(&self, t: &TenantName) -> Result<Option<Vec<u8>>, KeyBookFault> {
        self.read()?;
        self.0.turn(t).await
    }
    async fn keep_turn(&self, t: &TenantName, turn: &[u8]) -> Result<(), KeyBookFault> {
        fated!(self.1, lost(), self.0.keep_turn(t, turn).await)
    }
    async fn scrub(&self) -> Result<(), KeyBookFault> {
        fated!(self.1, lost(), self.0.scrub().await)
    }
}

/// A provider that calls itself KMS: another kind than the file's.
pub(super) struct Elsewhere(pub(super) Arc<dyn KeyProvider>);

#[async_trait]
impl KeyProvider for Elsewhere {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Kms
    }
    fn address(&self) -> String {
        "elsewhere".to_owned()
    }
    async fn wrap(&self, place: &KeyPlace, key: &DataKey) -> Result<Wrapped, ProviderFault> {
        let wrapped = self.0.wrap(place, key).await?;
        Ok(Wrapped::new(
            ProviderKind::Kms,
            wrapped.epoch,
            wrapped.bytes,
        ))
    }
    async fn unwrap(&self, place: &KeyPlace, wrapped: &Wrapped) -> Result<DataKey, ProviderFault> {
        self.0.unwrap(place, wrapped).await
    }
    async fn epochs(&self) -> Result<Vec<Epoch>, ProviderFault> {
        self.0.epochs().await
    }
    async fn new_epoch(&self, before: u32, now: Timestamp) -> Result<u32, ProviderFault> {
        self.0.new_epoch(before, now).await
    }
    async fn destroy_before(&self, epoch: u32) -> Result<Option<Timestamp>, ProviderFault> {
        self.0.destroy_before(epoch).await
    }
    async fn retire(&self) -> Result<Option<Timestamp>, ProviderFault> {
        self.0.retire().await
    }
}
