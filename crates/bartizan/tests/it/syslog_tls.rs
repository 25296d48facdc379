//! Audit records over TLS to a real listener: only to one whose certificate the configured authority signed, and sinks
//! that change while the gate serves.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rcgen::ExtendedKeyUsagePurpose;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

use crate::scene::{Scene, providers};
use crate::tls::{Authority, authority, issued};

/// Takes frames with counted octets over TLS, and hands them on, each with its connection's end.
async fn listen(signed_by: &Authority, name: &str) -> (u16, mpsc::UnboundedReceiver<String>) {
    let (certificate, key) = issued(signed_by, name, ExtendedKeyUsagePurpose::ServerAuth);
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
    let (heard, hearing) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(socket).await else {
                continue;
            };
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).await.unwrap();
            let mut rest = bytes.as_slice();
            while let Some(at) = rest.iter().position(|byte| *byte == b' ') {
                let length: usize = std::str::from_utf8(&rest[..at]).unwrap().parse().unwrap();
                let frame = &rest[at + 1..at + 1 + length];
                heard.send(String::from_utf8(frame.to_vec()).unwrap()).unwrap();
                rest = &rest[at + 1 + length..];
            }
            assert!(rest.is_empty(), "octets are counted right");
        }
    });
    (port, hearing)
}

fn alerts(port: u16, ca_file: &str) -> String {
    format!(
        "alerts:\n  every_ms: 100\n  sinks:\n    - {{ name: siem, address: \"tls://localhost:{port}\", ca_file: \"{ca_file}\" }}\n"
    )
}

async fn failed(scene: &Scene) -> bool {
    scene
        .metric("bartizan_alerts_failures_total{sink=\"siem\"}")
        .await
        > 0.0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0018_agp_r3_syslog_over_tls_goes_only_to_whom_the_authority_vouches_for() {
    let (right, wrong) = (authority(), authority());
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, of: &Authority| {
        let path = folder.path().join(name);
        std::fs::write(&path, of.pem()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (right_file, wrong_file) = (file("right.crt", &right), file("wrong.crt", &wrong));
    let (port, mut heard) = listen(&right, "localhost").await;
    let (other_port, mut other_heard) = listen(&right, "elsewhere.example").await;

    // Another authority than the server's: not a byte is said.
    let scene = Scene::with(&alerts(port, &wrong_file)).await;
    let made = scene
        .gate
        .cli_json(&["tenants", "create", "acme", "--json"])
        .await;
    let tenant = made["id"].as_str().unwrap().to_owned();
    let end = Instant::now() + Duration::from_secs(20);
    while !failed(&scene).await {
        assert!(Instant::now() < end, "nothing was tried");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(heard.try_recv().is_err());

    // The right one, and a certificate of another name.
    let change = |text: String| {
        let base = providers(&scene.provider.base_url());
        scene.gate.write_config(&format!("{base}{text}"));
    };
    change(alerts(other_port, &right_file));
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(other_heard.try_recv().is_err());
    assert!(heard.try_recv().is_err());

    // The right one for the right name: everything comes, and no new start was needed.
    change(alerts(port, &right_file));
    let mut indexes = Vec::new();
    while indexes.is_empty() {
        let line = tokio::time::timeout(Duration::from_secs(30), heard.recv())
            .await
            .expect("a frame");
        let line = line.unwrap();
        let (head, data) = line.split_once(" - {").unwrap();
        assert!(head.starts_with("<10") && head.contains(" bartizan "), "{line}");
        let data: Value = serde_json::from_str(&format!("{{{data}")).unwrap();
        if data["record"]["tenant"] == tenant.as_str() {
            indexes.push(data["index"].as_u64().unwrap());
        }
    }
    assert_eq!(indexes, [0]);

    // Sinks that cannot be had change nothing.
    change(alerts(port, "/nowhere/ca.crt"));
    let said = scene
        .gate
        .lines()
        .wait_for("sinks and retention stay as they were", Duration::from_secs(20))
        .await;
    assert!(said.contains("/nowhere/ca.crt"), "{said}");
}
