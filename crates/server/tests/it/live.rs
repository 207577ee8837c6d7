//! Live events: every entry once and in order, from the beginning or from where the reader was; and their end.

use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::world::World;

#[tokio::test]
async fn a_stream_tells_every_entry_in_order_and_ends_with_the_run() {
    let world = World::of("clean").await;
    let owner = world.service("owner", &["requester"]).await;
    let analyst = world.person("ann", &["analyst"]).await;
    let run = world.started(&owner, json!({"case_id": "CASE-1042"})).await;
    let stream = open(&world, &run, &owner, None).await;
    let reader = tokio::spawn(async move { stream.collect().await.unwrap().to_bytes() });
    let id = world.waits_for(&run, &owner).await;
    let digest = world
        .get(&format!("/api/v1/reviews/{id}"), &analyst)
        .await
        .json()["digest"]
        .clone();
    world
        .post(
            &format!("/api/v1/reviews/{id}/votes"),
            &analyst,
            json!({"approve": true, "digest": digest}),
        )
        .await;
    world.engine.drive_all().await.unwrap();
    let told = events(&reader.await.unwrap());
    let entries = world
        .get(&format!("/api/v1/runs/{run}/entries"), &owner)
        .await
        .json();
    let entries = entries["entries"].as_array().unwrap();
    assert_eq!(told.len(), entries.len());
    for (told, entry) in told.iter().zip(entries) {
        assert_eq!(
            (&told["seq"], &told["event"], &told["says"]),
            (&entry["seq"], &entry["event"], &entry["says"])
        );
    }
    assert_eq!(
        told.last().unwrap()["event"],
        entries.last().unwrap()["event"]
    );

    let rest = open(&world, &run, &owner, Some("3"))
        .await
        .collect()
        .await
        .unwrap()
        .to_bytes();
    assert_eq!(events(&rest).first().unwrap()["seq"], 4);
    let nothing = open(&world, &run, &owner, Some("9999"))
        .await
        .collect()
        .await
        .unwrap()
        .to_bytes();
    assert!(nothing.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_with_its_callers_key() {
    let world = World::of("clean").await;
    let service = world
        .engine
        .service(
            "owner",
            crate::world::roles_of(&["requester"]),
            interlock_core::pipeline::identity::Method::ApiKey,
        )
        .await
        .unwrap();
    let (id, key) = world.key_of(&service).await;
    let run = world.started(&key, json!({"case_id": "CASE-1042"})).await;
    let mut stream = open(&world, &run, &key, None).await;
    world.engine.revoke_api_key(id, None).await.unwrap();
    while let Some(frame) = stream.frame().await {
        let text = frame.unwrap().into_data().unwrap();
        assert_ne!(
            &text[..],
            b":\n\n",
            "a sign of life after the key was revoked"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_quiet_stream_gives_signs_of_life_and_ends_in_time() {
    let world = World::of("clean").await;
    let owner = world.service("owner", &["requester"]).await;
    let run = world.started(&owner, json!({"case_id": "CASE-1042"})).await;
    let text = open(&world, &run, &owner, None)
        .await
        .collect()
        .await
        .unwrap()
        .to_bytes();
    let beats = String::from_utf8_lossy(&text).matches(":\n\n").count();
    assert_eq!(beats, 60, "one each 15 seconds for 15 minutes");
}

#[tokio::test]
async fn streams_are_bounded() {
    let world = World::of("clean").await;
    let owner = world.service("owner", &["requester"]).await;
    let run = world.started(&owner, json!({"case_id": "CASE-1042"})).await;
    let mut held = Vec::new();
    for _ in 0..64 {
        held.push(open(&world, &run, &owner, None).await);
    }
    let said = world
        .get(&format!("/api/v1/runs/{run}/events"), &owner)
        .await;
    assert_eq!(
        (said.status, said.code().as_str()),
        (StatusCode::TOO_MANY_REQUESTS, "too_busy")
    );
    assert_eq!(said.headers["retry-after"], "1");
    assert_eq!(
        world.get("/api/v1/runs", &owner).await.status,
        StatusCode::OK,
        "streams take no place of requests"
    );
}

async fn open(world: &World, run: &str, key: &str, last: Option<&str>) -> Body {
    let mut request = Request::builder()
        .uri(format!("/api/v1/runs/{run}/events"))
        .header("authorization", format!("Bearer {key}"));
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let response = world
        .app
        .clone()
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    response.into_body()
}

fn events(text: &[u8]) -> Vec<Value> {
    std::str::from_utf8(text)
        .unwrap()
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect()
}
