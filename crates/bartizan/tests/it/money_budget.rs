//! Attacks on budgets of one node: many callers at once, dear calls beside cheap ones, models without a price.

use credential::Limits;
use domain::{KeyId, Money};
use ledger::{BudgetScope, Outcome, Window};
use testkit::ScriptedProvider;

use super::money_scene::{
    Call, House, PROMPT_TOKENS, check_books, config, gate, make, metered, metric, price, soaked, storm, total,
};

const fn cents(cents: i64) -> Money {
    Money::from_nanos(cents * 10_000_000)
}

/// Sixty-four callers, three levels, three windows, streams that are abandoned: the money is never overspent, every
/// book says the same, and all of it can be spent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_d1_many_callers_never_overspend_any_level_and_the_books_agree() {
    let provider = ScriptedProvider::start().await;
    provider.script("*", metered(1));
    // A lease that grows waits for the embedded store's one writer, and that is slow in an unoptimised build.
    let gate = gate()
        .config(config(&provider, "budgets: { wait_ms: 5000 }"))
        .start()
        .await;
    let house = House::of(&gate).await;
    let first = KeyId::generate();
    let budgets = [
        house.budget(BudgetScope::Tenant, cents(300), Window::Total).await,
        house
            .budget(BudgetScope::Team(house.team), cents(350), Window::Month)
            .await,
        house
            .budget(BudgetScope::Key(first), cents(120), Window::Year)
            .await,
    ];
    let keys = [
        house.limited_key(first, Limits::default()).await,
        house.key().await,
    ];
    let clients = [keys[0].at(&gate).await, keys[1].at(&gate).await];

    let mut seen = storm(&clients, "gpt-4o", 0..soaked(400), 64).await;
    let entries = house.wait_for_entries(seen.len()).await;
    check_books(&seen, &entries);
    let left: Vec<_> = entries
        .iter()
        .filter(|entry| entry.outcome == Outcome::ClientGone)
        .collect();
    assert!(
        !left.is_empty() && left.iter().all(|entry| entry.cost <= price(100, 16)),
        "{left:?}"
    );
    let refused: Vec<_> = seen.iter().filter(|one| one.status == 402).collect();
    assert!(
        refused.iter().any(|one| one.call.is_anthropic())
            && refused.iter().any(|one| !one.call.is_anthropic())
    );
    let odd: Vec<_> = seen
        .iter()
        .filter(|one| !matches!(one.status, 200 | 402))
        .collect();
    assert!(odd.is_empty(), "{odd:?}");

    // What is left is spent to the last cent, by the cheapest call there is.
    let mut last = None;
    for number in 0..400 {
        let cheap = Call {
            number: 1_000_000 + number * 6,
            max_tokens: 1,
        };
        let one = make(&clients[1], "gpt-4o", cheap, None).await;
        seen.push(one.clone());
        if one.status == 402 {
            last = Some(one);
            // Others' idle leases come back within a few seconds; only then is the refusal final.
            let spent = house.spent_when_idle(&budgets[0]).await;
            if budgets[0].limit.minus(spent) < price(290, 1) {
                break;
            }
        }
    }
    let last = last.expect("the money ends");
    assert_eq!(last.code, "budget_exhausted", "{last:?}");

    let entries = house.wait_for_entries(seen.len()).await;
    check_books(&seen, &entries);
    for budget in &budgets {
        let spent = house.spent_when_idle(budget).await;
        assert!(spent <= budget.limit, "{budget:?}: {spent}");
        let charged = entries
            .iter()
            .flat_map(|entry| &entry.charges)
            .filter(|charge| charge.budget == budget.id);
        assert_eq!(
            charged.map(|charge| charge.amount).sum::<Money>(),
            spent,
            "{budget:?}"
        );
    }
    assert_eq!(house.spent_when_idle(&budgets[0]).await, total(&entries));
    assert!(
        budgets[0].limit.minus(total(&entries)) < price(290, 1),
        "{} of {}",
        total(&entries),
        budgets[0].limit
    );
    assert_eq!(
        metric(&gate, "bartizan_cost_nanos_total").await,
        total(&entries).nanos()
    );
    let answered: Money = seen
        .iter()
        .filter(|one| one.is_answered())
        .map(|one| one.call.cost())
        .sum();
    assert!(answered <= budgets[0].limit);
    house.verify().await;
}

/// A caller who asks for far more than is left is refused; that must not keep others from what is left.
#[tokio::test]
async fn agp_d1_a_dear_call_that_is_refused_leaves_the_rest_to_others() {
    let provider = ScriptedProvider::start().await;
    provider.script("*", metered(0));
    let gate = gate().config(config(&provider, "")).start().await;
    let house = House::of(&gate).await;
    house.budget(BudgetScope::Tenant, cents(100), Window::Total).await;
    let client = house.key().await.at(&gate).await;
    for number in (0..60).step_by(6) {
        let dear = make(
            &client,
            "gpt-4o",
            Call {
                number,
                max_tokens: 1_000_000,
            },
            None,
        )
        .await;
        assert_eq!(
            (dear.status, dear.code.as_str()),
            (402, "budget_exhausted"),
            "{dear:?}"
        );
        let cheap = make(&client, "gpt-4o", Call::new(number), None).await;
        assert_eq!(cheap.status, 200, "{cheap:?}");
    }
}

/// Near the limit the prompt is counted instead of bounded by its bytes, so a call that fits is made.
#[tokio::test]
async fn agp_d1_near_the_limit_the_prompt_is_counted_exactly() {
    let provider = ScriptedProvider::start().await;
    provider.script("*", metered(0));
    let gate = gate().config(config(&provider, "")).start().await;
    let house = House::of(&gate).await;
    // 8,000 bytes of prose are some 2,000 tokens: by bytes eight cents, by tokens two.
    house.budget(BudgetScope::Tenant, cents(4), Window::Total).await;
    let client = house.key().await.at(&gate).await;
    let prose = "all work and no play makes a dull day ".repeat(210);
    let body = serde_json::json!({"model": "gpt-4o", "max_tokens": 1, "messages": [{"role": "user", "content": prose}]});
    let answer = client.post("/v1/chat/completions", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// No price, no call; unless the operator says that it is free.
#[tokio::test]
async fn agp_budget_3_1_a_model_without_a_price_is_refused_unless_it_is_said_to_be_free() {
    let provider = ScriptedProvider::start().await;
    provider.script("*", metered(0));
    let free = format!(
        "store: {{ refresh_every_ms: 50 }}\nproviders:\n  - {{ name: p, kind: openai, base_url: \"{}\", models: [homemade] }}\n",
        provider.base_url()
    );
    for (more, status) in [("", 402), ("prices: { unpriced: allow_free }\n", 200)] {
        let gate = gate().config(format!("{free}{more}")).start().await;
        let house = House::of(&gate).await;
        let budget = house.budget(BudgetScope::Tenant, cents(1), Window::Total).await;
        let client = house.key().await.at(&gate).await;
        for number in 0..4 {
            let one = make(&client, "homemade", Call::new(number), None).await;
            assert_eq!(one.status, status, "{one:?}");
        }
        let entries = house.wait_for_entries(4).await;
        assert_eq!(total(&entries), Money::ZERO);
        assert_eq!(house.spent_when_idle(&budget).await, Money::ZERO);
        match status {
            200 => assert!(
                entries.iter().all(|entry| entry.usage.input == PROMPT_TOKENS),
                "{entries:?}"
            ),
            _ => assert!(
                entries
                    .iter()
                    .all(|e| e.outcome == Outcome::Refused("model_unpriced".into()))
            ),
        }
        if status == 402 {
            let openai = client
                .post("/v1/chat/completions", &Call::new(0).body("homemade"))
                .await;
            assert_eq!(openai.header("x-refusal-code"), Some("model_unpriced"));
        }
    }
}
