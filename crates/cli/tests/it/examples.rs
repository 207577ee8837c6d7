//! The bundles that ship: every case passes, and no policy of theirs is idle.

use std::collections::BTreeMap;

use interlock_bundle::{Bundle, OperatorPolicies, TestCase};
use interlock_core::id::PolicyId;
use interlock_core::seams::Guards;
use interlock_runtime::case::run_case;

use crate::place::example;

type Files = BTreeMap<String, Vec<u8>>;

#[test]
fn the_incident_cases_pass() {
    cases_pass("incident-summary");
}

#[test]
fn the_invoice_cases_pass() {
    cases_pass("invoice-approval");
}

#[test]
fn the_support_cases_pass() {
    cases_pass("support-triage");
}

#[test]
fn every_incident_policy_is_needed() {
    policies_are_needed("incident-summary");
}

#[test]
fn every_invoice_policy_is_needed() {
    policies_are_needed("invoice-approval");
}

#[test]
fn every_support_policy_is_needed() {
    policies_are_needed("support-triage");
}

#[test]
fn the_same_invoice_is_not_paid_twice_in_two_runs() {
    let bundle = load("invoice-approval");
    let case = bundle
        .tests()
        .iter()
        .find(|case| case.name == "clean")
        .unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for _ in 0..2 {
        let operator = OperatorPolicies::default();
        let ran = run_case(bundle.files(), &operator, case, scratch.path());
        assert_eq!(
            runtime.block_on(ran).unwrap().differences,
            Vec::<String>::new()
        );
    }
    let paid = std::fs::read_to_string(scratch.path().join("ledgers/payments.jsonl")).unwrap();
    assert_eq!(paid.lines().count(), 1, "{paid}");
}

fn cases_pass(name: &str) {
    let bundle = load(name);
    let failed: Vec<_> = bundle
        .tests()
        .iter()
        .map(|case| (case.name.clone(), differences(bundle.files(), case)))
        .filter(|(_, differences)| !differences.is_empty())
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

fn policies_are_needed(name: &str) {
    let bundle = load(name);
    let own: Vec<_> = bundle
        .guards()
        .policies()
        .into_iter()
        .filter_map(|id| {
            let file = bundle.policy_text(&id)?.file.clone();
            bundle.files().contains_key(&file).then_some((id, file))
        })
        .collect();
    assert!(!own.is_empty(), "{name} has no policies of its own");
    let idle: Vec<_> = own
        .iter()
        .filter(|(id, file)| is_idle(&bundle, id, file))
        .map(|(id, _)| id.to_string())
        .collect();
    assert!(idle.is_empty(), "no case of {name} fails without {idle:?}");
}

/// Whether all cases pass without this policy.
fn is_idle(bundle: &Bundle, id: &PolicyId, file: &str) -> bool {
    // A case may name the policy that is gone, and would be refused with the bundle before it could fail.
    let mut files: Files = bundle.files().clone();
    files.retain(|path, _| !path.starts_with("tests/"));
    let text = String::from_utf8(files[file].clone()).unwrap();
    files.insert(file.to_owned(), without(&text, id.as_str()).into_bytes());
    // Those that expect it first: one failure is enough.
    let (expecting, others): (Vec<_>, Vec<_>) = bundle.tests().iter().partition(|case| {
        let decisions = &case.expect.decisions;
        decisions.iter().any(|wanted| wanted.policies.contains(id))
    });
    expecting
        .into_iter()
        .chain(others)
        .all(|case| differences(&files, case).is_empty())
}

/// The text without one policy: from the comment or annotation above it to its end.
fn without(text: &str, id: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let named = format!("@id(\"{id}\")");
    let at = lines
        .iter()
        .position(|line| line.contains(&named))
        .unwrap_or_else(|| panic!("{named} is not there"));
    let above = lines[..at]
        .iter()
        .rev()
        .take_while(|line| line.starts_with("//") || line.starts_with('@'))
        .count();
    let below = lines[at..]
        .iter()
        .position(|line| line.trim_end().ends_with(';'))
        .unwrap();
    [&lines[..at - above], &lines[at + below + 1..]]
        .concat()
        .join("\n")
}

fn load(name: &str) -> Bundle {
    Bundle::load(&example(name), &OperatorPolicies::default())
        .unwrap_or_else(|problems| panic!("{problems}"))
}

fn differences(files: &Files, case: &TestCase) -> Vec<String> {
    let scratch = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let operator = OperatorPolicies::default();
    let ran = run_case(files, &operator, case, scratch.path());
    runtime.block_on(ran).unwrap().differences
}
