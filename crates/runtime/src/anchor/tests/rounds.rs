//! Rounds against far sides that fail or lie in ways that real ones cannot be made to: prepared answers on loopback.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use interlock_journal::cosignature;
use interlock_journal::note::{KeyKind, SignatureLine, SignedNote, VerifierKey};
use interlock_store::Published;

use super::super::kept::{keep, receipt, thin};
use super::super::{
    Alarm, Anchors, Given, Target, Told, alarms, cosigned, hold, kept, statuses, witnessed,
};
use super::world::{World, anchor};
use crate::clock::Clock as _;
use crate::config::{AnchorKind, AnchorsConfig};
use crate::egress::loopback::{Loopback, Reply, answer};
use interlock_core::time::Timestamp;

/// A witness's own hand.
struct Hand(Ed25519KeyPair, &'static str);

impl Hand {
    fn new(seed: u8, name: &'static str) -> Self {
        Self(
            Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap(),
            name,
        )
    }

    fn key(&self) -> VerifierKey {
        let public = self.0.public_key().as_ref().try_into().unwrap();
        VerifierKey::new(self.1, KeyKind::Cosignature, public).unwrap()
    }

    fn kind(&self) -> AnchorKind {
        AnchorKind::Witness { key: self.key() }
    }

    /// The line that it answers with, made at this time.
    fn line(&self, published: &Published, seconds: u64) -> String {
        let note = SignedNote::parse(&published.checkpoint).unwrap();
        let message = cosignature::message(seconds, note.text());
        let signature = self.0.sign(&message).as_ref().try_into().unwrap();
        let line = SignatureLine {
            name: self.1.to_owned(),
            key_id: self.key().key_id(),
            signature: cosignature::join(seconds, &signature),
        };
        format!("{line}\n")
    }
}

fn seconds(world: &World) -> u64 {
    world.engine.clock().now().as_micros() / 1_000_000
}

fn conflict(size: &str) -> Reply {
    answer(409, "content-type: text/x.tlog.size\r\n", size)
}

async fn check(world: &World, replies: Vec<Reply>, expected: Told) {
    let server = Loopback::start(replies).await;
    let witness = anchor("w", &server.url(""), Hand::new(1, "w.example.org").kind());
    assert_eq!(world.told(witness).await, expected);
}

#[tokio::test]
async fn an_honest_answer_is_kept_and_counts() {
    let world = World::of(5, 1).await;
    let published = world.publish().await;
    let hand = Hand::new(1, "w.example.org");
    let stranger = Hand::new(2, "other.example.org");
    let now = seconds(&world);
    let body = format!(
        "{}{}",
        stranger.line(&published, now),
        hand.line(&published, now)
    );
    let server = Loopback::start(vec![answer(200, "", &body)]).await;
    let config = AnchorsConfig {
        anchors: vec![anchor("w", &server.url(""), hand.kind())],
        witnesses_needed: 1,
    };
    let anchors = world.anchors(config.anchors.clone(), 1).await;
    let told = anchors.round(|_| true).await.unwrap();
    assert_eq!(told, [("w".to_owned(), Told::Anchored { size: 5 })]);
    let asked = server.asked().pop().unwrap();
    assert!(
        asked.starts_with("POST /add-checkpoint HTTP/1.1\r\n"),
        "{asked}"
    );
    let body = asked.split_once("\r\n\r\n").unwrap().1;
    let note = String::from_utf8(published.checkpoint).unwrap();
    assert_eq!(body, format!("old 0\n\n{note}"));
    let cosigned = cosigned(&world.engine, 5).await.unwrap().unwrap();
    let cosigned = SignedNote::parse(&cosigned).unwrap();
    assert_eq!(
        cosigned.signatures().len(),
        2,
        "the stranger's line is left out"
    );
    let (size, quorum) = witnessed(&world.engine, &config).await.unwrap().unwrap();
    assert_eq!((size, quorum.seen_by), (5, now));
    assert_eq!(
        kept(&world.engine, 5).await.unwrap()[0].said,
        Some(now * 1_000_000)
    );
}

#[tokio::test]
async fn a_witness_elsewhere_is_asked_again_from_there() {
    let world = World::of(300, 1).await;
    let published = world.publish().await;
    let line = Hand::new(1, "w.example.org").line(&published, seconds(&world));
    let server = Loopback::start(vec![conflict("257\n"), answer(200, "", &line)]).await;
    let witness = anchor("w", &server.url(""), Hand::new(1, "w.example.org").kind());
    assert_eq!(world.told(witness).await, Told::Anchored { size: 300 });
    let asked = server.asked();
    assert!(asked[0].contains("\r\n\r\nold 0\n\n"));
    let second = asked[1].split_once("\r\n\r\nold 257\n").unwrap().1;
    let proof = second.split_once("\n\n").unwrap().0;
    assert!(
        proof.lines().all(|line| line.len() == 44) && proof.lines().count() > 2,
        "{proof}"
    );
}

#[tokio::test]
async fn attack_16_a_witness_that_refuses_the_proof_or_holds_another_root_is_an_alarm() {
    let world = World::of(9, 1).await;
    check(
        &world,
        vec![answer(422, "", "no\n")],
        Told::Alarm(Alarm::Fork),
    )
    .await;
    check(
        &world,
        vec![conflict("9\n"), conflict("9\n")],
        Told::Alarm(Alarm::Fork),
    )
    .await;
    let kept = alarms(&world.engine).await.unwrap();
    assert_eq!(kept.len(), 1, "once for a size");
    assert!(kept[0].shown.ends_with(b"no\n") && kept[0].shown.starts_with(b"old 0\n"));
    assert_eq!(world.status("w").await.alarm, Some(Alarm::Fork));
}

#[tokio::test]
async fn attack_17_a_witness_that_saw_more_is_an_alarm() {
    let world = World::of(9, 1).await;
    check(&world, vec![conflict("10\n")], Told::Alarm(Alarm::Rollback)).await;
}

#[tokio::test]
async fn attack_50_a_cosignature_of_another_key_or_of_another_time_counts_for_nothing() {
    let world = World::of(9, 1).await;
    let published = world.publish().await;
    let now = seconds(&world);
    // Under the witness's name and key id, made with another key.
    let hand = Hand::new(1, "w.example.org");
    let other = Hand::new(2, "w.example.org");
    let signature = other.line(&published, now);
    let note = SignedNote::parse(format!("x\n\n{signature}").as_bytes()).unwrap();
    let mut forged = note.signatures()[0].clone();
    forged.key_id = hand.key().key_id();
    let unsigned = "the answer has no cosignature of the configured key that verifies";
    for body in [
        signature.as_str(),
        &format!("{forged}\n"),
        "",
        "\u{2014} w.example.org AAAA\n",
    ] {
        check(&world, vec![answer(200, "", body)], Told::Failed(unsigned)).await;
    }
    for (time, line) in [(now - 601, ""), (now + 601, "")] {
        let body = format!("{}{line}", hand.line(&published, time));
        let stale = "the cosignature is stale, or a clock is wrong";
        check(&world, vec![answer(200, "", &body)], Told::Failed(stale)).await;
    }
    assert_eq!(world.status("w").await.failures, 6);
    assert!(kept(&world.engine, 9).await.unwrap().is_empty());
}

#[tokio::test]
async fn attack_50_one_key_under_two_names_is_one_witness() {
    let world = World::of(9, 1).await;
    let published = world.publish().await;
    let (one, two) = (Hand::new(1, "a.example.org"), Hand::new(1, "b.example.org"));
    let mut configured = Vec::new();
    for (name, hand) in [("a", &one), ("b", &two)] {
        let line = hand.line(&published, seconds(&world));
        let server = Loopback::start(vec![answer(200, "", &line)]).await;
        configured.push(anchor(name, &server.url(""), hand.kind()));
    }
    let anchors = world.anchors(configured.clone(), 2).await;
    assert_eq!(anchors.round(|_| true).await.unwrap().len(), 2);
    let mut config = AnchorsConfig {
        anchors: configured,
        witnesses_needed: 2,
    };
    assert_eq!(witnessed(&world.engine, &config).await.unwrap(), None);
    config.witnesses_needed = 1;
    assert!(witnessed(&world.engine, &config).await.unwrap().is_some());
}

#[tokio::test]
async fn malformed_conflicts_and_refusals_say_nothing_against_the_log() {
    let world = World::of(9, 1).await;
    let nameless = "the witness's conflict names no size";
    for body in ["", "9", "09\n", "+9\n", "9 \n", "99999999999999999999\n"] {
        check(&world, vec![conflict(body)], Told::Failed(nameless)).await;
    }
    let plain = vec![answer(409, "content-type: text/plain\r\n", "10\n")];
    check(&world, plain, Told::Failed(nameless)).await;
    for (status, why) in [
        (400, "the witness cannot read the request"),
        (403, "the witness does not know the log's key"),
        (404, "the witness does not know the log"),
        (500, "the witness cannot answer now"),
    ] {
        check(&world, vec![answer(status, "", "")], Told::Failed(why)).await;
    }
    assert!(alarms(&world.engine).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_overdue_anchor_is_on_record_once_and_again_when_it_holds() {
    let world = World::of(9, 1).await;
    let published = world.publish().await;
    let hand = Hand::new(1, "w.example.org");
    world.clock.advance_seconds(601);
    let line = hand.line(&published, seconds(&world) + 601);
    let server = Loopback::start(vec![
        answer(500, "", ""),
        answer(500, "", ""),
        answer(200, "", &line),
    ])
    .await;
    let anchors = world
        .anchors(vec![anchor("w", &server.url(""), hand.kind())], 1)
        .await;
    let acts = |anchors: std::sync::Arc<Anchors>| async move {
        anchors.round(|_| true).await.unwrap();
    };
    acts(anchors.clone()).await;
    assert!(
        !world.status("w").await.overdue,
        "it was configured just now"
    );
    world.clock.advance_seconds(601);
    assert!(world.status("w").await.overdue);
    acts(anchors.clone()).await;
    anchors.round(|_| false).await.unwrap();
    assert_eq!(said(&world).await, ["anchor.overdue"]);
    acts(anchors).await;
    assert_eq!(said(&world).await, ["anchor.overdue", "anchor.recovered"]);
}

#[tokio::test]
async fn attack_53_a_clock_set_back_does_not_make_an_anchor_young() {
    let world = World::of(9, 1).await;
    let published = world.publish().await;
    let line = Hand::new(1, "w.example.org").line(&published, seconds(&world));
    check(
        &world,
        vec![answer(200, "", &line)],
        Told::Anchored { size: 9 },
    )
    .await;
    let now = world.clock.now();
    world
        .clock
        .set(Timestamp::from_micros(now.as_micros() - 59_000_000));
    assert!(!world.status("w").await.overdue, "a correction");
    world
        .clock
        .set(Timestamp::from_micros(now.as_micros() - 61_000_000));
    assert!(world.status("w").await.overdue);
}

#[tokio::test]
async fn receipts_are_thinned_and_reach_as_far_back() {
    let world = World::new();
    for size in 1..=11 {
        let target = Target::of(&world.grow(1, 1).await).unwrap();
        let given = Given {
            bytes: vec![size],
            time: None,
            until: None,
        };
        let now = world.clock.now();
        assert!(
            keep(
                &world.engine,
                ("t", "timestamp"),
                &target,
                given.clone(),
                now
            )
            .await
            .unwrap()
        );
        // The first token over a size proves the earliest time.
        let later = Given {
            bytes: vec![99],
            ..given
        };
        assert!(
            !keep(&world.engine, ("t", "timestamp"), &target, later, now)
                .await
                .unwrap()
        );
    }
    assert_eq!(thin(&world.engine, "t").await.unwrap(), 2);
    let mut left = Vec::new();
    for size in 1..=11 {
        let kept = receipt(&world.engine, "t", size).await.unwrap();
        left.extend(kept.map(|kept| kept.bytes[0]));
    }
    assert_eq!(left, [1, 3, 5, 6, 7, 8, 9, 10, 11]);
}

#[tokio::test]
async fn what_a_retired_anchor_gave_stays_and_nothing_is_asked_of_it() {
    let world = World::of(9, 1).await;
    let published = world.publish().await;
    let line = Hand::new(1, "w.example.org").line(&published, seconds(&world));
    check(
        &world,
        vec![answer(200, "", &line)],
        Told::Anchored { size: 9 },
    )
    .await;
    let anchors = world.anchors(Vec::new(), 0).await;
    world.clock.advance_seconds(100_000);
    assert!(anchors.round(|_| true).await.unwrap().is_empty());
    assert!(statuses(&world.engine).await.unwrap().is_empty());
    assert!(said(&world).await.is_empty());
    assert_eq!(kept(&world.engine, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_required_anchor_halts_the_world_and_lifts_its_own_halt_alone() {
    let world = World::of(9, 1).await;
    let published = world.publish().await;
    let hand = Hand::new(1, "w.example.org");
    let line = hand.line(&published, seconds(&world));
    let server = Loopback::start(vec![
        answer(422, "", "no\n"),
        answer(200, "", &line),
        answer(422, "", "no\n"),
        answer(200, "", &line),
    ])
    .await;
    let mut config = anchor("w", &server.url(""), hand.kind());
    config.required = true;
    let anchors = world.anchors(vec![config], 1).await;
    let halted = || async {
        world
            .engine
            .world_record()
            .await
            .unwrap()
            .map(|record| record.halted)
    };
    anchors.round(|_| true).await.unwrap();
    assert_eq!(halted().await, Some(true));
    anchors.round(|_| true).await.unwrap();
    assert_eq!(halted().await, Some(false));
    let people = interlock_core::pipeline::policy::World {
        halted: true,
        incident: false,
    };
    world
        .engine
        .set_world(people, "a leak", None)
        .await
        .unwrap();
    anchors.round(|_| true).await.unwrap();
    anchors.round(|_| true).await.unwrap();
    assert_eq!(halted().await, Some(true), "somebody else's halt stays");
}

#[tokio::test]
async fn a_required_anchor_that_never_held_halts_the_world_before_any_round() {
    let world = World::of(9, 1).await;
    let mut config = anchor(
        "w",
        "http://127.0.0.1:1/",
        Hand::new(1, "w.example.org").kind(),
    );
    config.required = true;
    let anchors = AnchorsConfig {
        anchors: vec![config.clone()],
        witnesses_needed: 1,
    };
    let halted = || async { world.engine.world_record().await.unwrap().map(|r| r.halted) };
    hold(&world.engine, &anchors).await.unwrap();
    assert_eq!(halted().await, Some(true));
    // It is the one thing that is put on record, once.
    let size = world.engine.store().log_size(world.engine.tenant());
    let before = size.await.unwrap();
    hold(&world.engine, &anchors).await.unwrap();
    let size = world.engine.store().log_size(world.engine.tenant());
    assert_eq!(size.await.unwrap(), before);
    // One that is no longer configured holds nothing back.
    let none = AnchorsConfig {
        anchors: Vec::new(),
        ..anchors
    };
    hold(&world.engine, &none).await.unwrap();
    assert_eq!(halted().await, Some(false));
    world.anchors(vec![config], 1).await;
    assert_eq!(halted().await, Some(true), "a server before it listens");
}

/// What is on record of anchors, in order.
async fn said(world: &World) -> Vec<&'static str> {
    let acts = world.engine.administration_history(0, 200).await.unwrap();
    acts.iter()
        .map(|recorded| recorded.act.kind())
        .filter(|kind| kind.starts_with("anchor."))
        .collect()
}
