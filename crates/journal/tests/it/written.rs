//! A log as a stranger meets it: entries, tiles, bundles and signed checkpoints, as files below one folder.
//! Keys here are made from fixed bytes; nothing is random, so that a failure comes again.

use std::collections::BTreeMap;
use std::path::Path;

use ed25519_dalek::{Signer as _, SigningKey};
use interlock_journal::note::{KeyKind, SignatureLine, assemble};
use interlock_journal::tile::{BundleId, TileId, Tiles, bundles_changed, encode_bundle};
use interlock_journal::tree::root_at;
use interlock_journal::{Checkpoint, VerifierKey, cosignature, leaf_hash};
use sha2::{Digest as _, Sha256};

pub(crate) const ORIGIN: &str = "log.example/tenant";

/// Entry number `number`: 32 to some 600 bytes, different for each number.
pub(crate) fn entry(number: u64) -> Vec<u8> {
    let digest = Sha256::digest(number.to_be_bytes());
    let repeats = 1 + usize::from(digest[0]) % 9;
    let filler = digest
        .repeat(repeats)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect::<String>();
    format!("{{\"filler\":\"{filler}\",\"number\":{number}}}").into_bytes()
}

/// A key that signs under a name.
pub(crate) struct Signer {
    pub(crate) name: String,
    pub(crate) kind: KeyKind,
    pub(crate) secret: SigningKey,
}

impl Signer {
    pub(crate) fn log(name: &str, seed: u8) -> Self {
        Self::new(name, KeyKind::Ed25519, seed)
    }

    pub(crate) fn witness(name: &str, seed: u8) -> Self {
        Self::new(name, KeyKind::Cosignature, seed)
    }

    fn new(name: &str, kind: KeyKind, seed: u8) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            secret: SigningKey::from_bytes(&[seed; 32]),
        }
    }

    pub(crate) fn key(&self) -> VerifierKey {
        VerifierKey::new(
            &self.name,
            self.kind,
            self.secret.verifying_key().to_bytes(),
        )
        .unwrap()
    }

    pub(crate) fn sign(&self, text: &str) -> SignatureLine {
        self.line(self.secret.sign(text.as_bytes()).to_bytes().to_vec())
    }

    pub(crate) fn cosign(&self, time: u64, text: &str) -> SignatureLine {
        let signature = self.secret.sign(&cosignature::message(time, text));
        self.line(cosignature::join(time, &signature.to_bytes()))
    }

    pub(crate) fn line(&self, signature: Vec<u8>) -> SignatureLine {
        SignatureLine {
            name: self.name.clone(),
            key_id: self.key().key_id(),
            signature,
        }
    }

    /// A signed note of any text, malformed or not: nothing of it is checked.
    pub(crate) fn note(&self, text: &str) -> Vec<u8> {
        format!("{text}\n{}\n", self.sign(text)).into_bytes()
    }
}

/// A log that grows, and all the files that it has published so far.
pub(crate) struct Written {
    pub(crate) signer: Signer,
    pub(crate) entries: Vec<Vec<u8>>,
    pub(crate) tiles: Tiles,
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

impl Written {
    pub(crate) fn new(origin: &str, seed: u8) -> Self {
        Self {
            signer: Signer::log(origin, seed),
            entries: Vec::new(),
            tiles: Tiles::new(),
            files: BTreeMap::new(),
        }
    }

    pub(crate) fn of(origin: &str, seed: u8, size: u64) -> Self {
        let mut log = Self::new(origin, seed);
        log.grow((0..size).map(entry));
        log
    }

    pub(crate) fn size(&self) -> u64 {
        self.entries.len() as u64
    }

    /// Appends entries and publishes the tree that they make.
    pub(crate) fn grow(&mut self, entries: impl IntoIterator<Item = Vec<u8>>) {
        let old = self.size();
        self.entries.extend(entries);
        let leaves = self.entries[old as usize..]
            .iter()
            .map(|entry| leaf_hash(entry));
        for id in self.tiles.extend(old, leaves).unwrap() {
            let bytes = self.tiles.bytes(id).unwrap().to_vec();
            self.files.insert(id.path(), bytes);
        }
        for id in bundles_changed(old, self.size()) {
            self.files.insert(id.path(), self.bundle(id));
        }
        self.files.insert("checkpoint".to_owned(), self.note());
    }

    fn bundle(&self, id: BundleId) -> Vec<u8> {
        let from = (id.index * 256) as usize;
        let entries = &self.entries[from..from + usize::from(id.width)];
        encode_bundle(entries.iter().map(Vec::as_slice)).unwrap()
    }

    pub(crate) fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            origin: self.signer.name.clone(),
            size: self.size(),
            root: root_at(&self.tiles, self.size()).unwrap(),
        }
    }

    pub(crate) fn note(&self) -> Vec<u8> {
        let text = self.checkpoint().to_text();
        assemble(&text, &[self.signer.sign(&text)]).unwrap()
    }

    pub(crate) fn tile(&self, id: TileId) -> &[u8] {
        self.tiles.bytes(id).unwrap()
    }

    pub(crate) fn write(&self, folder: &Path) {
        for (path, bytes) in &self.files {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
    }
}
