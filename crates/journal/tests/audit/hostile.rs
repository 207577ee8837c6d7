//! Entries made to cost time: nested and long arrays, thousands of notes, people, thresholds and votes, open runs.
//! Most are out of form, which is said of them, and no reason to be slow about it.

use interlock_journal::{LeafHash, leaf_hash};

use super::speed::now;
use super::{look, trusting};
use crate::forge::*;

/// An entry that nobody checked: `body` may be anything.
fn raw(run: u64, seq: u64, prev: Option<LeafHash>, event: &str, body: &str) -> Vec<u8> {
    let prev = prev.unwrap_or(LeafHash::ZERO);
    let bytes = format!(
        "{{\"body\":{body},\"env\":\"dev\",\"epoch\":0,\"event\":\"{event}\",\"prev\":\"{prev}\",\"run\":\"{}\",\
         \"seq\":{seq},\"tenant\":\"default\",\"time\":\"2026-11-20T12:00:00.000000Z\",\"v\":1}}",
        id("run", run)
    );
    assert!(bytes.len() <= 8192, "{}", bytes.len());
    bytes.into_bytes()
}

/// As many bodies in one run as asked for; `body` makes one of its number.
fn one_run(
    count: u64,
    event: impl Fn(u64) -> &'static str,
    body: impl Fn(u64) -> String,
) -> Vec<Vec<u8>> {
    let mut prev = None;
    (0..count)
        .map(|seq| {
            let bytes = raw(1, seq, prev, event(seq), &body(seq));
            prev = Some(leaf_hash(&bytes));
            bytes
        })
        .collect()
}

/// Seconds for auditing these entries, and how many bytes they are.
fn cost(entries: &[Vec<u8>]) -> (f64, usize) {
    let files = publish(entries, &log_key());
    let start = now();
    let report = look(&files, &trusting());
    let took = now() - start;
    assert!(!report.inclusion.is_broken(), "{}", report.inclusion);
    (took, entries.iter().map(Vec::len).sum())
}

fn list(count: u64, item: impl Fn(u64) -> String) -> String {
    let items: Vec<String> = (0..count).map(item).collect();
    format!("[{}]", items.join(","))
}

/// Four times as much of what is hostile takes four times as long, not sixteen, and a byte of it not much more than
/// an honest one.
#[test]
fn no_input_costs_more_than_its_length() {
    let mut pen = Pen::default();
    pen.open();
    pen.runs(1, 40);
    let (honest, bytes) = cost(&pen.entries);
    let honest = honest / bytes as f64;
    let decision = |n: u64, action: &str, verdict: &str| {
        format!(
            "{{\"decision\":{{\"action\":\"{action}\",\"determined_by\":[],\"id\":\"{}\",\"verdict\":{verdict},\
             \"version\":\"{}\"}},\"label\":{},\"step\":\"pay\",\"target\":\"t\"}}",
            id("dec", n + 1),
            digest(POLICY),
            label(&[])
        )
    };
    let thresholds = |n: u64| list(n, |n| format!("{{\"count\":{n},\"role\":\"r{n}\"}}"));
    type Log<'a> = Box<dyn Fn(u64) -> Vec<Vec<u8>> + 'a>;
    let logs: [(&str, Log<'_>); 8] = [
        (
            "nested arrays",
            Box::new(|count| {
                let nest = format!("{}1{}", "[".repeat(13), "]".repeat(13));
                one_run(
                    count,
                    |_| "a.b",
                    |_| format!("{{\"a\":{}}}", list(270, |_| nest.clone())),
                )
            }),
        ),
        (
            "long arrays",
            Box::new(|count| {
                one_run(
                    count,
                    |_| "model.replied",
                    |_| format!("{{\"call\":{}}}", list(3900, |_| "1".to_owned())),
                )
            }),
        ),
        (
            "many members",
            Box::new(|count| {
                let members: Vec<String> = (1000..1600).map(|n| format!("\"{n}\":{n}")).collect();
                one_run(
                    count,
                    |_| "policy.decided",
                    |_| format!("{{{}}}", members.join(",")),
                )
            }),
        ),
        (
            "payload notes",
            Box::new(|count| {
                let notes = list(180, |n| format!("{{\"id\":\"{}\"}}", id("pay", n)));
                one_run(
                    count,
                    |_| "run.started",
                    |_| format!("{{\"payloads\":{notes}}}"),
                )
            }),
        ),
        (
            "people",
            Box::new(|count| {
                one_run(
                    count,
                    |_| "run.started",
                    |seq| {
                        format!(
                            "{{\"label\":{{\"about\":{}}}}}",
                            list(220, |n| format!("\"{}\"", id("sub", seq * 220 + n)))
                        )
                    },
                )
            }),
        ),
        (
            "thresholds",
            Box::new(|count| {
                let verdict = format!(
                    "{{\"answer\":\"review\",\"approvals\":{}}}",
                    thresholds(250)
                );
                let review = |n: u64| {
                    format!(
                        "{{\"review\":{{\"digest\":\"{}\",\"id\":\"{}\",\"subject\":{{\"of\":\"release\"}},\"thresholds\":{}}}}}",
                        digest("d"),
                        id("rev", n + 1),
                        thresholds(255)
                    )
                };
                one_run(
                    count,
                    |seq| {
                        if seq % 2 == 0 {
                            "policy.decided"
                        } else {
                            "review.requested"
                        }
                    },
                    |seq| {
                        if seq % 2 == 0 {
                            decision(seq, "release", &verdict)
                        } else {
                            review(seq)
                        }
                    },
                )
            }),
        ),
        (
            "votes",
            Box::new(|count| {
                let roles = list(280, |n| format!("\"role-of-people-{n}\""));
                let vote = |n: u64| {
                    format!(
                        "{{\"approve\":true,\"digest\":\"{}\",\"review\":\"{}\",\"roles\":{roles},\"voter\":\"{}\"}}",
                        digest("d"),
                        id("rev", 1),
                        id("prn", n)
                    )
                };
                one_run(
                    count,
                    |seq| {
                        if seq == 0 {
                            "review.requested"
                        } else if seq % 2 == 1 {
                            "policy.decided"
                        } else {
                            "review.voted"
                        }
                    },
                    |seq| match seq {
                        0 => format!(
                            "{{\"review\":{{\"digest\":\"{}\",\"id\":\"{}\",\"subject\":{{\"of\":\"release\"}},\"thresholds\":[]}}}}",
                            digest("d"),
                            id("rev", 1)
                        ),
                        seq if seq % 2 == 1 => decision(seq, "review", "{\"answer\":\"allow\"}"),
                        seq => vote(seq),
                    },
                )
            }),
        ),
        (
            "open runs",
            Box::new(|count| {
                (0..count * 8)
                    .map(|n| raw(n + 1, 0, None, "run.requested", "{}"))
                    .collect()
            }),
        ),
    ];
    for (what, log) in logs {
        let (short, _) = cost(&log(100));
        let (long, bytes) = cost(&log(400));
        let per_byte = long / bytes as f64 / honest;
        println!(
            "{what:<16} {:>6.1} ms, {per_byte:.2} of an honest byte",
            long * 1e3
        );
        assert!(
            long < 8.0 * short + 0.05,
            "{what}: {short} and {long} seconds"
        );
        assert!(per_byte < 12.0, "{what}: {per_byte}");
    }
}
