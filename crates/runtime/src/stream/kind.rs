//! What each kind of entry is to a SIEM: its OCSF class, activity and weight. A kind that is not named here is passed
//! on all the same, as other activity: a stream that left lines out would hide what it does not know.

/// The OCSF class of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// 6003: something was asked of a model, a tool, or the run itself.
    ApiActivity,
    /// 6005: data was read.
    DatastoreActivity,
    /// 3004: something that is kept was made, changed or destroyed.
    EntityManagement,
    /// 2004: something is wrong.
    DetectionFinding,
}

impl Class {
    pub(super) const fn uid(self) -> u64 {
        match self {
            Self::ApiActivity => 6003,
            Self::DatastoreActivity => 6005,
            Self::EntityManagement => 3004,
            Self::DetectionFinding => 2004,
        }
    }
}

/// What one kind is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    pub(super) class: Class,
    /// Of the class; 99 is other.
    pub(super) activity: u64,
    /// 1 informational, 2 low, 3 medium, 4 high.
    pub(super) severity: u64,
    /// 1 success, 2 failure, 0 not known.
    pub(super) status: u64,
}

const fn kind(class: Class, activity: u64, severity: u64, status: u64) -> Kind {
    Kind {
        class,
        activity,
        severity,
        status,
    }
}

/// A kind by its event; `None` where it is not named.
pub(super) fn of(event: &str) -> Option<Kind> {
    use Class::{
        ApiActivity as Api, DatastoreActivity as Data, DetectionFinding as Finding,
        EntityManagement as Entity,
    };
    Some(match event {
        "run.requested" | "act.proposed" | "review.requested" | "inbox.opened" => {
            kind(Api, 1, 1, 1)
        }
        "run.started" | "run.recovered" | "branch.taken" | "fallback.taken" | "act.retried" => {
            kind(Api, 3, 1, 1)
        }
        "run.ended" | "output.released" => kind(Api, 3, 1, 1),
        "intake.rejected" | "output.rejected" => kind(Api, 3, 2, 2),
        "model.requested" | "model.replied" => kind(Api, 99, 1, 1),
        "output.accepted" | "value.endorsed" | "review.passed" => kind(Api, 3, 1, 1),
        "step.degraded" => kind(Api, 3, 2, 1),
        "policy.decided" => kind(Api, 99, 1, 1),
        "act.started" => kind(Api, 3, 1, 0),
        "act.finished" => kind(Api, 3, 1, 1),
        "act.failed" | "call.failed" => kind(Api, 3, 2, 2),
        "review.voted" | "review.settled" | "inbox.settled" => kind(Api, 3, 1, 1),
        "source.requested" => kind(Data, 4, 1, 0),
        "source.accepted" => kind(Data, 1, 1, 1),
        "payload.read" => kind(Data, 10, 2, 1),
        "export.created" => kind(Data, 1, 2, 1),
        "log.opened" | "policy.adopted" | "bundle.deployed" | "api_key.created" => {
            kind(Entity, 1, 1, 1)
        }
        "api_key.revoked" => kind(Entity, 4, 1, 1),
        "key.epoch_rotated" | "log.key_rotated" | "hold.released" => kind(Entity, 3, 2, 1),
        "world.set" => kind(Entity, 3, 3, 1),
        "hold.placed" | "erasure.requested" => kind(Entity, 3, 2, 1),
        "erasure.done" | "retention.expired" | "log.pruned" => kind(Entity, 4, 2, 1),
        "guard.adopted" => kind(Finding, 1, 4, 2),
        "anchor.overdue" => kind(Finding, 1, 4, 2),
        "anchor.recovered" => kind(Finding, 3, 1, 1),
        _ => return None,
    })
}
