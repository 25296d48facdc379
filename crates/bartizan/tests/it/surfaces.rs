//! Three listeners that never serve each other's paths, and a way out that goes nowhere else.

use bytes::Bytes;
use http::Method;
use testkit::Reply;

use crate::scene::{self, Scene, call, code};

const DATA_PATHS: [&str; 7] = [
    "/v1/models",
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/embeddings",
    "/v1/messages",
    "/v1/messages/count_tokens",
    "/v1/estimate",
];
const CONTROL_PATHS: [&str; 4] = ["/api/v1/version", "/api/v1/ledger/key", "/api/v1/keys", "/api"];
const HEALTH_PATHS: [&str; 3] = ["/metrics", "/livez", "/readyz"];

#[tokio::test]
async fn anp_0005_anp_d0006_no_listener_serves_anothers_paths() {
    let scene = Scene::with("").await;
    let (data, control, health) = (
        scene.client(),
        scene.gate.control().bearer(&scene.key),
        scene.gate.health(),
    );
    for method in [Method::GET, Method::POST] {
        for path in CONTROL_PATHS.iter().chain(&HEALTH_PATHS) {
            let answer = data.request(method.clone(), path, Bytes::new()).await.unwrap();
            assert_eq!(
                (answer.status, code(&answer).as_str()),
                (404, "unknown_path"),
                "data {method} {path}"
            );
        }
        for path in DATA_PATHS.iter().chain(&HEALTH_PATHS) {
            let answer = control.request(method.clone(), path, Bytes::new()).await.unwrap();
            assert_eq!(answer.status, 404, "control {method} {path}");
        }
        for path in DATA_PATHS.iter().chain(&CONTROL_PATHS) {
            let answer = health.request(method.clone(), path, Bytes::new()).await.unwrap();
            assert!(
                [404, 405].contains(&answer.status),
                "health {method} {path}: {}",
                answer.status
            );
        }
    }
    assert!(scene.provider.requests().is_empty());
}

#[tokio::test]
async fn anp_0005_a_config_where_planes_share_a_listener_is_refused() {
    let said = scene::builder()
        .config("listen:\n  data: 127.0.0.1:@data_port@\n  control: 127.0.0.1:@data_port@\n  health: 127.0.0.1:@health_port@\n")
        .refuses()
        .await;
    assert!(
        said.contains("listen.control") && said.contains("hint:"),
        "{said}"
    );
}

#[tokio::test]
async fn anp_d0008_probes_are_cheap_and_take_nothing_but_reads() {
    let scene = Scene::with("").await;
    let health = scene.gate.health();
    for path in HEALTH_PATHS {
        assert_eq!(health.get(path).await.status, 200, "{path}");
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
            let answer = health
                .request(method.clone(), path, Bytes::from_static(b"{}"))
                .await
                .unwrap();
            assert_eq!(answer.status, 405, "{method} {path}");
        }
    }
    // A probe asks no provider and needs no key.
    assert!(scene.provider.requests().is_empty());
}

#[tokio::test]
async fn anp_d0008_a_flood_of_idle_probers_leaves_the_data_plane_alone() {
    let scene = Scene::with("").await;
    let mut idle = Vec::new();
    for _ in 0..100 {
        idle.push(testkit::client::raw::RawConnection::open(scene.gate.health().address()).await);
    }
    assert_eq!(
        scene
            .client()
            .post("/v1/chat/completions", &call("m-oa"))
            .await
            .status,
        200
    );
    assert_eq!(scene.client().get("/v1/models").await.status, 200);
    drop(idle);
}

#[tokio::test]
async fn anp_d0005_a_redirecting_provider_is_not_followed() {
    let scene = Scene::with("").await;
    let elsewhere = testkit::ScriptedProvider::start().await;
    for status in [301, 302, 303, 307, 308] {
        let location = format!("{}/v1/chat/completions", elsewhere.base_url());
        scene.provider.script("*", Reply::redirect(status, &location));
        for (path, model) in [("/v1/chat/completions", "m-oa"), ("/v1/messages", "m-an")] {
            let answer = scene.client().post(path, &call(model)).await;
            assert_eq!(answer.status, 502, "{status} {path}: {}", answer.text());
            assert!(
                !answer.text().contains(&elsewhere.base_url()),
                "{}",
                answer.text()
            );
            assert!(answer.header("location").is_none());
        }
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn anp_d0005_anp_d0012_addresses_the_gate_never_calls_are_refused_at_the_start() {
    for base in [
        "http://169.254.169.254/latest",
        "http://[::ffff:169.254.169.254]/",
        "http://0.0.0.0:80",
        "http://[fe80::1]",
        "file:///etc/passwd",
        "http://user:pass@127.0.0.1:1",
    ] {
        let text = format!(
            "providers:\n  - {{ name: p, kind: openai, base_url: \"{base}\", allow_plaintext: true }}\n"
        );
        let said = scene::builder().config(text).refuses().await;
        assert!(
            said.contains("error:") && said.contains("providers[0]"),
            "{base}: {said}"
        );
    }
}

/// A crash leaves no copy of the memory with its secrets.
#[tokio::test]
async fn agp_cred_2_2_the_gate_writes_no_core_dump() {
    let scene = Scene::with("").await;
    let pid = scene.gate.pid().unwrap();
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .unwrap();
    let numbers: Vec<&str> = core.split_whitespace().skip(4).take(2).collect();
    assert_eq!(numbers, ["0", "0"], "{core}");
}
