//! How far publication is behind, told from the store alone: a publisher that is stopped cannot be asked.

use interlock_core::id::TenantName;
use interlock_core::time::Timestamp;
use interlock_journal::Entry;
use interlock_store::{LogStore, StoreFault};

use crate::codec::time;

/// See the module's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicationLag {
    /// Entries that have a place in the log.
    pub sequenced: u64,
    /// Entries under the newest checkpoint.
    pub published: u64,
    /// When that was signed; none: nothing was published.
    pub published_at: Option<Timestamp>,
    /// Microseconds since the oldest entry was written that is not under a checkpoint; 0 where all are, or where the
    /// clock stands before it.
    pub waiting_micros: u64,
}

impl PublicationLag {
    /// Entries that wait.
    #[must_use]
    pub const fn waiting(&self) -> u64 {
        self.sequenced.saturating_sub(self.published)
    }
}

/// How far publication of a tenant's log is behind.
///
/// # Errors
/// The store cannot be read.
pub async fn publication_lag(
    store: &dyn LogStore,
    tenant: &TenantName,
    now: Timestamp,
) -> Result<PublicationLag, StoreFault> {
    let published = store.published(tenant).await?;
    let size = published.as_ref().map_or(0, |published| published.size);
    let sequenced = store.log_size(tenant).await?;
    let oldest = if size < sequenced {
        store.log_entries(tenant, size, 1).await?
    } else {
        Vec::new()
    };
    let since = oldest
        .first()
        .and_then(|entry| time::parse(Entry::parse(&entry.bytes).ok()?.time()));
    Ok(PublicationLag {
        sequenced,
        published: size,
        published_at: published.map(|published| published.at),
        waiting_micros: since.map_or(0, |since| now.as_micros().saturating_sub(since.as_micros())),
    })
}
