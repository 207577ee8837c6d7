//! What somebody can do who has every file and every key of an installation: open all that opens, and try guesses
//! against all that is kept, with each key in each way in which the program uses keys.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::{digest, hkdf, hmac};
use interlock_core::id::{EnvironmentName, PayloadId, RunId, TenantName};
use interlock_runtime::clock::{SystemClock, SystemEntropy};
use interlock_runtime::keys::{FileKeys, Keys, KeysParts, no_passphrase};
use interlock_runtime::seal::{
    KeyBook, MarkedBy, PayloadSealer, Place, SealedRef, Sealer, StoreKeyBook,
};
use interlock_store::{SqliteStore, Store};
use serde_json::Value;

/// One payload that the log names.
pub(crate) struct Payload {
    pub(crate) id: PayloadId,
    pub(crate) run: String,
    pub(crate) slot: String,
    /// What it holds, where it opens.
    pub(crate) content: Option<Vec<u8>>,
    /// Whether the keys of its marks can be had.
    pub(crate) marks_open: bool,
}

impl Payload {
    /// Whether its run is about a person, as its input says.
    pub(crate) fn about(&self, name: &str, before: &Remains) -> bool {
        before.payloads.iter().any(|payload| {
            let content = payload.content.as_deref().unwrap_or_default();
            payload.run == self.run
                && payload.slot == "input"
                && String::from_utf8_lossy(content).contains(name)
        })
    }
}

/// See the module's text.
pub(crate) struct Remains {
    pub(crate) payloads: Vec<Payload>,
    /// Every data key that can be had, and the key file's own.
    pub(crate) keys: Vec<(String, Vec<u8>)>,
    /// Small records of people that open.
    pub(crate) records: Vec<Vec<u8>>,
}

impl Remains {
    /// With the key file of one directory, all that another holds.
    pub(crate) fn of(data: &Path, key_file_of: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(Self::open(data, key_file_of))
    }

    async fn open(data: &Path, key_file_of: &Path) -> Self {
        let tenant = TenantName::parse("default").unwrap();
        let environment = EnvironmentName::parse("dev").unwrap();
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open_read_only(data).unwrap());
        let book = Arc::new(StoreKeyBook(Arc::clone(&store)));
        let all = Arc::new(Keys::new(KeysParts {
            provider: Arc::new(FileKeys::open(key_file_of, &no_passphrase).unwrap()),
            book: book.clone(),
            environment: environment.clone(),
            entropy: Arc::new(SystemEntropy),
            clock: Arc::new(SystemClock),
            holders: Vec::new(),
        }));
        let sealer = PayloadSealer::new(Arc::clone(&all), Arc::new(SystemEntropy));
        let mut remains = Self {
            payloads: Vec::new(),
            keys: epochs(key_file_of),
            records: Vec::new(),
        };
        for shelf in 0..book.shelves() {
            for page in book.shelf(&tenant, shelf).await.unwrap() {
                if let Ok(Some(key)) = all.found(&tenant, &page.name).await {
                    remains
                        .keys
                        .push((page.name.as_str().to_owned(), key.to_vec()));
                }
            }
        }
        let mut from = 0;
        loop {
            let page = store.log_entries(&tenant, from, 100).await.unwrap();
            let Some(last) = page.last() else { break };
            from = last.index + 1;
            for entry in &page {
                let said: Value = serde_json::from_slice(&entry.bytes).unwrap();
                for note in said["body"]["payloads"].as_array().into_iter().flatten() {
                    let (slot, id) = (note["slot"].as_str().unwrap(), note["id"].as_str().unwrap());
                    let id: PayloadId = id.parse().unwrap();
                    let alone = entry.run.to_bytes() == [0; 16];
                    let place = Place {
                        tenant: tenant.clone(),
                        environment: environment.clone(),
                        run: if alone {
                            RunId::from_bytes(id.to_bytes())
                        } else {
                            entry.run
                        },
                        payload: id,
                        slot: slot.to_owned(),
                    };
                    let sealed = store.payload(&tenant, id).await.unwrap().unwrap();
                    let commitment = unhex(note["commit"].as_str().unwrap());
                    let reference = SealedRef {
                        header: &sealed.header,
                        ciphertext: &sealed.ciphertext,
                        commitment: commitment.as_slice().try_into().unwrap(),
                    };
                    let content = sealer.open(&place, &reference).await;
                    let marks = sealer
                        .mark_keys(&place, MarkedBy::Header(&sealed.header))
                        .await;
                    remains.payloads.push(Payload {
                        id,
                        run: entry.run.to_string(),
                        slot: slot.to_owned(),
                        content: content.ok().map(|content| content.to_vec()),
                        marks_open: marks.is_ok(),
                    });
                }
            }
        }
        for record in store.records(&tenant, "principal").await.unwrap() {
            let place = record.key.as_bytes();
            let opened = all.open_small(&tenant, "principal", place, &record.bytes);
            remains
                .records
                .extend(opened.await.map(|opened| opened.to_vec()));
        }
        remains
    }

    /// Contents that open, of these runs or of all.
    pub(crate) fn contents(&self) -> impl Iterator<Item = &[u8]> {
        self.payloads
            .iter()
            .filter_map(|payload| payload.content.as_deref())
    }

    /// Which guesses are confirmed by something that is kept: `kind: key`. The guesses are tried for the payloads of
    /// `others` too, whose headers and ids are known from the log.
    pub(crate) fn confirmed(&self, guesses: &BTreeSet<Vec<u8>>, kept: &Kept) -> BTreeSet<String> {
        let mut confirmed = BTreeSet::new();
        let mut check = |kind: &str, made: &[u8]| {
            if kept.has(made) {
                confirmed.insert(kind.to_owned());
            }
        };
        for guess in guesses {
            check(
                "plain digest",
                digest::digest(&digest::SHA256, guess).as_ref(),
            );
            for (name, key) in &self.keys {
                check(&format!("keyed digest: {name}"), &mac(key, &[guess]));
                let inner = hex(&mac(key, &[guess]));
                for (outer, key) in &self.keys {
                    check(&format!("index: {outer}"), &mac(key, &[inner.as_bytes()]));
                }
                let link = expand(key, b"", b"interlock/mark/v1");
                check(
                    &format!("token: {name}"),
                    &mac(&link, &[b"interlock/token/v1\0", guess])[..8],
                );
            }
        }
        let is_period = |name: &str| name.starts_with("period.");
        let periods: Vec<&[u8]> = self
            .keys
            .iter()
            .filter(|(name, _)| is_period(name))
            .map(|(_, key)| &key[..])
            .collect();
        for payload in &self.payloads {
            for (name, key) in &self.keys {
                let joined = periods.iter().map(|period| [&key[..], period].concat());
                for secret in joined.chain([key.clone()]) {
                    let key = expand(
                        &secret,
                        &payload.id.to_bytes(),
                        b"interlock/payload/v1/commitment",
                    );
                    for guess in guesses {
                        let made = mac(
                            &key,
                            &[b"payload/v1\0", payload.slot.as_bytes(), b"\0", guess],
                        );
                        check(&format!("commitment: {name}"), &made);
                    }
                }
            }
        }
        confirmed
    }
}

/// The keys of the key file's epochs: number, time and 32 bytes each.
fn epochs(data: &Path) -> Vec<(String, Vec<u8>)> {
    let bytes = std::fs::read(data.join("keys/local.key")).unwrap();
    let body = bytes.strip_prefix(b"interlock-keys/2\n\0").unwrap();
    let epochs = body[2..].chunks(44);
    epochs
        .map(|epoch| ("epoch".to_owned(), epoch[12..].to_vec()))
        .collect()
}

/// Everything of eight bytes that stands in some files, as it is and where it is written as hex.
pub(crate) struct Kept(HashSet<[u8; 8]>);

impl Kept {
    pub(crate) fn of<'a>(files: impl IntoIterator<Item = &'a (String, Vec<u8>)>) -> Self {
        let mut kept = HashSet::new();
        for (_, bytes) in files {
            kept.extend(
                bytes
                    .windows(8)
                    .filter_map(|window| window.first_chunk().copied()),
            );
            for run in bytes
                .split(|byte| !byte.is_ascii_hexdigit())
                .filter(|run| run.len() >= 16)
            {
                for shift in 0..2 {
                    let even = &run[shift..run.len() - (run.len() - shift) % 2];
                    let decoded = unhex(std::str::from_utf8(even).unwrap());
                    kept.extend(
                        decoded
                            .windows(8)
                            .filter_map(|window| window.first_chunk().copied()),
                    );
                }
            }
        }
        Self(kept)
    }

    fn has(&self, made: &[u8]) -> bool {
        self.0.contains(made.first_chunk::<8>().unwrap())
    }
}

/// Guesses: whole contents, every text and number in them, and these.
pub(crate) fn dictionary<'a>(
    contents: impl Iterator<Item = &'a [u8]>,
    more: &[String],
) -> BTreeSet<Vec<u8>> {
    fn leaves(value: &Value, found: &mut BTreeSet<Vec<u8>>) {
        match value {
            Value::String(text) => drop(found.insert(text.clone().into_bytes())),
            Value::Number(number) => drop(found.insert(number.to_string().into_bytes())),
            Value::Array(items) => items.iter().for_each(|item| leaves(item, found)),
            Value::Object(members) => members.values().for_each(|item| leaves(item, found)),
            Value::Null | Value::Bool(_) => {}
        }
    }
    let mut found: BTreeSet<Vec<u8>> = more.iter().map(|text| text.clone().into_bytes()).collect();
    for content in contents {
        found.insert(content.to_vec());
        leaves(&serde_json::from_slice(content).unwrap(), &mut found);
    }
    found
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    parts.iter().for_each(|part| context.update(part));
    context.sign().as_ref().to_vec()
}

fn expand(secret: &[u8], salt: &[u8], info: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(secret);
    prk.expand(&[info], hkdf::HKDF_SHA256)
        .unwrap()
        .fill(&mut out)
        .unwrap();
    out
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}
