//! A follower sends what is published, all of it, in order, at least once, and stays where it is when anything fails.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use interlock_core::time::Timestamp;
use interlock_journal::tile::{Tiles, tiles_of};
use interlock_journal::tree;
use interlock_store::conformance::Pen;
use interlock_store::{MemoryStore, Publication, Published, Store, TileRow};

use super::super::{Follower, Format, HttpSink, Sink, SinkFault, StreamFault, check};
use crate::egress::loopback::{Loopback, answer};
use crate::egress::{Allow, Egress, EgressOptions};

/// Takes lines, or fails when told; when it fails it has taken them all the same, as a connection that broke off.
#[derive(Default)]
struct Taking {
    lines: Mutex<Vec<String>>,
    fails: Mutex<u32>,
}

#[async_trait]
impl Sink for Taking {
    async fn deliver(&self, lines: &[String]) -> Result<(), SinkFault> {
        self.lines.lock().unwrap().extend_from_slice(lines);
        let mut fails = self.fails.lock().unwrap();
        if *fails > 0 {
            *fails -= 1;
            return Err(SinkFault::Http("it broke off".to_owned()));
        }
        Ok(())
    }
}

struct World {
    store: Arc<dyn Store>,
    pen: Pen,
    sink: Arc<Taking>,
    follower: Follower,
}

impl World {
    fn new() -> Self {
        let pen = Pen::new(1).unwrap();
        let sink = Arc::new(Taking::default());
        let follower = Follower {
            name: "siem".to_owned(),
            tenant: pen.tenant.clone(),
            format: Format::CloudEvents,
            sink: sink.clone(),
        };
        let environment = interlock_core::id::EnvironmentName::parse("dev").unwrap();
        Self {
            store: Arc::new(MemoryStore::new(environment)),
            pen,
            sink,
            follower,
        }
    }

    async fn append(&mut self, entries: u64) {
        let append = self.pen.write(entries, "model.replied").unwrap();
        let head = self.store.append(&self.pen.tenant, append).await.unwrap();
        self.pen.head = Some(head);
    }

    async fn publish(&self) {
        self.publish_with(None).await;
    }

    /// Publishes the tree as it is, or under another root.
    async fn publish_with(&self, other: Option<[u8; 32]>) {
        let tenant = &self.pen.tenant;
        let before = self.store.published(tenant).await.unwrap();
        let size = self.store.log_size(tenant).await.unwrap();
        let mut leaves = Vec::new();
        while (leaves.len() as u64) < size {
            let next = leaves.len() as u64;
            let page = self.store.log_entries(tenant, next, 1000).await.unwrap();
            leaves.extend(page.iter().map(|entry| entry.hash));
        }
        let mut tree = Tiles::new();
        tree.extend(0, leaves).unwrap();
        let tiles = tiles_of(size).map(|id| TileRow {
            level: id.level,
            index: id.index,
            bytes: tree.bytes(id).unwrap().to_vec(),
        });
        let root = other.unwrap_or_else(|| tree::root_at(&tree, size).unwrap().to_bytes());
        let publication = Publication {
            expected: before.map(|published| published.size),
            tiles: tiles.collect(),
            published: Published {
                size,
                root,
                checkpoint: format!("log.example.org\n{size}\n").into_bytes(),
                at: Timestamp::from_micros(size),
            },
        };
        self.store.publish(tenant, publication).await.unwrap();
    }

    fn received(&self) -> Vec<String> {
        self.sink.lines.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn what_is_published_is_sent_once_and_what_is_not_waits() {
    let mut world = World::new();
    assert_eq!(world.follower.once(&world.store).await.unwrap(), 0);
    world.append(3).await;
    assert_eq!(world.follower.once(&world.store).await.unwrap(), 0);
    world.publish().await;
    assert_eq!(world.follower.once(&world.store).await.unwrap(), 3);
    assert_eq!(world.follower.once(&world.store).await.unwrap(), 0);
    for _ in 0..3 {
        world.append(200).await;
    }
    world.publish().await;
    world.append(1).await;
    assert_eq!(world.follower.once(&world.store).await.unwrap(), 600);
    let received = world.received();
    let held = check(received.iter().map(String::as_str)).unwrap();
    assert_eq!((held.entries, held.repeated), (603, 0));
}

#[tokio::test]
async fn after_a_failure_the_same_lines_come_again_and_none_is_missing() {
    let mut world = World::new();
    for _ in 0..3 {
        world.append(200).await;
    }
    world.publish().await;
    *world.sink.fails.lock().unwrap() = 2;
    for _ in 0..2 {
        let failed = world.follower.once(&world.store).await;
        assert!(matches!(failed, Err(StreamFault::Sink(_))), "{failed:?}");
    }
    assert_eq!(world.follower.once(&world.store).await.unwrap(), 600);
    let received = world.received();
    let held = check(received.iter().map(String::as_str)).unwrap();
    assert_eq!((held.entries, held.repeated), (600, 512));
}

#[tokio::test]
async fn an_entry_that_the_tree_does_not_hold_stops_the_stream() {
    let mut world = World::new();
    world.append(3).await;
    world.publish_with(Some([7; 32])).await;
    let refused = world.follower.once(&world.store).await;
    assert!(
        matches!(refused, Err(StreamFault::Damaged(0))),
        "{refused:?}"
    );
    assert!(world.received().is_empty());
}

#[tokio::test]
async fn a_place_that_cannot_be_read_sends_nothing() {
    let mut world = World::new();
    world.append(2).await;
    world.publish().await;
    let tenant = world.pen.tenant.clone();
    let stored = world
        .store
        .put_record(&tenant, "stream", "siem", None, b"none".to_vec());
    stored.await.unwrap();
    let refused = world.follower.once(&world.store).await;
    assert!(matches!(refused, Err(StreamFault::Form(_))), "{refused:?}");
    assert!(world.received().is_empty());
}

#[tokio::test]
async fn a_collector_gets_lines_and_a_no_is_a_failure() {
    let server = Loopback::start(vec![
        answer(204, "", ""),
        answer(503, "", ""),
        answer(302, "location: /x\r\n", ""),
    ])
    .await;
    let sink = HttpSink {
        egress: Arc::new(Egress::new(&EgressOptions::default()).unwrap()),
        url: format!("http://{}/ingest", server.address),
        allow: Allow::new(["127.0.0.1".to_owned()], true).unwrap(),
        token: None,
    };
    let lines = ["{\"a\":1}".to_owned(), "{\"a\":2}".to_owned()];
    sink.deliver(&lines).await.unwrap();
    assert!(sink.deliver(&lines).await.is_err());
    assert!(sink.deliver(&lines).await.is_err());
    let asked = server.asked();
    assert!(asked[0].starts_with("POST /ingest"), "{}", asked[0]);
    assert!(asked[0].contains("application/x-ndjson"));
    assert!(asked[0].ends_with("{\"a\":1}\n{\"a\":2}\n"), "{}", asked[0]);
}
