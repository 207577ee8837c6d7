//! Loads and checks bundles: a folder of workflows, prompts, policies, sources, tools, schemas and tests becomes
//! values of `interlock-core`, or a list of problems with file, place and hint. Templates and shapes stand behind
//! core's seams. Nothing here runs a workflow, reaches a network or reads a clock; must never depend on `runtime`.

mod bundle;
mod case;
mod connector;
mod files;
mod manifest;
mod node;
mod policies;
mod problem;
mod prompt;
mod reader;
mod registry;
mod schema;
mod template;
#[cfg(test)]
mod tests;
mod workflow;

pub use bundle::Bundle;
pub use case::{
    CaseOutcome, CasePrincipal, CaseVerdict, Expectation, ExpectedActs, ExpectedDecision,
    ExpectedVerdict, Fault, Reply, Says, StandIn, TestCase, WaitingFor,
};
pub use connector::{
    CommandConnector, CommandInput, FileConnector, FileRoot, HeaderValue, HttpConnector,
    HttpMethod, LedgerConnector, Pattern, PatternPart, ReadOutput, SourceConnector, ToolConnector,
};
pub use policies::{OperatorPolicies, PolicyText};
pub use problem::{BundleProblems, Problem};
pub use schema::BundleShapes;
pub use template::BundleTemplates;
