//! What an expression reads is what it could ever show: filters, conditions and loops lose nothing. Evaluation is
//! strict, and agrees with MiniJinja wherever both have an answer.

use std::collections::BTreeSet;

use minijinja::machinery::parse_expr;
use proptest::prelude::*;
use serde_json::{Value, json};

use interlock_core::id::StepName;
use interlock_core::seams::{Piece, Scope, TemplateFault};
use interlock_core::workflow::Root;

use super::compose::{compose, evaluate};
use super::evaluate::Frame;
use super::expression::compile;
use super::prompt::PromptTemplate;
use crate::node::parse;
use crate::problem::Report;
use crate::reader::Reader;

fn scope() -> Scope {
    Scope {
        inputs: json!({"a": 3, "b": "text", "list": [1, 2, 3], "deep": {"x": [{"y": "first"}, {"y": "second"}]}, "none": null}),
        outputs: [(
            StepName::parse("one").unwrap(),
            json!({"quotes": [{"text": "q"}], "ok": true}),
        )]
        .into(),
        run: json!({"id": "run_1", "started": "2026-01-01T00:00:00Z"}),
    }
}

fn value(text: &str) -> Result<Value, TemplateFault> {
    let compiled =
        compile(&parse_expr(text).unwrap(), &[], text).unwrap_or_else(|r| panic!("{text}: {r:?}"));
    Frame::new(&scope())
        .evaluate(&compiled)
        .map(|value| value.into_owned())
}

fn reads(text: &str) -> BTreeSet<String> {
    let compiled = compile(&parse_expr(text).unwrap(), &[], text).unwrap();
    compiled.references().map(spelled).collect()
}

fn spelled(reference: interlock_core::workflow::Reference) -> String {
    let root = match reference.root {
        Root::Inputs => "inputs".to_owned(),
        Root::Run => "run".to_owned(),
        Root::Step(step) => step.to_string(),
    };
    format!("{root}{}", reference.path)
}

fn check(text: &str, wanted: Value) {
    assert_eq!(value(text), Ok(wanted), "{text}");
}

#[test]
fn values_are_exact() {
    check("inputs.a + 1", json!(4));
    check("inputs.a / 2", json!(1.5));
    check("inputs.a // 2", json!(1));
    check("1 < inputs.a < 5", json!(true));
    check("1 == 1.0", json!(true));
    check("true == 1", json!(false));
    check("inputs.list == [1, 2, 3.0]", json!(true));
    check("inputs.b != 'text'", json!(false));
    check("'x' in ['x', 'y'] and not false", json!(true));
    check("'ex' in inputs.b", json!(true));
    check("inputs.deep.x[1].y | upper", json!("SECOND"));
    check("inputs.deep['x'][-1]['y']", json!("second"));
    check("(inputs.list | first) + (inputs.list | last)", json!(4));
    check("inputs.list | join('-')", json!("1-2-3"));
    check("inputs.b | truncate(2)", json!("te…"));
    check("inputs.b if inputs.a > 2 else inputs.gone", json!("text"));
    check("inputs.gone is defined", json!(false));
    check("inputs.none is none", json!(true));
    check("inputs.b ~ inputs.a", json!("text3"));
    check("inputs.list[inputs.a - 1]", json!(3));
    check("steps.one.output.quotes | length", json!(1));
    check("2.5 | round", json!(3.0));
}

#[test]
fn what_is_not_there_or_has_the_wrong_kind_is_a_fault_that_names_the_path_only() {
    let missing = |text: &str| TemplateFault::Missing(text.to_owned());
    for (text, path) in [
        ("inputs.gone", "inputs.gone"),
        ("inputs.gone | upper", "inputs.gone"),
        ("inputs.gone == 'x'", "inputs.gone"),
        ("inputs.deep.x[7].y ~ 'z'", "inputs.deep.x[7].y"),
        ("steps.two.output.a", "steps.two.output.a"),
    ] {
        assert_eq!(value(text), Err(missing(path)), "{text}");
    }
    for text in [
        "inputs.b + 1",
        "inputs.a < 'x'",
        "inputs.a / 0",
        "inputs.a % 0",
        "9223372036854775807 + 1",
        "inputs.a | upper",
        "inputs.none ~ 'x'",
        "-inputs.b",
    ] {
        match value(text) {
            Err(TemplateFault::Kind(said)) => assert!(!said.contains("text"), "{said}"),
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn what_is_read_is_known_from_the_syntax() {
    let check = |text: &str, wanted: &[&str]| {
        assert_eq!(
            reads(text),
            wanted.iter().map(|one| (*one).to_owned()).collect(),
            "{text}"
        );
    };
    check("inputs.b | upper | truncate(3)", &["inputs/b"]);
    check(
        "inputs.b if steps.one.output.ok else inputs.a",
        &["inputs/a", "inputs/b", "one/ok"],
    );
    check(
        "inputs.a > 2 and steps.one.output.ok",
        &["inputs/a", "one/ok"],
    );
    check("inputs.deep.x[0].y", &["inputs/deep/x/*/y"]);
    check("inputs.list[inputs.a]", &["inputs/list", "inputs/a"]);
    check("(inputs.deep.x | first).y", &["inputs/deep/x"]);
    check(
        "inputs.b | replace(steps.one.output.quotes | join, 'x')",
        &["inputs/b", "one/quotes"],
    );
    check("inputs.none is defined", &["inputs/none"]);
    check("'literal'", &[]);
}

#[test]
fn what_is_outside_the_subset_is_refused() {
    for text in [
        "range(3)",
        "inputs.b.upper()",
        "inputs",
        "steps",
        "steps.one",
        "steps.one.input",
        "run",
        "run.secret",
        "loop.index",
        "x",
        "inputs.list[0:2]",
        "{'a': 1}",
        "inputs.b | default('x')",
        "inputs.b | safe",
        "inputs.a if true",
        "inputs.b is string",
        "2 ** 3",
        "inputs.b | join(sep='x')",
        "inputs.b | truncate",
        "self",
        "env",
        "inputs.list | map('upper')",
    ] {
        // `inputs` alone is a path: the whole input.
        let refused = compile(&parse_expr(text).unwrap(), &[], text).is_err();
        assert_eq!(refused, text != "inputs", "{text}");
    }
}

fn prompt(user: &str) -> PromptTemplate {
    let mut template = PromptTemplate::default();
    template.add(user, false, 0).unwrap();
    template
}

#[test]
fn conditions_and_loops_around_a_slot_count() {
    let template = prompt(
        "{% if inputs.a > 1 %}{% for x in inputs.deep.x %}{{ x.y }}{% if loop.first %}!{% endif %}{% endfor %}{% else %}{{ inputs.b }}{% endif %}",
    );
    let slots: Vec<BTreeSet<String>> = template
        .slots
        .iter()
        .map(|slot| slot.references.iter().cloned().map(spelled).collect())
        .collect();
    let set = |names: &[&str]| {
        names
            .iter()
            .map(|one| (*one).to_owned())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(
        slots,
        [
            set(&["inputs/a"]),
            set(&["inputs/a", "inputs/deep/x"]),
            set(&["inputs/a", "inputs/deep/x", "inputs/deep/x/*/y"]),
            set(&["inputs/a", "inputs/deep/x"]),
            set(&["inputs/a", "inputs/b"]),
        ]
    );
    let pieces = template.render(&scope()).unwrap();
    assert_eq!(
        pieces,
        [
            Piece::Slot {
                slot: 2,
                system: false,
                text: "first".into()
            },
            Piece::User("!".into()),
            Piece::Slot {
                slot: 2,
                system: false,
                text: "second".into()
            },
        ]
    );
}

#[test]
fn a_template_has_texts_slots_conditions_and_plain_loops_only() {
    for text in [
        "{% set x = 1 %}",
        "{% with x = 1 %}{% endwith %}",
        "{% filter upper %}{% endfilter %}",
        "{% autoescape true %}{% endautoescape %}",
        "{% for x in inputs.list recursive %}{% endfor %}",
        "{% for x in inputs.list if x %}{% endfor %}",
        "{% for a, b in inputs.list %}{% endfor %}",
        "{% for x in [1, 2] %}{% endfor %}",
        "{% for inputs in inputs.list %}{% endfor %}",
        "{% for x in inputs.list | first %}{% endfor %}",
        "{% macro a() %}{% endmacro %}",
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "{% do inputs.b() %}",
        "{{ x }}",
        "{{",
    ] {
        assert!(
            PromptTemplate::default().add(text, false, 0).is_err(),
            "{text}"
        );
    }
}

#[test]
fn rounds_are_bounded_over_nested_loops_together() {
    let template =
        prompt("{% for x in inputs.list %}{% for y in inputs.list %}.{% endfor %}{% endfor %}");
    let inputs = json!({"list": vec![0; 200]});
    let fault = template
        .render(&Scope {
            inputs,
            ..Scope::default()
        })
        .unwrap_err();
    assert!(matches!(fault, TemplateFault::Bound(_, _)), "{fault}");
}

fn composed(yaml: &str, lenient: bool) -> Result<Value, TemplateFault> {
    let mut report = Report::default();
    let node = parse("a.yaml", yaml, 0, &mut report).unwrap();
    let made = compose(&node, yaml, &mut Reader::new("a.yaml", &mut report)).unwrap();
    evaluate(&made.composed, &scope(), lenient)
}

#[test]
fn a_whole_expression_keeps_its_type_and_a_part_becomes_text() {
    let yaml =
        "n: '{{ inputs.a }}'\nt: 'a={{ inputs.a }}'\nl: ['{{ inputs.list }}', 7]\nplain: x\n";
    let wanted = json!({"n": 3, "t": "a=3", "l": [[1, 2, 3], 7], "plain": "x"});
    assert_eq!(composed(yaml, false), Ok(wanted));
}

#[test]
fn only_a_lenient_composition_leaves_out_what_is_not_there() {
    let yaml = "a: '{{ inputs.a }}'\ngone: '{{ steps.two.output.x }}'\n";
    assert_eq!(composed(yaml, true), Ok(json!({"a": 3})));
    assert!(matches!(
        composed(yaml, false),
        Err(TemplateFault::Missing(_))
    ));
    let wrong = "a: '{{ inputs.b + 1 }}'\n";
    assert!(
        matches!(composed(wrong, true), Err(TemplateFault::Kind(_))),
        "leniency is for absence alone"
    );
}

fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("inputs.a".to_owned()),
        Just("inputs.b".to_owned()),
        Just("inputs.list[0]".to_owned()),
        Just("steps.one.output.ok".to_owned()),
        (0i64..50).prop_map(|n| n.to_string()),
        Just("'text'".to_owned()),
        Just("true".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            (
                inner.clone(),
                prop::sample::select(vec!["+", "-", "*", "<", "<=", "==", "!=", "and", "or", "~"]),
                inner.clone()
            )
                .prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            inner.clone().prop_map(|a| format!("(not {a})")),
            (
                inner.clone(),
                prop::sample::select(vec!["upper", "lower", "trim", "length", "string"])
            )
                .prop_map(|(a, f)| format!("({a} | {f})")),
            (inner.clone(), inner.clone(), inner)
                .prop_map(|(a, b, c)| format!("({a} if {b} else {c})")),
        ]
    })
}

proptest! {
    /// Where we have an answer, MiniJinja has the same one; we only refuse more. Not compared: texts of truth
    /// values (`true` here, `True` there) and equality (there, `true` equals 1).
    #[test]
    fn answers_are_those_of_minijinja(text in expression()) {
        if ["~", "string", "==", "!="].iter().any(|part| text.contains(part)) {
            return Ok(());
        }
        let Ok(ours) = value(&text) else { return Ok(()) };
        let scope = scope();
        let steps: serde_json::Map<_, _> = scope.outputs.iter().map(|(name, output)| (name.to_string(), json!({"output": output}))).collect();
        let context: minijinja::Value = serde_json::from_value(json!({"inputs": scope.inputs, "steps": steps})).unwrap();
        let environment = minijinja::Environment::new();
        let theirs = environment.compile_expression(&text).unwrap().eval(context);
        let Ok(theirs) = theirs else { return Ok(()) };
        prop_assert_eq!(ours, serde_json::to_value(&theirs).unwrap(), "{}", text);
    }

    /// Changing anything that is not among the reads changes no answer.
    #[test]
    fn an_answer_depends_on_its_reads_alone(text in expression(), other in 0i64..9) {
        let compiled = compile(&parse_expr(&text).unwrap(), &[], &text).unwrap();
        let read: BTreeSet<String> = compiled.references().map(spelled).collect();
        let (before, mut after) = (scope(), scope());
        let changes = [("inputs/a", "a"), ("inputs/b", "b"), ("inputs/list/*", "list")];
        for (path, member) in changes {
            if !read.contains(path) {
                after.inputs[member] = json!(other);
            }
        }
        if !read.contains("one/ok") {
            after.outputs.clear();
        }
        prop_assert_eq!(Frame::new(&before).evaluate(&compiled), Frame::new(&after).evaluate(&compiled), "{}", text);
    }

    /// No text makes the parser or compiler do anything but answer.
    #[test]
    fn any_text_is_compiled_or_refused(text in "[a-z{}%|.\\[\\]()' 0-9\"#-]{0,60}") {
        let _ = PromptTemplate::default().add(&text, false, 0);
    }
}
