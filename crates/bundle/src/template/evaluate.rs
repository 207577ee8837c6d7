//! Evaluates an expression over a scope. Strict: a path that leads nowhere is a fault, never an empty value; no
//! operator guesses at a kind. Faults name the expression as its author wrote it, and no value.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::{Number, Value};

use interlock_core::limits::PROMPT_BYTES_MAX;
use interlock_core::seams::{Scope, TemplateFault};

use super::expression::{Accessor, Comparison, Compiled, Expression, From, LoopFact, Operator};

/// What an expression is evaluated over.
pub(crate) struct Frame<'s> {
    scope: &'s Scope,
    loops: Vec<Turn<'s>>,
}

/// One turn of a loop.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turn<'s> {
    pub(crate) item: &'s Value,
    pub(crate) index: usize,
    pub(crate) length: usize,
}

type Found<'s> = Result<Cow<'s, Value>, TemplateFault>;

impl<'s> Frame<'s> {
    pub(crate) const fn new(scope: &'s Scope) -> Self {
        Self {
            scope,
            loops: Vec::new(),
        }
    }

    pub(crate) fn enter(&mut self, turn: Turn<'s>) {
        self.loops.push(turn);
    }

    pub(crate) fn leave(&mut self) {
        self.loops.pop();
    }

    /// The value of an expression.
    pub(crate) fn evaluate(&self, compiled: &Compiled) -> Found<'s> {
        self.value(&compiled.expression, &compiled.spelling)
    }

    /// The value of a condition: true or false, nothing else.
    pub(crate) fn holds(&self, compiled: &Compiled) -> Result<bool, TemplateFault> {
        let value = self.evaluate(compiled)?;
        value
            .as_bool()
            .ok_or_else(|| TemplateFault::Kind(compiled.spelling.clone()))
    }

    /// The list that a loop goes over.
    pub(crate) fn list(&self, compiled: &Compiled) -> Result<&'s [Value], TemplateFault> {
        match self.evaluate(compiled)? {
            Cow::Borrowed(Value::Array(items)) => Ok(items),
            _ => Err(TemplateFault::Kind(compiled.spelling.clone())),
        }
    }

    fn value(&self, expression: &Expression, spelling: &str) -> Found<'s> {
        let kind = || TemplateFault::Kind(spelling.to_owned());
        let truth = |truth: bool| Ok(Cow::Owned(Value::Bool(truth)));
        match expression {
            Expression::Literal(value) => Ok(Cow::Owned(value.clone())),
            Expression::Read {
                from,
                steps,
                spelling,
            } => self.read(from, steps, spelling),
            Expression::Into {
                base,
                step,
                spelling,
            } => into(self.value(base, spelling)?, step).ok_or_else(|| missing(spelling)),
            Expression::At {
                base,
                key,
                spelling,
            } => {
                let step = match &*self.value(key, spelling)? {
                    Value::String(key) => Accessor::Key(key.clone()),
                    Value::Number(number) => Accessor::Index(number.as_i64().ok_or_else(kind)?),
                    _ => return Err(kind()),
                };
                into(self.value(base, spelling)?, &step).ok_or_else(|| missing(spelling))
            }
            Expression::List(items) => {
                let items: Result<Vec<Value>, _> = items
                    .iter()
                    .map(|item| self.value(item, spelling).map(Cow::into_owned))
                    .collect();
                Ok(Cow::Owned(Value::Array(items?)))
            }
            Expression::Not(inner) => truth(!truthy(&*self.value(inner, spelling)?)),
            Expression::Negate(inner) => {
                let zero = Value::from(0);
                let value = self.value(inner, spelling)?;
                compute(Operator::Subtract, &zero, &value)
                    .map(Cow::Owned)
                    .ok_or_else(kind)
            }
            Expression::Both(left, right) => {
                let left = self.value(left, spelling)?;
                if truthy(&left) {
                    self.value(right, spelling)
                } else {
                    Ok(left)
                }
            }
            Expression::Either(left, right) => {
                let left = self.value(left, spelling)?;
                if truthy(&left) {
                    Ok(left)
                } else {
                    self.value(right, spelling)
                }
            }
            Expression::Compare(first, rest) => {
                let mut left = self.value(first, spelling)?;
                for (how, right) in rest {
                    let right = self.value(right, spelling)?;
                    if !compare(*how, &left, &right).ok_or_else(kind)? {
                        return truth(false);
                    }
                    left = right;
                }
                truth(true)
            }
            Expression::Compute(operator, left, right) => {
                let (left, right) = (self.value(left, spelling)?, self.value(right, spelling)?);
                let value = compute(*operator, &left, &right).ok_or_else(kind)?;
                bounded(value, spelling).map(Cow::Owned)
            }
            Expression::If {
                test,
                then,
                otherwise,
            } => {
                let chosen = if truthy(&*self.value(test, spelling)?) {
                    then
                } else {
                    otherwise
                };
                self.value(chosen, spelling)
            }
            Expression::Filtered {
                filter,
                base,
                arguments,
            } => {
                let base = self.value(base, spelling)?;
                let arguments: Result<Vec<_>, _> = arguments
                    .iter()
                    .map(|argument| self.value(argument, spelling))
                    .collect();
                let value = filter.apply(&base, &arguments?).ok_or_else(kind)?;
                bounded(value, spelling).map(Cow::Owned)
            }
            Expression::Defined(inner) => match self.value(inner, spelling) {
                Ok(_) => truth(true),
                Err(TemplateFault::Missing(_)) => truth(false),
                Err(fault) => Err(fault),
            },
            Expression::IsNone(inner) => truth(self.value(inner, spelling)?.is_null()),
        }
    }

    fn read(&self, from: &From, steps: &[Accessor], spelling: &str) -> Found<'s> {
        let root = match from {
            From::Inputs => Some(&self.scope.inputs),
            From::Run => Some(&self.scope.run),
            From::Step(step) => self.scope.outputs.get(step),
            From::Item(depth) => self.loops.get(*depth).map(|turn| turn.item),
            From::Loop(depth, fact) => {
                let turn = self.loops.get(*depth).ok_or_else(|| missing(spelling))?;
                return Ok(Cow::Owned(loop_fact(*turn, *fact)));
            }
        };
        let found = steps
            .iter()
            .try_fold(root.ok_or_else(|| missing(spelling))?, step_into);
        found.map(Cow::Borrowed).ok_or_else(|| missing(spelling))
    }
}

fn missing(spelling: &str) -> TemplateFault {
    TemplateFault::Missing(spelling.to_owned())
}

fn loop_fact(turn: Turn<'_>, fact: LoopFact) -> Value {
    match fact {
        LoopFact::Index => Value::from(turn.index + 1),
        LoopFact::Index0 => Value::from(turn.index),
        LoopFact::First => Value::Bool(turn.index == 0),
        LoopFact::Last => Value::Bool(turn.index + 1 == turn.length),
        LoopFact::Length => Value::from(turn.length),
    }
}

fn step_into<'v>(value: &'v Value, step: &Accessor) -> Option<&'v Value> {
    match (value, step) {
        (Value::Object(members), Accessor::Key(key)) => members.get(key),
        (Value::Array(items), Accessor::Index(index)) => {
            let from_end = usize::try_from(index.unsigned_abs()).ok()?;
            let at = if *index < 0 {
                items.len().checked_sub(from_end)?
            } else {
                from_end
            };
            items.get(at)
        }
        _ => None,
    }
}

fn into<'s>(value: Cow<'s, Value>, step: &Accessor) -> Option<Cow<'s, Value>> {
    match value {
        Cow::Borrowed(value) => step_into(value, step).map(Cow::Borrowed),
        Cow::Owned(value) => step_into(&value, step).cloned().map(Cow::Owned),
    }
}

/// Empty, zero, false and null are not; all else is.
pub(crate) fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(truth) => *truth,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
    }
}

/// The text that stands for a value: a text itself, and the JSON of anything else. Null has none.
pub(crate) fn text_of(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(Cow::Borrowed(text)),
        other => Some(Cow::Owned(other.to_string())),
    }
}

/// A finite number.
pub(crate) fn number(float: f64) -> Option<Value> {
    Number::from_f64(float).map(Value::Number)
}

fn bounded(value: Value, spelling: &str) -> Result<Value, TemplateFault> {
    match &value {
        Value::String(text) if text.len() > PROMPT_BYTES_MAX => {
            Err(TemplateFault::Bound(spelling.to_owned(), PROMPT_BYTES_MAX))
        }
        _ => Ok(value),
    }
}

fn compare(how: Comparison, left: &Value, right: &Value) -> Option<bool> {
    let order = |wanted: &[Ordering]| ordering(left, right).map(|found| wanted.contains(&found));
    match how {
        Comparison::Equal => Some(equal(left, right)),
        Comparison::Unequal => Some(!equal(left, right)),
        Comparison::Less => order(&[Ordering::Less]),
        Comparison::LessOrEqual => order(&[Ordering::Less, Ordering::Equal]),
        Comparison::Greater => order(&[Ordering::Greater]),
        Comparison::GreaterOrEqual => order(&[Ordering::Greater, Ordering::Equal]),
        Comparison::In => contains(right, left),
        Comparison::NotIn => contains(right, left).map(|found| !found),
    }
}

/// Equal values; 1 and 1.0 are the same number.
fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(_), Value::Number(_)) => ordering(left, right) == Some(Ordering::Equal),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(x, y)| equal(x, y))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(k, x)| b.get(k).is_some_and(|y| equal(x, y)))
        }
        _ => left == right,
    }
}

/// Texts with texts and numbers with numbers; nothing else has an order.
fn ordering(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (Value::Number(a), Value::Number(b)) => match (whole(left), whole(right)) {
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            _ => a.as_f64()?.partial_cmp(&b.as_f64()?),
        },
        _ => None,
    }
}

fn whole(value: &Value) -> Option<i128> {
    value
        .as_i64()
        .map(i128::from)
        .or_else(|| value.as_u64().map(i128::from))
}

fn contains(within: &Value, wanted: &Value) -> Option<bool> {
    match (within, wanted) {
        (Value::Array(items), wanted) => Some(items.iter().any(|item| equal(item, wanted))),
        (Value::String(text), Value::String(part)) => Some(text.contains(part.as_str())),
        (Value::Object(members), Value::String(key)) => Some(members.contains_key(key)),
        _ => None,
    }
}

fn compute(operator: Operator, left: &Value, right: &Value) -> Option<Value> {
    if operator == Operator::Join {
        return Some(Value::String(format!(
            "{}{}",
            text_of(left)?,
            text_of(right)?
        )));
    }
    if let (Some(a), Some(b)) = (left.as_i64(), right.as_i64()) {
        let exact = match operator {
            Operator::Add => a.checked_add(b),
            Operator::Subtract => a.checked_sub(b),
            Operator::Multiply => a.checked_mul(b),
            Operator::DivideWhole => a.checked_div_euclid(b),
            Operator::Remainder => a.checked_rem_euclid(b),
            Operator::Divide => return divide(left, right),
            Operator::Join => None,
        };
        return exact.map(Value::from);
    }
    let (a, b) = (left.as_f64()?, right.as_f64()?);
    match operator {
        Operator::Add => number(a + b),
        Operator::Subtract => number(a - b),
        Operator::Multiply => number(a * b),
        Operator::Divide => divide(left, right),
        Operator::DivideWhole => number(a.div_euclid(b)),
        Operator::Remainder => number(a.rem_euclid(b)),
        Operator::Join => None,
    }
}

/// Always a fraction, as in MiniJinja; by zero is a fault.
fn divide(left: &Value, right: &Value) -> Option<Value> {
    number(left.as_f64()? / right.as_f64()?)
}
