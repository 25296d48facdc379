//! TLS towards callers and towards providers, with certificates made for the test.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};
use testkit::client::raw;
use testkit::{Gate, Reply, ScriptedProvider};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::scene::{self, Scene, call};

pub type Authority = CertifiedIssuer<'static, KeyPair>;

pub fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate and its key, in PEM.
pub fn issued(by: &Authority, name: &str, usage: ExtendedKeyUsagePurpose) -> (String, String) {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.extended_key_usages = vec![usage];
    let key = KeyPair::generate().unwrap();
    (params.signed_by(&key, by).unwrap().pem(), key.serialize_pem())
}

/// A gate whose data listener speaks TLS; its certificate is for `localhost`.
async fn gate(trusted: &Authority, clients: Option<(&Authority, &str)>) -> (Gate, ScriptedProvider, String) {
    gate_with(trusted, clients, "").await
}

pub async fn gate_with(
    trusted: &Authority,
    clients: Option<(&Authority, &str)>,
    more: &str,
) -> (Gate, ScriptedProvider, String) {
    let provider = ScriptedProvider::start().await;
    let (certificate, key) = issued(trusted, "localhost", ExtendedKeyUsagePurpose::ServerAuth);
    let asked = clients.map_or(String::new(), |(_, mode)| {
        format!(", client_ca: clients.crt, client_certificates: {mode}")
    });
    let text = format!(
        "posture: production
listen:
  data: 127.0.0.1:@data_port@
  control: 127.0.0.1:@control_port@
  health: 127.0.0.1:@health_port@
  tls: {{ certificate: tls.crt, private_key: \"file:@folder@/tls.key\"{asked} }}
{more}{}",
        scene::providers(&provider.base_url())
    );
    let mut builder = scene::builder()
        .config(text)
        .file("tls.crt", certificate)
        .file("tls.key", key);
    if let Some((authority, _)) = clients {
        builder = builder.file("clients.crt", authority.pem());
    }
    let Scene { gate, provider, key } = Scene::raise(provider, builder).await;
    (gate, provider, key)
}

pub struct Caller<'a> {
    pub trusts: &'a Authority,
    pub versions: &'a [&'static SupportedProtocolVersion],
    pub alpn: &'a [&'a [u8]],
    pub certificate: Option<(String, String)>,
}

impl<'a> Caller<'a> {
    pub fn of(trusts: &'a Authority) -> Self {
        Self {
            trusts,
            versions: rustls::ALL_VERSIONS,
            alpn: &[b"http/1.1"],
            certificate: None,
        }
    }

    pub async fn connect(&self, address: SocketAddr) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.trusts.der().clone()).unwrap();
        let crypto = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(crypto)
            .with_protocol_versions(self.versions)
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match &self.certificate {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => {
                let chain = vec![CertificateDer::from_pem_slice(chain.as_bytes()).unwrap()];
                builder
                    .with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap())
                    .unwrap()
            }
        };
        config.alpn_protocols = self.alpn.iter().map(|name| name.to_vec()).collect();
        let socket = TcpStream::connect(address).await?;
        TlsConnector::from(Arc::new(config))
            .connect(ServerName::try_from("localhost").unwrap(), socket)
            .await
    }

    /// One call over HTTP/1.1, with the TLS version that carried it.
    async fn ask(&self, gate: &Gate, key: &str) -> Result<(StatusCode, rustls::ProtocolVersion), String> {
        let exchange = async {
            let stream = self
                .connect(gate.data().address())
                .await
                .map_err(|why| why.to_string())?;
            let version = stream.get_ref().1.protocol_version().unwrap();
            let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
                .await
                .map_err(|why| why.to_string())?;
            tokio::spawn(connection);
            let response = sender
                .send_request(request(key, "/v1/chat/completions"))
                .await
                .map_err(|why| why.to_string())?;
            Ok((response.status(), version))
        };
        tokio::time::timeout(Duration::from_secs(5), exchange)
            .await
            .map_err(|_| "deadline".to_owned())?
    }
}

fn request(key: &str, uri: &str) -> Request<Full<Bytes>> {
    Request::post(uri)
        .header("host", "localhost")
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(call("m-oa").to_string())))
        .unwrap()
}

#[tokio::test]
async fn anp_d0001_ctx_t8_tls_1_2_and_1_3_serve_and_plain_http_does_not() {
    let trusted = authority();
    let (gate, provider, key) = gate(&trusted, None).await;
    for (version, spoken) in [
        (&rustls::version::TLS12, rustls::ProtocolVersion::TLSv1_2),
        (&rustls::version::TLS13, rustls::ProtocolVersion::TLSv1_3),
    ] {
        let versions = [version];
        let caller = Caller {
            versions: &versions,
            ..Caller::of(&trusted)
        };
        assert_eq!(caller.ask(&gate, &key).await, Ok((StatusCode::OK, spoken)));
    }
    assert_eq!(
        Caller::of(&trusted).ask(&gate, &key).await.unwrap().1,
        rustls::ProtocolVersion::TLSv1_3,
        "preferred"
    );
    let calls = provider.requests().len();
    let plain = format!("GET /v1/models HTTP/1.1\r\nhost: gate\r\nauthorization: Bearer {key}\r\n\r\n");
    let (answer, end) = raw::send(gate.data().address(), plain, Duration::from_secs(2)).await;
    assert!(
        raw::statuses(&answer).is_empty() && end != raw::End::StillOpen,
        "{}",
        String::from_utf8_lossy(&answer)
    );
    // TLS 1.0 and 1.1 by hand: a client hello of theirs is answered with an alert at most.
    for minor in [1_u8, 2] {
        let hello = old_hello(minor);
        let (answer, end) = raw::send(gate.data().address(), hello, Duration::from_secs(2)).await;
        assert!(
            end != raw::End::StillOpen && answer.first().is_none_or(|kind| *kind == 21),
            "TLS 1.{}: {answer:?}",
            minor - 1
        );
    }
    // Suites without forward secrecy are not to be had.
    assert!(
        Caller::of(&authority()).ask(&gate, &key).await.is_err(),
        "a stranger's authority is not believed by callers"
    );
    assert_eq!(provider.requests().len(), calls);
}

/// A minimal client hello that offers no more than this version, with one RSA suite.
fn old_hello(minor: u8) -> Vec<u8> {
    let mut body = vec![3, minor];
    body.extend_from_slice(&[7; 32]);
    body.extend_from_slice(&[0, 0, 4, 0x00, 0x2f, 0x00, 0x35, 1, 0]);
    let length = u8::try_from(body.len()).unwrap();
    let mut hello = vec![22, 3, 1, 0, length + 4, 1, 0, 0, length];
    hello.extend(body);
    hello
}

#[tokio::test]
async fn ctx_t8_suites_without_forward_secrecy_are_refused() {
    let trusted = authority();
    let (gate, _provider, _) = gate(&trusted, None).await;
    // TLS 1.2 with RSA key exchange only.
    let (answer, end) = raw::send(gate.data().address(), old_hello(3), Duration::from_secs(2)).await;
    assert!(
        end != raw::End::StillOpen && answer.first().is_none_or(|kind| *kind == 21),
        "{answer:?}"
    );
}

#[tokio::test]
async fn agp_s2_client_certificates_are_verified() {
    let (trusted, clients, strangers) = (authority(), authority(), authority());
    for mode in ["required", "optional"] {
        let (gate, _provider, key) = gate(&trusted, Some((&clients, mode))).await;
        let with = |authority: Option<&Authority>| Caller {
            certificate: authority
                .map(|authority| issued(authority, "app", ExtendedKeyUsagePurpose::ClientAuth)),
            ..Caller::of(&trusted)
        };
        assert!(
            with(Some(&clients))
                .ask(&gate, &key)
                .await
                .is_ok_and(|(status, _)| status == 200),
            "{mode}"
        );
        assert!(
            with(Some(&strangers)).ask(&gate, &key).await.is_err(),
            "{mode}: a stranger's certificate"
        );
        assert_eq!(
            with(None).ask(&gate, &key).await.is_ok(),
            mode == "optional",
            "{mode}: no certificate"
        );
        // A certificate opens the connection, not the gate.
        let keyless = with(Some(&clients)).ask(&gate, "btz_none").await;
        assert_eq!(
            keyless.map(|(status, _)| status),
            Ok(StatusCode::UNAUTHORIZED),
            "{mode}"
        );
    }
}

#[tokio::test]
async fn http_2_is_spoken_where_alpn_chooses_it() {
    let trusted = authority();
    let (gate, _provider, key) = gate(&trusted, None).await;
    let caller = Caller {
        alpn: &[b"h2", b"http/1.1"],
        ..Caller::of(&trusted)
    };
    let stream = caller.connect(gate.data().address()).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    let asked: Vec<_> = (0..5)
        .map(|_| sender.send_request(request(&key, "https://localhost/v1/chat/completions")))
        .collect();
    for response in asked {
        let response = tokio::time::timeout(Duration::from_secs(5), response)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(response.status(), 200);
        assert!(
            !response
                .into_body()
                .collect()
                .await
                .unwrap()
                .to_bytes()
                .is_empty()
        );
    }
    let response = sender
        .send_request(request("btz_none", "https://localhost/v1/chat/completions"))
        .await
        .unwrap();
    assert_eq!(response.status(), 401);
}

async fn http_2(
    gate: &Gate,
    trusted: &Authority,
    window: u32,
) -> (
    hyper::client::conn::http2::SendRequest<Full<Bytes>>,
    tokio::task::JoinHandle<hyper::Result<()>>,
) {
    let caller = Caller {
        alpn: &[b"h2"],
        ..Caller::of(trusted)
    };
    let stream = caller.connect(gate.data().address()).await.unwrap();
    let (sender, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(window)
        .handshake(TokioIo::new(stream))
        .await
        .unwrap();
    (sender, tokio::spawn(connection))
}

#[tokio::test]
async fn anp_0024_two_lengths_are_refused_over_http_2_too() {
    let trusted = authority();
    let (gate, provider, key) = gate(&trusted, None).await;
    let (mut sender, _connection) = http_2(&gate, &trusted, 65_535).await;
    let mut asked = request(&key, "https://localhost/v1/chat/completions");
    let length = hyper::body::Body::size_hint(asked.body()).exact().unwrap();
    for _ in 0..2 {
        asked.headers_mut().append("content-length", length.into());
    }
    let answer = sender.send_request(asked).await.unwrap();
    assert_eq!(answer.status(), 400);
    let text = answer.into_body().collect().await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&text).contains("ambiguous_framing"));
    assert!(provider.requests().is_empty());
}

#[tokio::test]
async fn ctx_t5_an_idle_http_2_connection_is_sent_away() {
    let trusted = authority();
    let (gate, _provider, key) = gate_with(&trusted, None, "server: { idle_timeout_ms: 1000 }\n").await;
    let (mut sender, connection) = http_2(&gate, &trusted, 65_535).await;
    let asked = sender.send_request(request(&key, "https://localhost/v1/chat/completions"));
    assert_eq!(asked.await.unwrap().status(), 200);
    let ended = tokio::time::timeout(Duration::from_secs(10), connection).await;
    assert!(ended.unwrap().is_ok(), "an idle connection stays open");
}

/// A caller that opens no window for a stream would hold a provider's connection and its reservation.
#[tokio::test]
async fn agp_d2_an_http_2_stream_that_is_not_read_is_given_up() {
    let trusted = authority();
    let (gate, provider, key) = gate_with(&trusted, None, "server: { idle_timeout_ms: 1000 }\n").await;
    let event = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word \"}}]}\n\n";
    provider.script("*", Reply::endless_sse(event, 5));
    let (mut sender, _connection) = http_2(&gate, &trusted, 64).await;
    let mut asked = request(&key, "https://localhost/v1/chat/completions");
    *asked.body_mut() = Full::new(Bytes::from(scene::streamed("m-oa").to_string()));
    let unread = sender.send_request(asked).await.unwrap();
    assert_eq!(unread.status(), 200);
    let given_up = async {
        while provider.abandoned() == 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), given_up)
        .await
        .unwrap();
    let read = tokio::time::timeout(Duration::from_secs(5), unread.into_body().collect());
    assert!(
        read.await.unwrap().is_err(),
        "a stream nobody read looks complete"
    );
}

#[tokio::test]
async fn ctx_t8_a_renewed_certificate_is_served_without_a_restart() {
    let (old, new) = (authority(), authority());
    let (gate, _provider, key) = gate(&old, None).await;
    assert!(Caller::of(&old).ask(&gate, &key).await.is_ok());

    // A certificate whose key does not fit changes nothing.
    let (certificate, fitting) = issued(&new, "localhost", ExtendedKeyUsagePurpose::ServerAuth);
    std::fs::write(gate.folder().join("tls.crt"), &certificate).unwrap();
    gate.hang_up().await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(Caller::of(&old).ask(&gate, &key).await.is_ok());

    std::fs::write(gate.folder().join("tls.key"), &fitting).unwrap();
    gate.hang_up().await;
    let renewed = async {
        while Caller::of(&new).ask(&gate, &key).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), renewed)
        .await
        .unwrap();
    assert!(Caller::of(&old).ask(&gate, &key).await.is_err());
}

#[tokio::test]
async fn anp_0018_a_provider_with_a_certificate_of_its_own_is_not_called() {
    let own = authority();
    for name in ["127.0.0.1", "elsewhere.example"] {
        let (chain, key) = issued(&own, name, ExtendedKeyUsagePurpose::ServerAuth);
        let chain = vec![CertificateDer::from_pem_slice(chain.as_bytes()).unwrap()];
        let crypto = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(crypto)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap())
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let impostor = tokio::spawn(async move {
            let acceptor = TlsAcceptor::from(Arc::new(config));
            let mut shaken = 0;
            for _ in 0..3 {
                let Ok((socket, _)) = listener.accept().await else {
                    break;
                };
                shaken += u32::from(acceptor.accept(socket).await.is_ok());
            }
            shaken
        });
        let provider = ScriptedProvider::start().await;
        let text = scene::providers(&format!("https://{address}")) + "routing: { attempts_max: 3 }\n";
        let scene = Scene::raise(provider, scene::builder().config(text)).await;
        let answer = scene.client().post("/v1/chat/completions", &call("m-oa")).await;
        assert_eq!(
            (answer.status, scene::code(&answer).as_str()),
            (502, "upstream_unreachable")
        );
        assert!(
            !answer.text().contains("certificate"),
            "why is for the log: {}",
            answer.text()
        );
        scene
            .gate
            .lines()
            .wait_for("ertificate", Duration::from_secs(2))
            .await;
        let shaken = tokio::time::timeout(Duration::from_secs(3), impostor)
            .await
            .map_or(0, |shaken| shaken.unwrap());
        assert_eq!(shaken, 0, "the gate shook hands with an impostor");
    }
}
