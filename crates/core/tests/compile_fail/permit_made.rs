//! A permit comes from a decision only.
use interlock_core::digest::Digest;
use interlock_core::id::DecisionId;
use interlock_core::pipeline::policy::{Action, Permit};

fn main() {
    let _ = Permit {
        decision: DecisionId::from_bytes([0; 16]),
        action: Action::CallTool,
        version: Digest::from_bytes([0; 32]),
        downgrades: Default::default(),
    };
}
