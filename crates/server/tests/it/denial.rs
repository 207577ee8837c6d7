//! The table of denials: every route and method without a valid credential, and paths that try to be another.

use http::StatusCode;
use interlock_server::{Permitted, routes};
use serde_json::json;

use crate::world::World;

/// One of each kind of id, well formed.
pub(crate) fn path_of(path: &str) -> String {
    path.replace("{run}", "run_01J00000000000000000000000")
        .replace("{review}", "rev_01J00000000000000000000000")
        .replace("{item}", "inb_01J00000000000000000000000")
        .replace("{path}", "checkpoint")
        .replace("{erasure}", "era_01J00000000000000000000000")
        .replace("{hold}", "hold_01J00000000000000000000000")
        .replace("{payload}", "pay_01J00000000000000000000000")
}

#[tokio::test]
async fn every_route_denies_who_is_not_identified() {
    let world = World::of("clean").await;
    let service = world
        .engine
        .service(
            "s",
            crate::world::roles_of(&["requester"]),
            interlock_core::pipeline::identity::Method::ApiKey,
        )
        .await
        .unwrap();
    let (revoked_id, revoked) = world.key_of(&service).await;
    world.engine.revoke_api_key(revoked_id, None).await.unwrap();
    let (_, expired) = world
        .engine
        .create_api_key(&service, Some(world.engine.clock().now()), None)
        .await
        .unwrap();
    let good = world.key_of(&service).await.1;
    let (head, secret) = good.rsplit_once('_').unwrap();
    let mut flipped = secret.to_owned();
    let last = if flipped.pop() == Some('0') { '1' } else { '0' };
    flipped.push(last);
    let before = world
        .engine
        .store()
        .totals(world.engine.tenant())
        .await
        .unwrap();
    let mut open = Vec::new();
    for route in routes() {
        let methods: &[&str] = if route.method == "GET" {
            &["GET", "HEAD"]
        } else {
            &["POST"]
        };
        for method in methods {
            for key in [
                None,
                Some(""),
                Some("ilk_"),
                Some("nonsense"),
                Some(format!("{head}_{flipped}").as_str()),
                Some(revoked.as_str()),
                Some(expired.as_str()),
            ] {
                let said = world
                    .ask(
                        method,
                        &path_of(route.path),
                        key,
                        Some(json!({"SECRET": "SECRET"})),
                    )
                    .await;
                if route.who == Permitted::Anyone {
                    assert_ne!(said.status, StatusCode::UNAUTHORIZED);
                    open.push(route.path);
                    continue;
                }
                assert_eq!(
                    said.status,
                    StatusCode::UNAUTHORIZED,
                    "{method} {} {key:?}",
                    route.path
                );
                assert_eq!(
                    said.headers["www-authenticate"],
                    "Bearer realm=\"interlock\""
                );
                if *method != "HEAD" {
                    assert_eq!(said.code(), "unauthenticated");
                    let mut members: Vec<String> =
                        said.json().as_object().unwrap().keys().cloned().collect();
                    members.sort();
                    assert_eq!(
                        members,
                        ["code", "hint", "status", "title", "type"],
                        "the answer is the same for all"
                    );
                }
            }
        }
    }
    open.dedup();
    assert_eq!(
        open,
        ["/livez", "/readyz", "/api/v1/openapi.json"],
        "this list only shrinks"
    );
    assert_eq!(
        world
            .engine
            .store()
            .totals(world.engine.tenant())
            .await
            .unwrap(),
        before
    );
    assert!(
        world
            .engine
            .store()
            .rejections(world.engine.tenant())
            .await
            .unwrap()
            .is_empty()
    );
    // The same requests do get past the door with the good key.
    assert_eq!(
        world.get("/api/v1/runs", &good).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn every_other_method_is_refused() {
    let world = World::of("clean").await;
    let key = world.service("s", &["admin"]).await;
    let taken: Vec<(&str, &str)> = routes().map(|route| (route.method, route.path)).collect();
    for (_, path) in &taken {
        for method in [
            "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW",
        ] {
            if taken.contains(&(method, path)) {
                continue;
            }
            let said = world.ask(method, &path_of(path), Some(&key), None).await;
            assert_eq!(
                said.status,
                StatusCode::METHOD_NOT_ALLOWED,
                "{method} {path}"
            );
            let allow = said.headers["allow"].to_str().unwrap().to_owned();
            for (other, at) in &taken {
                assert_eq!(at == path && allow.contains(other), at == path, "{allow}");
            }
        }
    }
}

#[tokio::test]
async fn no_spelling_of_a_path_is_a_way_round() {
    let world = World::of("clean").await;
    for path in [
        "/",
        "//api/v1/runs",
        "/api/v1/runs/",
        "/api//v1/runs",
        "/API/V1/RUNS",
        "/api/v1/../v1/runs",
        "/livez/../api/v1/runs",
        "/livez/..%2fapi/v1/runs",
        "/livez%2f..%2fapi/v1/runs",
        "/api/v1/%72uns",
        "/api/v1/runs%00",
        "/api/v1/runs;x=/livez",
        "/api/v1/runs/%2e%2e/runs",
        "/api/v1/openapi.json/../runs",
        "/api/v1/runs/run_01J00000000000000000000000/entries/",
        "/api/v2/runs",
        "/docs",
        "/metrics",
    ] {
        let said = world.ask("GET", path, None, None).await;
        assert!(
            matches!(
                said.status,
                StatusCode::NOT_FOUND | StatusCode::UNAUTHORIZED
            ),
            "{path}: {} {}",
            said.status,
            said.text
        );
    }
}

#[test]
fn routes_are_made_from_the_table_alone() {
    let src = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut made = Vec::new();
    let mut folders = vec![src];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        for way in [
            ".route(",
            ".nest(",
            ".merge(",
            "route_service(",
            "nest_service(",
        ] {
            made.extend(
                text.match_indices(way)
                    .map(|_| (path.file_name().unwrap().to_owned(), way)),
            );
        }
    }
    assert_eq!(made, [("app.rs".into(), ".route(")]);
}
