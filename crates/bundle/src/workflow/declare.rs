//! `workflows/*.yaml` as written, with places: keys, kinds and bounds are checked here, what names refer to is
//! checked where the graph is laid out.

use interlock_core::id::{
    ModelAlias, PromptName, SchemaName, SourceName, StepName, ToolName, WorkflowName,
};
use interlock_core::limits::{
    BRANCH_ARMS_MAX, OUTPUT_TOKENS_MAX, QUORUM_MAX, QUOTES_MAX, REVIEW_SECONDS_MAX,
    WORKFLOW_DEPTH_MAX, WORKFLOW_STEPS_MAX,
};
use interlock_core::workflow::{AiKind, Audience, FinalDecision, ReviewSpec};

use super::fallback::{self, Declared as Fallbacks};
use crate::node::Node;
use crate::problem::{Span, one_of};
use crate::reader::{At, Fields, Reader};
use crate::registry::{named, schema};
use crate::schema::BundleShapes;

/// Tokens of a reply whose step does not say.
const OUTPUT_TOKENS: u32 = 4_096;

const AI_KINDS: [AiKind; 4] = [
    AiKind::Classify,
    AiKind::Extract,
    AiKind::Generate,
    AiKind::Analyze,
];

/// A workflow as written.
#[derive(Debug)]
pub(crate) struct Workflow<'n> {
    pub(crate) name: At<WorkflowName>,
    pub(crate) input: At<SchemaName>,
    pub(crate) steps: Vec<Step<'n>>,
    pub(crate) output: Output<'n>,
}

/// A step as written.
#[derive(Debug)]
pub(crate) struct Step<'n> {
    pub(crate) id: At<StepName>,
    pub(crate) action: Action<'n>,
    pub(crate) fallbacks: Fallbacks<'n>,
}

#[derive(Debug)]
pub(crate) enum Action<'n> {
    Model(Model<'n>),
    Retrieve {
        source: At<SourceName>,
        query: &'n Node,
        reconcile: Option<&'n Node>,
    },
    Tool {
        tool: At<ToolName>,
        arguments: &'n Node,
        review: Option<ReviewSpec>,
        standing: bool,
        show: Option<&'n Node>,
    },
    Review {
        show: &'n Node,
        review: ReviewSpec,
    },
    Branch(Vec<Arm<'n>>),
}

#[derive(Debug)]
pub(crate) struct Model<'n> {
    pub(crate) kind: AiKind,
    pub(crate) prompt: At<PromptName>,
    pub(crate) output: At<SchemaName>,
    pub(crate) model: At<ModelAlias>,
    pub(crate) audience: Audience,
    pub(crate) evidence: Vec<(&'n Node, &'n Node)>,
    pub(crate) review: Option<ReviewSpec>,
    pub(crate) output_tokens_max: u32,
}

#[derive(Debug)]
pub(crate) struct Arm<'n> {
    /// None for `otherwise`.
    pub(crate) when: Option<&'n Node>,
    pub(crate) steps: Vec<Step<'n>>,
}

#[derive(Debug)]
pub(crate) struct Output<'n> {
    pub(crate) schema: At<SchemaName>,
    pub(crate) value: &'n Node,
    pub(crate) audience: Audience,
    pub(crate) decision: Option<FinalDecision>,
    pub(crate) review: Option<ReviewSpec>,
}

/// Steps in this one and beneath it.
pub(crate) fn size(step: &Step<'_>) -> usize {
    match &step.action {
        Action::Branch(arms) => {
            1 + arms
                .iter()
                .flat_map(|arm| &arm.steps)
                .map(size)
                .sum::<usize>()
        }
        _ => 1,
    }
}

/// Reads a workflow's file.
pub(crate) fn read<'n>(
    node: &'n Node,
    shapes: &BundleShapes,
    reader: &mut Reader<'_>,
) -> Option<Workflow<'n>> {
    let mut fields = reader.fields(node, "a workflow")?;
    let name = named(&mut fields, reader);
    let input = fields
        .must("input", reader)
        .and_then(|node| schema(node, shapes, reader));
    let list = fields.must("steps", reader);
    let steps = list.and_then(|node| steps(node, shapes, 0, reader));
    let output = fields
        .must("output", reader)
        .and_then(|node| output(node, shapes, reader));
    fields.end(reader);
    let steps = steps?;
    if let Some(list) = list {
        let count: usize = steps.iter().map(size).sum();
        if count == 0 || count > WORKFLOW_STEPS_MAX {
            reader.refuse(
                &list.span,
                format!("a workflow has 1 to {WORKFLOW_STEPS_MAX} steps, and this has {count}"),
                "",
            );
            return None;
        }
    }
    Some(Workflow {
        name: name?,
        input: input?,
        steps,
        output: output?,
    })
}

fn steps<'n>(
    node: &'n Node,
    shapes: &BundleShapes,
    depth: usize,
    reader: &mut Reader<'_>,
) -> Option<Vec<Step<'n>>> {
    let items = reader.list(node, WORKFLOW_STEPS_MAX)?;
    let steps: Vec<_> = items
        .iter()
        .map(|item| step(item, shapes, depth, reader))
        .collect();
    steps.into_iter().collect()
}

fn step<'n>(
    node: &'n Node,
    shapes: &BundleShapes,
    depth: usize,
    reader: &mut Reader<'_>,
) -> Option<Step<'n>> {
    let mut fields = reader.fields(node, "a step")?;
    let id = fields.must("id", reader).and_then(|node| reader.name(node));
    let mut found: Vec<(&'static str, &'n Node)> = Vec::new();
    for kind in [
        "classify", "extract", "generate", "analyze", "retrieve", "tool", "review", "branch",
    ] {
        found.extend(fields.may(kind).map(|node| (kind, node)));
    }
    let fallbacks = fallback::read(&mut fields, reader);
    let head = fields.head();
    fields.end(reader);
    let [(kind, inner)] = found.as_slice() else {
        let hint = one_of(
            "",
            [
                "classify", "extract", "generate", "analyze", "retrieve", "tool", "review",
                "branch",
            ],
        );
        let message = if found.is_empty() {
            "this step does nothing"
        } else {
            "this step does more than one thing"
        };
        reader.refuse(&head, message, format!("of kinds, {hint}"));
        return None;
    };
    let action = match *kind {
        "retrieve" => retrieve(inner, reader),
        "tool" => tool(inner, reader),
        "review" => {
            let mut fields = reader.fields(inner, "a review step")?;
            let show = fields.must("show", reader);
            let review = review_fields(&mut fields, reader);
            fields.end(reader);
            Some(Action::Review {
                show: show?,
                review: review?,
            })
        }
        "branch" => branch(inner, shapes, depth, reader),
        ai => {
            let kind = AI_KINDS.into_iter().find(|kind| kind.as_str() == ai)?;
            model(kind, inner, shapes, reader).map(Action::Model)
        }
    };
    Some(Step {
        id: id?,
        action: action?,
        fallbacks: fallbacks?,
    })
}

fn model<'n>(
    kind: AiKind,
    node: &'n Node,
    shapes: &BundleShapes,
    reader: &mut Reader<'_>,
) -> Option<Model<'n>> {
    let mut fields = reader.fields(node, "an AI step")?;
    let prompt = fields
        .must("prompt", reader)
        .and_then(|node| prompt_name(node, reader));
    let output = fields
        .must("output", reader)
        .and_then(|node| schema(node, shapes, reader));
    let model = fields
        .must("model", reader)
        .and_then(|node| reader.name(node));
    let audience = audience(&mut fields, reader);
    let tokens = fields
        .may("output_tokens_max")
        .map_or(Some(OUTPUT_TOKENS), |node| {
            reader.whole(node, 1..=OUTPUT_TOKENS_MAX)
        });
    let evidence = fields.may("evidence").map_or(Some(Vec::new()), |node| {
        let items = reader.list(node, QUOTES_MAX)?;
        let checks: Vec<_> = items
            .iter()
            .map(|item| {
                let mut fields = reader.fields(item, "an evidence check")?;
                let (quotes, within) =
                    (fields.must("quotes", reader), fields.must("within", reader));
                fields.end(reader);
                Some((quotes?, within?))
            })
            .collect();
        checks.into_iter().collect()
    });
    let review = fields.may("review").map(|node| review(node, reader));
    fields.end(reader);
    Some(Model {
        kind,
        prompt: prompt?,
        output: output?,
        model: model?,
        audience: audience?,
        evidence: evidence?,
        review: optional(review)?,
        output_tokens_max: tokens?,
    })
}

fn retrieve<'n>(node: &'n Node, reader: &mut Reader<'_>) -> Option<Action<'n>> {
    let mut fields = reader.fields(node, "a retrieve step")?;
    let source = fields
        .must("source", reader)
        .and_then(|node| reader.name(node));
    let query = fields.must("query", reader);
    let reconcile = fields.may("reconcile");
    fields.end(reader);
    Some(Action::Retrieve {
        source: source?,
        query: query?,
        reconcile,
    })
}

fn tool<'n>(node: &'n Node, reader: &mut Reader<'_>) -> Option<Action<'n>> {
    let mut fields = reader.fields(node, "a tool step")?;
    let tool = fields
        .must("tool", reader)
        .and_then(|node| reader.name(node));
    let arguments = fields.must("arguments", reader);
    let standing = fields
        .may("standing")
        .map_or(Some(false), |node| reader.truth(node));
    let show = fields.may("show");
    let review = fields.may("review").map(|node| review(node, reader));
    fields.end(reader);
    Some(Action::Tool {
        tool: tool?,
        arguments: arguments?,
        review: optional(review)?,
        standing: standing?,
        show,
    })
}

fn branch<'n>(
    node: &'n Node,
    shapes: &BundleShapes,
    depth: usize,
    reader: &mut Reader<'_>,
) -> Option<Action<'n>> {
    if depth >= WORKFLOW_DEPTH_MAX {
        reader.refuse(
            &node.span,
            format!("branches are nested more than {WORKFLOW_DEPTH_MAX} deep"),
            "",
        );
        return None;
    }
    let items = reader.list(node, BRANCH_ARMS_MAX)?;
    let mut arms = Vec::new();
    let mut sound = true;
    for (at, item) in items.iter().enumerate() {
        let Some(mut fields) = reader.fields(item, "an arm") else {
            sound = false;
            continue;
        };
        let when = fields.may("when");
        let otherwise = fields.may("otherwise");
        let inner = fields
            .must("steps", reader)
            .and_then(|node| steps(node, shapes, depth + 1, reader));
        let head = fields.head();
        fields.end(reader);
        let last = at + 1 == items.len();
        let otherwise = otherwise.map_or(Some(false), |node| reader.truth(node));
        let (message, hint) = match (when.is_some(), otherwise) {
            (true, Some(false)) if !last => ("", ""),
            (false, Some(true)) if last => ("", ""),
            (true, Some(false)) => (
                "a branch ends without `otherwise`",
                "add an arm `- otherwise: true` with its `steps`, which may be `[]`",
            ),
            (false, Some(true)) => ("`otherwise` stands before other arms", "put it last"),
            _ => ("an arm has either `when` or `otherwise: true`", ""),
        };
        if !message.is_empty() {
            reader.refuse(&head, message, hint);
            sound = false;
        }
        match inner {
            Some(steps) => arms.push(Arm { when, steps }),
            None => sound = false,
        }
    }
    if items.is_empty() {
        reader.refuse(
            &node.span,
            "a branch without arms",
            "add an arm `- otherwise: true`",
        );
        return None;
    }
    sound.then_some(Action::Branch(arms))
}

fn output<'n>(
    node: &'n Node,
    shapes: &BundleShapes,
    reader: &mut Reader<'_>,
) -> Option<Output<'n>> {
    let mut fields = reader.fields(node, "an output")?;
    let schema = fields
        .must("schema", reader)
        .and_then(|node| schema(node, shapes, reader));
    let value = fields.must("value", reader);
    let audience = audience(&mut fields, reader);
    let kinds = [
        FinalDecision::Legal,
        FinalDecision::Clinical,
        FinalDecision::Credit,
        FinalDecision::Approval,
    ];
    let words: Vec<_> = std::iter::once(("none", None))
        .chain(kinds.map(|kind| (kind.as_str(), Some(kind))))
        .collect();
    let decision_node = fields.may("decision");
    let decision = decision_node.map_or(Some(None), |node| reader.choice(node, &words));
    let review = fields.may("review").map(|node| review(node, reader));
    fields.end(reader);
    let (decision, review) = (decision?, optional(review)?);
    if let (Some(kind), None) = (decision, &review) {
        let span = decision_node.map_or_else(|| node.span.clone(), |node| node.span.clone());
        let hint = "add `review: { role: …, quorum: 1, expires: 4h }` to the output";
        reader.refuse(
            &span,
            format!(
                "a final decision (`{}`) is never released without a person's verdict",
                kind.as_str()
            ),
            hint,
        );
        return None;
    }
    Some(Output {
        schema: schema?,
        value: value?,
        audience: audience?,
        decision,
        review,
    })
}

fn audience(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Option<Audience> {
    let words =
        [Audience::Internal, Audience::External, Audience::Regulated].map(|a| (a.as_str(), a));
    fields
        .may("audience")
        .map_or(Some(Audience::Internal), |node| reader.choice(node, &words))
}

fn review(node: &Node, reader: &mut Reader<'_>) -> Option<ReviewSpec> {
    let mut fields = reader.fields(node, "a review")?;
    let review = review_fields(&mut fields, reader);
    fields.end(reader);
    review
}

fn review_fields(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Option<ReviewSpec> {
    let role = fields
        .must("role", reader)
        .and_then(|node| reader.name(node));
    let quorum = fields.may("quorum").map_or(Some(1), |node| {
        reader.whole(node, 1..=u32::from(QUORUM_MAX))
    });
    let expires = fields.must("expires", reader).and_then(|node| {
        let millis = reader.millis(node, u64::from(REVIEW_SECONDS_MAX) * 1000)?;
        if millis < 1000 {
            reader.refuse(&node.span, "a review stays open for at least a second", "");
            return None;
        }
        u32::try_from(millis / 1000).ok()
    });
    Some(ReviewSpec {
        role: role?.value,
        quorum: u8::try_from(quorum?).ok()?,
        expires_seconds: expires?,
    })
}

/// A prompt of this bundle, by its path; whether it is there is checked later.
fn prompt_name(node: &Node, reader: &mut Reader<'_>) -> Option<At<PromptName>> {
    let text = reader.text(node)?;
    let name = text
        .strip_prefix("prompts/")
        .and_then(|rest| rest.strip_suffix(".md"));
    match name.and_then(|name| PromptName::parse(name).ok()) {
        Some(value) => Some(At {
            value,
            span: node.span.clone(),
        }),
        None => {
            let span: Span = node.span.clone();
            reader.refuse(
                &span,
                format!("`{text}` is not a prompt's path"),
                "write `prompts/NAME.md`",
            );
            None
        }
    }
}

/// Absent is fine; present and wrong is not.
fn optional<T>(found: Option<Option<T>>) -> Option<Option<T>> {
    match found {
        None => Some(None),
        Some(Some(value)) => Some(Some(value)),
        Some(None) => None,
    }
}
