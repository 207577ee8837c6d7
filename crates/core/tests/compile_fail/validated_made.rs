//! A reply is validated, and a value accepted, by the rooms that check them.
use interlock_core::pipeline::intake::Accepted;
use interlock_core::pipeline::validation::Validated;
use serde_json::Value;

fn main() {
    let _ = Validated { value: Value::Null };
    let _ = Accepted { value: Value::Null };
}
