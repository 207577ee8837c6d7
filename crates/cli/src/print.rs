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
        let value = serde_json::json!({"error": failure.message, "hint": failure.hint});
        aside(&value.to_string());
        return;
    }
    aside(&format!("error: {}", harmless(&failure.message)));
    if let Some(hint) = &failure.hint {
        aside(&format!("hint: {}", harmless(hint)));
    }
}

/// Prints a value as JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text =
        serde_json::to_string_pretty(value).map_err(|fault| Failure::failed(fault.to_string()))?;
    line(&text);
    Ok(())
}

/// The text with control and direction characters shown as escapes; line breaks stay.
pub(crate) fn harmless(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let hidden = (c.is_control() && c != '\n')
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
            if hidden { c.escape_unicode().collect::<Vec<_>>() } else { vec![c] }
        })
        .collect()
}

/// A JSON value as indented lines for people.
pub(crate) fn value(value: &serde_json::Value, indent: &str) -> String {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    harmless(&text)
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
    use super::harmless;

    #[test]
    fn what_moves_a_cursor_or_hides_text_is_shown() {
        assert_eq!(harmless("a\u{1b}[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(harmless("x\u{202e}y"), "x\\u{202e}y");
        assert_eq!(harmless("two\nlines\r"), "two\nlines\\u{d}");
    }
}
