//! Every refusal there is, provoked from outside in both dialects; and the page that lists them.

use std::fmt::Write;
use std::time::Duration;

use bytes::Bytes;
use credential::Limits;
use data::refusal::Code;
use domain::Operation;
use http::Method;
use serde_json::{Value, json};
use store::TenantState;
use testkit::client::raw;
use testkit::{Answer, Client, Cut, Reply, ScriptedProvider};

use crate::refusals_around::{
    connector_away, consent_missing, draining, journal_away, prompt_damaged, receipts_away,
    replay_check_away, reservations_away, store_away, unreadable, usage_away, webhook_says,
};
use crate::scene::{self, Scene, call, code, streamed};
use crate::signing::Machine;

/// Two answers of one refusal, in OpenAI's dialect and in Anthropic's.
pub type Both = [Answer; 2];

/// Small bounds, so that all of them can be crossed in a test.
const BOUNDS: &str = "
server: { body_bytes_max: 65536, body_timeout_ms: 300, answer_bytes_max: 65536 }
guards: { secrets: { input: block, output: block } }
budgets: { wait_ms: 100 }
routing: { attempts_max: 2, breaker: { consecutive_failures_max: 3, cooldown_ms: 60000 } }
";

const MODELS: [&str; 12] = [
    "m",
    "unpriced",
    "slow",
    "broken",
    "garbage",
    "large",
    "credential",
    "refused",
    "blocked",
    "resting",
    "held",
    "bounded",
];

/// Both providers serve every model under their own name: a fault in one model opens no other's breaker.
pub fn config(base: &str) -> String {
    let names = MODELS.join(", ");
    let mut text = format!(
        "{BOUNDS}
store: {{ refresh_every_ms: 20 }}
providers:
  - {{ name: oa, kind: openai, base_url: \"{base}\", credential: \"env:OA_KEY\", models: [{names}], timeouts: {{ first_byte_ms: 700 }} }}
  - {{ name: an, kind: anthropic, base_url: \"{base}\", credential: \"env:AN_KEY\", models: [{names}], timeouts: {{ first_byte_ms: 700 }} }}
  - {{ name: away, kind: openai, base_url: \"http://127.0.0.1:9\", models: [m, n] }}
models:
  - {{ name: bounded, output_tokens_max: 10, targets: [{{ provider: oa, model: bounded }}] }}
prices:
  overrides:
    - {{ provider: away, model: \"*\", input_per_million: 1, output_per_million: 2 }}
"
    );
    for provider in ["oa", "an"] {
        for model in MODELS.iter().filter(|model| **model != "unpriced") {
            let _ = writeln!(
                text,
                "    - {{ provider: {provider}, model: {model}, input_per_million: 1, output_per_million: 2 }}"
            );
        }
    }
    text
}

pub async fn stage() -> Scene {
    let provider = ScriptedProvider::start().await;
    let text = config(&provider.base_url());
    Scene::raise(provider, scene::builder().config(text)).await
}

/// The same call in both dialects, each to the provider of its own.
pub async fn both(client: &Client, model: &str, bend: impl Fn(&mut Value)) -> Both {
    let ask = |path: &'static str, provider: &str| {
        let mut body = call(&format!("{provider}/{model}"));
        bend(&mut body);
        async move { client.post(path, &body).await }
    };
    [
        ask("/v1/chat/completions", "oa").await,
        ask("/v1/messages", "an").await,
    ]
}

async fn scripted(scene: &Scene, model: &str, reply: Reply) -> Both {
    scene.provider.script("*", reply);
    let answers = both(&scene.client(), model, |_| {}).await;
    scene.provider.unscript();
    answers
}

/// One request of any kind; `anthropic-version` makes it one of that dialect where the path does not.
async fn heads(client: &Client, method: Method, paths: [&str; 2], body: &str) -> Both {
    let body = Bytes::from(body.to_owned());
    let other = client.header("anthropic-version", "2023-06-01");
    [
        client
            .request(method.clone(), paths[0], body.clone())
            .await
            .unwrap(),
        other.request(method, paths[1], body).await.unwrap(),
    ]
}

pub const CALLS: [&str; 2] = ["/v1/chat/completions", "/v1/messages"];

/// Bytes on a socket, and the one answer they bring.
async fn wired(scene: &Scene, request: impl Fn(&str) -> String) -> Both {
    let mut answers = Vec::new();
    for path in CALLS {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: gate\r\nauthorization: Bearer {}\r\n",
            scene.key
        );
        let address = scene.gate.data().address();
        let (bytes, _) = raw::send(address, request(&head), Duration::from_secs(3)).await;
        answers.push(parsed(&bytes));
    }
    answers.try_into().unwrap_or_else(|_| unreachable!())
}

/// An answer off the wire.
fn parsed(bytes: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("no answer: `{text}`"));
    let mut headers = http::HeaderMap::new();
    for line in head.lines().skip(1) {
        let (name, value) = line.split_once(':').unwrap();
        headers.append(
            name.parse::<http::HeaderName>().unwrap(),
            value.trim().parse().unwrap(),
        );
    }
    Answer {
        status: raw::statuses(bytes)[0],
        headers,
        body: Bytes::from(body.to_owned()),
        took: Duration::ZERO,
    }
}

/// How each code is provoked; `None` for those that cannot be from outside. A code without an arm does not
/// compile.
async fn provoke(code: Code, scene: &Scene) -> Option<Both> {
    let (client, plain) = (scene.client(), scene.gate.data());
    let nothing = |_: &mut Value| {};
    Some(match code {
        Code::UnknownPath => {
            heads(
                &client,
                Method::POST,
                ["/v1/nothing", "/v1/messages/nothing"],
                "{}",
            )
            .await
        }
        Code::MethodNotAllowed => heads(&client, Method::GET, CALLS, "").await,
        Code::AmbiguousFraming => {
            wired(scene, |head| {
                format!("{head}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n")
            })
            .await
        }
        Code::UnsupportedMediaType => {
            heads(
                &client.header("content-type", "text/plain"),
                Method::POST,
                CALLS,
                "{}",
            )
            .await
        }
        Code::DataClassInvalid => {
            let client = client.header("x-bartizan-data-class", "secret");
            heads(&client, Method::POST, CALLS, "{}").await
        }
        Code::LabelsInvalid => {
            let client = client.header("bartizan-labels", "Outcome=resolved");
            heads(&client, Method::POST, CALLS, "{}").await
        }
        Code::SessionInvalid => {
            let client = client.header("bartizan-session", "a b");
            heads(&client, Method::POST, CALLS, "{}").await
        }
        Code::Draining => draining().await,
        Code::CredentialMissing => both(&plain, "m", nothing).await,
        Code::CredentialInvalid => both(&plain.bearer("btz_wrong"), "m", nothing).await,
        Code::CredentialAmbiguous => both(&client.header("x-api-key", "btz_other"), "m", nothing).await,
        Code::SignatureMissing | Code::SignatureInvalid | Code::SignatureReplayed => {
            let machine = Machine::new();
            let key = scene.new_key(|key| machine.sign_for(key)).await;
            let signed = |kind| {
                let mut it = machine.call(kind, &plain, &key, "POST");
                if code == Code::SignatureInvalid {
                    it.created = domain::UnixMillis(1_000_000);
                }
                it
            };
            let mut answers = Vec::new();
            for (path, model) in [(CALLS[0], "oa/m"), (CALLS[1], "an/m")] {
                let it = signed(path);
                let body = call(model).to_string();
                answers.push(match code {
                    Code::SignatureMissing => it.send_with(&body, &[]).await,
                    Code::SignatureReplayed => {
                        let headers = it.headers(&body);
                        it.send_with(&body, &headers).await;
                        it.send_with(&body, &headers).await
                    }
                    _ => it.send(&body).await,
                });
            }
            answers.try_into().ok()?
        }
        Code::TokenRequestInvalid => heads(&client, Method::POST, ["/v1/token"; 2], "scope=everything").await,
        Code::NotExchangeable => {
            let answer = crate::tokens::exchange(&client, "").await;
            let token = answer.json()["access_token"].as_str().unwrap().to_owned();
            let form = crate::tokens::form("");
            heads(&plain.bearer(&token), Method::POST, ["/v1/token"; 2], &form).await
        }
        Code::ReplayCheckUnavailable => replay_check_away(scene).await,
        Code::NetworkForbidden => {
            let key = scene
                .new_key(|key| key.networks = vec!["10.0.0.0/8".parse().unwrap()])
                .await;
            both(&plain.bearer(&key), "m", nothing).await
        }
        Code::KeySuspended => {
            let why = credential::Suspension::by_hand(domain::UnixMillis(0));
            let key = scene.new_key(|key| key.suspended = Some(why)).await;
            both(&plain.bearer(&key), "m", nothing).await
        }
        Code::TenantInactive => {
            let key = plain.bearer(&scene.foreign_key(|_| {}).await);
            scene.set_state("elsewhere", TenantState::Suspended).await;
            scene::becomes(&key, 403).await;
            both(&key, "m", nothing).await
        }
        Code::TenantUnreadable => unreadable(scene).await,
        Code::ReceiptNotFound => receipts(&client).await,
        Code::ReceiptUnavailable => receipts_away(scene).await,
        Code::UsageUnavailable => usage_away(scene).await,
        Code::BodyTooLarge => both(&client, "m", |body| body["pad"] = json!("x".repeat(70_000))).await,
        Code::BodyTimeout => {
            wired(scene, |head| {
                format!("{head}content-length: 50\r\n\r\n{{\"model\":")
            })
            .await
        }
        Code::BodyIncomplete => {
            wired(scene, |head| {
                format!("{head}transfer-encoding: chunked\r\n\r\nzz\r\n")
            })
            .await
        }
        Code::RequestInvalid => both(&client, "m", |body| body["messages"] = json!("no list")).await,
        Code::PromptNotFound => both(&client, "m", |body| body["prompt"] = json!({"id": "none"})).await,
        Code::PromptInvalid => both(&client, "m", |body| body["prompt"] = json!({"id": ["a"]})).await,
        Code::PromptDamaged => prompt_damaged(scene).await,
        Code::ModelNotFound => both(&client, "none", nothing).await,
        Code::PolicyForbidden => {
            let key = scene.new_key(|key| key.operations = vec![Operation::Chat]).await;
            let client = plain.bearer(&key);
            let count = json!({"model": "an/m", "messages": [{"role": "user", "content": "hi"}]});
            [
                client
                    .post("/v1/embeddings", &json!({"model": "oa/m", "input": "hi"}))
                    .await,
                client.post("/v1/messages/count_tokens", &count).await,
            ]
        }
        Code::ConsentMissing => consent_missing(scene).await,
        Code::OutputTooLong => {
            let mut body = call("bounded");
            body["max_tokens"] = json!(11);
            [
                client.post(CALLS[0], &body).await,
                client.post(CALLS[1], &body).await,
            ]
        }
        Code::RateLimited => {
            let key = limited(
                scene,
                Limits {
                    requests_per_minute: Some(1),
                    ..Limits::default()
                },
            )
            .await;
            both(&plain.bearer(&key), "m", nothing).await
        }
        Code::TokensRateLimited => {
            let key = limited(
                scene,
                Limits {
                    tokens_per_minute: Some(10),
                    ..Limits::default()
                },
            )
            .await;
            both(&plain.bearer(&key), "m", nothing).await
        }
        Code::TooManyConcurrent => too_many_at_once(scene).await,
        Code::RequestTooCostly => {
            let limits = Limits {
                request_cost_nanos_max: Some(1),
                ..Limits::default()
            };
            let key = scene.new_key(|key| key.limits = limits).await;
            settled(&plain.bearer(&key)).await;
            both(&plain.bearer(&key), "m", nothing).await
        }
        Code::SessionRequired => sessionless(scene).await,
        Code::BudgetPaused => paused(scene).await,
        Code::BudgetClosed => closed(scene).await,
        Code::BudgetExhausted => {
            let made = scene.gate.cli_json(&keys("poor", "0.000001")).await;
            let client = plain.bearer(made["key"].as_str().unwrap());
            settled(&client).await;
            both(&client, "m", nothing).await
        }
        Code::BudgetUnavailable => store_away(scene).await,
        Code::ModelUnpriced => both(&client, "unpriced", nothing).await,
        Code::BudgetWebhookRefused => {
            let no = json!({"allow": false, "message": "not this month"});
            webhook_says(Reply::json(200, &no)).await
        }
        Code::BudgetWebhookUnavailable => webhook_says(Reply::error(500, "out of order")).await,
        Code::GuardUnavailable => connector_away().await,
        Code::InputBlocked => {
            let secret = scene::openai_credential();
            both(&client, "m", |body| {
                body["messages"][0]["content"] = json!(format!("my key is {secret} keep it"))
            })
            .await
        }
        Code::GuardTimeout => crate::guards_late::refused().await,
        Code::NoTarget => {
            for _ in 0..4 {
                scripted(scene, "resting", Reply::error(500, "no")).await;
            }
            both(&client, "resting", nothing).await
        }
        Code::NotTranslatable => {
            let (mut openai, mut anthropic) = (call("an/m"), call("oa/m"));
            openai["temperature"] = json!(1.5);
            anthropic["thinking"] = json!({"type": "odd"});
            [
                client.post(CALLS[0], &openai).await,
                client.post(CALLS[1], &anthropic).await,
            ]
        }
        Code::UpstreamUnreachable => [
            client.post(CALLS[0], &call("away/m")).await,
            client.post(CALLS[1], &call("away/n")).await,
        ],
        Code::UpstreamTimeout => scripted(scene, "slow", Reply::stall_before_head()).await,
        Code::UpstreamBroken => scripted(scene, "broken", Reply::usual().cut_after(20, Cut::Rst)).await,
        Code::UpstreamGarbage => {
            scripted(
                scene,
                "garbage",
                Reply::json(200, &json!(["not", "an", "answer"])),
            )
            .await
        }
        Code::UpstreamTooLarge => scripted(scene, "large", Reply::text(&"long ".repeat(20_000))).await,
        Code::UpstreamCredential => {
            scripted(scene, "credential", Reply::error(401, "incorrect key sk-hidden")).await
        }
        Code::UpstreamRefused => scripted(scene, "refused", Reply::error(422, "the prompt is odd")).await,
        Code::OutputBlocked => {
            scripted(
                scene,
                "blocked",
                Reply::text(&format!("it is {} there", scene::openai_credential())),
            )
            .await
        }
        Code::ReservationNotFound => reservation(&client, |_| "req_1".to_owned()).await,
        Code::ReservationElsewhere => {
            let other = domain::NodeId::from_u128(1);
            reservation(&client, |given| {
                format!("{}.{other}", given.split('.').next().unwrap())
            })
            .await
        }
        Code::ReservationConflict => reservation(&client, str::to_owned).await,
        Code::ReservationUnavailable => reservations_away(scene).await,
        Code::JournalUnavailable => journal_away().await,
        // What it reports (a counting task that panicked, an address damaged after it was checked) has no
        // way in from outside: a request that brings it about is a fault to be mended.
        Code::Internal => return None,
    })
}

pub fn keys<'a>(name: &'a str, budget: &'a str) -> [&'a str; 8] {
    [
        "--json",
        "keys",
        "create",
        "--name",
        name,
        "--all-models",
        "--budget",
        budget,
    ]
}

/// A key whose first call has used up its limit.
async fn limited(scene: &Scene, limits: Limits) -> String {
    let key = scene.new_key(|key| key.limits = limits).await;
    let first = scene.gate.data().bearer(&key).post(CALLS[0], &call("oa/m")).await;
    assert_eq!(first.status, 200, "{}", first.text());
    key
}

/// A key whose budget was paused from the command line, once the gate has heard of it.
async fn paused(scene: &Scene) -> Both {
    let made = scene.gate.cli_json(&keys("runaway", "1")).await;
    let client = scene.gate.data().bearer(made["key"].as_str().unwrap());
    settled(&client).await;
    let pause = "budgets pause KEY --why circles --json".split(' ');
    let pause: Vec<_> = pause
        .map(|word| if word == "KEY" { "key runaway" } else { word })
        .collect();
    let said = scene.gate.cli_json(&pause).await;
    assert_eq!(said["paused"]["why"], "circles");
    for _ in 0..250 {
        let answers = both(&client, "m", |_| {}).await;
        if code(&answers[0]) == "budget_paused" {
            return answers;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("a paused budget is spent from");
}

async fn sessionless(scene: &Scene) -> Both {
    let made = scene.gate.cli_json(&keys("agents", "1")).await;
    let client = scene.gate.data().bearer(made["key"].as_str().unwrap());
    let create = "budgets create --name agents --limit 5 --window day --session-max 1 --session-required \
                  --key agents --json";
    scene
        .gate
        .cli_json(&create.split_whitespace().collect::<Vec<_>>())
        .await;
    for _ in 0..250 {
        let answers = both(&client, "m", |_| {}).await;
        if code(&answers[0]) == "session_required" {
            return answers;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("a call without a session is not refused")
}

async fn closed(scene: &Scene) -> Both {
    let made = scene.gate.cli_json(&keys("over", "1")).await;
    let client = scene.gate.data().bearer(made["key"].as_str().unwrap());
    settled(&client).await;
    let create =
        "budgets create --name over --limit 5 --from 2026-01-01 --until 2026-02-01 --key over --json";
    let create: Vec<_> = create.split(' ').collect();
    let said = scene.gate.cli_json(&create).await;
    assert_eq!(said["between"]["until"], 1_769_904_000_000_i64, "{said}");
    for _ in 0..250 {
        let answers = both(&client, "m", |_| {}).await;
        if code(&answers[0]) == "budget_closed" {
            return answers;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("a budget that is over is spent from");
}

/// Waits until the gate knows the key and its budget.
pub async fn settled(client: &Client) {
    for _ in 0..100 {
        if client.get("/v1/models").await.status == 200 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the gate does not know the key");
}

async fn too_many_at_once(scene: &Scene) -> Both {
    let key = scene
        .new_key(|key| {
            key.limits = Limits {
                concurrent_requests: Some(1),
                ..Limits::default()
            }
        })
        .await;
    let client = scene.gate.data().bearer(&key);
    scene
        .provider
        .script("*", Reply::endless_sse("data: {\"choices\":[]}\n\n", 20));
    let held = client.stream(CALLS[0], &streamed("oa/held")).await;
    let answers = both(&client, "m", |_| {}).await;
    drop(held);
    scene.provider.unscript();
    answers
}

/// A reservation that was voided, and that is settled again under the name that `bend` makes of its own.
pub async fn reservation(client: &Client, bend: impl Fn(&str) -> String) -> Both {
    let given = client.post("/v1/spend/reserve", &call("oa/m")).await.json();
    let given = given["reservation"].as_str().unwrap();
    let voided = client
        .post("/v1/spend/void", &json!({"reservation": given}))
        .await;
    assert_eq!(voided.status, 200, "{}", voided.text());
    let said = json!({"reservation": bend(given), "usage": {"input": 1}}).to_string();
    heads(client, Method::POST, ["/v1/spend/settle"; 2], &said).await
}

pub async fn receipts(client: &Client) -> Both {
    let path = "/v1/receipts/req_00000000000000000000000000000001";
    heads(client, Method::GET, [path; 2], "").await
}

#[tokio::test]
async fn every_refusal_in_both_dialects() {
    let scene = stage().await;
    let mut page = String::new();
    for code in Code::ALL {
        let Some(answers) = provoke(*code, &scene).await else {
            continue;
        };
        let _ = writeln!(page, "## {} {}", code.status(), code.as_str());
        for answer in &answers {
            assert_eq!(
                self::code(answer),
                code.as_str(),
                "{}: {}",
                answer.status,
                answer.text()
            );
            let passed_on = *code == Code::UpstreamRefused;
            assert!(
                passed_on || answer.status == code.status(),
                "{}: {}",
                code.as_str(),
                answer.status
            );
            describe(&mut page, answer);
        }
    }
    insta::assert_snapshot!(page);
}

/// Status, headers that matter and body, without what differs from run to run.
fn describe(page: &mut String, answer: &Answer) {
    let id = answer.header("x-request-id").expect("a request id").to_owned();
    let retry = answer.header("retry-after").map_or("", |_| " retry-after");
    let text = answer.text().replace(&id, "<id>");
    let text = without_amounts(&text, "$");
    let _ = writeln!(page, "{}{retry} {text}", answer.status);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert!(answer.header("server").is_none());
    if let Some(seconds) = answer.header("retry-after") {
        assert!(
            seconds
                .parse::<u64>()
                .is_ok_and(|seconds| (1..=3600).contains(&seconds)),
            "{seconds}"
        );
    }
}

/// Amounts behind `mark` depend on what was counted: digits become `#`.
fn without_amounts(text: &str, mark: &str) -> String {
    let mut parts = text.split(mark);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        out.push_str(mark);
        out.push('#');
        out.push_str(rest);
    }
    out
}
