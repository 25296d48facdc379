//! Whoever does not say who they are gets nothing, on any path, by any spelling of it, whatever else they say. What is
//! tried comes from the gate's own list of routes: a route that is added is tried with it.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use data::{ROUTES, Route};
use http::Method;
use testkit::client::raw;

use crate::scene::{self, Scene, call};

/// All that is for everybody on the data listener; what is added here is decided, not overlooked.
const OPEN: [(&str, &str); 1] = [("GET", "/.well-known/jwks.json")];

const METHODS: [&str; 9] = [
    "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND",
];

/// What would be believed by a gate that takes somebody else's word for who calls.
const CLAIMS: [(&str, &str); 12] = [
    (
        "x-bartizan-identity",
        "eyJhbGciOiJub25lIn0.eyJ0ZW5hbnQiOiJkZWZhdWx0In0.",
    ),
    ("x-bartizan-internal", "1"),
    ("x-tenant", "default"),
    ("x-tenant-id", "default"),
    ("x-consumer-username", "admin"),
    ("x-forwarded-user", "admin"),
    ("x-forwarded-client-cert", "URI=spiffe://example.org/gate"),
    ("x-ssl-client-verify", "SUCCESS"),
    ("x-original-url", "/.well-known/jwks.json"),
    ("x-rewrite-url", "/.well-known/jwks.json"),
    ("x-http-method-override", "GET"),
    ("x-internal-request", "true"),
];

async fn open_scene() -> Scene {
    let provider = testkit::ScriptedProvider::start().await;
    let text = scene::providers(&provider.base_url()).replace(
        "models: [m-oa]",
        "models: [m-oa], identity_token: { audience: engine }",
    ) + "listen: { public_url: \"https://gate.example\", data: \"127.0.0.1:@data_port@\", control: \"127.0.0.1:@control_port@\", health: \"127.0.0.1:@health_port@\" }\n";
    Scene::raise(provider, scene::builder().config(text)).await
}

fn path(route: &Route) -> String {
    route.path.replace("{id}", "m-oa")
}

/// A path and what some reader on the way might take for the same.
fn spellings(path: &str) -> Vec<String> {
    let tail = &path[1..];
    let first = tail.split('/').next().unwrap_or_default();
    vec![
        path.to_owned(),
        format!("/{path}"),
        format!("/./{tail}"),
        format!("/x/../{tail}"),
        format!("/{first}/../{tail}"),
        format!("/.well-known/jwks.json/..{path}"),
        format!("/.well-known/../{tail}"),
        format!("/.well-known/jwks.json;{path}"),
        format!("/.well-known/jwks.json%2f..%2f..{path}"),
        format!("/.well-known/jwks.json%00{path}"),
        path.replace('/', "%2F").replacen("%2F", "/", 1),
        path.replacen('/', "/%2e/", 1),
        path.replacen('v', "%76", 1),
        path.to_uppercase(),
        format!("{path}/"),
        format!("{path}."),
        format!("{path}%20"),
        format!("{path};a=b"),
        format!("{path}?key=btz_none"),
        format!("{path}#x"),
        format!("http://gate{path}"),
    ]
}

fn head(method: &str, target: &str, credential: &str, claims: &str, body: &str) -> String {
    format!(
        "{method} {target} HTTP/1.1\r\nhost: gate\r\nconnection: close\r\ncontent-type: application/json\r\n{credential}{claims}content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn anp_b0008_no_route_is_served_to_who_is_not_identified() {
    let scene = open_scene().await;
    let open: BTreeSet<_> = ROUTES
        .iter()
        .filter(|route| route.is_open)
        .map(|route| (route.method, route.path))
        .collect();
    assert_eq!(open, BTreeSet::from(OPEN));
    let gate = scene.gate.data();
    for route in &ROUTES {
        for method in METHODS {
            let body = Bytes::from(call("m-oa").to_string());
            let credentials = [None, Some("btz_none"), Some("default"), Some("")];
            for credential in credentials {
                let mut client = gate.clone();
                if let Some(credential) = credential {
                    client = client.bearer(credential);
                }
                for (name, value) in CLAIMS {
                    client = client.header(name, value);
                }
                let method = Method::from_bytes(method.as_bytes()).unwrap();
                let answer = client.request(method.clone(), &path(route), body.clone()).await;
                let status = answer.map_or(0, |answer| answer.status);
                let is_open = OPEN.contains(&(method.as_str(), route.path));
                let expected: &[u16] = if is_open {
                    &[200]
                } else if method.as_str() == route.method {
                    &[401]
                } else {
                    &[405]
                };
                assert!(
                    expected.contains(&status),
                    "{method} {} {credential:?}: {status}",
                    route.path
                );
            }
        }
    }
    assert!(scene.provider.requests().is_empty());
    // The same are served to who is identified: it is not the paths that are wrong.
    assert_eq!(
        scene
            .client()
            .post("/v1/chat/completions", &call("m-oa"))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn anp_b0008_no_other_spelling_of_a_path_leads_past_identification() {
    let scene = open_scene().await;
    let body = call("m-oa").to_string();
    let claims: String = CLAIMS
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let address = scene.gate.data().address();
    let paths: BTreeSet<_> = ROUTES.iter().flat_map(|route| spellings(&path(route))).collect();
    assert!(paths.len() > 150, "{}", paths.len());
    let mut served = BTreeSet::new();
    for target in &paths {
        for method in ["GET", "POST"] {
            for credential in ["", "authorization: Bearer btz_none\r\n"] {
                let message = head(method, target, credential, &claims, &body);
                let (answer, _) = raw::send(address, message, Duration::from_secs(5)).await;
                let statuses = raw::statuses(&answer);
                assert!(statuses.len() <= 1, "{method} {target}: {statuses:?}");
                if statuses.iter().any(|status| *status < 400) {
                    served.insert((method, target.clone()));
                }
            }
        }
    }
    // A query or a fragment behind the path, or the host before it, is not another path.
    let expected = [
        "/.well-known/jwks.json",
        "/.well-known/jwks.json?key=btz_none",
        "/.well-known/jwks.json#x",
        "http://gate/.well-known/jwks.json",
    ];
    let stray: Vec<_> = served
        .iter()
        .filter(|(method, target)| *method != "GET" || !expected.contains(&target.as_str()))
        .collect();
    assert!(
        stray.is_empty() && served.contains(&("GET", OPEN[0].1.to_owned())),
        "{stray:?} of {served:?}"
    );
    assert!(scene.provider.requests().is_empty());
}

/// Nothing that turns identification off comes into production, by whatever road.
#[tokio::test]
async fn anp_b0008_ctx_t2_production_refuses_what_turns_identification_off() {
    for posture in ["staging", "production"] {
        let said = scene::builder()
            .config(format!("posture: {posture}\nchecks: off\n"))
            .refuses()
            .await;
        assert!(said.contains("checks"), "{said}");
    }
    let said = scene::builder()
        .config("posture: production\nplugins: [auth-none]\n")
        .refuses()
        .await;
    assert!(
        said.contains("plugins"),
        "there are no plugins, and none is taken in silence: {said}"
    );
    // A reload is no way around a start.
    let scene = Scene::with("posture: production\n").await;
    scene.gate.write_config(&format!(
        "{}posture: production\nchecks: off\n",
        scene::providers(&scene.provider.base_url())
    ));
    scene
        .gate
        .lines()
        .wait_for("the new configuration is refused", Duration::from_secs(10))
        .await;
    let nobody = scene
        .gate
        .data()
        .post("/v1/chat/completions", &call("m-oa"))
        .await;
    assert_eq!(nobody.status, 401);
    assert!(scene.provider.requests().is_empty());
}
