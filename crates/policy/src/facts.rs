//! What a policy's conditions read of `context`, found in its syntax: the facts that a remedy supplies may
//! stand only where that remedy is declared. Cedar has no variables, so each read is a chain of names.

use std::collections::BTreeSet;

use serde_json::Value;

/// All that the conditions of one policy mention.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// Reads and `has` tests below `context`, with dots, and each prefix: `approval`, `approval.fits`.
    reads: BTreeSet<String>,
    /// String literals.
    pub(crate) texts: BTreeSet<String>,
    /// Whether `context` is used as a whole.
    pub(crate) whole: bool,
}

impl Facts {
    /// Of a policy in Cedar's JSON form.
    pub(crate) fn of(policy: &Value) -> Self {
        let mut facts = Self::default();
        let conditions = policy.get("conditions").and_then(Value::as_array);
        for condition in conditions.into_iter().flatten() {
            facts.walk(condition);
        }
        facts
    }

    /// Whether this is read.
    pub(crate) fn mentions(&self, path: &str) -> bool {
        self.reads.contains(path)
    }

    fn walk(&mut self, expression: &Value) {
        if let Some(path) = chain(expression) {
            match path.is_empty() {
                true => self.whole = true,
                false => drop(self.reads.insert(path)),
            }
        }
        match expression {
            Value::Object(members) => {
                for (name, member) in members {
                    match (name.as_str(), member) {
                        ("Value", Value::String(text)) => drop(self.texts.insert(text.clone())),
                        // The start of a chain is known from the chain.
                        ("." | "has", access) if access.get("left").and_then(chain).is_some() => {
                            let left = access.get("left");
                            if let Some(left) = left.filter(|left| !is_context(left)) {
                                self.walk(left);
                            }
                        }
                        _ => self.walk(member),
                    }
                }
            }
            Value::Array(members) => members.iter().for_each(|member| self.walk(member)),
            Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null => {}
        }
    }
}

fn is_context(expression: &Value) -> bool {
    expression.get("Var").and_then(Value::as_str) == Some("context")
}

/// The names of a read that starts at `context`, with dots; empty for `context` itself.
fn chain(expression: &Value) -> Option<String> {
    if is_context(expression) {
        return Some(String::new());
    }
    let access = expression.get(".").or_else(|| expression.get("has"))?;
    let left = chain(access.get("left")?)?;
    let name = match access.get("attr")? {
        Value::String(name) => name.clone(),
        Value::Array(names) => names
            .iter()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join("."),
        _ => return None,
    };
    Some(if left.is_empty() {
        name
    } else {
        format!("{left}.{name}")
    })
}
