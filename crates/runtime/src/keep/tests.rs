//! What is kept and marked, by label: rules, positions, tokens and what stands for a value. And that without the key of
//! the person nobody makes the tokens again.

use std::collections::BTreeSet;
use std::sync::Arc;

use interlock_core::id::{Category, EnvironmentName, PayloadId, RunId, SubjectId, TenantName};
use interlock_core::label::{Confidentiality, FieldLabels, Label, Path};
use interlock_core::run::{Parts, Slot, Span};
use interlock_core::time::Timestamp;
use serde_json::{Value, json};

use super::token::{secret, token};
use super::*;
use crate::clock::{SeededEntropy, SystemClock};
use crate::codec::Kept;
use crate::keys::{FileKeys, Keys, KeysParts};
use crate::seal::{
    KeyBook, KeyName, MarkKeys, MarkedBy, MemoryKeyBook, PayloadSealer, Place, SealFault, Sealer,
    Terms,
};

mod tokens;

fn label(confidentiality: Confidentiality, categories: &[&str]) -> Label {
    Label {
        confidentiality,
        categories: names(categories),
        ..Label::literal()
    }
}

fn names(categories: &[&str]) -> BTreeSet<Category> {
    let parse = |name: &&str| Category::parse(name).unwrap();
    categories.iter().map(parse).collect()
}

fn rule(on: On, keep: Kept) -> KeepRule {
    KeepRule {
        on,
        slots: KeepRules::SLOTS.to_vec(),
        keep,
    }
}

fn fields(declared: &[(&str, &[&str])]) -> Parts {
    let internal = Confidentiality::Internal;
    let declared = declared
        .iter()
        .map(|(path, categories)| (Path::parse(path).unwrap(), label(internal, categories)));
    Parts {
        fields: FieldLabels::new(declared.collect()),
        ..Parts::default()
    }
}

fn found(content: &Value, parts: &Parts) -> Marks {
    let names = Names::default().with(parts);
    let found = find(content, parts, &names, &Vocabulary::default());
    Marks::of(&found, &[zeroize::Zeroizing::new([7; 32])])
}

#[track_caller]
fn check(rules: &[KeepRule], slot: Slot, label: &Label, kept: Kept) {
    let rules = KeepRules::new(rules.to_vec());
    assert_eq!(rules.choose(slot, label).kept, kept, "{slot:?} {label:?}");
}

#[test]
fn the_strictest_rule_is_followed_and_what_none_speaks_of_is_not_kept() {
    use Confidentiality::{Internal, Restricted};
    let phi = || On::Categories(names(&["phi"]));
    let prompt = Slot::Prompt;
    check(&[], prompt, &label(Restricted, &["phi"]), Kept::Full);
    let masked = [rule(phi(), Kept::Masked)];
    check(&masked, prompt, &label(Internal, &["phi"]), Kept::Masked);
    check(&masked, prompt, &label(Internal, &[]), Kept::Full);
    check(&masked, prompt, &label(Internal, &["new"]), Kept::Digest);
    check(
        &masked,
        prompt,
        &label(Internal, &["new", "phi"]),
        Kept::Digest,
    );
    let more = [rule(phi(), Kept::Masked), rule(On::AnyCategory, Kept::Full)];
    check(&more, prompt, &label(Internal, &["new"]), Kept::Full);
    check(
        &more,
        prompt,
        &label(Internal, &["new", "phi"]),
        Kept::Masked,
    );
    let both = [rule(phi(), Kept::Full), rule(phi(), Kept::Digest)];
    check(&both, prompt, &label(Internal, &["phi"]), Kept::Digest);
    let secret = [rule(On::Confidentiality(Restricted), Kept::Digest)];
    check(&secret, prompt, &label(Restricted, &[]), Kept::Digest);
    check(&secret, prompt, &label(Internal, &["phi"]), Kept::Full);
    // What a run needs is in full whatever a rule would say; these cannot be configured.
    for slot in [Slot::Input, Slot::Output, Slot::Content, Slot::Release] {
        let mut all = rule(On::AnyCategory, Kept::Digest);
        all.slots = vec![slot];
        check(&[all], slot, &label(Restricted, &["phi"]), Kept::Full);
    }
}

#[test]
fn marks_are_places_categories_and_tokens() {
    let parts = fields(&[
        ("", &[]),
        ("/people/*/name", &["pii"]),
        ("/people/*/age", &["pii"]),
        ("/card", &["pci"]),
    ]);
    let content = json!({
        "people": [{"name": "Ann Canary", "age": 41}, {"name": "Bo Canary", "age": 41}],
        "card": {"Ann Canary": "4111111111111111", "number": 4111111111111111_u64},
        "note": "nothing of note",
    });
    let marks = found(&content, &parts);
    let places: Vec<(&str, usize)> = marks
        .marks
        .iter()
        .map(|mark| (mark.at.as_str(), mark.tok.len()))
        .collect();
    assert_eq!(
        places,
        [
            ("/card/*", 1),
            ("/people/0/age", 0),
            ("/people/0/name", 1),
            ("/people/1/age", 0),
            ("/people/1/name", 1),
        ]
    );
    let text = serde_json::to_string(&marks).unwrap();
    for raw in ["Canary", "4111", "41\"", "nothing"] {
        assert!(!text.contains(raw), "{raw}: {text}");
    }
}

#[test]
fn what_nobody_labelled_is_marked_as_secret() {
    let marks = found(&json!({"a": "some text"}), &Parts::default());
    let [mark] = marks.marks.as_slice() else {
        panic!("one mark");
    };
    assert_eq!(mark.cat, ["restricted"]);
    assert_eq!(mark.at, "/*", "and its name is nobody's either");
}

#[test]
fn more_marks_than_the_bound_are_counted() {
    let items: Vec<String> = (0..600).map(|n| format!("person {n}")).collect();
    let marks = found(&json!({ "people": items }), &fields(&[("", &["pii"])]));
    assert_eq!((marks.marks.len(), marks.left_out), (512, 88));
}

#[test]
fn a_known_value_is_found_where_a_text_repeats_it() {
    let pii = label(Confidentiality::Internal, &["pii"]);
    let known = [("Ann Canary".to_owned(), pii.clone())].into();
    let vocabulary = Vocabulary::new(known, 0);
    let parts = fields(&[("", &[])]);
    let content = json!({"reason": "Ann Canary called, and Ann Canary is right"});
    let names = Names::default().with(&parts);
    let told = find(&content, &parts, &names, &vocabulary);
    let key = [7; 32];
    let marks = Marks::of(&told, &[zeroize::Zeroizing::new(key)]);
    let [mark] = marks.marks.as_slice() else {
        panic!("one mark, however often: {marks:?}");
    };
    assert_eq!(
        mark.tok,
        [token(&key, &secret(&json!("Ann Canary")).unwrap())]
    );
    let rules = KeepRules::new(vec![rule(On::AnyCategory, Kept::Masked)]);
    let keeping = rules.choose(Slot::Reason, &pii);
    let masked = mask(&content, &parts, &keeping, &vocabulary, &key);
    let stand_in = format!("[pii:{}]", mark.tok[0]);
    assert_eq!(
        masked,
        json!({"reason": format!("{stand_in} called, and {stand_in} is right")})
    );
}

#[test]
fn values_within_a_prompt_are_replaced_whole() {
    let text = "To Ann Canary, born 1999: \u{e9}t\u{e9} 4111 1111.";
    let at = |part: &str, slot: usize| Span {
        member: "user",
        start: text.find(part).unwrap(),
        end: text.find(part).unwrap() + part.len(),
        slot,
    };
    let internal = Confidentiality::Internal;
    let parts = Parts {
        fields: FieldLabels::new(vec![(Path::root(), Label::literal())]),
        slots: vec![label(internal, &["pii"]), label(internal, &["pci"])],
        // The third begins within the second.
        spans: vec![
            at("Ann Canary", 0),
            at("\u{e9}t\u{e9} 4111", 1),
            at("4111 1111", 1),
        ],
    };
    let only = |category: &str| On::Categories(names(&[category]));
    let rules = KeepRules::new(vec![
        rule(only("pii"), Kept::Full),
        rule(only("pci"), Kept::Masked),
    ]);
    let keeping = rules.choose(Slot::Prompt, &label(internal, &["pii", "pci"]));
    let content = json!({"system": "Be kind.", "user": text});
    let masked = mask(&content, &parts, &keeping, &Vocabulary::default(), &[7; 32]);
    let user = masked["user"].as_str().unwrap();
    assert!(
        user.starts_with("To Ann Canary, born 1999: [pci:"),
        "{user}"
    );
    assert!(
        !user.contains("4111") && !user.contains("1111") && user.ends_with("]."),
        "{user}"
    );
    assert_eq!(masked["system"], "Be kind.");
}
