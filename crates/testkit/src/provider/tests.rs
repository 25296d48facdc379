//! The provider must be trusted before it can judge anything else.

use super::*;
use crate::client::Client;
use crate::client::raw::{self, End, RawConnection};
use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

const CHAT: &str = "/v1/chat/completions";

async fn provider() -> (ScriptedProvider, Client) {
    let provider = ScriptedProvider::start().await;
    let client = Client::new(provider.address());
    (provider, client)
}

fn post(path: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn usual_chat_answers_in_both_dialects() {
    let (_provider, client) = provider().await;
    let openai = client
        .post(CHAT, &json!({"model": "m", "messages": []}))
        .await
        .json();
    assert_eq!(
        openai["choices"][0]["message"]["content"],
        "Hello from the scripted provider."
    );
    assert_eq!(
        (&openai["model"], &openai["usage"]["total_tokens"]),
        (&json!("m"), &json!(18))
    );
    let anthropic = client
        .post("/v1/messages", &json!({"model": "m", "messages": []}))
        .await
        .json();
    assert_eq!(
        anthropic["content"][0]["text"],
        "Hello from the scripted provider."
    );
    assert_eq!(anthropic["usage"]["output_tokens"], 7);
}

#[tokio::test]
async fn usual_streams_assemble_to_the_same_text() {
    let (_provider, client) = provider().await;
    let (events, broken) = client.stream(CHAT, &json!({"stream": true})).await.events().await;
    assert_eq!(broken, None);
    assert_eq!(events.last().unwrap(), "[DONE]");
    let parsed: Vec<Value> = events
        .iter()
        .filter_map(|event| serde_json::from_str(event).ok())
        .collect();
    let text: String = parsed
        .iter()
        .filter_map(|event| event["choices"][0]["delta"]["content"].as_str())
        .collect();
    assert_eq!(text, "Hello from the scripted provider.");
    assert_eq!(parsed.last().unwrap()["usage"]["prompt_tokens"], 11);

    let (events, _) = client
        .stream("/v1/messages", &json!({"stream": true}))
        .await
        .events()
        .await;
    let parsed: Vec<Value> = events
        .iter()
        .map(|event| serde_json::from_str(event).unwrap())
        .collect();
    let text: String = parsed
        .iter()
        .filter_map(|event| event["delta"]["text"].as_str())
        .collect();
    assert_eq!(text, "Hello from the scripted provider.");
    assert_eq!(parsed[0]["message"]["usage"]["input_tokens"], 11);
}

#[tokio::test]
async fn usage_can_be_missing_or_only_on_request() {
    let (provider, client) = provider().await;
    provider.usage_only_when_asked();
    let with_usage = |events: &[String]| events.iter().any(|event| event.contains("\"usage\""));
    let (events, _) = client.stream(CHAT, &json!({"stream": true})).await.events().await;
    assert!(!with_usage(&events));
    let asking = json!({"stream": true, "stream_options": {"include_usage": true}});
    let (events, _) = client.stream(CHAT, &asking).await.events().await;
    assert!(with_usage(&events));
    provider.script(CHAT, Reply::without_usage());
    let (events, _) = client.stream(CHAT, &asking).await.events().await;
    assert!(!with_usage(&events));
    assert!(client.post(CHAT, &json!({})).await.json().get("usage").is_none());
}

#[tokio::test]
async fn other_endpoints_answer() {
    let (_provider, client) = provider().await;
    let embeddings = client
        .post("/v1/embeddings", &json!({"input": ["a", "b"]}))
        .await
        .json();
    assert_eq!(embeddings["data"].as_array().unwrap().len(), 2);
    let packed = client
        .post(
            "/v1/embeddings",
            &json!({"input": "a", "encoding_format": "base64"}),
        )
        .await
        .json();
    assert!(packed["data"][0]["embedding"].is_string());
    assert_eq!(
        client.get("/v1/models").await.json()["data"][0]["id"],
        "scripted-small"
    );
    let anthropic = client
        .header("anthropic-version", "2023-06-01")
        .get("/v1/models")
        .await
        .json();
    assert_eq!(anthropic["has_more"], false);
    let counted = client.post("/v1/messages/count_tokens", &json!({})).await.json();
    assert_eq!(counted["input_tokens"], 11);
    assert_eq!(
        client.post("/v1/completions", &json!({})).await.json()["object"],
        "text_completion"
    );
    assert_eq!(client.get("/nowhere").await.status, 404);
}

#[tokio::test]
async fn tool_calls_stream_in_partial_json() {
    let (provider, client) = provider().await;
    let arguments = r#"{"city":"Zürich","days":3}"#;
    provider.script("*", Reply::tool_calls(&[("weather", arguments), ("time", "{}")]));
    let (events, _) = client.stream(CHAT, &json!({"stream": true})).await.events().await;
    let parsed: Vec<Value> = events
        .iter()
        .filter_map(|event| serde_json::from_str(event).ok())
        .collect();
    let calls = parsed
        .iter()
        .map(|event| &event["choices"][0]["delta"]["tool_calls"][0]);
    let text: String = calls
        .filter(|call| call["index"] == 0)
        .filter_map(|call| call["function"]["arguments"].as_str())
        .collect();
    assert_eq!(text, arguments);

    let (events, _) = client
        .stream("/v1/messages", &json!({"stream": true}))
        .await
        .events()
        .await;
    let parsed: Vec<Value> = events
        .iter()
        .map(|event| serde_json::from_str(event).unwrap())
        .collect();
    let parts: Vec<&str> = parsed
        .iter()
        .filter(|event| event["index"] == 0)
        .filter_map(|event| event["delta"]["partial_json"].as_str())
        .collect();
    assert_eq!(parts.concat(), arguments);
    assert!(
        parts.len() > 1
            && parts
                .iter()
                .all(|part| serde_json::from_str::<Value>(part).is_err())
    );
}

#[tokio::test]
async fn a_forced_tool_choice_is_obeyed() {
    let (_provider, client) = provider().await;
    let body =
        json!({"tools": [{"type": "function", "function": {"name": "weather"}}], "tool_choice": "required"});
    let answer = client.post(CHAT, &body).await.json();
    assert_eq!(
        answer["choices"][0]["message"]["tool_calls"][0]["function"]["name"],
        "weather"
    );
    let body = json!({"tools": [{"name": "weather"}], "tool_choice": {"type": "any"}});
    let answer = client.post("/v1/messages", &body).await.json();
    assert_eq!(
        (&answer["content"][0]["name"], &answer["stop_reason"]),
        (&json!("weather"), &json!("tool_use"))
    );
}

#[tokio::test]
async fn sequences_play_in_order_and_the_last_stays() {
    let (provider, client) = provider().await;
    provider.script_sequence(
        CHAT,
        [Reply::error(500, "boom"), Reply::too_many(3), Reply::usual()],
    );
    let first = client.post(CHAT, &json!({})).await;
    assert_eq!(
        (first.status, first.json()["error"]["type"].clone()),
        (500, json!("server_error"))
    );
    let second = client.post(CHAT, &json!({})).await;
    assert_eq!((second.status, second.header("retry-after")), (429, Some("3")));
    for _ in 0..2 {
        assert_eq!(client.post(CHAT, &json!({})).await.status, 200);
    }
    assert_eq!(client.post(CHAT, &json!({"model": "fail-503"})).await.status, 503);
}

#[tokio::test]
async fn requests_are_recorded_as_written() {
    let (provider, _) = provider().await;
    let request = "POST /v1/embeddings?a=b HTTP/1.1\r\nHoSt: x\r\nX-Two: 1\r\nx-two: 2\r\n\
        Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\n{\"a\r\n4;x=y\r\n\":1}\r\n0\r\n\r\n";
    let (answer, end) = raw::send(provider.address(), request, Duration::from_secs(2)).await;
    assert_eq!((raw::statuses(&answer), end), (vec![200], End::Closed));
    let seen = provider.requests().remove(0);
    assert_eq!(
        (seen.method.as_str(), seen.path.as_str(), seen.path_only()),
        ("POST", "/v1/embeddings?a=b", "/v1/embeddings")
    );
    assert_eq!(seen.headers[0], ("HoSt".to_owned(), "x".to_owned()));
    assert_eq!(
        seen.headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("x-two"))
            .count(),
        2
    );
    assert_eq!(seen.json(), json!({"a": 1}));
}

#[tokio::test]
async fn a_connection_is_kept_for_pipelined_requests() {
    let (provider, _) = provider().await;
    let two = post(CHAT, "{}") + &post(CHAT, "{}");
    let mut connection = RawConnection::open(provider.address()).await;
    connection.write(two).await;
    let (answer, end) = connection.read(Duration::from_millis(300)).await;
    assert_eq!((raw::statuses(&answer), end), (vec![200, 200], End::StillOpen));
    assert_eq!((provider.connections(), provider.requests().len()), (1, 2));
}

#[tokio::test]
async fn event_streams_keep_their_chunk_boundaries() {
    let (provider, _) = provider().await;
    provider.script(CHAT, Reply::sse([(0, "data: {\"a\""), (20, ":1}\n"), (0, "\n")]));
    let (answer, _) = raw::send(provider.address(), post(CHAT, "{}"), Duration::from_millis(300)).await;
    let text = String::from_utf8(answer).unwrap();
    assert!(
        text.ends_with("a\r\ndata: {\"a\"\r\n4\r\n:1}\n\r\n1\r\n\n\r\n0\r\n\r\n"),
        "{text:?}"
    );
}

#[tokio::test]
async fn cuts_stalls_and_drips() {
    let (provider, client) = provider().await;
    let quick = client.deadline(Duration::from_millis(300));
    for (cut, end) in [(Cut::Fin, End::Closed), (Cut::Rst, End::Reset)] {
        provider.script(CHAT, Reply::usual().cut_after(40, cut));
        let (answer, seen) = raw::send(provider.address(), post(CHAT, "{}"), Duration::from_secs(2)).await;
        let body = answer
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .map(|at| answer.len() - at - 4);
        assert_eq!(seen, end);
        // A reset may overtake the bytes before it.
        assert!(cut == Cut::Rst || body == Some(40), "{body:?}");
    }
    provider.script(CHAT, Reply::usual().stall_after(40));
    let mut live = client.stream(CHAT, &json!({})).await;
    assert_eq!(live.next().await.unwrap().unwrap().bytes.len(), 40);
    assert!(
        tokio::time::timeout(Duration::from_millis(100), live.next())
            .await
            .is_err()
    );
    provider.script(CHAT, Reply::stall_before_head());
    assert_eq!(
        quick.request(Method::POST, CHAT, Bytes::new()).await.unwrap_err(),
        "deadline passed"
    );
    provider.script(CHAT, Reply::hang_up(Cut::Fin));
    assert!(quick.request(Method::POST, CHAT, Bytes::new()).await.is_err());
    provider.script(CHAT, Reply::body(200, "text/plain", "0123456789").drip(3, 10));
    let (pieces, _) = client.stream(CHAT, &json!({})).await.pieces().await;
    assert!(pieces.len() >= 3 && pieces.last().unwrap().after >= Duration::from_millis(30));
}

#[tokio::test]
async fn leaving_early_is_noticed() {
    let (provider, client) = provider().await;
    for reply in [
        Reply::endless_sse("data: {}\n\n", 5),
        Reply::usual().stall_after(10),
    ] {
        provider.script(CHAT, reply);
        let before = provider.abandoned();
        let mut live = client.stream(CHAT, &json!({"stream": true})).await;
        assert!(live.next().await.unwrap().is_ok());
        drop(live);
        let until = Instant::now() + Duration::from_secs(2);
        while provider.abandoned() == before {
            assert!(Instant::now() < until, "nobody noticed");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test]
async fn hostile_bodies() {
    let (provider, client) = provider().await;
    provider.script(CHAT, Reply::garbage());
    assert!(client.request(Method::POST, CHAT, Bytes::new()).await.is_err());
    provider.script(CHAT, Reply::gzip_bomb(64 << 20));
    let bomb = client.post(CHAT, &json!({})).await;
    assert!(bomb.header("content-encoding") == Some("gzip") && bomb.body.len() < 1 << 20);
    provider.script(CHAT, Reply::huge_chunk("text/event-stream", 3 << 20));
    assert_eq!(client.post(CHAT, &json!({})).await.body.len(), 3 << 20);
    provider.script(CHAT, Reply::usual().content_type("text/html"));
    assert_eq!(
        client.post(CHAT, &json!({})).await.header("content-type"),
        Some("text/html")
    );
    provider.script(CHAT, Reply::redirect(307, "http://169.254.169.254/"));
    let elsewhere = client.post(CHAT, &json!({})).await;
    assert_eq!(
        (elsewhere.status, elsewhere.header("location")),
        (307, Some("http://169.254.169.254/"))
    );
    provider.script(CHAT, Reply::usual().claim_length(1 << 20).cut_after(10, Cut::Fin));
    assert!(client.request(Method::POST, CHAT, Bytes::new()).await.is_err());
    provider.script(CHAT, Reply::body(200, "text/plain", "old").until_close());
    assert_eq!(client.post(CHAT, &json!({})).await.text(), "old");
}

#[tokio::test]
async fn echo_and_keys() {
    let (provider, client) = provider().await;
    provider.script("/echo", Reply::echo());
    let echoed = client
        .header("x-secret", "s")
        .post("/echo", &json!({"q": 1}))
        .await
        .json();
    assert!(
        echoed["headers"]
            .as_array()
            .unwrap()
            .contains(&json!(["x-secret", "s"]))
    );
    assert_eq!(echoed["body"], "{\"q\":1}");
    provider.require_key("sk-up");
    assert_eq!(client.post(CHAT, &json!({})).await.status, 401);
    assert_eq!(client.bearer("sk-up").post(CHAT, &json!({})).await.status, 200);
    let anthropic = client
        .header("x-api-key", "sk-up")
        .post("/v1/messages", &json!({}))
        .await;
    assert_eq!(anthropic.status, 200);
}
