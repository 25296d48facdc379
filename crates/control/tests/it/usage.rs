//! Reports by the control plane: over any dimension, cut in time, in the shapes of OpenAI's administration API; and nobody
//! sees more of it than the teams that are theirs.

use domain::{
    ActorId, KeyId, Money, NodeId, Operation, ProjectId, RequestId, TenantId, TenantScope, UnixMillis, Usage,
};
use ledger::{Entry, Labels, Outcome};
use policy::Posture;
use serde_json::{Value, json};
use store::Shipment;

use crate::scene::{House, Instance, Person};

/// 2026-11-02T00:00:00Z, a Monday.
const MONDAY: i64 = 1_793_577_600_000;
const DAY_MS: i64 = 86_400_000;

/// A call of the house's first team.
fn entry(house: &House, change: impl FnOnce(&mut Entry)) -> Entry {
    let mut entry = Entry {
        team: house.team.parse().unwrap(),
        key: house.key.parse().unwrap(),
        node: NodeId::from_u128(1),
        started: UnixMillis(MONDAY),
        finished: UnixMillis(MONDAY + 1),
        model: Some("m".into()),
        target: Some("vendor/m-1".into()),
        usage: Usage {
            input: 600,
            output: 400,
            ..Usage::default()
        },
        cost: Money::from_nanos(1_000),
        price_version: "1".into(),
        ..Entry::sample(RequestId::generate(), house.tenant.parse().unwrap())
    };
    change(&mut entry);
    entry
}

async fn book(instance: &Instance, house: &House, entries: &[Entry]) {
    let tenant: TenantId = house.tenant.parse().unwrap();
    let shipments: Vec<Shipment> = entries.iter().map(Shipment::from).collect();
    let scope = TenantScope::operator(tenant);
    let booked = instance
        .store
        .append(&scope, NodeId::from_u128(1), &shipments)
        .await;
    assert_eq!(booked, Ok(entries.len() as u64));
}

struct Stage {
    instance: Instance,
    root: Person,
    house: House,
}

impl Stage {
    async fn set() -> Self {
        let instance = Instance::start(Posture::Development).await;
        let root = instance.root().await;
        let house = House::build(&instance, &root, "home").await;
        let other = house.other_team.parse().unwrap();
        let project: ProjectId = house.project.parse().unwrap();
        let owner: ActorId = house.user.id.parse().unwrap();
        let entries = [
            entry(&house, |one| {
                one.labels = Labels::parse("outcome=resolved").unwrap()
            }),
            entry(&house, |one| {
                one.finished = UnixMillis(MONDAY + DAY_MS);
                (one.project, one.owner) = (Some(project), Some(owner));
                one.usage.cache_read = 2_000_000;
                one.labels = Labels::parse("outcome=open").unwrap();
                one.cost = Money::from_nanos(9_000);
            }),
            entry(&house, |one| {
                (one.team, one.key) = (other, KeyId::from_u128(77));
                one.outcome = Outcome::UpstreamFailed("upstream_timeout".into());
                one.cost = Money::from_nanos(500);
            }),
            entry(&house, |one| {
                one.outcome = Outcome::Refused("rate_limited".into());
                (one.cost, one.usage, one.target) = (Money::ZERO, Usage::default(), None);
            }),
            entry(&house, |one| {
                one.operation = Operation::Embeddings;
                one.model = Some("e".into());
                (one.usage, one.cost) = (
                    Usage {
                        input: 50,
                        ..Usage::default()
                    },
                    Money::from_nanos(3),
                );
            }),
        ];
        book(&instance, &house, &entries).await;
        Self {
            instance,
            root,
            house,
        }
    }

    async fn ask(&self, who: &Person, query: &str) -> Value {
        let window = "from=2026-11-02T00:00:00Z&until=2026-11-09T00:00:00Z";
        let path = self.house.path("/api/v1/tenants/{tenant}/usage");
        let answer = who.get(&format!("{path}?{window}&{query}")).await;
        assert_eq!(answer.status, 200, "{query}: {answer:?}");
        answer.json()
    }

    async fn openai(&self, path: &str, query: &str) -> Value {
        let path = self
            .house
            .path(&format!("/api/v1/tenants/{{tenant}}/openai/organization/{path}"));
        let answer = self.root.get(&format!("{path}?{query}")).await;
        assert_eq!(answer.status, 200, "{query}: {answer:?}");
        answer.json()
    }
}

fn costs(view: &Value) -> Vec<(String, i64)> {
    let rows = view["rows"].as_array().unwrap().iter();
    let row = |row: &Value| {
        (
            row["group"].as_str().unwrap().to_owned(),
            row["cost_nanos"].as_i64().unwrap(),
        )
    };
    rows.map(row).collect()
}

fn is(group: &str, cost: i64) -> (String, i64) {
    (group.to_owned(), cost)
}

#[tokio::test]
async fn reports_are_told_apart_by_what_is_asked() {
    let stage = Stage::set().await;
    let ask = async |query: &str| stage.ask(&stage.root, query).await;
    assert_eq!(costs(&ask("").await), [is("m", 10_500), is("e", 3)]);
    let days = ask("by=day").await;
    assert_eq!(costs(&days), [is("2026-11-02", 1_503), is("2026-11-03", 9_000)]);
    let labels = ask("by=label:outcome,operation").await;
    let wanted = [
        is("open / chat", 9_000),
        is("resolved / chat", 1_000),
        is("- / chat", 500),
        is("- / embeddings", 3),
    ];
    assert_eq!(costs(&labels), wanted);
    let teams = ask("by=team&grain=week&zone=Europe/Berlin").await;
    let first = &teams["rows"][0];
    assert_eq!(
        (&first["names"]["team"], &first["period"]),
        (&json!("one"), &json!("2026-11-02"))
    );
    let top = ask("by=team&top=1").await;
    assert_eq!(costs(&top), [is(&stage.house.team, 10_003), is("(rest)", 500)]);
    assert_eq!(
        (&top["rows"][1]["rest"], &top["groups"]),
        (&json!(true), &json!(2))
    );
    let some = ask("by=model&where=operation:embeddings,count_tokens;provider:vendor").await;
    assert_eq!(costs(&some), [is("e", 3)]);
    let total = &ask("").await["total"];
    assert_eq!(
        (
            &total["requests"],
            &total["refused"],
            &total["failed"],
            &total["wasted_nanos"]
        ),
        (&json!(5), &json!(1), &json!(1), &json!(500))
    );
    // 10,503 over four calls that were not refused; over 2,003,050 tokens by the thousand.
    assert_eq!(
        (
            &total["cost_per_request_nanos"],
            &total["cost_per_1k_tokens_nanos"]
        ),
        (&json!(2626), &json!(5))
    );
    let unit = ask("unit=label:outcome:resolved").await;
    assert_eq!(
        (&unit["unit"]["count"], &unit["unit"]["cost_nanos"]),
        (&json!(1), &json!(10_503))
    );
    // The vendor's target reads its cache at the price of nothing and sends at 5 a million.
    let savings = &ask("savings=true").await["savings"];
    assert_eq!(
        (
            &savings["provider_cache_tokens"],
            &savings["provider_cache_nanos"]
        ),
        (&json!(2_000_000), &json!(10))
    );
}

#[tokio::test]
async fn questions_that_cannot_be_answered_are_refused() {
    let stage = Stage::set().await;
    let path = stage.house.path("/api/v1/tenants/{tenant}/usage");
    for bad in [
        "by=nothing",
        "by=team,project,key,owner,model,provider,target",
        "grain=minute",
        "top=0",
        "top=10001",
        "order=best",
        "zone=Nowhere/Here",
        "where=model",
        "where=label:x",
        "unit=outcome",
        "from=2026-11-02T00:00:00Z&until=2026-11-02T00:00:00Z",
        "from=2020-01-01T00:00:00Z",
    ] {
        let answer = stage.root.get(&format!("{path}?{bad}")).await;
        assert_eq!(answer.status, 400, "{bad}: {answer:?}");
    }
}

#[tokio::test]
async fn agp_e1_who_looks_after_a_team_sees_the_usage_of_that_team_alone() {
    let stage = Stage::set().await;
    let house = &stage.house;
    let lead = stage
        .root
        .invite(&stage.instance, &house.tenant, "lead@example.com")
        .await;
    let path = house.path("/api/v1/tenants/{tenant}/usage");
    assert_eq!(lead.get(&path).await.status, 404, "nobody yet");
    stage
        .root
        .give(&lead, "team_admin", Some(&house.other_team))
        .await;
    let seen = stage.ask(&lead, "by=team").await;
    assert_eq!(
        (costs(&seen), &seen["total"]["cost_nanos"]),
        (vec![is(&house.other_team, 500)], &json!(500))
    );
    // No condition opens what is shut.
    for query in [
        format!("by=team&where=team:{}", house.team),
        format!("by=team&where=key:{}", house.key),
    ] {
        assert_eq!(costs(&stage.ask(&lead, &query).await), [], "{query}");
    }
    let own = lead.get(&format!("{path}?team={}", house.other_team)).await;
    assert_eq!(own.status, 200, "{own:?}");
    let others = lead.get(&format!("{path}?team={}", house.team)).await;
    assert_eq!(others.status, 404, "{others:?}");
    let openai = house.path("/api/v1/tenants/{tenant}/openai/organization/costs");
    let start = MONDAY / 1000;
    let costs = lead.get(&format!("{openai}?start_time={start}&limit=1")).await;
    assert_eq!(
        costs.json()["data"][0]["results"][0]["amount"]["value"],
        0.000_000_5,
        "{costs:?}"
    );
}

#[tokio::test]
async fn usage_and_costs_are_told_in_openais_shapes() {
    let stage = Stage::set().await;
    let start = MONDAY / 1000;
    let first = stage
        .openai("costs", &format!("start_time={start}&limit=1"))
        .await;
    assert_eq!(
        first,
        json!({"object": "page", "has_more": true, "next_page": (start + 86_400).to_string(), "data": [{
            "object": "bucket", "start_time": start, "end_time": start + 86_400, "results": [{
                "object": "organization.costs.result", "amount": {"value": 0.000_001_503, "currency": "usd"},
                "line_item": null, "project_id": null, "user_id": null, "api_key_id": null}]}]})
    );
    let next = first["next_page"].as_str().unwrap();
    let query = format!("start_time={start}&limit=1&page={next}&group_by[]=project_id&group_by[]=line_item");
    let second = stage.openai("costs", &query).await;
    let result = &second["data"][0]["results"][0];
    assert_eq!(
        (
            &result["project_id"],
            &result["line_item"],
            &result["amount"]["value"]
        ),
        (&json!(stage.house.project), &json!("m"), &json!(0.000_009))
    );
    let end = start + 2 * 86_400;
    let query = format!("start_time={start}&end_time={end}&group_by=model,user_id");
    let completions = stage.openai("usage/completions", &query).await;
    assert_eq!(
        (&completions["has_more"], &completions["next_page"]),
        (&json!(false), &Value::Null)
    );
    assert_eq!(
        completions["data"][1]["results"],
        json!([{"object": "organization.usage.completions.result", "input_tokens": 2_000_600, "output_tokens": 400,
            "input_cached_tokens": 2_000_000, "input_cache_write_tokens": 0, "input_audio_tokens": 0, "output_audio_tokens": 0,
            "num_model_requests": 1, "project_id": null, "user_id": stage.house.user.id, "api_key_id": null,
            "model": "m", "batch": null, "service_tier": null}])
    );
    let query = format!("start_time={start}&end_time={end}&bucket_width=1h&limit=2");
    let embeddings = stage.openai("usage/embeddings", &query).await;
    let buckets = embeddings["data"].as_array().unwrap();
    assert_eq!((buckets.len(), &buckets[1]["results"]), (2, &json!([])));
    assert_eq!(
        (
            &buckets[0]["results"][0]["input_tokens"],
            &buckets[0]["results"][0]["num_model_requests"]
        ),
        (&json!(50), &json!(1))
    );
    let path = stage
        .house
        .path("/api/v1/tenants/{tenant}/openai/organization/usage/completions");
    for bad in [
        "limit=0".to_owned(),
        format!("start_time={start}&bucket_width=1m"),
        format!("start_time={start}&end_time={start}"),
        format!("start_time={start}&limit=32"),
        format!("start_time={start}&group_by=batch"),
        "start_time=-1".to_owned(),
        "start_time=9999999999999".to_owned(),
    ] {
        let answer = stage.root.get(&format!("{path}?{bad}")).await;
        assert_eq!(answer.status, 400, "{bad}: {answer:?}");
    }
}

#[tokio::test]
async fn agp_e1_everybody_sees_what_their_own_keys_used_and_no_more() {
    let stage = Stage::set().await;
    let window = "from=2026-11-02T00:00:00Z&until=2026-11-09T00:00:00Z";
    for (query, of_mine) in [
        ("by=model", vec![is("m", 9_000)]),
        ("by=model&where=model:e", vec![]),
    ] {
        let path = format!("/api/v1/me/usage?{window}&{query}");
        let mine = stage.house.user.get(&path).await;
        assert_eq!(mine.status, 200, "{mine:?}");
        assert_eq!(costs(&mine.json()), of_mine, "{query}");
        let roots = stage.root.get(&path).await;
        assert_eq!(costs(&roots.json()), [], "{query}: {roots:?}");
    }
    let team = stage
        .house
        .user
        .get(&format!("/api/v1/me/usage?{window}&team={}", stage.house.team))
        .await;
    assert_eq!(team.status, 400, "{team:?}");
    let owner = format!("/api/v1/me/usage?{window}&by=owner&where=owner:-");
    assert_eq!(costs(&stage.house.user.get(&owner).await.json()), []);
}
