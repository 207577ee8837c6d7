//! Killed at every write of a rotation and of a destruction, made and not made: until the end every key opens that is
//! to survive, and asking again finishes it.

use super::faulty::{DyingBook, DyingProvider, Plan};
use super::*;

/// A turn that dies at each write in turn, then is asked for again, also by way of another request first.
async fn killed_everywhere(destroyed: &[KeyName], other_first: bool) {
    for made_it in [false, true] {
        for dies_at in 0.. {
            let dir = tempfile::tempdir().unwrap();
            let provider: Arc<dyn KeyProvider> =
                Arc::new(FileKeys::create(dir.path(), Timestamp::from_micros(1)).unwrap());
            let book: Arc<dyn KeyBook> = Arc::new(MemoryKeyBook::default());
            let before = made(&keys(Arc::clone(&provider), Arc::clone(&book))).await;
            let plan = Plan::new(dies_at, made_it);
            let dying = keys(
                Arc::new(DyingProvider(Arc::clone(&provider), Arc::clone(&plan))),
                Arc::new(DyingBook(Arc::clone(&book), Arc::clone(&plan))),
            );
            let outcome = turned(&dying, destroyed).await;
            let what = format!("died at write {dies_at}, made: {made_it}");
            if outcome.is_ok() {
                assert!(plan.writes() <= dies_at, "{what}");
                assert!(dies_at > 6, "the turn has steps to die at");
                break;
            }
            // Another process, over what is on disk.
            let provider: Arc<dyn KeyProvider> =
                Arc::new(FileKeys::open(dir.path(), &no_passphrase).unwrap());
            let next = keys(Arc::clone(&provider), Arc::clone(&book));
            for (name, key) in names().iter().zip(&before) {
                if !destroyed.contains(name) {
                    let found = next.found(&tenant(), name).await.unwrap();
                    assert_eq!(found.as_ref(), Some(key), "{what}: {}", name.as_str());
                }
            }
            if other_first {
                turned(&next, &[]).await.unwrap();
            }
            let turn = turned(&next, destroyed).await.unwrap();
            assert!(turn.after > turn.before, "{what}");
            check(&provider, &book, &before, destroyed, &what).await;
            let first = Err(ProviderFault::Gone(1));
            let old = Wrapped::new(ProviderKind::File, 1, vec![0; 60]);
            let place = next.place(&tenant(), &names()[0]);
            assert_eq!(provider.unwrap(&place, &old).await, first, "{what}");
        }
    }
}

#[tokio::test]
async fn attack_51_killed_at_every_step_of_a_rotation_loses_no_key_and_resumes() {
    killed_everywhere(&[], false).await;
}

#[tokio::test]
async fn attack_51_killed_at_every_step_of_a_destruction_loses_no_other_key_and_resumes() {
    killed_everywhere(&[subject(3), run(1)], false).await;
}

#[tokio::test]
async fn attack_51_a_destruction_killed_anywhere_and_followed_by_a_rotation_still_destroys() {
    killed_everywhere(&[subject(3), run(1)], true).await;
}
