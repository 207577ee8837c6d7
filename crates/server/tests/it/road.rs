//! The whole road over HTTP: started by a service, reviewed by a person, done once; what is refused on the way; and
//! what lands in the inbox.

use http::StatusCode;
use serde_json::{Value, json};

use crate::world::{World, fits};

#[tokio::test]
async fn a_run_is_started_reviewed_and_done() {
    let world = World::of("clean").await;
    let service = world.service("demo", &["requester"]).await;
    let analyst = world.person("ann", &["analyst"]).await;
    let run = world
        .started(&service, json!({"case_id": "CASE-1042"}))
        .await;
    let listed = world.get("/api/v1/reviews", &analyst).await.json();
    fits("ReviewList", &listed);
    let id = listed["reviews"][0]["review"].as_str().unwrap().to_owned();
    assert_eq!(listed["reviews"][0]["run"], run);
    let path = format!("/api/v1/reviews/{id}");
    let review = world.get(&path, &analyst).await.json();
    fits("Review", &review);
    assert_eq!(review["tool"], "submit_summary_register");
    assert_eq!(review["content"]["case_id"], "CASE-1042");

    let votes = format!("{path}/votes");
    let digest = review["digest"].as_str().unwrap();
    let other = world
        .post(
            &votes,
            &analyst,
            json!({"approve": true, "digest": "0".repeat(64)}),
        )
        .await;
    assert_eq!(
        (other.status, other.code().as_str()),
        (StatusCode::CONFLICT, "other_digest")
    );
    let silent = world
        .post(
            &votes,
            &analyst,
            json!({"approve": false, "digest": digest}),
        )
        .await;
    assert_eq!(
        (silent.status, silent.code().as_str()),
        (StatusCode::BAD_REQUEST, "reason_missing")
    );
    let voted = world
        .post(&votes, &analyst, json!({"approve": true, "digest": digest}))
        .await;
    assert_eq!(voted.status, StatusCode::OK, "{}", voted.text);
    fits("Run", &voted.json());
    world.engine.drive(run.parse().unwrap()).await.unwrap();

    let path = format!("/api/v1/runs/{run}");
    let done = world.get(&path, &service).await.json();
    fits("Run", &done);
    assert_eq!(
        (done["status"].as_str(), done["outcome"].as_str()),
        (Some("ended"), Some("completed"))
    );
    assert_eq!(done["output"]["case_id"], "CASE-1042");
    let entries = world.get(&format!("{path}/entries"), &service).await.json();
    fits("EntryList", &entries);
    assert!(entries["entries"].as_array().unwrap().len() > 10);
    assert_eq!(
        world
            .post(&votes, &analyst, json!({"approve": true, "digest": digest}))
            .await
            .code(),
        "not_found"
    );
    assert_eq!(
        world
            .ask("POST", &format!("{path}/cancel"), Some(&service), None)
            .await
            .code(),
        "not_now"
    );
    let page = world
        .get("/api/v1/runs?status=ended", &service)
        .await
        .json();
    fits("RunPage", &page);
    assert_eq!(page["runs"][0]["run"], run);
    let bundles = world.get("/api/v1/bundles", &service).await.json();
    fits("BundleList", &bundles);
    assert_eq!(bundles["bundles"][0]["version"], done["bundle_version"]);
}

#[tokio::test]
async fn nobody_approves_their_own_request() {
    let world = World::of("clean").await;
    let both = world
        .person("ann", &["requester", "analyst", "admin"])
        .await;
    let run = world.started(&both, json!({"case_id": "CASE-1042"})).await;
    let id = world.waits_for(&run, &both).await;
    let review = world
        .get(&format!("/api/v1/reviews/{id}"), &both)
        .await
        .json();
    let said = world
        .post(
            &format!("/api/v1/reviews/{id}/votes"),
            &both,
            json!({"approve": true, "digest": review["digest"]}),
        )
        .await;
    assert_eq!(
        (said.status, said.code().as_str()),
        (StatusCode::FORBIDDEN, "own_request")
    );
    assert_eq!(
        world
            .get(&format!("/api/v1/runs/{run}"), &both)
            .await
            .json()["status"],
        "waiting"
    );
}

#[tokio::test]
async fn neither_a_role_too_few_nor_a_service_votes() {
    let world = World::of("clean").await;
    let service = world.service("demo", &["requester"]).await;
    let run = world
        .started(&service, json!({"case_id": "CASE-1042"}))
        .await;
    let id = world.waits_for(&run, &service).await;
    let votes = format!("/api/v1/reviews/{id}/votes");
    let auditor = world.person("audit", &["auditor"]).await;
    let review = world
        .get(&format!("/api/v1/reviews/{id}"), &auditor)
        .await
        .json();
    let vote = json!({"approve": true, "digest": review["digest"]});
    assert_eq!(
        world.post(&votes, &auditor, vote.clone()).await.code(),
        "role_missing"
    );
    let robot = world.service("robot", &["analyst"]).await;
    assert_eq!(
        world.post(&votes, &robot, vote.clone()).await.code(),
        "role_missing"
    );
    let stranger = world.person("x", &[]).await;
    assert_eq!(
        world.post(&votes, &stranger, vote).await.code(),
        "not_found"
    );
    assert_eq!(world.waits_for(&run, &service).await, id);
}

#[tokio::test]
async fn a_rejection_ends_the_act() {
    let world = World::of("clean").await;
    let service = world.service("demo", &["requester"]).await;
    let analyst = world.person("ann", &["analyst"]).await;
    let run = world
        .started(&service, json!({"case_id": "CASE-1042"}))
        .await;
    let id = world.waits_for(&run, &service).await;
    let review = world
        .get(&format!("/api/v1/reviews/{id}"), &analyst)
        .await
        .json();
    let no = json!({"approve": false, "digest": review["digest"], "reason": "SECRET reason"});
    let said = world
        .post(&format!("/api/v1/reviews/{id}/votes"), &analyst, no)
        .await;
    assert_eq!(said.status, StatusCode::OK, "{}", said.text);
    world.engine.drive_all().await.unwrap();
    let run = world
        .get(&format!("/api/v1/runs/{run}"), &service)
        .await
        .json();
    assert_eq!(run["outcome"], "denied");
}

#[tokio::test]
async fn a_start_that_policy_denies_says_which() {
    let world = World::of("stranger").await;
    let key = world.service("stranger", &["reader"]).await;
    let said = start(
        &world,
        &key,
        "incident-summary",
        json!({"case_id": "CASE-1042"}),
    )
    .await;
    assert_eq!((said.0, said.1["code"].as_str()), (403, Some("denied")));
    assert_eq!(said.1["action"], "start_run");
    let run = said.1["run"].as_str().unwrap();
    let view = world.get(&format!("/api/v1/runs/{run}"), &key).await.json();
    assert_eq!(view["outcome"], "denied");
}

#[tokio::test]
async fn an_input_that_does_not_fit_is_journalled_counted_and_explained() {
    let world = World::of("clean").await;
    let key = world.service("demo", &["requester"]).await;
    let (status, said) = start(
        &world,
        &key,
        "incident-summary",
        json!({"case_id": "SECRET", "more": "SECRET"}),
    )
    .await;
    assert_eq!(
        (status, said["code"].as_str()),
        (422, Some("input_rejected"))
    );
    assert!(!said["violations"].as_array().unwrap().is_empty(), "{said}");
    let run = said["run"].as_str().unwrap();
    assert_eq!(
        world.get(&format!("/api/v1/runs/{run}"), &key).await.json()["outcome"],
        "rejected"
    );
    assert_eq!(
        world
            .engine
            .store()
            .rejections(world.engine.tenant())
            .await
            .unwrap()
            .len(),
        1
    );
    let (status, said) = start(&world, &key, "no-such-bundle", json!({})).await;
    assert_eq!((status, said["code"].as_str()), (404, Some("not_found")));
}

#[tokio::test]
async fn what_no_model_answers_is_finished_by_hand() {
    let world = World::of("outage").await;
    let service = world.service("demo", &["requester"]).await;
    let operator = world.person("olga", &["operator", "analyst"]).await;
    let run = world
        .started(&service, json!({"case_id": "CASE-1044"}))
        .await;
    let listed = world.get("/api/v1/inbox", &operator).await.json();
    fits("InboxList", &listed);
    let id = listed["items"][0]["item"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/inbox/{id}");
    let item = world.get(&path, &operator).await.json();
    fits("InboxItem", &item);
    assert_eq!(
        (item["kind"].as_str(), item["run"].as_str()),
        (Some("unavailable"), Some(run.as_str()))
    );
    let settlements = format!("{path}/settlements");
    for (body, code) in [
        (json!({"verdict": "did-not-happen"}), "settlement_refused"),
        (
            json!({"verdict": "complete", "value": {"summary": 1}}),
            "value_invalid",
        ),
        (json!({"verdict": "complete"}), "invalid_request"),
    ] {
        assert_eq!(
            world
                .post(&settlements, &operator, body.clone())
                .await
                .code(),
            code,
            "{body}"
        );
    }
    assert_eq!(
        world
            .post(&settlements, &service, json!({"verdict": "cancel"}))
            .await
            .code(),
        "settlement_refused"
    );
    let said = world
        .post(&settlements, &operator, json!({"verdict": "cancel"}))
        .await;
    assert_eq!(said.status, StatusCode::OK, "{}", said.text);
    assert_eq!(said.json()["outcome"], "cancelled");
    assert_eq!(world.get(&path, &operator).await.code(), "not_found");
}

#[tokio::test]
async fn its_requester_cancels_a_run() {
    let world = World::of("clean").await;
    let service = world.service("demo", &["requester"]).await;
    let run = world
        .started(&service, json!({"case_id": "CASE-1042"}))
        .await;
    let said = world
        .ask(
            "POST",
            &format!("/api/v1/runs/{run}/cancel"),
            Some(&service),
            None,
        )
        .await;
    assert_eq!(
        (said.status, said.json()["outcome"].as_str()),
        (StatusCode::OK, Some("cancelled"))
    );
}

async fn start(world: &World, key: &str, bundle: &str, input: Value) -> (u16, Value) {
    let said = world
        .post(
            "/api/v1/runs",
            key,
            json!({"bundle": bundle, "input": input}),
        )
        .await;
    (said.status.as_u16(), said.json())
}
