//! Proxies that say by the PROXY protocol who calls, and everybody else who says so.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use testkit::Gate;
use testkit::client::raw;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::scene::Scene;
use crate::tls::{Caller, authority, issued};

const PROXY: [u8; 4] = [127, 0, 0, 2];
const STRANGER: [u8; 4] = [127, 0, 0, 1];
const IN: Duration = Duration::from_secs(5);

fn listen(more: &str) -> String {
    format!(
        "listen:
  data: 127.0.0.1:@data_port@
  control: 127.0.0.1:@control_port@
  health: 127.0.0.1:@health_port@
  trusted_proxies: [127.0.0.2/32]
  proxy_protocol: required
{more}"
    )
}

async fn connect(gate: &Gate, from: [u8; 4]) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((from, 0))).unwrap();
    let stream = socket.connect(gate.data().address()).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// What comes back until the gate closes; and whether it closed.
async fn answer(stream: &mut TcpStream, within: Duration) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(within, stream.read_to_end(&mut bytes)).await;
    (bytes, read.is_ok())
}

fn request(key: &str, more: &str) -> Vec<u8> {
    format!(
        "GET /v1/models HTTP/1.1\r\nhost: gate\r\nauthorization: Bearer {key}\r\n{more}connection: close\r\n\r\n"
    )
    .into_bytes()
}

/// The status of one request behind this header; 0 when the connection ends without an answer.
async fn ask(gate: &Gate, header: &[u8], key: &str, more: &str) -> u16 {
    let mut stream = connect(gate, PROXY).await;
    let _ = stream.write_all(&[header, &request(key, more)].concat()).await;
    let (bytes, closed) = answer(&mut stream, IN).await;
    assert!(closed, "still open: {}", String::from_utf8_lossy(&bytes));
    raw::statuses(&bytes).first().copied().unwrap_or(0)
}

fn one(source: &str) -> Vec<u8> {
    let (family, to) = if source.contains(':') {
        ("TCP6", "::1")
    } else {
        ("TCP4", "127.0.0.1")
    };
    format!("PROXY {family} {source} {to} 4000 8443\r\n").into_bytes()
}

fn two(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let mut bytes = b"\r\n\r\n\0\r\nQUIT\n".to_vec();
    bytes.extend([command, family]);
    bytes.extend(u16::try_from(rest.len()).unwrap().to_be_bytes());
    bytes.extend(rest);
    bytes
}

fn four(source: [u8; 4]) -> Vec<u8> {
    [&source[..], &[127, 0, 0, 1, 0x0f, 0xa0, 0x20, 0xfb]].concat()
}

/// A key that counts from this network only, once the gate knows it.
async fn key_of(gate: &Gate, name: &str, network: &str, from: &str) -> String {
    let create = [
        "--json",
        "keys",
        "create",
        "--name",
        name,
        "--all-models",
        "--network",
        network,
    ];
    let key = gate.cli_json(&create).await["key"].as_str().unwrap().to_owned();
    let until = Instant::now() + IN;
    while ask(gate, &one(from), &key, "").await != 200 {
        assert!(Instant::now() < until, "{name} is not known");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    key
}

#[tokio::test]
async fn agp_s1_a_key_counts_from_where_the_proxy_says() {
    let scene = Scene::with(&listen("")).await;
    let gate = &scene.gate;
    let key = key_of(gate, "office", "192.0.2.0/24", "192.0.2.7").await;
    let six = key_of(gate, "six", "2001:db8::/32", "2001:db8::7").await;
    let own = key_of(gate, "proxys", "127.0.0.0/8", "127.0.0.9").await;
    let mut bytes_six = [0; 36];
    bytes_six[..4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
    let mapped = "::ffff:192.0.2.7";
    let extras = [
        &four([192, 0, 2, 7])[..],
        &[0x20, 0, 5, 1, 0, 0, 0, 0, 4, 0, 1, 0],
    ]
    .concat();
    for (header, key, status, why) in [
        (one("192.0.2.7"), &key, 200, "version 1"),
        (one(mapped), &key, 200, "mapped"),
        (one("2001:db8::7"), &six, 200, "IPv6"),
        (two(0x21, 0x11, &four([192, 0, 2, 7])), &key, 200, "version 2"),
        (two(0x21, 0x21, &bytes_six), &six, 200, "version 2 with IPv6"),
        (two(0x21, 0x11, &extras), &key, 200, "with more behind it"),
        (one("198.51.100.7"), &key, 403, "from elsewhere"),
        (
            two(0x21, 0x11, &four([198, 51, 100, 7])),
            &key,
            403,
            "from elsewhere by 2",
        ),
        (two(0x20, 0x00, &[]), &key, 403, "the proxy's own"),
        (two(0x20, 0x00, &[]), &own, 200, "from where the proxy is"),
        (b"PROXY UNKNOWN\r\n".to_vec(), &own, 200, "from the proxy by 1"),
    ] {
        assert_eq!(ask(gate, &header, key, "").await, status, "{why}");
    }
    // `X-Forwarded-For` counts where the one who is named is a trusted proxy again, and nowhere else.
    let claim = "x-forwarded-for: 192.0.2.7\r\n";
    for (header, status, why) in [
        (one("198.51.100.7"), 403, "of a caller"),
        (two(0x20, 0x00, &[]), 403, "where nobody is named"),
        (
            b"PROXY UNKNOWN 192.0.2.7 10.0.0.1 1 2\r\n".to_vec(),
            403,
            "nor by 1",
        ),
        (one("127.0.0.2"), 200, "of a second proxy"),
    ] {
        assert_eq!(ask(gate, &header, &key, claim).await, status, "{why}");
    }
    // In pieces, and a byte at a time.
    for header in [one("192.0.2.7"), two(0x21, 0x11, &extras)] {
        let mut stream = connect(gate, PROXY).await;
        for byte in header.iter().chain(&request(&key, "")[..20]) {
            stream.write_all(&[*byte]).await.unwrap();
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        stream.write_all(&request(&key, "")[20..]).await.unwrap();
        let (bytes, _) = answer(&mut stream, IN).await;
        assert_eq!(raw::statuses(&bytes), [200]);
    }
}

#[tokio::test]
async fn agp_s1_anp_0024_what_is_no_proxys_word_is_refused_before_anything_is_read() {
    let scene = Scene::with(&listen("server: { head_timeout_ms: 1000 }\n")).await;
    let gate = &scene.gate;
    // The first key counts from everywhere, so that only the header can be wrong.
    assert_eq!(ask(gate, &one("192.0.2.7"), &scene.key, "").await, 200);
    let mut summed = [&four([192, 0, 2, 7])[..], &[3, 0, 4, 1, 2, 3, 4]].concat();
    let bad_sum = two(0x21, 0x11, &summed);
    summed.truncate(14);
    for (header, why) in [
        (Vec::new(), "none"),
        (
            b"PROXY TCP4 192.0.2.7 10.0.0.1 1 2\n".to_vec(),
            "a line that ends otherwise",
        ),
        (b"PROXY TCP4 192.0.2.7 10.0.0.1 +1 2\r\n".to_vec(), "a sign"),
        (b"PROXYXTCP4 192.0.2.7 10.0.0.1 1 2\r\n".to_vec(), "no space"),
        (
            [b"PROXY UNKNOWN ".to_vec(), vec![b'x'; 200], b"\r\n".to_vec()].concat(),
            "a long line",
        ),
        (two(0x21, 0x11, &vec![0; 60_000]), "a huge one"),
        (two(0x21, 0x31, &[0; 216]), "a socket's file"),
        (two(0x21, 0x12, &four([192, 0, 2, 7])), "datagrams"),
        (two(0x31, 0x11, &four([192, 0, 2, 7])), "version 3"),
        (two(0x21, 0x11, &summed), "cut off"),
        (bad_sum, "a wrong checksum"),
        (vec![0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0], "TLS"),
        (vec![0xff; 64], "noise"),
    ] {
        assert_eq!(ask(gate, &header, &scene.key, "").await, 0, "{why}");
    }
    // A stranger is not believed, whatever it says, and gets no answer at all.
    for header in [
        one("192.0.2.7"),
        two(0x21, 0x11, &four([192, 0, 2, 7])),
        Vec::new(),
    ] {
        let mut stream = connect(gate, STRANGER).await;
        let _ = stream
            .write_all(&[&header[..], &request(&scene.key, "")].concat())
            .await;
        let (bytes, closed) = answer(&mut stream, IN).await;
        assert!(closed && bytes.is_empty(), "{}", String::from_utf8_lossy(&bytes));
    }
    // A header has its time, however it is spread over it.
    let mut stream = connect(gate, PROXY).await;
    let begun = Instant::now();
    for byte in one("192.0.2.7").iter().cycle() {
        if stream.write_all(&[*byte]).await.is_err() || begun.elapsed() > Duration::from_secs(20) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    // One that says nothing is closed as well.
    let (bytes, closed) = answer(&mut connect(gate, PROXY).await, IN).await;
    assert!(closed && bytes.is_empty());
    assert_eq!(ask(gate, &one("192.0.2.7"), &scene.key, "").await, 200);
    let log = scene.gate.lines().tail();
    assert!(log.contains("PROXY protocol"), "{log}");
}

#[tokio::test]
async fn agp_s1_without_the_option_a_header_is_no_request() {
    let scene = Scene::with("").await;
    for header in [one("192.0.2.7"), two(0x21, 0x11, &four([192, 0, 2, 7]))] {
        let sent = [&header[..], &request(&scene.key, "")].concat();
        let (bytes, _) = raw::send(scene.gate.data().address(), sent, IN).await;
        assert!(raw::statuses(&bytes).iter().all(|status| *status == 400));
    }
}

#[tokio::test]
async fn agp_d2_each_caller_behind_a_proxy_has_its_own_connections() {
    let scene = Scene::with(&listen("server: { connections_per_address_max: 2 }\n")).await;
    let gate = &scene.gate;
    let asked = format!(
        "GET /v1/models HTTP/1.1\r\nhost: gate\r\nauthorization: Bearer {}\r\n\r\n",
        scene.key
    );
    let mut open = Vec::new();
    for (source, taken) in [
        ("192.0.2.1", true),
        ("192.0.2.2", true),
        ("192.0.2.3", true),
        ("192.0.2.1", true),
        ("192.0.2.1", false),
        ("192.0.2.4", true),
    ] {
        let mut stream = connect(gate, PROXY).await;
        let sent = [&one(source)[..], asked.as_bytes()].concat();
        let _ = stream.write_all(&sent).await;
        let mut first = [0; 12];
        let read = tokio::time::timeout(IN, stream.read_exact(&mut first))
            .await
            .unwrap();
        assert_eq!(read.is_ok() && first == *b"HTTP/1.1 200", taken, "{source}");
        open.push(stream);
    }
}

#[tokio::test]
async fn ctx_t8_agp_s1_the_header_comes_before_tls() {
    let trusted = authority();
    let (certificate, key) = issued(&trusted, "localhost", rcgen::ExtendedKeyUsagePurpose::ServerAuth);
    let tls = "  tls: { certificate: tls.crt, private_key: \"file:@folder@/tls.key\" }\n";
    let scene = Scene::built(&listen(tls), |builder| {
        builder.file("tls.crt", certificate).file("tls.key", key)
    })
    .await;
    for (header, status) in [
        (one("192.0.2.7"), Some(200)),
        (two(0x21, 0x11, &four([192, 0, 2, 7])), Some(200)),
        (Vec::new(), None),
    ] {
        let mut socket = connect(&scene.gate, PROXY).await;
        socket.write_all(&header).await.unwrap();
        let Ok(mut stream) = Caller::of(&trusted).connect_over(socket).await else {
            assert_eq!(status, None);
            continue;
        };
        stream.write_all(&request(&scene.key, "")).await.unwrap();
        let mut bytes = Vec::new();
        let _ = tokio::time::timeout(IN, stream.read_to_end(&mut bytes)).await;
        assert_eq!(raw::statuses(&bytes).first().copied(), status);
    }
    // Within TLS it is nobody's word.
    let mut socket = connect(&scene.gate, PROXY).await;
    socket.write_all(&one("192.0.2.7")).await.unwrap();
    let mut stream = Caller::of(&trusted).connect_over(socket).await.unwrap();
    let again = [&one("192.0.2.8")[..], &request(&scene.key, "")].concat();
    stream.write_all(&again).await.unwrap();
    let mut bytes = Vec::new();
    let _ = tokio::time::timeout(IN, stream.read_to_end(&mut bytes)).await;
    assert!(raw::statuses(&bytes).iter().all(|status| *status == 400));
}
