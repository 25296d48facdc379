//! What is another tenant's cannot be told from what was never there: not by a byte of the answer, not by what is
//! written down, and not by the work done for it. For every endpoint of the list that names a thing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use control::api::{ENDPOINTS, Endpoint};
use http::Method;
use policy::Posture;
use serde_json::Value;

use crate::Answer;
use crate::counting::Counting;
use crate::matrix::body;
use crate::scene::{House, Instance, Person};

/// Refusals of one caller past so many a minute are counted instead of recorded.
const TRIES_OF_ONE_CALLER: usize = 24;
/// Things of the platform's, which no tenant has.
const OF_THE_PLATFORM: [&str; 3] = ["{version}", "{credential}", "{time}"];

struct Scene {
    instance: Instance,
    store: Arc<Counting>,
    root: Person,
    home: House,
    abroad: House,
}

impl Scene {
    async fn set() -> Self {
        let store = Arc::<Counting>::default();
        let instance = Instance::over(store.clone(), Posture::Development).await;
        let root = instance.root().await;
        let home = House::build(&instance, &root, "home").await;
        let abroad = House::build(&instance, &root, "abroad").await;
        Self {
            instance,
            store,
            root,
            home,
            abroad,
        }
    }

    /// Somebody new who may do everything in `home`.
    async fn admin(&self, number: usize) -> Person {
        let email = format!("admin{number}@example.com");
        let person = self.root.invite(&self.instance, &self.home.tenant, &email).await;
        self.root.give(&person, "tenant_admin", None).await;
        person
    }

    /// What came back, and what was done for it.
    async fn seen(&self, who: &Person, endpoint: &Endpoint, path: &str) -> Seen {
        let dry = if endpoint.is_write() { "?dry_run=true" } else { "" };
        let body: Option<Value> = body(endpoint, &self.home);
        self.store.taken();
        let answer = who
            .ask(endpoint.method.as_str(), &format!("{path}{dry}"), body.as_ref())
            .await;
        let work = self.store.taken();
        Seen { answer, work }
    }
}

#[derive(Debug)]
struct Seen {
    answer: Answer,
    work: Vec<String>,
}

impl Seen {
    /// The whole answer but the time it was given.
    fn text(&self) -> String {
        let head = self.answer.head.lines();
        let head: Vec<&str> = head
            .filter(|line| !line.to_ascii_lowercase().starts_with("date:"))
            .collect();
        format!("{}\n\n{}", head.join("\n"), self.answer.body)
    }
}

/// The same id in its last place made another that nothing has.
fn made_up(id: &str) -> String {
    let last = if id.ends_with('0') { '1' } else { '0' };
    let stem: String = id.chars().take(id.chars().count() - 1).collect();
    format!("{stem}{last}")
}

/// Things that a path names beside its tenant. The number of an increase or of a document's version is none: it counts those of
/// one budget, or of one tenant; nor is a name that is given by writing to it.
fn things(endpoint: &Endpoint) -> Vec<&'static str> {
    let parts = endpoint.path.split('/').filter(|part| part.starts_with('{'));
    let is_given = |part: &str| endpoint.method == Method::PUT && ["{sample}", "{prompt}"].contains(&part);
    parts
        .filter(|part| !is_given(part))
        .filter(|part| {
            !["{tenant}", "{increase}", "{number}"].contains(part) && !OF_THE_PLATFORM.contains(part)
        })
        .collect()
}

/// Endpoints in a tenant, by permission.
fn in_a_tenant() -> impl Iterator<Item = &'static Endpoint> {
    let permitted = ENDPOINTS.iter().filter(|endpoint| endpoint.permission.is_some());
    permitted.filter(|endpoint| endpoint.path.contains("{tenant}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_i2_anp_0015_a_thing_of_another_tenant_is_like_one_that_never_was() {
    let scene = Scene::set().await;
    let mut admin = scene.admin(0).await;
    let mut tried = 0;
    for endpoint in in_a_tenant() {
        for thing in things(endpoint) {
            if tried % TRIES_OF_ONE_CALLER == TRIES_OF_ONE_CALLER - 1 {
                admin = scene.admin(tried).await;
            }
            tried += 1;
            let what = format!("{} {} {thing}", endpoint.method, endpoint.path);
            let foreign = scene.abroad.path(thing);
            let with = |id: &str| scene.home.path(&endpoint.path.replace(thing, id));
            // Root may enter both tenants, and finds nothing of the one in the other either.
            for who in [&admin, &scene.root] {
                let theirs = scene.seen(who, endpoint, &with(&foreign)).await;
                let nobodys = scene.seen(who, endpoint, &with(&made_up(&foreign))).await;
                assert_eq!(theirs.answer.status, 404, "{what}: {theirs:?}");
                assert_eq!(theirs.text(), nobodys.text(), "{what}");
                assert_eq!(theirs.work, nobodys.work, "{what}");
                let elsewhere = theirs.work.iter().find(|one| one.contains(&scene.abroad.tenant));
                assert_eq!(elsewhere, None, "{what}: nothing is written abroad");
            }
            let nonsense = scene.seen(&admin, endpoint, &with("nonsense")).await;
            assert_eq!(nonsense.answer.status, 404, "{what}: {nonsense:?}");
        }
    }
    assert!(tried > 30, "{tried}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_i2_anp_0015_another_tenant_is_like_one_that_never_was() {
    let scene = Scene::set().await;
    let mut admin = scene.admin(0).await;
    for (tried, endpoint) in in_a_tenant().enumerate() {
        if tried % TRIES_OF_ONE_CALLER == TRIES_OF_ONE_CALLER - 1 {
            admin = scene.admin(tried).await;
        }
        let what = format!("{} {}", endpoint.method, endpoint.path);
        let path = scene.abroad.path(endpoint.path);
        let nowhere = path.replace(&scene.abroad.tenant, &made_up(&scene.abroad.tenant));
        let theirs = scene.seen(&admin, endpoint, &path).await;
        let nobodys = scene.seen(&admin, endpoint, &nowhere).await;
        assert_eq!(theirs.answer.status, 404, "{what}: {theirs:?}");
        assert_eq!(theirs.text(), nobodys.text(), "{what}");
        assert_eq!(theirs.work, nobodys.work, "{what}");
        // Both are written down where whoever tried belongs, and nowhere else.
        let commits: Vec<&String> = theirs
            .work
            .iter()
            .filter(|one| one.starts_with("commit"))
            .collect();
        assert!(
            commits.len() == 1 && commits[0].contains(&scene.home.tenant),
            "{what}: {commits:?}"
        );
    }
}

/// What one may not see in one's own tenant is not there either; that it is refused is written down only for acts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0015_what_may_not_be_seen_at_home_reads_like_what_never_was() {
    let scene = Scene::set().await;
    let mut nobody = None;
    let mut tried = 0;
    for endpoint in in_a_tenant() {
        for thing in things(endpoint) {
            if tried % TRIES_OF_ONE_CALLER == 0 {
                let email = format!("nobody{tried}@example.com");
                nobody = Some(
                    scene
                        .root
                        .invite(&scene.instance, &scene.home.tenant, &email)
                        .await,
                );
            }
            tried += 1;
            let who = nobody.as_ref().unwrap();
            let what = format!("{} {} {thing}", endpoint.method, endpoint.path);
            let hidden = scene.seen(who, endpoint, &scene.home.path(endpoint.path)).await;
            let id = made_up(&scene.home.path(thing));
            let absent = scene
                .seen(
                    who,
                    endpoint,
                    &scene.home.path(&endpoint.path.replace(thing, &id)),
                )
                .await;
            assert_eq!(hidden.answer.status, 404, "{what}: {hidden:?}");
            assert_eq!(hidden.text(), absent.text(), "{what}");
        }
    }
}

/// Asked in turn, so that what else the machine does meets both alike: what it takes to look a thing up, to hash or to
/// write something down would make one of them take a multiple of the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0015_what_is_another_tenants_takes_no_longer_to_refuse_than_what_never_was() {
    const ROUNDS: usize = 150;
    let scene = Scene::set().await;
    for pattern in ["keys/{key}", "projects/{project}", "users/{user}"] {
        let base = format!("/api/v1/tenants/{}", scene.home.tenant);
        let thing = pattern.rsplit('/').next().unwrap();
        let foreign = scene.abroad.path(thing);
        let paths =
            [foreign.clone(), made_up(&foreign)].map(|id| format!("{base}/{}", pattern.replace(thing, &id)));
        let mut times: [Vec<Duration>; 2] = Default::default();
        for round in 0..ROUNDS * 2 {
            let since = Instant::now();
            let answer = scene.root.get(&paths[round % 2]).await;
            times[round % 2].push(since.elapsed());
            assert_eq!(answer.status, 404);
        }
        let [theirs, nobodys] = times.map(|mut all| {
            all.sort();
            all[ROUNDS / 2]
        });
        let is_alike = theirs < nobodys * 2 && nobodys < theirs * 2;
        assert!(is_alike, "{pattern}: {theirs:?} against {nobodys:?}");
    }
}
