//! A principal is an admitted claim.
use interlock_core::pipeline::identity::{Claims, Principal};

fn skip(claims: Claims) -> Principal {
    Principal { claims }
}

fn main() {
    let _ = skip;
}
