//! A person is erased at the terminal: by role alone, not under a hold, with a certificate, and the log still verifies.

use std::fs;
use std::path::{Path, PathBuf};

use crate::model::silent;
use crate::place::{Place, example};

const ADA: &str = "Ada Canary-8801";

/// The incident example with a person on its input.
fn bundle(place: &Place) -> PathBuf {
    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let target = to.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                copy(&entry.path(), &target);
            } else {
                fs::copy(entry.path(), target).unwrap();
            }
        }
    }
    let to = place.home().join("bundle");
    copy(&example("incident-summary"), &to);
    let schema = to.join("schemas/case.json");
    let text = fs::read_to_string(&schema).unwrap();
    let reporter = r#""properties": { "reporter": { "type": "string", "maxLength": 64, "x-interlock": { "subject": true } },"#;
    fs::write(&schema, text.replace(r#""properties": {"#, reporter)).unwrap();
    to
}

#[test]
fn a_person_is_erased_with_a_certificate_and_the_log_still_verifies() {
    let place = Place::installed(silent());
    let bundle = bundle(&place);
    let input = format!(r#"{{"case_id": "CASE-1042", "reporter": "{ADA}"}}"#);
    let key = place.service();
    let asked = [
        "run",
        bundle.to_str().unwrap(),
        "--input",
        &input,
        "--api-key",
        &key,
    ];
    let run = place.json(&asked, 3)["run"]["run"]
        .as_str()
        .unwrap()
        .to_owned();
    let erase = |more: &[&'static str]| {
        let mut all = vec![
            "audit",
            "erase",
            "--subject",
            ADA,
            "--order",
            "DSAR-1",
            "--reason",
            "asked",
        ];
        all.extend_from_slice(more);
        all
    };
    place
        .run(&erase(&["--dry-run"]))
        .refused(4, "it takes the role `dpo`", "[[people]]");
    place.edit_config(|text| text.replace("roles = [", "roles = [\"dpo\", "));
    place
        .run(&erase(&[]))
        .refused(2, "nobody can be asked", "--dry-run");
    let preview = place.json(&erase(&["--dry-run"]), 0);
    assert_eq!(preview["live_runs"], 1, "{preview}");
    let subject = preview["subject"].as_str().unwrap().to_owned();

    let hold = place.json(
        &["audit", "hold", "place", "--run", &run, "--reason", "case"],
        0,
    );
    let hold = hold["hold"].as_str().unwrap().to_owned();
    let refused = place.run(&erase(&["--yes"])).code(4);
    assert!(refused.err.contains(&hold), "{}", refused.err);
    place.run(&["audit", "hold", "list"]).code(0).shows(&run);
    place
        .run(&["audit", "hold", "release", &hold, "--reason", "over"])
        .code(0);

    let certificate = place.json(&erase(&["--yes", "--certificate", "ada.json"]), 0);
    assert_eq!(certificate["subject"], subject.as_str());
    assert_eq!(certificate["order"], "DSAR-1");
    assert_eq!(certificate["payloads"], preview["payloads"]);
    let written = fs::read_to_string(place.home().join("ada.json")).unwrap();
    let written: serde_json::Value = serde_json::from_str(&written).unwrap();
    assert_eq!(written, certificate);
    for member in ["requested", "done"] {
        assert!(certificate[member]["index"].is_u64(), "{certificate}");
        let receipt = certificate[member]["receipt"].as_str().unwrap();
        assert!(receipt.starts_with("c2sp.org/tlog-proof@v1\n"), "{receipt}");
    }
    place
        .run(&erase(&["--yes"]))
        .refused(2, "nobody is known by that name", "sub_");
    place.run(&["audit", "verify"]).code(0);
    place
        .run(&["audit", "retention", "list"])
        .code(0)
        .shows("default/");
    place
        .run(&["audit", "retention", "expire", "--dry-run"])
        .code(0)
        .shows("nothing is due");
    place
        .run(&[
            "audit",
            "prune",
            "--before",
            "2020-01-01",
            "--reason",
            "x",
            "--dry-run",
        ])
        .code(0)
        .shows("nothing to prune");
    for path in place.files().into_iter().filter(|path| path.is_file()) {
        let bytes = fs::read(&path).unwrap();
        let found = bytes
            .windows(ADA.len())
            .any(|window| window == ADA.as_bytes());
        assert!(!found, "{}", path.display());
    }
}
