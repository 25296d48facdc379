//! Sessions of agents: what one may take of a budget, over all gates; and a stop for the one that runs away.

use std::time::Duration;

use domain::Money;
use ledger::{Charge, PerSession, Unit, session_window};
use testkit::{Client, ScriptedProvider};

use super::money_postgres::Postgres;
use super::money_scene::{Call, House, Seen, config, gate, make, metered, storm};

const SESSION: &str = "bartizan-session";
const MORE: &str = "budgets: { lease_ttl_ms: 1500, wait_ms: 3000 }";
/// How long to come again where a slow machine lets a call time out, or a replica has still to hear of something.
const PATIENCE: Duration = Duration::from_secs(60);

const fn nanos(amount: i64) -> Money {
    Money::from_nanos(amount)
}

fn each(nanos: i64, is_required: bool) -> Option<PerSession> {
    let limit = Money::from_nanos(nanos);
    Some(PerSession { limit, is_required })
}

/// Makes the call until it goes as it should.
async fn until(client: &Client, call: Call, what: &str, is_so: impl Fn(&Seen) -> bool) -> Seen {
    let end = std::time::Instant::now() + PATIENCE;
    loop {
        let seen = make(client, "gpt-4o", call, None).await;
        if is_so(&seen) {
            return seen;
        }
        assert!(std::time::Instant::now() < end, "{what}: {seen:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn answered(client: &Client, call: Call) -> Seen {
    until(client, call, "not answered", Seen::is_answered).await
}

/// Refused so, and not answered before.
async fn refused(client: &Client, call: Call, code: &str) -> Seen {
    let is_refused = |seen: &Seen| {
        assert!(!seen.is_answered(), "{seen:?}");
        seen.code == code
    };
    until(client, call, code, is_refused).await
}

/// What entries of a session charge its window.
async fn taken(house: &House, session: &str) -> Money {
    let of_session = |charge: &&Charge| charge.window_start == session_window(session);
    let entries = house.entries().await;
    let own = entries
        .iter()
        .filter(|entry| entry.session.as_deref() == Some(session));
    own.flat_map(|entry| entry.charges.iter().filter(of_session))
        .map(|charge| charge.amount)
        .sum()
}

/// Two gates on one database, callers of three sessions at both at once: each is spent to its ceiling and never over it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_d1_a_session_on_two_gates_never_takes_more_than_its_ceiling() {
    let provider = ScriptedProvider::start().await;
    provider.script("*", metered(1));
    let postgres = Postgres::start().await;
    let (a, b) = tokio::join!(
        postgres.gate(&provider, None, MORE).start(),
        postgres.gate(&provider, None, MORE).start()
    );
    let house = postgres.house().await;
    let ceiling = 150_000_000;
    let budget = house
        .budget_with(nanos(20_000_000_000), |budget| {
            budget.terms.per_session = each(ceiling, true);
        })
        .await;
    let key = house.key().await;
    let mut storms = Vec::new();
    for (at, session) in ["one", "two", "three"].into_iter().enumerate() {
        for (node, gate) in [&a, &b].into_iter().enumerate() {
            let clients = [key.at(gate).await.header(SESSION, session)];
            let first = at * 1000 + node * 100;
            storms.push(tokio::spawn(async move {
                storm(&clients, "gpt-4o", first..first + 24, 4).await
            }));
        }
    }
    let mut seen = Vec::new();
    for storm in storms {
        seen.extend(storm.await.unwrap());
    }
    let (mut answered, mut refused) = (0, 0);
    for one in &seen {
        match one.code.as_str() {
            "budget_exhausted" => refused += 1,
            _ => answered += usize::from(one.is_answered()),
        }
    }
    assert!(
        answered >= 9 && refused >= 9,
        "{answered} answered, {refused} refused"
    );
    let spent = house.spent_when_idle(&budget).await;
    let mut all = Money::ZERO;
    for session in ["one", "two", "three"] {
        let taken = taken(&house, session).await;
        let start = session_window(session);
        let standing = house
            .store
            .standing(&house.scope, budget.id, start)
            .await
            .unwrap();
        assert_eq!(standing.spent, taken, "{session}");
        assert!(
            (nanos(ceiling / 10)..=nanos(ceiling)).contains(&taken),
            "{session}: {taken} of {ceiling}"
        );
        all = all.plus(taken);
    }
    assert_eq!(spent, all, "every call of a session is one of the budget");
    drop((a, b));
    postgres.remove().await;
}

/// What one gate holds of a session and does not use is spent at another, to the last call that fits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_budget_3_2_what_a_gate_holds_of_a_session_comes_back() {
    let provider = ScriptedProvider::start().await;
    provider.script("*", metered(0));
    let postgres = Postgres::start().await;
    let (a, b) = tokio::join!(
        postgres.gate(&provider, None, MORE).start(),
        postgres.gate(&provider, None, MORE).start()
    );
    let house = postgres.house().await;
    house
        .budget_with(nanos(20_000_000_000), |budget| {
            budget.terms.per_session = each(110_000_000, false);
        })
        .await;
    let key = house.key().await;
    let dearest = Call::new(30);
    for gate in [&a, &b, &a] {
        answered(&key.at(gate).await.header(SESSION, "s"), dearest).await;
    }
    let client = key.at(&b).await.header(SESSION, "s");
    for _ in 0..3 {
        assert_eq!(refused(&client, dearest, "budget_exhausted").await.status, 402);
    }
    // Without a session, and in another, there is more than enough.
    for client in [key.at(&b).await, key.at(&b).await.header(SESSION, "t")] {
        answered(&client, dearest).await;
    }
    drop((a, b));
    postgres.remove().await;
}

/// A session is named once and legibly, is in the entry and in nothing that is sent, and is asked for where it must be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0008_a_session_is_read_from_its_header_and_goes_nowhere_else() {
    let provider = ScriptedProvider::start().await;
    provider.script("*", metered(0));
    let gate = gate().config(config(&provider, "")).start().await;
    let house = House::of(&gate).await;
    house
        .budget_with(nanos(20_000_000), |budget| {
            budget.terms.unit = Unit::Tokens;
            budget.terms.per_session = each(1_000_000, true);
        })
        .await;
    let client = house.caller(&gate).await;
    for number in [0, 2] {
        let call = Call::new(number);
        let none = make(&client, "gpt-4o", call, None).await;
        assert_eq!(
            (none.status, none.code.as_str()),
            (400, "session_required"),
            "{none:?}"
        );
        let bad = make(&client.header(SESSION, "a b"), "gpt-4o", call, None).await;
        assert_eq!(
            (bad.status, bad.code.as_str()),
            (400, "session_invalid"),
            "{bad:?}"
        );
    }
    assert!(provider.requests().iter().all(|sent| sent.method != "POST"));
    let seen = answered(&client.header(SESSION, "run/4711"), Call::new(0)).await;
    let entry = house.entry(seen.id.as_deref().unwrap()).await;
    assert_eq!(entry.session.as_deref(), Some("run/4711"));
    let charged: Vec<_> = entry.token_charges.iter().map(|it| it.window_start).collect();
    assert!(
        charged.contains(&session_window("run/4711")) && charged.len() == 2,
        "{charged:?}"
    );
    for sent in provider.requests() {
        assert!(!format!("{sent:?}").contains("run/4711"));
    }
    house.verify().await;
}

/// Within a second of the act no gate begins a call of the session, and nothing is held for one; others go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_d1_a_session_that_runs_away_is_stopped_and_goes_on_when_it_may() {
    let provider = ScriptedProvider::start().await;
    provider.script("*", metered(0));
    let gate = gate().config(config(&provider, "")).start().await;
    let house = House::of(&gate).await;
    let budget = house.budget_with(nanos(20_000_000_000), |_| {}).await;
    let client = house.caller(&gate).await;
    let (runaway, other) = (client.header(SESSION, "run/1"), client.header(SESSION, "run/2"));
    let dearest = Call::new(30);
    answered(&runaway, dearest).await;
    let tenant = house.tenant.to_string();
    let act = |act: &'static str, more: &'static [&'static str]| {
        let mut line = vec!["sessions", act, "run/1", "--tenant", &tenant];
        line.extend(more);
        line.push("--json");
        line.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let cli = async |line: Vec<String>| {
        let line: Vec<&str> = line.iter().map(String::as_str).collect();
        gate.cli_json(&line).await
    };
    cli(act("pause", &["--why", "it runs in circles"])).await;
    let paused = |seen: &Seen| seen.code == "budget_paused";
    until(&runaway, dearest, "not paused", paused).await;
    let before = house.spent_when_idle(&budget).await;
    let calls = || {
        provider
            .requests()
            .iter()
            .filter(|sent| sent.method == "POST")
            .count()
    };
    let sent = calls();
    for _ in 0..3 {
        let seen = refused(&runaway, dearest, "budget_paused").await;
        assert_eq!(seen.status, 403);
        assert!(!String::from_utf8_lossy(&seen.body).contains("circles"));
    }
    assert_eq!(calls(), sent);
    assert_eq!(house.spent_when_idle(&budget).await, before);
    for client in [&other, &client] {
        answered(client, dearest).await;
    }
    let listed = gate.cli_json(&["sessions", "list", "--json"]).await;
    assert_eq!(listed[0]["session"], "run/1");
    assert_eq!(listed[0]["why"], "it runs in circles");
    cli(act("resume", &[])).await;
    answered(&runaway, dearest).await;

    let listed = gate.cli_json(&["sessions", "list", "--json"]).await;
    assert_eq!(listed.as_array().unwrap().len(), 0);
}
