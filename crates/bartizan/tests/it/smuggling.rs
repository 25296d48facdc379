//! Messages that two readers could read in two ways, and callers that hold connections: nothing hidden in
//! a message is ever executed, and who is slow costs only itself.

use std::time::{Duration, Instant};

use testkit::client::raw::{self, End, RawConnection};

use crate::scene::{Scene, call};

const SHORT: Duration = Duration::from_millis(1_500);

/// What the gate must do with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Refuse it; the provider sees nothing.
    Refused,
    /// Read it in the one way the standard permits, execute it once, and close.
    OnceThenClosed,
}
use Verdict::{OnceThenClosed, Refused};

/// The body of a good call, and a whole second request that hides behind it.
fn parts(key: &str) -> (String, String) {
    let body = call("m-oa").to_string();
    let hidden = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: hidden\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    (body, hidden)
}

/// Heads, bodies and what must become of them. Every one ends with a hidden second request.
fn corpus(key: &str) -> Vec<(String, Vec<u8>, Verdict)> {
    let (body, hidden) = parts(key);
    let n = body.len();
    let chunked = format!("{n:x}\r\n{body}\r\n0\r\n\r\n");
    let line = "POST /v1/chat/completions HTTP/1.1";
    let base = format!("host: gate\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n");
    let mut all: Vec<(String, Vec<u8>, Verdict)> = Vec::new();
    // Two framings, or one that is none.
    let framings: Vec<(String, &str, Verdict)> = vec![
        (
            format!("content-length: {n}\r\ntransfer-encoding: chunked\r\n"),
            &chunked,
            Refused,
        ),
        (
            format!("transfer-encoding: chunked\r\ncontent-length: {n}\r\n"),
            &chunked,
            Refused,
        ),
        (
            "content-length: 4\r\ntransfer-encoding: chunked\r\n".to_owned(),
            &chunked,
            Refused,
        ),
        (
            "transfer-encoding: chunked\r\n".to_owned(),
            &chunked,
            OnceThenClosed,
        ),
        (
            "transfer-encoding: CHUNKED\r\n".to_owned(),
            &chunked,
            OnceThenClosed,
        ),
        (
            "transfer-encoding:\tchunked\t\r\n".to_owned(),
            &chunked,
            OnceThenClosed,
        ),
        ("transfer-encoding: , chunked\r\n".to_owned(), &chunked, Refused),
        ("transfer-encoding: chunked,\r\n".to_owned(), &chunked, Refused),
        ("transfer-encoding: xchunked\r\n".to_owned(), &chunked, Refused),
        ("transfer-encoding: chunkedx\r\n".to_owned(), &chunked, Refused),
        ("transfer-encoding: \"chunked\"\r\n".to_owned(), &chunked, Refused),
        ("transfer-encoding: x, chunked\r\n".to_owned(), &chunked, Refused),
        (
            "transfer-encoding: chunked, chunked\r\n".to_owned(),
            &chunked,
            Refused,
        ),
        (
            "transfer-encoding: chunked, identity\r\n".to_owned(),
            &chunked,
            Refused,
        ),
        (
            "transfer-encoding: gzip, chunked\r\n".to_owned(),
            &chunked,
            Refused,
        ),
        ("transfer-encoding: identity\r\n".to_owned(), &chunked, Refused),
        ("transfer-encoding: gzip\r\n".to_owned(), &chunked, Refused),
        ("transfer-encoding: chunked;q=1\r\n".to_owned(), &chunked, Refused),
        ("transfer-encoding: chu nked\r\n".to_owned(), &chunked, Refused),
        (
            "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n".to_owned(),
            &chunked,
            Refused,
        ),
        (
            "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n".to_owned(),
            &chunked,
            Refused,
        ),
        (
            "transfer-encoding: identity\r\ntransfer-encoding: chunked\r\n".to_owned(),
            &chunked,
            Refused,
        ),
        ("transfer-encoding:\r\n".to_owned(), &chunked, Refused),
        (
            "transfer-encoding: \u{b}chunked\r\n".to_owned(),
            &chunked,
            Refused,
        ),
        (
            format!("content-length: {n}\r\ncontent-length: {}\r\n", n + 1),
            &body,
            Refused,
        ),
        (
            format!("content-length: {n}\r\ncontent-length: {n}\r\n"),
            &body,
            Refused,
        ),
        (
            format!("content-length: {}\r\ncontent-length: {n}\r\n", n - 1),
            &body,
            Refused,
        ),
        (format!("content-length: {n}, {n}\r\n"), &body, Refused),
        (format!("content-length: +{n}\r\n"), &body, Refused),
        (format!("content-length: -{n}\r\n"), &body, Refused),
        (format!("content-length: 0x{n:x}\r\n"), &body, Refused),
        (format!("content-length: {n}.0\r\n"), &body, Refused),
        (format!("content-length: {n} {n}\r\n"), &body, Refused),
        (format!("content-length: {n}a\r\n"), &body, Refused),
        ("content-length: \r\n".to_owned(), &body, Refused),
        (
            "content-length: 18446744073709551616\r\n".to_owned(),
            &body,
            Refused,
        ),
        (
            "content-length: 99999999999999999999999\r\n".to_owned(),
            &body,
            Refused,
        ),
        (format!("content-length: \u{663}{n}\r\n"), &body, Refused),
    ];
    for (framing, body, verdict) in framings {
        all.push((
            framing.clone(),
            format!("{line}\r\n{base}{framing}\r\n{body}{hidden}").into_bytes(),
            verdict,
        ));
    }
    // Lines that are not quite header lines.
    let good = format!("content-length: {n}\r\n");
    for (odd, what) in [
        (format!("content-length : {n}\r\n"), "space before the colon"),
        (format!("content-length\t: {n}\r\n"), "tab before the colon"),
        (
            format!("transfer-encoding : chunked\r\n{good}"),
            "space before the other colon",
        ),
        (
            format!(" content-length: {n}\r\n"),
            "a line that begins with a space",
        ),
        (format!("{good}x-folded: a\r\n b\r\n"), "a folded line"),
        (
            format!("{good}x-folded: a\r\n\tb\r\n"),
            "a line folded with a tab",
        ),
        (format!("{good}x-odd: a\0b\r\n"), "a null in a value"),
        (format!("{good}x-o\0dd: a\r\n"), "a null in a name"),
        (format!("{good}x odd: a\r\n"), "a space in a name"),
        (format!("{good}: nameless\r\n"), "no name"),
        (format!("{good}no colon here\r\n"), "no colon"),
        (format!("{good}x-odd: a\rb\r\n"), "a bare CR in a value"),
        (format!("{good}x-\u{e9}: a\r\n"), "a name beyond ASCII"),
        (format!("{good}x(odd): a\r\n"), "a name with a separator"),
    ] {
        all.push((
            what.to_owned(),
            format!("{line}\r\n{base}{odd}\r\n{body}{hidden}").into_bytes(),
            Refused,
        ));
    }
    // Request lines.
    for odd in [
        "POST /v1/chat/completions",
        "POST  /v1/chat/completions HTTP/1.1",
        "POST /v1/chat/completions  HTTP/1.1",
        "POST /v1/chat/completions HTTP/1.1 ",
        "POST /v1/chat/completions HTTP/1.2",
        "POST /v1/chat/completions HTTP/2.0",
        "POST /v1/chat/completions HTTP/0.9",
        "POST /v1/chat/completions http/1.1",
        "POST /v1/chat/completions HTTP/11",
        "POST /v1/chat/completions\0 HTTP/1.1",
        "POST /v1/chat\tcompletions HTTP/1.1",
        "PO\0ST /v1/chat/completions HTTP/1.1",
        "post /v1/chat/completions HTTP/1.1",
        "POST v1/chat/completions HTTP/1.1",
        "POST /v1/chat/completions/ HTTP/1.1",
        "POST //v1/chat/completions HTTP/1.1",
        "POST /v1/./chat/completions HTTP/1.1",
        "POST /v1/x/../chat/completions HTTP/1.1",
        "POST /v1/chat%2fcompletions HTTP/1.1",
        "POST /v1/chat/completions%00 HTTP/1.1",
        "POST /V1/chat/completions HTTP/1.1",
        "POST * HTTP/1.1",
        "CONNECT gate:443 HTTP/1.1",
        "TRACE /v1/chat/completions HTTP/1.1",
    ] {
        all.push((
            odd.to_owned(),
            format!("{odd}\r\n{base}{good}\r\n{body}{hidden}").into_bytes(),
            Refused,
        ));
    }
    // Chunks.
    let head = format!("{line}\r\n{base}transfer-encoding: chunked\r\n\r\n");
    for (odd, what) in [
        (format!("{n:x}\n{body}\r\n0\r\n\r\n"), "a bare LF after the size"),
        (
            format!("0x{n:x}\r\n{body}\r\n0\r\n\r\n"),
            "a prefix before the size",
        ),
        (format!("-{n:x}\r\n{body}\r\n0\r\n\r\n"), "a negative size"),
        (format!("+{n:x}\r\n{body}\r\n0\r\n\r\n"), "a plus before the size"),
        (
            format!("1{:x}\r\n{body}\r\n0\r\n\r\n", u64::MAX),
            "a size beyond 64 bits",
        ),
        (
            format!("ffffffffffffffff\r\n{body}\r\n0\r\n\r\n"),
            "the largest size",
        ),
        (
            format!("{n:x};a\nb\r\n{body}\r\n0\r\n\r\n"),
            "a bare LF in an extension",
        ),
        (format!("{n:x}\r\n{body}0\r\n\r\n"), "no end of the chunk"),
        (
            format!("{n:x}\r\n{body}XX0\r\n\r\n"),
            "junk at the end of the chunk",
        ),
        (
            format!("{n:x}\r\n{body}\n0\r\n\r\n"),
            "a bare LF at the end of the chunk",
        ),
        (format!("zz\r\n{body}\r\n0\r\n\r\n"), "no number"),
        (format!("\r\n{body}\r\n0\r\n\r\n"), "no size"),
        (
            format!("{n:x};{}\r\n{body}\r\n0\r\n\r\n", "x".repeat(40_000)),
            "an endless extension",
        ),
    ] {
        all.push((
            what.to_owned(),
            format!("{head}{odd}{hidden}").into_bytes(),
            Refused,
        ));
    }
    // Heads beyond their bounds.
    let many: String = (0..200).map(|at| format!("x-{at}: 1\r\n")).collect();
    all.push((
        "too many headers".to_owned(),
        format!("{line}\r\n{base}{many}{good}\r\n{body}{hidden}").into_bytes(),
        Refused,
    ));
    let long = "x".repeat(100_000);
    all.push((
        "a long header".to_owned(),
        format!("{line}\r\n{base}x-long: {long}\r\n{good}\r\n{body}{hidden}").into_bytes(),
        Refused,
    ));
    all.push((
        "a long path".to_owned(),
        format!("POST /{long} HTTP/1.1\r\n{base}{good}\r\n{body}{hidden}").into_bytes(),
        Refused,
    ));
    // No HTTP at all.
    all.push((
        "TLS".to_owned(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        Refused,
    ));
    all.push((
        "HTTP/2 preface".to_owned(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec(),
        Refused,
    ));
    all.push(("noise".to_owned(), vec![0xff; 4_096], Refused));
    all.push(("HTTP/0.9".to_owned(), b"GET /v1/models\r\n".to_vec(), Refused));
    all
}

#[tokio::test]
async fn anp_0024_what_can_be_read_in_two_ways_is_never_executed_twice() {
    let scene =
        Scene::with("server: { head_timeout_ms: 400, idle_timeout_ms: 400, body_timeout_ms: 400 }\n").await;
    let address = scene.gate.data().address();
    let corpus = corpus(&scene.key);
    assert!(corpus.len() >= 60, "{}", corpus.len());
    for (what, bytes, verdict) in corpus {
        scene.provider.forget_requests();
        let (answer, end) = raw::send(address, &bytes, SHORT).await;
        let statuses = raw::statuses(&answer);
        let seen = scene.provider.requests();
        assert_ne!(
            end,
            End::StillOpen,
            "`{what}` left the connection open: {statuses:?}"
        );
        match verdict {
            OnceThenClosed => {
                assert_eq!((statuses.as_slice(), seen.len()), (&[200][..], 1), "`{what}`");
                assert_eq!(seen[0].body, call("m-oa").to_string(), "`{what}`");
            }
            Refused => {
                assert!(
                    seen.iter()
                        .all(|request| request.body == call("m-oa").to_string()),
                    "`{what}`: {seen:?}"
                );
                // A request that is refused by its head alone may be followed by a second, honest one on the
                // same connection; what was hidden in a broken message may not.
                let honest = statuses.first().is_some_and(|status| [404, 405].contains(status));
                let allowed = usize::from(honest && statuses.len() == 2 && statuses[1] == 200);
                assert!(seen.len() <= allowed, "`{what}` was executed: {statuses:?}");
                assert!(
                    statuses.first().is_none_or(|status| (400..506).contains(status)),
                    "`{what}`: {statuses:?}"
                );
            }
        }
    }
    assert_eq!(
        scene
            .client()
            .post("/v1/chat/completions", &call("m-oa"))
            .await
            .status,
        200,
        "still serving"
    );
}

/// Two lengths, or a length beside a coding, even where they agree: told in the caller's dialect, closed,
/// and found wherever in a connection and in however many pieces the head comes.
#[tokio::test]
async fn anp_0024_two_framings_are_refused_in_words() {
    let scene = Scene::with("").await;
    let (body, honest) = parts(&scene.key);
    let n = body.len();
    for (path, shape) in [
        ("/v1/chat/completions", r#""code":"ambiguous_framing""#),
        ("/v1/messages", r#""type":"invalid_request_error""#),
    ] {
        for (framing, body) in [
            (
                format!("content-length: {n}\r\ncontent-length: {n}\r\n"),
                body.clone(),
            ),
            (
                format!("Content-Length: {n}\r\nTransfer-Encoding: chunked\r\n"),
                format!("{n:x}\r\n{body}\r\n0\r\n\r\n"),
            ),
            (
                format!("transfer-encoding: chunked\r\ncontent-length: {n}\r\n"),
                format!("{n:x}\r\n{body}\r\n0\r\n\r\n"),
            ),
        ] {
            let asked = format!(
                "POST {path} HTTP/1.1\r\nhost: gate\r\nx-api-key: {}\r\n{framing}\r\n{body}{honest}",
                scene.key
            );
            for (before, piece_bytes) in [(0, asked.len()), (2, usize::MAX), (0, 7)] {
                scene.provider.forget_requests();
                let bytes = honest.repeat(before) + &asked;
                let mut connection = RawConnection::open(scene.gate.data().address()).await;
                connection
                    .drip(bytes.as_bytes(), piece_bytes, Duration::from_millis(1))
                    .await;
                let (answer, end) = connection.read(SHORT).await;
                let (statuses, text) = (raw::statuses(&answer), String::from_utf8_lossy(&answer));
                let mut expected = vec![200; before];
                expected.push(400);
                assert_eq!(statuses, expected, "{framing}: {text}");
                assert!(
                    text.contains(shape) && text.contains("two ways"),
                    "{framing}: {text}"
                );
                assert_ne!(end, End::StillOpen, "{framing}");
                assert_eq!(scene.provider.requests().len(), before, "{framing}");
            }
        }
    }
}

/// Pipelining in order is no smuggling; both are answered, in order, and both are the caller's own.
#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let scene = Scene::with("").await;
    let (_, request) = parts(&scene.key);
    let bytes = format!("{request}GET /v1/models HTTP/1.1\r\nhost: gate\r\n\r\n{request}");
    let (answer, _) = raw::send(scene.gate.data().address(), bytes, Duration::from_millis(800)).await;
    assert_eq!(raw::statuses(&answer), [200, 401, 200]);
    assert_eq!(scene.provider.requests().len(), 2);
}

/// The name in `host` or in an absolute target decides nothing.
#[tokio::test]
async fn anp_0024_host_and_absolute_targets_route_nowhere() {
    let scene = Scene::with("").await;
    let (body, _) = parts(&scene.key);
    let framing = format!(
        "authorization: Bearer {}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        scene.key,
        body.len()
    );
    let mut expected = 0;
    for head in [
        "POST http://169.254.169.254/v1/chat/completions HTTP/1.1\r\nhost: gate\r\n",
        "POST /v1/chat/completions HTTP/1.1\r\nhost: evil.example\r\n",
        "POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nhost: b\r\n",
        "POST /v1/chat/completions HTTP/1.1\r\n",
        "POST /v1/chat/completions?x=/../admin HTTP/1.1\r\nhost: gate\r\n",
    ] {
        let (answer, _) = raw::send(scene.gate.data().address(), format!("{head}{framing}"), SHORT).await;
        let statuses = raw::statuses(&answer);
        assert!(
            statuses == [200] || statuses == [400] || statuses == [404],
            "{head}: {statuses:?}"
        );
        expected += usize::from(statuses == [200]);
        for request in scene.provider.requests() {
            assert_eq!(
                request.header("host"),
                Some(scene.provider.address().to_string().as_str()),
                "{head}"
            );
            assert_eq!(request.path, "/v1/chat/completions", "{head}");
        }
    }
    assert_eq!(scene.provider.requests().len(), expected);
}

/// A head that drips is cut; so is one that never comes; others are served meanwhile.
#[tokio::test]
async fn ctx_t5_agp_d2_slow_callers_are_cut_and_others_are_served() {
    let scene =
        Scene::with("server: { head_timeout_ms: 300, idle_timeout_ms: 60000, body_timeout_ms: 300 }\n").await;
    let address = scene.gate.data().address();
    let drips = |bytes: String| async move {
        let started = Instant::now();
        let mut connection = RawConnection::open(address).await;
        for piece in bytes.as_bytes().chunks(1) {
            let (answer, end) = match connection.write(piece).await {
                true => connection.read(Duration::from_millis(25)).await,
                false => (Vec::new(), End::Reset),
            };
            if end != End::StillOpen || started.elapsed() > Duration::from_secs(4) {
                return (answer, end, started.elapsed());
            }
        }
        (Vec::new(), End::StillOpen, started.elapsed())
    };
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: gate\r\nauthorization: Bearer {}\r\n",
        scene.key
    );
    let body = format!("{head}content-length: 5000\r\n\r\n");
    let slow_body = async {
        let mut connection = RawConnection::open(address).await;
        connection.write(&body).await;
        let started = Instant::now();
        while connection.write(b" ").await && started.elapsed() < Duration::from_secs(4) {
            let (answer, end) = connection.read(Duration::from_millis(25)).await;
            if !answer.is_empty() || end != End::StillOpen {
                return (raw::statuses(&answer), started.elapsed());
            }
        }
        (Vec::new(), started.elapsed())
    };
    let served = async {
        for _ in 0..5 {
            let answer = scene.client().post("/v1/chat/completions", &call("m-oa")).await;
            assert_eq!(answer.status, 200);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let (dripped, (statuses, took), ()) = tokio::join!(drips(head.repeat(2)), slow_body, served);
    assert_ne!(dripped.1, End::StillOpen, "a dripping head was never cut");
    assert!(
        dripped.2 < Duration::from_secs(2),
        "a dripping head lived {:?}",
        dripped.2
    );
    assert_eq!(statuses, [408]);
    assert!(took < Duration::from_secs(2), "a dripping body lived {took:?}");
    assert_eq!(scene.provider.requests().len(), 5);
}

/// A kept-alive connection may rest longer than a head may take, and no longer than its own bound.
#[tokio::test]
async fn ctx_t5_idle_connections_have_a_bound_of_their_own() {
    let scene = Scene::with("server: { head_timeout_ms: 200, idle_timeout_ms: 900 }\n").await;
    let mut connection = RawConnection::open(scene.gate.data().address()).await;
    let request = format!(
        "GET /v1/models HTTP/1.1\r\nhost: gate\r\nauthorization: Bearer {}\r\n\r\n",
        scene.key
    );
    for _ in 0..2 {
        assert!(connection.write(&request).await);
        let (answer, end) = connection.read(Duration::from_millis(500)).await;
        assert_eq!((raw::statuses(&answer), end), (vec![200], End::StillOpen));
    }
    let (_, end) = connection.read(Duration::from_secs(3)).await;
    assert_ne!(end, End::StillOpen);
}

#[tokio::test]
async fn agp_d2_connections_above_the_cap_are_refused_and_come_back() {
    let scene = Scene::with("server: { connections_max: 8, connections_per_address_max: 6 }\n").await;
    let address = scene.gate.data().address();
    let request = format!(
        "GET /v1/models HTTP/1.1\r\nhost: gate\r\nauthorization: Bearer {}\r\n\r\n",
        scene.key
    );
    let mut held = Vec::new();
    for _ in 0..6 {
        let mut connection = RawConnection::open(address).await;
        connection.write(&request).await;
        let answer = connection.read_until(b"\r\n\r\n", SHORT).await;
        assert_eq!(raw::statuses(&answer), [200]);
        held.push(connection);
    }
    for _ in 0..5 {
        let (answer, end) = raw::send(address, &request, SHORT).await;
        assert!(
            answer.is_empty() && end != End::StillOpen,
            "one above the cap was served"
        );
    }
    // Those inside are served on.
    held[3].read(Duration::from_millis(50)).await;
    assert!(held[3].write(&request).await);
    assert_eq!(
        raw::statuses(&held[3].read_until(b"\r\n\r\n", SHORT).await),
        [200]
    );
    drop(held);
    let until = Instant::now() + Duration::from_secs(3);
    while raw::statuses(&raw::send(address, &request, Duration::from_millis(300)).await.0) != [200] {
        assert!(Instant::now() < until, "the places never came back");
    }
}
