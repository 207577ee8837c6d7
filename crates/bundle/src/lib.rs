//! Loads and checks bundles: a folder of workflows, prompts, policies, sources, tools, schemas and tests becomes
//! values of `interlock-core`, or a list of problems with file, place and hint. Templates and shapes stand behind
//! core's seams. Nothing here runs a workflow, reaches a network or reads a clock; must never depend on `runtime`.

mod connector;
mod node;
mod problem;
mod reader;
mod registry;
mod schema;
mod template;

pub use problem::{BundleProblems, Problem};
pub use schema::BundleShapes;
pub use template::BundleTemplates;
