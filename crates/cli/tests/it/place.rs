//! A home directory with an installation, and the binary run in it with nothing else of the environment.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// What a process left.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// The process ended with this code, and no fault of ours shows.
    #[track_caller]
    pub(crate) fn code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "out:\n{}\nerr:\n{}", self.out, self.err);
        for word in ["panicked", "RUST_BACKTRACE"] {
            assert!(!self.err.contains(word), "{}", self.err);
        }
        self
    }

    /// It was refused: this code, nothing on standard output, one `error:` line with this text, one `hint:` line.
    #[track_caller]
    pub(crate) fn refused(self, code: i32, error: &str, hint: &str) -> Self {
        let said = self.code(code);
        assert_eq!(said.out, "", "{}", said.err);
        for (prefix, text) in [("error: ", error), ("hint: ", hint)] {
            let lines: Vec<&str> = said
                .err
                .lines()
                .filter(|line| line.starts_with(prefix))
                .collect();
            assert_eq!(lines.len(), 1, "{prefix}{}", said.err);
            assert!(lines[0].contains(text), "`{text}` is not in {}", lines[0]);
        }
        said
    }

    /// Standard output holds this.
    #[track_caller]
    pub(crate) fn shows(self, text: &str) -> Self {
        assert!(
            self.out.contains(text),
            "`{text}` is not in\n{}\nerr:\n{}",
            self.out,
            self.err
        );
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|fault| panic!("{fault}: {}", self.out))
    }
}

/// A home of its own, with a temporary directory in it.
pub(crate) struct Place {
    home: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("tmp")).unwrap();
        Self { home }
    }

    /// With an installation whose model answers at this port of loopback.
    pub(crate) fn installed(port: u16) -> Self {
        let place = Self::new();
        place.run(&["init"]).code(0);
        place.model_at(port);
        place
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn temporary(&self) -> PathBuf {
        self.home().join("tmp")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.home().join(".local/share/interlock")
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.data().join("interlock.toml")
    }

    /// Everything that is there, so that a test can say that nothing came of a refusal.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, found);
                }
                found.push(path);
            }
        }
        let mut found = Vec::new();
        walk(self.home(), &mut found);
        found.sort();
        found
    }

    /// Points the aliases of the incident example to a model of ours.
    pub(crate) fn model_at(&self, port: u16) {
        let text = fs::read_to_string(self.config()).unwrap();
        let people = text.split_once("[[people]]").unwrap().1;
        let config = format!(
            r#"environment = "dev"
[[endpoint]]
name = "local"
provider = "compatible"
base_url = "http://127.0.0.1:{port}/v1"
model = "played"
perimeter = "inside"
region = "local"
clearance = "restricted"
categories = ["any"]
allow_private = true
timeout_seconds = 10
[aliases]
writer = "local"
writer_backup = "local"
[[people]]{people}"#
        );
        fs::write(self.config(), config).unwrap();
    }

    /// Changes the configuration's text.
    pub(crate) fn edit_config(&self, change: impl Fn(String) -> String) {
        let text = fs::read_to_string(self.config()).unwrap();
        fs::write(self.config(), change(text)).unwrap();
    }

    /// A file of this content that only its owner may read.
    pub(crate) fn file(&self, name: &str, content: &str) -> String {
        let path = self.home().join(name);
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .unwrap();
        file.write_all(content.as_bytes()).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub(crate) fn mode(&self, path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// The binary, ready to be run here.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_interlock"));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.home())
            .env("TMPDIR", self.temporary())
            .current_dir(self.home());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        self.run_with(arguments, b"")
    }

    pub(crate) fn run_with(&self, arguments: &[&str], input: &[u8]) -> Said {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A process that refuses at once has closed its end already.
        let _ = child.stdin.take().unwrap().write_all(input);
        let output = child.wait_with_output().unwrap();
        Said {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    pub(crate) fn json(&self, arguments: &[&str], code: i32) -> Value {
        let mut all = arguments.to_vec();
        all.push("--json");
        self.run(&all).code(code).json()
    }

    /// An API key of a service account, in a file.
    pub(crate) fn service(&self) -> String {
        let key = self.json(&["key", "api", "create", "intake"], 0);
        self.file("intake.key", key["key"].as_str().unwrap())
    }

    /// Starts the incident example as a service account; the run waits for people.
    pub(crate) fn started(&self, bundle: &Path, key: &str) -> Value {
        let bundle = bundle.to_str().unwrap();
        let input = r#"{"case_id": "CASE-1042"}"#;
        let asked = ["run", bundle, "--input", input, "--api-key", key];
        self.json(&asked, 3)["run"].clone()
    }
}

/// A folder of examples.
pub(crate) fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../examples")
        .join(name)
}
