//! Traces to a collector that really listens.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use domain::{Money, Operation, RequestId, Secret, Usage};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use telemetry::trace::{CallSpan, SpanStage, TraceParent};
use telemetry::{TelemetryError, Tracer};

/// Requests that came in: head and body.
type Received = Arc<Mutex<Vec<(http::request::Parts, Bytes)>>>;

async fn collector() -> (String, Received) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let received = Received::default();
    let keep = received.clone();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let keep = keep.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let keep = keep.clone();
                async move {
                    let (head, body) = request.into_parts();
                    let body = body.collect().await.unwrap().to_bytes();
                    keep.lock().unwrap().push((head, body));
                    Ok::<_, Infallible>(Response::new(Full::new(Bytes::new())))
                }
            });
            tokio::spawn(
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
            );
        }
    });
    (address, received)
}

const SECRET: &str = "collector-password-canary";

fn span<'c>(stages: &'c [SpanStage], model: &'c str) -> CallSpan<'c> {
    let started = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_305_600);
    CallSpan {
        parent: TraceParent::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        started,
        ended: started + Duration::from_millis(250),
        request: RequestId::from_u128(7),
        operation: Operation::Chat,
        model: Some(model),
        response_model: Some("smollm2-135m"),
        provider: Some("llama"),
        usage: Usage {
            input: 100,
            output: 20,
            cache_read: 3,
            ..Usage::default()
        },
        cost: Money::from_nanos(1234),
        status: 502,
        error: Some("upstream_failed"),
        attempts: 2,
        streamed: true,
        first_token: Some(started + Duration::from_millis(100)),
        stages,
    }
}

async fn stop(tracer: Tracer) {
    tokio::task::spawn_blocking(move || tracer.shutdown(Duration::from_secs(5)))
        .await
        .unwrap();
}

/// Protobuf: field 1 the key, field 2 the value, which has the text in its field 1 or the integer in its field 3.
fn text_attribute(key: &str, value: &str) -> Vec<u8> {
    let text = [&[0x0a, value.len() as u8], value.as_bytes()].concat();
    [
        &[0x0a, key.len() as u8],
        key.as_bytes(),
        &[0x12, text.len() as u8],
        &text,
    ]
    .concat()
}

fn small_attribute(key: &str, value: u8) -> Vec<u8> {
    [&[0x0a, key.len() as u8], key.as_bytes(), &[0x12, 2, 0x18, value]].concat()
}

fn contains(body: &[u8], part: &[u8]) -> bool {
    body.windows(part.len()).any(|window| window == part)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_cred_3_2_a_span_arrives_with_its_attributes_and_no_secret() {
    let (address, received) = collector().await;
    let headers = [("authorization".to_owned(), Secret::new(SECRET))];
    let tracer = Tracer::otlp(
        &address,
        &headers,
        1.0,
        "1.2.3",
        tokio::runtime::Handle::current(),
    )
    .unwrap();
    assert!(tracer.is_on());
    assert!(
        !format!("{tracer:?}").contains(SECRET),
        "the header's value shows in Debug"
    );
    let started = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_305_600);
    let stages = [SpanStage {
        stage: "identify",
        ended: started + Duration::from_micros(5),
    }];
    tracer.record(&span(&stages, "fast"));
    stop(tracer).await;

    let received = received.lock().unwrap();
    let [(head, body)] = received.as_slice() else {
        panic!("{} requests", received.len())
    };
    assert_eq!((head.method.as_str(), head.uri.path()), ("POST", "/v1/traces"));
    assert_eq!(head.headers["content-type"], "application/x-protobuf");
    assert_eq!(
        head.headers["authorization"], SECRET,
        "the collector gets its header"
    );
    for (key, value) in [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.request.model", "fast"),
        ("gen_ai.response.model", "smollm2-135m"),
        ("gen_ai.provider.name", "llama"),
        ("error.type", "upstream_failed"),
        ("bartizan.request.id", "req_00000000000000000000000000000007"),
        ("service.name", "bartizan"),
        ("service.version", "1.2.3"),
    ] {
        assert!(contains(body, &text_attribute(key, value)), "{key}");
    }
    assert!(contains(body, &small_attribute("gen_ai.usage.input_tokens", 103)));
    assert!(contains(body, &small_attribute("gen_ai.usage.output_tokens", 20)));
    assert!(
        contains(
            body,
            &0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736_u128.to_be_bytes()
        ),
        "the caller's trace"
    );
    assert!(
        contains(body, &0x00f0_67aa_0ba9_02b7_u64.to_be_bytes()),
        "the caller's span is the parent"
    );
    assert!(
        contains(body, &1_795_305_600_000_000_000_u64.to_le_bytes()),
        "the start"
    );
    assert!(
        contains(body, &1_795_305_600_250_000_000_u64.to_le_bytes()),
        "the end"
    );
    assert!(contains(body, b"identify") && contains(body, b"first_token"));
    assert!(!contains(body, SECRET.as_bytes()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ratio_is_kept_and_off_is_off() {
    let (address, received) = collector().await;
    let none = Tracer::otlp(&address, &[], 0.0, "1", tokio::runtime::Handle::current()).unwrap();
    none.record(&span(&[], "fast"));
    stop(none).await;
    let off = Tracer::off();
    assert!(!off.is_on());
    off.record(&span(&[], "fast"));
    stop(off).await;
    assert!(received.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_down_delays_nobody() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let runtime = tokio::runtime::Handle::current();
    let tracer = Tracer::otlp(&format!("http://{closed}"), &[], 1.0, "1", runtime).unwrap();
    let began = std::time::Instant::now();
    for _ in 0..10_000 {
        tracer.record(&span(&[], "fast"));
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test]
async fn agp_cred_3_2_bad_endpoints_and_headers_are_refused_without_showing_credentials() {
    let make = |endpoint: &str, headers: &[(String, Secret)]| {
        Tracer::otlp(endpoint, headers, 1.0, "1", tokio::runtime::Handle::current())
            .map(|_| ())
            .unwrap_err()
    };
    for endpoint in ["", "collector:4318", "ftp://collector", "http://"] {
        assert!(
            matches!(make(endpoint, &[]), TelemetryError::Endpoint(_)),
            "{endpoint}"
        );
    }
    let error = make("http://user:canary@collector:4318", &[]).to_string();
    assert!(!error.contains("canary"), "{error}");
    let error = make("http://collector", &[("x".to_owned(), Secret::new("canary\n"))]).to_string();
    assert!(error.contains("`x`") && !error.contains("canary"), "{error}");
}
