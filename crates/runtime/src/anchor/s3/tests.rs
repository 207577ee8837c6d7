//! A bucket that has Object Lock's real meaning (AWS, "How S3 Object Lock works"): a locked version is neither deleted
//! nor replaced nor locked for a shorter time by anyone; a delete without a version only hides. An emulator that lets
//! a compliance lock be shortened cannot stand for that, so this one does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::super::tests::world::{World, anchor};
use super::super::{Told, alarms, kept};
use super::*;
use crate::config::{AnchorConfig, AnchorKind};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// One version of an object; `None` bytes are a delete marker.
#[derive(Clone)]
struct Version {
    bytes: Option<Vec<u8>>,
    until: String,
}

type Objects = BTreeMap<String, Vec<Version>>;

#[derive(Clone)]
struct Locked {
    objects: Arc<Mutex<Objects>>,
    url: String,
}

impl Locked {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let locked = Self {
            objects: Arc::default(),
            url: format!("http://{}", listener.local_addr().unwrap()),
        };
        let objects = Arc::clone(&locked.objects);
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut bytes = Vec::new();
                let (head, body) = loop {
                    let mut buffer = [0; 4096];
                    let read = stream.read(&mut buffer).await.unwrap();
                    bytes.extend_from_slice(&buffer[..read]);
                    let text = String::from_utf8(bytes.clone()).unwrap();
                    if let Some((head, body)) = text.split_once("\r\n\r\n") {
                        let length =
                            value(head, "content-length").map_or(0, |n| n.parse().unwrap());
                        if body.len() == length {
                            break (head.to_owned(), body.as_bytes().to_vec());
                        }
                    }
                };
                let (status, headers, body) = answer(&mut objects.lock().unwrap(), &head, &body);
                let head = format!(
                    "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n",
                    body.len()
                );
                stream
                    .write_all(&[head.into_bytes(), body].concat())
                    .await
                    .unwrap();
            }
        });
        locked
    }

    fn anchor(&self) -> AnchorConfig {
        let kind = AnchorKind::S3 {
            bucket: Some("audit".to_owned()),
            prefix: "acme/checkpoints".to_owned(),
            region: "eu-central-1".to_owned(),
            access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret: interlock_core::id::SecretName::parse("bucket").unwrap(),
            retain_days: 365,
        };
        anchor("bucket", &self.url, kind)
    }

    /// What somebody with every right asks of the bucket; the status of the answer.
    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> u16 {
        let headers: String = headers
            .iter()
            .map(|(name, value)| format!("\r\n{name}: {value}"))
            .collect();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nauthorization: AWS4-HMAC-SHA256 SignedHeaders=all{headers}"
        );
        answer(&mut self.objects.lock().unwrap(), &head, body).0
    }

    fn put_back(&self, change: impl FnOnce(&mut Objects)) {
        change(&mut self.objects.lock().unwrap());
    }
}

fn value<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

fn answer(objects: &mut Objects, head: &str, body: &[u8]) -> (u16, String, Vec<u8>) {
    let none = |status| (status, String::new(), Vec::new());
    let mut first = head.lines().next().unwrap().split(' ');
    let (method, target) = (first.next().unwrap(), first.next().unwrap());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if !value(head, "authorization").is_some_and(|said| said.starts_with("AWS4-HMAC-SHA256 ")) {
        return none(403);
    }
    let versions = objects.entry(path.to_owned()).or_default();
    let current = versions.last().filter(|version| version.bytes.is_some());
    let until = value(head, "x-amz-object-lock-retain-until-date")
        .unwrap_or_default()
        .to_owned();
    match (method, query) {
        ("PUT", "retention") => {
            let version = versions.last_mut().unwrap();
            if until < version.until {
                return none(403);
            }
            version.until = until;
            none(200)
        }
        ("PUT", _) => {
            if value(head, "if-none-match") == Some("*") && current.is_some() {
                return none(412);
            }
            // With a lock, S3 asks for a checksum of the body.
            let checksum = value(head, "x-amz-checksum-sha256").unwrap_or_default();
            let hash = digest::digest(&digest::SHA256, body);
            let locked = value(head, MODE) == Some("COMPLIANCE") && !until.is_empty();
            if locked && checksum != STANDARD.encode(hash.as_ref()) {
                return none(400);
            }
            versions.push(Version {
                bytes: Some(body.to_vec()),
                until,
            });
            none(200)
        }
        ("DELETE", "") => {
            versions.push(Version {
                bytes: None,
                until: String::new(),
            });
            none(204)
        }
        // A version by its number.
        ("DELETE", version) => {
            let at: usize = version.strip_prefix("versionId=").unwrap().parse().unwrap();
            if versions[at].until.is_empty() {
                versions.remove(at);
                none(204)
            } else {
                none(403)
            }
        }
        ("GET", _) => match current {
            None => none(404),
            Some(version) => {
                let lock = if version.until.is_empty() {
                    String::new()
                } else {
                    format!(
                        "{MODE}: COMPLIANCE\r\n{UNTIL}: {}\r\n",
                        version.until.replace('Z', ".000Z")
                    )
                };
                (200, lock, version.bytes.clone().unwrap())
            }
        },
        _ => none(405),
    }
}

async fn world() -> World {
    let world = World::of(5, 1).await;
    world.secret("bucket", SECRET).await;
    world
}

const PATH: &str = "/audit/acme/checkpoints/00000000000000000005";

#[tokio::test]
async fn a_checkpoint_is_put_once_locked_and_read_back() {
    let (world, bucket) = (world().await, Locked::start().await);
    assert_eq!(
        world.told(bucket.anchor()).await,
        Told::Anchored { size: 5 }
    );
    // The same again finds the same.
    assert_eq!(
        world.told(bucket.anchor()).await,
        Told::Anchored { size: 5 }
    );
    world.grow(3, 1).await;
    assert_eq!(
        world.told(bucket.anchor()).await,
        Told::Anchored { size: 8 }
    );
    let objects = bucket.objects.lock().unwrap().clone();
    let lengths: Vec<_> = objects
        .iter()
        .map(|(key, versions)| (key.as_str(), versions.len()))
        .collect();
    assert_eq!(
        lengths,
        [
            (PATH, 1),
            ("/audit/acme/checkpoints/00000000000000000008", 1)
        ]
    );
    let kept = kept(&world.engine, 8).await.unwrap();
    assert_eq!(
        kept[0].until.as_deref(),
        Some(objects.values().last().unwrap()[0].until.as_str())
    );
}

#[tokio::test]
async fn attack_56_a_locked_object_is_not_deleted_replaced_or_locked_for_less() {
    let (world, bucket) = (world().await, Locked::start().await);
    world.told(bucket.anchor()).await;
    let once = [("if-none-match", "*")];
    assert_eq!(
        bucket.ask("DELETE", &format!("{PATH}?versionId=0"), &[], b""),
        403
    );
    assert_eq!(bucket.ask("PUT", PATH, &once, b"other"), 412);
    assert_eq!(
        bucket.ask(
            "PUT",
            &format!("{PATH}?retention"),
            &[(UNTIL, "2026-11-22T00:00:00Z")],
            b""
        ),
        403
    );
    assert_eq!(
        world.told(bucket.anchor()).await,
        Told::Anchored { size: 5 }
    );
}

#[tokio::test]
async fn attack_56_what_hides_replaces_or_unlocks_an_object_all_the_same_is_an_alarm() {
    let (world, bucket) = (world().await, Locked::start().await);
    world.told(bucket.anchor()).await;
    let honest = bucket.objects.lock().unwrap().clone();
    // A delete without a version hides; a put without the condition comes to lie over it.
    assert_eq!(bucket.ask("DELETE", PATH, &[], b""), 204);
    assert_eq!(world.told(bucket.anchor()).await, Told::Alarm(Alarm::Gone));
    bucket.put_back(|objects| objects.clone_from(&honest));
    assert_eq!(bucket.ask("PUT", PATH, &[], b"other"), 200);
    assert_eq!(
        world.told(bucket.anchor()).await,
        Told::Alarm(Alarm::Altered)
    );
    bucket.put_back(|objects| objects.clone_from(&honest));
    // A store that is none of the kind that it says.
    bucket.put_back(|objects| {
        for version in objects.values_mut().flatten() {
            version.until = "2026-11-22T00:00:00Z".to_owned();
        }
    });
    assert_eq!(
        world.told(bucket.anchor()).await,
        Told::Alarm(Alarm::Shortened)
    );
    bucket.put_back(|objects| objects.clone_from(&honest));
    assert_eq!(
        world.told(bucket.anchor()).await,
        Told::Anchored { size: 5 }
    );
    assert_eq!(alarms(&world.engine).await.unwrap().len(), 3);
}

#[tokio::test]
async fn attack_16_an_object_of_the_same_size_with_another_root_is_an_alarm() {
    let bucket = Locked::start().await;
    world().await.told(bucket.anchor()).await;
    let fork = World::of(5, 2).await;
    fork.secret("bucket", SECRET).await;
    assert_eq!(
        fork.told(bucket.anchor()).await,
        Told::Alarm(Alarm::Altered)
    );
}

#[tokio::test]
async fn a_bucket_that_does_not_lock_does_not_count() {
    let (world, bucket) = (world().await, Locked::start().await);
    bucket.ask("PUT", PATH, &[], &world.publish().await.checkpoint);
    let told = world.told(bucket.anchor()).await;
    assert_eq!(
        told,
        Told::Failed("the bucket does not say that the object is locked")
    );
}

#[test]
fn ends_of_locks_have_one_order() {
    for (text, expected) in [
        ("2026-11-22T00:00:00Z", Some("2026-11-22T00:00:00Z")),
        ("2026-11-22T00:00:00.000Z", Some("2026-11-22T00:00:00Z")),
        ("2026-11-22T00:00:00+00:00", Some("2026-11-22T00:00:00Z")),
        ("2026-11-22T00:00:00+01:00", None),
        ("2026-11-22", None),
        ("forever", None),
        ("", None),
    ] {
        assert_eq!(until_of(text).as_deref(), expected, "{text}");
    }
}
