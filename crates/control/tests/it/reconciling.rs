//! A provider's report held against a tenant's ledger: what is off is kept and told of; what is no report changes nothing.

use finops::Day;
use policy::Posture;
use serde_json::{Value, json};

use crate::scene::{House, Instance, Person};
use crate::spending::{call, ship};

struct Scene {
    instance: Instance,
    root: Person,
    house: House,
    base: String,
}

/// A call of a dollar of 7 March 2025.
async fn scene() -> Scene {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let house = House::build(&instance, &root, "home").await;
    let base = house.path("/api/v1/tenants/{tenant}/reconciliations");
    let calls = [call(
        &house,
        "2025-03-07".parse::<Day>().unwrap(),
        1_000_000_000,
        None,
    )];
    ship(instance.store.as_ref(), &house, &calls).await;
    Scene {
        instance,
        root,
        house,
        base,
    }
}

fn report(dollars: &str) -> Value {
    json!({"provider": "openai", "of": [], "files": [
        format!("date,model,cost_usd\n2025-03-07,small,{dollars}\n")
    ]})
}

async fn gaps(scene: &Scene) -> Vec<Value> {
    let path = scene
        .house
        .path("/api/v1/tenants/{tenant}/audit?act=reconciliation.gap");
    let answer = scene.root.get(&path).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn agp_r2_what_is_off_is_kept_listed_and_told_of_in_one_step() {
    let scene = scene().await;
    let made = scene.root.post(&scene.base, &report("3.5")).await;
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.json();
    assert_eq!(
        (&made["gaps"], &made["compared"]),
        (&json!(1), &json!(1)),
        "{made}"
    );
    assert_eq!(made["cost_difference_usd"], "2.50");
    assert_eq!(made["lines"][0]["verdict"], "differs");
    assert_eq!(made["files"].as_array().unwrap().len(), 1);
    assert_eq!(
        made["lines"].as_array().unwrap().len() as u64,
        made["gaps"].as_u64().unwrap()
    );
    let list = scene.root.get(&scene.base).await.json();
    assert_eq!(list["items"][0]["id"], made["id"]);
    let one = scene
        .root
        .get(&format!("{}/{}", scene.base, made["id"].as_str().unwrap()))
        .await;
    assert_eq!(one.json(), made, "as it was");
    let told = gaps(&scene).await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["target"], made["id"]);
}

#[tokio::test]
async fn agp_r3_what_agrees_is_kept_and_told_to_nobody() {
    let scene = scene().await;
    let made = scene.root.post(&scene.base, &report("1.005")).await;
    assert_eq!(
        (made.status, &made.json()["gaps"]),
        (201, &json!(0)),
        "within a cent: {made:?}"
    );
    assert!(gaps(&scene).await.is_empty());
    // Tried only: nothing is kept.
    let tried = scene
        .root
        .post(&format!("{}?dry_run=true", scene.base), &report("9"))
        .await;
    assert_eq!(tried.status, 201, "{tried:?}");
    assert_eq!(
        scene.root.get(&scene.base).await.json()["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert!(gaps(&scene).await.is_empty());
}

#[tokio::test]
async fn anp_0008_what_is_no_report_is_refused_and_changes_nothing() {
    let scene = scene().await;
    let with = |name: &str, value: Value| {
        let mut body = report("1");
        body[name] = value;
        body
    };
    for body in [
        with("provider", json!("acme")),
        with("files", json!([])),
        with("files", json!(["not a report"])),
        with("files", json!(["date,model,cost_usd\n2025-03-07,small,NaN\n"])),
        with("files", json!(["date,model,cost_usd\n2025-03-07,small,-1\n"])),
        with("files", json!(vec!["x"; 101])),
        with("of", json!(["nobody"])),
        with(
            "files",
            json!(["date,model,cost_usd\n2020-01-01,m,1\n2025-03-07,small,1\n"]),
        ),
        with("surprise", json!(1)),
    ] {
        let answer = scene.root.post(&scene.base, &body).await;
        assert!([400, 422].contains(&answer.status), "{body}: {answer:?}");
    }
    let large = with("files", json!(["x".repeat(2 << 20)]));
    assert_eq!(scene.root.post(&scene.base, &large).await.status, 413);
    assert!(
        scene.root.get(&scene.base).await.json()["items"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    assert!(gaps(&scene).await.is_empty());
    drop(scene.instance);
}
