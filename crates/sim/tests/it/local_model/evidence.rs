//! This machine's own package manager's log, in the shape of a case's logs. Two forms are known: dpkg's, one event in
//! each line, and apt's history, one block of named lines for each call.

use serde_json::{Value, json};

/// Characters kept of one line: apt names hundreds of packages in one.
const TEXT_CHARS_MAX: usize = 160;

/// So many pieces of the log, of so many lines each, from places apart; none where no log can be read.
pub(super) fn slices(count: usize, lines: usize) -> Option<Vec<Value>> {
    let known =
        read("/var/log/dpkg.log", dpkg).or_else(|| read("/var/log/apt/history.log", apt))?;
    let apart = known.len() / count;
    if apart < lines {
        return None;
    }
    let slice = |place: usize| {
        known
            .iter()
            .skip(place * apart)
            .take(lines)
            .collect::<Vec<_>>()
    };
    Some(
        (0..count)
            .map(|place| json!({"lines": slice(place)}))
            .collect(),
    )
}

fn read(path: &str, parse: fn(&str) -> Vec<Value>) -> Option<Vec<Value>> {
    let text = std::fs::read_to_string(path).ok()?;
    let lines = parse(&text);
    (!lines.is_empty()).then_some(lines)
}

/// `2026-03-02 08:14:07 install curl:amd64 <none> 8.1`
fn dpkg(text: &str) -> Vec<Value> {
    text.lines()
        .filter_map(|line| {
            let mut words = line.splitn(3, ' ');
            line_of(words.next()?, words.next()?, words.next()?)
        })
        .collect()
}

/// `Start-Date: 2026-03-02  08:14:07`, and what was done below it.
fn apt(text: &str) -> Vec<Value> {
    let mut at = None;
    let mut lines = Vec::new();
    for line in text.lines() {
        if let Some(date) = line.strip_prefix("Start-Date: ") {
            at = date.split_once("  ");
        } else if let Some((day, time)) = at
            && !line.is_empty()
        {
            lines.extend(line_of(day, time, line));
        }
    }
    lines
}

fn line_of(day: &str, time: &str, text: &str) -> Option<Value> {
    let digits = |text: &str, marks: &[usize]| {
        let shaped = |(place, b): (usize, u8)| b.is_ascii_digit() != marks.contains(&place);
        text.bytes().enumerate().all(shaped)
    };
    let whole = day.len() == 10 && time.len() == 8 && !text.trim().is_empty();
    let text: String = text.trim().chars().take(TEXT_CHARS_MAX).collect();
    (whole && digits(day, &[4, 7]) && digits(time, &[2, 5]))
        .then(|| json!({"at": format!("{day}T{time}Z"), "host": "localhost", "text": text}))
}

#[test]
fn both_logs_are_read() {
    let line =
        |text: &str| json!({"at": "2026-03-02T08:14:07Z", "host": "localhost", "text": text});
    assert_eq!(
        dpkg("2026-03-02 08:14:07 install curl:amd64 <none> 8.1\nno date here\n"),
        [line("install curl:amd64 <none> 8.1")]
    );
    assert_eq!(
        apt("\nStart-Date: 2026-03-02  08:14:07\nInstall: curl:amd64 (8.1)\n\n"),
        [line("Install: curl:amd64 (8.1)")]
    );
}
