//! The incident-summary example as files in memory, and what tests change in it: where its register is, where its
//! evidence comes from, how much a model may say. Always loaded through the bundle's own door.

use std::collections::BTreeMap;
use std::path::Path;

use interlock_bundle::{Bundle, OperatorPolicies, Reply, TestCase};
use interlock_core::id::BundleName;

use crate::installation::Failure;

/// The files of a bundle, by path.
pub type Files = BTreeMap<String, Vec<u8>>;

const FOLDER: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../examples/incident-summary"
);

/// The example's files, without its tests: most worlds bring their own people and replies.
///
/// # Errors
/// The folder cannot be read.
pub fn files() -> Result<Files, Failure> {
    let mut files = all_files()?;
    files.retain(|path, _| !path.starts_with("tests/"));
    Ok(files)
}

/// The case of the example's tests that has this name.
///
/// # Errors
/// There is none, or the example does not load.
pub fn case(name: &str) -> Result<TestCase, Failure> {
    let bundle = load(all_files()?)?;
    let case = bundle.tests().iter().find(|case| case.name == name);
    case.cloned()
        .ok_or_else(|| format!("find case `{name}`: there is none").into())
}

/// The case, with its models saying the last of their replies again to each further call: a call whose answer was lost
/// is made again.
#[must_use]
pub fn steady(mut case: TestCase) -> TestCase {
    for replies in case.replies.values_mut() {
        if let Some(last) = replies.last().cloned() {
            replies.push(Reply {
                for_each_call: true,
                ..last
            });
        }
    }
    case
}

/// Loads files as a bundle, under no policies but the base and its own.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load(files: Files) -> Result<Bundle, Failure> {
    Ok(Bundle::load_files(files, &OperatorPolicies::default())?)
}

/// The example's name.
///
/// # Errors
/// Never, as long as the name is one.
pub fn name() -> Result<BundleName, Failure> {
    Ok(BundleName::parse("incident-summary")?)
}

/// Whether the register behind HTTP takes an idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Register {
    /// It does: a submission is applied once for each key.
    Keyed,
    /// It does not: each submission is another.
    Plain,
}

/// Puts the register behind HTTP at a loopback address, `127.0.0.1:PORT`.
///
/// # Errors
/// The example's tool is no longer of the form that is changed here.
pub fn with_register(
    mut files: Files,
    address: &str,
    register: Register,
) -> Result<Files, Failure> {
    let mut connector = format!(
        "connector:\n  http:\n    method: POST\n    url: \"http://{address}/submissions\"\n    \
         hosts: [127.0.0.1]\n    allow_private: true\n"
    );
    if register == Register::Keyed {
        connector.push_str("    idempotency_header: Idempotency-Key\n");
    }
    let path = "tools/submit_summary_register.yaml";
    replace(
        &mut files,
        path,
        "connector:\n  ledger: { file: submissions.jsonl }\n",
        &connector,
    )?;
    if register == Register::Plain {
        replace(&mut files, path, "recovery: keyed\n", "recovery: never\n")?;
    }
    Ok(files)
}

/// Replaces a text that stands exactly once in a file.
///
/// # Errors
/// It does not.
pub fn replace(files: &mut Files, path: &str, from: &str, to: &str) -> Result<(), Failure> {
    let bytes = files.get_mut(path).ok_or("a file is missing")?;
    let text = std::str::from_utf8(bytes)?;
    if text.matches(from).count() != 1 {
        return Err(format!("change `{path}`: `{from}` does not stand there once").into());
    }
    *bytes = text.replace(from, to).into_bytes();
    Ok(())
}

fn all_files() -> Result<Files, Failure> {
    let mut files = Files::new();
    read_below(Path::new(FOLDER), "", &mut files)?;
    Ok(files)
}

fn read_below(folder: &Path, before: &str, files: &mut Files) -> Result<(), Failure> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_str().ok_or("a file name is no UTF-8")?;
        let path = format!("{before}{name}");
        if entry.file_type()?.is_dir() {
            read_below(&entry.path(), &format!("{path}/"), files)?;
        } else {
            files.insert(path, std::fs::read(entry.path())?);
        }
    }
    Ok(())
}
