//! A model on loopback that says what it was told to say: one answer for each question, the last one again and again.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

use serde_json::{Value, json};

/// A port at which nobody answers.
pub(crate) fn silent() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A port at which a model gives these answers.
pub(crate) fn speaking(answers: Vec<Value>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for (turn, stream) in listener.incoming().enumerate() {
            let answer = &answers[turn.min(answers.len() - 1)];
            // A caller that has gone away is the caller's test to fail.
            let _ = stream.and_then(|stream| reply(stream, answer));
        }
    });
    port
}

/// What the incident example's clean case has its model say.
pub(crate) fn clean() -> Value {
    json!({
        "summary": "The account kessler was entered after eleven failed logins and read 412 finance files.",
        "severity": "high",
        "quotes": [{"text": "login of user kessler from 203.0.113.40 accepted after 11 failures"}],
        "rationale": "Many failures followed by a large read.",
    })
}

fn reply(stream: TcpStream, answer: &Value) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap();
        }
    }
    reader.read_exact(&mut vec![0; length])?;
    let content = json!({"outcome": answer}).to_string();
    let body = json!({
        "id": "played", "model": "played",
        "choices": [{"message": {"content": content}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 10},
    })
    .to_string();
    write!(
        reader.into_inner(),
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}
