//! The book of data keys: random keys of runs, people and periods, wrapped, in the store's records. Destroying a page
//! destroys everything that was sealed with it.

use async_trait::async_trait;
use interlock_core::id::{RunId, SubjectId, TenantName};
use interlock_core::time::Timestamp;

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

    /// The key of a retention class and a month as it is written, `2026-11`; `None`: not a month.
    #[must_use]
    pub fn month(class: &str, month: &str) -> Option<Self> {
        crate::retention::Month::parse(month).map(|month| Self(format!("period.{class}.{month}")))
    }

    /// The person whose key it is.
    #[must_use]
    pub fn as_subject(&self) -> Option<SubjectId> {
        self.0.strip_prefix("subject.")?.parse().ok()
    }

    /// The retention class and month whose key it is.
    #[must_use]
    pub fn as_period(&self) -> Option<(&str, &str)> {
        self.0.strip_prefix("period.")?.rsplit_once('.')
    }

    /// Whether it is a person's.
    #[must_use]
    pub fn is_subject(&self) -> bool {
        self.0.starts_with("subject.")
    }

    /// The key that seals the tenant's small records of a purpose.
    #[must_use]
    pub fn records(purpose: &str) -> Self {
        Self(format!("records.{purpose}"))
    }

    /// The key of a purpose's blind index.
    #[must_use]
    pub fn index(purpose: &str) -> Self {
        Self(format!("index.{purpose}"))
    }

    pub(crate) fn own(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// Any name of a page: of a payload's keys, or of the tenant's own.
    pub(super) fn read(text: &str) -> Option<Self> {
        let named = !text.is_empty() && text.len() <= 160;
        (named && text.bytes().all(|b| b.is_ascii_graphic())).then(|| Self(text.to_owned()))
    }

    /// The name of a payload's key; none of the tenant's own stands in a payload's header.
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

/// A page of the book.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyPage {
    /// Whose key.
    pub name: KeyName,
    /// The key, wrapped.
    pub wrapped: Vec<u8>,
    /// Greater with each replacement.
    pub version: u64,
}

/// Wrapped data keys by name.
///
/// Every write is durable when it returns `Ok`; after an error it may have happened, and asking again is harmless.
/// `create` and `replace` are compare-and-swap. The caller retries. Not-found is `None`.
#[async_trait]
pub trait KeyBook: Send + Sync {
    /// A page.
    ///
    /// # Errors
    /// The book cannot be reached.
    async fn get(
        &self,
        tenant: &TenantName,
        key: &KeyName,
    ) -> Result<Option<KeyPage>, KeyBookFault>;

    /// Keeps a wrapped key where there is none; one that is there stays.
    ///
    /// # Errors
    /// The book cannot be reached.
    async fn create(
        &self,
        tenant: &TenantName,
        key: &KeyName,
        wrapped: &[u8],
    ) -> Result<(), KeyBookFault>;

    /// Puts another wrapping of the same key in place of this page, if it is still this one.
    ///
    /// # Errors
    /// The book cannot be reached.
    async fn replace(
        &self,
        tenant: &TenantName,
        page: &KeyPage,
        wrapped: &[u8],
    ) -> Result<(), KeyBookFault>;

    /// Deletes a page; one that is not there is deleted already.
    ///
    /// # Errors
    /// The book cannot be reached.
    async fn destroy(&self, tenant: &TenantName, key: &KeyName) -> Result<(), KeyBookFault>;

    /// Every tenant that may have pages.
    ///
    /// # Errors
    /// The book cannot be reached.
    async fn tenants(&self) -> Result<Vec<TenantName>, KeyBookFault>;

    /// In how many parts the pages are listed.
    fn shelves(&self) -> u32;

    /// The pages of one part, from 0.
    ///
    /// # Errors
    /// The book cannot be reached, or a page has no name.
    async fn shelf(&self, tenant: &TenantName, shelf: u32) -> Result<Vec<KeyPage>, KeyBookFault>;

    /// What was written down about the last turn of epochs.
    ///
    /// # Errors
    /// The book cannot be reached.
    async fn turn(&self, tenant: &TenantName) -> Result<Option<Vec<u8>>, KeyBookFault>;

    /// Writes it down, in place of what was there: one turn is made at a time.
    ///
    /// # Errors
    /// The book cannot be reached.
    async fn keep_turn(&self, tenant: &TenantName, turn: &[u8]) -> Result<(), KeyBookFault>;

    /// Wipes what deleted and replaced pages left behind where they were stored.
    ///
    /// # Errors
    /// The book cannot be reached.
    async fn scrub(&self) -> Result<(), KeyBookFault>;
}
