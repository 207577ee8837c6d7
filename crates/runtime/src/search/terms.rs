//! What an entry can be found by, read from its members: pseudonyms, declared names, digests, words. Members that the
//! index does not know are passed over; the entry is found by its run, event and time all the same.

use interlock_store::Term;
use serde_json::Value;

use super::Terms;

/// Terms of a body. `run.requested` gives those of its whole run too: see [`of_run`].
pub(super) fn of_entry(event: &str, body: &Value) -> Terms {
    let mut terms = Terms::new();
    pseudonyms(body, &mut terms);
    let mut put = |term: Term, text: Option<&str>| {
        if let Some(text) = text {
            terms.insert((term, text.to_owned()));
        }
    };
    let text = |member: &str| body.get(member).and_then(Value::as_str);
    put(Term::Workflow, text("workflow"));
    put(Term::Tool, text("tool"));
    put(Term::Source, text("source"));
    put(Term::Source, text("register"));
    put(Term::Prompt, text("prompt_name"));
    put(Term::Prompt, text("prompt_version"));
    put(Term::Model, text("model"));
    put(Term::Model, text("endpoint"));
    put(Term::Outcome, text("outcome"));
    if let Some(approve) = body.get("approve").and_then(Value::as_bool) {
        put(
            Term::Decision,
            Some(if approve { "approve" } else { "reject" }),
        );
    }
    if event == "review.settled" {
        put(Term::Decision, text("outcome"));
    }
    if let Some(decision) = body.get("decision") {
        let member = |member: &str| decision.get(member).and_then(Value::as_str);
        put(Term::PolicyVersion, member("version"));
        let answer = decision
            .get("verdict")
            .and_then(|verdict| verdict.get("answer"));
        put(Term::Decision, answer.and_then(Value::as_str));
        let target = match member("action") {
            Some("call_tool" | "authorise_standing") => Some(Term::Tool),
            Some("read_source") => Some(Term::Source),
            Some("call_model") => Some(Term::Model),
            Some("start_run") => Some(Term::Workflow),
            _ => None,
        };
        if let Some(target) = target {
            put(target, text("target"));
        }
        for policy in items(decision, "determined_by") {
            put(Term::Policy, policy.as_str());
        }
    }
    if event == "policy.adopted" {
        put(Term::PolicyVersion, text("version"));
    }
    for policy in items(body, "asked_by") {
        put(Term::Policy, policy.as_str());
    }
    // An administrative entry is found by the run that it is about.
    put(Term::Token, text("run"));
    terms
}

/// What holds for every entry of a run, from its first: the workflow, and who asked.
pub(super) fn of_run(first: &Value) -> Terms {
    let mut terms = Terms::new();
    if let Some(workflow) = first.get("workflow").and_then(Value::as_str) {
        terms.insert((Term::Workflow, workflow.to_owned()));
    }
    if let Some(requester) = first.get("requester") {
        pseudonyms(requester, &mut terms);
    }
    terms
}

fn items<'a>(value: &'a Value, member: &str) -> impl Iterator<Item = &'a Value> {
    value
        .get(member)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

/// Every person and subject that stands anywhere in a value. An entry is nested 16 deep at most.
fn pseudonyms(value: &Value, terms: &mut Terms) {
    match value {
        Value::String(text) if text.starts_with("prn_") => {
            terms.insert((Term::Person, text.clone()));
        }
        Value::String(text) if text.starts_with("sub_") => {
            terms.insert((Term::Subject, text.clone()));
        }
        Value::Array(items) => items.iter().for_each(|item| pseudonyms(item, terms)),
        Value::Object(members) => members.values().for_each(|item| pseudonyms(item, terms)),
        _ => {}
    }
}
