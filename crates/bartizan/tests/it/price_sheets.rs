//! Price sheets with the real binary: what a tenant is charged is what is held, settled, shown and exported; nobody
//! else is charged by it; and what the files and commands say when they are wrong.

use std::time::{Duration, Instant};

use domain::Money;
use ledger::{BudgetScope, Entry, Window};
use serde_json::{Value, json};
use testkit::{Gate, ScriptedProvider};

use super::money_scene::{Call, House, Key, PROMPT_TOKENS, config, gate, make, metered, price};
use super::spend::{RESERVE, SETTLE, ask, given};

const PATIENCE: Duration = Duration::from_secs(30);

const fn nanos(nanos: i64) -> Money {
    Money::from_nanos(nanos)
}

/// What a command says to programs.
async fn json_of(gate: &Gate, words: &[&str]) -> Value {
    gate.cli_json(&[words, &["--json"]].concat()).await
}

async fn run(gate: &Gate, words: &[&str]) -> (i32, String) {
    let done = gate.cli(words).await;
    let said = [done.stdout, done.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (done.status.code().unwrap(), said.concat())
}

/// Sets a sheet of these lines, and waits until the gate charges by it.
async fn charge(gate: &Gate, house: &House, key: &Key, lines: Value) -> u64 {
    let file = gate.folder().join("sheet.json");
    std::fs::write(&file, json!({"lines": lines}).to_string()).unwrap();
    let tenant = house.tenant.to_string();
    let words = [
        "prices",
        "sheet",
        "set",
        file.to_str().unwrap(),
        "--tenant",
        &tenant,
    ];
    let set = json_of(gate, &words).await;
    let number = set["number"].as_u64().unwrap();
    let client = key.at(gate).await.header("content-type", "application/json");
    let until = Instant::now() + PATIENCE;
    loop {
        let body =
            json!({"model": "gpt-4o", "max_tokens": 1, "messages": [{"role": "user", "content": "call 6"}]});
        let estimate = client.post("/v1/estimate", &body).await.json();
        let version = estimate["price_version"].as_str().unwrap().to_owned();
        if version.ends_with(&format!("+{number}")) {
            return number;
        }
        assert!(Instant::now() < until, "the gate still charges by {version}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A call that generates this many tokens, and its entry.
async fn call(gate: &Gate, house: &House, key: &Key, output: u64) -> Entry {
    let client = key.at(gate).await.header("content-type", "application/json");
    let one = Call {
        number: 6 * 16 * 10 + output - 1,
        max_tokens: 16,
    };
    let before = house.entries().await.len();
    let one = make(&client, "gpt-4o", one, None).await;
    assert_eq!(one.status, 200, "{one:?}");
    house.wait_for_entries(before + 1).await.pop().unwrap()
}

async fn scene() -> (ScriptedProvider, Gate) {
    let provider = ScriptedProvider::start().await;
    provider.script("*", metered(0));
    let gate = gate()
        .config(config(&provider, "budgets: { wait_ms: 5000 }"))
        .start()
        .await;
    (provider, gate)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_d1_a_tenant_is_held_and_charged_by_its_sheet_and_nobody_else_is() {
    let (_provider, gate) = scene().await;
    let (house, other) = (House::of(&gate).await, House::of(&gate).await);
    let (key, stranger) = (house.key().await, other.key().await);
    let budget = house
        .budget(BudgetScope::Tenant, Money::from_dollars(1), Window::Total)
        .await;
    let listed = call(&gate, &house, &key, 5).await;
    assert_eq!(listed.cost, price(PROMPT_TOKENS, 5));
    assert!(!listed.price_version.contains('+'), "{listed:?}");

    assert_eq!(
        charge(&gate, &house, &key, json!([{"mark_up_basis_points": 5000}])).await,
        1
    );
    let marked = call(&gate, &house, &key, 5).await;
    assert_eq!(marked.cost, nanos(price(PROMPT_TOKENS, 5).nanos() * 3 / 2));
    assert_eq!(*marked.price_version, format!("{}+1", listed.price_version));
    assert_eq!(marked.charges.first().unwrap().amount, marked.cost);
    let others = call(&gate, &other, &stranger, 5).await;
    assert_eq!(
        (others.cost, others.price_version),
        (listed.cost, listed.price_version.clone())
    );

    // Fixed for the output, and the prompt as the list says.
    let lines = json!([{"model": "gpt-4o", "provider": "p", "fixed": {"output": "1000"}}]);
    assert_eq!(charge(&gate, &house, &key, lines).await, 2);
    let fixed = call(&gate, &house, &key, 5).await;
    assert_eq!(fixed.cost, nanos(10 * 10_000 + 5 * 1_000_000));
    let spent = listed.cost.plus(marked.cost).plus(fixed.cost);
    assert_eq!(house.spent_when_idle(&budget).await, spent);

    // An export tells the classes apart under every version that there was.
    let tenant = house.tenant.to_string();
    let out = gate.folder().join("costs.json");
    let words = [
        "export",
        "json",
        "--tenant",
        &tenant,
        "--out",
        out.to_str().unwrap(),
    ];
    let (code, said) = run(&gate, &words).await;
    assert_eq!(code, 0, "{said}");
    let rows = std::fs::read_to_string(&out).unwrap();
    let rows: Vec<Value> = rows
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let sum: i64 = rows.iter().map(|row| row["cost_nanos"].as_i64().unwrap()).sum();
    assert_eq!(sum, spent.nanos());
    assert!(rows.iter().all(|row| row["token_class"] != "all"), "{rows:#?}");
    assert_eq!(rows.len(), 6, "{rows:#?}");
}

/// What is held before a call is reckoned as what it will cost: a budget that would hold the list's price does not hold
/// the tenant's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_d1_a_budget_holds_what_the_sheet_says_and_not_what_the_list_says() {
    let (_provider, gate) = scene().await;
    let house = House::of(&gate).await;
    let key = house.key().await;
    // A prompt of at most a few hundred tokens and sixteen generated ones cost less than six cents by the list, and more by the sheet.
    house
        .budget(BudgetScope::Tenant, nanos(60_000_000), Window::Total)
        .await;
    charge(&gate, &house, &key, json!([{"mark_up_basis_points": 20000}])).await;
    let client = key.at(&gate).await.header("content-type", "application/json");
    let one = make(&client, "gpt-4o", Call::new(6 * 160), None).await;
    assert_eq!(
        (one.status, one.code.as_str()),
        (402, "budget_exhausted"),
        "{one:?}"
    );
    charge(&gate, &house, &key, json!([])).await;
    // What was held for estimates comes back to the budget, and that it was exhausted is remembered for a moment.
    let until = Instant::now() + PATIENCE;
    loop {
        let one = make(&client, "gpt-4o", Call::new(6 * 160), None).await;
        if one.status == 200 {
            break;
        }
        assert!(one.status == 402 && Instant::now() < until, "{one:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_r3_a_sheet_is_shown_and_every_version_of_it_stays() {
    let (_provider, gate) = scene().await;
    let house = House::of(&gate).await;
    let tenant = house.tenant.to_string();
    let (code, said) = run(&gate, &["prices", "sheet", "show", "--tenant", &tenant]).await;
    assert!(code == 0 && said.contains("no price sheet"), "{said}");
    let file = gate.folder().join("sheet.yaml");
    let set = async |text: &str| {
        std::fs::write(&file, text).unwrap();
        run(
            &gate,
            &[
                "prices",
                "sheet",
                "set",
                file.to_str().unwrap(),
                "--tenant",
                &tenant,
            ],
        )
        .await
    };
    let (code, said) = set("lines:\n  - {mark_up_basis_points: 1500}\n  - {model: gpt-4o, from: 2027-01-01, fixed: {input: \"2.40\"}}\n").await;
    assert!(
        code == 0 && said.contains("15.00 %") && said.contains("input 2.40"),
        "{said}"
    );
    assert_eq!(set("lines: []\n").await.0, 0);
    let history = json_of(&gate, &["prices", "sheet", "history", "--tenant", &tenant]).await;
    let numbers: Vec<u64> = history
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["number"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, [1, 2]);
    let first = json_of(
        &gate,
        &["prices", "sheet", "show", "--version", "1", "--tenant", &tenant],
    )
    .await;
    assert_eq!(first["lines"][1]["fixed"], json!({"input": "2.40"}));
    let audit = json_of(&gate, &["audit", "list", "--tenant", "platform"])
        .await
        .to_string();
    assert!(audit.matches("prices.update").count() >= 2, "{audit}");
    for (text, part) in [
        ("lines: [{mark_up_basis_points: -10001}]", "line 1"),
        ("lines: [{markup: 1}]", "markup"),
        ("lines: [{fixed: {input: \"-1\"}, model: m}]", "less than nothing"),
        ("lines: 7", "does not read"),
    ] {
        let (code, said) = set(text).await;
        assert!(code == 2 && said.contains(part), "{text}: {code} {said}");
    }
    let (code, said) = run(
        &gate,
        &["prices", "sheet", "show", "--version", "9", "--tenant", &tenant],
    )
    .await;
    assert!(code != 0 && said.contains("no price sheet 9"), "{said}");
    let (code, said) = run(
        &gate,
        &["prices", "sheet", "set", "/nowhere.yaml", "--tenant", &tenant],
    )
    .await;
    assert!(code == 2 && said.contains("cannot be read"), "{said}");
}

/// A list in which the scripted model costs $20 and $1000 a million.
const CORRECTED: &str = r#"{"format": 1,
  "sources": {"invoice": {"what": "what the provider really charged", "read": "2026-11-01"}},
  "models": [{"providers": ["p"], "names": ["gpt-4o"], "capabilities": ["chat"],
    "prices": [{"source": "invoice", "input": "20", "output": "1000"}]}]}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_r2_calls_are_rated_again_and_everything_sums_to_the_correction() {
    let (_provider, gate) = scene().await;
    let (house, other) = (House::of(&gate).await, House::of(&gate).await);
    let (key, stranger) = (house.key().await, other.key().await);
    let budget = house
        .budget(BudgetScope::Tenant, Money::from_dollars(1), Window::Total)
        .await;
    for output in [1, 3, 5] {
        call(&gate, &house, &key, output).await;
    }
    call(&gate, &other, &stranger, 5).await;
    let (before, listed) = (house.entries().await, nanos(3 * 10 * 10_000 + 9 * 2_000_000));
    let tenant = house.tenant.to_string();
    let file = gate.folder().join("corrected.json");
    std::fs::write(&file, CORRECTED).unwrap();
    let rerate = async |more: &[&str]| {
        let words = [&["prices", "rerate", "--from", "1d", "--tenant", &tenant], more].concat();
        json_of(&gate, &words).await
    };
    let then = 3 * 10 * 20_000 + 9 * 1_000_000;
    let with = ["--prices", file.to_str().unwrap()];
    let dry = rerate(&with).await;
    let sums =
        |said: &Value| ["calls", "now_nanos", "then_nanos"].map(|name| said["total"][name].as_i64().unwrap());
    assert_eq!(sums(&dry), [3, listed.nanos(), then], "{dry}");
    assert_eq!(
        dry["rows"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["calls"].as_i64().unwrap())
            .sum::<i64>(),
        3
    );
    assert_eq!(
        house.entries().await,
        before,
        "nothing is changed without --apply"
    );

    let apply = [&with[..], &["--apply"]].concat();
    assert_eq!(rerate(&apply).await["corrected"], 3);
    assert_eq!(rerate(&apply).await["corrected"], 0, "twice does nothing twice");
    let after = house.entries().await;
    assert_eq!((&after[..3], after.len()), (&before[..], 6));
    assert_eq!(after.iter().map(|entry| entry.cost).sum::<Money>(), nanos(then));
    house.verify().await;
    assert_eq!(other.entries().await.len(), 1);
    assert_eq!(
        house.spent_when_idle(&budget).await,
        listed,
        "budgets keep what they counted"
    );

    let usage = json_of(
        &gate,
        &["usage", "--since", "1d", "--by", "outcome", "--tenant", &tenant],
    )
    .await;
    let total = &usage["total"];
    assert_eq!(
        (total["cost_nanos"].as_i64(), total["requests"].as_u64()),
        (Some(then), Some(3)),
        "{usage}"
    );
    assert!(usage.to_string().contains("adjusted"), "{usage}");
    let focus = gate.folder().join("focus.csv");
    let focus = focus.to_str().unwrap();
    let (code, said) = run(&gate, &["export", "focus", "--tenant", &tenant, "--out", focus]).await;
    assert_eq!(code, 0, "{said}");
    let (code, said) = run(&gate, &["export", "check", focus]).await;
    assert_eq!(code, 0, "{said}");
    assert!(std::fs::read_to_string(focus).unwrap().contains("Correction"));

    // By the list in force again: all of it comes back, to the nano-dollar.
    let (code, said) = run(
        &gate,
        &[
            "prices", "rerate", "--from", "1d", "--tenant", &tenant, "--model", "gpt-4o", "--apply",
        ],
    )
    .await;
    assert!(
        code == 0 && said.contains("3 corrections came into the ledger"),
        "{said}"
    );
    let back = house.entries().await;
    assert_eq!(back.iter().map(|entry| entry.cost).sum::<Money>(), listed);
    house.verify().await;
    for (words, part) in [
        (vec!["--from", "1d", "--until", "2d"], "must be before"),
        (vec!["--from", "1d", "--sheet", "7"], "no price sheet 7"),
        (
            vec!["--from", "1d", "--prices", "/nowhere.json"],
            "cannot be read",
        ),
    ] {
        let words = [&["prices", "rerate", "--tenant", &tenant], &words[..]].concat();
        let (code, said) = run(&gate, &words).await;
        assert!(code != 0 && said.contains(part), "{words:?}: {said}");
    }
    let (code, said) = run(
        &gate,
        &[
            "prices", "rerate", "--from", "1d", "--model", "another", "--tenant", &tenant,
        ],
    )
    .await;
    assert!(code == 0 && said.contains("nothing to correct"), "{said}");
}

/// Priced by the second: what cannot be told is refused, what is told is held and charged to the nano-dollar.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_d1_what_is_priced_by_the_second_is_told_or_refused_and_never_free() {
    let (provider, gate) = scene().await;
    let house = House::of(&gate).await;
    let key = house.key().await;
    let budget = house
        .budget(BudgetScope::Tenant, Money::from_dollars(10), Window::Total)
        .await;
    charge(
        &gate,
        &house,
        &key,
        json!([{"model": "gpt-4o", "fixed": {"input_second": "0.01"}}]),
    )
    .await;
    let client = key.at(&gate).await.header("content-type", "application/json");
    let chat =
        json!({"model": "gpt-4o", "max_tokens": 1, "messages": [{"role": "user", "content": "call 6"}]});
    let numbers = json!({"model": "gpt-4o", "prompt_tokens": 0, "max_tokens": 0});
    for (path, body) in [
        ("/v1/chat/completions", &chat),
        (RESERVE, &chat),
        (RESERVE, &numbers),
    ] {
        let answer = ask(&client, path, body).await;
        assert_eq!(
            answer.header("x-refusal-code"),
            Some("model_unpriced"),
            "{path}: {}",
            answer.text()
        );
        assert!(answer.text().contains("input_time"), "{}", answer.text());
    }
    assert!(provider.requests().is_empty());

    let told = json!({"model": "gpt-4o", "prompt_tokens": 0, "max_tokens": 0, "units": {"input_ms": 90_000}});
    let reserved = given(&client, RESERVE, &told).await;
    assert!(
        reserved["bound"]["cost_nanos"].as_i64().unwrap() >= 900_000_000,
        "{reserved}"
    );
    let end = |more: Value| {
        let mut end = json!({"reservation": reserved["reservation"]});
        end.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        end
    };
    for untold in [
        json!({"usage": {"input": 1}}),
        json!({"usage": {"units": {"output_ms": 1}}}),
    ] {
        let answer = ask(&client, SETTLE, &end(untold)).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        assert!(answer.text().contains("usage.units"), "{}", answer.text());
    }
    let heard = end(json!({"provider_usage": {"type": "duration", "seconds": 60.5}}));
    let settled = given(&client, SETTLE, &heard).await;
    assert_eq!(settled["cost_nanos"], 605_000_000, "{settled}");
    assert_eq!(settled["usage"]["units"]["input_ms"], 60_500, "{settled}");
    assert_eq!(given(&client, SETTLE, &heard).await, settled);
    assert_eq!(house.spent_when_idle(&budget).await, nanos(605_000_000));
    let entries = house.entries().await;
    let entry = entries
        .iter()
        .find(|entry| entry.cost == nanos(605_000_000))
        .unwrap();
    assert_eq!(entry.usage.units.input_ms, Some(60_500));

    // Pictures that are sent are counted here: a conversation without any says so.
    charge(
        &gate,
        &house,
        &key,
        json!([{"model": "gpt-4o", "fixed": {"input_image": "0.5"}}]),
    )
    .await;
    let plain = call(&gate, &house, &key, 5).await;
    assert_eq!(plain.cost, price(PROMPT_TOKENS, 5));
    assert_eq!(plain.usage.units.input_images, Some(0), "{plain:?}");
    house.verify().await;
}
