//! Which proofs may be copied or read from bytes: none that is for one use, and none at all.
#![expect(
    clippy::assertions_on_constants,
    reason = "the constants are the compiler's answers; the test names the one that changed"
)]

use std::marker::PhantomData;

use interlock_core::pipeline::identity::Principal;
use interlock_core::pipeline::intake::Accepted;
use interlock_core::pipeline::model::{ModelReply, Showing};
use interlock_core::pipeline::policy::Permit;
use interlock_core::pipeline::source::Reading;
use interlock_core::pipeline::tool::{ExecutableCall, Grant};
use interlock_core::pipeline::validation::Validated;
use serde::de::DeserializeOwned;

/// `No` answers for every type; an inherent constant, where its bound holds, is found first.
struct Cloned<T>(PhantomData<T>);
struct Read<T>(PhantomData<T>);

trait No {
    const IS: bool = false;
}

impl<T> No for Cloned<T> {}
impl<T> No for Read<T> {}

impl<T: Clone> Cloned<T> {
    const IS: bool = true;
}

impl<T: DeserializeOwned> Read<T> {
    const IS: bool = true;
}

#[test]
fn proofs_for_one_use_are_not_clone() {
    assert!(Cloned::<String>::IS, "the question works");
    assert!(!Cloned::<Permit>::IS);
    assert!(!Cloned::<Reading>::IS);
    assert!(!Cloned::<Showing>::IS);
    assert!(!Cloned::<ExecutableCall>::IS);
    assert!(!Cloned::<Accepted>::IS);
    assert!(!Cloned::<Validated>::IS);
}

#[test]
fn no_rung_of_the_ladder_is_read_from_bytes() {
    assert!(Read::<String>::IS, "the question works");
    assert!(!Read::<Principal>::IS);
    assert!(!Read::<Permit>::IS);
    assert!(!Read::<Reading>::IS);
    assert!(!Read::<Showing>::IS);
    assert!(!Read::<ModelReply>::IS);
    assert!(!Read::<Accepted>::IS);
    assert!(!Read::<Validated>::IS);
    assert!(!Read::<Grant>::IS);
    assert!(!Read::<ExecutableCall>::IS);
}
