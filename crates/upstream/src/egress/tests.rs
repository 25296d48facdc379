//! Attacks on where a client goes: every class of address, names that lead elsewhere the second time, and addresses that
//! only look like something else.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::{Client, ClientOptions};

#[test]
fn anp_d0012_metadata_and_mapped_forms_are_forbidden() {
    for text in [
        "169.254.169.254",
        "::ffff:169.254.169.254",
        "0.0.0.0",
        "::",
        "fe80::1",
        "255.255.255.255",
    ] {
        assert!(!may_call(text.parse().unwrap()), "{text}");
    }
    for text in ["127.0.0.1", "10.1.2.3", "::1", "fd00::1", "93.184.216.34"] {
        assert!(may_call(text.parse().unwrap()), "{text}");
    }
}

fn public(beyond: Beyond) -> Reach {
    Reach::Public(Arc::new(beyond))
}

#[test]
fn anp_d0012_no_class_of_special_addresses_is_public() {
    for text in [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",
        "0.1.2.3",
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "100.100.100.200",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.7",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:a00:1::1",
        "3fff::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ] {
        let address = text.parse().unwrap();
        assert!(
            !public(Beyond::default()).may_call("h.example", address),
            "{text}"
        );
    }
    for text in [
        "93.184.216.34",
        "172.32.0.1",
        "100.128.0.1",
        "223.255.255.1",
        "2606:4700::1111",
        "2a00:1450::1",
    ] {
        let address = text.parse().unwrap();
        assert!(public(Beyond::default()).may_call("h.example", address), "{text}");
    }
}

#[test]
fn what_is_listed_is_called_and_what_is_never_called_is_not() {
    let beyond = Beyond {
        networks: vec!["10.1.0.0/16".parse().unwrap(), "169.254.0.0/16".parse().unwrap()],
        hosts: vec!["hooks.internal".to_owned()],
        ports: vec![8443],
    };
    let reach = public(beyond);
    let may = |host: &str, ip: &str| reach.may_call(host, ip.parse().unwrap());
    assert!(may("any.example", "10.1.2.3") && may("any.example", "::ffff:10.1.2.3"));
    assert!(may("Hooks.Internal", "192.168.0.9") && !may("hooks.internal.evil.example", "192.168.0.9"));
    assert!(!may("any.example", "10.2.0.1"));
    assert!(!may("hooks.internal", "169.254.169.254"), "never");
    assert!(reach.check(&"https://h.example:8443/".parse().unwrap()).is_ok());
    assert!(
        reach.check(&"https://h.example/".parse().unwrap()).is_err(),
        "the list of ports is the list"
    );
    assert!(reach.may_be_plain("10.1.2.3") && reach.may_be_plain("hooks.internal"));
    assert!(!reach.may_be_plain("h.example") && !Reach::Configured.may_be_plain("10.1.2.3"));
}

#[test]
fn anp_d0012_tricks_in_the_address_itself_are_seen_before_a_name_is_asked_for() {
    let reach = public(Beyond::default());
    for bad in [
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://10.0.0.1:443/",
        "https://good.example@127.0.0.1/",
        "https://127.0.0.1@good.example/",
        "https://user:secret@good.example/",
        "https://good.example:22/",
        "https://good.example:6379/",
        "http://good.example:8080/",
        "/no/host",
    ] {
        assert!(reach.check(&bad.parse().unwrap()).is_err(), "{bad}");
    }
    for good in [
        "https://good.example/",
        "https://good.example:443/a",
        "http://good.example:80/",
    ] {
        assert!(reach.check(&good.parse().unwrap()).is_ok(), "{good}");
    }
}

/// Names that lead elsewhere each time.
#[derive(Debug)]
struct Turning(Vec<SocketAddr>, AtomicUsize);

impl Lookup for Turning {
    fn look_up(&self, _: Name) -> Looked {
        let at = self.1.fetch_add(1, Ordering::SeqCst);
        let found = self.0[at.min(self.0.len() - 1)];
        Box::pin(async move { Ok(vec![found]) })
    }
}

fn client(names: Arc<Turning>, reach: Reach) -> Client {
    let options = ClientOptions {
        reach: reach.clone(),
        connect_timeout: Duration::from_millis(500),
        ..ClientOptions::default()
    };
    Client::over(&options, Resolver::over(names, reach))
}

async fn get(client: &Client, address: &str) -> Result<http::StatusCode, String> {
    let request = Request::builder()
        .uri(address)
        .body(Full::new(Bytes::new()))
        .unwrap();
    let answer = client.send(request, Duration::from_secs(5)).await;
    answer
        .map(|answer| answer.status())
        .map_err(|error| error.to_string())
}

/// Counts who comes by, answers each the same, and keeps no connection.
async fn server(answer: String) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (at, came) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let count = came.clone();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (at, came)
}

const DONE: &str = "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn anp_d0012_a_name_that_turns_to_this_machine_is_not_followed_there() {
    let (at, came) = server(DONE.to_owned()).await;
    let port = at.port();
    let beyond = |networks: &[&str]| Beyond {
        networks: networks.iter().map(|net| net.parse().unwrap()).collect(),
        hosts: Vec::new(),
        ports: vec![port],
    };
    let address = format!("http://rebound.example:{port}/");
    // First it leads to where it may, and nobody is; then here.
    let public_first = SocketAddr::new("127.0.0.9".parse().unwrap(), port);
    let names = Arc::new(Turning(vec![public_first, at], AtomicUsize::new(0)));
    let turned = client(names.clone(), public(beyond(&["127.0.0.9/32"])));
    assert!(get(&turned, &address).await.is_err(), "nobody is there");
    let why = get(&turned, &address).await.unwrap_err();
    assert!(why.contains(NOWHERE), "{why}");
    assert_eq!(came.load(Ordering::SeqCst), 0, "nobody came by");
    // The other way round: each connection asks once, and goes to what it was told then.
    let names = Arc::new(Turning(vec![at, public_first], AtomicUsize::new(0)));
    let pinned = client(names.clone(), public(beyond(&["127.0.0.1/32"])));
    assert_eq!(get(&pinned, &address).await, Ok(http::StatusCode::NO_CONTENT));
    assert_eq!(
        (names.1.load(Ordering::SeqCst), came.load(Ordering::SeqCst)),
        (1, 1)
    );
}

#[tokio::test]
async fn anp_d0012_a_redirect_to_this_machine_is_an_answer_and_nothing_more() {
    let (inside, came) = server(DONE.to_owned()).await;
    let answer = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://{inside}/\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    );
    let (outside, _) = server(answer).await;
    let beyond = Beyond {
        networks: Vec::new(),
        hosts: vec!["hooks.example".to_owned()],
        ports: vec![outside.port(), inside.port()],
    };
    let names = Arc::new(Turning(vec![outside], AtomicUsize::new(0)));
    let client = client(names, public(beyond));
    let found = get(&client, &format!("http://hooks.example:{}/", outside.port())).await;
    assert_eq!(found, Ok(http::StatusCode::TEMPORARY_REDIRECT));
    let direct = get(&client, &format!("http://{inside}/")).await;
    assert!(direct.unwrap_err().contains(NOT_REACHED));
    assert_eq!(came.load(Ordering::SeqCst), 0);
}
