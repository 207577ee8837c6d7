//! What code outside of `core` cannot do: proofs are made by the room that checks, and by nobody else. Each file
//! in `compile_fail` is a program that must not compile, with the compiler's words beside it. What is not
//! implemented is asked of the traits themselves, so that no compiler's wording matters there.

mod proofs;

#[test]
fn proofs_cannot_be_made_from_outside() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
