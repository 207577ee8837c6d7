//! The walls of the house, read from each `Cargo.toml`: who may hire whom.
//! Licences and versions are `cargo deny`'s; this reads the tables of dependencies and nothing else.

use super::Finding;
use crate::tree::Tree;
use std::collections::BTreeMap;

/// The whole staff of the two pure crates, and of the verifier that strangers are to read whole.
const HIRES: [(&str, &[&str]); 3] = [
    (
        "crates/core/Cargo.toml",
        &["serde_json", "thiserror", "sha2", "hmac", "zeroize"],
    ),
    (
        "crates/journal/Cargo.toml",
        &[
            "serde",
            "serde_json",
            "sha2",
            "thiserror",
            "base64",
            "ed25519-dalek",
        ],
    ),
    ("crates/verify/Cargo.toml", &["interlock-journal"]),
];

/// Two crates that do not know each other, not even in tests.
const STRANGERS: [(&str, &str); 2] = [
    ("crates/core/Cargo.toml", "interlock-journal"),
    ("crates/journal/Cargo.toml", "interlock-core"),
];

/// What only one crate may use outside tests.
const RESERVED: [(&str, &str); 2] = [
    ("rusqlite", "crates/store/Cargo.toml"),
    ("tokio-postgres", "crates/store/Cargo.toml"),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Built,
    TestsOnly,
    /// The root's list of versions; it hires nobody by itself.
    Listed,
}

#[derive(Debug, PartialEq, Eq)]
struct Dependency {
    package: String,
    usage: Use,
    line: usize,
}

pub(super) fn inspect(tree: &Tree, findings: &mut Vec<Finding>) {
    let renamed = tree
        .file("Cargo.toml")
        .and_then(|file| file.text())
        .map(renames)
        .unwrap_or_default();
    for (path, text) in tree.texts("Cargo.toml") {
        for dependency in dependencies(text, &renamed) {
            for broken in broken_by(path, &dependency) {
                findings.push(Finding::new(path, dependency.line, broken));
            }
        }
    }
}

fn broken_by(path: &str, dependency: &Dependency) -> Vec<String> {
    let Dependency { package, usage, .. } = dependency;
    let mut broken = Vec::new();
    if *usage == Use::Listed {
        return broken;
    }
    if STRANGERS
        .iter()
        .any(|(at, stranger)| path == *at && package == stranger)
    {
        broken.push(format!(
            "`{package}` stands behind the wall: `core` and `journal` do not know each other"
        ));
    }
    if *usage == Use::TestsOnly {
        return broken;
    }
    if HIRES
        .iter()
        .any(|(at, hired)| path == *at && !hired.contains(&package.as_str()))
    {
        broken.push(format!(
            "`{package}` is not on this crate's list in xtask/src/tidy/manifest.rs"
        ));
    }
    for (reserved, owner) in RESERVED {
        if package == reserved && path != owner {
            broken.push(format!(
                "`{package}` belongs to `{owner}` alone: go through the `Store` seam"
            ));
        }
    }
    broken
}

/// The dependencies a manifest names, by the package's own name where it is renamed here or in the root.
fn dependencies(text: &str, renamed: &BTreeMap<String, String>) -> Vec<Dependency> {
    let mut found: Vec<Dependency> = Vec::new();
    let mut table = None;
    let mut named_by_table = false;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut add = |name: &str, usage| {
            let package = renamed.get(name).map_or(name, String::as_str).to_owned();
            found.push(Dependency {
                package,
                usage,
                line: index + 1,
            });
        };
        if line.starts_with('[') {
            let (usage, name) = table_of(line.trim_matches(['[', ']']));
            table = usage;
            named_by_table = name.is_some();
            if let (Some(usage), Some(name)) = (usage, name) {
                add(&name, usage);
            }
        } else if let Some(usage) = table.filter(|_| !named_by_table) {
            add(&key_of(line), usage);
        }
        if table.is_some()
            && let Some(package) = package_of(line)
            && let Some(last) = found.last_mut()
        {
            last.package = package;
        }
    }
    found
}

/// Which table a header opens, and the one dependency that it names, as in `[dependencies.serde]`.
fn table_of(header: &str) -> (Option<Use>, Option<String>) {
    let tables = [
        ("workspace.dependencies", Use::Listed),
        ("dev-dependencies", Use::TestsOnly),
        ("build-dependencies", Use::Built),
        ("dependencies", Use::Built),
    ];
    for (table, usage) in tables {
        let under_target = header.starts_with("target.") && header.contains(&format!(".{table}"));
        let rest = if under_target {
            header
                .split_once(&format!(".{table}"))
                .map(|(_, rest)| rest)
        } else {
            header.strip_prefix(table)
        };
        match rest {
            Some("") => return (Some(usage), None),
            Some(rest) => {
                if let Some(name) = rest.strip_prefix('.') {
                    return (Some(usage), Some(key_of(name)));
                }
            }
            None => {}
        }
    }
    (None, None)
}

fn key_of(line: &str) -> String {
    let end = line.find(['=', '.', ' ', '\t']).unwrap_or(line.len());
    line.chars()
        .take(end)
        .collect::<String>()
        .trim_matches('"')
        .to_owned()
}

/// The name in `package = "name"`, in a table of its own or inline.
fn package_of(line: &str) -> Option<String> {
    let (before, after) = line.split_once("package")?;
    if !before.trim_end().is_empty() && !before.trim_end().ends_with(['{', ',', '.']) {
        return None;
    }
    let value = after
        .trim_start()
        .strip_prefix('=')?
        .trim_start()
        .strip_prefix('"')?;
    value.split('"').next().map(str::to_owned)
}

/// The root's renamed dependencies, from the name used to the package's own.
fn renames(text: &str) -> BTreeMap<String, String> {
    let mut renamed = BTreeMap::new();
    for line in text
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with(['#', '[']))
    {
        if let Some(package) = package_of(line) {
            renamed.insert(key_of(line), package);
        }
    }
    renamed
}

#[cfg(test)]
mod tests;
