//! What is wrong with a bundle, said so that its author can mend it: file, place, what and a hint. All
//! problems of a bundle are collected; one bad file does not hide another. Rendering is miette's.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

/// Bytes of a file that a problem points at.
pub(crate) type Span = Range<usize>;

/// Problems kept; what comes after is only counted.
const PROBLEMS_MAX: usize = 100;

/// One thing that is wrong.
pub struct Problem {
    message: String,
    hint: Option<String>,
    file: String,
    source: Option<NamedSource<Arc<str>>>,
    span: Span,
}

impl Problem {
    /// What is wrong, as a lower-case fragment.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The file, relative to the bundle.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Byte offsets in the file.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.span.start, self.message)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

impl Diagnostic for Problem {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        // miette puts its own `help:` before it.
        self.hint
            .as_ref()
            .map(|hint| Box::new(hint) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.source.as_ref()?;
        let label = LabeledSpan::new_with_span(Some("here".to_owned()), self.span.clone());
        Some(Box::new(std::iter::once(label)))
    }
}

/// All that is wrong with a bundle; at least one problem.
#[derive(Debug)]
pub struct BundleProblems {
    problems: Vec<Problem>,
    dropped: usize,
}

impl BundleProblems {
    /// The problems, by file and place.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for BundleProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.problems.len() + self.dropped;
        write!(
            f,
            "failed to load the bundle: {count} problem{}",
            if count == 1 { "" } else { "s" }
        )?;
        if self.dropped > 0 {
            write!(f, ", of which the first {PROBLEMS_MAX} are shown")?;
        }
        Ok(())
    }
}

impl std::error::Error for BundleProblems {}

impl Diagnostic for BundleProblems {
    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(
            self.problems
                .iter()
                .map(|problem| problem as &dyn Diagnostic),
        ))
    }
}

/// Collects problems while a bundle is read.
#[derive(Debug, Default)]
pub(crate) struct Report {
    texts: BTreeMap<String, Arc<str>>,
    problems: Vec<Problem>,
    dropped: usize,
}

impl Report {
    /// The text that later problems of that file are shown in.
    pub(crate) fn show(&mut self, file: &str, text: Arc<str>) {
        self.texts.insert(file.to_owned(), text);
    }

    /// Something is wrong there. The same thing at the same place is said once.
    pub(crate) fn refuse(
        &mut self,
        file: &str,
        span: Span,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let (message, hint) = (message.into(), hint.into());
        let known = |p: &Problem| p.file == file && p.span == span && p.message == message;
        if self.problems.iter().any(known) {
            return;
        }
        if self.problems.len() >= PROBLEMS_MAX {
            self.dropped += 1;
            return;
        }
        let source = self
            .texts
            .get(file)
            .map(|text| NamedSource::new(file, Arc::clone(text)));
        let end = self.texts.get(file).map_or(0, |text| text.len());
        let span = span.start.min(end)..span.end.min(end);
        let hint = (!hint.is_empty()).then_some(hint);
        self.problems.push(Problem {
            message,
            hint,
            file: file.to_owned(),
            source,
            span,
        });
    }

    /// Something is wrong on a line that must not be shown: it may hold a secret.
    pub(crate) fn refuse_unseen(&mut self, file: &str, span: &Span, message: &str, hint: &str) {
        let before = self
            .texts
            .get(file)
            .and_then(|text| text.get(..span.start))
            .unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let text = self.texts.remove(file);
        self.refuse(
            file,
            span.clone(),
            format!("{file}, line {line}: {message}"),
            hint,
        );
        if let Some(text) = text {
            self.texts.insert(file.to_owned(), text);
        }
    }

    /// Whether nothing is wrong so far.
    pub(crate) fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    /// The value, unless something was wrong.
    pub(crate) fn finish<T>(mut self, value: Option<T>) -> Result<T, BundleProblems> {
        match value {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => {
                if self.problems.is_empty() {
                    self.refuse("interlock.yaml", 0..0, "this bundle cannot be read", "");
                }
                self.problems.sort_by(|a, b| {
                    (&a.file, a.span.start, &a.message).cmp(&(&b.file, b.span.start, &b.message))
                });
                Err(BundleProblems {
                    problems: self.problems,
                    dropped: self.dropped,
                })
            }
        }
    }
}

/// The candidate nearest to what was written, if it is near enough to be what was meant.
pub(crate) fn nearest<'c>(
    written: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    let bound = (written.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(written, candidate), candidate))
        .filter(|(far, _)| *far <= bound)
        .min()
        .map(|(_, candidate)| candidate)
}

/// A hint for a name that is not there: the nearest one, or all there are.
pub(crate) fn one_of<'c>(written: &str, candidates: impl IntoIterator<Item = &'c str>) -> String {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    if let Some(near) = nearest(written, candidates.iter().copied()) {
        return format!("did you mean `{near}`?");
    }
    if candidates.is_empty() {
        return "there is none yet".to_owned();
    }
    let shown: Vec<String> = candidates
        .iter()
        .take(16)
        .map(|name| format!("`{name}`"))
        .collect();
    format!("there is {}", shown.join(", "))
}

/// Edits (insert, delete, replace, swap of neighbours) from one text to the other.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let at = |line: &[usize], k: usize| line.get(k).copied().unwrap_or(usize::MAX - 1);
            let mut best = (at(&row, j) + usize::from(x != y))
                .min(at(&row, j + 1) + 1)
                .min(at(&next, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            if swapped {
                best = best.min(at(&before, j - 1) + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_proposed_and_a_far_one_is_not() {
        let names = ["steps", "input", "output"];
        assert_eq!(nearest("stpes", names), Some("steps"));
        assert_eq!(nearest("ouput", names), Some("output"));
        assert_eq!(nearest("workflow", names), None);
    }

    #[test]
    fn problems_are_counted_but_not_without_end() {
        let mut report = Report::default();
        for at in 0..150 {
            report.refuse("a.yaml", 0..0, format!("problem {at}"), "");
        }
        let problems = report.finish(Some(())).unwrap_err();
        assert_eq!(problems.problems().len(), PROBLEMS_MAX);
        assert!(problems.to_string().contains("150 problems"), "{problems}");
    }
}
