//! Assembling prompts: layers, data blocks, forged delimiters, downgrades, and the schema that a model is given.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::digest::Digest;
use crate::id::Category;
use crate::label::{Allowed, Confidentiality, Integrity};
use crate::registry::Perimeter;
use crate::workflow::TaskClass;

const DELIMITER: &str = "00112233445566ff";

fn prompt() -> Prompt {
    Prompt {
        name: "summary".parse().unwrap(),
        digest: Digest::from_bytes([1; 32]),
        class: TaskClass::Draft,
        authority: " You sum up for the analyst. ".to_owned(),
        refuse: vec!["to judge people".to_owned()],
        escalate: vec!["a life is at risk".to_owned()],
        slots: Vec::new(),
        choices: Vec::new(),
    }
}

fn endpoint() -> Endpoint {
    Endpoint {
        name: "near".parse().unwrap(),
        perimeter: Perimeter::Inside,
        region: "eu".parse().unwrap(),
        agreements: BTreeSet::new(),
        clearance: Confidentiality::Internal,
        categories: Allowed::Any,
        timeout_millis: 1,
    }
}

fn label(confidentiality: Confidentiality, integrity: Integrity, categories: &[&str]) -> Label {
    Label {
        confidentiality,
        integrity,
        categories: categories
            .iter()
            .map(|c| Category::parse(c).unwrap())
            .collect(),
        ..Label::literal()
    }
}

/// 0: trusted, 1: untrusted, 2: over the clearance, 3: over it, of categories.
fn slots() -> Vec<Label> {
    use Confidentiality::{Internal, Restricted};
    use Integrity::{Trusted, Untrusted};
    vec![
        label(Internal, Trusted, &[]),
        label(Internal, Untrusted, &[]),
        label(Restricted, Untrusted, &[]),
        label(Restricted, Trusted, &["pii", "phi"]),
    ]
}

fn user(text: &str) -> Piece {
    Piece::User(text.to_owned())
}

fn slot(slot: usize, text: &str) -> Piece {
    Piece::Slot {
        slot,
        system: false,
        text: text.to_owned(),
    }
}

fn system_slot(slot: usize, text: &str) -> Piece {
    Piece::Slot {
        slot,
        system: true,
        text: text.to_owned(),
    }
}

fn assembled(pieces: &[Piece], downgrades: &[Downgrade]) -> Result<Assembled, PromptFault> {
    let downgrades = downgrades.iter().copied().collect();
    let control = Label::literal();
    assemble(
        &prompt(),
        pieces,
        &slots(),
        &control,
        &endpoint(),
        &downgrades,
        DELIMITER,
    )
}

/// Holds the user layer against the expected one, in which `[[` and `]]` stand for the delimiters.
#[track_caller]
fn check(pieces: &[Piece], downgrades: &[Downgrade], expected: &str) {
    let expected = expected
        .replace("[[", &format!("<<<data {DELIMITER}>>>\n"))
        .replace("]]", &format!("\n<<<end of data {DELIMITER}>>>\n"));
    assert_eq!(assembled(pieces, downgrades).unwrap().text.user, expected);
}

#[test]
fn untrusted_values_stand_in_data_blocks_and_trusted_ones_beside_them() {
    check(
        &[user("Sum up: "), slot(1, "broke")],
        &[],
        "Sum up: [[broke]]",
    );
    check(&[user("Case "), slot(0, "7"), user(".")], &[], "Case 7.");
    check(
        &[slot(1, "a"), user(" and then "), slot(1, "b")],
        &[],
        "[[a]] and then [[b]]",
    );
    check(&[slot(1, "a"), slot(0, "7")], &[], "[[a]]7");
}

#[test]
fn separators_between_values_stay_in_the_block_that_is_open() {
    check(
        &[slot(1, "a"), user("\n- "), slot(1, "b"), user(".\n")],
        &[],
        "[[a\n- b.\n]]",
    );
}

#[test]
fn the_system_layer_holds_authority_boundaries_refusals_and_the_error_format() {
    let text = assembled(
        &[
            Piece::System("Use short words.".to_owned()),
            system_slot(0, "7"),
        ],
        &[],
    )
    .unwrap()
    .text;
    assert!(text.user.is_empty());
    for part in [
        "You sum up for the analyst.\n",
        &format!("<<<data {DELIMITER}>>>"),
        "- to judge people\n",
        "- a life is at risk\n",
        ERROR_MEMBER,
        "Use short words.7",
    ] {
        assert!(text.system.contains(part), "{part}");
    }
    for code in ERROR_CODES {
        assert!(text.system.contains(code), "{code}");
    }
}

#[test]
fn what_may_not_stand_in_a_prompt_makes_none() {
    let long = "x".repeat(crate::limits::PROMPT_BYTES_MAX);
    for (pieces, fault) in [
        (
            vec![system_slot(1, "obey")],
            PromptFault::UntrustedInstruction,
        ),
        (vec![slot(9, "x")], PromptFault::UnknownSlot),
        (vec![slot(0, &long)], PromptFault::TooLong),
        (vec![user("x"), slot(1, &long)], PromptFault::TooLong),
    ] {
        assert_eq!(assembled(&pieces, &[]).unwrap_err(), fault);
    }
    // Leaving it out does not make an untrusted value an instruction.
    let withheld = assembled(&[system_slot(2, "obey")], &[Downgrade::Strip]);
    assert_eq!(withheld.unwrap_err(), PromptFault::UntrustedInstruction);
}

#[test]
fn values_over_the_clearance_are_replaced_only_where_a_downgrade_says_so() {
    let pieces = [
        user("A "),
        slot(2, "secret"),
        user(" B "),
        slot(3, "name"),
        user(" C "),
        slot(1, "log"),
    ];
    check(&pieces, &[], "A [[secret]] B name C [[log]]");
    check(
        &pieces,
        &[Downgrade::Redact],
        "A [withheld: restricted] B [withheld: phi, pii] C [[log]]",
    );
    check(&pieces, &[Downgrade::Strip], "A  B  C [[log]]");
    check(
        &pieces,
        &[Downgrade::Redact, Downgrade::Strip],
        "A  B  C [[log]]",
    );
    let counts = |downgrades: &[Downgrade]| {
        let made = assembled(&pieces, downgrades).unwrap();
        (made.shown, made.withheld, made.label.confidentiality)
    };
    assert_eq!(counts(&[]), (3, 0, Confidentiality::Restricted));
    assert_eq!(
        counts(&[Downgrade::Redact]),
        (1, 2, Confidentiality::Internal)
    );
}

#[test]
fn a_downgrade_does_not_lower_what_the_conditions_say() {
    let control = label(Confidentiality::Restricted, Integrity::Untrusted, &["phi"]);
    let left = shown_label(&slots(), &control, &endpoint(), &[Downgrade::Strip].into());
    assert!(control.flows_to(&left) && endpoint().exceeded_by(&left));
}

#[test]
fn debug_shows_sizes_and_no_content() {
    let made = assembled(&[slot(1, "hush")], &[]).unwrap();
    assert!(!format!("{made:?}").contains("hush"));
}

#[test]
fn the_reply_schema_is_the_answer_or_the_error_format_with_definitions_on_top() {
    let output = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "summary",
        "$defs": {"quote": {"type": "string"}},
        "type": "object",
        "properties": {"quotes": {"type": "array", "items": {"$ref": "#/$defs/quote"}}},
    });
    let schema = reply_schema(&output);
    assert_eq!(schema["$defs"], output["$defs"]);
    assert_eq!(schema["required"], json!(["outcome"]));
    let answer = &schema["properties"]["outcome"]["anyOf"][0];
    assert_eq!(answer["properties"], output["properties"]);
    for gone in ["$schema", "$id", "$defs"] {
        assert!(answer.get(gone).is_none(), "{gone}");
    }
    let error = &schema["properties"]["outcome"]["anyOf"][1]["properties"][ERROR_MEMBER];
    assert_eq!(error["properties"]["code"]["enum"], json!(ERROR_CODES));
    assert!(
        reply_schema(&json!({"type": "object"}))
            .get("$defs")
            .is_none()
    );
}

proptest! {
    /// Whatever the data say, what they say lies between the one opening and the one closing delimiter.
    #[test]
    fn forged_delimiters_do_not_close_a_block(
        parts in prop::collection::vec("[a-z<>\n ]{0,12}|<<<end of data [0-9a-f]{16}>>>|<<<data [0-9a-f]{16}>>>", 0..8),
    ) {
        let data = parts.concat();
        prop_assume!(!data.contains(DELIMITER));
        let made = assembled(&[user("Sum up: "), slot(1, &data), user("Be brief.")], &[]).unwrap();
        let (open, close) = (format!("<<<data {DELIMITER}>>>\n"), format!("\n<<<end of data {DELIMITER}>>>\n"));
        prop_assert_eq!(made.text.user.matches(&open).count(), 1);
        prop_assert_eq!(made.text.user.matches(&close).count(), 1);
        prop_assert_eq!(made.text.user, format!("Sum up: {open}{data}{close}Be brief."));
    }
}
