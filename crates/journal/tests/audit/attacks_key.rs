//! Attacks of whoever has the log's key: only what was kept or anchored outside shows them.

use interlock_journal::audit::Finding;

use super::{check_broken, check_honest, look, trusting};
use crate::forge::*;

/// The honest log with one run written otherwise, everything after it made to fit, and signed.
fn rewritten() -> (Pen, Pen) {
    let (mut before, mut after) = (Pen::default(), Pen::default());
    for (pen, outcome) in [(&mut before, "completed"), (&mut after, "degraded")] {
        pen.open();
        pen.runs(1, 20);
        pen.run_with(21, |story| {
            story.last_mut().unwrap().1 = format!("{{\"outcome\":\"{outcome}\"}}");
        });
        pen.runs(22, 10);
    }
    (before, after)
}

#[test]
fn attack_15_history_is_rewritten_and_signed_again_with_kept_checkpoint() {
    let (before, after) = rewritten();
    let files = publish(&after.entries, &log_key());
    let mut expect = trusting();
    check_honest(&files, &expect);
    // Each checkpoint kept narrows where the rewriting began: it was after the last that the log still extends.
    expect.kept = Some(checkpoint(&before.entries[..500]));
    check_broken(&look(&files, &expect), &[("append-only", Some(0))]);
    let mut files = files;
    let text = checkpoint(&before.entries[..400]).to_text();
    files
        .0
        .insert(format!("checkpoints/{:020}", 400), log_key().sign(&text));
    check_broken(&look(&files, &expect), &[("append-only", Some(400))]);
    expect.kept = Some(checkpoint(&before.entries[..400]));
    check_honest(&files, &expect);
}

#[test]
fn attack_16_two_heads_of_one_size_with_kept_checkpoint() {
    let (before, after) = rewritten();
    assert_eq!(before.entries.len(), after.entries.len());
    let mut expect = trusting();
    expect.kept = Some(checkpoint(&before.entries));
    check_honest(&publish(&before.entries, &log_key()), &expect);
    let report = look(&publish(&after.entries, &log_key()), &expect);
    check_broken(&report, &[("append-only", Some(0))]);
}

#[test]
fn attack_17_the_log_is_rolled_back_and_goes_on_otherwise_with_kept_checkpoint() {
    let pen = honest();
    let mut other = Pen::default();
    other.open();
    // Whole threes, so that the beginning is the same.
    other.runs(1, 21);
    let back = other.entries.len();
    other.runs(70, 30);
    let mut expect = trusting();
    expect.kept = Some(checkpoint(&pen.entries[..back + 40]));
    let mut files = publish(&other.entries, &log_key());
    let text = checkpoint(&pen.entries[..back]).to_text();
    files
        .0
        .insert(format!("checkpoints/{back:020}"), log_key().sign(&text));
    check_broken(
        &look(&files, &expect),
        &[("append-only", Some(back as u64))],
    );
    let files = publish(&other.entries[..back], &log_key());
    check_broken(
        &look(&files, &expect),
        &[("append-only", Some(back as u64))],
    );
}

#[test]
fn attack_19_a_backdated_event_stands_out_of_its_runs_order() {
    let pen = honest();
    // An approval written later is put where it should have been, with the tree made again and signed.
    let mut entries = pen.entries;
    let late = entries.pop().unwrap();
    entries.insert(300, late);
    let report = look(&publish(&entries, &log_key()), &trusting());
    check_broken(&report, &[("runs", Some(300))]);
}

#[test]
fn attack_20_the_key_is_swapped() {
    let pen = honest();
    let files = publish(&pen.entries, &Key::of(ORIGIN, 8));
    check_broken(&look(&files, &trusting()), &[("signature", None)]);
    // Whoever has been told of both keys accepts both.
    let mut expect = trusting();
    expect.keys.push(Key::of(ORIGIN, 8).verifier());
    check_honest(&files, &expect);
}

#[test]
fn attack_21_a_known_key_id_with_another_keys_signature() {
    use interlock_journal::note::assemble;
    let pen = honest();
    let mut files = publish(&pen.entries, &log_key());
    let text = checkpoint(&pen.entries).to_text();
    let mut line = log_key().line(&text);
    line.signature = Key::of(ORIGIN, 8).line(&text).signature;
    files
        .0
        .insert("checkpoint".to_owned(), assemble(&text, &[line]).unwrap());
    check_broken(&look(&files, &trusting()), &[("signature", None)]);
}

#[test]
fn what_a_key_holder_rewrites_is_found_by_witnesses_alone() {
    use interlock_journal::WitnessPolicy;
    let (_, after) = rewritten();
    let mut expect = trusting();
    let witness = Key::of("witness.one", 1);
    expect.witnesses = Some(WitnessPolicy::new(1, vec![witness.witness()]).unwrap());
    let report = look(&publish(&after.entries, &log_key()), &expect);
    assert!(matches!(report.anchors, Finding::CannotTell { .. }));
    assert_eq!(report.exit(), 2);
}
