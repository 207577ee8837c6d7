//! The log's files over HTTP: for overseers alone, by the paths of C2SP tlog-tiles and no others, and what never
//! changes says so.

use axum::body::Body;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use interlock_journal::checkpoint;
use interlock_journal::tile::{BundleId, decode_bundle, tiles_of};
use interlock_runtime::config::LogConfig;
use interlock_runtime::log::{LogPlace, Publisher};
use serde_json::json;
use std::sync::Arc;
use tower::ServiceExt;

use crate::world::World;

/// A world with a run whose log is published.
async fn published(scratch: &std::path::Path) -> (World, Arc<Publisher>) {
    let world = World::of("clean").await;
    let owner = world.service("owner", &["requester"]).await;
    let run = world.started(&owner, json!({"case_id": "CASE-1042"})).await;
    world.waits_for(&run, &owner).await;
    let place = LogPlace {
        data_dir: scratch.to_owned(),
        config: LogConfig::default(),
    };
    let publisher = Publisher::open(Arc::clone(&world.engine), place);
    let publisher = publisher.await.unwrap();
    publisher.publish_now().await.unwrap();
    (world, publisher)
}

/// A file that is there and never changes.
async fn file(world: &World, path: &str, key: &str) -> (HeaderMap, Vec<u8>) {
    let request = Request::get(format!("/api/v1/log/{path}"))
        .header("authorization", format!("Bearer {key}"))
        .body(Body::empty());
    let response = world.app.clone().oneshot(request.unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    let (parts, body) = response.into_parts();
    (
        parts.headers,
        body.collect().await.unwrap().to_bytes().to_vec(),
    )
}

#[tokio::test]
async fn overseers_read_files_that_fit_each_other() {
    let scratch = tempfile::tempdir().unwrap();
    let (world, publisher) = published(scratch.path()).await;
    let key = world.person("aud", &["auditor"]).await;
    let said = world.get("/api/v1/log/checkpoint", &key).await;
    assert_eq!(said.status, StatusCode::OK);
    assert_eq!(said.headers["cache-control"], "no-store");
    let signer = publisher.key().await.unwrap();
    let opened = checkpoint::open(said.text.as_bytes(), publisher.origin(), &[signer]).unwrap();
    let size = opened.checkpoint.size;
    assert!(size > 5);
    for tile in tiles_of(size) {
        let (_, bytes) = file(&world, &tile.path(), &key).await;
        assert_eq!(bytes.len(), tile.bytes_len());
    }
    let bundle = BundleId {
        index: 0,
        width: size as u16,
    };
    let (headers, entries) = file(&world, &bundle.path(), &key).await;
    assert_eq!(
        decode_bundle(&entries, bundle.width).unwrap().len(),
        size as usize
    );
    assert_eq!(
        headers["cache-control"],
        "private, max-age=31536000, immutable"
    );
    assert_eq!(headers["x-content-type-options"], "nosniff");
}

#[tokio::test]
async fn others_are_told_that_there_is_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    let (world, _publisher) = published(scratch.path()).await;
    for roles in [&[][..], &["requester"], &["analyst", "approver"]] {
        let key = world.person("someone", roles).await;
        for path in ["checkpoint", "tile/0/000.p/1", "tile/entries/000.p/1"] {
            let said = world.get(&format!("/api/v1/log/{path}"), &key).await;
            assert_eq!(said.code(), "not_found", "{roles:?} {path}");
            assert_eq!(said.headers["cache-control"], "no-store");
        }
    }
}

#[tokio::test]
async fn no_other_path_is_a_file() {
    let scratch = tempfile::tempdir().unwrap();
    let (world, _publisher) = published(scratch.path()).await;
    let key = world.person("aud", &["auditor"]).await;
    for path in [
        "",
        "/",
        "tile",
        "tile/0",
        "tile/0/0",
        "tile/0/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/001.p/1",
        "tile/9/000.p/1",
        "tile/entries/000",
        "tile/entries/000.p/200",
        "checkpoint/",
        "checkpoint/x",
        "checkpoints/00000000000000000001",
        "payload/pay_x",
        "../runs",
        "..%2fruns",
        "tile/0/000.p/1/",
        "tile//0/000.p/1",
        "tile/0/000.p%2f300",
        "%00",
        "keys/log.key",
        "guard/default.guard",
    ] {
        let said = world.get(&format!("/api/v1/log/{path}"), &key).await;
        assert_eq!(said.code(), "not_found", "{path}");
        assert_eq!(said.headers["cache-control"], "no-store");
    }
}

#[tokio::test]
async fn a_log_that_was_never_published_has_no_files() {
    let world = World::of("clean").await;
    let key = world.person("aud", &["auditor"]).await;
    let said = world.get("/api/v1/log/checkpoint", &key).await;
    assert_eq!(said.code(), "not_found");
}

#[tokio::test]
async fn a_log_that_may_not_be_signed_is_not_ready_and_starts_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    let (world, publisher) = published(scratch.path()).await;
    let place = LogPlace {
        data_dir: scratch.path().to_owned(),
        config: LogConfig::default(),
    };
    drop(publisher);
    std::fs::remove_file(place.guard_dir().join("default.guard")).unwrap();
    let opened = Publisher::open(Arc::clone(&world.engine), place).await;
    assert!(opened.is_err());
    let ready = world.ask("GET", "/readyz", None, None).await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ready.json()["checks"]["log"], false);
    let key = world.service("more", &["requester", "auditor"]).await;
    let body = json!({"bundle": "incident-summary", "input": {"case_id": "CASE-1042"}});
    let said = world.post("/api/v1/runs", &key, body).await;
    assert_eq!(
        (said.status.as_u16(), said.code().as_str()),
        (503, "log_refused")
    );
    let said = world.get("/api/v1/runs", &key).await;
    assert_eq!(said.json()["runs"].as_array().unwrap().len(), 1);
    assert_eq!(
        world.get("/api/v1/log/checkpoint", &key).await.status,
        StatusCode::OK
    );
}
