//! Two people: nothing that wants a second person is done by one, whatever they try.

use domain::{Permission, TenantId, TenantScope};
use ledger::AuditRecord;
use policy::Posture;
use serde_json::{Value, json};
use store::AuditQuery;

use crate::scene::{House, Instance, Person};

const ABOVE: i64 = 2_000_000_000_000;

struct Two {
    instance: Instance,
    root: Person,
    other: Person,
    house: House,
}

impl Two {
    async fn gather(acts: Vec<Permission>) -> Self {
        let mut all = vec![Permission::ProjectsDelete];
        all.extend(acts);
        let instance = Instance::with(Posture::Development, all).await;
        let root = instance.root().await;
        let house = House::build(&instance, &root, "home").await;
        let other = root.invite(&instance, "platform", "other@example.com").await;
        root.give(&other, "platform_admin", None).await;
        Self {
            instance,
            root,
            other,
            house,
        }
    }

    fn budget(&self) -> String {
        self.house.path("/api/v1/tenants/{tenant}/budgets/{budget}")
    }

    async fn limit(&self) -> i64 {
        self.root.get(&self.budget()).await.json()["limit_nanos"]
            .as_i64()
            .unwrap()
    }

    /// Root wants the budget to be this high.
    async fn wish(&self, nanos: i64) -> String {
        let wish = self
            .root
            .ask("PATCH", &self.budget(), Some(&json!({"limit_nanos": nanos})))
            .await;
        assert_eq!(wish.status, 202, "{wish:?}");
        wish.json()["id"].as_str().unwrap().to_owned()
    }

    async fn decide(&self, who: &Person, approval: &str, word: &str) -> crate::Answer {
        let path = format!(
            "/api/v1/tenants/{}/approvals/{approval}/{word}",
            self.house.tenant
        );
        who.post(&path, &json!({"reason": "looked at it"})).await
    }

    /// Somebody raises the budget, naming an approval.
    async fn raise(&self, who: &Person, approval: &str, nanos: i64) -> (u16, String) {
        let headers = format!("if-match: *\r\napproval: {approval}\r\n");
        let body = json!({"limit_nanos": nanos});
        let answer = who.ask_with("PATCH", &self.budget(), &headers, Some(&body)).await;
        let code = if answer.status < 300 {
            String::new()
        } else {
            answer.code()
        };
        (answer.status, code)
    }

    async fn audits(&self, tenant: TenantId) -> Vec<AuditRecord> {
        let query = AuditQuery {
            count: 1000,
            ..AuditQuery::default()
        };
        let scope = TenantScope::operator(tenant);
        let stored = self.instance.store.audit(&scope, &query).await.unwrap();
        let read = |stored: &store::StoredAudit| AuditRecord::from_bytes(&stored.bytes).unwrap();
        stored.iter().map(read).collect()
    }
}

fn invalid() -> (u16, String) {
    (409, "approval_invalid".to_owned())
}

#[tokio::test]
async fn anp_0014_agp_d1_a_budget_above_the_mark_takes_two_people() {
    let two = Two::gather(vec![]).await;
    let low = two
        .root
        .ask("PATCH", &two.budget(), Some(&json!({"limit_nanos": 5})))
        .await;
    assert_eq!(low.status, 200, "below the mark one is enough: {low:?}");
    let approval = two.wish(ABOVE).await;
    assert_eq!(two.limit().await, 5, "nothing is done yet");
    assert_eq!(two.wish(ABOVE).await, approval, "the same wish is one wish");
    assert_eq!(
        two.raise(&two.root, &approval, ABOVE).await,
        invalid(),
        "nobody has decided"
    );
    let own = two.decide(&two.root, &approval, "approve").await;
    assert_eq!(
        (own.status, own.code().as_str()),
        (403, "forbidden"),
        "the requester never approves"
    );
    let yes = two.decide(&two.other, &approval, "approve").await;
    assert_eq!(yes.status, 200, "{yes:?}");
    assert_eq!(yes.json()["decided_by"], "other@example.com");
    assert_eq!(two.limit().await, 5, "the approver does nothing but approve");
    assert_eq!(
        two.raise(&two.root, &approval, ABOVE + 1).await,
        invalid(),
        "another request"
    );
    assert_eq!(
        two.raise(&two.other, &approval, ABOVE).await,
        invalid(),
        "another requester"
    );
    assert_eq!(two.raise(&two.root, &approval, ABOVE).await, (200, String::new()));
    assert_eq!(two.limit().await, ABOVE);
}

#[tokio::test]
async fn anp_0014_an_approval_is_good_once_and_for_what_was_seen() {
    let two = Two::gather(vec![]).await;
    let approval = two.wish(ABOVE).await;
    assert_eq!(two.decide(&two.other, &approval, "approve").await.status, 200);
    let meanwhile = two
        .other
        .ask("PATCH", &two.budget(), Some(&json!({"limit_nanos": 7})))
        .await;
    assert_eq!(meanwhile.status, 200);
    assert_eq!(
        two.raise(&two.root, &approval, ABOVE).await,
        invalid(),
        "it looks different now"
    );
    let back = json!({"limit_nanos": 1_000_000_000});
    assert_eq!(
        two.other.ask("PATCH", &two.budget(), Some(&back)).await.status,
        200
    );
    assert_eq!(two.raise(&two.root, &approval, ABOVE).await, (200, String::new()));
    let lowered = two.other.ask("PATCH", &two.budget(), Some(&back)).await;
    assert_eq!(lowered.status, 200);
    assert_eq!(
        two.raise(&two.root, &approval, ABOVE).await,
        invalid(),
        "it was used"
    );
    let denied = two.wish(ABOVE).await;
    assert_eq!(two.decide(&two.other, &denied, "deny").await.status, 200);
    assert_eq!(two.raise(&two.root, &denied, ABOVE).await, invalid(), "denied");
    let late = two.decide(&two.other, &denied, "approve").await;
    assert_eq!((late.status, late.code().as_str()), (409, "conflict"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0014_of_two_uses_at_once_one_is_made() {
    let two = Two::gather(vec![Permission::UsersReset]).await;
    let path = two.house.path("/api/v1/tenants/{tenant}/users/{user}/reset");
    let wish = two.root.ask("POST", &path, None).await;
    assert_eq!(wish.status, 202, "{wish:?}");
    let approval = wish.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(two.decide(&two.other, &approval, "approve").await.status, 200);
    let headers = format!("approval: {approval}\r\n");
    let mut uses = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let (root, path, headers) = (two.root.clone(), path.clone(), headers.clone());
        uses.spawn(async move { root.ask_with("POST", &path, &headers, None).await });
    }
    let answers = uses.join_all().await;
    let mut done: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    done.sort_unstable();
    assert_eq!(done, [200, 409, 409, 409, 409, 409], "{answers:?}");
}

#[tokio::test]
async fn anp_0014_whoever_may_not_act_may_not_approve_nor_see() {
    let two = Two::gather(vec![]).await;
    let approval = two.wish(ABOVE).await;
    let path = format!("/api/v1/tenants/{}/approvals/{approval}", two.house.tenant);
    for (role, status) in [("tenant_admin", 403), ("member", 404), ("viewer", 404)] {
        let email = format!("{role}@example.com");
        let person = two.root.invite(&two.instance, &two.house.tenant, &email).await;
        let team = (role == "member").then_some(two.house.team.as_str());
        two.root.give(&person, role, team).await;
        let answer = two.decide(&person, &approval, "approve").await;
        assert_eq!(answer.status, status, "{role}: {answer:?}");
    }
    let finance = two
        .root
        .invite(&two.instance, "platform", "finance@example.com")
        .await;
    two.root.give(&finance, "finance", None).await;
    assert_eq!(finance.get(&path).await.json()["after"]["limit_nanos"], ABOVE);
    let list = finance
        .get(&format!(
            "/api/v1/tenants/{}/approvals?state=waiting",
            two.house.tenant
        ))
        .await;
    assert_eq!(
        list.json()["items"].as_array().unwrap().len(),
        1,
        "not the project, which is no money: {list:?}"
    );
    assert_eq!(two.decide(&finance, &approval, "approve").await.status, 200);
    let elsewhere = House::build(&two.instance, &two.root, "abroad").await;
    let stolen = elsewhere.path("/api/v1/tenants/{tenant}/budgets/{budget}");
    let headers = format!("if-match: *\r\napproval: {approval}\r\n");
    let body = json!({"limit_nanos": ABOVE});
    let answer = two.root.ask_with("PATCH", &stolen, &headers, Some(&body)).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (409, "approval_invalid"),
        "another tenant's"
    );
}

#[tokio::test]
async fn agp_r3_who_approved_is_in_the_record_of_the_act() {
    let two = Two::gather(vec![Permission::UsageRead]).await;
    let approval = two.wish(ABOVE).await;
    two.decide(&two.other, &approval, "approve").await;
    assert_eq!(two.raise(&two.root, &approval, ABOVE).await.0, 200);
    let tenant: TenantId = two.house.tenant.parse().unwrap();
    let audits = two.audits(tenant).await;
    let acts: Vec<_> = audits
        .iter()
        .take(3)
        .map(|it| (it.act.as_str(), it.approval.as_deref()))
        .collect();
    assert_eq!(
        acts,
        [
            ("budgets.update", Some(approval.as_str())),
            ("approvals.decide", None),
            ("approvals.ask", None)
        ]
    );
    let decided: &Value = audits[1].after.as_ref().unwrap();
    assert_eq!(decided["decided_by"], "other@example.com");
    // What only reads can want two people as well, and is no less recorded.
    let usage = two.house.path("/api/v1/tenants/{tenant}/usage");
    let wish = two.root.get(&usage).await;
    assert_eq!(wish.status, 202, "{wish:?}");
    let wish = wish.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(two.decide(&two.other, &wish, "approve").await.status, 200);
    let headers = format!("approval: {wish}\r\n");
    let read = two.root.ask_with("GET", &usage, &headers, None).await;
    assert_eq!(read.status, 200, "{read:?}");
    assert_eq!(
        two.audits(tenant).await[0].approval.as_deref(),
        Some(wish.as_str())
    );
    let again = two.root.ask_with("GET", &usage, &headers, None).await;
    assert_eq!(again.status, 409, "{again:?}");
}

#[tokio::test]
async fn ctx_t2_broken_glass_is_for_a_while_for_one_and_on_record() {
    let two = Two::gather(vec![]).await;
    let emergency = json!({"reason": "the second admin is on a plane", "minutes": 5});
    for bad in [
        json!({"reason": "x", "minutes": 5}),
        json!({"reason": "long enough a reason", "minutes": 61}),
    ] {
        assert_eq!(two.root.post("/api/v1/break-glass", &bad).await.status, 422);
    }
    let opened = two.root.make("/api/v1/break-glass", &emergency).await;
    let id = opened["id"].as_str().unwrap();
    assert_eq!(
        two.root.post("/api/v1/break-glass", &emergency).await.status,
        409,
        "once at a time"
    );
    let alone = two
        .root
        .ask("PATCH", &two.budget(), Some(&json!({"limit_nanos": ABOVE})))
        .await;
    assert_eq!(alone.status, 200, "{alone:?}");
    let others = two
        .other
        .ask("PATCH", &two.budget(), Some(&json!({"limit_nanos": ABOVE + 1})))
        .await;
    assert_eq!(others.status, 202, "it is the opener's alone");
    let tenant: TenantId = two.house.tenant.parse().unwrap();
    let record = &two.audits(tenant).await[1];
    assert_eq!(
        (record.act.as_str(), record.break_glass.as_deref()),
        ("budgets.update", Some(id))
    );
    assert_eq!(two.audits(TenantId::PLATFORM).await[0].act, "break_glass.open");
    let closed = two
        .other
        .post(&format!("/api/v1/break-glass/{id}/close"), &Value::Null)
        .await;
    assert_eq!(closed.status, 400, "it takes no body");
    let closed = two
        .other
        .ask("POST", &format!("/api/v1/break-glass/{id}/close"), None)
        .await;
    assert_eq!(closed.status, 200, "{closed:?}");
    let over = two
        .root
        .ask("PATCH", &two.budget(), Some(&json!({"limit_nanos": ABOVE + 2})))
        .await;
    assert_eq!(over.status, 202, "{over:?}");
    let tenant_admin = two
        .root
        .invite(&two.instance, &two.house.tenant, "ta@example.com")
        .await;
    two.root.give(&tenant_admin, "tenant_admin", None).await;
    assert_eq!(
        tenant_admin.post("/api/v1/break-glass", &emergency).await.status,
        404
    );
}

/// A version of policies is put in force by two people: who let it, and by which approval, stands in the version and
/// in the audit record. A draft takes one.
#[tokio::test]
async fn anp_0014_anp_b0001_a_version_of_policies_is_put_in_force_by_two_people() {
    let two = Two::gather(vec![Permission::PoliciesActivate]).await;
    let text = "@id(\"no-tools\") forbid (principal, action in Action::\"invoke\", resource) when { context.tools };";
    let body =
        json!({"plane": "calls", "reason": "no tools", "files": [{"name": "own.cedar", "text": text}]});
    let made = two.root.make("/api/v1/policies/versions", &body).await;
    let version = format!("/api/v1/policies/versions/{}", made["number"]);
    let activate = format!("{version}/activate");
    let wish = two.root.ask("POST", &activate, None).await;
    assert_eq!(wish.status, 202, "{wish:?}");
    let approval = wish.json()["id"].as_str().unwrap().to_owned();
    let again = async || {
        let headers = format!("approval: {approval}\r\n");
        two.root.ask_with("POST", &activate, &headers, None).await
    };
    let state = async || two.root.get(&version).await.json()["state"].clone();
    // Neither undecided nor approved by whoever wants it.
    assert_eq!(again().await.code(), "approval_invalid");
    let decide = async |who: &Person| {
        let path = format!(
            "/api/v1/tenants/{}/approvals/{approval}/approve",
            TenantId::PLATFORM
        );
        who.post(&path, &json!({"reason": "looked at it"})).await.status
    };
    assert_eq!(decide(&two.root).await, 403);
    assert_eq!(
        (again().await.code(), state().await),
        ("approval_invalid".to_owned(), json!("draft"))
    );
    assert_eq!(decide(&two.other).await, 200);
    let done = again().await;
    assert_eq!(done.status, 200, "{done:?}");
    let list = two.root.get("/api/v1/policies/versions").await.json();
    let mut listed = list["items"].as_array().unwrap().iter();
    let listed = listed.find(|item| item["number"] == made["number"]).unwrap();
    for shown in [done.json(), two.root.get(&version).await.json(), listed.clone()] {
        assert_eq!(shown["state"], "active", "{shown}");
        assert_eq!(shown["activated_by"], "root@example.com");
        assert_eq!(shown["approved_by"], "other@example.com", "{shown}");
        assert_eq!(shown["approval"], approval.as_str());
    }
    let audits = two.audits(TenantId::PLATFORM).await;
    let record = audits
        .iter()
        .find(|record| record.act == "policies.activate" && record.approval.is_some())
        .unwrap();
    assert_eq!(record.approval.as_deref(), Some(approval.as_str()));
    assert_eq!(record.after.as_ref().unwrap()["approved_by"], "other@example.com");
    // Used up: taking it back wants a yes of its own.
    assert_eq!(
        two.root
            .post("/api/v1/policies/rollback", &json!({"plane": "calls"}))
            .await
            .status,
        202
    );
    assert_eq!(state().await, "active");
}

/// Giving roles takes two people; so does having an identity provider's groups give them.
#[tokio::test]
async fn anp_0014_what_groups_give_takes_two_people_where_giving_does() {
    let mut two = Two::gather(Vec::new()).await;
    let tenant = two.house.tenant.clone();
    let mut guard = two.root.invite(&two.instance, &tenant, "guard@example.com").await;
    two.root.give(&guard, "security_admin", None).await;
    // From now on at a node where giving a role wants two people.
    let address = two.instance.beside_wanting(vec![Permission::GrantsCreate]).await;
    for one in [&mut two.root, &mut two.other, &mut guard] {
        one.address = address;
    }
    let path = format!("/api/v1/tenants/{tenant}/sso");
    let with = |roles: Value| json!({"issuer": "https://id.example.com", "client_id": "gate", "domains": ["example.com"], "roles": roles});
    let admins = with(json!([{"group": "ops", "role": "tenant_admin"}]));
    let put = async |who: &Person, more: String, body: &Value| {
        let headers = format!("if-match: *\r\n{more}");
        who.ask_with("PUT", &path, &headers, Some(body)).await
    };
    // Without roles it is one person's.
    let plain = put(&two.root, String::new(), &with(json!([]))).await;
    assert_eq!(plain.status, 200, "{plain:?}");
    let wish = put(&two.root, String::new(), &admins).await;
    assert_eq!(wish.status, 202, "{wish:?}");
    assert_eq!(wish.json()["after"]["roles"][0]["role"], "tenant_admin");
    assert_eq!(two.root.get(&path).await.json()["roles"], json!([]));
    let id = wish.json()["id"].as_str().unwrap().to_owned();
    let named = format!("approval: {id}\r\n");
    let early = put(&two.root, named.clone(), &admins).await;
    assert_eq!((early.status, early.code()), invalid());
    // Not by oneself, nor by somebody who may set it up but could not give that role.
    assert_eq!(two.decide(&two.root, &id, "approve").await.status, 403);
    assert_eq!(two.decide(&guard, &id, "approve").await.status, 403);
    assert_eq!(two.decide(&two.other, &id, "approve").await.status, 200);
    // For these roles, and once.
    let more =
        with(json!([{"group": "ops", "role": "tenant_admin"}, {"group": "all", "role": "tenant_admin"}]));
    let other = put(&two.root, named.clone(), &more).await;
    assert_eq!((other.status, other.code()), invalid());
    let done = put(&two.root, named.clone(), &admins).await;
    assert_eq!(done.status, 200, "{done:?}");
    assert_eq!(two.root.get(&path).await.json()["roles"][0]["group"], "ops");
    let again = put(&two.root, named, &admins).await;
    assert_eq!((again.status, again.code()), invalid());
}
