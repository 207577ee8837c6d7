//! Every answer that shows content: it is on record before it is sent, and where it cannot be put on record, nothing of
//! it is sent. What shows no content writes nothing.

use http::StatusCode;
use interlock_runtime::administration::{Administration, ShownAs};
use serde_json::{Value, json};

use crate::world::World;

/// As what content was shown so far, in order.
async fn readings(world: &World) -> Vec<ShownAs> {
    let acts = world.engine.administration_history(0, 200).await.unwrap();
    acts.into_iter()
        .filter_map(|act| match act.act {
            Administration::PayloadRead { shown, read, .. } => {
                assert!(!read.is_empty() && act.by.is_some());
                Some(shown)
            }
            _ => None,
        })
        .collect()
}

/// Asks while nothing can be appended, and again when it can: refused with nothing shown, then shown and on record.
async fn check(world: &World, path: &str, key: &str, shown: ShownAs, canary: &str) {
    let before = readings(world).await;
    world.store.set_full(true);
    let refused = world.get(path, key).await;
    world.store.set_full(false);
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
    assert!(!refused.text.contains(canary), "{path}: {}", refused.text);
    assert_eq!(readings(world).await, before, "{path}");
    let said = world.get(path, key).await;
    assert_eq!(said.status, StatusCode::OK, "{path}: {}", said.text);
    assert!(said.text.contains(canary), "{path}: {}", said.text);
    let mut expected = before;
    expected.push(shown);
    assert_eq!(readings(world).await, expected, "{path}");
}

#[tokio::test]
async fn a_review_and_an_output_are_on_record_before_they_are_shown() {
    let world = World::of("clean").await;
    let service = world.service("demo", &["requester"]).await;
    let analyst = world.person("ann", &["analyst"]).await;
    let run = world
        .started(&service, json!({"case_id": "CASE-1042"}))
        .await;
    let review = world.waits_for(&run, &service).await;
    for path in ["/api/v1/reviews", "/api/v1/runs", "/api/v1/inbox"] {
        assert_eq!(world.get(path, &analyst).await.status, StatusCode::OK);
    }
    let path = format!("/api/v1/runs/{run}");
    for path in [path.clone(), format!("{path}/entries")] {
        assert_eq!(world.get(&path, &analyst).await.status, StatusCode::OK);
    }
    assert_eq!(readings(&world).await, [], "nothing of these is content");
    let shown = format!("/api/v1/reviews/{review}");
    check(&world, &shown, &analyst, ShownAs::Review, "CASE-1042").await;
    let digest: Value = world.get(&shown, &analyst).await.json()["digest"].clone();
    let votes = format!("{shown}/votes");
    let vote = json!({"approve": true, "digest": digest});
    assert_eq!(
        world.post(&votes, &analyst, vote).await.status,
        StatusCode::OK
    );
    world.engine.drive(run.parse().unwrap()).await.unwrap();
    check(&world, &path, &service, ShownAs::Output, "CASE-1042").await;
}

#[tokio::test]
async fn an_inbox_item_is_on_record_before_it_is_shown() {
    let world = World::of("outage").await;
    let service = world.service("demo", &["requester"]).await;
    let operator = world.person("olga", &["operator"]).await;
    let run = world
        .started(&service, json!({"case_id": "CASE-1042"}))
        .await;
    let item = world.waits_for(&run, &service).await;
    let path = format!("/api/v1/inbox/{item}");
    check(&world, &path, &operator, ShownAs::Inbox, "CASE-1042").await;
}

#[tokio::test]
async fn what_was_wrong_with_an_input_is_on_record_before_it_is_told() {
    let world = World::of("clean").await;
    let service = world.service("demo", &["requester"]).await;
    let body = json!({"bundle": "incident-summary", "input": {"case_id": 7}});
    let said = world.post("/api/v1/runs", &service, body).await;
    assert_eq!(said.code(), "input_rejected");
    assert_eq!(readings(&world).await, [ShownAs::Problems]);
}
