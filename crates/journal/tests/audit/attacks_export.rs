//! Attacks on what is handed out: bundles with keys of their own, of two logs, with receipts for something else, and
//! time stamps over other files.

use interlock_journal::Receipt;
use interlock_journal::audit::Finding;
use interlock_journal::tile::{TileId, Tiles};
use interlock_journal::tree::inclusion_proof;

use super::{check_broken, check_honest, look, trusting};
use crate::forge::*;

/// An export of some entries by receipts.
fn partial(pen: &Pen, key: &Key, indices: &[u64], members: &[(&str, String)]) -> Files {
    let whole = publish(&pen.entries, key);
    let mut tiles = Tiles::new();
    for (path, bytes) in &whole.0 {
        if let Ok(id) = TileId::parse_path(path) {
            tiles.insert(id, bytes).unwrap();
        }
    }
    let size = pen.entries.len() as u64;
    let mut files = Files::default();
    let note = whole.0["checkpoint"].clone();
    for index in indices {
        let receipt = Receipt {
            index: *index,
            proof: inclusion_proof(&tiles, *index, size).unwrap(),
            checkpoint: note.clone(),
            extra: None,
        };
        let bytes = pen.entries[usize::try_from(*index).unwrap()].clone();
        files.0.insert(format!("events/{index:020}.json"), bytes);
        files
            .0
            .insert(format!("events/{index:020}.tlog-proof"), receipt.encode());
    }
    files.0.insert("checkpoint".to_owned(), note);
    let mut all = vec![("payloads", "false".to_owned())];
    all.extend_from_slice(members);
    files.seal(size, &all);
    files
}

fn of_run(pen: &Pen, run: u64) -> Vec<u64> {
    let name = id("run", run);
    let adopted = 2;
    let of = (0..pen.entries.len() as u64).filter(|at| {
        String::from_utf8_lossy(&pen.entries[usize::try_from(*at).unwrap()]).contains(&name)
    });
    std::iter::once(adopted).chain(of).collect()
}

fn run_members(run: u64) -> Vec<(&'static str, String)> {
    vec![
        ("kind", "\"run\"".to_owned()),
        ("run", format!("\"{}\"", id("run", run))),
    ]
}

fn range_members(from: u64, to: u64) -> Vec<(&'static str, String)> {
    vec![
        ("from", from.to_string()),
        ("kind", "\"range\"".to_owned()),
        ("to", to.to_string()),
    ]
}

#[test]
fn a_run_a_range_and_a_person_are_verified_by_receipts() {
    let pen = honest();
    let run = partial(&pen, &log_key(), &of_run(&pen, 14), &run_members(14));
    let expect = interlock_journal::audit::Expectations {
        payloads: Some(false),
        ..trusting()
    };
    let report = check_honest(&run, &expect);
    assert!(matches!(report.semantics, Finding::Holds { .. }));
    // That payloads were left out is the word of a manifest that nobody signed.
    let report = look(&run, &trusting());
    assert!(matches!(report.payloads, Finding::CannotTell { .. }));
    assert_eq!(report.exit(), 2);

    let range: Vec<u64> = (290..400).collect();
    let report = look(
        &partial(&pen, &log_key(), &range, &range_members(290, 400)),
        &expect,
    );
    assert!(matches!(report.inclusion, Finding::Holds { .. }));
    assert!(matches!(report.runs, Finding::Holds { .. }));
    // The policies that it cites were adopted before it.
    assert!(matches!(report.semantics, Finding::CannotTell { .. }));

    let mut some = of_run(&pen, 14);
    some.extend(of_run(&pen, 20));
    some.sort_unstable();
    some.dedup();
    let members = [
        ("kind", "\"subject\"".to_owned()),
        ("payloads", "false".to_owned()),
    ];
    let report = check_honest(&partial(&pen, &log_key(), &some, &members), &expect);
    assert!(report.part.contains("one person"));

    // Calling a run a person's does not excuse what it lacks, and who expects a run is told.
    let gone = some.remove(6);
    let files = partial(&pen, &log_key(), &some, &members);
    let report = look(&files, &expect);
    assert!(report.runs.index().is_some_and(|index| index > gone));
    let run = interlock_journal::audit::Part::Run(id("run", 14));
    let expect = interlock_journal::audit::Expectations {
        part: Some(run),
        ..expect
    };
    assert!(look(&files, &expect).files.is_broken());

    // Without the adoption, whether the policies were known cannot be told from the run alone.
    let bare: Vec<u64> = of_run(&pen, 14).into_iter().skip(1).collect();
    let report = look(
        &partial(&pen, &log_key(), &bare, &run_members(14)),
        &trusting(),
    );
    assert!(matches!(report.semantics, Finding::CannotTell { .. }));
    assert_eq!(report.exit(), 2);
}

#[test]
fn attack_45_an_entry_is_left_out_of_an_export() {
    let pen = honest();
    let range: Vec<u64> = (290..400).filter(|index| *index != 333).collect();
    let report = look(
        &partial(&pen, &log_key(), &range, &range_members(290, 400)),
        &trusting(),
    );
    assert_eq!(report.inclusion.index(), Some(333));
    let mut run = of_run(&pen, 14);
    let gone = run.remove(5);
    let report = look(
        &partial(&pen, &log_key(), &run, &run_members(14)),
        &trusting(),
    );
    check_broken(&report, &[("runs", Some(run[5]))]);
    assert!(gone < run[5]);
}

#[test]
fn attack_46_a_bundle_brings_its_own_key() {
    let pen = honest();
    let forger = Key::of(ORIGIN, 66);
    let mut files = export(&pen, &forger);
    for path in ["key.vkey", "keys/log.vkey", "trusted.vkey"] {
        files.0.insert(path.to_owned(), forger.text(1).into_bytes());
    }
    files.seal(pen.entries.len() as u64, &[("kind", "\"log\"".to_owned())]);
    check_broken(&look(&files, &trusting()), &[("signature", None)]);
    let nobody = interlock_journal::audit::Expectations::default();
    assert_eq!(look(&files, &nobody).exit(), 2);
}

#[test]
fn attack_47_a_bundle_mixes_two_logs() {
    let pen = honest();
    let mut other = honest();
    other.runs(200, 3);
    let range: Vec<u64> = (290..300).collect();
    let mut files = partial(&pen, &log_key(), &range, &range_members(290, 300));
    let foreign = partial(&other, &log_key(), &range, &range_members(290, 300));
    // A receipt of another log, then entry and receipt.
    let receipt = format!("events/{:020}.tlog-proof", 295);
    files.0.insert(receipt.clone(), foreign.0[&receipt].clone());
    files.seal(
        pen.entries.len() as u64,
        &[("payloads", "false".to_owned())]
            .into_iter()
            .chain(range_members(290, 300))
            .collect::<Vec<_>>(),
    );
    check_broken(&look(&files, &trusting()), &[("inclusion", Some(295))]);

    // The manifest of one, the rest of the other.
    let mut files = export(&pen, &log_key());
    let manifest = export(&other, &log_key()).0["manifest.json"].clone();
    files.0.insert("manifest.json".to_owned(), manifest);
    let report = look(&files, &trusting());
    assert!(report.files.is_broken());

    // Entries of another tenant within one tree.
    let mut mixed = pen;
    let text = String::from_utf8(mixed.entries[300].clone()).unwrap();
    mixed.entries[300] = text.replace("\"default\"", "\"another\"").into_bytes();
    let report = look(&publish(&mixed.entries, &log_key()), &trusting());
    check_broken(&report, &[("runs", Some(300))]);
}

#[test]
fn attack_48_a_receipt_for_another_index() {
    let pen = honest();
    let range: Vec<u64> = (290..300).collect();
    let members = range_members(290, 300);
    let honest = partial(&pen, &log_key(), &range, &members);
    let path = |index: u64| format!("events/{index:020}.tlog-proof");
    let size = pen.entries.len() as u64;
    let mut sealed = vec![("payloads", "false".to_owned())];
    sealed.extend_from_slice(&members);

    let mut moved = honest.clone();
    moved.0.insert(path(295), honest.0[&path(296)].clone());
    moved.seal(size, &sealed);
    check_broken(&look(&moved, &trusting()), &[("inclusion", Some(295))]);

    let mut lied = honest.clone();
    let mut receipt = Receipt::parse(&honest.0[&path(296)]).unwrap();
    receipt.index = 295;
    lied.0.insert(path(295), receipt.encode());
    lied.seal(size, &sealed);
    check_broken(&look(&lied, &trusting()), &[("inclusion", Some(295))]);

    let mut gone = honest;
    gone.0.remove(&path(295));
    gone.seal(size, &sealed);
    check_broken(&look(&gone, &trusting()), &[("inclusion", Some(295))]);
}

/// A time-stamp response over these bytes, unsigned: what the audit reads of it.
fn stamp(over: &[u8]) -> Vec<u8> {
    use sha2::Digest as _;
    fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let content = parts.concat();
        let mut out = vec![tag];
        match u8::try_from(content.len()).unwrap() {
            length @ 0..=127 => out.push(length),
            length => out.extend([0x81, length]),
        }
        out.extend(content);
        out
    }
    let sha_256: &[u8] = &[0x06, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
    let signed_data: &[u8] = &[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
    let tst_info: &[u8] = &[0x06, 11, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 1, 4];
    let imprint = der(
        0x30,
        &[
            &der(0x30, &[sha_256, &[5, 0]]),
            &der(4, &[&sha2::Sha256::digest(over)]),
        ],
    );
    let time = der(0x18, &[b"20261121120000Z"]);
    let info = der(
        0x30,
        &[&[2, 1, 1], &[6, 1, 42], &imprint, &[2, 1, 9], &time],
    );
    let content = der(0x30, &[tst_info, &der(0xa0, &[&der(4, &[&info])])]);
    let data = der(
        0x30,
        &[&[2, 1, 3], &der(0x31, &[]), &content, &der(0x31, &[])],
    );
    let token = der(0x30, &[signed_data, &der(0xa0, &[&data])]);
    der(0x30, &[&der(0x30, &[&[2, 1, 0]]), &token])
}

#[test]
fn attack_49_a_time_stamp_over_another_file() {
    let pen = honest();
    let mut files = publish(&pen.entries, &log_key());
    let path = format!("anchors/{:020}.tsr", pen.entries.len());
    let note = files.0["checkpoint"].clone();
    files.0.insert(path.clone(), stamp(&note));
    let report = check_honest(&files, &trusting());
    assert!(
        report.anchors.text().contains("20261121120000Z"),
        "{}",
        report.anchors
    );
    files.0.insert(path.clone(), stamp(b"another file"));
    check_broken(&look(&files, &trusting()), &[("anchors", None)]);
    files.0.insert(path, b"no time stamp".to_vec());
    assert!(matches!(
        look(&files, &trusting()).anchors,
        Finding::CannotTell { .. }
    ));
}

#[test]
fn a_file_that_is_not_the_manifests_is_found() {
    let pen = honest();
    let mut files = export(&pen, &log_key());
    files.0.insert("notes.txt".to_owned(), b"mine".to_vec());
    let report = check_honest(&files, &trusting());
    assert!(report.files.text().contains("1 more"), "{}", report.files);
    files.0.remove("tile/1/000.p/3");
    assert!(look(&files, &trusting()).files.is_broken());
}
