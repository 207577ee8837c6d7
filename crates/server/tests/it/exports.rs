//! Exports over HTTP: a tar that is the one which its entry names, on record before it leaves, few at a time.

use std::sync::Arc;

use axum::body::Body;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::BodyExt;
use interlock_core::digest::Digest;
use interlock_runtime::administration::Administration;
use interlock_runtime::config::LogConfig;
use interlock_runtime::log::{LogPlace, Publisher};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tower::ServiceExt;

use crate::world::World;

async fn published(scratch: &std::path::Path) -> (World, String) {
    let world = World::of("clean").await;
    let owner = world.service("owner", &["requester"]).await;
    let run = world.started(&owner, json!({"case_id": "CASE-1042"})).await;
    let place = LogPlace {
        data_dir: scratch.to_owned(),
        config: LogConfig::default(),
    };
    let publisher = Publisher::open(Arc::clone(&world.engine), place).await;
    publisher.unwrap().publish_now().await.unwrap();
    (world, run)
}

async fn ask(world: &World, key: &str, body: &Value) -> Response<Body> {
    let request = Request::post("/api/v1/exports")
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()));
    world.app.clone().oneshot(request.unwrap()).await.unwrap()
}

async fn export(world: &World, key: &str, of: Value) -> (HeaderMap, Vec<u8>) {
    let body = json!({"of": of, "payloads": true, "reason": "yearly audit"});
    let response = ask(world, key, &body).await;
    assert_eq!(response.status(), StatusCode::OK, "{of}");
    let (parts, body) = response.into_parts();
    (
        parts.headers,
        body.collect().await.unwrap().to_bytes().to_vec(),
    )
}

/// The exports on record.
async fn on_record(world: &World) -> Vec<Digest> {
    let acts = world.engine.administration_history(0, 200).await.unwrap();
    acts.into_iter()
        .filter_map(|act| match act.act {
            Administration::ExportCreated { manifest, .. } => {
                assert!(act.by.is_some() && act.reason.is_some());
                Some(manifest)
            }
            _ => None,
        })
        .collect()
}

/// The files of a tar.
fn files(tar: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut at = 0;
    while tar[at] != 0 {
        let header = &tar[at..at + 512];
        let field = |from: usize, to: usize| {
            let text = header[from..to].split(|byte| *byte == 0).next().unwrap();
            String::from_utf8(text.to_vec()).unwrap()
        };
        let length = usize::from_str_radix(&field(124, 136), 8).unwrap();
        let body = tar[at + 512..at + 512 + length].to_vec();
        files.push((field(0, 100), body));
        at += 512 + length.next_multiple_of(512);
    }
    assert_eq!(tar.len(), at + 1024);
    files
}

#[tokio::test]
async fn each_kind_leaves_as_the_tar_that_its_entry_names() {
    let scratch = tempfile::tempdir().unwrap();
    let (world, run) = published(scratch.path()).await;
    let key = world.person("aud", &["auditor"]).await;
    for (of, file) in [
        (json!({"kind": "log"}), "tile/0/"),
        (json!({"kind": "range", "from": 0, "to": 3}), "events/"),
        (json!({"kind": "run", "run": run}), "events/"),
        (
            json!({"kind": "time", "since": "2025-12-31T00:00:00.000000Z", "until": "2026-12-31T00:00:00.000000Z"}),
            "events/",
        ),
    ] {
        let before = on_record(&world).await.len();
        let (headers, tar) = export(&world, &key, of.clone()).await;
        assert_eq!(headers["content-type"], "application/x-tar");
        assert_eq!(headers["cache-control"], "no-store");
        assert_eq!(headers["content-length"], tar.len().to_string());
        let files = files(&tar);
        assert!(files.iter().any(|(name, _)| name.starts_with(file)), "{of}");
        assert!(!tar.windows(9).any(|bytes| bytes == b"CASE-1042"), "{of}");
        let (_, manifest) = files
            .iter()
            .find(|(name, _)| name == "manifest.json")
            .unwrap();
        let digest: [u8; 32] = Sha256::digest(manifest).into();
        let digest = Digest::from_bytes(digest).to_string();
        let named = on_record(&world).await;
        assert_eq!(named.len(), before + 1);
        assert_eq!(named.last().unwrap().to_string(), digest);
        assert_eq!(headers["interlock-manifest"], digest);
    }
}

#[tokio::test]
async fn nothing_leaves_that_is_not_on_record() {
    let scratch = tempfile::tempdir().unwrap();
    let (world, run) = published(scratch.path()).await;
    let key = world.person("aud", &["auditor"]).await;
    world.store.set_full(true);
    let body = json!({"of": {"kind": "run", "run": run}, "payloads": true, "reason": "x"});
    let refused = world.post("/api/v1/exports", &key, body).await;
    world.store.set_full(false);
    assert_eq!(refused.code(), "store_unavailable");
    assert_eq!(on_record(&world).await, []);
}

#[tokio::test]
async fn what_is_not_there_does_not_leave() {
    let scratch = tempfile::tempdir().unwrap();
    let world = World::of("clean").await;
    let key = world.person("aud", &["auditor"]).await;
    let asking = |of: Value| json!({"of": of, "payloads": true, "reason": "x"});
    let log = asking(json!({"kind": "log"}));
    let said = world.post("/api/v1/exports", &key, log).await;
    assert_eq!(said.code(), "unpublished");
    let (world, _) = published(scratch.path()).await;
    let key = world.person("aud", &["auditor"]).await;
    for (of, code) in [
        (
            json!({"kind": "time", "since": "2020-01-01T00:00:00.000000Z", "until": "2020-01-02T00:00:00.000000Z"}),
            "export_refused",
        ),
        (
            json!({"kind": "run", "run": "run_01J00000000000000000000000"}),
            "export_refused",
        ),
        (json!({"kind": "subject", "subject": "Nobody"}), "not_found"),
    ] {
        let said = world
            .post("/api/v1/exports", &key, asking(of.clone()))
            .await;
        assert_eq!(said.code(), code, "{of}");
    }
    assert_eq!(on_record(&world).await, []);
}

#[tokio::test]
async fn a_disclosure_takes_who_may_reveal() {
    let scratch = tempfile::tempdir().unwrap();
    let (world, run) = published(scratch.path()).await;
    let views = world.engine.marks_view(run.parse().unwrap()).await.unwrap();
    let input = views.iter().find(|view| view.slot == "input").unwrap();
    let body = json!({
        "of": {"kind": "run", "run": run}, "payloads": true, "reason": "the court asks", "disclose": [input.payload],
    });
    let auditor = world.person("aud", &["auditor"]).await;
    let said = world.post("/api/v1/exports", &auditor, body.clone()).await;
    assert_eq!(said.code(), "office_missing");
    assert_eq!(on_record(&world).await, []);
    let ivo = world.person("ivo", &["investigator"]).await;
    let response = ask(&world, &ivo, &body).await;
    assert_eq!(response.status(), StatusCode::OK);
    let tar = response.into_body().collect().await.unwrap().to_bytes();
    let name = format!("disclosed/{}.json", input.payload);
    assert!(files(&tar).iter().any(|(found, _)| *found == name));
}

#[tokio::test]
async fn exports_are_few_at_a_time() {
    let scratch = tempfile::tempdir().unwrap();
    let (world, _) = published(scratch.path()).await;
    let key = world.person("aud", &["auditor"]).await;
    let body = json!({"of": {"kind": "log"}, "payloads": true, "reason": "yearly audit"});
    // Answers that nobody reads yet.
    let mut slow = Vec::new();
    for _ in 0..2 {
        slow.push(ask(&world, &key, &body).await);
    }
    let busy = world.post("/api/v1/exports", &key, body.clone()).await;
    assert_eq!(busy.code(), "too_busy");
    assert_eq!(busy.headers["retry-after"], "1");
    for answer in slow {
        answer.into_body().collect().await.unwrap();
    }
    // The place is free once the last piece is taken.
    tokio::task::yield_now().await;
    assert_eq!(ask(&world, &key, &body).await.status(), StatusCode::OK);
}
