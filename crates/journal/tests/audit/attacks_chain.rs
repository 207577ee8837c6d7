//! Attacks on runs and on what they tell. The log is signed throughout: this is what a writer that misbehaves, or a
//! key holder that invents, leaves in a log that is whole.

use interlock_journal::{LeafHash, leaf_hash};

use super::{check_broken, look, trusting};
use crate::forge::*;

/// Position of the first event of a kind in a story.
fn place(story: &[(String, String)], event: &str) -> usize {
    story.iter().position(|(kind, _)| kind == event).unwrap()
}

/// The log with one run whose story is changed; the verdict must name the entry at `at` of the run.
fn check_story(change: impl FnOnce(&mut Vec<(String, String)>) -> usize, finding: &str) {
    let mut pen = honest();
    let mut at = 0;
    let first = pen.run_with(90, |story| at = change(story));
    let report = look(&publish(&pen.entries, &log_key()), &trusting());
    check_broken(&report, &[(finding, Some(first + at as u64))]);
}

#[test]
fn attack_23_a_gap_in_a_runs_places() {
    let mut entries = honest().entries;
    entries.remove(300);
    let report = look(&publish(&entries, &log_key()), &trusting());
    check_broken(&report, &[("runs", Some(302))]);
}

#[test]
fn attack_24_prev_points_to_another_run() {
    let mut pen = honest();
    let elsewhere: LeafHash = leaf_hash(&pen.entries[300]);
    pen.entries.push(draft(
        91,
        0,
        None,
        "run.requested",
        &pen.clone().story(91)[0].1,
        1,
    ));
    pen.entries.push(draft(
        91,
        1,
        Some(elsewhere),
        "run.recovered",
        "{\"epoch\":1}",
        1,
    ));
    let at = pen.entries.len() as u64 - 1;
    let report = look(&publish(&pen.entries, &log_key()), &trusting());
    check_broken(&report, &[("runs", Some(at))]);
}

#[test]
fn attack_25_a_run_is_not_whole() {
    // Without its begin, and begun with something else.
    let mut pen = honest();
    let story = pen.story(92);
    let prev = leaf_hash(&pen.entries[10]);
    pen.entries
        .push(draft(92, 1, Some(prev), &story[1].0, &story[1].1, 1));
    let at = pen.entries.len() as u64 - 1;
    let report = look(&publish(&pen.entries, &log_key()), &trusting());
    check_broken(&report, &[("runs", Some(at))]);

    let mut pen = honest();
    let at = pen.write(93, "run.recovered", "{\"epoch\":1}");
    let report = look(&publish(&pen.entries, &log_key()), &trusting());
    check_broken(&report, &[("runs", Some(at))]);
}

#[test]
fn attack_25_a_run_without_an_end_is_said_to_be_open() {
    let report = look(&publish(&honest().entries, &log_key()), &trusting());
    assert!(
        report.runs.text().contains("40 runs ended and 1 open"),
        "{}",
        report.runs
    );
    assert_eq!(report.exit(), 0);
}

#[test]
fn attack_26_an_event_after_the_end() {
    let mut pen = honest();
    let at = pen.write(7, "run.recovered", "{\"epoch\":1}");
    let report = look(&publish(&pen.entries, &log_key()), &trusting());
    check_broken(&report, &[("runs", Some(at))]);
}

#[test]
fn an_epoch_that_was_fenced_off_and_a_chain_in_the_wrong_place_are_found() {
    let mut pen = honest();
    let at = pen.write(0, "run.recovered", "{\"epoch\":1}");
    let report = look(&publish(&pen.entries, &log_key()), &trusting());
    check_broken(&report, &[("runs", Some(at))]);
    let mut pen = honest();
    let version = digest("p");
    let at = pen.write(
        41,
        "bundle.deployed",
        &format!("{{\"name\":\"demo\",\"version\":\"{version}\"}}"),
    );
    let report = look(&publish(&pen.entries, &log_key()), &trusting());
    check_broken(&report, &[("runs", Some(at))]);
}

#[test]
fn attack_27_a_result_without_request_decision_or_approval() {
    // A tool's result without a start.
    check_story(
        |story| {
            let at = place(story, "act.started");
            story.remove(at);
            at
        },
        "semantics",
    );
    // A start without a proposal, and without the decision just before it.
    check_story(
        |story| {
            let at = place(story, "act.proposed");
            story.remove(at);
            place(story, "review.requested")
        },
        "semantics",
    );
    check_story(
        |story| {
            let at = place(story, "act.started");
            story.remove(at - 1);
            at - 1
        },
        "semantics",
    );
    // Without the approval that the decision asked for.
    check_story(
        |story| {
            let at = place(story, "review.settled");
            story.remove(at);
            place(story, "act.started")
        },
        "semantics",
    );
    check_story(
        |story| {
            let (from, to) = (
                place(story, "review.requested"),
                place(story, "review.settled"),
            );
            story.drain(from..=to);
            place(story, "act.started")
        },
        "semantics",
    );
    // A model's answer to a call that was not made.
    check_story(
        |story| {
            let at = place(story, "model.requested");
            story.remove(at);
            place(story, "model.replied")
        },
        "semantics",
    );
}

#[test]
fn attack_27_approvals_that_do_not_count() {
    let edit = |story: &mut Vec<(String, String)>, event: &str, from: &str, to: &str| {
        let at = place(story, event);
        assert!(story[at].1.contains(from));
        story[at].1 = story[at].1.replace(from, to);
        at
    };
    // The requester's own vote.
    check_story(
        |story| {
            let at = edit(story, "review.voted", &id("prn", 2), &id("prn", 1));
            story[at - 1].1 = story[at - 1].1.replace(&id("prn", 2), &id("prn", 1));
            at
        },
        "semantics",
    );
    // One person twice.
    check_story(
        |story| {
            let first = place(story, "review.voted");
            edit(story, "review.voted", &id("prn", 2), &id("prn", 3));
            story[first - 1].1 = story[first - 1].1.replace(&id("prn", 2), &id("prn", 3));
            first + 2
        },
        "semantics",
    );
    // A no, and a vote in another role, leave too few.
    for (from, to) in [
        ("\"approve\":true", "\"approve\":false"),
        ("\"approver\"", "\"clerk\""),
    ] {
        check_story(
            |story| {
                edit(story, "review.voted", from, to);
                place(story, "review.settled")
            },
            "semantics",
        );
    }
    // A review that asks fewer people than policy did.
    check_story(
        |story| edit(story, "review.requested", "\"count\":2", "\"count\":1"),
        "semantics",
    );
    // People said no, and it starts all the same.
    check_story(
        |story| {
            edit(story, "review.settled", "approved", "rejected");
            place(story, "act.started")
        },
        "semantics",
    );
}

#[test]
fn attack_28_an_approval_is_used_for_another_act() {
    // Another digest is started than was approved.
    check_story(
        |story| {
            let at = place(story, "act.started");
            let other = digest("another act");
            let from = story[at].1.find("\"digest\":\"").unwrap() + 10;
            story[at].1.replace_range(from..from + 64, &other);
            at
        },
        "semantics",
    );
    // Another act is proposed, whose review was never held, and started after the approval of the first.
    check_story(
        |story| {
            let (proposed, started) = (place(story, "act.proposed"), place(story, "act.started"));
            let (_, body) = story[proposed].clone();
            let from = body.find("act_").unwrap();
            let mut other = body.clone();
            other.replace_range(from..from + 30, &id("act", 999_999));
            let of = |body: &str, key: &str, len: usize| {
                let from = body.find(key).unwrap() + key.len();
                body[from..from + len].to_owned()
            };
            let (act, shown) = (of(&body, "\"act\":\"", 30), of(&body, "\"digest\":\"", 64));
            let other = other.replace(&shown, &digest("other"));
            let ask = story[proposed + 1].1.clone();
            let ask = ask.replace(&of(&ask, "\"id\":\"", 30), &id("dec", 999_998));
            let start = story[started]
                .1
                .replace(&act, &id("act", 999_999))
                .replace(&shown, &digest("other"));
            story[started].1 = start;
            story.insert(started - 1, ("act.proposed".to_owned(), other));
            story.insert(started, ("policy.decided".to_owned(), ask));
            started + 2
        },
        "semantics",
    );
    // A vote on another digest than is under review.
    check_story(
        |story| {
            let at = place(story, "review.voted");
            let from = story[at].1.find("\"digest\":\"").unwrap() + 10;
            story[at]
                .1
                .replace_range(from..from + 64, &digest("another act"));
            at
        },
        "semantics",
    );
}

#[test]
fn attack_29_a_decision_cites_policies_that_were_not_adopted() {
    check_story(
        |story| {
            story[3].1 = story[3].1.replace(&digest(POLICY), &digest("unknown"));
            3
        },
        "semantics",
    );
    // Adopted afterwards is not adopted before.
    let mut pen = honest();
    let first = pen.run_with(94, |story| {
        story[3].1 = story[3].1.replace(&digest(POLICY), &digest("late"));
    });
    pen.adopt("late");
    let report = look(&publish(&pen.entries, &log_key()), &trusting());
    check_broken(&report, &[("semantics", Some(first + 3))]);
}

#[test]
fn attack_30_a_valid_chain_that_the_tree_does_not_hold() {
    let pen = honest();
    let mut other = Pen::default();
    other.open();
    other.runs(1, 39);
    other.runs(50, 1);
    let story = other.story(41);
    for (event, body) in story.into_iter().take(5) {
        other.write(41, &event, &body);
    }
    assert_eq!(pen.entries.len(), other.entries.len());
    let differs = pen
        .entries
        .iter()
        .zip(&other.entries)
        .position(|(a, b)| a != b)
        .unwrap() as u64;
    let mut files = publish(&pen.entries, &log_key());
    put_bundles(&mut files, &other.entries);
    check_broken(&look(&files, &trusting()), &[("inclusion", Some(differs))]);
}
