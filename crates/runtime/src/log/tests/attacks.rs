//! A store and a guard in an attacker's hands, without the signing key: each test names what stops the publication,
//! and that nothing was signed by it.

use interlock_core::time::Timestamp;
use interlock_store::Published;

use super::super::{GuardFault, Guarded, PublishFault, Refusal, publication_lag};
use super::world::{Bent, Fate, World};
use crate::clock::Clock as _;

/// A log of 600 entries, published at 300 and at 600.
async fn published() -> (World, Published) {
    let mut world = World::new();
    world.append(0, 300).await;
    let older = world.publish().await.unwrap().unwrap();
    world.append(1, 300).await;
    world.publish().await.unwrap();
    (world, older)
}

/// Bends the store, appends some more, and expects a refusal that signs nothing.
async fn check(mut world: World, bent: Bent, expected: Refusal) {
    let signed = world.store.signed.lock().unwrap().len();
    let held = world.guard.held.lock().unwrap().clone();
    world.bend(bent);
    world.append(2, 5).await;
    let fault = world.publish().await.unwrap_err();
    assert_eq!(fault.refusal(), Some(&expected), "{fault}");
    assert!(!expected.hint().is_empty());
    assert_eq!(world.store.signed.lock().unwrap().len(), signed);
    assert_eq!(*world.guard.held.lock().unwrap(), held);
}

#[tokio::test]
async fn attack_01_an_edited_entry_is_not_signed() {
    let (world, _) = published().await;
    let bent = Bent {
        flipped_row: Some(602),
        ..Bent::default()
    };
    check(world, bent, Refusal::Row { index: 602 }).await;
}

#[tokio::test]
async fn attack_05_the_last_entries_deleted_under_their_checkpoint() {
    let (world, _) = published().await;
    let bent = Bent {
        cut: Some(590),
        ..Bent::default()
    };
    let expected = Refusal::StoreBehind {
        found: 590,
        signed: 600,
    };
    check(world, bent, expected).await;
}

#[tokio::test]
async fn attack_06_truncated_to_an_older_genuine_checkpoint_is_found_by_the_guard() {
    let (world, older) = published().await;
    let bent = Bent {
        cut: Some(300),
        published: Some(Some(older)),
        ..Bent::default()
    };
    let expected = Refusal::StoreBehind {
        found: 300,
        signed: 600,
    };
    check(world, bent, expected).await;
}

#[tokio::test]
async fn attack_08_entries_that_changed_places_before_their_signature_are_found_by_the_guard() {
    // Both are sequenced and guarded, and their publication died: only the guard knows their order.
    let mut world = World::new();
    world.append(0, 10).await;
    world.plan.at(2, Fate::DiesBefore);
    world.publish().await.unwrap_err();
    world.restart();
    let bent = Bent {
        swapped: Some((4, 5)),
        ..Bent::default()
    };
    check(world, bent, Refusal::Diverged { size: 10 }).await;
}

#[tokio::test]
async fn attack_10_a_flipped_bit_in_a_stored_tile_is_not_built_upon() {
    let (world, _) = published().await;
    let bent = Bent {
        flipped_tile: Some((0, 2)),
        ..Bent::default()
    };
    let expected = Refusal::Tile {
        path: "tile/0/002.p/88".to_owned(),
    };
    check(world, bent, expected).await;
    let (world, _) = published().await;
    world.bend(Bent {
        flipped_tile: Some((1, 0)),
        ..Bent::default()
    });
    let fault = world.press.check().await.unwrap_err();
    assert!(matches!(fault.refusal(), Some(Refusal::Tile { .. })));
}

#[tokio::test]
async fn attack_17_an_older_store_that_grew_again_is_found_by_the_guard() {
    let (world, older) = published().await;
    let bent = Bent {
        published: Some(Some(older)),
        replaced_row: Some(450),
        ..Bent::default()
    };
    check(world, bent, Refusal::Diverged { size: 600 }).await;
}

#[tokio::test]
async fn attack_18_two_signers_cannot_both_advance() {
    let (world, _) = published().await;
    let held = world.guard.held.lock().unwrap().clone().unwrap();
    let next = Guarded {
        size: 601,
        ..held.clone()
    };
    use super::super::Guard as _;
    world.guard.advance(Some(&held), &next).await.unwrap();
    let second = world.guard.advance(Some(&held), &next).await;
    assert!(matches!(second, Err(GuardFault::Moved)));
}

#[tokio::test]
async fn a_guard_that_is_gone_old_or_anothers_signs_nothing() {
    let (world, _) = published().await;
    *world.guard.held.lock().unwrap() = None;
    check(world, Bent::default(), Refusal::GuardMissing).await;

    let (world, older) = published().await;
    world.guard.held.lock().unwrap().as_mut().unwrap().size = older.size;
    let expected = Refusal::GuardBehind {
        guard: 300,
        published: 600,
    };
    check(world, Bent::default(), expected).await;

    let (world, _) = published().await;
    world.guard.held.lock().unwrap().as_mut().unwrap().root = [9; 32];
    check(world, Bent::default(), Refusal::Published { size: 600 }).await;

    let (world, _) = published().await;
    world.guard.held.lock().unwrap().as_mut().unwrap().origin = "x/y".to_owned();
    let expected = Refusal::OtherLog {
        guard: "x/y".to_owned(),
        log: super::world::ORIGIN.to_owned(),
    };
    check(world, Bent::default(), expected).await;
}

#[tokio::test]
async fn attack_53_a_clock_that_goes_back_changes_no_order_and_stops_nothing() {
    let (mut world, _) = published().await;
    let before = world.clock.now();
    world.clock.set(Timestamp::from_micros(5));
    world.append(2, 4).await;
    let published = world.publish().await.unwrap().unwrap();
    assert_eq!(published.size, 604);
    assert!(published.at < before, "what the clock says is not made up");
    world.clock.set(before);
    world.append(0, 1).await;
    world.publish().await.unwrap();
    world.check(605).await;
}

#[tokio::test]
async fn attack_54_writers_go_on_while_publication_stands_and_the_lag_is_told() {
    let (mut world, _) = published().await;
    let lag = async |world: &World| {
        let now = world.clock.now();
        publication_lag(world.store.inner.as_ref(), world.tenant(), now)
            .await
            .unwrap()
    };
    assert_eq!(lag(&world).await.waiting(), 0);
    assert_eq!(lag(&world).await.waiting_micros, 0);
    // The guard's disk is full: nothing is signed, and nobody who writes notices.
    for round in 1..=3u64 {
        world.append(round as usize, 100).await;
        world.plan.at(1, Fate::NotMade);
        let fault = world.publish().await.unwrap_err();
        assert!(matches!(fault, PublishFault::Guard(GuardFault::Io(_))));
        world.clock.advance_seconds(10);
        let told = lag(&world).await;
        assert_eq!((told.published, told.waiting()), (600, 100 * round));
        assert!(told.waiting_micros >= 10_000_000 * round);
    }
    world.restart();
    assert_eq!(world.publish().await.unwrap().unwrap().size, 900);
    world.check(900).await;
    assert_eq!(lag(&world).await.waiting(), 0);
}

#[tokio::test]
async fn attack_58_what_was_acknowledged_is_published_after_any_death() {
    for write in 1..=2 {
        for fate in [Fate::DiesBefore, Fate::DiesAfter] {
            let mut world = World::new();
            let mut acknowledged = 0;
            for count in [3, 250, 10, 600] {
                world.append(0, count).await;
                acknowledged += count;
                world.plan.at(write, fate);
                let _ = world.publish().await;
                world.restart();
            }
            world.publish().await.unwrap();
            world.check(acknowledged).await;
            assert_eq!(world.leaves().await.len() as u64, acknowledged);
        }
    }
}
