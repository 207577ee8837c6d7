//! Replies as a table: each reason for which one is not accepted, the error format, and quotes.

use serde_json::json;

use super::*;
use crate::label::FieldLabels;
use crate::pipeline::model::Usage;
use crate::run::RejectReason::{Abstained, Bounds, Cut, NotJson, Quotes, Refused, Schema};

/// An object with a text of at most ten characters, and perhaps quotes.
struct Summary(FieldLabels);

impl Shapes for Summary {
    fn check(&self, _: &SchemaName, value: &Value) -> Result<(), Vec<Violation>> {
        let fits = value["text"]
            .as_str()
            .is_some_and(|text| text.chars().count() <= 10)
            && value
                .as_object()
                .is_some_and(|members| members.keys().all(|k| k == "text" || k == "quotes"));
        let violation = || Violation {
            at: "/text".to_owned(),
            keyword: "maxLength".to_owned(),
            expected: "at most 10 characters".to_owned(),
        };
        if fits { Ok(()) } else { Err(vec![violation()]) }
    }

    fn labels(&self, _: &SchemaName) -> &FieldLabels {
        &self.0
    }

    fn text(&self, _: &SchemaName) -> Option<&Value> {
        None
    }
}

fn judged(text: &str, stop: Stop) -> Result<Value, Rejection> {
    let reply = ModelReply {
        text: text.to_owned(),
        stop,
        usage: Usage::default(),
        request_id: None,
        model: None,
    };
    let shown = json!({"lines": [{"text": "the pump broke at noon"}, {"text": "Österreich — 5 €"}], "count": 7});
    let (flat, nested) = (
        Path::parse("/quotes/*").unwrap(),
        Path::parse("/quotes/*/text").unwrap(),
    );
    let quotes = if text.contains("\"nested\"") {
        &nested
    } else {
        &flat
    };
    let text = text.replace("\"nested\"", "\"text\"");
    let reply = ModelReply { text, ..reply };
    let schema = "summary".parse().unwrap();
    let evidence = [(quotes, vec![&shown])];
    validate(&Summary(FieldLabels::default()), &schema, &reply, &evidence)
        .map(Validated::into_value)
}

/// The reason, and whether the reply is uncertain rather than invalid; `None` where it is accepted.
#[track_caller]
fn check_stopped(text: &str, stop: Stop, expected: Option<(crate::run::RejectReason, bool)>) {
    let found = match judged(text, stop) {
        Ok(_) => None,
        Err(Rejection::Invalid(reason, violations)) => {
            assert!(!violations.is_empty());
            Some((reason, false))
        }
        Err(Rejection::Uncertain(reason, violations)) => {
            assert!(!violations.is_empty());
            Some((reason, true))
        }
    };
    let cut: String = text.chars().take(80).collect();
    assert_eq!(found, expected, "{cut}");
}

#[track_caller]
fn check(text: &str, expected: Option<(crate::run::RejectReason, bool)>) {
    check_stopped(text, Stop::End, expected);
}

#[test]
fn a_reply_that_did_not_end_is_not_read() {
    let good = r#"{"outcome": {"text": "x"}}"#;
    check(good, None);
    check_stopped(good, Stop::Length, Some((Cut, false)));
    check_stopped(good, Stop::Refusal, Some((Refused, true)));
    check_stopped(good, Stop::Other, Some((NotJson, false)));
}

#[test]
fn a_reply_is_one_object_with_the_one_member_outcome() {
    for text in [
        "",
        "null",
        "[]",
        "Sure! {\"outcome\": {\"text\": \"x\"}}",
        "{\"outcome\": {\"text\": \"x\"}} done",
        "```json\n{\"outcome\": {\"text\": \"x\"}}\n```",
        r#"{"text": "x"}"#,
        r#"{"outcome": {"text": "x"}, "confidence": 1.0}"#,
        r#"{"outcome": {"text": "x"}"#,
    ] {
        check(text, Some((NotJson, false)));
    }
    check("\n {\"outcome\": {\"text\": \"x\"}} \n", None);
}

#[test]
fn size_and_nesting_come_before_the_schema() {
    let long = format!(
        r#"{{"outcome": {{"text": "{}"}}}}"#,
        "x".repeat(crate::limits::REPLY_BYTES_MAX)
    );
    check(&long, Some((Bounds, false)));
    let deep = format!(
        r#"{{"outcome": {{"text": {}1{}}}}}"#,
        "[".repeat(40),
        "]".repeat(40)
    );
    check(&deep, Some((Schema, false)));
    let endless = format!(
        r#"{{"outcome": {}1{}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    check(&endless, Some((NotJson, false)));
}

#[test]
fn what_does_not_fit_the_schema_is_invalid() {
    check(r#"{"outcome": {"text": 1}}"#, Some((Schema, false)));
    check(
        r#"{"outcome": {"text": "longer than ten"}}"#,
        Some((Schema, false)),
    );
    check(
        r#"{"outcome": {"text": "x", "extra": true}}"#,
        Some((Schema, false)),
    );
    check(r#"{"outcome": null}"#, Some((Schema, false)));
}

#[test]
fn the_error_format_is_an_abstention_and_anything_like_it_is_not() {
    for code in ERROR_CODES {
        let text = json!({"outcome": {ERROR_MEMBER: {"code": code, "detail": "no"}}}).to_string();
        check(&text, Some((Abstained, true)));
    }
    check(
        r#"{"outcome": {"interlock_error": {"code": "refused"}}}"#,
        Some((Abstained, true)),
    );
    for other in [
        json!({ERROR_MEMBER: {"code": "bored", "detail": "no"}}),
        json!({ERROR_MEMBER: "refused"}),
        json!({ERROR_MEMBER: {"code": "refused", "detail": 5}}),
        json!({ERROR_MEMBER: {"code": "refused", "detail": "x".repeat(501)}}),
        json!({ERROR_MEMBER: {"code": "refused"}, "text": "but here it is"}),
    ] {
        check(
            &json!({"outcome": other}).to_string(),
            Some((Schema, false)),
        );
    }
}

#[test]
fn a_quote_stands_word_for_word_in_one_of_the_texts() {
    for quotes in [
        json!([]),
        json!(["broke at noon"]),
        json!(["the pump", "Österreich — 5 €"]),
        json!([{"nested": "at noon"}]),
    ] {
        check(
            &json!({"outcome": {"text": "x", "quotes": quotes}}).to_string(),
            None,
        );
    }
    for quotes in [
        json!([""]),
        json!(["  \n"]),
        json!(["Broke at noon"]),
        json!(["broke  at noon"]),
        json!(["broke at noonÖsterreich"]),
        json!(["lines"]),
        json!(["7"]),
        json!([7]),
        json!([null]),
        json!(["the pump", "it exploded"]),
        json!([["the pump"]]),
        json!([{"nested": "it exploded"}]),
    ] {
        let text = json!({"outcome": {"text": "x", "quotes": quotes}}).to_string();
        check(&text, Some((Quotes, true)));
    }
    let many = vec!["noon"; crate::limits::QUOTES_MAX + 1];
    check(
        &json!({"outcome": {"text": "x", "quotes": many}}).to_string(),
        Some((Quotes, true)),
    );
}

#[test]
fn a_fault_names_the_place_and_never_the_value() {
    let text = r#"{"outcome": {"text": "x", "quotes": ["hush-hush"]}}"#;
    let Err(Rejection::Uncertain(_, violations)) = judged(text, Stop::End) else {
        panic!()
    };
    assert_eq!(violations.len(), 1);
    assert_eq!(violations[0].at, "/quotes/* (0)");
    assert!(!format!("{violations:?}").contains("hush"));
}
