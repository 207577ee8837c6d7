//! The ten longest source files and functions, for information: a long one is a question, not a fault.
//! Functions are found by the indentation that rustfmt gives them, not by parsing.

use crate::tree::Tree;
use std::fmt;

const SHOWN: usize = 10;

/// Lengths in lines, longest first; at most [`SHOWN`] of each.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Longest {
    files: Vec<(usize, String)>,
    functions: Vec<(usize, String)>,
}

impl fmt::Display for Longest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (title, rows) in [("files", &self.files), ("functions", &self.functions)] {
            writeln!(out, "longest {title}, in lines:")?;
            for (lines, name) in rows {
                writeln!(out, "{lines:>6}  {name}")?;
            }
        }
        Ok(())
    }
}

pub(super) fn measure(tree: &Tree) -> Longest {
    let mut files = Vec::new();
    let mut functions = Vec::new();
    for (path, text) in tree.texts(".rs") {
        files.push((text.lines().count(), path.to_owned()));
        for (name, line, lines) in functions_of(text) {
            functions.push((lines, format!("{path}:{line} {name}")));
        }
    }
    Longest {
        files: first_of(files),
        functions: first_of(functions),
    }
}

fn first_of(mut rows: Vec<(usize, String)>) -> Vec<(usize, String)> {
    rows.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    rows.truncate(SHOWN);
    rows
}

/// Each function as (name, first line counted from 1, lines); those without a body are left out.
pub(super) fn functions_of(text: &str) -> Vec<(&str, usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line.trim_start()) else {
            continue;
        };
        let indent = line.len() - line.trim_start().len();
        let end = lines.iter().enumerate().skip(start).find(|(index, line)| {
            let outdented = line.len() - line.trim_start().len() == indent;
            let closes = line.trim_start() == "}"
                || (line.trim_start().starts_with(')') && line.ends_with(';'));
            (outdented && closes) || (*index == start && line.ends_with(['}', ';']))
        });
        if let Some((end, last)) = end
            && !last.ends_with(';')
        {
            found.push((name, start + 1, end - start + 1));
        }
    }
    found
}

fn function_name(line: &str) -> Option<&str> {
    let (before, after) = line.split_once("fn ")?;
    let modifiers = [
        "pub",
        "pub(crate)",
        "pub(super)",
        "async",
        "const",
        "unsafe",
        "extern",
        "\"C\"",
    ];
    if !before
        .split_whitespace()
        .all(|word| modifiers.contains(&word))
    {
        return None;
    }
    after
        .split(['(', '<'])
        .next()
        .filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_runs_to_the_brace_under_it() {
        check("fn one() {}\n", &[("one", 1, 1)]);
        check(
            "fn two(\n    a: u8,\n) -> u8 {\n    a\n}\n",
            &[("two", 1, 5)],
        );
        check(
            "impl A {\n    pub(crate) async fn three<T>() {\n        x\n    }\n}\n",
            &[("three", 2, 3)],
        );
    }

    #[test]
    fn words_and_signatures_are_not_functions() {
        check(
            "// the fn of it\ntrait A {\n    fn no(&self);\n    fn nor(\n    );\n}\nlet f: fn (u8) = g;\n",
            &[],
        );
    }

    fn check(text: &str, expected: &[(&str, usize, usize)]) {
        assert_eq!(functions_of(text), expected);
    }
}
