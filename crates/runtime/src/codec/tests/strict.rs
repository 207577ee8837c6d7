//! Every body with one thing changed: a member gone, a member more, another type, another spelling. What is
//! accepted all the same is a list, and the list is short.

use std::collections::BTreeSet;

use interlock_journal::{Canon, Text};

use super::{body_of, plain};
use crate::codec::{KINDS, decode, encode, notes};

/// Members that may be left out, and then say `None`. Payloads are not among them: their notes would be left.
const OPTIONAL: &[&str] = &[
    "branch.taken arm",
    "call.failed call",
    "inbox.opened act",
    "inbox.opened node",
    "inbox.opened step",
    "intake.rejected step",
    "model.replied usage.cost_micros",
    "policy.decided asker",
    "policy.decided step",
    "review.requested review.node",
    "review.requested review.step",
    "run.ended by",
    "run.requested requester.act_for",
    "act.finished payloads.0.class",
    "model.replied payloads.0.kept",
    "model.requested payloads.0.kept",
    "model.requested payloads.0.marks",
    "run.started payloads.0.marks",
];

/// Members that hold one of a few words.
const WORDS: &[&str] = &[
    "act.failed fault",
    "act.failed known",
    "fallback.taken cause",
    "fallback.taken tried.how",
    "inbox.opened kind.cause",
    "inbox.opened kind.what",
    "inbox.settled verdict",
    "model.replied stop",
    "model.requested downgrades.0",
    "output.rejected reason",
    "policy.decided decision.action",
    "policy.decided decision.verdict.answer",
    "policy.decided label.conf",
    "policy.decided label.int",
    "review.requested review.subject.of",
    "review.settled outcome",
    "run.ended outcome",
    "run.requested method",
    "run.requested requester.kind",
    "run.requested risk",
    "run.started next",
    "run.started payloads.0.slot",
    "run.started label.readers",
];

/// Members that are sets: one order, nothing twice.
const SETS: &[&str] = &[
    "model.requested downgrades",
    "output.released label.about",
    "output.released label.cats",
    "output.released label.from",
    "output.released label.readers",
    "output.released label.regions",
    "policy.decided decision.verdict.approvals",
    "policy.decided decision.verdict.downgrades",
    "review.requested review.approvals.0.roles",
    "review.requested review.downgrades",
    "review.requested review.thresholds",
    "run.requested requester.roles",
];

/// The way to a value: keys, and numbers of items.
type Way = Vec<String>;

fn ways(value: &Canon) -> Vec<Way> {
    fn walk(value: &Canon, here: &Way, found: &mut Vec<Way>) {
        found.push(here.clone());
        let parts: Vec<(String, &Canon)> = match value {
            Canon::Object(members) => members
                .iter()
                .map(|(key, part)| (key.to_string(), part))
                .collect(),
            Canon::Array(items) => items
                .iter()
                .enumerate()
                .map(|(i, part)| (i.to_string(), part))
                .collect(),
            Canon::Bool(_) | Canon::Integer(_) | Canon::Text(_) => Vec::new(),
        };
        for (name, part) in parts {
            let mut way = here.clone();
            way.push(name);
            walk(part, &way, found);
        }
    }
    let mut found = Vec::new();
    walk(value, &Vec::new(), &mut found);
    found
}

fn at<'v>(value: &'v mut Canon, way: &[String]) -> &'v mut Canon {
    way.iter().fold(value, |value, name| match value {
        Canon::Object(members) => members.get_mut(name.as_str()).unwrap(),
        Canon::Array(items) => &mut items[name.parse::<usize>().unwrap()],
        Canon::Bool(_) | Canon::Integer(_) | Canon::Text(_) => panic!("{way:?}"),
    })
}

fn changed(body: &Canon, way: &[String], change: impl FnOnce(&mut Canon)) -> Canon {
    let mut body = body.clone();
    change(at(&mut body, way));
    body
}

/// Calls with each kind, its body, and each way into it.
fn everywhere(mut visit: impl FnMut(&'static str, &Canon, &Way)) {
    for kind in KINDS {
        let body = body_of(&plain(kind));
        for way in ways(&body) {
            visit(kind, &body, &way);
        }
    }
}

#[track_caller]
fn check_refused(kind: &str, body: &Canon, what: &str) {
    let fault = decode(kind, body).expect_err(what).to_string();
    assert!(
        fault.starts_with(&format!("read event `{kind}`: member `")),
        "{fault}"
    );
    assert!(!fault.to_lowercase().contains("nonsense"), "{fault}");
}

fn named(list: &[&str]) -> Vec<(&'static str, Way)> {
    list.iter()
        .map(|line| {
            let (kind, way) = line.split_once(' ').unwrap();
            let kind = KINDS.iter().find(|known| **known == kind).unwrap();
            (*kind, way.split('.').map(str::to_owned).collect())
        })
        .collect()
}

#[test]
fn only_optional_members_may_be_missing() {
    let mut optional = BTreeSet::new();
    everywhere(|kind, body, way| {
        let Some((last, before)) = way.split_last() else {
            return;
        };
        let mut without = body.clone();
        let Canon::Object(members) = at(&mut without, before) else {
            return;
        };
        members.remove(last.as_str());
        match decode(kind, &without) {
            Ok(event) => {
                let again = encode(&event, &notes(&without).unwrap());
                assert_eq!(
                    again,
                    Ok(without),
                    "{kind} {way:?}: read as something that was not said"
                );
                optional.insert(format!("{kind} {}", way.join(".")));
            }
            Err(_) => check_refused(kind, &without, last),
        }
    });
    let listed: BTreeSet<String> = OPTIONAL.iter().map(|line| (*line).to_owned()).collect();
    assert_eq!(optional, listed);
}

#[test]
fn no_object_takes_another_member() {
    everywhere(|kind, body, way| {
        let mut more = body.clone();
        let Canon::Object(members) = at(&mut more, way) else {
            return;
        };
        members.insert(Text::parse("nonsense").unwrap(), Canon::Bool(true));
        check_refused(kind, &more, &way.join("."));
    });
}

#[test]
fn no_value_may_have_another_type_or_form() {
    everywhere(|kind, body, way| {
        for other in [
            Canon::Bool(true),
            Canon::integer(-1).unwrap(),
            Canon::text("NONSENSE").unwrap(),
            Canon::text("").unwrap(),
            Canon::Object([(Text::parse("nonsense").unwrap(), Canon::Bool(true))].into()),
            Canon::Array(vec![Canon::Array(Vec::new())]),
        ] {
            let mut value = body.clone();
            let old = at(&mut value, way);
            if matches!((&*old, &other), (Canon::Bool(_), Canon::Bool(_))) {
                continue;
            }
            *old = other.clone();
            check_refused(kind, &value, &format!("{kind} {way:?} {other:?}"));
        }
    });
}

#[test]
fn a_wrong_word_is_no_word() {
    for (kind, way) in named(WORDS) {
        for word in ["nonsense", "Low", "public ", "none", "null"] {
            let body = changed(&body_of(&plain(kind)), &way, |value| {
                *value = Canon::text(word).unwrap()
            });
            check_refused(kind, &body, &way.join("."));
        }
    }
}

#[test]
fn a_set_has_one_order_and_nothing_twice() {
    for (kind, way) in named(SETS) {
        let body = body_of(&plain(kind));
        let mut items = at(&mut body.clone(), &way).as_array().unwrap().to_vec();
        if items.len() > 1 {
            items.reverse();
            let turned = changed(&body, &way, |value| *value = Canon::Array(items.clone()));
            check_refused(kind, &turned, &way.join("."));
        }
        items.truncate(1);
        items.push(items[0].clone());
        let twice = changed(&body, &way, |value| *value = Canon::Array(items));
        check_refused(kind, &twice, &way.join("."));
    }
}

#[test]
fn a_time_has_one_spelling() {
    for bad in [
        "2026-02-29T00:00:00.000000Z",
        "2026-13-01T00:00:00.000000Z",
        "2026-00-01T00:00:00.000000Z",
        "2026-01-00T00:00:00.000000Z",
        "2026-01-01T24:00:00.000000Z",
        "2026-01-01T00:00:60.000000Z",
        "2026-01-01T00:00:00.000000+00:00",
        "2026-01-01 00:00:00.000000Z",
        "2026-01-01T00:00:00Z",
        "1969-12-31T23:59:59.999999Z",
        "0000-01-01T00:00:00.000000Z",
        "+026-01-01T00:00:00.000000Z",
        "10000-01-01T00:00:00.00000Z",
    ] {
        let body = body_of(&plain("run.requested"));
        let body = changed(&body, &["at".to_owned()], |value| {
            *value = Canon::text(bad).unwrap()
        });
        check_refused("run.requested", &body, bad);
    }
}
