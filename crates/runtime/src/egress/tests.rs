//! The rules of the way out, tried from outside: lists, addresses, redirects, rebinding, bounds and time.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Mutex;
use std::time::Duration;

use super::loopback::{Loopback, Reply, answer, json, loopback_only, way_out};
use super::*;

fn get<'a>(url: &'a str, allow: &'a Allow) -> Outbound<'a> {
    Outbound {
        method: Method::GET,
        url,
        headers: vec![
            OutHeader::plain("x-plain", "1").unwrap(),
            OutHeader::credential("authorization", "Bearer s3cret").unwrap(),
        ],
        body: None,
        allow,
        timeout: Duration::from_secs(5),
        body_bytes_max: 100,
    }
}

fn post<'a>(url: &'a str, allow: &'a Allow) -> Outbound<'a> {
    Outbound {
        method: Method::POST,
        body: Some(("application/json", b"{\"a\":1}".to_vec())),
        ..get(url, allow)
    }
}

fn failed(fault: CallFault, known: EffectKnown) -> (CallFault, EffectKnown) {
    (fault, known)
}

async fn check(call: Outbound<'_>, expected: Result<u16, (CallFault, EffectKnown)>) {
    let url = call.url.to_owned();
    let ended = way_out().send(call).await;
    let ended = ended
        .map(|answer| answer.status)
        .map_err(|failure| (failure.fault, failure.known));
    assert_eq!(ended, expected, "{url}");
}

fn list(hosts: &[&str], private: bool) -> Allow {
    Allow::new(hosts.iter().map(|host| (*host).to_owned()), private).unwrap()
}

#[tokio::test]
async fn nothing_leaves_for_a_url_that_is_not_listed_and_permitted() {
    let refused = failed(CallFault::Egress, EffectKnown::NotPerformed);
    let meta = list(
        &["169.254.169.254", "127.0.0.1", "::1", "::ffff:127.0.0.1"].map(|h| {
            // A mapped address is spelled in hexadecimal by URLs.
            if h.starts_with("::ffff") {
                "::ffff:7f00:1"
            } else {
                h
            }
        }),
        false,
    );
    for url in [
        "https://example.org/",
        "https://169.254.169.254/latest/meta-data",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "http://127.0.0.1/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "https://user@127.0.0.1/",
        "not a url",
    ] {
        check(get(url, &meta), Err(refused)).await;
    }
    let inside = list(
        &["169.254.169.254", "1.1.1.1", "localhost", "127.0.0.1"],
        true,
    );
    for url in [
        "http://169.254.169.254/",
        "https://169.254.169.254/",
        // Without TLS only private addresses are reached.
        "http://1.1.1.1/",
        "http://localhost./",
        "http://LOCALHOST.evil.example/",
        "http://127.0.0.1.nip.example/",
        "http://u:p@127.0.0.1/",
    ] {
        check(get(url, &inside), Err(refused)).await;
    }
    let localhost = list(&["localhost"], false);
    check(get("https://localhost/", &localhost), Err(refused)).await;
}

#[test]
fn a_list_holds_hosts_in_their_one_spelling() {
    for bad in [
        "Example.org",
        "example.org.",
        "example.org:443",
        "a/b",
        "2130706433",
        "0x7f.1",
        "",
        "exämple.org",
        "*",
    ] {
        let made = Allow::new([bad.to_owned()], false);
        assert!(made.is_err(), "{bad}");
    }
    assert!(
        Allow::new(
            [
                "[::1]".to_owned(),
                "::1".to_owned(),
                "api.example.org".to_owned()
            ],
            true
        )
        .is_ok()
    );
}

#[tokio::test]
async fn an_answer_of_any_status_is_an_answer() {
    let server = Loopback::start(vec![json(200, "{}"), json(503, "{}")]).await;
    let allow = loopback_only();
    let url = server.url("/a?b=c");
    check(post(&url, &allow), Ok(200)).await;
    check(get(&url, &allow), Ok(503)).await;
    let asked = server.asked();
    assert!(
        asked[0].starts_with("POST /a?b=c HTTP/1.1\r\n"),
        "{asked:?}"
    );
    assert!(
        asked[0].ends_with("\r\n\r\n{\"a\":1}")
            && asked[0].contains("content-type: application/json")
    );
    assert!(asked[0].contains("Bearer s3cret"));
}

#[tokio::test]
async fn what_may_have_been_sent_is_unknown_and_what_was_not_is_not_performed() {
    let allow = loopback_only();
    let closed = Loopback::start(vec![]).await;
    let url = closed.url("/");
    tokio::time::sleep(Duration::from_millis(20)).await;
    check(
        post(&url, &allow),
        Err(failed(CallFault::Unavailable, EffectKnown::NotPerformed)),
    )
    .await;
    let slow = Duration::from_secs(2);
    let unknown = EffectKnown::Unknown;
    let server = Loopback::start(vec![
        Reply::Silence(Duration::ZERO),
        Reply::Raw("HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\ncut".to_owned()),
        json(200, &"x".repeat(101)),
        Reply::Raw(format!(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n65\r\n{}\r\n0\r\n\r\n",
            "x".repeat(101)
        )),
        Reply::Raw("no http at all\r\n\r\n".to_owned()),
        Reply::Silence(slow),
    ])
    .await;
    let url = server.url("/");
    for fault in [
        CallFault::Unavailable,
        CallFault::Unavailable,
        CallFault::Malformed,
        CallFault::Malformed,
        CallFault::Unavailable,
    ] {
        check(post(&url, &allow), Err(failed(fault, unknown))).await;
    }
    let hurried = Outbound {
        timeout: Duration::from_millis(200),
        ..post(&url, &allow)
    };
    check(hurried, Err(failed(CallFault::Timeout, unknown))).await;
}

fn redirect(status: u16, to: &str) -> Reply {
    answer(status, &format!("location: {to}\r\n"), "")
}

#[tokio::test]
async fn every_redirect_is_decided_again() {
    let allow = loopback_only();
    let refused = Err(failed(CallFault::Egress, EffectKnown::Unknown));
    for to in [
        "http://169.254.169.254/latest/meta-data/",
        "http://example.org/",
        "http://[::ffff:127.0.0.1]/",
        "http://0xa9fea9fe/",
        "http://localhost/",
        "file:///etc/passwd",
    ] {
        let server = Loopback::start(vec![redirect(302, to)]).await;
        check(get(&server.url("/"), &allow), refused).await;
    }
    let server = Loopback::start((0..5).map(|_| redirect(302, "/again")).collect()).await;
    check(get(&server.url("/"), &allow), refused).await;
    assert_eq!(server.asked().len(), usize::from(limits::REDIRECTS_MAX) + 1);
    let server = Loopback::start(vec![answer(302, "", "")]).await;
    check(
        get(&server.url("/"), &allow),
        Err(failed(CallFault::Malformed, EffectKnown::Unknown)),
    )
    .await;
}

#[tokio::test]
async fn credentials_stay_with_their_origin_and_bodies_with_their_method() {
    let allow = loopback_only();
    let other = Loopback::start(vec![json(200, "{}"), json(200, "{}")]).await;
    let server = Loopback::start(vec![
        redirect(302, "/same"),
        redirect(307, &other.url("/other")),
        redirect(308, &other.url("/body")),
        redirect(301, "/moved"),
        redirect(303, "/see"),
    ])
    .await;
    // One hop stays on the origin, the next leaves it.
    check(get(&server.url("/"), &allow), Ok(200)).await;
    check(post(&server.url("/"), &allow), Ok(200)).await;
    let asked = server.asked();
    assert!(asked[1].starts_with("GET /same") && asked[1].contains("s3cret"));
    let left = other.asked();
    assert!(
        left[0].contains("x-plain: 1") && !left[0].contains("s3cret"),
        "{left:?}"
    );
    assert!(
        left[1].starts_with("POST /body")
            && left[1].ends_with("{\"a\":1}")
            && !left[1].contains("s3cret")
    );
    for _ in [301, 303] {
        check(
            post(&server.url("/"), &allow),
            Err(failed(CallFault::Rejected, EffectKnown::Unknown)),
        )
        .await;
    }
}

/// Answers each look-up with the next list.
struct Rebinding(Mutex<Vec<Vec<IpAddr>>>);

#[async_trait::async_trait]
impl Lookup for Rebinding {
    async fn lookup(&self, _host: &str) -> std::io::Result<Vec<IpAddr>> {
        let mut lists = self.0.lock().unwrap();
        if lists.is_empty() {
            Err(std::io::ErrorKind::NotFound.into())
        } else {
            Ok(lists.remove(0))
        }
    }
}

#[tokio::test]
async fn the_connection_goes_to_the_address_that_was_checked() {
    let (checked, other) = (Ipv4Addr::new(127, 0, 0, 21), Ipv4Addr::new(127, 0, 0, 22));
    let good = Loopback::start_at(checked.into(), 0, vec![json(200, "{}")]).await;
    let evil = Loopback::start_at(other.into(), good.address.port(), vec![json(200, "{}")]).await;
    let metadata: IpAddr = Ipv4Addr::new(169, 254, 169, 254).into();
    let public: IpAddr = Ipv4Addr::new(1, 1, 1, 1).into();
    let lookup = Arc::new(Rebinding(Mutex::new(vec![
        vec![checked.into()],
        vec![metadata],
        vec![other.into(), metadata],
        // Public first, then loopback: a call that stays outside refuses both spellings of the trick.
        vec![public, other.into()],
        vec![other.into()],
    ])));
    let egress = Egress::with_lookup(&EgressOptions::default(), lookup.clone()).unwrap();
    let inside = list(&["rebind.example"], true);
    let url = format!("http://rebind.example:{}/", good.address.port());
    assert_eq!(egress.send(get(&url, &inside)).await.unwrap().status, 200);
    let outside = list(&["rebind.example"], false);
    for (url, allow) in [
        (url.as_str(), &inside),
        (url.as_str(), &inside),
        ("https://rebind.example/", &outside),
        ("https://rebind.example/", &outside),
    ] {
        let failure = egress.send(get(url, allow)).await.unwrap_err();
        assert_eq!(
            (failure.fault, failure.known),
            (CallFault::Egress, EffectKnown::NotPerformed)
        );
    }
    assert!(
        lookup.0.lock().unwrap().is_empty(),
        "one look-up for each call"
    );
    assert_eq!((good.asked().len(), evil.asked().len()), (1, 0));
    // A name that cannot be resolved was not called.
    let failure = egress.send(get(&url, &inside)).await.unwrap_err();
    assert_eq!(
        (failure.fault, failure.known),
        (CallFault::Unavailable, EffectKnown::NotPerformed)
    );
}

#[test]
fn secrets_are_in_no_debug_text() {
    let header = OutHeader::credential("authorization", "Bearer s3cret").unwrap();
    assert!(!format!("{header:?}").contains("s3cret"));
    let allow = loopback_only();
    assert!(!format!("{:?}", get("https://x/", &allow)).contains("s3cret"));
}

#[test]
fn a_file_of_authorities_that_is_none_stops_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ca.pem");
    for content in [
        "",
        "not pem",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        std::fs::write(&path, content).unwrap();
        assert!(
            Egress::new(&EgressOptions {
                ca_file: Some(path.clone())
            })
            .is_err(),
            "{content}"
        );
    }
}
