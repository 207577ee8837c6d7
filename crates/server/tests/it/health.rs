//! Health, and what callers are told when something that everything needs is not there.

use http::StatusCode;
use serde_json::json;

use crate::world::{World, fits};

#[tokio::test(start_paused = true)]
async fn ready_is_said_only_when_store_keys_and_policies_are_there() {
    let world = World::of("clean").await;
    let nobody = ready(&world).await;
    assert_eq!(
        nobody,
        (
            503,
            json!({"store": true, "keys": false, "policy": true, "log": true})
        ),
        "no account proves the key"
    );
    let key = world.service("s", &["requester"]).await;
    later().await;
    assert_eq!(
        ready(&world).await,
        (
            200,
            json!({"store": true, "keys": true, "policy": true, "log": true})
        )
    );
    world.store.set_down(true);
    assert_eq!(ready(&world).await.0, 200, "an answer holds for a moment");
    later().await;
    assert_eq!(
        ready(&world).await,
        (
            503,
            json!({"store": false, "keys": false, "policy": false, "log": true})
        )
    );
    assert_eq!(
        world.ask("GET", "/livez", None, None).await.status,
        StatusCode::OK
    );
    let said = world.get("/api/v1/runs", &key).await;
    assert_eq!(
        (said.status, said.code().as_str()),
        (StatusCode::SERVICE_UNAVAILABLE, "store_unavailable")
    );
    let said = world
        .post(
            "/api/v1/runs",
            &key,
            json!({"bundle": "incident-summary", "input": {}}),
        )
        .await;
    assert_eq!(
        said.code(),
        "store_unavailable",
        "who cannot be looked up is nobody, and nothing is done for them"
    );
    world.store.set_down(false);
    later().await;
    assert_eq!(ready(&world).await.0, 200);
}

async fn ready(world: &World) -> (u16, serde_json::Value) {
    let said = world.ask("GET", "/readyz", None, None).await;
    fits("Ready", &said.json());
    (said.status.as_u16(), said.json()["checks"].clone())
}

async fn later() {
    tokio::time::advance(std::time::Duration::from_secs(2)).await;
}
