//! A server on loopback for tests: answers each connection with the next prepared bytes and keeps what it was
//! asked. It speaks just enough HTTP to be wrong in every way that a test needs.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{Allow, Egress, EgressOptions};

/// How one connection is answered.
pub(crate) enum Reply {
    /// These bytes, then closed.
    Raw(String),
    /// Nothing for so long, then closed.
    Silence(Duration),
}

/// The bytes of an answer with a body.
pub(crate) fn answer(status: u16, headers: &str, body: &str) -> Reply {
    let length = body.len();
    Reply::Raw(format!(
        "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    ))
}

/// The bytes of a JSON answer.
pub(crate) fn json(status: u16, body: &str) -> Reply {
    answer(status, "content-type: application/json\r\n", body)
}

/// The server.
pub(crate) struct Loopback {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Loopback {
    pub(crate) async fn start(replies: Vec<Reply>) -> Self {
        Self::start_at(Ipv4Addr::LOCALHOST.into(), 0, replies).await
    }

    pub(crate) async fn start_at(ip: IpAddr, port: u16, replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind((ip, port)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        tokio::spawn(async move {
            for reply in replies {
                let (mut stream, _) = listener.accept().await.unwrap();
                let request = read_request(&mut stream).await;
                log.lock().unwrap().push(request);
                match reply {
                    Reply::Raw(bytes) => stream.write_all(bytes.as_bytes()).await.unwrap(),
                    Reply::Silence(time) => tokio::time::sleep(time).await,
                }
            }
        });
        Self { address, asked }
    }

    /// All requests so far, head and body.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// A way out with the system's resolver.
pub(crate) fn way_out() -> Egress {
    Egress::new(&EgressOptions::default()).unwrap()
}

/// Loopback alone, by address.
pub(crate) fn loopback_only() -> Allow {
    Allow::new(["127.0.0.1".to_owned()], true).unwrap()
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).await.unwrap_or(0);
        bytes.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            if read == 0 {
                return text;
            }
            continue;
        };
        let length = head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map_or(0, |(_, value)| value.trim().parse().unwrap());
        if read == 0 || body.len() >= length {
            return text;
        }
    }
}
