//! Attacks of whoever may write the store or an export, and has no key.

use interlock_journal::audit::Finding;

use super::{check_broken, look, trusting};
use crate::forge::*;

const VICTIM: usize = 300;

fn edited(entry: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(entry.to_vec()).unwrap();
    let other = text.replacen("\"env\":\"dev\"", "\"env\":\"dew\"", 1);
    assert_ne!(text, other);
    other.into_bytes()
}

/// The honest log with other entries in its bundles; tiles and checkpoint stay.
fn with_bundles(pen: &Pen, entries: &[Vec<u8>]) -> Files {
    let mut files = publish(&pen.entries, &log_key());
    files.0.retain(|path, _| !path.starts_with("tile/entries/"));
    put_bundles(&mut files, entries);
    files
}

/// Everything made again from other entries but the checkpoint, which only the key can make.
fn with_tree(pen: &Pen, entries: &[Vec<u8>]) -> Files {
    let mut files = publish(entries, &log_key());
    let note = publish(&pen.entries, &log_key()).0["checkpoint"].clone();
    files.0.insert("checkpoint".to_owned(), note);
    files
}

#[test]
fn attack_01_a_byte_of_an_entry_is_edited() {
    let pen = honest();
    let mut entries = pen.entries.clone();
    entries[VICTIM] = edited(&entries[VICTIM]);
    let report = look(&with_bundles(&pen, &entries), &trusting());
    assert_eq!(report.inclusion.index(), Some(VICTIM as u64));
    assert_eq!(report.exit(), 1);
}

#[test]
fn attack_01_every_byte_of_an_entry_is_held() {
    let mut pen = honest();
    pen.entries.truncate(20);
    for at in 0..pen.entries[15].len() {
        let mut entries = pen.entries.clone();
        entries[15][at] ^= 1;
        let report = look(&with_bundles(&pen, &entries), &trusting());
        assert_eq!(report.inclusion.index(), Some(15), "byte {at}");
    }
}

#[test]
fn attack_02_an_entry_and_its_hash_are_edited() {
    let pen = honest();
    let mut entries = pen.entries.clone();
    entries[VICTIM] = edited(&entries[VICTIM]);
    let mut files = with_bundles(&pen, &entries);
    let hash = leaves(&entries)[VICTIM].to_bytes();
    files.edit("tile/0/001", |tile| {
        tile[(VICTIM - 256) * 32..][..32].copy_from_slice(&hash);
    });
    let report = look(&files, &trusting());
    // The tree names the 256 entries below one hash, and the run's chain which of them it is.
    assert_eq!(report.inclusion.index(), Some(VICTIM as u64));
}

#[test]
fn attack_03_an_entry_and_all_tiles_are_edited() {
    let pen = honest();
    let mut entries = pen.entries.clone();
    entries[VICTIM] = edited(&entries[VICTIM]);
    let report = look(&with_tree(&pen, &entries), &trusting());
    assert_eq!(report.inclusion.index(), Some(VICTIM as u64));
    assert!(matches!(report.signature, Finding::Holds { .. }));
}

#[test]
fn attack_04_an_entry_in_the_middle_is_deleted() {
    let pen = honest();
    let mut entries = pen.entries.clone();
    entries.remove(VICTIM);
    let report = look(&with_bundles(&pen, &entries), &trusting());
    assert_eq!(report.inclusion.index(), Some(VICTIM as u64));
    let report = look(&with_tree(&pen, &entries), &trusting());
    assert!(report.inclusion.is_broken());
    // The run whose entry is gone goes on three entries later, for three runs are written at a time.
    assert_eq!(report.runs.index(), Some(VICTIM as u64 + 2));
}

#[test]
fn attack_05_the_last_entries_are_deleted_and_the_checkpoint_kept() {
    let pen = honest();
    let size = pen.entries.len();
    for cut in [1, 5, 80, 256] {
        let report = look(&with_bundles(&pen, &pen.entries[..size - cut]), &trusting());
        check_broken(&report, &[("inclusion", Some((size - cut) as u64))]);
    }
}

#[test]
fn attack_06_an_older_genuine_checkpoint_is_restored_with_kept_checkpoint() {
    let pen = honest();
    let files = publish(&pen.entries[..500], &log_key());
    let mut expect = trusting();
    assert_eq!(
        look(&files, &expect).exit(),
        0,
        "it is genuine: who kept nothing cannot know"
    );
    expect.kept = Some(checkpoint(&pen.entries[..600]));
    check_broken(&look(&files, &expect), &[("append-only", Some(500))]);
}

#[test]
fn attack_07_an_entry_is_inserted() {
    let pen = honest();
    let mut entries = pen.entries.clone();
    entries.insert(
        VICTIM,
        draft(99, 0, None, "run.recovered", "{\"epoch\":1}", 1),
    );
    let report = look(&with_bundles(&pen, &entries), &trusting());
    assert_eq!(report.inclusion.index(), Some(VICTIM as u64));
}

#[test]
fn attack_08_two_entries_are_swapped() {
    let pen = honest();
    let mut entries = pen.entries.clone();
    entries.swap(VICTIM, VICTIM + 3);
    let report = look(&with_bundles(&pen, &entries), &trusting());
    assert_eq!(report.inclusion.index(), Some(VICTIM as u64));
    assert_eq!(report.runs.index(), Some(VICTIM as u64));
}

#[test]
fn attack_09_an_entry_is_there_twice() {
    let pen = honest();
    let mut entries = pen.entries.clone();
    entries.insert(VICTIM + 1, entries[VICTIM].clone());
    let report = look(&with_bundles(&pen, &entries), &trusting());
    assert_eq!(report.inclusion.index(), Some(VICTIM as u64 + 1));
    assert_eq!(report.runs.index(), Some(VICTIM as u64 + 1));
}

#[test]
fn attack_10_a_bit_of_a_stored_tile_flips() {
    let pen = honest();
    let files = publish(&pen.entries, &log_key());
    let tiles: Vec<String> = files
        .0
        .keys()
        .filter(|path| path.starts_with("tile/") && !path.starts_with("tile/entries"))
        .cloned()
        .collect();
    assert_eq!(tiles.len(), 5);
    for (path, hash, index) in [
        ("tile/0/000", 0, 0),
        ("tile/0/001", 44, 300),
        ("tile/0/002", 255, 767),
        ("tile/1/000.p/3", 0, 0),
        ("tile/1/000.p/3", 2, 512),
    ] {
        for bit in 0..8 {
            let mut edited = files.clone();
            edited.edit(path, |tile| tile[hash * 32 + 31] ^= 1 << bit);
            check_broken(&look(&edited, &trusting()), &[("inclusion", Some(index))]);
        }
    }
}

#[test]
fn attack_11_a_bundle_is_cut_padded_or_has_a_wrong_length() {
    let pen = honest();
    let files = publish(&pen.entries, &log_key());
    let check = |edit: &dyn Fn(&mut Vec<u8>), index: u64| {
        let mut edited = files.clone();
        edited.edit("tile/entries/001", |bytes| edit(bytes));
        assert_eq!(look(&edited, &trusting()).inclusion.index(), Some(index));
    };
    check(&|bytes| bytes.truncate(bytes.len() - 1), 511);
    check(&|bytes| bytes.push(0), 512);
    check(&|bytes| bytes.truncate(1), 256);
    check(&|bytes| bytes.clear(), 256);
    check(&|bytes| bytes[0] = 0xff, 256);
    // A length one off moves every entry behind it; the first is hashed otherwise.
    check(&|bytes| bytes[1] -= 1, 256);
}

#[test]
fn attack_12_a_partial_file_stands_for_a_full_one_or_has_another_width() {
    let pen = honest();
    let size = pen.entries.len();
    let width = size % 256;
    let files = publish(&pen.entries, &log_key());
    let base = (size - width) as u64;

    let mut full = files.clone();
    let partial = full.0[&tile_path("entries", 3, width)].clone();
    full.0.insert("tile/entries/000".to_owned(), partial);
    assert_eq!(look(&full, &trusting()).inclusion.index(), Some(0));

    let mut wide = files.clone();
    wide.edit(&tile_path("entries", 3, width), |bytes| {
        bytes.extend([0, 1, b'x'])
    });
    assert_eq!(
        look(&wide, &trusting()).inclusion.index(),
        Some(base + width as u64)
    );

    let mut narrow = files;
    narrow.edit(&tile_path("0", 3, width), |tile| tile.truncate(32));
    check_broken(&look(&narrow, &trusting()), &[("inclusion", Some(base))]);
}

#[test]
fn attack_13_the_checkpoint_is_of_another_log() {
    let pen = honest();
    let mut files = publish(&pen.entries, &log_key());
    let mut other = checkpoint(&pen.entries);
    other.origin = "interlock.invalid/other/1".to_owned();
    let text = other.to_text();
    // Signed by the other log's key, by this log's key for the other log, and named for this one by the other's key.
    for note in [
        Key::of(&other.origin, 9).sign(&text),
        log_key().sign(&text),
        Key::of(ORIGIN, 9).sign(&checkpoint(&pen.entries).to_text()),
    ] {
        files.0.insert("checkpoint".to_owned(), note);
        check_broken(&look(&files, &trusting()), &[("signature", None)]);
        let mut unnamed = trusting();
        unnamed.origin = None;
        assert!(look(&files, &unnamed).signature.is_broken());
    }
}

#[test]
fn attack_14_a_malformed_checkpoint_is_refused_though_signed() {
    let pen = honest();
    let mut files = publish(&pen.entries, &log_key());
    let honest = checkpoint(&pen.entries).to_text();
    let size = format!("\n{}\n", pen.entries.len());
    for bad in [
        honest.replace(&size, &format!("\n0{}\n", pen.entries.len())),
        honest.replace(&size, &format!("\n+{}\n", pen.entries.len())),
        honest.replace(&size, "\n9223372036854775808\n"),
        format!("{honest}extension\n"),
        honest.replace("=\n", "\n"),
    ] {
        let note = log_key().sign(&bad);
        files.0.insert("checkpoint".to_owned(), note);
        let report = look(&files, &trusting());
        assert!(report.signature.is_broken(), "{bad:?}");
        assert_eq!(report.exit(), 1);
    }
}
