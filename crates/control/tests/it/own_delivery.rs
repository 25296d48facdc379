//! What tenants set up for themselves: two of them, neither of whom sees the other's; secrets that go in and never come out;
//! and addresses that lead where no tenant may have anything sent.

use domain::TenantScope;
use policy::Posture;
use serde_json::{Value, json};
use store::delivery::Standing;
use store::{LogKind, RecordKind, RecordQuery};

use crate::matrix::webhook;
use crate::scene::{House, Instance, Person, bury};

const SECRET: &str = "a-secret-of-more-than-24-bytes";

async fn admin(instance: &Instance, root: &Person, house: &House, mail: &str) -> Person {
    let person = root.invite(instance, &house.tenant, mail).await;
    root.give(&person, "tenant_admin", None).await;
    person
}

fn at(house: &House, what: &str) -> String {
    format!("/api/v1/tenants/{}/{what}", house.tenant)
}

#[tokio::test]
async fn agp_i1_agp_e1_two_tenants_see_nothing_of_each_others_sinks_letters_and_schedules() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let (a, b) = (
        House::build(&instance, &root, "home").await,
        House::build(&instance, &root, "abroad").await,
    );
    let (of_a, of_b) = (
        admin(&instance, &root, &a, "a@example.com").await,
        admin(&instance, &root, &b, "b@example.com").await,
    );
    for (person, own, other) in [(&of_a, &a, &b), (&of_b, &b, &a)] {
        for (what, id) in [("sinks", &own.sink), ("schedules", &own.schedule)] {
            let seen = person.get(&at(own, what)).await.json();
            let ids: Vec<&str> = seen["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|it| it["id"].as_str().unwrap())
                .collect();
            assert_eq!(ids, [id.as_str()], "{what}");
        }
        for path in [
            at(other, "sinks"),
            at(other, "schedules"),
            at(other, &format!("sinks/{}", other.sink)),
            at(other, &format!("sinks/{}/dead", other.sink)),
            at(other, &format!("schedules/{}", other.schedule)),
            // Another's id in one's own tenant is no id at all.
            at(own, &format!("sinks/{}", other.sink)),
            at(own, &format!("sinks/{}/dead", other.sink)),
            at(own, &format!("schedules/{}", other.schedule)),
        ] {
            assert_eq!(person.get(&path).await.status, 404, "{path}");
        }
        for (method, path) in [
            ("DELETE", format!("sinks/{}", other.sink)),
            ("DELETE", format!("schedules/{}", other.schedule)),
            ("POST", format!("sinks/{}/test", other.sink)),
        ] {
            for house in [own, other] {
                assert_eq!(
                    person.ask(method, &at(house, &path), None).await.status,
                    404,
                    "{method} {path}"
                );
            }
        }
        for verb in ["resend", "drop"] {
            let path = format!("sinks/{}/dead/{verb}", other.sink);
            for house in [own, other] {
                assert_eq!(
                    person.post(&at(house, &path), &json!({})).await.status,
                    404,
                    "{verb}"
                );
            }
        }
        let path = at(own, &format!("sinks/{}/dead", own.sink));
        assert_eq!(
            person.get(&path).await.json()["items"].as_array().unwrap().len(),
            1
        );
    }
    let answer = root.post("/api/v1/tenants/platform/sinks", &webhook("x")).await;
    assert_eq!(answer.status, 404, "the platform's are in the configuration");
}

#[tokio::test]
async fn agp_i1_secrets_go_in_sealed_and_never_come_out_not_even_to_another_place() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let house = House::build(&instance, &root, "home").await;
    let person = admin(&instance, &root, &house, "a@example.com").await;
    let path = at(&house, &format!("sinks/{}", house.sink));
    let slack = json!({
        "name": "chat", "place": {"form": "slack"},
        "secrets": ["https://hooks.slack.example/services/T0/B0/cnry-the-secret-path"], "severity_min": "warning",
    });
    let made = person.post(&at(&house, "sinks"), &slack).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(
        made.json()["place"]["address"],
        "https://hooks.slack.example",
        "how it begins"
    );

    // The same place: the secret stays. Another: it does not go there.
    let mut change = webhook("renamed");
    change.as_object_mut().unwrap().remove("secrets");
    let kept = person
        .ask_with("PUT", &path, "if-match: *\r\n", Some(&change))
        .await;
    assert_eq!(
        (kept.status, &kept.json()["secrets"]),
        (200, &json!(1)),
        "{kept:?}"
    );
    change["place"]["address"] = json!("https://collector.example/alerts");
    let refused = person
        .ask_with("PUT", &path, "if-match: *\r\n", Some(&change))
        .await;
    assert_eq!(refused.status, 422, "{refused:?}");

    let scope = TenantScope::operator(house.tenant.parse().unwrap());
    for kind in [RecordKind::OwnSink, RecordKind::OwnSchedule] {
        let query = RecordQuery {
            kind,
            parent: None,
            after: None,
            count: 100,
        };
        for record in instance.store.records(&scope, &query).await.unwrap() {
            assert!(
                !record.document.contains(SECRET) && !record.document.contains("cnry"),
                "{}",
                record.document
            );
        }
    }
    for what in ["sinks", "schedules", "audit?limit=200"] {
        let shown = person.get(&at(&house, what)).await;
        assert!(
            !shown.body.contains(SECRET) && !shown.body.contains("cnry"),
            "{}",
            shown.body
        );
    }
}

#[tokio::test]
async fn anp_d0012_no_tenant_has_anything_sent_to_where_it_may_not_reach() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let house = House::build(&instance, &root, "home").await;
    let person = admin(&instance, &root, &house, "a@example.com").await;
    let bad = [
        "https://127.0.0.1/x",
        "https://[::1]/x",
        "https://[::ffff:10.0.0.1]/x",
        "https://[64:ff9b::7f00:1]/x",
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.8/x",
        "https://good.example@127.0.0.1/x",
        "https://user:pw@good.example/x",
        "https://good.example:8443/x",
        "http://good.example/x",
        "http://localhost/x",
        "file:///etc/passwd",
        "ftp://good.example/x",
        "good.example",
        "",
    ];
    let refused = |answer: &crate::Answer, pointer: &str| {
        assert_eq!(answer.status, 422, "{answer:?}");
        assert_eq!(answer.json()["pointer"], pointer, "{answer:?}");
    };
    for address in bad {
        for form in ["webhook", "pagerduty"] {
            let secret = if form == "webhook" { SECRET } else { "key" };
            let body = json!({"name": "x", "place": {"form": form, "address": address}, "secrets": [secret]});
            refused(&person.post(&at(&house, "sinks"), &body).await, "/place/address");
        }
        let body = json!({"name": "x", "place": {"form": "slack"}, "secrets": [address]});
        assert_eq!(
            person.post(&at(&house, "sinks"), &body).await.status,
            422,
            "{address}"
        );
        let place = json!({"form": "s3", "address": "s3://bucket", "endpoint": address});
        let body = json!({"name": "x", "report": "costs", "place": place, "secrets": ["id", "secret"]});
        refused(
            &person.post(&at(&house, "schedules"), &body).await,
            "/place/endpoint",
        );
    }
    let other: [(Value, &str); 7] = [
        (json!({"form": "mail", "to": ["a@example.com"]}), "/place/form"),
        (json!({"form": "s3", "address": "s3://../x"}), "/secrets"),
        (json!({"form": "webhook"}), "/place/address"),
        (
            json!({"form": "webhook", "address": "https://h.example", "to": ["a@b.c"]}),
            "/place/to",
        ),
        (
            json!({"form": "webhook", "address": "https://h.example", "region": "x"}),
            "/place/endpoint",
        ),
        (
            json!({"form": "webhook", "address": "file:///tmp"}),
            "/place/address",
        ),
        (
            json!({"form": "webhook", "address": "s3://bucket"}),
            "/place/address",
        ),
    ];
    for (place, pointer) in other {
        let secrets = if place["form"] == "mail" {
            json!([])
        } else {
            json!([SECRET])
        };
        let body = json!({"name": "x", "report": "digest", "place": place, "secrets": secrets});
        refused(&person.post(&at(&house, "schedules"), &body).await, pointer);
    }
    let short = json!({"name": "x", "place": {"form": "webhook", "address": "https://h.example"}, "secrets": ["short"]});
    refused(&person.post(&at(&house, "sinks"), &short).await, "/secrets");
    let people = json!({"name": "x", "report": "costs", "place": {"form": "slack"}, "secrets": ["https://h.example/x"]});
    refused(
        &person.post(&at(&house, "schedules"), &people).await,
        "/place/form",
    );
}

#[tokio::test]
async fn agp_r3_letters_of_an_own_sink_are_asked_for_again_and_forgotten_and_it_goes_with_its_cursor() {
    let instance = Instance::start(Posture::Development).await;
    let root = instance.root().await;
    let house = House::build(&instance, &root, "home").await;
    let person = admin(&instance, &root, &house, "a@example.com").await;
    let tenant = house.tenant.parse().unwrap();
    let scope = TenantScope::operator(tenant);
    let before = instance.store.log_size(&scope, LogKind::Audit).await.unwrap();
    let new = person.post(&at(&house, "sinks"), &webhook("second")).await.json();
    let id = new["id"].as_str().unwrap().to_owned();
    let cursor = instance
        .store
        .record(&scope, RecordKind::Delivery, &id)
        .await
        .unwrap();
    assert_eq!(
        Standing::of(&cursor).unwrap().next,
        before,
        "it begins with its own making"
    );
    let own = |what: &str| at(&house, &format!("sinks/{id}{what}"));
    assert_eq!(
        person.post(&own("/dead/resend"), &json!({})).await.status,
        404,
        "there is none"
    );
    bury(&instance, tenant, &id).await;
    let answer = person.post(&own("/dead/resend"), &json!({"index": 0})).await;
    assert_eq!(
        (answer.status, &answer.json()["letters"]),
        (202, &json!(1)),
        "{answer:?}"
    );
    let asked = person.get(&at(&house, "audit?act=delivery.resend")).await.json();
    assert_eq!(asked["items"][0]["target"], json!(id));
    assert_eq!(person.ask("POST", &own("/test"), None).await.status, 204);
    let answer = person.post(&own("/dead/drop"), &json!({})).await;
    assert_eq!(
        (&answer.json()["letters"], &answer.json()["left"]),
        (&json!(1), &json!(0))
    );
    bury(&instance, tenant, &id).await;
    assert_eq!(person.ask("DELETE", &own(""), None).await.status, 204);
    assert!(
        instance
            .store
            .record(&scope, RecordKind::Delivery, &id)
            .await
            .is_err()
    );
    let query = RecordQuery {
        kind: RecordKind::DeadLetter,
        parent: Some(&id),
        after: None,
        count: 9,
    };
    assert!(instance.store.records(&scope, &query).await.unwrap().is_empty());
    for n in 0..9 {
        assert_eq!(
            person
                .post(&at(&house, "sinks"), &webhook(&format!("n{n}")))
                .await
                .status,
            201
        );
    }
    let answer = person.post(&at(&house, "sinks"), &webhook("one too many")).await;
    assert_eq!(answer.status, 422, "{answer:?}");
}
