//! Every error code that the server can answer with has a page in `docs/errors`, and no page is left over.
//! The codes are the string literals in `fn code` of the server's `problem.rs`; the pages' words are not judged.

use super::{Finding, longest::functions_of};
use crate::tree::Tree;

const CODES: &str = "crates/server/src/problem.rs";
const PAGES: &str = "docs/errors/";

pub(super) fn inspect(tree: &Tree, findings: &mut Vec<Finding>) {
    let Some(text) = tree.file(CODES).and_then(|file| file.text()) else {
        return;
    };
    let codes = codes_of(text);
    if codes.is_empty() {
        findings.push(Finding::new(
            CODES,
            1,
            "no error code found: keep them as literals in `fn code`",
        ));
        return;
    }
    for (code, line) in &codes {
        let page = format!("{PAGES}{code}.md");
        if tree.file(&page).is_none() {
            findings.push(Finding::new(
                CODES,
                *line,
                format!("`{code}` has no page: write `{page}`"),
            ));
        }
    }
    for file in &tree.files {
        let Some(name) = file.path.strip_prefix(PAGES) else {
            continue;
        };
        let code = name.strip_suffix(".md").unwrap_or(name);
        if code != "README" && !codes.iter().any(|(known, _)| known == code) {
            findings.push(Finding::new(
                &file.path,
                1,
                format!("no error has the code `{code}`"),
            ));
        }
    }
}

/// Each code with its line, counted from 1.
fn codes_of(text: &str) -> Vec<(String, usize)> {
    let mut codes = Vec::new();
    for (_, first, lines) in functions_of(text)
        .into_iter()
        .filter(|(name, ..)| *name == "code")
    {
        for (index, line) in text.lines().enumerate().skip(first - 1).take(lines) {
            let line = line.split("//").next().unwrap_or(line);
            for literal in line.split('"').skip(1).step_by(2) {
                codes.push((literal.to_owned(), index + 1));
            }
        }
    }
    codes
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROBLEM: &str = "fn code(&self) -> &str {\n    match self {\n        A => \"denied\",\n        B => \"not_found\",\n    }\n}\n";

    #[test]
    fn every_code_has_its_page_and_every_page_its_code() {
        check(
            &[(CODES, PROBLEM)],
            &["`denied` has no page", "`not_found` has no page"],
        );
        let both = [
            (CODES, PROBLEM),
            ("docs/errors/denied.md", ""),
            ("docs/errors/not_found.md", ""),
        ];
        check(&both, &[]);
        let mut more = both.to_vec();
        more.extend([("docs/errors/README.md", ""), ("docs/errors/gone.md", "")]);
        check(&more, &["no error has the code `gone`"]);
    }

    #[test]
    fn a_server_without_codes_is_noticed() {
        check(&[("docs/errors/denied.md", "")], &[]);
        check(
            &[(CODES, "fn other() {\n    \"denied\"\n}\n")],
            &["no error code found"],
        );
    }

    fn check(files: &[(&str, &str)], expected: &[&str]) {
        let mut findings = Vec::new();
        inspect(&Tree::of(files), &mut findings);
        assert_eq!(findings.len(), expected.len(), "{findings:?}");
        for (finding, expected) in findings.iter().zip(expected) {
            assert!(finding.message.starts_with(expected), "{finding:?}");
        }
    }
}
