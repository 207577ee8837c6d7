//! The bundle's policies with the operator's, as one set, and their texts by id for explanations. What is wrong
//! with a policy of the bundle is one of its problems; what is wrong with the operator's stands in that file.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use interlock_core::id::{PolicyId, ToolName};
use interlock_core::pipeline::policy::{Action, Layer};
use interlock_core::registry::Tool;
use interlock_core::seams::Shapes as _;
use interlock_policy::{CedarGuards, PolicySource, ToolArguments};

use crate::problem::{Report, one_of};
use crate::schema::BundleShapes;

/// The operator's policies: they apply to every bundle, and no bundle weakens them.
#[derive(Debug, Clone, Default)]
pub struct OperatorPolicies {
    /// The files.
    pub sources: Vec<PolicySource>,
}

/// A policy as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyText {
    /// Its file.
    pub file: String,
    /// The line that it starts on, from 1.
    pub line: usize,
    /// Its text.
    pub text: String,
}

/// Loads all policies.
pub(crate) fn load(
    texts: &BTreeMap<String, Arc<str>>,
    operator: &OperatorPolicies,
    tools: &BTreeMap<ToolName, Tool>,
    shapes: &BundleShapes,
    broken: &BTreeSet<String>,
    report: &mut Report,
) -> Option<(CedarGuards, BTreeMap<PolicyId, PolicyText>)> {
    let mut sources = Vec::new();
    let mut sound = true;
    for (file, text) in texts {
        let Some(name) = file
            .strip_prefix("policies/")
            .and_then(|rest| rest.strip_suffix(".cedar"))
        else {
            continue;
        };
        match Layer::ALL.into_iter().find(|layer| layer.as_str() == name) {
            Some(layer) => sources.push(PolicySource {
                file: file.clone(),
                layer,
                text: text.to_string(),
            }),
            None => {
                let hint = one_of(name, Layer::ALL.map(Layer::as_str));
                report.refuse(
                    file,
                    0..0,
                    format!("`{name}` is not a layer of policies"),
                    hint,
                );
                sound = false;
            }
        }
    }
    let arguments: Vec<ToolArguments<'_>> = tools
        .values()
        .filter_map(|tool| {
            Some(ToolArguments {
                tool: &tool.name,
                schema: shapes.text(&tool.arguments)?,
            })
        })
        .collect();
    for source in &operator.sources {
        report.show(&source.file, source.text.as_str().into());
    }
    let guards = match CedarGuards::load(&operator.sources, &sources, &arguments) {
        Ok(guards) => guards,
        Err(problems) => {
            // A tool whose file was refused has no action: that is said at the file.
            let refused = |message: &str| {
                broken
                    .iter()
                    .filter_map(|file| file.strip_prefix("tools/")?.strip_suffix(".yaml"))
                    .any(|tool| {
                        ["call_tool", "authorise_standing"]
                            .iter()
                            .any(|action| message.contains(&format!("\"{action}:{tool}\"")))
                    })
            };
            for problem in problems
                .into_iter()
                .filter(|problem| !refused(&problem.message))
            {
                let span = problem.offset..problem.offset + problem.length;
                let hint = action_hint(&problem.message, tools).unwrap_or(problem.hint);
                report.refuse(&problem.file, span, problem.message, hint);
            }
            return None;
        }
    };
    let by_id = operator
        .sources
        .iter()
        .chain(&sources)
        .flat_map(pieces)
        .collect();
    sound.then_some((guards, by_id))
}

/// For an action that does not exist: the nearest one of this bundle.
fn action_hint(message: &str, tools: &BTreeMap<ToolName, Tool>) -> Option<String> {
    let (_, rest) = message.split_once("unrecognized action `Interlock::Action::\"")?;
    let (written, _) = rest.split_once('"')?;
    let of_tools = |action: &'static str| tools.keys().map(move |tool| format!("{action}:{tool}"));
    let actions: Vec<String> = Action::ALL
        .into_iter()
        .map(|action| action.as_str().to_owned())
        .chain(of_tools("call_tool"))
        .chain(of_tools("authorise_standing"))
        .collect();
    Some(one_of(written, actions.iter().map(String::as_str)))
}

/// The policies of a file, by id. The file is known to parse: a `;` outside texts and comments ends a policy.
fn pieces(source: &PolicySource) -> Vec<(PolicyId, PolicyText)> {
    let text = source.text.as_str();
    let mut found = Vec::new();
    let (mut start, mut quoted, mut comment, mut escaped) = (0, false, false, false);
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        if comment {
            comment = c != '\n';
        } else if quoted {
            quoted = escaped || c != '"';
            escaped = !escaped && c == '\\';
        } else if c == '"' {
            quoted = true;
        } else if c == '/' && before == '/' {
            comment = true;
        } else if c == ';' {
            found.extend(piece(source, start, at + 1));
            start = at + 1;
        }
        before = c;
    }
    found
}

fn piece(source: &PolicySource, start: usize, end: usize) -> Option<(PolicyId, PolicyText)> {
    let whole = source.text.get(start..end)?;
    let text = whole.trim_start();
    let from = start + (whole.len() - text.len());
    let id = text.split_once("@id(\"")?.1.split_once('"')?.0;
    let line = source.text.get(..from)?.matches('\n').count() + 1;
    let id = PolicyId::parse(id).ok()?;
    Some((
        id,
        PolicyText {
            file: source.file.clone(),
            line,
            text: text.to_owned(),
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_cut_apart_at_their_ends() {
        let text = "// first; not an end\n@id(\"a.one\")\npermit(principal, action, resource) when { \"x;\\\";\" == \"y\" };\n\n@id(\"a.two\") forbid(principal, action, resource);\n";
        let source = PolicySource {
            file: "policies/data.cedar".into(),
            layer: Layer::Data,
            text: text.into(),
        };
        let found = pieces(&source);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].0.as_str(), found[0].1.line), ("a.one", 1));
        assert_eq!((found[1].0.as_str(), found[1].1.line), ("a.two", 5));
    }
}
