//! What callers may not do to the listener.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::{exchange, listening, request};

#[tokio::test]
async fn anp_d0008_a_head_that_is_too_long_is_refused() {
    let address = listening().await;
    let sent = format!(
        "GET / HTTP/1.1\r\nhost: localhost\r\nx-long: {}\r\n\r\n",
        "a".repeat(64 << 10)
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The listener may hang up while this is still being written.
    let _ = stream.write_all(sent.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8(answer).unwrap();
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431"),
        "{answer}"
    );
    assert_eq!(
        request(address, "GET", "/").await.status,
        200,
        "others are still served"
    );
}

#[tokio::test]
async fn anp_d0008_too_many_headers_are_refused() {
    let address = listening().await;
    let headers: String = (0..65).map(|number| format!("x-{number}: a\r\n")).collect();
    let answer = exchange(address, &format!("GET / HTTP/1.1\r\n{headers}\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    let headers: String = (0..62).map(|number| format!("x-{number}: a\r\n")).collect();
    let answer = exchange(
        address,
        &format!("GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\r\n"),
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn anp_d0008_a_head_that_never_ends_is_given_up() {
    let address = listening().await;
    let answer = exchange(address, "GET / HTTP/1.1\r\nhost: contr").await;
    assert!(!answer.contains("200 OK"), "{answer}");
}

#[tokio::test]
async fn anp_d0008_silent_connections_beyond_the_bound_wait_and_are_served_when_others_leave() {
    let address = listening().await;
    let mut silent = Vec::new();
    for _ in 0..64 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    // All places are taken once the listener has come round to them.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let waiting = tokio::spawn(request_status(address));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!waiting.is_finished(), "the 65th is not served while 64 are open");
    silent.clear();
    assert_eq!(waiting.await.unwrap(), 200);
}

async fn request_status(address: std::net::SocketAddr) -> u16 {
    request(address, "GET", "/").await.status
}

#[tokio::test]
async fn what_is_not_http_is_refused() {
    let address = listening().await;
    for sent in [
        "\u{16}\u{3}\u{1}\r\n\r\n",
        "GET /\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
    ] {
        let answer = exchange(address, sent).await;
        assert!(!answer.contains("200 OK"), "{sent:?}: {answer}");
    }
    assert_eq!(request(address, "GET", "/").await.status, 200);
}
