//! An installation made before there were epochs: everything in it still opens, and its first turn leaves nothing that
//! depends on the old file.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::secret::{Secret, SecretStore};

const ROOT: [u8; 32] = [5; 32];

fn derived(purpose: &str) -> DataKey {
    expand(&ROOT, b"interlock/local-key/v1", purpose.as_bytes())
}

#[tokio::test]
async fn an_installation_of_the_first_form_opens_and_turns() {
    let dir = tempfile::tempdir().unwrap();
    let secrets_dir = dir.path().join("secrets");
    fs::create_dir(dir.path().join("keys")).unwrap();
    fs::create_dir(&secrets_dir).unwrap();
    let file = dir.path().join("keys/local.key");
    fs::write(&file, ROOT).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    // As that version stored them: a data key, a small record, a blind index, a secret.
    let book: Arc<dyn KeyBook> = Arc::new(MemoryKeyBook::default());
    let aad = format!("default/{}", run(1).as_str());
    let page = small::seal(
        &derived("small/data_key"),
        "data_key",
        aad.as_bytes(),
        &[7; 32],
    );
    book.create(&tenant(), &run(1), &page.unwrap())
        .await
        .unwrap();
    let record = small::seal(&derived("small/principal"), "principal", b"prn", b"ann").unwrap();
    let name = interlock_core::id::SecretName::parse("anthropic").unwrap();
    let sealed = small::seal(
        &derived("small/secret"),
        "secret",
        b"test/anthropic",
        b"canary",
    );
    fs::write(secrets_dir.join("anthropic.sealed"), sealed.unwrap()).unwrap();
    let index = aws_lc_rs::hmac::sign(
        &aws_lc_rs::hmac::Key::new(
            aws_lc_rs::hmac::HMAC_SHA256,
            derived("index/subject_name").as_slice(),
        ),
        b"ann",
    );
    let index: String = index.as_ref().iter().map(|b| format!("{b:02x}")).collect();

    for round in 0..3 {
        let provider: Arc<dyn KeyProvider> =
            Arc::new(FileKeys::open(dir.path(), &no_passphrase).unwrap());
        let secrets = Arc::new(SecretStore::new(
            dir.path(),
            environment(),
            Arc::clone(&provider),
        ));
        let keys = Keys::new(KeysParts {
            holders: vec![secrets.clone()],
            ..keys(Arc::clone(&provider), Arc::clone(&book)).parts
        });
        let t = tenant();
        assert_eq!(
            keys.found(&t, &run(1)).await.unwrap().unwrap().as_slice(),
            [7; 32]
        );
        let opened = keys.open_small(&t, "principal", b"prn", &record).await;
        assert_eq!(opened.unwrap().as_slice(), b"ann");
        assert_eq!(
            keys.blind_index(&t, "subject_name", "ann").await.unwrap(),
            index
        );
        assert_eq!(secrets.get(&name).await.unwrap().expose(), "canary");
        let another = interlock_core::id::SecretName::parse("another").unwrap();
        secrets
            .set(&another, &Secret::new("canary two"))
            .await
            .unwrap();
        let turn = turned(&keys, &[]).await.unwrap();
        assert_eq!((turn.before, turn.after), (round + 1, round + 2));
        assert_eq!(secrets.get(&another).await.unwrap().expose(), "canary two");
        // The old file's bytes do not even open what the first turn took over.
        let bytes = fs::read(&file).unwrap();
        assert!(bytes.len() > 32 && !bytes.windows(32).any(|w| w == ROOT));
        assert!(provider.heirloom("small/principal").is_none());
    }
}
