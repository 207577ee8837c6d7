//! Publication with nothing wrong, with every write failing both ways, and with a death at every step.

use proptest::prelude::*;

use super::world::{Fate, World};

/// Writes of one publication: the guard's, then the store's.
const WRITES: i64 = 2;

#[tokio::test]
async fn a_log_is_published_as_it_grows() {
    let mut world = World::new();
    assert!(world.publish().await.unwrap().is_none(), "nothing is there");
    let mut size = 0;
    for count in [1, 1, 254, 1, 255, 300, 2000] {
        world.append(count as usize, count).await;
        size += count;
        let published = world.publish().await.unwrap().unwrap();
        assert_eq!(published.size, size);
        assert!(world.publish().await.unwrap().is_none());
        world.check(size).await;
        world.press.check().await.unwrap();
    }
}

#[tokio::test]
async fn a_backlog_is_published_in_steps() {
    let mut world = World::new();
    world.press.step_entries = 300;
    world.append(0, 1000).await;
    assert_eq!(world.publish().await.unwrap().unwrap().size, 1000);
    assert_eq!(world.store.signed.lock().unwrap().len(), 4);
    world.check(1000).await;
}

#[tokio::test]
async fn every_write_fails_both_ways() {
    for fate in [Fate::NotMade, Fate::MadeWithError] {
        for write in 1..=WRITES {
            let mut world = World::new();
            world.append(0, 300).await;
            world.publish().await.unwrap();
            world.append(1, 10).await;
            world.plan.at(write, fate);
            let first = world.publish().await;
            assert_eq!(
                first.is_ok(),
                fate == Fate::MadeWithError,
                "{write} {fate:?}"
            );
            world.append(2, 7).await;
            world.publish().await.unwrap();
            world.check(317).await;
        }
    }
}

#[tokio::test]
async fn attack_51_a_kill_at_each_step_of_signing_and_publishing_is_redone() {
    for fate in [Fate::DiesBefore, Fate::DiesAfter] {
        for write in 1..=WRITES {
            for more in [0, 9] {
                let mut world = World::new();
                world.append(0, 255).await;
                world.publish().await.unwrap();
                world.append(1, 3).await;
                world.plan.at(write, fate);
                world.publish().await.unwrap_err();
                world.restart();
                world.append(2, more).await;
                world.press.check().await.unwrap();
                world.publish().await.unwrap();
                world.check(258 + more).await;
            }
        }
    }
}

#[tokio::test]
async fn the_same_tree_is_signed_with_the_same_bytes() {
    let mut world = World::new();
    world.append(0, 40).await;
    world.plan.at(2, Fate::DiesBefore);
    world.publish().await.unwrap_err();
    world.restart();
    world.clock.advance_seconds(60);
    let published = world.publish().await.unwrap().unwrap();
    let signed = world.store.signed.lock().unwrap().clone();
    assert_eq!(signed.len(), 2);
    assert_eq!(signed[0], signed[1]);
    assert_eq!(signed[1], published.checkpoint);
    let guarded = world.guard.held.lock().unwrap().clone().unwrap();
    assert_eq!(
        published.at, guarded.at,
        "when it was allowed, not when it was redone"
    );
}

#[derive(Debug, Clone)]
enum Step {
    Append { run: usize, count: u64 },
    Publish,
    Fail { write: i64, fate: Fate },
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let fate = prop_oneof![
        Just(Fate::NotMade),
        Just(Fate::MadeWithError),
        Just(Fate::DiesBefore),
        Just(Fate::DiesAfter),
    ];
    prop_oneof![
        (0..3usize, 1..400u64).prop_map(|(run, count)| Step::Append { run, count }),
        Just(Step::Publish),
        (1..4i64, fate).prop_map(|(write, fate)| Step::Fail { write, fate }),
        Just(Step::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn no_two_checkpoints_contradict_each_other(
        steps in proptest::collection::vec(step(), 1..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new();
            let mut acknowledged = 1;
            world.append(0, 1).await;
            for step in steps {
                match step {
                    Step::Append { run, count } => {
                        world.append(run, count).await;
                        acknowledged += count;
                    }
                    Step::Publish => {
                        if let Err(fault) = world.publish().await {
                            assert!(fault.refusal().is_none(), "{fault}");
                        }
                    }
                    Step::Fail { write, fate } => world.plan.at(write, fate),
                    Step::Restart => world.restart(),
                }
            }
            world.restart();
            world.publish().await.unwrap();
            world.check(acknowledged).await;
        });
    }
}
