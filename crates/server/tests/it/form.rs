//! What a request may look like: size, type, JSON, members, parameters, headers. Each fault is one clear answer, and
//! nothing is stored for it but a count.

use axum::body::Body;
use http::{Request, StatusCode};
use interlock_core::limits::HTTP_BODY_BYTES_MAX;
use serde_json::{Value, json};

use crate::world::{Said, World};

#[tokio::test]
async fn bodies_that_do_not_fit_are_refused_and_counted() {
    let world = World::of("clean").await;
    let key = world.service("s", &["requester"]).await;
    let good = json!({"bundle": "incident-summary", "input": {"case_id": "CASE-1042"}}).to_string();
    let deep = format!(
        r#"{{"bundle":"b","input":{}1{}}}"#,
        "[".repeat(40),
        "]".repeat(40)
    );
    for (kind, body, status, code, at) in [
        (Some("text/plain"), good.clone(), 415, "media_type", None),
        (
            Some("application/x-www-form-urlencoded"),
            "bundle=b".to_owned(),
            415,
            "media_type",
            None,
        ),
        (None, good.clone(), 415, "media_type", None),
        (
            Some("application/json"),
            "x".repeat(HTTP_BODY_BYTES_MAX + 1),
            413,
            "body_too_large",
            None,
        ),
        (
            Some("application/json"),
            String::new(),
            400,
            "malformed_json",
            None,
        ),
        (
            Some("application/json"),
            "{".to_owned(),
            400,
            "malformed_json",
            None,
        ),
        (
            Some("application/json"),
            good.replace("\"bundle\"", "\"bundle\":\"a\",\"bundle\""),
            400,
            "malformed_json",
            None,
        ),
        (Some("application/json"), deep, 400, "malformed_json", None),
        (
            Some("application/json"),
            "[]".to_owned(),
            400,
            "invalid_request",
            Some(""),
        ),
        (
            Some("application/json"),
            r#"{"input":1}"#.to_owned(),
            400,
            "invalid_request",
            Some("/bundle"),
        ),
        (
            Some("application/json"),
            r#"{"bundle":7,"input":1}"#.to_owned(),
            400,
            "invalid_request",
            Some("/bundle"),
        ),
        (
            Some("application/json"),
            r#"{"bundle":"../x","input":1}"#.to_owned(),
            400,
            "invalid_request",
            Some("/bundle"),
        ),
        (
            Some("application/json"),
            r#"{"bundle":"b","input":1,"force":true}"#.to_owned(),
            400,
            "invalid_request",
            Some("/force"),
        ),
        (
            Some("application/json"),
            r#"{"bundle":"b","input":1,"a/b~":"SECRET"}"#.to_owned(),
            400,
            "invalid_request",
            Some("/a~1b~0"),
        ),
    ] {
        let mut request = Request::builder()
            .method("POST")
            .uri("/api/v1/runs")
            .header("authorization", format!("Bearer {key}"));
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        let shown: String = body.chars().take(60).collect();
        let said = world.send(request.body(Body::from(body)).unwrap()).await;
        assert_eq!(
            (said.status.as_u16(), said.code().as_str()),
            (status, code),
            "{shown}"
        );
        if let Some(at) = at {
            assert_eq!(said.json()["violations"][0]["at"], at, "{shown}");
        }
    }
    let totals = world
        .engine
        .store()
        .totals(world.engine.tenant())
        .await
        .unwrap();
    // What is there is of the deployment.
    let acts = world.engine.administration_history(0, 200).await.unwrap();
    assert_eq!((totals.runs, totals.entries), (0, acts.len() as u64));
    let admin = world.person("a", &["admin"]).await;
    let counted = world.get("/api/v1/rejections", &admin).await.json();
    crate::world::fits("RejectionList", &counted);
    let sum: u64 = counted["rejections"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["count"].as_u64().unwrap())
        .sum();
    assert_eq!(sum, 14, "{counted}");
}

#[tokio::test]
async fn a_compressed_body_and_a_body_where_none_is_taken_are_refused() {
    let world = World::of("clean").await;
    let key = world.service("s", &["requester"]).await;
    let request = |path: &str| {
        Request::builder()
            .method("POST")
            .uri(path)
            .header("authorization", format!("Bearer {key}"))
    };
    let compressed = request("/api/v1/runs")
        .header("content-type", "application/json")
        .header("content-encoding", "gzip");
    assert_eq!(
        world
            .send(compressed.body(Body::from("{}")).unwrap())
            .await
            .code(),
        "media_type"
    );
    let cancel = request("/api/v1/runs/run_01J00000000000000000000000/cancel");
    assert_eq!(
        world
            .send(cancel.body(Body::from("{}")).unwrap())
            .await
            .code(),
        "invalid_request"
    );
}

#[tokio::test]
async fn votes_and_settlements_are_held_against_their_schemas_first() {
    let world = World::of("clean").await;
    let key = world.person("p", &["analyst"]).await;
    let digest = "0".repeat(64);
    let vote = "/api/v1/reviews/rev_01J00000000000000000000000/votes";
    let settle = "/api/v1/inbox/inb_01J00000000000000000000000/settlements";
    for (path, body, code) in [
        (vote, json!({"approve": true}), "invalid_request"),
        (
            vote,
            json!({"approve": "true", "digest": digest}),
            "invalid_request",
        ),
        (
            vote,
            json!({"approve": true, "digest": "0"}),
            "invalid_request",
        ),
        (
            vote,
            json!({"approve": true, "digest": digest, "on_behalf_of": "x"}),
            "invalid_request",
        ),
        (
            vote,
            json!({"approve": false, "digest": digest, "reason": "x".repeat(2001)}),
            "invalid_request",
        ),
        (
            vote,
            json!({"approve": true, "digest": digest}),
            "not_found",
        ),
        (settle, json!({"verdict": "approve"}), "invalid_request"),
        (
            settle,
            json!({"verdict": "retry", "extra": 1}),
            "invalid_request",
        ),
        (settle, json!({"verdict": "retry"}), "not_found"),
    ] {
        assert_eq!(
            world.post(path, &key, body.clone()).await.code(),
            code,
            "{path} {body}"
        );
    }
}

#[tokio::test]
async fn parameters_and_headers_are_checked() {
    let world = World::of("clean").await;
    let key = world.service("s", &["requester"]).await;
    for (path, at) in [
        ("/api/v1/runs?stats=active", "query"),
        ("/api/v1/runs?status=running", "status"),
        ("/api/v1/runs?limit=0", "limit"),
        ("/api/v1/runs?limit=201", "limit"),
        ("/api/v1/runs?limit=-1", "limit"),
        ("/api/v1/runs?limit=1&limit=2", "limit"),
        ("/api/v1/runs?before=run_1", "before"),
        ("/api/v1/runs?workflow=No%20Name", "workflow"),
        ("/api/v1/reviews?status=active", "query"),
        ("/api/v1/bundles?limit=1", "query"),
        ("/livez?x=1", "query"),
    ] {
        let said = world.get(path, &key).await;
        assert_eq!(said.code(), "invalid_parameter", "{path}");
        assert_eq!(said.json()["at"], at, "{path}");
    }
    let runs = |name: &'static str, value: String| {
        Request::builder()
            .uri("/api/v1/runs")
            .header("authorization", format!("Bearer {key}"))
            .header(name, value)
    };
    let send = |request: http::request::Builder| world.send(request.body(Body::empty()).unwrap());
    assert_eq!(
        send(runs("idempotency-key", "k".repeat(256))).await.code(),
        "invalid_parameter"
    );
    assert_eq!(
        send(runs("idempotency-key", String::new())).await.code(),
        "invalid_parameter"
    );
    assert_eq!(
        send(runs("last-event-id", "x".to_owned())).await.code(),
        "invalid_parameter"
    );
    assert_eq!(
        send(runs("x-large", "x".repeat(17 * 1024))).await.code(),
        "headers_too_large"
    );
    let many = (0..70).fold(runs("x-0", String::new()), |request, n| {
        request.header(format!("y-{n}"), "1")
    });
    assert_eq!(send(many).await.code(), "headers_too_large");
    assert_eq!(
        world
            .get(&format!("/api/v1/runs?workflow={}", "a".repeat(2100)), &key)
            .await
            .code(),
        "address_too_long"
    );
}

#[tokio::test]
async fn an_idempotency_key_starts_one_run_for_one_caller() {
    let world = World::of("clean").await;
    let (one, two) = (
        world.service("one", &["requester"]).await,
        world.service("two", &["requester"]).await,
    );
    let input = json!({"case_id": "CASE-1042"});
    let first = keyed(&world, &one, &input).await;
    let again = keyed(&world, &one, &input).await;
    assert_eq!(first.json()["run"], again.json()["run"]);
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert!(!first.headers.contains_key("idempotency-replayed"));
    assert_ne!(
        keyed(&world, &two, &input).await.json()["run"],
        first.json()["run"],
        "keys of callers are apart"
    );
    let other = keyed(&world, &one, &json!({"case_id": "CASE-1043"})).await;
    assert_eq!(
        (other.status, other.code().as_str()),
        (StatusCode::CONFLICT, "key_reused")
    );
}

#[tokio::test(start_paused = true)]
async fn requests_under_way_are_bounded_in_number_and_time() {
    let world = World::of("clean").await;
    let key = world.service("s", &["requester"]).await;
    let mut slow = Vec::new();
    for _ in 0..256 {
        // A body that never comes.
        let (never, body) = http_body_util::channel::Channel::<bytes::Bytes>::new(1);
        let request = Request::builder()
            .method("POST")
            .uri("/api/v1/runs")
            .header("authorization", format!("Bearer {key}"))
            .header("content-type", "application/json")
            .body(Body::new(body));
        let answer = tower::ServiceExt::oneshot(world.app.clone(), request.unwrap());
        slow.push((never, tokio::spawn(answer)));
    }
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let full = world.get("/api/v1/runs", &key).await;
    assert_eq!(
        (full.status, full.code().as_str()),
        (StatusCode::TOO_MANY_REQUESTS, "too_busy")
    );
    assert_eq!(full.headers["retry-after"], "1");
    assert_eq!(
        world.ask("GET", "/livez", None, None).await.status,
        StatusCode::OK
    );
    for (_never, answer) in slow {
        assert_eq!(
            answer.await.unwrap().unwrap().status(),
            StatusCode::GATEWAY_TIMEOUT
        );
    }
    assert_eq!(world.get("/api/v1/runs", &key).await.status, StatusCode::OK);
}

async fn keyed(world: &World, key: &str, input: &Value) -> Said {
    let body = json!({"bundle": "incident-summary", "input": input}).to_string();
    let request = Request::builder()
        .method("POST")
        .uri("/api/v1/runs")
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/json")
        .header("idempotency-key", "k-1")
        .body(Body::from(body));
    world.send(request.unwrap()).await
}
