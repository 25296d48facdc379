//! Attacks on budgets that count some calls and not others: by model, by provider, by whose the key is; of tokens; that
//! are paused; and on what one request may cost. By other names, from several replicas, through fallbacks.

use std::time::{Duration, Instant};

use credential::{Limits, Marks};
use domain::{ActorId, Money, UserId};
use ledger::{Budget, BudgetScope, Entry, Only, Outcome, Pause, Unit, Window};
use store::{AuditQuery, Change};
use testkit::{Client, Reply, ScriptedProvider};

use super::money_postgres::Postgres;
use super::money_scene::{
    Call, House, OUTPUT, PROMPT_TOKENS, check_books, config, gate, make, metered, metric, soaked, storm,
    total,
};

const fn cents(cents: i64) -> Money {
    Money::from_nanos(cents * 10_000_000)
}

fn only(model: Option<&str>, provider: Option<&str>, tag: Option<&str>) -> Only {
    let owned = |name: Option<&str>| name.map(str::to_owned);
    Only {
        model: owned(model),
        provider: owned(provider),
        tag: owned(tag),
        session: None,
    }
}

/// What entries took from a budget.
fn taken(entries: &[Entry], budget: &Budget) -> Money {
    let charges = entries
        .iter()
        .flat_map(|entry| entry.charges.iter().chain(&entry.token_charges));
    charges
        .filter(|charge| charge.budget == budget.id)
        .map(|charge| charge.amount)
        .sum()
}

/// Two providers serve a model. What one of them may cost is never overspent, however many call at once; then the other
/// serves, and its calls are charged to no budget of the first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_d1_a_providers_budget_is_never_overspent_and_the_other_provider_serves() {
    let provider = ScriptedProvider::start().await;
    provider.script("*", metered(1));
    let url = provider.base_url();
    let more = format!(
        "store: {{ engine: sqlite, refresh_every_ms: 50 }}\nledger: {{ checkpoint_every_ms: 1000 }}\nbudgets: {{ wait_ms: 5000 }}\n\
         providers:\n  - {{ name: dear, kind: openai, base_url: \"{url}\", models: [m] }}\n  \
         - {{ name: cheap, kind: openai, base_url: \"{url}\", models: [m] }}\n\
         models:\n  - name: both\n    targets:\n      - {{ provider: dear, model: m }}\n      \
         - {{ provider: cheap, model: m, priority: 1 }}\n\
         prices:\n  overrides:\n    \
         - {{ provider: dear, model: m, input_per_million: 10, output_per_million: 2000 }}\n    \
         - {{ provider: cheap, model: m, input_per_million: 10, output_per_million: 2000 }}\n"
    );
    let gate = gate().config(more).start().await;
    let house = House::of(&gate).await;
    let dear = house
        .budget_with(cents(40), |b| b.terms.only = only(None, Some("dear"), None))
        .await;
    let all = house.budget_with(cents(10_000), |_| {}).await;
    let client = house.key().await.at(&gate).await;
    let count = soaked(60);
    let seen = storm(&[client], "both", 1..count + 1, 6).await;
    let refused: Vec<_> = seen.iter().filter(|one| one.status != 200).collect();
    assert!(refused.is_empty(), "{refused:?}");
    let entries = house.wait_for_entries(count).await;
    check_books(&seen, &entries);
    let by = |provider: &str| -> Vec<Entry> {
        let served = |entry: &&Entry| {
            entry
                .target
                .as_deref()
                .is_some_and(|target| target.starts_with(provider))
        };
        entries.iter().filter(served).cloned().collect()
    };
    let (first, second) = (by("dear/"), by("cheap/"));
    assert!(
        !first.is_empty() && !second.is_empty(),
        "{} and {}",
        first.len(),
        second.len()
    );
    let spent = house.spent_when_idle(&dear).await;
    assert_eq!((spent, taken(&second, &dear)), (total(&first), Money::ZERO));
    assert!(spent <= dear.limit, "{spent} of {}", dear.limit);
    assert!(
        spent.plus(spent) > dear.limit,
        "{spent} of {}: most of it can be spent",
        dear.limit
    );
    assert_eq!(house.spent_when_idle(&all).await, total(&entries));
    house.verify().await;
}

/// Nobody gets past a model's budget by calling the model by another of its names.
#[tokio::test]
async fn agp_d1_a_models_budget_holds_by_whatever_name_it_is_called() {
    let provider = ScriptedProvider::start().await;
    provider.script("*", metered(0));
    let alias = "models:\n  - { name: fast, targets: [{ provider: p, model: gpt-4o }, { provider: a, model: claude, priority: 1 }] }\n";
    let gate = gate().config(config(&provider, alias)).start().await;
    let house = House::of(&gate).await;
    let nothing = |change: Only| house.budget_with(Money::ZERO, |b| b.terms.only = change);
    let of_model = nothing(only(Some("gpt-4o"), None, None)).await;
    let client = house.key().await.at(&gate).await;
    for model in ["gpt-4o", "p/gpt-4o"] {
        let one = make(&client, model, Call::new(0), None).await;
        assert_eq!(
            (one.status, &*one.code),
            (402, "budget_exhausted"),
            "{model}: {one:?}"
        );
    }
    for model in ["claude", "a/claude", "fast"] {
        let one = make(&client, model, Call::new(0), None).await;
        assert_eq!(one.status, 200, "{model}: {one:?}");
    }
    let entries = house.wait_for_entries(5).await;
    let served: Vec<_> = entries
        .iter()
        .filter_map(|entry| entry.target.as_deref())
        .collect();
    assert_eq!(
        served, ["a/claude"; 3],
        "the alias fell back to the model that may be paid for"
    );
    assert_eq!(taken(&entries, &of_model), Money::ZERO);
    // Of all that is said of a budget, all must hold.
    house
        .store
        .delete_budget(&house.scope, of_model.id)
        .await
        .unwrap();
    nothing(only(Some("gpt-4o"), Some("p"), Some("agents"))).await;
    nothing(only(Some("gpt-4o"), Some("a"), None)).await;
    let tagged = house
        .key_with(|key| key.marks = Marks::new(vec!["agents".to_owned()], None).unwrap())
        .await;
    let tagged = tagged.at(&gate).await;
    refused_soon(&tagged, "budget_exhausted").await;
    let one = make(&client, "gpt-4o", Call::new(0), None).await;
    assert_eq!(one.status, 200, "a key without the tag: {one:?}");
}

/// Calls until one is refused so.
async fn refused_soon(client: &Client, code: &str) {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let one = make(client, "gpt-4o", Call::new(0), None).await;
        if one.code == code {
            return;
        }
        assert!(Instant::now() < until, "not refused with `{code}`: {one:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn answered_soon(client: &Client) {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let one = make(client, "gpt-4o", Call::new(0), None).await;
        if one.status == 200 {
            return;
        }
        assert!(Instant::now() < until, "still refused: {one:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// One request that may cost too much is not sent, and costs nothing; by bytes it may seem dearer than it is.
#[tokio::test]
async fn agp_d1_a_request_above_its_keys_ceiling_is_never_sent() {
    let provider = ScriptedProvider::start().await;
    provider.script("*", metered(0));
    let gate = gate().config(config(&provider, "")).start().await;
    let house = House::of(&gate).await;
    // Four tokens of output, and a cent for the prompt.
    let ceiling = Limits {
        request_cost_nanos_max: Some(4 * OUTPUT.unsigned_abs() + 10_000_000),
        ..Limits::default()
    };
    let client = house.key_with(|key| key.limits = ceiling).await.at(&gate).await;
    let asking = |max_tokens| Call {
        number: 0,
        max_tokens,
    };
    for max_tokens in [5 + 5, 1_000_000] {
        let one = make(&client, "gpt-4o", asking(max_tokens), None).await;
        assert_eq!((one.status, &*one.code), (402, "request_too_costly"), "{one:?}");
    }
    assert_eq!(
        provider
            .requests()
            .iter()
            .filter(|one| one.method == "POST")
            .count(),
        0
    );
    assert_eq!(make(&client, "gpt-4o", asking(4), None).await.status, 200);
    // 3,000 bytes of prose: by bytes three cents, by tokens less than one.
    let prose = "all work and no play makes a dull day ".repeat(80);
    let body = serde_json::json!({"model": "gpt-4o", "max_tokens": 1, "messages": [{"role": "user", "content": prose}]});
    let answer = client.post("/v1/chat/completions", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let entries = house.wait_for_entries(4).await;
    let refused = |entry: &&Entry| entry.outcome == Outcome::Refused("request_too_costly".into());
    assert_eq!(
        entries
            .iter()
            .filter(refused)
            .map(|entry| entry.cost)
            .sum::<Money>(),
        Money::ZERO
    );
}

/// Two replicas share a person's budget of tokens: never overspent, each mark told once, and a pause holds on both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_d1_replicas_share_token_budgets_marks_and_pauses() {
    let provider = ScriptedProvider::start().await;
    provider.script("*", metered(1));
    let postgres = Postgres::start().await;
    let more = "budgets: { wait_ms: 3000 }";
    let (first, second) = tokio::join!(
        postgres.gate(&provider, None, more).start(),
        postgres.gate(&provider, None, more).start()
    );
    let house = postgres.house().await;
    let anna = UserId::generate();
    let budget = house
        .budget_with(Money::from_nanos(6_000), |b| {
            b.scope = BudgetScope::User(anna);
            b.window = Window::Year;
            b.terms.unit = Unit::Tokens;
            b.terms.marks = vec![1, 50, 99];
        })
        .await;
    let own = |key: &mut credential::KeyRecord| key.owner = Some(ActorId::User(anna));
    let keys = [house.key_with(own).await, house.key_with(own).await];
    let clients = [keys[0].at(&first).await, keys[1].at(&second).await];
    // What one replica holds cannot be spent by the other until it is given back: again and again, until half is spent.
    let (mut seen, mut count, until) = (Vec::new(), 0, Instant::now() + Duration::from_secs(90));
    while house.standing(&budget).await.spent < Money::from_nanos(3_000) || count < soaked(120) {
        assert!(
            Instant::now() < until,
            "{:?} after {count} calls",
            house.standing(&budget).await
        );
        seen.extend(storm(&clients, "gpt-4o", count + 1..count + 61, 6).await);
        count += 60;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let entries = house.wait_for_entries(count).await;
    check_books(&seen, &entries);
    let spent = house.spent_when_idle(&budget).await;
    let used: u64 = entries.iter().map(|entry| entry.usage.total()).sum();
    assert_eq!(u64::try_from(spent.nanos()).unwrap(), used);
    assert_eq!(spent, taken(&entries, &budget));
    assert!(spent <= budget.limit, "{spent:?}");
    assert!(entries.iter().all(|entry| entry.charges.is_empty()));
    let refused: Vec<_> = seen.iter().filter(|one| one.status != 200 && one.whole).collect();
    assert!(
        refused.iter().all(|one| one.code == "budget_exhausted"),
        "{refused:?}"
    );
    house.verify().await;
    told_once(&house, &budget, &[1, 50]).await;
    let until = Instant::now() + Duration::from_secs(10);
    let marks = "bartizan_budget_marks_total";
    while metric(&first, marks).await + metric(&second, marks).await != 2 {
        assert!(Instant::now() < until, "marks are not counted once each");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    let stranger = house.key().await;
    let strangers = [stranger.at(&first).await, stranger.at(&second).await];
    let raised = change(&house, &budget, |b| b.limit = Money::from_nanos(10_000_000)).await;
    for client in &clients {
        answered_soon(client).await;
    }
    let paused = change(&house, &raised, |b| {
        b.terms.paused = Some(Pause {
            since: b.start(domain::UnixMillis::now()),
            why: "an agent runs in circles".to_owned(),
        });
    })
    .await;
    for client in &clients {
        refused_soon(client, "budget_paused").await;
    }
    for client in &strangers {
        assert_eq!(make(client, "gpt-4o", Call::new(0), None).await.status, 200);
    }
    let before = provider.requests().len();
    for client in &clients {
        assert_eq!(
            make(client, "p/gpt-4o", Call::new(1), None).await.code,
            "budget_paused"
        );
    }
    assert_eq!(provider.requests().len(), before, "nothing is sent");
    change(&house, &paused, |b| b.terms.paused = None).await;
    for client in &clients {
        answered_soon(client).await;
    }
    told_once(&house, &budget, &[1, 50]).await;
    drop((first, second));
    postgres.remove().await;
}

async fn change(house: &House, before: &Budget, change: impl FnOnce(&mut Budget)) -> Budget {
    let mut after = before.clone();
    change(&mut after);
    let replaced = Change::ReplaceBudget {
        before: Box::new(before.clone()),
        after: Box::new(after.clone()),
    };
    house.store.commit(&house.scope, &[replaced], None).await.unwrap();
    after
}

/// Exactly these marks are in the audit log, each once.
async fn told_once(house: &House, budget: &Budget, marks: &[u64]) {
    let query = AuditQuery {
        act: Some("budgets.mark".to_owned()),
        target: Some(budget.id.to_string()),
        count: 100,
        ..AuditQuery::default()
    };
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let found = house.store.audit(&house.scope, &query).await.unwrap();
        let records = found
            .iter()
            .map(|stored| serde_json::from_slice::<serde_json::Value>(&stored.bytes).unwrap());
        let mut told: Vec<_> = records
            .map(|record| record["after"]["mark"].as_u64().unwrap())
            .collect();
        told.sort_unstable();
        assert!(told.len() <= marks.len(), "{told:?}");
        if told == marks {
            return;
        }
        assert!(Instant::now() < until, "told: {told:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A gate that dies with calls of a token budget under way bills them at their bound, in tokens.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_budget_3_2_a_killed_gate_bills_tokens_of_calls_under_way_at_their_bound() {
    let provider = ScriptedProvider::start().await;
    provider.script("*", Reply::stall_before_head());
    let mut gate = gate().config(config(&provider, "")).start().await;
    let house = House::of(&gate).await;
    let budget = house
        .budget_with(Money::from_nanos(100_000), |b| b.terms.unit = Unit::Tokens)
        .await;
    let client = house.key().await.at(&gate).await;
    let call = tokio::spawn(async move { make(&client, "gpt-4o", Call::new(0), None).await });
    provider.wait_for_requests(1, Duration::from_secs(10)).await;
    gate.kill9().await;
    assert!(!call.await.unwrap().is_answered());
    gate.restart().await;
    let entries = house.wait_for_entries(1).await;
    assert_eq!(entries[0].outcome, Outcome::Interrupted);
    let bound = taken(&entries, &budget);
    assert!(
        bound > Money::from_nanos(i64::try_from(PROMPT_TOKENS).unwrap() + 16),
        "{bound:?}"
    );
    assert_eq!(house.spent_when_idle(&budget).await, bound);
}
