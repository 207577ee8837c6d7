//! A world for tests alone: stores that fail or die at a chosen write, scripted people who walk a run's whole road,
//! and what must hold of every journal whatever happened on the way. Nothing that ships depends on it.

pub mod attack;
pub mod example;
pub mod installation;
pub mod invariants;
pub mod road;
pub mod store;
