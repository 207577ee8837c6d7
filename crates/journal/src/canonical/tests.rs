//! The restricted form against a general JSON library, and against every near miss we know.

use proptest::prelude::*;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::*;

/// Serialised member by member, so that no feature of `serde_json::Map` decides the order.
struct AsSerde<'a>(&'a Canon);

impl Serialize for AsSerde<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Canon::Bool(b) => s.serialize_bool(*b),
            Canon::Integer(n) => s.serialize_i64(n.get()),
            Canon::Text(text) => s.serialize_str(text.as_str()),
            Canon::Array(items) => {
                let mut seq = s.serialize_seq(Some(items.len()))?;
                items
                    .iter()
                    .try_for_each(|item| seq.serialize_element(&AsSerde(item)))?;
                seq.end()
            }
            Canon::Object(members) => {
                let mut map = s.serialize_map(Some(members.len()))?;
                members.iter().try_for_each(|(key, item)| {
                    map.serialize_entry(key.as_str(), &AsSerde(item))
                })?;
                map.end()
            }
        }
    }
}

fn any_text() -> impl Strategy<Value = Text> {
    "[ !#-\\[\\]-~]{0,12}".prop_map(|s| Text::parse(s).unwrap())
}

pub(crate) fn any_canon() -> impl Strategy<Value = Canon> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Canon::Bool),
        (-INTEGER_MAX..=INTEGER_MAX).prop_map(|n| Canon::integer(n).unwrap()),
        (-20i64..20).prop_map(|n| Canon::integer(n).unwrap()),
        any_text().prop_map(Canon::Text),
    ];
    leaf.prop_recursive(6, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Canon::Array),
            prop::collection::btree_map(any_text(), inner, 0..6).prop_map(Canon::Object),
        ]
    })
}

proptest! {
    #[test]
    fn encodes_as_a_general_library_does_and_reads_back(value in any_canon()) {
        let bytes = encode(&value);
        prop_assert_eq!(&serde_json::to_vec(&AsSerde(&value)).unwrap(), &bytes);
        if bytes.len() <= ENCODED_BYTES_MAX {
            prop_assert_eq!(parse(&bytes), Ok(value));
        }
    }

    #[test]
    fn whatever_is_accepted_encodes_to_the_same_bytes(
        value in any_canon(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()
    ) {
        let mut bytes = encode(&value);
        let at = at.index(bytes.len());
        if cut { bytes.remove(at); } else { bytes[at] = byte; }
        if let Ok(again) = parse(&bytes) {
            prop_assert_eq!(encode(&again), bytes);
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(value) = parse(&bytes) {
            prop_assert_eq!(encode(&value), bytes);
        }
    }
}

fn check(text: &str, accepted: bool) {
    assert_eq!(parse(text.as_bytes()).is_ok(), accepted, "{text}");
}

#[test]
fn near_misses_are_refused() {
    for good in [
        "{}",
        "[]",
        "\"\"",
        "0",
        "-1",
        "true",
        "9007199254740991",
        "-9007199254740991",
        r#"{"a":1,"b":[true,"x"]}"#,
        r#"{"":0,"B":0,"a":0}"#,
    ] {
        check(good, true);
    }
    for bad in [
        "",
        " ",
        "null",
        "{} ",
        " {}",
        "[1, 2]",
        "[1,]",
        "[,1]",
        "{\"a\":1,}",
        "{\"a\" :1}",
        "01",
        "-0",
        "-",
        "+1",
        "1.0",
        "1.5",
        "1e3",
        "1E3",
        "9007199254740992",
        "-9007199254740992",
        "99999999999999999999",
        "NaN",
        "{\"b\":1,\"a\":1}",
        "{\"a\":1,\"a\":1}",
        "\"\\n\"",
        "\"\\u0041\"",
        "\"a",
        "\"\u{7f}\"",
        "\"é\"",
        "\"\t\"",
        "tru",
        "TRUE",
        "{a:1}",
        "{\"a\":1}{\"a\":1}",
        "[",
        "{",
        "{\"a\"",
        "{\"a\":",
        "'a'",
        "\u{feff}{}",
        "// x\n{}",
    ] {
        check(bad, false);
    }
}

#[test]
fn depth_and_length_are_bounded() {
    for (levels, accepted) in [(DEPTH_MAX, true), (DEPTH_MAX + 1, false), (4000, false)] {
        check(&("[".repeat(levels) + &"]".repeat(levels)), accepted);
    }
    for (len, accepted) in [
        (ENCODED_BYTES_MAX - 2, true),
        (ENCODED_BYTES_MAX - 1, false),
    ] {
        check(&format!("\"{}\"", "x".repeat(len)), accepted);
    }
}

#[test]
fn bounds_hold_at_construction() {
    assert!(Canon::integer(INTEGER_MAX).is_ok() && Canon::integer(INTEGER_MAX + 1).is_err());
    assert!(Canon::count(u64::MAX).is_err() && Canon::integer(i64::MIN).is_err());
    assert!(
        Text::parse("a\"b").is_err() && Text::parse("a\\b").is_err() && Text::parse("ä").is_err()
    );
}
