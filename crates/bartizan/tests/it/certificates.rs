//! Client certificates that stand for keys, and tokens that are bound to a certificate.

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, KeyPair, SanType};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;
use testkit::Gate;

use crate::issuers::{self, Pair, b64, claims, with};
use crate::scene::call;
use crate::tls::{Authority, Caller, authority, gate_with};

pub fn certificate(
    by: &Authority,
    names: &[&str],
    bend: impl Fn(&mut CertificateParams),
) -> (String, String) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    let name = |text: &&str| match text.contains("://") {
        true => SanType::URI((*text).try_into().unwrap()),
        false => SanType::DnsName((*text).try_into().unwrap()),
    };
    params.subject_alt_names = names.iter().map(name).collect();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    bend(&mut params);
    let key = KeyPair::generate().unwrap();
    (params.signed_by(&key, by).unwrap().pem(), key.serialize_pem())
}

/// One call; its status and refusal code.
pub async fn ask(caller: &Caller<'_>, gate: &Gate, key: Option<&str>) -> Result<(u16, String), String> {
    let stream = caller
        .connect(gate.data().address())
        .await
        .map_err(|e| e.to_string())?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|e| e.to_string())?;
    tokio::spawn(connection);
    let mut request = Request::post("/v1/chat/completions")
        .header("host", "localhost")
        .header("content-type", "application/json");
    if let Some(key) = key {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    let request = request
        .body(Full::new(Bytes::from(call("m-oa").to_string())))
        .unwrap();
    let response = sender.send_request(request).await.map_err(|e| e.to_string())?;
    let code = response
        .headers()
        .get("x-refusal-code")
        .map_or("", |code| code.to_str().unwrap());
    let answer = (response.status().as_u16(), code.to_owned());
    let _ = response.into_body().collect().await;
    Ok(answer)
}

pub async fn bound(gate: &Gate, name: &str, binding: &str) -> String {
    let create = [
        "--json",
        "keys",
        "create",
        "--name",
        name,
        "--all-models",
        "--binding",
        binding,
    ];
    gate.cli_json(&create).await["key"].as_str().unwrap().to_owned()
}

const ID: &str = "spiffe://example.org/jobs/nightly";

#[tokio::test]
async fn agp_s1_a_certificate_stands_for_the_key_it_is_bound_to_and_no_other() {
    let (trusted, clients, strangers) = (authority(), authority(), authority());
    let issuer = Pair::new();
    let folder = tempfile::tempdir().unwrap();
    let jwks = folder.path().join("jwks.json");
    std::fs::write(&jwks, issuer.set("k1").to_string()).unwrap();
    let corp = issuers::issuer(
        "corp",
        "default",
        jwks.to_str().unwrap(),
        ", binding: certificate",
    );
    let (gate, provider, first) = gate_with(
        &trusted,
        Some((&clients, "optional")),
        &format!("issuers:\n{corp}"),
    )
    .await;
    let own = bound(&gate, "nightly", &format!("certificate:{ID}")).await;
    bound(&gate, "worker", "certificate:worker.example.org").await;
    bound(&gate, "other", "certificate:other.example.org").await;
    let caller = |names: &[&str]| Caller {
        certificate: Some(certificate(&clients, names, |_| {})),
        ..Caller::of(&trusted)
    };
    let nightly = caller(&[ID]);
    for _ in 0..100 {
        if ask(&caller(&["other.example.org"]), &gate, None)
            .await
            .is_ok_and(|(status, _)| status == 200)
        {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let is = |answer: Result<(u16, String), String>, status: u16, code: &str, why: &str| {
        assert_eq!(answer, Ok((status, code.to_owned())), "{why}");
    };
    is(ask(&nightly, &gate, None).await, 200, "", "alone");
    is(
        ask(&nightly, &gate, Some(&own)).await,
        200,
        "",
        "with its own key",
    );
    is(
        ask(&caller(&["worker.example.org"]), &gate, None).await,
        200,
        "",
        "by host name",
    );
    is(
        ask(&nightly, &gate, Some(&first)).await,
        401,
        "credential_ambiguous",
        "with another's key",
    );
    is(
        ask(&caller(&["x.example.org"]), &gate, Some(&first)).await,
        200,
        "",
        "of nobody, with a key",
    );
    is(
        ask(&Caller::of(&trusted), &gate, Some(&first)).await,
        200,
        "",
        "none, with a key",
    );
    bound(&gate, "ada", "jwt:corp:ada").await;
    let holder = caller(&["holder.example.org"]);
    let pem = holder.certificate.as_ref().unwrap().0.as_bytes();
    let der = CertificateDer::from_pem_slice(pem).unwrap();
    let thumbprint = b64(digest(&SHA256, der.as_ref()));
    let token = issuer.token(&with(claims("ada"), json!({"cnf": {"x5t#S256": thumbprint}})));
    for _ in 0..100 {
        if ask(&holder, &gate, Some(&token))
            .await
            .is_ok_and(|(status, _)| status == 200)
        {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let calls = provider.requests().len();
    is(
        ask(&Caller::of(&trusted), &gate, None).await,
        401,
        "credential_missing",
        "none",
    );
    for (names, why) in [
        (&["x.example.org"][..], "of nobody"),
        (&["spiffe://example.org/jobs/nightly/x"], "of a longer name"),
        (&["*.example.org"], "a wildcard"),
        (&[ID, "spiffe://example.org/jobs/other"], "with two ids"),
        (
            &["spiffe://example.org/nobody", "worker.example.org"],
            "an id of nobody and a host's name",
        ),
    ] {
        is(
            ask(&caller(names), &gate, None).await,
            401,
            "credential_invalid",
            why,
        );
    }
    let two = caller(&["worker.example.org", "other.example.org"]);
    is(
        ask(&two, &gate, None).await,
        401,
        "credential_ambiguous",
        "of two keys",
    );
    let forged = Caller {
        certificate: Some(certificate(&strangers, &[ID], |_| {})),
        ..Caller::of(&trusted)
    };
    assert!(ask(&forged, &gate, None).await.is_err(), "a stranger's authority");
    let expired = Caller {
        certificate: Some(certificate(&clients, &[ID], |params| {
            params.not_before = rcgen::date_time_ymd(2020, 1, 1);
            params.not_after = rcgen::date_time_ymd(2020, 2, 1);
        })),
        ..Caller::of(&trusted)
    };
    assert!(ask(&expired, &gate, None).await.is_err(), "expired");
    let server_only = Caller {
        certificate: Some(certificate(&clients, &[ID], |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        })),
        ..Caller::of(&trusted)
    };
    assert!(
        ask(&server_only, &gate, None).await.is_err(),
        "a server's certificate"
    );
    // A token that is bound to a certificate (RFC 8705) comes with that one or not at all.
    let stolen = caller(&["x.example.org"]);
    for (shown, status) in [(&holder, 200), (&stolen, 401), (&Caller::of(&trusted), 401)] {
        let answer = ask(shown, &gate, Some(&token)).await;
        assert_eq!(answer.map(|(status, _)| status), Ok(status));
    }
    // Revoking the key ends what stands for it.
    gate.cli_json(&["--json", "keys", "revoke", "nightly"]).await;
    let mut last = Ok((0, String::new()));
    for _ in 0..100 {
        last = ask(&nightly, &gate, None).await;
        if last != Ok((200, String::new())) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    is(last, 401, "credential_invalid", "revoked");
    assert!(provider.requests().len() <= calls + 100);
}
