//! What is in order is found to be, in every form in which a log is handed out; and what cannot be told is said so.

use interlock_journal::audit::{Expectations, Finding, LogFiles, ReadFault, audit};

use super::{check_honest, look, trusting};
use crate::forge::*;

#[test]
fn an_honest_log_is_verified_at_every_size() {
    let pen = honest();
    for size in [
        0,
        1,
        2,
        3,
        20,
        255,
        256,
        257,
        511,
        512,
        600,
        768,
        pen.entries.len(),
    ] {
        let files = publish(&pen.entries[..size], &log_key());
        let report = check_honest(&files, &trusting());
        assert_eq!(report.size, size as u64);
        assert!(matches!(report.runs, Finding::Holds { .. }));
    }
}

#[test]
fn a_log_of_three_levels_of_tiles_is_verified() {
    let mut pen = Pen::default();
    pen.open();
    pen.runs(1, 3_200);
    let entries = &pen.entries;
    assert!(entries.len() > 65_536 + 256);
    let files = publish(entries, &log_key());
    let mut expect = trusting();
    expect.kept = Some(checkpoint(&entries[..65_700]));
    let report = check_honest(&files, &expect);
    assert!(matches!(report.append_only, Finding::Holds { .. }));

    let mut edited = files;
    edited.edit("tile/1/000", |bytes| bytes[32 * 7] ^= 1);
    assert_eq!(look(&edited, &trusting()).inclusion.index(), Some(7 * 256));
}

#[test]
fn a_log_that_went_on_is_verified_up_to_its_checkpoint() {
    let pen = honest();
    let early = publish(&pen.entries[..300], &log_key());
    let mut files = publish(&pen.entries[..600], &log_key());
    // Partial files of the smaller size are gone where the full ones are there, as they may be.
    files.0.retain(|path, _| !path.starts_with("tile/1"));
    for path in ["checkpoint", "tile/1/000.p/1"] {
        files.0.insert(path.to_owned(), early.0[path].clone());
    }
    let report = check_honest(&files, &trusting());
    assert_eq!(report.size, 300);
}

#[test]
fn every_older_checkpoint_is_met() {
    let pen = honest();
    let mut files = publish(&pen.entries, &log_key());
    for size in [0, 1, 255, 256, 300, 512, 700, pen.entries.len()] {
        let text = checkpoint(&pen.entries[..size]).to_text();
        files
            .0
            .insert(format!("checkpoints/{size:020}"), log_key().sign(&text));
    }
    let mut expect = trusting();
    expect.kept = Some(checkpoint(&pen.entries[..511]));
    let report = check_honest(&files, &expect);
    assert!(matches!(report.append_only, Finding::Holds { .. }));
}

/// A log that was handed over has them, and not every auditor knows the key of before.
#[test]
fn an_older_checkpoint_by_an_unknown_key_is_met_and_weighs_nothing() {
    let pen = honest();
    let (mut files, unknown) = (publish(&pen.entries, &log_key()), Key::of(ORIGIN, 77));
    let path = format!("checkpoints/{:020}", 300);
    let text = checkpoint(&pen.entries[..300]).to_text();
    files.0.insert(path.clone(), unknown.sign(&text));
    let report = check_honest(&files, &trusting());
    assert!(matches!(&report.append_only, Finding::Holds { said } if said.contains("1 of them")));
    // Whoever has no known key proves nothing with a note of another history, for or against.
    let mut other = pen.entries[..300].to_vec();
    other.swap(1, 2);
    files
        .0
        .insert(path, unknown.sign(&checkpoint(&other).to_text()));
    let report = look(&files, &trusting());
    assert!(matches!(report.append_only, Finding::CannotTell { .. }));
    assert_eq!(report.exit(), 2);
}

#[test]
fn an_export_is_verified_with_its_payloads() {
    let pen = honest();
    let files = export(&pen, &log_key());
    let report = check_honest(&files, &trusting());
    assert!(matches!(report.payloads, Finding::Holds { .. }));
    assert!(matches!(report.files, Finding::Holds { .. }));
}

/// Files that cannot be listed just now.
struct Unlisted(Files);

impl LogFiles for Unlisted {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, ReadFault> {
        self.0.read(path)
    }

    fn list(&self) -> Result<Option<Vec<String>>, ReadFault> {
        Err(ReadFault("the disk does not answer".to_owned()))
    }
}

#[test]
fn time_stamps_that_cannot_be_listed_cannot_be_told() {
    let files = Unlisted(publish(&honest().entries, &log_key()));
    let report = audit(&files, &trusting(), &mut |_| {});
    assert!(
        matches!(report.anchors, Finding::CannotTell { .. }),
        "{}",
        report.anchors
    );
    assert_eq!(report.exit(), 2);
}

#[test]
fn without_a_key_nothing_is_verified() {
    let files = publish(&honest().entries, &log_key());
    let report = look(&files, &Expectations::default());
    assert!(matches!(report.signature, Finding::CannotTell { .. }));
    assert!(matches!(report.inclusion, Finding::Holds { .. }));
    assert_eq!(report.exit(), 2);
    assert_eq!(look(&Files::default(), &trusting()).exit(), 2);
}

#[test]
fn a_kind_of_a_newer_writer_cannot_be_told() {
    let mut pen = honest();
    let at = pen.write(41, "run.paused", "{\"step\":\"pay\"}");
    let report = look(&publish(&pen.entries, &log_key()), &trusting());
    let Finding::CannotTell { what } = &report.schema else {
        panic!("{}", report.schema);
    };
    assert!(what.contains(&at.to_string()), "{what}");
    assert_eq!(report.exit(), 2);
}

#[test]
fn what_witnesses_know_is_held_to_the_policy() {
    use interlock_journal::{WitnessPolicy, note::assemble};
    let pen = honest();
    let mut files = publish(&pen.entries, &log_key());
    let text = checkpoint(&pen.entries).to_text();
    let (one, two) = (Key::of("witness.one", 1), Key::of("witness.two", 2));
    let mut expect = trusting();
    expect.witnesses = Some(WitnessPolicy::new(2, vec![one.witness(), two.witness()]).unwrap());
    assert!(matches!(
        look(&files, &expect).anchors,
        Finding::CannotTell { .. }
    ));

    let lines = [log_key().line(&text), one.cosign(1_800_000_000, &text)];
    files
        .0
        .insert("checkpoint".to_owned(), assemble(&text, &lines).unwrap());
    assert!(matches!(
        look(&files, &expect).anchors,
        Finding::CannotTell { .. }
    ));

    let [log, first] = lines;
    let lines = [log, first, two.cosign(1_800_000_001, &text)];
    let whole = assemble(&text, &lines).unwrap();
    files.0.insert("checkpoint".to_owned(), whole.clone());
    assert!(matches!(
        check_honest(&files, &expect).anchors,
        Finding::Holds { .. }
    ));

    // The cosignatures may lie beside the checkpoint.
    files
        .0
        .insert("checkpoint".to_owned(), log_key().sign(&text));
    files
        .0
        .insert(format!("anchors/{:020}.cosigned", pen.entries.len()), whole);
    assert!(matches!(
        check_honest(&files, &expect).anchors,
        Finding::Holds { .. }
    ));

    // Older ones say that the rest is known to nobody.
    let early = checkpoint(&pen.entries[..300]).to_text();
    let lines = [
        log_key().line(&early),
        one.cosign(1, &early),
        two.cosign(2, &early),
    ];
    files
        .0
        .remove(&format!("anchors/{:020}.cosigned", pen.entries.len()));
    files.0.insert(
        format!("anchors/{:020}.cosigned", 300),
        assemble(&early, &lines).unwrap(),
    );
    let Finding::CannotTell { what } = look(&files, &expect).anchors else {
        panic!("the rest is known to nobody");
    };
    assert!(what.contains("300"), "{what}");
}
