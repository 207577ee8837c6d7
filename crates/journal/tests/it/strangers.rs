//! Programs of strangers read logs that are written here: Go's own `x/mod/sumdb` and the Python package
//! `aics-tlog`. `scripts/strangers` installs them; `INTERLOCK_STRANGERS` names the folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use interlock_journal::note::SignatureLine;
use interlock_journal::tree::inclusion_proof;
use interlock_journal::{Receipt, SignedNote};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::written::{ORIGIN, Signer, Written, entry};

/// The program, or `None` where it could not be installed on this machine.
fn stranger(name: &str) -> Option<PathBuf> {
    let folder = std::env::var("INTERLOCK_STRANGERS")
        .unwrap_or_else(|_| panic!("`INTERLOCK_STRANGERS` is not set: run `scripts/strangers`"));
    let missing = std::fs::read_to_string(Path::new(&folder).join("missing")).unwrap_or_default();
    let path = Path::new(&folder).join("bin").join(name);
    if path.exists() {
        return Some(path);
    }
    let said = missing
        .lines()
        .any(|line| line.split_whitespace().next() == Some(name));
    assert!(
        said,
        "`{name}` is not in `{folder}/bin`, and not listed as missing"
    );
    None
}

/// A log that was published at each of `sizes`: its folder, and its checkpoint at each size.
struct Published {
    folder: TempDir,
    log: Written,
    notes: Vec<PathBuf>,
}

impl Published {
    fn new(sizes: &[u64]) -> Self {
        Self::with(sizes, entry)
    }

    fn with(sizes: &[u64], entry: impl Fn(u64) -> Vec<u8>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Written::new(ORIGIN, 7);
        let mut notes = Vec::new();
        for size in sizes {
            log.grow((log.size()..*size).map(&entry));
            let path = folder.path().join(format!("{size}.note"));
            std::fs::write(&path, log.note()).unwrap();
            notes.push(path);
        }
        log.write(&folder.path().join("log"));
        Self { folder, log, notes }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Changes one file of the log.
    fn spoil(&self, path: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = self.log.files[path].clone();
        change(&mut bytes);
        std::fs::write(self.root().join(path), bytes).unwrap();
    }

    fn restore(&self) {
        self.log.write(&self.root());
    }
}

/// Whether it accepted, and what it said.
fn run(command: &mut Command) -> (bool, String) {
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

fn accepts(command: &mut Command) {
    let (accepted, said) = run(command);
    assert!(accepted, "{command:?}: {said}");
}

fn refuses(command: &mut Command) {
    let (accepted, said) = run(command);
    assert!(!accepted, "{command:?}: {said}");
    assert!(
        !said.contains("Traceback") && !said.contains("usage:"),
        "{said}"
    );
}

const SIZES: [u64; 7] = [1, 2, 255, 256, 257, 700, 70_000];

#[test]
#[ignore = "runs Go's verifier: see scripts/strangers"]
fn stranger_go_audits_a_log_and_its_growth_from_each_older_checkpoint() {
    let Some(go) = stranger("go-verify") else {
        println!("go-verify could not be installed here");
        return;
    };
    let log = Published::new(&SIZES);
    let key = log.log.signer.key().to_string();
    let verify = || {
        let mut command = Command::new(&go);
        command.arg(log.root()).arg(&key).args(&log.notes);
        command
    };
    accepts(&mut verify());
    log.spoil("tile/entries/100", |bytes| bytes[50] ^= 1);
    refuses(&mut verify());
    log.restore();
    log.spoil("tile/0/100", |bytes| bytes[50] ^= 1);
    refuses(&mut verify());
    log.restore();
    let other = Written::of(ORIGIN, 7, 69_999);
    log.spoil("checkpoint", |bytes| *bytes = other.note());
    refuses(&mut verify());
    log.restore();
    accepts(&mut verify());
}

#[test]
#[ignore = "runs Go's verifier: see scripts/strangers"]
fn stranger_go_accepts_logs_of_every_size_around_the_edges_of_tiles() {
    let Some(go) = stranger("go-verify") else {
        println!("go-verify could not be installed here");
        return;
    };
    for size in (1..=9)
        .chain(250..=262)
        .chain([511, 512, 513, 65_535, 65_536, 65_537])
    {
        let log = Published::new(&[size / 2, size]);
        let key = log.log.signer.key().to_string();
        let notes = log.notes.iter().filter(|_| size > 1);
        accepts(Command::new(&go).arg(log.root()).arg(&key).args(notes));
    }
}

/// A number below `end`, different for each place and always the same.
fn drawn(place: u64, end: u64) -> u64 {
    let digest = Sha256::digest([b"drawn".as_slice(), &place.to_be_bytes()].concat());
    u64::from_be_bytes(digest[..8].try_into().unwrap()) % end
}

#[test]
#[ignore = "runs Go's verifier and aics-tlog: see scripts/strangers"]
fn stranger_go_and_aics_accept_logs_that_grew_at_random_with_entries_of_any_bytes() {
    let (go, aics_tlog) = (stranger("go-verify"), stranger("aics-tlog"));
    if go.is_none() || aics_tlog.is_none() {
        println!("go-verify or aics-tlog could not be installed here");
    }
    for number in 0..12u64 {
        let mut sizes: Vec<u64> = (0..6).map(|n| 1 + drawn(number * 8 + n, 3000)).collect();
        sizes.sort_unstable();
        sizes.dedup();
        let odd = |place: u64| match drawn(place, 50) {
            0 => Vec::new(),
            1 => vec![0; 65_535],
            2 => (0..=255).collect(),
            _ => entry(place),
        };
        let log = Published::with(&sizes, |place| odd(number * 10_000 + place));
        if let Some(go) = &go {
            let mut command = Command::new(go);
            let key = log.log.signer.key().to_string();
            accepts(command.arg(log.root()).arg(&key).args(&log.notes));
        }
        if let Some(program) = &aics_tlog {
            let mut command = aics(program, &log, "verify-consistency");
            accepts(command.arg("--old-checkpoint").arg(&log.notes[0]));
            let index = drawn(number, log.log.size());
            let leaf = log.folder.path().join("leaf");
            std::fs::write(&leaf, &log.log.entries[index as usize]).unwrap();
            let mut command = aics(program, &log, "verify-inclusion");
            command.arg("--leaf").arg(&leaf);
            accepts(command.args(["--index", &index.to_string()]));
        }
    }
}

fn aics(program: &Path, log: &Published, verb: &str) -> Command {
    let mut command = Command::new(program);
    let key = log.log.signer.key().to_string();
    command
        .arg(verb)
        .arg("--tiles")
        .arg(log.root())
        .args(["--log-key", &key, "--origin", ORIGIN]);
    command
}

#[test]
#[ignore = "runs aics-tlog: see scripts/strangers"]
fn stranger_aics_accepts_checkpoint_entries_and_growth() {
    let Some(program) = stranger("aics-tlog") else {
        println!("aics-tlog could not be installed here");
        return;
    };
    let log = Published::new(&SIZES);
    accepts(&mut aics(&program, &log, "verify-checkpoint"));
    for index in [0u64, 255, 256, 65_535, 65_536, 69_999] {
        let leaf = log.folder.path().join("leaf");
        std::fs::write(&leaf, &log.log.entries[index as usize]).unwrap();
        let verify = |index: u64| {
            let mut command = aics(&program, &log, "verify-inclusion");
            command.arg("--leaf").arg(&leaf);
            command.args(["--index", &index.to_string()]);
            command
        };
        accepts(&mut verify(index));
        refuses(&mut verify((index + 1) % 70_000));
    }
    for note in &log.notes {
        let mut command = aics(&program, &log, "verify-consistency");
        accepts(command.arg("--old-checkpoint").arg(note));
    }
    // A checkpoint of another history, rightly signed.
    let mut other = Written::new(ORIGIN, 7);
    other.grow((1..701).map(entry));
    let fork = log.folder.path().join("fork.note");
    std::fs::write(&fork, other.note()).unwrap();
    let mut command = aics(&program, &log, "verify-consistency");
    refuses(command.arg("--old-checkpoint").arg(&fork));
}

/// A note with cosignatures, and with signatures of kinds that nobody here knows.
fn cosigned(log: &Written, witnesses: &[(&Signer, u64)]) -> Vec<u8> {
    let text = log.checkpoint().to_text();
    let mut lines: Vec<_> = (0..16u8)
        .map(|n| SignatureLine {
            name: format!("unknown.example/{n}"),
            key_id: [0xff, 0, 0, n],
            signature: vec![n; 2428],
        })
        .collect();
    lines.extend(
        witnesses
            .iter()
            .map(|(witness, time)| witness.cosign(*time, &text)),
    );
    let note = SignedNote::parse(&log.note()).unwrap();
    note.with(&lines).unwrap().to_bytes()
}

#[test]
#[ignore = "runs Go's verifier and aics-tlog: see scripts/strangers"]
fn stranger_aics_counts_cosignatures_and_go_looks_past_them() {
    let log = Published::new(&[3, 300]);
    let (one, two) = (
        Signer::witness("w.example/1", 11),
        Signer::witness("w.example/2", 12),
    );
    let note = cosigned(&log.log, &[(&one, 1_700_000_000), (&two, 1_700_000_001)]);
    std::fs::write(log.root().join("checkpoint"), note).unwrap();
    match stranger("go-verify") {
        Some(go) => accepts(
            Command::new(go)
                .arg(log.root())
                .arg(log.log.signer.key().to_string())
                .args(&log.notes),
        ),
        None => println!("go-verify could not be installed here"),
    }
    let Some(program) = stranger("aics-tlog") else {
        println!("aics-tlog could not be installed here");
        return;
    };
    let verify = |quorum: &str| {
        let mut command = aics(&program, &log, "verify-checkpoint");
        for witness in [&one, &two] {
            command.args(["--witness-key", &witness.key().to_string()]);
        }
        command.args(["--quorum", quorum]);
        command
    };
    accepts(&mut verify("2"));
    let note = cosigned(&log.log, &[(&one, 1_700_000_000)]);
    std::fs::write(log.root().join("checkpoint"), note).unwrap();
    accepts(&mut verify("1"));
    refuses(&mut verify("2"));
}

/// The parts of a receipt, each given to `aics-tlog` as it is written there.
#[test]
#[ignore = "runs aics-tlog: see scripts/strangers"]
fn stranger_aics_accepts_the_proof_of_a_receipt() {
    let Some(program) = stranger("aics-tlog") else {
        println!("aics-tlog could not be installed here");
        return;
    };
    let log = Written::of(ORIGIN, 7, 1000);
    let receipt = Receipt {
        index: 300,
        proof: inclusion_proof(&log.tiles, 300, 1000).unwrap(),
        checkpoint: log.note(),
        extra: None,
    };
    let text = String::from_utf8(receipt.encode()).unwrap();
    let (head, note) = text.split_once("\n\n").unwrap();
    let proof: String = head
        .lines()
        .skip(2)
        .map(|line| format!("{line}\n"))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let root = note.lines().nth(2).unwrap();
    let verify = |leaf: &[u8]| {
        let mut command = Command::new(&program);
        command
            .arg("verify-inclusion")
            .arg("--leaf")
            .arg(file("leaf", leaf))
            .args(["--index", "300", "--size", "1000", "--root", root])
            .arg("--proof")
            .arg(file("proof", proof.as_bytes()));
        command
    };
    accepts(&mut verify(&log.entries[300]));
    refuses(&mut verify(&log.entries[301]));
}
