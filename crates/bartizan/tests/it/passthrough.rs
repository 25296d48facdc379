//! Same dialect in and out, nothing to redact: the bytes are the caller's and the provider's own.

use bytes::Bytes;
use http::Method;
use testkit::Reply;

use crate::scene::Scene;

const CHAT: &str = "/v1/chat/completions";
const MESSAGES: &str = "/v1/messages";

/// Bodies as odd as JSON permits; each already says how long its answer may be.
fn requests() -> Vec<(&'static str, String)> {
    let openai = [
        r#"{"model":"m-oa","max_tokens":16,"messages":[{"role":"user","content":"hi"}]}"#,
        "  \n{\t\"zz_unknown\" : {\"deep\":[1,2,{\"x\":null}]} ,\r\n \"messages\":[ {\"content\":\"hi\" , \"role\":\"user\",\"odd\":1e3} ],\"max_completion_tokens\":  16, \"model\" :\"m-oa\"}\n ",
        r#"{"max_tokens":16,"temperature":1.0,"top_p":1E0,"seed":12345678901234567890,"model":"m-oa","messages":[{"role":"user","content":"h\u00e9llo \ud83d\ude00 \/ \" 漢字"}],"metadata":{"a":"b"}}"#,
        r#"{"model":"m-oa","messages":[{"role":"user","content":[{"type":"text","text":"hi","x":0}]}],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"q":{"type":"string"}}},"strict":true}}],"max_tokens":16,"-0":-0.0}"#,
    ];
    let anthropic = [
        r#"{"model":"m-an","max_tokens":16,"messages":[{"role":"user","content":"hi"}]}"#,
        "{ \"max_tokens\":16,\n\"unknown_beta\":[[],{}],\"system\":[{\"type\":\"text\",\"text\":\"be brief\",\"cache_control\":{\"type\":\"ephemeral\"}}],\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"\\u0068i\"}]}],\"model\":\"m-an\" }",
    ];
    openai
        .iter()
        .map(|body| (CHAT, (*body).to_owned()))
        .chain(anthropic.iter().map(|body| (MESSAGES, (*body).to_owned())))
        .collect()
}

#[tokio::test]
async fn agp_t2_request_bytes_reach_the_provider_as_they_came() {
    let scene = Scene::with("").await;
    let client = scene.client().header("content-type", "application/json");
    for (path, body) in requests() {
        scene.provider.forget_requests();
        let answer = client
            .request(Method::POST, path, Bytes::from(body.clone()))
            .await
            .unwrap();
        assert_eq!(answer.status, 200, "{body}: {}", answer.text());
        let received = &scene.provider.requests()[0];
        assert_eq!(received.path, path);
        assert_eq!(String::from_utf8_lossy(&received.body), body);
    }
}

#[tokio::test]
async fn agp_t2_response_bytes_reach_the_caller_as_they_came() {
    let scene = Scene::with("").await;
    let odd_openai = "\n { \"id\":\"x\" ,\"object\":\"chat.completion\",\"zz\":[ 1.50 ,{}],\"choices\":[ {\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"h\\u00e9 \\/ \\ud83d\\ude00 漢\",\"odd\":null},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4,\"total_tokens\":7,\"x_details\":{\"y\":1}} }\r\n";
    let odd_anthropic = "{ \"type\":\"message\",\"id\":\"m\", \"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"h\\u00e9\",\"citations\":null,\"odd\":[]}],\"model\":\"zz\",\"stop_reason\":\"end_turn\",\"usage\":{\"input_tokens\":3,\"output_tokens\":4,\"odd\":1} } \n";
    for (path, model, body) in [(CHAT, "m-oa", odd_openai), (MESSAGES, "m-an", odd_anthropic)] {
        scene
            .provider
            .script("*", Reply::body(200, "application/json", body));
        let answer = scene.client().post(path, &crate::scene::call(model)).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, body));
    }
}

#[tokio::test]
async fn agp_t2_streams_reach_the_caller_byte_for_byte_however_they_are_cut() {
    let scene = Scene::with("").await;
    let openai = "data: {\"id\":\"c\",\"zz\":[1 ,2],\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"h\\u00e9\"}}]}\n\ndata:{\"choices\":[{\"index\":0,\"delta\":{\"content\":\" 漢字 \",\"odd\":{}}}]}\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4,\"total_tokens\":7}}\n\ndata: [DONE]\n\n";
    let anthropic = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"model\":\"x\",\"stop_reason\":null,\"usage\":{\"input_tokens\":3,\"output_tokens\":1}},\"zz\":[ ]}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\nevent: ping\ndata: {\"type\": \"ping\"}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"h\\u00e9 漢\"}}\n\nevent: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":4}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    for (path, model, body) in [(CHAT, "m-oa", openai), (MESSAGES, "m-an", anthropic)] {
        for piece in [1, 7, 64, 100_000] {
            scene
                .provider
                .script("*", Reply::sse([(0, body)]).in_pieces(piece));
            let mut ask = crate::scene::streamed(model);
            if path == CHAT {
                ask["stream_options"] = serde_json::json!({"include_usage": true});
            }
            let live = scene.client().stream(path, &ask).await;
            assert_eq!(live.status, 200);
            let got = live.body().await.unwrap();
            assert_eq!(String::from_utf8_lossy(&got), body, "{path} in pieces of {piece}");
        }
    }
}

/// Where usage has to be asked for, it is spliced in, and nothing else of the body moves; the event that
/// was not asked for is not handed on.
#[tokio::test]
async fn usage_is_asked_for_by_a_splice_and_kept_from_who_did_not_ask() {
    let scene = Scene::with("").await;
    let body = "{ \"zz\" : 1,\"model\":\"m-oa\",\"max_tokens\":16, \"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}] }";
    let client = scene.client().header("content-type", "application/json");
    let answer = client
        .request(Method::POST, CHAT, Bytes::from(body))
        .await
        .unwrap();
    assert_eq!(answer.status, 200);
    assert!(!answer.text().contains("\"usage\":{"), "{}", answer.text());
    assert!(answer.text().ends_with("data: [DONE]\n\n"));
    let received = scene.provider.requests()[0].clone();
    assert_eq!(received.json()["stream_options"]["include_usage"], true);
    let text = String::from_utf8_lossy(&received.body).into_owned();
    let (at, _) = text.match_indices("\"stream_options\"").next().unwrap();
    let kept: String = body.chars().filter(|c| !"{} ,".contains(*c)).collect();
    let sent: String = text.chars().filter(|c| !"{} ,".contains(*c)).collect();
    assert_eq!(
        sent.replace("\"stream_options\":\"include_usage\":true", ""),
        kept,
        "{at}"
    );
}
