//! What each path answers, and which are not there.

use crate::{listening, request};

#[tokio::test]
async fn the_facts_are_served() {
    let address = listening().await;
    let version = request(address, "GET", "/api/v1/version").await;
    assert_eq!(version.status, 200);
    let said = version.json();
    assert_eq!(
        (said["name"].as_str(), said["store"].as_str()),
        (Some("bartizan"), Some("memory"))
    );
    assert_eq!(said["version"], env!("CARGO_PKG_VERSION"));
    let key = request(address, "GET", "/api/v1/ledger/key").await;
    let verifier = crate::scene::signer().verifier_text();
    assert_eq!(
        (key.status, key.body),
        (
            200,
            format!(r#"{{"verifier":"{verifier}","first":"{verifier}","successions":[]}}"#)
        )
    );
}

#[tokio::test]
async fn every_answer_is_kept_out_of_caches_and_not_guessed_at() {
    let address = listening().await;
    for path in ["/", "/api/v1/version", "/api/v1/ledger/key", "/nowhere"] {
        let answer = request(address, "GET", path).await;
        assert!(answer.head.contains("cache-control: no-store"), "{path}");
        assert!(answer.head.contains("x-content-type-options: nosniff"), "{path}");
        assert!(answer.head.contains("content-type: "), "{path}");
    }
}

#[tokio::test]
async fn heads_have_no_body() {
    let address = listening().await;
    let answer = request(address, "HEAD", "/api/v1/version").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
}

#[tokio::test]
async fn other_methods_are_told_which_there_are() {
    let address = listening().await;
    for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "MADEUP"] {
        for path in ["/api/v1/version", "/api/v1/ledger/key"] {
            let answer = request(address, method, path).await;
            assert_eq!(
                (answer.status, answer.header("allow")),
                (405, Some("GET")),
                "{method} {path}"
            );
            assert_eq!(answer.code(), "method_not_allowed", "{method} {path}");
        }
    }
}

#[tokio::test]
async fn anp_d0006_no_path_of_the_data_plane_or_of_health_is_here() {
    let address = listening().await;
    let paths = [
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/embeddings",
        "/v1/messages",
        "/v1/messages/count_tokens",
        "/v1/models",
        "/v1/models/gpt-4o",
        "/metrics",
        "/livez",
        "/readyz",
    ];
    for path in paths {
        for method in ["GET", "POST"] {
            let answer = request(address, method, path).await;
            assert_eq!(answer.status, 404, "{method} {path}");
            assert_eq!(
                answer.header("content-type"),
                Some("application/problem+json"),
                "{method} {path}"
            );
        }
    }
}

#[tokio::test]
async fn anp_0005_only_the_paths_as_written_are_there() {
    let address = listening().await;
    let paths = [
        "/api",
        "/api/v1",
        "/api/v1/",
        "/api/v1/version/",
        "//api/v1/version",
        "/api/v1/../v1/version",
        "/API/V1/VERSION",
        "/api/v1/version%00",
        "/api/v1/keys",
        "/api/v1/tenants/",
        "/.env",
    ];
    for path in paths {
        assert_eq!(request(address, "GET", path).await.status, 404, "{path}");
    }
}

/// What is answered to a request with these heads, as they are.
async fn said_to(address: std::net::SocketAddr, lines: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream
        .write_all(format!("{lines}connection: close\r\n\r\n").as_bytes())
        .await
        .unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).await.unwrap();
    said
}

#[tokio::test]
async fn anp_0013_a_page_whose_name_was_pointed_here_gets_nothing() {
    let address = listening().await;
    for (lines, status) in [
        ("GET / HTTP/1.1\r\nhost: gate.internal\r\n", "200"),
        ("GET / HTTP/1.1\r\nhost: localhost:1\r\n", "200"),
        ("GET / HTTP/1.1\r\nhost: [::1]:8081\r\n", "200"),
        ("GET / HTTP/1.1\r\nhost: evil.example\r\n", "421"),
        (
            "GET / HTTP/1.1\r\nhost: evil.example\r\nx-forwarded-host: localhost\r\n",
            "421",
        ),
        (
            "GET / HTTP/1.1\r\nhost: localhost\r\nhost: evil.example\r\n",
            "421",
        ),
        ("GET http://evil.example/ HTTP/1.1\r\nhost: localhost\r\n", "421"),
        ("GET / HTTP/1.1\r\n", "421"),
        (
            "POST /api/v1/sessions HTTP/1.1\r\nhost: evil.example\r\ncontent-length: 0\r\n",
            "421",
        ),
        ("GET /scim/v2/x/Users HTTP/1.1\r\nhost: evil.example\r\n", "421"),
        (
            "GET /api/v1/openapi.json HTTP/1.1\r\nhost: gate.internal.evil.example\r\n",
            "421",
        ),
    ] {
        let said = said_to(address, lines).await;
        assert_eq!(said.split(' ').nth(1), Some(status), "{lines}\n{said}");
        assert!(!said.contains("evil.example"), "{said}");
    }
}
