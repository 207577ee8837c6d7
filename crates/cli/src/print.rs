//! What reaches the terminal. Everything from outside is made harmless first: control characters, and with them the
//! sequences that move a cursor or hide text, are shown and not obeyed.

use std::io::{IsTerminal, Write};

use serde::Serialize;

use crate::exit::Failure;

/// Writes a line to standard output; a closed pipe is no fault of ours.
pub(crate) fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Writes a line to standard error.
pub(crate) fn aside(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Prints a failure.
pub(crate) fn failure(failure: &Failure, json: bool) {
    if json {
        let value = serde_json::json!({"error": failure.message, "hint": failure.hint, "details": failure.details});
        aside(&escaped(&value.to_string()));
        return;
    }
    aside(&format!("error: {}", harmless(&failure.message)));
    for detail in &failure.details {
        aside(&format!("  {}", harmless(detail)));
    }
    if let Some(hint) = &failure.hint {
        aside(&format!("hint: {}", harmless(hint)));
    }
}

/// Prints a value as JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text =
        serde_json::to_string_pretty(value).map_err(|fault| Failure::failed(fault.to_string()))?;
    line(&escaped(&text));
    Ok(())
}

/// The text with what controls a terminal, turns the writing or is invisible shown as escapes; line breaks stay.
pub(crate) fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// JSON text that says the same with JSON's own escapes. Outside of strings JSON has no such characters.
fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if is_hidden(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// Control characters, and Unicode's format characters that turn the writing or cannot be seen (general category Cf,
/// with the separators of lines and the tags that only a model reads).
fn is_hidden(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A JSON value as indented lines for people.
pub(crate) fn value(value: &serde_json::Value, indent: &str) -> String {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    escaped(&text)
        .lines()
        .map(|line| format!("{indent}{line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Whether a person can be asked.
pub(crate) fn is_interactive() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// Asks for one line.
pub(crate) fn ask(question: &str) -> Result<String, Failure> {
    let _ = write!(std::io::stdout(), "{question}");
    let _ = std::io::stdout().flush();
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer)?;
    if read == 0 {
        return Err(Failure::usage(
            "failed to read an answer: the input ended",
            "answer at the terminal",
        ));
    }
    Ok(answer.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::{escaped, harmless};

    #[test]
    fn what_moves_a_cursor_or_hides_text_is_shown() {
        assert_eq!(harmless("a\u{1b}[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(harmless("x\u{202e}y"), "x\\u{202e}y");
        assert_eq!(harmless("two\nlines\r"), "two\nlines\\u{d}");
    }

    #[test]
    fn json_keeps_its_meaning() {
        let value = serde_json::json!({"a": "x\u{202e}\u{e0041}\u{9b}\n"});
        let text = escaped(&value.to_string());
        assert_eq!(text, r#"{"a":"x\u202e\udb40\udc41\u009b\n"}"#);
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text).unwrap(),
            value
        );
    }
}
