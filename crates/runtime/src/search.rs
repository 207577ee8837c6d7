//! Finding entries by who, what and when. The index beside the log holds pseudonyms, declared names, digests and keyed
//! tokens, never content; it may be emptied and made again from the log at any time. What is found is read from the log.

use std::collections::BTreeSet;

use interlock_core::id::{PrincipalId, RunId, SubjectId};
use interlock_journal::Entry;
use interlock_store::{SearchQuery, Term};
use serde::Serialize;

use crate::engine::{Engine, Fault};

mod follow;
mod terms;
#[cfg(test)]
mod tests;

pub use follow::{Indexed, keep_indexed};

/// Bytes of a term that is asked for.
const TERM_BYTES_MAX: usize = 128;
/// What the terms that can be asked for are called, on the command line and in the API.
const NAMES: [(&str, Term); 12] = [
    ("person", Term::Person),
    ("subject", Term::Subject),
    ("workflow", Term::Workflow),
    ("source", Term::Source),
    ("tool", Term::Tool),
    ("prompt", Term::Prompt),
    ("model", Term::Model),
    ("policy", Term::Policy),
    ("policy_version", Term::PolicyVersion),
    ("decision", Term::Decision),
    ("outcome", Term::Outcome),
    ("token", Term::Token),
];

/// Names of all terms.
pub fn term_names() -> impl Iterator<Item = &'static str> {
    NAMES.iter().map(|(name, _)| *name)
}

/// A term by its name.
#[must_use]
pub fn term(name: &str) -> Option<Term> {
    NAMES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, term)| *term)
}

/// One entry that was found.
#[derive(Debug, Clone, Serialize)]
pub struct Found {
    /// Its index in the log.
    pub index: u64,
    /// Its run.
    pub run: String,
    /// Its place in the run.
    pub seq: u64,
    /// When it was written, RFC 3339.
    pub time: String,
    /// Its event.
    pub event: String,
    /// The entry itself.
    pub entry: serde_json::Value,
}

/// A page of what was found, newest first.
#[derive(Debug, Clone, Serialize)]
pub struct FoundPage {
    /// The entries.
    pub found: Vec<Found>,
    /// `below` of the next page; none: there is no more.
    pub next: Option<u64>,
    /// Entries that the index covers.
    pub indexed: u64,
    /// Entries of the log. More than `indexed`: the newest are not found yet.
    pub size: u64,
}

impl Engine {
    /// Finds entries. People may be given by name or by pseudonym; a name that nobody had finds nothing.
    ///
    /// # Errors
    /// The store or keys cannot be reached, a term is too long, or an entry that was found is not what its index says.
    pub async fn search(&self, mut query: SearchQuery) -> Result<FoundPage, Fault> {
        if query
            .terms
            .iter()
            .any(|(_, text)| text.len() > TERM_BYTES_MAX)
        {
            return Err(Fault::NotFound("an entry by so long a term"));
        }
        let (indexed, size) = (
            self.store().index_cursor(self.tenant()).await?,
            self.store().log_size(self.tenant()).await?,
        );
        let mut page = FoundPage {
            found: Vec::new(),
            next: None,
            indexed,
            size,
        };
        for (term, text) in &mut query.terms {
            let Some(known) = self.known(*term, text).await? else {
                return Ok(page);
            };
            *text = known;
        }
        let indexes = self.store().search(self.tenant(), &query).await?;
        for index in &indexes {
            let entries = self.store().log_entries(self.tenant(), *index, 1).await?;
            let stored = entries.first().ok_or(Fault::NotFound("the entry"))?;
            let damaged = |fault: String| Fault::Damaged {
                run: stored.run,
                seq: stored.seq,
                fault,
            };
            let entry = Entry::parse(&stored.bytes).map_err(|fault| damaged(fault.to_string()))?;
            if entry.leaf_hash() != stored.hash || stored.index != *index {
                return Err(damaged(
                    "its bytes are not those that were stored".to_owned(),
                ));
            }
            page.found.push(Found {
                index: *index,
                run: entry.run().to_owned(),
                seq: entry.seq(),
                time: entry.time().to_owned(),
                event: entry.event().to_owned(),
                entry: serde_json::from_slice(&stored.bytes)
                    .map_err(|_| damaged("it is no JSON".to_owned()))?,
            });
        }
        let full = indexes.len() as u64 >= u64::from(query.limit);
        page.next = indexes.last().copied().filter(|_| full);
        Ok(page)
    }

    /// A term as the index has it; `None`: a name that nobody has.
    async fn known(&self, term: Term, text: &str) -> Result<Option<String>, Fault> {
        match term {
            Term::Person if text.parse::<PrincipalId>().is_err() => self.person_by_name(text).await,
            Term::Subject if text.parse::<SubjectId>().is_err() => self.subject_by_name(text).await,
            _ => Ok(Some(text.to_owned())),
        }
    }

    /// What happened around a run outside of it: administrative entries that name it or its payloads, by index.
    ///
    /// # Errors
    /// As [`Engine::search`].
    pub async fn around(&self, run: RunId) -> Result<Vec<Found>, Fault> {
        let query = SearchQuery {
            terms: vec![(Term::Token, run.to_string())],
            limit: interlock_core::limits::PAGE_ITEMS_MAX,
            ..SearchQuery::default()
        };
        let mut found = self.search(query).await?.found;
        found.reverse();
        Ok(found)
    }
}

/// Terms, each once.
type Terms = BTreeSet<(Term, String)>;
