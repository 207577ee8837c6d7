//! Whoever holds the store and the signing key rewrites the log, and an auditor who kept one checkpoint looks again.
//! Every checkpoint here is signed by the log's own key.

use async_trait::async_trait;
use interlock_journal::tile::TileId;

use super::super::watch::{Breach, LogSource, Look, Seen, UrlLog, look};
use super::world::World;
use crate::egress::loopback::{Loopback, answer, way_out};

/// The files of a world's newest published log.
struct Files<'a>(&'a World);

#[async_trait]
impl LogSource for Files<'_> {
    async fn read(&self, path: &str) -> Result<Option<Vec<u8>>, String> {
        let (store, tenant) = (self.0.engine.store(), self.0.engine.tenant());
        if path == "checkpoint" {
            let published = store.published(tenant).await.unwrap();
            return Ok(published.map(|published| published.checkpoint));
        }
        let id = TileId::parse_path(path).unwrap();
        let row = store
            .tiles(tenant, &[(id.level, id.index)])
            .await
            .unwrap()
            .pop();
        Ok(row.and_then(|row| {
            row.bytes
                .get(..usize::from(id.width) * 32)
                .map(<[u8]>::to_vec)
        }))
    }
}

/// 256 entries of the longest form are one file of a log, and an auditor at an address reads it as others do.
#[tokio::test]
async fn the_longest_entry_bundle_is_read_at_an_address() {
    let longest = vec![b'x'; interlock_journal::entry::ENTRY_BYTES_MAX];
    let entries = std::iter::repeat_n(longest.as_slice(), 256);
    let bundle = interlock_journal::tile::encode_bundle(entries).unwrap();
    let body = String::from_utf8(bundle.clone()).unwrap();
    let server = Loopback::start(vec![answer(200, "", &body)]).await;
    let log = UrlLog::new(std::sync::Arc::new(way_out()), &server.url(""), None);
    assert_eq!(log.read("tile/entries/000").await.unwrap(), Some(bundle));
}

/// What is kept after a first look.
async fn seen(world: &World) -> Seen {
    match look(&Files(world), &[world.vkey()], None).await {
        Look::First(seen) => seen,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn broken(look: Look, expected: Breach, note: &[u8]) {
    let Look::Broken {
        breach,
        note: served,
    } = look
    else {
        panic!("{look:?}");
    };
    assert_eq!(breach, expected);
    assert_eq!(served, note, "what was served is the evidence");
}

async fn check(served: &World, kept: &Seen, expected: Breach) {
    let note = Files(served).read("checkpoint").await.unwrap().unwrap();
    let look = look(&Files(served), &[served.vkey()], Some(kept)).await;
    broken(look, expected, &note);
}

#[tokio::test]
async fn honest_growth_is_followed() {
    let world = World::of(1, 1).await;
    let mut kept = seen(&world).await;
    let same = look(&Files(&world), &[world.vkey()], Some(&kept)).await;
    assert_eq!(same, Look::Same(kept.clone()));
    // Over the edges of tiles, and far beyond one.
    for entries in [1, 253, 1, 1, 256, 300] {
        world.grow(entries, 1).await;
        match look(&Files(&world), &[world.vkey()], Some(&kept)).await {
            Look::Grown(seen) => {
                assert_eq!(seen.size, kept.size + entries);
                kept = seen;
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn attack_06_a_kept_checkpoint_shows_a_genuine_older_one_put_back() {
    let kept = seen(&World::of(300, 1).await).await;
    check(&World::of(200, 1).await, &kept, Breach::Rollback).await;
}

#[tokio::test]
async fn attack_15_a_kept_checkpoint_shows_rewritten_and_signed_again() {
    let kept = seen(&World::of(300, 1).await).await;
    check(&World::of(400, 2).await, &kept, Breach::Fork).await;
    // From the last kept entry on, too.
    let rewritten = World::of(299, 1).await;
    rewritten.grow(101, 2).await;
    check(&rewritten, &kept, Breach::Fork).await;
}

#[tokio::test]
async fn attack_16_a_kept_checkpoint_shows_two_heads_of_one_size() {
    let kept = seen(&World::of(300, 1).await).await;
    check(&World::of(300, 2).await, &kept, Breach::Fork).await;
}

#[tokio::test]
async fn attack_17_a_kept_checkpoint_shows_a_backup_put_back() {
    let kept = seen(&World::of(300, 1).await).await;
    let restored = World::of(200, 1).await;
    restored.grow(50, 2).await;
    check(&restored, &kept, Breach::Rollback).await;
    // It has grown past what was kept meanwhile.
    restored.grow(150, 2).await;
    check(&restored, &kept, Breach::Fork).await;
}

#[tokio::test]
async fn what_proves_nothing_is_no_verdict() {
    let world = World::of(20, 1).await;
    let kept = seen(&world).await;
    let unsure = |look| assert!(matches!(look, Look::CannotTell(_)), "{look:?}");
    struct Other(Option<Vec<u8>>);
    #[async_trait]
    impl LogSource for Other {
        async fn read(&self, path: &str) -> Result<Option<Vec<u8>>, String> {
            Ok((path == "checkpoint").then(|| self.0.clone()).flatten())
        }
    }
    unsure(look(&Other(None), &[world.vkey()], Some(&kept)).await);
    unsure(
        look(
            &Other(Some(b"<html>".to_vec())),
            &[world.vkey()],
            Some(&kept),
        )
        .await,
    );
    // A larger log whose tiles are not served.
    let grown = World::of(21, 1).await;
    let note = Files(&grown).read("checkpoint").await.unwrap();
    unsure(look(&Other(note.clone()), &[world.vkey()], Some(&kept)).await);
    // What was kept is spoilt.
    let mut spoilt = kept.clone();
    spoilt.size = 21;
    unsure(look(&Files(&grown), &[world.vkey()], Some(&spoilt)).await);
    // Served under the key's name, not made by it.
    let mut forged = String::from_utf8(note.unwrap()).unwrap();
    forged = forged.replace("\n21\n", "\n22\n");
    let look = look(
        &Other(Some(forged.clone().into_bytes())),
        &[world.vkey()],
        Some(&kept),
    )
    .await;
    broken(look, Breach::Signature, forged.as_bytes());
}
