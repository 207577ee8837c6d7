//! The decision machine as tables: a small bundle with scripted seams, one run driven input by input, and the
//! journal's invariants checked after every step.

mod act;
mod branch;
mod drive;
mod fallback;
mod journal;
mod labels;
mod matrix;
mod nodes;
mod random;
mod recheck;
mod recover;
mod review;
mod road;
mod seams;
mod settle;
mod world;

/// Holds what has happened since the last [`world::Drive::from_here`] against the kinds of events expected.
#[track_caller]
fn check(drive: &world::Drive<'_>, expected: &str) {
    let expected: Vec<&str> = expected.split_whitespace().collect();
    assert_eq!(drive.kinds(), expected);
}
