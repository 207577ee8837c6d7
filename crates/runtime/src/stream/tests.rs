//! Streams: every kind of entry has a class, lines carry their place, a missing or changed line is found, and sinks
//! take whole batches or fail.

mod follow;

use std::sync::Arc;

use interlock_core::id::RunId;
use interlock_journal::{Canon, Draft, Entry, LeafHash, canonical};
use interlock_store::LogEntry;
use tokio::io::AsyncReadExt as _;

use super::{FileSink, Format, Line, Signed, Sink as _, SyslogSink, check, kind};

fn signed() -> Signed {
    Signed {
        origin: "log.example.org/acme".to_owned(),
        size: 100,
        root: "ab".repeat(32),
    }
}

/// Every kind of entry, as its example has it.
fn examples() -> Vec<(String, Canon)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/entries");
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| {
            let path = file.unwrap().path();
            let event = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (
                event,
                canonical::parse(&std::fs::read(path).unwrap()).unwrap(),
            )
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

/// The examples as one run's chain.
fn chain() -> Vec<LogEntry> {
    let run = RunId::from_bytes([1; 16]);
    let mut prev = LeafHash::ZERO;
    (0..)
        .zip(examples())
        .map(|(seq, (event, body))| {
            let Canon::Object(body) = body else {
                panic!("{event}")
            };
            let entry = Entry::new(Draft {
                tenant: "default".to_owned(),
                environment: "test".to_owned(),
                run: run.to_string(),
                seq,
                prev,
                epoch: 1,
                time: "2026-11-20T23:59:59.999999Z".to_owned(),
                event,
                body,
            })
            .unwrap();
            prev = entry.leaf_hash();
            LogEntry {
                index: 40 + seq,
                run,
                seq,
                hash: prev,
                bytes: entry.into_bytes(),
            }
        })
        .collect()
}

fn lines(format: Format) -> Vec<String> {
    chain()
        .iter()
        .map(|entry| {
            Line::new(entry, &signed())
                .unwrap()
                .write(format)
                .to_string()
        })
        .collect()
}

#[test]
fn every_kind_of_entry_has_a_class() {
    let missing: Vec<_> = examples()
        .into_iter()
        .map(|(event, _)| event)
        .filter(|event| kind::of(event).is_none())
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn a_decision_that_is_no_plain_yes_is_told_as_none() {
    let line = |answer: &str| {
        let (event, body) = examples()
            .into_iter()
            .find(|(event, _)| event == "policy.decided")
            .unwrap();
        let text = String::from_utf8(canonical::encode(&body)).unwrap();
        let mut whole: serde_json::Value = serde_json::from_str(&text).unwrap();
        whole["decision"]["verdict"] = serde_json::json!({"answer": answer});
        let mut entry = chain()
            .into_iter()
            .find(|entry| Entry::parse(&entry.bytes).unwrap().event() == event)
            .unwrap();
        let parsed = Entry::parse(&entry.bytes).unwrap();
        let Canon::Object(body) = canonical::parse(whole.to_string().as_bytes()).unwrap() else {
            panic!()
        };
        entry.bytes = Entry::new(Draft {
            tenant: "default".to_owned(),
            environment: "test".to_owned(),
            run: parsed.run().to_owned(),
            seq: parsed.seq(),
            prev: parsed.prev(),
            epoch: 1,
            time: parsed.time().to_owned(),
            event: parsed.event().to_owned(),
            body,
        })
        .unwrap()
        .into_bytes();
        Line::new(&entry, &signed()).unwrap().write(Format::Ocsf)
    };
    for (answer, action, disposition) in [
        ("allow", 1, 1),
        ("downgrade", 4, 11),
        ("review", 2, 14),
        ("deny", 2, 2),
        ("new", 2, 2),
    ] {
        let event = line(answer);
        assert_eq!(
            (&event["action_id"], &event["disposition_id"]),
            (&action.into(), &disposition.into()),
            "{answer}"
        );
    }
}

#[test]
fn attack_45_a_line_removed_from_a_stream_is_found() {
    for format in [Format::Ocsf, Format::CloudEvents] {
        let all = lines(format);
        let whole = check(all.iter().map(String::as_str)).unwrap();
        assert_eq!(
            (whole.entries, whole.first, whole.repeated),
            (all.len() as u64, 40, 0)
        );
        for gone in 1..all.len() - 1 {
            let left = all
                .iter()
                .enumerate()
                .filter(|(i, _)| *i != gone)
                .map(|(_, line)| line.as_str());
            assert_eq!(
                check(left).unwrap_err().index,
                Some(40 + gone as u64),
                "{format:?}"
            );
        }
    }
}

#[test]
fn a_line_changed_in_a_stream_is_found_and_one_that_came_twice_is_not_a_fault() {
    for format in [Format::Ocsf, Format::CloudEvents] {
        let mut all = lines(format);
        let at = all
            .iter()
            .position(|line| line.contains("\"cached_tokens\":5"))
            .unwrap();
        all[at] = all[at].replace("\"cached_tokens\":5", "\"cached_tokens\":6");
        assert_eq!(
            check(all.iter().map(String::as_str)).unwrap_err().index,
            Some(40 + at as u64)
        );
        let mut all = lines(format);
        all.insert(3, all[2].clone());
        assert_eq!(check(all.iter().map(String::as_str)).unwrap().repeated, 1);
    }
}

#[test]
fn two_stories_under_one_index_are_found() {
    for format in [Format::Ocsf, Format::CloudEvents] {
        let mut all = lines(format);
        let mut other = chain().remove(5);
        let honest = Entry::parse(&other.bytes).unwrap();
        other.bytes = Entry::new(Draft {
            tenant: "default".to_owned(),
            environment: "forged".to_owned(),
            run: honest.run().to_owned(),
            seq: honest.seq(),
            prev: honest.prev(),
            epoch: 1,
            time: honest.time().to_owned(),
            event: honest.event().to_owned(),
            body: honest.body().clone(),
        })
        .unwrap()
        .into_bytes();
        all.push(
            Line::new(&other, &signed())
                .unwrap()
                .write(format)
                .to_string(),
        );
        let gap = check(all.iter().map(String::as_str)).unwrap_err();
        assert_eq!(gap.index, Some(45), "{format:?}");
    }
}

#[test]
fn bytes_that_are_no_entry_become_no_line() {
    let mut entry = chain().remove(0);
    entry.bytes.push(b' ');
    assert!(Line::new(&entry, &signed()).is_err());
}

#[tokio::test]
async fn a_file_takes_lines_and_keeps_what_it_had() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out.jsonl");
    let sink = FileSink(path.clone());
    sink.deliver(&["one".to_owned(), "two".to_owned()])
        .await
        .unwrap();
    sink.deliver(&["three".to_owned()]).await.unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\ntwo\nthree\n");
    // A death in the middle of a line: it is gone, and its entry comes again.
    std::fs::write(&path, "one\ntwo\nthr").unwrap();
    sink.deliver(&["three".to_owned()]).await.unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\ntwo\nthree\n");
    let below = FileSink(dir.path().join("made/out.jsonl"));
    below.deliver(&["one".to_owned()]).await.unwrap();
    let nowhere = FileSink(path.join("out.jsonl"));
    assert!(nowhere.deliver(&["one".to_owned()]).await.is_err());
}

#[tokio::test]
async fn a_relay_gets_counted_messages_and_only_on_this_machine() {
    assert!(SyslogSink::new("192.0.2.1:601".parse().unwrap()).is_err());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sink = Arc::new(SyslogSink::new(listener.local_addr().unwrap()).unwrap());
    let taken = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    });
    sink.deliver(&["{\"a\":1}".to_owned(), "{\"a\":22}".to_owned()])
        .await
        .unwrap();
    assert_eq!(
        taken.await.unwrap(),
        "38 <110>1 - - interlock - entry - {\"a\":1}39 <110>1 - - interlock - entry - {\"a\":22}"
    );
}

#[test]
#[ignore = "needs the OCSF schemas of scripts/strangers"]
fn stranger_ocsf_every_line_fits_the_published_schema() {
    let Some(strangers) = std::env::var_os("INTERLOCK_STRANGERS").map(std::path::PathBuf::from)
    else {
        panic!("INTERLOCK_STRANGERS is not set: ./scripts/test --only strangers sets it");
    };
    let missing = std::fs::read_to_string(strangers.join("missing")).unwrap_or_default();
    if missing.lines().any(|name| name == "python") {
        println!("passed over: no python with the schemas here");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("lines.jsonl");
    std::fs::write(&file, lines(Format::Ocsf).join("\n")).unwrap();
    let program = "
import json, sys
from jsonschema import Draft202012Validator
from ocsf_json_schema import get_ocsf_schema, OcsfJsonSchemaEmbedded
schemas = OcsfJsonSchemaEmbedded(get_ocsf_schema(version='1.8.0'))
bad, count = [], 0
for line in open(sys.argv[1]):
    event = json.loads(line); count += 1
    name = schemas.lookup_class_name_from_uid(class_uid=event['class_uid'])
    schema = schemas.get_class_schema(class_name=name, profiles=event['metadata']['profiles'])
    for error in Draft202012Validator(schema).iter_errors(event):
        bad.append((event['metadata']['event_code'], error.json_path, error.message[:200]))
for item in bad: print(item)
print(count, 'lines')
sys.exit(1 if bad or not count else 0)
";
    let ran = std::process::Command::new(strangers.join("bin/python"))
        .args(["-c", program])
        .arg(&file)
        .output()
        .unwrap();
    assert!(
        ran.status.success(),
        "{}{}",
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr)
    );
}
