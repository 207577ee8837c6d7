//! Rules on Rust files: each opens with `//!`, none leaves work for later, none outgrows its room.
//! What the words say is for a reader to judge; only their presence is checked.

use super::Finding;
use crate::tree::Tree;

/// Lines in one source file of a crate, at most; past 500 HOUSE_RULES.md already asks for a second file.
const FILE_LINES_MAX: usize = 700;

/// Words that say "not done yet", in halves so that this file does not hold them.
const UNFINISHED: [(&str, &str); 4] = [
    ("FIX", "ME"),
    ("TO", "DO"),
    ("to", "do!"),
    ("unimple", "mented!"),
];

pub(super) fn inspect(tree: &Tree, findings: &mut Vec<Finding>) {
    for (path, text) in tree.texts(".rs").filter(|(path, _)| is_ours(path)) {
        if !text.starts_with("//!") {
            findings.push(Finding::new(
                path,
                1,
                "opens without `//!`: say what is here and what is not",
            ));
        }
        let lines = text.lines().count();
        if path.contains("/src/") && lines > FILE_LINES_MAX {
            let message =
                format!("{lines} lines, at most {FILE_LINES_MAX}: ask which two ideas live here");
            findings.push(Finding::new(path, FILE_LINES_MAX + 1, message));
        }
        for (index, line) in text.lines().enumerate() {
            for (head, tail) in UNFINISHED {
                let word = format!("{head}{tail}");
                if has_word(line, &word) {
                    let message =
                        format!("`{word}` leaves work for later: finish it or file an issue");
                    findings.push(Finding::new(path, index + 1, message));
                }
            }
        }
    }
}

fn is_ours(path: &str) -> bool {
    path.starts_with("crates/") || path.starts_with("xtask/")
}

/// Whether `word` stands in `line` with no letter, digit or underscore at either side.
fn has_word(line: &str, word: &str) -> bool {
    let joins = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line
            .get(at + word.len()..)
            .and_then(|text| text.chars().next());
        !before.is_some_and(joins) && !after.is_some_and(joins)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_opens_with_what_it_holds() {
        check("crates/a/src/lib.rs", "//! Rooms.\n", &[]);
        check("crates/a/src/lib.rs", "// Rooms.\n", &["1: opens without"]);
        check("xtask/src/lib.rs", "", &["1: opens without"]);
        check("examples/made.rs", "", &[]);
    }

    #[test]
    fn nothing_is_left_for_later() {
        for (head, tail) in UNFINISHED {
            let text = format!("//! Rooms.\n// {head}{tail} more\n");
            check("crates/a/src/lib.rs", &text, &["2: `"]);
        }
        check("crates/a/src/lib.rs", "//! A list of TODOS_DONE.\n", &[]);
    }

    #[test]
    fn a_file_outgrows_its_room_at_one_line_too_many() {
        let full = "//! Rooms.\n".repeat(FILE_LINES_MAX);
        check("crates/a/src/lib.rs", &full, &[]);
        check(
            "crates/a/src/lib.rs",
            &format!("{full}\n"),
            &["701: 701 lines"],
        );
        check("crates/a/tests/long.rs", &format!("{full}\n"), &[]);
    }

    fn check(path: &str, text: &str, expected: &[&str]) {
        let mut findings = Vec::new();
        inspect(&Tree::of(&[(path, text)]), &mut findings);
        let found: Vec<String> = findings
            .iter()
            .map(|found| format!("{}: {}", found.line, found.message))
            .collect();
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(
                found.starts_with(expected),
                "{found:?} does not start with {expected:?}"
            );
        }
    }
}
