//! `on_…` of a step: what is tried when it cannot go on. Each kind of step must say what happens in every case
//! that it can meet; nothing is left to chance, and only the last item may end the list.

use std::collections::BTreeSet;

use interlock_core::id::{ModelAlias, SchemaName};
use interlock_core::limits::{ATTEMPTS_MAX, REPAIRS_MAX};
use interlock_core::seams::Shapes as _;
use interlock_core::workflow::{Fallback, Fallbacks};

use crate::node::Node;
use crate::problem::{Span, one_of};
use crate::reader::{At, Fields, Reader};
use crate::schema::BundleShapes;

/// The cases, in the order of core's fields.
pub(crate) const CASES: [&str; 5] = [
    "on_invalid",
    "on_unavailable",
    "on_denied",
    "on_timeout",
    "on_uncertain",
];

const RETRIES_MAX: u32 = 10;
const ITEMS_MAX: usize = 8;

/// The fallbacks of a step as written.
#[derive(Debug)]
pub(crate) struct Declared<'n> {
    cases: Vec<(&'static str, Span, Vec<Item<'n>>)>,
}

#[derive(Debug)]
struct Item<'n> {
    span: Span,
    what: What<'n>,
}

#[derive(Debug)]
enum What<'n> {
    Repair(u8),
    Retry(u8),
    Model(At<ModelAlias>),
    Degraded(&'n Node),
    Inbox,
    Stop,
}

/// Reads the `on_…` of a step.
pub(crate) fn read<'n>(fields: &mut Fields<'n>, reader: &mut Reader<'_>) -> Option<Declared<'n>> {
    let mut cases = Vec::new();
    let mut sound = true;
    for case in CASES {
        let Some(node) = fields.may(case) else {
            continue;
        };
        let items = reader.list(node, ITEMS_MAX).and_then(|items| {
            let items: Vec<_> = items.iter().map(|node| item(node, reader)).collect();
            items.into_iter().collect::<Option<Vec<_>>>()
        });
        match items {
            Some(items) if !items.is_empty() => cases.push((case, node.span.clone(), items)),
            Some(_) => {
                reader.refuse(
                    &node.span,
                    format!("`{case}` is empty"),
                    "write at least `[inbox]`",
                );
                sound = false;
            }
            None => sound = false,
        }
    }
    sound.then_some(Declared { cases })
}

fn item<'n>(node: &'n Node, reader: &mut Reader<'_>) -> Option<Item<'n>> {
    let span = node.span.clone();
    if node.text().is_some() {
        let what = |end: &str| {
            if end == "inbox" {
                What::Inbox
            } else {
                What::Stop
            }
        };
        let end = reader.choice(node, &[("inbox", "inbox"), ("stop", "stop")])?;
        return Some(Item {
            span,
            what: what(end),
        });
    }
    let mut fields = reader.fields(node, "a fallback")?;
    let found = [
        fields.may("repair").map(|node| {
            Some(What::Repair(small(
                reader.whole(node, 1..=u32::from(REPAIRS_MAX))?,
            )?))
        }),
        fields
            .may("retry")
            .map(|node| Some(What::Retry(small(reader.whole(node, 1..=RETRIES_MAX)?)?))),
        fields
            .may("model")
            .map(|node| reader.name(node).map(What::Model)),
        fields
            .may("degraded")
            .map(|node| Some(What::Degraded(node))),
    ];
    fields.end(reader);
    let mut found = found.into_iter().flatten();
    match (found.next(), found.next()) {
        (Some(what), None) => Some(Item { span, what: what? }),
        _ => {
            reader.refuse(&span, "a fallback is one thing", "there is `inbox`, `stop`, `{repair: 2}`, `{retry: 1}`, `{model: NAME}` and `{degraded: …}`");
            None
        }
    }
}

fn small(number: u32) -> Option<u8> {
    u8::try_from(number).ok()
}

/// The rules of one kind of step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules<'s> {
    /// In words, for messages.
    pub(crate) step: &'static str,
    pub(crate) required: &'static [&'static str],
    pub(crate) optional: &'static [&'static str],
    /// Whether it asks a model.
    pub(crate) ai: bool,
    /// What a degraded value must fit, if the step has an output.
    pub(crate) output: Option<&'s SchemaName>,
}

/// What a fallback may refer to.
pub(crate) struct Surroundings<'s> {
    pub(crate) shapes: &'s BundleShapes,
    /// None where the manifest's list could not be read.
    pub(crate) models: Option<&'s BTreeSet<ModelAlias>>,
    pub(crate) degraded: &'s mut Vec<serde_json::Value>,
}

/// Checks the fallbacks of a step against its kind and makes core's form of them.
pub(crate) fn make(
    declared: &Declared<'_>,
    rules: Rules<'_>,
    step: &Span,
    around: &mut Surroundings<'_>,
    reader: &mut Reader<'_>,
) -> Option<Fallbacks> {
    let mut made = Fallbacks::default();
    let mut sound = true;
    let written = |case: &str| declared.cases.iter().any(|(name, _, _)| *name == case);
    let missing: Vec<&str> = rules
        .required
        .iter()
        .copied()
        .filter(|case| !written(case))
        .collect();
    if !missing.is_empty() {
        let names: Vec<String> = missing.iter().map(|case| format!("`{case}`")).collect();
        let hint = missing
            .iter()
            .map(|case| format!("`{case}: [inbox]`"))
            .collect::<Vec<_>>()
            .join(", ");
        reader.refuse(
            step,
            format!(
                "{} does not say what happens {}",
                rules.step,
                names.join(", ")
            ),
            format!("add for example {hint}"),
        );
        sound = false;
    }
    let mut attempts: u32 = 1;
    for (case, span, items) in &declared.cases {
        if !rules.required.contains(case) && !rules.optional.contains(case) {
            reader.refuse(
                span,
                format!("`{case}` cannot happen to {}", rules.step),
                "remove it",
            );
            sound = false;
            continue;
        }
        let mut list = Vec::new();
        for (at, item) in items.iter().enumerate() {
            match fallback(case, item, at + 1 == items.len(), rules, around, reader) {
                Some(fallback) => {
                    attempts += match fallback {
                        Fallback::Repair(times) | Fallback::Retry(times) => u32::from(times),
                        Fallback::Model(_) => 1,
                        Fallback::Inbox | Fallback::Degraded(_) | Fallback::Stop => 0,
                    };
                    list.push(fallback);
                }
                None => sound = false,
            }
        }
        match *case {
            "on_invalid" => made.on_invalid = list,
            "on_unavailable" => made.on_unavailable = list,
            "on_denied" => made.on_denied = list,
            "on_timeout" => made.on_timeout = list,
            _ => made.on_uncertain = list,
        }
    }
    if attempts > u32::from(ATTEMPTS_MAX) {
        reader.refuse(
            step,
            format!(
                "all fallbacks together are {attempts} attempts, over the bound of {ATTEMPTS_MAX}"
            ),
            "lower the counts of `repair` and `retry`",
        );
        sound = false;
    }
    sound.then_some(made)
}

fn fallback(
    case: &str,
    item: &Item<'_>,
    last: bool,
    rules: Rules<'_>,
    around: &mut Surroundings<'_>,
    reader: &mut Reader<'_>,
) -> Option<Fallback> {
    let mut no = |message: String, hint: &str| {
        reader.refuse(&item.span, message, hint);
        None
    };
    let ends = matches!(item.what, What::Inbox | What::Stop | What::Degraded(_));
    if ends && !last {
        return no(
            "what follows this is never tried".to_owned(),
            "`inbox`, `stop` and `degraded` stand last",
        );
    }
    match &item.what {
        What::Inbox => Some(Fallback::Inbox),
        What::Stop => Some(Fallback::Stop),
        What::Repair(_) if case != "on_invalid" || !rules.ai => no(
            format!("`repair` does not belong into `{case}` of {}", rules.step),
            "a model repairs its own invalid answer: only AI steps, only `on_invalid`",
        ),
        What::Repair(times) => Some(Fallback::Repair(*times)),
        What::Retry(_) if !["on_unavailable", "on_timeout"].contains(&case) => no(
            format!("`retry` does not belong into `{case}`"),
            "only what was unavailable or timed out is asked again unchanged",
        ),
        What::Retry(times) => Some(Fallback::Retry(*times)),
        What::Model(_) if !rules.ai => {
            no(format!("{} asks no model", rules.step), "remove `model`")
        }
        What::Model(alias)
            if around
                .models
                .is_some_and(|known| !known.contains(&alias.value)) =>
        {
            let hint = one_of(
                alias.value.as_str(),
                around.models.into_iter().flatten().map(ModelAlias::as_str),
            );
            let message = format!(
                "the model `{}` is not in `models` of interlock.yaml",
                alias.value
            );
            reader.refuse(&alias.span, message, hint);
            None
        }
        What::Model(alias) => Some(Fallback::Model(alias.value.clone())),
        What::Degraded(node) => {
            let Some(schema) = rules.output else {
                return no(
                    format!("{} has no output that could be degraded", rules.step),
                    "write `inbox` or `stop`",
                );
            };
            let value = node.to_value();
            if !around.shapes.is_broken(schema)
                && let Err(violations) = around.shapes.check(schema, &value)
            {
                let first = violations
                    .first()
                    .map(|v| format!("at `{}`: {}", v.at, v.expected))
                    .unwrap_or_default();
                reader.refuse(
                    &node.span,
                    format!("this value does not fit schemas/{schema}.json"),
                    first,
                );
                return None;
            }
            around.degraded.push(value);
            Some(Fallback::Degraded(around.degraded.len() - 1))
        }
    }
}
