//! Rates and concurrency at their limit and one past it, for a key and for a team; and journals that wait for the disk.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use credential::Limits;
use domain::{KeyId, Money};
use ledger::{BudgetScope, Window};
use testkit::{Client, Gate, ScriptedProvider};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

use super::money_scene::{Call, House, Seen, check_books, config, gate, make, metered, storm, total};

async fn scene(delay_ms: u64) -> (ScriptedProvider, Gate) {
    let provider = ScriptedProvider::start().await;
    provider.script("*", metered(0).delay(delay_ms));
    let gate = gate().config(config(&provider, "")).start().await;
    (provider, gate)
}

async fn at_once(calls: Vec<(Client, Call)>) -> Vec<Seen> {
    let calls: Vec<_> = calls
        .into_iter()
        .map(|(client, call)| tokio::spawn(async move { make(&client, "gpt-4o", call, None).await }))
        .collect();
    let mut seen = Vec::new();
    for call in calls {
        seen.push(call.await.unwrap());
    }
    seen
}

fn with(seen: &[Seen], status: u16, code: &str) -> usize {
    seen.iter()
        .filter(|one| one.status == status && one.code == code)
        .count()
}

/// Requests a minute, at the limit and one past it, in the headers of both dialects.
#[tokio::test]
async fn anp_0004_requests_a_minute_hold_at_the_limit_and_one_past_it() {
    let (_provider, gate) = scene(0).await;
    let house = House::of(&gate).await;
    for anthropic in [false, true] {
        let limits = Limits {
            requests_per_minute: Some(5),
            ..Limits::default()
        };
        let client = house.limited_key(KeyId::generate(), limits).await.at(&gate).await;
        let call = Call::new(if anthropic { 2 } else { 0 });
        for left in (0..5).rev() {
            let answer = client.post(call.path(), &call.body("gpt-4o")).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let names = match anthropic {
                true => [
                    "anthropic-ratelimit-requests-limit",
                    "anthropic-ratelimit-requests-remaining",
                ],
                false => ["x-ratelimit-limit-requests", "x-ratelimit-remaining-requests"],
            };
            assert_eq!(
                names.map(|name| answer.header(name).map(str::to_owned)),
                [Some("5".to_owned()), Some(left.to_string())]
            );
        }
        let refused = client.post(call.path(), &call.body("gpt-4o")).await;
        assert_eq!(
            (refused.status, refused.header("x-refusal-code")),
            (429, Some("rate_limited"))
        );
        let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=12).contains(&wait), "{wait}");
    }
}

/// A key is one caller, from however many addresses it comes.
#[tokio::test]
async fn anp_0004_many_addresses_with_one_key_share_its_limits() {
    let (_provider, gate) = scene(0).await;
    let house = House::of(&gate).await;
    let limits = Limits {
        requests_per_minute: Some(4),
        ..Limits::default()
    };
    let key = house.limited_key(KeyId::generate(), limits).await;
    let address = key.at(&gate).await.address();
    let mut statuses = Vec::new();
    for host in 2..10 {
        let from = SocketAddr::new(IpAddr::from([127, 0, 0, host]), 0);
        statuses.push(post_from(from, address, &key.text, &Call::new(0).body("gpt-4o").to_string()).await);
    }
    assert_eq!(statuses, [200, 200, 200, 200, 429, 429, 429, 429]);
}

async fn post_from(from: SocketAddr, to: SocketAddr, key: &str, body: &str) -> u16 {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(from).unwrap();
    let mut stream = socket.connect(to).await.unwrap();
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: gate\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer))
        .await
        .unwrap()
        .unwrap();
    String::from_utf8_lossy(&answer)
        .split(' ')
        .nth(1)
        .unwrap()
        .parse()
        .unwrap()
}

/// Tokens a minute are taken by estimate, and what was not used comes back when the call is settled.
#[tokio::test]
async fn anp_0004_tokens_a_minute_are_held_while_a_call_is_under_way_and_given_back() {
    let (_provider, gate) = scene(300).await;
    let house = House::of(&gate).await;
    let limits = Limits {
        tokens_per_minute: Some(100),
        ..Limits::default()
    };
    let client = house.limited_key(KeyId::generate(), limits).await.at(&gate).await;
    let call = |number| {
        (
            client.clone(),
            Call {
                number,
                max_tokens: 60,
            },
        )
    };
    let seen = at_once(vec![call(0), call(6)]).await;
    assert_eq!(
        (with(&seen, 200, ""), with(&seen, 429, "tokens_rate_limited")),
        (1, 1),
        "{seen:?}"
    );
    // Eleven or seventeen tokens were really used.
    let answer = client
        .post(
            "/v1/chat/completions",
            &Call {
                number: 0,
                max_tokens: 60,
            }
            .body("gpt-4o"),
        )
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("x-ratelimit-limit-tokens"), Some("100"));
}

/// Requests and streams at once, of a key and of a whole team; places are free again when calls end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_d2_concurrency_holds_at_the_limit_and_one_past_it_for_key_and_team() {
    let (_provider, gate) = scene(400).await;
    let team = Limits {
        concurrent_requests: Some(3),
        ..Limits::default()
    };
    let house = House::limited(&gate, (Limits::default(), team)).await;
    let one = Limits {
        concurrent_requests: Some(2),
        concurrent_streams: Some(1),
        ..Limits::default()
    };
    let narrow = house.limited_key(KeyId::generate(), one).await.at(&gate).await;
    let wide = house.key().await.at(&gate).await;
    for _ in 0..2 {
        let seen = at_once(
            [0, 6, 12]
                .map(|number| (narrow.clone(), Call::new(number)))
                .to_vec(),
        )
        .await;
        assert_eq!(
            (with(&seen, 200, ""), with(&seen, 429, "too_many_concurrent")),
            (2, 1),
            "{seen:?}"
        );
    }
    let seen = at_once([1, 7].map(|number| (narrow.clone(), Call::new(number))).to_vec()).await;
    assert_eq!(
        (with(&seen, 200, ""), with(&seen, 429, "too_many_concurrent")),
        (1, 1),
        "{seen:?}"
    );
    let seen = at_once(vec![
        (narrow.clone(), Call::new(1)),
        (narrow.clone(), Call::new(0)),
    ])
    .await;
    assert_eq!(with(&seen, 200, ""), 2, "{seen:?}");
    let calls = [(&narrow, 0), (&narrow, 1), (&wide, 6), (&wide, 12)];
    let seen = at_once(
        calls
            .map(|(client, number)| (client.clone(), Call::new(number)))
            .to_vec(),
    )
    .await;
    assert_eq!(
        (with(&seen, 200, ""), with(&seen, 429, "too_many_concurrent")),
        (3, 1),
        "{seen:?}"
    );
    assert_eq!(make(&wide, "gpt-4o", Call::new(0), None).await.status, 200);
}

/// Entries that wait for the disk before an answer ends: the same books, also after a kill.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_r1_a_strict_journal_keeps_the_same_books() {
    let provider = ScriptedProvider::start().await;
    provider.script("*", metered(1));
    let mut gate = gate()
        .config(config(&provider, "journal: { sync: disk }"))
        .start()
        .await;
    let house = House::of(&gate).await;
    let budget = house
        .budget(BudgetScope::Tenant, Money::from_dollars(100), Window::Total)
        .await;
    let clients = [house.key().await.at(&gate).await];
    let seen = storm(&clients, "gpt-4o", 0..48, 8).await;
    gate.kill9().await;
    gate.restart().await;
    let entries = house.wait_for_entries(seen.len()).await;
    assert!(seen.iter().filter(|one| one.is_answered()).count() >= 40);
    check_books(&seen, &entries);
    assert_eq!(house.spent_when_idle(&budget).await, total(&entries));
    house.verify().await;
}
