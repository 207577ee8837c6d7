//! A real listener: where it may listen, that it answers and stops, and that heads are bounded on the wire.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use interlock_server::{Exposure, ServeFault, serve};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::world::World;

#[tokio::test]
async fn beyond_loopback_it_refuses_unless_tls_is_in_front() {
    let world = World::of("clean").await;
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let fault = serve(
        Arc::clone(&world.engine),
        listener,
        Exposure::Loopback,
        async {},
    )
    .await
    .unwrap_err();
    assert!(matches!(fault, ServeFault::Exposed(_)));
    assert!(fault.hint().unwrap().contains("--behind-tls"));
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    serve(
        Arc::clone(&world.engine),
        listener,
        Exposure::BehindTls,
        async {},
    )
    .await
    .unwrap();
}

#[tokio::test]
async fn it_answers_drives_and_stops() {
    let world = World::of("clean").await;
    let key = world.service("owner", &["requester"]).await;
    let (address, stop, server) = up(&world).await;
    let body = json!({"bundle": "incident-summary", "input": {"case_id": "CASE-1042"}}).to_string();
    let said = talk(address, &format!(
        "POST /api/v1/runs HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )).await;
    assert!(said.starts_with("HTTP/1.1 202"), "{said}");
    assert!(!said.to_lowercase().contains("\r\nserver:"));
    let waiting = async {
        loop {
            if !world.get("/api/v1/reviews", &key).await.json()["reviews"]
                .as_array()
                .unwrap()
                .is_empty()
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting)
        .await
        .expect("the run is driven to its review");
    // A live stream and an idle connection do not keep it from stopping.
    let run = world.get("/api/v1/runs", &key).await.json()["runs"][0]["run"]
        .as_str()
        .unwrap()
        .to_owned();
    let _idle = TcpStream::connect(address).await.unwrap();
    let mut live = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /api/v1/runs/{run}/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n\r\n"
    );
    live.write_all(request.as_bytes()).await.unwrap();
    let mut first = [0u8; 12];
    live.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(5), server)
        .await
        .expect("it stops")
        .unwrap();
    assert!(
        TcpStream::connect(address).await.is_err(),
        "nobody listens any more"
    );
}

#[tokio::test]
async fn heads_are_bounded_on_the_wire() {
    let world = World::of("clean").await;
    let (address, stop, server) = up(&world).await;
    for (head, status) in [
        ("x: y\r\n".repeat(64), "431"),
        ("x: y\r\n".repeat(500), "431"),
        (format!("x: {}\r\n", "y".repeat(20 * 1024)), "431"),
        (format!("x: {}\r\n", "y".repeat(200 * 1024)), "431"),
        ("content-length: 5\r\ncontent-length: 6\r\n".to_owned(), "4"),
    ] {
        let shown: String = head.chars().take(30).collect();
        let said = talk(
            address,
            &format!("GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{head}\r\n"),
        )
        .await;
        // Where the other end has closed with more on the way, the answer may be lost with the connection.
        assert!(
            said.is_empty() || said.starts_with(&format!("HTTP/1.1 {status}")),
            "{shown} {said}"
        );
    }
    let said = talk(
        address,
        "GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
    stop.send(()).unwrap();
    server.await.unwrap();
}

async fn up(world: &World) -> (SocketAddr, oneshot::Sender<()>, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let engine = Arc::clone(&world.engine);
    let server = tokio::spawn(async move {
        serve(engine, listener, Exposure::Loopback, async {
            stopped.await.unwrap()
        })
        .await
        .unwrap();
    });
    (address, stop, server)
}

async fn talk(address: SocketAddr, text: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let _ = stream.write_all(text.as_bytes()).await;
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said).await;
    String::from_utf8_lossy(&said).into_owned()
}
