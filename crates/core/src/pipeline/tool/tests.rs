//! An act's digest: any change of anything that it binds makes another, and one spelling makes one.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::label::{Allowed, Confidentiality, Integrity};

#[derive(Clone, Debug, PartialEq)]
struct Bound {
    key: [u8; 32],
    run: [u8; 16],
    act: [u8; 16],
    policy: [u8; 32],
    step: String,
    tool: String,
    arguments: Value,
    label: Label,
}

impl Bound {
    fn new() -> Self {
        let label = Label {
            confidentiality: Confidentiality::Internal,
            residency: Allowed::only(["eu".parse().unwrap()]),
            sources: ["input".parse().unwrap()].into(),
            ..Label::literal()
        };
        Self {
            key: [1; 32],
            run: [2; 16],
            act: [3; 16],
            policy: [4; 32],
            step: "pay".to_owned(),
            tool: "schedule_payment".to_owned(),
            arguments: json!({"to": "DE02 1203", "amount": 4999, "memo": "ok"}),
            label,
        }
    }

    fn digest(&self) -> Digest {
        act_digest(
            &ActKey::from_bytes(self.key),
            &ActFacts {
                run: RunId::from_bytes(self.run),
                step: &self.step.parse().unwrap(),
                act: ActId::from_bytes(self.act),
                tool: &self.tool.parse().unwrap(),
                arguments: &self.arguments,
                label: &self.label,
                policy: Digest::from_bytes(self.policy),
            },
        )
    }
}

#[track_caller]
fn check(name: &str, change: impl FnOnce(&mut Bound)) {
    let mut bound = Bound::new();
    change(&mut bound);
    assert_ne!(bound.digest(), Bound::new().digest(), "{name}");
}

#[test]
fn every_part_is_bound() {
    check("step", |b| b.step.push('s'));
    check("tool", |b| b.tool.push('s'));
    check("a byte moved from step to tool", |b| {
        (b.step, b.tool) = ("pa".into(), "yschedule_payment".into())
    });
    check("a number as text", |b| {
        b.arguments["amount"] = json!("4999")
    });
    check("a number as float", |b| {
        b.arguments["amount"] = json!(4999.0)
    });
    check("one more", |b| b.arguments["amount"] = json!(5000));
    check("a member more", |b| b.arguments["cc"] = Value::Null);
    check("a member less", |b| {
        drop(b.arguments.as_object_mut().unwrap().remove("memo"))
    });
    check("integrity", |b| b.label.integrity = Integrity::Untrusted);
    check("confidentiality", |b| {
        b.label.confidentiality = Confidentiality::Public
    });
    check("nowhere is not anywhere", |b| {
        b.label.residency = Allowed::Only([].into())
    });
    check("anywhere", |b| b.label.residency = Allowed::Any);
    check("readers", |b| {
        b.label.readers = Allowed::only(["eu".parse().unwrap()])
    });
    check("category", |b| {
        b.label.categories.extend(["pii".parse().unwrap()])
    });
    check("source", |b| b.label.sources.clear());
    check("subject", |b| {
        b.label
            .subjects
            .extend([crate::id::SubjectId::from_bytes([1; 16])])
    });
}

#[test]
fn one_value_has_one_spelling() {
    let spelled = |text: &str| canonical_json(&serde_json::from_str(text).unwrap());
    assert_eq!(
        spelled(r#"{ "b": [1, {"y": "\u00e9", "x": null}], "a": "\"" }"#),
        r#"{"a":"\"","b":[1,{"x":null,"y":"é"}]}"#
    );
    assert_eq!(
        spelled(r#"{"a": 1, "b": 2}"#),
        spelled(r#"{"b": 2, "a": 1}"#)
    );
    assert_ne!(spelled("[1, 2]"), spelled("[2, 1]"));
}

proptest! {
    #[test]
    fn any_byte_changed_is_another_act(place in 0..96usize, bit in 0..8u8) {
        let mut bound = Bound::new();
        let flip = 1 << bit;
        match place {
            0..32 => bound.key[place] ^= flip,
            32..48 => bound.run[place - 32] ^= flip,
            48..64 => bound.act[place - 48] ^= flip,
            _ => bound.policy[place - 64] ^= flip,
        }
        prop_assert_ne!(bound.digest(), Bound::new().digest());
    }

    #[test]
    fn any_byte_of_the_arguments_changed_is_another_act(at: prop::sample::Index, with in 0x20..0x7fu8) {
        let mut bound = Bound::new();
        let mut bytes = canonical_json(&bound.arguments).into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = with;
        // Bytes that are no arguments, or spell the same ones, are not a change of them.
        let Ok(changed) = serde_json::from_slice::<Value>(&bytes) else { return Ok(()) };
        prop_assume!(changed != bound.arguments);
        bound.arguments = changed;
        prop_assert_ne!(bound.digest(), Bound::new().digest());
    }
}
