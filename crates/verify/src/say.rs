//! A report in plain lines and as JSON. What comes from a log is made harmless first: a terminal shows printable ASCII
//! alone, and nothing else reaches it.

use interlock_journal::audit::Report;

/// Text that cannot move a cursor or hide other text: everything but printable ASCII is escaped.
#[must_use]
pub fn plain(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let shown = matches!(c, ' '..='~');
            let escaped = (!shown).then(|| c.escape_unicode());
            shown
                .then_some(c)
                .into_iter()
                .chain(escaped.into_iter().flatten())
        })
        .collect()
}

/// One line for each finding, and the verdict last.
#[must_use]
pub fn lines(report: &Report) -> Vec<String> {
    let mut lines = vec![plain(&format!(
        "log           `{}`, {} entries",
        report.origin, report.size
    ))];
    if !report.part.is_empty() {
        lines.push(format!("what it is    {}", report.part));
    }
    for (name, finding) in report.findings() {
        lines.push(plain(&format!("{name:<13} {finding}")));
    }
    lines.push(format!("verdict       {}", report.verdict()));
    lines
}

/// One JSON object in one line.
#[must_use]
pub fn json(report: &Report) -> String {
    let findings: Vec<String> = report
        .findings()
        .iter()
        .map(|(name, finding)| {
            let index = finding
                .index()
                .map(|index| format!("\"index\":{index},"))
                .unwrap_or_default();
            format!(
                "\"{}\":{{{index}\"state\":\"{}\",\"text\":{}}}",
                name.replace('-', "_"),
                finding.word(),
                quoted(finding.text())
            )
        })
        .collect();
    format!(
        "{{\"exit\":{},\"findings\":{{{}}},\"minimum\":{},\"origin\":{},\"part\":{},\"size\":{},\"verdict\":\"{}\"}}",
        report.exit(),
        findings.join(","),
        report.minimum,
        quoted(&report.origin),
        quoted(report.part),
        report.size,
        report.verdict()
    )
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            ' '..='~' => out.push(c),
            c => {
                let mut units = [0u16; 2];
                for unit in c.encode_utf16(&mut units) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    out.push('"');
    out
}
