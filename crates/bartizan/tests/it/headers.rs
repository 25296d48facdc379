//! What crosses the gate in headers: nothing that is not on a list, in either direction.

use std::collections::BTreeSet;
use std::time::Duration;

use credential::Limits;
use testkit::{Client, Reply};

use crate::scene::{self, Scene, call, streamed};

/// What callers send about themselves, or would like the provider to read.
const CLIENT_HEADERS: [(&str, &str); 25] = [
    ("x-bartizan-identity", "spoofed"),
    ("x-tenant", "spoofed"),
    ("x-tenant-id", "spoofed"),
    ("x-user-id", "spoofed"),
    ("x-team-id", "spoofed"),
    ("x-bartizan-internal", "spoofed"),
    ("x-forwarded-for", "203.0.113.7"),
    ("x-forwarded-host", "spoofed"),
    ("x-forwarded-proto", "https"),
    ("x-real-ip", "203.0.113.7"),
    ("forwarded", "for=203.0.113.7"),
    ("via", "1.1 spoofed"),
    ("cookie", "session=spoofed"),
    ("proxy-authorization", "Basic c3Bvb2ZlZA=="),
    ("openai-organization", "org-spoofed"),
    ("openai-project", "proj-spoofed"),
    ("api-key", "spoofed"),
    ("x-goog-api-key", "spoofed"),
    ("referer", "https://spoofed.example"),
    ("origin", "https://spoofed.example"),
    ("user-agent", "spoofed/1.0"),
    ("x-request-id", "spoofed"),
    ("x-stainless-lang", "spoofed"),
    ("x-original-url", "/admin"),
    ("x-http-method-override", "DELETE"),
];

/// All that a provider may be sent.
const TO_PROVIDER: [&str; 10] = [
    "host",
    "content-type",
    "content-length",
    "user-agent",
    "accept",
    "authorization",
    "x-api-key",
    "anthropic-version",
    "anthropic-beta",
    "traceparent",
];

/// All that a caller may be sent.
const TO_CLIENT: [&str; 12] = [
    "content-type",
    "content-length",
    "transfer-encoding",
    "cache-control",
    "date",
    "connection",
    "retry-after",
    "x-request-id",
    "request-id",
    "x-refusal-code",
    "www-authenticate",
    "x-should-retry",
];

fn dressed(client: Client) -> Client {
    CLIENT_HEADERS
        .iter()
        .fold(client, |client, (name, value)| client.header(name, value))
}

#[tokio::test]
async fn anp_0024_agp_budget_2_1_what_callers_claim_never_reaches_the_provider() {
    let scene = Scene::with("").await;
    let client = dressed(scene.client())
        .header("anthropic-beta", "tools-2024-04-04")
        .header(
            "traceparent",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        );
    for (path, model) in [
        ("/v1/chat/completions", "m-oa"),
        ("/v1/chat/completions", "m-an"),
        ("/v1/messages", "m-oa"),
        ("/v1/messages", "m-an"),
    ] {
        for body in [call(model), streamed(model)] {
            scene.provider.forget_requests();
            let live = client.stream(path, &body).await;
            assert_eq!(live.status, 200, "{path} {model}");
            let (_, broken) = live.pieces().await;
            assert_eq!(broken, None);
            let received = &scene.provider.requests()[0];
            for (name, value) in &received.headers {
                assert!(
                    TO_PROVIDER.contains(&name.to_ascii_lowercase().as_str()),
                    "{path} {model}: {name}: {value}"
                );
                assert!(
                    !value.contains("spoofed") && !value.contains("203.0.113.7"),
                    "{name}: {value}"
                );
                assert!(!value.contains(&scene.key), "{name} carries the caller's key");
            }
            let (openai, anthropic) = (received.header("authorization"), received.header("x-api-key"));
            match model {
                "m-oa" => assert_eq!(
                    (openai, anthropic),
                    (
                        Some(format!("Bearer {}", scene::openai_credential()).as_str()),
                        None
                    )
                ),
                _ => assert_eq!(
                    (openai, anthropic),
                    (None, Some(scene::anthropic_credential().as_str()))
                ),
            }
            let agent = received.header("user-agent").unwrap();
            assert!(agent.starts_with("bartizan/"), "{agent}");
        }
    }
}

#[tokio::test]
async fn anp_0024_what_providers_say_in_headers_stays_with_the_gate() {
    let scene = Scene::with("").await;
    let leaky = |reply: Reply| {
        [
            ("server", "leaky/9"),
            ("set-cookie", "__cf_bm=leaky; path=/"),
            ("openai-organization", "org-leaky"),
            ("openai-version", "2020-10-01"),
            ("openai-processing-ms", "12"),
            ("x-internal-host", "leaky.internal"),
            ("x-request-id", "req_leaky"),
            ("request-id", "req_leaky"),
            ("cf-ray", "leaky"),
            ("via", "1.1 leaky"),
            ("x-powered-by", "leaky"),
            ("x-ratelimit-remaining-requests", "leaky"),
            ("anthropic-ratelimit-requests-remaining", "leaky"),
            ("anthropic-organization-id", "leaky"),
            ("www-authenticate", "leaky"),
            ("strict-transport-security", "leaky"),
            ("link", "<http://leaky>"),
        ]
        .iter()
        .fold(reply, |reply, (name, value)| reply.header(name, value))
    };
    let answers = [
        leaky(Reply::usual()),
        leaky(Reply::error(400, "no")),
        leaky(Reply::error(429, "no")),
        leaky(Reply::redirect(302, "http://leaky")),
    ];
    for (at, reply) in answers.into_iter().enumerate() {
        scene.provider.script("*", reply);
        for (path, model) in [
            ("/v1/chat/completions", "m-oa"),
            ("/v1/messages", "m-oa"),
            ("/v1/messages", "m-an"),
        ] {
            for body in [call(model), streamed(model)] {
                let live = scene.client().stream(path, &body).await;
                let names: BTreeSet<&str> = live.headers.keys().map(http::HeaderName::as_str).collect();
                for name in names {
                    assert!(TO_CLIENT.contains(&name), "reply {at}, {path} {model}: {name}");
                }
                for (name, value) in &live.headers {
                    assert!(
                        !value.to_str().unwrap().contains("leaky"),
                        "reply {at}: {name}: {value:?}"
                    );
                }
                let id = live.headers["x-request-id"].to_str().unwrap().to_owned();
                assert!(id.starts_with("req_"), "{id}");
                assert_eq!(
                    path == "/v1/messages",
                    live.headers
                        .get("request-id")
                        .is_some_and(|other| other.to_str().unwrap() == id)
                );
                live.pieces().await;
            }
        }
    }
}

#[tokio::test]
async fn request_ids_are_ours_and_never_repeat() {
    let scene = Scene::with("").await;
    let mut ids = BTreeSet::new();
    for _ in 0..20 {
        let client = scene.client().header("x-request-id", "mine");
        for answer in [
            client.get("/v1/models").await,
            client.get("/nowhere").await,
            scene.gate.data().get("/v1/models").await,
        ] {
            assert!(ids.insert(answer.header("x-request-id").unwrap().to_owned()));
        }
    }
    assert!(!ids.contains("mine"));
}

#[tokio::test]
async fn rate_headers_are_what_each_dialects_clients_read() {
    let scene = Scene::with("").await;
    let limits = Limits {
        requests_per_minute: Some(60),
        tokens_per_minute: Some(100_000),
        ..Limits::default()
    };
    let key = scene.new_key(|key| key.limits = limits).await;
    let client = scene.gate.data().bearer(&key);
    let number = |text: Option<&str>| text.unwrap_or_else(|| panic!("missing")).parse::<u64>().unwrap();

    let first = client.post("/v1/chat/completions", &call("m-oa")).await;
    let second = client.post("/v1/chat/completions", &call("m-oa")).await;
    assert_eq!(number(first.header("x-ratelimit-limit-requests")), 60);
    assert_eq!(number(first.header("x-ratelimit-limit-tokens")), 100_000);
    let left = |answer: &testkit::Answer| number(answer.header("x-ratelimit-remaining-requests"));
    assert!(
        left(&first) < 60 && left(&second) <= left(&first),
        "{} then {}",
        left(&first),
        left(&second)
    );
    for name in ["x-ratelimit-reset-requests", "x-ratelimit-reset-tokens"] {
        let value = first.header(name).unwrap();
        assert!(
            value
                .strip_suffix("ms")
                .is_some_and(|ms| ms.parse::<u64>().is_ok_and(|ms| ms <= 60_000)),
            "{value}"
        );
    }
    assert!(
        first
            .headers
            .keys()
            .all(|name| !name.as_str().starts_with("anthropic-"))
    );

    let answer = client.post("/v1/messages", &call("m-an")).await;
    assert_eq!(number(answer.header("anthropic-ratelimit-requests-limit")), 60);
    assert!(number(answer.header("anthropic-ratelimit-requests-remaining")) < 60);
    assert_eq!(number(answer.header("anthropic-ratelimit-tokens-limit")), 100_000);
    for name in [
        "anthropic-ratelimit-requests-reset",
        "anthropic-ratelimit-tokens-reset",
    ] {
        let time: jiff::Timestamp = answer.header(name).unwrap().parse().unwrap();
        let away = time.as_second() - jiff::Timestamp::now().as_second();
        assert!((0..=61).contains(&away), "{away}");
    }
    assert!(
        answer
            .headers
            .keys()
            .all(|name| !name.as_str().starts_with("x-ratelimit-"))
    );
    let none = scene.client().post("/v1/messages", &call("m-an")).await;
    assert!(
        none.headers
            .keys()
            .all(|name| !name.as_str().contains("ratelimit")),
        "no limit, no header"
    );
}

/// Above the limit both dialects are told when to come back, and coming back then works.
#[tokio::test]
async fn anp_0004_a_refused_caller_that_waits_as_told_is_served() {
    let scene = Scene::with("").await;
    let limits = Limits {
        requests_per_minute: Some(60),
        ..Limits::default()
    };
    let key = scene.new_key(|key| key.limits = limits).await;
    let client = scene.gate.data().bearer(&key);
    let mut refused = None;
    for _ in 0..130 {
        let answer = client.post("/v1/messages", &call("m-an")).await;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("a limit");
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait));
    assert_eq!(
        refused
            .header("anthropic-ratelimit-requests-remaining")
            .unwrap_or("0"),
        "0"
    );
    tokio::time::sleep(Duration::from_secs(wait)).await;
    assert_eq!(client.post("/v1/messages", &call("m-an")).await.status, 200);
}
