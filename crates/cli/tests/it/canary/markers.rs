//! Markers: texts that stand nowhere else, and the search for them in whatever form a program might write a text in.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Bytes by which a form is looked up; each form is longer.
const START: usize = 8;

/// One marker for each place where somebody gives text. No form of writing (JSON, addresses, TOML) escapes any of
/// its characters, so that what surrounds it need not be known.
#[derive(Default)]
pub(crate) struct Markers(BTreeMap<&'static str, String>);

impl Markers {
    /// The marker of a place, new with each run of the test.
    pub(crate) fn mark(&mut self, place: &'static str) -> String {
        let made = self.0.entry(place).or_insert_with(|| {
            let mut bytes = [0u8; 18];
            aws_lc_rs::rand::fill(&mut bytes).unwrap();
            let letters = bytes.iter().map(|byte| {
                let letters = b"abcdefghijkmnpqrstuvwxyz23456789";
                char::from(letters[usize::from(byte % 32)])
            });
            format!("zq{}", letters.collect::<String>())
        });
        made.clone()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(place, text)| (*place, text.as_str()))
    }

    pub(crate) fn needles(&self) -> Needles {
        let mut needles = Needles::default();
        for (place, text) in self.iter() {
            for (form, bytes) in forms(text) {
                needles.add(&format!("{place} ({form})"), &bytes);
            }
        }
        needles
    }
}

/// Texts that are looked for all at once.
#[derive(Default)]
pub(crate) struct Needles(HashMap<[u8; START], Vec<(String, Vec<u8>)>>);

impl Needles {
    pub(crate) fn add(&mut self, name: &str, bytes: &[u8]) {
        let start = *bytes.first_chunk().unwrap();
        let known = self.0.entry(start).or_default();
        known.push((name.to_owned(), bytes.to_vec()));
    }

    /// The names of those that stand somewhere in it.
    pub(crate) fn found(&self, hay: &[u8]) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for at in 0..hay.len().saturating_sub(START - 1) {
            let Some(known) = hay[at..].first_chunk().and_then(|start| self.0.get(start)) else {
                continue;
            };
            for (name, bytes) in known {
                if hay[at..].starts_with(bytes) {
                    found.insert(name.clone());
                }
            }
        }
        found
    }
}

/// The forms in which a text may have been written down.
fn forms(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let hex = |upper: bool| -> Vec<u8> {
        let digits = text.bytes().map(|byte| match upper {
            true => format!("{byte:02X}"),
            false => format!("{byte:02x}"),
        });
        digits.collect::<String>().into_bytes()
    };
    let mut forms = vec![
        ("raw", text.as_bytes().to_vec()),
        ("upper case", text.to_uppercase().into_bytes()),
        ("hex", hex(false)),
        ("upper hex", hex(true)),
        ("reversed", text.bytes().rev().collect()),
        (
            "UTF-16LE",
            text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        ),
        (
            "UTF-16BE",
            text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        ),
    ];
    // In the middle of a longer text a byte stands at one of three places of a group; what neighbours decide is cut off.
    for shift in 0..3 {
        let shifted = [&b"\0\0"[..shift], text.as_bytes()].concat();
        for encoded in [
            STANDARD_NO_PAD.encode(&shifted),
            URL_SAFE_NO_PAD.encode(&shifted),
        ] {
            let inner =
                &encoded.as_bytes()[if shift == 0 { 0 } else { shift + 1 }..encoded.len() - 2];
            forms.push(("base64", inner.to_vec()));
        }
    }
    forms
}

#[test]
fn the_search_finds_a_marker_in_every_form() {
    let mut markers = Markers::default();
    let text = markers.mark("planted");
    let needles = markers.needles();
    let value = serde_json::json!({"a": format!("\"{text}\u{e9}\n")}).to_string();
    let planted = [
        text.clone(),
        value.clone(),
        format!("a%20{text}%2F"),
        STANDARD_NO_PAD.encode(&value),
        URL_SAFE_NO_PAD.encode(format!("x{value}")),
        STANDARD_NO_PAD.encode(format!("xy{value}")),
        format!("x'{}'", forms(&text)[2].1.escape_ascii()),
        text.to_uppercase(),
    ];
    for form in planted {
        let hay = [&[7; 5000], form.as_bytes(), &[9; 50]].concat();
        assert!(!needles.found(&hay).is_empty(), "{form}");
    }
    let wide: Vec<u8> = value.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(!needles.found(&wide).is_empty());
    assert!(needles.found(&text.as_bytes()[1..]).is_empty());
}
