//! Secrets come back in their environment only, and are nowhere in clear.

use super::*;
use crate::clock::SystemEntropy;
use crate::keys::FileKeys;

#[tokio::test]
async fn a_secret_comes_back_in_its_environment_only_and_is_nowhere_in_clear() {
    let dir = tempfile::tempdir().unwrap();
    let provider = Arc::new(FileKeys::ephemeral(Arc::new(SystemEntropy)).unwrap());
    let store = |environment: &str| {
        SecretStore::new(
            dir.path(),
            EnvironmentName::parse(environment).unwrap(),
            provider.clone(),
        )
    };
    let name = SecretName::parse("anthropic").unwrap();
    let test = store("test");
    assert!(matches!(
        test.get(&name).await,
        Err(SecretFault::Missing(_))
    ));
    test.set(&name, &Secret::new(" canary-value\n"))
        .await
        .unwrap();
    assert_eq!(test.get(&name).await.unwrap().expose(), "canary-value");
    test.set(&name, &Secret::new("second")).await.unwrap();
    assert_eq!(test.get(&name).await.unwrap().expose(), "second");
    assert!(store("production").get(&name).await.is_err());
    assert_eq!(test.list().unwrap(), vec![name.clone()]);
    assert_eq!(format!("{:?}", Secret::new("canary-value")), "Secret(..)");
    for file in std::fs::read_dir(dir.path().join("secrets")).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(6).any(|w| w == b"second"));
    }
    assert!(matches!(
        test.set(&name, &Secret::new("")).await,
        Err(SecretFault::Form(_))
    ));
    test.remove(&name).unwrap();
    assert!(matches!(test.remove(&name), Err(SecretFault::Missing(_))));
}
