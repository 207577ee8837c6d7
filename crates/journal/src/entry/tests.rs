//! The exact bytes of an entry, and each bound from both sides.

use super::*;

pub(crate) const RUN: &str = "run_01JD0000000000000000000000";

pub(crate) fn draft(seq: u64, prev: LeafHash) -> Draft {
    Draft {
        tenant: "default".to_owned(),
        environment: "dev".to_owned(),
        run: RUN.to_owned(),
        seq,
        prev,
        epoch: 1,
        time: "2026-11-20T23:59:59.999999Z".to_owned(),
        event: "model.requested".to_owned(),
        body: [(Text::parse("tokens").unwrap(), Canon::integer(12).unwrap())].into(),
    }
}

/// The bytes of a small entry, for tests of other readers.
pub(crate) fn bytes_of_an_entry() -> Vec<u8> {
    Entry::new(draft(0, LeafHash::ZERO)).unwrap().into_bytes()
}

#[test]
fn the_bytes_are_these() {
    let entry = Entry::new(draft(0, LeafHash::ZERO)).unwrap();
    let expected = format!(
        "{{\"body\":{{\"tokens\":12}},\"env\":\"dev\",\"epoch\":1,\"event\":\"model.requested\",\"prev\":\"{}\",\
         \"run\":\"{RUN}\",\"seq\":0,\"tenant\":\"default\",\"time\":\"2026-11-20T23:59:59.999999Z\",\"v\":1}}",
        "0".repeat(64)
    );
    assert_eq!(entry.bytes(), expected.as_bytes());
    // Computed with: printf '\0%s' "$ENTRY" | sha256sum
    assert_eq!(
        entry.leaf_hash().to_string(),
        "4a8bf680a752d92cdeba78eda9f1dd4cd80ce03350833567e801bc724e0ef76a"
    );
    assert_eq!(Entry::parse(entry.bytes()), Ok(entry));
}

fn check(change: impl FnOnce(&mut Draft), expected: Result<(), EntryError>) {
    let mut d = draft(1, leaf_hash(b"before"));
    change(&mut d);
    assert_eq!(Entry::new(d).map(drop), expected);
}

#[test]
fn each_bound_holds() {
    let member = |m| Err(EntryError::Member(m));
    check(|_| (), Ok(()));
    check(|d| d.tenant = "Default".to_owned(), member("tenant"));
    check(|d| d.tenant = "a".repeat(65), member("tenant"));
    check(|d| d.environment = String::new(), member("env"));
    for run in [
        "run_01jd0000000000000000000000",
        "act_01JD0000000000000000000000",
        "run_81JD0000000000000000000000",
    ] {
        check(|d| d.run = run.to_owned(), member("run"));
    }
    check(|d| d.seq = 1 << 53, member("seq"));
    check(|d| d.epoch = 1 << 53, member("epoch"));
    check(|d| d.seq = 0, Err(EntryError::Prev));
    check(|d| d.prev = LeafHash::ZERO, Err(EntryError::Prev));
    for event in [
        "model",
        "model.",
        ".requested",
        "Model.requested",
        "a.b.c.d.e",
        "model.1",
        &format!("a.{}", "b".repeat(63)),
    ] {
        check(|d| d.event = event.to_owned(), member("event"));
    }
    for time in [
        "2026-11-20T23:59:59Z",
        "2026-11-20T23:59:59.999999+",
        "2026-02-29T00:00:00.000000Z",
        "2026-11-20T24:00:00.000000Z",
        "2026-13-01T00:00:00.000000Z",
        "2026-11-20 23:59:59.999999Z",
        "2026-11-20T23:59:60.000000Z",
        "+026-11-20T23:59:59.999999Z",
    ] {
        check(|d| d.time = time.to_owned(), member("time"));
    }
    check(
        |d| d.time = "2028-02-29T00:00:00.000000Z".to_owned(),
        Ok(()),
    );
    let nested =
        |levels: usize| (0..levels).fold(Canon::Bool(true), |inner, _| Canon::Array(vec![inner]));
    let key = || Text::parse("x").unwrap();
    check(|d| d.body = [(key(), nested(DEPTH_MAX - 2))].into(), Ok(()));
    check(
        |d| d.body = [(key(), nested(DEPTH_MAX - 1))].into(),
        Err(CanonError::TooDeep.into()),
    );
}

#[test]
fn an_entry_of_8_kib_is_the_longest() {
    let fill = |len: usize| {
        let mut d = draft(0, LeafHash::ZERO);
        d.body = [(
            Text::parse("x").unwrap(),
            Canon::text("y".repeat(len)).unwrap(),
        )]
        .into();
        Entry::new(d)
    };
    let spare = ENTRY_BYTES_MAX - fill(0).unwrap().bytes().len();
    assert_eq!(fill(spare).unwrap().bytes().len(), ENTRY_BYTES_MAX);
    assert!(matches!(
        fill(spare + 1),
        Err(EntryError::Canonical(CanonError::TooLong { .. }))
    ));
    assert_eq!(Entry::parse(fill(spare).unwrap().bytes()), fill(spare));
}

#[test]
fn other_members_and_versions_are_refused() {
    let text =
        String::from_utf8(Entry::new(draft(0, LeafHash::ZERO)).unwrap().into_bytes()).unwrap();
    for (from, to, fault) in [
        ("\"v\":1", "\"v\":2", EntryError::Version),
        (",\"v\":1", "", EntryError::Member("v")),
        ("\"v\":1", "\"v\":1,\"w\":1", EntryError::Unknown),
        ("\"env\":\"dev\",", "", EntryError::Member("env")),
        ("{\"tokens\":12}", "[]", EntryError::Member("body")),
        ("\"seq\":0", "\"seq\":-1", EntryError::Member("seq")),
        ("\"seq\":0", "\"seq\":\"0\"", EntryError::Member("seq")),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text);
        assert_eq!(Entry::parse(changed.as_bytes()), Err(fault));
    }
}
