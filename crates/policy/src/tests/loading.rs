//! Every refusal at load, with its place in the file; and what loading gives when nothing is wrong.

use super::*;

/// Loads these policies and expects one problem: its message and the text that it points at.
#[track_caller]
fn check(text: &str, message: &str, at: &str) {
    let tool = json!({ "type": "object", "properties": { "n": { "type": "integer" } } });
    let problems = load(text, &tool).unwrap_err();
    let [problem] = problems.as_slice() else {
        panic!("{problems:#?}")
    };
    assert_eq!(problem.file, "policies/action.cedar");
    assert!(problem.message.starts_with(message), "{problem:#?}");
    assert!(!problem.hint.is_empty());
    let pointed = text
        .get(problem.offset..problem.offset + problem.length)
        .unwrap();
    assert!(
        pointed.starts_with(at),
        "points at `{pointed}`: {problem:#?}"
    );
    assert!(!at.is_empty() || pointed.is_empty(), "{problem:#?}");
}

const FORBID: &str = "forbid (principal, action, resource)";
const GOOD: &str = "context has approval && context.approval.fits && !context.approval.expired \
                    && !context.approval.by_requester";

#[test]
fn what_is_not_a_policy() {
    check(
        "\n// here\nforbid (principal action, resource);",
        "parse a policy: ",
        "action",
    );
    check(&format!("@id(\"a\") {FORBID}"), "parse a policy: ", "");
    check(
        "@id(\"a\") forbid (principal == ?principal, action, resource);",
        "load a policy: it is a template",
        "?",
    );
    check(
        &format!("{FORBID};"),
        "load a policy: it has no `@id`",
        "forbid",
    );
    // A semicolon in a string or comment ends nothing.
    let text = format!("// no; end\n@id(\"a;\\\"b\") {FORBID};");
    check(&text, "load policy `a;\"b`: not a name", "@id");
    check(
        &format!("@id(\"request\") {FORBID};"),
        "load policy `request`: not a name",
        "@id",
    );
}

#[test]
fn an_id_is_taken_once_over_base_operator_and_bundle() {
    for taken in ["env.halted", "twice"] {
        let text = format!(
            "@id(\"twice\") {FORBID} when {{ context.incident }};\n\
             @id(\"{taken}\") {FORBID} when {{ context.halted }};"
        );
        check(
            &text,
            &format!("load policy `{taken}`: its id is taken in"),
            "@id",
        );
        let problem = load(&text, &json!({})).unwrap_err().remove(0);
        assert!(problem.offset > 20, "the later one is refused");
    }
    let policy = format!("@id(\"house\") {FORBID} when {{ context.incident }};");
    let files = [source("o.cedar", Layer::Environment, &policy)];
    let bundle = [source("b.cedar", Layer::Environment, &policy)];
    let problems = CedarGuards::load(&files, &bundle, &[]).unwrap_err();
    assert_eq!(
        problems.iter().map(|p| p.file.as_str()).collect::<Vec<_>>(),
        ["b.cedar"]
    );
}

#[test]
fn annotations_are_known_and_say_the_truth() {
    let with =
        |annotation: &str| format!("@id(\"a\") {annotation} {FORBID} when {{ context.incident }};");
    check(
        &with("@layer(\"data\")"),
        "load policy `a`: `@layer(\"data\")` in a file",
        "@layer",
    );
    check(
        &with("@remdy(\"step_up:mfa\")"),
        "load policy `a`: unknown annotation `@remdy`",
        "@remdy",
    );
    for bad in [
        "approval:x",
        "approval:x:0",
        "approval:x:01",
        "approval:x:11",
        "approval:X:1",
        "step_up:sms",
        "downgrade:hide",
        "",
    ] {
        let message = format!("load policy `a`: no remedy is written `{bad}`");
        check(&with(&format!("@remedy(\"{bad}\")")), &message, "@remedy");
    }
    assert!(load(&with("@layer(\"action\") @reason(\"why\")"), &json!({})).is_ok());
}

#[test]
fn a_permit_names_its_actions_and_reads_no_remedy() {
    check(
        "@id(\"a\") permit (principal, action, resource);",
        "load policy `a`: it permits every action",
        "permit",
    );
    check(
        "@id(\"a\") permit (principal, action, resource) when { !context.halted };",
        "load policy `a`: it permits every action",
        "permit",
    );
    let release = "(principal, action == Interlock::Action::\"release\", resource)";
    check(
        &format!(
            "@id(\"a\") @remedy(\"step_up:mfa\") permit {release} when {{ context.step_up }};"
        ),
        "load policy `a`: a permit has a remedy",
        "@remedy",
    );
    for fact in ["step_up", "standing"] {
        check(
            &format!("@id(\"a\") permit {release} when {{ context.{fact} }};"),
            &format!("load policy `a`: it reads `context.{fact}`"),
            "context",
        );
    }
    check(
        &format!("@id(\"a\") permit {release} when {{ {GOOD} }};"),
        "load policy `a`: it reads `context.approval`",
        "context.approval",
    );
}

#[test]
fn a_remedy_and_what_its_forbid_reads_go_together() {
    let with = |annotation: &str, unless: &str| {
        format!(
            "@id(\"a\") {annotation} {FORBID} when {{ context.incident }} unless {{ {unless} }};"
        )
    };
    let mismatch = "load policy `a`: its remedy is not what its conditions read";
    let ask = "@remedy(\"approval:lead:2\")";
    for (annotation, unless) in [
        (ask, "context.acts_done == 0".to_owned()),
        (
            ask,
            "context has approval && context.approval.count >= 2".to_owned(),
        ),
        (ask, GOOD.to_owned()),
        (
            ask,
            format!("{GOOD} && context.approval.reached.contains(\"lead:1\")"),
        ),
        (
            ask,
            format!("{GOOD} && context.approval.reached.contains(\"owner:2\")"),
        ),
        (
            "@remedy(\"step_up:mfa\")",
            "context.acts_done == 0".to_owned(),
        ),
        (
            "@remedy(\"downgrade:redact\")",
            "context.acts_done == 0".to_owned(),
        ),
        (
            "@remedy(\"downgrade:redact\")",
            "context.downgrades.contains(\"redact\")".to_owned(),
        ),
    ] {
        check(&with(annotation, &unless), mismatch, "@remedy");
    }
    for (annotation, unless, fact) in [
        ("", GOOD, "approval"),
        ("", "context has approval", "approval"),
        ("", "context[\"step_up\"]", "step_up"),
        ("", "context.downgrades.contains(\"redact\")", "downgrades"),
        ("", "context.standing", "standing"),
        (
            "@remedy(\"step_up:mfa\")",
            "context.step_up || context.standing",
            "standing",
        ),
        (
            "@remedy(\"downgrade:strip\")",
            "context.step_up || !context.exceeds_clearance",
            "step_up",
        ),
    ] {
        let at = if unless.contains(&format!("context.{fact}")) {
            "context"
        } else {
            "@id"
        };
        check(
            &with(annotation, unless),
            &format!("load policy `a`: it reads `context.{fact}`"),
            at,
        );
    }
    check(
        &with("", "[context].contains(context)"),
        "load policy `a`: it uses `context`",
        "context",
    );
    for (annotation, unless) in [
        (
            ask,
            format!("{GOOD} && context.approval.reached.contains(\"lead:2\")"),
        ),
        (
            ask,
            format!("context.standing || ({GOOD} && context.approval.count >= 2)"),
        ),
        ("@remedy(\"step_up:mfa\")", "context.step_up".to_owned()),
        (
            "@remedy(\"downgrade:redact\")",
            "!context.exceeds_clearance".to_owned(),
        ),
        (
            "@remedy(\"downgrade:strip\")",
            "context.label.confidentiality == 0".to_owned(),
        ),
    ] {
        let loaded = load(&with(annotation, &unless), &json!({}));
        // The review of a vote and a release differ in nothing that these read.
        assert!(loaded.is_ok(), "{:#?}", loaded.err());
    }
}

#[test]
fn what_could_never_apply_or_means_something_else() {
    let a = |text: &str| format!("@id(\"a\") {text};");
    let invalid = "validate policy `a`: ";
    for (text, at) in [
        (
            "forbid (principal, action == Interlock::Action::\"call_modle\", resource)",
            "Interlock::Action::\"call_modle\"",
        ),
        (
            "forbid (principal, action == Interlock::Action::\"call_tool\", resource)",
            "",
        ),
        (
            "forbid (principal, action == Interlock::Action::\"call_tool:refund\", resource)",
            "Interlock::Action",
        ),
        (
            "forbid (principal, action in Interlock::Action::\"call_tool\", resource) when { resource.effect == Interlock::Effect::\"fatal\" }",
            "Interlock::Effect",
        ),
        (
            "forbid (principal, action in Interlock::Action::\"call_tool\", resource) when { context.args.n > 1 }",
            "context.args.n",
        ),
        (
            "forbid (principal, action == Interlock::Action::\"call_tool:pay\", resource) when { context.args.n > 1 }",
            "context.args.n",
        ),
        (
            "forbid (principal, action == Interlock::Action::\"call_tool:pay\", resource) when { context.args has n && context.args.n > \"1\" }",
            "\"1\"",
        ),
        (
            "forbid (principal, action, resource) when { context.risk == \"high\" }",
            "context.risk",
        ),
        (
            "forbid (principal, action, resource) when { context.colour == 1 }",
            "context.colour",
        ),
        (
            "forbid (principal, action == Interlock::Action::\"release\", resource is Interlock::Tool)",
            "",
        ),
        (
            "forbid (principal, action, resource) when { context.incident && false }",
            "",
        ),
    ] {
        let text = a(text);
        let problems = load(
            &text,
            &json!({ "type": "object", "properties": { "n": { "type": "integer" } } }),
        )
        .unwrap_err();
        let [problem] = problems.as_slice() else {
            panic!("{problems:#?}")
        };
        assert!(problem.message.starts_with(invalid), "{problem:#?}");
        let pointed = text
            .get(problem.offset..problem.offset + problem.length)
            .unwrap();
        assert!(
            pointed.starts_with(at),
            "points at `{pointed}`: {problem:#?}"
        );
    }
    let other = "forbid (principal, action in Interlock::Action::\"call_tool\", resource == Interlock::Tool::\"refund\")";
    check(
        &a(other),
        "load policy `a`: no tool `refund` in this bundle",
        "refund",
    );
    // The operator's are about every bundle.
    let house = [source("o.cedar", Layer::Action, &a(other))];
    assert!(CedarGuards::load(&house, &[], &[]).is_ok());
}

#[test]
fn more_policies_than_the_bound() {
    let one = |n: usize| format!("@id(\"p{n}\") {FORBID} when {{ context.attempt == {n} }};\n");
    let text: String = (0..1000).map(one).collect();
    let problems = load(&text, &json!({})).unwrap_err();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].message, "load policies: more than 1000");
}

#[test]
fn the_version_is_of_the_texts_and_types_and_of_nothing_else() {
    let plain = || {
        source(
            "a/x.cedar",
            Layer::Data,
            &format!("@id(\"x\") {FORBID} when {{ context.incident }};"),
        )
    };
    let other = || {
        source(
            "a/y.cedar",
            Layer::Data,
            &format!("@id(\"y\") {FORBID} when {{ context.incident }};"),
        )
    };
    let version =
        |operator: &[PolicySource], bundle: &[PolicySource], tools: &[ToolArguments<'_>]| {
            let guards = CedarGuards::load(operator, bundle, tools).unwrap();
            (guards.version(), guards.policies())
        };
    let base = version(&[plain(), other()], &[], &[]);
    assert_eq!(
        base,
        version(&[other(), plain()], &[], &[]),
        "the order of files does not matter"
    );
    let moved = PolicySource {
        file: "elsewhere.cedar".to_owned(),
        ..plain()
    };
    assert_eq!(base, version(&[moved, other()], &[], &[]));
    assert!(base.1.is_sorted());
    let tool: &ToolName = name("pay");
    let typed = |schema| version(&[plain(), other()], &[], &[ToolArguments { tool, schema }]).0;
    let edited = PolicySource {
        text: format!("{} // why", plain().text),
        ..plain()
    };
    let all = [
        base.0,
        version(&[plain()], &[other()], &[]).0,
        version(&[edited, other()], &[], &[]).0,
        typed(&json!({ "type": "object" })),
        typed(&json!({ "type": "object", "properties": { "n": { "type": "integer" } } })),
    ];
    assert_eq!(
        BTreeSet::from(all).len(),
        all.len(),
        "each change is another version"
    );
}

#[test]
fn what_the_documentation_shows_can_be_loaded() {
    let page = include_str!("../../../../docs/policy.md");
    let schema = json!({
        "type": "object", "required": ["amount"], "properties": { "amount": { "type": "integer" } },
    });
    let tool: &ToolName = name("schedule_payment_bank");
    let shown: String = page
        .split("```cedar\n")
        .skip(1)
        .filter_map(|rest| rest.split_once("```").map(|(block, _)| block))
        .collect();
    let files = [source("docs/policy.md", Layer::Action, &shown)];
    let loaded = CedarGuards::load(
        &[],
        &files,
        &[ToolArguments {
            tool,
            schema: &schema,
        }],
    );
    let guards = loaded.unwrap();
    assert!(guards.policies().len() > 20);
    // And the table of the base lists each of its policies.
    for id in CedarGuards::load(&[], &[], &[]).unwrap().policies() {
        assert!(page.contains(&format!("| `{id}` |")), "{id}");
    }
}
