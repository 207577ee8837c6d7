//! The three pure seams through which decisions reach what a bundle declares: policies, schemas, templates.
//! Each answers from its arguments alone; none does IO. An error of any of them is a denial or a rejection.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::digest::Digest;
use crate::id::{PolicyId, PromptName, SchemaName, StepName};
use crate::label::{FieldLabels, Path};
use crate::pipeline::policy::{Evaluation, Request};

/// Policy: the operator's policies and the bundle's, as one set.
pub trait Guards: Send + Sync {
    /// Digest over all policies in force and their schema; on every decision.
    fn version(&self) -> Digest;

    /// Evaluates one request once, two-valued. A policy whose evaluation fails is in `errors`; the caller
    /// denies then. Never panics; a request that cannot be expressed is an evaluation with errors.
    fn evaluate(&self, request: &Request<'_>) -> Evaluation;

    /// The ids of all policies in force.
    fn policies(&self) -> Vec<PolicyId>;
}

/// One way in which a value does not fit its schema. Holds no part of the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Where in the value (JSON pointer); member names that the schema does not declare are not repeated.
    pub at: String,
    /// The schema's keyword that refused it, for example `required`, `maxLength`, `format`.
    pub keyword: String,
    /// What the schema asks for there, in words, without the value.
    pub expected: String,
}

/// Schemas: JSON Schema 2020-12 with `format` asserted and labels in `x-interlock`.
pub trait Shapes: Send + Sync {
    /// Checks a value.
    ///
    /// # Errors
    /// At least one violation, at most 32. An unknown schema is a violation of keyword `$schema`.
    fn check(&self, schema: &SchemaName, value: &Value) -> Result<(), Vec<Violation>>;

    /// The labels that the schema declares; of an unknown schema, none (so everything is unlabelled).
    fn labels(&self, schema: &SchemaName) -> &FieldLabels;

    /// The schema's text as given to models, without `x-interlock` keywords.
    fn text(&self, schema: &SchemaName) -> Option<&Value>;
}

/// What templates and expressions may read. No `Debug`: it holds content.
#[derive(Clone, Default)]
pub struct Scope {
    /// `inputs`
    pub inputs: Value,
    /// `steps.NAME.output`, for steps that have one.
    pub outputs: BTreeMap<StepName, Value>,
    /// `run`: `id`, `started`.
    pub run: Value,
}

/// A piece of a rendered prompt.
#[derive(Clone, PartialEq, Eq)]
pub enum Piece {
    /// What the author wrote, for the system layer.
    System(String),
    /// What the author wrote, for the user layer.
    User(String),
    /// The value of a slot, by its place in [`crate::workflow::Prompt::slots`]; a slot in a loop comes often.
    Slot {
        /// Which slot.
        slot: usize,
        /// Whether the author placed it in the system layer.
        system: bool,
        /// Its text.
        text: String,
    },
}

impl std::fmt::Debug for Piece {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::System(text) => write!(f, "System({} bytes)", text.len()),
            Self::User(text) => write!(f, "User({} bytes)", text.len()),
            Self::Slot { slot, text, .. } => write!(f, "Slot({slot}, {} bytes)", text.len()),
        }
    }
}

/// Why a template gave nothing. Holds no part of any value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateFault {
    /// A path leads nowhere: strict, never an empty text.
    #[error("read `{0}`: nothing there")]
    Missing(String),
    /// A filter or operator got a value of the wrong kind.
    #[error("evaluate `{0}`: the value has the wrong kind")]
    Kind(String),
    /// Over a bound of `limits`.
    #[error("evaluate `{0}`: over the bound of {1}")]
    Bound(String, usize),
    /// No such template: a fault in the program.
    #[error("find template {0}: not in this bundle")]
    Unknown(String),
}

/// Templates and expressions.
pub trait Templates: Send + Sync {
    /// Renders a prompt into pieces, in order.
    ///
    /// # Errors
    /// A path is missing, a value has the wrong kind, or a bound is exceeded.
    fn render(&self, prompt: &PromptName, scope: &Scope) -> Result<Vec<Piece>, TemplateFault>;

    /// Evaluates a composed value. An expression that is the whole leaf keeps its JSON type.
    /// `lenient` leaves out members whose path leads nowhere (outputs of steps that did not run).
    ///
    /// # Errors
    /// As [`Templates::render`].
    fn compose(&self, id: usize, scope: &Scope, lenient: bool) -> Result<Value, TemplateFault>;

    /// Evaluates a condition.
    ///
    /// # Errors
    /// As [`Templates::render`]; a value other than true or false is of the wrong kind.
    fn holds(&self, id: usize, scope: &Scope) -> Result<bool, TemplateFault>;
}

/// The size and nesting of a JSON value against `limits`, before any schema sees it.
///
/// # Errors
/// One violation: too deep, or too many nodes.
pub fn check_bounds(value: &Value) -> Result<(), Violation> {
    fn walk(value: &Value, depth: usize, nodes: &mut usize) -> Result<(), &'static str> {
        *nodes += 1;
        if *nodes > crate::limits::JSON_NODES_MAX {
            return Err("nodes");
        }
        if depth > crate::limits::JSON_DEPTH_MAX {
            return Err("depth");
        }
        match value {
            Value::Array(items) => items
                .iter()
                .try_for_each(|item| walk(item, depth + 1, nodes)),
            Value::Object(members) => members
                .values()
                .try_for_each(|item| walk(item, depth + 1, nodes)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
        }
    }
    walk(value, 0, &mut 0).map_err(|keyword| Violation {
        at: Path::root().to_string(),
        keyword: keyword.to_owned(),
        expected: format!(
            "at most {} levels and {} nodes",
            crate::limits::JSON_DEPTH_MAX,
            crate::limits::JSON_NODES_MAX
        ),
    })
}
