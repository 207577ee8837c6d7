//! One line for each event, as a person reads a chain of custody. Holds no content: events do not.

use interlock_core::pipeline::policy::{Decision, Verdict};
use interlock_core::run::{Event, InboxVerdict, Tried};

use crate::projection::inbox_kind;

/// What an event says.
#[must_use]
pub fn line(event: &Event) -> String {
    match event {
        Event::RunRequested {
            workflow,
            bundle,
            requester,
            method,
            risk,
            ..
        } => format!(
            "{} {} asked for {bundle}/{workflow} (risk {}, identified by {})",
            requester.kind.as_str(),
            requester.id,
            risk.as_str(),
            method.as_str()
        ),
        Event::IntakeRejected {
            step, violations, ..
        } => match step {
            Some(step) => format!("{step}: what came in does not fit ({violations} faults)"),
            None => format!("what came in does not fit ({violations} faults)"),
        },
        Event::Decided {
            decision,
            step,
            target,
            asker,
            ..
        } => {
            let at = step
                .as_ref()
                .map_or(String::new(), |step| format!("{step}: "));
            let by = asker.map_or(String::new(), |asker| format!(" for {asker}"));
            format!(
                "{at}policy on {} {target}{by}: {}",
                decision.action.as_str(),
                verdict(decision)
            )
        }
        Event::RunStarted { .. } => "the input is accepted; the run begins".to_owned(),
        Event::ReadRequested { step, source, .. } => {
            format!("{step}: source {source} is to be read")
        }
        Event::CallFailed { step, fault, .. } => format!("{step}: no answer ({})", fault.as_str()),
        Event::ReadAccepted { step, .. } => format!("{step}: the answer is accepted"),
        Event::Endorsed {
            step,
            register,
            fields,
            ..
        } => {
            format!("{step}: {fields} values equal a record of {register}, which stands for them")
        }
        Event::ModelRequested {
            step,
            endpoint,
            prompt_name,
            attempt,
            shown,
            ..
        } => format!(
            "{step}: {endpoint} is shown prompt {prompt_name} (attempt {attempt}, {} values, {} withheld)",
            shown.0, shown.1
        ),
        Event::ModelReplied {
            step, stop, usage, ..
        } => format!(
            "{step}: the model replied ({}, {} tokens in, {} out{})",
            stop.as_str(),
            usage.input_tokens,
            usage.output_tokens,
            usage
                .cost_micros
                .map_or(String::new(), |cost| format!(", cost {cost} millionths")),
        ),
        Event::OutputRejected {
            step,
            reason,
            violations,
            ..
        } => {
            format!(
                "{step}: the reply is not accepted ({}, {violations} faults)",
                reason.as_str()
            )
        }
        Event::OutputAccepted { step, .. } => format!("{step}: the output is accepted"),
        Event::StepDegraded { step, .. } => format!("{step}: the declared stand-in is used"),
        Event::BranchTaken { step, arm, .. } => match arm {
            Some(arm) => format!("{step}: arm {arm} is taken"),
            None => format!("{step}: no arm holds"),
        },
        Event::ActProposed {
            step,
            act,
            tool,
            digest,
            standing,
            ..
        } => {
            let standing = if *standing {
                ", authorised in advance"
            } else {
                ""
            };
            format!(
                "{step}: {act} is proposed: {tool}, digest {}{standing}",
                short(&digest.to_string())
            )
        }
        Event::ReviewRequested {
            review, asked_by, ..
        } => {
            let needs: Vec<String> = review
                .thresholds
                .iter()
                .map(|(role, count)| format!("{count} {role}"))
                .collect();
            let by: Vec<String> = asked_by.iter().map(ToString::to_string).collect();
            let by = if by.is_empty() {
                "the workflow".to_owned()
            } else {
                by.join(", ")
            };
            format!(
                "{} asks {} about the {}, because of {by}",
                review.id,
                needs.join(" and "),
                review.subject.as_str()
            )
        }
        Event::ReviewVoted {
            voter,
            approve,
            digest,
            ..
        } => {
            let verdict = if *approve { "approved" } else { "rejected" };
            format!("{voter} {verdict} digest {}", short(&digest.to_string()))
        }
        Event::ReviewSettled { outcome, .. } => format!("the review is {}", outcome.as_str()),
        Event::ReviewPassed { step, .. } => format!("{step}: goes on as approved"),
        Event::ActStarted { step, grant, .. } => format!(
            "{step}: {} starts under {} until {} (attempt {})",
            grant.act, grant.id, grant.expires_at, grant.attempt
        ),
        Event::ActFinished { step, act, .. } => format!("{step}: {act} is done"),
        Event::ActFailed {
            step,
            act,
            fault,
            known,
            ..
        } => {
            format!(
                "{step}: {act} failed ({}, {})",
                fault.as_str(),
                known.as_str()
            )
        }
        Event::ActRetried { step, act, cause } => {
            format!("{step}: {act} is tried again ({})", cause.as_str())
        }
        Event::FallbackTaken {
            step, cause, tried, ..
        } => {
            let what = match tried {
                Tried::Repair => "the reply is to be repaired".to_owned(),
                Tried::Retry => "the same again".to_owned(),
                Tried::Model(model) => format!("model {model} instead"),
            };
            format!("{step}: {} — {what}", cause.as_str())
        }
        Event::InboxOpened {
            step, item, kind, ..
        } => {
            let at = step
                .as_ref()
                .map_or(String::new(), |step| format!("{step}: "));
            format!("{at}{item} waits for a person ({})", inbox_kind(*kind))
        }
        Event::InboxSettled { item, by, verdict } => {
            let verdict = match verdict {
                InboxVerdict::Completed => "completed it by hand",
                InboxVerdict::Retry => "has it tried again",
                InboxVerdict::Cancelled => "cancelled the run",
                InboxVerdict::Doubt(interlock_core::run::DoubtVerdict::Happened) => {
                    "says that it happened"
                }
                InboxVerdict::Doubt(interlock_core::run::DoubtVerdict::DidNotHappen) => {
                    "says that it did not happen"
                }
            };
            format!("{by} {verdict} ({item})")
        }
        Event::Recovered { epoch } => format!("a driver took the run over (epoch {epoch})"),
        Event::Released { .. } => "the output is released".to_owned(),
        Event::RunEnded { outcome, by } => {
            format!(
                "the run ended: {}{}",
                outcome.as_str(),
                by.map_or(String::new(), |by| format!(", by {by}"))
            )
        }
    }
}

/// A decision in words, with the policies that determined it.
#[must_use]
pub fn verdict(decision: &Decision) -> String {
    let by: Vec<String> = decision
        .determined_by
        .iter()
        .map(ToString::to_string)
        .collect();
    let by = if by.is_empty() {
        String::new()
    } else {
        format!(" [{}]", by.join(", "))
    };
    let verdict = match &decision.verdict {
        Verdict::Allow => "allow".to_owned(),
        Verdict::Downgrade(set) => {
            format!(
                "downgrade ({})",
                set.iter()
                    .map(|d| d.as_str())
                    .collect::<Vec<_>>()
                    .join(", ")
            )
        }
        Verdict::Review {
            approvals, step_up, ..
        } => {
            let mut needs: Vec<String> = approvals
                .iter()
                .map(|(role, count)| format!("{count} {role}"))
                .collect();
            if *step_up {
                needs.push("a fresh sign-in".to_owned());
            }
            format!("review ({})", needs.join(" and "))
        }
        Verdict::Deny(reason) => format!("deny ({})", reason.as_str()),
    };
    format!("{verdict}{by}")
}

fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}
