//! A server under test, its standard error kept, and requests to it that are exactly what somebody typed.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use serde_json::Value;

use super::town::Town;

/// A server, and where it is.
pub(crate) struct Served {
    child: Child,
    pub(crate) address: String,
    output: BufReader<std::process::ChildStdout>,
}

impl Served {
    /// Starts the server over a town's data, with its bundle deployed.
    pub(crate) fn start(town: &Town) -> Self {
        let arguments = [
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--json",
            "--bundle",
            &town.bundle,
        ];
        let log = std::fs::File::create(town.place.home().join("server.log")).unwrap();
        let mut child = town
            .place
            .command(&arguments)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap();
        Self {
            child,
            address: said["listening"].as_str().unwrap().to_owned(),
            output,
        }
    }

    /// One request; everything that was answered, head and body.
    pub(crate) fn ask(&self, head: &str, body: &str) -> Vec<u8> {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let (address, length) = (&self.address, body.len());
        let head = format!(
            "{head}\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        let mut answer = Vec::new();
        // A server that refuses a head may close before it has read the body.
        let _ = stream.read_to_end(&mut answer);
        answer
    }

    /// Asks it to stop, and gives what it printed and logged.
    pub(crate) fn stop(mut self, town: &Town) -> Vec<(String, Vec<u8>)> {
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
        self.child.wait().unwrap();
        let mut printed = Vec::new();
        self.output.read_to_end(&mut printed).unwrap();
        let log = std::fs::read(town.place.home().join("server.log")).unwrap();
        assert!(!log.is_empty());
        vec![
            ("standard output of the server".to_owned(), printed),
            ("standard error of the server".to_owned(), log),
        ]
    }
}
