//! Alerts by mail: a real gate and a mail server that is strict about its words, about TLS and about who signs in.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::ExtendedKeyUsagePurpose;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::scene::Scene;
use crate::tls::{Authority, authority, issued};

const PASSWORD: &str = "correct-horse-battery-hush";

/// What the server does, and what it has seen.
#[derive(Default)]
pub struct Desk {
    /// Whether it offers STARTTLS.
    offers_tls: bool,
    /// What it answers to RCPT, until there is nothing left here.
    answers: Mutex<Vec<&'static str>>,
    mails: Mutex<Vec<String>>,
    /// Everything that was said in clear.
    clear: Mutex<String>,
}

impl Desk {
    /// One that offers STARTTLS and takes everything.
    pub fn with_tls() -> Self {
        Self {
            offers_tls: true,
            ..Self::default()
        }
    }

    pub fn mails(&self) -> Vec<String> {
        self.mails.lock().unwrap().clone()
    }
}

pub async fn serve(signed_by: &Authority, desk: Arc<Desk>) -> u16 {
    let (certificate, key) = issued(signed_by, "localhost", ExtendedKeyUsagePurpose::ServerAuth);
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let (acceptor, desk) = (acceptor.clone(), desk.clone());
            tokio::spawn(async move {
                let mut socket = BufReader::new(socket);
                let _ = socket.write_all(b"220 mail.example ESMTP\r\n").await;
                if !in_clear(&mut socket, &desk).await {
                    return;
                }
                if let Ok(stream) = acceptor.accept(socket.into_inner()).await {
                    let _ = protected(BufReader::new(stream), &desk).await;
                }
            });
        }
    });
    port
}

/// Until STARTTLS; nothing else but greetings is permitted before it.
async fn in_clear<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut BufReader<S>, desk: &Desk) -> bool {
    let mut line = String::new();
    loop {
        line.clear();
        if socket.read_line(&mut line).await.unwrap_or(0) == 0 {
            return false;
        }
        desk.clear.lock().unwrap().push_str(&line);
        let answer: &[u8] = match (line.trim_end(), desk.offers_tls) {
            ("STARTTLS", true) => b"220 go ahead\r\n",
            (greeting, true) if greeting.starts_with("EHLO ") => b"250-mail.example\r\n250 STARTTLS\r\n",
            (greeting, false) if greeting.starts_with("EHLO ") => b"250 mail.example\r\n",
            _ => b"530 5.7.0 must issue a STARTTLS command first\r\n",
        };
        if socket.write_all(answer).await.is_err() {
            return false;
        }
        if answer.starts_with(b"220") {
            return true;
        }
    }
}

async fn protected<S: AsyncRead + AsyncWrite + Unpin>(
    mut socket: BufReader<S>,
    desk: &Desk,
) -> std::io::Result<()> {
    let (mut line, mut signed_in, mut to) = (String::new(), false, 0);
    let login = STANDARD.encode(format!("\0gate\0{PASSWORD}"));
    loop {
        line.clear();
        if socket.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        assert!(line.ends_with("\r\n"), "{line:?}");
        let said = line.trim_end().to_owned();
        let answer = match said.as_str() {
            greeting if greeting.starts_with("EHLO ") => "250-mail.example\r\n250 AUTH PLAIN".to_owned(),
            _ if said == format!("AUTH PLAIN {login}") => {
                signed_in = true;
                "235 2.7.0 welcome".to_owned()
            }
            _ if !signed_in && said != "QUIT" => "530 5.7.0 sign in first".to_owned(),
            "MAIL FROM:<gate@example.com>" => "250 ok".to_owned(),
            "RCPT TO:<ops@example.com>" | "RCPT TO:<boss@example.com>" => {
                let mut answers = desk.answers.lock().unwrap();
                let answer = if answers.is_empty() {
                    "250 ok"
                } else {
                    answers.remove(0)
                };
                to += usize::from(answer.starts_with("250"));
                answer.to_owned()
            }
            "DATA" if to == 2 => {
                socket.write_all(b"354 go ahead\r\n").await?;
                let mail = data(&mut socket).await?;
                desk.mails.lock().unwrap().push(mail);
                "250 taken".to_owned()
            }
            "RSET" | "NOOP" => "250 ok".to_owned(),
            "QUIT" => {
                socket.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => "500 5.5.1 what?".to_owned(),
        };
        socket.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
}

async fn data<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut BufReader<S>) -> std::io::Result<String> {
    let (mut mail, mut line) = (String::new(), String::new());
    loop {
        line.clear();
        socket.read_line(&mut line).await?;
        if line == ".\r\n" {
            return Ok(mail);
        }
        mail.push_str(&line);
    }
}

fn sink(port: u16, ca_file: &str, more: &str) -> String {
    format!(
        "alerts:
  every_ms: 100
  sinks:
    - name: post
      address: \"smtp://localhost:{port}\"
      ca_file: \"{ca_file}\"
      acts: [\"tenants.create\"]
      secrets: [\"env:MAIL\"]
      mail: {{ from: \"Gate <gate@example.com>\", to: [ops@example.com, \"Boss <boss@example.com>\"], user: gate, {more} }}
"
    )
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(40);
    while !is_so() {
        assert!(Instant::now() < end, "not so in time: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn failing(scene: &Scene) {
    let end = Instant::now() + Duration::from_secs(40);
    while scene
        .metric("bartizan_alerts_failures_total{sink=\"post\"}")
        .await
        < 1.0
    {
        assert!(Instant::now() < end, "nothing was tried");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn tenant(scene: &Scene, name: &str) {
    scene.gate.cli_json(&["tenants", "create", name, "--json"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_r3_alerts_come_by_mail_over_tls_again_after_a_refusal_for_now_and_never_twice() {
    let trusted = authority();
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("mail.crt");
    std::fs::write(&ca_file, trusted.pem()).unwrap();
    let desk = Arc::new(Desk {
        offers_tls: true,
        answers: Mutex::new(vec!["451 4.3.0 later"]),
        ..Desk::default()
    });
    let port = serve(&trusted, desk.clone()).await;
    let text = sink(port, ca_file.to_str().unwrap(), "gather_ms: 0");
    let scene = Scene::built(&text, |builder| builder.env("MAIL", PASSWORD)).await;
    tenant(&scene, "acme").await;
    until("a mail came", || {
        desk.mails().iter().any(|mail| mail.contains("tenants.create"))
    })
    .await;
    let mails = desk.mails();
    for mail in &mails {
        let (head, body) = mail.split_once("\r\n\r\n").unwrap();
        for line in [
            "From: Gate <gate@example.com>",
            "Auto-Submitted: auto-generated",
            "Content-Type: multipart/alternative",
        ] {
            assert!(head.contains(line), "{line} in {head}");
        }
        assert!(
            head.contains("ops@example.com") && head.contains("boss@example.com"),
            "{head}"
        );
        assert!(
            body.contains("text/plain") && body.contains("text/html"),
            "{body}"
        );
    }
    let ids: Vec<_> = mails
        .iter()
        .filter_map(|mail| mail.lines().find(|line| line.starts_with("Message-ID:")))
        .collect();
    let mut distinct = ids.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(
        (distinct.len(), ids.len()),
        (mails.len(), mails.len()),
        "nobody died, so nothing came twice"
    );
    let clear = desk.clear.lock().unwrap().clone();
    assert!(!clear.contains("AUTH") && !clear.contains("MAIL"), "{clear}");
    assert!(!scene.gate.lines().any(|line| line.contains(PASSWORD)));
    let stands = scene.gate.cli_json(&["alerts", "list", "--json"]).await;
    assert_eq!(
        (stands[0]["kind"].as_str(), &stands[0]["dead"]),
        (Some("mail"), &serde_json::json!(0)),
        "{stands}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0018_nothing_is_said_to_a_mail_server_without_tls_or_of_another_authority() {
    let (trusted, other) = (authority(), authority());
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("mail.crt");
    std::fs::write(&ca_file, trusted.pem()).unwrap();
    for (offers_tls, signed_by) in [(false, &trusted), (true, &other)] {
        let desk = Arc::new(Desk {
            offers_tls,
            ..Desk::default()
        });
        let port = serve(signed_by, desk.clone()).await;
        let text = sink(port, ca_file.to_str().unwrap(), "gather_ms: 0");
        let scene = Scene::built(&text, |builder| builder.env("MAIL", PASSWORD)).await;
        tenant(&scene, "acme").await;
        failing(&scene).await;
        assert!(desk.mails().is_empty());
        let clear = desk.clear.lock().unwrap().clone();
        assert!(clear.starts_with("EHLO "), "{clear}");
        assert!(
            !clear.contains("MAIL") && !clear.contains("AUTH") && !clear.contains("acme"),
            "{clear}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_r3_a_mail_that_is_refused_for_good_is_a_dead_letter() {
    let trusted = authority();
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("mail.crt");
    std::fs::write(&ca_file, trusted.pem()).unwrap();
    let desk = Arc::new(Desk {
        offers_tls: true,
        answers: Mutex::new(vec!["550 5.1.1 nobody of that name, correct-horse"; 100]),
        ..Desk::default()
    });
    let port = serve(&trusted, desk.clone()).await;
    let text = sink(port, ca_file.to_str().unwrap(), "gather_ms: 0");
    let scene = Scene::built(&text, |builder| builder.env("MAIL", PASSWORD)).await;
    tenant(&scene, "acme").await;
    let end = Instant::now() + Duration::from_secs(40);
    let letters = loop {
        let letters = scene.gate.cli_json(&["alerts", "dead", "--json"]).await;
        if !letters.as_array().unwrap().is_empty() {
            break letters;
        }
        assert!(Instant::now() < end, "nothing was given up");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(
        letters[0]["why"], "answered with 550",
        "what the server said is not repeated"
    );
    scene.gate.cli_json(&["alerts", "drop", "post", "--json"]).await;
    let left = scene.gate.cli_json(&["alerts", "dead", "--json"]).await;
    assert_eq!(left, serde_json::json!([]));
}
