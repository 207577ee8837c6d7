//! The shell around the decisions: the driver's loop and the doors through which it reaches models, tools, sources,
//! secrets, keys and time. Only here is anything outside called. It decides nothing: every effect takes a proof
//! that core made, and what comes back goes to core as data.

pub mod administration;
pub mod anchor;
mod aws;
pub mod case;
pub mod clock;
pub mod codec;
pub mod config;
pub mod connector;
mod deploy;
pub mod doors;
mod driver;
pub mod egress;
pub mod engine;
pub mod erasure;
pub mod export;
mod identity;
pub mod keep;
pub mod keys;
mod live;
pub mod log;
pub mod model;
mod open;
pub mod price;
pub mod projection;
pub mod retention;
pub mod reveal;
pub mod say;
pub mod seal;
pub mod search;
pub mod secret;
mod service;
pub mod source;
pub mod stream;
pub mod tool;
pub mod view;
mod world;

pub use deploy::Deployed;
pub use engine::{Doors, Engine, Fault, Loaded, Parts, Progress};
pub use identity::{Named, Unidentified};
pub use live::Recorded;
pub use service::{Answer, StartRequest};
pub use world::WorldRecord;
