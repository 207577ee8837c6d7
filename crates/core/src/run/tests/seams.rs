//! Scripted seams: policy answers from a table keyed by action and remembers what it was asked; schemas are
//! predicates with labels; templates are functions of the scope.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use serde_json::{Value, json};

use crate::digest::Digest;
use crate::id::{PolicyId, PromptName, RoleName, SchemaName};
use crate::label::{FieldLabels, Label};
use crate::pipeline::policy::{
    Action, ApprovalFacts, Determining, Downgrade, Evaluation, Layer, Remedy, Request,
};
use crate::seams::{Guards, Piece, Scope, Shapes, TemplateFault, Templates, Violation};

/// What the scripted policy says of an action.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Answer {
    Allow,
    Deny,
    Fail,
    /// Forbidden until so many of this role approve.
    Approval(&'static str, u8),
    /// Forbidden while the label exceeds the clearance.
    Downgrade(Downgrade),
    /// Allowed only without untrusted sensitive arguments.
    Trusted,
    /// Forbidden without a standing authorisation or one approval of this role.
    Standing(&'static str),
}

/// What policy was asked, as far as tests look at it.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) action: Action,
    pub(super) label: Label,
    pub(super) untrusted: Vec<String>,
    pub(super) reconciled: bool,
    pub(super) standing: bool,
    pub(super) declared: BTreeSet<(RoleName, u8)>,
    pub(super) downgrades: BTreeSet<Downgrade>,
    pub(super) attempt: u16,
}

pub(super) struct Script {
    pub(super) version: Mutex<u8>,
    pub(super) table: Mutex<BTreeMap<Action, Answer>>,
    pub(super) seen: Mutex<Vec<Seen>>,
}

impl Script {
    /// Yes to everything but standing authorisations.
    pub(super) fn new() -> Self {
        Self {
            version: Mutex::new(1),
            table: Mutex::new([(Action::AuthoriseStanding, Answer::Deny)].into()),
            seen: Mutex::default(),
        }
    }

    pub(super) fn says(&self, action: Action, answer: Answer) {
        self.table.lock().unwrap().insert(action, answer);
    }

    pub(super) fn last(&self, action: Action) -> Seen {
        let seen = self.seen.lock().unwrap();
        seen.iter()
            .rfind(|s| s.action == action)
            .cloned()
            .unwrap_or_else(|| panic!("never asked for {}", action.as_str()))
    }
}

fn role(name: &str) -> RoleName {
    RoleName::parse(name).unwrap()
}

impl Guards for Script {
    fn version(&self) -> Digest {
        Digest::from_bytes([*self.version.lock().unwrap(); 32])
    }

    fn evaluate(&self, request: &Request<'_>) -> Evaluation {
        let context = &request.context;
        self.seen.lock().unwrap().push(Seen {
            action: request.action,
            label: context.label.clone(),
            untrusted: context.arguments.map_or(Vec::new(), |a| {
                a.untrusted_sensitive
                    .iter()
                    .map(ToString::to_string)
                    .collect()
            }),
            reconciled: context.arguments.is_some_and(|a| a.reconciled),
            standing: context.standing,
            declared: context.declared_approvals.clone(),
            downgrades: context.downgrades.clone(),
            attempt: context.attempt,
        });
        let approved = |name: &str, count| {
            let asked = [(role(name), count)].into();
            context
                .approval
                .as_ref()
                .is_some_and(|a: &ApprovalFacts| a.meets(&asked))
        };
        let answer = self.table.lock().unwrap().get(&request.action).copied();
        let remedy = |name: &str, count| {
            Some(Remedy::Approval {
                role: role(name),
                count,
            })
        };
        let (allowed, remedy) = match answer.unwrap_or(Answer::Allow) {
            Answer::Allow => (true, None),
            Answer::Deny | Answer::Fail => (false, None),
            Answer::Approval(name, count) => (approved(name, count), remedy(name, count)),
            Answer::Downgrade(how) => (!context.exceeds_clearance, Some(Remedy::Downgrade(how))),
            Answer::Trusted => (
                context
                    .arguments
                    .is_none_or(|a| a.untrusted_sensitive.is_empty()),
                None,
            ),
            Answer::Standing(name) => (context.standing || approved(name, 1), remedy(name, 1)),
        };
        let id = PolicyId::parse("scripted").unwrap();
        let errors = if answer == Some(Answer::Fail) {
            vec![id.clone()]
        } else {
            Vec::new()
        };
        let determining = vec![Determining {
            id,
            layer: Layer::Action,
            forbids: !allowed,
            remedy,
        }];
        Evaluation {
            allowed,
            determining,
            errors,
        }
    }

    fn policies(&self) -> Vec<PolicyId> {
        vec![PolicyId::parse("scripted").unwrap()]
    }
}

type Fits = fn(&Value) -> bool;

/// Schemas by name: whether a value fits, and the labels declared. One that is not listed takes any object.
pub(super) struct Forms {
    pub(super) fits: BTreeMap<SchemaName, Fits>,
    pub(super) labels: BTreeMap<SchemaName, FieldLabels>,
    pub(super) none: FieldLabels,
    pub(super) text: Value,
}

impl Forms {
    pub(super) fn new() -> Self {
        Self {
            fits: BTreeMap::new(),
            labels: BTreeMap::new(),
            none: FieldLabels::default(),
            text: json!({"type": "object"}),
        }
    }
}

impl Shapes for Forms {
    fn check(&self, schema: &SchemaName, value: &Value) -> Result<(), Vec<Violation>> {
        let fits = self.fits.get(schema).copied().unwrap_or(Value::is_object);
        if fits(value) {
            return Ok(());
        }
        Err(vec![Violation {
            at: "/text".to_owned(),
            keyword: "type".to_owned(),
            expected: "a fitting value".to_owned(),
        }])
    }

    fn labels(&self, schema: &SchemaName) -> &FieldLabels {
        self.labels.get(schema).unwrap_or(&self.none)
    }

    fn text(&self, _: &SchemaName) -> Option<&Value> {
        Some(&self.text)
    }
}

pub(super) type Make = fn(&Scope) -> Option<Value>;

/// Composed values and conditions by place; a prompt is its pieces.
pub(super) struct Sheets {
    pub(super) composed: BTreeMap<usize, Make>,
    pub(super) conditions: BTreeMap<usize, fn(&Scope) -> Option<bool>>,
    pub(super) pieces: Vec<Piece>,
}

impl Templates for Sheets {
    fn render(&self, _: &PromptName, _: &Scope) -> Result<Vec<Piece>, TemplateFault> {
        if self.pieces.is_empty() {
            return Err(TemplateFault::Missing("inputs.note".to_owned()));
        }
        Ok(self.pieces.clone())
    }

    fn compose(&self, id: usize, scope: &Scope, _: bool) -> Result<Value, TemplateFault> {
        let make = self
            .composed
            .get(&id)
            .ok_or(TemplateFault::Unknown(id.to_string()))?;
        make(scope).ok_or_else(|| TemplateFault::Missing("steps".to_owned()))
    }

    fn holds(&self, id: usize, scope: &Scope) -> Result<bool, TemplateFault> {
        let condition = self
            .conditions
            .get(&id)
            .ok_or(TemplateFault::Unknown(id.to_string()))?;
        condition(scope).ok_or_else(|| TemplateFault::Kind("steps".to_owned()))
    }
}
