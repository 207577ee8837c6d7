//! A caller who hangs up changes nothing about what was begun: a vote is taken whole, and a tool acts once.

use std::future::{Future, poll_fn};
use std::task::Poll;

use axum::body::Body;
use http::Request;
use interlock_core::run::Event;
use serde_json::json;
use tower::ServiceExt;

use crate::world::World;

#[tokio::test]
async fn a_vote_whose_caller_hangs_up_is_taken_whole_or_not_at_all() {
    let mut taken = Vec::new();
    for polls in [0, 1, 2, 3, 5, 8] {
        taken.push(check(polls).await);
    }
    assert_eq!(
        taken.first(),
        Some(&false),
        "who says nothing votes nothing"
    );
    assert!(
        taken.iter().skip(1).all(|taken| *taken),
        "what was begun is done: {taken:?}"
    );
}

/// Drops the answer after it was polled so often; whether the vote was taken.
async fn check(polls: usize) -> bool {
    let world = World::of("clean").await;
    let owner = world.service("owner", &["requester"]).await;
    let analyst = world.person("ann", &["analyst"]).await;
    let run = world.started(&owner, json!({"case_id": "CASE-1042"})).await;
    let id = world.waits_for(&run, &owner).await;
    let review = world.get(&format!("/api/v1/reviews/{id}"), &analyst).await;
    let vote = json!({"approve": true, "digest": review.json()["digest"]});
    let request = Request::builder()
        .method("POST")
        .uri(format!("/api/v1/reviews/{id}/votes"))
        .header("authorization", format!("Bearer {analyst}"))
        .header("content-type", "application/json")
        .body(Body::from(vote.to_string()));
    let mut answer = Box::pin(world.app.clone().oneshot(request.unwrap()));
    for _ in 0..polls {
        let done = poll_fn(|context| Poll::Ready(answer.as_mut().poll(context).is_ready())).await;
        if done {
            break;
        }
    }
    drop(answer);
    // What was begun is a task of its own: it has its turns before this one has its last.
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
    let run = run.parse().unwrap();
    world.engine.drive(run).await.unwrap();
    let history = world.engine.history(run).await.unwrap();
    let count = |wanted: fn(&Event) -> bool| {
        let events = history.iter().map(|recorded| &recorded.event);
        events.filter(|event| wanted(event)).count()
    };
    let voted = count(|event| matches!(event, Event::ReviewVoted { .. }));
    assert!(voted <= 1);
    assert_eq!(
        count(|event| matches!(event, Event::ActStarted { .. })),
        voted
    );
    assert_eq!(
        count(|event| matches!(event, Event::ActFinished { .. })),
        voted
    );
    assert_eq!(
        count(|event| matches!(event, Event::RunEnded { .. })),
        voted
    );
    voted == 1
}
