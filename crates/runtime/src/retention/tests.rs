//! Classes and months as tables.

use std::collections::BTreeSet;

use interlock_core::id::{BundleName, Category, WorkflowName};
use interlock_core::time::Timestamp;

use super::{Month, Retention, day_start};
use crate::config::Config;

const CLASSES: &str = r#"
environment = "test"
[[retention]]
name = "health"
preset = "hipaa"
categories = ["phi"]
[[retention]]
name = "cards"
preset = "pci"
categories = ["pci"]
[[retention]]
name = "people"
preset = "gdpr"
max_months = 3
categories = ["pii"]
[[retention]]
name = "books"
preset = "sox"
workflows = ["close"]
[[retention]]
name = "cards-short"
preset = "pci"
max_months = 14
bundles = ["shop"]
"#;

fn retention() -> Retention {
    Config::parse(CLASSES, "interlock.toml").unwrap().retention
}

#[test]
fn the_longest_minimum_wins() {
    for (bundle, workflow, categories, class) in [
        ("desk", "answer", &[][..], "default"),
        ("desk", "answer", &["customer"], "default"),
        ("desk", "answer", &["pii"], "people"),
        ("desk", "answer", &["pii", "pci"], "cards"),
        ("desk", "answer", &["pii", "pci", "phi"], "health"),
        ("desk", "close", &["phi"], "books"),
        // The same minimum: the one that may be kept less long.
        ("shop", "answer", &["pci"], "cards-short"),
    ] {
        check(bundle, workflow, categories, class);
    }
}

#[test]
fn months_are_counted_from_the_end_of_the_month() {
    let at = |text: &str| {
        // 2026-01-01 is 20,454 days after 1970-01-01.
        let day: u64 = text.parse().unwrap();
        Timestamp::from_micros((20_454 + day) * 86_400_000_000)
    };
    let month = Month::parse("2026-01").unwrap();
    assert_eq!(Month::of(at("0")), month);
    for (day, full) in [
        ("0", 0),
        ("30", 0),
        ("31", 0),
        ("58", 0),
        ("59", 1),
        ("365", 11),
    ] {
        assert_eq!(month.full_months_until(at(day)), full, "{day}");
    }
    for bad in [
        "",
        "2026",
        "2026-1",
        "2026-00",
        "2026-13",
        "026-01",
        "2026-0a",
        "2026-01-01",
    ] {
        assert_eq!(Month::parse(bad), None, "{bad}");
    }
    assert_eq!(month.to_string(), "2026-01");
}

#[test]
fn a_day_exists_or_is_refused() {
    assert_eq!(
        day_start("2026-02-28").map(|at| at.to_string()).as_deref(),
        Some("2026-02-28T00:00:00.000000Z")
    );
    for bad in ["", "2026-02-29", "2026-2-1", "yesterday", "2026-02-28T"] {
        assert_eq!(day_start(bad), None, "{bad}");
    }
}

#[track_caller]
fn check(bundle: &str, workflow: &str, categories: &[&str], class: &str) {
    let categories: BTreeSet<Category> = categories
        .iter()
        .map(|text| Category::parse(text).unwrap())
        .collect();
    let found = retention();
    let found = found.class_of(
        &BundleName::parse(bundle).unwrap(),
        &WorkflowName::parse(workflow).unwrap(),
        &categories,
    );
    assert_eq!(found, class);
}
