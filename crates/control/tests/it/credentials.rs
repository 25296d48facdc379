//! Provider credentials on the control plane: what is taken, what is shown, and what is refused.

use policy::Posture;
use serde_json::json;

use crate::scene::Instance;

const AT: &str = "/api/v1/credentials";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_i1_a_value_goes_in_and_never_comes_out() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let made = root
        .make(AT, &json!({"name": "openai", "value": "sk-cnry-one\n"}))
        .await;
    assert_eq!(made["versions"][0]["state"], "candidate");
    let again = root
        .post(AT, &json!({"name": "openai", "value": "sk-cnry-two"}))
        .await;
    assert_eq!((again.status, again.code().as_str()), (409, "conflict"));
    for wrong in ["", " ", "two words", "line\nbreak", "ünicode", &"x".repeat(9000)] {
        let answer = root.post(AT, &json!({"name": "other", "value": wrong})).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (422, "invalid"),
            "{wrong:?}"
        );
        assert!(answer.body.contains("/value"), "{answer:?}");
        assert!(wrong.len() < 3 || !answer.body.contains(wrong), "{answer:?}");
    }
    for wrong in ["../x", "", "a b", "a/b"] {
        let answer = root.post(AT, &json!({"name": wrong, "value": "sk-x"})).await;
        assert_eq!(answer.status, 422, "{wrong:?} {answer:?}");
    }
    let print = made["versions"][0]["fingerprint"].as_str().unwrap().to_owned();
    for (path, body) in [
        ("/openai/activate", json!({})),
        ("/openai/versions", json!({"value": "sk-cnry-bad"})),
    ] {
        let answer = root.post(&format!("{AT}{path}"), &body).await;
        assert_eq!(answer.status, 200, "{path} {answer:?}");
        assert!(
            !answer.body.contains("cnry") && answer.body.contains(&print),
            "{answer:?}"
        );
    }
    let refused = root.post(&format!("{AT}/openai/activate"), &json!({})).await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "probe_failed"));
    for path in ["", "/openai"] {
        let answer = root.get(&format!("{AT}{path}")).await;
        assert!(
            answer.status == 200 && !answer.body.contains("cnry"),
            "{answer:?}"
        );
    }
    let audit = root.get("/api/v1/tenants/platform/audit?limit=100").await;
    assert!(
        audit.body.contains("probe_failed") && !audit.body.contains("cnry"),
        "{audit:?}"
    );
    let kept = instance
        .store
        .record(
            &domain::TenantScope::operator(domain::TenantId::PLATFORM),
            store::RecordKind::Credential,
            "openai",
        )
        .await
        .unwrap();
    assert!(!kept.document.contains("cnry"), "{}", kept.document);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctx_t3_a_revoked_value_cannot_be_put_in_force_again() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    root.make(
        AT,
        &json!({"name": "spare", "value": "sk-one", "rotate_after_days": 30}),
    )
    .await;
    let done = root
        .post(&format!("{AT}/spare/activate"), &json!({"version": 1}))
        .await;
    assert_eq!(
        (done.status, &done.json()["probes"]),
        (200, &json!([])),
        "nobody uses it"
    );
    let same = root
        .post(&format!("{AT}/spare/versions"), &json!({"value": "sk-one"}))
        .await;
    assert_eq!((same.status, same.code().as_str()), (409, "conflict"));
    assert_eq!(
        root.post(&format!("{AT}/spare/revoke"), &json!({"version": 7}))
            .await
            .status,
        422
    );
    let gone = root
        .post(&format!("{AT}/spare/revoke"), &json!({"version": 1}))
        .await;
    assert_eq!(gone.json()["versions"][0]["state"], "revoked");
    for body in [
        json!({"version": 1}),
        json!({"version": 1, "force": true, "reason": "now"}),
    ] {
        let answer = root.post(&format!("{AT}/spare/activate"), &body).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (409, "conflict"),
            "{answer:?}"
        );
    }
    for days in [0, 3651] {
        let body = json!({"value": "sk-two", "rotate_after_days": days});
        assert_eq!(
            root.post(&format!("{AT}/spare/versions"), &body).await.status,
            422
        );
    }
}
