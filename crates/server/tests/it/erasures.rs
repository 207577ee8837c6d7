//! People erased over HTTP: what it would do is said, a hold is in the way, what breaks off is finished by its order, and
//! after it the person is nowhere in any answer.

use std::time::Duration;

use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::store::Index;
use crate::world::{World, fits};

const ADA: &str = "Ada Canary-7701";

fn asking(dry_run: bool, order: &str) -> Value {
    json!({"subject": ADA, "dry_run": dry_run, "order": order, "reason": "she asked"})
}

/// A world with a run about Ada that waits for review: the run, and the payload of its input.
async fn about_ada() -> (World, String, String) {
    let world = World::peopled().await;
    let service = world.service("demo", &["requester"]).await;
    let input = json!({"case_id": "CASE-1042", "reporter": ADA});
    let run = world.started(&service, input).await;
    let views = world.engine.marks_view(run.parse().unwrap()).await;
    let views = views.unwrap();
    let input = views.iter().find(|view| view.slot == "input").unwrap();
    let payload = input.payload.clone();
    (world, run, payload)
}

#[tokio::test]
async fn an_erased_person_is_gone_over_http_too() {
    let (world, run, payload) = about_ada().await;
    let officer = world.person("dora", &["dpo", "auditor"]).await;
    let reveal = format!("/api/v1/payloads/{payload}/reveal");
    let why = json!({"reason": "to see"});
    let shown = world.post(&reveal, &officer, why.clone()).await;
    fits("Revealed", &shown.json());
    assert_eq!(shown.json()["content"]["reporter"], ADA);

    let before = world.store_state().await;
    let would = world
        .post("/api/v1/erasures", &officer, asking(true, "DSAR-1"))
        .await;
    assert_eq!(would.status, StatusCode::OK, "{}", would.text);
    fits("ErasurePreview", &would.json());
    assert_eq!(would.json()["live_runs"], 1);
    assert_eq!(world.store_state().await, before, "it did nothing");

    let done = world
        .post("/api/v1/erasures", &officer, asking(false, "DSAR-1"))
        .await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    let certificate = done.json();
    fits("Certificate", &certificate);
    assert_eq!(certificate["order"], "DSAR-1");
    assert_eq!(certificate["subject"], would.json()["subject"]);

    let gone = world.post(&reveal, &officer, why).await;
    assert_eq!(
        (gone.status.as_u16(), gone.code().as_str()),
        (410, "erased")
    );
    let again = world
        .post("/api/v1/erasures", &officer, asking(false, "DSAR-1"))
        .await;
    assert_eq!(again.code(), "not_found", "the name leads to nobody");
    let mut by_pseudonym = asking(false, "DSAR-1");
    by_pseudonym["subject"] = certificate["subject"].clone();
    let again = world.post("/api/v1/erasures", &officer, by_pseudonym).await;
    assert_eq!(
        again.json(),
        certificate,
        "the same order, the same certificate"
    );

    let list = world.get("/api/v1/erasures", &officer).await.json();
    fits("ErasureList", &list);
    assert_eq!(list["erasures"][0]["status"], "done");
    let id = certificate["erasure"].as_str().unwrap();
    let one = world.get(&format!("/api/v1/erasures/{id}"), &officer).await;
    fits("ErasureState", &one.json());
    assert_eq!(one.json()["certificate"]["done"], certificate["done"]);
    assert!(!one.text.contains("DSAR-1"), "the order is a keyed digest");

    let all = world.person("all", &["admin", "auditor", "dpo"]).await;
    for path in [
        "/api/v1/runs".to_owned(),
        format!("/api/v1/runs/{run}"),
        format!("/api/v1/runs/{run}/entries"),
        format!("/api/v1/runs/{run}/marks"),
        "/api/v1/reviews".to_owned(),
        "/api/v1/inbox".to_owned(),
        "/api/v1/erasures".to_owned(),
        "/api/v1/holds".to_owned(),
        "/api/v1/retention".to_owned(),
        "/api/v1/search".to_owned(),
    ] {
        let said = world.get(&path, &all).await;
        assert_eq!(said.status, StatusCode::OK, "{path} {}", said.text);
        assert!(!said.text.contains("Canary"), "{path} {}", said.text);
    }
}

#[tokio::test]
async fn a_hold_is_in_the_way_until_it_is_released() {
    let (world, run, _) = about_ada().await;
    let officer = world.person("dora", &["dpo"]).await;
    for on in [
        json!({"subject": ADA, "reason": "case 12/26"}),
        json!({"run": run, "reason": "case 12/26"}),
        json!({"period": "default/2026-01", "reason": "case 12/26"}),
    ] {
        let placed = world.post("/api/v1/holds", &officer, on).await;
        assert_eq!(placed.status, StatusCode::CREATED, "{}", placed.text);
        fits("Hold", &placed.json());
        let listed = world.get("/api/v1/holds", &officer).await.json();
        fits("HoldList", &listed);
        assert_eq!(listed["holds"], json!([placed.json()]));
        let held = world
            .post("/api/v1/erasures", &officer, asking(false, "DSAR-1"))
            .await;
        assert_eq!((held.status.as_u16(), held.code().as_str()), (409, "held"));
        assert_eq!(held.json()["holds"], json!([placed.json()["hold"]]));
        let id = placed.json()["hold"].as_str().unwrap().to_owned();
        let release = format!("/api/v1/holds/{id}/release");
        let why = json!({"reason": "settled"});
        let released = world.post(&release, &officer, why.clone()).await;
        fits("Released", &released.json());
        assert_eq!(
            world.post(&release, &officer, why).await.code(),
            "not_found"
        );
    }
    let done = world
        .post("/api/v1/erasures", &officer, asking(false, "DSAR-1"))
        .await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    let unknown = json!({"subject": "Nobody", "reason": "x"});
    let unknown = world.post("/api/v1/holds", &officer, unknown).await;
    assert_eq!(unknown.code(), "not_found");
}

#[tokio::test]
async fn what_breaks_off_is_finished_by_its_own_order_alone() {
    let (world, _, _) = about_ada().await;
    let officer = world.person("dora", &["dpo"]).await;
    world.store.set_index(Index::Fails);
    let broken = world
        .post("/api/v1/erasures", &officer, asking(false, "DSAR-1"))
        .await;
    assert_eq!(broken.code(), "store_unavailable");
    world.store.set_index(Index::Clears);
    let list = world.get("/api/v1/erasures", &officer).await.json();
    assert_eq!(list["erasures"][0]["status"], "under_way");
    let id = list["erasures"][0]["erasure"].as_str().unwrap().to_owned();
    let one = world.get(&format!("/api/v1/erasures/{id}"), &officer).await;
    assert_eq!(one.json()["certificate"], Value::Null);
    // The name may be forgotten by now: the list says by what pseudonym it is found.
    let of = |order: &str| {
        let mut body = asking(false, order);
        body["subject"] = list["erasures"][0]["subject"].clone();
        body
    };
    let other = world.post("/api/v1/erasures", &officer, of("DSAR-2")).await;
    assert_eq!(
        (other.code().as_str(), &other.json()["erasure"]),
        ("other_order", &json!(id))
    );
    let done = world.post("/api/v1/erasures", &officer, of("DSAR-1")).await;
    assert_eq!(done.json()["erasure"], id, "{}", done.text);
}

#[tokio::test(start_paused = true)]
async fn long_work_is_said_to_be_under_way_and_ends_without_its_caller() {
    let (world, _, _) = about_ada().await;
    let officer = world.person("dora", &["dpo"]).await;
    world.store.set_index(Index::Waits);
    let request = Request::post("/api/v1/erasures")
        .header("authorization", format!("Bearer {officer}"))
        .header("content-type", "application/json")
        .body(Body::from(asking(false, "DSAR-1").to_string()));
    let task = tokio::spawn(world.app.clone().oneshot(request.unwrap()));
    while !world.store.is_waited_for() {
        std::thread::sleep(Duration::from_millis(2));
        tokio::task::yield_now().await;
    }
    tokio::time::advance(Duration::from_secs(21)).await;
    let response = task.await.unwrap().unwrap();
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    let look = response.headers()["location"].to_str().unwrap().to_owned();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let said: Value = serde_json::from_slice(&body).unwrap();
    fits("UnderWay", &said);
    assert_eq!(said["look"], look);
    assert_eq!(
        world.get(&look, &officer).await.json()["status"],
        "under_way"
    );
    world.store.set_index(Index::Clears);
    while world.get(&look, &officer).await.json()["status"] != "done" {
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[tokio::test]
async fn a_month_expires_when_it_is_due_and_not_before() {
    let (world, _, payload) = about_ada().await;
    let officer = world.person("dora", &["dpo"]).await;
    let expire = |dry_run: bool| json!({"dry_run": dry_run, "reason": "the contract"});
    for dry_run in [true, false] {
        let said = world
            .post("/api/v1/retention/expire", &officer, expire(dry_run))
            .await;
        assert_eq!(said.json(), json!({"periods": []}));
    }
    world.clock.advance_seconds(125 * 86_400);
    let standing = world.get("/api/v1/retention", &officer).await.json();
    fits("Retention", &standing);
    let due = world
        .post("/api/v1/retention/expire", &officer, expire(true))
        .await;
    fits("PeriodList", &due.json());
    assert_eq!(due.json()["periods"][0]["standing"], "due", "{standing}");
    let done = world
        .post("/api/v1/retention/expire", &officer, expire(false))
        .await;
    assert_eq!(done.json()["periods"][0]["standing"], "expired");
    let acts = world.engine.administration_history(0, 200).await.unwrap();
    let expired = acts
        .iter()
        .find(|act| act.act.kind() == "retention.expired");
    assert!(expired.unwrap().reason.is_some(), "with its reason");
    let reveal = format!("/api/v1/payloads/{payload}/reveal");
    let gone = world.post(&reveal, &officer, json!({"reason": "x"})).await;
    assert_eq!(gone.code(), "erased");
}
