//! Policies written in Cedar, behind core's seam `Guards`: loading them with every refusal that can be made
//! before a request comes, and evaluating one request, two-valued. The ladder that makes four answers of it
//! is core's. This crate reads no file, knows no clock and must never depend on store, runtime or server.

mod arguments;
mod evaluate;
mod express;
mod facts;
mod load;
mod operator;
mod refuse;
mod schema;
mod source;

#[cfg(test)]
mod tests;

pub use evaluate::CedarGuards;
pub use schema::ToolArguments;
pub use source::{PolicyProblem, PolicySource};
