//! Where a tenant lets the content of its calls go, on a real gate with a provider in the EU and one in the US: what wants a
//! consent goes where one says and nowhere else, whatever fails; taken back it goes nowhere; and what need not leave does not.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use testkit::{Answer, Client, Reply, ScriptedProvider};

use crate::history_people::{make, person, put, root, text};
use crate::scene::{Scene, builder, code};

const CHAT: &str = "/v1/chat/completions";
const CLASS: &str = "x-bartizan-data-class";
/// The promise is a second; a machine that does other things beside is given more.
const BOUND: Duration = Duration::from_secs(20);

/// The one in the US is preferred; `far` has no other, `near` is the house's own.
fn config(eu: &ScriptedProvider, us: &ScriptedProvider) -> String {
    let (eu, us) = (eu.base_url(), us.base_url());
    format!(
        "store: {{ refresh_every_ms: 20 }}
providers:
  - {{ name: azure-eu, kind: openai, base_url: \"{eu}\", credential: \"env:OA_KEY\", models: [big], region: eu-west }}
  - {{ name: us, kind: openai, base_url: \"{us}\", credential: \"env:OA_KEY\", models: [big], region: us-east }}
  - {{ name: own, kind: openai, base_url: \"{eu}\", credential: \"env:OA_KEY\", models: [small], self_hosted: true }}
models:
  - {{ name: m, targets: [{{ provider: us, model: big, priority: 0 }}, {{ provider: azure-eu, model: big, priority: 1 }}] }}
  - {{ name: far, targets: [{{ provider: us, model: big }}] }}
  - {{ name: near, targets: [{{ provider: own, model: small }}] }}
routing: {{ attempts_max: 4, breaker: {{ consecutive_failures_max: 1000 }} }}
prices:
  overrides:
    - {{ provider: azure-eu, model: \"*\", input_per_million: 1, output_per_million: 2 }}
    - {{ provider: us, model: \"*\", input_per_million: 1, output_per_million: 2 }}
    - {{ provider: own, model: \"*\", input_per_million: 1, output_per_million: 2 }}
"
    )
}

struct Stage {
    scene: Scene,
    us: ScriptedProvider,
    base: String,
    admin: Client,
    client: Client,
}

impl Stage {
    async fn set() -> Self {
        let (eu, us) = (ScriptedProvider::start().await, ScriptedProvider::start().await);
        let text_of = config(&eu, &us);
        let scene = Scene::raise(eu, builder().config(text_of)).await;
        let root = root(&scene.gate).await;
        let id = text(
            &make(&root, "/api/v1/tenants", &json!({"name": "acme"})).await,
            "id",
        );
        let base = format!("/api/v1/tenants/{id}");
        let team = text(
            &make(&root, &format!("{base}/teams"), &json!({"name": "care"})).await,
            "id",
        );
        let key = json!({"name": "ci", "all_models": true});
        let key = make(&root, &format!("{base}/teams/{team}/keys"), &key).await;
        let client = scene.gate.data().bearer(&text(&key, "secret"));
        let admin = person(&scene.gate, &root, (&id, "acme"), "ann", Some("tenant_admin")).await;
        let stage = Self {
            scene,
            us,
            base,
            admin,
            client,
        };
        stage.until("m", "public", 200).await;
        stage
    }

    async fn ask(&self, model: &str, class: &str) -> Answer {
        let body =
            json!({"model": model, "max_tokens": 5, "messages": [{"role": "user", "content": "hello"}]});
        self.client.header(CLASS, class).post(CHAT, &body).await
    }

    async fn until(&self, model: &str, class: &str, status: u16) -> Answer {
        let since = Instant::now();
        loop {
            let answer = self.ask(model, class).await;
            if answer.status == status {
                return answer;
            }
            assert!(since.elapsed() < BOUND, "{}: {}", answer.status, answer.text());
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    async fn consent(&self, document: &Value) -> u64 {
        let set = put(&self.admin, &format!("{}/consents", self.base), document).await;
        assert_eq!(set.status, 200, "{}", set.text());
        set.json()["number"].as_u64().unwrap()
    }

    fn forget(&self) {
        self.scene.provider.forget_requests();
        self.us.forget_requests();
    }

    /// How many calls reached the EU and the US.
    fn reached(&self) -> (usize, usize) {
        (self.scene.provider.requests().len(), self.us.requests().len())
    }

    async fn policies(&self, answer: &Answer) -> Value {
        let id = answer.header("x-request-id").unwrap().to_owned();
        self.entry(&id).await["policies"].clone()
    }

    /// What is on record of a call, as soon as it is.
    async fn entry(&self, id: &str) -> Value {
        let since = Instant::now();
        loop {
            let words = ["--json", "ledger", "show", "--tenant", "acme"];
            let shown = self.scene.gate.cli_json(&words).await;
            let all = shown.as_array().unwrap().iter();
            if let Some(line) = all.clone().find(|line| line["entry"]["id"] == id) {
                return line["entry"].clone();
            }
            assert!(since.elapsed() < BOUND, "no entry {id}: {shown}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn models(&self, class: &str) -> String {
        self.client.header(CLASS, class).get("/v1/models").await.text()
    }
}

fn consent(more: &Value) -> Value {
    let mut one = json!({"data_class": "restricted", "providers": ["azure-eu"], "regions": ["eu-*"],
        "by": "dpo@acme.example", "on": "2026-01-01", "statement": "contract 7, annex 2"});
    one.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    json!({"consents": [one]})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0017_restricted_data_goes_to_the_provider_that_was_consented_to_and_nowhere_when_taken_back() {
    let stage = Stage::set().await;
    stage.forget();
    // Where nothing is said nothing changes.
    assert_eq!(stage.ask("m", "restricted").await.status, 200);
    assert_eq!(stage.reached(), (0, 1));

    let number = stage.consent(&consent(&json!({}))).await;
    let refused = stage.until("far", "restricted", 403).await;
    assert_eq!(code(&refused), "consent_missing");
    let said = refused.text();
    for part in ["restricted data", "`us`", "us-east", "`far`"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("azure") && !said.contains("dpo@"), "{said}");
    stage.forget();
    let answer = stage.ask("m", "restricted").await;
    assert_eq!(
        (answer.status, stage.reached()),
        (200, (1, 0)),
        "{}",
        answer.text()
    );
    assert_eq!(stage.ask("m", "confidential").await.status, 200);
    assert_eq!(stage.reached(), (1, 1), "no consent speaks of what is less grave");
    // Both records say by which version.
    let named = json!(format!("consents:{number}"));
    for answer in [&answer, &refused] {
        let policies = stage.policies(answer).await;
        assert!(policies.as_array().unwrap().contains(&named), "{policies}");
    }
    // What may go nowhere is not listed, and what stays in the house wants nobody's word.
    let listed = stage.models("restricted").await;
    assert!(
        !listed.contains("\"far\"") && listed.contains("\"near\""),
        "{listed}"
    );
    assert!(stage.models("internal").await.contains("\"far\""));
    assert_eq!(stage.ask("near", "restricted").await.status, 200);

    // The EU is down, and the US would answer: the call fails and goes nowhere else.
    for reply in [
        Reply::error(503, "not now"),
        Reply::error(429, "not now"),
        Reply::error(404, "not now"),
    ] {
        stage.scene.provider.script("*", reply);
        stage.forget();
        assert!(stage.ask("m", "restricted").await.status >= 400);
        let (eu, us) = stage.reached();
        assert!(eu > 0 && us == 0, "{eu} {us}");
    }
    stage.scene.provider.unscript();

    // Taken back: it goes nowhere, and no later than within a moment.
    stage.consent(&consent(&json!({"withdrawn": "2026-02-01"}))).await;
    let refused = stage.until("m", "restricted", 403).await;
    assert!(
        refused.text().contains("azure-eu") && refused.text().contains("eu-west"),
        "{}",
        refused.text()
    );
    stage.forget();
    for path in [CHAT, "/v1/messages", "/v1/estimate"] {
        let body = json!({"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "hello"}]});
        let answer = stage.client.header(CLASS, "restricted").post(path, &body).await;
        assert_eq!(
            (answer.status, code(&answer).as_str()),
            (403, "consent_missing"),
            "{path}"
        );
    }
    assert_eq!(stage.reached(), (0, 0));
    // A key that says nothing carries what the instance says, and a caller lowers nothing.
    assert_eq!(stage.ask("m", "public").await.status, 200);

    // Nothing leaves at all.
    let mut stays = consent(&json!({}));
    stays["content_leaves"] = json!(false);
    stage.consent(&stays).await;
    let refused = stage.until("m", "public", 403).await;
    assert!(refused.text().contains("content_leaves"), "{}", refused.text());
    assert_eq!(stage.ask("near", "restricted").await.status, 200);
    let gone = stage
        .admin
        .request(Method::DELETE, &format!("{}/consents", stage.base), Bytes::new())
        .await
        .unwrap();
    assert_eq!(gone.status, 204);
    stage.until("far", "restricted", 200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0020_what_need_not_leave_is_left_out_of_what_providers_get() {
    let stage = Stage::set().await;
    stage
        .consent(&json!({"minimise": {"drop": ["user", "metadata", "safety_identifier"], "history_messages_max": 2}}))
        .await;
    let body = json!({
        "model": "m", "max_tokens": 5, "user": "ada-7", "metadata": {"customer": "4711"}, "safety_identifier": "h-7",
        "messages": [
            {"role": "system", "content": "be brief"}, {"role": "user", "content": "long ago"},
            {"role": "assistant", "content": "indeed"}, {"role": "user", "content": "and now"}]});
    let since = Instant::now();
    let (answer, sent) = loop {
        stage.forget();
        let answer = stage.client.post(CHAT, &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let sent = stage.us.requests()[0].json();
        if sent.get("user").is_none() {
            break (answer, sent);
        }
        assert!(since.elapsed() < BOUND, "{sent}");
        tokio::time::sleep(Duration::from_millis(30)).await;
    };
    let kept = json!([{"role": "system", "content": "be brief"}, {"role": "user", "content": "and now"}]);
    assert_eq!(sent["messages"], kept, "{sent}");
    for gone in ["metadata", "safety_identifier", "user"] {
        assert!(sent.get(gone).is_none(), "{gone}: {sent}");
    }
    let id = answer.header("x-request-id").unwrap().to_owned();
    let findings = stage.entry(&id).await["findings"].to_string();
    assert!(findings.contains("input:minimised:redact"), "{findings}");
    // Another tenant's calls leave as they came.
    let mut plain = body.clone();
    plain["model"] = json!("far");
    stage.forget();
    assert_eq!(stage.scene.client().post(CHAT, &plain).await.status, 200);
    let sent = stage.us.requests()[0].json();
    assert_eq!(
        (&sent["user"], &sent["messages"]),
        (&plain["user"], &plain["messages"]),
        "{sent}"
    );
}
