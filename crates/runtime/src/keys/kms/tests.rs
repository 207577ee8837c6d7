//! KMS as moto emulates it: keys bound to their places, epochs as keys of their own, turns over it. That a key which
//! waits for its deletion opens nothing is not tested here: moto still opens it.

use super::*;
use crate::clock::SystemClock;
use crate::keys::tests as keys;
use crate::keys::transit::tests::{egress, free_port, secret_file, serve, tool};
use crate::seal::{KeyBook, MemoryKeyBook};

#[tokio::test]
#[ignore = "needs moto: scripts/strangers"]
async fn stranger_moto_kms_wraps_binds_and_turns_epochs() {
    let Some(moto) = tool("moto_server") else {
        return;
    };
    let port = free_port();
    let _server = serve(
        &moto,
        &[
            "-H".to_owned(),
            "127.0.0.1".to_owned(),
            "-p".to_owned(),
            port.to_string(),
        ],
    );
    let dir = tempfile::tempdir().unwrap();
    let credentials_file = secret_file(
        dir.path(),
        "credentials",
        "[default]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = canary\n",
    );
    let access = KmsAccess {
        region: "eu-central-1".to_owned(),
        endpoint: format!("http://127.0.0.1:{port}"),
        allow_private: false,
        alias: "interlock".to_owned(),
        credentials_file,
        pending_days: 7,
    };
    let kms = || KmsKeys::new(access.clone(), egress(), Arc::new(SystemClock)).unwrap();
    let provider: Arc<dyn KeyProvider> = Arc::new(kms());
    let mut epochs = Err(malformed());
    for _ in 0..100 {
        epochs = provider.epochs().await;
        if epochs.is_ok() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    assert_eq!(epochs.unwrap(), []);
    let place = |name: &str| KeyPlace {
        tenant: Some(keys::tenant()),
        environment: keys::environment(),
        name: name.to_owned(),
    };
    let key: DataKey = Zeroizing::new([7; 32]);
    let wrapped = provider.wrap(&place("run.1"), &key).await.unwrap();
    assert_eq!(wrapped.epoch, 1);
    assert_eq!(
        provider.unwrap(&place("run.1"), &wrapped).await.unwrap(),
        key
    );
    let elsewhere = provider.unwrap(&place("run.2"), &wrapped).await;
    assert_eq!(
        elsewhere,
        Err(ProviderFault::Refused),
        "encryption context mismatch"
    );
    let none = Wrapped::new(ProviderKind::Kms, 9, wrapped.bytes.clone());
    assert_eq!(
        provider.unwrap(&place("run.1"), &none).await,
        Err(ProviderFault::Gone(9))
    );

    let book: Arc<dyn KeyBook> = Arc::new(MemoryKeyBook::default());
    let own = keys::keys(Arc::clone(&provider), Arc::clone(&book));
    let before = keys::made(&own).await;
    let turn = keys::turned(&own, &[]).await.unwrap();
    assert_eq!((turn.before, turn.after, turn.keys), (1, 2, 7));
    // The waiting period is told: only then is a backup beyond everybody's reach.
    let now = crate::clock::Clock::now(&SystemClock);
    let dead_at = Timestamp::from_micros(turn.dead_at.unwrap());
    assert!(dead_at > now.plus_seconds(6 * 86_400) && dead_at < now.plus_seconds(8 * 86_400));
    keys::check(&provider, &book, &before, &[], "rotation").await;
    let gone = [keys::names()[2].clone()];
    let turn = keys::turned(&own, &gone).await.unwrap();
    assert_eq!((turn.before, turn.after, turn.destroyed), (2, 3, 1));
    keys::check(&provider, &book, &before, &gone, "erasure").await;
    let ending = |epoch: &Epoch| matches!(epoch.state, EpochState::Ending { .. });
    let epochs = provider.epochs().await.unwrap();
    assert_eq!(
        epochs.iter().map(ending).collect::<Vec<_>>(),
        [true, true, false]
    );
    assert!(epochs.iter().all(|epoch| epoch.made_at.is_some()));
    // Another process finds the same epochs by their aliases.
    assert_eq!(kms().current().await.unwrap(), 3);
    assert_eq!(kms().new_epoch(2, now).await.unwrap(), 3);
}
