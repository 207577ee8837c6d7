//! A prompt's template as a tree of texts, slots, conditions and loops, walked by us and not by MiniJinja's
//! renderer, so that each value comes out in a slot of its own. Anything else in a template is refused.

use minijinja::machinery::{self, ast};
use minijinja::syntax::SyntaxConfig;

use interlock_core::limits::{EXPRESSION_BYTES_MAX, PROMPT_BYTES_MAX, TEMPLATE_ROUNDS_MAX};
use interlock_core::seams::{Piece, Scope, TemplateFault};
use interlock_core::workflow::Reference;

use super::evaluate::{Frame, Turn, text_of};
use super::expression::{Around, Compiled, Expression, Refused, bytes, compile, refused};
use crate::problem::Span;

/// A slot as decisions see it. Conditions and loops are slots too, which never come out as a piece: what they
/// read shows in the text that they choose.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Slot {
    pub(crate) references: Vec<Reference>,
    pub(crate) system: bool,
    /// Its own reads with their places in the template, for diagnostics.
    pub(crate) reads: Vec<(Reference, Span)>,
    /// Where it stands.
    pub(crate) span: Span,
}

/// A prompt's template.
#[derive(Debug, Clone, Default)]
pub(crate) struct PromptTemplate {
    pub(crate) slots: Vec<Slot>,
    /// What conditions read.
    pub(crate) choices: Vec<Reference>,
    system: Vec<Part>,
    user: Vec<Part>,
}

#[derive(Debug, Clone)]
enum Part {
    Text(String),
    Slot(usize, Compiled),
    If(Compiled, Vec<Self>, Vec<Self>),
    For {
        over: Compiled,
        body: Vec<Self>,
        empty: Vec<Self>,
    },
}

impl PromptTemplate {
    /// Adds a section. Spans in a refusal are relative to `text`, those in slots have `base` added.
    pub(crate) fn add(&mut self, text: &str, system: bool, base: usize) -> Result<(), Refused> {
        let parsed = parse(text)?;
        let ast::Stmt::Template(template) = &parsed else {
            return refused(0..text.len(), "this is not a template", "");
        };
        let mut maker = Maker {
            text,
            system,
            base,
            loops: Vec::new(),
            control: Vec::new(),
            slots: &mut self.slots,
            choices: &mut self.choices,
        };
        let parts = maker.parts(&template.children)?;
        if system {
            self.system = parts
        } else {
            self.user = parts
        }
        Ok(())
    }

    /// Renders both sections.
    pub(crate) fn render(&self, scope: &Scope) -> Result<Vec<Piece>, TemplateFault> {
        let mut walk = Walk {
            frame: Frame::new(scope),
            pieces: Vec::new(),
            system: true,
            bytes: 0,
            rounds: 0,
        };
        walk.parts(&self.system)?;
        walk.system = false;
        walk.parts(&self.user)?;
        Ok(walk.pieces)
    }
}

/// Parses a template with MiniJinja's own parser.
pub(crate) fn parse(text: &str) -> Result<ast::Stmt<'_>, Refused> {
    machinery::parse(text, "template", SyntaxConfig::default()).map_err(|fault| {
        let span = fault.range().unwrap_or(0..text.len());
        let detail = fault.detail().unwrap_or("the syntax is wrong").to_owned();
        Refused {
            span,
            message: format!("this template does not parse: {detail}"),
            hint: "a slot is `{{ inputs.name }}`, a condition `{% if … %}…{% endif %}`".to_owned(),
        }
    })
}

/// An expression within its bound.
pub(crate) fn expression(
    expr: &ast::Expr<'_>,
    loops: &[Around],
    text: &str,
) -> Result<Compiled, Refused> {
    let span = bytes(expr);
    if span.len() > EXPRESSION_BYTES_MAX {
        return refused(
            span,
            format!("an expression has at most {EXPRESSION_BYTES_MAX} bytes"),
            "",
        );
    }
    compile(expr, loops, text)
}

struct Maker<'m> {
    text: &'m str,
    system: bool,
    base: usize,
    loops: Vec<Around>,
    control: Vec<Reference>,
    slots: &'m mut Vec<Slot>,
    choices: &'m mut Vec<Reference>,
}

impl Maker<'_> {
    fn parts(&mut self, statements: &[ast::Stmt<'_>]) -> Result<Vec<Part>, Refused> {
        let mut parts = Vec::new();
        for statement in statements {
            parts.push(match statement {
                ast::Stmt::EmitRaw(raw) => Part::Text(raw.raw.to_owned()),
                ast::Stmt::EmitExpr(emit) => {
                    let compiled = expression(&emit.expr, &self.loops, self.text)?;
                    Part::Slot(self.slot(&compiled, bytes(&emit.expr)), compiled)
                }
                ast::Stmt::IfCond(choice) => {
                    let test = expression(&choice.expr, &self.loops, self.text)?;
                    self.slot(&test, bytes(&choice.expr));
                    let outside = self.control.len();
                    self.choices.extend(test.references());
                    self.control.extend(test.references());
                    let then = self.parts(&choice.true_body)?;
                    let otherwise = self.parts(&choice.false_body)?;
                    self.control.truncate(outside);
                    Part::If(test, then, otherwise)
                }
                ast::Stmt::ForLoop(each) => self.each(each)?,
                other => return Err(outside(other)),
            });
        }
        Ok(parts)
    }

    fn each(&mut self, each: &ast::ForLoop<'_>) -> Result<Part, Refused> {
        let span = bytes(&each.iter);
        let ast::Expr::Var(name) = &each.target else {
            return refused(bytes(&each.target), "a loop has one name for its item", "");
        };
        if each.recursive || each.filter_expr.is_some() {
            return refused(
                span,
                "a loop is plain: `{% for item in path %}`",
                "put an `{% if %}` inside it",
            );
        }
        let over = expression(&each.iter, &self.loops, self.text)?;
        let (Expression::Read { .. }, [(reference, _)]) = (&over.expression, over.reads.as_slice())
        else {
            return refused(
                span,
                "a loop goes over a path",
                "write for example `steps.fetch.output.lines`",
            );
        };
        if ["inputs", "steps", "run", "loop"].contains(&name.id) {
            return refused(
                bytes(&each.target),
                format!("`{}` already has a meaning", name.id),
                "choose another name",
            );
        }
        let reference = reference.clone();
        self.slot(&over, span);
        let outside = self.control.len();
        self.control.push(reference.clone());
        self.loops.push(Around {
            name: name.id.to_owned(),
            over: reference,
        });
        let body = self.parts(&each.body)?;
        self.loops.pop();
        let empty = self.parts(&each.else_body)?;
        self.control.truncate(outside);
        Ok(Part::For { over, body, empty })
    }

    fn slot(&mut self, compiled: &Compiled, span: Span) -> usize {
        let mut references: Vec<Reference> = compiled
            .references()
            .chain(self.control.iter().cloned())
            .collect();
        references.sort();
        references.dedup();
        let shift = |span: &Span| span.start + self.base..span.end + self.base;
        let reads = compiled
            .reads
            .iter()
            .map(|(reference, span)| (reference.clone(), shift(span)))
            .collect();
        self.slots.push(Slot {
            references,
            system: self.system,
            reads,
            span: shift(&span),
        });
        self.slots.len() - 1
    }
}

/// A statement outside the subset.
fn outside(statement: &ast::Stmt<'_>) -> Refused {
    let (span, name) = match statement {
        ast::Stmt::WithBlock(s) => (s.span(), "with"),
        ast::Stmt::Set(s) => (s.span(), "set"),
        ast::Stmt::SetBlock(s) => (s.span(), "set"),
        ast::Stmt::AutoEscape(s) => (s.span(), "autoescape"),
        ast::Stmt::FilterBlock(s) => (s.span(), "filter"),
        ast::Stmt::Do(s) => (s.span(), "do"),
        ast::Stmt::Template(s) => (s.span(), "template"),
        ast::Stmt::EmitExpr(s) => (s.span(), "emit"),
        ast::Stmt::EmitRaw(s) => (s.span(), "raw"),
        ast::Stmt::ForLoop(s) => (s.span(), "for"),
        ast::Stmt::IfCond(s) => (s.span(), "if"),
    };
    Refused {
        span: span.start_offset as usize..span.end_offset as usize,
        message: format!("`{name}` is not part of a prompt's template"),
        hint: "a template has texts, slots, `if` and `for`".to_owned(),
    }
}

struct Walk<'s> {
    frame: Frame<'s>,
    pieces: Vec<Piece>,
    system: bool,
    bytes: usize,
    rounds: usize,
}

impl Walk<'_> {
    fn parts(&mut self, parts: &[Part]) -> Result<(), TemplateFault> {
        for part in parts {
            match part {
                Part::Text(text) => {
                    self.grow(text.len(), "the prompt")?;
                    let text = text.clone();
                    self.pieces.push(if self.system {
                        Piece::System(text)
                    } else {
                        Piece::User(text)
                    });
                }
                Part::Slot(slot, compiled) => {
                    let value = self.frame.evaluate(compiled)?;
                    let text = text_of(&value)
                        .ok_or_else(|| TemplateFault::Kind(compiled.spelling.clone()))?
                        .into_owned();
                    self.grow(text.len(), &compiled.spelling)?;
                    self.pieces.push(Piece::Slot {
                        slot: *slot,
                        system: self.system,
                        text,
                    });
                }
                Part::If(test, then, otherwise) => {
                    let truth = super::evaluate::truthy(&*self.frame.evaluate(test)?);
                    self.parts(if truth { then } else { otherwise })?;
                }
                Part::For { over, body, empty } => {
                    let items = self.frame.list(over)?;
                    if items.is_empty() {
                        self.parts(empty)?;
                    }
                    for (index, item) in items.iter().enumerate() {
                        self.rounds += 1;
                        if self.rounds > TEMPLATE_ROUNDS_MAX {
                            return Err(TemplateFault::Bound(
                                over.spelling.clone(),
                                TEMPLATE_ROUNDS_MAX,
                            ));
                        }
                        self.frame.enter(Turn {
                            item,
                            index,
                            length: items.len(),
                        });
                        let done = self.parts(body);
                        self.frame.leave();
                        done?;
                    }
                }
            }
        }
        Ok(())
    }

    fn grow(&mut self, bytes: usize, spelling: &str) -> Result<(), TemplateFault> {
        self.bytes += bytes;
        if self.bytes > PROMPT_BYTES_MAX {
            return Err(TemplateFault::Bound(spelling.to_owned(), PROMPT_BYTES_MAX));
        }
        Ok(())
    }
}
