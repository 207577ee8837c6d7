//! Who may do what people in office do: the table as it is meant, and every role on every such route and method. Who may
//! not is told so before anything else, and nothing is written.

use std::collections::BTreeMap;

use http::StatusCode;
use interlock_server::{Listed, Permitted, routes};
use serde_json::{Value, json};

use crate::denial::path_of;
use crate::world::World;

/// Every role that means something anywhere, and one that does not.
const ROLES: [&str; 11] = [
    "admin",
    "analyst",
    "approver",
    "auditor",
    "dpo",
    "incident_lead",
    "investigator",
    "nobody",
    "operator",
    "requester",
    "security",
];

/// The rows that take an office.
fn offices() -> Vec<(Listed, &'static [&'static str], bool)> {
    routes()
        .filter_map(|route| match route.who {
            Permitted::Office { roles, people } => Some((route, roles, people)),
            _ => None,
        })
        .collect()
}

#[test]
fn the_table_is_this() {
    let found: BTreeMap<&str, (Vec<&str>, bool)> = offices()
        .into_iter()
        .map(|(route, roles, people)| (route.name, (roles.to_vec(), people)))
        .collect();
    let expected = BTreeMap::from([
        ("erase", (vec!["dpo"], true)),
        ("listErasures", (vec!["auditor", "dpo"], false)),
        ("getErasure", (vec!["auditor", "dpo"], false)),
        ("placeHold", (vec!["dpo"], true)),
        ("listHolds", (vec!["auditor", "dpo"], false)),
        ("releaseHold", (vec!["dpo"], true)),
        ("getRetention", (vec!["auditor", "dpo"], false)),
        ("expire", (vec!["dpo"], true)),
        ("reveal", (vec!["dpo", "investigator"], true)),
        (
            "getMarks",
            (
                vec!["admin", "auditor", "dpo", "investigator", "operator"],
                false,
            ),
        ),
        (
            "export",
            (vec!["admin", "auditor", "dpo", "investigator"], false),
        ),
        (
            "getKeyStatus",
            (vec!["admin", "auditor", "operator", "security"], false),
        ),
        ("rotateKeys", (vec!["admin", "security"], true)),
        (
            "getWorld",
            (vec!["admin", "auditor", "incident_lead", "operator"], false),
        ),
        ("setWorld", (vec!["admin", "incident_lead"], true)),
    ]);
    assert_eq!(found, expected);
}

#[tokio::test]
async fn every_role_on_every_route_and_method() {
    let world = World::of("clean").await;
    let mut callers = Vec::new();
    for role in ROLES {
        let name = role.replace('_', "-");
        callers.push((vec![role], true, world.person(&name, &[role]).await));
        let name = format!("s-{name}");
        callers.push((vec![role], false, world.service(&name, &[role]).await));
    }
    for (route, roles, _) in offices() {
        let others: Vec<&str> = ROLES
            .into_iter()
            .filter(|role| !roles.contains(role))
            .collect();
        let name = format!("not-{}", route.name.to_lowercase());
        callers.push((others.clone(), true, world.person(&name, &others).await));
    }
    let before = world.store_state().await;
    for (route, roles, people) in offices() {
        let methods: &[&str] = if route.method == "GET" {
            &["GET", "HEAD"]
        } else {
            &["POST"]
        };
        for (held, person, key) in &callers {
            let may = (*person || !people) && held.iter().any(|role| roles.contains(role));
            for method in methods {
                // A body that fits no schema: who may is told that, and does nothing.
                let said = world
                    .ask(method, &path_of(route.path), Some(key), Some(json!({})))
                    .await;
                let shown = format!("{method} {} {held:?} {person}", route.path);
                if may {
                    assert_ne!(said.status, StatusCode::FORBIDDEN, "{shown}");
                    continue;
                }
                assert_eq!(said.status, StatusCode::FORBIDDEN, "{shown}");
                if *method != "HEAD" {
                    assert_eq!(said.code(), "office_missing", "{shown}");
                    assert_eq!(said.json()["roles"], json!(roles), "{shown}");
                    assert_eq!(said.json()["people"], people, "{shown}");
                }
            }
        }
    }
    assert_eq!(world.store_state().await, before);
}

/// Each act, as it would be done.
fn acts() -> Vec<(&'static str, Value)> {
    vec![
        (
            "/api/v1/erasures",
            json!({"subject": "Ada", "dry_run": false, "order": "DSAR-1", "reason": "x"}),
        ),
        (
            "/api/v1/holds",
            json!({"period": "default/2026-01", "reason": "x"}),
        ),
        (
            "/api/v1/holds/hold_01J00000000000000000000000/release",
            json!({"reason": "x"}),
        ),
        (
            "/api/v1/retention/expire",
            json!({"dry_run": false, "reason": "x"}),
        ),
        (
            "/api/v1/payloads/pay_01J00000000000000000000000/reveal",
            json!({"reason": "x"}),
        ),
        (
            "/api/v1/exports",
            json!({"of": {"kind": "log"}, "payloads": false, "reason": "x"}),
        ),
        ("/api/v1/keys/rotate", json!({"reason": "x"})),
        (
            "/api/v1/world",
            json!({"halted": true, "incident": true, "reason": "x"}),
        ),
    ]
}

#[tokio::test]
async fn no_act_is_done_without_a_reason() {
    let world = World::of("clean").await;
    let key = world.person("all", &["dpo", "admin", "investigator"]).await;
    let before = world.store_state().await;
    let posts = offices()
        .into_iter()
        .filter(|(route, ..)| route.method == "POST")
        .count();
    assert_eq!(acts().len(), posts, "an act without its row here");
    for (path, body) in acts() {
        let mut silent = body.clone();
        silent.as_object_mut().unwrap().remove("reason");
        let said = world.post(path, &key, silent).await;
        if body.get("dry_run").is_some() {
            assert_eq!(said.code(), "reason_missing", "{path}");
        } else {
            assert_eq!(said.code(), "invalid_request", "{path}");
            let places = said.json()["violations"].to_string();
            assert!(places.contains("/reason"), "{path} {places}");
        }
        for (reason, code) in [
            ("", "reason_missing"),
            (" \t\n", "reason_missing"),
            ("x".repeat(2001).as_str(), "invalid_request"),
        ] {
            let mut body = body.clone();
            body["reason"] = reason.into();
            assert_eq!(world.post(path, &key, body).await.code(), code, "{path}");
        }
    }
    assert_eq!(world.store_state().await, before);
}

#[tokio::test]
async fn bodies_of_acts_are_held_against_their_schemas() {
    let world = World::of("clean").await;
    let key = world.person("all", &["dpo", "admin", "investigator"]).await;
    let before = world.store_state().await;
    for (path, body) in acts() {
        let mut more = body.clone();
        more["on_behalf_of"] = "x".into();
        assert_eq!(
            world.post(path, &key, more).await.code(),
            "invalid_request",
            "{path}"
        );
    }
    let run = "run_01J00000000000000000000000";
    for (path, body) in [
        ("/api/v1/holds", json!({"reason": "x"})),
        (
            "/api/v1/holds",
            json!({"run": run, "subject": "Ada", "reason": "x"}),
        ),
        (
            "/api/v1/holds",
            json!({"period": "default/2026-13", "reason": "x"}),
        ),
        (
            "/api/v1/holds",
            json!({"period": "no-such/2026-01", "reason": "x"}),
        ),
        (
            "/api/v1/erasures",
            json!({"subject": "Ada", "order": "o", "reason": "x"}),
        ),
        (
            "/api/v1/erasures",
            json!({"subject": "Ada", "dry_run": false, "reason": "x"}),
        ),
        (
            "/api/v1/erasures",
            json!({"subject": "Ada", "dry_run": false, "order": " ", "reason": "x"}),
        ),
        ("/api/v1/retention/expire", json!({"reason": "x"})),
        ("/api/v1/world", json!({"halted": true, "reason": "x"})),
        (
            "/api/v1/exports",
            json!({"of": {"kind": "all"}, "payloads": true, "reason": "x"}),
        ),
        (
            "/api/v1/exports",
            json!({"of": {"kind": "range", "from": -1, "to": 2}, "payloads": true, "reason": "x"}),
        ),
        (
            "/api/v1/exports",
            json!({"of": {"kind": "time", "since": "x", "until": "y"}, "payloads": true, "reason": "x"}),
        ),
    ] {
        let said = world.post(path, &key, body.clone()).await;
        assert_eq!(said.code(), "invalid_request", "{path} {body}");
    }
    assert_eq!(world.store_state().await, before);
}
