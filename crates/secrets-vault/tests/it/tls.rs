//! Who the engine talks to: the pinned authority's server, or nobody.

use credential::SecretRef;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls_pki_types::CertificateDer;
use secrets_vault::{Auth, Vault, VaultError, VaultOptions};
use testkit::OpenBao;

use crate::scene::{Scene, VALUE, got, openai};

pub fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn der(authority: &CertifiedIssuer<'static, KeyPair>) -> CertificateDer<'static> {
    authority.der().clone()
}

#[tokio::test]
async fn agp_s2_only_the_pinned_authority_is_believed() {
    let (ours, other) = (authority(), authority());
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()])
        .unwrap()
        .signed_by(&key, &ours)
        .unwrap();
    let bao = OpenBao::start_with_tls(&certificate.pem(), &key.serialize_pem()).await;
    let scene = Scene::with(bao).await;
    let token = scene.write("token", &scene.token(serde_json::json!({})).await);
    let options = |address: &str, authorities| VaultOptions {
        address: address.to_owned(),
        authorities,
        ..scene.options(Auth::Token { token: token.clone() })
    };
    let vault = Vault::new(options(&scene.bao.tls_address(), vec![der(&ours)])).unwrap();
    assert_eq!(got(&vault, &openai()).await.unwrap(), VALUE);

    // Another authority, the system's, and a name that the certificate does not have.
    let by_address = scene.bao.tls_address().replace("localhost", "127.0.0.1");
    for (address, authorities) in [
        (scene.bao.tls_address(), vec![der(&other)]),
        (scene.bao.tls_address(), Vec::new()),
        (by_address, vec![der(&ours)]),
    ] {
        let vault = Vault::new(options(&address, authorities)).unwrap();
        let error = got(&vault, &openai()).await.unwrap_err();
        assert!(error.is_unavailable(), "{error}");
        assert!(error.to_string().contains("certificate"), "{error}");
    }
}

#[tokio::test]
async fn agp_cred_1_1_2_no_token_travels_in_clear_beyond_loopback() {
    let options = |address: &str| VaultOptions {
        address: address.to_owned(),
        namespace: None,
        authorities: Vec::new(),
        auth: Auth::Token {
            token: SecretRef::File("/nowhere".into()),
        },
        bootstrap: std::sync::Arc::new(secrets::Files),
        timeout: crate::scene::TIMEOUT,
    };
    for address in [
        "http://10.0.0.1:8200",
        "http://vault.internal:8200",
        "http://169.254.169.254",
    ] {
        assert!(
            matches!(Vault::new(options(address)), Err(VaultError::Address(_))),
            "{address}"
        );
    }
    let namespace = VaultOptions {
        namespace: Some("line\nbreak".to_owned()),
        ..options("https://vault.internal")
    };
    assert_eq!(Vault::new(namespace).err(), Some(VaultError::Namespace));
    assert!(Vault::new(options("https://vault.internal:8200")).is_ok());
}
