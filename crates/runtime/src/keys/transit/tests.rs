//! The transit engine of a real OpenBao: keys bound to their places, versions rotated, trimmed and then refused, and whole
//! turns of the epoch over it. And what is refused before anything is called.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::json;

use super::*;
use crate::egress::{Allow, EgressOptions, Outbound};
use crate::keys::tests as keys;
use crate::keys::{DataKey, KeyProvider};
use crate::seal::{KeyBook, KeyName, MemoryKeyBook};

/// A server of this test alone, ended with it.
pub(in crate::keys) struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(in crate::keys) fn egress() -> Arc<Egress> {
    Arc::new(Egress::new(&EgressOptions::default()).unwrap())
}

pub(in crate::keys) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// A stranger's tool; `None` where it could not be installed, which is said.
pub(in crate::keys) fn tool(name: &str) -> Option<PathBuf> {
    let strangers = std::env::var_os("INTERLOCK_STRANGERS");
    let dir = PathBuf::from(strangers.expect("INTERLOCK_STRANGERS names the strangers' tools"));
    let missing = std::fs::read_to_string(dir.join("missing")).unwrap_or_default();
    if missing.lines().any(|line| line == name) {
        println!("{name} could not be installed: not tested");
        return None;
    }
    let path = dir.join("bin").join(name);
    assert!(
        path.exists(),
        "{name} is not there: scripts/strangers installs it"
    );
    Some(path)
}

pub(in crate::keys) fn serve(tool: &Path, arguments: &[String]) -> Server {
    let child = Command::new(tool)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Server(child.unwrap())
}

pub(in crate::keys) fn secret_file(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path
}

/// One administrator's call.
async fn admin(egress: &Egress, url: &str, path: &str, body: serde_json::Value) -> u16 {
    let call = Outbound {
        method: reqwest::Method::POST,
        url: &format!("{url}/v1/{path}"),
        headers: vec![crate::egress::OutHeader::credential("x-vault-token", "root").unwrap()],
        body: Some(("application/json", body.to_string().into_bytes())),
        allow: &Allow::new(["127.0.0.1".to_owned()], true).unwrap(),
        timeout: std::time::Duration::from_secs(5),
        body_bytes_max: 100_000,
    };
    egress.send(call).await.map_or(0, |answer| answer.status)
}

fn access(url: &str, auth: TransitAuth) -> TransitAccess {
    TransitAccess {
        url: url.to_owned(),
        allow_private: false,
        mount: "transit".to_owned(),
        key: "interlock".to_owned(),
        namespace: None,
        auth,
    }
}

/// A policy as docs/keys.md gives it: nothing beyond what is used.
const POLICY: &str = r#"
path "transit/encrypt/interlock" { capabilities = ["update"] }
path "transit/decrypt/interlock" { capabilities = ["update"] }
path "transit/keys/interlock" { capabilities = ["read"] }
path "transit/keys/interlock/rotate" { capabilities = ["update"] }
path "transit/keys/interlock/config" { capabilities = ["update"] }
path "transit/keys/interlock/trim" { capabilities = ["update"] }
"#;

#[tokio::test]
#[ignore = "needs OpenBao: scripts/strangers"]
async fn stranger_openbao_wraps_rotates_trims_and_refuses_what_was_trimmed() {
    let Some(bao) = tool("bao") else { return };
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    let _server = serve(
        &bao,
        &[
            "server".to_owned(),
            "-dev".to_owned(),
            "-dev-no-store-token".to_owned(),
            "-dev-root-token-id=root".to_owned(),
            format!("-dev-listen-address=127.0.0.1:{port}"),
        ],
    );
    let egress = egress();
    let mut mounted = 0;
    for _ in 0..100 {
        mounted = admin(
            &egress,
            &url,
            "sys/mounts/transit",
            json!({"type": "transit"}),
        )
        .await;
        if mounted == 204 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    assert_eq!(mounted, 204, "OpenBao serves");
    assert_eq!(
        admin(&egress, &url, "transit/keys/interlock", json!({})).await,
        200
    );
    for (path, body) in [
        ("sys/policies/acl/interlock", json!({"policy": POLICY})),
        ("sys/auth/approle", json!({"type": "approle"})),
        (
            "auth/approle/role/interlock",
            json!({"token_policies": "interlock", "token_ttl": "60s"}),
        ),
        (
            "auth/approle/role/interlock/role-id",
            json!({"role_id": "interlock"}),
        ),
        (
            "auth/approle/role/interlock/custom-secret-id",
            json!({"secret_id": "a-secret-id"}),
        ),
    ] {
        assert!(
            matches!(admin(&egress, &url, path, body).await, 200 | 204),
            "{path}"
        );
    }
    let dir = tempfile::tempdir().unwrap();
    let approle = |file: &str, text: &str| TransitAuth::AppRole {
        mount: "approle".to_owned(),
        role_id: "interlock".to_owned(),
        secret_id_file: secret_file(dir.path(), file, text),
    };
    let over =
        |auth: TransitAuth| TransitKeys::new(access(&url, auth), Arc::clone(&egress)).unwrap();
    let transit = over(approle("secret-id", "a-secret-id\n"));

    // Bound to its place.
    let place = |name: &str| KeyPlace {
        tenant: Some(keys::tenant()),
        environment: keys::environment(),
        name: name.to_owned(),
    };
    let key: DataKey = Zeroizing::new([7; 32]);
    let wrapped = transit.wrap(&place("run.1"), &key).await.unwrap();
    assert_eq!(wrapped.epoch, 1);
    assert_eq!(
        transit.unwrap(&place("run.1"), &wrapped).await.unwrap(),
        key
    );
    let elsewhere = transit.unwrap(&place("run.2"), &wrapped).await;
    assert_eq!(
        elsewhere,
        Err(ProviderFault::Refused),
        "associated data mismatch"
    );
    let renumbered = Wrapped::new(ProviderKind::Transit, 2, wrapped.bytes.clone());
    assert_eq!(
        transit.unwrap(&place("run.1"), &renumbered).await,
        Err(ProviderFault::Refused)
    );

    // Rotated: both versions open; trimmed: the old one is refused, also with every other right in hand.
    assert_eq!(
        transit
            .new_epoch(1, Timestamp::from_micros(0))
            .await
            .unwrap(),
        2
    );
    assert_eq!(
        transit
            .new_epoch(1, Timestamp::from_micros(0))
            .await
            .unwrap(),
        2
    );
    assert_eq!(
        transit.unwrap(&place("run.1"), &wrapped).await.unwrap(),
        key
    );
    let anew = transit
        .rewrap(&[(place("run.1"), wrapped.clone())])
        .await
        .unwrap();
    assert_eq!(anew[0].epoch, 2);
    for _ in 0..2 {
        assert_eq!(transit.destroy_before(2).await.unwrap(), None);
    }
    let root = over(TransitAuth::TokenFile(secret_file(
        dir.path(),
        "root",
        "root",
    )));
    for by in [&transit, &root] {
        assert_eq!(by.unwrap(&place("run.1"), &anew[0]).await.unwrap(), key);
        let trimmed = by.unwrap(&place("run.1"), &wrapped).await;
        assert_eq!(trimmed, Err(ProviderFault::Gone(1)), "trimmed");
    }
    let back = admin(
        &egress,
        &url,
        "transit/keys/interlock/config",
        json!({"min_decryption_version": 1}),
    );
    assert_eq!(back.await, 400, "a trimmed version cannot be allowed again");

    // Faults are told apart.
    for (provider, says) in [
        (over(approle("other", "another")), "login"),
        (
            over(TransitAuth::TokenFile(secret_file(
                dir.path(),
                "bad",
                "bad",
            ))),
            "token",
        ),
        (
            over(TransitAuth::TokenFile(dir.path().join("none"))),
            "cannot be opened",
        ),
    ] {
        let fault = provider.wrap(&place("run.1"), &key).await.unwrap_err();
        assert!(
            matches!(&fault, ProviderFault::Configuration(text) if text.contains(says)),
            "{fault}"
        );
    }
    let mut missing = access(&url, approle("secret-id", "a-secret-id"));
    missing.key = "none".to_owned();
    let fault = TransitKeys::new(missing, Arc::clone(&egress)).unwrap();
    assert!(fault.epochs().await.is_err());

    // Whole turns over it, a destruction among them.
    let provider: Arc<dyn KeyProvider> = Arc::new(transit);
    let book: Arc<dyn KeyBook> = Arc::new(MemoryKeyBook::default());
    let own = keys::keys(Arc::clone(&provider), Arc::clone(&book));
    let before = keys::made(&own).await;
    let old = book
        .get(&keys::tenant(), &keys::names()[0])
        .await
        .unwrap()
        .unwrap();
    let turn = keys::turned(&own, &[]).await.unwrap();
    assert_eq!((turn.before, turn.after, turn.keys), (2, 3, 7));
    keys::check(&provider, &book, &before, &[], "rotation").await;
    let gone: Vec<KeyName> = keys::names().into_iter().skip(2).take(1).collect();
    let turn = keys::turned(&own, &gone).await.unwrap();
    assert_eq!((turn.before, turn.after, turn.destroyed), (3, 4, 1));
    keys::check(&provider, &book, &before, &gone, "erasure").await;
    // A backup's page of two turns ago, put back: its epoch is beyond reach.
    let page = Wrapped::decode(&old.wrapped).unwrap();
    let opened = provider
        .unwrap(&place(keys::names()[0].as_str()), &page)
        .await;
    assert_eq!(opened, Err(ProviderFault::Gone(2)));
}

#[test]
fn only_tls_or_loopback_is_ever_called() {
    for (url, good) in [
        ("https://bao.internal:8200", true),
        ("http://127.0.0.1:8200", true),
        ("http://[::1]:8200", true),
        ("http://localhost:8200", true),
        ("http://bao.internal:8200", false),
        ("http://10.0.0.1:8200", false),
        ("https://bao.internal/v1", false),
        ("ftp://127.0.0.1", false),
        ("bao", false),
    ] {
        assert_eq!(call::allowed(url, false).is_ok(), good, "{url}");
    }
}

#[tokio::test]
async fn an_engine_that_is_not_there_is_unavailable_and_nothing_is_told_of_the_token() {
    let dir = tempfile::tempdir().unwrap();
    let file = secret_file(dir.path(), "token", "canary");
    let url = format!("http://127.0.0.1:{}", free_port());
    let transit = TransitKeys::new(access(&url, TransitAuth::TokenFile(file.clone())), egress());
    let fault = transit.unwrap().epochs().await.unwrap_err();
    assert!(matches!(fault, ProviderFault::Unavailable(_)), "{fault}");
    assert!(!format!("{fault:?}").contains("canary"));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let transit = TransitKeys::new(access(&url, TransitAuth::TokenFile(file)), egress());
    let fault = transit.unwrap().epochs().await.unwrap_err();
    assert!(matches!(&fault, ProviderFault::Configuration(text) if text.contains("chmod 600")));
}
