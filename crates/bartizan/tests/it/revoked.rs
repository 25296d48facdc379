//! Client certificates that are revoked, and authorities that speak for others' callers.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, RevokedCertParams, SerialNumber, date_time_ymd,
};
use testkit::Gate;

use crate::certificates::{ask, bound, certificate};
use crate::scene::{Scene, call};
use crate::tls::{Authority, Caller, authority, issued};

const ID: &str = "spiffe://example.org/jobs/nightly";

fn named(name: &str) -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A list of these serial numbers, good until the end of this year.
fn list(by: &Authority, serials: &[u64], until: i32) -> String {
    let revoked = |serial: &u64| RevokedCertParams {
        serial_number: SerialNumber::from(*serial),
        revocation_time: date_time_ymd(2024, 1, 1),
        reason_code: None,
        invalidity_date: None,
    };
    let params = CertificateRevocationListParams {
        this_update: date_time_ymd(2020, 1, 1),
        next_update: date_time_ymd(until, 12, 31),
        crl_number: SerialNumber::from(1_u64),
        issuing_distribution_point: None,
        revoked_certs: serials.iter().map(revoked).collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    params.signed_by(by).unwrap().pem().unwrap()
}

/// A gate that asks for certificates as `asked` says.
async fn gate(trusted: &Authority, asked: &str, files: &[(&str, String)]) -> Scene {
    let (certificate, key) = issued(trusted, "localhost", ExtendedKeyUsagePurpose::ServerAuth);
    let extra = format!(
        "listen:
  data: 127.0.0.1:@data_port@
  control: 127.0.0.1:@control_port@
  health: 127.0.0.1:@health_port@
  tls: {{ certificate: tls.crt, private_key: \"file:@folder@/tls.key\", client_certificates: optional, {asked} }}
"
    );
    Scene::built(&extra, |builder| {
        let builder = builder.file("tls.crt", certificate).file("tls.key", key);
        files
            .iter()
            .fold(builder, |builder, (name, text)| builder.file(name, text.clone()))
    })
    .await
}

fn shows(trusted: &Authority, shown: (String, String)) -> Caller<'_> {
    Caller {
        certificate: Some(shown),
        ..Caller::of(trusted)
    }
}

/// A connection that stays open.
struct Open(SendRequest<Full<Bytes>>);

impl Open {
    async fn by(caller: &Caller<'_>, gate: &Gate) -> Self {
        let stream = caller.connect(gate.data().address()).await.unwrap();
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .unwrap();
        tokio::spawn(connection);
        Self(sender)
    }

    async fn ask(&mut self) -> u16 {
        let request = Request::post("/v1/chat/completions")
            .header("host", "localhost")
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(call("m-oa").to_string())))
            .unwrap();
        let response = self.0.send_request(request).await.unwrap();
        let status = response.status().as_u16();
        let _ = response.into_body().collect().await;
        status
    }
}

/// Puts a file in place and waits until the gate has looked at it.
async fn put(gate: &Gate, name: &str, text: &str, said: &str) {
    let count = || {
        gate.lines()
            .all()
            .iter()
            .filter(|line| line.contains(said))
            .count()
    };
    let before = count();
    std::fs::write(gate.folder().join(name), text).unwrap();
    gate.hang_up().await;
    let until = Instant::now() + Duration::from_secs(10);
    while count() == before {
        assert!(Instant::now() < until, "{said}: {}", gate.lines().tail());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

const IN_FORCE: &str = "what is new on disk for TLS is in force";
const REFUSED: &str = "what is new on disk for TLS is refused";

#[tokio::test]
async fn agp_s1_ctx_t3_a_revoked_certificate_ends_with_its_next_request() {
    let (trusted, clients) = (authority(), named("clients"));
    let files = [
        ("clients.crt", clients.pem()),
        ("revoked.crl", list(&clients, &[], 2999)),
    ];
    let asked = "client_ca: clients.crt, client_crl: [revoked.crl]";
    let scene = gate(&trusted, asked, &files).await;
    let gate = &scene.gate;
    bound(gate, "nightly", &format!("certificate:{ID}")).await;
    bound(gate, "worker", "certificate:worker.example.org").await;
    let with_serial = |name: &str, serial: u64| {
        certificate(&clients, &[name], |params| {
            params.serial_number = Some(serial.into())
        })
    };
    let thief = shows(&trusted, with_serial(ID, 7));
    let worker = shows(&trusted, with_serial("worker.example.org", 8));
    let until = Instant::now() + Duration::from_secs(5);
    while !ask(&worker, gate, None)
        .await
        .is_ok_and(|(status, _)| status == 200)
    {
        assert!(Instant::now() < until, "{}", gate.lines().tail());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (mut stolen, mut good) = (Open::by(&thief, gate).await, Open::by(&worker, gate).await);
    assert_eq!((stolen.ask().await, good.ask().await), (200, 200));

    put(gate, "revoked.crl", &list(&clients, &[7], 2999), IN_FORCE).await;
    assert_eq!((stolen.ask().await, good.ask().await), (401, 200));
    assert_eq!(stolen.ask().await, 401, "and again");
    assert!(ask(&thief, gate, None).await.is_err(), "nor anew");
    assert!(
        ask(&thief, gate, Some(&scene.key)).await.is_err(),
        "nor with a key"
    );
    assert!(ask(&worker, gate, None).await.is_ok());
    // What is no list changes nothing.
    for nonsense in [
        "",
        "nonsense",
        "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n",
    ] {
        put(gate, "revoked.crl", nonsense, REFUSED).await;
        assert_eq!((stolen.ask().await, good.ask().await), (401, 200), "{nonsense}");
    }
    // A list that has expired says nothing of anybody, so nobody is believed; who shows none is not asked.
    put(gate, "revoked.crl", &list(&clients, &[7], 2024), IN_FORCE).await;
    assert_eq!(good.ask().await, 401);
    assert!(ask(&worker, gate, None).await.is_err());
    assert_eq!(
        ask(&Caller::of(&trusted), gate, Some(&scene.key)).await,
        Ok((200, String::new()))
    );
    assert!(
        gate.lines().any(|line| line.contains("has expired")),
        "{}",
        gate.lines().tail()
    );
    put(gate, "revoked.crl", &list(&clients, &[7], 2999), IN_FORCE).await;
    assert_eq!((stolen.ask().await, good.ask().await), (401, 200), "a new list");
    // An authority that is believed no more ends what it has issued.
    let other = named("others");
    std::fs::write(gate.folder().join("revoked.crl"), list(&other, &[], 2999)).unwrap();
    put(gate, "clients.crt", &other.pem(), IN_FORCE).await;
    assert_eq!(good.ask().await, 401);
}

#[tokio::test]
async fn agp_s1_an_authority_without_a_list_is_not_believed_where_there_are_lists() {
    let (trusted, clients, other) = (authority(), named("clients"), named("other"));
    let files = [
        ("clients.crt", clients.pem()),
        ("revoked.crl", list(&other, &[], 2999)),
    ];
    let scene = gate(
        &trusted,
        "client_ca: clients.crt, client_crl: [revoked.crl]",
        &files,
    )
    .await;
    let caller = shows(&trusted, certificate(&clients, &[ID], |_| {}));
    assert!(ask(&caller, &scene.gate, Some(&scene.key)).await.is_err());
    let said = "an authority has no list";
    scene.gate.lines().wait_for(said, Duration::from_secs(5)).await;
}

#[tokio::test]
async fn agp_s1_no_authority_speaks_for_anothers_callers() {
    let (trusted, jobs, partners) = (authority(), named("jobs"), named("partners"));
    let asked = "client_cas: [\
        { name: jobs, certificate: jobs.crt, trust_domains: [example.org], hosts: ['*.jobs.example'] }, \
        { name: partners, certificate: partners.crt, trust_domains: [partner.example], hosts: [gate.partner.example] }]";
    let files = [("jobs.crt", jobs.pem()), ("partners.crt", partners.pem())];
    let scene = gate(&trusted, asked, &files).await;
    let gate = &scene.gate;
    for (name, binding) in [
        ("nightly", ID),
        ("host", "a.jobs.example"),
        ("partner", "spiffe://partner.example/x"),
        ("partners-host", "gate.partner.example"),
    ] {
        bound(gate, name, &format!("certificate:{binding}")).await;
    }
    let by = |authority: &Authority, names: &[&str]| shows(&trusted, certificate(authority, names, |_| {}));
    let until = Instant::now() + Duration::from_secs(5);
    let last = by(&partners, &["gate.partner.example"]);
    while !ask(&last, gate, None)
        .await
        .is_ok_and(|(status, _)| status == 200)
    {
        assert!(Instant::now() < until, "{}", gate.lines().tail());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for (authority, names) in [
        (&jobs, &[ID][..]),
        (&jobs, &["a.jobs.example"]),
        (&jobs, &[ID, "somewhere.else"]),
        (&partners, &["spiffe://partner.example/x"]),
    ] {
        let answer = ask(&by(authority, names), gate, None).await;
        assert_eq!(answer, Ok((200, String::new())), "{names:?}");
    }
    for (authority, names) in [
        (&partners, &[ID][..]),
        (&partners, &["a.jobs.example"]),
        (&partners, &["gate.partner.example", "a.jobs.example"]),
        (&partners, &["spiffe://example.org.partner.example/x"]),
        (&jobs, &["spiffe://partner.example/x"]),
        (&jobs, &["jobs.example"]),
        (&jobs, &["ajobs.example"]),
        (&named("jobs"), &[ID]),
    ] {
        let caller = by(authority, names);
        assert!(ask(&caller, gate, None).await.is_err(), "{names:?}");
        assert!(
            ask(&caller, gate, Some(&scene.key)).await.is_err(),
            "{names:?} with a key"
        );
    }
    // One that names nobody stands for nobody.
    let nobody = by(&partners, &[]);
    assert_eq!(
        ask(&nobody, gate, Some(&scene.key)).await,
        Ok((200, String::new()))
    );
    let said = "its authority may not name this";
    scene.gate.lines().wait_for(said, Duration::from_secs(5)).await;
}
