//! Stories that are well formed and signed, and tell of what nobody allowed: a decision about something else, an
//! approval used twice or run out, people who were never asked. And the stories of the engine that look like them.

use super::{check_broken, check_honest, look, trusting};
use crate::forge::*;

type Story = Vec<(String, String)>;
const ALLOW: &str = "{\"answer\":\"allow\"}";

fn place(story: &Story, event: &str) -> usize {
    story.iter().position(|(kind, _)| kind == event).unwrap()
}

fn log_with(change: impl FnOnce(&mut Pen, &mut Story) -> usize) -> (Files, u64) {
    let mut pen = Pen::default();
    pen.open();
    let mut story = pen.story(5);
    let at = change(&mut pen, &mut story);
    let first = pen.entries.len();
    for (event, body) in story {
        pen.write(5, &event, &body);
    }
    (publish(&pen.entries, &log_key()), (first + at) as u64)
}

/// The story so changed is broken at the place that `change` gives.
#[track_caller]
fn check(change: impl FnOnce(&mut Pen, &mut Story) -> usize) {
    let (files, at) = log_with(change);
    check_broken(&look(&files, &trusting()), &[("semantics", Some(at))]);
}

/// The story so changed is one that the engine writes.
#[track_caller]
fn check_engine(change: impl FnOnce(&mut Pen, &mut Story) -> usize) {
    check_honest(&log_with(change).0, &trusting());
}

fn edit_decisions(story: &mut Story, action: &str, from: &str, to: &str) {
    let wanted = format!("\"action\":\"{action}\"");
    for (event, body) in story.iter_mut() {
        if event == "policy.decided" && body.contains(&wanted) {
            *body = body.replace(from, to);
        }
    }
}

/// A second attempt of the story's act, put behind `at`: the decision, the start and what ends it.
fn again(pen: &mut Pen, story: &mut Story, at: usize) -> usize {
    let started = story[place(story, "act.started")].1.clone();
    let finished = story[place(story, "act.finished")].1.clone();
    let from = started.find("grant_").unwrap();
    let old = started[from..from + 32].to_owned();
    let new = id("grant", 900_000);
    let attempt = started
        .replace(&old, &new)
        .replace("\"attempt\":1", "\"attempt\":2");
    story.splice(
        at + 1..at + 1,
        [
            pen.decided("call_tool", "pay", "pay_one", ALLOW),
            ("act.started".to_owned(), attempt),
            ("act.finished".to_owned(), finished.replace(&old, &new)),
        ],
    );
    at + 2
}

/// The first attempt fails instead.
fn fail_first(story: &mut Story) -> usize {
    let at = place(story, "act.finished");
    let (act, grant) = (&story[at].1[8..38], &story[at].1[49..81]);
    let body = format!(
        "{{\"act\":\"{act}\",\"fault\":\"timeout\",\"grant\":\"{grant}\",\"known\":\"unknown\",\"step\":\"pay\"}}"
    );
    story.insert(at, ("act.failed".to_owned(), body));
    at
}

fn act_of(story: &Story) -> String {
    story[place(story, "act.proposed")].1[8..38].to_owned()
}

#[test]
fn a_decision_about_another_tool_starts_nothing() {
    check(|_, story| {
        edit_decisions(story, "call_tool", "\"pay_one\"", "\"look_up\"");
        place(story, "act.started")
    });
    // Nor where people were left out of it.
    check(|_, story| {
        story.retain(|(event, body)| {
            let asked = event == "policy.decided" && body.contains("\"action\":\"review\"");
            let answered = event == "policy.decided" && body.contains("\"answer\":\"review\"");
            !(asked || answered || event.starts_with("review."))
        });
        edit_decisions(story, "call_tool", "\"pay_one\"", "\"look_up\"");
        place(story, "act.started")
    });
}

#[test]
fn a_decision_about_another_workflow_starts_and_releases_nothing() {
    for (action, event) in [("start_run", "run.started"), ("release", "output.released")] {
        check(|_, story| {
            edit_decisions(story, action, "\"target\":\"demo\"", "\"target\":\"other\"");
            place(story, event)
        });
    }
}

#[test]
fn a_decision_about_one_person_is_no_vote_of_another() {
    check(|_, story| {
        edit_decisions(story, "review", &id("prn", 2), &id("prn", 30));
        place(story, "review.voted")
    });
    check(|_, story| {
        let asker = format!("\"asker\":\"{}\",", id("prn", 2));
        edit_decisions(story, "review", &asker, "");
        place(story, "review.voted")
    });
}

#[test]
fn one_approval_is_not_good_for_two_performances() {
    check(|pen, story| {
        let at = place(story, "act.finished");
        again(pen, story, at)
    });
    // The story says first that it is tried again: of what was done, that is no better.
    check(|pen, story| {
        let at = place(story, "act.finished");
        let retried = format!(
            "{{\"act\":\"{}\",\"cause\":\"unavailable\",\"step\":\"pay\"}}",
            act_of(story)
        );
        story.insert(at + 1, ("act.retried".to_owned(), retried));
        again(pen, story, at + 1);
        at + 1
    });
    // What a person settled as done is done.
    check(|pen, story| {
        let at = settle(pen, story, "happened");
        again(pen, story, at)
    });
}

#[test]
fn a_failed_attempt_is_not_tried_again_in_silence() {
    check(|pen, story| {
        let at = fail_first(story);
        story.remove(at + 1);
        story.insert(at + 1, finished(story, pen));
        let started = again(pen, story, at);
        story.remove(started + 2);
        started
    });
}

/// An `act.finished` as the story had it.
fn finished(story: &Story, pen: &mut Pen) -> (String, String) {
    let fresh = pen.story(5);
    let mut body = fresh[place(&fresh, "act.finished")].1.clone();
    let failed = &story[place(story, "act.failed")].1;
    body.replace_range(8..38, &act_of(story));
    let from = failed.find("grant_").unwrap();
    body.replace_range(49..81, &failed[from..from + 32]);
    ("act.finished".to_owned(), body)
}

/// The act is in doubt, and a person says what became of it; the place of that.
fn settle(pen: &mut Pen, story: &mut Story, verdict: &str) -> usize {
    let at = fail_first(story);
    let done = story.remove(at + 1);
    let (item, act) = (id("inb", 1), act_of(story));
    let opened = format!(
        "{{\"act\":\"{act}\",\"item\":\"{item}\",\"kind\":{{\"what\":\"in_doubt\"}},\"node\":1,\"step\":\"pay\"}}"
    );
    let by = id("prn", 4);
    let settled = format!("{{\"by\":\"{by}\",\"item\":\"{item}\",\"verdict\":\"{verdict}\"}}");
    story.splice(
        at + 1..at + 1,
        [
            ("inbox.opened".to_owned(), opened),
            pen.asked_by(&by, ""),
            ("inbox.settled".to_owned(), settled),
            done,
        ],
    );
    // `again` copies the end from the story; it is taken out behind it.
    at + 3
}

#[test]
fn attempts_that_the_engine_makes_again_are_in_order() {
    let retried = |story: &Story| {
        let act = act_of(story);
        let body = format!("{{\"act\":\"{act}\",\"cause\":\"timeout\",\"step\":\"pay\"}}");
        ("act.retried".to_owned(), body)
    };
    check_engine(|pen, story| {
        let at = fail_first(story);
        let retried = retried(story);
        story.insert(at + 1, retried);
        let started = again(pen, story, at + 1);
        story.remove(started + 2);
        0
    });
    // After a recovery, and after a person said that it did not happen.
    check_engine(|pen, story| {
        let at = place(story, "act.finished");
        story.insert(at, ("run.recovered".to_owned(), "{\"epoch\":0}".to_owned()));
        let started = again(pen, story, at);
        story.remove(started + 2);
        0
    });
    check_engine(|pen, story| {
        let at = settle(pen, story, "did_not_happen");
        let started = again(pen, story, at);
        story.remove(started + 2);
        0
    });
}

#[test]
fn what_ran_out_approves_nothing() {
    const FAR: &str = "2027-01-01T00:00:00.000000Z";
    const PAST: &str = "2020-01-01T00:00:00.000000Z";
    check(|_, story| {
        let at = place(story, "review.requested");
        story[at].1 = story[at].1.replace(FAR, PAST);
        place(story, "review.voted")
    });
    check(|_, story| {
        let at = place(story, "act.started");
        story[at].1 = story[at].1.replace(FAR, PAST);
        at
    });
    // Approved in time, and started after it: the entries of the story are of the same second.
    check(|_, story| {
        let at = place(story, "review.requested");
        let settled = place(story, "review.settled");
        let until = format!("2026-01-20T12:00:00.{:06}Z", settled + 1);
        story[at].1 = story[at].1.replace(FAR, &until);
        place(story, "act.started")
    });
}

#[test]
fn a_review_that_asks_for_nobody_is_none() {
    check(|_, story| {
        for (_, body) in story.iter_mut() {
            *body = body.replace("\"count\":2", "\"count\":0");
        }
        place(story, "review.requested")
    });
}

#[test]
fn policies_that_nobody_adopted_are_unknown_in_a_pruned_log_too() {
    let pruned = |adopted: bool| {
        let mut pen = Pen::default();
        pen.open();
        pen.runs(1, 13);
        if adopted {
            pen.adopt(POLICY);
        }
        pen.write(0, "log.pruned", "{\"minimum\":256}");
        let first = pen.run_with(77, |_| {});
        let mut files = publish(&pen.entries, &log_key());
        files.0.remove("tile/entries/000");
        files.0.remove("tile/0/000");
        (files, first)
    };
    check_honest(&pruned(true).0, &trusting());
    let (files, first) = pruned(false);
    check_broken(
        &look(&files, &trusting()),
        &[("semantics", Some(first + 1))],
    );
}

#[test]
fn what_is_disclosed_is_what_entries_committed_to() {
    use base64::Engine as _;
    // Python: hmac.new(bytes([7]*32), the parts, sha256)
    let commit = "2d336f0db618c6d63a5465b7b89ff06948ee01264456587baf9559fb9e876a5a";
    let with = |content: &str, policies: &str| {
        let mut pen = honest();
        let at = pen.entries.len() as u64;
        let (problems, note) = pen.payload("problems");
        let from = note.find("\"commit\":\"").unwrap() + 10;
        let mut note = note;
        note.replace_range(from..from + 64, commit);
        let body = format!("{{\"payloads\":{note},\"problems\":\"{problems}\",\"violations\":1}}");
        pen.write(41, "intake.rejected", &body);
        let mut files = export(&pen, &log_key());
        let plain = base64::engine::general_purpose::STANDARD.encode(content);
        let opened = format!(
            "{{\"commitment_key\":\"{}\",\"plaintext\":\"{plain}\",\"slot\":\"problems\"}}",
            "07".repeat(32)
        );
        files
            .0
            .insert(format!("disclosed/{problems}.json"), opened.into_bytes());
        // SHA-256 of 8 bytes of length and `a`, and the same of `b`.
        files.0.insert(
            "policies/3c9d591045bc8876f9d0399bbfb05c6a412096e906f73278f98406cd5dca86df".to_owned(),
            policies.as_bytes().to_vec(),
        );
        files.seal(pen.entries.len() as u64, &[("kind", "\"log\"".to_owned())]);
        (files, at)
    };
    let report = check_honest(&with("content", "[\"a\",\"b\"]").0, &trusting());
    assert!(
        report.disclosures.text().starts_with("1 payloads"),
        "{}",
        report.disclosures
    );
    let (files, at) = with("another", "[\"a\",\"b\"]");
    check_broken(&look(&files, &trusting()), &[("disclosures", Some(at))]);
    let (files, _) = with("content", "[\"ab\"]");
    check_broken(&look(&files, &trusting()), &[("disclosures", None)]);
}

#[test]
fn advance_leave_has_to_be_given() {
    check(|_, story| {
        let at = place(story, "act.proposed");
        story[at].1 = story[at]
            .1
            .replace("\"standing\":false", "\"standing\":true");
        at
    });
    check_engine(|pen, story| {
        let at = place(story, "act.proposed");
        story[at].1 = story[at]
            .1
            .replace("\"standing\":false", "\"standing\":true");
        let leave = pen.decided("authorise_standing", "pay", "pay_one", ALLOW);
        story.insert(at, leave);
        0
    });
}

#[test]
fn an_approval_that_was_voided_is_in_order_and_starts_nothing() {
    let void = |story: &mut Story| {
        let at = place(story, "review.settled");
        let body = story[at].1.replace("approved", "voided");
        story.insert(at + 1, ("review.settled".to_owned(), body));
    };
    check(|_, story| {
        void(story);
        place(story, "act.started")
    });
    check_engine(|_, story| {
        void(story);
        let (from, to) = (place(story, "act.started"), place(story, "act.finished"));
        story.drain(from..=to);
        0
    });
}
