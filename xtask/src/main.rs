//! The house's own chores, run as `cargo run -p xtask -- tidy`.
//! Nothing here is hired: the standard library and `git` are all it needs.

mod tidy;
mod tree;

use std::io::{self, Write};
use std::process::ExitCode;

const USAGE: &str = "\
Chores of the Interlock workspace.

Usage: cargo run -p xtask -- tidy

  tidy   checks the rules on files and dependencies that no compiler checks,
         and prints the longest files and functions

Exit codes: 0 tidy, 1 not tidy, 2 usage, or the tree cannot be read.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let code = match words.as_slice() {
        ["tidy"] => tidy_command(&mut io::stdout().lock()),
        ["help" | "-h" | "--help"] => say(&mut io::stdout().lock(), USAGE, 0),
        _ => say(&mut io::stderr().lock(), USAGE, 2),
    };
    ExitCode::from(code.unwrap_or(2))
}

fn tidy_command(out: &mut dyn Write) -> io::Result<u8> {
    let tree = match tree::Tree::read(&tree::workspace_root()) {
        Ok(tree) => tree,
        Err(error) => return say(&mut io::stderr().lock(), &format!("failed to {error}\n"), 2),
    };
    let report = tidy::inspect(&tree);
    write!(out, "{report}")?;
    Ok(u8::from(!report.findings.is_empty()))
}

fn say(out: &mut dyn Write, text: &str, code: u8) -> io::Result<u8> {
    out.write_all(text.as_bytes())?;
    Ok(code)
}
