//! The borrowing reader against the strict parser: on entries, on entries changed at any byte, and on near misses.

use proptest::prelude::*;

use super::*;
use crate::canonical::{Canon, Text};
use crate::entry::{Draft, Entry};
use crate::hash::leaf_hash;

/// Both readers say the same of these bytes, member by member.
fn check(bytes: &[u8]) {
    let strict = Entry::parse(bytes);
    let scanned = scan(bytes);
    assert_eq!(
        strict.is_ok(),
        scanned.is_some(),
        "{strict:?} of {}",
        String::from_utf8_lossy(bytes)
    );
    let (Ok(strict), Some(scanned)) = (strict, scanned) else {
        return;
    };
    assert_eq!(strict.tenant(), scanned.tenant);
    assert_eq!(strict.environment(), scanned.environment);
    assert_eq!(strict.run(), scanned.run);
    assert_eq!(strict.seq(), scanned.seq);
    assert_eq!(strict.prev(), scanned.prev);
    assert_eq!(strict.epoch(), scanned.epoch);
    assert_eq!(strict.time(), scanned.time);
    assert_eq!(strict.event(), scanned.event);
    let members: Vec<_> = scanned.body.members().collect();
    assert_eq!(strict.body().len(), members.len());
    for ((key, value), (name, raw)) in strict.body().iter().zip(members) {
        assert_eq!(key.as_str(), name);
        same(value, raw);
    }
}

fn same(value: &Canon, raw: Raw<'_>) {
    match value {
        Canon::Bool(b) => assert_eq!(raw.boolean(), Some(*b)),
        Canon::Integer(n) => assert_eq!(raw.count(), u64::try_from(n.get()).ok()),
        Canon::Text(text) => assert_eq!(raw.text(), Some(text.as_str())),
        Canon::Array(items) => {
            let raws: Vec<_> = raw.items().collect();
            assert_eq!(items.len(), raws.len());
            items
                .iter()
                .zip(raws)
                .for_each(|(item, raw)| same(item, raw));
        }
        Canon::Object(members) => {
            let raws: Vec<_> = raw.members().collect();
            assert_eq!(members.len(), raws.len());
            for ((key, item), (name, raw)) in members.iter().zip(raws) {
                assert_eq!(key.as_str(), name);
                same(item, raw);
            }
        }
    }
}

fn any_canon() -> impl Strategy<Value = Canon> {
    let text = "[ -!#-\\[\\]-~]{0,12}";
    let leaf = prop_oneof![
        any::<bool>().prop_map(Canon::Bool),
        (-INTEGER_MAX..=INTEGER_MAX).prop_map(|n| Canon::integer(n).unwrap()),
        text.prop_map(|text| Canon::text(text).unwrap()),
    ];
    leaf.prop_recursive(5, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Canon::Array),
            prop::collection::btree_map(text, inner, 0..4).prop_map(|members| {
                Canon::Object(
                    members
                        .into_iter()
                        .map(|(key, value)| (Text::parse(key).unwrap(), value))
                        .collect(),
                )
            }),
        ]
    })
}

prop_compose! {
    fn any_entry()(
        body in prop::collection::btree_map("[a-z_]{0,8}", any_canon(), 0..5),
        seq in prop_oneof![Just(0u64), 1u64..1 << 53],
        epoch in 0u64..1 << 53,
        event in prop_oneof![Just("run.requested"), Just("a.b.c.d")],
        day in 1u32..=28,
    ) -> Vec<u8> {
        let body = body
            .into_iter()
            .map(|(key, value)| (Text::parse(key).unwrap(), value))
            .collect();
        let prev = if seq == 0 { LeafHash::ZERO } else { leaf_hash(b"before") };
        Entry::new(Draft {
            tenant: "default".to_owned(),
            environment: "dev".to_owned(),
            run: "run_01JD0000000000000000000000".to_owned(),
            seq,
            prev,
            epoch,
            time: format!("2026-02-{day:02}T23:59:59.999999Z"),
            event: event.to_owned(),
            body,
        })
        .map(Entry::into_bytes)
        .unwrap_or_default()
    }
}

proptest! {
    #[test]
    fn both_readers_accept_the_same_entries(bytes in any_entry()) {
        check(&bytes);
    }

    #[test]
    fn both_readers_refuse_the_same_changes(
        bytes in any_entry(),
        at in any::<prop::sample::Index>(),
        with in prop_oneof![
            any::<u8>(),
            prop::sample::select(b"{}[]\",:-0123456789truefalsenul \\\x7f".to_vec()),
        ],
        how in 0u8..4,
    ) {
        prop_assume!(!bytes.is_empty());
        let at = at.index(bytes.len());
        let mut changed = bytes;
        match how {
            0 => changed[at] = with,
            1 => drop(changed.remove(at)),
            2 => changed.insert(at, with),
            _ => changed.truncate(at),
        }
        check(&changed);
    }

    #[test]
    fn any_bytes_are_read_or_refused_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..96)) {
        check(&bytes);
        let _ = Raw::parse(&bytes, 96);
    }
}

#[test]
fn both_readers_agree_on_near_misses() {
    let entry = String::from_utf8(crate::entry::tests::bytes_of_an_entry()).unwrap();
    check(entry.as_bytes());
    for (from, to) in [
        ("\"tokens\":12", "\"tokens\":9007199254740991"),
        ("\"tokens\":12", "\"tokens\":9007199254740992"),
        ("\"tokens\":12", "\"tokens\":-9007199254740991"),
        ("\"tokens\":12", "\"tokens\":99999999999999999999"),
        ("\"tokens\":12", "\"tokens\":-0"),
        ("\"tokens\":12", "\"tokens\":01"),
        ("\"tokens\":12", "\"tokens\":1.0"),
        ("\"tokens\":12", "\"tokens\":NaN"),
        ("\"tokens\":12", "\"tokens\":null"),
        ("\"tokens\":12", "\"tokens\":12,\"tokens\":12"),
        ("\"tokens\":12", "\"tokens\":\"\\u0041\""),
        ("\"tokens\":12", "\"tokens\": 12"),
        ("\"tokens\":12", "\"\":12"),
        ("\"epoch\":1", "\"epoch\":-1"),
        ("\"epoch\":1", "\"epoch\":\"1\""),
        ("\"v\":1", "\"v\":2"),
        ("\"v\":1", "\"v\":1,\"w\":1"),
        ("\"env\":\"dev\",", ""),
        ("-11-20T", "-02-30T"),
        ("T23:", "T24:"),
        ("\"seq\":0", "\"seq\":1"),
    ] {
        assert!(entry.contains(from), "{from}");
        check(entry.replacen(from, to, 1).as_bytes());
    }
    for depth in [13, 14, 15, 16] {
        let nested = format!("\"tokens\":{}{}", "[".repeat(depth), "]".repeat(depth));
        check(entry.replacen("\"tokens\":12", &nested, 1).as_bytes());
    }
    for text in [6_000, 7_914, 7_915, 7_916, 7_917, 8_192] {
        let long = format!("\"tokens\":\"{}\"", "x".repeat(text));
        check(entry.replacen("\"tokens\":12", &long, 1).as_bytes());
    }
}
