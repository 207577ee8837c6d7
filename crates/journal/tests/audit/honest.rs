//! What is in order is found to be, in every form in which a log is handed out.

use interlock_journal::audit::{Expectations, Finding, Progress, Report, audit};

use crate::forge::*;

pub fn trusting() -> Expectations {
    Expectations {
        origin: Some(ORIGIN.to_owned()),
        keys: vec![log_key().verifier()],
        ..Expectations::default()
    }
}

pub fn run(files: &Files, expect: &Expectations) -> Report {
    audit(files, expect, &mut |_: Progress| {})
}

/// Every finding holds or was not asked.
pub fn check(files: &Files, expect: &Expectations) -> Report {
    let report = run(files, expect);
    for (name, finding) in report.findings() {
        assert!(
            matches!(finding, Finding::Holds { .. } | Finding::Unasked { .. }),
            "{name} {finding}"
        );
    }
    assert_eq!(report.exit(), 0);
    report
}

#[test]
fn an_honest_log_is_verified_at_every_size() {
    let pen = honest();
    for size in [0, 1, 2, 3, 20, 255, 256, 257, 511, 512, 600, 768, pen.entries.len()] {
        let files = publish(&pen.entries[..size], &log_key());
        let report = check(&files, &trusting());
        assert_eq!(report.size, size as u64);
        assert!(matches!(report.runs, Finding::Holds { .. }));
    }
}
