//! What keys do: made, wrapped anew, destroyed, and what is left when anything dies in between.

use std::sync::Arc;

use interlock_core::id::{EnvironmentName, RunId, SubjectId, TenantName};
use interlock_core::time::Timestamp;

use super::turn::Turned;
use super::*;
use crate::clock::{SystemClock, SystemEntropy};
use crate::seal::{KeyBook, KeyName, MemoryKeyBook};

mod backup;
mod cache;
mod faulty;
mod first_form;
mod kill;

pub(super) fn tenant() -> TenantName {
    TenantName::parse("default").unwrap()
}

pub(super) fn environment() -> EnvironmentName {
    EnvironmentName::parse("test").unwrap()
}

fn run(n: u8) -> KeyName {
    KeyName::run(RunId::from_bytes([n; 16]))
}

fn subject(n: u8) -> KeyName {
    KeyName::subject(SubjectId::from_bytes([n; 16]))
}

/// A name of each kind.
pub(super) fn names() -> Vec<KeyName> {
    vec![
        run(1),
        run(2),
        subject(3),
        subject(4),
        KeyName::period("default", Timestamp::from_micros(1_795_219_199_000_000)),
        KeyName::records("principal"),
        KeyName::index("subject_name"),
    ]
}

pub(super) fn keys(provider: Arc<dyn KeyProvider>, book: Arc<dyn KeyBook>) -> Keys {
    Keys::new(KeysParts {
        provider,
        book,
        environment: environment(),
        entropy: Arc::new(SystemEntropy),
        clock: Arc::new(SystemClock),
        holders: Vec::new(),
    })
}

/// Makes a key of each name.
pub(super) async fn made(keys: &Keys) -> Vec<DataKey> {
    let mut made = Vec::new();
    for name in names() {
        made.push(keys.made(&tenant(), &name).await.unwrap());
    }
    made
}

/// One turn, from the asking to its entry.
pub(super) async fn turned(keys: &Keys, names: &[KeyName]) -> Result<super::turn::Turn, TurnFault> {
    loop {
        let (turn, asked) = match keys.turn(&tenant(), names, &|_| ()).await? {
            Turned::Asked(turn) => (turn, true),
            Turned::Earlier(turn) => (turn, false),
        };
        keys.recorded(&tenant(), &turn).await?;
        if asked {
            return Ok(turn);
        }
    }
}

/// After a turn: the destroyed are gone, the others are what they were, and nothing is under the old epoch.
pub(super) async fn check(
    provider: &Arc<dyn KeyProvider>,
    book: &Arc<dyn KeyBook>,
    before: &[DataKey],
    destroyed: &[KeyName],
    what: &str,
) {
    let keys = keys(Arc::clone(provider), Arc::clone(book));
    for (name, key) in names().iter().zip(before) {
        let found = keys.found(&tenant(), name).await.unwrap();
        if destroyed.contains(name) {
            assert!(found.is_none(), "{what}: {} is still there", name.as_str());
            assert!(keys.is_gone(&tenant(), name).await.unwrap());
        } else {
            assert_eq!(found.as_ref(), Some(key), "{what}: {}", name.as_str());
        }
    }
    let status = keys.status(&tenant()).await.unwrap();
    assert_eq!(status.fault, None, "{what}");
    assert!(!status.unfinished, "{what}");
    let alive = |epoch: &&Epoch| epoch.state == EpochState::Alive;
    assert_eq!(status.epochs.iter().filter(alive).count(), 1, "{what}");
    let pages: Vec<_> = status.pages.iter().map(|p| (p.by, p.epoch)).collect();
    assert_eq!(pages, [(provider.kind(), status.epoch.unwrap())], "{what}");
}

#[tokio::test]
async fn a_turn_keeps_survivors_and_destroys_what_was_asked() {
    let provider: Arc<dyn KeyProvider> =
        Arc::new(FileKeys::ephemeral(Arc::new(SystemEntropy)).unwrap());
    let book: Arc<dyn KeyBook> = Arc::new(MemoryKeyBook::default());
    let keys = keys(Arc::clone(&provider), Arc::clone(&book));
    let before = made(&keys).await;
    let turn = turned(&keys, &[]).await.unwrap();
    assert_eq!((turn.before, turn.after, turn.keys), (1, 2, 7));
    check(&provider, &book, &before, &[], "rotation").await;
    let gone = [subject(3), run(9)];
    let turn = turned(&keys, &gone).await.unwrap();
    assert_eq!((turn.before, turn.after), (2, 3));
    assert_eq!((turn.destroyed, turn.keys), (1, 6));
    check(&provider, &book, &before, &gone, "erasure").await;
    // Asked again it is known to be done, and the epoch stays.
    let again = turned(&keys, &gone).await.unwrap();
    assert_eq!((again.before, again.after, again.destroyed), (2, 3, 1));
    // Somebody who came back has a new key, which is destroyed by another erasure.
    keys.made(&tenant(), &gone[0]).await.unwrap();
    let anew = turned(&keys, &gone).await.unwrap();
    assert_eq!((anew.before, anew.after, anew.destroyed), (3, 4, 1));
    check(&provider, &book, &before, &gone, "second erasure").await;
}

#[tokio::test]
async fn a_page_that_does_not_open_stops_the_turn_before_its_epoch_is_destroyed() {
    let provider: Arc<dyn KeyProvider> =
        Arc::new(FileKeys::ephemeral(Arc::new(SystemEntropy)).unwrap());
    let book: Arc<dyn KeyBook> = Arc::new(MemoryKeyBook::default());
    let keys = keys(Arc::clone(&provider), Arc::clone(&book));
    let before = made(&keys).await;
    let page = book.get(&tenant(), &run(1)).await.unwrap().unwrap();
    // Another name's page in its place.
    book.create(&tenant(), &run(5), &page.wrapped)
        .await
        .unwrap();
    let fault = turned(&keys, &[]).await.unwrap_err();
    assert_eq!(fault, TurnFault::Unopenable(run(5).as_str().to_owned()));
    assert_eq!(provider.epochs().await.unwrap().len(), 2);
    assert!(keys.status(&tenant()).await.unwrap().unfinished);
    assert_eq!(
        keys.found(&tenant(), &run(1)).await.unwrap().as_ref(),
        Some(&before[0])
    );
    book.destroy(&tenant(), &run(5)).await.unwrap();
    turned(&keys, &[]).await.unwrap();
    check(&provider, &book, &before, &[], "mended").await;
}

#[tokio::test]
async fn keys_move_from_one_provider_to_the_next_and_the_former_one_is_destroyed() {
    let dir = tempfile::tempdir().unwrap();
    let former: Arc<dyn KeyProvider> =
        Arc::new(FileKeys::create(dir.path(), Timestamp::from_micros(1)).unwrap());
    let book: Arc<dyn KeyBook> = Arc::new(MemoryKeyBook::default());
    let before = made(&keys(Arc::clone(&former), Arc::clone(&book))).await;
    let inner: Arc<dyn KeyProvider> =
        Arc::new(FileKeys::ephemeral(Arc::new(SystemEntropy)).unwrap());
    let next: Arc<dyn KeyProvider> = Arc::new(faulty::Elsewhere(inner));
    let both: Arc<dyn KeyProvider> =
        Arc::new(Succession::new(Arc::clone(&former), Arc::clone(&next)).unwrap());
    let moving = keys(Arc::clone(&both), Arc::clone(&book));
    for (name, key) in names().iter().zip(&before) {
        assert_eq!(
            moving.found(&tenant(), name).await.unwrap().as_ref(),
            Some(key)
        );
    }
    let turn = turned(&moving, &[]).await.unwrap();
    assert_eq!(turn.cause(), crate::administration::RotationCause::Provider);
    assert!(!FileKeys::exists(dir.path()), "the key file is gone");
    check(&next, &book, &before, &[], "moved").await;
    assert!(Succession::new(Arc::clone(&next), next).is_err());
}
