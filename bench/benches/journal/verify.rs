//! Verification of a whole log from its files, on one core: ours, and Go's transparency log packages in the same run
//! where they are installed (scripts/strangers).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use ed25519_dalek::{Signer as _, SigningKey};
use interlock_bench::rate;
use interlock_journal::audit::{self, Expectations, LogFiles, ReadFault};
use interlock_journal::checkpoint::{self, Checkpoint};
use interlock_journal::note::{self, KeyKind, SignatureLine, VerifierKey};
use interlock_journal::tile::{Tiles, bundles_of, decode_bundle, encode_bundle, tiles_of};
use interlock_journal::tree::{self, Frontier};
use interlock_journal::{LeafHash, leaf_hash};

use crate::entries::Pen;
use crate::{Amount, Anything};

const ORIGIN: &str = "bench.example.org/log";

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
    let key = write(&folder, amount.verify)?;
    let files = Folder(folder.clone());
    let expected = Expectations {
        keys: vec![VerifierKey::parse(&key)?],
        ..Expectations::default()
    };
    // The first time reads the files into the page cache, for both.
    signed_tree(&files, &expected.keys)?;
    let began = Instant::now();
    signed_tree(&files, &expected.keys)?;
    let ours = rate(amount.verify, began.elapsed());
    println!(
        "verification of {} entries: signature, tree and inclusion {ours:.0}/s",
        amount.verify
    );
    let began = Instant::now();
    let report = audit::audit(&files, &expected, &mut |_| {});
    let whole = rate(amount.verify, began.elapsed());
    println!(
        "  with chains, schema and semantics {whole:.0}/s (exit {})",
        report.exit()
    );
    let theirs = go(&folder, &key, amount.verify)?;
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
    let opened = checkpoint::open(&read("checkpoint")?, ORIGIN, keys)?;
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

/// Writes a signed log; returns its key as text.
fn write(folder: &Path, count: u64) -> Result<String, Anything> {
    let mut pen = Pen::new()?;
    let mut leaves: Vec<LeafHash> = Vec::new();
    for bundle in bundles_of(count) {
        let entries = (0..bundle.width)
            .map(|_| pen.entry().map(|entry| entry.into_bytes()))
            .collect::<Result<Vec<_>, _>>()?;
        leaves.extend(entries.iter().map(|entry| leaf_hash(entry)));
        put(
            folder,
            &bundle.path(),
            &encode_bundle(entries.iter().map(Vec::as_slice))?,
        )?;
    }
    let mut tiles = Tiles::new();
    tiles.extend(0, leaves)?;
    for tile in tiles_of(count) {
        let bytes = tiles.bytes(tile).ok_or("a tile is missing")?;
        put(folder, &tile.path(), bytes)?;
    }
    let checkpoint = Checkpoint {
        origin: ORIGIN.to_owned(),
        size: count,
        root: tree::root_at(&tiles, count)?,
    };
    let signer = SigningKey::from_bytes(&[7; 32]);
    let public = signer.verifying_key().to_bytes();
    let text = checkpoint.to_text();
    let line = SignatureLine {
        name: ORIGIN.to_owned(),
        key_id: note::key_id(ORIGIN, 1, &public),
        signature: signer.sign(text.as_bytes()).to_bytes().to_vec(),
    };
    put(folder, "checkpoint", &note::assemble(&text, &[line])?)?;
    Ok(VerifierKey::new(ORIGIN, KeyKind::Ed25519, public)?.to_string())
}

fn put(folder: &Path, path: &str, bytes: &[u8]) -> Result<(), Anything> {
    let path = folder.join(path);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    Ok(fs::write(path, bytes)?)
}
