//! Tools, called for real: what is sent, what each end says of the effect, and that a key is applied once.

use interlock_bundle::{
    CommandConnector, CommandInput, HeaderValue, HttpConnector, HttpMethod, LedgerConnector,
    ReadOutput,
};
use interlock_core::id::SecretName;
use interlock_core::pipeline::tool::canonical_json;
use serde_json::json;
use zeroize::Zeroizing;

use super::*;
use crate::connector::tests::{pattern, site};
use crate::egress::loopback::{Loopback, Reply, answer, json as json_answer};

fn performing<'a>(arguments: &'a Value, key: &'a str) -> Performing<'a> {
    Performing {
        arguments,
        key,
        grant: "grant_1",
        run: "run_1",
        act: "act_0",
        marks: None,
        timeout_millis: 500,
    }
}

fn http(method: HttpMethod, server: &Loopback) -> ToolConnector {
    ToolConnector::Http(HttpConnector {
        method,
        url: pattern(&server.url("/cases/{case_id}")),
        hosts: vec![pattern("127.0.0.1")],
        allow_private: true,
        headers: [(
            "authorization".to_owned(),
            HeaderValue::Secret {
                prefix: "Bearer ".to_owned(),
                name: SecretName::parse("token").unwrap(),
            },
        )]
        .into(),
        idempotency_header: Some("Idempotency-Key".to_owned()),
        status_url: None,
    })
}

#[tokio::test]
async fn a_request_carries_arguments_key_grant_and_secret() {
    let directory = tempfile::tempdir().unwrap();
    let site = Arc::new(site(directory.path()));
    let server = Loopback::start(vec![
        json_answer(201, "{\"receipt\":\"R-1\"}"),
        json_answer(200, "{}"),
    ])
    .await;
    let arguments = json!({"case_id": "a b", "amount": 3});
    let done = perform(
        &http(HttpMethod::Post, &server),
        &performing(&arguments, "act_1"),
        &site,
    )
    .await;
    assert_eq!(done, Ok(json!({"receipt": "R-1"})));
    let got = perform(
        &http(HttpMethod::Get, &server),
        &performing(&arguments, "act_2"),
        &site,
    )
    .await;
    assert_eq!(got, Ok(json!({})));
    let asked = server.asked();
    for part in [
        "POST /cases/a%20b HTTP/1.1\r\n",
        "authorization: Bearer s3cret\r\n",
        "idempotency-key: act_1\r\n",
        "interlock-grant: grant_1\r\n",
        "\r\n\r\n{\"amount\":3,\"case_id\":\"a b\"}",
    ] {
        assert!(asked[0].contains(part), "{part}: {asked:?}");
    }
    assert!(
        asked[1].starts_with("GET ") && asked[1].ends_with("\r\n\r\n"),
        "{asked:?}"
    );
}

#[tokio::test]
async fn each_end_says_what_is_known_of_the_effect() {
    use CallFault::{Credential, Egress, Malformed, Rejected, Timeout, Unavailable};
    use EffectKnown::{NotPerformed, Unknown};
    let directory = tempfile::tempdir().unwrap();
    let site = Arc::new(site(directory.path()));
    let arguments = json!({"case_id": "x"});
    for (reply, fault, known) in [
        (json_answer(400, "{}"), Rejected, NotPerformed),
        (json_answer(404, "{}"), Rejected, NotPerformed),
        (json_answer(422, "{}"), Rejected, NotPerformed),
        (json_answer(401, "{}"), Credential, NotPerformed),
        (json_answer(403, "{}"), Credential, NotPerformed),
        (json_answer(429, "{}"), Unavailable, NotPerformed),
        (json_answer(408, "{}"), Timeout, Unknown),
        (json_answer(409, "{}"), Unavailable, Unknown),
        (json_answer(500, "{}"), Unavailable, Unknown),
        (json_answer(503, "{}"), Unavailable, Unknown),
        (json_answer(504, "{}"), Timeout, Unknown),
        (json_answer(200, "{\"a\":"), Malformed, Unknown),
        (
            answer(200, "content-type: text/plain\r\n", "{}"),
            Malformed,
            Unknown,
        ),
        (answer(302, "location: /else\r\n", ""), Rejected, Unknown),
        (
            answer(307, "location: http://example.org/\r\n", ""),
            Egress,
            Unknown,
        ),
        (
            Reply::Silence(std::time::Duration::from_secs(1)),
            Timeout,
            Unknown,
        ),
        (
            Reply::Silence(std::time::Duration::ZERO),
            Unavailable,
            Unknown,
        ),
    ] {
        let server = Loopback::start(vec![reply]).await;
        let failed = perform(
            &http(HttpMethod::Post, &server),
            &performing(&arguments, "act_1"),
            &site,
        )
        .await;
        assert_eq!(
            failed,
            Err(ToolFailure { fault, known }),
            "{:?}",
            server.asked()
        );
    }
    let gone = Loopback::start(vec![]).await;
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    let failed = perform(
        &http(HttpMethod::Post, &gone),
        &performing(&arguments, "act_1"),
        &site,
    )
    .await;
    assert_eq!(failed, Err(ToolFailure::not_performed(Unavailable)));
}

#[tokio::test]
async fn nothing_is_called_with_what_is_not_configured() {
    let directory = tempfile::tempdir().unwrap();
    let full = Arc::new(site(directory.path()));
    let server = Loopback::start(vec![json_answer(200, "{}")]).await;
    let arguments = json!({"case_id": "x"});
    let configuration = Err(ToolFailure::not_performed(CallFault::Configuration));
    let ToolConnector::Http(connector) = http(HttpMethod::Post, &server) else {
        unreachable!()
    };
    let unknown_secret = HeaderValue::Secret {
        prefix: String::new(),
        name: SecretName::parse("none").unwrap(),
    };
    let secretless = HttpConnector {
        headers: [("authorization".to_owned(), unknown_secret)].into(),
        ..connector.clone()
    };
    let failed = perform(
        &ToolConnector::Http(secretless),
        &performing(&arguments, "act_1"),
        &full,
    )
    .await;
    assert_eq!(failed, configuration);
    let elsewhere = HttpConnector {
        hosts: vec![pattern("example.org")],
        ..connector.clone()
    };
    let failed = perform(
        &ToolConnector::Http(elsewhere),
        &performing(&arguments, "act_1"),
        &full,
    )
    .await;
    assert_eq!(failed, Err(ToolFailure::not_performed(CallFault::Egress)));
    let public = HttpConnector {
        allow_private: false,
        ..connector.clone()
    };
    let failed = perform(
        &ToolConnector::Http(public),
        &performing(&arguments, "act_1"),
        &full,
    )
    .await;
    assert_eq!(failed, Err(ToolFailure::not_performed(CallFault::Egress)));
    let offline = Arc::new(Site::offline(directory.path()));
    let failed = perform(
        &ToolConnector::Http(connector),
        &performing(&arguments, "act_1"),
        &offline,
    )
    .await;
    assert_eq!(failed, configuration);
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn a_command_is_a_tool() {
    let directory = tempfile::tempdir().unwrap();
    let site = Arc::new(site(directory.path()));
    let command = |output| {
        ToolConnector::Command(CommandConnector {
            argv: vec![pattern("/bin/cat")],
            stdin: CommandInput::Json,
            output,
        })
    };
    let arguments = json!({"case_id": "x"});
    let done = perform(
        &command(ReadOutput::Json),
        &performing(&arguments, "act_1"),
        &site,
    )
    .await;
    assert_eq!(done, Ok(arguments.clone()));
    let lines = perform(
        &command(ReadOutput::Lines),
        &performing(&arguments, "act_1"),
        &site,
    )
    .await;
    assert_eq!(
        lines,
        Ok(json!({"lines": [{"number": 1, "text": "{\"case_id\":\"x\"}"}]}))
    );
}

#[tokio::test]
async fn a_ledger_applies_each_key_once() {
    let directory = tempfile::tempdir().unwrap();
    let site = Arc::new(Site::offline(directory.path()));
    let ledger = ToolConnector::Ledger(LedgerConnector {
        file: "acts.jsonl".to_owned(),
    });
    let path = directory.path().join("ledgers/acts.jsonl");
    let (one, two) = (json!({"n": 1}), json!({"n": 2}));
    let receipt = |text: &str| Ok(json!({"receipt": text}));
    let rejected = Err(ToolFailure::not_performed(CallFault::Rejected));
    for (arguments, key, expected) in [
        (&one, "act_1", receipt("R-1")),
        (&two, "act_2", receipt("R-2")),
        (&one, "act_1", receipt("R-1")),
        (&two, "act_1", rejected),
        (&one, "act_3", receipt("R-3")),
    ] {
        assert_eq!(
            applied(&ledger, arguments, key, &site).await,
            expected,
            "{key}"
        );
    }
    // A line that was torn by a crash was never applied; the next writer removes it.
    let whole = std::fs::read_to_string(&path).unwrap();
    assert_eq!(whole.lines().count(), 3);
    std::fs::write(&path, format!("{whole}{{\"key\":\"act_4\"")).unwrap();
    assert_eq!(applied(&ledger, &one, "act_4", &site).await, receipt("R-4"));
    assert!(std::fs::read_to_string(&path).unwrap().starts_with(&whole));
    // Many at once, each key twice: each is there once.
    let mut calls = tokio::task::JoinSet::new();
    for n in 0..20 {
        let (ledger, site) = (ledger.clone(), Arc::clone(&site));
        calls.spawn(async move {
            let (arguments, key) = (json!({"n": n / 2}), format!("many_{}", n / 2));
            applied(&ledger, &arguments, &key, &site).await.unwrap();
        });
    }
    calls.join_all().await;
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 14);
    // A ledger that somebody edited is not written to.
    std::fs::write(&path, "not json\n").unwrap();
    let damaged = Err(ToolFailure::not_performed(CallFault::Malformed));
    assert_eq!(applied(&ledger, &one, "act_1", &site).await, damaged);
    // One of another form may be of this very act.
    std::fs::write(&path, "{\"arguments\":{\"n\":1},\"key\":\"act_1\"}\n").unwrap();
    assert_eq!(applied(&ledger, &one, "act_1", &site).await, damaged);
    let up = ToolConnector::Ledger(LedgerConnector {
        file: "../acts.jsonl".to_owned(),
    });
    let refused = Err(ToolFailure::not_performed(CallFault::Configuration));
    assert_eq!(applied(&up, &one, "act_1", &site).await, refused);
}

#[tokio::test]
async fn a_ledger_holds_no_content_and_nothing_to_guess_it_by() {
    let directory = tempfile::tempdir().unwrap();
    let site = Arc::new(Site::offline(directory.path()));
    let ledger = ToolConnector::Ledger(LedgerConnector {
        file: "acts.jsonl".to_owned(),
    });
    let arguments = json!({"name": "Ada Canary-7001", "amount": 17});
    let receipt = Ok(json!({"receipt": "R-1"}));
    let once = applied(&ledger, &arguments, "once_Canary-7001", &site).await;
    assert_eq!(once, receipt);
    let line = std::fs::read_to_string(directory.path().join("ledgers/acts.jsonl")).unwrap();
    assert!(!line.contains("Canary") && !line.contains("17,"), "{line}");
    let kept: Value = serde_json::from_str(&line).unwrap();
    let members: Vec<&String> = kept.as_object().unwrap().keys().collect();
    let expected = ["act", "arguments", "at", "key", "receipt", "run"];
    assert_eq!(members, expected, "{line}");
    assert_eq!(
        (&kept["run"], &kept["receipt"]),
        (&json!("run_1"), &json!("R-1"))
    );
    // The mark of the arguments needs the keys of every person; that of the key needs none of them.
    let index = [7; 32].into();
    let (ada, ben) = ([1; 32].into(), [2; 32].into());
    let text = canonical_json(&arguments);
    let of = |people: &[Zeroizing<[u8; 32]>]| marks::marks(&index, people, "act_1", &text);
    let both = [Zeroizing::clone(&ada), Zeroizing::clone(&ben)];
    let all = [of(&[]), of(&[ada]), of(&[ben]), of(&both)];
    let different: std::collections::BTreeSet<&str> =
        all.iter().map(|marks| marks.arguments.as_str()).collect();
    assert_eq!(different.len(), all.len());
    assert!(all.iter().all(|marks| marks.key == all[0].key));
}

/// Through the marks that an engine would make.
async fn applied(
    ledger: &ToolConnector,
    arguments: &Value,
    key: &str,
    site: &Arc<Site>,
) -> Result<Value, ToolFailure> {
    let marks = marks::marks(&[9; 32].into(), &[], key, &canonical_json(arguments));
    let performing = Performing {
        marks: Some(&marks),
        ..performing(arguments, key)
    };
    perform(ledger, &performing, site).await
}
