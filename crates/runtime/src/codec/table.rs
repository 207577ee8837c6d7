//! The table of all events: the kind in entries, the variant, its members. A member has the name of its field.
//! Both directions come from the same row, so that they cannot drift apart; the match over events is total.

use interlock_core::run::Event;

use super::fault::Flaw;
use super::members::{Reader, Writer};

/// Hands the table to a macro: once to the codec, and in tests to what makes events of every kind.
macro_rules! with_events {
    ($then:ident) => {
        $then! {
            "run.requested" RunRequested { workflow, bundle, version, risk, requester, method, at }
            "intake.rejected" IntakeRejected { step, violations, problems }
            "policy.decided" Decided { decision, step, target, label, asker }
            "run.started" RunStarted { input, label, next }
            "source.requested" ReadRequested { node, step, call, source, query, label }
            "call.failed" CallFailed { step, call, fault }
            "source.accepted" ReadAccepted { step, call, output, label, schema, next }
            "value.endorsed" Endorsed { step, register, record, fields, decision }
            "model.requested" ModelRequested {
                node, step, call, model, endpoint, prompt_name, prompt_version, prompt, label, downgrades,
                shown, fields, fields_left_out, attempt
            }
            "model.replied" ModelReplied { step, call, reply, stop, usage }
            "output.rejected" OutputRejected { step, call, reason, violations, problems }
            "output.accepted" OutputAccepted { step, output, label, schema, next }
            "step.degraded" StepDegraded { step, output, label, next }
            "branch.taken" BranchTaken { step, arm, next }
            "act.proposed" ActProposed { node, step, act, tool, content, digest, label, standing }
            "review.requested" ReviewRequested { review, asked_by, content }
            "review.voted" ReviewVoted { review, voter, roles, approve, digest, reason }
            "review.settled" ReviewSettled { review, outcome }
            "review.passed" ReviewPassed { step, next }
            "act.started" ActStarted { node, step, grant, epoch }
            "act.finished" ActFinished { step, act, grant, output, label, schema, next }
            "act.failed" ActFailed { step, act, grant, fault, known }
            "act.retried" ActRetried { step, act, cause }
            "fallback.taken" FallbackTaken { node, step, cause, tried }
            "inbox.opened" InboxOpened { node, step, item, kind, act }
            "inbox.settled" InboxSettled { item, by, verdict }
            "run.recovered" Recovered { epoch }
            "output.released" Released { output, label }
            "run.ended" RunEnded { outcome, by }
        }
    };
}
#[cfg(test)]
pub(super) use with_events;

macro_rules! codec {
    ($($kind:literal $variant:ident { $($field:ident),* })*) => {
        /// Every kind of event, as entries name it.
        pub const KINDS: &[&str] = &[$($kind),*];

        /// Writes an event's own members.
        pub(super) fn write(event: &Event, writer: &mut Writer) -> Result<(), Flaw> {
            match event {
                $(Event::$variant { $($field),* } => {
                    $(writer.put(stringify!($field), $field)?;)*
                })*
            }
            Ok(())
        }

        /// Reads an event's own members; of a kind that is not in the table, a flaw.
        pub(super) fn read(kind: &str, reader: &mut Reader<'_>) -> Result<Event, Flaw> {
            match kind {
                $($kind => Ok(Event::$variant { $($field: reader.take(stringify!($field))?),* }),)*
                _ => Err(Flaw::form()),
            }
        }
    };
}

with_events!(codec);
