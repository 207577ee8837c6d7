//! The text of policies and where in it something is wrong. A file is cut into single policies here, so that
//! each refusal can point at its place. Cedar's grammar ends a policy, and nothing else, with a semicolon.

use std::ops::Range;

use interlock_core::pipeline::policy::Layer;
use miette::Diagnostic;

/// One policy file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicySource {
    /// How messages name the file.
    pub file: String,
    /// The layer that its policies are in.
    pub layer: Layer,
    /// Its text.
    pub text: String,
}

/// Why a policy was refused, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{message}")]
pub struct PolicyProblem {
    /// The file, as its source names it.
    pub file: String,
    /// Where it starts in the file's text, in bytes.
    pub offset: usize,
    /// How many bytes it covers, within the text.
    pub length: usize,
    /// What is wrong: a fragment after "failed to".
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

/// One policy of a file.
#[derive(Debug, Clone)]
pub(crate) struct Piece<'a> {
    pub(crate) source: &'a PolicySource,
    pub(crate) range: Range<usize>,
}

impl<'a> Piece<'a> {
    pub(crate) fn text(&self) -> &'a str {
        self.source.text.get(self.range.clone()).unwrap_or("")
    }

    /// A problem with the whole policy.
    pub(crate) fn problem(
        &self,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> PolicyProblem {
        PolicyProblem {
            file: self.source.file.clone(),
            offset: self.range.start,
            length: self.range.len(),
            message: message.into(),
            hint: hint.into(),
        }
    }

    /// A problem at the first place where `needle` stands in the policy; at the whole policy where it does not.
    pub(crate) fn problem_at(
        &self,
        needle: &str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> PolicyProblem {
        let mut problem = self.problem(message, hint);
        if let Some(at) = self.text().find(needle) {
            problem.offset = self.range.start + at;
            problem.length = needle.len();
        }
        problem
    }

    /// What the engine itself says, where it says it; `hint` stands in when it has no help to give.
    pub(crate) fn problem_from(
        &self,
        said: &dyn Diagnostic,
        what: &str,
        hint: &str,
    ) -> PolicyProblem {
        let help = said
            .help()
            .map_or_else(|| hint.to_owned(), |help| help.to_string());
        let mut problem = self.problem(format!("{what}: {said}"), help);
        if let Some(label) = said.labels().and_then(|mut labels| labels.next()) {
            let start = label.offset().min(self.range.len());
            problem.offset = self.range.start + start;
            problem.length = label.len().min(self.range.len() - start);
        }
        problem
    }
}

/// The policies of a file, in order. What follows the last semicolon is a piece too, unless it is blank.
pub(crate) fn pieces(source: &PolicySource) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut start = None;
    let mut bytes = source.text.bytes().enumerate().peekable();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'/' if bytes.peek().is_some_and(|(_, next)| *next == b'/') => {
                bytes.by_ref().find(|(_, byte)| *byte == b'\n');
            }
            byte if byte.is_ascii_whitespace() => {}
            b'"' => {
                start.get_or_insert(at);
                while let Some((_, byte)) = bytes.next() {
                    match byte {
                        b'\\' => drop(bytes.next()),
                        b'"' => break,
                        _ => {}
                    }
                }
            }
            b';' => {
                let start = start.take().unwrap_or(at);
                found.push(Piece {
                    source,
                    range: start..at + 1,
                });
            }
            _ => {
                start.get_or_insert(at);
            }
        }
    }
    if let Some(start) = start {
        found.push(Piece {
            source,
            range: start..source.text.len(),
        });
    }
    found
}
