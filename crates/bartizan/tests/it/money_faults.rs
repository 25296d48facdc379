//! Providers that fail in every way: each call is settled exactly once, with the outcome that the reference documents,
//! for what may have been billed, and nothing stays held.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::Money;
use ledger::{BudgetScope, Outcome, UsageSource, Window};
use testkit::{Cut, Reply, ScriptedProvider};

use super::money_scene::{Call, House, Seen, config, gate, make, metered, metric, price, total};

/// How a faulty call must end: the status the caller sees, the code in the ledger, whether it may have been billed, and
/// how often the provider is asked.
#[derive(Clone, Copy, Debug)]
struct Ends {
    status: u16,
    code: &'static str,
    billed: bool,
    attempts: u16,
}

const fn ends(status: u16, code: &'static str, billed: bool) -> Ends {
    Ends {
        status,
        code,
        billed,
        attempts: 1,
    }
}

const fn tried(status: u16, code: &'static str, attempts: u16) -> Ends {
    Ends {
        status,
        code,
        billed: false,
        attempts,
    }
}

fn whole_answer_faults() -> Vec<(&'static str, Reply, Ends)> {
    vec![
        (
            "hangs up",
            Reply::hang_up(Cut::Fin),
            ends(502, "upstream_broken", true),
        ),
        (
            "resets",
            Reply::hang_up(Cut::Rst),
            ends(502, "upstream_broken", true),
        ),
        (
            "says nothing",
            Reply::stall_before_head(),
            ends(504, "upstream_timeout", true),
        ),
        (
            "speaks no HTTP",
            Reply::garbage(),
            ends(502, "upstream_broken", true),
        ),
        (
            "sends a web page",
            Reply::body(200, "text/html", "<html>"),
            ends(502, "upstream_garbage", true),
        ),
        (
            "sends no JSON",
            Reply::body(200, "application/json", "{\"id\": "),
            ends(502, "upstream_garbage", true),
        ),
        (
            "sends other JSON",
            Reply::body(200, "application/json", "[1, 2]"),
            ends(502, "upstream_garbage", true),
        ),
        (
            "sends too much",
            Reply::huge_chunk("application/json", 300_000),
            ends(502, "upstream_too_large", true),
        ),
        (
            "sends a bomb",
            Reply::gzip_bomb(5_000_000),
            ends(502, "upstream_garbage", true),
        ),
        (
            "is cut off",
            metered(0).cut_after(40, Cut::Fin),
            ends(502, "upstream_broken", true),
        ),
        (
            "is reset",
            metered(0).cut_after(40, Cut::Rst),
            ends(502, "upstream_broken", true),
        ),
        (
            "lies about its length",
            metered(0).claim_length(100_000).cut_after(400, Cut::Fin),
            ends(502, "upstream_broken", true),
        ),
        (
            "stalls half-way",
            metered(0).stall_after(40),
            ends(504, "upstream_timeout", true),
        ),
        (
            "refuses the request",
            Reply::error(400, "no"),
            ends(400, "upstream_refused", false),
        ),
        (
            "is busy",
            Reply::too_many(7),
            ends(429, "upstream_refused", false),
        ),
        (
            "fails",
            Reply::error(500, "oh"),
            tried(502, "upstream_refused", 3),
        ),
        (
            "is overloaded",
            Reply::error(503, "oh"),
            tried(503, "upstream_refused", 3),
        ),
        (
            "refuses our key",
            Reply::error(401, "who"),
            ends(502, "upstream_credential", false),
        ),
        (
            "redirects",
            Reply::redirect(302, "http://127.0.0.1:1/"),
            ends(502, "upstream_garbage", false),
        ),
    ]
}

fn stream_faults() -> Vec<(&'static str, Reply, Ends)> {
    let endless = "data: {\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":\
                   [{\"index\":0,\"delta\":{\"content\":\"word \"},\"finish_reason\":null}]}\n\n";
    vec![
        (
            "hangs up",
            Reply::hang_up(Cut::Rst),
            ends(502, "upstream_broken", true),
        ),
        (
            "says nothing",
            Reply::stall_before_head(),
            ends(504, "upstream_timeout", true),
        ),
        (
            "sends whole JSON",
            Reply::json(200, &serde_json::json!({"a": 1})),
            ends(502, "upstream_garbage", true),
        ),
        (
            "is cut off",
            metered(1).cut_after(700, Cut::Fin),
            ends(200, "upstream_broken", true),
        ),
        (
            "is reset",
            metered(1).cut_after(700, Cut::Rst),
            ends(200, "upstream_broken", true),
        ),
        (
            "ends after its head",
            metered(1).cut_after(0, Cut::Fin),
            ends(200, "upstream_broken", true),
        ),
        (
            "ends early",
            Reply::sse([(0, endless.to_owned())]),
            ends(200, "upstream_broken", true),
        ),
        (
            "stalls half-way",
            metered(1).stall_after(700),
            ends(200, "upstream_timeout", true),
        ),
        (
            "stalls after its head",
            metered(1).stall_after(0),
            ends(200, "upstream_timeout", true),
        ),
        (
            "sends no JSON",
            Reply::sse([(0, "data: {not json\n\n")]),
            ends(200, "upstream_garbage", true),
        ),
        (
            "sends one huge event",
            Reply::huge_chunk("text/event-stream", 300_000),
            ends(200, "upstream_garbage", true),
        ),
        (
            "never ends",
            Reply::endless_sse(endless, 1),
            ends(200, "upstream_timeout", true),
        ),
        (
            "fails",
            Reply::error(500, "oh"),
            tried(502, "upstream_refused", 3),
        ),
    ]
}

/// No breaker, so that one case does not spoil the next; small bounds, so that they are reached soon.
const TOUGH: &str = "server: { answer_bytes_max: 100000, event_bytes_max: 100000 }\n\
    routing: { retries_per_second_min: 1000, breaker: { consecutive_failures_max: 100000, failure_percent_max: 101 } }";

/// Every fault at once, told apart by the call's number.
async fn attack(faults: Vec<(&'static str, Reply, Ends)>, first: u64) {
    let provider = ScriptedProvider::start().await;
    let replies: HashMap<u64, Reply> = faults
        .iter()
        .enumerate()
        .map(|(at, (_, reply, _))| (first + at as u64 * 6, reply.clone()))
        .collect();
    let replies = Arc::new(replies);
    provider.script(
        "*",
        Reply::from_request(move |received| replies[&Call::of(received).number].clone()),
    );
    let gate = gate().config(config(&provider, TOUGH)).start().await;
    let house = House::of(&gate).await;
    let budget = house
        .budget(BudgetScope::Tenant, Money::from_dollars(1000), Window::Total)
        .await;
    let client = house.key().await.at(&gate).await;
    let calls: Vec<_> = (0..faults.len())
        .map(|at| {
            let (client, call) = (client.clone(), Call::new(first + at as u64 * 6));
            tokio::spawn(async move {
                let begun = Instant::now();
                (make(&client, "gpt-4o", call, None).await, begun.elapsed())
            })
        })
        .collect();
    for (call, (what, _, ends)) in calls.into_iter().zip(&faults) {
        let (one, took) = call.await.unwrap();
        assert!(took < Duration::from_secs(7), "{what}: {took:?}");
        judge(what, &one, *ends, &house).await;
    }
    let entries = house.wait_for_entries(faults.len()).await;
    assert_eq!(house.spent_when_idle(&budget).await, total(&entries));
    let asked = provider
        .requests()
        .iter()
        .filter(|received| received.method == "POST")
        .count();
    assert_eq!(
        asked,
        faults
            .iter()
            .map(|(_, _, ends)| usize::from(ends.attempts))
            .sum::<usize>()
    );
}

async fn judge(what: &str, one: &Seen, ends: Ends, house: &House) {
    let entry = house
        .entry(
            one.id
                .as_deref()
                .unwrap_or_else(|| panic!("{what}: no id: {one:?}")),
        )
        .await;
    let context = format!("{what}: {one:?} {entry:?}");
    assert_eq!(
        (one.status, entry.status, entry.attempts),
        (ends.status, ends.status, ends.attempts),
        "{context}"
    );
    let code = ends.code.to_owned();
    if ends.billed {
        assert_eq!(
            (&entry.outcome, entry.usage_source),
            (&Outcome::UpstreamFailed(code.into()), UsageSource::Estimated),
            "{context}"
        );
        // The endless one says more words than it was asked for, one a millisecond.
        assert!(
            entry.usage.input > 0 && entry.cost <= price(40, 5_000),
            "{context}"
        );
    } else {
        assert_eq!(
            (&entry.outcome, entry.usage_source),
            (&Outcome::Refused(code.into()), UsageSource::None),
            "{context}"
        );
        assert_eq!(entry.cost, Money::ZERO, "{context}");
    }
    assert!(
        !one.is_answered() || !one.call.streams(),
        "a broken stream looked whole: {context}"
    );
    let said = String::from_utf8_lossy(&one.body).into_owned();
    assert!(said.contains(ends.code) || one.status != 200, "{context}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0019_every_fault_of_a_whole_answer_settles_once_and_holds_nothing() {
    attack(whole_answer_faults(), 6).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0019_every_fault_of_a_stream_settles_once_and_holds_nothing() {
    attack(stream_faults(), 7).await;
}

/// A provider that does not say what it used is counted by tokenizer, and the entry says so.
#[tokio::test]
async fn agp_budget_3_1_missing_usage_is_counted_and_marked() {
    let provider = ScriptedProvider::start().await;
    provider.script("*", Reply::without_usage());
    let gate = gate().config(config(&provider, "")).start().await;
    let house = House::of(&gate).await;
    house
        .budget(BudgetScope::Tenant, Money::from_dollars(10), Window::Total)
        .await;
    let client = house.key().await.at(&gate).await;
    for (model, number) in [
        ("gpt-4o", 0),
        ("gpt-4o", 1),
        ("gpt-4o", 2),
        ("gpt-4o", 5),
        ("claude", 2),
        ("claude", 5),
    ] {
        let one = make(&client, model, Call::new(number), None).await;
        assert!(one.is_answered(), "{one:?}");
        let entry = house.entry(one.id.as_deref().unwrap()).await;
        assert_eq!(
            (&entry.outcome, entry.usage_source),
            (&Outcome::Completed, UsageSource::Estimated),
            "{entry:?}"
        );
        // "Hello from the scripted provider." and "call N".
        assert!(
            (5..=12).contains(&entry.usage.output) && (2..=30).contains(&entry.usage.input),
            "{entry:?}"
        );
        assert_eq!(entry.cost, price(entry.usage.input, entry.usage.output));
    }
}

/// Two providers behind one name: the second answers when the first fails before it has said anything, and only then.
#[tokio::test]
async fn anp_0019_the_next_target_answers_when_the_first_fails() {
    let (first, second) = (ScriptedProvider::start().await, ScriptedProvider::start().await);
    second.script("*", metered(0));
    let more = format!(
        "models:\n  - name: fast\n    targets:\n      - {{ provider: p, model: gpt-4o }}\n      \
         - {{ provider: q, model: second, priority: 1 }}\n{TOUGH}"
    );
    let text = config(&first, &more)
        .replace("prices:\n", &format!("  - {{ name: q, kind: anthropic, base_url: \"{}\", models: [second] }}\nprices:\n", second.base_url()))
        .replace("overrides:\n", "overrides:\n    - { provider: q, model: second, input_per_million: 10, output_per_million: 2000 }\n");
    let gate = gate().config(text).start().await;
    let house = House::of(&gate).await;
    house
        .budget(BudgetScope::Tenant, Money::from_dollars(10), Window::Total)
        .await;
    let client = house.key().await.at(&gate).await;
    for (at, fault) in [
        Reply::error(500, "oh"),
        Reply::too_many(9),
        Reply::error(401, "who"),
    ]
    .into_iter()
    .enumerate()
    {
        first.script("*", fault);
        for number in [6, 7, 8, 11] {
            let one = make(&client, "fast", Call::new(number), None).await;
            assert!(one.is_answered(), "{at}: {one:?}");
            let entry = house.entry(one.id.as_deref().unwrap()).await;
            assert_eq!(
                (entry.target.as_deref(), entry.attempts),
                (Some("q/second"), 2),
                "{entry:?}"
            );
            assert_eq!(entry.cost, one.call.cost());
        }
    }
    second.forget_requests();
    first.script("*", Reply::hang_up(Cut::Fin));
    let one = make(&client, "fast", Call::new(6), None).await;
    assert_eq!(
        one.status, 502,
        "what may have been billed is not asked of another: {one:?}"
    );
    first.script("*", metered(1).cut_after(700, Cut::Rst));
    let one = make(&client, "fast", Call::new(7), None).await;
    assert!(
        one.status == 200 && !one.is_answered(),
        "nor what has begun to answer: {one:?}"
    );
    assert!(second.requests().is_empty());
}

/// After failures in a row a provider is left alone; then one probe finds out whether it is back.
#[tokio::test]
async fn anp_0019_the_breaker_opens_probes_and_closes() {
    let provider = ScriptedProvider::start().await;
    provider.script("*", Reply::error(500, "oh"));
    let more = "routing: { attempts_max: 1, breaker: { consecutive_failures_max: 4, cooldown_ms: 700 } }";
    let gate = gate().config(config(&provider, more)).start().await;
    let house = House::of(&gate).await;
    let client = house.key().await.at(&gate).await;
    for _ in 0..4 {
        assert_eq!(make(&client, "gpt-4o", Call::new(0), None).await.status, 502);
    }
    provider.forget_requests();
    let refused = client
        .post("/v1/chat/completions", &Call::new(0).body("gpt-4o"))
        .await;
    assert_eq!(
        (refused.status, refused.header("retry-after")),
        (503, Some("1")),
        "{}",
        refused.text()
    );
    assert!(refused.text().contains("no_target") && provider.requests().is_empty());
    tokio::time::sleep(Duration::from_millis(750)).await;
    assert_eq!(
        make(&client, "gpt-4o", Call::new(0), None).await.status,
        502,
        "one probe, which fails"
    );
    assert_eq!(
        make(&client, "gpt-4o", Call::new(0), None).await.status,
        503,
        "open again, for twice as long"
    );
    provider.script("*", metered(0));
    tokio::time::sleep(Duration::from_millis(750)).await;
    assert_eq!(make(&client, "gpt-4o", Call::new(0), None).await.status, 503);
    tokio::time::sleep(Duration::from_millis(750)).await;
    for _ in 0..5 {
        assert_eq!(make(&client, "gpt-4o", Call::new(0), None).await.status, 200);
    }
    assert_eq!(metric(&gate, "bartizan_breaker_state{").await, 0);
}

/// A provider that answers nonsense is as sick as one that does not answer.
#[tokio::test]
async fn anp_0019_garbage_opens_the_breaker_too() {
    let provider = ScriptedProvider::start().await;
    provider.script("*", Reply::body(200, "application/json", "{\"id\": "));
    let more = "routing: { attempts_max: 1, breaker: { consecutive_failures_max: 4, cooldown_ms: 60000 } }";
    let gate = gate().config(config(&provider, more)).start().await;
    let house = House::of(&gate).await;
    let client = house.key().await.at(&gate).await;
    for _ in 0..4 {
        assert_eq!(make(&client, "gpt-4o", Call::new(0), None).await.status, 502);
    }
    assert_eq!(make(&client, "gpt-4o", Call::new(0), None).await.status, 503);
}

/// Retries are a small share of calls, however many fail.
#[tokio::test]
async fn anp_0019_retries_never_multiply_the_load_on_a_failing_provider() {
    let provider = ScriptedProvider::start().await;
    provider.script("*", Reply::error(500, "oh"));
    let more = "routing: { attempts_max: 3, retry_percent_max: 10, retries_per_second_min: 0, \
                breaker: { consecutive_failures_max: 100000, failure_percent_max: 101 } }";
    let gate = gate().config(config(&provider, more)).start().await;
    let house = House::of(&gate).await;
    let client = house.key().await.at(&gate).await;
    for number in 0..40 {
        assert_eq!(
            make(&client, "gpt-4o", Call::new(number * 6), None).await.status,
            502
        );
    }
    let asked = provider
        .requests()
        .iter()
        .filter(|received| received.method == "POST")
        .count();
    assert!((41..=44).contains(&asked), "{asked} for 40 calls");
}

/// Nobody listens at all: nothing was sent, nothing is billed, the call may be tried again.
#[tokio::test]
async fn anp_0019_a_provider_that_is_not_there_costs_nothing() {
    let provider = ScriptedProvider::start().await;
    let gate = gate().config(config(&provider, TOUGH)).start().await;
    let house = House::of(&gate).await;
    let budget = house
        .budget(BudgetScope::Tenant, Money::from_dollars(10), Window::Total)
        .await;
    let client = house.key().await.at(&gate).await;
    drop(provider);
    for number in [6, 7, 8, 11] {
        let one = make(&client, "gpt-4o", Call::new(number), None).await;
        judge(
            "is not there",
            &one,
            tried(502, "upstream_unreachable", 3),
            &house,
        )
        .await;
    }
    assert_eq!(house.spent_when_idle(&budget).await, Money::ZERO);
}
