//! One provider after another: what the former one wrapped still opens, everything new is wrapped by the next one, and
//! the first turn of epochs moves every key over and destroys the former key-encryption key.

use std::sync::Arc;

use async_trait::async_trait;
use interlock_core::time::Timestamp;

use super::place::{DataKey, KeyPlace, Wrapped};
use super::provider::{Epoch, KeyProvider, ProviderFault, ProviderKind};

/// See the module's text.
pub struct Succession {
    former: Arc<dyn KeyProvider>,
    next: Arc<dyn KeyProvider>,
}

impl Succession {
    /// From both providers.
    ///
    /// # Errors
    /// They are of one kind: their wrapped keys could not be told apart.
    pub fn new(
        former: Arc<dyn KeyProvider>,
        next: Arc<dyn KeyProvider>,
    ) -> Result<Self, ProviderFault> {
        if former.kind() == next.kind() {
            return Err(ProviderFault::Configuration(
                "the former provider is of the same kind as the next one".to_owned(),
            ));
        }
        Ok(Self { former, next })
    }

    fn of(&self, wrapped: &Wrapped) -> &dyn KeyProvider {
        if wrapped.by == self.former.kind() {
            self.former.as_ref()
        } else {
            self.next.as_ref()
        }
    }
}

#[async_trait]
impl KeyProvider for Succession {
    fn kind(&self) -> ProviderKind {
        self.next.kind()
    }

    fn address(&self) -> String {
        format!(
            "{}, after {}: interlock key rotate moves every key over",
            self.next.address(),
            self.former.address()
        )
    }

    async fn wrap(&self, place: &KeyPlace, key: &DataKey) -> Result<Wrapped, ProviderFault> {
        self.next.wrap(place, key).await
    }

    async fn unwrap(&self, place: &KeyPlace, wrapped: &Wrapped) -> Result<DataKey, ProviderFault> {
        self.of(wrapped).unwrap(place, wrapped).await
    }

    async fn rewrap(&self, keys: &[(KeyPlace, Wrapped)]) -> Result<Vec<Wrapped>, ProviderFault> {
        if keys
            .iter()
            .all(|(_, wrapped)| wrapped.by == self.next.kind())
        {
            return self.next.rewrap(keys).await;
        }
        let mut anew = Vec::with_capacity(keys.len());
        for (place, wrapped) in keys {
            let key = self.unwrap(place, wrapped).await?;
            anew.push(self.next.wrap(place, &key).await?);
        }
        Ok(anew)
    }

    async fn epochs(&self) -> Result<Vec<Epoch>, ProviderFault> {
        self.next.epochs().await
    }

    async fn new_epoch(&self, before: u32, now: Timestamp) -> Result<u32, ProviderFault> {
        self.next.new_epoch(before, now).await
    }

    async fn destroy_before(&self, epoch: u32) -> Result<Option<Timestamp>, ProviderFault> {
        let next = self.next.destroy_before(epoch).await?;
        Ok(next.max(self.former.retire().await?))
    }

    async fn retire(&self) -> Result<Option<Timestamp>, ProviderFault> {
        self.next.retire().await
    }

    fn succeeds(&self) -> bool {
        true
    }

    fn heirloom(&self, purpose: &str) -> Option<DataKey> {
        self.former.heirloom(purpose)
    }
}
