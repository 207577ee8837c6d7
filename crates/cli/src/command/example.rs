//! The incident-summary example, carried inside the binary so that the demo needs no checkout. A test holds the list
//! against the folder.

use std::collections::BTreeMap;

use interlock_bundle::{Bundle, OperatorPolicies};

use crate::exit::Failure;

macro_rules! files {
    ($($path:literal)*) => {
        [$(($path, include_bytes!(concat!("../../../../examples/incident-summary/", $path)).as_slice())),*]
    };
}

const FILES: [(&str, &[u8]); 39] = files! {
    "data/cases/CASE-1042.json"
    "data/cases/CASE-1043.json"
    "data/cases/CASE-1044.json"
    "interlock.yaml"
    "policies/action.cedar"
    "policies/data.cedar"
    "prompts/summarise.md"
    "schemas/case.json"
    "schemas/case_logs.json"
    "schemas/case_query.json"
    "schemas/mail_arguments.json"
    "schemas/mail_result.json"
    "schemas/result.json"
    "schemas/submit_arguments.json"
    "schemas/submit_result.json"
    "schemas/summary.json"
    "sources/case_logs.yaml"
    "tests/abstains.yaml"
    "tests/backup.yaml"
    "tests/clean.yaml"
    "tests/exfiltration.yaml"
    "tests/halted.yaml"
    "tests/incident_mode.yaml"
    "tests/injected.yaml"
    "tests/logs_down.yaml"
    "tests/made_up_quote.yaml"
    "tests/malformed.yaml"
    "tests/malformed_logs.yaml"
    "tests/no_case.yaml"
    "tests/one_letter_quote.yaml"
    "tests/outage.yaml"
    "tests/register_down.yaml"
    "tests/register_silent.yaml"
    "tests/rejected.yaml"
    "tests/repaired.yaml"
    "tests/stranger.yaml"
    "tools/mail_summary_contact.yaml"
    "tools/submit_summary_register.yaml"
    "workflows/summarise.yaml"
};

/// Loads the example.
pub(super) fn incident_summary() -> Result<Bundle, Failure> {
    let files: BTreeMap<String, Vec<u8>> = FILES
        .iter()
        .map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec()))
        .collect();
    Bundle::load_files(files, &OperatorPolicies::default())
        .map_err(|problems| Failure::failed(format!("failed to load the example: {problems}")))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    fn walk(dir: &Path, root: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, root, found);
            } else {
                found.push(
                    path.strip_prefix(root)
                        .unwrap()
                        .to_str()
                        .unwrap()
                        .to_owned(),
                );
            }
        }
    }

    #[test]
    fn every_file_of_the_example_is_carried() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/incident-summary");
        let mut found = Vec::new();
        walk(&root, &root, &mut found);
        found.sort();
        let carried: Vec<String> = super::FILES
            .iter()
            .map(|(path, _)| (*path).to_owned())
            .collect();
        assert_eq!(carried, found);
    }

    #[test]
    fn the_example_loads() {
        assert!(super::incident_summary().is_ok());
    }
}
