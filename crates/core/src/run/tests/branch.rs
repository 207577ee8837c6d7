//! A branch takes the first arm that holds; none, or a condition that fails, is a person's.

use serde_json::json;

use super::super::*;
use super::check;
use super::world::{Drive, World, choose, fetch};
use crate::workflow::Next;

fn arm_for(urgent: serde_json::Value, no: Option<Next>) -> String {
    let world = World::of(vec![choose(Next::Node(1), no), fetch(Next::End)]);
    let input = json!({"case": "7", "urgent": urgent});
    let drive = Drive::started_with(&world, input, world.person(1, &[]));
    let taken = drive.events().find_map(|e| match e {
        Event::BranchTaken { arm, .. } => Some(*arm),
        _ => None,
    });
    format!("{:?} {}", taken.unwrap(), drive.state.phase.name())
}

#[test]
fn the_first_arm_that_holds_is_taken() {
    let end = Some(Next::End);
    for (urgent, no, expected) in [
        (json!(true), end, "Some(0) reading"),
        (json!(false), end, "Some(1) ended"),
        (json!(false), None, "None waiting"),
        (json!("yes"), end, "None waiting"),
    ] {
        assert_eq!(arm_for(urgent, no), expected);
    }
}

#[test]
fn a_branch_without_an_arm_says_so_before_it_waits() {
    let world = World::of(vec![choose(Next::End, None)]);
    let drive = Drive::started(&world);
    check(
        &drive,
        "run.requested policy.decided run.started branch.taken inbox.opened",
    );
}
