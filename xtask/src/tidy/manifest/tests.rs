//! The walls, one manifest at a time: which lines of it break a rule.

use super::*;

const CORE: &str = "crates/core/Cargo.toml";
const JOURNAL: &str = "crates/journal/Cargo.toml";
const STORE: &str = "crates/store/Cargo.toml";

#[test]
fn the_pure_crates_hire_from_their_list() {
    check(
        CORE,
        "[dependencies]\nserde_json.workspace = true\nsha2 = \"0.11\"\n",
        &[],
    );
    check(CORE, "[dependencies]\ntokio.workspace = true\n", &[2]);
    check(CORE, "[dependencies.tokio]\nversion = \"1\"\n", &[1]);
    check(
        CORE,
        "[target.'cfg(unix)'.dependencies]\nrustix = \"1\"\n",
        &[2],
    );
    check(
        CORE,
        "[dependencies]\nsha2 = { package = \"tokio\", version = \"1\" }\n",
        &[2],
    );
    check(
        CORE,
        "[dependencies.sha2]\nversion = \"1\"\npackage = \"tokio\"\n",
        &[1],
    );
    check(
        JOURNAL,
        "[dependencies]\ned25519-dalek = \"2\"\nhmac = \"0.13\"\n",
        &[3],
    );
    check(CORE, "[dev-dependencies]\nproptest = \"1\"\n", &[]);
    check(CORE, "[build-dependencies]\ncc = \"1\"\n", &[2]);
}

#[test]
fn core_and_journal_do_not_meet_even_in_tests() {
    check(
        CORE,
        "[dev-dependencies]\ninterlock-journal.workspace = true\n",
        &[2],
    );
    check(
        JOURNAL,
        "[dev-dependencies]\ninterlock-core.workspace = true\n",
        &[2],
    );
}

#[test]
fn only_the_store_speaks_sql() {
    check(STORE, "[dependencies]\nrusqlite.workspace = true\n", &[]);
    check(
        "crates/cli/Cargo.toml",
        "[dependencies]\nrusqlite.workspace = true\n",
        &[2],
    );
    check(
        "crates/cli/Cargo.toml",
        "[dependencies]\nsql = { package = \"tokio-postgres\" }\n",
        &[2],
    );
    check(
        "crates/cli/Cargo.toml",
        "[dev-dependencies]\nrusqlite.workspace = true\n",
        &[],
    );
    check(
        "Cargo.toml",
        "[workspace.dependencies]\nrusqlite = \"0.41\"\n",
        &[],
    );
}

#[test]
fn a_rename_in_the_root_is_seen_through() {
    let root = "[workspace.dependencies]\nsql = { package = \"rusqlite\", version = \"0.41\" }\n";
    let tree = Tree::of(&[
        ("Cargo.toml", root),
        (
            "crates/cli/Cargo.toml",
            "[dependencies]\nsql.workspace = true\n",
        ),
    ]);
    let mut findings = Vec::new();
    inspect(&tree, &mut findings);
    assert_eq!(findings.len(), 1, "{findings:?}");
}

fn check(path: &str, text: &str, expected: &[usize]) {
    let mut findings = Vec::new();
    inspect(&Tree::of(&[(path, text)]), &mut findings);
    let lines: Vec<usize> = findings.iter().map(|found| found.line).collect();
    assert_eq!(lines, expected, "{text}: {findings:?}");
}
