//! The table against the golden bytes of every kind, and against bodies that are a little wrong.

use std::fs;
use std::path::PathBuf;

use super::*;

#[expect(clippy::disallowed_methods, reason = "the golden bytes lie in files")]
fn golden() -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/entries");
    let mut found = Vec::new();
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "json") {
            let kind = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let mut bytes = fs::read(&path).unwrap();
            if bytes.ends_with(b"\n") {
                bytes.pop();
            }
            found.push((kind, bytes));
        }
    }
    found.sort();
    found
}

fn check(event: &str, body: &str, expected: Schema) {
    let raw = Raw::parse(body.as_bytes(), 8192).unwrap();
    assert_eq!(judge(event, raw), expected, "{event} {body}");
}

#[test]
fn kinds_and_members_rise() {
    assert!(KINDS.is_sorted_by(|(a, _), (b, _)| a < b));
    assert!(table::ADMINISTRATION.is_sorted_by(|a, b| a < b));
    for (kind, members) in KINDS {
        assert!(members.is_sorted_by(|a, b| a.name < b.name), "{kind}");
    }
    for kind in table::ADMINISTRATION {
        assert!(KINDS.iter().any(|(known, _)| known == kind), "{kind}");
    }
}

#[test]
fn every_golden_body_fits_and_none_with_a_member_taken_away_or_added() {
    let golden = golden();
    assert!(golden.len() >= 29);
    for (kind, bytes) in golden {
        let raw = Raw::parse(&bytes, 8192).unwrap();
        assert_eq!(judge(&kind, raw), Schema::Fits, "{kind}");
        let (_, members) = KINDS.iter().find(|(known, _)| *known == kind).unwrap();
        for member in *members {
            let kept: Vec<String> = raw
                .members()
                .filter(|(key, _)| *key != member.name)
                .map(|(key, value)| format!("\"{key}\":{}", value.spelled()))
                .collect();
            let expected = if member.required {
                Schema::Member(member.name)
            } else {
                Schema::Fits
            };
            check(&kind, &format!("{{{}}}", kept.join(",")), expected);
        }
        let added = format!(
            "{},\"zz\":1}}",
            std::str::from_utf8(&bytes[..bytes.len() - 1]).unwrap()
        );
        check(&kind, &added, Schema::UnknownMember);
    }
}

#[test]
fn what_is_in_another_form_is_named() {
    check("run.recovered", "{\"epoch\":1}", Schema::Fits);
    check(
        "run.recovered",
        "{\"epoch\":\"1\"}",
        Schema::Member("epoch"),
    );
    check("run.recovered", "{\"epoch\":-1}", Schema::Member("epoch"));
    check("run.resumed", "{\"epoch\":1}", Schema::UnknownKind);
    check(
        "run.ended",
        "{\"outcome\":\"done\"}",
        Schema::Member("outcome"),
    );
    check(
        "run.ended",
        "{\"by\":\"sub_01JD6GS8000000000000000001\",\"outcome\":\"failed\"}",
        Schema::Member("by"),
    );
    check(
        "branch.taken",
        "{\"next\":\"End\",\"step\":\"a\"}",
        Schema::Member("next"),
    );
    check(
        "branch.taken",
        "{\"next\":\"end\",\"step\":\"A b\"}",
        Schema::Member("step"),
    );
}
