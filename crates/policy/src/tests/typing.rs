//! Arguments as policies see them, requests that cannot be expressed, and policies that fail when evaluated.

use interlock_core::workflow::TaskClass;

use super::*;

fn pays(value: Value) -> Case {
    call(|_| {}).arguments(|facts| facts.value = leak(value))
}

/// A permit for `pay` under this condition over its arguments.
fn when(condition: &str) -> String {
    format!(
        "@id(\"p\") permit (principal, action == Interlock::Action::\"call_tool:pay\", resource) \
         when {{ {condition} }};"
    )
}

fn amount() -> Value {
    json!({ "type": "object", "required": ["n"], "properties": { "n": { "type": "integer" } } })
}

#[test]
fn a_policy_that_overflows_denies_and_is_named() {
    let forbid = "@id(\"f\") forbid (principal, action == Interlock::Action::\"call_tool:pay\", resource) \
                  when { context.args.n * 4 > 100 };";
    let guards = load(&format!("{OPEN}{forbid}"), &amount()).unwrap();
    check(&guards, &pays(json!({ "n": 1 })), "allow by open.tool");
    check(&guards, &pays(json!({ "n": 26 })), "deny forbidden by f");
    for n in [i64::MAX, i64::MIN] {
        check(&guards, &pays(json!({ "n": n })), "deny policy_error by f");
    }
    let guards = load(
        &format!("{OPEN}{}", when("context.args.n * 4 > 100")),
        &amount(),
    )
    .unwrap();
    check(
        &guards,
        &pays(json!({ "n": i64::MAX })),
        "deny policy_error by p",
    );
    let answer = pays(json!({ "n": i64::MAX })).evaluate(&guards);
    assert!(!answer.allowed, "though another policy permits it");
}

#[test]
fn arguments_that_do_not_fit_their_types_deny() {
    let schema = json!({
        "type": "object",
        "required": ["n"],
        "properties": {
            "n": { "type": "integer" },
            "rate": { "type": "number" },
            "tags": { "type": "array", "items": { "type": "string" } },
            "to": { "$ref": "#/$defs/account" },
        },
        "$defs": { "account": {
            "type": "object", "required": ["iban"], "properties": { "iban": { "type": "string" } },
        } },
    });
    let guards = load(OPEN, &schema).unwrap();
    let allow = "allow by open.tool";
    let no = "deny policy_error by request";
    for (value, answer) in [
        (json!({ "n": 1 }), allow),
        (json!({ "n": i64::MAX }), allow),
        (json!({ "n": 9_223_372_036_854_775_808_u64 }), no),
        (json!({ "n": 1.5 }), no),
        (json!({ "n": null }), no),
        (json!({ "n": "1" }), no),
        (json!({}), no),
        (json!([]), no),
        (json!({ "n": 1, "rate": 0.1234 }), allow),
        (json!({ "n": 1, "rate": -3 }), allow),
        (json!({ "n": 1, "rate": 0.12345 }), no),
        (json!({ "n": 1, "rate": 1e300 }), no),
        (json!({ "n": 1, "rate": 922_337_203_685_478_i64 }), no),
        (json!({ "n": 1, "tags": [] }), allow),
        (json!({ "n": 1, "tags": ["a", 2] }), no),
        (json!({ "n": 1, "to": { "iban": "x", "more": 1 } }), allow),
        (json!({ "n": 1, "to": {} }), no),
        (json!({ "n": 1, "undeclared": [[]] }), allow),
    ] {
        check(&guards, &pays(value), answer);
    }
}

#[test]
fn policies_read_typed_arguments() {
    let schema = json!({
        "type": "object",
        "required": ["n", "rate", "tags", "to", "now", "kind", "odd name"],
        "properties": {
            "n": { "type": "integer" },
            "rate": { "type": "number" },
            "tags": { "type": "array", "items": { "type": "integer" } },
            "to": { "type": "object", "properties": { "iban": { "type": "string" } } },
            "now": { "type": "boolean" },
            "kind": { "enum": ["a", "b"] },
            "odd name": { "const": 7 },
            "left out": { "type": ["string", "null"] },
            "rows": { "type": "array", "items": { "type": "object" } },
        },
    });
    let value = json!({
        "n": 2, "rate": 2.5, "tags": [1, 2], "to": { "iban": "x" }, "now": true, "kind": "a",
        "odd name": 7, "left out": null, "rows": [{}],
    });
    for (condition, holds) in [
        ("context.args.n == 2", true),
        ("context.args.rate.greaterThan(decimal(\"2.4999\"))", true),
        ("context.args.rate.greaterThan(decimal(\"2.5\"))", false),
        ("context.args.tags.contains(2)", true),
        (
            "context.args.to has iban && context.args.to.iban == \"x\"",
            true,
        ),
        ("context.args.now", true),
        ("context.args.kind == \"b\"", false),
        ("context.args[\"odd name\"] == 7", true),
    ] {
        let guards = load(&when(condition), &schema).unwrap();
        assert_eq!(
            pays(value.clone()).evaluate(&guards).allowed,
            holds,
            "{condition}"
        );
    }
    for absent in [
        "context.args.rows.isEmpty()",
        "context.args[\"left out\"] == \"x\"",
    ] {
        assert!(load(&when(absent), &schema).is_err(), "{absent}");
    }
}

#[test]
fn a_request_outside_the_vocabulary_denies() {
    let guards = open();
    let no = "deny policy_error by request";
    let unknown = |tool: &mut Tool| tool.name = name::<ToolName>("refund").clone();
    check(&guards, &call(unknown), no);
    check(
        &guards,
        &call(|_| {}).with(|context| context.arguments = None),
        no,
    );
    check(&guards, &case(Action::CallTool, Resource::Workflow), no);
    check(&guards, &case(Action::Release, Resource::Workflow), no);
    check(
        &guards,
        &case(Action::StartRun, Resource::Product("keys")),
        no,
    );
    check(
        &guards,
        &case(Action::AuthoriseStanding, Resource::Product("keys")),
        no,
    );
}

#[test]
fn every_circumstance_can_be_read() {
    let label = Label {
        categories: ["pii".parse().unwrap()].into(),
        residency: Allowed::only(["eu".parse().unwrap()]),
        sources: ["input".parse().unwrap()].into(),
        ..Label::unlabelled()
    };
    let asked = case(Action::StartRun, Resource::Workflow)
        .by(PrincipalKind::Service, &["requester", "clerk"])
        .approved("lead", |facts| {
            facts.reached = [("lead".parse().unwrap(), 3)].into()
        })
        .with(|context| {
            context.label = leak(label);
            context.step = Some(name("s"));
            context.class = Some(TaskClass::Triage);
            context.acts_done = 4;
            context.attempt = 2;
            context.downgrades = [interlock_core::pipeline::policy::Downgrade::Strip].into();
        });
    let guard = |text: &str| {
        format!(
            "@id(\"g\") forbid (principal, action == Interlock::Action::\"start_run\", resource) when {{ {text} }};"
        )
    };
    for condition in [
        "principal in Interlock::Role::\"clerk\" && principal is Interlock::Service && !(principal has acts_for)",
        "resource == Interlock::Workflow::\"w\"",
        "context.tenant == \"default\" && context.environment == \"test\" && context.bundle == \"b\"",
        "context.workflow == \"w\" && context has step && context.step == \"s\"",
        "context.risk == Interlock::Risk::\"high\" && context.risk_level == 2",
        "context has class && context.class == Interlock::TaskClass::\"triage\"",
        "context.label.confidentiality == 3 && context.label.categories.contains(\"pii\") && !context.label.trusted",
        "!context.label.residency.any && context.label.residency.regions == [\"eu\"]",
        "!context.label.readers_any && context.label.sources == [\"input\"] && !context.label.has_subjects",
        "context.acts_done == 4 && context.attempt == 2 && !context.incident && !context.halted && !context.exceeds_clearance",
        "context.now == datetime(\"2026-11-20T23:59:59.999Z\") && context.now.toTime() > duration(\"22h\")",
    ] {
        let guards = load(&guard(condition), &json!({})).unwrap();
        let answer = asked.evaluate(&guards);
        let named: Vec<_> = answer
            .determining
            .iter()
            .map(|policy| policy.id.as_str())
            .collect();
        assert_eq!((named, answer.errors), (vec!["g"], vec![]), "{condition}");
    }
    // Lower counts are reached too.
    let lifted = "@id(\"g\") @remedy(\"approval:lead:2\") \
        forbid (principal, action == Interlock::Action::\"start_run\", resource) \
        unless { context has approval && context.approval.fits && !context.approval.expired && \
        !context.approval.by_requester && context.approval.reached.contains(\"lead:2\") };";
    let answer = asked.evaluate(&load(lifted, &json!({})).unwrap());
    assert!(answer.allowed);
}

#[test]
fn the_same_request_has_the_same_answer() {
    let guards = open();
    let fatal = call(|tool| {
        tool.effect = Effect::Irreversible;
        tool.external = true;
    });
    let first = fatal.evaluate(&guards);
    assert_eq!(first.determining.len(), 2);
    for _ in 0..32 {
        assert_eq!(fatal.evaluate(&open()), first);
    }
}
