//! The Cedar schema of one policy set: the fixed vocabulary, and for each tool an action whose context holds
//! the tool's arguments with the types that its JSON Schema gives them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use interlock_core::id::ToolName;
use serde_json::Value;

use crate::arguments::{ArgumentType, Record};

/// The fixed part, which is a valid schema by itself.
const FIXED: &str = include_str!("../schema/interlock.cedarschema");

/// Stands for the tools that a bundle does not have: a policy about any tool is then checked against a tool
/// without arguments too, and is valid in a bundle without tools. No tool's name starts with `_`.
pub(crate) const NO_TOOL: &str = "_";

/// A tool's argument schema.
#[derive(Debug, Clone, Copy)]
pub struct ToolArguments<'a> {
    /// The tool.
    pub tool: &'a ToolName,
    /// The JSON Schema of its arguments: an object.
    pub schema: &'a Value,
}

/// Types of the arguments of each tool.
pub(crate) fn argument_types(tools: &[ToolArguments<'_>]) -> BTreeMap<ToolName, Record> {
    tools
        .iter()
        .map(|tool| {
            let record = match ArgumentType::of(tool.schema) {
                Some(ArgumentType::Record(record)) => record,
                // Arguments that are no object have no members that a policy could name.
                Some(_) | None => Record::default(),
            };
            (tool.tool.clone(), record)
        })
        .collect()
}

/// The schema's text.
pub(crate) fn text(tools: &BTreeMap<ToolName, Record>) -> String {
    let circumstances = FIXED
        .split_once("type Circumstances = {")
        .and_then(|(_, rest)| rest.split_once("};"))
        .map_or("", |(body, _)| body);
    // Tool actions always have facts about their arguments, and no vote.
    let common: String = circumstances
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("act?") && !line.starts_with("vote?"))
        .fold(String::new(), |mut all, line| {
            let _ = writeln!(all, "      {line}");
            all
        });
    let mut out = FIXED.trim_end().trim_end_matches('}').to_owned();
    let nothing = Record::default();
    let all = tools.iter().map(|(name, record)| (name.as_str(), record));
    for (name, record) in std::iter::once((NO_TOOL, &nothing)).chain(all) {
        for group in ["call_tool", "authorise_standing"] {
            let _ = write!(
                out,
                "\n  action \"{group}:{name}\" in [{group}] appliesTo {{\n    \
                 principal: [Person, Service], resource: [Tool],\n    \
                 context: {{{common}      act: Act,\n      args: {record},\n    }}\n  }};\n"
            );
        }
    }
    out.push_str("}\n");
    out
}
