//! Who bears which cost: rules, drafts, final statements, their chain, and what is found out about them.

use control::chargeback::{Body, Statement};
use finops::Day;
use ledger::{Entry, Outcome, UsageSource};
use policy::Posture;
use serde_json::{Value, json};
use store::{Change, RecordKind, RecordQuery, StoreError};

use crate::scene::{House, Instance, Person};
use crate::spending::{call, scope, ship, sign};

struct Scene {
    instance: Instance,
    root: Person,
    house: House,
    other_key: String,
    base: String,
}

/// Two teams that spent 101 and 200 nano-dollars in March 2025, and 50 in April.
async fn scene() -> Scene {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let house = House::build(&instance, &root, "home").await;
    let path = format!("/api/v1/tenants/{}/teams/{}/keys", house.tenant, house.other_team);
    let other_key = root.make(&path, &json!({"name": "other"})).await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let base = house.path("/api/v1/tenants/{tenant}/chargeback");
    let day = |text: &str| text.parse::<Day>().unwrap();
    let other = Some((house.other_team.as_str(), other_key.as_str()));
    let calls = [
        call(&house, day("2025-03-01"), 60, None),
        call(&house, day("2025-03-31"), 41, None),
        call(&house, day("2025-03-15"), 200, other),
        call(&house, day("2025-04-01"), 50, None),
    ];
    ship(instance.store.as_ref(), &house, &calls).await;
    Scene {
        instance,
        root,
        house,
        other_key,
        base,
    }
}

impl Scene {
    fn rules(&self) -> Value {
        json!({"rest": "left", "rules": [
            {"name": "one", "takes": [{"kind": "team", "id": self.house.team}],
             "split": {"kind": "even", "to": ["sales", "support"]}},
            {"name": "bots", "takes": [{"kind": "key", "id": self.other_key}],
             "split": {"kind": "percent", "parts": [{"to": "sales", "weight": 5000}, {"to": "ops", "weight": 2500}]}},
        ]})
    }

    async fn with_rules(self) -> Self {
        let path = format!("{}/rules", self.base);
        let put = self.root.ask("PUT", &path, Some(&self.rules())).await;
        assert_eq!(put.status, 200, "{put:?}");
        self
    }

    async fn finalize(&self, month: &str) -> crate::Answer {
        self.root
            .post(&format!("{}/statements", self.base), &json!({"month": month}))
            .await
    }

    async fn verify(&self) -> Value {
        let answer = self.root.get(&format!("{}/verify", self.base)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }
}

fn borne(view: &Value) -> Vec<(String, i64)> {
    let targets = view["targets"].as_array().unwrap().iter();
    targets
        .map(|line| {
            (
                line["target"].as_str().unwrap().to_owned(),
                line["cost_nanos"].as_i64().unwrap(),
            )
        })
        .collect()
}

#[tokio::test]
async fn a_draft_is_reckoned_by_the_rules_and_sums_to_the_ledger() {
    let scene = scene().await;
    let draft = |query: &str| format!("{}/draft?{query}", scene.base);
    let all = scene.root.get(&draft("month=2025-03")).await.json();
    assert_eq!(borne(&all), [("unallocated".to_owned(), 301)], "without rules");
    for (bad, at) in [
        (
            json!({"rest": "left", "rules": [{"name": "x", "takes": [{"kind": "team", "id": scene.house.project}],
            "split": {"kind": "whole", "to": "a"}}]}),
            "/rules/0/takes/0/id",
        ),
        (json!({"rest": "", "rules": []}), "/rules"),
    ] {
        let put = scene
            .root
            .ask("PUT", &format!("{}/rules", scene.base), Some(&bad))
            .await;
        assert_eq!(
            (put.code().as_str(), put.json()["pointer"].as_str()),
            ("invalid", Some(at)),
            "{put:?}"
        );
    }
    let scene = scene.with_rules().await;
    let draft = |query: &str| format!("{}/draft?{query}", scene.base);
    let all = scene
        .root
        .get(&draft("from=2025-03-01&until=2025-04-01"))
        .await
        .json();
    let expected = [("left", 50), ("ops", 50), ("sales", 151), ("support", 50)];
    assert_eq!(
        borne(&all),
        expected.map(|(name, nanos)| (name.to_owned(), nanos))
    );
    assert_eq!(
        (
            all["total"]["cost_nanos"].as_i64(),
            all["total"]["requests"].as_u64()
        ),
        (Some(301), Some(3))
    );
    assert_eq!(all["state"], "draft");
    let csv = scene.root.get(&draft("month=2025-03&format=csv")).await.body;
    let mut lines = csv.lines();
    let header = "team_id,allocation_target,allocation_type,original_cost,allocated_cost,allocation_percent,request_count,total_tokens,late_from,late_until";
    assert_eq!(lines.next(), Some(header));
    let first = format!(
        "\"{}\",\"sales\",\"even\",0.000000101,0.000000051,50.0000,1,120,,",
        scene.house.team
    );
    assert_eq!(lines.next(), Some(first.as_str()));
    assert_eq!(lines.count(), 4);
    for bad in [
        "month=2025-3",
        "month=2025-03&from=2025-03-01",
        "from=2025-03-02&until=2025-03-01",
        "from=2025-03-02",
    ] {
        assert_eq!(scene.root.get(&draft(bad)).await.code(), "invalid", "{bad}");
    }
}

#[tokio::test]
async fn agp_r2_final_statements_are_chained_and_stay_as_they_are() {
    let scene = scene().await.with_rules().await;
    let store = scene.instance.store.as_ref();
    // Nothing is final over a ledger that nobody has signed, nor of a time that is not over.
    assert_eq!(scene.finalize("2025-03").await.code(), "conflict");
    sign(store, &scene.house).await;
    let now = Day::of(domain::UnixMillis::now());
    let this_month = now.to_string().chars().take(7).collect::<String>();
    assert_eq!(scene.finalize(&this_month).await.code(), "invalid");
    let first = scene.finalize("2025-03").await;
    assert_eq!(first.status, 201, "{first:?}");
    let first = first.json();
    assert_eq!(
        (
            first["number"].as_u64(),
            first["before"].as_str(),
            first["ledger"]["size"].as_u64()
        ),
        (Some(1), None, Some(4))
    );
    let size = store.size(&scope(&scene.house)).await.unwrap();
    let root = ledger::merkle::root_of(&store.leaf_hashes(&scope(&scene.house), 0, size).await.unwrap());
    assert_eq!(first["ledger"]["root"], hex_of(&root));
    // No time is in two.
    assert_eq!(scene.finalize("2025-03").await.code(), "conflict");
    let second = scene.finalize("2025-04").await.json();
    assert_eq!(second["before"], first["digest"]);
    let document = scene
        .root
        .get(&format!("{}/statements/1?format=document", scene.base))
        .await;
    assert!(
        document.body.starts_with("{\"format\":\"bartizan-chargeback/2\""),
        "{document:?}"
    );
    let listed = scene.root.get(&format!("{}/statements", scene.base)).await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);

    // Other rules change no final statement, and there is no way to change or remove one.
    let none = json!({"rest": "left", "rules": []});
    assert_eq!(
        scene
            .root
            .ask("PUT", &format!("{}/rules", scene.base), Some(&none))
            .await
            .status,
        200
    );
    let again = scene
        .root
        .get(&format!("{}/statements/1", scene.base))
        .await
        .json();
    assert_eq!(again, first);
    let verified = scene.verify().await;
    assert_eq!(verified["holds"], true, "{verified}");
    assert!(
        verified["statements"]
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one["ledger_read"] == true),
        "{verified}"
    );
    let query = RecordQuery {
        kind: RecordKind::ChargebackStatement,
        parent: None,
        after: None,
        count: 10,
    };
    let records = store.records(&scope(&scene.house), &query).await.unwrap();
    let mut forged = records[0].clone();
    forged.document = forged.document.replace("sales", "other");
    let replace = Change::Replace {
        before: records[0].clone(),
        after: forged.clone(),
    };
    for change in [replace, Change::Remove(records[1].clone())] {
        let refused = store.commit(&scope(&scene.house), &[change], None).await;
        assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    }

    // A call that comes into the ledger late waits for the next statement, and is no fault of one.
    let late = call(&scene.house, "2025-03-20".parse().unwrap(), 7, None);
    ship(store, &scene.house, &[late]).await;
    let verified = scene.verify().await;
    assert_eq!(
        (&verified["holds"], &verified["statements"][0]["came_later"]),
        (&json!(true), &json!(1)),
        "{verified}"
    );
    // Not signed so far: a call of that time is in nothing that anybody could verify.
    let late = call(&scene.house, "2025-05-20".parse().unwrap(), 7, None);
    ship(store, &scene.house, &[late]).await;
    assert_eq!(scene.finalize("2025-05").await.code(), "conflict");

    // What somebody put there who reached the database: no act made it, and its text is not its digest's.
    forged.id = "00000003".to_owned();
    forged.document = forged
        .document
        .replace("\"number\":1,\"created\"", "\"number\":3,\"created\"");
    store
        .commit(&scope(&scene.house), &[Change::Create(forged)], None)
        .await
        .unwrap();
    let verified = scene.verify().await;
    assert_eq!(verified["holds"], false, "{verified}");
    let problems = verified["statements"][2]["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 2, "{problems:?}");
}

fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn anp_0014_making_a_statement_final_can_want_a_second_person() {
    let scene = scene().await.with_rules().await;
    sign(scene.instance.store.as_ref(), &scene.house).await;
    let strict = scene
        .instance
        .beside_wanting(vec![domain::Permission::ChargebackFinalize])
        .await;
    let root = Person {
        address: strict,
        ..scene.root.clone()
    };
    let path = format!("{}/statements", scene.base);
    let wish = root.post(&path, &json!({"month": "2025-03"})).await;
    assert_eq!(wish.status, 202, "{wish:?}");
    let listed = scene.root.get(&path).await.json();
    assert_eq!(listed["items"], json!([]), "nothing is final yet");
}

/// The correction of a call's cost, as rating it again leaves it.
fn correction(of: &Entry, nanos: i64) -> Entry {
    let mut entry = of.clone();
    entry.id = domain::RequestId::generate();
    entry.outcome = Outcome::Adjusted;
    entry.usage = domain::Usage::default();
    entry.usage_source = UsageSource::None;
    entry.cost = domain::Money::from_nanos(nanos);
    entry.adjusts = Some(of.id);
    entry
}

fn nanos(value: &Value) -> i64 {
    value["cost_nanos"].as_i64().unwrap()
}

#[tokio::test]
async fn agp_r2_what_comes_late_is_in_the_next_statement_once() {
    let scene = scene().await.with_rules().await;
    let (store, house) = (scene.instance.store.as_ref(), &scene.house);
    let march: Day = "2025-03-20".parse().unwrap();
    sign(store, house).await;
    let first = scene.finalize("2025-03").await.json();
    assert_eq!((nanos(&first["total"]), &first["late"]), (301, &json!([])));

    let other = Some((house.other_team.as_str(), scene.other_key.as_str()));
    let late = call(house, march, 7, None);
    let corrected = correction(&late, -3);
    ship(store, house, &[late, call(house, march, 8, other), corrected]).await;
    let verified = scene.verify().await;
    let of_first = &verified["statements"][0];
    assert_eq!(
        (&verified["holds"], &of_first["came_later"]),
        (&json!(true), &json!(2))
    );
    assert_eq!(nanos(&of_first["waiting"]), 12, "{verified}");
    // What no signed head is over is in no statement, also where it came late.
    let second = scene.finalize("2025-04").await.json();
    assert_eq!((nanos(&second["total"]), &second["late"]), (50, &json!([])));
    sign(store, house).await;
    let third = scene.finalize("2025-05").await.json();
    assert_eq!((nanos(&third["total"]), nanos(&third["own"])), (12, 0), "{third}");
    let item = &third["late"][0];
    assert_eq!(
        (&item["statement"], &item["from"], &item["until"], &item["since"]),
        (&json!(1), &json!("2025-03-01"), &json!("2025-04-01"), &json!(4)),
        "{third}"
    );
    assert_eq!(
        (nanos(&item["total"]), &item["total"]["requests"]),
        (12, &json!(2))
    );
    assert_eq!(borne(&third).iter().map(|(_, nanos)| nanos).sum::<i64>(), 12);
    let csv = format!("{}/statements/3?format=csv", scene.base);
    let csv = scene.root.get(&csv).await.body;
    let (of_march, columns) = (",2025-03-01,2025-04-01", csv.lines().next().unwrap());
    assert!(columns.ends_with(",late_from,late_until"), "{csv}");
    assert!(csv.lines().skip(1).all(|line| line.ends_with(of_march)), "{csv}");
    let verified = scene.verify().await;
    assert_eq!(verified["holds"], true, "{verified}");
    assert_eq!(nanos(&verified["statements"][0]["waiting"]), 0, "{verified}");

    // Of two times at once; and of a time that no statement has, nothing.
    let more = [
        call(house, march, 100, None),
        call(house, "2025-04-30".parse().unwrap(), 1_000, other),
        call(house, "2025-02-28".parse().unwrap(), 10_000, None),
    ];
    ship(store, house, &more).await;
    sign(store, house).await;
    let fourth = scene.finalize("2025-06").await.json();
    let named: Vec<_> = fourth["late"].as_array().unwrap().iter().collect();
    assert_eq!(
        named
            .iter()
            .map(|item| (item["statement"].as_u64(), nanos(&item["total"])))
            .collect::<Vec<_>>(),
        [(Some(1), 100), (Some(2), 1_000)],
        "{fourth}"
    );
    // A time before all others, made final last: its own calls are its own, and late for nobody.
    let fifth = scene.finalize("2025-02").await.json();
    assert_eq!((nanos(&fifth["own"]), &fifth["late"]), (10_000, &json!([])));
    let all = [&first, &second, &third, &fourth, &fifth].map(|view| nanos(&view["total"]));
    assert_eq!(all.iter().sum::<i64>(), 301 + 50 + 12 + 1_100 + 10_000);
    let verified = scene.verify().await;
    assert_eq!(verified["holds"], true, "{verified}");

    // Whoever charges the same late calls again is found, also where chain and digests are as they should be.
    let kind = RecordKind::ChargebackStatement;
    let records = store
        .records(
            &scope(house),
            &RecordQuery {
                kind,
                parent: None,
                after: None,
                count: 10,
            },
        )
        .await
        .unwrap();
    let statement: Statement = serde_json::from_str(&records[3].document).unwrap();
    let body = Body {
        number: 6,
        from: "2025-07-01".parse().unwrap(),
        until: "2025-08-01".parse().unwrap(),
        before: Some(fifth["digest"].as_str().unwrap().to_owned()),
        ..statement.body().unwrap()
    };
    let forged = Statement::of(&body).unwrap().record().unwrap();
    store
        .commit(&scope(house), &[Change::Create(forged)], None)
        .await
        .unwrap();
    let verified = scene.verify().await;
    let problems = verified["statements"][5]["problems"].to_string();
    assert!(
        problems.contains("what it has of calls that came late is not"),
        "{verified}"
    );
}
