//! An installation in which every place where somebody gives text has its own marker: the incident example with people,
//! a note, evidence of the operator's own folder, and a register behind HTTP with a credential.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::markers::Markers;
use crate::model::speaking;
use crate::place::{Place, Said, example};

/// See the module's text.
pub(crate) struct Town {
    pub(crate) place: Place,
    pub(crate) markers: Markers,
    pub(crate) bundle: String,
    /// The service account's API key, in a file.
    pub(crate) key: String,
    /// What every process said that was to tell no content, and the standard error of all others.
    pub(crate) heard: Vec<(String, Vec<u8>)>,
    /// What the register answers: a marker, or nothing of ours where it is a ledger.
    pub(crate) answers: &'static [&'static str],
    /// What the register was sent.
    pub(crate) register: Arc<Mutex<Vec<u8>>>,
}

impl Town {
    pub(crate) fn new() -> Self {
        Self::built(false)
    }

    /// The same where the register is a ledger in the data directory.
    pub(crate) fn with_ledger() -> Self {
        Self::built(true)
    }

    fn built(ledger: bool) -> Self {
        let mut markers = Markers::default();
        let place = Place::installed(speaking(answers(&mut markers)));
        let register = Arc::new(Mutex::new(Vec::new()));
        let receipt = markers.mark("tool result");
        let port = listen(&register, json!({"receipt": receipt}));
        let bundle = bundle(&place, (!ledger).then_some(port));
        let cases = place.home().join("cases");
        fs::create_dir(&cases).unwrap();
        let line =
            json!({"at": "2026-03-02T08:14:07Z", "host": "vpn-2", "text": evidence(&mut markers)});
        fs::write(
            cases.join("CASE-1042.json"),
            json!({"lines": [line]}).to_string(),
        )
        .unwrap();
        let person = markers.mark("user name");
        place.edit_config(|text| {
            let roles = "roles = [\"investigator\", \"dpo\", \"auditor\", ";
            format!(
                "{}\n[[people]]\nuser = \"{person}\"\nroles = [\"analyst\"]\n[roots]\ncase_files = \"{}\"\n\
                 [[stream]]\nname = \"plain\"\nformat = \"cloudevents\"\nfile = \"plain.jsonl\"\n\
                 [[stream]]\nname = \"siem\"\nformat = \"ocsf\"\nfile = \"siem.jsonl\"\n",
                text.replace("roles = [", roles),
                cases.display()
            )
        });
        let mut town = Self {
            place,
            markers,
            bundle,
            key: String::new(),
            answers: if ledger { &[] } else { &["tool result"] },
            heard: Vec::new(),
            register,
        };
        let service = town.mark("service account");
        let secret = town.mark("secret value");
        let said = town.place.run_with(
            &["key", "set", "register-token", "--stdin"],
            secret.as_bytes(),
        );
        town.hear("key set", said.code(0));
        // What makes an account names it; the key is shown once.
        let made = town.place.json(&["key", "api", "create", &service], 0);
        town.key = town.place.file("intake.key", made["key"].as_str().unwrap());
        town.place
            .json(&["key", "api", "create", &person, "--person"], 0);
        town
    }

    pub(crate) fn mark(&mut self, place: &'static str) -> String {
        self.markers.mark(place)
    }

    fn hear(&mut self, what: &str, said: Said) -> Said {
        self.heard.push((
            format!("standard error of `{what}`"),
            said.err.clone().into_bytes(),
        ));
        self.heard.push((
            format!("standard output of `{what}`"),
            said.out.clone().into_bytes(),
        ));
        said
    }

    /// Runs a command that tells no content.
    #[track_caller]
    pub(crate) fn quiet(&mut self, arguments: &[&str], code: i32) -> Said {
        let said = self.place.run(arguments).code(code);
        self.hear(&name_of(arguments), said)
    }

    #[track_caller]
    pub(crate) fn quiet_json(&mut self, arguments: &[&str], code: i32) -> Value {
        self.quiet(&[arguments, &["--json"]].concat(), code).json()
    }

    /// Runs a command that shows content to who may see it: its standard output must hold these.
    #[track_caller]
    pub(crate) fn shows(&mut self, arguments: &[&str], code: i32, places: &[&'static str]) -> Said {
        let said = self.place.run(arguments).code(code);
        let what = format!("standard error of `{}`", name_of(arguments));
        self.heard.push((what, said.err.clone().into_bytes()));
        places.iter().fold(said, |said, place| {
            let text = self.markers.mark(place);
            said.shows(&text)
        })
    }

    /// The input of a run about a person.
    pub(crate) fn input(&mut self, person: &'static str, note: &'static str) -> String {
        let (reporter, note) = (self.mark(person), self.mark(note));
        json!({"case_id": "CASE-1042", "reporter": format!("{reporter} Lovelace"), "note": format!("call {note} \"back\"\n")})
            .to_string()
    }

    /// The subject's name as inputs have it.
    pub(crate) fn name_of(&mut self, person: &'static str) -> String {
        format!("{} Lovelace", self.mark(person))
    }

    /// Starts a run as the service account; it waits for people.
    pub(crate) fn start(&mut self, input: &str, key: &str) -> String {
        let (bundle, api_key) = (self.bundle.clone(), self.key.clone());
        let arguments = [
            "run",
            &bundle,
            "--input",
            input,
            "--api-key",
            &api_key,
            "--key",
            key,
        ];
        let said = self.quiet_json(&arguments, 3);
        said["run"]["run"].as_str().unwrap().to_owned()
    }

    /// The open review of a run, with what it binds.
    pub(crate) fn review(&mut self, run: &str) -> (String, String) {
        let open = self.quiet_json(&["review", "list"], 0);
        let open = open
            .as_array()
            .unwrap()
            .iter()
            .find(|review| review["run"] == run)
            .unwrap();
        let text = |member: &str| open[member].as_str().unwrap().to_owned();
        (text("review"), text("digest"))
    }

    /// Every file below the data directory.
    pub(crate) fn data(&self) -> Vec<(String, Vec<u8>)> {
        files(&self.place.data())
    }
}

/// A command without what was typed after its name: the report of a leak need not repeat it.
fn name_of(arguments: &[&str]) -> String {
    let words = arguments.iter().take_while(|word| !word.starts_with('-'));
    words.take(3).copied().collect::<Vec<_>>().join(" ")
}

/// Every file below a folder, with what is in it.
pub(crate) fn files(below: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
    found
}

/// A copy of a folder with all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    fs::set_permissions(to, fs::metadata(from).unwrap().permissions()).unwrap();
    for (path, bytes) in files(from) {
        let target = to.join(Path::new(&path).strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::write(&target, bytes).unwrap();
        fs::set_permissions(target, fs::metadata(path).unwrap().permissions()).unwrap();
    }
}

fn evidence(markers: &mut Markers) -> String {
    format!(
        "login of user {} accepted after 11 failures",
        markers.mark("evidence")
    )
}

/// What the model says: two good answers, then ever the same bad one.
fn answers(markers: &mut Markers) -> Vec<Value> {
    let quote = evidence(markers);
    let good = |summary: String, rationale: String| json!({"summary": summary, "severity": "high", "quotes": [{"text": quote}], "rationale": rationale});
    let ada = good(
        format!(
            "The account was entered: {}.",
            markers.mark("reply summary")
        ),
        format!("Many failures {}.", markers.mark("reply rationale")),
    );
    let ben = good(
        format!("Another one: {}.", markers.mark("reply about ben")),
        "Many failures.".to_owned(),
    );
    let (name, text) = (
        markers.mark("unknown field of a reply"),
        markers.mark("bad reply"),
    );
    let mut bad =
        json!({"summary": text, "severity": text, "quotes": [{"text": text}], "rationale": text});
    bad[name] = json!(text);
    vec![ada, ben, bad]
}

/// The example, changed for the purpose, in a folder of its own.
fn bundle(place: &Place, port: Option<u16>) -> String {
    let to = place.home().join("bundle");
    let from = example("incident-summary");
    for (path, bytes) in files(&from) {
        let inner = Path::new(&path).strip_prefix(&from).unwrap();
        if inner.starts_with("tests") || inner.starts_with("data") {
            continue;
        }
        let mut text = String::from_utf8(bytes).unwrap();
        match inner.to_str().unwrap() {
            "schemas/case.json" => {
                let more = r#""properties": {
    "reporter": { "type": "string", "maxLength": 64, "x-interlock": { "subject": true } },
    "note": { "type": "string", "maxLength": 200, "x-interlock": { "confidentiality": "confidential", "integrity": "trusted", "categories": ["customer"] } },"#;
                change(&mut text, r#""properties": {"#, more);
                change(
                    &mut text,
                    r#"["case_id"]"#,
                    r#"["case_id", "reporter", "note"]"#,
                );
            }
            "prompts/summarise.md" => change(
                &mut text,
                "Evidence, one line",
                "Reported by {{ inputs.reporter }}: {{ inputs.note }}\nEvidence, one line",
            ),
            "sources/case_logs.yaml" => change(&mut text, "data/cases/", "${root.case_files}/"),
            "tools/submit_summary_register.yaml" => {
                let http = port.map(|port| format!(
                    "  http:\n    method: POST\n    url: \"http://127.0.0.1:{port}/submissions\"\n    hosts: [127.0.0.1]\n    \
                     allow_private: true\n    idempotency_header: Idempotency-Key\n    \
                     headers: {{ authorization: \"Bearer secret://register-token\" }}\n"
                ));
                if let Some(http) = http {
                    change(&mut text, "  ledger: { file: submissions.jsonl }\n", &http);
                }
            }
            _ => {}
        }
        let target: PathBuf = to.join(inner);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::write(target, text).unwrap();
    }
    to.to_str().unwrap().to_owned()
}

fn change(text: &mut String, from: &str, to: &str) {
    assert_eq!(text.matches(from).count(), 1, "{from}");
    *text = text.replace(from, to);
}

/// A register at a port of loopback: keeps what it is sent, and always answers this.
fn listen(heard: &Arc<Mutex<Vec<u8>>>, answer: Value) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Arc::clone(heard);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            let mut head = String::new();
            while reader.read_line(&mut head).unwrap() > 2 {}
            let length = head.lines().find_map(|line| {
                line.to_lowercase()
                    .strip_prefix("content-length:")?
                    .trim()
                    .parse()
                    .ok()
            });
            let mut body = vec![0; length.unwrap_or(0)];
            reader.read_exact(&mut body).unwrap();
            heard
                .lock()
                .unwrap()
                .extend([head.as_bytes(), &body].concat());
            let body = answer.to_string();
            let said = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            reader.into_inner().write_all(said.as_bytes()).unwrap();
        }
    });
    port
}
