//! Attacks on a log, each by its number in the list that the threat model keeps: what is changed, which verdict
//! finds it, and the first index that the verdict names. Those that need a kept checkpoint say so in their names.

#[cfg(test)]
mod attacks_chain;
#[cfg(test)]
mod attacks_content;
#[cfg(test)]
mod attacks_export;
#[cfg(test)]
mod attacks_key;
#[cfg(test)]
mod attacks_rules;
#[cfg(test)]
mod attacks_store;
#[cfg(test)]
mod forge;
#[cfg(test)]
mod honest;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod speed;
#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a stranger's program reads and writes files"
)]
mod stamps;

use forge::{Files, ORIGIN, log_key};
use interlock_journal::audit::{Expectations, Finding, Progress, Report, audit};

/// Whoever trusts the log's key, and kept nothing.
fn trusting() -> Expectations {
    Expectations {
        origin: Some(ORIGIN.to_owned()),
        keys: vec![log_key().verifier()],
        ..Expectations::default()
    }
}

fn look(files: &Files, expect: &Expectations) -> Report {
    audit(files, expect, &mut |_: Progress| {})
}

/// Every finding holds or was not asked.
fn check_honest(files: &Files, expect: &Expectations) -> Report {
    let report = look(files, expect);
    for (name, finding) in report.findings() {
        let fine = matches!(finding, Finding::Holds { .. } | Finding::Unasked { .. });
        assert!(fine, "{name} {finding}");
    }
    assert_eq!(report.exit(), 0);
    report
}

/// The named findings are broken at these indices, and no other finding is.
fn check_broken(report: &Report, expected: &[(&str, Option<u64>)]) {
    let found: Vec<(&str, Option<u64>)> = report
        .findings()
        .iter()
        .filter(|(_, finding)| finding.is_broken())
        .map(|(name, finding)| (*name, finding.index()))
        .collect();
    let said: Vec<String> = report
        .findings()
        .iter()
        .map(|(name, finding)| format!("{name} {finding}"))
        .collect();
    assert_eq!(found, expected, "\n{}", said.join("\n"));
    assert_eq!(report.exit(), 1);
}
