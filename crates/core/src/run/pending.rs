//! What is to be done next, derived from the state and never stored: after a restart the same effects are
//! computed again, each with the id that makes it the same one.

use super::state::{Phase, State};
use crate::id::{ActId, CallId, GrantId, ReviewId};
use crate::time::Timestamp;

/// One thing to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Open what is needed and decide: no call to the outside.
    Decide,
    /// Read a source.
    Read {
        /// The call.
        call: CallId,
    },
    /// Ask a model.
    Ask {
        /// The call.
        call: CallId,
    },
    /// Call a tool under its grant.
    Act {
        /// The act: also the idempotency key.
        act: ActId,
        /// The grant.
        grant: GrantId,
    },
    /// Nothing until people vote, or this time.
    AwaitReview {
        /// The review.
        review: ReviewId,
        /// When it expires.
        until: Timestamp,
    },
    /// Nothing until a person settles the inbox item.
    AwaitPerson,
}

/// The effects of a state: one at most while a run has one thread. An act that an older epoch started is not
/// among them: what becomes of it is decided when the run is taken over.
#[must_use]
pub fn pending(state: &State) -> Vec<Effect> {
    match &state.phase {
        Phase::Ready { .. }
        | Phase::Releasing
        | Phase::Approved { .. }
        | Phase::Proposed { .. }
        | Phase::Judging { .. }
        | Phase::Stuck { .. } => vec![Effect::Decide],
        Phase::Reading { call, .. } => vec![Effect::Read { call: *call }],
        Phase::Asking { call, .. } => vec![Effect::Ask { call: *call }],
        Phase::Acting { act, grant, epoch } if *epoch == state.epoch => {
            vec![Effect::Act {
                act: act.id,
                grant: grant.id,
            }]
        }
        Phase::Reviewing { review, .. } => {
            vec![Effect::AwaitReview {
                review: review.id,
                until: review.expires_at,
            }]
        }
        Phase::Waiting { .. } => vec![Effect::AwaitPerson],
        Phase::Acting { .. }
        | Phase::New
        | Phase::Requested
        | Phase::Released
        | Phase::Ended { .. } => Vec::new(),
    }
}
