//! A writer of logs for tests: honest runs of every kind of event, their payloads, tiles, checkpoints and exports.
//! It is the honest side and, given wrong bytes, the forger; it shares with the verifier hashes and note lines only.

use std::collections::BTreeMap;

use ed25519_dalek::{Signer as _, SigningKey};
use interlock_journal::audit::{LogFiles, ReadFault};
use interlock_journal::note::{SignatureLine, VerifierKey, assemble, key_id};
use interlock_journal::tree::{NodeHash, empty_root, node_hash};
use interlock_journal::{Checkpoint, Draft, Entry, LeafHash, canonical, leaf_hash};
use sha2::{Digest as _, Sha256};

pub(crate) const ORIGIN: &str = "interlock.invalid/default/1";
pub(crate) const POLICY: &str = "aa";

/// Files in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Files(pub(crate) BTreeMap<String, Vec<u8>>);

impl LogFiles for Files {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, ReadFault> {
        Ok(self.0.get(path).cloned())
    }

    fn list(&self) -> Result<Option<Vec<String>>, ReadFault> {
        Ok(Some(self.0.keys().cloned().collect()))
    }
}

impl Files {
    pub(crate) fn edit(&mut self, path: &str, edit: impl FnOnce(&mut Vec<u8>)) {
        edit(self.0.get_mut(path).unwrap_or_else(|| panic!("{path}")));
    }

    /// Writes a manifest of the files that are there.
    pub(crate) fn seal(&mut self, size: u64, members: &[(&str, String)]) {
        self.0.remove("manifest.json");
        let list: Vec<String> = self
            .0
            .iter()
            .map(|(path, bytes)| format!("\"{path}\":\"{}\"", hex(&Sha256::digest(bytes))))
            .collect();
        let mut all = BTreeMap::from([
            ("format", "\"interlock-export/1\"".to_owned()),
            ("origin", format!("\"{ORIGIN}\"")),
            ("size", size.to_string()),
            ("files", format!("{{{}}}", list.join(","))),
        ]);
        all.extend(members.iter().cloned());
        let members: Vec<String> = all
            .iter()
            .map(|(key, value)| format!("\"{key}\":{value}"))
            .collect();
        let manifest = format!("{{{}}}", members.join(","));
        self.0
            .insert("manifest.json".to_owned(), manifest.into_bytes());
    }
}

/// What writes the entries: one chain for each run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pen {
    pub(crate) entries: Vec<Vec<u8>>,
    pub(crate) payloads: BTreeMap<String, Vec<u8>>,
    chains: BTreeMap<u64, (u64, Option<LeafHash>)>,
    pub(crate) month: u32,
    ids: u64,
}

pub(crate) fn id(prefix: &str, n: u64) -> String {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let mut text = vec![b'0'; 26];
    let mut rest = n;
    for slot in text.iter_mut().rev() {
        *slot = DIGITS[usize::try_from(rest % 32).unwrap()];
        rest /= 32;
    }
    format!("{prefix}_{}", String::from_utf8(text).unwrap())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

pub(crate) fn digest(of: &str) -> String {
    hex(&Sha256::digest(of))
}

impl Pen {
    pub(crate) fn fresh(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }

    /// Writes the next entry of a run; gives its index in the log.
    pub(crate) fn write(&mut self, run: u64, event: &str, body: &str) -> u64 {
        let (seq, prev) = self.chains.get(&run).copied().unwrap_or((0, None));
        let bytes = draft(run, seq, prev, event, body, self.month.max(1));
        self.chains.insert(run, (seq + 1, Some(leaf_hash(&bytes))));
        self.entries.push(bytes);
        self.entries.len() as u64 - 1
    }

    /// The notes of a new payload, and its id.
    pub(crate) fn payload(&mut self, slot: &str) -> (String, String) {
        let n = self.fresh();
        let name = id("pay", n);
        let sealed = format!("sealed {slot} {n}").into_bytes();
        let note = format!(
            "[{{\"commit\":\"{}\",\"ct\":\"{}\",\"id\":\"{name}\",\"padded\":256,\"slot\":\"{slot}\"}}]",
            digest(&format!("commit {n}")),
            hex(&Sha256::digest(&sealed)),
        );
        self.payloads.insert(name.clone(), sealed);
        (name, note)
    }

    /// The entries with which every log begins.
    pub(crate) fn open(&mut self) {
        let key = digest("key");
        self.write(
            0,
            "log.opened",
            &format!("{{\"key\":\"{key}\",\"origin\":\"{ORIGIN}\"}}"),
        );
        let bundle = digest("bundle");
        self.write(
            0,
            "bundle.deployed",
            &format!("{{\"name\":\"demo\",\"version\":\"{bundle}\"}}"),
        );
        self.adopt(POLICY);
    }

    pub(crate) fn adopt(&mut self, policy: &str) -> u64 {
        let (bundle, version) = (digest("bundle"), digest(policy));
        self.write(
            0,
            "policy.adopted",
            &format!("{{\"bundle\":\"{bundle}\",\"name\":\"demo\",\"version\":\"{version}\"}}"),
        )
    }

    /// `count` whole runs from number `first` on, three at a time.
    pub(crate) fn runs(&mut self, first: u64, count: u64) {
        let numbers: Vec<u64> = (first..first + count).collect();
        for three in numbers.chunks(3) {
            let stories: Vec<_> = three.iter().map(|run| (*run, self.story(*run))).collect();
            let longest = stories
                .iter()
                .map(|(_, story)| story.len())
                .max()
                .unwrap_or(0);
            for at in 0..longest {
                for (run, story) in &stories {
                    if let Some((event, body)) = story.get(at) {
                        self.write(*run, event, body);
                    }
                }
            }
        }
    }

    /// One whole run by itself, changed by `change`; gives the index of its first entry.
    pub(crate) fn run_with(
        &mut self,
        run: u64,
        change: impl FnOnce(&mut Vec<(String, String)>),
    ) -> u64 {
        let mut story = self.story(run);
        change(&mut story);
        let first = self.entries.len() as u64;
        for (event, body) in story {
            self.write(run, &event, &body);
        }
        first
    }

    pub(crate) fn decided(
        &mut self,
        action: &str,
        step: &str,
        target: &str,
        verdict: &str,
    ) -> (String, String) {
        let this = id("dec", self.fresh());
        let step = if step.is_empty() {
            String::new()
        } else {
            format!("\"step\":\"{step}\",")
        };
        let version = digest(POLICY);
        let body = format!(
            "{{\"decision\":{{\"action\":\"{action}\",\"determined_by\":[\"base\"],\"id\":\"{this}\",\
             \"verdict\":{verdict},\"version\":\"{version}\"}},\"label\":{},{step}\"target\":\"{target}\"}}",
            label(&[])
        );
        ("policy.decided".to_owned(), body)
    }

    /// The decision that lets a person say something on a review of a step.
    pub(crate) fn asked_by(&mut self, person: &str, step: &str) -> (String, String) {
        let (event, body) = self.decided("review", step, "demo", "{\"answer\":\"allow\"}");
        let body = body.replacen('{', &format!("{{\"asker\":\"{person}\","), 1);
        (event, body)
    }

    /// A run with a model call, an act that two people approve, and a release: 21 entries.
    pub(crate) fn story(&mut self, run: u64) -> Vec<(String, String)> {
        const ALLOW: &str = "{\"answer\":\"allow\"}";
        const REVIEW: &str = "{\"answer\":\"review\",\"approvals\":[{\"count\":2,\"role\":\"approver\"}],\
                              \"downgrades\":[],\"step_up\":false}";
        let (requester, one, two) = (id("prn", 1), id("prn", 2), id("prn", 3));
        let about = label(&[run % 7 + 1]);
        let n = self.fresh();
        let (act, call, review, grant) =
            (id("act", n), id("call", n), id("rev", n), id("grant", n));
        let d = digest(&format!("act {n}"));
        let (input, input_note) = self.payload("input");
        let (prompt, prompt_note) = self.payload("prompt");
        let (reply, reply_note) = self.payload("reply");
        let (output, output_note) = self.payload("output");
        let (content, content_note) = self.payload("content");
        let (result, result_note) = self.payload("tool_result");
        let (release, release_note) = self.payload("release");
        let (version, far) = (digest("bundle"), "2027-01-01T00:00:00.000000Z");
        let vote = |voter: &str| {
            format!(
                "{{\"approve\":true,\"digest\":\"{d}\",\"review\":\"{review}\",\"roles\":[\"approver\"],\
                 \"voter\":\"{voter}\"}}"
            )
        };
        let mut story: Vec<(String, String)> = Vec::new();
        let mut say = |event: &str, body: String| story.push((event.to_owned(), body));
        say(
            "run.requested",
            format!(
                "{{\"at\":\"2026-11-20T00:00:00.000000Z\",\"bundle\":\"demo\",\"method\":\"local_user\",\
             \"requester\":{{\"id\":\"{requester}\",\"kind\":\"person\",\"roles\":[]}},\"risk\":\"low\",\
             \"version\":\"{version}\",\"workflow\":\"demo\"}}"
            ),
        );
        let (event, body) = self.decided("start_run", "", "demo", ALLOW);
        say(&event, body);
        say(
            "run.started",
            format!(
                "{{\"input\":\"{input}\",\"label\":{about},\"next\":0,\"payloads\":{input_note}}}"
            ),
        );
        let (event, body) = self.decided("call_model", "ask", "local", ALLOW);
        say(&event, body);
        say(
            "model.requested",
            format!(
                "{{\"attempt\":1,\"call\":\"{call}\",\"downgrades\":[],\"endpoint\":\"local\",\"fields\":[],\"fields_left_out\":0,\"label\":{about},\
             \"model\":\"small\",\"node\":0,\"payloads\":{prompt_note},\"prompt\":\"{prompt}\",\
             \"prompt_name\":\"ask\",\"prompt_version\":\"{version}\",\"shown\":{{\"shown\":1,\"withheld\":0}},\
             \"step\":\"ask\"}}"
            ),
        );
        say(
            "model.replied",
            format!(
                "{{\"call\":\"{call}\",\"payloads\":{reply_note},\"reply\":\"{reply}\",\"step\":\"ask\",\
             \"stop\":\"end\",\"usage\":{{\"cached_tokens\":0,\"input_tokens\":100,\"output_tokens\":20}}}}"
            ),
        );
        say(
            "output.accepted",
            format!(
                "{{\"label\":{about},\"next\":1,\"output\":\"{output}\",\"payloads\":{output_note},\
             \"schema\":\"answer\",\"step\":\"ask\"}}"
            ),
        );
        say(
            "act.proposed",
            format!(
                "{{\"act\":\"{act}\",\"content\":\"{content}\",\"digest\":\"{d}\",\"label\":{about},\"node\":1,\
             \"payloads\":{content_note},\"standing\":false,\"step\":\"pay\",\"tool\":\"pay_one\"}}"
            ),
        );
        let (event, body) = self.decided("call_tool", "pay", "pay_one", REVIEW);
        say(&event, body);
        say(
            "review.requested",
            format!(
                "{{\"asked_by\":[\"base\"],\"review\":{{\"approvals\":[],\"content\":\"{content}\",\"digest\":\"{d}\",\
             \"downgrades\":[],\"expires_at\":\"{far}\",\"id\":\"{review}\",\"label\":{about},\"next\":\"end\",\
             \"node\":1,\"step\":\"pay\",\"subject\":{{\"act\":\"{act}\",\"of\":\"act\"}},\
             \"thresholds\":[{{\"count\":2,\"role\":\"approver\"}}]}}}}"
            ),
        );
        for voter in [one, two] {
            let (event, body) = self.asked_by(&voter, "pay");
            say(&event, body);
            say("review.voted", vote(&voter));
        }
        say(
            "review.settled",
            format!("{{\"outcome\":\"approved\",\"review\":\"{review}\"}}"),
        );
        let (event, body) = self.decided("call_tool", "pay", "pay_one", ALLOW);
        say(&event, body);
        say(
            "act.started",
            format!(
                "{{\"epoch\":0,\"grant\":{{\"act\":\"{act}\",\"attempt\":1,\"digest\":\"{d}\",\
             \"expires_at\":\"{far}\",\"id\":\"{grant}\"}},\"node\":1,\"step\":\"pay\"}}"
            ),
        );
        say(
            "act.finished",
            format!(
                "{{\"act\":\"{act}\",\"grant\":\"{grant}\",\"label\":{about},\"next\":\"end\",\"output\":\"{result}\",\
             \"payloads\":{result_note},\"schema\":\"receipt\",\"step\":\"pay\"}}"
            ),
        );
        let (event, body) = self.decided("release", "", "demo", ALLOW);
        say(&event, body);
        say(
            "output.released",
            format!("{{\"label\":{about},\"output\":\"{release}\",\"payloads\":{release_note}}}"),
        );
        say("run.ended", "{\"outcome\":\"completed\"}".to_owned());
        story
    }
}

/// The exact bytes of an entry.
pub(crate) fn draft(
    run: u64,
    seq: u64,
    prev: Option<LeafHash>,
    event: &str,
    body: &str,
    month: u32,
) -> Vec<u8> {
    let body = canonical::parse(body.as_bytes()).unwrap_or_else(|fault| panic!("{fault} {body}"));
    Entry::new(Draft {
        tenant: "default".to_owned(),
        environment: "dev".to_owned(),
        run: id("run", run),
        seq,
        prev: prev.unwrap_or(LeafHash::ZERO),
        epoch: 0,
        time: format!("2026-{month:02}-20T12:00:00.{:06}Z", seq % 1_000_000),
        event: event.to_owned(),
        body: body.as_object().unwrap().clone(),
    })
    .unwrap_or_else(|fault| panic!("{fault} {event}"))
    .into_bytes()
}

pub(crate) fn label(about: &[u64]) -> String {
    let about: Vec<String> = about
        .iter()
        .map(|n| format!("\"{}\"", id("sub", *n)))
        .collect();
    format!(
        "{{\"about\":[{}],\"cats\":[],\"conf\":\"internal\",\"from\":[\"input\"],\"int\":\"trusted\",\
         \"readers\":\"any\",\"regions\":\"any\"}}",
        about.join(",")
    )
}

/// One who can sign as a log.
pub(crate) struct Key {
    pub(crate) name: String,
    secret: SigningKey,
}

impl Key {
    pub(crate) fn of(name: &str, seed: u8) -> Self {
        Self {
            name: name.to_owned(),
            secret: SigningKey::from_bytes(&[seed; 32]),
        }
    }

    pub(crate) fn verifier(&self) -> VerifierKey {
        VerifierKey::parse(&self.text(1)).unwrap()
    }

    pub(crate) fn witness(&self) -> VerifierKey {
        VerifierKey::parse(&self.text(4)).unwrap()
    }

    /// The printed verifier key, of kind 1 (a log) or 4 (a witness).
    pub(crate) fn text(&self, kind: u8) -> String {
        use base64::Engine as _;
        let public = self.secret.verifying_key().to_bytes();
        let mut bytes = vec![kind];
        bytes.extend_from_slice(&public);
        format!(
            "{}+{}+{}",
            self.name,
            hex(&key_id(&self.name, kind, &public)),
            base64::engine::general_purpose::STANDARD.encode(bytes)
        )
    }

    pub(crate) fn line(&self, text: &str) -> SignatureLine {
        let public = self.secret.verifying_key().to_bytes();
        SignatureLine {
            name: self.name.clone(),
            key_id: key_id(&self.name, 1, &public),
            signature: self.secret.sign(text.as_bytes()).to_bytes().to_vec(),
        }
    }

    pub(crate) fn cosign(&self, time: u64, text: &str) -> SignatureLine {
        let public = self.secret.verifying_key().to_bytes();
        let message = interlock_journal::cosignature::message(time, text);
        let signature = self.secret.sign(&message).to_bytes();
        SignatureLine {
            name: self.name.clone(),
            key_id: key_id(&self.name, 4, &public),
            signature: interlock_journal::cosignature::join(time, &signature),
        }
    }

    pub(crate) fn sign(&self, text: &str) -> Vec<u8> {
        assemble(text, &[self.line(text)]).unwrap()
    }
}

pub(crate) fn log_key() -> Key {
    Key::of(ORIGIN, 7)
}

/// The tree as RFC 6962 defines it, by recursion.
pub(crate) fn root(entries: &[Vec<u8>]) -> NodeHash {
    fn of(leaves: &[NodeHash]) -> NodeHash {
        match leaves {
            [] => empty_root(),
            [one] => *one,
            _ => {
                let half = leaves.len().next_power_of_two() / 2;
                node_hash(of(&leaves[..half]), of(&leaves[half..]))
            }
        }
    }
    of(&leaves(entries))
}

pub(crate) fn leaves(entries: &[Vec<u8>]) -> Vec<NodeHash> {
    entries
        .iter()
        .map(|bytes| leaf_hash(bytes).into())
        .collect()
}

pub(crate) fn checkpoint(entries: &[Vec<u8>]) -> Checkpoint {
    Checkpoint {
        origin: ORIGIN.to_owned(),
        size: entries.len() as u64,
        root: root(entries),
    }
}

/// `x001/067`.
pub(crate) fn number(n: u64) -> String {
    let low = format!("{:03}", n % 1000);
    if n < 1000 {
        low
    } else {
        format!("x{}/{low}", number(n / 1000))
    }
}

pub(crate) fn tile_path(level: &str, index: u64, width: usize) -> String {
    let partial = if width < 256 {
        format!(".p/{width}")
    } else {
        String::new()
    };
    format!("tile/{level}/{}{partial}", number(index))
}

/// Tiles over these leaves.
pub(crate) fn put_tiles(files: &mut Files, leaves: Vec<NodeHash>) {
    let mut nodes = leaves;
    let mut level = 0;
    while !nodes.is_empty() {
        let mut above = Vec::new();
        for (index, chunk) in (0..).zip(nodes.chunks(256)) {
            let bytes: Vec<u8> = chunk.iter().flat_map(|node| node.to_bytes()).collect();
            files
                .0
                .insert(tile_path(&level.to_string(), index, chunk.len()), bytes);
            if chunk.len() == 256 {
                let mut layer = chunk.to_vec();
                while layer.len() > 1 {
                    layer = layer
                        .chunks(2)
                        .map(|pair| node_hash(pair[0], pair[1]))
                        .collect();
                }
                above.push(layer[0]);
            }
        }
        nodes = above;
        level += 1;
    }
}

pub(crate) fn put_bundles(files: &mut Files, entries: &[Vec<u8>]) {
    for (index, chunk) in (0..).zip(entries.chunks(256)) {
        let bytes = chunk
            .iter()
            .flat_map(|entry| {
                let mut bytes = u16::try_from(entry.len()).unwrap().to_be_bytes().to_vec();
                bytes.extend_from_slice(entry);
                bytes
            })
            .collect();
        files
            .0
            .insert(tile_path("entries", index, chunk.len()), bytes);
    }
}

/// A whole log as files, signed.
pub(crate) fn publish(entries: &[Vec<u8>], key: &Key) -> Files {
    let mut files = Files::default();
    put_tiles(&mut files, leaves(entries));
    put_bundles(&mut files, entries);
    let text = checkpoint(entries).to_text();
    files.0.insert("checkpoint".to_owned(), key.sign(&text));
    files
}

/// The same as an export with payloads and a manifest.
pub(crate) fn export(pen: &Pen, key: &Key) -> Files {
    let mut files = publish(&pen.entries, key);
    for (name, sealed) in &pen.payloads {
        files.0.insert(format!("payload/{name}"), sealed.clone());
    }
    files.seal(pen.entries.len() as u64, &[("kind", "\"log\"".to_owned())]);
    files
}

/// A log of 40 whole runs and an open one: four bundles.
pub(crate) fn honest() -> Pen {
    let mut pen = Pen::default();
    pen.open();
    pen.runs(1, 40);
    let story = pen.story(41);
    for (event, body) in story.into_iter().take(5) {
        pen.write(41, &event, &body);
    }
    pen
}
