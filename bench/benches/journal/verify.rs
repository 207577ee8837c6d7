//! Verification of a whole log from its files, on one core: ours, and Go's transparency log packages in the same run
//! where they are installed (scripts/strangers).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use interlock_bench::rate;
use interlock_journal::audit::{self, Expectations, LogFiles, ReadFault};
use interlock_journal::checkpoint;
use interlock_journal::leaf_hash;
use interlock_journal::note::VerifierKey;
use interlock_journal::tile::{bundles_of, decode_bundle};
use interlock_journal::tree::Frontier;

use crate::{Amount, Anything, forge};

struct Folder(PathBuf);

impl LogFiles for Folder {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, ReadFault> {
        match fs::read(self.0.join(path)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(fault) => Err(ReadFault(fault.kind().to_string())),
        }
    }
}

pub(crate) fn measure(dir: &Path, amount: &Amount) -> Result<String, Anything> {
    let folder = dir.join("log");
    let (key, count) = write(&folder, amount.verify)?;
    let files = Folder(folder.clone());
    let expected = Expectations {
        keys: vec![VerifierKey::parse(&key)?],
        ..Expectations::default()
    };
    // The first time reads the files into the page cache, for both.
    signed_tree(&files, &expected.keys)?;
    let began = Instant::now();
    signed_tree(&files, &expected.keys)?;
    let ours = rate(count, began.elapsed());
    println!(
        "verification of {} entries: signature, tree and inclusion {ours:.0}/s",
        count
    );
    let began = Instant::now();
    let report = audit::audit(&files, &expected, &mut |_| {});
    let whole = rate(count, began.elapsed());
    println!(
        "  with chains, schema and semantics {whole:.0}/s (exit {})",
        report.exit()
    );
    let theirs = go(&folder, &key, count)?;
    match theirs {
        Some(theirs) => println!("  golang.org/x/mod/sumdb in the same run {theirs:.0}/s"),
        None => println!("  golang.org/x/mod/sumdb: not installed (scripts/strangers)"),
    }
    let beside = theirs.map_or_else(
        || "Go not installed".to_owned(),
        |theirs| format!("Go {theirs:.0}/s"),
    );
    Ok(format!(
        "verify {ours:.0}/s (all rules {whole:.0}/s, {beside})"
    ))
}

/// What the Go program checks: the signature, and every entry's bytes up to the signed root.
fn signed_tree(files: &Folder, keys: &[VerifierKey]) -> Result<(), Anything> {
    let read = |path: &str| {
        files
            .read(path)?
            .ok_or_else(|| Anything::from(path.to_owned()))
    };
    let opened = checkpoint::open(
        &read("checkpoint")?,
        keys.first().map_or("", VerifierKey::name),
        keys,
    )?;
    let mut frontier = Frontier::new();
    for bundle in bundles_of(opened.checkpoint.size) {
        let bytes = read(&bundle.path())?;
        for entry in decode_bundle(&bytes, bundle.width)? {
            frontier.push(leaf_hash(entry));
        }
    }
    if frontier.root() == opened.checkpoint.root {
        Ok(())
    } else {
        Err("the log does not verify".into())
    }
}

/// Go's figure, as it says it itself: reading and hashing, without the start of its process.
fn go(folder: &Path, key: &str, entries: u64) -> Result<Option<f64>, Anything> {
    let strangers = std::env::var_os("INTERLOCK_STRANGERS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/strangers")),
        PathBuf::from,
    );
    let program = strangers.join("bin/go-verify");
    if !program.exists() {
        return Ok(None);
    }
    let mut best: Option<Duration> = None;
    for _ in 0..3 {
        let ran = Command::new(&program)
            .arg(folder)
            .arg(key)
            .env("GOMAXPROCS", "1")
            .output()?;
        let said = String::from_utf8(ran.stdout)?;
        let seconds: f64 = said
            .split(' ')
            .nth(4)
            .ok_or_else(|| format!("go-verify: {}", String::from_utf8_lossy(&ran.stderr)))?
            .parse()?;
        let time = Duration::from_secs_f64(seconds);
        best = Some(best.map_or(time, |best| best.min(time)));
    }
    Ok(best.map(|best| rate(entries, best)))
}

/// Writes a signed log of whole, sound runs of some `count` entries; returns its key and how many there are.
fn write(folder: &Path, count: u64) -> Result<(String, u64), Anything> {
    let mut pen = forge::Pen::default();
    pen.open();
    // A run of the forge has some 21 entries.
    pen.runs(1, count / 21);
    let key = forge::log_key();
    let files = forge::publish(&pen.entries, &key);
    for (path, bytes) in &files.0 {
        put(folder, path, bytes)?;
    }
    Ok((key.verifier().to_string(), pen.entries.len() as u64))
}

fn put(folder: &Path, path: &str, bytes: &[u8]) -> Result<(), Anything> {
    let path = folder.join(path);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    Ok(fs::write(path, bytes)?)
}
