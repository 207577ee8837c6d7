//! What an export opens for its receiver: a disclosed payload is the content that its entry committed to, prompts and
//! policies are those that their digests name. The manifest is signed by nobody; entries are, and commit to all of it.

use std::cell::RefCell;
use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::ids::digest;
use super::report::Finding;
use super::scan::Raw;
use super::{FILE_BYTES_MAX, LogFiles};
use crate::hash::LeafHash;

/// Blocks of SHA-256, bytes.
const BLOCK: usize = 64;

/// What lies disclosed among the files of an export.
pub(super) struct Disclosures<'a> {
    files: &'a dyn LogFiles,
    /// Payloads that no entry was seen to name yet.
    waiting: BTreeSet<String>,
    shown: u64,
    found: Option<Finding>,
}

impl<'a> Disclosures<'a> {
    /// Those among the paths of a manifest.
    pub(super) fn among<'p>(
        files: &'a dyn LogFiles,
        paths: impl Iterator<Item = &'p String>,
    ) -> RefCell<Self> {
        let id = |path: &'p String| path.strip_prefix("disclosed/")?.strip_suffix(".json");
        RefCell::new(Self {
            files,
            waiting: paths.filter_map(id).map(str::to_owned).collect(),
            shown: 0,
            found: None,
        })
    }

    /// Whether no payload waits for its entry.
    pub(super) fn is_done(&self) -> bool {
        self.waiting.is_empty()
    }

    /// An entry names a payload.
    pub(super) fn noted(&mut self, index: u64, name: &str, note: Raw<'_>) {
        if !self.waiting.remove(name) {
            return;
        }
        let path = format!("disclosed/{name}.json");
        let finding = match self.files.read(&path) {
            Ok(Some(bytes)) if is_committed(&bytes, note) => {
                self.shown += 1;
                return;
            }
            Ok(Some(_)) => Finding::broken(
                index,
                format!("`{path}` is not what its entry committed to"),
            ),
            Ok(None) => Finding::wrong(format!("`{path}` is not there")),
            Err(fault) => Finding::unclear(format!("`{path}` cannot be read: {fault}")),
        };
        self.note(finding);
    }

    fn note(&mut self, finding: Finding) {
        self.found = Some(match self.found.take() {
            Some(found) => found.and(finding),
            None => finding,
        });
    }

    /// Reads prompts and policies too. `unread`: entries were not looked at, so nobody can tell of payloads.
    pub(super) fn finish<'p>(
        &mut self,
        paths: impl Iterator<Item = &'p String>,
        unread: bool,
    ) -> Finding {
        if let Some(name) = self.waiting.pop_first() {
            let path = format!("`disclosed/{name}.json`");
            let finding = if unread {
                Finding::unclear(format!("{path} was not held to its entry"))
            } else {
                Finding::wrong(format!("{path} is of a payload that no entry here names"))
            };
            self.note(finding);
        }
        let (mut prompts, mut policies) = (0, 0);
        for path in paths {
            let (name, count) = if let Some(name) = path.strip_prefix("prompts/") {
                (name, &mut prompts)
            } else if let Some(name) = path.strip_prefix("policies/") {
                (name, &mut policies)
            } else {
                continue;
            };
            *count += 1;
            let finding = match self.files.read(path) {
                Ok(Some(bytes)) => {
                    let made = if path.starts_with("prompts/") {
                        Some(of_parts([bytes.as_slice()]))
                    } else {
                        texts(&bytes).map(|texts| of_parts(texts.iter().map(String::as_bytes)))
                    };
                    let named = LeafHash::parse_hex(name).map(LeafHash::to_bytes);
                    if named.is_some() && made == named {
                        continue;
                    }
                    Finding::wrong(format!("`{path}` is not what its digest names"))
                }
                Ok(None) => Finding::wrong(format!("`{path}` is not there")),
                Err(fault) => Finding::unclear(format!("`{path}` cannot be read: {fault}")),
            };
            self.note(finding);
        }
        if let Some(found) = self.found.take() {
            return found;
        }
        if self.shown + prompts + policies == 0 {
            return Finding::unasked("nothing is disclosed with it");
        }
        Finding::holds(format!(
            "{} payloads are what their entries committed to, {prompts} prompts and {policies} policies are those \
             that their digests name",
            self.shown
        ))
    }
}

/// Whether the file opens the commitment of the entry's note.
fn is_committed(file: &[u8], note: Raw<'_>) -> bool {
    let Some(raw) = Raw::parse(file, FILE_BYTES_MAX) else {
        return false;
    };
    let (Some(key), Some(slot), Some(commit)) = (
        digest(raw.get("commitment_key")),
        raw.text_of("slot"),
        digest(note.get("commit")),
    ) else {
        return false;
    };
    let Some(content) = raw.text_of("plaintext").map(|text| STANDARD.decode(text)) else {
        return false;
    };
    let Ok(content) = content else {
        return false;
    };
    note.text_of("slot") == Some(slot)
        && hmac(&key, &[b"payload/v1\0", slot.as_bytes(), b"\0", &content]) == commit
}

/// HMAC-SHA256 of parts one after another, under a key of 32 bytes.
fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let keyed = |pad: u8| {
        let mut block = [pad; BLOCK];
        block.iter_mut().zip(key).for_each(|(b, k)| *b ^= k);
        Sha256::new_with_prefix(block)
    };
    let mut inner = keyed(0x36);
    parts.iter().for_each(|part| inner.update(part));
    let mut outer = keyed(0x5c);
    outer.update(inner.finalize());
    outer.finalize().into()
}

/// SHA-256 over parts, each with its length before it.
fn of_parts<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// The texts of a JSON array of texts, without space between them; `None` for anything else.
fn texts(bytes: &[u8]) -> Option<Vec<String>> {
    let mut rest = std::str::from_utf8(bytes).ok()?.trim().strip_prefix('[')?;
    let mut all = Vec::new();
    if rest == "]" {
        return Some(all);
    }
    loop {
        let (text, after) = text(rest.strip_prefix('"')?)?;
        all.push(text);
        match after.strip_prefix(',') {
            Some(more) => rest = more,
            None => return (after == "]").then_some(all),
        }
    }
}

/// A JSON text behind its first quote, and what follows its last.
fn text(spelled: &str) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut chars = spelled.chars();
    loop {
        match chars.next()? {
            '"' => return Some((out, chars.as_str())),
            '\\' => match chars.next()? {
                c @ ('"' | '\\' | '/') => out.push(c),
                'b' => out.push('\u{8}'),
                'f' => out.push('\u{c}'),
                'n' => out.push('\n'),
                'r' => out.push('\r'),
                't' => out.push('\t'),
                'u' => {
                    // Pairs of surrogates are spelled out by whoever writes UTF-8; none is read here.
                    let hex = chars.as_str().get(..4)?;
                    out.push(char::from_u32(u32::from_str_radix(hex, 16).ok()?)?);
                    chars = chars.as_str().get(4..)?.chars();
                }
                _ => return None,
            },
            c if c < ' ' => return None,
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// RFC 4231 has no key of 32 bytes; this one is Python's `hmac`.
    #[test]
    fn the_code_is_that_of_others() {
        let made = hmac(&[0x0b; 32], &[b"Hi ", b"There"]);
        assert_eq!(
            hex(&made),
            "198a607eb44bfbc69903a0f1cf2bbdc5ba0aa3f3d9ae3c1c7a3b1696a0b68cf7"
        );
    }

    #[test]
    fn texts_are_read_as_json_has_them() {
        let two = texts("[\"a\\n\\u00e9\\\"\",\"\u{e9}\"]".as_bytes());
        assert_eq!(
            two,
            Some(vec!["a\n\u{e9}\"".to_owned(), "\u{e9}".to_owned()])
        );
        assert_eq!(texts(b"[]"), Some(Vec::new()));
        for bad in [
            "",
            "[",
            "[\"a\"",
            "[\"a\",]",
            "[1]",
            "[\"\\x\"]",
            "[\"\n\"]",
            "[\"\\ud800\"]",
            "{}",
        ] {
            assert_eq!(texts(bad.as_bytes()), None, "{bad}");
        }
    }
}
