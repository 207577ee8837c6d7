//! Data keys that are open, for a short while: an entry lives no longer than a minute and is wiped when it goes, also
//! when nobody asks for anything any more.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::time::Instant;

use super::place::{DataKey, KeyPlace};

/// Keys kept open at most.
const OPEN_KEYS_MAX: usize = 1024;
/// How long one is kept open at most.
const OPEN_SECONDS_MAX: u64 = 60;

struct Open {
    key: DataKey,
    page: Vec<u8>,
    since: Instant,
}

#[derive(Default)]
struct Entries {
    open: BTreeMap<String, Open>,
    sweeper: Option<tokio::task::JoinHandle<()>>,
}

/// See the module's text.
pub(crate) struct Cache {
    entries: Arc<Mutex<Entries>>,
    life: Duration,
}

impl Default for Cache {
    fn default() -> Self {
        Self::living(Duration::from_secs(OPEN_SECONDS_MAX))
    }
}

impl Cache {
    pub(super) fn living(life: Duration) -> Self {
        Self {
            entries: Arc::default(),
            life,
        }
    }

    /// A key that is open.
    pub(crate) fn key(&self, place: &KeyPlace) -> Option<DataKey> {
        self.find(place, |_| true)
    }

    /// A key that is open, if the book still has the very page that it was opened from.
    pub(crate) fn key_of(&self, place: &KeyPlace, page: &[u8]) -> Option<DataKey> {
        self.find(place, |open| open.page == page)
    }

    fn find(&self, place: &KeyPlace, fits: impl Fn(&Open) -> bool) -> Option<DataKey> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let at = place.associated();
        let open = entries.open.get(&at)?;
        if open.since.elapsed() >= self.life {
            entries.open.remove(&at);
            return None;
        }
        fits(open).then(|| open.key.clone())
    }

    pub(crate) fn keep(&self, place: &KeyPlace, page: &[u8], key: &DataKey) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.open.len() >= OPEN_KEYS_MAX {
            let oldest = entries.open.iter().min_by_key(|(_, open)| open.since);
            if let Some(oldest) = oldest.map(|(at, _)| at.clone()) {
                entries.open.remove(&oldest);
            }
        }
        entries.open.insert(
            place.associated(),
            Open {
                key: key.clone(),
                page: page.to_vec(),
                since: Instant::now(),
            },
        );
        let sweeps = entries
            .sweeper
            .as_ref()
            .is_some_and(|sweeper| !sweeper.is_finished());
        if !sweeps && let Ok(runtime) = tokio::runtime::Handle::try_current() {
            entries.sweeper = Some(runtime.spawn(sweep(Arc::downgrade(&self.entries), self.life)));
        }
    }

    pub(super) fn forget(&self, place: &KeyPlace) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.open.remove(&place.associated());
    }

    pub(super) fn forget_all(&self) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.open.clear();
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.entries.lock().unwrap().open.len()
    }
}

/// Wipes what has been open for too long, until nothing is open.
async fn sweep(entries: Weak<Mutex<Entries>>, life: Duration) {
    loop {
        tokio::time::sleep(life / 4).await;
        let Some(entries) = entries.upgrade() else {
            return;
        };
        let mut entries = entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries
            .open
            .retain(|_, open| open.since.elapsed() < life * 3 / 4);
        if entries.open.is_empty() {
            entries.sweeper = None;
            return;
        }
    }
}
