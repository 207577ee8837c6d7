//! The rights to read, to show and to call are made by core's own check, even for one who holds a permit.
use interlock_core::id::{CallId, EndpointName, RunId};
use interlock_core::pipeline::model::{PromptText, Showing};
use interlock_core::pipeline::policy::Permit;
use interlock_core::pipeline::source::Reading;
use interlock_core::pipeline::tool::{ActFacts, ExecutableCall, Grant};
use interlock_core::registry::{Source, Tool};
use interlock_core::{digest::ActKey, time::Timestamp};
use serde_json::Value;

fn read(permit: Permit, run: RunId, call: CallId, source: &Source, query: Value) {
    let _ = Reading::new(permit, run, call, source, query);
}

fn show(permit: Permit, call: CallId, endpoint: EndpointName, prompt: PromptText, schema: Value) {
    let _ = Showing::new(permit, call, endpoint, prompt, schema, 1);
}

fn act(permit: Permit, grant: Grant, key: &ActKey, facts: &ActFacts<'_>, tool: &Tool, now: Timestamp) {
    let _ = ExecutableCall::new(permit, grant, key, facts, tool, now);
}

fn main() {}
