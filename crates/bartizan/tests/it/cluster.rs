//! A cluster whose roles were bypassed: whoever can have a token made for a service account, or writes what they like
//! into one, gets here what the key of that one account may, and nothing on the control plane.

use credential::ModelAccess;
use serde_json::{Value, json};
use testkit::Answer;

use crate::issuers::{Pair, claims, gets_in, issuer, with};
use crate::scene::{Scene, call};

const CHAT: &str = "/v1/chat/completions";
const ACCOUNT: &str = "system:serviceaccount:jobs:nightly";

/// What cluster administrators are called in Kubernetes, in every claim that somebody might read.
fn exalted() -> Value {
    json!({
        "groups": ["system:masters", "system:authenticated"],
        "roles": ["cluster-admin", "platform_admin", "tenant_admin"],
        "role": "platform_admin",
        "tenant": "platform",
        "scope": "admin *",
        "kubernetes.io": {"namespace": "kube-system", "serviceaccount": {"name": "admin"}},
        "impersonated_user": "system:admin",
        "act": {"sub": "system:admin"},
    })
}

#[tokio::test]
async fn agp_e4_roles_of_a_cluster_give_nothing_here() {
    let pair = Pair::new();
    let extra = format!(
        "issuers:\n{}",
        issuer("corp", "default", "@folder@/jwks.json", "")
    );
    let set = pair.set("k1").to_string();
    let scene = Scene::built(&extra, |builder| builder.file("jwks.json", set)).await;
    scene
        .new_key(|key| {
            key.bindings = vec![format!("jwt:corp:{ACCOUNT}").parse().unwrap()];
            key.models = ModelAccess::Some(vec!["m-oa".to_owned()]);
        })
        .await;
    let ask = async |subject: &str, more: Value, model: &str| -> Answer {
        let token = pair.token(&with(claims(subject), more));
        scene.gate.data().bearer(&token).post(CHAT, &call(model)).await
    };
    let own = pair.token(&claims(ACCOUNT));
    assert_eq!(gets_in(|| scene.gate.data().bearer(&own)).await.status, 200);

    // What an administrator of the cluster is called opens no more than the account's key.
    assert_eq!(ask(ACCOUNT, exalted(), "m-oa").await.status, 200);
    let calls = scene.provider.requests().len();
    let refused = ask(ACCOUNT, exalted(), "m-an").await.status;
    assert!(matches!(refused, 403 | 404), "{refused}");
    for subject in [
        "system:serviceaccount:kube-system:nightly",
        "system:serviceaccount:jobs:admin",
        "system:serviceaccount:jobs:nightly:x",
        "system:serviceaccount:*:nightly",
        "SYSTEM:SERVICEACCOUNT:JOBS:NIGHTLY",
        "system:admin",
        "system:masters",
        "kubernetes-admin",
    ] {
        assert_eq!(ask(subject, exalted(), "m-oa").await.status, 401, "{subject}");
    }
    assert_eq!(scene.provider.requests().len(), calls, "none of them was sent on");

    // No token of a cluster's is anybody on the control plane.
    for token in [own, pair.token(&with(claims(ACCOUNT), exalted()))] {
        let control = scene.gate.control().bearer(&token);
        for path in ["/api/v1/me", "/api/v1/tenants", "/api/v1/settings"] {
            assert_eq!(control.get(path).await.status, 401, "{path}");
        }
    }
}
