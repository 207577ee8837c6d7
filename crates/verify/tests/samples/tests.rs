//! The samples are written by the forge of the audit's tests, and read back from the disk.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::forge::{self, Files, Key, Pen, export, log_key, publish, tile_path};
use interlock_journal::audit::LogFiles as _;
use interlock_verify::{Folder, Tar, open, plain};

/// Name, what it is, exit code.
fn samples() -> Vec<(&'static str, Files, u8)> {
    let mut pen = Pen::default();
    pen.open();
    pen.runs(1, 2);
    let good = export(&pen, &log_key());
    let tiles = publish(&pen.entries, &log_key());

    let width = pen.entries.len();
    let mut edited = tiles.clone();
    edited.edit(&tile_path("entries", 0, width), |bytes| bytes[5_000] ^= 1);
    let other_key = publish(&pen.entries, &Key::of(forge::ORIGIN, 9));

    let mut bare = pen.clone();
    bare.payloads.pop_first();
    let lost = export(&bare, &log_key());

    let mut told = Pen::default();
    told.open();
    told.runs(1, 1);
    told.run_with(2, |story| {
        story.retain(|(event, _)| event != "review.settled")
    });
    let unapproved = publish(&told.entries, &log_key());

    let mut newer = pen.clone();
    newer.write(0, "log.moved", "{\"to\":\"elsewhere\"}");
    let unknown = publish(&newer.entries, &log_key());
    vec![
        ("good-export", good, 0),
        ("good-tiles", tiles, 0),
        ("edited-entry", edited, 1),
        ("other-key", other_key, 1),
        ("payload-missing", lost, 1),
        ("act-not-approved", unapproved, 1),
        ("newer-kind", unknown, 2),
    ]
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/journal")
}

fn put(files: &Files, at: &Path) {
    for (path, bytes) in &files.0 {
        let to = at.join(path);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, bytes).unwrap();
    }
}

#[test]
#[ignore = "writes testdata/journal again, after a change of the format"]
fn write_the_samples() {
    let at = folder();
    let mut expected = String::from("# sample, exit code\n");
    for (name, files, exit) in samples() {
        let _ = fs::remove_dir_all(at.join(name));
        put(&files, &at.join(name));
        expected.push_str(&format!("{name} {exit}\n"));
    }
    fs::write(at.join("expected"), expected).unwrap();
    fs::write(at.join("trusted.vkey"), format!("{}\n", log_key().text(1))).unwrap();
}

fn verify(path: &Path) -> (Option<i32>, String) {
    let key = fs::read_to_string(folder().join("trusted.vkey")).unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_interlock-verify"))
        .arg(path)
        .args(["--key", key.trim()])
        .output()
        .unwrap();
    (done.status.code(), String::from_utf8(done.stdout).unwrap())
}

#[test]
fn every_sample_has_its_exit_code_as_folder_and_as_tar() {
    let expected = fs::read_to_string(folder().join("expected")).unwrap();
    let mut seen = 0;
    for line in expected.lines().filter(|line| !line.starts_with('#')) {
        let (name, exit) = line.split_once(' ').unwrap();
        let exit = exit.parse().ok();
        let (code, said) = verify(&folder().join(name));
        assert_eq!(code, exit, "{name}\n{said}");
        assert_eq!(said.lines().count(), 13, "{said}");
        let kept = tempfile::tempdir().unwrap();
        let path = kept.path().join("export.tar");
        let files = Folder::new(&folder().join(name));
        let mut tar = Files::default();
        for file in files.list().unwrap().unwrap() {
            tar.0
                .insert(file.clone(), files.read(&file).unwrap().unwrap());
        }
        fs::write(&path, ustar(&tar)).unwrap();
        assert_eq!(verify(&path).0, exit, "{name} as a tar");
        seen += 1;
    }
    assert_eq!(seen, samples().len());
}

#[test]
fn wrong_arguments_cannot_tell() {
    for arguments in [
        vec![],
        vec!["somewhere"],
        vec!["somewhere", "--key", "nonsense"],
        vec!["somewhere", "--speed", "9"],
        vec!["nowhere-at-all", "--key", "x"],
    ] {
        let done = Command::new(env!("CARGO_BIN_EXE_interlock-verify"))
            .args(&arguments)
            .output()
            .unwrap();
        assert_eq!(done.status.code(), Some(2), "{arguments:?}");
        let said = String::from_utf8(done.stderr).unwrap();
        assert!(said.contains("hint: "), "{said}");
    }
}

/// A tar as exports are written.
fn ustar(files: &Files) -> Vec<u8> {
    let mut tar = Vec::new();
    for (path, bytes) in &files.0 {
        tar.extend(header(path, bytes.len(), b'0'));
        tar.extend(bytes);
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar.resize(tar.len() + 1024, 0);
    tar
}

fn header(path: &str, length: usize, kind: u8) -> [u8; 512] {
    let mut header = [0u8; 512];
    header[..path.len()].copy_from_slice(path.as_bytes());
    header[100..108].copy_from_slice(b"0000644\0");
    header[108..116].copy_from_slice(b"0000000\0");
    header[116..124].copy_from_slice(b"0000000\0");
    header[124..136].copy_from_slice(format!("{length:011o}\0").as_bytes());
    header[136..148].copy_from_slice(b"00000000000\0");
    header[148..156].copy_from_slice(b"        ");
    header[156] = kind;
    header[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

#[test]
fn a_tar_of_another_form_is_refused() {
    let mut files = Files::default();
    files.0.insert("checkpoint".to_owned(), b"text".to_vec());
    let good = ustar(&files);
    let check = |bytes: Vec<u8>, fine: bool| {
        assert_eq!(Tar::new(Cursor::new(bytes)).is_ok(), fine);
    };
    check(good.clone(), true);
    check([good.as_slice(), &[0; 8192]].concat(), true);
    check(good[..good.len() - 512].to_vec(), false);
    check(good[..700].to_vec(), false);
    check(Vec::new(), false);
    check([good.as_slice(), &[1; 512]].concat(), false);
    for at in 0..512 {
        let mut bad = good.clone();
        bad[at] ^= 0x80;
        check(bad, false);
    }
    for (path, kind) in [
        ("../checkpoint", b'0'),
        ("/checkpoint", b'0'),
        ("a//b", b'0'),
        ("checkpoint", b'1'),
        ("checkpoint", b'2'),
        ("checkpoint", b'5'),
        ("checkpoint", b'x'),
        ("checkpoint", b'L'),
    ] {
        let bad = [header(path, 0, kind).as_slice(), &[0; 1024]].concat();
        check(bad, false);
    }
    let twice = [
        header("a", 0, b'0').as_slice(),
        &header("a", 0, b'0'),
        &[0; 1024],
    ]
    .concat();
    check(twice, false);
}

#[test]
fn links_are_not_followed_and_nothing_outside_is_read() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("secret"), b"x").unwrap();
    let log = place.path().join("log");
    fs::create_dir(&log).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(place.path().join("secret"), log.join("checkpoint")).unwrap();
    let files = Folder::new(&log);
    assert!(files.read("checkpoint").is_err());
    assert_eq!(files.read("../secret"), Ok(None));
    assert!(open(&place.path().join("nowhere")).is_err());
}

#[cfg(unix)]
#[test]
fn a_pipe_is_refused_and_not_waited_for() {
    let kept = tempfile::tempdir().unwrap();
    let pipe = kept.path().join("checkpoint");
    let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    assert!(Folder::new(kept.path()).read("checkpoint").is_err());
    assert!(open(&pipe).is_err());
    let (code, said) = verify(kept.path());
    assert_eq!(code, Some(2), "{said}");
    let (code, _) = verify(&pipe);
    assert_eq!(code, Some(2));
}

#[test]
fn what_a_terminal_is_shown_is_plain() {
    assert_eq!(plain("a\u{1b}[2J`ok`\n"), "a\\u{1b}[2J`ok`\\u{a}");
    assert_eq!(plain("\u{202e}x"), "\\u{202e}x");
}
