//! Tokens that are known by what their claims are: which key they reach, and which they never do.

use std::time::{Duration, Instant};

use domain::Operation;
use serde_json::{Value, json};
use testkit::Answer;

use crate::issuers::{Pair, claims, issuer, with};
use crate::scene::{Scene, call, code};

const CHAT: &str = "/v1/chat/completions";
const RULES: &str = ", require: { tid: acme }, rules: [ \
    { name: deploy, when: { repository: acme/app, ref: { glob: 'refs/heads/*' }, environment: [prod, stage] } }, \
    { name: deploy, when: { /kubernetes.io/namespace: deployments } }, \
    { name: read, when: { groups: [g-readers, g-auditors] } }, \
    { name: nobody, when: { azp: lonely } } ]";
const THEIRS: &str = ", rules: [ { name: deploy, when: { all: true } }, { name: own, when: { number: 7 } } ]";

struct Corp {
    scene: Scene,
    own: Pair,
    theirs: Pair,
}

impl Corp {
    async fn found() -> Self {
        let (own, theirs) = (Pair::new(), Pair::new());
        let extra = format!(
            "issuers:\n{}{}",
            issuer("corp", "default", "@folder@/jwks.json", RULES),
            issuer("evil", "elsewhere", "@folder@/evil.json", THEIRS)
        );
        let (set, evil) = (own.set("k1").to_string(), theirs.set("k1").to_string());
        let scene = Scene::built(&extra, |b| b.file("jwks.json", set).file("evil.json", evil)).await;
        let bind = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<_>>();
        scene
            .new_key(|key| {
                key.name = "deploys".into();
                // The victim is bound to what the other tenant's rules are called, too.
                key.bindings = bind(&["rule:corp:deploy", "rule:evil:deploy", "rule:evil:own"]);
            })
            .await;
        scene
            .new_key(|key| {
                key.bindings = bind(&["rule:corp:read"]);
                key.operations = vec![Operation::ListModels];
            })
            .await;
        scene.new_key(|key| key.bindings = bind(&["jwt:corp:ada"])).await;
        scene
            .foreign_key(|key| key.bindings = bind(&["rule:evil:own"]))
            .await;
        Self { scene, own, theirs }
    }

    /// A call with a token that says this beside its subject.
    async fn ask(&self, subject: &str, more: Value) -> Answer {
        let said = with(with(claims(subject), json!({"tid": "acme"})), more);
        self.send(&self.own.token(&said)).await
    }

    async fn send(&self, token: &str) -> Answer {
        self.scene
            .gate
            .data()
            .bearer(token)
            .post(CHAT, &call("m-oa"))
            .await
    }
}

fn is(answer: &Answer, status: u16, refusal: &str, why: &str) {
    assert_eq!(
        (answer.status, code(answer).as_str()),
        (status, refusal),
        "{why}: {}",
        answer.text()
    );
}

fn pushed() -> Value {
    json!({"repository": "acme/app", "ref": "refs/heads/main", "environment": "prod"})
}

#[tokio::test]
async fn agp_s3_ctx_t1_claims_choose_one_key_and_only_that() {
    let corp = Corp::found().await;
    let until = Instant::now() + Duration::from_secs(12);
    while corp.ask("repo:acme/app", pushed()).await.status != 200 {
        assert!(Instant::now() < until, "{}", corp.scene.gate.lines().tail());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let cluster = json!({"kubernetes.io": {"namespace": "deployments", "pod": {"name": "x"}}});
    is(&corp.ask("s", cluster.clone()).await, 200, "", "nested");
    is(
        &corp.ask("s", with(pushed(), cluster)).await,
        200,
        "",
        "two rules of one name",
    );
    is(
        &corp
            .ask("s", with(pushed(), json!({"extra": ["g-readers"], "sub2": 1})))
            .await,
        200,
        "",
        "others' claims",
    );
    is(&corp.ask("ada", json!({})).await, 200, "", "by its subject");
    // One rule's token does nothing with another's key.
    let readers = json!({"groups": ["x", "g-auditors"]});
    let refused = corp.ask("s", readers.clone()).await;
    is(&refused, 404, "model_not_found", "a key that calls nothing");
    let said = with(with(claims("s"), json!({"tid": "acme"})), readers.clone());
    let listing = corp
        .scene
        .gate
        .data()
        .bearer(&corp.own.token(&said))
        .get("/v1/models")
        .await;
    assert_eq!(listing.status, 200, "{}", listing.text());

    let calls = corp.scene.provider.requests().len();
    for (subject, more, why) in [
        ("s", with(pushed(), readers.clone()), "two rules"),
        (
            "s",
            with(pushed(), json!({"azp": "lonely"})),
            "two rules, one of them nobody's",
        ),
        ("ada", pushed(), "a subject and a rule"),
        ("ada", json!({"azp": "lonely"}), "a subject and a rule of nobody"),
    ] {
        is(&corp.ask(subject, more).await, 401, "credential_ambiguous", why);
    }
    let but = |more: Value| with(pushed(), more);
    for (subject, more, why) in [
        ("s", json!({}), "nothing"),
        (
            "s",
            json!({"repository": "acme/app", "ref": "refs/heads/main"}),
            "a claim less",
        ),
        ("s", but(json!({"environment": null})), "null"),
        ("s", but(json!({"environment": {"prod": true}})), "an object"),
        ("s", but(json!({"environment": true})), "another type"),
        ("s", but(json!({"environment": [["prod"]]})), "nested too deep"),
        ("s", but(json!({"environment": "Prod"})), "another case"),
        ("s", but(json!({"repository": "acme/app2"})), "longer"),
        ("s", but(json!({"ref": "refs/heads/a/b"})), "beyond the part"),
        ("s", but(json!({"ref": "refs/tags/main"})), "another ref"),
        (
            "s",
            json!({"kubernetes.io/namespace": "deployments"}),
            "at the wrong place",
        ),
        ("s", json!({"groups": 7}), "a number"),
        ("s", json!({"groups": "g-readers g-auditors"}), "two in one text"),
        ("s", json!({"azp": "lonely"}), "a rule of nobody"),
        ("deploy", json!({}), "called like a rule"),
        ("rule:corp:deploy", json!({}), "called like a binding"),
        ("s", but(json!({"tid": "other"})), "not what all must say"),
        ("s", but(json!({"tid": null})), "nothing of what all must say"),
        ("ada", json!({"tid": ["x"]}), "nor for a subject"),
    ] {
        is(&corp.ask(subject, more).await, 401, "credential_invalid", why);
    }
    assert_eq!(corp.scene.provider.requests().len(), calls);
    // What ends the key ends what stands for it, and nothing takes its place.
    corp.scene
        .gate
        .cli_json(&["--json", "keys", "revoke", "deploys"])
        .await;
    let until = Instant::now() + Duration::from_secs(5);
    while corp.ask("s", pushed()).await.status == 200 {
        assert!(Instant::now() < until, "still good");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    is(
        &corp.ask("s", pushed()).await,
        401,
        "credential_invalid",
        "revoked",
    );
    is(
        &corp.ask("s", with(pushed(), readers)).await,
        401,
        "credential_ambiguous",
        "and not another's",
    );
}

#[tokio::test]
async fn anp_0006_rules_of_an_issuer_reach_its_own_tenant_only() {
    let corp = Corp::found().await;
    let theirs = |more: Value| {
        let said = with(claims("s"), json!({"iss": "https://issuer.example/b"}));
        corp.theirs.token(&with(said, more))
    };
    let until = Instant::now() + Duration::from_secs(12);
    while corp.send(&theirs(json!({"number": 7}))).await.status != 200 {
        assert!(Instant::now() < until, "{}", corp.scene.gate.lines().tail());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    is(
        &corp.send(&theirs(json!({"all": true}))).await,
        401,
        "credential_invalid",
        "another tenant's key",
    );
    is(
        &corp.send(&theirs(json!({"number": "7"}))).await,
        401,
        "credential_invalid",
        "a text",
    );
    is(
        &corp.send(&theirs(pushed())).await,
        401,
        "credential_invalid",
        "another issuer's rule",
    );
    let posing = corp
        .theirs
        .token(&with(with(claims("s"), json!({"tid": "acme"})), pushed()));
    is(
        &corp.send(&posing).await,
        401,
        "credential_invalid",
        "another issuer's name",
    );
}
