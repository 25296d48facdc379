//! Attacks on whose a call was: an entry names the key, its owner and its team, whatever the request says of users. What a
//! caller may say of a call, its labels, is for reports alone and goes nowhere else.

use credential::Marks;
use domain::{ActorId, ServiceId, TenantId, UserId};
use ledger::Outcome;
use serde_json::json;
use testkit::{Client, ScriptedProvider};

use super::money_scene::{Call, House, Key, config, gate, metered};

const LABELS: &str = "bartizan-labels";
const ANNA: ActorId = ActorId::User(UserId::from_u128(41));
const CI: ActorId = ActorId::Service(ServiceId::from_u128(42));

async fn key_of(house: &House, owner: ActorId, tags: &[&str]) -> Key {
    let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    let change = |key: &mut credential::KeyRecord| {
        key.owner = Some(owner);
        key.marks = Marks::new(tags, None).unwrap();
    };
    house.key_with(change).await
}

/// Says in every way known that somebody else calls.
fn impostor(client: &Client) -> Client {
    let other = UserId::from_u128(7).to_string();
    let headers = [
        ("x-user-id", other.as_str()),
        ("x-bartizan-user", &other),
        ("x-bartizan-owner", &other),
        ("x-litellm-end-user-id", &other),
        ("x-forwarded-user", &other),
        ("x-openwebui-user-id", &other),
        ("openai-organization", "org-other"),
        ("openai-project", "proj-other"),
        ("x-bartizan-team", "team_00000000000000000000000000000001"),
        ("x-bartizan-tenant", "tnt_00000000000000000000000000000001"),
    ];
    headers
        .into_iter()
        .fold(client.clone(), |client, (name, value)| client.header(name, value))
}

#[tokio::test]
async fn agp_budget_2_2_an_entry_names_key_owner_and_team_whatever_the_request_says() {
    let provider = ScriptedProvider::start().await;
    provider.script("*", metered(0));
    let gate = gate().config(config(&provider, "")).start().await;
    let house = House::of(&gate).await;
    let keys = [
        (ANNA, key_of(&house, ANNA, &["cost-center:4711", "eu-only"]).await),
        (CI, key_of(&house, CI, &[]).await),
    ];
    let mut count = 0;
    for (owner, key) in &keys {
        let client = impostor(&key.at(&gate).await);
        let other = UserId::from_u128(7).to_string();
        for (path, model) in [("/v1/chat/completions", "gpt-4o"), ("/v1/messages", "claude")] {
            let mut body = Call::new(0).body(model);
            body["metadata"] = json!({"user_id": other});
            if model == "gpt-4o" {
                body["user"] = json!(other);
                body["safety_identifier"] = json!(other);
            }
            let answer = client.post(path, &body).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            count += 1;
        }
        // A refusal names who it was as well.
        assert_eq!(
            client
                .post("/v1/messages", &Call::new(0).body("none"))
                .await
                .status,
            404
        );
        count += 1;
        let entries = house.wait_for_entries(count).await;
        let own: Vec<_> = entries
            .iter()
            .filter(|entry| entry.key == key.record.id)
            .collect();
        assert_eq!(own.len(), 3);
        for entry in own {
            assert_eq!(
                (entry.tenant, entry.team, entry.owner),
                (house.tenant, house.team, Some(*owner)),
                "{entry:?}"
            );
            assert!(entry.labels.is_empty(), "{entry:?}");
            assert_eq!(entry.tags.is_empty(), *owner == CI, "{entry:?}");
        }
    }
    house.verify().await;
}

#[tokio::test]
async fn agp_budget_2_2_labels_are_kept_in_the_entry_and_sent_nowhere() {
    let provider = ScriptedProvider::start().await;
    provider.script("*", metered(0));
    let gate = gate().config(config(&provider, "")).start().await;
    let house = House::of(&gate).await;
    let client = key_of(&house, ANNA, &[]).await.at(&gate).await;
    let said = client.header(LABELS, "outcome=resolved, feature=search, owner=usr_7");
    for number in 0..6 {
        let call = Call::new(number);
        let model = if call.is_anthropic() { "claude" } else { "gpt-4o" };
        let answer = said.post(call.path(), &call.body(model)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header(LABELS), None);
    }
    for entry in house.wait_for_entries(6).await {
        assert_eq!(entry.outcome, Outcome::Completed);
        assert_eq!(
            (entry.owner, entry.labels.get("owner")),
            (Some(ANNA), Some("usr_7"))
        );
        let labels: Vec<_> = entry.labels.iter().collect();
        assert_eq!(
            labels,
            [("feature", "search"), ("outcome", "resolved"), ("owner", "usr_7")]
        );
    }
    for received in provider.requests() {
        let all = format!("{received:?}");
        assert!(!all.contains("resolved") && !all.contains(LABELS), "{all}");
    }
    house.verify().await;
}

#[tokio::test]
async fn anp_0008_labels_that_do_not_read_are_refused_in_the_callers_dialect() {
    let provider = ScriptedProvider::start().await;
    provider.script("*", metered(0));
    let gate = gate().config(config(&provider, "")).start().await;
    let house = House::of(&gate).await;
    let client = key_of(&house, CI, &[]).await.at(&gate).await;
    let many: Vec<String> = (0..9).map(|number| format!("n{number}=v")).collect();
    for bad in ["", "resolved", "Outcome=resolved", "a=1,a=2", &many.join(",")] {
        let said = client.header(LABELS, bad);
        let openai = said
            .post("/v1/chat/completions", &Call::new(0).body("gpt-4o"))
            .await;
        assert_eq!(openai.status, 400, "{bad}: {}", openai.text());
        assert_eq!(openai.json()["error"]["code"], "labels_invalid", "{bad}");
        let anthropic = said.post("/v1/messages", &Call::new(0).body("claude")).await;
        assert_eq!(anthropic.status, 400, "{bad}: {}", anthropic.text());
        assert_eq!(anthropic.json()["type"], "error", "{bad}");
        let message = anthropic.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(LABELS), "{message}");
    }
    assert!(provider.requests().is_empty());
    assert_ne!(house.tenant, TenantId::PLATFORM);
}
