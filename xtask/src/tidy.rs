//! `tidy`: rules on files and dependencies, each a function from the tree to what it found.
//! Formatting, lints and licences are other tools' work; the denial table of routes is the server's own test.

mod attacks;
mod codes;
mod longest;
mod manifest;
mod paths;
mod source;

use crate::tree::Tree;
use std::fmt;

/// A rule broken at one place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// Path from the root.
    pub(crate) path: String,
    /// Line, counted from 1.
    pub(crate) line: usize,
    /// What is wrong, and what to do about it.
    pub(crate) message: String,
}

impl Finding {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            message: message.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// What one look at the tree gives.
#[derive(Debug)]
pub(crate) struct Report {
    /// Broken rules, by path and line; empty when the tree is tidy.
    pub(crate) findings: Vec<Finding>,
    longest: longest::Longest,
    files: usize,
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.longest)?;
        for finding in &self.findings {
            writeln!(out, "{finding}")?;
        }
        match self.findings.len() {
            0 => writeln!(out, "tidy: {} files, nothing to mend", self.files),
            broken => writeln!(out, "tidy: {} files, {broken} to mend", self.files),
        }
    }
}

/// Applies every rule to the tree.
pub(crate) fn inspect(tree: &Tree) -> Report {
    let mut findings = Vec::new();
    source::inspect(tree, &mut findings);
    manifest::inspect(tree, &mut findings);
    paths::inspect(tree, &mut findings);
    codes::inspect(tree, &mut findings);
    attacks::inspect(tree, &mut findings);
    findings.sort();
    Report {
        findings,
        longest: longest::measure(tree),
        files: tree.files.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::workspace_root;

    #[test]
    fn the_workspace_is_tidy() {
        let tree = Tree::read(&workspace_root()).unwrap();
        let report = inspect(&tree);
        assert!(report.findings.is_empty(), "\n{report}");
    }
}
