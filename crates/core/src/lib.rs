//! The decisions of Interlock as pure functions: labels, the pipeline's rooms, the run's state machine.
//! No IO, no clock, no randomness, no async, no logging: what comes from outside is a parameter.

pub mod digest;
pub mod id;
pub mod label;
pub mod limits;
pub mod pipeline;
pub mod registry;
pub mod run;
pub mod seams;
pub mod time;
pub mod workflow;
