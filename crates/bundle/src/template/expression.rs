//! MiniJinja's syntax, made into our own form with all that it reads. Values come from the same form that the
//! references come from, so what is evaluated cannot read what was not seen here. Only a subset of the language.

use minijinja::machinery::ast::{self, BinOpKind, CallArg, CompareOpKind, Expr, UnaryOpKind};
use serde_json::Value;

use interlock_core::id::StepName;
use interlock_core::label::{Path, PathSegment};
use interlock_core::workflow::{Reference, Root};

use super::filter::Filter;
use crate::problem::{Span, one_of};

/// An expression of the subset.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expression {
    Literal(Value),
    /// A path from a root, with its spelling for faults.
    Read {
        from: From,
        steps: Vec<Accessor>,
        spelling: String,
    },
    /// A step into a computed value.
    Into {
        base: Box<Self>,
        step: Accessor,
        spelling: String,
    },
    /// A step that is itself computed.
    At {
        base: Box<Self>,
        key: Box<Self>,
        spelling: String,
    },
    List(Vec<Self>),
    Not(Box<Self>),
    Negate(Box<Self>),
    Both(Box<Self>, Box<Self>),
    Either(Box<Self>, Box<Self>),
    Compare(Box<Self>, Vec<(Comparison, Self)>),
    Compute(Operator, Box<Self>, Box<Self>),
    If {
        test: Box<Self>,
        then: Box<Self>,
        otherwise: Box<Self>,
    },
    Filtered {
        filter: Filter,
        base: Box<Self>,
        arguments: Vec<Self>,
    },
    Defined(Box<Self>),
    IsNone(Box<Self>),
}

/// What a path starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum From {
    Inputs,
    Step(StepName),
    Run,
    /// The item of the loop at this depth, 0 for the outermost.
    Item(usize),
    /// `loop` of that loop.
    Loop(usize, LoopFact),
}

/// What a template may know of the loop it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LoopFact {
    Index,
    Index0,
    First,
    Last,
    Length,
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Accessor {
    Key(String),
    Index(i64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    DivideWhole,
    Remainder,
    Join,
}

/// An expression, its spelling, and all that it reads.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Compiled {
    pub(crate) expression: Expression,
    pub(crate) spelling: String,
    /// What it reads, each with its place in the text for diagnostics.
    pub(crate) reads: Vec<(Reference, Span)>,
}

impl Compiled {
    pub(crate) fn references(&self) -> impl Iterator<Item = Reference> {
        self.reads.iter().map(|(reference, _)| reference.clone())
    }
}

/// What is outside the subset, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) span: Span,
    pub(crate) message: String,
    pub(crate) hint: String,
}

pub(crate) fn refused<T>(
    span: Span,
    message: impl Into<String>,
    hint: impl Into<String>,
) -> Result<T, Refused> {
    Err(Refused {
        span,
        message: message.into(),
        hint: hint.into(),
    })
}

/// A loop around an expression: the name of its item and what it goes over.
#[derive(Debug, Clone)]
pub(crate) struct Around {
    pub(crate) name: String,
    pub(crate) over: Reference,
}

/// Makes the subset of a parsed expression. `text` is the whole template that the spans refer to.
pub(crate) fn compile(expr: &Expr<'_>, loops: &[Around], text: &str) -> Result<Compiled, Refused> {
    let mut compiler = Compiler {
        loops,
        text,
        reads: Vec::new(),
    };
    let expression = compiler.expression(expr)?;
    let mut reads = compiler.reads;
    reads.sort_by(|a, b| (&a.0, a.1.start).cmp(&(&b.0, b.1.start)));
    reads.dedup_by(|a, b| a.0 == b.0);
    Ok(Compiled {
        expression,
        spelling: slice(text, &bytes(expr)),
        reads,
    })
}

/// The bytes of an expression. The parser's span of what follows a value (`.b`, `[0]`, `| first`) starts
/// somewhere behind the value; here it starts with it.
pub(crate) fn bytes(expr: &Expr<'_>) -> Span {
    let own = expr.span();
    let inner = match expr {
        Expr::GetAttr(get) => Some(&get.expr),
        Expr::GetItem(get) => Some(&get.expr),
        Expr::Filter(filter) => filter.expr.as_ref(),
        Expr::Test(test) => Some(&test.expr),
        Expr::Call(call) => Some(&call.expr),
        Expr::Slice(slice) => Some(&slice.expr),
        Expr::BinOp(binary) => Some(&binary.left),
        Expr::Compare(compare) => Some(&compare.expr),
        Expr::IfExpr(choice) => Some(&choice.true_expr),
        Expr::Var(_)
        | Expr::Const(_)
        | Expr::UnaryOp(_)
        | Expr::List(_)
        | Expr::Tuple(_)
        | Expr::Map(_) => None,
    };
    let start = inner.map_or(own.start_offset as usize, |inner| bytes(inner).start);
    start.min(own.start_offset as usize)..(own.end_offset as usize).max(start)
}

fn slice(text: &str, span: &Span) -> String {
    text.get(span.clone()).unwrap_or_default().trim().to_owned()
}

struct Compiler<'c> {
    loops: &'c [Around],
    text: &'c str,
    reads: Vec<(Reference, Span)>,
}

impl Compiler<'_> {
    fn boxed(&mut self, expr: &Expr<'_>) -> Result<Box<Expression>, Refused> {
        self.expression(expr).map(Box::new)
    }

    fn expression(&mut self, expr: &Expr<'_>) -> Result<Expression, Refused> {
        let span = bytes(expr);
        Ok(match expr {
            Expr::Var(_) => self.path(expr)?,
            Expr::GetAttr(_) | Expr::GetItem(_) => self.access(expr)?,
            Expr::Const(constant) => match serde_json::to_value(&constant.value) {
                Ok(value) => Expression::Literal(value),
                Err(_) => return refused(span, "this literal has no JSON form", ""),
            },
            Expr::List(list) => Expression::List(self.all(&list.items)?),
            Expr::Tuple(tuple) => Expression::List(self.all(&tuple.items)?),
            Expr::UnaryOp(unary) => match unary.op {
                UnaryOpKind::Not => Expression::Not(self.boxed(&unary.expr)?),
                UnaryOpKind::Neg => Expression::Negate(self.boxed(&unary.expr)?),
            },
            Expr::BinOp(binary) => self.binary(binary, &span)?,
            Expr::Compare(compare) => {
                let first = self.boxed(&compare.expr)?;
                let mut rest = Vec::new();
                for op in &compare.ops {
                    rest.push((comparison(op.op), self.expression(&op.expr)?));
                }
                Expression::Compare(first, rest)
            }
            Expr::IfExpr(choice) => {
                let Some(otherwise) = &choice.false_expr else {
                    let hint = "write `a if condition else b`";
                    return refused(span, "an inline `if` without `else` may give nothing", hint);
                };
                Expression::If {
                    test: self.boxed(&choice.test_expr)?,
                    then: self.boxed(&choice.true_expr)?,
                    otherwise: self.boxed(otherwise)?,
                }
            }
            Expr::Filter(filter) => self.filter(filter, span)?,
            Expr::Test(test) => match (test.name, test.args.is_empty()) {
                ("defined", true) => Expression::Defined(self.boxed(&test.expr)?),
                ("undefined", true) => {
                    Expression::Not(Box::new(Expression::Defined(self.boxed(&test.expr)?)))
                }
                ("none", true) => Expression::IsNone(self.boxed(&test.expr)?),
                (name, _) => {
                    let hint = "there is `is defined`, `is undefined` and `is none`";
                    return refused(span, format!("the test `{name}` is not read here"), hint);
                }
            },
            Expr::Call(_) => return refused(span, "calls are not read here", Filter::hint("")),
            Expr::Slice(_) => {
                return refused(
                    span,
                    "slices are not read here",
                    "use `first`, `last` or `truncate`",
                );
            }
            Expr::Map(_) => {
                return refused(
                    span,
                    "mappings are not read here",
                    "compose the mapping in YAML instead",
                );
            }
        })
    }

    fn all(&mut self, items: &[Expr<'_>]) -> Result<Vec<Expression>, Refused> {
        items.iter().map(|item| self.expression(item)).collect()
    }

    fn binary(&mut self, binary: &ast::BinOp<'_>, span: &Span) -> Result<Expression, Refused> {
        let (left, right) = (self.boxed(&binary.left)?, self.boxed(&binary.right)?);
        let compare =
            |how, left, right: Box<Expression>| Expression::Compare(left, vec![(how, *right)]);
        Ok(match binary.op {
            BinOpKind::ScAnd => Expression::Both(left, right),
            BinOpKind::ScOr => Expression::Either(left, right),
            BinOpKind::Eq => compare(Comparison::Equal, left, right),
            BinOpKind::Ne => compare(Comparison::Unequal, left, right),
            BinOpKind::Lt => compare(Comparison::Less, left, right),
            BinOpKind::Lte => compare(Comparison::LessOrEqual, left, right),
            BinOpKind::Gt => compare(Comparison::Greater, left, right),
            BinOpKind::Gte => compare(Comparison::GreaterOrEqual, left, right),
            BinOpKind::In => compare(Comparison::In, left, right),
            BinOpKind::Add => Expression::Compute(Operator::Add, left, right),
            BinOpKind::Sub => Expression::Compute(Operator::Subtract, left, right),
            BinOpKind::Mul => Expression::Compute(Operator::Multiply, left, right),
            BinOpKind::Div => Expression::Compute(Operator::Divide, left, right),
            BinOpKind::FloorDiv => Expression::Compute(Operator::DivideWhole, left, right),
            BinOpKind::Rem => Expression::Compute(Operator::Remainder, left, right),
            BinOpKind::Concat => Expression::Compute(Operator::Join, left, right),
            BinOpKind::Pow => return refused(span.clone(), "powers are not read here", ""),
        })
    }

    fn filter(&mut self, filter: &ast::Filter<'_>, span: Span) -> Result<Expression, Refused> {
        let Some(base) = &filter.expr else {
            return refused(
                span,
                "filter blocks are not read here",
                "write `{{ value | filter }}`",
            );
        };
        let Some(found) = Filter::parse(filter.name) else {
            let message = format!("the filter `{}` is not read here", filter.name);
            return refused(span, message, Filter::hint(filter.name));
        };
        let base = self.boxed(base)?;
        let mut arguments = Vec::new();
        for argument in &filter.args {
            let CallArg::Pos(argument) = argument else {
                return refused(
                    span,
                    "a filter takes its arguments in order, without names",
                    "",
                );
            };
            arguments.push(self.expression(argument)?);
        }
        if !found.arguments().contains(&arguments.len()) {
            let range = found.arguments();
            let message = format!(
                "the filter `{}` takes {} to {} arguments",
                filter.name,
                range.start(),
                range.end()
            );
            return refused(span, message, "");
        }
        Ok(Expression::Filtered {
            filter: found,
            base,
            arguments,
        })
    }

    /// `a.b`, `a['b']` and `a[0]`, from a root or from a computed value.
    fn access(&mut self, expr: &Expr<'_>) -> Result<Expression, Refused> {
        if rooted(expr) {
            return self.path(expr);
        }
        let spelling = slice(self.text, &bytes(expr));
        match expr {
            Expr::GetAttr(get) => {
                let base = self.boxed(&get.expr)?;
                Ok(Expression::Into {
                    base,
                    step: Accessor::Key(get.name.to_owned()),
                    spelling,
                })
            }
            Expr::GetItem(get) => {
                let base = self.boxed(&get.expr)?;
                match literal_step(&get.subscript_expr) {
                    Some(step) => Ok(Expression::Into {
                        base,
                        step,
                        spelling,
                    }),
                    None => {
                        let key = self.boxed(&get.subscript_expr)?;
                        Ok(Expression::At {
                            base,
                            key,
                            spelling,
                        })
                    }
                }
            }
            other => self.expression(other),
        }
    }

    /// A path of literal steps from a variable.
    fn path(&mut self, expr: &Expr<'_>) -> Result<Expression, Refused> {
        let span = bytes(expr);
        let spelling = slice(self.text, &span);
        let mut steps = Vec::new();
        let mut at = expr;
        let root = loop {
            match at {
                Expr::GetAttr(get) => {
                    steps.push(Accessor::Key(get.name.to_owned()));
                    at = &get.expr;
                }
                Expr::GetItem(get) => {
                    let Some(step) = literal_step(&get.subscript_expr) else {
                        return refused(span, "this subscript is not a literal", "");
                    };
                    steps.push(step);
                    at = &get.expr;
                }
                Expr::Var(var) => break var.id,
                _ => return refused(span, "this path starts nowhere", ""),
            }
        };
        steps.reverse();
        let from = self.root(root, &mut steps, &span)?;
        let within = Path::new(steps.iter().map(segment).collect());
        let reference = match &from {
            From::Inputs => Reference {
                root: Root::Inputs,
                path: within,
            },
            From::Step(step) => Reference {
                root: Root::Step(step.clone()),
                path: within,
            },
            From::Run => Reference {
                root: Root::Run,
                path: within,
            },
            From::Item(depth) => {
                let over = self.over(*depth, &span)?;
                let mut path = over.path.then(PathSegment::Each);
                for segment in within.segments() {
                    path = path.then(segment.clone());
                }
                Reference {
                    root: over.root,
                    path,
                }
            }
            From::Loop(depth, _) => self.over(*depth, &span)?,
        };
        self.reads.push((reference, span));
        Ok(Expression::Read {
            from,
            steps,
            spelling,
        })
    }

    fn over(&self, depth: usize, span: &Span) -> Result<Reference, Refused> {
        match self.loops.get(depth) {
            Some(around) => Ok(around.over.clone()),
            None => refused(span.clone(), "there is no loop here", ""),
        }
    }

    fn root(&self, name: &str, steps: &mut Vec<Accessor>, span: &Span) -> Result<From, Refused> {
        if let Some(depth) = self.loops.iter().rposition(|around| around.name == name) {
            return Ok(From::Item(depth));
        }
        let take = |steps: &mut Vec<Accessor>| match steps.first() {
            Some(Accessor::Key(key)) => {
                let key = key.clone();
                steps.remove(0);
                Some(key)
            }
            _ => None,
        };
        match name {
            "inputs" => Ok(From::Inputs),
            "run" => match steps.as_slice() {
                [Accessor::Key(key)] if key == "id" || key == "started" => Ok(From::Run),
                _ => refused(
                    span.clone(),
                    "of the run, only `run.id` and `run.started` can be read",
                    "",
                ),
            },
            "steps" => {
                let step = take(steps).and_then(|step| StepName::parse(&step).ok());
                match (step, take(steps).as_deref()) {
                    (Some(step), Some("output")) => Ok(From::Step(step)),
                    _ => refused(
                        span.clone(),
                        "a step is read as `steps.NAME.output`",
                        "a name with `-` or `.` is written `steps['NAME'].output`",
                    ),
                }
            }
            "loop" if !self.loops.is_empty() => {
                let facts = [
                    ("index", LoopFact::Index),
                    ("index0", LoopFact::Index0),
                    ("first", LoopFact::First),
                    ("last", LoopFact::Last),
                    ("length", LoopFact::Length),
                ];
                let wanted = take(steps).unwrap_or_default();
                match facts.iter().find(|(name, _)| *name == wanted) {
                    Some((_, fact)) if steps.is_empty() => {
                        Ok(From::Loop(self.loops.len() - 1, *fact))
                    }
                    _ => refused(
                        span.clone(),
                        "this part of `loop` cannot be read",
                        one_of(&wanted, facts.iter().map(|(name, _)| *name)),
                    ),
                }
            }
            other => {
                let names = self.loops.iter().map(|around| around.name.as_str());
                let hint = one_of(other, ["inputs", "steps", "run"].into_iter().chain(names));
                refused(span.clone(), format!("`{other}` is not known here"), hint)
            }
        }
    }
}

/// Whether an access chain of literal steps starts at a variable.
fn rooted(expr: &Expr<'_>) -> bool {
    match expr {
        Expr::Var(_) => true,
        Expr::GetAttr(get) => rooted(&get.expr),
        Expr::GetItem(get) => literal_step(&get.subscript_expr).is_some() && rooted(&get.expr),
        _ => false,
    }
}

fn literal_step(expr: &Expr<'_>) -> Option<Accessor> {
    let value = match expr {
        Expr::Const(constant) => serde_json::to_value(&constant.value).ok()?,
        Expr::UnaryOp(_) => serde_json::to_value(expr.as_const()?).ok()?,
        _ => return None,
    };
    match value {
        Value::String(key) => Some(Accessor::Key(key)),
        Value::Number(number) => number.as_i64().map(Accessor::Index),
        _ => None,
    }
}

fn segment(step: &Accessor) -> PathSegment {
    match step {
        Accessor::Key(key) => PathSegment::Key(key.clone()),
        Accessor::Index(_) => PathSegment::Each,
    }
}

const fn comparison(op: CompareOpKind) -> Comparison {
    match op {
        CompareOpKind::Eq => Comparison::Equal,
        CompareOpKind::Ne => Comparison::Unequal,
        CompareOpKind::Lt => Comparison::Less,
        CompareOpKind::Lte => Comparison::LessOrEqual,
        CompareOpKind::Gt => Comparison::Greater,
        CompareOpKind::Gte => Comparison::GreaterOrEqual,
        CompareOpKind::In => Comparison::In,
        CompareOpKind::NotIn => Comparison::NotIn,
    }
}
