//! Golden invoices: what providers report, in every shape they report it in, and what the ledger then says that the
//! call cost, to the nano-dollar. The figures in `tests/invoices` are reckoned by hand; each says how.

use bytes::Bytes;
use domain::{Money, Usage};
use http::Method;
use ledger::{BudgetScope, Outcome, UsageSource, Window};
use serde::Deserialize;
use serde_json::{Value, json};
use testkit::{Reply, ScriptedProvider};

use super::money_scene::{House, gate};

#[derive(Deserialize)]
struct Invoices {
    catalog: Value,
    cases: Vec<Case>,
}

/// One call, what its provider reports, and what it costs.
#[derive(Deserialize)]
struct Case {
    name: String,
    /// The path that the caller calls.
    call: String,
    /// Who answers: `p` speaks OpenAI's dialect, `a` Anthropic's.
    provider: String,
    model: String,
    /// What is said to the model, where it is more than a greeting.
    #[serde(default)]
    content: Option<Value>,
    /// A whole answer, or else the events of a stream.
    #[serde(default)]
    answer: Option<Value>,
    #[serde(default)]
    events: Vec<Value>,
    usage: Usage,
    nanos: i64,
    working: String,
}

impl Case {
    fn body(&self) -> Bytes {
        let model = format!("{}-{}", self.model, self.provider);
        let stream = self.answer.is_none();
        let body = match self.call.as_str() {
            "/v1/embeddings" => json!({"model": model, "input": "hello"}),
            "/v1/completions" => json!({"model": model, "prompt": "hello", "max_tokens": 16}),
            _ => json!({"model": model, "max_tokens": 16, "stream": stream,
                "messages": [{"role": "user", "content": self.content.clone().unwrap_or(json!("hello"))}]}),
        };
        body.to_string().into()
    }

    /// Where the provider is called.
    fn upstream(&self) -> &str {
        match (self.call.as_str(), self.provider.as_str()) {
            ("/v1/messages", "p") => "/v1/chat/completions",
            ("/v1/chat/completions", "a") => "/v1/messages",
            (call, _) => call,
        }
    }

    fn reply(&self) -> Reply {
        if let Some(answer) = &self.answer {
            return Reply::json(200, answer);
        }
        let event = |event: &Value| match (event.as_str(), event["type"].as_str()) {
            (Some(word), _) => format!("data: {word}\n\n"),
            (_, Some(name)) => format!("event: {name}\ndata: {event}\n\n"),
            _ => format!("data: {event}\n\n"),
        };
        Reply::sse(
            self.events
                .iter()
                .map(event)
                .map(|text| (0, text))
                .collect::<Vec<_>>(),
        )
    }
}

fn config(provider: &ScriptedProvider, invoices: &Invoices) -> String {
    let url = provider.base_url();
    let of = |line: &Value| line["names"][0].as_str().unwrap().to_owned();
    let names: Vec<_> = invoices.catalog["models"]
        .as_array()
        .unwrap()
        .iter()
        .map(of)
        .collect();
    let listed = names.join(", ");
    let models = names.iter().flat_map(|name| {
        ["p", "a"].map(|of| {
            format!("  - {{ name: {name}-{of}, targets: [ {{ provider: {of}, model: {name} }} ] }}\n")
        })
    });
    let models: String = models.collect();
    format!(
        "store: {{ engine: sqlite, refresh_every_ms: 50 }}\nproviders:\n  \
         - {{ name: p, kind: openai, base_url: \"{url}\", models: [{listed}] }}\n  \
         - {{ name: a, kind: anthropic, base_url: \"{url}\", models: [{listed}] }}\n\
         models:\n{models}prices: {{ files: [prices.json] }}\n"
    )
}

#[tokio::test]
async fn agp_r2_golden_invoices_of_every_shape_to_the_nano_dollar() {
    let invoices: Invoices = serde_json::from_str(include_str!("../invoices/invoices.json")).unwrap();
    let provider = ScriptedProvider::start().await;
    let gate = gate()
        .file("prices.json", invoices.catalog.to_string())
        .config(config(&provider, &invoices))
        .start()
        .await;
    let house = House::of(&gate).await;
    let budget = house
        .budget(BudgetScope::Tenant, Money::from_dollars(1000), Window::Total)
        .await;
    let client = house.caller(&gate).await;
    let mut total = Money::ZERO;
    for case in &invoices.cases {
        provider.script(case.upstream(), case.reply());
        let answer = client
            .request(Method::POST, &case.call, case.body())
            .await
            .unwrap();
        let context = format!("{}: {}", case.name, case.working);
        assert_eq!(
            answer.status,
            200,
            "{context}: {}",
            String::from_utf8_lossy(&answer.body)
        );
        let id = answer.headers["x-request-id"].to_str().unwrap();
        let entry = house.entry(id).await;
        assert_eq!(entry.usage, case.usage, "{context}");
        assert_eq!(entry.cost, Money::from_nanos(case.nanos), "{context}");
        assert_eq!(
            (&entry.outcome, entry.usage_source),
            (&Outcome::Completed, UsageSource::Provider),
            "{context}"
        );
        total = total.plus(entry.cost);
    }
    assert!(invoices.cases.len() > 40);
    assert_eq!(house.spent_when_idle(&budget).await, total);
}

/// A caller who leaves a stream that is served dearer pays the dearer price for what it saw, also where the provider
/// had not yet said what was used.
#[tokio::test]
async fn agp_r2_an_estimate_is_priced_at_the_tier_that_served() {
    let mut invoices: Invoices = serde_json::from_str(include_str!("../invoices/invoices.json")).unwrap();
    invoices.cases.clear();
    let provider = ScriptedProvider::start().await;
    let gate = gate()
        .file("prices.json", invoices.catalog.to_string())
        .config(config(&provider, &invoices))
        .start()
        .await;
    let house = House::of(&gate).await;
    let client = house.caller(&gate).await;
    let body = |tier: &str| {
        let chunk = json!({"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "service_tier": tier,
            "choices": [{"index": 0, "delta": {"content": "hello there"}, "finish_reason": "stop"}]});
        Reply::sse_data([chunk.to_string()])
    };
    let mut costs = Vec::new();
    for tier in ["default", "priority"] {
        provider.script("*", body(tier));
        let call = json!({"model": "gold-p", "max_tokens": 16, "stream": true,
            "messages": [{"role": "user", "content": "hello"}]});
        let answer = client
            .request(Method::POST, "/v1/chat/completions", call.to_string().into())
            .await
            .unwrap();
        let entry = house
            .entry(answer.headers["x-request-id"].to_str().unwrap())
            .await;
        assert_eq!(entry.usage_source, UsageSource::Estimated);
        costs.push(entry.cost.nanos());
    }
    assert!(costs[0] > 0);
    assert_eq!(costs[1], costs[0] * 2, "the priority tier costs twice as much");
}
