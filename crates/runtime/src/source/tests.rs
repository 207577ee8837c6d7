//! Sources, read for real: what is not exactly a plain record of the right kind is a fault.

use interlock_bundle::{FileConnector, FileRoot, HttpConnector, HttpMethod};

use super::*;
use crate::connector::tests::{pattern, site};
use crate::egress::loopback::{Loopback, answer, json as json_answer};

fn file(root: FileRoot, path: &str, output: ReadOutput) -> SourceConnector {
    SourceConnector::File(FileConnector {
        root,
        path: pattern(path),
        output,
    })
}

async fn check(
    site: &Arc<Site>,
    connector: &SourceConnector,
    id: &str,
    expected: Result<Value, CallFault>,
) {
    let files = [("data/a.json".to_owned(), b"{\"n\":1}".to_vec())].into();
    let query = json!({"id": id});
    assert_eq!(
        read(connector, &query, 1000, &files, site).await,
        expected,
        "{id}"
    );
}

#[tokio::test]
async fn a_bundles_file_is_read_as_it_was_loaded() {
    let directory = tempfile::tempdir().unwrap();
    let site = Arc::new(Site::offline(directory.path()));
    let connector = file(FileRoot::Bundle, "data/{id}.json", ReadOutput::Json);
    check(&site, &connector, "a", Ok(json!({"n": 1}))).await;
    for missing in ["b", "..", "../data/a", ".a", "a/../a", ""] {
        check(&site, &connector, missing, Err(CallFault::Rejected)).await;
    }
    let lines = file(FileRoot::Bundle, "data/{id}.json", ReadOutput::Lines);
    check(
        &site,
        &lines,
        "a",
        Ok(json!({"lines": [{"number": 1, "text": "{\"n\":1}"}]})),
    )
    .await;
    let outside = file(
        FileRoot::Operator("logs".to_owned()),
        "{id}",
        ReadOutput::Lines,
    );
    check(&site, &outside, "a", Err(CallFault::Configuration)).await;
}

#[tokio::test]
async fn an_operators_folder_is_never_left() {
    let directory = tempfile::tempdir().unwrap();
    let site = Arc::new(site(directory.path()));
    let logs = directory.path().join("logs");
    std::fs::create_dir_all(logs.join("sub")).unwrap();
    std::fs::write(directory.path().join("outside"), "no").unwrap();
    std::fs::write(logs.join("good"), "one\r\ntwo \u{e4}\n").unwrap();
    std::fs::write(logs.join("sub/good"), "three").unwrap();
    std::fs::write(logs.join("binary"), [0xff, 0xfe]).unwrap();
    std::fs::write(logs.join("nul"), "a\0b").unwrap();
    std::fs::write(logs.join("large"), vec![b'a'; limits::SOURCE_BYTES_MAX + 1]).unwrap();
    std::os::unix::fs::symlink("../outside", logs.join("link")).unwrap();
    std::os::unix::fs::symlink("..", logs.join("up")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        logs.join("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    let root = || FileRoot::Operator("logs".to_owned());
    let lines = |texts: &[&str]| {
        let lines = texts
            .iter()
            .zip(1..)
            .map(|(text, number)| json!({"number": number, "text": text}));
        Ok(json!({"lines": lines.collect::<Vec<_>>()}))
    };
    let connector = file(root(), "{id}", ReadOutput::Lines);
    check(&site, &connector, "good", lines(&["one", "two \u{e4}"])).await;
    for (name, fault) in [
        ("link", CallFault::Rejected),
        ("sub", CallFault::Rejected),
        ("pipe", CallFault::Rejected),
        ("missing", CallFault::Rejected),
        ("binary", CallFault::Malformed),
        ("nul", CallFault::Malformed),
        ("large", CallFault::Malformed),
    ] {
        check(&site, &connector, name, Err(fault)).await;
    }
    check(
        &site,
        &file(root(), "sub/{id}", ReadOutput::Lines),
        "good",
        lines(&["three"]),
    )
    .await;
    check(
        &site,
        &file(root(), "up/{id}", ReadOutput::Lines),
        "outside",
        Err(CallFault::Rejected),
    )
    .await;
    check(
        &site,
        &file(root(), "{id}", ReadOutput::Json),
        "good",
        Err(CallFault::Malformed),
    )
    .await;
}

#[tokio::test]
async fn an_http_source_answers_in_json_or_not_at_all() {
    let directory = tempfile::tempdir().unwrap();
    let site = Arc::new(site(directory.path()));
    let server = Loopback::start(vec![
        json_answer(200, "{\"n\":1}"),
        answer(200, "content-type: text/html\r\n", "{}"),
        json_answer(200, "{\"n\":"),
        json_answer(404, "{}"),
        json_answer(403, "{}"),
        json_answer(500, "{}"),
        json_answer(429, "{}"),
        answer(302, "location: http://169.254.169.254/\r\n", ""),
    ])
    .await;
    let connector = SourceConnector::Http(HttpConnector {
        method: HttpMethod::Get,
        url: pattern(&format!(
            "http://${{setting.host}}:{}/cases/{{id}}",
            server.address.port()
        )),
        hosts: vec![pattern("${setting.host}")],
        allow_private: true,
        headers: std::collections::BTreeMap::new(),
        idempotency_header: None,
        status_url: None,
    });
    check(&site, &connector, "a/b", Ok(json!({"n": 1}))).await;
    assert!(
        server.asked()[0].starts_with("GET /cases/a%2Fb HTTP/1.1"),
        "{:?}",
        server.asked()
    );
    for fault in [
        CallFault::Malformed,
        CallFault::Malformed,
        CallFault::Rejected,
        CallFault::Credential,
        CallFault::Unavailable,
        CallFault::Unavailable,
        CallFault::Egress,
    ] {
        check(&site, &connector, "x", Err(fault)).await;
    }
    check(&site, &connector, "..", Err(CallFault::Rejected)).await;
    let offline = Arc::new(Site::offline(directory.path()));
    check(&offline, &connector, "x", Err(CallFault::Configuration)).await;
}
