//! The page that goes with an export: how its receiver verifies it, with our program and with three that are not ours.

use super::ExportOf;

const WHOLE: &str = include_str!("verify_whole.md");
const PARTIAL: &str = include_str!("verify_partial.md");

/// The page for an export. It names no key: a key that came with what it verifies would prove nothing.
pub(super) fn verify(origin: &str, of: &ExportOf) -> String {
    let page = if *of == ExportOf::Log { WHOLE } else { PARTIAL };
    page.replace("ORIGIN", origin)
}
