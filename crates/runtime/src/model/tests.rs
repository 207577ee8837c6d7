//! Two ways to speak to a model, held against a server that answers well, badly, late and not at all.

use std::path::Path;

use interlock_core::id::{EnvironmentName, SecretName};
use interlock_core::pipeline::model::{Stop, Usage};
use serde_json::json;

use super::anthropic::Anthropic;
use super::compatible::Compatible;
use super::*;
use crate::clock::{FixedClock, SystemEntropy};
use crate::config::Config;
use crate::egress::loopback::{Loopback, Reply, answer, json as json_answer, way_out};
use crate::keys::FileKeys;
use crate::secret::Secret;

/// The configuration of one endpoint at this address.
fn config(provider: &str, perimeter: &str, base_url: &str) -> Config {
    let text = format!(
        r#"
        environment = "test"
        [[endpoint]]
        name = "e"
        provider = "{provider}"
        base_url = "{base_url}"
        model = "m"
        perimeter = "{perimeter}"
        region = "eu"
        clearance = "internal"
        categories = ["any"]
        secret = "secret://key"
        timeout_seconds = 1
        allow_private = true
        [prices.m]
        input = 2000000
        cached = 200000
        output = 10000000
        "#
    );
    Config::parse(&text, "interlock.toml").unwrap()
}

async fn secrets(directory: &Path, kept: bool) -> Arc<SecretStore> {
    let key = Arc::new(FileKeys::ephemeral(Arc::new(SystemEntropy)).unwrap());
    let store = SecretStore::new(directory, EnvironmentName::parse("test").unwrap(), key);
    if kept {
        store
            .set(&SecretName::parse("key").unwrap(), &Secret::new("s3cret"))
            .await
            .unwrap();
    }
    Arc::new(store)
}

async fn ask_with(config: &Config, kept: bool) -> Result<ModelReply, ModelFailure> {
    let directory = tempfile::tempdir().unwrap();
    // 2026-11-20T23:59:59Z
    let clock: Arc<dyn Clock> = Arc::new(FixedClock::at(
        interlock_core::time::Timestamp::from_micros(1_795_219_199_000_000),
    ));
    let endpoint = config.endpoints.values().next().unwrap();
    let secrets = secrets(directory.path(), kept).await;
    let reached = Reached::new(
        endpoint,
        config.prices.clone(),
        &Arc::new(way_out()),
        &secrets,
        &clock,
    )
    .unwrap();
    let prompt = PromptText {
        system: "the system".to_owned(),
        user: "the user".to_owned(),
    };
    let schema = json!({
        "type": "object", "required": ["outcome"], "additionalProperties": false,
        "properties": {"outcome": {"type": "string", "minLength": 1, "maxLength": 90}},
    });
    let question = Question {
        prompt: &prompt,
        schema: &schema,
        output_tokens_max: 77,
    };
    match endpoint.provider {
        Provider::Anthropic => Anthropic::new(reached).unwrap().ask(question).await,
        Provider::Compatible | Provider::Scripted => Compatible::new(reached).ask(question).await,
    }
}

async fn ask(provider: &str, server: &Loopback) -> Result<ModelReply, ModelFailure> {
    ask_with(&config(provider, "inside", &server.url("")), true).await
}

fn message(stop: &str) -> String {
    json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m-1",
        "content": [
            {"type": "thinking", "thinking": "hidden", "signature": "x"},
            {"type": "text", "text": "{\"outcome\":"},
            {"type": "brand_new", "text": {"not": "text"}},
            {"type": "text", "text": "\"a\"}", "citations": null},
        ],
        "stop_reason": stop, "stop_sequence": null, "stop_details": null,
        "usage": {
            "input_tokens": 100, "output_tokens": 10, "cache_creation_input_tokens": 20,
            "cache_read_input_tokens": 30, "service_tier": "standard",
        },
    })
    .to_string()
}

#[tokio::test]
async fn a_message_is_asked_and_read_as_the_api_says() {
    let headers = "content-type: application/json\r\nrequest-id: req_1\r\n";
    let server = Loopback::start(vec![answer(200, headers, &message("end_turn"))]).await;
    let reply = ask("anthropic", &server).await.unwrap();
    assert_eq!(
        (reply.text.as_str(), reply.stop),
        ("{\"outcome\":\"a\"}", Stop::End)
    );
    assert_eq!(
        (reply.request_id.as_deref(), reply.model.as_deref()),
        (Some("req_1"), Some("m-1"))
    );
    // 120 plain at 2, 30 cached at 0.2, 10 written at 10 millionths each.
    let usage = Usage {
        input_tokens: 150,
        cached_tokens: 30,
        output_tokens: 10,
        cost_micros: Some(240 + 6 + 100),
    };
    assert_eq!(reply.usage, usage);
    let asked = server.asked();
    let (head, body) = asked[0].split_once("\r\n\r\n").unwrap();
    for part in [
        "POST /v1/messages HTTP/1.1\r\n",
        "anthropic-version: 2026-10-21",
        "authorization: Bearer s3cret",
    ] {
        assert!(head.contains(part), "{part}: {head}");
    }
    let body: Value = serde_json::from_str(body).unwrap();
    let expected = json!({
        "model": "m", "max_tokens": 77, "system": "the system",
        "messages": [{"role": "user", "content": "the user"}],
        "output_config": {"format": {"type": "json_schema", "schema": {
            "type": "object", "required": ["outcome"], "additionalProperties": false,
            "properties": {"outcome": {"type": "string"}},
        }}},
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn every_stop_reason_has_its_meaning() {
    for (reason, expected) in [
        ("end_turn", Stop::End),
        ("stop_sequence", Stop::End),
        ("max_tokens", Stop::Length),
        ("model_context_window_exceeded", Stop::Length),
        ("refusal", Stop::Refusal),
        ("tool_use", Stop::Other),
        ("pause_turn", Stop::Other),
        ("brand_new", Stop::Other),
    ] {
        let server = Loopback::start(vec![json_answer(200, &message(reason))]).await;
        assert_eq!(
            ask("anthropic", &server).await.unwrap().stop,
            expected,
            "{reason}"
        );
    }
}

/// An answer, its fault, its status, the wait that it asks for.
type Row = (Reply, CallFault, Option<u16>, Option<u64>);

fn answered() -> Vec<Row> {
    use CallFault::{Credential, Rejected, Timeout, Unavailable};
    let error = "{\"type\":\"error\",\"error\":{\"type\":\"t\",\"message\":\"canary\"}}";
    let limited = "content-type: application/json\r\nretry-after: 7\r\n";
    let hurried = "content-type: application/json\r\nretry-after: 7\r\nretry-after-ms: 70\r\n";
    let dated = "content-type: application/json\r\nretry-after: Sat, 21 Nov 2026 00:00:04 GMT\r\n";
    vec![
        (json_answer(400, error), Rejected, Some(400), None),
        (json_answer(404, error), Rejected, Some(404), None),
        (json_answer(413, error), Rejected, Some(413), None),
        (json_answer(422, error), Rejected, Some(422), None),
        (json_answer(401, error), Credential, Some(401), None),
        (json_answer(402, error), Credential, Some(402), None),
        (json_answer(403, error), Credential, Some(403), None),
        (json_answer(408, error), Timeout, Some(408), None),
        (json_answer(504, error), Timeout, Some(504), None),
        (json_answer(409, error), Unavailable, Some(409), None),
        (
            answer(429, limited, error),
            Unavailable,
            Some(429),
            Some(7000),
        ),
        (
            answer(429, hurried, error),
            Unavailable,
            Some(429),
            Some(70),
        ),
        (
            answer(503, dated, error),
            Unavailable,
            Some(503),
            Some(5000),
        ),
        (json_answer(500, error), Unavailable, Some(500), None),
        (json_answer(529, error), Unavailable, Some(529), None),
        (
            answer(502, "content-type: text/html\r\n", "<html>"),
            Unavailable,
            Some(502),
            None,
        ),
    ]
}

fn broken() -> Vec<Row> {
    use CallFault::{Malformed, Timeout, Unavailable};
    vec![
        (
            json_answer(200, "{\"content\":"),
            Malformed,
            Some(200),
            None,
        ),
        (
            json_answer(200, "{\"content\":[]}"),
            Malformed,
            Some(200),
            None,
        ),
        (json_answer(200, "[]"), Malformed, Some(200), None),
        (
            answer(200, "content-type: text/html\r\n", "<html>"),
            Malformed,
            Some(200),
            None,
        ),
        (
            answer(307, "location: http://example.org/\r\n", ""),
            CallFault::Egress,
            None,
            None,
        ),
        (
            Reply::Raw(
                "HTTP/1.1 200 OK\r\ncontent-length: 900\r\ncontent-type: application/json\r\n\r\n{"
                    .to_owned(),
            ),
            Unavailable,
            None,
            None,
        ),
        (
            Reply::Silence(std::time::Duration::ZERO),
            Unavailable,
            None,
            None,
        ),
        (
            Reply::Silence(std::time::Duration::from_secs(3)),
            Timeout,
            None,
            None,
        ),
    ]
}

#[tokio::test]
async fn every_fault_has_its_kind_and_repeats_nothing() {
    for (reply, fault, status, wait) in answered().into_iter().chain(broken()) {
        let server = Loopback::start(vec![reply]).await;
        let failure = ask("anthropic", &server).await.unwrap_err();
        let expected = ModelFailure {
            fault,
            status,
            retry_after_millis: wait,
        };
        assert_eq!(failure, expected);
        assert!(!format!("{failure} {failure:?}").contains("canary"));
        assert_eq!(server.asked().len(), 1, "a call is one request");
    }
}

#[tokio::test]
async fn a_reply_over_its_bound_is_none() {
    let text = "x".repeat(interlock_core::limits::REPLY_BYTES_MAX + 1);
    let body = message("end_turn").replace("{\\\"outcome\\\":", &text);
    let server = Loopback::start(vec![json_answer(200, &body)]).await;
    assert_eq!(
        ask("anthropic", &server).await.unwrap_err().fault,
        CallFault::Malformed
    );
}

#[tokio::test]
async fn without_its_secret_nothing_is_sent() {
    let server = Loopback::start(vec![json_answer(200, &message("end_turn"))]).await;
    for provider in ["anthropic", "compatible"] {
        let asked = ask_with(&config(provider, "inside", &server.url("")), false).await;
        assert_eq!(asked, Err(ModelFailure::of(CallFault::Configuration)));
    }
    assert!(server.asked().is_empty());
}

fn completion(finish: &str, refusal: Option<&str>) -> String {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "model": "local",
        "choices": [{
            "index": 0, "finish_reason": finish,
            "message": {"role": "assistant", "content": "{\"outcome\":\"a\"}", "refusal": refusal},
        }],
        "usage": {"prompt_tokens": 50, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 10}},
    })
    .to_string()
}

#[tokio::test]
async fn a_completion_is_asked_and_read_as_servers_do() {
    let server = Loopback::start(vec![json_answer(200, &completion("stop", None))]).await;
    let reply = ask_with(&config("compatible", "inside", &server.url("/v1/")), true)
        .await
        .unwrap();
    assert_eq!(
        (reply.text.as_str(), reply.stop),
        ("{\"outcome\":\"a\"}", Stop::End)
    );
    assert_eq!(
        (reply.request_id.as_deref(), reply.model.as_deref()),
        (Some("chatcmpl-1"), Some("local"))
    );
    let usage = Usage {
        input_tokens: 50,
        cached_tokens: 10,
        output_tokens: 5,
        cost_micros: Some(80 + 2 + 50),
    };
    assert_eq!(reply.usage, usage);
    let asked = server.asked();
    let (head, body) = asked[0].split_once("\r\n\r\n").unwrap();
    assert!(
        head.starts_with("POST /v1/chat/completions HTTP/1.1\r\n")
            && head.contains("Bearer s3cret")
    );
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["temperature"], 0);
    assert_eq!(body["max_tokens"], 77);
    assert_eq!(
        body["messages"][0],
        json!({"role": "system", "content": "the system"})
    );
    let format = &body["response_format"]["json_schema"];
    assert_eq!(format["strict"], true);
    // A server of ours is given the bounds, so that a weak model does not write until it is cut.
    assert_eq!(format["schema"]["properties"]["outcome"]["maxLength"], 90);
    let server = Loopback::start(vec![json_answer(200, &completion("stop", None))]).await;
    ask_with(&config("compatible", "external", &server.url("")), true)
        .await
        .unwrap();
    assert!(!server.asked()[0].contains("maxLength"));
}

#[tokio::test]
async fn every_finish_of_a_completion_has_its_meaning() {
    for (finish, refusal, expected) in [
        ("stop", None, Stop::End),
        ("length", None, Stop::Length),
        ("content_filter", None, Stop::Refusal),
        ("stop", Some("no"), Stop::Refusal),
        ("tool_calls", None, Stop::Other),
    ] {
        let server = Loopback::start(vec![json_answer(200, &completion(finish, refusal))]).await;
        assert_eq!(
            ask("compatible", &server).await.unwrap().stop,
            expected,
            "{finish} {refusal:?}"
        );
    }
    for body in [
        "{\"choices\":[]}",
        "{}",
        "null",
        "{\"error\":{\"code\":500}}",
    ] {
        let server = Loopback::start(vec![json_answer(200, body)]).await;
        assert_eq!(
            ask("compatible", &server).await.unwrap_err().fault,
            CallFault::Malformed,
            "{body}"
        );
    }
}

#[tokio::test]
async fn endpoints_that_cannot_be_reached_stop_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(crate::clock::SystemClock);
    let (egress, secrets) = (Arc::new(way_out()), secrets(directory.path(), false).await);
    for (base_url, good) in [
        ("http://127.0.0.1:1/v1", true),
        ("https://api.example.org", true),
        ("ftp://127.0.0.1", false),
        ("127.0.0.1:1", false),
        ("https://", false),
        ("https://api.example.org/?key=x", false),
        ("https://api.example.org./", false),
    ] {
        let made = Models::from_config(
            &config("compatible", "inside", base_url),
            &egress,
            &secrets,
            &clock,
        );
        assert_eq!(made.is_ok(), good, "{base_url}");
    }
}
