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

/// A log that K1 began and K2 goes on with: its files, and the size at which both signed.
struct Handed {
    files: Files,
    before: Pen,
    pen: Pen,
}

const ENTRY: fn(&Key, &Key) -> String = |before, after| {
    format!(
        "{{\"after\":\"{}\",\"before\":\"{}\"}}",
        digest(&after.text(1)),
        digest(&before.text(1))
    )
};

fn put_key(files: &mut Files, key: &Key) {
    let text = key.text(1);
    files
        .0
        .insert(format!("keys/{}", digest(&text)), text.into_bytes());
}

fn put_note(files: &mut Files, pen: &Pen, keys: &[&Key]) {
    use interlock_journal::note::assemble;
    let text = checkpoint(&pen.entries).to_text();
    let lines: Vec<_> = keys.iter().map(|key| key.line(&text)).collect();
    files.0.insert(
        format!("checkpoints/{:020}", pen.entries.len()),
        assemble(&text, &lines).unwrap(),
    );
}

/// `entry` is the body of `log.key_rotated`, if it is written; `signers` sign the checkpoint over it.
fn handed(entry: Option<&str>, signers: &[&Key]) -> Handed {
    let (old, new) = (log_key(), Key::of(ORIGIN, 8));
    let mut pen = Pen::default();
    pen.open();
    pen.runs(1, 9);
    let early = pen.clone();
    if let Some(body) = entry {
        pen.write(0, "log.key_rotated", body);
    }
    let before = pen.clone();
    pen.runs(10, 9);
    let mut files = publish(&pen.entries, &new);
    put_note(&mut files, &early, &[&old]);
    put_note(&mut files, &before, signers);
    put_key(&mut files, &new);
    Handed { files, before, pen }
}

#[test]
fn attack_20_a_key_that_the_trusted_key_handed_the_log_to_is_followed() {
    let (old, new) = (log_key(), Key::of(ORIGIN, 8));
    let mut handed = handed(Some(&ENTRY(&old, &new)), &[&old, &new]);
    let report = check_honest(&handed.files, &trusting());
    let said = report.signature.text();
    let size = handed.before.entries.len();
    assert!(said.contains(&new.text(1)), "{said}");
    assert!(said.contains(&format!("at size {size}")), "{said}");

    // On to a third key, and nothing else was said to the caller than the first.
    let third = Key::of(ORIGIN, 9);
    let mut pen = handed.pen;
    pen.write(0, "log.key_rotated", &ENTRY(&new, &third));
    put_note(&mut handed.files, &pen, &[&new, &third]);
    let middle = handed.files.0.clone();
    pen.runs(30, 3);
    let mut files = publish(&pen.entries, &third);
    let old_files = middle
        .into_iter()
        .filter(|(path, _)| path.starts_with("checkpoints/") || path.starts_with("keys/"));
    files.0.extend(old_files);
    put_key(&mut files, &third);
    check_honest(&files, &trusting());
    // Without the link in the middle nothing leads there.
    files.0.remove(&format!("checkpoints/{size:020}"));
    check_broken_signature(&files);
}

/// The signature is broken, whatever else is.
fn check_broken_signature(files: &Files) {
    let report = look(files, &trusting());
    assert!(report.signature.is_broken(), "{}", report.signature);
    assert_eq!(report.exit(), 1);
}

#[test]
fn attack_20_a_handover_that_the_trusted_key_did_not_sign() {
    let (old, new) = (log_key(), Key::of(ORIGIN, 8));
    check_broken_signature(&handed(Some(&ENTRY(&old, &new)), &[&new]).files);
    // By the trusted key alone it is none either.
    check_broken_signature(&handed(Some(&ENTRY(&old, &new)), &[&old]).files);
}

#[test]
fn attack_20_a_handover_whose_tree_lacks_the_entry() {
    let (old, new) = (log_key(), Key::of(ORIGIN, 8));
    let lacking = handed(None, &[&old, &new]);
    check_broken_signature(&lacking.files);
    // Written after the checkpoint that both signed, it was not the trusted key's to say.
    let mut pen = lacking.pen;
    pen.write(0, "log.key_rotated", &ENTRY(&old, &new));
    let mut files = publish(&pen.entries, &new);
    put_note(&mut files, &lacking.before, &[&old, &new]);
    put_key(&mut files, &new);
    check_broken_signature(&files);
    // In a run it is no act of the log's own.
    let mut pen = Pen::default();
    pen.open();
    pen.run_with(1, |story| {
        story.insert(1, ("log.key_rotated".to_owned(), ENTRY(&old, &new)));
    });
    let mut files = publish(&pen.entries, &new);
    put_note(&mut files, &pen, &[&old, &new]);
    // Both signed the newest, so the trusted key's signature is under it in the checkpoints alone.
    put_key(&mut files, &new);
    check_broken_signature(&files);
}

#[test]
fn attack_20_a_handover_whose_entry_names_another_key() {
    let (old, new, other) = (log_key(), Key::of(ORIGIN, 8), Key::of(ORIGIN, 9));
    check_broken_signature(&handed(Some(&ENTRY(&old, &other)), &[&old, &new]).files);
    check_broken_signature(&handed(Some(&ENTRY(&other, &new)), &[&old, &new]).files);
    check_broken_signature(&handed(Some(&ENTRY(&new, &old)), &[&old, &new]).files);
}

#[test]
fn attack_20_a_handover_without_its_key_or_of_another_tree() {
    let (old, new) = (log_key(), Key::of(ORIGIN, 8));
    let honest = handed(Some(&ENTRY(&old, &new)), &[&old, &new]);
    let mut files = honest.files.clone();
    files.0.retain(|path, _| !path.starts_with("keys/"));
    check_broken_signature(&files);
    // Under its digest lies another key's text.
    let mut files = honest.files.clone();
    files.edit(&format!("keys/{}", digest(&new.text(1))), |bytes| {
        *bytes = Key::of(ORIGIN, 9).text(1).into_bytes();
    });
    check_broken_signature(&files);
    // The trusted key handed over a log that began otherwise.
    let mut other = Pen::default();
    other.open();
    other.runs(50, 4);
    other.write(0, "log.key_rotated", &ENTRY(&old, &new));
    let mut files = honest.files.clone();
    files.0.retain(|path, _| !path.starts_with("checkpoints/"));
    put_note(&mut files, &other, &[&old, &new]);
    check_broken_signature(&files);
    // One signature of the trusted key is forged.
    let mut files = honest.files.clone();
    let text = checkpoint(&honest.pen.entries).to_text();
    let mut line = old.line(&text);
    line.signature = new.line(&text).signature;
    files.0.insert(
        "checkpoint".to_owned(),
        interlock_journal::note::assemble(&text, &[new.line(&text), line]).unwrap(),
    );
    check_broken_signature(&files);
}

#[test]
fn attack_20_a_handover_is_not_believed_without_the_entries() {
    use interlock_journal::audit::Expectations;
    let (old, new) = (log_key(), Key::of(ORIGIN, 8));
    let honest = handed(Some(&ENTRY(&old, &new)), &[&old, &new]);
    let expect = Expectations {
        tree_only: true,
        ..trusting()
    };
    let report = look(&honest.files, &expect);
    assert!(matches!(report.signature, Finding::CannotTell { .. }));
    assert_eq!(report.exit(), 2);
    // Nor where an entry is not the one that the tree has.
    let mut files = honest.files;
    files.edit(&tile_path("entries", 0, 256), |bytes| {
        let at = bytes.len() - 40;
        bytes[at] ^= 1;
    });
    let report = look(&files, &trusting());
    assert!(!matches!(report.signature, Finding::Holds { .. }));
    assert_eq!(report.exit(), 1);
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
