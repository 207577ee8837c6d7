//! What a listing shows of a run: its row and what waits for people, derived from its state at every append. The
//! journal is the truth; these can be made again from it.

use interlock_core::run::{Cause, InboxKind, Phase, State};
use interlock_core::time::Timestamp;
use interlock_store::{RunRow, RunStatus, WaitKind, WaitRow};

/// The run's row. `None` before the first event.
pub(crate) fn row(state: &State, now: Timestamp) -> Option<RunRow> {
    let pinned = state.pinned.as_ref()?;
    let (status, outcome, wake_at) = match &state.phase {
        Phase::Ended { outcome } => (RunStatus::Ended, Some(outcome.as_str().to_owned()), None),
        Phase::Reviewing { review, .. } => (RunStatus::Waiting, None, Some(review.expires_at)),
        Phase::Waiting { .. } => (RunStatus::Waiting, None, None),
        Phase::New
        | Phase::Requested
        | Phase::Ready { .. }
        | Phase::Reading { .. }
        | Phase::Asking { .. }
        | Phase::Judging { .. }
        | Phase::Stuck { .. }
        | Phase::Proposed { .. }
        | Phase::Approved { .. }
        | Phase::Acting { .. }
        | Phase::Releasing
        | Phase::Released => (RunStatus::Active, None, None),
    };
    Some(RunRow {
        run: state.run,
        workflow: pinned.workflow.to_string(),
        bundle: pinned.version,
        state: status,
        outcome,
        wake_at,
        started: pinned.requested_at,
        updated: now,
        requester: pinned.requester.id,
        parent: None,
    })
}

/// What waits for people in this run.
pub(crate) fn waits(state: &State) -> Vec<WaitRow> {
    match &state.phase {
        Phase::Reviewing { review, .. } => vec![WaitRow {
            id: review.id.to_string(),
            run: state.run,
            kind: WaitKind::Review,
            detail: review.subject.as_str().to_owned(),
            since: made_at(review.id.to_bytes()),
            due: Some(review.expires_at),
        }],
        Phase::Waiting { item, kind, .. } => vec![WaitRow {
            id: item.to_string(),
            run: state.run,
            kind: WaitKind::Inbox,
            detail: inbox_kind(*kind).to_owned(),
            since: made_at(item.to_bytes()),
            due: None,
        }],
        _ => Vec::new(),
    }
}

/// An inbox kind as listings and interfaces name it.
#[must_use]
pub const fn inbox_kind(kind: InboxKind) -> &'static str {
    match kind {
        InboxKind::Manual(Cause::Invalid) => "validation_failed",
        InboxKind::Manual(Cause::Unavailable) => "unavailable",
        InboxKind::Manual(Cause::Denied) => "denied",
        InboxKind::Manual(Cause::Timeout) => "timed_out",
        InboxKind::Manual(Cause::Uncertain) => "uncertain",
        InboxKind::Release => "release_failed",
        InboxKind::PayloadGone => "payload_gone",
        InboxKind::InDoubt => "in_doubt",
    }
}

/// The time in an id: its first 48 bits are milliseconds.
fn made_at(id: [u8; 16]) -> Timestamp {
    let millis = id.iter().take(6).fold(0u64, |n, b| n << 8 | u64::from(*b));
    Timestamp::from_micros(millis.saturating_mul(1000))
}
