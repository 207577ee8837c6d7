//! Which entries an export holds: those asked for, and what is needed to judge them (the adoption of the policies that
//! they cite, what administration did around them).

use std::collections::BTreeSet;

use interlock_core::id::{RunId, SubjectId};
use interlock_core::time::Timestamp;
use interlock_store::{ADMINISTRATION_RUN, SearchQuery, Term};

use super::{ExportFault, ExportOf, SELECTED_ENTRIES_MAX};
use crate::engine::{Engine, Fault};

/// Entries that are read at once.
const PAGE_ENTRIES: u32 = 1024;
/// Events of administration that judge any run: what was adopted, destroyed, and who signs.
const ALWAYS: [&str; 5] = [
    "log.opened",
    "log.key_rotated",
    "policy.adopted",
    "retention.expired",
    "log.pruned",
];

impl Engine {
    /// Indices of an export below a size, rising.
    pub(super) async fn selected(
        &self,
        of: &ExportOf,
        size: u64,
    ) -> Result<BTreeSet<u64>, ExportFault> {
        let mut all = BTreeSet::new();
        match of {
            ExportOf::Log => {}
            ExportOf::Range(from, to) => {
                let minimum = self.store().log_minimum(self.tenant()).await?;
                if from >= to || *to > size || *from < minimum {
                    return Err(ExportFault::Nothing(
                        "the range is empty, not published yet, or pruned",
                    ));
                }
                if to - from > SELECTED_ENTRIES_MAX as u64 {
                    return Err(ExportFault::TooMany);
                }
                all.extend(*from..*to);
                self.index().await?;
                self.add_always(&mut all).await?;
            }
            ExportOf::Run(run) => {
                self.index().await?;
                self.add_run(*run, &mut all).await?;
                self.add_always(&mut all).await?;
            }
            ExportOf::Subject(subject) => {
                self.index().await?;
                self.add_subject(*subject, &mut all).await?;
                self.add_always(&mut all).await?;
            }
        }
        all.retain(|index| *index < size);
        if all.is_empty() && *of != ExportOf::Log {
            return Err(ExportFault::Nothing("there is nothing of that kind"));
        }
        Ok(all)
    }

    /// The person that data is about, by name or pseudonym; `None`: nobody of that name.
    ///
    /// # Errors
    /// The store or the keys cannot be reached.
    pub async fn subject_known(&self, text: &str) -> Result<Option<SubjectId>, Fault> {
        if let Ok(known) = text.parse() {
            return Ok(Some(known));
        }
        let found = self.subject_by_name(text).await?;
        Ok(found.and_then(|id| id.parse().ok()))
    }

    /// The smallest range without a gap that holds every entry written in a time, below what is published. Clocks jump:
    /// it may hold entries of other times too.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn range_of(
        &self,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Option<(u64, u64)>, ExportFault> {
        let published = self.store().published(self.tenant()).await?;
        let size = published.map_or(0, |published| published.size);
        let mut next = self.store().log_minimum(self.tenant()).await?;
        let mut range: Option<(u64, u64)> = None;
        while next < size {
            let page = self
                .store()
                .log_entries(self.tenant(), next, PAGE_ENTRIES)
                .await?;
            for stored in page.iter().filter(|stored| stored.index < size) {
                let at = crate::codec::instant(super::leave::entry(&stored.bytes)?.time());
                if at.is_some_and(|at| at >= since && at <= until) {
                    let first = range.map_or(stored.index, |(first, _)| first);
                    range = Some((first, stored.index + 1));
                }
            }
            match page.last() {
                Some(last) => next = last.index + 1,
                None => break,
            }
        }
        Ok(range)
    }

    async fn add_run(&self, run: RunId, all: &mut BTreeSet<u64>) -> Result<(), ExportFault> {
        if run == ADMINISTRATION_RUN {
            return Err(ExportFault::Nothing(
                "administration is no run: export a range or the whole log",
            ));
        }
        let head = self.store().head(self.tenant(), run).await?;
        let head = head.ok_or(ExportFault::Nothing("there is no such run"))?;
        for seq in 0..=head.seq {
            let index = self.store().log_index(self.tenant(), run, seq).await?;
            all.insert(index.ok_or(ExportFault::Nothing("the run's entries are pruned"))?);
        }
        let about = SearchQuery {
            terms: vec![(Term::Token, run.to_string())],
            ..SearchQuery::default()
        };
        self.add_found(about, all).await.map(drop)
    }

    async fn add_subject(
        &self,
        subject: SubjectId,
        all: &mut BTreeSet<u64>,
    ) -> Result<(), ExportFault> {
        let about = SearchQuery {
            terms: vec![(Term::Subject, subject.to_string())],
            ..SearchQuery::default()
        };
        let mut indices = BTreeSet::new();
        self.add_found(about, &mut indices).await?;
        let mut runs = BTreeSet::new();
        for index in &indices {
            let entry = self.store().log_entries(self.tenant(), *index, 1).await?;
            if let Some(entry) = entry.first()
                && entry.run != ADMINISTRATION_RUN
            {
                runs.insert(entry.run);
            }
        }
        all.extend(indices);
        for run in runs {
            self.add_run(run, all).await?;
        }
        Ok(())
    }

    async fn add_always(&self, all: &mut BTreeSet<u64>) -> Result<(), ExportFault> {
        let query = SearchQuery {
            events: ALWAYS.iter().map(ToString::to_string).collect(),
            run: Some(ADMINISTRATION_RUN),
            ..SearchQuery::default()
        };
        self.add_found(query, all).await
    }

    async fn add_found(
        &self,
        mut query: SearchQuery,
        all: &mut BTreeSet<u64>,
    ) -> Result<(), ExportFault> {
        query.limit = interlock_core::limits::PAGE_ITEMS_MAX;
        loop {
            let found = self.store().search(self.tenant(), &query).await?;
            all.extend(found.iter().copied());
            if all.len() > SELECTED_ENTRIES_MAX {
                return Err(ExportFault::TooMany);
            }
            match found.last() {
                Some(last) if found.len() as u64 == u64::from(query.limit) => {
                    query.below = Some(*last);
                }
                _ => return Ok(()),
            }
        }
    }
}
