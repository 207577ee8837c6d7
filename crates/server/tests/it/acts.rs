//! Reveal, marks, keys and world over a real engine: each on record, and where nothing can be put on record nothing is
//! done or shown.

use http::StatusCode;
use interlock_runtime::administration::{Administered, Administration};
use interlock_runtime::reveal::may_reveal;
use serde_json::json;

use crate::world::{World, fits};

async fn last(world: &World) -> Administered {
    let acts = world.engine.administration_history(0, 200).await.unwrap();
    acts.into_iter().next_back().unwrap()
}

async fn with_run() -> (World, String, String) {
    let world = World::of("clean").await;
    let service = world.service("demo", &["requester"]).await;
    let run = world
        .started(&service, json!({"case_id": "CASE-1042"}))
        .await;
    let views = world.engine.marks_view(run.parse().unwrap()).await.unwrap();
    let input = views.iter().find(|view| view.slot == "input").unwrap();
    let payload = input.payload.clone();
    (world, run, payload)
}

#[tokio::test]
async fn a_payload_is_revealed_only_once_that_is_on_record() {
    let (world, run, payload) = with_run().await;
    let who = world.person("ivo", &["investigator"]).await;
    let path = format!("/api/v1/payloads/{payload}/reveal");
    let why = json!({"reason": "case 12/26"});
    let before = world.store_state().await;
    world.store.set_full(true);
    let refused = world.post(&path, &who, why.clone()).await;
    world.store.set_full(false);
    assert_eq!(refused.code(), "store_unavailable");
    assert!(!refused.text.contains("CASE-1042"));
    assert_eq!(world.store_state().await, before);
    let shown = world.post(&path, &who, why.clone()).await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.text);
    fits("Revealed", &shown.json());
    assert_eq!(shown.json()["run"], run);
    assert_eq!(shown.json()["content"]["case_id"], "CASE-1042");
    let read = last(&world).await;
    assert!(matches!(read.act, Administration::PayloadRead { .. }));
    assert!(read.by.is_some() && read.reason.is_some());
    let none = "/api/v1/payloads/pay_01J00000000000000000000000/reveal";
    assert_eq!(world.post(none, &who, why).await.code(), "not_found");
    // A GET opens nothing.
    assert_eq!(world.get(&path, &who).await.code(), "method_not_allowed");
}

#[tokio::test]
async fn the_door_lets_nobody_reveal_whom_the_engine_would_not() {
    let world = World::of("clean").await;
    let method = interlock_core::pipeline::identity::Method::ApiKey;
    for role in ["admin", "auditor", "dpo", "investigator", "operator"] {
        let roles = crate::world::roles_of(&[role]);
        let person = world.engine.local_person(role, roles.clone(), method);
        let service = world.engine.service(role, roles, method);
        for who in [person.await.unwrap(), service.await.unwrap()] {
            let key = world.key_of(&who).await.1;
            let path = "/api/v1/payloads/pay_01J00000000000000000000000/reveal";
            let said = world.post(path, &key, json!({"reason": "x"})).await;
            assert_eq!(said.code() == "not_found", may_reveal(&who), "{role}");
        }
    }
}

#[tokio::test]
async fn marks_are_shown_without_values_and_write_nothing() {
    let (world, run, _) = with_run().await;
    let who = world.person("ivo", &["investigator"]).await;
    let before = world.store_state().await;
    let said = world.get(&format!("/api/v1/runs/{run}/marks"), &who).await;
    fits("MarkList", &said.json());
    assert!(!said.text.contains("CASE-1042"));
    assert_eq!(world.store_state().await, before);
    let none = "/api/v1/runs/run_01J00000000000000000000000/marks";
    assert_eq!(world.get(none, &who).await.code(), "not_found");
}

#[tokio::test]
async fn keys_are_turned_with_a_reason_and_never_shown() {
    let (world, _, payload) = with_run().await;
    let who = world.person("sec", &["security"]).await;
    let before = world.get("/api/v1/keys/status", &who).await.json();
    fits("KeyStatus", &before);
    assert_eq!(before["healthy"], true);
    let why = json!({"reason": "yearly"});
    let said = world.post("/api/v1/keys/rotate", &who, why.clone()).await;
    assert_eq!(said.status, StatusCode::OK, "{}", said.text);
    fits("Rotation", &said.json());
    let after = world.get("/api/v1/keys/status", &who).await.json();
    assert_eq!(after["epoch"], said.json()["after"]);
    assert_ne!(after["epoch"], before["epoch"]);
    let turned = last(&world).await;
    assert!(matches!(turned.act, Administration::KeyEpochRotated { .. }));
    assert!(turned.by.is_some() && turned.reason.is_some());
    // What was sealed before still opens.
    let ivo = world.person("ivo", &["investigator"]).await;
    let path = format!("/api/v1/payloads/{payload}/reveal");
    assert_eq!(
        world.post(&path, &ivo, why.clone()).await.status,
        StatusCode::OK
    );
    // A turn that could not be put on record is put on record by the next one.
    world.store.set_full(true);
    let refused = world.post("/api/v1/keys/rotate", &who, why.clone()).await;
    world.store.set_full(false);
    assert_eq!(refused.code(), "store_unavailable");
    let turns = async || {
        let acts = world.engine.administration_history(0, 200).await.unwrap();
        acts.into_iter()
            .filter(|act| act.act.kind() == "key.epoch_rotated")
            .count()
    };
    assert_eq!(turns().await, 1);
    world.post("/api/v1/keys/rotate", &who, why).await;
    assert_eq!(turns().await, 2, "the broken-off turn, finished");
}

#[tokio::test]
async fn the_world_is_halted_and_resumed_on_record() {
    let world = World::of("clean").await;
    let lead = world.person("lea", &["incident_lead"]).await;
    let service = world.service("demo", &["requester"]).await;
    let normal = world.get("/api/v1/world", &lead).await.json();
    fits("World", &normal);
    assert_eq!(normal, json!({"halted": false, "incident": false}));
    let halt = json!({"halted": true, "incident": true, "reason": "it runs wild"});
    let said = world.post("/api/v1/world", &lead, halt).await;
    fits("World", &said.json());
    assert_eq!(said.json()["reason"], "it runs wild");
    let set = last(&world).await;
    assert!(matches!(
        set.act,
        Administration::WorldSet {
            halted: true,
            incident: true
        }
    ));
    assert!(set.by.is_some() && set.reason.is_some());
    let start = json!({"bundle": "incident-summary", "input": {"case_id": "CASE-1042"}});
    let denied = world.post("/api/v1/runs", &service, start).await;
    assert_eq!(denied.code(), "denied");
    let resume = json!({"halted": false, "incident": false, "reason": "mended"});
    world.store.set_full(true);
    let refused = world.post("/api/v1/world", &lead, resume.clone()).await;
    world.store.set_full(false);
    assert_eq!(refused.code(), "store_unavailable");
    let still = world.get("/api/v1/world", &lead).await.json();
    assert_eq!(still["halted"], true, "nothing is resumed off the record");
    world.post("/api/v1/world", &lead, resume).await;
    world
        .started(&service, json!({"case_id": "CASE-1042"}))
        .await;
}

#[tokio::test]
async fn no_hold_and_no_erasure_stands_that_is_not_on_record() {
    let (world, run, _) = with_run().await;
    let officer = world.person("dora", &["dpo"]).await;
    let hold = json!({"run": run, "reason": "case 12/26"});
    let before = world.store_state().await;
    world.store.set_full(true);
    let refused = world.post("/api/v1/holds", &officer, hold.clone()).await;
    world.store.set_full(false);
    assert_eq!(refused.code(), "store_unavailable");
    assert_eq!(world.store_state().await, before);
    let placed = world.post("/api/v1/holds", &officer, hold).await.json();
    let id = placed["hold"].as_str().unwrap();
    world.store.set_full(true);
    let path = format!("/api/v1/holds/{id}/release");
    let refused = world.post(&path, &officer, json!({"reason": "x"})).await;
    world.store.set_full(false);
    assert_eq!(refused.code(), "store_unavailable");
    let listed = world.get("/api/v1/holds", &officer).await.json();
    assert_eq!(listed["holds"], json!([placed]), "it still holds");
}
