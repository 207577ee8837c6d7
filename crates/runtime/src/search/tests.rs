//! What an entry is found by. That entries are found is held by the store's conformance suite and the command's tests.

use interlock_store::Term;
use serde_json::{Value, json};

use super::{term, term_names, terms};

fn example(event: &str) -> Value {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/entries");
    serde_json::from_slice(&std::fs::read(format!("{folder}/{event}.json")).unwrap()).unwrap()
}

fn check(event: &str, body: &Value, expected: &[(Term, &str)]) {
    let found = terms::of_entry(event, body);
    for (term, text) in expected {
        assert!(
            found.contains(&(*term, (*text).to_owned())),
            "{event}: {text} is not in {found:?}"
        );
    }
}

#[test]
fn members_of_each_kind_become_terms() {
    let requested = example("run.requested");
    check(
        "run.requested",
        &requested,
        &[
            (Term::Workflow, "workflow-1"),
            (Term::Person, "prn_01JD6GS8000000000000000004"),
            (Term::Person, "prn_01JD6GS8000000000000000007"),
        ],
    );
    check(
        "model.requested",
        &example("model.requested"),
        &[
            (Term::Model, "model-4"),
            (Term::Model, "endpoint-5"),
            (Term::Prompt, "prompt-6"),
        ],
    );
    check(
        "act.proposed",
        &example("act.proposed"),
        &[
            (Term::Tool, "tool-4"),
            (Term::Subject, "sub_01JD6GS800000000000000000F"),
        ],
    );
    check(
        "review.voted",
        &example("review.voted"),
        &[
            (Term::Decision, "approve"),
            (Term::Person, "prn_01JD6GS8000000000000000002"),
        ],
    );
    check(
        "review.settled",
        &example("review.settled"),
        &[(Term::Decision, "approved")],
    );
    check(
        "payload.read",
        &example("payload.read"),
        &[(Term::Token, "run_01JD6GS8000000000000000001")],
    );
    let decided = json!({"decision": {"action": "call_tool", "version": "ab", "determined_by": ["p-1"], "verdict": {"answer": "deny"}}, "target": "pay_invoice"});
    check(
        "policy.decided",
        &decided,
        &[
            (Term::Tool, "pay_invoice"),
            (Term::PolicyVersion, "ab"),
            (Term::Policy, "p-1"),
            (Term::Decision, "deny"),
        ],
    );
}

#[test]
fn what_holds_for_a_run_is_its_workflow_and_who_asked() {
    let terms = terms::of_run(&example("run.requested"));
    assert!(terms.contains(&(Term::Workflow, "workflow-1".to_owned())));
    assert_eq!(
        terms
            .iter()
            .filter(|(term, _)| *term == Term::Person)
            .count(),
        2
    );
}

#[test]
fn every_term_has_a_name() {
    assert!(term_names().all(|name| term(name).is_some()));
    assert_eq!(term("colour"), None);
}
