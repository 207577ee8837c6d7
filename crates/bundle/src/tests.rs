//! Whole bundles: the example loads, and each folder of `testdata/bundles` is refused as its `expected.txt` says.
//! Adding a defect is adding a folder with a `change.diff` to the example; with `BLESS=1` what is said is written
//! down, to be read before it is committed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use miette::{GraphicalReportHandler, GraphicalTheme};

use crate::{Bundle, BundleProblems, OperatorPolicies};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn example() -> Bundle {
    let dir = root().join("examples/incident-summary");
    Bundle::load(&dir, &OperatorPolicies::default())
        .map_err(|problems| rendered(&problems))
        .unwrap()
}

#[test]
fn the_example_loads_and_keeps_its_version() {
    let bundle = example();
    let again = Bundle::load_files(bundle.files().clone(), &OperatorPolicies::default()).unwrap();
    assert_eq!(bundle.version(), again.version());
    let mut files = bundle.files().clone();
    files
        .get_mut("data/cases/CASE-1042.json")
        .unwrap()
        .push(b'\n');
    let other = Bundle::load_files(files, &OperatorPolicies::default()).unwrap();
    assert_ne!(
        bundle.version(),
        other.version(),
        "data is part of the version"
    );
}

#[test]
fn each_defect_is_refused_in_its_words() {
    let sound = example().files().clone();
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = Vec::new();
    let mut folders: Vec<PathBuf> = std::fs::read_dir(root().join("testdata/bundles"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    assert!(folders.len() >= 60, "{} defects", folders.len());
    for folder in folders {
        let change = std::fs::read_to_string(folder.join("change.diff")).unwrap();
        let files = changed(sound.clone(), &change)
            .unwrap_or_else(|fault| panic!("{}: {fault}", folder.display()));
        let said = match Bundle::load_files(files, &OperatorPolicies::default()) {
            Ok(_) => "(loads)\n".to_owned(),
            Err(problems) => rendered(&problems),
        };
        let expected = folder.join("expected.txt");
        if bless {
            std::fs::write(&expected, &said).unwrap();
        }
        let expected = std::fs::read_to_string(&expected).unwrap_or_default();
        if said != expected || said == "(loads)\n" {
            wrong.push(format!(
                "{}\n--- expected\n{expected}--- said\n{said}",
                folder.display()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_tool_that_names_no_sensitive_argument_has_them_all() {
    let mut files = example().files().clone();
    let path = "tools/submit_summary_register.yaml";
    let file = String::from_utf8(files[path].clone()).unwrap();
    let without = file.replace("sensitive: [/case_id]\n", "");
    assert_ne!(file, without);
    files.insert(path.to_owned(), without.into_bytes());
    let bundle = Bundle::load_files(files, &OperatorPolicies::default()).unwrap();
    let tool = &bundle.tools()[&"submit_summary_register".parse().unwrap()];
    assert_eq!(tool.sensitive, [interlock_core::label::Path::root()]);
}

/// Every prefix of a file's bytes loads or is refused; none panics, and nothing is said without a place.
#[test]
fn a_file_cut_short_anywhere_is_refused_or_loads() {
    let sound = example().files().clone();
    for path in [
        "workflows/summarise.yaml",
        "prompts/summarise.md",
        "schemas/case_logs.json",
        "tools/submit_summary_register.yaml",
    ] {
        let bytes = sound[path].clone();
        for end in (0..bytes.len()).step_by(97) {
            let mut files = sound.clone();
            files.insert(path.to_owned(), bytes[..end].to_vec());
            if let Err(problems) = Bundle::load_files(files, &OperatorPolicies::default()) {
                assert!(!problems.problems().is_empty(), "{path} cut at {end}");
                assert!(
                    !problems
                        .problems()
                        .iter()
                        .any(|p| p.message() == "this bundle cannot be read"),
                    "{path} cut at {end}: {}",
                    rendered(&problems)
                );
            }
        }
    }
}

#[test]
fn a_link_is_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    for (path, bytes) in example().files() {
        let to = dir.path().join(path);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::write(to, bytes).unwrap();
    }
    assert!(Bundle::load(dir.path(), &OperatorPolicies::default()).is_ok());
    std::os::unix::fs::symlink("/etc/hostname", dir.path().join("data/outside.json")).unwrap();
    let problems = Bundle::load(dir.path(), &OperatorPolicies::default()).unwrap_err();
    assert!(
        rendered(&problems).contains("links are not followed"),
        "{}",
        rendered(&problems)
    );
}

/// Applies `== path` blocks: `-` lines are replaced by the `+` lines after them; a block of `+` lines alone is a
/// new file, `== path (removed)` removes one.
fn changed(
    mut files: BTreeMap<String, Vec<u8>>,
    change: &str,
) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let change = format!("\n{change}");
    for block in change.split("\n== ").skip(1) {
        let (head, body) = block.split_once('\n').unwrap_or((block, ""));
        if let Some(path) = head.strip_suffix(" (removed)") {
            files.remove(path).ok_or(format!("no {path}"))?;
            continue;
        }
        let lines = |sign: char| {
            let lines = body.lines().filter_map(|line| line.strip_prefix(sign));
            lines.map(|line| format!("{line}\n")).collect::<String>()
        };
        let (old, new) = (lines('-'), lines('+'));
        if old.is_empty() {
            files.insert(head.to_owned(), new.into_bytes());
            continue;
        }
        let text = String::from_utf8(files.remove(head).ok_or(format!("no {head}"))?)
            .map_err(|e| e.to_string())?;
        if text.matches(&old).count() != 1 {
            return Err(format!(
                "{head}: the old lines stand there {} times",
                text.matches(&old).count()
            ));
        }
        files.insert(head.to_owned(), text.replacen(&old, &new, 1).into_bytes());
    }
    Ok(files)
}

/// As a terminal of 110 columns without colours shows it.
fn rendered(problems: &BundleProblems) -> String {
    let mut text = String::new();
    GraphicalReportHandler::new_themed(GraphicalTheme::none())
        .with_width(110)
        .with_links(false)
        .render_report(&mut text, problems)
        .unwrap();
    let text: Vec<&str> = text.lines().map(str::trim_end).collect();
    text.join("\n") + "\n"
}
