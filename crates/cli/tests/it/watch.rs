//! `audit watch` as an auditor has it: a real server, its files over HTTP with an API key, and a file of the auditor's
//! own. Whoever runs the server puts an old copy of everything back, keys and guard included.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use interlock_journal::note::{KeyKind, SignedNote, VerifierKey};
use interlock_runtime::log::SigningKey;
use serde_json::Value;

use crate::place::{Place, Said, example};

/// A server that ends with the test.
pub(crate) struct Serving(Child, String);

impl Serving {
    pub(crate) fn start(place: &Place) -> Self {
        let bundle = example("incident-summary");
        let arguments = [
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--json",
            "--bundle",
            bundle.to_str().unwrap(),
        ];
        let mut command = place.command(&arguments);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let said: Value = serde_json::from_str(&line).unwrap();
        let address = said["listening"].as_str().unwrap();
        Self(child, format!("http://{address}/api/v1/log"))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An auditor with their own state, over the newest server of a place.
struct Auditor<'a> {
    place: &'a Place,
    api_key: String,
    vkey: String,
}

impl Auditor<'_> {
    fn look(&self, log: &str) -> Said {
        let state = self.state();
        let options = [
            "audit",
            "watch",
            log,
            "--key",
            &self.vkey,
            "--state",
            state.to_str().unwrap(),
            "--once",
        ];
        self.place
            .run(&[&options[..], &["--api-key", &self.api_key]].concat())
    }

    fn state(&self) -> PathBuf {
        self.place.home().join("seen.json")
    }

    fn evidence(&self) -> Vec<PathBuf> {
        let files = self.place.files().into_iter();
        files
            .filter(|path| path.to_str().unwrap().contains("seen.json.evidence-"))
            .collect()
    }
}

#[test]
fn attack_17_a_kept_checkpoint_shows_an_auditor_that_a_whole_copy_was_put_back() {
    let place = Place::installed(crate::model::silent());
    let created = place.json(
        &["key", "api", "create", "auditor", "--roles", "auditor"],
        0,
    );
    let api_key = place.file("auditor.key", created["key"].as_str().unwrap());
    let (origin, vkey) = {
        let _serving = Serving::start(&place);
        vkey_of(&place)
    };
    let auditor = Auditor {
        place: &place,
        api_key,
        vkey,
    };
    {
        let serving = Serving::start(&place);
        auditor
            .look(&serving.1)
            .code(0)
            .shows("nothing to compare with yet");
        // What the start wrote is published within a second.
        let settled = (0..20).any(|_| auditor.look(&serving.1).code(0).out.contains("as before"));
        assert!(settled);
    }
    let copy = place.home().join("copy");
    copy_all(&place.data(), &copy);
    for _change in 0..3 {
        place
            .run(&["world", "incident", "--reason", "drill"])
            .code(0);
        place.run(&["world", "resume", "--reason", "over"]).code(0);
    }
    {
        let serving = Serving::start(&place);
        auditor
            .look(&serving.1)
            .code(0)
            .shows("all that was kept is still in it");
    }
    let kept = std::fs::read(auditor.state()).unwrap();

    std::fs::remove_dir_all(place.data()).unwrap();
    copy_all(&copy, &place.data());
    place.mode(&place.data(), 0o700);
    {
        let serving = Serving::start(&place);
        auditor
            .look(&serving.1)
            .code(1)
            .shows("TAMPERED: the log is smaller than it was");
    }
    assert_eq!(
        std::fs::read(auditor.state()).unwrap(),
        kept,
        "what was kept stays"
    );
    let evidence: Value =
        serde_json::from_slice(&std::fs::read(&auditor.evidence()[0]).unwrap()).unwrap();
    for side in ["kept", "served"] {
        let note = SignedNote::parse(evidence[side].as_str().unwrap().as_bytes()).unwrap();
        assert!(note.text().starts_with(&format!("{origin}\n")), "{side}");
    }
    // It grows past what was seen: another history, signed by the same key.
    for _change in 0..8 {
        place
            .run(&["world", "incident", "--reason", "other"])
            .code(0);
    }
    let serving = Serving::start(&place);
    auditor
        .look(&serving.1)
        .code(1)
        .shows("TAMPERED: the log was rewritten");
    assert_eq!(auditor.evidence().len(), 2);
}

#[test]
fn what_proves_nothing_is_no_verdict_and_wrong_use_is_said() {
    let place = Place::new();
    let key = VerifierKey::new(
        "log.example.org",
        KeyKind::Ed25519,
        *SigningKey::from_seed(&[7; 32]).unwrap().public(),
    );
    let vkey = key.unwrap().to_string();
    let watch = |log: &str, key: &str, state: &str| {
        place.run(&[
            "audit", "watch", log, "--key", key, "--state", state, "--once",
        ])
    };
    watch("nowhere", &vkey, "seen.json")
        .code(2)
        .shows("cannot tell");
    watch("http://127.0.0.1:1/log", &vkey, "seen.json")
        .code(2)
        .shows("cannot tell");
    std::fs::create_dir(place.home().join("log")).unwrap();
    watch("log", &vkey, "seen.json")
        .code(2)
        .shows("there is no checkpoint");
    std::fs::write(place.home().join("log/checkpoint"), "<html>").unwrap();
    watch("log", &vkey, "seen.json")
        .code(2)
        .shows("not one of this log");
    assert!(!place.home().join("seen.json").exists());
    watch("log", "no key", "seen.json").refused(2, "failed to read the key", "audit key");
    let spoilt = place.file("spoilt.json", "{}");
    watch("log", &vkey, &spoilt).refused(2, "not what this command writes", "restore it");
}

/// The log's name, which is the first line of its checkpoint, and its verifier key.
pub(crate) fn vkey_of(place: &Place) -> (String, String) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = interlock_store::SqliteStore::open_read_only(&place.data()).unwrap();
    let tenant = interlock_core::id::TenantName::parse("default").unwrap();
    // What was appended is published within a second.
    let published = (0..50).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        let published = interlock_store::LogStore::published(&store, &tenant);
        runtime.block_on(published).unwrap()
    });
    let published = published.unwrap();
    let note = SignedNote::parse(&published.checkpoint).unwrap();
    let origin = note.text().lines().next().unwrap().to_owned();
    let key = SigningKey::open(&place.data()).unwrap().unwrap();
    let vkey = VerifierKey::new(&origin, KeyKind::Ed25519, *key.public()).unwrap();
    (origin, vkey.to_string())
}

fn copy_all(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_all(&entry.path(), &target);
            let mode = std::fs::metadata(entry.path()).unwrap().permissions();
            std::fs::set_permissions(&target, mode).unwrap();
        } else {
            std::fs::copy(entry.path(), &target).unwrap();
        }
    }
}

/// A log of one checkpoint in a folder, and its key.
fn folder(place: &Place, size: u64, root: u8) -> String {
    use interlock_journal::note::{SignatureLine, assemble};
    use interlock_journal::{Checkpoint, NodeHash};
    let origin = "log.example.org";
    let pair = aws_lc_rs::signature::Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let public = *SigningKey::from_seed(&[7; 32]).unwrap().public();
    let key = VerifierKey::new(origin, KeyKind::Ed25519, public).unwrap();
    let checkpoint = Checkpoint {
        origin: origin.to_owned(),
        size,
        root: NodeHash::from_bytes([root; 32]),
    };
    let text = checkpoint.to_text();
    let line = SignatureLine {
        name: origin.to_owned(),
        key_id: key.key_id(),
        signature: pair.sign(text.as_bytes()).as_ref().to_vec(),
    };
    std::fs::create_dir_all(place.home().join("log")).unwrap();
    let note = assemble(&text, &[line]).unwrap();
    std::fs::write(place.home().join("log/checkpoint"), note).unwrap();
    key.to_string()
}

#[test]
fn attack_17_a_log_that_is_frozen_at_an_old_checkpoint_is_not_as_before_for_ever() {
    let place = Place::new();
    let key = folder(&place, 5, 1);
    let watch = |more: &[&str]| {
        let asked = ["audit", "watch", "log", "--key", &key];
        let state = ["--state", "seen.json", "--once"];
        place.run(&[&asked[..], &state, more].concat())
    };
    let frozen = ["--max-age", "60"];
    watch(&frozen).code(0).shows("nothing to compare with yet");
    watch(&frozen).code(0).shows("as before");
    // As the file is two minutes later, or where the clock went back.
    let path = place.home().join("seen.json");
    let kept: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let since = kept["since"].as_u64().unwrap();
    for other in [since - 120, since + 120] {
        let mut kept = kept.clone();
        kept["since"] = other.into();
        std::fs::write(&path, kept.to_string()).unwrap();
        watch(&frozen)
            .code(2)
            .shows("cannot tell: log.example.org has had 5 entries for 1");
        watch(&[]).code(0).shows("as before");
    }
    // A file of before there was a time counts from now on.
    let mut kept = kept;
    kept.as_object_mut().unwrap().remove("since");
    std::fs::write(&path, kept.to_string()).unwrap();
    watch(&frozen).code(0).shows("as before");
    let kept: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert!(kept["since"].as_u64().unwrap() >= since);
}

#[test]
fn a_kept_checkpoint_that_no_trusted_key_signed_holds_nothing() {
    let place = Place::new();
    let key = folder(&place, 5, 1);
    let kept = std::fs::read_to_string(place.home().join("log/checkpoint")).unwrap();
    // The same text under a signature of nobody.
    let (text, line) = kept.split_once("\n\n").unwrap();
    let at = line.len() - 20;
    let forged = format!("{text}\n\n{}AAAA{}", &line[..at], &line[at + 4..]);
    for (name, bytes, code) in [("kept", kept.as_str(), 1), ("forged", &forged, 2)] {
        let file = place.file(name, bytes);
        let asked = ["audit", "verify", "log", "--key", &key, "--kept", &file];
        let said = place.run(&asked);
        // Beside a kept one that is genuine, what is missing is the log's own: its tiles.
        let said = said.code(code);
        assert_eq!(said.err.contains("--kept FILE"), code == 2, "{name}");
    }
}
