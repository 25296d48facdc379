//! Providers behind TLS of their own: a real TLS server in front of the scripted provider asks for certificates and
//! shows its own, of the right workload and of wrong ones.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, KeyPair, SanType, date_time_ymd};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use testkit::{GateBuilder, ScriptedProvider};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::scene::{self, Scene, call, code};
use crate::tls::{Authority, authority};

const GATE: &str = "spiffe://example.org/gate";
const ENGINE: &str = "spiffe://example.org/engine";

/// A certificate and its key, in PEM.
type Pair = (String, String);

#[derive(Clone, Copy, PartialEq)]
enum Age {
    Current,
    Expired,
}

/// An SVID, or what is nearly one.
fn svid(by: &Authority, names: &[&str], age: Age) -> Pair {
    let name = |name: &&str| match name.contains("://") {
        true => SanType::URI((*name).try_into().unwrap()),
        false => SanType::DnsName((*name).try_into().unwrap()),
    };
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.subject_alt_names = names.iter().map(name).collect();
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    params.not_after = (SystemTime::now() + Duration::from_secs(600)).into();
    if age == Age::Expired {
        (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
    }
    let key = KeyPair::generate().unwrap();
    (params.signed_by(&key, by).unwrap().pem(), key.serialize_pem())
}

fn server((chain, key): &Pair, clients: &Authority) -> Arc<ServerConfig> {
    let crypto = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(clients.der().clone()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), crypto.clone());
    let chain = vec![CertificateDer::from_pem_slice(chain.as_bytes()).unwrap()];
    let config = ServerConfig::builder_with_provider(crypto)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap())
        .unwrap();
    Arc::new(config)
}

/// TLS in front of a provider: who has shaken hands is let through to it.
struct Front {
    address: SocketAddr,
    config: Arc<Mutex<Arc<ServerConfig>>>,
    shaken: Arc<AtomicUsize>,
    /// Certificates that were shown, in order.
    shown: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Front {
    async fn of(provider: SocketAddr, config: Arc<ServerConfig>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let front = Self {
            address: listener.local_addr().unwrap(),
            config: Arc::new(Mutex::new(config)),
            shaken: Arc::default(),
            shown: Arc::default(),
        };
        let (config, shaken, shown) = (front.config.clone(), front.shaken.clone(), front.shown.clone());
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let acceptor = TlsAcceptor::from(config.lock().unwrap().clone());
                let (shaken, shown) = (shaken.clone(), shown.clone());
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(socket).await else {
                        return;
                    };
                    shaken.fetch_add(1, Ordering::Relaxed);
                    let leaf = stream.get_ref().1.peer_certificates().unwrap()[0].to_vec();
                    shown.lock().unwrap().push(leaf);
                    let mut inner = TcpStream::connect(provider).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut stream, &mut inner).await;
                });
            }
        });
        front
    }

    fn becomes(&self, config: Arc<ServerConfig>) {
        *self.config.lock().unwrap() = config;
    }

    fn shaken(&self) -> usize {
        self.shaken.load(Ordering::Relaxed)
    }
}

/// Both dialects behind the front; what fails is asked again at once, not rested.
fn config(front: &Front, tls: &str) -> String {
    let (base, rest) = (
        format!("https://{}", front.address),
        "timeouts: { connect_ms: 10000 }",
    );
    let provider = |name: &str, kind: &str, key: &str| {
        format!(
            "  - {{ name: {name}, kind: {kind}, base_url: \"{base}\", credential: \"env:{key}\", models: [m-{name}], {rest}, tls: {{ {tls} }} }}\n"
        )
    };
    format!(
        "store: {{ refresh_every_ms: 20 }}\nproviders:\n{}{}prices:\n  overrides:\n    - {{ provider: oa, model: \"*\", input_per_million: 1, output_per_million: 2 }}\n    - {{ provider: an, model: \"*\", input_per_million: 1, output_per_million: 2 }}\nrouting: {{ attempts_max: 1, breaker: {{ consecutive_failures_max: 100000, failure_percent_max: 101, window_calls_min: 100000 }} }}\n",
        provider("oa", "openai", "OA_KEY"),
        provider("an", "anthropic", "AN_KEY"),
    )
}

const MUTUAL: &str = "ca: ca.pem, client_certificate: gate.pem, client_key: \"file:@folder@/gate.key\"";

fn mutual(more: &str) -> String {
    format!("{MUTUAL}, {more}")
}

fn holding(builder: GateBuilder, trusted: &Authority, (chain, key): &Pair) -> GateBuilder {
    builder
        .file("ca.pem", trusted.pem())
        .file("gate.pem", chain.as_str())
        .file("gate.key", key.as_str())
}

/// Refused before anything of the call is sent: 502 in both dialects, and nobody has seen anything.
async fn is_refused(scene: &Scene, front: &Front, why: &str) {
    let (shaken, calls) = (front.shaken(), scene.provider.requests().len());
    for (path, model) in [("/v1/chat/completions", "m-oa"), ("/v1/messages", "m-an")] {
        let answer = scene.client().post(path, &call(model)).await;
        assert_eq!(
            (answer.status, code(&answer).as_str()),
            (502, "upstream_unreachable"),
            "{why}: {}",
            answer.text()
        );
        assert!(
            !answer.text().contains("certificate"),
            "why is for the log: {}",
            answer.text()
        );
    }
    assert_eq!(scene.provider.requests().len(), calls, "{why}: the call was sent");
    assert_eq!(front.shaken(), shaken, "{why}: hands were shaken");
}

#[tokio::test]
async fn agp_s2_agp_cred_4_1_anp_0018_only_the_configured_workload_is_called() {
    let (trusted, clients, strangers) = (authority(), authority(), authority());
    let provider = ScriptedProvider::start().await;
    let good = svid(&trusted, &[ENGINE], Age::Current);
    let front = Front::of(provider.address(), server(&good, &clients)).await;
    let text = config(
        &front,
        &mutual(&format!(
            "spiffe_ids: [\"spiffe://example.org/other\", \"{ENGINE}\"]"
        )),
    );
    let own = svid(&clients, &[GATE], Age::Current);
    let scene = Scene::raise(provider, holding(scene::builder().config(text), &trusted, &own)).await;

    let longer = format!("{ENGINE}/2");
    let shorter = "spiffe://example.org/engin";
    let wrong: [(&str, Pair); 8] = [
        (
            "another id",
            svid(&trusted, &["spiffe://example.org/stranger"], Age::Current),
        ),
        ("a longer id", svid(&trusted, &[&longer], Age::Current)),
        ("a shorter id", svid(&trusted, &[shorter], Age::Current)),
        (
            "two ids",
            svid(&trusted, &[ENGINE, "spiffe://example.org/stranger"], Age::Current),
        ),
        (
            "another uri beside it",
            svid(&trusted, &[ENGINE, "https://example.org"], Age::Current),
        ),
        ("no id, but a name", svid(&trusted, &["localhost"], Age::Current)),
        ("another authority", svid(&strangers, &[ENGINE], Age::Current)),
        ("expired", svid(&trusted, &[ENGINE], Age::Expired)),
    ];
    for (why, pair) in &wrong {
        front.becomes(server(pair, &clients));
        is_refused(&scene, &front, why).await;
    }
    let log = scene.gate.lines();
    log.wait_for("not among `spiffe_ids`", Duration::from_secs(2))
        .await;
    log.wait_for("exactly one", Duration::from_secs(2)).await;

    // The right one is called although nothing in its certificate names the host.
    front.becomes(server(&good, &clients));
    for (path, model) in [("/v1/chat/completions", "m-oa"), ("/v1/messages", "m-an")] {
        let answer = scene.client().post(path, &call(model)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let seen = front.shown.lock().unwrap().clone();
    let der = CertificateDer::from_pem_slice(own.0.as_bytes()).unwrap();
    assert!(!seen.is_empty() && seen.iter().all(|leaf| leaf == der.as_ref()));
    let sent = scene.provider.requests();
    let bearer = format!("Bearer {}", scene::openai_credential());
    assert_eq!(sent[0].header("authorization"), Some(bearer.as_str()));
}

#[tokio::test]
async fn anp_0018_agp_cred_4_2_whoever_answers_at_the_address_must_have_the_name() {
    let (trusted, clients) = (authority(), authority());
    let provider = ScriptedProvider::start().await;
    let named = svid(&trusted, &["engine.internal"], Age::Current);
    let front = Front::of(provider.address(), server(&named, &clients)).await;
    let text = config(&front, &mutual("server_name: engine.internal"));
    let own = svid(&clients, &[GATE], Age::Current);
    let scene = Scene::raise(provider, holding(scene::builder().config(text), &trusted, &own)).await;
    let other = svid(&trusted, &["elsewhere.internal", ENGINE], Age::Current);
    front.becomes(server(&other, &clients));
    is_refused(&scene, &front, "another name").await;
    front.becomes(server(&named, &clients));
    assert_eq!(
        scene
            .client()
            .post("/v1/chat/completions", &call("m-oa"))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn agp_s2_a_backend_that_asks_for_certificates_is_shown_the_gates_own() {
    let (trusted, clients) = (authority(), authority());
    for shown in [None, Some(svid(&authority(), &[GATE], Age::Current))] {
        let provider = ScriptedProvider::start().await;
        let good = svid(&trusted, &[ENGINE], Age::Current);
        let front = Front::of(provider.address(), server(&good, &clients)).await;
        let ids = format!("spiffe_ids: [\"{ENGINE}\"]");
        let (text, files) = match &shown {
            None => (
                config(&front, &format!("ca: ca.pem, {ids}")),
                (String::new(), String::new()),
            ),
            Some(pair) => (config(&front, &mutual(&ids)), pair.clone()),
        };
        let scene = Scene::raise(provider, holding(scene::builder().config(text), &trusted, &files)).await;
        let answer = scene.client().post("/v1/chat/completions", &call("m-oa")).await;
        assert_eq!(answer.status, 502, "{}", answer.text());
        assert_eq!((front.shaken(), scene.provider.requests().len()), (0, 0));
    }
}

/// An SVID lives for minutes: the next one is in its place while calls go on, and none of them fails.
#[tokio::test]
async fn agp_s2_a_renewed_certificate_is_shown_and_no_call_is_lost() {
    let (trusted, clients, successors) = (authority(), authority(), authority());
    let provider = ScriptedProvider::start().await;
    let good = svid(&trusted, &[ENGINE], Age::Current);
    let front = Front::of(provider.address(), server(&good, &clients)).await;
    let text = config(&front, &mutual(&format!("spiffe_ids: [\"{ENGINE}\"]")));
    let old = svid(&clients, &[GATE], Age::Current);
    let scene = Scene::raise(provider, holding(scene::builder().config(text), &trusted, &old)).await;
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let callers: Vec<_> = (0..3)
        .map(|_| {
            let (client, stop) = (scene.client(), stop.clone());
            tokio::spawn(async move {
                let mut statuses = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    statuses.push(client.post("/v1/chat/completions", &call("m-oa")).await.status);
                }
                statuses
            })
        })
        .collect();

    // The backend takes both until the gate has changed over; what is written comes in two steps, as files do.
    let new = svid(&clients, &[GATE], Age::Current);
    let folder = scene.gate.folder();
    std::fs::write(folder.join("gate.pem"), &new.0).unwrap();
    let said = "a certificate towards a provider is refused";
    scene.gate.lines().wait_for(said, Duration::from_secs(20)).await;
    assert!(
        scene
            .gate
            .lines()
            .any(|line| line.contains("do not belong together"))
    );
    std::fs::write(folder.join("gate.key"), &new.1).unwrap();
    let der = CertificateDer::from_pem_slice(new.0.as_bytes()).unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    while !front
        .shown
        .lock()
        .unwrap()
        .iter()
        .any(|leaf| leaf == der.as_ref())
    {
        assert!(Instant::now() < until, "the renewed certificate is not shown");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    stop.store(true, Ordering::Relaxed);
    let mut calls = 0;
    for caller in callers {
        let statuses = caller.await.unwrap();
        calls += statuses.len();
        assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    }
    assert!(calls > 3, "{calls}");

    // From now on the old one would be refused, by an authority that has changed on both sides.
    let next = svid(&successors, &[GATE], Age::Current);
    std::fs::write(folder.join("gate.key"), &next.1).unwrap();
    std::fs::write(folder.join("gate.pem"), &next.0).unwrap();
    front.becomes(server(&good, &successors));
    let until = Instant::now() + Duration::from_secs(20);
    let der = CertificateDer::from_pem_slice(next.0.as_bytes()).unwrap();
    while !front
        .shown
        .lock()
        .unwrap()
        .iter()
        .any(|leaf| leaf == der.as_ref())
    {
        let answer = scene.client().post("/v1/chat/completions", &call("m-oa")).await;
        assert!(Instant::now() < until, "{}", answer.text());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(
        scene
            .client()
            .post("/v1/chat/completions", &call("m-oa"))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn agp_s2_what_cannot_be_shown_is_said_before_it_is_served() {
    let (trusted, clients) = (authority(), authority());
    let provider = ScriptedProvider::start().await;
    let good = svid(&trusted, &[ENGINE], Age::Current);
    let front = Front::of(provider.address(), server(&good, &clients)).await;
    let ids = format!("spiffe_ids: [\"{ENGINE}\"]");
    let (own, other) = (
        svid(&clients, &[GATE], Age::Current),
        svid(&clients, &[GATE], Age::Current),
    );
    let expired = svid(&clients, &[GATE], Age::Expired);
    let scene = Scene::raise(
        provider,
        holding(
            scene::builder().config(config(&front, &mutual(&ids))),
            &trusted,
            &own,
        ),
    )
    .await;
    let folder = scene.gate.folder().to_owned();
    let checked = async |chain: &str, key: &str, tls: &str| {
        std::fs::write(folder.join("gate.pem"), chain).unwrap();
        std::fs::write(folder.join("gate.key"), key).unwrap();
        let text = config(&front, tls).replace("@folder@", folder.to_str().unwrap());
        std::fs::write(folder.join("other.yaml"), text).unwrap();
        let said = scene.gate.cli(&["check", "other.yaml"]).await;
        let text = String::from_utf8_lossy(&said.stderr).into_owned();
        (said.status.success(), text)
    };
    let all = mutual(&ids);
    let (fine, said) = checked(&own.0, &own.1, &all).await;
    assert!(fine, "{said}");
    let bad = [
        (
            own.0.as_str(),
            other.1.as_str(),
            all.as_str(),
            "do not belong together",
        ),
        (&expired.0, &expired.1, &all, "has expired"),
        (&own.0, "no key", &all, "no private key at `file:"),
        ("no certificate", &own.1, &all, "holds no certificate"),
        (&own.0, &own.1, "ca: none.pem", "cannot be read"),
        (&own.0, &own.1, "client_certificate: gate.pem", "tls.client_key"),
        (&own.0, &own.1, &ids, "tls.ca"),
        (
            &own.0,
            &own.1,
            "ca: ca.pem, spiffe_ids: [\"spiffe://Example.org/x\"]",
            "is no SPIFFE id",
        ),
    ];
    for (chain, key, tls, expected) in bad {
        let (fine, said) = checked(chain, key, tls).await;
        assert!(
            !fine && said.contains(expected) && said.contains("provider"),
            "{expected}: {said}"
        );
        assert!(!said.contains("PRIVATE KEY"), "{said}");
    }
}
