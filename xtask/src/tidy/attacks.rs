//! Every attack of `docs/attacks.md` has a test whose name carries its number, and every test named there exists.
//! Whether a test holds what its row says is for people to read.

use super::Finding;
use crate::tree::Tree;

const PAGE: &str = "docs/attacks.md";
/// The list's last number.
const LAST: u32 = 58;

pub(super) fn inspect(tree: &Tree, findings: &mut Vec<Finding>) {
    let Some(text) = tree.file(PAGE).and_then(|file| file.text()) else {
        return;
    };
    let tests: Vec<&str> = tree
        .texts(".rs")
        .flat_map(|(_, text)| text.lines().filter_map(test_of))
        .collect();
    let mut next = 1;
    for (line, row) in (1..).zip(text.lines()) {
        let Some(number) = number_of(row) else {
            continue;
        };
        if number != next {
            findings.push(Finding::new(
                PAGE,
                line,
                format!("row {next:02} is missing before {number:02}"),
            ));
        }
        next = number + 1;
        let prefix = format!("attack_{number:02}_");
        if !tests.iter().any(|test| test.starts_with(&prefix)) {
            findings.push(Finding::new(
                PAGE,
                line,
                format!("no test begins with `{prefix}`: write one"),
            ));
        }
        for named in named_in(row) {
            if !named.starts_with(&prefix) || !tests.contains(&named) {
                findings.push(Finding::new(
                    PAGE,
                    line,
                    format!("`{named}` is no test of this row"),
                ));
            }
        }
    }
    if next <= LAST {
        findings.push(Finding::new(PAGE, 1, format!("row {next:02} is missing")));
    }
}

/// The number of a row: the first cell, two digits.
fn number_of(row: &str) -> Option<u32> {
    let cell = row.strip_prefix("| ")?.get(..2)?;
    cell.parse().ok()
}

/// Tests that a row names.
fn named_in(row: &str) -> impl Iterator<Item = &str> {
    let quoted = row.split('`').skip(1).step_by(2);
    quoted.filter(|name| name.starts_with("attack_"))
}

/// The name of an attack's test, where a line declares one.
fn test_of(line: &str) -> Option<&str> {
    let name = line.trim_start();
    let name = name.strip_prefix("async ").unwrap_or(name);
    let name = name.strip_prefix("fn ")?.split('(').next()?;
    name.starts_with("attack_").then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(page: &str, source: &str, expected: &[&str]) {
        let tree = Tree::of(&[(PAGE, page), ("crates/a/tests/it.rs", source)]);
        let mut findings = Vec::new();
        inspect(&tree, &mut findings);
        assert_eq!(findings.len(), expected.len(), "{findings:?}");
        for (finding, part) in findings.iter().zip(expected) {
            assert!(finding.message.contains(part), "{finding}");
        }
    }

    fn page(rows: std::ops::RangeInclusive<u32>) -> String {
        rows.map(|n| format!("| {n:02} | it | `attack_{n:02}_it` |\n"))
            .collect()
    }

    fn source(tests: std::ops::RangeInclusive<u32>) -> String {
        tests
            .map(|n| format!("    async fn attack_{n:02}_it() {{}}\n"))
            .collect()
    }

    #[test]
    fn each_row_has_a_test_and_each_test_that_is_named_exists() {
        check(&page(1..=58), &source(1..=58), &[]);
        check(&page(1..=57), &source(1..=58), &["row 58 is missing"]);
        check(
            &page(1..=58),
            &source(1..=57),
            &["begins with `attack_58_`", "`attack_58_it` is no test"],
        );
        let other = page(1..=58).replace("`attack_07_it`", "`attack_08_it`");
        check(
            &other,
            &source(1..=58),
            &["`attack_08_it` is no test of this row"],
        );
        let gap = page(1..=58).replace("| 07 |", "| 08 |");
        check(
            &gap,
            &source(1..=58),
            &["row 07", "`attack_07_it`", "row 09"],
        );
    }
}
