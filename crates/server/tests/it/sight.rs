//! Who sees what over HTTP: what is not one's own is as if it were not there, in one tenant and across tenants; and
//! looking changes nothing.

use http::StatusCode;
use interlock_core::id::EnvironmentName;
use interlock_server::routes;
use serde_json::json;

use crate::store::Switched;
use crate::world::World;

#[tokio::test]
async fn what_is_not_ones_own_is_not_there() {
    let world = World::of("clean").await;
    let owner = world.service("owner", &["requester"]).await;
    let run = world.started(&owner, json!({"case_id": "CASE-1042"})).await;
    let review = world.waits_for(&run, &owner).await;
    let paths = [
        format!("/api/v1/runs/{run}"),
        format!("/api/v1/runs/{run}/entries"),
        format!("/api/v1/reviews/{review}"),
    ];
    for (who, roles, sees) in [
        ("other-requester", vec!["requester"], false),
        ("nobody", vec![], false),
        ("approver", vec!["approver"], false),
        ("analyst", vec!["analyst"], true),
        ("operator", vec!["operator"], true),
        ("auditor", vec!["auditor"], true),
        ("admin", vec!["admin"], true),
    ] {
        let key = world.person(who, &roles).await;
        for path in &paths {
            let said = world.get(path, &key).await;
            assert_eq!(said.status.is_success(), sees, "{who} {path}");
            assert_eq!(said.code(), if sees { "" } else { "not_found" });
        }
        if !sees {
            let events = world.get(&format!("/api/v1/runs/{run}/events"), &key).await;
            assert_eq!(events.code(), "not_found");
            let cancel = world
                .ask(
                    "POST",
                    &format!("/api/v1/runs/{run}/cancel"),
                    Some(&key),
                    None,
                )
                .await;
            assert_eq!(cancel.code(), "not_found");
        }
        for (path, list) in [("/api/v1/runs", "runs"), ("/api/v1/reviews", "reviews")] {
            let found = world.get(path, &key).await.json()[list]
                .as_array()
                .unwrap()
                .len();
            assert_eq!(found, usize::from(sees), "{who} {path}");
        }
        let overseer = ["operator", "auditor", "admin"].contains(&who);
        assert_eq!(
            world
                .get("/api/v1/rejections", &key)
                .await
                .status
                .is_success(),
            overseer,
            "{who}"
        );
    }
}

#[tokio::test]
async fn a_role_asked_for_sees_only_while_it_is_asked() {
    let world = World::of("clean").await;
    let owner = world.service("owner", &["requester"]).await;
    let analyst = world.person("ann", &["analyst"]).await;
    let run = world.started(&owner, json!({"case_id": "CASE-1042"})).await;
    assert_eq!(
        world
            .get(&format!("/api/v1/runs/{run}"), &analyst)
            .await
            .status,
        StatusCode::OK
    );
    world
        .ask(
            "POST",
            &format!("/api/v1/runs/{run}/cancel"),
            Some(&owner),
            None,
        )
        .await;
    assert_eq!(
        world
            .get(&format!("/api/v1/runs/{run}"), &analyst)
            .await
            .code(),
        "not_found"
    );
}

#[tokio::test]
async fn tenants_do_not_meet() {
    let store = Switched::new(EnvironmentName::parse("test").unwrap());
    let one = World::with("clean", "one", store.clone(), 1).await;
    let two = World::with("clean", "two", store, 2).await;
    let owner = one.service("owner", &["requester"]).await;
    let admin = two
        .person("admin", &["admin", "operator", "auditor", "analyst"])
        .await;
    let run = one.started(&owner, json!({"case_id": "CASE-1042"})).await;
    let review = one.waits_for(&run, &owner).await;
    for path in [
        format!("/api/v1/runs/{run}"),
        format!("/api/v1/runs/{run}/entries"),
        format!("/api/v1/runs/{run}/events"),
        format!("/api/v1/reviews/{review}"),
    ] {
        assert_eq!(two.get(&path, &admin).await.code(), "not_found", "{path}");
        assert_eq!(
            two.get(&path, &owner).await.code(),
            "unauthenticated",
            "{path}"
        );
    }
    let vote = json!({"approve": true, "digest": "0".repeat(64)});
    assert_eq!(
        two.post(&format!("/api/v1/reviews/{review}/votes"), &admin, vote)
            .await
            .code(),
        "not_found"
    );
    assert_eq!(
        two.get("/api/v1/runs", &admin).await.json()["runs"],
        json!([])
    );
}

#[tokio::test]
async fn looking_changes_nothing_but_the_record_of_who_looked() {
    let world = World::of("clean").await;
    let owner = world
        .person("owner", &["requester", "admin", "auditor"])
        .await;
    let run = world.started(&owner, json!({"case_id": "CASE-1042"})).await;
    let review = world.waits_for(&run, &owner).await;
    let tenant = world.engine.tenant().clone();
    let before = (
        world.engine.store().totals(&tenant).await.unwrap(),
        world
            .engine
            .store()
            .head(&tenant, run.parse().unwrap())
            .await
            .unwrap(),
        world.engine.store().waits(&tenant, None).await.unwrap(),
    );
    for route in routes().filter(|route| route.method == "GET" && !route.path.ends_with("/events"))
    {
        let path = route
            .path
            .replace("{run}", &run)
            .replace("{review}", &review)
            .replace("{item}", "inb_01J00000000000000000000000");
        for method in ["GET", "HEAD"] {
            let said = world.ask(method, &path, Some(&owner), None).await;
            assert!(
                said.status.is_success()
                    || route.path.contains("{item}")
                    || route.path.contains("{erasure}")
                    // Nothing was published here: `log_files` asks for files that are there.
                    || route.path.ends_with("{path}"),
                "{method} {path} {}",
                said.text
            );
        }
    }
    let readings = world.engine.administration_history(0, 200).await.unwrap();
    let readings = readings
        .iter()
        .filter(|act| act.act.kind() == "payload.read");
    // The open review, asked for twice; the run's output is not released yet.
    assert_eq!(readings.count(), 2);
    let mut before = before;
    before.0.entries += 2;
    let after = (
        world.engine.store().totals(&tenant).await.unwrap(),
        world
            .engine
            .store()
            .head(&tenant, run.parse().unwrap())
            .await
            .unwrap(),
        world.engine.store().waits(&tenant, None).await.unwrap(),
    );
    assert_eq!(before, after);
}

#[tokio::test]
async fn pages_follow_each_other() {
    let world = World::of("clean").await;
    let owner = world.service("owner", &["requester"]).await;
    let other = world.service("other", &["requester"]).await;
    let mut started = Vec::new();
    for n in 0..5 {
        world.clock.advance_seconds(1);
        let key = if n == 2 { &other } else { &owner };
        started.push(world.started(key, json!({"case_id": "CASE-1042"})).await);
    }
    let (mut path, mut found) = ("/api/v1/runs?limit=2".to_owned(), Vec::new());
    for _ in 0..5 {
        let page = world.get(&path, &owner).await.json();
        crate::world::fits("RunPage", &page);
        found.extend(
            page["runs"]
                .as_array()
                .unwrap()
                .iter()
                .map(|run| run["run"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else {
            break;
        };
        path = format!("/api/v1/runs?limit=2&before={next}");
    }
    started.remove(2);
    started.reverse();
    assert_eq!(found, started);
}
