//! Attacks on what entries hold: payloads that are gone or changed, spellings that two readers would read two ways,
//! and entries pruned without leave.

use std::collections::BTreeMap;

use interlock_journal::audit::Finding;

use super::{check_broken, check_honest, look, trusting};
use crate::forge::*;

/// The id of the payload that the entry at an index introduces.
fn payload_of(pen: &Pen, index: usize) -> String {
    let text = String::from_utf8(pen.entries[index].clone()).unwrap();
    let from = text.find("\"id\":\"pay_").unwrap() + 6;
    text[from..from + 30].to_owned()
}

fn introduces(pen: &Pen, from: usize) -> usize {
    (from..pen.entries.len())
        .find(|at| String::from_utf8_lossy(&pen.entries[*at]).contains("\"payloads\""))
        .unwrap()
}

#[test]
fn attack_31_a_byte_of_a_ciphertext_is_flipped() {
    let pen = honest();
    let at = introduces(&pen, 300);
    let mut files = export(&pen, &log_key());
    files.edit(&format!("payload/{}", payload_of(&pen, at)), |bytes| {
        bytes[3] ^= 1
    });
    let report = look(&files, &trusting());
    check_broken(&report, &[("payloads", Some(at as u64)), ("files", None)]);
}

#[test]
fn attack_35_a_payload_is_missing_and_no_entry_says_that_it_was_erased() {
    let mut pen = honest();
    let at = introduces(&pen, 300);
    let gone = payload_of(&pen, at);
    pen.payloads.remove(&gone);
    let report = look(&export(&pen, &log_key()), &trusting());
    check_broken(&report, &[("payloads", Some(at as u64))]);
    assert!(
        report.runs.text().contains("entries"),
        "the log itself is whole"
    );

    // The record of another person's erasure is none of this one's, and that of another month neither.
    let at = at as u64;
    erase(&mut pen, 8);
    expire(&mut pen, "2026-07");
    let report = look(&export(&pen, &log_key()), &trusting());
    check_broken(&report, &[("payloads", Some(at))]);
}

#[test]
fn a_payload_erased_on_record_is_not_missing() {
    let mut pen = honest();
    let at = introduces(&pen, 300);
    pen.payloads.remove(&payload_of(&pen, at));
    let mut by_month = pen.clone();
    expire(&mut by_month, "2026-01");
    let report = check_honest(&export(&by_month, &log_key()), &trusting());
    assert!(
        report
            .payloads
            .text()
            .contains("1 gone and erased on record"),
        "{}",
        report.payloads
    );
    for person in 1..=7 {
        erase(&mut pen, person);
    }
    check_honest(&export(&pen, &log_key()), &trusting());
}

fn erase(pen: &mut Pen, person: u64) {
    let (erasure, subject, order) = (id("era", person), id("sub", person), digest("order"));
    pen.write(
        0,
        "erasure.done",
        &format!(
            "{{\"affected\":1,\"backups_dead_at\":\"2026-11-21T00:00:00.000000Z\",\
             \"destroyed_at\":\"2026-11-20T00:00:00.000000Z\",\"epoch_after\":2,\"epoch_before\":1,\
             \"erasure\":\"{erasure}\",\"keys\":1,\"order\":\"{order}\",\"runs\":1,\"shared\":0,\
             \"subject\":\"{subject}\"}}"
        ),
    );
}

fn expire(pen: &mut Pen, month: &str) {
    expire_class(pen, "default", month);
}

fn expire_class(pen: &mut Pen, class: &str, month: &str) {
    pen.write(
        0,
        "retention.expired",
        &format!(
            "{{\"class\":\"{class}\",\"destroyed_at\":\"2026-11-20T00:00:00.000000Z\",\"epoch_after\":2,\
             \"epoch_before\":1,\"keys\":1,\"month\":\"{month}\"}}"
        ),
    );
}

#[test]
fn a_record_excuses_its_class_and_what_was_there_before_it() {
    let mut pen = honest();
    let at = introduces(&pen, 300);
    pen.payloads.remove(&payload_of(&pen, at));
    let mut other = pen.clone();
    expire_class(&mut other, "short", "2026-01");
    let report = look(&export(&other, &log_key()), &trusting());
    check_broken(&report, &[("payloads", Some(at as u64))]);

    // People and months are erased first, and written about afterwards.
    let mut late = Pen::default();
    late.open();
    (1..=7).for_each(|person| erase(&mut late, person));
    expire(&mut late, "2026-01");
    let first = late.entries.len();
    late.runs(1, 1);
    let at = introduces(&late, first);
    late.payloads.remove(&payload_of(&late, at));
    let report = look(&export(&late, &log_key()), &trusting());
    check_broken(&report, &[("payloads", Some(at as u64))]);
}

#[test]
fn ciphertext_that_an_erasure_left_is_told() {
    let mut pen = honest();
    erase(&mut pen, 3);
    let at = pen.entries.len() - 1;
    let report = check_honest(&export(&pen, &log_key()), &trusting());
    let said = report.payloads.text();
    let told = format!(
        "erased on record at index {at}: {} by order {}",
        id("sub", 3),
        digest("order")
    );
    assert!(
        said.contains(&told) && said.contains("left as ciphertext"),
        "{said}"
    );
}

#[test]
fn marks_are_those_that_their_entry_names() {
    let with = |marks: Option<&[u8]>| {
        let mut pen = honest();
        let at = pen.entries.len();
        let (problems, note) = pen.payload("problems");
        let named = digest("marks");
        let note = note.replace("\"padded\"", &format!("\"marks\":\"{named}\",\"padded\""));
        let body = format!("{{\"payloads\":{note},\"problems\":\"{problems}\",\"violations\":1}}");
        pen.write(41, "intake.rejected", &body);
        let mut files = export(&pen, &log_key());
        if let Some(marks) = marks {
            files.0.insert(format!("marks/{problems}"), marks.to_vec());
        }
        files.seal(pen.entries.len() as u64, &[("kind", "\"log\"".to_owned())]);
        (files, at as u64)
    };
    check_honest(&with(Some(b"marks")).0, &trusting());
    for wrong in [Some(b"[]".as_slice()), None] {
        let (files, at) = with(wrong);
        check_broken(&look(&files, &trusting()), &[("payloads", Some(at))]);
    }
}

/// An entry of the log is spelled otherwise; tree and signature are made over those very bytes.
fn check_spelling(from: &str, to: &str) {
    let mut pen = honest();
    let at = 300
        + pen.entries[300..]
            .iter()
            .position(|bytes| String::from_utf8_lossy(bytes).contains(from))
            .unwrap_or_else(|| panic!("{from}"));
    let text = String::from_utf8(pen.entries[at].clone()).unwrap();
    pen.entries[at] = text.replacen(from, to, 1).into_bytes();
    let report = look(&publish(&pen.entries, &log_key()), &trusting());
    assert_eq!(report.schema.index(), Some(at as u64), "{to}");
    assert!(matches!(report.inclusion, Finding::Holds { .. }));
    assert_eq!(report.exit(), 1);
}

#[test]
fn attack_40_integers_that_other_readers_round() {
    check_spelling("\"input_tokens\":100", "\"input_tokens\":9007199254740992");
    check_spelling("\"input_tokens\":100", "\"input_tokens\":9007199254740993");
}

#[test]
fn attack_41_a_key_that_is_there_twice() {
    check_spelling("\"v\":1", "\"v\":1,\"v\":1");
    check_spelling("\"stop\":\"end\"", "\"stop\":\"end\",\"stop\":\"length\"");
}

#[test]
fn attack_42_not_a_number() {
    for bad in ["NaN", "null", "1e2", "100.0", "-0", "0100"] {
        check_spelling("\"input_tokens\":100", &format!("\"input_tokens\":{bad}"));
    }
}

#[test]
fn attack_43_other_order_white_space_or_escapes() {
    check_spelling("\"seq\":", "\"seq\": ");
    check_spelling("\"stop\":\"end\"", "\"stop\":\"\\u0065nd\"");
    check_spelling("\"tenant\":\"default\",", "");
    check_spelling("{\"body\"", "{\"aa\":1,\"body\"");
    check_spelling(
        "\"input_tokens\":100,\"output_tokens\":20",
        "\"output_tokens\":20,\"input_tokens\":100",
    );
}

#[test]
fn attack_44_an_entry_that_is_too_long_or_too_deep() {
    let long = format!("\"stop\":\"{}\"", "e".repeat(8_000));
    check_spelling("\"stop\":\"end\"", &long);
    let deep = format!("\"stop\":{}{}", "[".repeat(20), "]".repeat(20));
    check_spelling("\"stop\":\"end\"", &deep);
}

/// The log with everything below `minimum` removed, as C2SP tlog-tiles prunes.
fn pruned(pen: &Pen, minimum: u64) -> Files {
    let mut files = publish(&pen.entries, &log_key());
    for index in 0..minimum / 256 {
        files.0.remove(&tile_path("entries", index, 256));
        files.0.remove(&tile_path("0", index, 256));
    }
    files
}

#[test]
fn attack_57_entries_are_pruned_without_a_record() {
    let mut pen = honest();
    for minimum in [256, 512] {
        let report = look(&pruned(&pen, minimum), &trusting());
        check_broken(&report, &[("inclusion", Some(0))]);
    }
    // On record up to 256, and more is gone.
    pen.write(0, "log.pruned", "{\"minimum\":256}");
    check_broken(
        &look(&pruned(&pen, 512), &trusting()),
        &[("inclusion", Some(0))],
    );
}

#[test]
fn attack_57_a_pruned_log_is_verified_above_its_minimum() {
    let mut pen = honest();
    pen.write(0, "log.pruned", "{\"minimum\":512}");
    let mut expect = trusting();
    expect.kept = Some(checkpoint(&pen.entries[..600]));
    for minimum in [256, 512] {
        let report = check_honest(&pruned(&pen, minimum), &expect);
        assert_eq!(report.minimum, minimum);
    }
    let mut edited = pruned(&pen, 512);
    edited.edit("tile/entries/002", |bytes| bytes[200] ^= 1);
    assert_eq!(look(&edited, &trusting()).inclusion.index(), Some(512));
    // What the tiles claim of the pruned part is borne out by the root.
    let mut edited = pruned(&pen, 512);
    edited.edit("tile/1/000.p/3", |bytes| bytes[0] ^= 1);
    assert!(look(&edited, &trusting()).inclusion.is_broken());
    let names: BTreeMap<_, _> = pruned(&pen, 512).0;
    assert!(!names.contains_key("tile/entries/000"));
}
