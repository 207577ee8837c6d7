//! An open key lives a minute at most, also when nobody asks, and a key destroyed elsewhere opens nothing at once.

use super::*;

#[tokio::test]
async fn an_open_key_is_wiped_in_its_time_also_when_nobody_asks() {
    let provider: Arc<dyn KeyProvider> =
        Arc::new(FileKeys::ephemeral(Arc::new(SystemEntropy)).unwrap());
    let mut keys = keys(provider, Arc::new(MemoryKeyBook::default()));
    let life = std::time::Duration::from_millis(400);
    keys.cache = super::super::Cache::living(life);
    for _ in 0..2 {
        made(&keys).await;
        assert_eq!(keys.cache.count(), names().len());
        tokio::time::sleep(life + life / 4).await;
        assert_eq!(keys.cache.count(), 0);
    }
}

#[tokio::test]
async fn attack_36_another_process_that_has_the_key_open_opens_nothing_after_its_destruction() {
    let provider: Arc<dyn KeyProvider> =
        Arc::new(FileKeys::ephemeral(Arc::new(SystemEntropy)).unwrap());
    let book: Arc<dyn KeyBook> = Arc::new(MemoryKeyBook::default());
    let one = keys(Arc::clone(&provider), Arc::clone(&book));
    let two = keys(Arc::clone(&provider), Arc::clone(&book));
    let before = made(&one).await;
    for (name, key) in names().iter().zip(&before) {
        assert_eq!(
            two.found(&tenant(), name).await.unwrap().as_ref(),
            Some(key)
        );
    }
    turned(&one, &[subject(3)]).await.unwrap();
    assert!(two.found(&tenant(), &subject(3)).await.unwrap().is_none());
    assert!(two.is_gone(&tenant(), &subject(3)).await.unwrap());
    // What was wrapped anew meanwhile opens, and nothing is left under the destroyed epoch.
    assert_eq!(
        two.found(&tenant(), &run(1)).await.unwrap().as_ref(),
        Some(&before[0])
    );
}
