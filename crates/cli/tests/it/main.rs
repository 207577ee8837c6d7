//! The command line as a person meets it: real processes, real data directories, real terminals; only the model is
//! played. What policies and workflows decide is tested where they live.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it does not expect fails, in its helpers too"
)]

mod anchors;
mod audit;
mod bad_input;
mod canary;
mod demo;
mod erasure;
mod examples;
mod export;
mod keys;
mod log;
mod model;
mod offices;
mod people;
mod place;
mod reveal;
mod terminal;
mod watch;
