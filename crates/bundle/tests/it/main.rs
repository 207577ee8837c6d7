//! The bundles that ship are sound: each loads as it is, with its cases. What its cases expect is tested where
//! runs are driven.

use std::path::PathBuf;

use interlock_bundle::{Bundle, OperatorPolicies};

fn check(name: &str) {
    let dir: PathBuf = [env!("CARGO_MANIFEST_DIR"), "..", "..", "examples", name]
        .iter()
        .collect();
    let loaded = Bundle::load(&dir, &OperatorPolicies::default());
    let said: Vec<String> = loaded
        .as_ref()
        .err()
        .map(|found| {
            found
                .problems()
                .iter()
                .map(|problem| format!("{problem:?}"))
                .collect()
        })
        .unwrap_or_default();
    assert!(said.is_empty(), "{name}:\n{}", said.join("\n"));
    if let Ok(bundle) = loaded {
        assert_eq!(bundle.name().as_str(), name);
        assert!(!bundle.tests().is_empty(), "{name} has no cases");
    }
}

#[test]
fn the_invoice_bundle_loads() {
    check("invoice-approval");
}

#[test]
fn the_support_bundle_loads() {
    check("support-triage");
}

#[test]
fn the_incident_bundle_loads() {
    check("incident-summary");
}
