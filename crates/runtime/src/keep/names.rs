//! The names that a position may spell: those that schemas and workflow files declare. A member that a value brings
//! along under any other name may be somebody's name, and is spelt `*`.

use std::collections::BTreeSet;

use interlock_core::id::SchemaName;
use interlock_core::label::PathSegment;
use interlock_core::run::{Parts, Program};
use interlock_core::workflow::NodeKind;
use serde_json::Value;

/// Members of payloads that are the format's own.
const OWN: [&str; 9] = [
    "system",
    "user",
    "text",
    "request_id",
    "model",
    "reason",
    "key",
    "value",
    "shown",
];

/// Declared names.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names(BTreeSet<String>);

impl Names {
    /// All that a run's workflow can bring into a payload.
    pub(crate) fn of(program: &Program<'_>) -> Self {
        let mut schemas: BTreeSet<&SchemaName> = BTreeSet::new();
        schemas.insert(&program.workflow.input);
        schemas.insert(&program.workflow.output.schema);
        for node in &program.workflow.nodes {
            match &node.kind {
                NodeKind::Model(step) => {
                    schemas.insert(&step.output);
                }
                NodeKind::Retrieve(step) => {
                    if let Some(source) = program.registry.sources.get(&step.source) {
                        schemas.extend([&source.query, &source.result]);
                    }
                }
                NodeKind::Tool(step) => {
                    if let Some(tool) = program.registry.tools.get(&step.tool) {
                        schemas.extend([&tool.arguments, &tool.result]);
                    }
                }
                NodeKind::Review(_) | NodeKind::Branch(_) => {}
            }
        }
        let mut names = OWN.iter().map(|name| (*name).to_owned()).collect();
        for schema in schemas {
            if let Some(text) = program.shapes.text(schema) {
                declared(text, &mut names);
            }
        }
        Self(names)
    }

    /// With those that the draft's own structure names.
    pub(crate) fn with(&self, parts: &Parts) -> Self {
        let mut names = self.clone();
        for (path, _) in parts.fields.iter() {
            for segment in path.segments() {
                if let PathSegment::Key(key) = segment {
                    names.0.insert(key.clone());
                }
            }
        }
        names
    }

    /// How a member is spelt in a position.
    pub(crate) fn spell(&self, key: &str) -> String {
        if self.0.contains(key) {
            key.replace('~', "~0").replace('/', "~1")
        } else {
            "*".to_owned()
        }
    }
}

fn declared(schema: &Value, names: &mut BTreeSet<String>) {
    match schema {
        Value::Object(members) => {
            if let Some(properties) = members.get("properties").and_then(Value::as_object) {
                names.extend(properties.keys().cloned());
            }
            members.values().for_each(|member| declared(member, names));
        }
        Value::Array(items) => items.iter().for_each(|item| declared(item, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
