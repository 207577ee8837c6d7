//! A register behind HTTP on loopback, as a test sees it: which submissions came, with which keys, and which of them
//! it applied. It answers when the test says so.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// More than any submission of the example.
const BODY_BYTES_MAX: u64 = 64 * 1024;

/// One submission as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Submission {
    /// Its idempotency key, where it has one.
    pub(crate) key: Option<String>,
    /// The grant that it names.
    pub(crate) grant: Option<String>,
    /// Its arguments.
    pub(crate) body: String,
}

/// See the module's text. Its thread ends with the process.
pub(crate) struct Target {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Submission>>>,
    arrived: Receiver<()>,
    answers: Option<Sender<()>>,
}

impl Target {
    /// One that answers at once.
    pub(crate) fn prompt() -> std::io::Result<Self> {
        Self::start(true)
    }

    /// One that answers nothing until it is told to.
    pub(crate) fn silent() -> std::io::Result<Self> {
        Self::start(false)
    }

    fn start(prompt: bool) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (tell, arrived) = channel();
        let (answer, held) = channel::<()>();
        let record = Arc::clone(&seen);
        thread::spawn(move || {
            let mut open = prompt;
            for connection in listener.incoming().map_while(Result::ok) {
                let Some(submission) = read(&connection) else {
                    continue;
                };
                let receipt = note(&record, submission);
                let _ = tell.send(());
                // Once told to, it answers for good.
                open = open || held.recv().is_ok();
                let _ = write(&connection, receipt);
            }
        });
        Ok(Self {
            address,
            seen,
            arrived,
            answers: Some(answer),
        })
    }

    /// `127.0.0.1:PORT`
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// Waits until a submission has come that was not waited for yet.
    pub(crate) fn wait(&self) {
        let _ = self.arrived.recv();
    }

    /// From now on it answers, also what came before.
    pub(crate) fn answer(&mut self) {
        if let Some(answers) = self.answers.take() {
            let _ = answers.send(());
        }
    }

    /// What came, in order.
    pub(crate) fn seen(&self) -> Vec<Submission> {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// What it applied: one submission for each key, and each that has none.
    pub(crate) fn applied(&self) -> usize {
        let seen = self.seen();
        let keyed: BTreeMap<_, _> = seen
            .iter()
            .filter_map(|one| Some((one.key.as_ref()?, ())))
            .collect();
        keyed.len() + seen.iter().filter(|one| one.key.is_none()).count()
    }
}

/// Keeps a submission and gives the number of its receipt: the same key has the same.
fn note(seen: &Mutex<Vec<Submission>>, submission: Submission) -> usize {
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    let same = seen
        .iter()
        .position(|one| one.key.is_some() && one.key == submission.key);
    let place = same.unwrap_or(seen.len());
    seen.push(submission);
    place + 1
}

fn read(connection: &TcpStream) -> Option<Submission> {
    let mut reader = BufReader::new(connection);
    let mut line = String::new();
    let mut headers = BTreeMap::new();
    reader.read_line(&mut line).ok()?;
    if !line.starts_with("POST /submissions ") {
        return None;
    }
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length")?.parse::<u64>().ok()?;
    let mut body = String::new();
    reader
        .take(length.min(BODY_BYTES_MAX))
        .read_to_string(&mut body)
        .ok()?;
    Some(Submission {
        key: headers.get("idempotency-key").cloned(),
        grant: headers.get("interlock-grant").cloned(),
        body,
    })
}

fn write(mut connection: &TcpStream, receipt: usize) -> std::io::Result<()> {
    let body = format!("{{\"receipt\":\"R-{receipt}\"}}");
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    connection.write_all(head.as_bytes())?;
    connection.write_all(body.as_bytes())
}
