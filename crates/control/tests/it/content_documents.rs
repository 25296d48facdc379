//! Guards and consents of a tenant in its document, over HTTP: who may, what is done, and what each version changed.

use policy::Posture;
use serde_json::{Value, json};

use crate::Answer;
use crate::scene::{House, Instance, Person};

struct Stage {
    _instance: Instance,
    root: Person,
    admin: Person,
    house: House,
}

impl Stage {
    async fn set() -> Self {
        let instance = Instance::start(Posture::Development).await;
        let root = instance.root().await;
        let house = House::build(&instance, &root, "home").await;
        let admin = root.invite(&instance, &house.tenant, "admin@example.com").await;
        root.give(&admin, "tenant_admin", None).await;
        Self {
            _instance: instance,
            root,
            admin,
            house,
        }
    }

    fn at(&self, rest: &str) -> String {
        self.house.path(&format!("/api/v1/tenants/{{tenant}}/{rest}"))
    }

    async fn apply(&self, who: &Person, query: &str, sections: &Value) -> Answer {
        let mut whole = json!({"tenant": {"name": "home"}});
        let more = sections.as_object().unwrap().clone();
        whole.as_object_mut().unwrap().extend(more);
        let path = format!("{}{query}", self.at("configuration"));
        who.ask("PUT", &path, Some(&whole)).await
    }

    async fn number(&self, of: &str) -> Value {
        self.admin.get(&self.at(of)).await.json()["number"].clone()
    }
}

fn steps(answer: &Answer) -> Vec<(String, String)> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let text = |step: &Value, name: &str| step[name].as_str().unwrap().to_owned();
    let steps = answer.json()["steps"].as_array().unwrap().clone();
    steps
        .iter()
        .map(|step| (text(step, "verb"), text(step, "kind")))
        .collect()
}

fn said(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter()
        .map(|(verb, kind)| ((*verb).to_owned(), (*kind).to_owned()))
        .collect()
}

fn profile(name: &str, team: &str) -> Value {
    json!({"name": name, "when": {"teams": [team]}, "guards": {"personal": {"input": "block"}}})
}

fn consents() -> Value {
    json!({"consents": [{"data_class": "restricted", "providers": ["azure-*"], "regions": ["eu-*"],
        "by": "dpo@home.example", "on": "2026-01-01"}]})
}

#[tokio::test]
async fn anp_0017_agp_t3_guards_and_consents_are_applied_from_a_document_by_who_may() {
    let stage = Stage::set().await;
    let (root, admin) = (&stage.root, &stage.admin);
    // A team of the same document is one of the tenant's; another is not, and its place is said.
    let wrong = json!({"guards": {"profiles": [profile("strict", "nobodys")]}});
    let refused = stage.apply(admin, "", &wrong).await;
    assert_eq!(
        (refused.status, &refused.json()["pointer"]),
        (422, &json!("/guards/profiles/0/when/teams/0")),
        "{refused:?}"
    );
    let document = json!({"teams": [{"name": "care"}], "guards": {"profiles": [profile("strict", "care")]},
        "consents": consents()});
    let dry = stage.apply(admin, "?dry_run=true", &document).await;
    let all = said(&[("create", "team"), ("create", "guards"), ("create", "consents")]);
    assert_eq!(steps(&dry), all);
    assert_eq!(
        (stage.number("guards").await, stage.number("consents").await),
        (json!(0), json!(0))
    );

    // Whoever runs the instance consents for nobody, and then nothing of the document is done.
    let by_root = stage.apply(root, "", &document).await;
    assert_eq!(
        (by_root.status, &by_root.json()["pointer"]),
        (403, &json!("/consents")),
        "{by_root:?}"
    );
    assert_eq!(stage.number("guards").await, json!(0), "all of it or nothing");
    let guards_alone = json!({"teams": document["teams"], "guards": document["guards"]});
    let done = stage.apply(root, "", &guards_alone).await;
    assert_eq!(steps(&done), said(&[("create", "team"), ("create", "guards")]));
    assert_eq!(
        steps(&stage.apply(admin, "", &document).await),
        said(&[("create", "consents")])
    );
    assert_eq!(
        steps(&stage.apply(admin, "", &document).await),
        [],
        "it is so already"
    );
    let shown = admin.get(&stage.at("guards")).await.json();
    assert_eq!(
        (&shown["number"], &shown["by"]),
        (&json!(1), &json!("root@example.com")),
        "{shown}"
    );

    // It is exported, and what is exported changes nothing.
    let exported = admin.get(&stage.at("configuration")).await.json();
    assert_eq!(exported["guards"]["profiles"][0]["name"], "strict");
    assert_eq!(exported["consents"]["consents"][0]["by"], "dpo@home.example");
    let path = format!("{}?prune=true", stage.at("configuration"));
    assert_eq!(steps(&admin.ask("PUT", &path, Some(&exported)).await), []);

    // What is refused singly is refused here, at its place.
    let withdrawn_silently = json!({"consents": {"content_leaves": false}});
    let refused = stage.apply(admin, "", &withdrawn_silently).await;
    assert_eq!(
        (refused.status, &refused.json()["pointer"]),
        (422, &json!("/consents/consents")),
        "{refused:?}"
    );
    // A section that is left out is not touched; an empty one ends what is there, where things end.
    let empty = json!({"guards": {}, "consents": {}});
    assert_eq!(steps(&stage.apply(admin, "", &empty).await), []);
    assert_eq!(steps(&stage.apply(admin, "?prune=true", &json!({})).await), []);
    let by_root = stage.apply(root, "?prune=true", &json!({"consents": {}})).await;
    assert_eq!(by_root.status, 403, "nor does it take consents away: {by_root:?}");
    let pruned = stage.apply(admin, "?prune=true", &empty).await;
    assert_eq!(
        steps(&pruned),
        said(&[("remove", "consents"), ("remove", "guards")])
    );
    assert_eq!(
        (stage.number("guards").await, stage.number("consents").await),
        (json!(2), json!(2))
    );
    for act in ["guards.update", "consents.update"] {
        let audit = admin.get(&stage.at(&format!("audit?act={act}"))).await.json();
        let done = audit["items"].as_array().unwrap().iter();
        let done = done.filter(|one| one["outcome"] == "done");
        assert_eq!(done.count(), 2, "{audit}");
    }
}

#[tokio::test]
async fn anp_0017_anp_0012_each_version_says_what_it_changed() {
    let stage = Stage::set().await;
    let admin = &stage.admin;
    let first = json!({"profiles": [{"name": "strict", "guards": {"personal": {"input": "redact"}}}]});
    let second = json!({"profiles": [{"name": "other"}, {"name": "strict", "guards": {"personal": {"input": "block"}}}]});
    for document in [&first, &second, &first] {
        let put = admin.ask("PUT", &stage.at("guards"), Some(document)).await;
        assert_eq!(put.status, 200, "{put:?}");
    }
    let diff = async |rest: &str| admin.get(&stage.at(rest)).await;
    let changed = diff("guards/versions/2/diff").await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let told = changed.json();
    assert_eq!(
        (&told["number"], &told["against"], &told["by"]),
        (&json!(2), &json!(1), &json!("admin@example.com"))
    );
    let places: Vec<_> = told["changes"].as_array().unwrap().iter().collect();
    let input = places
        .iter()
        .find(|one| one["place"] == "profiles[strict].guards.personal.input");
    let input = input.unwrap_or_else(|| panic!("{told}"));
    assert_eq!(
        (&input["before"], &input["after"]),
        (&json!("redact"), &json!("block"))
    );
    let other = places
        .iter()
        .find(|one| one["place"] == "profiles[other]")
        .unwrap();
    assert!(
        other.get("before").is_none() && other["after"]["name"] == "other",
        "{told}"
    );
    assert_eq!(
        diff("guards/versions/3/diff?against=1").await.json()["changes"],
        json!([])
    );
    let all = diff("guards/versions/1/diff").await.json();
    assert_eq!(
        (&all["against"], all["changes"].as_array().unwrap().len()),
        (&json!(0), 1),
        "{all}"
    );

    let put = admin.ask("PUT", &stage.at("consents"), Some(&consents())).await;
    assert_eq!(put.status, 200, "{put:?}");
    let mut withdrawn = consents();
    withdrawn["consents"][0]["withdrawn"] = json!("2026-02-01");
    let put = admin.ask("PUT", &stage.at("consents"), Some(&withdrawn)).await;
    assert_eq!(put.status, 200, "{put:?}");
    let told = diff("consents/versions/2/diff").await.json();
    assert_eq!(
        told["changes"],
        json!([{"place": "consents[0].withdrawn", "after": "2026-02-01"}]),
        "{told}"
    );
    for absent in [
        "guards/versions/4/diff",
        "guards/versions/2/diff?against=9",
        "guards/versions/x/diff",
    ] {
        assert_eq!(diff(absent).await.status, 404, "{absent}");
    }
    assert_eq!(diff("guards/versions/2/diff?against=x").await.status, 400);
}
