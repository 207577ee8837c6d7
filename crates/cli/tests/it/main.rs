//! The command line as a person meets it: real processes, real data directories, real terminals; only the model is
//! played. What policies and workflows decide is tested where they live.

mod audit;
mod bad_input;
mod demo;
mod examples;
mod model;
mod people;
mod place;
mod terminal;
