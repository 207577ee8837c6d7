//! Content is shown to people here and nowhere else. Each showing is an entry (`payload.read`), durable before anything
//! is opened: where it cannot be written, nothing is shown. Revealing a payload by itself is a permission and needs a
//! reason; who may see reviews, inbox items and outputs is asked by the caller's door first.

use interlock_core::id::{PayloadId, PrincipalId, RunId};
use interlock_core::limits::REASON_CHARS_MAX;
use interlock_core::pipeline::identity::{Principal, PrincipalKind};
use serde_json::Value;

use crate::administration::{ADMINISTRATION_RUN, Administration, READ_MAX, ShownAs};
use crate::codec::{Kept, PayloadNote};
use crate::engine::{Engine, Fault};

/// Roles that may reveal. A table and not yet policy's `declassify`: that is decided within a run, about a label that
/// the run holds, and most of what is revealed is of runs that ended, whose bundle may be gone. What is not named here
/// may not, overseers and auditors included.
const REVEALERS: [&str; 2] = ["dpo", "investigator"];

/// A payload, revealed. No `Debug`: it holds content.
pub struct Revealed {
    /// Its run.
    pub run: RunId,
    /// Where it is used.
    pub slot: &'static str,
    /// How much of it was kept.
    pub kept: Kept,
    /// What is kept of it.
    pub content: Value,
}

/// Why nothing is revealed.
#[derive(Debug, thiserror::Error)]
pub enum RevealFault {
    /// The person holds none of the roles.
    #[error("reveal a payload: none of the roles held may reveal")]
    Denied,
    /// There is no reason, or it is too long.
    #[error("reveal a payload: a reason of 1 to {REASON_CHARS_MAX} characters is needed")]
    Reason,
    /// A key that it depends on was destroyed, or it is stored no more.
    #[error("reveal a payload: it was erased")]
    Erased,
    /// It was never kept.
    #[error("reveal a payload: its digest alone was kept")]
    NotKept,
    /// It could not be looked for, put on record, or opened.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Whether a principal may have payloads revealed.
#[must_use]
pub fn may_reveal(principal: &Principal) -> bool {
    principal.kind() == PrincipalKind::Person
        && principal
            .roles()
            .iter()
            .any(|role| REVEALERS.contains(&role.as_str()))
}

impl Engine {
    /// Reveals one payload to a person, for a reason. The reason is sealed beside the entry.
    ///
    /// # Errors
    /// See [`RevealFault`]. Who may not reveal is told nothing of whether there is such a payload.
    pub async fn reveal(
        &self,
        payload: PayloadId,
        by: &Principal,
        reason: &str,
    ) -> Result<Revealed, RevealFault> {
        if !may_reveal(by) || by.tenant() != self.tenant() {
            return Err(RevealFault::Denied);
        }
        let reason = reason.trim();
        if reason.is_empty() || reason.chars().count() > REASON_CHARS_MAX {
            return Err(RevealFault::Reason);
        }
        let (run, note) = self.noted(payload).await?;
        if note.kept == Kept::Digest {
            return Err(RevealFault::NotKept);
        }
        let shown = self
            .show(run, &[&note], ShownAs::Reveal, by.id(), Some(reason))
            .await?;
        let content = shown.into_iter().next().flatten();
        Ok(Revealed {
            run,
            slot: note.slot.as_str(),
            kept: note.kept,
            content: content.ok_or(RevealFault::Erased)?,
        })
    }

    /// The entry's note on a payload, by the payload's id alone.
    async fn noted(&self, payload: PayloadId) -> Result<(RunId, PayloadNote), RevealFault> {
        let missing = || Fault::NotFound("the payload");
        let stored = self.store().payload(self.tenant(), payload).await;
        let run = stored.map_err(Fault::from)?.ok_or_else(missing)?.run;
        let note = if run == ADMINISTRATION_RUN {
            let acts = self.administered().await?;
            let mut reasons = acts.into_iter().filter_map(|act| act.reason);
            reasons.find(|note| note.id == payload)
        } else {
            let history = self.history(run).await?;
            let mut notes = history.into_iter().flat_map(|recorded| recorded.payloads);
            notes.find(|note| note.id == payload)
        };
        // A row that no entry introduces is nobody's content.
        Ok((run, note.ok_or_else(missing)?))
    }

    /// What a payload's entry committed to.
    pub(crate) async fn commitment(&self, payload: PayloadId) -> Result<[u8; 32], Fault> {
        match self.noted(payload).await {
            Ok((_, note)) => Ok(note.commitment),
            Err(RevealFault::Fault(fault)) => Err(fault),
            Err(_) => Err(Fault::NotFound("the payload")),
        }
    }

    /// Opens payloads of a run for a person, in the order asked for; `None` for what was erased or never kept.
    ///
    /// # Errors
    /// The entry could not be written, or a payload could not be opened: nothing is shown then.
    pub(crate) async fn show(
        &self,
        run: RunId,
        notes: &[&PayloadNote],
        shown: ShownAs,
        by: PrincipalId,
        reason: Option<&str>,
    ) -> Result<Vec<Option<Value>>, Fault> {
        for notes in notes.chunks(READ_MAX) {
            let act = Administration::PayloadRead {
                run,
                read: notes.iter().map(|note| note.id).collect(),
                shown,
            };
            self.administer(act, reason, Some(by)).await?;
        }
        let mut opened = Vec::with_capacity(notes.len());
        for note in notes {
            opened.push(self.payload(run, note).await?);
        }
        Ok(opened)
    }

    /// What was wrong with a run's input, for who sent it: places and expectations.
    ///
    /// # Errors
    /// As for any showing.
    pub async fn problems_view(&self, run: RunId, by: PrincipalId) -> Result<Vec<Value>, Fault> {
        let history = self.history(run).await?;
        let notes: Vec<&PayloadNote> = history
            .iter()
            .flat_map(|recorded| &recorded.payloads)
            .filter(|note| note.slot == interlock_core::run::Slot::Problems)
            .collect();
        let shown = self.show(run, &notes, ShownAs::Problems, by, None).await?;
        Ok(shown.into_iter().flatten().collect())
    }
}
